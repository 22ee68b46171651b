//! What is told of crawls and of the index.

use std::path::Path;

use crawl_core::{Pump, Stop, Store, pump};

use super::serve_with;
use crate::roots::Models;
use crate::{documents, index};

fn crawl(root: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let crawl = async {
        pump(&Models::new(6, 99), &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    };
    runtime.block_on(crawl);
}

#[test]
fn of_a_manifest_only_its_ends_are_read() {
    let root = tempfile::tempdir().unwrap();
    crawl(root.path());
    let path = root.path().join("hf/models/manifest.jsonl");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Whoever read what is between would stumble.
    let (first, last) = (manifest.find('\n').unwrap() + 1, manifest.trim_end().rfind('\n').unwrap());
    let between = "#".repeat(last - first);
    std::fs::write(&path, format!("{}{between}{}", &manifest[..first], &manifest[last..])).unwrap();
    let (folder, _index) = index(&documents(15, 10));
    let server = serve_with(folder.path(), None, None, vec![root.path().to_owned()]);
    let state = server.get("/api/state").json();
    let crawl = &state["crawls"][0];
    assert_eq!((&crawl["pages"], &crawl["began"]), (&6.into(), &lines[0]["fetched_at"]), "{state}");
    assert_eq!(crawl["last"], lines[5]["fetched_at"]);
}
