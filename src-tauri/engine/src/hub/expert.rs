//! A fetched file becomes an expert: looked at once more where it lies, tried in a process of its own, and described.

use super::catalogue::catalogue;
use super::download::Fetched;
use super::trash::Trash;
use super::{Hub, HubError};
use crate::pool::{Expert, Implementation, Manifest, Offer, Pool, Reads, base};
use crate::words::Failure;
use runtime::host::{Host, Purpose, Spawn};
use runtime::inspect::inspect;
use serde::Serialize;
use std::path::Path;
use ts_rs::TS;

/// How the expert is to be; what is left out is taken from the file and the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub name: Option<String>,
    pub domains: Vec<String>,
    pub licence: Option<String>,
}

impl Hub {
    /// Adds the file to the pool; an expert that has these very bytes already is given back as it is, and one that is the
    /// same model with other bits a weight gets the file as one more of its own. `host`: the program that hosts experts;
    /// the file's tokenizer and template are read there and not here.
    pub fn add_expert(
        &self,
        pool: &Pool,
        fetched: &Fetched,
        wish: &Wish,
        host: &Path,
    ) -> Result<Manifest, Failure> {
        let experts = pool.experts();
        let has_it = |expert: &&Expert| {
            expert.manifest.implementations.iter().any(|file| file.sha256 == fetched.sha256)
        };
        if let Some(known) = experts.iter().find(has_it).filter(|_| wish.name.is_none()) {
            return Ok(known.manifest.clone());
        }
        let facts = inspect(&fetched.path).map_err(|error| Failure {
            code: error.code().into(),
            message: format!("{} was fetched, and is no expert: {}", fetched.name.file, error.problem),
            fix: error.fix().into(),
            detail: None,
        })?;
        if let Some(why) = facts.why_not.clone().filter(|_| !facts.supported) {
            return Err(HubError::Unsupported { file: fetched.name.file.clone(), why }.into());
        }
        let spawn = Spawn { purpose: Purpose::Tokenize, ..Spawn::new(host, &fetched.path) };
        Host::start(spawn, &mut |_| {}).map(Host::leave).map_err(|error| Failure {
            code: error.code().into(),
            message: format!("{} was fetched, and is no expert: {error}", fetched.name.file),
            fix: error.fix().into(),
            detail: error.detail().map(str::to_owned),
        })?;

        let implementation = Implementation::of(&fetched.path, &facts, &fetched.sha256);
        let is_meant = |expert: &&Expert| wish.name.as_ref().is_none_or(|name| *name == expert.manifest.name);
        let is_same = |expert: &&Expert| {
            let files = &expert.manifest.implementations;
            let is_wanted = !expert.starter && expert.manifest.offer == Offer::Accepted;
            is_wanted && files.iter().any(|its| its.is_same_model(&implementation))
        };
        if let Some(known) = experts.iter().filter(is_meant).find(is_same) {
            return Ok(pool.extend(known.manifest.clone(), implementation)?);
        }

        let pick = catalogue()
            .into_iter()
            .find(|pick| pick.repo == fetched.name.repo && pick.file == fetched.name.file);
        let name = wish.name.clone().unwrap_or_else(|| free_name(&fetched.name.file, pool));
        let mut manifest = Manifest::named(&name);
        let of_file = facts.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        manifest.title = pick.as_ref().map(|pick| pick.title.clone()).or(of_file).unwrap_or(name);
        manifest.description = pick.as_ref().map(|pick| pick.why.clone()).unwrap_or_default();
        let wanted = wish.domains.iter().map(|domain| domain.trim().to_lowercase());
        manifest.domains = wanted.filter(|domain| !domain.is_empty()).collect();
        if manifest.domains.is_empty() {
            manifest.domains = pick.map(|pick| pick.domains).unwrap_or_default();
        }
        manifest.licence = wish.licence.clone().or(facts.license).unwrap_or_default();
        manifest.origin = format!("{} at {}", fetched.name.repo, fetched.commit);
        manifest.sampling = facts.sampling;
        manifest.reads = Reads::Conversation;
        manifest.implementations = vec![implementation];
        pool.put(&manifest)?;
        Ok(manifest)
    }
}

impl Trash {
    /// Takes an expert out of the pool, and of its files those out of the cache that we fetched and that no other expert
    /// uses. Gives the bytes that come free.
    pub fn remove_expert(&self, pool: &Pool, name: &str) -> Result<u64, Failure> {
        let (gone, counts) = (pool.get(name)?.manifest, pool.counts(name)?);
        let mut freed = pool.remove(name)?;
        self.keep(name, counts);
        for file in &gone.implementations {
            freed += self.remove_if_unused(pool, file)?;
        }
        Ok(freed)
    }

    /// Undoes [`Trash::remove_expert`]: its files, and what was measured of it, are there again.
    pub fn restore_expert(&self, pool: &Pool, manifest: &Manifest) -> Result<(), Failure> {
        for Implementation { sha256, .. } in &manifest.implementations {
            if self.list().iter().any(|kept| kept.sha256 == *sha256) {
                self.undo(sha256)?;
            }
        }
        pool.put(manifest)?;
        match self.kept(&manifest.name) {
            Some(counts) => Ok(pool.put_back(&counts)?),
            None => Ok(()),
        }
    }
}

/// One file of an expert went, the expert stays.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct WithoutFile {
    pub file: Implementation,
    #[ts(type = "number")]
    pub freed_bytes: u64,
    /// As it is now, with the file that it uses.
    pub expert: Expert,
}

impl Trash {
    /// Takes one of several files from an expert, by the file or its quantisation, and out of the cache when we fetched it
    /// and no other expert uses it.
    pub fn remove_build(&self, pool: &Pool, name: &str, wanted: &str) -> Result<WithoutFile, Failure> {
        let (taken, expert) = pool.take_file(name, wanted)?;
        let file = taken.file.clone();
        self.keep_file(name, taken);
        let freed_bytes = self.remove_if_unused(pool, &file)?;
        Ok(WithoutFile { file, freed_bytes, expert })
    }

    /// Undoes [`Trash::remove_build`].
    pub fn restore_build(&self, pool: &Pool, name: &str, file: &str) -> Result<Expert, Failure> {
        let taken = self.kept_file(name, file).ok_or_else(|| HubError::NotRemoved(file.into()))?;
        pool.get(name)?;
        if self.list().iter().any(|kept| kept.sha256 == taken.file.sha256) {
            self.undo(&taken.file.sha256)?;
        }
        let expert = pool.give_file(name, &taken)?;
        self.forget_file(name, file);
        Ok(expert)
    }

    fn remove_if_unused(&self, pool: &Pool, gone: &Implementation) -> Result<u64, Failure> {
        let others = pool.manifests();
        let is_used = others.iter().flat_map(|other| &other.implementations).any(|its| its.file == gone.file);
        Ok(if is_used { 0 } else { self.remove_file(Path::new(&gone.file), &gone.sha256)? })
    }
}

/// `sub/Qwen3-4B-Q4_K_M.gguf` is `qwen3-4b`: other files of it may have other bits. With a number behind where that is
/// taken.
pub(super) fn free_name(file: &str, pool: &Pool) -> String {
    let starters = pool.experts().into_iter().map(|expert| expert.manifest.name);
    let taken: Vec<String> = pool.manifests().into_iter().map(|it| it.name).chain(starters).collect();
    name_beside(file, &taken)
}

fn name_beside(file: &str, taken: &[String]) -> String {
    let last = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let stem = base(&last).unwrap_or_else(|| last.trim_end_matches(".gguf").to_owned());
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let mut name: String = parts.join("-").chars().take(36).collect();
    if name.is_empty() {
        name = "expert".into();
    }
    let is_taken = |name: &String| taken.contains(name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::check_name;

    #[test]
    fn names_are_made_of_files() {
        for (file, name) in [
            ("sub/Qwen3-4B-Q4_K_M.gguf", "qwen3-4b"),
            ("model-Q8_0.gguf", "model-q8-0"),
            ("...gguf", "expert"),
            ("Ähm é.gguf", "hm"),
        ] {
            assert_eq!(name_beside(file, &[]), name);
            check_name(name).unwrap();
        }
        assert_eq!(name_beside("a-Q4_0.gguf", &["a".into(), "a-2".into()]), "a-3");
        check_name(&name_beside(&format!("{}.gguf", "x-".repeat(40)), &[])).unwrap();
    }
}
