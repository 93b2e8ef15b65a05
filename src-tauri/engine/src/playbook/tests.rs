//! The playbook over an archive of its own.

use super::*;
use crate::abilities::Outcomes;
use crate::archive::Archive;
use crate::words::Answer;

struct House {
    _folder: tempfile::TempDir,
    archive: Archive,
    outcomes: Outcomes,
    playbook: Playbook,
}

impl House {
    fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let archive = Archive::open(&home).unwrap();
        let (outcomes, playbook) = (Outcomes::open(&home).unwrap(), Playbook::open(&home).unwrap());
        House { _folder: folder, archive, outcomes, playbook }
    }

    fn add(&self, domain: &str, text: &str) -> Added {
        let new = NewBullet { domain, text, origin: Origin::User, sources: &[] };
        self.playbook.add(&self.archive, &new).unwrap()
    }

    /// Stores an answer and rates it.
    fn answer(&self, id: &str, question: &str, text: &str, rating: i32) {
        let mut answer = Answer {
            id: id.into(),
            conversation: id.into(),
            question: question.into(),
            answer: text.into(),
            expert: "units".into(),
            created: 1_000 + self.archive.count().unwrap() as i64,
            ..Answer::default()
        };
        answer.trace.read.domain = "units".into();
        self.archive.save(&answer, true).unwrap();
        self.rate(id, rating);
    }

    fn rate(&self, id: &str, rating: i32) {
        self.archive.rate(id, rating).unwrap();
        self.outcomes.rate(id, rating).unwrap();
        let answer = self.archive.answers(&[id.to_owned()]).unwrap().remove(0);
        self.playbook.went(&answer, (rating != 0).then_some(rating > 0)).unwrap();
    }

    fn bullets(&self) -> Vec<Bullet> {
        let all = self.playbook.list().unwrap().into_iter();
        all.filter(|bullet| bullet.kind == BulletKind::Bullet).collect()
    }

    fn trajectories(&self) -> Vec<Bullet> {
        let all = self.playbook.list().unwrap().into_iter();
        all.filter(|bullet| bullet.kind == BulletKind::Trajectory).collect()
    }

    fn texts_for(&self, question: &str) -> Vec<String> {
        let found = self.playbook.find(question, &["units"], None).unwrap();
        found.bullets.into_iter().map(|bullet| bullet.text).collect()
    }
}

#[test]
fn bullets_of_the_domain_and_of_any_are_found_the_likeliest_first() {
    let house = House::new();
    house.add("units", "Give every speed in metres per second.");
    house.add("units", "Round lengths in kilometres to one decimal.");
    house.add("mathematics", "Show every step of a division.");
    house.add(ANY, "Answer in English.");
    let texts = house.texts_for("Which lengths in kilometres are 5300 metres?");
    assert_eq!(texts.len(), 3);
    assert!(texts[0].starts_with("Round lengths"), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("division")));
}

#[test]
fn what_says_the_same_is_merged_and_what_says_the_opposite_is_not() {
    let house = House::new();
    let first = house.add("units", "Give the result with its unit (km).").id;
    assert_eq!(house.add("units", "Give the result with its unit, km").merged_into, Some(first));
    for other in [
        "Do not give the result with its unit (km).", "Give the result with its unit (km) to 2 decimals.",
        "Give the answer as a list of steps.",
    ] {
        assert_eq!(house.add("units", other).merged_into, None, "{other}");
    }
    assert_eq!(house.add("mathematics", "Give the result with its unit (km).").merged_into, None);
    assert_eq!(house.texts_for("How far?").iter().filter(|text| text.contains("unit, km")).count(), 0);
}

#[test]
fn every_edit_can_be_undone_the_newest_of_a_bullet_first() {
    let house = House::new();
    let playbook = &house.playbook;
    let (one, other) = (house.add("units", "Use SI units.").id, house.add("units", "Be brief and exact.").id);
    let change = Rewording { text: Some("Use SI units, always.".into()), domain: Some(ANY.into()) };
    playbook.edit(one, &change).unwrap();
    playbook.merge(other, one, Some("Use SI units and be brief.")).unwrap();
    playbook.retire(one).unwrap();
    assert!(house.texts_for("How far?").is_empty());
    let log = playbook.log().unwrap();
    assert_eq!(log.len(), 6, "{log:?}");
    let edited = log.iter().rev().find(|edited| edited.edit == EditKind::Edit).unwrap();
    assert_eq!(edited.before.as_deref(), Some("Use SI units."));
    assert!(matches!(playbook.undo(Some(edited.number)), Err(PlaybookError::Overtaken(..))));
    for texts in [
        vec!["Use SI units and be brief."],
        vec!["Use SI units, always."],
        vec!["Use SI units, always.", "Be brief and exact."],
        vec!["Use SI units.", "Be brief and exact."],
        vec!["Use SI units."],
        vec![],
    ] {
        playbook.undo(None).unwrap();
        assert_eq!(house.texts_for("How far?"), texts);
    }
    assert!(matches!(playbook.undo(None), Err(PlaybookError::NothingToUndo)));
    assert!(house.bullets().is_empty());
}

#[test]
fn an_edit_that_makes_no_sense_is_refused() {
    let house = House::new();
    let playbook = &house.playbook;
    let one = house.add("units", "Use SI units.").id;
    let new = |text| NewBullet { domain: "units", text, origin: Origin::User, sources: &[] };
    assert!(matches!(playbook.add(&house.archive, &new("  ")), Err(PlaybookError::Empty)));
    let long = "word ".repeat(200);
    assert!(matches!(playbook.add(&house.archive, &new(&long)), Err(PlaybookError::Long(_))));
    assert!(matches!(playbook.merge(one, one, None), Err(PlaybookError::Circle(..))));
    assert!(matches!(playbook.merge(one, 99, None), Err(PlaybookError::Unknown(99))));
    assert!(matches!(playbook.retire(99), Err(PlaybookError::Unknown(99))));
    house.answer("a", "How far is 5 km in m?", "5000 m", 1);
    let trajectory = house.trajectories()[0].id;
    assert!(matches!(playbook.retire(trajectory), Err(PlaybookError::NotABullet(_))));
}

#[test]
fn counts_are_the_judged_answers_that_used_it_and_no_others() {
    let house = House::new();
    let playbook = &house.playbook;
    let (one, other) = (house.add("units", "Use SI units.").id, house.add("units", "Be brief and exact.").id);
    for at in 0..7 {
        house.answer(
            &format!("a{at}"),
            &format!("How far is {at} km?"),
            "far",
            [-1, -1, -1, -1, -1, 1, 0][at],
        );
        playbook.used(&format!("a{at}"), &[one, other]).unwrap();
    }
    let of = |id: i64| house.bullets().into_iter().find(|bullet| bullet.id == id).unwrap();
    let counts = |id: i64| (of(id).uses, of(id).helpful, of(id).harmful);
    assert_eq!(counts(one), (7, 1, 5));
    assert!(of(one).doubt.is_none(), "5 of 6 may be chance");
    house.rate("a5", 0);
    assert!(of(one).doubt.unwrap().contains("5 of the 5"));
    assert!(of(one).is_in_use(), "it is said, not done");
    playbook.merge(other, one, None).unwrap();
    assert_eq!((counts(one), counts(other)), ((7, 0, 5), (0, 0, 0)), "an answer that used both counts once");
    playbook.undo(None).unwrap();
    assert_eq!(counts(other), (7, 0, 5));
    house.archive.forget("a0").unwrap();
    assert_eq!(counts(one), (6, 0, 4), "a forgotten answer is in no count");
}

#[test]
fn a_bad_answer_and_a_later_good_one_to_the_same_question_are_a_pair() {
    let house = House::new();
    let question = "How many km are 5300 m?";
    house.answer("bad", question, "5.3", -1);
    house.answer("other", "How many km are 70 m?", "0.07 km", 1);
    assert!(house.playbook.pairs(None).unwrap().is_empty());
    house.answer("good", question, "5300 m = 5.3 km", 1);
    for turn in [None, Some("bad"), Some("good")] {
        let pairs = house.playbook.pairs(turn).unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].bad.id.as_str(), pairs[0].good.id.as_str()), ("bad", "good"));
    }
    assert!(house.playbook.pairs(Some("other")).unwrap().is_empty());
    house.rate("bad", 0);
    assert!(house.playbook.pairs(None).unwrap().is_empty());
}

#[test]
fn a_trajectory_is_there_while_its_answer_is_judged_so() {
    let house = House::new();
    house.answer("a", "Convert 5 km to m", "5 km = 5 * 1000 m\n= 5000 m", 1);
    let trajectory = &house.trajectories()[0];
    assert_eq!((trajectory.title.as_str(), trajectory.good), ("Convert … km to m", Some(true)));
    let found = house.playbook.find("Convert 12 km to m", &["units"], None).unwrap();
    assert_eq!(found.trajectories[0].id, trajectory.id);
    assert!(house.playbook.find("Who wrote Hamlet?", &["units"], None).unwrap().trajectories.is_empty());
    house.rate("a", -1);
    assert_eq!(house.trajectories()[0].good, Some(false));
    house.rate("a", 0);
    assert!(house.trajectories().is_empty());
    house.rate("a", 1);
    house.archive.forget_all().unwrap();
    assert!(house.trajectories().is_empty());
}

#[test]
fn where_answers_with_bullets_are_worse_beyond_chance_they_do_not_pay() {
    let house = House::new();
    let one = house.add("units", "Use SI units.").id;
    for at in 0..48 {
        let with = at % 2 == 0;
        let right = if with { at % 8 == 0 } else { at % 8 != 1 };
        let id = format!("a{at}");
        house.answer(&id, &format!("How far is {at} km?"), "far", if right { 1 } else { -1 });
        if with {
            house.playbook.used(&id, &[one]).unwrap();
        }
    }
    let why = house.playbook.price("units").unwrap().unwrap();
    assert!(why.contains("6 of 24") && why.contains("18 of 24"), "{why}");
    assert_eq!(house.playbook.price("mathematics").unwrap(), None);
}

#[test]
fn the_form_of_a_question_has_no_figures() {
    assert_eq!(form("What is  1,000.5 * 23?"), "What is … * …?");
    assert!(form(&"word ".repeat(100)).chars().count() <= 81);
}
