//! Models, whole: every one once, variations complete, files right by hash, refusals, versions, `kill -9`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crawl_core::Stored;
use crawl_sim::{Kaggle as Double, KaggleConfig, Part};
use serde_json::Value;

use crate::shop::{id, rows, tree, values};

async fn double(config: KaggleConfig) -> Double {
    let none = KaggleConfig { datasets: 0, kernels: 0, competitions: 0, topics: 0, users: 50, ..config };
    Double::start(none).await.unwrap()
}

fn program(double: &Double, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaggle-crawler"));
    command.args(["models", "--quiet", "--endpoint", &double.url(), "--root"]).arg(root);
    command.env("HOME", root).env("KAGGLE_API_TOKEN", "kgat-double");
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn names(row: &Value) -> Vec<String> {
    let part = |variation: &Value, field: &str| variation[field].as_str().unwrap().to_owned();
    let variations = row["variations"].as_array().unwrap().iter();
    variations.map(|one| format!("{}/{}", part(one, "framework"), part(one, "instanceSlug"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_model_comes_once_with_all_of_its_variations_in_the_handles_spelling() {
    let double = double(KaggleConfig { models: 250, drift: 2, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--no-files", "--rows-a-page", "50"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "info");
    let mut all = double.references(Part::Models);
    all.sort();
    assert_eq!(values(&found, "ref"), all);
    let first = found.iter().find(|row| row["ref"] == double.reference(Part::Models, 0)).unwrap();
    let keys: Vec<_> = first.as_object().unwrap().keys().collect();
    assert!(keys.len() >= 7, "{keys:?}");
    assert_eq!(names(first), ["flax/2b", "pyTorch/2b", "pyTorch/many"]);
    assert!(first["modelCard"].as_str().unwrap().starts_with("# ") && first["updateTime"].is_string());
    let one = &first["variations"][1];
    assert_eq!((one["versionNumber"].as_u64(), one["licenseName"].as_str()), (Some(3), Some("Apache 2.0")));
    assert!(one["usage"].as_str().unwrap().contains("/pyTorch/2b"));
    let many = found.iter().find(|row| row["ref"] == double.reference(Part::Models, 39)).unwrap();
    assert_eq!(names(many).len(), 45);
    let page = std::fs::read_to_string(root.path().join("info/page_00001.jsonl")).unwrap();
    assert!(page.starts_with(r#"{"ownerSlug":"#), "{page:.80}");
    for (row, name) in found.iter().flat_map(|row| names(row).into_iter().map(move |name| (row, name))) {
        let model = kaggle_crawler::folder(row["ref"].as_str().unwrap()).unwrap();
        let path = root.path().join(format!("model/{model}/{name}/metadata.json"));
        let metadata: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert!(metadata["overview"].is_string() && metadata["licenseName"].is_string());
        assert!(metadata["canUse"].is_boolean(), "what only the list of variations tells is there too");
    }
}
