//! Table: the rows of `brain_moe_metrics` as they are, for whoever counts on elsewhere.

use crate::archive::{Archive, Metric};
use crate::words::Failure;
use serde_json::Value;

/// The rows from `since` on, oldest first.
pub fn rows(archive: &Archive, since: i64) -> Result<Vec<Metric>, Failure> {
    Ok(archive.metrics(since)?)
}

/// The same as comma-separated values (RFC 4180) with a line of names; empty where nothing was measured.
pub fn csv(archive: &Archive, since: i64) -> Result<String, Failure> {
    let mut text = COLUMNS.join(",") + "\r\n";
    for row in rows(archive, since)? {
        // A struct of plain fields is an object.
        let fields = serde_json::to_value(&row).unwrap_or_default();
        let line: Vec<String> = COLUMNS.iter().map(|name| field(&fields[name])).collect();
        text.push_str(&line.join(","));
        text.push_str("\r\n");
    }
    Ok(text)
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains(['"', ',', '\r', '\n']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const COLUMNS: [&str; 28] = [
    "answer", "timestamp", "query_hash", "mode", "domain", "confidence", "expert", "skills_considered",
    "skills_selected", "top_skill", "top_skill_score", "selection_time_ms", "execution_time_ms",
    "total_time_ms", "total_cost", "cost_saved", "tokens_read", "tokens_written", "quality_score",
    "synthesis_quality", "max_utilization", "avg_queue_depth", "tokens_before", "tokens_after",
    "compression_ratio", "peak_memory_bytes", "load_ms", "swaps",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_a_row_is_a_column_and_nothing_else_is() {
        let fields = serde_json::to_value(Metric::default()).unwrap();
        let mut names: Vec<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        let mut columns = COLUMNS.to_vec();
        names.sort_unstable();
        columns.sort_unstable();
        assert_eq!(names, columns);
    }

    #[test]
    fn a_text_with_commas_stays_one_field() {
        assert_eq!(field(&Value::from("a,\"b\"")), "\"a,\"\"b\"\"\"");
        assert_eq!((field(&Value::Null), field(&Value::from(1.5))), (String::new(), "1.5".into()));
    }
}
