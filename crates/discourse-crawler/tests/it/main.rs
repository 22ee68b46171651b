//! Tests of the crawler against the double.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]
