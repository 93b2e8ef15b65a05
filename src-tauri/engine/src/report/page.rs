//! The reports on the pool as one page of HTML: for reading, keeping and printing. It loads nothing, and what is in it was
//! escaped on the way.

use super::everybody::Everybody;
use super::pruning::{Entry, PoolReport, Pruned};
use crate::home::write_atomically;
use crate::pool::Change;
use crate::words::Failure;
use jiff::{Timestamp, tz::TimeZone};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use std::path::Path;

/// Its name ends in .html: what it shows is escaped for that.
const NAME: &str = "pool.html";
const TEMPLATE: &str = include_str!("pool.html");

/// The page's text. `history` as the pool keeps it, the oldest first.
pub fn html(
    report: &PoolReport,
    plan: Option<&Pruned>,
    everybody: Option<&Everybody>,
    history: Vec<Change>,
) -> Result<String, minijinja::Error> {
    let mut pages = Environment::new();
    pages.add_filter("percent", |share: f64| format!("{:.1} %", share * 100.0));
    pages.add_filter("points", |share: f64| format!("{:+.1}", share * 100.0));
    pages.add_filter("megabytes", |bytes: f64| format!("{:.1} MB", bytes / 1e6));
    pages.add_filter("three", |figure: f64| format!("{figure:.3}"));
    pages.add_filter("day", day);
    pages.add_template(NAME, TEMPLATE)?;
    let history: Vec<Entry> = history.into_iter().rev().map(Entry::from).collect();
    let now = Timestamp::now().as_millisecond();
    pages.get_template(NAME)?.render(context! {
        report => Value::from(Serde(report)),
        plan => plan.map(|plan| Value::from(Serde(plan))),
        everybody => everybody.map(|found| Value::from(Serde(found))),
        history => Value::from(Serde(&history)),
        now,
    })
}

/// Writes the page, whole or not at all.
pub fn write(
    path: &Path,
    report: &PoolReport,
    plan: Option<&Pruned>,
    everybody: Option<&Everybody>,
    history: Vec<Change>,
) -> Result<(), Failure> {
    let page = html(report, plan, everybody, history).map_err(|error| Failure {
        code: "report.page".into(),
        message: "The page could not be made. This is a bug.".into(),
        fix: "Please report it; the figures are in the JSON output.".into(),
        detail: Some(format!("{error:#}")),
    })?;
    write_atomically(path, page.as_bytes()).map_err(|error| Failure {
        code: "report.cannot_write".into(),
        message: format!("{} cannot be written: {error}", path.display()),
        fix: "Choose a folder that you can write to, on a disk that is not full.".into(),
        detail: None,
    })
}

/// The day and minute here, of a Unix time in milliseconds.
fn day(milliseconds: i64) -> String {
    let here = Timestamp::from_millisecond(milliseconds).map(|time| time.to_zoned(TimeZone::system()));
    here.map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::super::benchmark::Share;
    use super::super::criteria::Criterion;
    use super::super::everybody::{Alone, Capability, Overlap};
    use super::*;
    use crate::pool::{Expert, Manifest, Statistics};

    fn report() -> PoolReport {
        let mut manifest = Manifest::named("words");
        manifest.domains = vec!["<b>words</b>".into()];
        let file = std::path::PathBuf::from("words.gguf");
        let statistics = Statistics::default();
        let expert =
            Expert { manifest, file, using: 0, statistics, starter: true, unavailable: None, retired: None };
        super::super::pruning::pool_report(&[expert], &[], 1)
    }

    #[test]
    fn the_page_shows_what_it_was_given_and_nothing_of_it_is_html() {
        let right = Share::of(3, 4);
        let everybody = Everybody {
            questions: 4,
            judged: 4,
            experts: vec!["words".into()],
            capability: vec![Capability { expert: "words".into(), domain: "<script>".into(), right }],
            overlap: vec![Overlap { first: "words".into(), second: "code".into(), same: None }],
            router: right,
            best_alone: right.map(|right| Alone { expert: "words".into(), right }),
            ..Everybody::default()
        };
        let plan = Pruned::plan(&[], &[], Criterion::Adaptive, 1, 0.3);
        let history = vec![Change {
            number: 1,
            created: 1_763_700_000_000,
            what: serde_json::json!({ "restored": ["<i>code</i>"] }),
        }];
        let page = html(&report(), Some(&plan), Some(&everybody), history).unwrap();
        assert!(page.contains("75.0 %") && page.contains("3 of 4"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("&lt;b&gt;words"), "{page}");
        for tag in ["<script", "<b>words", "<i>code", "http:", "https:"] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("not measured yet"), "two that never both answered");
    }

    #[test]
    fn a_page_without_a_plan_or_a_comparison_has_neither() {
        let page = html(&report(), None, None, Vec::new()).unwrap();
        assert!(!page.contains("A smaller pool") && !page.contains("Everybody asked"), "{page}");
        assert!(page.contains("Nothing was changed"), "{page}");
    }
}
