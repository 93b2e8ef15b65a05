//! Model pruning: the experts inside a mixture. The page chooses a model, sees its profile grow, tries sizes, reads what
//! one would lose, and has the pool's expert go without, or a smaller file written.
//!
//! While a model is worked on the seat is empty and questions wait: one model at a time has the memory.

use crate::apart::apart;
use crate::failure::failure;
use crate::house::{House, Open};
use engine::pool::{Expert, Mask, MaskedLayer};
use engine::report::pruning::past;
use engine::words::Failure;
use lab::prune::{
    Asking, Calibration, Check, Curve, Growing, LayerScores, ModelId, Plan, PlanHow, PruneError, Question,
    Running, Scan, SuperExpert, Trial, Workshop,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;
use ts_rs::TS;

/// By this name the page stops what is under way.
const WORK: &str = "model-pruning";
/// Questions that are asked at most, the newest first.
const QUESTIONS: usize = 300;
/// Every so many questions one is held out: the scan does not see it, and a size is tried on it.
const HELD_OUT: usize = 3;
/// Tokens of the model's own answer, where a question has none.
const OWN_TOKENS: u32 = 64;
/// How often a growing profile is drawn: more than a window shows is noise.
const DRAWN: Duration = Duration::from_millis(300);

/// What the page works on.
#[derive(Default)]
pub struct Lab {
    bench: Mutex<Option<Bench>>,
}

/// One model that was scanned, and what came of it.
struct Bench {
    file: PathBuf,
    /// Of the pool.
    expert: Option<String>,
    scan: Scan,
    held_out: Vec<Question>,
    guard: Vec<Question>,
    plan: Option<Plan>,
}

impl Lab {
    fn bench(&self) -> MutexGuard<'_, Option<Bench>> {
        // A panic elsewhere leaves what was there: it is replaced whole.
        self.bench.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A model that has experts inside.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Mixture {
    /// Of the pool; `None`: a file that is no expert of it.
    pub expert: Option<String>,
    pub title: String,
    #[ts(type = "string")]
    pub file: PathBuf,
    pub bytes: u64,
    /// In every layer, and how many of them a token is sent to.
    pub experts: u32,
    pub used: u32,
    /// Experts of all layers that its mask leaves out; `None`: it has no mask.
    pub masked: Option<usize>,
    /// It was cut already: what it comes from, in words.
    pub pruned: Option<String>,
}

/// Past questions about one thing.
#[derive(Clone, Debug, Serialize, TS)]
pub struct TopicCount {
    pub topic: String,
    pub questions: usize,
}

/// What a model is calibrated on.
#[derive(Clone, Debug, Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Calibrating {
    /// Past questions about these; those about other things guard what must not suffer.
    Past { topics: Vec<String> },
    /// A file of questions, a JSON object a line.
    File { path: PathBuf },
    /// No questions: weights alone.
    Weights,
}

/// A scan without what only plans need.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Profile {
    pub model: ModelId,
    pub calibration: Calibration,
    pub layers: Vec<LayerScores>,
    pub super_experts: Option<Vec<SuperExpert>>,
    /// Questions that sizes are tried on, and such that guard.
    pub held_out: usize,
    pub guard: usize,
}

/// How far something is.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Working {
    /// Questions that came before are answered first.
    Waiting,
    /// The model is loaded and its weights are read.
    Loading,
    /// `profile`: as it is so far, where there is one.
    Asking {
        done: usize,
        of: usize,
        profile: Option<Box<Profile>>,
    },
    Writing {
        done_bytes: u64,
        of: u64,
    },
}

/// A smaller file, and where it is.
#[derive(Clone, Debug, Serialize, TS)]
pub struct SmallerFile {
    #[ts(type = "string")]
    pub file: PathBuf,
    pub bytes_before: u64,
    pub bytes_after: u64,
    pub experts: usize,
    /// Its logits are bit for bit those of the masked model.
    pub same_logits: bool,
    pub before: Option<Running>,
    pub after: Option<Running>,
    /// The expert that has it now.
    pub expert: Option<Expert>,
}

/// Experts of the pool that are mixtures.
#[tauri::command(async)]
pub fn mixtures(house: State<'_, House>) -> Result<Vec<Mixture>, Failure> {
    let experts = house.inside()?.engine.pool().experts();
    let there = experts.iter().filter(|expert| expert.unavailable.is_none());
    Ok(there.filter_map(|expert| mixture(&expert.file, Some(expert)).ok()).collect())
}

/// What a file holds, if it is a mixture.
#[tauri::command(async)]
pub fn mixture_at(path: PathBuf) -> Result<Mixture, Failure> {
    mixture(&path, None).map_err(pruned)
}

fn mixture(file: &Path, expert: Option<&Expert>) -> Result<Mixture, PruneError> {
    let model = ModelId::read(file)?;
    let name = || file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let build = expert.and_then(Expert::implementation);
    let left_out = |mask: &Mask| mask.excluded().iter().flatten().filter(|out| **out).count();
    Ok(Mixture {
        expert: expert.map(|expert| expert.manifest.name.clone()),
        title: expert
            .map_or_else(|| model.name.clone().unwrap_or_else(name), |expert| expert.manifest.title.clone()),
        file: file.to_path_buf(),
        bytes: model.bytes,
        experts: model.experts,
        used: model.experts_used,
        masked: build.and_then(|its| its.mask.as_ref()).map(left_out),
        pruned: build.and_then(|its| its.pruned.clone()),
    })
}

/// Past questions that stand alone, by what they are read as.
#[tauri::command(async)]
pub fn question_topics(house: State<'_, House>) -> Result<Vec<TopicCount>, Failure> {
    let mut topics: BTreeMap<String, usize> = BTreeMap::new();
    for question in past_questions(&*house.inside()?)? {
        *topics.entry(question.topic().to_owned()).or_default() += 1;
    }
    let mut topics: Vec<TopicCount> =
        topics.into_iter().map(|(topic, questions)| TopicCount { topic, questions }).collect();
    topics.sort_by_key(|topic| std::cmp::Reverse(topic.questions));
    Ok(topics)
}

/// The newest first. What others answered is not for this model to foretell: it answers them itself.
fn past_questions(open: &Open) -> Result<Vec<Question>, Failure> {
    let log = open.engine.archive().log()?;
    let asked = past(&log, &open.engine.pool().experts());
    let question = |asked: engine::report::pruning::Asked| {
        let topic = open.engine.route(&asked.question, None)?.domain;
        Ok(Question { question: asked.question, answer: None, topic: Some(topic), weight: None })
    };
    asked.into_iter().map(question).collect()
}

/// Scores every expert of the model in `file`. `expert`: whose file of the pool it is.
#[tauri::command]
pub async fn scan_mixture(
    app: AppHandle,
    file: PathBuf,
    expert: Option<String>,
    calibrating: Calibrating,
    progress: Channel<Working>,
) -> Result<Profile, Failure> {
    work(app, progress, move |at| {
        let (calibration, held_out, guard) = sorted(at.open, &calibrating)?;
        let (of, sizes) = (calibration.len(), (held_out.len(), guard.len()));
        at.begin(&file)?;
        let mut drawn: Option<Instant> = None;
        let mut growing = |growing: &Growing<'_>| {
            let (done, last) = (growing.asked(), growing.asked() == of);
            if last || drawn.is_none_or(|at| at.elapsed() >= DRAWN) {
                drawn = Some(Instant::now());
                let profile = Some(Box::new(profile(&growing.so_far(), sizes)));
                at.tell(Working::Asking { done, of, profile });
            }
        };
        let scan =
            lab::prune::scan(&file, &calibration, ASKING, &at.workshop, &mut growing).map_err(pruned)?;
        let profile = profile(&scan, sizes);
        *at.house.lab.bench() = Some(Bench { file, expert, scan, held_out, guard, plan: None });
        Ok(profile)
    })
    .await
}

const ASKING: Asking = Asking { own_tokens: OWN_TOKENS, raw: false };

fn profile(scan: &Scan, (held_out, guard): (usize, usize)) -> Profile {
    Profile {
        model: scan.model.clone(),
        calibration: scan.calibration.clone(),
        layers: scan.layers.clone(),
        super_experts: scan.super_experts.clone(),
        held_out,
        guard,
    }
}

type Sorted = (Vec<Question>, Vec<Question>, Vec<Question>);

/// Questions that the scan sees, those that it does not, and those that guard.
fn sorted(open: &Open, calibrating: &Calibrating) -> Result<Sorted, Failure> {
    let mut past = past_questions(open)?;
    let (mut chosen, mut guard) = match calibrating {
        Calibrating::Past { topics } => {
            let topics: BTreeSet<&str> = topics.iter().map(String::as_str).collect();
            past.into_iter().partition(|question| topics.contains(question.topic()))
        }
        Calibrating::File { path } => {
            let asked = lab::prune::questions(path).map_err(pruned)?;
            // Who brings his own questions guards by what else was asked here.
            let own: BTreeSet<&str> = asked.iter().map(|question| question.question.as_str()).collect();
            past.retain(|question| !own.contains(question.question.as_str()));
            (asked.clone(), past)
        }
        Calibrating::Weights => {
            return Ok((Vec::new(), past.drain(..past.len().min(QUESTIONS)).collect(), Vec::new()));
        }
    };
    chosen.truncate(QUESTIONS);
    guard.truncate(QUESTIONS / HELD_OUT);
    if chosen.len() < HELD_OUT {
        let message = format!("There are {} such questions, and {HELD_OUT} are the fewest.", chosen.len());
        return Err(
            failure("prune.few_questions", &message, "Choose more topics, or a file of questions.").into()
        );
    }
    let (mut seen, mut held_out) = (Vec::new(), Vec::new());
    for (at, question) in chosen.into_iter().enumerate() {
        if at % HELD_OUT == HELD_OUT - 1 { held_out.push(question) } else { seen.push(question) }
    }
    Ok((seen, held_out, guard))
}

/// Who stays. Asks nobody.
#[tauri::command(async)]
pub fn plan_mixture(house: State<'_, House>, how: PlanHow) -> Result<Plan, Failure> {
    let mut bench = house.lab.bench();
    let bench = bench.as_mut().ok_or_else(nothing)?;
    let plan = lab::prune::plan(&bench.scan, how).map_err(pruned)?;
    // The same plan keeps what was found of it.
    let known = bench.plan.take().filter(|known| known.sum() == plan.sum());
    let plan = Plan { check: known.and_then(|known| known.check), ..plan };
    bench.plan = Some(plan.clone());
    Ok(plan)
}

/// Tries several sizes.
#[tauri::command]
pub async fn curve_mixture(
    app: AppHandle,
    how: PlanHow,
    progress: Channel<Working>,
) -> Result<Curve, Failure> {
    work(app, progress, move |at| {
        let (file, scan, trial) =
            at.on_bench(|bench| (bench.file.clone(), bench.scan.clone(), trial(bench, 0.0, false)))?;
        tried(&trial)?;
        at.begin(&file)?;
        let of = trial.held_out.len() + trial.guard.len();
        let mut asked = |done| at.tell(Working::Asking { done, of, profile: None });
        lab::prune::curve(&file, &scan, how, &trial, &at.workshop, &mut asked).map_err(pruned)
    })
    .await
}

/// Says what the plan would lose; `rival`: and what rounding to its size would.
#[tauri::command]
pub async fn check_mixture(
    app: AppHandle,
    limit: f64,
    rival: bool,
    progress: Channel<Working>,
) -> Result<Check, Failure> {
    work(app, progress, move |at| {
        let (file, plan, trial) =
            at.on_bench(|bench| (bench.file.clone(), bench.plan.clone(), trial(bench, limit, rival)))?;
        let plan = plan.ok_or_else(nothing)?;
        tried(&trial)?;
        at.begin(&file)?;
        let of = trial.held_out.len() + trial.guard.len();
        let mut asked = |done| at.tell(Working::Asking { done, of, profile: None });
        let check = lab::prune::check(&file, &plan, &trial, &at.workshop, &mut asked).map_err(pruned)?;
        let mut bench = at.house.lab.bench();
        // Another one may have been chosen meanwhile: this check is not of it.
        if let Some(now) =
            bench.as_mut().and_then(|bench| bench.plan.as_mut()).filter(|now| now.sum() == check.plan)
        {
            now.check = Some(check.clone());
        }
        Ok(check)
    })
    .await
}

fn trial(bench: &Bench, limit: f64, rival: bool) -> Trial {
    let Bench { held_out, guard, .. } = bench;
    Trial { held_out: held_out.clone(), guard: guard.clone(), asking: ASKING, limit, rival }
}

fn tried(trial: &Trial) -> Result<(), Failure> {
    if trial.held_out.is_empty() {
        return Err(failure(
            "prune.few_questions", "There are no questions to try a size on.",
            "Ask for a while, or choose a file of questions.",
        )
        .into());
    }
    Ok(())
}

/// The pool's expert goes without those of the plan, from its next load on.
#[tauri::command(async)]
pub fn mask_mixture(house: State<'_, House>) -> Result<Expert, Failure> {
    let open = house.inside()?;
    let bench = house.lab.bench();
    let bench = bench.as_ref().ok_or_else(nothing)?;
    let (plan, name) = bench.plan.as_ref().zip(bench.expert.as_ref()).ok_or_else(nothing)?;
    plan.passed().map_err(pruned)?;
    plan.fits(&bench.file).map_err(pruned)?;
    let layer = |layer: &lab::prune::LayerPlan| MaskedLayer {
        layer: layer.layer,
        experts: layer.experts,
        kept: layer.kept.clone(),
    };
    let mask = Mask {
        layers: plan.layers.iter().map(layer).collect(),
        score: plan.how.score.name().into(),
        plan: plan.sum(),
        loss: plan.check.as_ref().map(|check| check.held_out.loss.mean),
    };
    Ok(open.engine.pool().mask(name, Some((mask, plan.model.bytes)))?)
}

/// All its experts are used again.
#[tauri::command(async)]
pub fn unmask_mixture(house: State<'_, House>, name: String) -> Result<Expert, Failure> {
    Ok(house.inside()?.engine.pool().mask(&name, None)?)
}

/// Writes the smaller file: of the pool's expert among Lectern's own, as one more build of it; of another file where the
/// system's dialog is told to. `None`: the dialog was closed.
#[tauri::command]
pub async fn write_mixture(
    app: AppHandle,
    progress: Channel<Working>,
) -> Result<Option<SmallerFile>, Failure> {
    let dialog = app.clone();
    work(app, progress, move |at| {
        let (file, expert, plan) =
            at.on_bench(|bench| (bench.file.clone(), bench.expert.clone(), bench.plan.clone()))?;
        let plan = plan.ok_or_else(nothing)?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{stem}-keep{:.0}-{}.gguf", 100.0 * plan.how.keep, plan.how.score.name());
        let out = match &expert {
            Some(_) => at.open.home.pool_dir().join(&name),
            None => {
                let asked = dialog.dialog().file().set_file_name(&name).add_filter("GGUF", &["gguf"]);
                let Some(chosen) = asked.blocking_save_file() else { return Ok(None) };
                chosen.into_path().map_err(|error| {
                    failure(
                        "window.unwritable_file", "The file cannot be written there.",
                        "Choose a folder on a disk.",
                    )
                    .with(error.to_string())
                })?
            }
        };
        at.begin(&file)?;
        let of = lab::prune::size_of(&file, &plan).map_err(pruned)?;
        let mut told = |done_bytes| at.tell(Working::Writing { done_bytes, of });
        let written =
            lab::prune::write(&file, &plan, &out, false, true, &at.workshop, &mut told).map_err(pruned)?;
        let pool = at.open.engine.pool();
        let expert = expert.map(|name| pool.add_pruned(&name, &out)).transpose()?;
        Ok(Some(SmallerFile {
            file: out,
            bytes_before: written.bytes_before,
            bytes_after: written.bytes_after,
            experts: written.experts,
            same_logits: written.same_logits == Some(true),
            before: written.before,
            after: written.after,
            expert,
        }))
    })
    .await
}

#[tauri::command(async)]
pub fn stop_mixture(house: State<'_, House>) -> bool {
    house.stop(WORK)
}

/// What is under way: where, for whom, and how it is told and stopped.
struct At<'a> {
    house: &'a House,
    open: &'a Open,
    workshop: Workshop,
    progress: &'a Channel<Working>,
    loan: Mutex<Option<engine::seat::Loan>>,
}

impl At<'_> {
    fn tell(&self, working: Working) {
        // Nobody listens any more.
        if self.progress.send(working).is_err() {
            self.workshop.stop.store(true, Ordering::SeqCst);
        }
    }

    /// Empties the seat until the end of the work.
    fn begin(&self, file: &Path) -> Result<(), Failure> {
        self.tell(Working::Waiting);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let loan = self.open.engine.lend(&format!("Model pruning works on {name}"), &self.workshop.stop)?;
        *self.loan.lock().unwrap_or_else(PoisonError::into_inner) = Some(loan);
        self.tell(Working::Loading);
        Ok(())
    }

    fn on_bench<T>(&self, take: impl FnOnce(&Bench) -> T) -> Result<T, Failure> {
        self.house.lab.bench().as_ref().map(take).ok_or_else(nothing)
    }
}

/// Runs `job` on a thread of its own, one at a time.
async fn work<T: Send + 'static>(
    app: AppHandle,
    progress: Channel<Working>,
    job: impl FnOnce(&At<'_>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let broke_off = failure(
        "window.pruning_panicked", "Model pruning broke off inside Lectern. This is a bug.",
        "No file was changed. If it happens again, please report it.",
    );
    apart(app, broke_off, move |house| {
        let open = house.inside()?;
        let done = house.alone(WORK, |stop| {
            let executable = std::env::current_exe().map_err(|error| {
                failure(
                    "window.own_program_unknown", "The system does not say where Lectern's own program is.",
                    "Start Lectern by its full path.",
                )
                .with(error.to_string())
            })?;
            let workshop = Workshop { executable, threads: None, stop: Arc::clone(stop) };
            job(&At { house, open: &open, workshop, progress: &progress, loan: Mutex::default() })
        });
        done.unwrap_or_else(|| {
            let busy = "Model pruning is at work already.";
            Err(failure("prune.busy", busy, "Wait for it, or stop it.").into())
        })
    })
    .await
}

fn nothing() -> Failure {
    failure("prune.nothing_scanned", "There is no profile yet.", "Choose a model and read its profile first.")
        .into()
}

fn pruned(error: PruneError) -> Failure {
    Failure { code: error.code().into(), message: error.to_string(), fix: error.fix().into(), detail: None }
}
