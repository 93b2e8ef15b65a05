//! What a row says, and how it follows its answer.

use super::*;
use crate::home::Home;
use crate::words::{Candidate, DomainScore, Trace};

fn archive() -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(&Home::at(folder.path())).unwrap();
    (folder, archive)
}

/// Twenty milliseconds, fourteen of them before the last word; a context of 30 tokens, of which 10 stayed.
fn answer(id: &str, question: &str) -> Answer {
    let mut trace = Trace { mode: Some(Mode::Fast), waiting: Some(2), total_ms: 20.0, ..Trace::default() };
    trace.read.domain = "units".into();
    trace.read.domains = vec![DomainScore::default()];
    (trace.read.confidence, trace.read.elapsed_ms) = (0.5, 1.0);
    trace.route.experts =
        vec![Candidate { name: "units".into(), score: 0.75, ..Candidate::default() }, Candidate::default()];
    (trace.route.chosen, trace.route.elapsed_ms) = ("units".into(), 1.0);
    (trace.seat.expert, trace.seat.left) = ("units".into(), Some("words".into()));
    (trace.seat.leave_ms, trace.seat.load_ms, trace.seat.elapsed_ms) = (1.0, 4.0, 6.0);
    (trace.seat.memory_bytes, trace.seat.budget_bytes) = (100, 400);
    (trace.compress.reason, trace.compress.method) = ("shortened".into(), Some("extractive".into()));
    (trace.compress.tokens_before, trace.compress.tokens_after) = (30, 10);
    trace.compress.elapsed_ms = 2.0;
    (trace.generate.prompt_tokens, trace.generate.tokens) = (10, 5);
    (trace.generate.prompt_tokens_per_s, trace.generate.elapsed_ms) = (1000.0, 6.0);
    trace.generate.peak_memory_bytes = 200;
    Answer {
        id: id.into(),
        conversation: "c".into(),
        question: question.into(),
        answer: "it is 5".into(),
        expert: "units".into(),
        tokens: 5,
        created: 1_000,
        trace,
        ..Answer::default()
    }
}

fn rows(archive: &Archive) -> Vec<Metric> {
    archive.metrics(0).unwrap()
}

#[test]
fn a_row_is_what_its_trace_says() {
    let (_folder, archive) = archive();
    archive.save(&answer("a", "How long is it?"), false).unwrap();
    archive.note_learned("a", 2.0).unwrap();
    let found = rows(&archive);
    let hash = found[0].query_hash.clone().unwrap();
    assert_eq!(hash.len(), 32);
    let wanted = Metric {
        answer: Some("a".into()),
        timestamp: 1_000,
        query_hash: Some(hash),
        mode: Some(Mode::Fast),
        domain: Some("units".into()),
        confidence: Some(0.5),
        expert: Some("units".into()),
        skills_considered: Some(2),
        skills_selected: Some(1),
        top_skill: Some("units".into()),
        top_skill_score: Some(0.75),
        selection_time_ms: Some(2.0),
        execution_time_ms: Some(14.0),
        total_time_ms: Some(22.0),
        // read, route, compress, leave, load, generate and learn: 1 + 1 + 2 + 1 + 4 + 6 + 2 ms.
        total_cost: Some(0.017),
        // 20 tokens at 1,000 a second, less 2 ms.
        cost_saved: Some(0.018),
        tokens_read: Some(10),
        tokens_written: Some(5),
        quality_score: None,
        synthesis_quality: None,
        max_utilization: Some(0.5),
        avg_queue_depth: Some(2.0),
        tokens_before: Some(30),
        tokens_after: Some(10),
        compression_ratio: Some(1.0 / 3.0),
        peak_memory_bytes: Some(200),
        load_ms: Some(4.0),
        swaps: Some(1),
    };
    assert!((found[0].total_cost.unwrap() - 0.017).abs() < 1e-12, "{:?}", found[0].total_cost);
    assert!((found[0].cost_saved.unwrap() - 0.018).abs() < 1e-9, "{:?}", found[0].cost_saved);
    let figures = Metric { total_cost: wanted.total_cost, cost_saved: wanted.cost_saved, ..found[0].clone() };
    assert_eq!(figures, wanted);
}

#[test]
fn what_was_not_measured_is_null() {
    let (_folder, archive) = archive();
    let mut stopped = answer("a", "How long?");
    stopped.stopped = true;
    stopped.trace = Trace::default();
    archive.save(&stopped, false).unwrap();
    let wanted = Metric {
        answer: Some("a".into()),
        timestamp: 1_000,
        expert: Some("units".into()),
        total_cost: Some(0.0),
        ..Metric::default()
    };
    assert_eq!(rows(&archive), [Metric { query_hash: rows(&archive)[0].query_hash.clone(), ..wanted }]);
    // It sat there already, and nobody knows what loading it takes.
    let mut seated = answer("b", "And how wide?");
    (seated.trace.seat.was_seated, seated.trace.seat.load_ms) = (true, 0.0);
    archive.save(&seated, false).unwrap();
    assert_eq!(rows(&archive)[1].cost_saved, None);
    archive.save(&answer("c", "And how high?"), false).unwrap();
    let later = Answer { id: "d".into(), created: 2_000, ..seated };
    archive.save(&later, false).unwrap();
    let saved = rows(&archive)[3].cost_saved.unwrap();
    assert!((saved - 0.022).abs() < 1e-9, "18 ms of reading and 4 of loading: {saved}");
}

#[test]
fn the_same_question_has_the_same_hash_in_this_home_and_another_one_elsewhere() {
    let ((_one, here), (_other, there)) = (archive(), archive());
    for (archive, id, question) in [
        (&here, "a", "How long?"),
        (&here, "b", " how LONG "),
        (&here, "c", "How wide?"),
        (&there, "a", "How long?"),
    ] {
        archive.save(&answer(id, question), false).unwrap();
    }
    let hashes: Vec<_> = rows(&here).into_iter().map(|row| row.query_hash.unwrap()).collect();
    assert_eq!(hashes[0], hashes[1]);
    assert!(hashes[0] != hashes[2] && Some(&hashes[0]) != rows(&there)[0].query_hash.as_ref());
}

#[test]
fn quality_follows_what_people_do_with_the_answer() {
    let (_folder, archive) = archive();
    let quality = || rows(&archive).iter().map(|row| row.quality_score).collect::<Vec<_>>();
    archive.save(&answer("a", "How long?"), false).unwrap();
    for (rating, wanted) in [(1, Some(1.0)), (-1, Some(0.0)), (0, None)] {
        archive.rate("a", rating).unwrap();
        assert_eq!(quality(), [wanted]);
    }
    archive.save_instead_of(&answer("b", "How long, in feet?"), false, Some("a")).unwrap();
    assert_eq!(quality(), [None, None], "the question was changed, and not for its answer");
    archive.save_instead_of(&answer("c", "how long, in feet"), false, Some("b")).unwrap();
    assert_eq!(quality(), [None, Some(0.0), None], "it was asked again for another answer");
    let kept: Vec<_> = rows(&archive).into_iter().map(|row| (row.answer, row.query_hash.is_some())).collect();
    assert_eq!(kept, [(None, false), (None, false), (Some("c".into()), true)]);
}

#[test]
fn a_forgotten_answer_takes_its_row_along() {
    let (folder, archive) = archive();
    let mut other = answer("b", "And how wide?");
    other.conversation = "d".into();
    archive.save(&answer("a", "How long?"), true).unwrap();
    archive.save(&other, true).unwrap();
    let hash = rows(&archive)[0].query_hash.clone().unwrap();
    assert_eq!(archive.forget("a").unwrap(), 1);
    assert_eq!(rows(&archive).len(), 1);
    let bytes = std::fs::read(Home::at(folder.path()).database()).unwrap();
    assert!(!bytes.windows(hash.len()).any(|window| window == hash.as_bytes()), "in no free page either");
    archive.delete_conversation("d").unwrap();
    assert!(rows(&archive).is_empty());
    archive.save(&answer("c", "And how high?"), true).unwrap();
    archive.forget_all().unwrap();
    assert!(rows(&archive).is_empty());
}

#[test]
fn answers_from_before_the_table_get_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let before = {
        let archive = Archive::open(&home).unwrap();
        archive.save(&answer("a", "How long?"), false).unwrap();
        archive.rate("a", 1).unwrap();
        archive.note_learned("a", 2.0).unwrap();
        let before = rows(&archive);
        let database = archive.database();
        database.execute("DELETE FROM brain_moe_metrics", []).unwrap();
        let old = "UPDATE turns SET whole = json_remove(whole, '$.trace.mode', '$.trace.waiting')";
        database.execute(old, []).unwrap();
        before
    };
    let archive = Archive::open(&home).unwrap();
    let old = Metric { mode: None, avg_queue_depth: None, ..before[0].clone() };
    let found = rows(&archive).remove(0);
    assert!((found.total_cost.unwrap() - old.total_cost.unwrap()).abs() < 1e-12);
    assert_eq!(Metric { total_cost: old.total_cost, ..found }, old);
}
