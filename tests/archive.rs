//! The archive: kept, found, followed by its index, shared by two processes, and forgotten for good.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

use engine::archive::{Archive, ArchiveError, NewEntry, terms};
use engine::home::Home;
use engine::learn::learn;
use engine::retrieve::retrieve;
use engine::words::{Answer, Failure, Mode, Passage, Question};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

struct Place {
    _folder: tempfile::TempDir,
    home: Home,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home"));
    Place { _folder: folder, home }
}

fn answer(id: &str, conversation: &str, question: &str, text: &str, created: i64) -> Answer {
    Answer {
        id: id.into(),
        conversation: conversation.into(),
        question: question.into(),
        answer: text.into(),
        expert: "arithmetic".into(),
        tokens: 3,
        created,
        ..Answer::default()
    }
}

fn entry(question: &str, answer: &str) -> NewEntry {
    NewEntry { question: question.into(), answer: answer.into(), ..NewEntry::default() }
}

fn keep(archive: &Archive, answer: &Answer) {
    let learned = learn(archive, &Question::new(&answer.question), answer);
    assert!(learned.stored, "{:?} was not kept: {:?}", answer.question, learned.why_not);
}

fn recalled(archive: &Archive, question: &str) -> Vec<String> {
    retrieve(archive, &Question::new(question))
        .unwrap()
        .passages
        .into_iter()
        .map(|passage| passage.id)
        .collect()
}

/// Every file under the home.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

/// Files that contain the text, by a scan of their bytes.
fn with_bytes(home: &Home, text: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    };
    files(home.root()).into_iter().filter(has).collect()
}

/// Segments of the index whose dictionary still knows the term; what a scan of compressed bytes could miss.
fn segments_with_term(home: &Home, text: &str) -> usize {
    let index = tantivy::Index::open_in_dir(home.index_dir()).unwrap();
    let searcher = index.reader().unwrap().searcher();
    let field = index.schema().get_field("question").unwrap();
    let mut with = 0;
    for term in terms(text) {
        let term = tantivy::Term::from_field_text(field, &term);
        for segment in searcher.segment_readers() {
            with +=
                usize::from(segment.inverted_index(field).unwrap().get_term_info(&term).unwrap().is_some());
        }
    }
    with
}

/// Files of segments that the index does not list.
fn stray_segments(home: &Home) -> Vec<String> {
    let index = tantivy::Index::open_in_dir(home.index_dir()).unwrap();
    let living: HashSet<String> =
        index.searchable_segment_ids().unwrap().iter().map(|id| id.uuid_string()).collect();
    let names = files(&home.index_dir())
        .into_iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    names.filter(|name| name.find('.') == Some(32) && !living.contains(&name[..32])).collect()
}

#[test]
fn the_second_asking_of_a_like_question_shows_the_first() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 384 + 97?", "384 + 97 = 481", 1_000));
    let question = Question::new("What's 384 plus 97");
    let found = retrieve(&archive, &question).unwrap();
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
    let ask = |question: Question| retrieve(&archive, &question).unwrap();
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
fn what_was_kept_is_there_after_a_restart() {
    let place = place();
    {
        let archive = Archive::open(&place.home).unwrap();
        keep(&archive, &answer("a1", "c1", "Who wrote Hamlet?", "William Shakespeare", 1_000));
    }
    let archive = Archive::open(&place.home).unwrap();
    assert_eq!(recalled(&archive, "who wrote hamlet"), ["a1"]);
    let turns = archive.conversation("c1").unwrap();
    assert_eq!((turns.len(), turns[0].answer.as_str()), (1, "William Shakespeare"));
    assert!(turns[0].trace.learn.stored && turns[0].trace.learn.elapsed_ms > 0.0);
}

#[test]
fn a_missing_damaged_or_foreign_index_is_made_again_from_the_database() {
    let place = place();
    {
        let archive = Archive::open(&place.home).unwrap();
        for number in 0..50 {
            archive
                .add(entry(
                    &format!("How tall is mountain m{number}?"),
                    &format!("It is {} metres tall", number * 7),
                ))
                .unwrap()
                .unwrap();
        }
    }
    let found = || {
        let archive = Archive::open(&place.home).unwrap();
        let hits = archive.search("mountain m17", 1).unwrap();
        assert_eq!(hits.considered, 50);
        hits.hits[0].question.clone()
    };
    let index = place.home.index_dir();
    let expected = "How tall is mountain m17?";
    assert_eq!(found(), expected);

    std::fs::remove_dir_all(&index).unwrap();
    assert_eq!(found(), expected, "a missing index");

    for file in files(&index) {
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0x5a;
            std::fs::write(&file, bytes).unwrap();
        }
    }
    assert_eq!(found(), expected, "flipped bytes");

    for file in files(&index) {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 3]).unwrap();
    }
    assert_eq!(found(), expected, "cut files");

    std::fs::remove_dir_all(&index).unwrap();
    std::fs::write(&index, b"not a folder").unwrap();
    assert_eq!(found(), expected, "a file in its place");

    std::fs::remove_dir_all(&index).unwrap();
    std::fs::create_dir_all(&index).unwrap();
    let mut schema = tantivy::schema::Schema::builder();
    schema.add_text_field("other", tantivy::schema::TEXT);
    tantivy::Index::create_in_dir(&index, schema.build()).unwrap();
    assert_eq!(found(), expected, "an index with other fields");
}

#[test]
fn the_index_of_an_older_time_or_another_database_is_reconciled() {
    let place = place();
    let copy = place.home.root().join("copy");
    let copy_index = |from: &Path, to: &Path| {
        let _ = std::fs::remove_dir_all(to);
        std::fs::create_dir_all(to).unwrap();
        for file in files(from) {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    };
    let lost = {
        let archive = Archive::open(&place.home).unwrap();
        archive.add(entry("What colour is grass?", "Green")).unwrap().unwrap();
        let lost = archive.add(entry("What colour is snow?", "White")).unwrap().unwrap();
        copy_index(&place.home.index_dir(), &copy);
        archive.forget(&lost).unwrap();
        archive.add(entry("What colour is coal?", "Black")).unwrap().unwrap();
        lost
    };
    copy_index(&copy, &place.home.index_dir());
    {
        let archive = Archive::open(&place.home).unwrap();
        assert_eq!(
            archive.search("colour", 10).unwrap().considered,
            2,
            "the missing one is added, the ghost removed"
        );
        assert_eq!(archive.search("coal", 10).unwrap().hits.len(), 1);
        assert!(archive.search("snow", 10).unwrap().hits.iter().all(|hit| hit.id != lost));
    }
    // The database goes, the index stays: another database with nothing in it.
    for name in ["lectern.sqlite", "lectern.sqlite-wal", "lectern.sqlite-shm"] {
        let _ = std::fs::remove_file(place.home.root().join(name));
    }
    let archive = Archive::open(&place.home).unwrap();
    assert_eq!(archive.search("colour", 10).unwrap().considered, 0);
}

#[test]
fn forgetting_leaves_no_byte_in_any_file() {
    let place = place();
    let secret = "zirkonpapagei";
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("other", "c0", "What is 2 + 2?", "4", 1));
    keep(
        &archive,
        &answer(
            "a1",
            "c1",
            &format!("Where did I hide the {secret}?"),
            &format!("The {secret} is under the bed"),
            2,
        ),
    );
    // A later turn shows it as a source, so its trace holds a copy.
    let mut citing = answer("a2", "c2", "Where do I look first?", "Under the bed", 3);
    citing.trace.retrieve.passages.push(Passage {
        id: "a1".into(),
        question: format!("Where did I hide the {secret}?"),
        answer: format!("The {secret} is under the bed"),
        ..Passage::default()
    });
    keep(&archive, &citing);
    assert!(!with_bytes(&place.home, secret).is_empty(), "the scan must find it while it is there");
    assert!(segments_with_term(&place.home, secret) > 0, "the dictionary must know it while it is there");

    assert_eq!(archive.forget("a1").unwrap(), 1);
    assert_eq!(with_bytes(&place.home, secret), Vec::<PathBuf>::new());
    assert_eq!(segments_with_term(&place.home, secret), 0);
    assert_eq!(stray_segments(&place.home), Vec::<String>::new());
    assert!(archive.search(secret, 10).unwrap().hits.is_empty());
    assert_eq!(archive.count().unwrap(), 2, "the others stay");
    assert_eq!(archive.search("2 + 2", 1).unwrap().hits[0].id, "other");
    let citing = &archive.conversation("c2").unwrap()[0];
    assert!(citing.trace.retrieve.passages.is_empty(), "the copy in the other trace went too");
    assert!(
        matches!(archive.conversation("c1"), Err(ArchiveError::NoConversation(_))),
        "an empty conversation goes with its title"
    );
    assert_eq!(archive.forget("a1").unwrap(), 0, "there is nothing left to forget");
}

#[test]
fn what_was_replaced_before_is_forgotten_with_it() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    let question = "Where is the zirkonpapagei?";
    keep(&archive, &answer("a1", "c1", question, "Under the bed", 1));
    keep(&archive, &answer("a2", "c2", question, "Under the bed.", 2));
    // The window shows a1 as the source of a2; forgetting that source must not leave its twin in recall.
    assert_eq!(archive.forget("a1").unwrap(), 1);
    assert!(recalled(&archive, question).is_empty());
    assert_eq!(segments_with_term(&place.home, "zirkonpapagei"), 0);
    archive.delete_conversation("c2").unwrap();
    assert_eq!(with_bytes(&place.home, "zirkonpapagei"), Vec::<PathBuf>::new());
}

#[test]
fn forgetting_everything_leaves_nothing() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    for number in 0..30 {
        archive
            .add(entry(
                &format!("What is zirkonpapagei number {number}?"),
                &format!("It is nussknackerkiste {number}"),
            ))
            .unwrap()
            .unwrap();
    }
    let stopped = Answer { stopped: true, ..answer("s", "c1", "Tell me of the zirkonpapagei", "It", 1) };
    learn(&archive, &Question::new(&stopped.question), &stopped);
    archive.count_component("retrieve", 1.0, true).unwrap();
    assert_eq!(archive.forget_all().unwrap(), 31, "thirty past answers and a turn that was not kept");
    for text in ["zirkonpapagei", "nussknackerkiste"] {
        assert_eq!(with_bytes(&place.home, text), Vec::<PathBuf>::new());
        assert_eq!(segments_with_term(&place.home, text), 0);
    }
    assert_eq!(stray_segments(&place.home), Vec::<String>::new());
    assert_eq!((archive.count().unwrap(), archive.conversations(None).unwrap().len()), (0, 0));
    assert_eq!(archive.components().unwrap()[0].runs, 1, "figures without text stay");
    archive.add(entry("What is new?", "This is new")).unwrap().unwrap();
    assert_eq!(archive.search("new", 5).unwrap().hits.len(), 1, "it goes on working");
}

#[test]
fn two_archives_of_one_home_see_what_the_other_did() {
    let place = place();
    let window = Archive::open(&place.home).unwrap();
    let shell = Archive::open(&place.home).unwrap();
    keep(&window, &answer("w", "c1", "Who wrote Hamlet?", "Shakespeare", 1));
    assert_eq!(recalled(&shell, "Who wrote Hamlet?"), ["w"]);
    keep(&shell, &answer("s", "c2", "Who painted Guernica?", "Picasso", 2));
    assert_eq!(recalled(&window, "Who painted Guernica?"), ["s"]);
    assert_eq!(shell.forget("w").unwrap(), 1);
    assert!(recalled(&window, "Who wrote Hamlet?").is_empty());
    assert_eq!(
        with_bytes(&place.home, "Hamlet"),
        Vec::<PathBuf>::new(),
        "also what the other one had written"
    );
    assert_eq!(stray_segments(&place.home), Vec::<String>::new());
}

#[test]
fn an_index_that_somebody_else_writes_makes_no_ask_fail() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "Who wrote Hamlet?", "Shakespeare", 1));
    let lock = std::fs::File::options().write(true).open(place.home.index_lock()).unwrap();
    lock.lock().unwrap();
    keep(&archive, &answer("a2", "c1", "Who painted Guernica?", "Picasso", 2));
    assert_eq!(recalled(&archive, "Who wrote Hamlet?"), ["a1"], "reading needs no lock");
    assert!(recalled(&archive, "Who painted Guernica?").is_empty(), "not in the index yet");
    assert_eq!(archive.conversation("c1").unwrap().len(), 2, "but in the database");
    drop(lock);
    assert_eq!(recalled(&archive, "Who painted Guernica?"), ["a2"], "the next search takes it in");
}

#[test]
fn many_threads_of_two_archives_lose_nothing() {
    let place = place();
    let archives = [Archive::open(&place.home).unwrap(), Archive::open(&place.home).unwrap()];
    std::thread::scope(|scope| {
        for (number, archive) in archives.iter().enumerate() {
            scope.spawn(move || {
                for turn in 0..10 {
                    let id = format!("a{number}-{turn}");
                    let question = format!("What is the name of town t{number}x{turn}?");
                    learn(
                        archive,
                        &Question::new(&question),
                        &answer(&id, "c", &question, "Its name is Bonn", turn),
                    );
                }
            });
        }
    });
    for archive in &archives {
        assert_eq!(archive.count().unwrap(), 20);
        assert_eq!(archive.search("town", 100).unwrap().considered, 20);
        assert_eq!(archive.conversation("c").unwrap().len(), 20);
    }
}

#[test]
fn any_text_can_be_searched_for() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    archive.add(entry("What does \"title:\\\" AND (x OR y)\" mean?", "A query")).unwrap().unwrap();
    for text in [
        "",
        " ",
        "\"",
        "title:",
        "AND OR NOT",
        "(((",
        "a:b:c^2~*",
        "\\",
        "[1 TO",
        "+-!{}",
        "\0",
        "🙂",
        "x\u{301}",
        "日本",
    ] {
        archive.search(text, 10).unwrap();
        retrieve(&archive, &Question::new(text)).unwrap();
    }
    let book = "the quick brown fox jumps over it ".repeat(5_000);
    archive.search(&book, 10).unwrap();
    retrieve(&archive, &Question::new(book)).unwrap();
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

#[test]
fn conversations_are_listed_searched_renamed_and_deleted() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "What is 100% of 5_0?", "It is 50", 1_000));
    keep(&archive, &answer("a2", "c2", "Who wrote Hamlet?", "Shakespeare wrote it", 2_000));
    keep(&archive, &answer("a3", "c1", "And Macbeth, who wrote that?", "The same man", 3_000));
    let titles = |search: Option<&str>| -> Vec<String> {
        archive.conversations(search).unwrap().into_iter().map(|conversation| conversation.title).collect()
    };
    assert_eq!(titles(None), ["What is 100% of 5_0?", "Who wrote Hamlet?"], "the newest answer first");
    assert_eq!(archive.conversations(None).unwrap()[0].answers, 2);
    assert_eq!(titles(Some("macbeth man")), ["What is 100% of 5_0?"], "each word in any place of it");
    assert_eq!(titles(Some("100%")).len(), 1, "the signs of LIKE are plain signs");
    assert_eq!(titles(Some("1_0")).len(), 0);
    assert_eq!(titles(Some("macbeth hamlet")).len(), 0);
    archive.rename_conversation("c2", "  Plays ").unwrap();
    assert_eq!(titles(Some("plays")), ["Plays"]);
    assert!(matches!(archive.rename_conversation("c2", " "), Err(ArchiveError::NoTitle)));
    archive.delete_conversation("c2").unwrap();
    assert_eq!(titles(None).len(), 1);
    assert!(recalled(&archive, "Who wrote Hamlet?").is_empty(), "recall forgets it too");
    let gone = Failure::from(archive.delete_conversation("c2").unwrap_err());
    assert_eq!(gone.code, "archive.no_conversation");
}

#[test]
fn entries_from_elsewhere_are_judged_like_our_own() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    let results = archive
        .add_all(vec![
            entry("Who wrote Hamlet?", "William Shakespeare"),
            entry("who wrote hamlet", "William Shakespeare."),
            entry("Who wrote Emma?", "Please specify the problem."),
            entry("  ", "Nothing"),
            NewEntry {
                created: Some(5),
                rating: Some(99),
                expert: Some("me".into()),
                ..entry("Who wrote Ulysses?", "James Joyce")
            },
        ])
        .unwrap();
    assert!(results[0].is_ok() && results[4].is_ok());
    let reason = |at: usize| results[at].clone().unwrap_err();
    assert!(reason(1).contains(results[0].as_ref().unwrap()), "it says as what it is kept: {}", reason(1));
    assert!(reason(2).contains("has none"), "{}", reason(2));
    assert!(reason(3).contains("empty"), "{}", reason(3));
    let hit = &archive.search("Ulysses", 1).unwrap().hits[0];
    assert_eq!((hit.expert.as_str(), hit.created, hit.rating, hit.cosine), ("me", 5, 5, None));
    assert!(hit.score > 0.0 && hit.score <= 1.0);
}

#[test]
fn counters_add_up_over_restarts() {
    let place = place();
    for _ in 0..2 {
        let archive = Archive::open(&place.home).unwrap();
        archive.count_component("retrieve", 2.0, true).unwrap();
        archive.count_component("retrieve", 4.0, false).unwrap();
    }
    let counted = Archive::open(&place.home).unwrap().components().unwrap();
    assert_eq!(counted.len(), 1, "what never ran is not there");
    assert_eq!((counted[0].runs, counted[0].changed_answer, counted[0].total_ms), (4, 2, 12.0));
}

#[test]
fn every_file_lies_under_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path().join("home"));
    let archive = Archive::open(&home).unwrap();
    keep(&archive, &answer("a1", "c1", "Who wrote Hamlet?", "Shakespeare", 1));
    archive.forget("a1").unwrap();
    engine::settings::Settings::default().save(&home).unwrap();
    let beside: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(beside, ["home"], "nothing beside the home");
    assert!(files(home.root()).len() >= 4, "and the files are in it");
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
        let passages = retrieve(&archive, &Question::new(question)).unwrap().passages;
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
