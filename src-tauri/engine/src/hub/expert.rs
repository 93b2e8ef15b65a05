//! A fetched file becomes an expert: looked at once more where it lies, tried in a process of its own, and described.

use super::catalogue::catalogue;
use super::download::Fetched;
use super::trash::Trash;
use super::{Hub, HubError};
use crate::pool::{Expert, Implementation, Manifest, Pool, Reads};
use crate::words::Failure;
use runtime::host::{Host, Purpose, Spawn};
use runtime::inspect::inspect;
use std::path::Path;

/// How the expert is to be; what is left out is taken from the file and the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub name: Option<String>,
    pub domains: Vec<String>,
    pub licence: Option<String>,
}

impl Hub {
    /// Adds the file to the pool; an expert that has these very bytes already is given back as it is. `host`: the program
    /// that hosts experts; the file's tokenizer and template are read there and not here.
    pub fn add_expert(
        &self,
        pool: &Pool,
        fetched: &Fetched,
        wish: &Wish,
        host: &Path,
    ) -> Result<Manifest, Failure> {
        let experts = pool.experts();
        let has_it = |expert: &&Expert| {
            expert.manifest.implementations.first().is_some_and(|file| file.sha256 == fetched.sha256)
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
        if let Some(why) = facts.why_not.filter(|_| !facts.supported) {
            return Err(HubError::Unsupported { file: fetched.name.file.clone(), why }.into());
        }
        let spawn = Spawn { purpose: Purpose::Tokenize, ..Spawn::new(host, &fetched.path) };
        Host::start(spawn, &mut |_| {}).map(Host::leave).map_err(|error| Failure {
            code: error.code().into(),
            message: format!("{} was fetched, and is no expert: {error}", fetched.name.file),
            fix: error.fix().into(),
            detail: error.detail().map(str::to_owned),
        })?;

        let pick = catalogue()
            .into_iter()
            .find(|pick| pick.repo == fetched.name.repo && pick.file == fetched.name.file);
        let name = wish.name.clone().unwrap_or_else(|| free_name(&fetched.name.file, &experts));
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
        manifest.reads = Reads::Conversation;
        manifest.implementations = vec![Implementation {
            file: fetched.path.display().to_string(),
            quantisation: facts.quantisation,
            bytes: fetched.bytes,
            sha256: fetched.sha256.clone(),
            parameters: facts.parameters,
        }];
        pool.put(&manifest)?;
        Ok(manifest)
    }
}

impl Trash {
    /// Takes an expert out of the pool, and its file out of the cache when we fetched it and no other expert uses it.
    /// Gives the bytes that come free.
    pub fn remove_expert(&self, pool: &Pool, name: &str) -> Result<u64, Failure> {
        let gone = pool.get(name)?;
        let freed = pool.remove(name)?;
        let Some(file) = gone.manifest.implementations.first() else { return Ok(freed) };
        if pool.experts().iter().any(|other| other.file == gone.file) {
            return Ok(freed);
        }
        Ok(freed + self.remove_file(&gone.file, &file.sha256)?)
    }

    /// Undoes [`Trash::remove_expert`]. What was measured of it was forgotten, and is measured anew.
    pub fn restore_expert(&self, pool: &Pool, manifest: &Manifest) -> Result<(), Failure> {
        if let Some(file) = manifest.implementations.first()
            && self.list().iter().any(|kept| kept.sha256 == file.sha256)
        {
            self.undo(&file.sha256)?;
        }
        Ok(pool.put(manifest)?)
    }
}

/// `sub/Qwen3-4B-Q4_K_M.gguf` is `qwen3-4b-q4-k-m`; with a number behind where that is taken.
fn free_name(file: &str, experts: &[Expert]) -> String {
    let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".gguf").to_ascii_lowercase();
    let plain: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let mut name: String = parts.join("-").chars().take(36).collect();
    if name.is_empty() {
        name = "expert".into();
    }
    let is_taken = |name: &str| experts.iter().any(|expert| expert.manifest.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::check_name;

    #[test]
    fn names_are_made_of_files() {
        let taken = [];
        for (file, name) in
            [("sub/Qwen3-4B-Q4_K_M.gguf", "qwen3-4b-q4-k-m"), ("...gguf", "expert"), ("Ähm é.gguf", "hm")]
        {
            assert_eq!(free_name(file, &taken), name);
            check_name(name).unwrap();
        }
        let long = free_name(&format!("{}.gguf", "x-".repeat(40)), &taken);
        check_name(&long).unwrap();
    }
}
