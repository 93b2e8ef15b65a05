//! The engine: what belongs to one home, opened once. It holds the rooms' state and opens their doors; what happens to
//! a question is in [`crate::ask`].

use crate::abilities::Outcomes;
use crate::archive::Archive;
use crate::ask;
use crate::documents::Documents;
use crate::events::{AnswerEvent, News, Seat, Traffic};
use crate::home::Home;
use crate::hub;
use crate::learn;
use crate::lessons::Lessons;
use crate::measured::Measured;
use crate::overrides::Overrides;
use crate::playbook::Playbook;
use crate::pool::{Pool, PoolFile};
use crate::prompts::Prompts;
use crate::read::Reader;
use crate::report::{self, ComponentStatus};
use crate::route::arms::Arm;
use crate::seat::{self, Lectern, Prefetch};
use crate::settings::{Gates, PlaybookSettings, QueueSettings, Settings};
use crate::states::{self, States};
use crate::words::{Answer, Failure, Plan, Question, Ranked};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Where experts run and what they may take.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The executable that hosts an expert when started for that: the program itself.
    pub host_executable: PathBuf,
    /// Memory for the seated expert; 60 % of this machine's when `None`.
    pub budget_bytes: Option<u64>,
    /// Graphics processors are left alone.
    pub processor_only: bool,
    /// Threads of the seated expert; all cores when `None`.
    pub threads: Option<usize>,
    /// What saved states of conversations may take on the disk, 0 keeps none; [`states::BUDGET_BYTES`] when `None`.
    pub states_bytes: Option<u64>,
    /// Another classifier than the one that comes with Lectern.
    pub gate: Option<Vec<u8>>,
}

/// Answers questions. Send and Sync; dropping it ends the seated expert's process.
pub struct Engine {
    pub(crate) archive: Archive,
    pub(crate) documents: Documents,
    pub(crate) lessons: Lessons,
    pub(crate) prompts: Prompts,
    pub(crate) outcomes: Outcomes,
    pub(crate) playbook: Playbook,
    pub(crate) pool: Pool,
    pub(crate) reader: Reader,
    pub(crate) lectern: Lectern,
    prefetch: Prefetch,
    pub(crate) outside: hub::Outside,
    home: Home,
    measured: RwLock<Measured>,
    advice: RwLock<(PlaybookSettings, Gates)>,
    /// What of the queue's figures is counted in the archive already.
    counted: Mutex<Traffic>,
    /// None of it while the environment is not obeyed.
    overrides: RwLock<Overrides>,
}

impl Engine {
    /// Opens what lies in `home`; starts the thread that owns the seat; loads no expert.
    pub fn open(home: Home, options: Options) -> Result<Self, Failure> {
        home.prepare()?;
        let overrides = Overrides::read()?;
        let archive = Archive::open(&home)?;
        archive.understand(&options.host_executable)?;
        let mut documents = Documents::open(&home, &options.host_executable)?;
        documents.understand_as(&archive);
        // A file that cannot be read now keeps what was read of it; `add` says why.
        documents.refresh()?;
        let lessons = Lessons::open(&home)?;
        let prompts = Prompts::open(&home)?;
        let (outcomes, playbook) = (Outcomes::open(&home)?, Playbook::open(&home)?);
        let pool = Pool::open(&home)?;
        let reader = Reader::new(options.gate.as_deref().or(crate::pool::gate()))?;
        let budget = options.budget_bytes.unwrap_or_else(seat::default_budget);
        pool.fit(budget);
        let settings = Settings::load(&home).settings;
        pool.keep_inside(hub::why_inside(&settings));
        if !settings.hub.folders.is_empty() {
            // A folder that cannot be read offers nothing, and keeps nobody from answering.
            let _ = hub::offer(&pool, &settings);
        }
        let states_bytes = options.states_bytes.unwrap_or(states::BUDGET_BYTES);
        let states = States::open(&home, &options.host_executable, states_bytes);
        let Options { host_executable, processor_only, threads, .. } = options;
        let rules = overrides.queue(settings.queue);
        let advice = RwLock::new((settings.playbook, settings.gates));
        let lectern = Lectern::open(host_executable, budget, processor_only, threads, states, rules);
        let lectern = lectern.map_err(no_thread)?;
        let prefetch = Prefetch::open().map_err(no_thread)?;
        let measured = RwLock::new(Measured::load(&home));
        let counted = Mutex::default();
        let engine = Engine {
            archive,
            documents,
            lessons,
            prompts,
            outcomes,
            playbook,
            pool,
            reader,
            lectern,
            prefetch,
            outside: hub::Outside::of(&home),
            home,
            measured,
            advice,
            counted,
            overrides: RwLock::new(overrides),
        };
        let management = engine.pool_rules().management;
        if management.remove_underperforming {
            // Who cannot be retired now stays, and keeps nobody from answering.
            let _ = report::threshold::retire_under(&engine, f64::from(management.performance_threshold));
        }
        Ok(engine)
    }

    /// Answers one question; returns when it is answered, stopped or failed. Questions queue for the seat.
    /// `on` hears everything on the way; setting `stop` ends it within 200 ms in any room.
    pub fn ask(
        &self,
        question: Question,
        stop: Arc<AtomicBool>,
        on: &mut dyn FnMut(AnswerEvent),
    ) -> Result<Answer, Failure> {
        ask::ask(self, &question, &stop, on)
    }

    /// Who would answer `text`, and why. Loads nothing and takes about a millisecond.
    pub fn route(&self, text: &str, by_hand: Option<&str>) -> Result<Plan, Failure> {
        self.plan(&Question { expert: by_hand.map(str::to_owned), ..Question::new(text) })
    }

    /// The experts as another arm scores them, to compare the router with. Loads nothing.
    pub fn ranked(&self, text: &str, arm: Arm) -> Result<Ranked, Failure> {
        ask::ranked(self, text, arm)
    }

    /// What benchmarks found on this machine.
    pub fn measured(&self) -> Measured {
        self.measured.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what a benchmark found, for this engine and those that come.
    pub fn remember(&self, measured: Measured) -> Result<(), Failure> {
        measured.save(&self.home)?;
        *self.measured.write().unwrap_or_else(PoisonError::into_inner) = measured;
        Ok(())
    }

    /// The same for a question with its choices.
    pub fn plan(&self, question: &Question) -> Result<Plan, Failure> {
        ask::plan(self, question)
    }

    /// The plan for a draft that is still being written: the file of the expert that would be asked comes into the system's
    /// page cache, so that it loads without the disk when the question is sent.
    pub fn foresee(&self, question: &Question) -> Result<Plan, Failure> {
        let plan = ask::plan(self, question)?;
        let is_here = ask::seated(self).as_ref() == Some(&plan.chosen);
        let likely = self.pool.get(&plan.chosen).ok().filter(|_| !is_here);
        self.prefetch.guess(likely.filter(|expert| expert.endpoint().is_none()).map(|expert| expert.file));
        Ok(plan)
    }

    /// Who would take the lectern for a question, in that order, if `seated` stood there now.
    pub fn cast(&self, question: &Question, seated: Option<&str>) -> Result<Vec<String>, Failure> {
        ask::cast(self, question, seated)
    }

    /// Who is seated, and the memory budget in bytes.
    pub fn seat(&self) -> (Seat, u64) {
        (self.lectern.seat(), self.lectern.budget_bytes())
    }

    /// Hears the seat's state now and at each change, from whichever thread changes it.
    pub fn watch(&self, watcher: Box<dyn Fn(News) + Send>) {
        self.lectern.watch(watcher);
    }

    /// The seat is empty and questions wait until the loan is dropped: `what` has the memory meanwhile.
    pub fn lend(&self, what: &str, stop: &AtomicBool) -> Result<seat::Loan, Failure> {
        Ok(self.lectern.lend(what, stop)?)
    }

    /// The seated expert leaves after the questions that wait already. Bytes of memory that came back, measured.
    pub fn unseat(&self) -> Result<u64, Failure> {
        Ok(self.lectern.leave()?)
    }

    /// Whether graphics processors are left alone, from the next load on.
    pub fn set_processor_only(&self, processor_only: bool) {
        self.lectern.set_processor_only(processor_only);
    }

    /// Another memory budget, from the next load on; `None` is the default of this machine.
    pub fn set_budget(&self, bytes: Option<u64>) {
        let bytes = bytes.unwrap_or_else(seat::default_budget);
        self.pool.fit(bytes);
        self.lectern.set_budget(bytes);
    }

    /// Whether experts outside Lectern may be asked, by the settings as they are now.
    pub fn let_out(&self, settings: &Settings) {
        self.pool.keep_inside(hub::why_inside(settings));
    }

    /// The servers outside Lectern, with the keys to them.
    pub fn outside(&self) -> &hub::Outside {
        &self.outside
    }

    /// Other rules of the queue, for those who come from now on.
    pub fn set_queue(&self, rules: QueueSettings) {
        self.lectern.set_rules(self.overrides().queue(rules));
    }

    /// What the pool file says, read anew when it has changed, and before it the environment.
    pub fn pool_rules(&self) -> PoolFile {
        let (rules, overrides) = (self.pool.rules(), self.overrides());
        let (router, management) = (overrides.router(rules.router), overrides.management(rules.management));
        PoolFile { router, management, ..rules }
    }

    /// What the environment says, as far as it is obeyed.
    pub fn overrides(&self) -> Overrides {
        self.overrides.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the environment goes before the settings and the pool file, until this engine is closed.
    pub fn obey_environment(&self, obey: bool) -> Result<(), Failure> {
        let overrides = if obey { Overrides::read()? } else { Overrides::default() };
        *self.overrides.write().unwrap_or_else(PoisonError::into_inner) = overrides;
        self.set_queue(Settings::load(&self.home).settings.queue);
        Ok(())
    }

    /// The question with what the pool file says where it says nothing itself. What is measured is asked as it stands.
    pub fn ruled(&self, question: &Question) -> Question {
        let mut question = question.clone();
        if question.trial {
            return question;
        }
        let PoolFile { router, aggregation, .. } = self.pool_rules();
        if !self.overrides().switches().several {
            (question.top_k, question.aggregate) = (None, None);
            return question;
        }
        let says_nothing =
            question.expert.is_none() && question.strategy.is_none() && !question.is_for_several();
        if says_nothing && router.top_k > 1 {
            question.top_k = Some(router.top_k);
        }
        if question.is_for_several() {
            question.aggregate = question.aggregate.or(Some(aggregation.strategy));
            question.synthesis = question.synthesis.or(aggregation.synthesis_model);
        }
        question
    }

    pub fn rules(&self) -> QueueSettings {
        self.lectern.rules()
    }

    /// What the queue came to since this engine was opened.
    pub fn traffic(&self) -> Traffic {
        self.lectern.traffic()
    }

    /// Questions that wait for each expert or are with it.
    pub fn waiting(&self) -> HashMap<String, u32> {
        self.lectern.waiting()
    }

    /// Loads the expert that was used last, so that the first question finds it there. Returns at once.
    pub fn warm_up(&self) {
        let experts = self.pool.experts();
        let ready = experts.iter().filter(|expert| expert.is_ready() && expert.endpoint().is_none());
        if let Some(last) =
            ready.filter(|e| e.statistics.last_used.is_some()).max_by_key(|e| e.statistics.last_used)
        {
            self.lectern.warm(ask::guest(last));
        }
    }

    /// Counts for the status page what the queue did since this was called last; a trial's turn is passed over.
    pub(crate) fn count_queue(&self, is_trial: bool) {
        let now = self.lectern.traffic();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        // While some wait the figure is behind: what was counted is not taken back.
        let saved = now.loads_saved.max(counted.loads_saved);
        let new = Traffic { loads_saved: saved, ..now };
        let (turns, waited_ms) = (new.turns - counted.turns, new.waited_ms - counted.waited_ms);
        if !is_trial {
            // A counter that cannot be written costs a figure, not the answer.
            let _ = self.pool.count_queue(turns, (saved - counted.loads_saved) as u64, waited_ms);
        }
        *counted = new;
    }

    /// Loads that somebody saved who put his questions in order before he asked them.
    pub fn count_loads_saved(&self, loads: u64) {
        let _ = self.pool.count_queue(0, loads, 0.0);
    }

    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Rates an answer, and has routing learn from it; 0 takes the rating back. `false`: there is no such answer.
    pub fn rate(&self, id: &str, rating: i32) -> Result<bool, Failure> {
        let rated = self.archive.rate(id, rating)?;
        if rated {
            self.lessons.rate(id, rating)?;
            learn::rated(&self.learning(), id, rating)?;
        }
        Ok(rated)
    }

    /// What is learned from.
    pub(crate) fn learning(&self) -> learn::Stores<'_> {
        learn::Stores { archive: &self.archive, outcomes: &self.outcomes, playbook: &self.playbook }
    }

    /// How the playbook is used, and what follows from how hard a question is.
    pub fn advice_rules(&self) -> (PlaybookSettings, Gates) {
        *self.advice.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other rules of that kind, from the next question on.
    pub fn set_advice_rules(&self, playbook: PlaybookSettings, gates: Gates) {
        *self.advice.write().unwrap_or_else(PoisonError::into_inner) = (playbook, gates);
    }

    /// Asks an expert what good answers did that bad ones to the same question did not; what it says become bullets.
    pub fn reflect(&self, expert: Option<&str>, stop: &Arc<AtomicBool>) -> Result<ask::Reflected, Failure> {
        ask::reflect(self, expert, stop)
    }

    /// The domains that questions are read into.
    pub fn domains(&self) -> Vec<String> {
        self.reader.domains()
    }

    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    pub fn lessons(&self) -> &Lessons {
        &self.lessons
    }

    pub fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Every component with what it did here, also those that never ran.
    pub fn status(&self) -> Result<Vec<ComponentStatus>, Failure> {
        report::status(&self.archive)
    }
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure {
        code: "no_thread".into(),
        message: format!("a thread that Lectern needs cannot be started: {error}"),
        fix: "Close other programs and start Lectern again.".into(),
        detail: None,
    }
}
