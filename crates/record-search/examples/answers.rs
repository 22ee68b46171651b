//! Asks one open index many queries: `cargo run --profile dist -p record-search --example answers -- INDEX < queries.jsonl`.
//!
//! A query is a line such as `{"text": "whisper", "by": "words", "filters": ["mark:<100"], "limit": 10}`, or has `like` instead of
//! `text`. Prints of each the ids, how many match and the milliseconds; at the end what the process took in all.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement")]

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Instant;

use record_search::{Index, Mode, Query, TableEmbedder};
use serde_json::{Value as Json, json};

fn main() {
    let folder = std::env::args().nth(1).expect("usage: answers INDEX < queries.jsonl");
    let began = Instant::now();
    let index = Index::open(folder.as_ref(), Some(Arc::new(TableEmbedder::shipped().unwrap()))).unwrap();
    let opened = began.elapsed();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let asked: Json = serde_json::from_str(&line.unwrap()).unwrap();
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let filters = asked["filters"].as_array().into_iter().flatten();
        let query = Query {
            text: text("text").unwrap_or_default(),
            like: text("like"),
            filters: filters.map(|filter| filter.as_str().unwrap().to_owned()).collect(),
            mode: match asked["by"].as_str() {
                Some("words") => Mode::Words,
                Some("meaning") => Mode::Meaning,
                _ => Mode::Both,
            },
            limit: asked["limit"].as_u64().unwrap_or(10) as usize,
            ..Query::default()
        };
        let (began, cpu) = (Instant::now(), ticks());
        let found = index.search(&query);
        let (milliseconds, cpu) = (began.elapsed().as_secs_f64() * 1e3, ticks() - cpu);
        let answer = match found {
            Ok(found) => {
                let ids: Vec<_> = found.hits.iter().map(|hit| &hit.shown.id).collect();
                json!({"ids": ids, "total": found.total, "ms": milliseconds, "ticks": cpu})
            }
            Err(error) => json!({"error": error.to_string(), "ms": milliseconds, "ticks": cpu}),
        };
        writeln!(out, "{answer}").unwrap();
        out.flush().unwrap();
    }
    let end = json!({"opened_ms": opened.as_secs_f64() * 1e3, "resident_kib": of_status("VmRSS:"), "peak_kib": of_status("VmHWM:")});
    writeln!(out, "{end}").unwrap();
}

/// CPU time of the process until now, in hundredths of a second.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    behind.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn of_status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}
