//! Recall: what is kept for later questions, and what of it is shown.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[path = "support/answers.rs"]
mod answers;

use answers::{answer, entry, keep, place, recalled};
use engine::archive::Archive;
use engine::learn::learn;
use engine::retrieve::past_answers;
use engine::words::{Answer, Mode, Question};
use std::collections::HashSet;
use std::path::Path;

#[test]
fn the_second_asking_of_a_like_question_shows_the_first() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 384 + 97?", "384 + 97 = 481", 1_000));
    let question = Question::new("What's 384 plus 97");
    let found = past_answers(&archive, &question).unwrap();
    assert!(found.asked && found.considered == 1);
    let first = &found.passages[0];
    assert_eq!(
        (first.id.as_str(), first.answer.as_str(), first.expert.as_str()),
        ("a1", "384 + 97 = 481", "arithmetic")
    );
    assert!(first.score >= found.threshold && first.score <= 1.0 && first.bm25 > 0.0, "{first:?}");
    for other in ["What is 12 * 12?", "Convert 5 km to m", "What is 384 + 98?", "Who wrote Hamlet?"] {
        assert!(recalled(&archive, other).is_empty(), "{other:?} has nothing to do with it");
    }
}

#[test]
fn the_user_and_the_mode_decide_what_is_recalled() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 384 + 97?", "481", 1_000));
    let ask = |question: Question| past_answers(&archive, &question).unwrap();
    let question = Question::new("What is 384 + 97?");
    assert_eq!(ask(question.clone()).passages.len(), 1);
    let off = ask(Question { recall: false, ..question.clone() });
    assert!(!off.asked && off.passages.is_empty());
    assert!(!ask(Question { mode: Mode::Basic, ..question.clone() }).asked);
    assert!(ask(Question { without: vec!["a1".into()], ..question.clone() }).passages.is_empty());
    assert!(ask(Question { replaces: Some("a1".into()), ..question.clone() }).passages.is_empty());
    assert!(archive.rate("a1", -1).unwrap());
    assert!(ask(question).passages.is_empty(), "an answer that the user called bad is no knowledge");
}

#[test]
fn near_duplicates_appear_once_and_the_newest_stands_for_them() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("old", "c1", "What is 384 + 97?", "481", 1_000));
    keep(&archive, &answer("new", "c2", "What's 384 plus 97", "384 + 97 = 481", 2_000));
    assert_eq!(archive.count().unwrap(), 2);
    assert_eq!(recalled(&archive, "384 + 97"), ["new"]);
}

#[test]
fn an_answer_to_the_same_question_replaces_the_kept_one() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 384 + 97?", "480", 1_000));
    keep(&archive, &answer("a2", "c2", "  what is 384 + 97 ?", "481", 2_000));
    assert_eq!(archive.count().unwrap(), 1);
    assert_eq!(recalled(&archive, "What is 384 + 97?"), ["a2"]);
    assert_eq!(archive.conversation("c1").unwrap().len(), 1, "the conversation keeps its turn");
}

#[test]
fn a_regenerated_answer_takes_the_place_of_the_one_before() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 2 + 2?", "4", 1_000));
    keep(&archive, &answer("a2", "c1", "What is 3 + 3?", "6", 2_000));
    let question = Question { replaces: Some("a1".into()), ..Question::new("What is 2 + 2?") };
    learn(&archive, &question, &answer("a3", "c1", "What is 2 + 2?", "2 + 2 = 4", 3_000));
    let ids: Vec<String> = archive.conversation("c1").unwrap().into_iter().map(|answer| answer.id).collect();
    assert_eq!(ids, ["a3", "a2"]);
    assert_eq!(recalled(&archive, "What is 2 + 2?"), ["a3"]);
}

#[test]
fn non_answers_stay_in_the_conversation_and_out_of_recall() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    let refused = "This starter expert can't do that; download one that can.";
    let stopped = Answer { stopped: true, ..answer("s", "c1", "Tell me about Rome", "Rome is", 1) };
    let said =
        Answer { refused: true, ..answer("r", "c1", "Tell me about Oslo", "No: that is beyond me", 2) };
    let cut = {
        let mut cut = answer("l", "c1", "Tell me about Bonn", "Bonn was once", 3);
        cut.trace.generate.finish = engine::words::Finish::Length;
        cut
    };
    let empty = answer("e", "c1", "Tell me about Bern", " ", 4);
    let starter = answer("t", "c1", "Tell me about Riga", refused, 5);
    for answer in [&stopped, &said, &cut, &empty, &starter] {
        let learned = learn(&archive, &Question::new(&answer.question), answer);
        assert!(!learned.stored && learned.why_not.is_some(), "{:?} was kept", answer.id);
        assert!(recalled(&archive, &answer.question).is_empty());
    }
    assert_eq!(archive.count().unwrap(), 0);
    let turns = archive.conversation("c1").unwrap();
    assert_eq!(turns.len(), 5);
    assert!(turns.iter().all(|turn| turn.trace.learn.why_not.is_some()), "the stored trace says why not");
}

#[test]
fn any_text_can_be_searched_for() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    archive.add(entry("What does \"title:\\\" AND (x OR y)\" mean?", "A query")).unwrap().unwrap();
    for text in [
        "", " ", "\"", "title:", "AND OR NOT", "(((", "a:b:c^2~*", "\\", "[1 TO", "+-!{}", "\0", "🙂",
        "x\u{301}", "日本",
    ] {
        archive.search(text, 10).unwrap();
        past_answers(&archive, &Question::new(text)).unwrap();
    }
    let book = "the quick brown fox jumps over it ".repeat(5_000);
    archive.search(&book, 10).unwrap();
    past_answers(&archive, &Question::new(book)).unwrap();
}

#[test]
fn text_without_spaces_is_found() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("jp", "c1", "日本の首都はどこですか？", "東京です。", 1));
    keep(&archive, &answer("cn", "c2", "怎样煮鸡蛋？", "水开后煮八分钟。", 2));
    assert_eq!(recalled(&archive, "日本の首都はどこ"), ["jp"]);
    assert_eq!(archive.search("鸡蛋", 5).unwrap().hits[0].id, "cn");
}

/// `<tag>` to `</tag>`, all of them, without the tags.
fn between<'a>(text: &'a str, tag: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    text.split(&open).skip(1).filter_map(|part| part.split(&close).next()).collect()
}

/// Cranfield: 1,400 abstracts, 225 questions. BM25 alone is known to reach an nDCG@10 of 0.361 here.
#[test]
fn search_finds_what_judges_called_relevant() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/retrieval");
    if !data.is_dir() {
        eprintln!("skipped: {} is absent", data.display());
        return;
    }
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    let documents = read("cran.all.1400.xml");
    let (mut numbers, mut entries) = (Vec::new(), Vec::new());
    for document in between(&documents, "doc") {
        let field =
            |tag: &str| between(document, tag).first().map(|text| text.trim().to_owned()).unwrap_or_default();
        numbers.push(field("docno").parse::<u32>().unwrap());
        entries.push(entry(&field("title"), &field("text")));
    }
    let added = archive.add_all(entries).unwrap();
    let number_of: std::collections::HashMap<String, u32> =
        added.into_iter().zip(numbers).filter_map(|(id, number)| Some((id.ok()?, number))).collect();
    let mut relevant: std::collections::HashMap<usize, HashSet<u32>> = Default::default();
    for line in read("cranqrel.trec.txt").lines() {
        let fields: Vec<i64> = line.split_whitespace().filter_map(|field| field.parse().ok()).collect();
        if let [query, _, document, grade] = fields[..]
            && grade > 0
        {
            relevant.entry(query as usize).or_default().insert(document as u32);
        }
    }
    let queries = read("cran.qry.xml");
    let (mut sum, mut judged) = (0.0, 0);
    for (at, query) in between(&queries, "title").into_iter().enumerate() {
        let Some(wanted) = relevant.get(&(at + 1)) else { continue };
        let hits = archive.search(query, 10).unwrap().hits;
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let found = hits.iter().enumerate().filter(|(_, hit)| wanted.contains(&number_of[&hit.id]));
        let best: f64 = (0..wanted.len().min(10)).map(gain).sum();
        sum += found.map(|(rank, _)| gain(rank)).sum::<f64>() / best;
        judged += 1;
    }
    let ndcg = sum / f64::from(judged);
    eprintln!("Cranfield: nDCG@10 {ndcg:.3} over {judged} questions, {} documents", number_of.len());
    assert!(ndcg >= 0.33, "BM25 alone reaches 0.361; this is {ndcg:.3}");
}

/// CLINC150: short questions of 150 intents. A past question of another intent is the wrong thing to inject.
#[test]
fn what_is_recalled_among_everyday_questions_is_of_the_same_intent() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/routing/clinc150.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: {} is absent", file.display());
        return;
    };
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pairs = |set: &str, every: usize| -> Vec<(String, String)> {
        let rows = data[set].as_array().unwrap().iter().step_by(every);
        rows.map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned())).collect()
    };
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    let known = pairs("train", 5);
    let entries =
        known.iter().map(|(question, intent)| entry(question, &format!("Noted: {intent}"))).collect();
    archive.add_all(entries).unwrap();
    let asked = pairs("test", 6);
    let (mut right, mut wrong, mut with) = (0, 0, 0);
    for (question, intent) in &asked {
        let passages = past_answers(&archive, &Question::new(question)).unwrap().passages;
        with += usize::from(!passages.is_empty());
        for passage in passages {
            if passage.answer == format!("Noted: {intent}") { right += 1 } else { wrong += 1 }
        }
    }
    let precision = f64::from(right) / f64::from((right + wrong).max(1));
    eprintln!(
        "CLINC150: {} kept, {} asked, {with} with a passage, {right} passages of the same intent, {wrong} of another: {precision:.3}",
        known.len(),
        asked.len()
    );
    assert!(right >= 50, "a threshold that recalls nothing is no threshold: {right}");
    assert!(precision >= 0.9, "{precision:.3} of the passages are of the same intent");
}
