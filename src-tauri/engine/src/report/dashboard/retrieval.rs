//! Retrieval: how often past answers and documents are given, how well they fit, and whether answers are better with them.

use super::{Bin, Clock, Figure, Point, Row, bins};
use serde::Serialize;
use ts_rs::TS;

#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Retrieval {
    /// Answers that looked in past answers and documents, of all that are still there.
    pub asked: Figure,
    /// Answers that were given something, of those that looked.
    pub given: Figure,
    /// Median score of the best that was given.
    pub score: Figure,
    pub by_score: Vec<Bin>,
    /// Right ones of those that were judged, with something given and without.
    pub right_with: Figure,
    pub right_without: Figure,
    pub shares: Vec<Point>,
}

pub(super) fn of(rows: &[Row], clock: &Clock) -> Retrieval {
    let asked = || rows.iter().filter(|row| row.seen.as_ref().is_some_and(|seen| seen.asked));
    let was_given = |row: &Row| row.seen.as_ref().is_some_and(|seen| seen.given > 0);
    let best = |row: &Row| row.seen.as_ref()?.best;
    let given = || asked().map(|row| row.is(was_given(row)));
    let seen = || rows.iter().filter(|row| row.seen.is_some());
    let right =
        |with: bool| Figure::share(seen().filter(|row| was_given(row) == with).filter_map(Row::right));
    Retrieval {
        asked: Figure::share(rows.iter().filter_map(|row| Some(row.is(row.seen.as_ref()?.asked)))),
        given: Figure::share(given()),
        score: Figure::median(rows.iter().filter_map(|row| Some(row.behind(best(row)?)))),
        by_score: bins(rows, best),
        right_with: right(true),
        right_without: right(false),
        shares: clock.points(given(), Figure::mean_of_any),
    }
}
