//! What is told of crawls and of the index, and what is not told to those who ask.

use std::path::Path;
use std::time::{Duration, Instant};

use crawl_core::{Pump, Stop, Store, pump};

use super::{Running, serve_with};
use crate::roots::Models;
use crate::{documents, hashed, index};

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

#[test]
fn nobody_is_told_where_things_lie_on_the_machine() {
    let (folder, _index) = index(&documents(16, 30));
    let root = tempfile::tempdir().unwrap();
    crawl(root.path());
    std::fs::write(root.path().join("hf/models/checkpoint.json"), "{").unwrap();
    let roots = vec![root.path().to_owned(), root.path().join("nothing")];
    let server = serve_with(folder.path(), hashed(), None, roots);
    let fresh = serve_with(folder.path(), hashed(), None, Vec::new());
    let tells = |server: &Running, path: &str, wanted: &str| {
        let got = server.get(path);
        assert!(got.body.contains(wanted), "{path}: {}", got.body);
        for place in [folder.path(), root.path()] {
            assert!(!got.body.contains(place.to_str().unwrap()), "{path}: {}", got.body);
        }
    };
    for path in ["/state", "/api/state"] {
        tells(&server, path, "no such folder");
        tells(&server, path, "checkpoint is not readable");
    }
    // Vectors that are cut off behind the back of one that has not read them yet.
    let vectors = folder.path().join("vectors-0001/bytes.bin");
    std::fs::File::options().write(true).open(vectors).unwrap().set_len(10).unwrap();
    for path in ["/?q=llama", "/api/search?q=llama"] {
        tells(&fresh, path, "its log says");
        assert_eq!(fresh.get(path).status, 500);
    }
    // A newer commit that cannot be read.
    std::fs::write(folder.path().join("text/meta.json"), "{").unwrap();
    let began = Instant::now();
    while server.get("/api/state").json()["failed"].is_null() {
        assert!(began.elapsed() < Duration::from_secs(20), "it was never looked at");
        std::thread::sleep(Duration::from_millis(100));
    }
    tells(&server, "/state", "could not be opened");
    tells(&server, "/api/state", "failed");
}
