//! Judge: what becomes of an answer is written down where it is learned from: who was able to what, how it went, and what a
//! good answer did that a bad one did not.

use crate::abilities::{self, JudgedBy, Outcome, Outcomes};
use crate::archive::Archive;
use crate::playbook::distil::rules;
use crate::playbook::{BulletKind, NewBullet, Pair, Playbook};
use crate::words::{Answer, Failure, Origin};

/// What is learned from, beside the archive.
pub struct Stores<'a> {
    pub archive: &'a Archive,
    pub outcomes: &'a Outcomes,
    pub playbook: &'a Playbook,
}

/// An answer was stored. `before`: the answer to the same question that it replaces. What cannot be written teaches nothing,
/// and is no reason to fail an answer.
pub fn answered(stores: &Stores<'_>, answer: &Answer, before: Option<&Answer>) {
    let council = answer.trace.council.iter().flat_map(|council| council.heard());
    for advice in council.filter_map(|draft| draft.advice.as_ref()).chain(&answer.trace.advice) {
        let _ = stores.playbook.used(&answer.id, &advice.ids());
    }
    let _ = checked(stores, answer);
    if let Some(before) = before.filter(|before| is_another(before, answer)) {
        let outcomes = [outcome(answer, &answer.expert, true), outcome(answer, &before.expert, false)];
        let _ = stores.outcomes.add(&outcomes);
        let _ = reflect(stores, before, answer, &[&answer.id]);
    }
}

/// The same question went to another expert by hand, and that one answered it.
pub fn is_another(before: &Answer, answer: &Answer) -> bool {
    let another = answer.trace.route.by_hand && before.expert != answer.expert;
    another && !answer.refused && !answer.stopped
}

fn outcome<'a>(answer: &'a Answer, expert: &'a str, right: bool) -> Outcome<'a> {
    let read = &answer.trace.read;
    let (domain, complexity) = (read.domain.as_str(), read.complexity);
    Outcome { turn: Some(&answer.id), expert, domain, complexity, right, by: JudgedBy::Retry }
}

/// A strategy checked it: the expert's first answer was right, or wrong and another one took its place.
fn checked(stores: &Stores<'_>, answer: &Answer) -> Result<(), Failure> {
    let Some(right) = abilities::checked(answer) else { return Ok(()) };
    let outcome = Outcome { by: JudgedBy::Check, ..outcome(answer, &answer.expert, right) };
    stores.outcomes.add(&[outcome])?;
    stores.playbook.went(answer, Some(true))?;
    let first = answer.trace.reason.iter().flat_map(|reasoned| &reasoned.steps).next();
    match first.filter(|_| !right) {
        Some(first) => {
            let bad = Answer { answer: first.text.clone(), ..answer.clone() };
            reflect(stores, &bad, answer, &[&answer.id])
        }
        None => Ok(()),
    }
}

/// An answer was rated; 0 takes it back.
pub fn rated(stores: &Stores<'_>, turn: &str, rating: i32) -> Result<(), Failure> {
    stores.outcomes.rate(turn, rating)?;
    let answers = stores.archive.answers(&[turn.to_owned()])?;
    let Some(answer) = answers.first().filter(|answer| !answer.stopped) else { return Ok(()) };
    stores.playbook.went(answer, (rating != 0).then_some(rating > 0))?;
    if rating != 0 {
        for Pair { bad, good } in stores.playbook.pairs(Some(turn))? {
            reflect(stores, &bad, &good, &[&bad.id, &good.id])?;
        }
    }
    Ok(())
}

/// What the good answer did that the bad one did not, as bullets; nothing where they were compared before.
fn reflect(stores: &Stores<'_>, bad: &Answer, good: &Answer, sources: &[&str]) -> Result<(), Failure> {
    let bullets = stores.playbook.list()?;
    let known = bullets.iter().any(|bullet| {
        bullet.kind == BulletKind::Bullet
            && sources.iter().all(|source| bullet.sources.iter().any(|own| own == source))
    });
    if known {
        return Ok(());
    }
    for text in rules(&good.question, &bad.answer, &good.answer) {
        let domain = good.trace.read.domain.as_str();
        stores
            .playbook
            .add(stores.archive, &NewBullet { domain, text: &text, origin: Origin::Reflector, sources })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::words::{Reasoned, Step, StepKind, Strategy};

    struct Place {
        _folder: tempfile::TempDir,
        archive: Archive,
        outcomes: Outcomes,
        playbook: Playbook,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().unwrap();
            let home = Home::at(folder.path());
            let archive = Archive::open(&home).unwrap();
            let (outcomes, playbook) = (Outcomes::open(&home).unwrap(), Playbook::open(&home).unwrap());
            Place { _folder: folder, archive, outcomes, playbook }
        }

        fn stores(&self) -> Stores<'_> {
            Stores { archive: &self.archive, outcomes: &self.outcomes, playbook: &self.playbook }
        }

        fn store(&self, id: &str, text: &str, created: i64) -> Answer {
            let mut answer = Answer {
                id: id.into(),
                conversation: id.into(),
                question: "How many km are 5300 m?".into(),
                answer: text.into(),
                expert: "units".into(),
                created,
                ..Answer::default()
            };
            answer.trace.read.domain = "units".into();
            self.archive.save(&answer, true).unwrap();
            answer
        }

        fn rate(&self, id: &str, rating: i32) {
            self.archive.rate(id, rating).unwrap();
            rated(&self.stores(), id, rating).unwrap();
        }

        fn rules(&self) -> Vec<String> {
            let all = self.playbook.list().unwrap().into_iter();
            all.filter(|bullet| bullet.kind == BulletKind::Bullet).map(|bullet| bullet.text).collect()
        }
    }

    #[test]
    fn a_good_answer_beside_a_bad_one_gives_a_rule_once_that_goes_with_them() {
        let place = Place::new();
        place.store("bad", "5.3", 1);
        place.store("good", "5300 m = 5.3 km", 2);
        place.rate("bad", -1);
        assert!(place.rules().is_empty());
        place.rate("good", 1);
        assert_eq!(place.rules(), ["Give the result with its unit (km)."]);
        place.rate("good", 2);
        assert_eq!(place.rules().len(), 1, "the same two answers are compared once");
        place.archive.forget("bad").unwrap();
        assert!(place.rules().is_empty());
    }

    #[test]
    fn an_answer_that_was_overturned_by_its_check_was_wrong_before() {
        let place = Place::new();
        let mut answer = place.store("a", "5300 m = 5.3 km", 1);
        let step = |step, text: &str, score| Step { step, text: text.into(), score, ..Step::default() };
        answer.trace.reason = Some(Reasoned {
            strategy: Strategy::Verify,
            steps: vec![
                step(StepKind::Answer, "5.3", None),
                step(StepKind::Check, "", Some(0.0)),
                step(StepKind::Sample, "5300 m = 5.3 km", None),
                step(StepKind::Check, "", Some(1.0)),
            ],
            changed_answer: true,
            ..Reasoned::default()
        });
        place.archive.save(&answer, true).unwrap();
        answered(&place.stores(), &answer, None);
        assert_eq!(place.rules(), ["Give the result with its unit (km)."]);
        let judged = place.outcomes.abilities().unwrap().experts;
        assert_eq!((judged[0].right, judged[0].n), (0, 1), "the expert's own first answer was wrong");
        let way = place
            .playbook
            .list()
            .unwrap()
            .into_iter()
            .find(|way| way.kind == BulletKind::Trajectory)
            .unwrap();
        assert_eq!((way.good, way.text.as_str()), (Some(true), "5300 m = 5.3 km"));
        place.rate("a", 1);
        let judged = place.outcomes.abilities().unwrap().experts;
        assert_eq!((judged[0].right, judged[0].n), (1, 1), "of an answer the user's word counts");
    }
}
