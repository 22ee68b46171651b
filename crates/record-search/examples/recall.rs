//! Recall of the leg of meaning over the texts of a file: `cargo run --release -p record-search --example recall -- rows.jsonl hf-models`.
//! The mapping is a file, or the name of a shipped one.
//!
//! Prints a JSON object a selectivity. Rows that have no vector, or the vector of a row before, are left out.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};

use record_search::{Embedder, Mapped, Mapping, TableEmbedder, measure_recall};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, mapping, rest @ ..] = arguments.as_slice() else {
        println!("usage: recall ROWS.jsonl MAPPING [ROWS]");
        return;
    };
    let most: usize = rest.first().map_or(usize::MAX, |text| text.parse().unwrap());
    let mapping = match std::fs::read_to_string(mapping) {
        Ok(text) => Mapping::parse(mapping, &text).unwrap(),
        Err(_) => Mapping::named(mapping).unwrap(),
    };
    let table = TableEmbedder::shipped().unwrap();
    let dimension = table.dimension();
    let (mut vectors, mut seen): (Vec<f32>, HashSet<Vec<u8>>) = Default::default();
    for line in BufReader::new(std::fs::File::open(path).unwrap()).lines() {
        let Ok(record) = serde_json::from_str(&line.unwrap()) else { continue };
        let Ok(Mapped::Document(document)) = mapping.map(&record) else { continue };
        let Some(vector) = table.embed(&[&document.meaning]).unwrap().remove(0).vector else { continue };
        let brief: Vec<u8> = vector.iter().take(32).flat_map(|number| number.to_le_bytes()).collect();
        if seen.insert(brief) {
            vectors.extend(vector);
        }
        if vectors.len() / dimension >= most {
            break;
        }
    }
    drop(seen);
    for recall in measure_recall(&vectors, dimension, 200, &[1.0, 0.2, 0.01]) {
        println!(
            "{}",
            serde_json::json!({
                "vectors": vectors.len() / dimension - 200, "share": recall.share, "passed": recall.passed,
                "recall_at_10": recall.at_10, "median_ms": recall.milliseconds,
            })
        );
    }
}
