//! Models, whole: every one once, variations complete, files right by hash, refusals, versions, `kill -9`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crawl_core::{Record, Stored};
use crawl_sim::{Kaggle as Double, KaggleConfig, Part};
use serde_json::Value;

use crate::shop::{files, id, rows, tree, values};

pub(crate) async fn double(config: KaggleConfig) -> Double {
    let none = KaggleConfig { datasets: 0, kernels: 0, competitions: 0, topics: 0, users: 50, ..config };
    Double::start(none).await.unwrap()
}

pub(crate) fn program(double: &Double, root: &Path) -> Command {
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
    let double = double(KaggleConfig { models: 120, drift: 2, ..KaggleConfig::default() }).await;
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
    let mut metadata = 0;
    for (name, path) in files(root.path(), "info") {
        assert!(name.ends_with("/metadata.json"), "{name}");
        let told: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert!(told["overview"].is_string() && told["licenseName"].is_string());
        assert!(told["canUse"].is_boolean(), "what only the list of variations tells is there too");
        metadata += 1;
    }
    assert_eq!(metadata, found.iter().map(|row| names(row).len()).sum::<usize>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_archives_are_those_that_come_one_by_one_and_gated_models_are_missing() {
    let double = double(KaggleConfig { models: 40, ..KaggleConfig::default() }).await;
    let (root, alone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let out = program(&double, root.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let downloads = |double: &Double| double.seen().iter().filter(|seen| seen.kind == "resolve").count();
    let archives = downloads(&double);
    let out = program(&double, alone.path()).args(["--files", "*"]).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(downloads(&double) - archives > 3 * archives, "{archives} archives");
    assert_eq!(rows(root.path(), "info"), rows(alone.path(), "info"));
    let (one, other) = (tree(&root.path().join("model")), tree(&alone.path().join("model")));
    let differing = one.iter().find(|(path, bytes)| other.get(*path) != Some(*bytes)).map(|(path, _)| path);
    assert_eq!((differing, one.len()), (None, other.len()));
    assert!(one.keys().all(|path| !path.to_string_lossy().contains(".part")));
    let first = kaggle_crawler::folder(&double.reference(Part::Models, 0)).unwrap();
    assert_eq!(one.keys().filter(|path| path.starts_with(format!("{first}/pyTorch/many"))).count(), 31);
    // A version has a `metadata.json` of its own: it lies beside ours, and both are told by their plain name.
    let named = |suffix: &str| {
        let of = format!("{first}/pyTorch/many/metadata.json{suffix}");
        one.iter().filter(|(path, _)| path.to_string_lossy().starts_with(&of)).collect::<Vec<_>>()
    };
    assert_eq!((named("").len(), named("@").len()), (2, 1));
    assert!(
        serde_json::from_slice::<Value>(&one[Path::new(&format!("{first}/pyTorch/many/metadata.json"))])
            .is_ok()
    );

    let missing = Stored::open(root.path(), &id("info")).unwrap();
    let missing: Vec<_> =
        (1..=missing.checkpoint().pages).flat_map(|page| missing.missing(page).unwrap()).collect();
    let gated = double.references(Part::Models).len() - rows(root.path(), "info").len();
    assert!(gated > 0 && missing.len() == gated, "{missing:?}");
    assert!(missing.iter().all(|missing| missing.kind == "denied" && missing.message.contains("licence")));
    // Without files nothing is refused.
    let cards = tempfile::tempdir().unwrap();
    let out = program(&double, cards.path()).arg("--no-files").output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_come_beside_the_latest_and_an_earlier_root_spares_what_has_not_changed() {
    let double = double(KaggleConfig { models: 1, ..KaggleConfig::default() }).await;
    let name = double.reference(Part::Models, 0);
    let (root, later) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let out = program(&double, root.path()).args([&name, "--versions", "all"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let row = &rows(root.path(), "info")[0];
    assert_eq!(row["variations"][1]["versions"], serde_json::json!([3, 2, 1]));
    let model = root.path().join("model").join(kaggle_crawler::folder(&name).unwrap());
    for (path, version) in
        [("flax/2b", 3), ("flax/2b/versions/2", 2), ("flax/2b/versions/1", 1), ("pyTorch/many", 1)]
    {
        let config: Value =
            serde_json::from_slice(&std::fs::read(model.join(path).join("config.json")).unwrap()).unwrap();
        assert_eq!(config["version"], version, "{path}");
    }
    assert!(!model.join("flax/2b/versions/3").exists() && !model.join("pyTorch/many/versions").exists());

    let out = program(&double, later.path()).arg(&name).arg("--since").arg(root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let listed = Stored::open(later.path(), &id("info")).unwrap();
    assert_eq!((listed.checkpoint().totals.records, listed.checkpoint().totals.dropped["unchanged"]), (0, 1));
}

#[test]
fn a_model_has_another_version_if_one_of_its_variations_has_whatever_their_order() {
    let version =
        |text: &str| kaggle_crawler::models::version(&Record::parse(text.as_bytes().to_vec()).unwrap());
    let row = |update: &str, first: u64, second: u64| {
        version(&format!(
            r#"{{"ref":"a/b","updateTime":{update},"variations":[{{"framework":"jax","instanceSlug":"x","versionNumber":{first}}},{{"framework":"jax","instanceSlug":"y","versionNumber":{second}}}]}}"#
        ))
    };
    assert_eq!(row("\"1\"", 1, 2), row("\"1\"", 1, 2));
    assert_ne!(row("\"1\"", 1, 2), row("\"1\"", 2, 2));
    assert_ne!(row("\"1\"", 1, 2), row("\"2\"", 1, 2));
    assert_eq!(row("null", 1, 2), None, "what is not known is fetched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_models_killed_again_and_again_gives_the_same_rows_and_files() {
    let config = || KaggleConfig { models: 40, latency: Duration::from_millis(2), ..KaggleConfig::default() };
    let double = double(config()).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--rows-a-page", "4", "--versions", "all"];
    let quiet = program(&double, whole.path()).args(arguments).output().unwrap();
    assert_eq!(quiet.status.code(), Some(3), "{quiet:?}");
    for kill in 0..12_u64 {
        let mut child = program(&double, root.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + kill * 53 % 400));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let out = program(&double, root.path()).args(arguments).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert_eq!(rows(root.path(), "info"), rows(whole.path(), "info"));
    let files = |root: &Path| tree(&root.join("model"));
    assert!(files(root.path()) == files(whole.path()), "a file differs");
}
