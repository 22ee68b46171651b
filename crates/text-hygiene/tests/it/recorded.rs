//! Recorded cases and posts. They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use text_hygiene::{Kind, find};

#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may be told where the samples are"
)]
fn folder(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join(part));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: nothing recorded is read");
    }
    folder.filter(|folder| folder.exists())
}

#[test]
fn samples_of_recognisers_are_judged_alike() {
    let Some(folder) = folder("web/pii") else { return };
    let bytes = std::fs::read(folder.join("presidio_cases.json")).unwrap();
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (part, kinds) in [
        ("email", &[Kind::Email][..]),
        ("credit_card", &[Kind::Card]),
        ("iban", &[Kind::Iban]),
        ("ip", &[Kind::Ip, Kind::PrivateIp]),
        ("phone", &[Kind::Phone]),
    ] {
        let cases = all["cases"][part].as_array().unwrap();
        for case in cases {
            let text = case["text"].as_str().or(case["iban"].as_str()).unwrap();
            let expected = case["expected_len"].as_u64().unwrap() as usize;
            let found: Vec<_> = find(text).into_iter().filter(|one| kinds.contains(&one.kind)).collect();
            if found.len() != expected {
                let spans: Vec<&str> = found.iter().map(|one| &text[one.start..one.end]).collect();
                wrong.entry(part).or_default().push(format!("{text:?}: {expected} expected, {spans:?}"));
            }
        }
        eprintln!("{part}: {} of {} alike", cases.len() - wrong.get(part).map_or(0, Vec::len), cases.len());
    }
    // `::` alone is a path of code more often than an address, and one of nobody. Five numbers in a row are a version.
    // A number of the airlines' cards needs a word beside it. The cases of phones are about settings: the strictest
    // agrees with ours where a number is glued to a word, the laxest where it has its country.
    let argued = BTreeMap::from([("credit_card", 1), ("ip", 6), ("phone", 3)]);
    for (part, wrong) in &wrong {
        assert!(wrong.len() <= argued.get(part).copied().unwrap_or(0), "{part}: {wrong:#?}");
    }
}

#[test]
fn samples_of_posts_hold_few_findings() {
    let Some(folder) = folder("discourse/urho3d/raw") else { return };
    let (mut posts, mut counts) = (0u64, BTreeMap::<Kind, u64>::new());
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        posts += text.matches(" UTC | #").count() as u64;
        for one in find(&text) {
            *counts.entry(one.kind).or_default() += 1;
            let from = text.floor_char_boundary(one.start.saturating_sub(30));
            eprintln!("{} {:?}: {:?}", one.kind.name(), one.rule, &text[from..one.end]);
        }
    }
    eprintln!("{posts} posts: {counts:?}");
    assert!(posts > 1000 && counts.values().sum::<u64>() <= posts / 200, "{counts:?}");
}
