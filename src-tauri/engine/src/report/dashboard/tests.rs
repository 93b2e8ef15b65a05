//! Pages from rows that are known.

use super::*;

const NOW: i64 = 1_763_700_000_000;

fn row(hours_ago: i64, expert: &str, total_ms: f64) -> Row {
    Row {
        metric: Metric {
            answer: Some(format!("{expert}-{hours_ago}")),
            timestamp: NOW - hours_ago * HOUR,
            expert: Some(expert.into()),
            domain: Some("units".into()),
            skills_selected: Some(1),
            total_time_ms: Some(total_ms),
            ..Metric::default()
        },
        seen: Some(Seen::default()),
    }
}

fn found(rows: &[Row]) -> Dashboard {
    of(rows, 0, NOW, &TimeZone::UTC)
}

#[test]
fn of_nothing_nothing_is_said() {
    let empty = found(&[]);
    assert_eq!(empty.answers, 0);
    assert_eq!(
        (empty.latency.p50.value, empty.routing.right.value, empty.memory.peak.value),
        (None, None, None)
    );
    assert!(empty.routing.experts.is_empty() && empty.latency.trend.is_empty());
}

#[test]
fn who_answers_most_comes_first_and_its_share_opens_its_answers() {
    let mut rows: Vec<Row> = (0..18).map(|at| row(40 - at, "a", 1.0)).collect();
    rows.extend((0..2).map(|at| row(2 - at, "b", 1.0)));
    let experts = found(&rows).routing.experts;
    assert_eq!(experts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((experts[1].share.value, experts[1].share.n), (Some(0.1), 20));
    let behind: Vec<_> = experts[1].share.behind.iter().map(|one| one.answer.clone().unwrap()).collect();
    assert_eq!(behind, ["b-1", "b-2"]);
}

#[test]
fn a_long_time_is_shown_by_days_of_the_clock_and_a_short_one_by_hours() {
    let short = found(&[row(3, "a", 1.0), row(3, "a", 3.0), row(1, "a", 9.0)]);
    assert_eq!(short.trend, Trend::Hours);
    let points: Vec<_> =
        short.latency.trend.iter().map(|point| (point.figure.value, point.figure.n)).collect();
    assert_eq!(points, [(Some(1.0), 2), (Some(9.0), 1)]);
    assert!(short.latency.trend.iter().all(|point| point.start % HOUR == 0));

    let east = TimeZone::fixed(jiff::tz::offset(9));
    let rows = [row(100, "a", 1.0), row(2, "a", 2.0)];
    let long = of(&rows, 0, NOW, &east);
    assert_eq!((long.trend, long.latency.trend.len()), (Trend::Days, 2));
    // Midnight nine hours east of Greenwich is 15:00 there.
    assert!(long.latency.trend.iter().all(|point| (point.start + 9 * HOUR) % (24 * HOUR) == 0));
}

#[test]
fn what_staying_seated_spares_is_the_last_load_that_was_measured() {
    let with = |hours_ago: i64, expert: &str, load_ms: f64| {
        let mut row = row(hours_ago, expert, 1.0);
        row.metric.load_ms = Some(load_ms);
        row.seen.as_mut().unwrap().was_seated = Some(load_ms == 0.0);
        row
    };
    // b sat there before anything was measured; a stays after loads of 40 and 60.
    let rows =
        [with(9, "b", 0.0), with(8, "a", 40.0), with(7, "a", 0.0), with(6, "a", 60.0), with(5, "a", 0.0)];
    let memory = found(&rows).memory;
    assert_eq!((memory.stays.value, memory.stays_ms.value), (Some(3.0), Some(100.0)));
    let behind: Vec<f64> = memory.stays_ms.behind.iter().map(|one| one.value).collect();
    assert_eq!(behind, [60.0, 40.0]);
    assert_eq!(memory.experts[0].loads.value, Some(2.0));
}

#[test]
fn answers_whose_text_is_gone_count_where_their_figures_stayed() {
    let mut gone = row(1, "a", 5.0);
    gone.metric.answer = None;
    gone.metric.quality_score = Some(0.0);
    gone.seen = None;
    let rows: Vec<Row> = (0..19).map(|_| row(2, "a", 5.0)).chain([gone]).collect();
    let page = found(&rows);
    assert_eq!((page.latency.p50.n, page.routing.right.n, page.retrieval.asked.n), (20, 1, 19));
    assert_eq!(page.latency.p50.behind[0].answer, None);
}
