//! What all parts share: slices and their coverage, refs, pages, the next pages, plans, earlier roots, shares.

use std::time::Duration;

use crawl_core::{Kind, Stored};
use crawl_sim::{KaggleConfig, Part, Plant};
use serde_json::Value;

use crate::shop::{command, double, id, list, program, rows, values};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_show_what_one_query_hides_and_the_coverage_adds_up() {
    let config = KaggleConfig { datasets: 14_000, pile: 2, ..KaggleConfig::default() };
    let double = double(config).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--slices", "--list-only"]).output().unwrap();
    let found = values(&rows(root.path(), "stages/datasets"), "ref");
    let mut all = double.references(Part::Datasets);
    all.retain(|name| found.contains(name) || !name.starts_with("kaggle/"));
    all.sort();
    assert_eq!(found, all, "{out:?}");
    assert!(out.status.success(), "nothing is in doubt: {out:?}");

    let asked = ["coverage", "--json"];
    let out = bare().args(asked).arg(root.path()).output().unwrap();
    let coverage: Value = serde_json::from_slice(&out.stdout).unwrap();
    let coverage = &coverage[0];
    let queries = coverage["queries"].as_array().unwrap();
    assert!(queries.len() > 2, "{coverage}");
    let sum = |name: &str| queries.iter().map(|query| query[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("new"), found.len() as u64);
    assert_eq!(sum("rows"), found.len() as u64 + coverage["repeated"].as_u64().unwrap());
    assert_eq!(coverage["seen"], found.len());
    let short = bare().args(asked).args(["--expected", "99999"]).arg(root.path()).output().unwrap();
    assert_eq!(short.status.code(), Some(3), "{short:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pile_of_one_size_that_no_window_splits_is_told_as_capped() {
    let config = KaggleConfig { datasets: 1_500, pile: 900, dataset_cap: 10_000, ..KaggleConfig::default() };
    let double = double(KaggleConfig { datasets: 12_500, ..config }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--slices", "--list-only"]).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(text(&out.stderr).contains("there may be more"), "{out:?}");
    let out = bare().arg("coverage").arg(root.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    assert!(text(&out.stdout).contains("capped: what has"), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_refs_pages_by_number_and_the_next_pages_are_taken() {
    let double = double(KaggleConfig { datasets: 150, ..KaggleConfig::default() }).await;
    let all = double.references(Part::Datasets);
    let root = tempfile::tempdir().unwrap();
    let list = root.path().join("refs.txt");
    std::fs::write(&list, format!("\u{feff}{}\r\n# a note\n\n{}\n", all[3], all[7])).unwrap();
    let crawl = root.path().join("crawl");
    let flags = ["--no-files", "--usability", "0"];
    let out = program(&double, &crawl).args(flags).arg("--refs").arg(&list).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let mut wanted = vec![all[3].clone(), all[7].clone()];
    wanted.sort();
    assert_eq!(values(&rows(&crawl, "meta_data"), "Ref"), wanted);

    let pages = root.path().join("pages");
    let out = program(&double, &pages).args(flags).args(["--pages", "2..3"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let whole = root.path().join("whole");
    let out = program(&double, &whole).args(flags).arg("--list-only").output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let in_order = |root: &std::path::Path| {
        let rows = rows(root, "stages/datasets");
        rows.iter().map(|row| row["ref"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(in_order(&pages), in_order(&whole)[20..60]);

    for (run, pages) in [(1, 2), (2, 4)] {
        let next = ["--next", "2", "--rows-a-page", "10"];
        let out = program(&double, &whole).args(flags).args(next).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        let stored = Stored::open(&whole, &id("meta_data")).unwrap();
        assert_eq!((run, stored.checkpoint().pages, stored.checkpoint().ended()), (run, pages, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_items_bytes_and_time_and_fetches_nothing() {
    let double = double(KaggleConfig { datasets: 90, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["--plan", "--per-second", "2"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let told = text(&out.stdout);
    let listed = rows(root.path(), "stages/datasets");
    let bytes: u64 = listed.iter().filter_map(|row| row["totalBytes"].as_u64()).sum();
    assert!(told.contains(&format!("items     {}", listed.len())), "{told}");
    assert!(bytes > 0 && told.contains("bytes     ") && told.contains("an estimate"), "{told}");
    assert!(!double.seen().iter().any(|seen| seen.path_and_query.contains("GetDatasetMetadata")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_root_has_is_left_out_and_counted() {
    let double = double(KaggleConfig { datasets: 40, ..KaggleConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let flags = ["--no-files", "--usability", "0"];
    assert!(program(&double, &first).args(flags).output().unwrap().status.success());
    let kept = rows(&first, "meta_data").len() as u64;
    // One of them is newer in the earlier root's words.
    let page = first.join("meta_data/page_00001.jsonl");
    let out = program(&double, &second).args(flags).arg("--since").arg(&first).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let totals = Stored::open(&second, &id("meta_data")).unwrap().checkpoint().totals.clone();
    assert_eq!((totals.dropped.get("unchanged"), totals.records), (Some(&kept), 0));
    assert!(page.is_file());
    let none = folder.path().join("none");
    let out = program(&double, &folder.path().join("third")).args(flags).arg("--since").arg(none).output();
    assert_eq!(out.unwrap().status.code(), Some(78));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_or_renamed_after_it_was_listed_is_missing_with_its_reason() {
    let double = double(KaggleConfig { datasets: 30, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let flags = ["--no-files", "--usability", "0"];
    let listed = program(&double, root.path()).args(flags).arg("--list-only").output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let all = values(&rows(root.path(), "stages/datasets"), "ref");
    let gone = [all[2].as_str(), all[5].as_str()];
    assert!(double.remove(Part::Datasets, gone[0]));
    assert!(double.rename(Part::Datasets, gone[1], "ann/moved"));
    let out = program(&double, root.path()).args(flags).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let stored = Stored::open(root.path(), &id("meta_data")).unwrap();
    let missing: Vec<_> =
        (1..=stored.checkpoint().pages).flat_map(|page| stored.missing(page).unwrap()).collect();
    let mut names: Vec<_> = missing.iter().map(|missing| missing.id.as_deref().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, gone);
    assert!(missing.iter().all(|missing| missing.kind == "denied" && missing.message.contains("removed")));
    assert_eq!(rows(root.path(), "meta_data").len(), all.len() - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_joined_are_the_whole() {
    let double = double(KaggleConfig { datasets: 60, ..KaggleConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let flags = ["--usability", "0", "--rows-a-page", "7", "--limit", "50"];
    assert!(program(&double, &whole).args(flags).output().unwrap().status.success());
    assert!(program(&double, &parts).args(flags).arg("--list-only").output().unwrap().status.success());
    for share in ["2/3", "0/3", "1/3"] {
        let out = program(&double, &parts).args(flags).args(["--share", share]).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        let gathered = bare().arg("gather").arg(&parts).output().unwrap();
        assert_eq!(gathered.status.code(), Some(if share == "1/3" { 0 } else { 3 }), "{gathered:?}");
    }
    assert_eq!(rows(&parts, "meta_data"), rows(&whole, "meta_data"));
    let lines = |root| Stored::open(root, &id("meta_data")).unwrap().files(1).unwrap();
    assert_eq!(lines(&parts), lines(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_gives_the_same_page_for_ever_is_an_error_and_not_an_endless_crawl() {
    let faults = vec!["list@2-=repeat-cursor".parse().unwrap()];
    let double = double(KaggleConfig { datasets: 500, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let listed = list(&double, "published", root.path());
    let error = tokio::time::timeout(Duration::from_secs(20), listed).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Shape, "{error}");
    assert!(error.to_string().contains("same cursor twice"), "{error}");
    assert!(double.count() < 10, "{} requests", double.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_files_that_overlap_give_each_file_once() {
    let many = (0..450).fold(Plant::dataset("ann/many"), |plant, at| {
        plant.file(&format!("f{at}.txt"), format!("{at}").into_bytes())
    });
    let path = "/v1/datasets.DatasetApiService/ListDatasetFiles";
    let faults = vec![format!("{path}@1=repeat-cursor").parse().unwrap()];
    let double =
        double(KaggleConfig { datasets: 1, plants: vec![many], faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["ann/many", "--max-size", "1"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let row = &rows(root.path(), "meta_data")[0];
    assert_eq!(row["File Explorer"].as_array().unwrap().len(), 450);
    let lines = Stored::open(root.path(), &id("meta_data")).unwrap().files(1).unwrap();
    assert_eq!(lines.len(), 10, "those of one byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_models_and_topics_there_are_is_told_by_their_lists() {
    let config = KaggleConfig { models: 230, topics: 250, datasets: 0, ..KaggleConfig::default() };
    let double = crawl_sim::Kaggle::start(config).await.unwrap();
    let coverage = |root: &std::path::Path, flags: &[&str]| {
        let out = bare().args(["coverage", "--json"]).args(flags).arg(root).output().unwrap();
        let all: Value = serde_json::from_slice(&out.stdout).unwrap();
        (all[0]["expected"].as_u64(), all[0]["seen"].as_u64(), out.status.code())
    };
    for (part, count) in [("models", 230), ("discussions", 250)] {
        let root = tempfile::tempdir().unwrap();
        let mut command = command(&double, part, root.path());
        let out = command.env("KAGGLE_API_TOKEN", "kgat").arg("--list-only").output().unwrap();
        assert!(out.status.success(), "{out:?}");
        assert_eq!(coverage(root.path(), &[]), (Some(count), Some(count), Some(0)), "{part}");
        let more = ["--expected", "300"];
        assert_eq!(coverage(root.path(), &more), (Some(300), Some(count), Some(3)), "{part}");
    }
    // The list ends before its end.
    let faults = vec!["/v1/models.ModelApiService/ListModels@2=no-next".parse().unwrap()];
    let config = KaggleConfig { models: 230, faults, ..KaggleConfig::default() };
    let double = crawl_sim::Kaggle::start(config).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut command = command(&double, "models", root.path());
    let out = command.env("KAGGLE_API_TOKEN", "kgat").arg("--list-only").output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert_eq!(coverage(root.path(), &[]), (Some(230), Some(200), Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_would_leave_the_root_is_refused_with_what_to_do_and_nothing_is_made() {
    let double = double(KaggleConfig { datasets: 1, ..KaggleConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for part in ["datasets", "kernels", "models", "discussions", "competitions"] {
        for flags in [["--upload", "s3://bucket/x"], ["--cloud", "cloud.toml"]] {
            let mut command = command(&double, part, &root);
            let out = command.args(["--share", "1/3"]).args(flags).output().unwrap();
            let words = text(&out.stderr);
            assert_eq!(out.status.code(), Some(78), "{part} {flags:?}: {words}");
            assert!(words.contains("gather") && words.contains("s3-uploader move"), "{words}");
        }
    }
    assert!(!root.exists() && double.count() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_that_fit_are_fetched() {
    let plant = Plant::dataset("ann/some").file("a.csv", "1").file("b.txt", "2").file("deep/c.csv", "3");
    let double = double(KaggleConfig { datasets: 1, plants: vec![plant], ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["ann/some", "--files", "*.csv"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let stored = Stored::open(root.path(), &id("meta_data")).unwrap();
    let names: Vec<_> = stored.files(1).unwrap().into_iter().map(|line| line.path).collect();
    assert_eq!(names, ["dataset/ann_some/a.csv", "dataset/ann_some/deep/c.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_beside_refs_and_odd_refs_are_refused_with_what_to_do() {
    let double = double(KaggleConfig { datasets: 1, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    for (flags, word) in [
        (&["a/b", "--tag", "x"][..], "either refs or filters"),
        (&["no-slash"], "owner/slug"),
        (&["--pages", "0"], "the first is 1"),
        (&["--pages", "5..2"], "7..12"),
    ] {
        let out = program(&double, root.path()).args(flags).output().unwrap();
        assert!(!out.status.success() && text(&out.stderr).contains(word), "{flags:?}: {out:?}");
    }
}

pub(crate) fn bare() -> std::process::Command {
    std::process::Command::new(env!("CARGO_BIN_EXE_kaggle-crawler"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_says_how_it_is_used() {
    let double = double(KaggleConfig { datasets: 1, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = command(&double, "datasets", root.path()).arg("--help").output().unwrap();
    assert!(text(&out.stdout).contains("Examples:"), "{out:?}");
}
