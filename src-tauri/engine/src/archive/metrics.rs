//! Metrics: one row an answer in `brain_moe_metrics`, made from the answer's own trace (requirement R90).
//!
//! In:     a stored answer; later its rating, or the answer that took its place
//! Out:    the rows of a time, each with its answer where that is still there
//! Fails:  as any write of the archive; what was not measured is `None` and never a default
//! Cost:   one row in the transaction that stores the answer

use super::{Archive, ArchiveError, worth};
use crate::words::{Answer, Generated, Mode, Seated};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value};
use serde::Serialize;
use sha2::{Digest, Sha256};
use ts_rs::TS;

/// One answer in figures. Times of an answer that was stopped are not those of an answer, and are `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Metric {
    /// `None`: another answer took its place; its figures stay.
    pub answer: Option<String>,
    /// When it was done, Unix time in milliseconds.
    pub timestamp: i64,
    /// The first 16 bytes of sha256(secret of this home ‖ question, normalised): the same question has the same, and
    /// without the secret nobody can try questions on it.
    pub query_hash: Option<String>,
    pub mode: Option<Mode>,
    pub domain: Option<String>,
    /// Probability of `domain`.
    pub confidence: Option<f64>,
    /// Whose words the answer is.
    pub expert: Option<String>,
    /// Experts that were ready, and those that were to be asked.
    pub skills_considered: Option<i64>,
    pub skills_selected: Option<i64>,
    /// The best by the router's score, who need not be the one that answered.
    pub top_skill: Option<String>,
    pub top_skill_score: Option<f64>,
    /// Reading the question and routing it.
    pub selection_time_ms: Option<f64>,
    /// From asking for the seat, waiting included, to the last word.
    pub execution_time_ms: Option<f64>,
    pub total_time_ms: Option<f64>,
    /// Seconds that this machine worked for it: every room, leaving and loading; not the waiting for the seat.
    pub total_cost: Option<f64>,
    /// Seconds that it would have cost more, had the tokens been read that were left out or known before, at the speed
    /// at which this answer's others were read, and had the expert been loaded that sat there already, as its last load
    /// took; less what leaving out took. `None` where one of these was not measured.
    pub cost_saved: Option<f64>,
    /// Tokens of the prompt that were read for the last call, and all that were written.
    pub tokens_read: Option<i64>,
    pub tokens_written: Option<i64>,
    /// 1: rated up; 0: rated down, or asked again for another answer. `None`: nobody judged it.
    pub quality_score: Option<f64>,
    /// Of several experts: the part of the votes (of the weight in a weighted council) for the answer.
    pub synthesis_quality: Option<f64>,
    /// Peak memory as a part of the budget.
    pub max_utilization: Option<f64>,
    /// Questions that waited or were being answered when this one was routed.
    pub avg_queue_depth: Option<f64>,
    /// Tokens of question and context before and after fitting, also where nothing was shortened and the expert cannot
    /// read context.
    pub tokens_before: Option<i64>,
    pub tokens_after: Option<i64>,
    /// After / before.
    pub compression_ratio: Option<f64>,
    pub peak_memory_bytes: Option<i64>,
    /// 0: its expert was seated already.
    pub load_ms: Option<f64>,
    /// Experts that left for others.
    pub swaps: Option<i64>,
}

/// The columns in the order of [`Metric::values`].
const COLUMNS: &str = "turn, timestamp, query_hash, mode, domain, confidence, expert, skills_considered, skills_selected, \
     top_skill, top_skill_score, selection_time_ms, execution_time_ms, total_time_ms, total_cost, cost_saved, tokens_read, \
     tokens_written, quality_score, synthesis_quality, max_utilization, avg_queue_depth, tokens_before, tokens_after, \
     compression_ratio, peak_memory_bytes, load_ms, swaps";

impl Metric {
    /// `last_load_ms`: of this expert, before this answer.
    fn of(answer: &Answer, query_hash: String, last_load_ms: Option<f64>) -> Metric {
        let trace = &answer.trace;
        let (read, route, compress) = (&trace.read, &trace.route, &trace.compress);
        let was_read = !read.domains.is_empty();
        let was_routed = !route.experts.is_empty();
        let was_fitted = !compress.reason.is_empty();
        let council = trace.council.as_deref();
        let seats = seats(answer);
        let spoken = spoken(answer);
        let peak = spoken.iter().map(|spoken| spoken.peak_memory_bytes);
        let peak = peak.chain(seats.iter().map(|seat| seat.memory_bytes)).max().filter(|bytes| *bytes > 0);
        let budget = seats.iter().map(|seat| seat.budget_bytes).max().filter(|bytes| *bytes > 0);
        let load_ms = (!seats.is_empty()).then(|| seats.iter().map(|seat| ms(seat.load_ms)).sum::<f64>());
        let leave_ms: f64 = seats.iter().map(|seat| ms(seat.leave_ms)).sum();
        let speaking_ms = speaking_ms(answer);
        let whole = !answer.stopped;
        let execution = match council {
            Some(council) => ms(council.elapsed_ms),
            None => ms(trace.seat.elapsed_ms) + ms(compress.elapsed_ms) + speaking_ms,
        };
        let rooms = [read.elapsed_ms, trace.retrieve.elapsed_ms, route.elapsed_ms, compress.elapsed_ms];
        let work: f64 = rooms.into_iter().chain([trace.learn.elapsed_ms]).map(ms).sum();
        let one = Some(&trace.generate).filter(|one| council.is_none() && one.prompt_tokens > 0);
        Metric {
            answer: Some(answer.id.clone()),
            timestamp: answer.created,
            query_hash: Some(query_hash),
            mode: trace.mode,
            domain: was_read.then(|| read.domain.clone()),
            confidence: was_read.then(|| ms(read.confidence)),
            expert: Some(answer.expert.clone()).filter(|name| !name.is_empty()),
            skills_considered: was_routed.then_some(route.experts.len() as i64),
            skills_selected: was_routed.then(|| council.map_or(1, |council| council.drafts.len() as i64)),
            top_skill: route.experts.first().map(|best| best.name.clone()),
            top_skill_score: route.experts.first().map(|best| ms(best.score)),
            selection_time_ms: was_routed.then(|| ms(read.elapsed_ms) + ms(route.elapsed_ms)),
            execution_time_ms: (whole && !seats.is_empty()).then_some(execution),
            total_time_ms: whole.then(|| ms(trace.total_ms)),
            total_cost: Some((work + leave_ms + load_ms.unwrap_or(0.0) + speaking_ms) / 1e3),
            cost_saved: saved(answer, last_load_ms).filter(|_| whole),
            tokens_read: one.map(|one| i64::from(one.prompt_tokens.saturating_sub(one.cached_tokens))),
            tokens_written: (!spoken.is_empty()).then_some(i64::from(answer.tokens)),
            quality_score: quality(answer.rating),
            synthesis_quality: council
                .filter(|council| whole && !council.drafts.is_empty())
                .map(|council| ms(council.agreement)),
            max_utilization: peak.zip(budget).map(|(peak, budget)| peak as f64 / budget as f64),
            avg_queue_depth: trace.waiting.map(f64::from),
            tokens_before: was_fitted.then_some(i64::from(compress.tokens_before)),
            tokens_after: was_fitted.then_some(i64::from(compress.tokens_after)),
            compression_ratio: (was_fitted && compress.tokens_before > 0)
                .then(|| f64::from(compress.tokens_after) / f64::from(compress.tokens_before)),
            peak_memory_bytes: peak.map(|bytes| bytes as i64),
            load_ms,
            swaps: (!seats.is_empty())
                .then(|| seats.iter().filter(|seat| seat.left.is_some()).count() as i64),
        }
    }

    fn values(&self) -> [Value; 28] {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        let real = |figure: Option<f64>| figure.filter(|f| f.is_finite()).map_or(Value::Null, Value::Real);
        let whole = |figure: Option<i64>| figure.map_or(Value::Null, Value::Integer);
        [
            text(&self.answer),
            Value::Integer(self.timestamp),
            text(&self.query_hash),
            text(&self.mode.map(|mode| mode.name().to_owned())),
            text(&self.domain),
            real(self.confidence),
            text(&self.expert),
            whole(self.skills_considered),
            whole(self.skills_selected),
            text(&self.top_skill),
            real(self.top_skill_score),
            real(self.selection_time_ms),
            real(self.execution_time_ms),
            real(self.total_time_ms),
            real(self.total_cost),
            real(self.cost_saved),
            whole(self.tokens_read),
            whole(self.tokens_written),
            real(self.quality_score),
            real(self.synthesis_quality),
            real(self.max_utilization),
            real(self.avg_queue_depth),
            whole(self.tokens_before),
            whole(self.tokens_after),
            real(self.compression_ratio),
            whole(self.peak_memory_bytes),
            real(self.load_ms),
            whole(self.swaps),
        ]
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Metric> {
        let mode: Option<String> = row.get(3)?;
        Ok(Metric {
            answer: row.get(0)?,
            timestamp: row.get(1)?,
            query_hash: row.get(2)?,
            mode: mode.and_then(|name| Mode::ALL.into_iter().find(|mode| mode.name() == name)),
            domain: row.get(4)?,
            confidence: row.get(5)?,
            expert: row.get(6)?,
            skills_considered: row.get(7)?,
            skills_selected: row.get(8)?,
            top_skill: row.get(9)?,
            top_skill_score: row.get(10)?,
            selection_time_ms: row.get(11)?,
            execution_time_ms: row.get(12)?,
            total_time_ms: row.get(13)?,
            total_cost: row.get(14)?,
            cost_saved: row.get(15)?,
            tokens_read: row.get(16)?,
            tokens_written: row.get(17)?,
            quality_score: row.get(18)?,
            synthesis_quality: row.get(19)?,
            max_utilization: row.get(20)?,
            avg_queue_depth: row.get(21)?,
            tokens_before: row.get(22)?,
            tokens_after: row.get(23)?,
            compression_ratio: row.get(24)?,
            peak_memory_bytes: row.get(25)?,
            load_ms: row.get(26)?,
            swaps: row.get(27)?,
        })
    }
}

/// Every seat that was taken for it.
fn seats(answer: &Answer) -> Vec<&Seated> {
    let trace = &answer.trace;
    let seats: Vec<&Seated> = match trace.council.as_deref() {
        Some(council) => council.heard().map(|draft| &draft.seat).collect(),
        None => vec![&trace.seat],
    };
    seats.into_iter().filter(|seat| !seat.expert.is_empty()).collect()
}

/// Every generation of it; of a strategy the last one.
fn spoken(answer: &Answer) -> Vec<&Generated> {
    let trace = &answer.trace;
    let all: Vec<&Generated> = match trace.council.as_deref() {
        Some(council) => council.heard().map(|draft| &draft.generate).collect(),
        None => vec![&trace.generate],
    };
    all.into_iter().filter(|one| one.elapsed_ms > 0.0).collect()
}

fn speaking_ms(answer: &Answer) -> f64 {
    let trace = &answer.trace;
    let Some(council) = trace.council.as_deref() else {
        return trace
            .reason
            .as_ref()
            .map_or(ms(trace.generate.elapsed_ms), |reasoned| ms(reasoned.elapsed_ms));
    };
    let spoken = council
        .heard()
        .map(|draft| draft.reason.as_ref().map_or(draft.generate.elapsed_ms, |r| r.elapsed_ms));
    spoken.map(ms).sum()
}

/// [`Metric::cost_saved`], of one expert that was asked once.
fn saved(answer: &Answer, last_load_ms: Option<f64>) -> Option<f64> {
    let trace = &answer.trace;
    let (compress, generate) = (&trace.compress, &trace.generate);
    if trace.council.is_some() || trace.reason.is_some() || compress.reason.is_empty() {
        return None;
    }
    // Without a method nothing was shortened: what else is missing the expert could not have read.
    let went = compress.tokens_before.saturating_sub(compress.tokens_after);
    let spared = compress.method.as_ref().map_or(0, |_| went) + generate.cached_tokens;
    let reading = match spared {
        0 => 0.0,
        // Seconds a token.
        spared => f64::from(spared) / Some(ms(generate.prompt_tokens_per_s)).filter(|speed| *speed > 0.0)?,
    };
    let loading = if trace.seat.was_seated { last_load_ms? / 1e3 } else { 0.0 };
    Some(reading + loading - ms(compress.elapsed_ms) / 1e3)
}

fn quality(rating: i32) -> Option<f64> {
    (rating != 0).then_some(if rating > 0 { 1.0 } else { 0.0 })
}

/// Figures of a trace are f32; to the table they go as they read.
fn ms(figure: f32) -> f64 {
    f64::from(figure)
}

/// Writes the row of an answer, in the place of one that it had.
pub(super) fn save(database: &Connection, answer: &Answer) -> rusqlite::Result<()> {
    let hash = query_hash(database, &answer.question)?;
    let last_load_ms = database
        .prepare_cached(
            "SELECT load_ms FROM brain_moe_metrics WHERE expert = ?1 AND load_ms > 0 AND skills_selected = 1
                AND timestamp <= ?2 AND turn IS NOT ?3 ORDER BY timestamp DESC LIMIT 1",
        )?
        .query_row((&answer.expert, answer.created, &answer.id), |row| row.get(0))
        .optional()?;
    let marks = vec!["?"; 28].join(", ");
    database
        .prepare_cached(&format!("INSERT OR REPLACE INTO brain_moe_metrics ({COLUMNS}) VALUES ({marks})"))?
        .execute(params_from_iter(Metric::of(answer, hash, last_load_ms).values()))?;
    Ok(())
}

/// Storing took this long, known only after it was stored.
pub(super) fn note_learned(database: &Connection, id: &str, elapsed_ms: f64) -> rusqlite::Result<()> {
    let sql = "UPDATE brain_moe_metrics SET total_time_ms = total_time_ms + ?2, total_cost = total_cost + ?2 / 1000.0
               WHERE turn = ?1";
    database.execute(sql, (id, elapsed_ms)).map(|_| ())
}

pub(super) fn rated(database: &Connection, id: &str, rating: i32) -> rusqlite::Result<()> {
    let sql = "UPDATE brain_moe_metrics SET quality_score = ?2 WHERE turn = ?1";
    database.execute(sql, (id, quality(rating))).map(|_| ())
}

/// An answer to `question` takes the place of the answer `id`: asked again in the same words, it was not good enough.
/// The figures stay and know their answer and its question no more.
pub(super) fn replaced(database: &Connection, id: &str, question: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE brain_moe_metrics SET turn = NULL, query_hash = NULL,
                   quality_score = CASE WHEN total_time_ms IS NOT NULL
                       AND (SELECT normalised FROM turns WHERE id = ?1) = ?2 THEN 0.0 ELSE quality_score END
               WHERE turn = ?1";
    database.execute(sql, (id, worth::normalise(question))).map(|_| ())
}

/// No answer lacks its row.
pub(super) fn is_whole(database: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM turns
                   WHERE id NOT IN (SELECT turn FROM brain_moe_metrics WHERE turn IS NOT NULL))";
    database.query_row(sql, [], |row| row.get(0))
}

/// Rows for answers that have none: those that were stored before there was this table. What cannot be read has none.
pub(super) fn fill(database: &Connection) -> rusqlite::Result<()> {
    let mut missing = database.prepare(
        "SELECT whole, rating FROM turns
         WHERE id NOT IN (SELECT turn FROM brain_moe_metrics WHERE turn IS NOT NULL) ORDER BY created",
    )?;
    let mut rows = missing.query([])?;
    while let Some(row) = rows.next()? {
        let whole: String = row.get(0)?;
        if let Ok(answer) = serde_json::from_str::<Answer>(&whole) {
            save(database, &Answer { rating: row.get(1)?, ..answer })?;
        }
    }
    Ok(())
}

fn query_hash(database: &Connection, question: &str) -> rusqlite::Result<String> {
    let secret: Vec<u8> =
        database.prepare_cached("SELECT secret FROM identity")?.query_row([], |row| row.get(0))?;
    let hash = Sha256::new().chain_update(secret).chain_update(worth::normalise(question)).finalize();
    Ok(hash[..16].iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Archive {
    /// The rows from `since` on (Unix time in milliseconds), oldest first.
    pub fn metrics(&self, since: i64) -> Result<Vec<Metric>, ArchiveError> {
        let database = self.database();
        let sql = format!(
            "SELECT {COLUMNS} FROM brain_moe_metrics WHERE timestamp >= ?1 ORDER BY timestamp, number"
        );
        let read = || -> rusqlite::Result<Vec<Metric>> {
            database.prepare(&sql)?.query_map([since], Metric::from_row)?.collect()
        };
        read().map_err(|source| ArchiveError::Database { doing: "read the metrics", source })
    }

    /// The same, each with its answer while that is there.
    pub fn metrics_of_answers(
        &self,
        since: i64,
        each: &mut dyn FnMut(Metric, Option<Answer>),
    ) -> Result<(), ArchiveError> {
        let database = self.database();
        let columns = COLUMNS.replace(", ", ", m.");
        let sql = format!(
            "SELECT m.{columns}, whole FROM brain_moe_metrics AS m LEFT JOIN turns ON turns.id = m.turn
             WHERE m.timestamp >= ?1 ORDER BY m.timestamp, m.number"
        );
        let mut read = || -> rusqlite::Result<()> {
            let mut found = database.prepare(&sql)?;
            let mut rows = found.query([since])?;
            while let Some(row) = rows.next()? {
                let whole: Option<String> = row.get(28)?;
                each(Metric::from_row(row)?, whole.and_then(|whole| serde_json::from_str(&whole).ok()));
            }
            Ok(())
        };
        read().map_err(|source| ArchiveError::Database { doing: "read the metrics", source })
    }

    /// The answers with these ids, in their order; those that are gone are left out.
    pub fn answers(&self, ids: &[String]) -> Result<Vec<Answer>, ArchiveError> {
        let database = self.database();
        let read = || -> rusqlite::Result<Vec<Answer>> {
            let mut one = database.prepare_cached("SELECT whole, rating FROM turns WHERE id = ?1")?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let row: Option<(String, i32)> =
                    one.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                let answer = row.and_then(|(whole, rating)| {
                    Some(Answer { rating, ..serde_json::from_str(&whole).ok()? })
                });
                found.extend(answer);
            }
            Ok(found)
        };
        read().map_err(|source| ArchiveError::Database { doing: "read the answers", source })
    }
}

#[cfg(test)]
mod tests;
