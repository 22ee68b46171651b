//! Recorded answers of the real Hub: every model becomes a row, the broken ones too.
//!
//! They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`.

use std::path::{Path, PathBuf};

use crawl_core::Record;
use model_facts::Facts;
use serde_json::{Value, json};

use crate::desk::catalogue;

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join("hf"));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded answers are read");
    }
    folder
}

fn bodies(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(bodies(&path)),
            path if path.extension().is_some_and(|kind| kind == "json") => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

fn models(folder: &Path) -> Vec<Value> {
    let read = |path: PathBuf| match serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() {
        Value::Array(rows) => rows,
        row => vec![row],
    };
    bodies(&folder.join("models")).into_iter().flat_map(read).collect()
}

#[test]
fn every_recorded_model_becomes_a_row() {
    let Some(folder) = samples() else { return };
    let models = models(&folder);
    let (mut with_parameters, mut with_licence) = (0, 0);
    for model in &models {
        let record = Record::write(model).unwrap();
        crate::rows::check(&record);
        let facts = Facts::of(&record);
        let types = model["safetensors"]["parameters"].as_object();
        let floats = types.map(|types| {
            types
                .iter()
                .filter(|(kind, _)| kind.as_str() != "I64")
                .filter_map(|(_, count)| count.as_u64())
                .sum()
        });
        assert_eq!(facts.parameters.map(|(count, _)| count), floats, "{}", model["id"]);
        let licensed = model["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|tag| tag.as_str().is_some_and(|tag| tag.starts_with("license:")));
        assert_eq!(facts.licence.is_some(), licensed, "{}", model["id"]);
        with_parameters += usize::from(facts.parameters.is_some());
        with_licence += usize::from(licensed);
    }
    eprintln!("{} models, {with_parameters} with parameters, {with_licence} with a licence", models.len());
    assert!(models.len() > 60 && with_parameters > 15, "is this the folder of samples?");
}

#[test]
fn the_recorded_tree_gives_the_bytes_of_one_variant() {
    let Some(folder) = samples() else { return };
    let bert = models(&folder)
        .into_iter()
        .find(|model| model["id"] == json!("google-bert/bert-base-uncased"))
        .unwrap();
    for path in bodies(&folder.join("tree")) {
        let mut bert = bert.clone();
        let tree: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let files: Vec<Value> =
            tree.iter().map(|file| json!({"path": file["path"], "size": file["size"]})).collect();
        bert["files"] = json!(files);
        let row = catalogue(bert);
        // 110 million numbers of 4 bytes: not the 536 MB of TensorFlow beside them.
        assert_eq!((row.text("weight_variant"), row.int("weight_bytes")), (Some("bin"), Some(440_473_133)));
        assert_eq!(
            (row.int("parameters"), row.text("license_spdx")),
            (Some(110_106_428), Some("Apache-2.0"))
        );
    }
}
