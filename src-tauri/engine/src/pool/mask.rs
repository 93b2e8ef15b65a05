//! Mask: experts inside a mixture that a file goes without, until the mask is taken off. And the file that a cut has made:
//! one more build of the expert that it comes from.

use super::starters::sha256_of;
use super::{Expert, Implementation, Manifest, Offer, Pool, PoolError, check_name, said};
use crate::home::write_atomically;
use runtime::gguf::Header;
use runtime::inspect::facts;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use ts_rs::TS;

/// No model has more layers, and no layer more experts.
const MOST: usize = 1 << 16;

/// Who stays, and by what that was decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Mask {
    pub layers: Vec<MaskedLayer>,
    /// What the experts were compared by, as the plan names it.
    pub score: String,
    /// Sum of the plan.
    pub plan: String,
    /// Nats by which a token of the held-out questions was foretold worse, where that was checked.
    pub loss: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MaskedLayer {
    #[ts(type = "number")]
    pub layer: usize,
    /// Of the file.
    #[ts(type = "number")]
    pub experts: usize,
    /// Those that stay.
    pub kept: Vec<u32>,
}

impl Mask {
    /// (layers, experts): true is left out. What no model can have is passed over.
    pub fn excluded(&self) -> Vec<Vec<bool>> {
        let mut all = Vec::new();
        for MaskedLayer { layer, experts, kept } in &self.layers {
            if *layer >= MOST || *experts > MOST {
                continue;
            }
            if all.len() <= *layer {
                all.resize(layer + 1, Vec::new());
            }
            all[*layer] = (0..*experts as u32).map(|expert| !kept.contains(&expert)).collect();
        }
        all
    }
}

impl Implementation {
    /// What an expert's process is told to go without.
    pub fn left_out(&self) -> Vec<Vec<bool>> {
        self.mask.as_ref().map(Mask::excluded).unwrap_or_default()
    }
}

impl Pool {
    /// The file in use goes without these of its experts from the next load on; `None`: all files with all of theirs again.
    /// `bytes`: of the file that the mask was made for.
    pub fn mask(&self, name: &str, mask: Option<(Mask, u64)>) -> Result<Expert, PoolError> {
        let mut expert = self.get(name)?;
        let using = expert.using;
        let its = expert.manifest.implementations.get_mut(using);
        let Some(its) = its else { return Err(PoolError::LastFile(name.into())) };
        if let Some((_, bytes)) = mask.as_ref().filter(|(_, bytes)| *bytes != its.bytes) {
            let why = format!("it has {} bytes, and the one that was scanned {bytes}", its.bytes);
            return Err(PoolError::Mask { file: its.file.clone(), why });
        }
        let mask = mask.map(|(mask, _)| mask);
        match &mask {
            Some(_) => its.mask = mask.clone(),
            None => expert.manifest.implementations.iter_mut().for_each(|its| its.mask = None),
        }
        if !expert.starter {
            self.write(&expert.manifest)?;
            return self.get(name);
        }
        let path = self.mask_of_starter(name);
        let files = |source| PoolError::Files { doing: "write", path: path.clone(), source };
        match &mask {
            None if !path.exists() => {}
            None => std::fs::remove_file(&path).map_err(files)?,
            Some(mask) => {
                let text = serde_json::to_vec_pretty(mask).map_err(|error| files(error.into()))?;
                write_atomically(&path, &text).map_err(files)?;
            }
        }
        self.get(name)
    }

    /// A starter's manifest is Lectern's own: its mask lies beside the added experts.
    fn mask_of_starter(&self, name: &str) -> PathBuf {
        self.home.pool_dir().join(format!("{name}.mask"))
    }

    /// One that cannot be read is none: the expert answers whole.
    pub(super) fn masked(&self, starter: &mut Expert) {
        let Some(its) = starter.manifest.implementations.get_mut(starter.using) else { return };
        let text = std::fs::read(self.mask_of_starter(&starter.manifest.name)).unwrap_or_default();
        its.mask = serde_json::from_slice(&text).ok();
    }

    /// The file that model pruning has made from one of the expert's files becomes a build of it. A starter keeps its one
    /// file: the new one becomes an expert of its own, `NAME-pruned`, that is asked by hand or by its domains.
    pub fn add_pruned(&self, name: &str, file: &Path) -> Result<Expert, PoolError> {
        let expert = self.get(name)?;
        let bad =
            |error: runtime::gguf::GgufError| PoolError::BadFile(said(error.code(), error.fix(), &error));
        let files = |doing| move |source| PoolError::Files { doing, path: file.to_path_buf(), source };
        let file = &std::path::absolute(file).map_err(files("find"))?;
        let header = Header::read(file).map_err(bad)?;
        let text = |key: &str| header.text(&format!("lectern.prune.{key}")).ok().flatten().map(str::to_owned);
        let source_bytes = text("source_bytes").and_then(|bytes| bytes.parse::<u64>().ok());
        let its_own = |its: &&Implementation| Some(its.bytes) == source_bytes;
        let Some(source) = expert.manifest.implementations.iter().find(its_own) else {
            return Err(PoolError::NotPruned { name: name.into(), path: file.clone() });
        };
        let about = facts(&header).map_err(bad)?;
        let all = header.integers("lectern.prune.source_experts").ok().flatten();
        let all = all.and_then(|all| all.first().copied()).unwrap_or_default();
        let (score, check) = (text("score").unwrap_or_default(), text("check").unwrap_or_default());
        let sha256 = sha256_of(file).map_err(files("read"))?;
        let build = Implementation {
            pruned: Some(format!(
                "{} of {all} experts in each layer, by {score}, check: {check}",
                about.experts
            )),
            quantisation: source.quantisation.clone(),
            ..Implementation::of(file, &about, &sha256)
        };
        if !expert.starter {
            let manifest = self.extend(expert.manifest, build)?;
            return self.get(&manifest.name);
        }
        let manifest = Manifest {
            name: format!("{name}-pruned"),
            title: format!("{}, pruned", expert.manifest.title),
            origin: format!("{}, pruned by you", expert.manifest.title),
            // Measured of the whole model.
            measured: Vec::new(),
            fallback: false,
            implementations: vec![build],
            uses: None,
            offer: Offer::Accepted,
            ..expert.manifest
        };
        check_name(&manifest.name).map_err(PoolError::BadName)?;
        match self.get(&manifest.name) {
            Ok(known) if !known.starter => self.write(&manifest)?,
            _ => self.put(&manifest)?,
        }
        self.get(&manifest.name)
    }
}
