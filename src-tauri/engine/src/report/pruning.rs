//! Pruning of the pool: who would go, what past questions say when they are asked without them, and what that frees.
//! Nothing here changes the pool; [`crate::pool::Pool::retire`] does.

use super::benchmark::{Difference, Figures, Sample, Share, ask_each, difference, figures};
use super::criteria::{Criterion, ENOUGH, Verdict, Worth, bytes_to_free, going, worth};
use crate::Engine;
use crate::archive::{Logged, normalise};
use crate::pool::{Change, Expert, Reads};
use crate::words::{Failure, Mode, Question};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ts_rs::TS;

/// What every expert is worth by the log.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct PoolReport {
    /// Of the random control.
    pub seed: u64,
    /// Answers in the log.
    pub answers: usize,
    /// With fewer answers nothing is said against an expert.
    pub enough: usize,
    pub experts: Vec<Worth>,
}

pub fn pool_report(experts: &[Expert], log: &[Logged], seed: u64) -> PoolReport {
    PoolReport { seed, answers: log.len(), enough: ENOUGH, experts: worth(experts, log, seed) }
}

/// A smaller pool: who goes, what that frees and, once it was asked, what it loses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Pruned {
    pub criterion: Criterion,
    pub seed: u64,
    pub target: f64,
    /// Who was routed to before, and who is left of them.
    pub original: Vec<String>,
    pub retained: Vec<String>,
    pub removed: Vec<Removed>,
    pub disk_bytes_before: u64,
    pub gain: Gain,
    /// `None`: nothing was asked.
    pub replay: Option<Replay>,
    pub stopped: bool,
    pub applied: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Removed {
    pub name: String,
    pub score: f64,
    pub disk_bytes: u64,
}

/// Measured, whatever the target was. Memory and loads are those of the replay, with minus without.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Gain {
    /// What deleting the files would free; retiring leaves them.
    pub disk_bytes: u64,
    pub disk_share: f64,
    pub peak_memory_bytes: Option<i64>,
    pub loads: Option<i64>,
    pub load_ms: Option<f32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Replay {
    /// `log`, or the file.
    pub questions: String,
    pub with: Figures,
    pub without: Figures,
    /// Answers that stay word for word.
    pub same: Option<Share>,
    /// Accuracy with minus without.
    pub loss: Option<Difference>,
}

impl Pruned {
    /// Who would go of `experts`, whose worth is `all`.
    pub fn plan(experts: &[Expert], all: &[Worth], criterion: Criterion, seed: u64, target: f64) -> Pruned {
        let names = going(all, criterion, target);
        let routed = all.iter().filter(|worth| worth.verdict != Verdict::Retired);
        let original: Vec<String> = routed.map(|worth| worth.name.clone()).collect();
        let disk_bytes_before = bytes_to_free(experts, &original);
        let disk_bytes = bytes_to_free(experts, &names);
        let disk_share =
            if disk_bytes_before > 0 { disk_bytes as f64 / disk_bytes_before as f64 } else { 0.0 };
        Pruned {
            criterion,
            seed,
            target,
            retained: original.iter().filter(|name| !names.contains(name)).cloned().collect(),
            original,
            removed: names
                .iter()
                .filter_map(|name| all.iter().find(|worth| worth.name == *name))
                .map(|worth| Removed {
                    name: worth.name.clone(),
                    score: worth.by(criterion),
                    disk_bytes: worth.disk_bytes,
                })
                .collect(),
            disk_bytes_before,
            gain: Gain { disk_bytes, disk_share, ..Gain::default() },
            replay: None,
            stopped: false,
            applied: false,
        }
    }

    /// The names of those that go.
    pub fn names(&self) -> Vec<String> {
        self.removed.iter().map(|gone| gone.name.clone()).collect()
    }

    /// The same, with what asking came to. A replay that was stopped half-way says nothing of memory and loads.
    pub fn replayed(self, replay: Replay) -> Pruned {
        let whole = replay.with.n == replay.without.n;
        let less = |of: fn(&Figures) -> i64| whole.then(|| of(&replay.with) - of(&replay.without));
        Pruned {
            gain: Gain {
                peak_memory_bytes: less(|figures| figures.peak_memory_bytes as i64),
                loads: less(|figures| figures.loads as i64),
                load_ms: whole.then_some(replay.with.load_ms - replay.without.load_ms),
                ..self.gain
            },
            replay: Some(replay),
            ..self
        }
    }
}

/// A question to ask again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    pub id: String,
    pub question: String,
    pub expected: Option<String>,
    /// Past answers that are not given for it: its own.
    pub without: Vec<String>,
}

/// Past questions that stand alone, the newest first, each once; their answers, where nothing speaks against them, are
/// what is expected.
pub fn past(log: &[Logged], experts: &[Expert]) -> Vec<Asked> {
    let mut seen = HashSet::new();
    log.iter()
        .rev()
        .filter(|past| past.rating >= 0 && !past.refused && !past.answer.trim().is_empty())
        .filter(|past| stands_alone(past, experts))
        .filter(|past| seen.insert(normalise(&past.question)))
        .enumerate()
        .map(|(at, past)| Asked {
            id: (at + 1).to_string(),
            question: past.question.clone(),
            expected: Some(past.answer.clone()),
            ..Asked::default()
        })
        .collect()
}

/// Nothing that was said before belongs to its question.
pub(super) fn stands_alone(past: &Logged, experts: &[Expert]) -> bool {
    let reads_questions = |e: &Expert| e.manifest.name == past.expert && e.manifest.reads == Reads::Question;
    past.opens || experts.iter().any(reads_questions)
}

/// The two lists of a replay.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub with: Vec<Sample>,
    pub without: Vec<Sample>,
}

/// Asks every question with everybody, then without `removed`: nothing recalled, nothing stored, each list beginning
/// with an empty seat. `on` hears whose list it is (`with`, `without`), how many it has, and each sample. After `stop`
/// the lists are shorter.
pub fn replay<E: From<Failure>>(
    engine: &Engine,
    questions: &[Asked],
    removed: &[String],
    stop: &Arc<AtomicBool>,
    on: &mut dyn FnMut(&str, usize, &Sample) -> Result<(), E>,
) -> Result<Lists, E> {
    let mut ask = |list: &str, excluding: &[String]| -> Result<Vec<Sample>, E> {
        if stop.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        engine.unseat()?;
        let like =
            Question { mode: Mode::Basic, trial: true, excluding: excluding.to_vec(), ..Question::default() };
        ask_each(engine, questions, &like, stop, &mut |so_far, sample| on(list, so_far, sample))
    };
    Ok(Lists { with: ask("with", &[])?, without: ask("without", removed)? })
}

impl Lists {
    /// `questions` says where they are from.
    pub fn figures(&self, questions: String) -> Replay {
        let pairs = self.pairs();
        let same = pairs.iter().filter(|pair| pair.same).count();
        Replay {
            questions,
            same: Share::of(same, pairs.len()),
            loss: difference(&self.with, &self.without),
            with: figures(self.with.iter()),
            without: figures(self.without.iter()),
        }
    }

    /// What the figures are made of.
    pub fn pairs(&self) -> Vec<Pair> {
        let with: BTreeMap<usize, &Sample> = self.with.iter().map(|sample| (sample.place, sample)).collect();
        self.without
            .iter()
            .filter_map(|without| {
                let with = *with.get(&without.place)?;
                let same = with.answer.trim() == without.answer.trim();
                Some(Pair { same, with: with.clone(), without: without.clone() })
            })
            .collect()
    }
}

/// One question of both lists.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Pair {
    /// Word for word.
    pub same: bool,
    pub with: Sample,
    pub without: Sample,
}

/// One change of who is routed to, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Entry {
    pub number: i64,
    /// Unix time in milliseconds.
    pub created: i64,
    pub retired: Vec<String>,
    pub restored: Vec<String>,
    /// The evidence of that day.
    pub pruned: Option<Pruned>,
}

impl From<Change> for Entry {
    fn from(change: Change) -> Entry {
        let names = |list: &Value| -> Vec<String> {
            let name = |entry: &Value| Some(entry["name"].as_str().or(entry.as_str())?.to_owned());
            list.as_array().map(|list| list.iter().filter_map(name).collect()).unwrap_or_default()
        };
        let pruned = &change.what["pruned"];
        Entry {
            number: change.number,
            created: change.created,
            retired: names(&pruned["removed"]),
            restored: names(&change.what["restored"]),
            pruned: serde_json::from_value(pruned.clone()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample(place: usize, right: bool, answer: &str) -> Sample {
        Sample { place, right: Some(right), answer: answer.into(), ..Sample::default() }
    }

    #[test]
    fn a_replay_is_what_its_pairs_say() {
        let lists = Lists {
            with: vec![sample(1, true, "42"), sample(2, true, "7"), sample(3, false, "")],
            without: vec![sample(2, false, "8"), sample(1, true, " 42 ")],
        };
        let pairs = lists.pairs();
        assert_eq!(
            pairs.iter().map(|pair| (pair.with.place, pair.same)).collect::<Vec<_>>(),
            [(2, false), (1, true)]
        );
        let replay = lists.figures("log".into());
        let same = replay.same.unwrap();
        assert_eq!((same.count, same.n), (1, 2));
        let loss = replay.loss.unwrap();
        assert_eq!((loss.n, loss.first_only, loss.difference), (2, 1, 0.5));
    }

    #[test]
    fn memory_is_compared_over_the_same_questions_alone() {
        let taking =
            |place: usize, peak: u64| Sample { peak_memory_bytes: peak, ..sample(place, true, "42") };
        let freed = |without: Vec<Sample>| {
            let lists = Lists { with: vec![taking(1, 9), taking(2, 5)], without };
            let plan = Pruned::plan(&[], &[], Criterion::Adaptive, 1, 0.3);
            plan.replayed(lists.figures("log".into())).gain.peak_memory_bytes
        };
        assert_eq!(freed(vec![taking(1, 6), taking(2, 5)]), Some(3));
        assert_eq!(freed(vec![taking(1, 6)]), None, "it was stopped");
        assert_eq!(freed(Vec::new()), None);
    }

    #[test]
    fn an_entry_has_its_names_whatever_else_can_be_read() {
        let entry = |what: Value| Entry::from(Change { number: 1, created: 2, what });
        let old = entry(json!({ "pruned": { "removed": [{ "name": "words" }, "units"] } }));
        assert_eq!((old.retired.join(" "), old.pruned), ("words units".into(), None));
        assert_eq!(entry(json!({ "restored": ["words"] })).restored, ["words"]);
        let strange = entry(json!("by another hand"));
        assert!(strange.retired.is_empty() && strange.restored.is_empty());
        let plan = Pruned::plan(&[], &[], Criterion::Adaptive, 1, 0.3);
        assert_eq!(entry(json!({ "pruned": &plan })).pruned, Some(plan));
    }
}
