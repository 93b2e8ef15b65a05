//! Retrieve: past answers and passages of documents that bear on the question, and what the playbook says.
//!
//! In:     the question, the archive, the documents
//! Out:    at most three of each, with their relevance; nothing under the threshold, the same thing once
//! Fails:  the archive cannot be read
//! Cost:   about 1 ms; one search and a few dozen rows. With an encoder some milliseconds more, for the question's vector
//! Source: BM25 for the candidates only: its scores cannot be compared between archives. Relevance is the
//!         overlap of the two questions, see [`relevance`]; that of a passage how much of the question it
//!         speaks of, see [`cover`]. With an encoder also how near they are in meaning

mod advice;
mod cover;
pub mod relevance;

pub use advice::{Listener, advice};

use crate::archive::meaning::Meant;
use crate::archive::{Archive, ArchiveError, Candidate, Entry};
use crate::documents::Documents;
use crate::words::{Failure, Mode, Passage, Question, Recalled};
use relevance::{Rarity, Subject};
use std::time::Instant;

/// Passages under this are not shown. Between the worst related pair and the best unrelated one of the tests'
/// table, with room for the bonus of age and rating.
pub const THRESHOLD: f32 = 0.74;

/// More would crowd out the question itself.
const MOST_PASSAGES: usize = 3;

/// Looked at by relevance, and again by meaning.
const CANDIDATES: usize = 30;

/// The cosine from which a past answer is shown for its meaning. With all-MiniLM-L6-v2, and half of the threads of StackFAQ
/// as past answers, the questions of the other half are kept out by 0.673 in 98.5 %, and 67 % of the rephrasings of the
/// first get theirs (by words alone: 8 %); in CLINC150 0.65 and more is the same intent in 92 %. Age and a missing rating
/// raise it to 0.74 at most.
const MEANS: f32 = 0.68;

/// Two past questions this alike are one: the newest answer stands for both.
const SAME: f32 = 0.92;

/// A passage keeps this part of its relevance when it is old and not rated; age and rating give back the rest.
/// They order what is relevant and make nothing relevant.
const FLOOR: f32 = 0.94;
const RECENCY: f32 = 0.03;
const RATING: f32 = 0.03;

/// Recency halves every 30 days.
const HALF_LIFE_MS: f32 = 30.0 * 24.0 * 3600.0 * 1e3;

/// What the archive and the documents know about this question, best first. Off (`asked: false`) by choice of the
/// user or by the mode.
pub fn retrieve(archive: &Archive, documents: &Documents, question: &Question) -> Result<Recalled, Failure> {
    let started = Instant::now();
    let (mut recalled, meant) = of_past_answers(archive, question)?;
    if recalled.asked {
        let (passages, considered) = cover::passages(documents, question, meant.as_ref())?;
        recalled.considered += considered;
        recalled.passages.extend(passages);
        // Both kinds of relevance have the same threshold; of equals the past answer stays first.
        recalled.passages.sort_by(|a, b| b.score.total_cmp(&a.score));
        recalled.elapsed_ms = started.elapsed().as_secs_f32() * 1e3;
    }
    Ok(recalled)
}

/// What the archive alone knows.
pub fn past_answers(archive: &Archive, question: &Question) -> Result<Recalled, ArchiveError> {
    Ok(of_past_answers(archive, question)?.0)
}

/// The same, with the vector of the question for whoever searches next.
fn of_past_answers(
    archive: &Archive,
    question: &Question,
) -> Result<(Recalled, Option<Meant>), ArchiveError> {
    let started = Instant::now();
    if !question.recall || question.mode != Mode::Optimized {
        return Ok((Recalled { asked: false, threshold: THRESHOLD, ..Recalled::default() }, None));
    }
    let (meant, without_meaning) = archive.meant(&question.text)?;
    let asked = Subject::of(&question.text);
    let candidates = archive.candidates(asked.words(), meant.as_ref(), CANDIDATES)?;
    let subjects: Vec<Subject> =
        candidates.entries.iter().map(|candidate| Subject::of(&candidate.entry.question)).collect();
    let terms = subjects.iter().chain([&asked]).flat_map(Subject::terms);
    let rarity = Rarity::new(archive.frequencies(terms)?);

    let now = crate::archive::now_ms();
    let mut found: Vec<(Passage, Subject)> = Vec::new();
    for (candidate, subject) in candidates.entries.into_iter().zip(subjects) {
        let by_words = relevance::relevance(&asked, &subject, &rarity);
        let by_meaning = candidate.cosine.filter(|_| relevance::may_mean_the_same(&asked, &subject));
        let relevance = by_meaning.map_or(by_words, |cosine| by_words.max(on_scale(cosine, MEANS)));
        let score = score(&candidate.entry, relevance, now);
        if score >= THRESHOLD && may_be_shown(&candidate.entry, question) {
            found.push((passage(candidate, score), subject));
        }
    }
    let recalled = Recalled {
        asked: true,
        passages: once(found, &rarity),
        considered: candidates.considered,
        threshold: THRESHOLD,
        without_meaning,
        elapsed_ms: started.elapsed().as_secs_f32() * 1e3,
    };
    Ok((recalled, meant))
}

/// A number that counts from `least` to 1 on the scale of relevance, where that is [`THRESHOLD`] to 1.
fn on_scale(number: f32, least: f32) -> f32 {
    THRESHOLD + (1.0 - THRESHOLD) * (number - least) / (1.0 - least)
}

/// Relevance with its small terms: at most the relevance itself, at least `FLOOR` of it.
fn score(entry: &Entry, relevance: f32, now: i64) -> f32 {
    let age = (now - entry.created).max(0) as f32;
    let recency = 0.5_f32.powf(age / HALF_LIFE_MS);
    // Half way for what nobody rated.
    let rating = 0.5 + 0.5 * (entry.rating as f32 / 2.0).tanh();
    relevance * (FLOOR + RECENCY * recency + RATING * rating)
}

/// Not what the user took out, not the answer being replaced, and not what was rated bad: a bad answer is no
/// knowledge.
fn may_be_shown(entry: &Entry, question: &Question) -> bool {
    entry.rating >= 0
        && !question.without.contains(&entry.id)
        && question.replaces.as_ref() != Some(&entry.id)
}

fn passage(candidate: Candidate, score: f32) -> Passage {
    let Candidate { entry, bm25, cosine } = candidate;
    Passage {
        id: entry.id,
        question: entry.question,
        answer: entry.answer,
        expert: entry.expert,
        created: entry.created,
        score,
        bm25,
        cosine,
        rating: entry.rating,
        document: None,
    }
}

/// Of passages that say the same, the newest; then the best few.
fn once(mut found: Vec<(Passage, Subject)>, rarity: &Rarity) -> Vec<Passage> {
    found.sort_by(|(a, _), (b, _)| b.created.cmp(&a.created).then_with(|| b.score.total_cmp(&a.score)));
    let mut kept: Vec<(Passage, Subject)> = Vec::new();
    for (passage, subject) in found {
        if kept.iter().all(|(_, other)| relevance::relevance(&subject, other, rarity) < SAME) {
            kept.push((passage, subject));
        }
    }
    kept.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
    kept.into_iter().map(|(passage, _)| passage).take(MOST_PASSAGES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rating: i32, created: i64) -> Entry {
        Entry {
            id: "a".into(),
            question: "q".into(),
            answer: "a".into(),
            expert: "e".into(),
            created,
            rating,
        }
    }

    #[test]
    fn age_and_rating_only_order_what_is_relevant() {
        let now = 1_800_000_000_000;
        let best = score(&entry(5, now), 1.0, now);
        let worst = score(&entry(0, 0), 1.0, now);
        assert!(best <= 1.0 && worst >= FLOOR, "best {best}, worst {worst}");
        assert!(
            score(&entry(1, now), 0.8, now) > score(&entry(0, now), 0.8, now),
            "a rated answer comes first"
        );
        assert!(
            score(&entry(0, now), 0.8, now) > score(&entry(0, now - 86_400_000 * 60), 0.8, now),
            "a newer answer comes first"
        );
        assert!(score(&entry(0, now + 5_000), 1.0, now) <= 1.0, "a clock that went back gives no bonus");
    }
}
