//! The archive: kept, followed by its index, shared by two processes, and forgotten for good.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

#[path = "support/answers.rs"]
mod answers;

use answers::{answer, entry, keep, place, recalled};
use engine::archive::{Archive, ArchiveError, NewEntry, terms};
use engine::home::Home;
use engine::learn::learn;
use engine::words::{Answer, Failure, Passage, Question};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

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
    let has = |path: &PathBuf| match std::fs::read(path) {
        Ok(bytes) => bytes.windows(text.len()).any(|window| window == text.as_bytes()),
        // The index is written in the background, and what it no longer needs goes meanwhile.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => panic!("{}: {error}", path.display()),
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
        archive.settle();
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
    archive.settle();
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
fn what_is_kept_is_found_before_the_index_has_it_and_scored_the_same_after() {
    let place = place();
    let archive = Archive::open(&place.home).unwrap();
    keep(&archive, &answer("a1", "c1", "Who wrote Hamlet?", "Shakespeare", 1));
    keep(&archive, &answer("a2", "c1", "Who wrote the play Macbeth?", "Shakespeare wrote it", 2));
    archive.settle();
    // Somebody else writes the index: nobody can commit.
    let others = || {
        let lock = std::fs::File::options().write(true).open(place.home.index_lock()).unwrap();
        lock.lock().unwrap();
        lock
    };
    let lock = others();
    keep(&archive, &answer("a3", "c1", "Who painted Guernica?", "Picasso painted it", 3));
    let found = |archive: &Archive| -> (Vec<String>, Vec<f32>, u32) {
        let found = archive.search("who wrote or painted it, Shakespeare?", 10).unwrap();
        let ids = found.hits.iter().map(|hit| hit.id.clone());
        (ids.collect(), found.hits.iter().flat_map(|hit| [hit.bm25, hit.score]).collect(), found.considered)
    };
    let before = found(&archive);
    assert_eq!((before.0.len(), before.2), (3, 3));
    assert_eq!(recalled(&archive, "Who painted Guernica?"), ["a3"]);
    let other = Archive::open(&place.home).unwrap();
    assert_eq!(found(&other), before, "also in another process, which starts meanwhile");
    assert_eq!(segments_with_term(&place.home, "Guernica"), 0, "the index does not have it yet");
    drop(lock);
    archive.settle();
    assert!(segments_with_term(&place.home, "Guernica") > 0);
    for after in [found(&archive), found(&other)] {
        assert_eq!((&after.0, after.2), (&before.0, before.2));
        // Sums in another order.
        assert!(after.1.iter().zip(&before.1).all(|(after, before)| (after - before).abs() < 1e-4));
    }
    // It takes the place of the first, which the index still has.
    let lock = others();
    keep(&archive, &answer("a4", "c2", "Who wrote Hamlet?", "William Shakespeare", 4));
    for archive in [&archive, &other] {
        let (ids, _, considered) = found(archive);
        assert_eq!(considered, 3);
        assert_eq!(ids.iter().map(String::as_str).collect::<HashSet<_>>(), HashSet::from(["a2", "a3", "a4"]));
    }
    drop(lock);
}

/// The process that is killed: keeps answers, and says of each that it was kept.
#[test]
#[ignore = "started by the test below"]
fn keeps_answers_until_it_is_killed() {
    use std::io::Write;
    let Some(home) = std::env::var_os("LECTERN_KEEPS_IN") else { return };
    let archive = Archive::open(&Home::at(PathBuf::from(home))).unwrap();
    let from = archive.count().unwrap();
    for number in from.. {
        let question = format!("What is the name of town t{number}x?");
        keep(&archive, &answer(&format!("a{number}"), "c", &question, "Its name is Bonn", number as i64));
        writeln!(std::io::stderr(), "kept {number}").unwrap();
    }
}

#[test]
fn a_kill_loses_nothing_that_was_said_to_be_kept() {
    use std::io::{BufRead, BufReader};
    let place = place();
    let mut said = 0;
    for lines in [1, 7, 23] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["keeps_answers_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env("LECTERN_KEEPS_IN", place.home.root())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let kept = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let kept = kept.filter_map(|line| line.strip_prefix("kept ")?.parse::<u64>().ok());
        said = kept.take(lines).last().unwrap() + 1;
        child.kill().unwrap();
        child.wait().unwrap();
        let archive = Archive::open(&place.home).unwrap();
        let count = archive.count().unwrap();
        assert!((said..).contains(&count), "{said} were said, {count} are there");
        assert_eq!(archive.conversation("c").unwrap().len() as u64, count);
        assert_eq!(u64::from(archive.search("town", 1).unwrap().considered), count);
        for number in 0..count {
            assert_eq!(
                recalled(&archive, &format!("What is the name of town t{number}x?")),
                [format!("a{number}")]
            );
        }
        archive.settle();
        assert!(segments_with_term(&place.home, "t0x") > 0, "the index follows");
    }
    assert!(said >= 31);
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
