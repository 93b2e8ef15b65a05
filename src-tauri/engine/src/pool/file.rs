//! The pool file: how questions are routed, how several answers become one, and the experts, in one YAML file that people
//! write. `pool.yaml` of the home is followed: a change counts for the next question.
//!
//! What a line means is done, or refused with its line and column. Experts of the file are added and changed; one that the
//! file does not name stays as it is.

use super::yaml::{Look, Scalar, bad, of_yaml, whole};
use super::{Endpoint, Implementation, Manifest, Pool, PoolError, check_name, edit};
use crate::words::{Aggregate, Failure};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use ts_rs::TS;

/// More experts than this are no council.
const COUNCIL: u32 = 64;
/// A file of some thousand experts.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolFile {
    pub router: Router,
    pub aggregation: Aggregation,
    pub management: Management,
    #[serde(deserialize_with = "entries")]
    pub experts: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Router {
    #[serde(rename = "type")]
    pub kind: RouterKind,
    /// So many experts are asked when a question says nothing of it; 1 asks the best alone.
    #[serde(deserialize_with = "top_k")]
    pub top_k: u32,
    /// Below this score the generalist answers.
    #[serde(deserialize_with = "part")]
    pub min_confidence: f32,
}

impl Default for Router {
    fn default() -> Self {
        Router { kind: RouterKind::Neural, top_k: 1, min_confidence: 0.35 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RouterKind {
    /// The classifier has 0.6 of the word, the expert 0.4.
    #[default]
    Neural,
    /// The expert's own word alone: its keywords, patterns and domains.
    Heuristic,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Aggregation {
    /// How the answers of several experts become one when a question says nothing of it.
    pub strategy: Aggregate,
    /// The expert that writes an ensemble's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub synthesis_model: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    #[serde(deserialize_with = "no_scaling")]
    pub auto_scale: bool,
    /// Performance, as `lectern pool report` has it, under which an expert with enough answers is named there.
    #[serde(deserialize_with = "part")]
    pub performance_threshold: f32,
    /// Such experts are retired when Lectern starts; `lectern pool restore` takes them back.
    pub remove_underperforming: bool,
}

impl Default for Management {
    fn default() -> Self {
        Management { auto_scale: false, performance_threshold: 0.0, remove_underperforming: false }
    }
}

/// One expert. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    #[serde(deserialize_with = "name")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// Files of one model with more or fewer bits a weight, absolute or beside the pool file; none for a starter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<PathBuf>,
    /// In their place: a server outside Lectern. Whether the router may send questions there is not the file's to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Server>,
    #[serde(default = "one", deserialize_with = "one_instance")]
    pub max_instances: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "max_tokens")]
    pub max_tokens: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    #[serde(deserialize_with = "address")]
    pub url: String,
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
}

impl Server {
    fn endpoint(&self) -> Result<Endpoint, PoolError> {
        Endpoint::new(&self.url, &self.model, self.context)
    }
}

fn address<'d, D: Deserializer<'d>>(from: D) -> Result<String, D::Error> {
    from.deserialize_str(Look(|value: Scalar| match value {
        Scalar::Text(url) => {
            Endpoint::new(url, "any", None).map(|its| its.url).map_err(|error| error.to_string())
        }
        _ => Err("it is an address".into()),
    }))
}

fn one() -> u32 {
    1
}

fn entries<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<Entry>, D::Error> {
    let entries = Option::<Vec<Entry>>::deserialize(from)?.unwrap_or_default();
    let mut names = HashSet::new();
    match entries.iter().find(|entry| !names.insert(&entry.name)) {
        Some(twice) => Err(de::Error::custom(format!("the expert {} is there twice", twice.name))),
        None => Ok(entries),
    }
}

fn top_k<'d, D: Deserializer<'d>>(from: D) -> Result<u32, D::Error> {
    whole(from, COUNCIL, |k| format!("top_k is {k}: it is 1 to {COUNCIL}"))
}

fn part<'d, D: Deserializer<'d>>(from: D) -> Result<f32, D::Error> {
    from.deserialize_any(Look(|value: Scalar| match value {
        Scalar::Number(part) if (0.0..=1.0).contains(&part) => Ok(part as f32),
        Scalar::Number(part) => Err(format!("{part} is not from 0 to 1")),
        _ => Err("it is a number from 0 to 1".into()),
    }))
}

fn no_scaling<'d, D: Deserializer<'d>>(from: D) -> Result<bool, D::Error> {
    from.deserialize_any(Look(|value: Scalar| match value {
        Scalar::Bool(false) => Ok(false),
        Scalar::Bool(true) => Err(
            "auto_scale is true, and Lectern never runs an expert twice: one at a time stands in memory; write false"
                .to_owned(),
        ),
        _ => Err("it is true or false".into()),
    }))
}

fn one_instance<'d, D: Deserializer<'d>>(from: D) -> Result<u32, D::Error> {
    whole(from, 1, |many| {
        format!(
            "max_instances is {many}, and Lectern never runs an expert twice: questions wait for it; write 1"
        )
    })
}

fn name<'d, D: Deserializer<'d>>(from: D) -> Result<String, D::Error> {
    from.deserialize_str(Look(|value: Scalar| match value {
        Scalar::Text(name) => check_name(name).map(|()| name.to_owned()),
        _ => Err("it is a name".into()),
    }))
}

fn max_tokens<'d, D: Deserializer<'d>>(from: D) -> Result<Option<u32>, D::Error> {
    whole(from, u32::MAX, |n| format!("max_tokens is {n}: it is 1 at least")).map(Some)
}

impl PoolFile {
    /// Paths of models that are not absolute lie beside the file.
    pub fn read(path: &Path) -> Result<PoolFile, PoolError> {
        let files = |source| PoolError::Files { doing: "read", path: path.to_path_buf(), source };
        let bytes = path.metadata().map_err(files)?.len();
        if bytes > MOST_BYTES {
            return Err(bad(path, None, &format!("it has {bytes} bytes, and {MOST_BYTES} are the most")));
        }
        let text = std::fs::read_to_string(path).map_err(files)?;
        let mut file = PoolFile::parse(&text, path)?;
        let folder = std::path::absolute(path).map_err(files)?;
        let folder = folder.parent().unwrap_or(Path::new("/"));
        for model in file.experts.iter_mut().flat_map(|entry| &mut entry.models) {
            *model = folder.join(&*model);
        }
        Ok(file)
    }

    /// `path` is for what is said of it.
    pub fn parse(text: &str, path: &Path) -> Result<PoolFile, PoolError> {
        match text.trim().is_empty() {
            true => Ok(PoolFile::default()),
            false => of_yaml::<Option<PoolFile>>(text, path).map(Option::unwrap_or_default),
        }
    }

    pub fn to_yaml(&self) -> Result<String, PoolError> {
        yaml_serde::to_string(self).map_err(|error| bad(Path::new("the pool"), None, &error.to_string()))
    }
}

/// The file of a home as it was read last.
#[derive(Default)]
pub(super) struct Followed {
    /// When it was written and how long it is; `None`: there is none.
    stamp: Option<(SystemTime, u64)>,
    is_read: bool,
    file: PoolFile,
    /// When it was read and right last, Unix time in milliseconds.
    right: Option<i64>,
    problem: Option<Failure>,
}

impl Followed {
    pub(super) fn seen(&self) -> (Option<i64>, Option<Failure>) {
        (self.right, self.problem.clone())
    }
}

impl Pool {
    /// The rules of the home's pool file, read anew when it has changed, its experts then applied. When it is not right the
    /// last right ones stay and [`Pool::problems`] says why; without a file they are the defaults.
    pub fn rules(&self) -> PoolFile {
        let path = self.home.pool_file();
        let mut followed = self.followed();
        let stamp = path.metadata().ok().and_then(|is| Some((is.modified().ok()?, is.len())));
        if followed.is_read && followed.stamp == stamp {
            return followed.file.clone();
        }
        (followed.is_read, followed.stamp) = (true, stamp);
        let read = match stamp {
            None => Ok(PoolFile::default()),
            Some(_) => PoolFile::read(&path).and_then(|file| self.apply(&file, &path).map(|()| file)),
        };
        followed.problem = None;
        match read {
            Ok(file) => {
                followed.right = stamp.map(|_| jiff::Timestamp::now().as_millisecond());
                followed.file = file;
            }
            Err(error) => followed.problem = Some(error.into()),
        }
        followed.file.clone()
    }

    pub(super) fn file_problem(&self) -> Option<Failure> {
        self.rules();
        self.followed().problem.clone()
    }

    /// Makes `from` the pool file of this home and applies it. Nothing is kept of a file that is not right.
    pub fn import(&self, from: &Path) -> Result<PoolFile, PoolError> {
        let file = PoolFile::read(from)?;
        self.apply(&file, from)?;
        let path = self.home.pool_file();
        let text = file.to_yaml()?;
        crate::home::write_atomically(&path, text.as_bytes()).map_err(|source| PoolError::Files {
            doing: "write",
            path,
            source,
        })?;
        Ok(self.rules())
    }

    /// The rules, and every expert as it is now.
    pub fn export(&self) -> PoolFile {
        let mut file = self.rules();
        file.experts = self
            .experts()
            .iter()
            .filter(|expert| expert.manifest.offer == super::Offer::Accepted)
            .map(entry)
            .collect();
        file
    }

    /// Everything that can be wrong is looked for before anything is changed.
    fn apply(&self, file: &PoolFile, path: &Path) -> Result<(), PoolError> {
        let experts = self.experts();
        let known = |name: &str| experts.iter().find(|expert| expert.manifest.name == name);
        if let Some(name) = &file.aggregation.synthesis_model
            && known(name).is_none()
            && file.experts.iter().all(|entry| entry.name != *name)
        {
            return Err(bad(path, None, &format!("synthesis_model {name} is no expert of the pool")));
        }
        for entry in &file.experts {
            match known(&entry.name) {
                None if entry.models.is_empty() && entry.endpoint.is_none() => {
                    return Err(bad(
                        path,
                        None,
                        &format!("the expert {} is new and has no models", entry.name),
                    ));
                }
                Some(expert)
                    if !expert.starter && entry.endpoint.is_some() != expert.endpoint().is_some() =>
                {
                    let is = if entry.endpoint.is_some() { "files" } else { "an endpoint" };
                    if entry.endpoint.is_some() || !entry.models.is_empty() {
                        return Err(bad(path, None, &format!("the expert {} has {is} already", entry.name)));
                    }
                }
                Some(starter) if starter.starter && *entry != self::entry(starter) && !is_bare(entry) => {
                    return Err(bad(
                        path,
                        None,
                        &format!("{} came with Lectern and stays as it is", entry.name),
                    ));
                }
                _ => {}
            }
            if let Some(server) = &entry.endpoint {
                server.endpoint().map_err(|error| bad(path, None, &format!("{}: {error}", entry.name)))?;
                if !entry.models.is_empty() {
                    let what = format!("{} has an endpoint or models, not both", entry.name);
                    return Err(bad(path, None, &what));
                }
            }
            if let Some(gone) = entry.models.iter().find(|model| !model.is_file()) {
                let what = format!("{}: {} is no file", entry.name, gone.display());
                return Err(bad(path, None, &what));
            }
        }
        for entry in
            file.experts.iter().filter(|entry| known(&entry.name).is_none_or(|expert| !expert.starter))
        {
            let mut files: Vec<PathBuf> = known(&entry.name)
                .map(|expert| {
                    expert.manifest.implementations.iter().map(|its| PathBuf::from(&its.file)).collect()
                })
                .unwrap_or_default();
            for model in &entry.models {
                if !files.contains(model) {
                    self.add(model, &entry.name, entry.domains.as_deref().unwrap_or_default())?;
                    files.push(model.clone());
                }
            }
            let endpoint = entry.endpoint.as_ref().map(Server::endpoint).transpose()?;
            if let Some(endpoint) = endpoint.clone().filter(|_| known(&entry.name).is_none()) {
                self.add_endpoint(endpoint, &entry.name, entry.domains.as_deref().unwrap_or_default())?;
            }
            let before = self.get(&entry.name)?.manifest;
            let mut after = declared(before.clone(), entry);
            for its in &mut after.implementations {
                // Another server has not been let in by anybody yet.
                if let (Some(now), Some(then)) = (&endpoint, &its.endpoint) {
                    let automatic = then.automatic && (&now.url, &now.model) == (&then.url, &then.model);
                    *its = Implementation::at(Endpoint { automatic, ..now.clone() });
                }
            }
            if after != before {
                self.write(&after)?;
            }
        }
        Ok(())
    }
}

/// It only names an expert.
fn is_bare(entry: &Entry) -> bool {
    *entry == Entry { name: entry.name.clone(), ..bare(&entry.name) }
}

fn bare(name: &str) -> Entry {
    Entry {
        name: name.into(),
        title: None,
        description: None,
        domains: None,
        models: Vec::new(),
        endpoint: None,
        max_instances: 1,
        priority: None,
        system_prompt: None,
        max_tokens: None,
    }
}

/// The manifest with what the entry says.
fn declared(mut manifest: Manifest, entry: &Entry) -> Manifest {
    let Entry { title, description, domains, priority, system_prompt, max_tokens, .. } = entry.clone();
    edit::set(&mut manifest.title, title);
    edit::set(&mut manifest.description, description);
    edit::set(&mut manifest.domains, domains.map(|domains| edit::plain(&domains)));
    edit::set(&mut manifest.priority, priority);
    edit::set(
        &mut manifest.system_prompt,
        system_prompt.map(|prompt| Some(prompt).filter(|it| !it.trim().is_empty())),
    );
    edit::set(&mut manifest.max_tokens, max_tokens);
    manifest
}

/// An expert as the file has it; of a starter its name, because all else is given.
fn entry(expert: &super::Expert) -> Entry {
    let manifest = &expert.manifest;
    if expert.starter {
        return bare(&manifest.name);
    }
    let files = manifest.implementations.iter().filter(|its| its.endpoint.is_none());
    let server = |its: &Endpoint| Server {
        url: its.url.clone(),
        model: its.model.clone(),
        context: Some(its.context),
    };
    Entry {
        name: manifest.name.clone(),
        title: Some(manifest.title.clone()),
        description: Some(manifest.description.clone()).filter(|text| !text.is_empty()),
        domains: Some(manifest.domains.clone()),
        models: files.map(|its| PathBuf::from(&its.file)).collect(),
        endpoint: expert.endpoint().map(server),
        max_instances: 1,
        priority: Some(manifest.priority).filter(|priority| *priority != 0),
        system_prompt: manifest.system_prompt.clone(),
        max_tokens: Some(manifest.max_tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        PoolFile::parse(text, Path::new("pool.yaml")).unwrap_err().to_string()
    }

    const WHOLE: &str = "router:
  type: heuristic
  top_k: 3
  min_confidence: 0.5
aggregation:
  strategy: ensemble
  synthesis_model: big
management:
  auto_scale: false
  performance_threshold: 0.6
  remove_underperforming: true
experts:
- name: big
  title: \"Big: the one\"
  domains:
  - general
  models:
  - /models/big Q4.gguf
  max_instances: 1
  priority: 2
  system_prompt: |
    One line.
    # not a comment
  max_tokens: 900
- name: arithmetic
  max_instances: 1
";

    #[test]
    fn a_whole_file_comes_back_as_it_was() {
        let file = PoolFile::parse(WHOLE, Path::new("pool.yaml")).unwrap();
        assert_eq!((file.router.kind, file.router.top_k), (RouterKind::Heuristic, 3));
        assert_eq!(file.aggregation.strategy, Aggregate::Ensemble);
        assert_eq!(file.experts[0].system_prompt.as_deref(), Some("One line.\n# not a comment\n"));
        let again = PoolFile::parse(&file.to_yaml().unwrap(), Path::new("pool.yaml")).unwrap();
        assert_eq!(again, file);
        assert_eq!(again.to_yaml().unwrap(), file.to_yaml().unwrap());
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        for text in ["", "# nothing yet\n", "router: {}\nexperts: []\n", "experts:\n"] {
            assert_eq!(PoolFile::parse(text, Path::new("pool.yaml")).unwrap(), PoolFile::default());
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, place, word) in [
            ("router:\n  top_k: 0\n", "pool.yaml:2:10", "1 to 64"),
            ("router:\n  typ: neural\n", "pool.yaml:2:3", "typ"),
            ("router:\n  type: magic\n", "pool.yaml:2:9", "magic"),
            ("router:\n  min_confidence: 1.5\n", "pool.yaml:2:19", "1.5"),
            ("router:\n  min_confidence: .nan\n", "pool.yaml:2:19", "from 0 to 1"),
            ("aggregation:\n  strategy: mean\n", "pool.yaml:2:13", "mean"),
            ("management:\n  auto_scale: true\n", "pool.yaml:2:15", "never runs an expert twice"),
            ("experts:\n  - name: a\n    max_instances: 2\n", "pool.yaml:3:20", "write 1"),
            ("experts:\n  - name: Big One\n", "pool.yaml:2:11", "no name"),
            ("experts:\n  - models: []\n", "pool.yaml:2:5", "name"),
            ("experts:\n  - name: a\n  - name: a\n", "pool.yaml:", "a is there twice"),
            ("router:\n  type: neural\n\n  top_k: 2.5\n", "pool.yaml:4:10", "2.5"),
            (
                "experts:\n  - name: a\n    endpoint:\n      url: http://far.test/v1\n      model: m\n",
                "pool.yaml:4:12", "only https",
            ),
            (
                "experts:\n  - name: a\n    endpoint:\n      url: https://far.test\n      automatic: true\n",
                "pool.yaml:5:7", "automatic",
            ),
            ("router: {}\n---\nrouter: {}\n", "pool.yaml", "document"),
            ("router:\n\ttop_k: 2\n", "pool.yaml:2:", "cannot start"),
            ("router: [\n", "pool.yaml:", ""),
        ] {
            let said = said(text);
            assert!(said.starts_with(place) && said.contains(word), "{text:?}: {said}");
            assert_eq!(said.matches(" line ").count(), 0, "the place is told once: {said}");
        }
    }

    #[test]
    fn a_file_that_unfolds_without_end_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..12 {
            let before = format!("*a{}", at - 1);
            text.push_str(&format!("a{at}: &a{at} [{}]\n", vec![before; 10].join(", ")));
        }
        said(&format!("experts:\n- name: a\n  domains: *a11\n{text}"));
        said(&text);
        said(&format!("experts: {}", "[".repeat(100_000)));
    }
}
