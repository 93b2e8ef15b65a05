//! `lectern prompts`: in what words experts are asked: a search for better ones, its history, and which are in use.

use crate::ask;
use crate::measure::{Kept as Samples, open, points};
use crate::output::{Exit, Output};
use engine::home::Home;
use engine::prompts::{Count, KeptPrompt, Made, Prompts, Run, Signature, Use};
use engine::reason::strategy::diff;
use engine::report::optimise::task::{Case, of_file, of_log};
use engine::report::optimise::{Ended, Far, Found, Limits, Optimised, Proof, Task, optimise};
use engine::report::pruning::Asked;
use engine::words::Failure;
use lab::data::{Split, corpus};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Search for words that an expert answers better to, and say what they gain on questions that the search never saw.
    ///
    /// Half of the questions are held out, a fifth is learned from, the rest is chosen by. Prompts are changed by plain
    /// edits, by examples out of right answers, by merging, and by an expert that reads what went wrong, where one can.
    /// The best one is offered when the 95 % interval of its gain is wholly above nothing. Nothing is changed without
    /// `use`.
    Optimise(Box<Optimise>),
    /// Every search, and which prompts are in use.
    List {
        /// The prompts of this search, with what became of what.
        #[arg(long, value_name = "NUMBER")]
        run: Option<i64>,
    },
    /// One prompt: its words, what was changed, and what it was worth.
    Show { number: i64 },
    /// Ask with this prompt from now on, in the domains that its questions were of. Any prompt of the history will do.
    Use {
        number: i64,
        /// In these domains instead.
        #[arg(long, value_name = "A,B", value_delimiter = ',')]
        domains: Vec<String>,
    },
    /// Ask an expert as its manifest has it again.
    Restore {
        expert: String,
        /// In this domain alone.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
    },
    /// A search and all of its prompts go for good.
    Forget { run: i64 },
}

#[derive(clap::Args)]
pub struct Optimise {
    #[arg(long, value_name = "NAME")]
    expert: String,
    /// Questions: {"question", "expected" or "answer", "kind"?}, or the fields of the signature. Without it, past questions
    /// whose answer was rated up.
    #[arg(long, value_name = "Q.jsonl", conflicts_with = "test")]
    file: Option<PathBuf>,
    /// So many questions of a starter's own test.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2000))]
    test: Option<u32>,
    /// What goes in and what comes out: {"task"?, "inputs": [{"name", "kind"?, "description"?, "choices"?}], "outputs": [...]}.
    #[arg(long, value_name = "FILE.json", requires = "file")]
    signature: Option<PathBuf>,
    /// Questions asked in all, the held-out ones included.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    rollouts: u32,
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// End after so many tokens, read and written.
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// End after so long.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// This expert writes better prompts from what went wrong. Default: the expert itself where it reads more than single
    /// questions, else the largest that does; with starters alone, nobody.
    #[arg(long, value_name = "NAME")]
    reflect: Option<String>,
    /// Keep the held-out answers here, as JSON lines.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(command: Command, output: &Output) -> Result<(), Exit> {
    let prompts = || -> Result<Prompts, Exit> { Ok(Prompts::open(&Home::find()?).map_err(Failure::from)?) };
    match command {
        Command::Optimise(arguments) => search(*arguments, output)?,
        Command::List { run: None } => {
            let prompts = prompts()?;
            let (runs, uses) =
                (prompts.runs().map_err(Failure::from)?, prompts.uses().map_err(Failure::from)?);
            output.show(&json!({ "runs": runs, "uses": uses }), |_| list_in_words(&runs, &uses));
        }
        Command::List { run: Some(run) } => {
            let kept = prompts()?.of_run(run).map_err(Failure::from)?;
            output.show(&json!({ "prompts": kept }), |_| lineage(&kept));
        }
        Command::Show { number } => {
            let prompts = prompts()?;
            let kept = prompts.get(number)?;
            let all = prompts.of_run(kept.run).map_err(Failure::from)?;
            let lines = |place: Option<usize>| {
                place.and_then(|place| all.get(place)).map(|one| one.tried.prompt.lines()).unwrap_or_default()
            };
            let changed = diff::lines(&lines(Some(0)), &kept.tried.prompt.lines());
            let from_parent =
                diff::lines(&lines(kept.tried.parents.first().copied()), &kept.tried.prompt.lines());
            let whole = json!({ "prompt": kept, "changed": changed, "changed_from_parent": from_parent });
            output.show(&whole, |_| {
                format!(
                    "{}\n{}\n\nagainst as it was asked:\n{}\n",
                    line_of(&kept),
                    kept.tried.prompt.lines(),
                    changed.join("\n")
                )
            });
        }
        Command::Use { number, domains } => {
            let prompts = prompts()?;
            let domains = if domains.is_empty() { domains_of(&prompts, number)? } else { domains };
            let kept = prompts.put_to_use(number, &domains)?;
            let told = json!({ "expert": kept.expert, "prompt": number, "domains": domains, "words": kept.tried.prompt.words });
            output.show(&told, |_| {
                format!(
                    "{} is asked with prompt {number} in {}{}; `lectern prompts restore {}` takes it back",
                    kept.expert,
                    domains.join(", "),
                    length(&kept),
                    kept.expert
                )
            });
        }
        Command::Restore { expert, domain } => {
            let domains = prompts()?.take_back(&expert, domain.as_deref()).map_err(Failure::from)?;
            output.show(&json!({ "expert": expert, "domains": domains }), |_| match domains.as_slice() {
                [] => format!("{expert} is asked as its manifest has it already"),
                domains => format!("{expert} is asked as its manifest has it in {}", domains.join(", ")),
            });
        }
        Command::Forget { run } => {
            let forgotten = prompts()?.forget(run).map_err(Failure::from)?;
            output.show(&json!({ "forgotten": forgotten }), |_| {
                if forgotten {
                    format!("search {run} is forgotten")
                } else {
                    format!("there is no search {run}")
                }
            });
        }
    }
    Ok(())
}

fn search(arguments: Optimise, output: &Output) -> Result<(), Exit> {
    let signature = arguments.signature.as_deref().map(signature_of).transpose()?;
    let given = match (&arguments.file, arguments.test) {
        (Some(file), _) => Some(of_file(file, signature)?),
        (None, Some(n)) => Some(test_of(&arguments.expert, n, arguments.seed)?),
        (None, None) => None,
    };
    let mut out = arguments.out.as_deref().map(Samples::new).transpose()?;
    let engine = open(Home::find()?, output)?;
    let task = match given {
        Some(task) => task,
        None => of_log(&engine)?,
    };
    let limits = Limits {
        rollouts: arguments.rollouts as usize,
        seed: arguments.seed,
        tokens: arguments.tokens,
        seconds: arguments.seconds,
        reflect: arguments.reflect,
    };
    let stop = ask::stop_on_interrupt()?;
    let mut told = 0;
    let found = optimise(&engine, &arguments.expert, &task, &limits, &stop, &mut |far: Far| {
        if let Some(newest) = far.tried.as_ref().and_then(|tried| tried.last()) {
            let right = newest.front.or(newest.batch).map(of).unwrap_or_default();
            output.note(&format!(
                "{}/{} prompt {} {right}: {}",
                far.spent, far.of, newest.place, newest.change
            ));
        } else if far.judging && far.spent >= told + 10 {
            output.note(&format!("{}/{} held out", far.spent, far.of));
            told = far.spent;
        }
        Ok(())
    })?;
    if let Some(out) = out.as_mut() {
        for pair in &found.pairs {
            out.keep(pair)?;
        }
    }
    output.show(&found, found_in_words);
    Ok(())
}

fn signature_of(file: &std::path::Path) -> Result<Signature, Failure> {
    let bad = |what: String| Failure {
        code: "bad_signature".into(),
        message: format!("{}: {what}", file.display()),
        fix: "`lectern prompts optimise --help` shows its form.".into(),
        detail: None,
    };
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    Signature::from_json(&text).map_err(bad)
}

/// Fresh questions of a starter's test: other wordings and other numbers than it was trained on.
fn test_of(starter: &str, n: u32, seed: u64) -> Result<Task, Failure> {
    let corpus = corpus(starter).map_err(|error| Failure {
        code: "no_test".into(),
        message: error.to_string(),
        fix: "Give a file of questions with --file.".into(),
        detail: None,
    })?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let cases = (1..=n).map(|id| {
        let example = corpus.sample(&mut rng, Split::HeldOut);
        // The last line is what a worked answer comes to.
        let answer = example.answer.trim();
        let last = if answer.contains("```") { answer } else { answer.lines().last().unwrap_or_default() };
        let expected = last.trim().trim_matches('*').to_owned();
        let asked = Asked {
            id: id.to_string(),
            question: example.question,
            expected: Some(expected.clone()),
            ..Asked::default()
        };
        Case { asked, expected: vec![expected], kind: example.task.to_string() }
    });
    let signature = Signature::plain(engine::prompts::Kind::Text);
    Ok(Task { from: format!("test of {starter}"), signature, cases: cases.collect() })
}

/// What the questions of its search were read as.
fn domains_of(prompts: &Prompts, number: i64) -> Result<Vec<String>, Failure> {
    let run = prompts.get(number)?.run;
    let found = prompts.runs()?.into_iter().find(|one| one.number == run);
    let whole: Option<Optimised> = found.and_then(|run| serde_json::from_value(run.whole).ok());
    let domains = whole.map(|whole| whole.domains).unwrap_or_default();
    if domains.is_empty() {
        return Err(Failure {
            code: "no_domains".into(),
            message: format!(
                "the search of prompt {number} was cut off before it knew the domains of its questions"
            ),
            fix: "Name them with --domains.".into(),
            detail: None,
        });
    }
    Ok(domains)
}

fn of(count: Count) -> String {
    format!("{} of {}", count.right, count.n)
}

fn length(kept: &KeptPrompt) -> String {
    match kept.tried.prompt.words {
        Some((least, most)) if least == most => format!(", for questions of {least} words"),
        Some((least, most)) => format!(", for questions of {least} to {most} words"),
        None => String::new(),
    }
}

fn line_of(kept: &KeptPrompt) -> String {
    let tried = &kept.tried;
    let parents: Vec<String> = tried.parents.iter().map(usize::to_string).collect();
    let by = match &tried.made {
        Made::Given => "given".to_owned(),
        Made::Edit => "edit".to_owned(),
        Made::Merge => "merge".to_owned(),
        Made::Reflection { expert } => format!("by {expert}"),
    };
    let count = |count: Option<Count>| count.map_or("-".to_owned(), of);
    format!(
        "{:>5} {:>3} from {:<5} {:<10} batch {:<7} chosen by {:<9} held out {:<9} {:>5.0} tokens {} {}",
        kept.number,
        tried.place,
        parents.join(","),
        by,
        count(tried.batch),
        count(tried.front),
        count(tried.held_out),
        tried.prompt_tokens,
        if tried.on_front { "front" } else { "     " },
        tried.change
    )
}

/// A child stands under its parent, one step in.
fn lineage(all: &[KeptPrompt]) -> String {
    let mut text = String::new();
    let mut open: Vec<(usize, usize)> = all.first().map(|_| (0, 0)).into_iter().collect();
    while let Some((place, depth)) = open.pop() {
        let Some(kept) = all.get(place) else { continue };
        text.push_str(&format!("{}{}\n", "  ".repeat(depth), line_of(kept)));
        let children = all.iter().filter(|one| one.tried.parents.first() == Some(&place));
        let mut children: Vec<(usize, usize)> = children.map(|one| (one.tried.place, depth + 1)).collect();
        children.reverse();
        open.extend(children);
    }
    text
}

fn list_in_words(runs: &[Run], uses: &[Use]) -> String {
    if runs.is_empty() {
        return "no search for a better prompt was run; `lectern prompts optimise` runs one".into();
    }
    let mut text = String::new();
    for run in runs {
        let whole: Option<Optimised> = serde_json::from_value(run.whole.clone()).ok();
        let outcome = whole.as_ref().map_or("another hand wrote how it went".into(), outcome);
        text.push_str(&format!(
            "search {:<4} {:<14} {:>3} tried  {outcome}\n",
            run.number, run.expert, run.tried
        ));
    }
    for one in uses.iter().filter(|one| one.now) {
        let prompt = one.prompt.map_or("as its manifest has it".into(), |prompt| format!("prompt {prompt}"));
        text.push_str(&format!("in use: {} in {}: {prompt}\n", one.expert, one.domain));
    }
    text
}

pub fn outcome(found: &Optimised) -> String {
    let best = found.best.map_or(String::new(), |best| format!("prompt {best}: "));
    let gain = found.gain.as_ref().map(points).unwrap_or_default();
    match found.shown {
        Proof::Gain => format!("{best}gain in points on held-out questions {gain}"),
        Proof::NoGain => format!("{best}no gain shown, in points on held-out questions {gain}"),
        Proof::NoBetter => "no better prompt found".into(),
        Proof::Unfinished => "not finished: nothing can be said of it".into(),
    }
}

fn found_in_words(found: &Found) -> String {
    let optimised = &found.optimised;
    let ended = match optimised.ended {
        Ended::Budget => "the budget is used up",
        Ended::Nothing => "nothing goes wrong any more, or every change was tried",
        Ended::Stopped => "stopped",
        Ended::Tokens => "the tokens are used up",
        Ended::Time => "the time is up",
    };
    let mut text = lineage(&found.tried);
    text.push_str(&format!(
        "\n{} of {} rollouts, {} tokens, {:.1} s: {ended}\nquestions: {} to learn from, {} to choose by, {} held out\nprompts written by: {}\nratio to reinforcement learning: not run\n\n{}\n",
        optimised.spent,
        optimised.limits.rollouts,
        optimised.tokens,
        optimised.elapsed_ms / 1e3,
        optimised.parts.feedback,
        optimised.parts.front,
        optimised.parts.held_out,
        optimised.reflector.as_deref().unwrap_or("nobody here can; plain edits alone"),
        outcome(optimised)
    ));
    if let (Proof::Gain, Some(best)) = (optimised.shown, optimised.best) {
        text.push_str(&format!(
            "`lectern prompts use {best}` asks with it in {}\n",
            optimised.domains.join(", ")
        ));
    }
    text
}
