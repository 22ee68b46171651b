//! Recorded answers of the real Hub: every body is read, no row is lost.
//!
//! They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`. Without it there is
//! nothing to read, and these tests say so.

use std::path::{Path, PathBuf};

use crawl_core::Record;
use crawl_core::record::{Census, HfDataset, HfModel};
use crawl_sim::{Hub as Double, HubConfig};
use hf_crawler::{Listing, Repos, Repositories};
use serde_json::Value;

use crate::desk::{crawl, hub, list, records, small};

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

/// The same value, word for word but for line breaks between tokens.
fn same(record: &Record, value: &Value) -> bool {
    !record.bytes().contains(&b'\n')
        && serde_json::from_slice::<Value>(record.bytes()).is_ok_and(|read| read == *value)
}

#[test]
fn every_recorded_body_is_read_and_no_row_is_lost() {
    let Some(folder) = samples() else { return };
    let (mut files, mut rows, mut census) = (0, 0, Census::default());
    for path in bodies(&folder) {
        let body = std::fs::read(&path).unwrap();
        let value: Value = serde_json::from_slice(&body).unwrap();
        let found = match &value {
            Value::Array(_) => Record::split(&body.into()).unwrap(),
            _ => vec![Record::parse(body).unwrap()],
        };
        let expected = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        assert_eq!(found.len(), expected.len(), "{}", path.display());
        for (record, value) in found.iter().zip(&expected) {
            assert!(same(record, value), "{}", path.display());
            let view = HfDataset::of(record);
            assert_eq!(view.id.get().map(AsRef::as_ref), value["id"].as_str(), "{}", path.display());
            assert_eq!(view.downloads.get().copied(), value["downloads"].as_u64(), "{}", path.display());
            assert_eq!(
                view.tag_list().count(),
                value["tags"].as_array().map_or(0, Vec::len),
                "{}",
                path.display()
            );
            view.census(&mut census);
        }
        files += 1;
        rows += found.len();
    }
    eprintln!("{files} bodies, {rows} rows; {census:?}");
    assert!(files > 100 && rows > 150, "{files} bodies, {rows} rows: is this the folder of samples?");
}

#[tokio::test]
async fn the_crawler_lists_the_recorded_pages_whole() {
    let Some(folder) = samples() else { return };
    let double =
        Double::start(HubConfig { replay: Some(folder.clone()), ..HubConfig::default() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    let expected: usize = bodies(&folder.join("datasets/list"))
        .iter()
        .map(|path| serde_json::from_slice::<Vec<Value>>(&std::fs::read(path).unwrap()).unwrap().len())
        .sum();
    assert_eq!((records(root.path()).len(), end.totals.missing), (expected, 0));
    let pages = bodies(&folder.join("datasets/list")).len() as u64;
    assert_eq!(end.pages, pages);
}

#[test]
fn every_recorded_model_is_read_as_one_and_none_is_lost() {
    let Some(folder) = samples() else { return };
    let (mut files, mut rows, mut census) = (0, 0, Census::default());
    for path in bodies(&folder.join("models")) {
        let body = std::fs::read(&path).unwrap();
        let value: Value = serde_json::from_slice(&body).unwrap();
        let found = match &value {
            Value::Array(_) => Record::split(&body.into()).unwrap(),
            _ => vec![Record::parse(body).unwrap()],
        };
        let expected = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        assert_eq!(found.len(), expected.len(), "{}", path.display());
        for (record, value) in found.iter().zip(&expected) {
            assert!(same(record, value), "{}", path.display());
            let view = HfModel::of(record);
            let text = |name: &str| value[name].as_str().map(str::to_owned);
            let own = |field: &crawl_core::record::Field<crawl_core::json::Raw<'_>>| {
                field.get().and_then(|raw| raw.str()).map(std::borrow::Cow::into_owned)
            };
            assert_eq!(view.id.get().map(AsRef::as_ref), value["id"].as_str(), "{}", path.display());
            assert_eq!(view.object_id.get().map(AsRef::as_ref), value["_id"].as_str());
            for (name, field) in [
                ("author", &view.author),
                ("sha", &view.sha),
                ("createdAt", &view.created_at),
                ("lastModified", &view.last_modified),
                ("pipeline_tag", &view.pipeline_tag),
                ("library_name", &view.library_name),
            ] {
                assert_eq!(own(field), text(name), "{name} of {}", path.display());
            }
            for (name, count) in
                [("downloads", &view.downloads), ("likes", &view.likes), ("usedStorage", &view.used_storage)]
            {
                assert_eq!(count.get().copied(), value[name].as_u64(), "{name} of {}", path.display());
            }
            let length = |name: &str| value[name].as_array().map_or(0, Vec::len);
            assert_eq!(view.tag_list().count(), length("tags"), "{}", path.display());
            assert_eq!(view.file_names().count(), length("siblings"), "{}", path.display());
            let total = view.safetensors.get().and_then(|facts| facts.total.get().copied());
            assert_eq!(total, value["safetensors"]["total"].as_u64(), "{}", path.display());
            let types = view.safetensors.get().map_or(0, |facts| facts.by_type().count());
            let expected = value["safetensors"]["parameters"].as_object().map_or(0, serde_json::Map::len);
            assert_eq!(types, expected, "{}", path.display());
            view.census(&mut census);
        }
        files += 1;
        rows += found.len();
    }
    eprintln!("{files} bodies, {rows} models; {census:?}");
    assert!(files > 50 && rows > 60, "{files} bodies, {rows} models: is this the folder of samples?");
}

#[tokio::test]
async fn the_crawler_lists_the_recorded_pages_of_models_whole() {
    let Some(folder) = samples() else { return };
    let double =
        Double::start(HubConfig { replay: Some(folder.clone()), ..HubConfig::default() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let listing = Listing { repos: Repos::Models, ..small() };
    let end = crawl(&Repositories::new(hub(&double), listing).unwrap(), root.path()).await.unwrap();
    let expected: Vec<Value> = bodies(&folder.join("models/list"))
        .iter()
        .flat_map(|path| serde_json::from_slice::<Vec<Value>>(&std::fs::read(path).unwrap()).unwrap())
        .collect();
    let rows = crate::models::rows(root.path());
    assert_eq!(end.totals.listed as usize, expected.len());
    let twice = end.totals.dropped.values().sum::<u64>() as usize;
    assert_eq!((rows.len() + twice, end.totals.missing), (expected.len(), 0));
    assert!(rows.iter().all(|row| expected.iter().any(|value| same(row, value))));
}
