//! Packs: what a domain needs, in one YAML file: experts with their prompts, bullets of a playbook, words that mark the domain,
//! and questions whose answers can be checked.
//!
//! In:     the packs that are shipped, files that the user gives, an expert of the pool whose model answers
//! Out:    experts that speak for the pack over that model, lessons by which routing knows its questions, bullets of the playbook,
//!         a file for bench
//! Fails:  a pack that is not right, with its line; a model that reads no prompts; a name that is taken
//! Cost:   importing writes a few small files; no model is copied
//!
//! A pack is imported when its file lies in `packs` of the home.

mod file;

pub use file::{Pack, PackExpert, PackQuestion};

use crate::archive::Archive;
use crate::home::{Home, write_atomically};
use crate::lessons::{Lessons, New, TaughtBy};
use crate::playbook::Playbook;
use crate::pool::{Expert, Manifest, Pool, PoolError, Reads};
use crate::words::Failure;
use serde::Serialize;
use std::path::{Path, PathBuf};
use ts_rs::TS;

const SHIPPED: [(&str, &str); 12] = [
    ("general", include_str!("../../packs/general.yaml")),
    ("code", include_str!("../../packs/code.yaml")),
    ("maths", include_str!("../../packs/maths.yaml")),
    ("physics", include_str!("../../packs/physics.yaml")),
    ("reasoning", include_str!("../../packs/reasoning.yaml")),
    ("planning", include_str!("../../packs/planning.yaml")),
    ("knowledge", include_str!("../../packs/knowledge.yaml")),
    ("writing", include_str!("../../packs/writing.yaml")),
    ("law", include_str!("../../packs/law.yaml")),
    ("art-valuation", include_str!("../../packs/art-valuation.yaml")),
    ("insurance-compliance", include_str!("../../packs/insurance-compliance.yaml")),
    ("market-research", include_str!("../../packs/market-research.yaml")),
];

/// A pack as it is here.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[ts(rename = "ListedPack")]
pub struct Listed {
    pub pack: Pack,
    /// It comes with Lectern.
    pub shipped: bool,
    /// Its file lies in the home.
    pub imported: bool,
    /// Experts of the pool that speak for it, with a model.
    pub experts: Vec<String>,
    /// Its questions, for `lectern bench --file`; when it is imported.
    pub questions_file: Option<String>,
}

/// The packs of one home.
pub struct Packs {
    folder: PathBuf,
}

/// What a pack goes into.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    pub pool: &'a Pool,
    pub lessons: &'a Lessons,
    pub playbook: &'a Playbook,
    /// By its encoder two bullets are known to say the same.
    pub archive: &'a Archive,
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error("there is no pack named {name}; there are {known}")]
    NotFound { name: String, known: String },
    #[error("the pack {0} is not imported")]
    NotImported(String),
    #[error("{title} reads single questions and no prompt: it cannot speak for a pack")]
    ReadsNoPrompt { title: String },
    #[error("could not {doing} {}: {source}", path.display())]
    Files { doing: &'static str, path: PathBuf, source: std::io::Error },
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Failure {
        let message = error.to_string();
        let (code, fix) = match error {
            PackError::Pool(PoolError::BadPoolFile { .. }) => {
                ("packs.bad_file", "Correct that place of the file.")
            }
            PackError::Pool(error) => return error.into(),
            PackError::NotFound { .. } => ("packs.not_found", "Choose one of these, or give a file."),
            PackError::NotImported(_) => {
                ("packs.not_imported", "`lectern packs list` shows what is imported.")
            }
            PackError::ReadsNoPrompt { .. } => (
                "packs.reads_no_prompt",
                "Choose an expert that you added; `lectern packs show NAME` names models that would do.",
            ),
            PackError::Files { .. } => (
                "packs.files",
                "Check that the path is right, the disk is not full, and you may use the folder.",
            ),
        };
        Failure { code: code.into(), message, fix: fix.into(), detail: None }
    }
}

fn files(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PackError {
    let path = path.to_path_buf();
    move |source| PackError::Files { doing, path, source }
}

impl Packs {
    pub fn of(home: &Home) -> Packs {
        Packs { folder: home.root().join("packs") }
    }

    /// Shipped ones first, then those of files. One whose file is not right is left out.
    pub fn list(&self, pool: &Pool) -> Vec<Listed> {
        self.all(pool).into_iter().flatten().collect()
    }

    /// The same; where a file is not right, why.
    pub fn all(&self, pool: &Pool) -> Vec<Result<Listed, PackError>> {
        let shipped = SHIPPED.iter().map(|(name, _)| (*name).to_owned());
        let mut names: Vec<String> = shipped.collect();
        let there = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut own: Vec<String> = there
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".yaml")?.to_owned()))
            .filter(|name| !names.contains(name))
            .collect();
        own.sort();
        names.extend(own);
        let experts = pool.experts();
        names.iter().map(|name| self.listed(name, &experts)).collect()
    }

    /// One by its name: as it was imported, else as it is shipped.
    pub fn get(&self, name: &str, pool: &Pool) -> Result<Listed, PackError> {
        self.listed(name, &pool.experts())
    }

    /// By its name, or from a file.
    pub fn find(&self, wanted: &str) -> Result<Pack, PackError> {
        match wanted.ends_with(".yaml") || wanted.ends_with(".yml") {
            true => Ok(Pack::read(Path::new(wanted))?),
            false => self.named(wanted),
        }
    }

    /// Imports it; its bullets go into the playbook. With `expert`, an expert of the pool that reads prompts, the pack's experts
    /// are added over its model, and the pack's wordings become lessons for the first of them. Everything that can be wrong is
    /// looked for first.
    pub fn add(&self, pack: &Pack, expert: Option<&str>, to: Stores<'_>) -> Result<Listed, Failure> {
        let Stores { pool, lessons, playbook, archive } = to;
        let speakers = match expert {
            None => Vec::new(),
            Some(name) => speakers(pack, &pool.get(name)?)?,
        };
        let here = pool.experts();
        for speaker in &speakers {
            let is_taken = |known: &&Expert| {
                known.manifest.name == speaker.name && known.manifest.origin != speaker.origin
            };
            if here.iter().any(|known| is_taken(&known)) {
                return Err(PoolError::NameTaken(speaker.name.clone()).into());
            }
        }
        // What it told when it was another.
        if let Ok(old) = self.get(&pack.name, pool)
            && old.imported
        {
            let now = |text: &&String| old.pack.domain != pack.domain || !pack.playbook.contains(text);
            let gone: Vec<String> = old.pack.playbook.iter().filter(now).cloned().collect();
            playbook.remove_pack(&old.pack.domain, &self.of_none_but(&old.pack, gone, pool))?;
        }
        std::fs::create_dir_all(&self.folder).map_err(files("make", &self.folder))?;
        self.write(&self.file(&pack.name), pack.to_yaml()?.as_bytes())?;
        self.write(&self.questions(&pack.name), pack.bench().as_bytes())?;
        for speaker in &speakers {
            if here.iter().any(|known| known.manifest.name == speaker.name) {
                pool.remove(&speaker.name)?;
            }
            pool.put(speaker)?;
        }
        if let Some(first) = speakers.first() {
            let lesson = |question| New {
                question,
                expert: &first.name,
                right: true,
                source: TaughtBy::Told,
                turn: None,
            };
            let new: Vec<New<'_>> = pack.wordings.iter().map(|wording| lesson(wording.as_str())).collect();
            lessons.add(&new)?;
        }
        playbook.add_pack(archive, &pack.domain, &pack.playbook)?;
        Ok(self.get(&pack.name, pool)?)
    }

    /// Takes it out, with its experts, its lessons, and those of its bullets that nobody has changed. The model that they spoke
    /// with stays.
    pub fn remove(&self, name: &str, from: Stores<'_>) -> Result<(), Failure> {
        let Stores { pool, lessons, playbook, .. } = from;
        let listed = self.get(name, pool)?;
        if !listed.imported {
            return Err(PackError::NotImported(name.into()).into());
        }
        for expert in &listed.experts {
            for lesson in lessons.list()? {
                if lesson.expert == *expert && listed.pack.wordings.contains(&lesson.question) {
                    lessons.remove(Some(lesson.id))?;
                }
            }
            pool.forget(expert)?;
        }
        let bullets = self.of_none_but(&listed.pack, listed.pack.playbook.clone(), pool);
        playbook.remove_pack(&listed.pack.domain, &bullets)?;
        let questions = self.questions(name);
        if questions.exists() {
            std::fs::remove_file(&questions).map_err(files("remove", &questions))?;
        }
        let path = self.file(name);
        Ok(std::fs::remove_file(&path).map_err(files("remove", &path))?)
    }

    /// Those of `bullets` that no other imported pack of this domain has.
    fn of_none_but(&self, pack: &Pack, mut bullets: Vec<String>, pool: &Pool) -> Vec<String> {
        let others = self.list(pool).into_iter().filter(|other| other.imported);
        for other in others.filter(|other| other.pack.name != pack.name && other.pack.domain == pack.domain) {
            bullets.retain(|bullet| !other.pack.playbook.contains(bullet));
        }
        bullets
    }

    fn named(&self, name: &str) -> Result<Pack, PackError> {
        let path = self.file(name);
        // A name is a file's name: no way leads out of the folder.
        if crate::pool::check_name(name).is_ok() && path.is_file() {
            return Ok(Pack::read(&path)?);
        }
        let known = || SHIPPED.map(|(name, _)| name).join(", ");
        let text = SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text);
        let text = text.ok_or_else(|| PackError::NotFound { name: name.into(), known: known() })?;
        Ok(Pack::parse(text, Path::new(&format!("{name}.yaml")))?)
    }

    fn listed(&self, name: &str, experts: &[Expert]) -> Result<Listed, PackError> {
        let pack = self.named(name)?;
        let imported = self.file(name).is_file();
        let speaks = |expert: &&Expert| expert.manifest.origin.starts_with(&origin(name, ""));
        let experts = experts.iter().filter(speaks).map(|expert| expert.manifest.name.clone()).collect();
        let questions_file = imported.then(|| self.questions(name).display().to_string());
        let shipped = SHIPPED.iter().any(|(shipped, _)| *shipped == name);
        Ok(Listed { pack, shipped, imported, experts, questions_file })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.yaml"))
    }

    fn questions(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.jsonl"))
    }

    fn write(&self, path: &Path, text: &[u8]) -> Result<(), PackError> {
        write_atomically(path, text).map_err(files("write", path))
    }
}

/// By this an expert is known as one of a pack.
fn origin(pack: &str, model: &str) -> String {
    format!("pack {pack}, speaking with {model}")
}

/// The experts of a pack over the model of another expert.
fn speakers(pack: &Pack, model: &Expert) -> Result<Vec<Manifest>, PackError> {
    let Manifest { title, reads, implementations, uses, licence, sampling, .. } = &model.manifest;
    if *reads != Reads::Conversation || model.starter {
        return Err(PackError::ReadsNoPrompt { title: title.clone() });
    }
    let speaker = |expert: &PackExpert| {
        let mut manifest = Manifest::named(&pack.speaker(expert));
        manifest.title = format!("{} ({title})", expert.title);
        manifest.description = pack.about.clone();
        manifest.domains = vec![pack.domain.clone()];
        manifest.optimal_complexity = expert.complexity;
        manifest.system_prompt = Some(expert.system_prompt.clone());
        manifest.sampling = runtime::sample::Sampling { temperature: expert.temperature, ..sampling.clone() };
        manifest.max_tokens = expert.max_tokens;
        manifest.licence.clone_from(licence);
        manifest.origin = origin(&pack.name, &model.manifest.name);
        manifest.examples = pack.wordings.iter().take(3).cloned().collect();
        manifest.handles.keywords = pack.keywords.iter().map(|word| (word.clone(), file::KEYWORD)).collect();
        (manifest.implementations, manifest.uses) = (implementations.clone(), uses.clone());
        manifest
    };
    Ok(pack.experts.iter().map(speaker).collect())
}
