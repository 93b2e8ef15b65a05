//! `lectern ask`: one question along the engine's one path; a file of them goes to [`batch`](crate::batch).

use crate::batch::{self, Line};
use crate::output::{Exit, Output};
use crate::program;
use crate::results::{self, Results};
use engine::events::{AnswerEvent, Seat};
use engine::home::Home;
use engine::settings::Settings;
use engine::words::{
    Aggregate, Answer, Council, Draft, Failure, Kept, Mode, Question, Step, StepKind, Strategy,
};
use engine::{Engine, Options};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[derive(clap::Args)]
pub struct Arguments {
    /// The question; `-` reads it from stdin.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Ask each line of a JSON lines file: {"id", "question", "expected"?}.
    #[arg(long, value_name = "Q.jsonl")]
    file: Option<PathBuf>,
    /// Append the results to this file, and ask only what has no answer in it: the same command again goes on after it was
    /// broken off.
    #[arg(long, value_name = "R.jsonl", requires = "file")]
    out: Option<PathBuf>,
    /// optimized: recall and compression; fast: compression; basic: neither. Default: the one in the settings.
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<Mode>,
    /// This expert answers, whatever the router says.
    #[arg(long, value_name = "NAME")]
    expert: Option<String>,
    /// Ask the N best experts in turn, one at the lectern at a time, and make one answer of theirs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), conflicts_with = "expert")]
    top_k: Option<u32>,
    /// voting (most say it), weighted (most weight says it), sequential (each improves the answer before it), ensemble
    /// (one expert writes it), hierarchical (each part of the question goes to its own expert, then they are joined) or
    /// auto (one of these or one expert alone, as the question is). Without --top-k 3 experts are asked, 5 when the
    /// question is hard.
    #[arg(long, value_name = "WAY", value_parser = aggregate, conflicts_with = "expert")]
    aggregate: Option<Aggregate>,
    /// The expert that writes the one answer of an ensemble (default: the best generalist) or joins the parts of a
    /// hierarchical council (default: the best for the whole that reads prompts).
    #[arg(long, value_name = "NAME", requires = "aggregate")]
    synthesis: Option<String>,
    /// How each expert is asked: direct, steps, guided, refine, verify, multi-stage or vote. Default: direct, or what
    /// `bench --remember` has proven here (mode optimized).
    #[arg(long, value_name = "STRATEGY", value_parser = strategy)]
    strategy: Option<Strategy>,
    /// Look at no past answers and no documents.
    #[arg(long)]
    no_recall: bool,
    /// Put rules of the playbook beside the question, whatever the settings say; --no-playbook puts none.
    #[arg(long, overrides_with = "no_playbook")]
    playbook: bool,
    #[arg(long, hide = true)]
    no_playbook: bool,
    /// The part of the recalled text, and of a long paste, that stays; without it only what does not fit goes.
    #[arg(long, value_name = "0.3", value_parser = crate::compress::ratio)]
    ratio: Option<f32>,
    /// Continue this conversation.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    conversation: Option<String>,
    /// Stop after this many tokens.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// 0 takes the likeliest token each time.
    #[arg(long, value_name = "T", value_parser = temperature)]
    temperature: Option<f32>,
    /// The same seed gives the same answer.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "optimized" => Ok(Mode::Optimized),
        "fast" => Ok(Mode::Fast),
        "basic" => Ok(Mode::Basic),
        _ => Err("optimized, fast or basic".into()),
    }
}

pub fn aggregate(text: &str) -> Result<Aggregate, String> {
    let known = Aggregate::ALL.into_iter().find(|aggregate| aggregate.name() == text);
    known.ok_or_else(|| "voting, weighted, sequential, ensemble, hierarchical or auto".into())
}

pub fn strategy(text: &str) -> Result<Strategy, String> {
    let known = Strategy::ALL.into_iter().find(|strategy| strategy.name() == text);
    known.ok_or_else(|| "direct, steps, guided, refine, verify, multi-stage or vote".into())
}

fn temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err("a number from 0 to 10".into()),
    }
}

pub fn run(arguments: Arguments, output: &Output) -> Result<(), Exit> {
    // What can be wrong with the question is said before anything is opened.
    let asked = match (&arguments.file, &arguments.text) {
        (Some(file), _) => {
            let lines = batch::lines_of(file)?;
            let results = arguments.out.as_deref().map(|out| {
                results::check_ids(&lines, file)?;
                Results::open(out)
            });
            Asked::Many(lines, results.transpose()?)
        }
        (None, text) => Asked::One(question_text(text.as_deref().unwrap_or_default())?),
    };
    let home = Home::find()?;
    let loaded = Settings::load(&home);
    if let Some(warning) = loaded.warning {
        output.note(&format!("{} {}", warning.message, warning.fix));
    }
    let options = options(&loaded.settings, output)?;
    // Nobody comes back to the conversations of a file.
    let states_bytes = matches!(asked, Asked::Many(..)).then_some(0);
    let engine = Engine::open(home, Options { states_bytes, ..options })?;
    for problem in engine.pool().problems() {
        output.note(&format!("{} {}", problem.message, problem.fix));
    }
    let stop = stop_on_interrupt()?;
    let template = Question {
        conversation: arguments.conversation,
        mode: arguments.mode.unwrap_or(loaded.settings.mode),
        expert: arguments.expert,
        recall: !arguments.no_recall,
        playbook: match (arguments.playbook, arguments.no_playbook) {
            (false, false) => None,
            (wanted, _) => Some(wanted),
        },
        ratio: arguments.ratio,
        top_k: arguments.top_k,
        aggregate: arguments.aggregate,
        synthesis: arguments.synthesis,
        strategy: arguments.strategy,
        max_tokens: arguments.max_tokens,
        temperature: arguments.temperature,
        seed: arguments.seed,
        ..Question::default()
    };
    match asked {
        Asked::One(text) => ask_one(&engine, Question { text, ..template }, &stop, output),
        Asked::Many(lines, mut results) => {
            batch::ask(&engine, &lines, results.as_mut(), &template, &stop, output)
        }
    }
}

/// The engine as commands that compute open it.
pub fn open(home: Home, settings: &Settings, output: &Output) -> Result<Engine, Exit> {
    Ok(Engine::open(home, options(settings, output)?)?)
}

/// This program hosts the experts, the settings give the budget.
pub fn options(settings: &Settings, output: &Output) -> Result<Options, Exit> {
    Ok(Options {
        host_executable: program::own_file()?,
        budget_bytes: settings.budget_bytes(),
        processor_only: output.processor_only || settings.processor_only,
        threads: output.threads,
        ..Options::default()
    })
}

enum Asked {
    One(String),
    Many(Vec<Line>, Option<Results>),
}

fn question_text(argument: &str) -> Result<String, Exit> {
    let text = if argument == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Exit::Usage(format!("the question on stdin cannot be read: {error}")))?;
        text.trim_start_matches('\u{feff}').trim_end().to_owned()
    } else {
        argument.to_owned()
    };
    if text.trim().is_empty() {
        return Err(Exit::Usage("the question is empty".into()));
    }
    Ok(text)
}

/// The first interrupt stops the answer, which keeps what it has; a second one ends the program.
pub fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Exit> {
    let unheard = |error| Failure {
        code: "no_interrupt".into(),
        message: format!("interrupts cannot be heard: {error}"),
        fix: "Start `lectern` from an ordinary terminal or shell.".into(),
        detail: None,
    };
    Ok(program::stop_on_interrupt().map_err(unheard)?)
}

fn ask_one(engine: &Engine, question: Question, stop: &Arc<AtomicBool>, output: &Output) -> Result<(), Exit> {
    let words = !output.is_json();
    // Of several texts on the way the answer is one: it is shown when it is known.
    let streams =
        words && !question.is_for_several() && question.strategy.is_none_or(|s| s == Strategy::Direct);
    let mut ended_line = true;
    let mut is_thinking = false;
    let asked = engine.ask(question, Arc::clone(stop), &mut |event| match event {
        AnswerEvent::Asked { .. } => is_thinking = true,
        AnswerEvent::Text { piece } if streams && !is_thinking => {
            ended_line = piece.ends_with('\n');
            output.piece(&piece);
        }
        AnswerEvent::Seating(Seat::Loading { title, memory_bytes: 0, .. }) if words => {
            output.note(&format!("{title} takes the lectern"));
        }
        AnswerEvent::PassedOver(passed) if words => {
            if !std::mem::replace(&mut ended_line, true) {
                output.line("");
            }
            output.note(&format!("{} could not answer: {}", passed.title, passed.failure.message));
        }
        AnswerEvent::Step(step) if words => output.note(&step_line(&step)),
        AnswerEvent::Drafted(draft) if words => output.note(&draft_line(&draft)),
        _ => {}
    });
    if words && !ended_line {
        output.line("");
    }
    let answer = asked?;
    if output.is_json() {
        output.json(&answer);
    } else {
        if !streams || is_thinking {
            output.line(answer.answer.trim_end());
        }
        if let Some(composed) = &answer.trace.composed {
            let way = composed.aggregate.map_or("one expert", Aggregate::name);
            output.note(&format!("{way}: {}", composed.why));
        }
        if let Some(council) = &answer.trace.council {
            output.note(&council_lines(council));
        } else if let Some(reasoned) = &answer.trace.reason {
            output.note(&format!("{}: {}", reasoned.strategy.name(), reasoned.outcome));
        }
        output.note(&one_line(&answer));
        if engine.pool().get(&answer.expert).is_ok_and(|expert| expert.retired.is_some()) {
            output.note(&format!("{} is retired: the router passes it by.", answer.expert));
        }
        if answer.trace.generate.shifted > 0 {
            output.note(&format!(
                "The conversation outgrew what {} can read at once: its oldest {} tokens were left out.",
                answer.expert, answer.trace.generate.shifted
            ));
        }
    }
    Ok(())
}

fn step_line(step: &Step) -> String {
    let about =
        if step.prompt.is_empty() { String::new() } else { format!(" \"{}\"", first_line(&step.prompt)) };
    format!("  {}{about}: {}", kind(step.step), step.says)
}

fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Answer => "answer",
        StepKind::Sample => "sample",
        StepKind::Understand => "understand",
        StepKind::Plan => "plan",
        StepKind::Part => "part",
        StepKind::Check => "check",
        StepKind::Improve => "improve",
        StepKind::Join => "join",
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn draft_line(draft: &Draft) -> String {
    let said = match (&draft.absent, draft.refused) {
        (Some(failure), _) => format!("absent: {}", failure.message),
        (None, true) => "cannot do this".into(),
        (None, false) => draft.says.clone(),
    };
    let Draft { title, weight, part, .. } = draft;
    let part = part.as_ref().map(|part| format!("\"{}\" ", part.text)).unwrap_or_default();
    format!(
        "  {part}{title}: {said} (weight {:.3} = accuracy {:.3}, n = {}, x route {:.3})",
        weight.weight, weight.accuracy, weight.n, weight.route
    )
}

fn council_lines(council: &Council) -> String {
    let (way, outcome) = (council.aggregate.name(), &council.outcome);
    let mut text = format!("{way}: {outcome}");
    if !council.groups.is_empty() {
        text.push_str(&format!(" Agreement {:.0} %,", council.agreement * 100.0));
    }
    text.push_str(&format!(" {} loads, {} swaps.", council.loads, council.swaps));
    for group in &council.groups {
        text.push_str(&format!("\n  \"{}\": {}", group.says, group.experts.join(", ")));
    }
    if let Some(why) = &council.fell_back {
        text.push_str(&format!("\n  {why}"));
    }
    text
}

/// Who answered, how long it took, and what was special about it.
fn one_line(answer: &Answer) -> String {
    let trace = &answer.trace;
    let mut parts = vec![format!("{} · {:.2} s", answer.expert, trace.total_ms / 1000.0)];
    if trace.generate.tokens > 1 {
        parts.push(format!("{} tokens, {:.0} tok/s", answer.tokens, trace.generate.tokens_per_s));
    }
    if let Some(kept) = trace.generate.cached_in {
        let from = match kept {
            Kept::Seat => "known",
            Kept::State => "known from a saved state",
        };
        let of = trace.generate.prompt_tokens;
        parts.push(format!("{} of {of} prompt tokens {from}", trace.generate.cached_tokens));
    }
    if !trace.seat.was_seated && trace.seat.load_ms > 0.0 {
        parts.push(format!("seated in {:.2} s", trace.seat.load_ms / 1000.0));
    }
    parts.extend(trace.seat.outside.clone());
    match trace.retrieve.passages.len() {
        0 => {}
        1 => parts.push("1 source".into()),
        sources => parts.push(format!("{sources} sources")),
    }
    if answer.stopped {
        parts.push("stopped".into());
    }
    parts.join(" · ")
}
