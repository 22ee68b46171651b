//! What the labels of the usual double must be.

use serde_json::{Value, json};

use crate::house::{TOPICS, id, right};

/// Checks that each row has its input's members, word for word and first, and the labels that the rule gives it.
pub(crate) fn check_labels(rows: &[Value]) {
    for row in rows {
        assert_eq!(row["domain_names"], json!(right(id(row))), "{row}");
        let ids: Vec<_> = right(id(row))
            .iter()
            .map(|name| TOPICS.iter().position(|topic| topic == name).unwrap() + 1)
            .collect();
        assert_eq!(row["domain_ids"], json!(ids));
        assert!(row["domain_reasoning"].is_string());
    }
}
