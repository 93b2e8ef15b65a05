//! Metrics: what the pages and `lectern metrics` say, made again from the stored answers by hand.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/toy.rs"]
mod toy;
#[allow(dead_code)]
#[path = "support/toys.rs"]
mod toys;

use engine::report::compare::{Finding, compare, past_questions};
use engine::report::dashboard::{Dashboard, Figure, dashboard};
use engine::report::modes::modes;
use engine::report::pruning::Asked;
use engine::words::{Answer, Failure, Mode, Question};
use serde_json::Value;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use toy::Toy;
use toys::Toys;

fn two() -> Toys {
    Toys::with(&[
        ("alpha", Toy { says: &["the", "answer", "is", "42"], ..Toy::default() }),
        ("beta", Toy { says: &["fine"], ..Toy::default() }),
    ])
}

fn lectern(toys: &Toys, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lectern"))
        .args(arguments)
        .env("LECTERN_HOME", toys.folder.path().join("home"))
        .output()
        .unwrap()
}

/// Twenty-four answers of two experts in runs of three, the first eight of them judged, as they are stored.
fn asked(toys: &Toys) -> Vec<Answer> {
    const NUMBERS: [&str; 24] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "red",
        "green", "blue", "grey",
    ];
    let ids: Vec<(String, String)> = NUMBERS
        .iter()
        .enumerate()
        .map(|(at, number)| {
            let expert = if at / 3 % 2 == 0 { "alpha" } else { "beta" };
            let question = Question {
                mode: if at % 2 == 0 { Mode::Fast } else { Mode::Basic },
                expert: Some(expert.into()),
                ..Question::new(format!("{expert}: say {number}"))
            };
            let answer = toys.listen(question, &mut |_| {}).unwrap();
            if at < 8 {
                let rating = if at % 4 == 3 { -1 } else { 1 };
                toys.engine.archive().rate(&answer.id, rating).unwrap();
            }
            (answer.conversation, answer.id)
        })
        .collect();
    ids.iter()
        .map(|(conversation, id)| {
            let turns = toys.engine.archive().conversation(conversation).unwrap();
            turns.into_iter().find(|turn| turn.id == *id).unwrap()
        })
        .collect()
}

fn near(got: Option<f64>, wanted: f64, what: &str) {
    let got = got.unwrap_or_else(|| panic!("{what} was not measured"));
    assert!((got - wanted).abs() <= wanted.abs() * 1e-6, "{what}: {got}, not {wanted}");
}

/// By sorting: the value that half of them do not exceed.
fn median(values: impl Iterator<Item = f32>) -> f64 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    f64::from(values[values.len().div_ceil(2) - 1])
}

#[test]
fn every_figure_of_the_pages_is_made_again_from_the_stored_answers() {
    let toys = two();
    let stored = asked(&toys);
    let Dashboard { answers, routing, retrieval, compression, memory, latency, .. } =
        dashboard(toys.engine.archive(), 0).unwrap();
    assert_eq!(answers, 24);

    let own = |name: &str| stored.iter().filter(|answer| answer.expert == name).count();
    assert_eq!((own("alpha"), own("beta")), (12, 12));
    for part in &routing.experts {
        near(part.share.value, 0.5, &part.name);
        assert_eq!(part.share.behind.len(), 12);
    }
    // Eight were judged, two of them bad: too few to say a share.
    assert_eq!((routing.right.value, routing.right.n), (None, 8));
    assert_eq!(routing.right.behind.iter().filter(|one| one.value == 1.0).count(), 6);
    near(routing.confidence.value, median(stored.iter().map(|a| a.trace.read.confidence)), "confidence");
    let binned: f64 = routing.by_confidence.iter().filter_map(|bin| bin.answers.value).sum();
    assert_eq!(binned, 24.0);

    near(latency.p50.value, median(stored.iter().map(|a| a.trace.total_ms)), "median");
    assert_eq!((latency.p99.value, latency.p99.n), (None, 24), "the largest of 24 is no 99th percentile");
    near(
        latency.first_p50.value,
        median(stored.iter().map(|a| a.trace.generate.first_token_ms)),
        "first token",
    );
    let mean = stored.iter().map(|a| f64::from(a.trace.total_ms)).sum::<f64>() / 24.0;
    near(latency.day.value, mean, "mean of the day");
    assert_eq!(latency.before.n, 0);
    let seat = latency.stages.iter().find(|stage| stage.stage == "seat").unwrap();
    near(seat.p50.value, median(stored.iter().map(|a| a.trace.seat.elapsed_ms)), "seat");
    let parts: f64 = latency.stages.iter().map(|stage| stage.part).sum();
    assert!((parts - 1.0).abs() < 1e-9);
    let trend: usize = latency.trend.iter().map(|point| point.figure.n).sum();
    assert_eq!(trend, 24, "every answer is in one point");

    // Runs of three: eight loads, seven of them after another expert, and sixteen answers that needed none.
    assert_eq!(memory.load_ms.n, 8);
    assert_eq!((memory.swaps.value, memory.stays.value), (Some(7.0), Some(16.0)));
    near(memory.loads.value, 8.0 / 24.0, "loads");
    let loads = stored.iter().map(|a| a.trace.seat.load_ms).filter(|ms| *ms > 0.0);
    near(memory.load_ms.value, median(loads), "load");
    let peak = stored.iter().map(|a| a.trace.generate.peak_memory_bytes.max(a.trace.seat.memory_bytes)).max();
    near(memory.peak.value, peak.unwrap() as f64, "peak");
    // Each stay is worth the load before it, twice in each run.
    let stays: f64 = stored.iter().map(|a| 2.0 * f64::from(a.trace.seat.load_ms)).sum();
    near(memory.stays_ms.value, stays, "stays");

    assert_eq!(retrieval.asked.value, Some(0.0), "fast and basic look at nothing");
    let shortened = stored.iter().filter(|a| a.trace.compress.method.is_some()).count();
    near(compression.share.value, shortened as f64 / 24.0, "shortened");
    let spent: f64 = stored.iter().map(|a| f64::from(a.trace.compress.elapsed_ms)).sum();
    near(compression.spent_ms.value, spent, "time of compression");

    // Every answer behind a figure can be opened.
    let all: [&Figure; 4] = [&latency.p50, &memory.peak, &routing.confidence, &memory.stays];
    for figure in all {
        let ids: Vec<String> = figure.behind.iter().map(|one| one.answer.clone().unwrap()).collect();
        assert_eq!(toys.engine.archive().answers(&ids).unwrap().len(), figure.n);
    }
    let modes = modes(&toys.engine).unwrap();
    let own = |mode: Mode| modes.iter().find(|cost| cost.mode == mode).unwrap();
    assert_eq!((own(Mode::Optimized).total_ms.value, own(Mode::Fast).total_ms.n), (None, 12));
    let basic = stored.iter().skip(1).step_by(2);
    near(own(Mode::Basic).total_ms.value, median(basic.map(|a| a.trace.total_ms)), "basic");
}

#[test]
fn the_terminal_lists_the_rows_as_json_and_as_csv() {
    let toys = two();
    let stored = asked(&toys);
    let rows: Value = serde_json::from_slice(&lectern(&toys, &["metrics", "--json"]).stdout).unwrap();
    let rows = rows["metrics"].as_array().unwrap();
    assert_eq!(rows.len(), stored.len());
    for (row, answer) in rows.iter().zip(&stored) {
        assert_eq!(
            (row["answer"].as_str(), row["expert"].as_str()),
            (Some(&*answer.id), Some(&*answer.expert))
        );
        near(row["total_time_ms"].as_f64(), f64::from(answer.trace.total_ms), "total");
        assert_eq!(row["tokens_written"], answer.tokens);
    }
    let csv = String::from_utf8(lectern(&toys, &["metrics", "--csv", "--since", "24h"]).stdout).unwrap();
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 25);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let column = lines[0].iter().position(|name| *name == "total_time_ms").unwrap();
    for (line, row) in lines[1..].iter().zip(rows) {
        near(line[column].parse().ok(), row["total_time_ms"].as_f64().unwrap(), "the same in both");
    }
    let words = String::from_utf8(lectern(&toys, &["metrics"]).stdout).unwrap();
    assert!(words.starts_with("24 answers\n") && words.contains("not measured yet   n = 24"), "{words}");
    for wrong in ["0h", "h", "24", "-1d", "1w", "1e999d"] {
        assert_eq!(
            lectern(&toys, &["metrics", &format!("--since={wrong}")]).status.code(),
            Some(2),
            "{wrong}"
        );
    }
}

#[test]
fn two_ways_of_asking_are_compared_over_the_same_questions_and_leave_no_trace() {
    let toys = two();
    asked(&toys);
    let archive = toys.engine.archive();
    let log = archive.log().unwrap();
    let questions = past_questions(&log, &toys.engine.pool().experts());
    assert_eq!(questions.len(), 24);
    assert_eq!(questions.iter().filter(|question| question.expected.is_some()).count(), 6);

    let routed = Question { mode: Mode::Basic, ..Question::default() };
    let by_beta = Question { expert: Some("beta".into()), ..routed.clone() };
    let stop = Arc::new(AtomicBool::new(false));
    let mut heard = Vec::new();
    let ways = [&routed, &by_beta];
    let found = compare(&toys.engine, "log".into(), &questions, ways, &stop, &mut |done| {
        heard.push(done);
        Ok::<_, Failure>(())
    })
    .unwrap();
    assert_eq!(heard, (1..=48).collect::<Vec<_>>());
    assert_eq!((found.asked, found.pairs.len(), found.stopped), (24, 24, false));
    assert!(found.pairs.iter().all(|both| both.first.question == both.second.question));
    // Of the first eight questions six were rated up: four of alpha, which says 42, and two of beta, which says fine.
    let right = found.right.unwrap();
    assert_eq!((right.n, right.both, right.first_only, right.second_only), (6, 2, 0, 4));
    assert!((right.difference + 4.0 / 6.0).abs() < 1e-9, "second minus first: {}", right.difference);
    assert_eq!(found.right_finding, Finding::TooFew);
    assert_eq!(found.same.map(|same| (same.count, same.n)), Some((12, 24)));
    let tokens = found.tokens.unwrap();
    let mut differences: Vec<i64> = found
        .pairs
        .iter()
        .map(|both| {
            let of = |sample: &engine::report::benchmark::Sample| {
                i64::from(sample.prompt_tokens) + i64::from(sample.tokens)
            };
            of(&both.second) - of(&both.first)
        })
        .collect();
    differences.sort_unstable();
    assert_eq!(tokens.difference, (differences[11] + differences[12]) as f64 / 2.0);
    // P(Binomial(24, 1/2) < 7) = 0.011 and < 8 is 0.032: ranks 7 and 18.
    assert_eq!((tokens.low, tokens.high), (Some(differences[6] as f64), Some(differences[17] as f64)));
    assert_eq!(archive.log().unwrap().len(), log.len());
    assert_eq!(dashboard(archive, 0).unwrap().answers, 24);
    let basic = |toys: &Toys| toys.engine.measured().of_mode(Mode::Basic, Mode::Fast).cloned();
    assert!(basic(&toys).is_none(), "two experts are no two modes");
}

#[test]
fn what_a_mode_gains_over_another_is_known_once_enough_questions_were_judged() {
    let toys = two();
    let questions: Vec<Asked> = (0..20)
        .map(|at| Asked {
            id: at.to_string(),
            question: format!("alpha: say it the {at}th time"),
            expected: Some(if at % 2 == 0 { "42".into() } else { "43".into() }),
            ..Asked::default()
        })
        .collect();
    let ask = |questions: &[Asked]| {
        let of = |mode: Mode| Question { mode, recall: true, ..Question::default() };
        let stop = Arc::new(AtomicBool::new(false));
        compare(
            &toys.engine,
            "file".into(),
            questions,
            [&of(Mode::Basic), &of(Mode::Fast)],
            &stop,
            &mut |_| Ok::<_, Failure>(()),
        )
        .unwrap()
    };
    ask(&questions[..19]);
    assert!(toys.engine.measured().of_mode(Mode::Fast, Mode::Basic).is_none(), "nineteen are too few");
    let right = ask(&questions).right.unwrap();
    let gain = toys.engine.measured().of_mode(Mode::Fast, Mode::Basic).cloned().unwrap();
    assert_eq!((gain.n, gain.difference, gain.low), (20, 0.0, right.low));
    let back = toys.engine.measured().of_mode(Mode::Basic, Mode::Fast).cloned().unwrap();
    assert_eq!((back.low, back.high), (-gain.high, -gain.low));
    let shown = modes(&toys.engine).unwrap();
    assert_eq!(shown.iter().find(|cost| cost.mode == Mode::Fast).unwrap().gain, Some(gain));
}
