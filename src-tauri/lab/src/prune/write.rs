//! Write: the file without the experts that go. It appears under its name when it is whole, safe on the disk, and gives
//! the very logits that the old one gives without those experts.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use runtime::gguf::cut::Layout;
use runtime::gguf::{Header, Value};
use runtime::host::{Block, Cutting, Examined, Example, HostError, Look, Prompt, cut};
use serde::Serialize;

use super::plan::excluded;
use super::{LayerPlan, Outcome, Plan, PruneError, Running, Workshop, file, part_of, sweep};

/// Read by both files, so that their logits can be compared.
const PROBE: &str = "What is 17 * 23? 17 * 23 = 391. Once upon a time there was a little girl.";

/// A smaller file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Written {
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// In every layer.
    pub experts: usize,
    /// Layers that keep more than the plan says, and how many more: a file has one number for all layers.
    pub filled: BTreeMap<usize, usize>,
    /// The logits of the new file are those of the old one without the experts, bit for bit. `None`: not compared.
    pub same_logits: Option<bool>,
    /// The old file and the new one on this machine, one after the other. `None`: not compared.
    pub before: Option<Running>,
    pub after: Option<Running>,
    /// Each expert's bytes in each tensor.
    pub kept: Vec<Block>,
}

/// Who stays in the file: the plan's, and where other layers keep more, the next best.
fn filled(plan: &Plan) -> Vec<(usize, usize, Vec<u32>)> {
    let most = plan.layers.iter().map(|layer| layer.kept.len()).max().unwrap_or(0);
    let fill = |LayerPlan { layer, experts, kept, order, .. }: &LayerPlan| {
        let mut kept = kept.clone();
        let next = order.iter().copied().chain(0..*experts as u32);
        for expert in next {
            if kept.len() < most && !kept.contains(&expert) && (expert as usize) < *experts {
                kept.push(expert);
            }
        }
        kept.sort_unstable();
        (*layer, *experts, kept)
    };
    plan.layers.iter().map(fill).collect()
}

/// Bytes of the file that the plan makes of the model at `path`, to some bytes of what the check will say of it.
pub fn size_of(path: &Path, plan: &Plan) -> Result<u64, PruneError> {
    let header = Header::read(path)?;
    let Cutting { kept, texts, lists } = cutting(plan, &filled(plan));
    let mut keys: BTreeMap<String, Value> = BTreeMap::new();
    keys.extend(texts.into_iter().map(|(key, text)| (key, text.as_str().into())));
    keys.extend(lists.into_iter().map(|(key, list)| (key, list.into())));
    Ok(Layout::new(&header, &kept.into_iter().collect(), &keys)?.bytes())
}

/// Writes the model at `path` to `out` as the plan says. A plan whose check did not pass is refused unless `unchecked`.
/// `progress` gets bytes written.
pub fn write(
    path: &Path,
    plan: &Plan,
    out: &Path,
    unchecked: bool,
    compare: bool,
    workshop: &Workshop,
    progress: &mut dyn FnMut(u64),
) -> Result<Written, PruneError> {
    if !unchecked {
        plan.passed()?;
    }
    plan.model.must_be(path, "plan")?;
    if std::fs::canonicalize(out).is_ok_and(|out| std::fs::canonicalize(path).is_ok_and(|path| path == out)) {
        return Err(PruneError::Usage(format!(
            "{}: this is the model itself; give another name",
            out.display()
        )));
    }
    if let Some(LayerPlan { layer, experts, .. }) =
        plan.layers.iter().find(|layer| layer.kept.len() == layer.experts)
    {
        return Err(PruneError::Nothing { layer: *layer, experts: *experts });
    }
    if cfg!(unix) {
        sweep(out);
    }
    let part = part_of(out);
    let written = write_part(path, plan, out, &part, compare, workshop, progress);
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

impl Plan {
    /// A check of this very plan found no loss over its limit.
    pub fn passed(&self) -> Result<(), PruneError> {
        let why = match &self.check {
            None => "it was not checked".to_owned(),
            Some(check) if check.plan != self.sum() => "it was changed after it was checked".into(),
            Some(check) if check.outcome != Outcome::Passed => check.verdict.clone(),
            Some(_) => return Ok(()),
        };
        Err(PruneError::Unchecked(why))
    }

    /// The model at `path` is the one that the plan was made for.
    pub fn fits(&self, path: &Path) -> Result<(), PruneError> {
        self.model.must_be(path, "plan")
    }
}

fn write_part(
    path: &Path,
    plan: &Plan,
    out: &Path,
    part: &Path,
    compare: bool,
    workshop: &Workshop,
    progress: &mut dyn FnMut(u64),
) -> Result<Written, PruneError> {
    let layers = filled(plan);
    let output = File::create(part).map_err(file(out))?;
    let ours = output.try_clone().map_err(file(out))?;
    // Held until this process and the one that cuts are gone: see `sweep`. On Windows a lock would keep the latter out.
    if cfg!(unix) {
        let _ = ours.try_lock();
    }
    let cut = cut(workshop.spawn(path), output, &cutting(plan, &layers), &workshop.stop, progress);
    let cut = cut.map_err(|error| match error {
        HostError::Refused { code, message, .. } if code == "cut.unwritable" => {
            file(out)(std::io::Error::other(message))
        }
        other => other.into(),
    })?;
    ours.sync_all().map_err(file(out))?;
    if ours.metadata().map_err(file(out))?.len() != cut.bytes {
        let why = format!("{}: fewer bytes arrived than were written", out.display());
        return Err(PruneError::NotTheSame(why));
    }
    let tried = compare.then(|| try_both(path, part, &layers, workshop)).transpose()?;
    let same = tried.as_ref().map(|tried| tried.same);
    if same == Some(false) {
        let why = format!(
            "{}: the new file's logits are not those of the old one without the experts",
            out.display()
        );
        return Err(PruneError::NotTheSame(why));
    }
    std::fs::rename(part, out).map_err(file(out))?;
    #[cfg(unix)]
    if let Some(folder) = out.parent() {
        // The new name is safe as well. A folder that cannot be opened has taken the name all the same.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    let more = plan
        .layers
        .iter()
        .zip(&layers)
        .map(|(planned, (layer, _, kept))| (*layer, kept.len() - planned.kept.len()));
    Ok(Written {
        bytes_before: cut.bytes_before,
        bytes_after: cut.bytes,
        experts: layers.first().map_or(0, |(_, _, kept)| kept.len()),
        filled: more.filter(|(_, more)| *more > 0).collect(),
        same_logits: same,
        before: tried.as_ref().map(|tried| tried.before),
        after: tried.as_ref().map(|tried| tried.after),
        kept: cut.kept,
    })
}

/// What stays, and keys that say where the new file comes from. Lists are flat: other software reads no lists of lists.
fn cutting(plan: &Plan, layers: &[(usize, usize, Vec<u32>)]) -> Cutting {
    let text = |key: &str, value: String| (format!("lectern.prune.{key}"), value);
    let list = |key: &str, value: Vec<u32>| (format!("lectern.prune.{key}"), value);
    let outcome = match &plan.check {
        Some(check) if check.plan == plan.sum() && check.outcome == Outcome::Passed => "passed",
        Some(check) if check.plan == plan.sum() => "blocked",
        _ => "not checked",
    };
    let name = plan.model.name.clone().unwrap_or_default();
    Cutting {
        kept: layers.iter().map(|(layer, _, kept)| (*layer, kept.clone())).collect(),
        texts: BTreeMap::from([
            text("source_name", name),
            text("source_bytes", plan.model.bytes.to_string()),
            text("source_header_sha256", plan.model.header_sha256.clone()),
            text("plan_sha256", plan.sum()),
            text("score", plan.how.score.name().into()),
            text("keep", plan.how.keep.to_string()),
            text("check", outcome.into()),
        ]),
        lists: BTreeMap::from([
            list("source_experts", vec![plan.model.experts]),
            list("layers", layers.iter().map(|(layer, ..)| *layer as u32).collect()),
            // (layers, experts): numbers in the source.
            list("kept", layers.iter().flat_map(|(_, _, kept)| kept.clone()).collect()),
        ]),
    }
}

/// Both files, loaded one after the other.
struct Tried {
    same: bool,
    before: Running,
    after: Running,
}

fn try_both(
    old: &Path,
    new: &Path,
    layers: &[(usize, usize, Vec<u32>)],
    workshop: &Workshop,
) -> Result<Tried, PruneError> {
    let probe = Example { prompt: Prompt::Raw(PROBE.into()), answer: Some(String::new()), own_tokens: 0 };
    let look = |path: &Path, excluded: Vec<Vec<bool>>| -> Result<(String, Running), PruneError> {
        let mut host = workshop.start(path)?;
        let found = host.examine(&probe, &Look::Digest { excluded }, &workshop.stop)?;
        let running = Running::measure(&mut host, &workshop.stop)?;
        host.leave();
        match found {
            Examined::Digest(digest) => Ok((digest, running)),
            _ => Err(HostError::Garbled { what: "an answer to another question".into() }.into()),
        }
    };
    let masked = excluded(layers.iter().map(|(layer, experts, kept)| (*layer, *experts, &kept[..])));
    let ((one, before), (other, after)) = (look(old, masked)?, look(new, Vec::new())?);
    Ok(Tried { same: one == other, before, after })
}
