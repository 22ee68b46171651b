//! For measurements: `hygiene find FILE` or `hygiene dedup FILE`, where each line of the file is a text as JSON. Prints a
//! line of JSON a text: what was found in it, or the number of the first text of its cluster.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, BufWriter, Write};

use text_hygiene::{Deduper, Kind, Settings, find};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, path] = arguments.as_slice() else { return Err("hygiene find|dedup FILE".into()) };
    let mut out = BufWriter::new(std::io::stdout());
    let mut texts = Vec::new();
    let mut deduper = Deduper::new(Settings::default());
    for line in BufReader::new(std::fs::File::open(path)?).lines() {
        let text: String = serde_json::from_str(&line?)?;
        if what == "find" {
            let found: Vec<(&str, &str)> = find(&text)
                .iter()
                .filter(|one| one.kind != Kind::PrivateIp)
                .map(|one| (one.kind.name(), &text[one.start..one.end]))
                .collect();
            writeln!(out, "{}", serde_json::to_string(&found)?)?;
        } else {
            deduper.add(texts.len() as u64, &text);
            texts.push(text);
        }
    }
    if what != "find" {
        let found = deduper.finish(|id| Ok::<_, Infallible>(texts.get(id as usize).cloned()))?;
        for member in found.members {
            writeln!(out, "{}", member.cluster)?;
        }
    }
    Ok(out.flush()?)
}
