//! Abilities: how able each expert is in a domain, and how hard each kind of question, fitted to the answers that were judged.
//!
//! In:     ratings, checks, questions asked again of another expert, benchmarks: who was right with what
//! Out:    ability by expert and domain, difficulty and discrimination by cluster, each with its error and how many answers
//!         are behind it; how hard a question is for an expert; how far all this foretells answers that it has not seen
//! Fails:  when the database cannot be read or written
//! Cost:   a look at the newest row a question; after a judged answer a fit, of a millisecond or two for each expert in each
//!         domain (64 experts in six domains: 0.6 s), which no question waits for unless it is a short one
//! Source: [`fit`]
//!
//! A cluster is a domain and a fifth of the scale of complexity, as the question is read: every new question has one, and no
//! text is kept for it. The database has the answers; what was fitted is in memory alone, so that what is forgotten leaves
//! nothing.

mod fit;
mod reliability;

use crate::archive::{ArchiveError, database};
use crate::home::Home;
use crate::words::{Answer, Difficulty, StepKind, Strategy};
use fit::{Cell, Estimate, Fit, fit};
use reliability::foretold;
use rusqlite::{Connection, params};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ts_rs::TS;

/// With more abilities than this to fit a question goes by the fit before, while a new one is made.
const AT_ONCE: usize = 12;
/// Fewer judged answers are no measurement.
pub const LEAST: u32 = 20;
/// The scale of complexity goes to 10.
const BAND: f32 = 2.0;
const BANDS: usize = 5;

/// How it is known whether an answer was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgedBy {
    Rating,
    /// Another expert was asked in the place of this one.
    Retry,
    /// A strategy checked it.
    Check,
    /// A benchmark knew the answer.
    Bench,
}

impl JudgedBy {
    fn name(self) -> &'static str {
        match self {
            JudgedBy::Rating => "rating",
            JudgedBy::Retry => "retry",
            JudgedBy::Check => "check",
            JudgedBy::Bench => "bench",
        }
    }
}

/// An answer that was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome<'a> {
    /// Forgotten together; `None`: a benchmark keeps none.
    pub turn: Option<&'a str>,
    pub expert: &'a str,
    pub domain: &'a str,
    /// 0 to 10.
    pub complexity: f32,
    pub right: bool,
    pub by: JudgedBy,
}

/// An expert in a domain.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Ability {
    pub expert: String,
    pub domain: String,
    pub right: u32,
    pub n: u32,
    /// 0: an average expert, 1: a standard deviation above. `None`: under [`LEAST`] answers.
    pub ability: Option<f64>,
    /// Standard error.
    pub error: Option<f64>,
}

/// Questions of a domain that are about equally complex.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Cluster {
    pub domain: String,
    /// Complexity from and to.
    pub from: f32,
    pub to: f32,
    pub right: u32,
    pub n: u32,
    /// The ability with which every second answer is right. `None`: under [`LEAST`] answers.
    pub difficulty: Option<f64>,
    pub difficulty_error: Option<f64>,
    /// How sharply it tells able from unable; 1 is ordinary.
    pub discrimination: Option<f64>,
    pub discrimination_error: Option<f64>,
}

/// Answers that were foretold to be right with about the same probability, each by a fit that had not seen it.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct Reliability {
    pub from: f64,
    pub to: f64,
    pub n: u32,
    /// Mean probability that was foretold, and the part that was right.
    pub foretold: f64,
    pub right: f64,
}

/// Everything that was fitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Abilities {
    /// Judged answers in all, and how many of one expert in one domain are a measurement.
    pub answers: u32,
    pub least: u32,
    pub experts: Vec<Ability>,
    pub clusters: Vec<Cluster>,
    pub reliability: Vec<Reliability>,
    /// Mean distance between what was foretold and what came, over the rows of `reliability`.
    pub calibration_error: Option<f64>,
    /// Mean square of (foretold − right), and that of foretelling each domain's share of right answers.
    pub brier: Option<f64>,
    pub brier_of_the_share: Option<f64>,
}

/// The judged answers of one home.
pub struct Outcomes {
    state: Arc<Mutex<State>>,
}

/// Count and newest number of rows.
type Seen = (i64, i64);

struct State {
    database: Connection,
    /// Of the rows that `fitted` was made from.
    seen: Option<Seen>,
    fitted: Arc<Fitted>,
    /// Another fit is being made.
    is_fitting: bool,
}

impl State {
    fn newest(&self) -> Result<Seen, ArchiveError> {
        self.database
            .prepare_cached("SELECT count(*), coalesce(max(number), 0) FROM outcomes")
            .and_then(|mut sql| sql.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(reading)
    }

    fn put(&mut self, seen: Seen, fitted: Fitted) {
        (self.fitted, self.seen) = (Arc::new(fitted), Some(seen));
    }
}

/// One row, as it is fitted.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    expert: String,
    domain: String,
    band: usize,
    right: bool,
}

#[derive(Default)]
struct Fitted {
    rows: Vec<Row>,
    domains: BTreeMap<String, Domain>,
}

/// The fit of one domain.
#[derive(Default)]
struct Domain {
    /// In the order of the fit.
    experts: Vec<String>,
    bands: Vec<usize>,
    cells: Vec<Cell>,
    fit: Fit,
}

impl Outcomes {
    pub fn open(home: &Home) -> Result<Outcomes, ArchiveError> {
        home.prepare()?;
        let database = database::open(home)?;
        let state = State { database, seen: None, fitted: Arc::default(), is_fitting: false };
        Ok(Outcomes { state: Arc::new(Mutex::new(state)) })
    }

    /// An answer was rated; 0 takes it back.
    pub fn rate(&self, turn: &str, rating: i32) -> Result<(), ArchiveError> {
        let state = self.state();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            step.execute("DELETE FROM outcomes WHERE turn = ?1 AND source = 'rating'", [turn])?;
            if rating != 0 {
                step.execute(
                    "INSERT INTO outcomes (turn, expert, domain, complexity, good, source)
                     SELECT id, expert, domain, complexity, ?2, 'rating' FROM turns WHERE id = ?1 AND NOT stopped",
                    params![turn, rating > 0],
                )?;
            }
            step.commit()
        };
        write().map_err(writing)
    }

    /// Adds what was judged; a newer judgement of the same kind on the same answer takes the place of the older one.
    pub fn add(&self, outcomes: &[Outcome<'_>]) -> Result<(), ArchiveError> {
        let state = self.state();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            for outcome in outcomes {
                add(&step, outcome)?;
            }
            step.commit()
        };
        write().map_err(writing)
    }

    /// What a benchmark found takes the place of what one found before of the same expert in the same domain.
    pub fn bench(&self, outcomes: &[Outcome<'_>]) -> Result<(), ArchiveError> {
        let state = self.state();
        let write = || -> rusqlite::Result<()> {
            let step = state.database.unchecked_transaction()?;
            for outcome in outcomes {
                step.execute(
                    "DELETE FROM outcomes WHERE source = 'bench' AND expert = ?1 AND domain = ?2",
                    [outcome.expert, outcome.domain],
                )?;
            }
            for outcome in outcomes {
                add(&step, outcome)?;
            }
            step.commit()
        };
        write().map_err(writing)
    }

    /// Everything that is known of experts and questions.
    pub fn abilities(&self) -> Result<Abilities, ArchiveError> {
        let fitted = self.fitted()?;
        let mut table =
            Abilities { answers: fitted.rows.len() as u32, least: LEAST, ..foretold(&fitted.rows) };
        for (name, domain) in &fitted.domains {
            table.experts.extend(domain.experts(name));
            table.clusters.extend(domain.clusters(name));
        }
        Ok(table)
    }

    /// How hard a question of this domain and complexity is for an expert. What cannot be read is not measured.
    pub fn difficulty(&self, domain: &str, complexity: f32, expert: &str) -> Difficulty {
        let none = Difficulty { least: LEAST, ..Difficulty::default() };
        let Ok(fitted) = self.at_hand() else { return none };
        let Some(domain) = fitted.domains.get(domain) else { return none };
        domain.difficulty(band(complexity), expert)
    }

    /// Fitted to all that is there.
    fn fitted(&self) -> Result<Arc<Fitted>, ArchiveError> {
        let (seen, rows) = {
            let state = self.state();
            let seen = state.newest()?;
            if state.seen == Some(seen) {
                return Ok(Arc::clone(&state.fitted));
            }
            (seen, rows(&state.database).map_err(reading)?)
        };
        // Nobody waits for the database meanwhile.
        let fitted = Fitted::of(rows);
        let mut state = self.state();
        state.put(seen, fitted);
        Ok(Arc::clone(&state.fitted))
    }

    /// The same, or with many abilities what was fitted last, while a thread of its own fits anew.
    fn at_hand(&self) -> Result<Arc<Fitted>, ArchiveError> {
        let mut state = self.state();
        let seen = state.newest()?;
        if state.seen == Some(seen) || state.is_fitting {
            return Ok(Arc::clone(&state.fitted));
        }
        let rows = rows(&state.database).map_err(reading)?;
        let abilities: BTreeSet<(&str, &str)> =
            rows.iter().map(|row| (row.expert.as_str(), row.domain.as_str())).collect();
        if abilities.len() <= AT_ONCE {
            state.put(seen, Fitted::of(rows));
        } else {
            let later = Arc::clone(&self.state);
            let fit = move || {
                let fitted = Fitted::of(rows);
                let mut state = later.lock().unwrap_or_else(PoisonError::into_inner);
                state.is_fitting = false;
                state.put(seen, fitted);
            };
            // Without a thread the next question tries again.
            state.is_fitting = std::thread::Builder::new().name("abilities".into()).spawn(fit).is_ok();
        }
        Ok(Arc::clone(&state.fitted))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reading(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "read the judged answers", source }
}

fn add(database: &Connection, outcome: &Outcome<'_>) -> rusqlite::Result<()> {
    let Outcome { turn, expert, domain, complexity, right, by } = *outcome;
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO outcomes (turn, expert, domain, complexity, good, source)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![turn, expert, domain, complexity, right, by.name()])?;
    Ok(())
}

/// What the strategy's checks said of the expert's first answer; `None`: they settled nothing.
pub fn checked(answer: &Answer) -> Option<bool> {
    let reasoned = answer.trace.reason.as_ref()?;
    let checks = [Strategy::Verify, Strategy::MultiStage].contains(&reasoned.strategy);
    if !checks || reasoned.fell_back.is_some() || answer.stopped {
        return None;
    }
    let verdicts = reasoned.steps.iter().filter(|step| step.step == StepKind::Check);
    match reasoned.changed_answer {
        true => Some(false),
        // An answer that stays stands by the check that agrees with it.
        false => verdicts.filter_map(|step| step.score).any(|score| score == 1.0).then_some(true),
    }
}

/// In the order they came. Of an answer that was checked and rated the user's word counts.
fn rows(database: &Connection) -> rusqlite::Result<Vec<Row>> {
    database
        .prepare_cached(
            "SELECT expert, domain, complexity, good FROM outcomes AS o
             WHERE source IN ('rating', 'bench') OR NOT EXISTS (SELECT 1 FROM outcomes AS r
                 WHERE r.turn = o.turn AND r.expert = o.expert AND r.source = 'rating')
             ORDER BY number",
        )?
        .query_map([], |row| {
            let complexity: f64 = row.get(2)?;
            Ok(Row {
                expert: row.get(0)?,
                domain: row.get(1)?,
                band: band(complexity as f32),
                right: row.get(3)?,
            })
        })?
        .collect()
}

fn band(complexity: f32) -> usize {
    // Not a number is an easy question.
    ((complexity / BAND).max(0.0) as usize).min(BANDS - 1)
}

impl Fitted {
    fn of(rows: Vec<Row>) -> Fitted {
        let domains = domains(rows.iter());
        Fitted { rows, domains }
    }
}

/// By expert and band: right and all.
type Counts<'r> = BTreeMap<(&'r str, usize), (u32, u32)>;

fn domains<'r>(rows: impl Iterator<Item = &'r Row>) -> BTreeMap<String, Domain> {
    let mut counts: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
    for row in rows {
        let cell = counts.entry(&row.domain).or_default().entry((&row.expert, row.band)).or_default();
        cell.0 += u32::from(row.right);
        cell.1 += 1;
    }
    counts.into_iter().map(|(name, cells)| (name.to_owned(), Domain::of(&cells))).collect()
}

impl Domain {
    fn of(counts: &Counts<'_>) -> Domain {
        let mut domain = Domain::default();
        for &(expert, band) in counts.keys() {
            if domain.experts.last().is_none_or(|last| last != expert) {
                domain.experts.push(expert.to_owned());
            }
            if !domain.bands.contains(&band) {
                domain.bands.push(band);
            }
        }
        domain.bands.sort_unstable();
        for (&(expert, band), &(right, n)) in counts {
            let expert = domain.experts.iter().position(|known| known == expert);
            let cluster = domain.bands.iter().position(|known| *known == band);
            if let (Some(expert), Some(cluster)) = (expert, cluster) {
                domain.cells.push(Cell { expert, cluster, right, n });
            }
        }
        domain.fit = fit(domain.experts.len(), domain.bands.len(), &domain.cells);
        domain
    }

    fn count(&self, of: impl Fn(&Cell) -> bool) -> (u32, u32) {
        let cells = self.cells.iter().filter(|cell| of(cell));
        cells.fold((0, 0), |(right, n), cell| (right + cell.right, n + cell.n))
    }

    /// `None`: a band or an expert that nobody judged has the probability of an average one.
    fn right(&self, expert: &str, band: usize) -> Option<f64> {
        let cluster = self.bands.iter().position(|known| *known == band)?;
        Some(self.fit.right(self.experts.iter().position(|known| known == expert), cluster))
    }

    fn experts(&self, name: &str) -> Vec<Ability> {
        let of = |(at, expert): (usize, &String)| {
            let (right, n) = self.count(|cell| cell.expert == at);
            let measured = (n >= LEAST).then(|| self.fit.abilities[at]);
            Ability {
                expert: expert.clone(),
                domain: name.to_owned(),
                right,
                n,
                ability: measured.map(|figure| figure.value),
                error: measured.map(|figure| figure.error),
            }
        };
        self.experts.iter().enumerate().map(of).collect()
    }

    fn clusters(&self, name: &str) -> Vec<Cluster> {
        let of = |(at, band): (usize, &usize)| {
            let (right, n) = self.count(|cell| cell.cluster == at);
            let measured = |figures: &[Estimate]| (n >= LEAST).then(|| figures[at]);
            let difficulty = measured(&self.fit.difficulties);
            // Of e^x the error is e^x times that of x.
            let slope = measured(&self.fit.ln_discriminations)
                .map(|ln| Estimate { value: ln.value.exp(), error: ln.value.exp() * ln.error });
            Cluster {
                domain: name.to_owned(),
                from: *band as f32 * BAND,
                to: (*band + 1) as f32 * BAND,
                right,
                n,
                difficulty: difficulty.map(|figure| figure.value),
                difficulty_error: difficulty.map(|figure| figure.error),
                discrimination: slope.map(|figure| figure.value),
                discrimination_error: slope.map(|figure| figure.error),
            }
        };
        self.bands.iter().enumerate().map(of).collect()
    }

    fn difficulty(&self, band: usize, expert: &str) -> Difficulty {
        let cluster = self.bands.iter().position(|known| *known == band);
        let (_, n) = self.count(|cell| Some(cell.cluster) == cluster);
        let mut said = Difficulty { n, least: LEAST, ..Difficulty::default() };
        let Some(cluster) = cluster.filter(|_| n >= LEAST) else { return said };
        let at = self.experts.iter().position(|known| known == expert);
        let (_, of_expert) = self.count(|cell| Some(cell.expert) == at);
        // One who was judged too seldom counts as average.
        let at = at.filter(|_| of_expert >= LEAST);
        let four = |figure: f64| ((figure * 1e4).round() / 1e4) as f32;
        said.expert_n = of_expert;
        said.value = Some(four(1.0 - self.fit.right(at, cluster)));
        said.ability = at.map(|at| four(self.fit.abilities[at].value));
        said.ability_error = at.map(|at| four(self.fit.abilities[at].error));
        said.difficulty = Some(four(self.fit.difficulties[cluster].value));
        said.discrimination = Some(four(self.fit.ln_discriminations[cluster].value.exp()));
        said
    }
}

fn writing(source: rusqlite::Error) -> ArchiveError {
    ArchiveError::Database { doing: "keep the judged answers", source }
}
