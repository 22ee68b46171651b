//! Archives on their way: broken and hostile in all ways; right bytes or a clear `missing` record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use crawl_core::{Missing, Stored};
use crawl_sim::{Content, Kaggle as Double, KaggleConfig, Plant};
use serde_json::Value;

use crate::shop::{double, files, id, program, rows, tree};

const BIG: usize = 300_000;

/// Three files, one of which does not pack.
fn plant() -> Plant {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..BIG).map(|_| noise()).collect();
    Plant::dataset("ann/one").file("a.csv", "1,2\n").file("b/c d.csv", "3,4\n").file("big.bin", noise)
}

pub(crate) async fn with(faults: &[&str]) -> Double {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    double(KaggleConfig { datasets: 1, plants: vec![plant()], faults, ..KaggleConfig::default() }).await
}

pub(crate) fn run(double: &Double, root: &Path, more: &[&str]) -> Output {
    program(double, root).args(["ann/one", "--tries", "2"]).args(more).output().unwrap()
}

pub(crate) fn missing(root: &Path, name: &str) -> Vec<Missing> {
    let stored = Stored::open(root, &id(name)).unwrap();
    (1..=stored.checkpoint().pages).flat_map(|page| stored.missing(page).unwrap()).collect()
}

/// The files of the dataset; panics if anything else lies below the root's folder of datasets.
pub(crate) fn dataset(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = tree(&root.join("dataset"));
    found.remove(Path::new(".files"));
    found
}

fn sizes(root: &Path) -> Vec<(String, usize)> {
    let sizes = |(path, bytes): (PathBuf, Vec<u8>)| (path.to_str().unwrap().to_owned(), bytes.len());
    dataset(root).into_iter().map(sizes).collect()
}

pub(crate) fn downloads(double: &Double) -> usize {
    double.seen().iter().filter(|seen| seen.kind == "resolve").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_comes_broken_in_any_way_ends_in_the_right_bytes_or_in_a_clear_missing_record() {
    let double = with(&[]).await;
    let right = tempfile::tempdir().unwrap();
    assert!(run(&double, right.path(), &[]).status.success());
    assert_eq!(downloads(&double), 1, "one archive");
    let right = dataset(right.path());
    assert_eq!(right.len(), 3);
    // The fault, and the kind of the missing record where there must be one.
    let ways: &[(&[&str], Option<&str>)] = &[
        (&["cdn@1=flip"], Some("shape")),
        (&["cdn@1=cut"], None),
        (&["cdn@1=cut", "cdn@2=flip"], None),
        (&["cdn@1=shorter"], Some("shape")),
        (&["cdn@1=longer"], None),
        (&["cdn@1=cut", "cdn@2=whole"], None),
        (&["cdn@1=cut", "cdn@2=expired"], None),
        (&["cdn@1=cut", "cdn@2=changed"], None),
        (&["cdn@1=expired"], None),
        (&["cdn@1-4=expired"], Some("denied")),
        (&["cdn@1-4=refuse:denied"], Some("denied")),
        (&["cdn@1=html"], Some("shape")),
        (&["cdn@1=status:500"], None),
        (&["cdn@1=reset"], None),
        (&["resolve@1=status:404"], None),
        (&["resolve@1=refuse:rules"], Some("denied")),
        (&["resolve@1=refuse:in-200"], Some("denied")),
    ];
    for (faults, kind) in ways {
        let double = with(faults).await;
        let root = tempfile::tempdir().unwrap();
        let out = run(&double, root.path(), &[]);
        let missing = missing(root.path(), "meta_data");
        let told = String::from_utf8_lossy(&out.stderr).into_owned();
        let found = missing.first().map(|missing| missing.kind.as_str());
        match (found, kind) {
            (None, None) => assert_eq!(out.status.code(), Some(0), "{faults:?}: {told}"),
            (Some(found), Some(kind)) if found == *kind => {
                assert_eq!(out.status.code(), Some(3), "{faults:?}: {told}");
                assert_eq!(sizes(root.path()), [], "{faults:?}: nothing of it counts");
                let out = run(&double, root.path(), &["--retry-missing"]);
                assert!(out.status.success(), "{faults:?}: {}", String::from_utf8_lossy(&out.stderr));
            }
            other => panic!("{faults:?}: {other:?}: {missing:?}: {told}"),
        }
        let mut here = dataset(root.path());
        // Another version was sent from the middle on: its own file is the archive's, and all are whole.
        here.remove(Path::new("ann_one/changed.txt"));
        assert!(here == right, "{faults:?}: {:?}", here.keys());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_members_are_left_out_and_named_and_what_the_archive_lacks_comes_alone() {
    let double = with(&["cdn@1=zip-slip"]).await;
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("root");
    let out = run(&double, &root, &[]);
    assert!(out.status.success(), "{out:?}");
    let row = &rows(&root, "meta_data")[0];
    let left_out: Vec<_> = row["FilesLeftOut"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["FileName"].as_str().unwrap())
        .collect();
    for name in ["../slipped.csv", "a/../../slipped.csv", "/tmp/slipped.csv", "way-out", "twice.csv"] {
        assert!(left_out.contains(&name), "{name}: {left_out:?}");
    }
    let names: Vec<_> = files(&root, "meta_data").into_keys().collect();
    for name in ["a.csv", "b/c d.csv", "big.bin", "good.csv", "10:20:30.csv"] {
        assert!(names.contains(&format!("dataset/ann_one/{name}")), "{name}: {names:?}");
    }
    assert_eq!(downloads(&double), 4, "the archive, and three files that it lacks");
    let outside: Vec<_> =
        std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["root"]);
    assert!(!Path::new("/tmp/slipped.csv").exists());
    let bomb = with(&["cdn@1=zip-bomb"]).await;
    let root = tempfile::tempdir().unwrap();
    let out = run(&bomb, root.path(), &[]);
    assert_eq!(out.status.code(), Some(0), "a gigabyte of zeros is no bomb by default: {out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_service_zips_on_its_own_account_has_its_own_bytes() {
    let lines = Content::Lines(50_000);
    let plants = vec![Plant::dataset("ann/one").file("sub/x y.csv", lines)];
    let config = KaggleConfig { datasets: 1, plants, ..KaggleConfig::default() };
    let (plain, zipping) =
        (double(config.clone()).await, double(KaggleConfig { ignores_raw: true, ..config }).await);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(run(&plain, one.path(), &[]).status.success());
    let out = run(&zipping, other.path(), &[]);
    assert!(out.status.success(), "{out:?}");
    assert!(zipping.seen().iter().any(|seen| seen.path_and_query.contains(".csv.zip?")));
    assert_eq!(sizes(one.path()), [("ann_one/sub/x y.csv".to_owned(), 50_000)]);
    assert!(dataset(one.path()) == dataset(other.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_name_with_empty_parts_is_the_file_that_came_out_of_the_archive() {
    let plant =
        Plant::dataset("ann/one").file("a//b.csv", "1\n").file("./c.csv", "22\n").file("d.csv", "333\n");
    let double = double(KaggleConfig { datasets: 1, plants: vec![plant], ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = run(&double, root.path(), &[]);
    assert!(out.status.success(), "{out:?}");
    let expected = [("a/b.csv", 2), ("c.csv", 3), ("d.csv", 4)];
    assert_eq!(sizes(root.path()), expected.map(|(name, size)| (format!("ann_one/{name}"), size)));
    assert!(rows(root.path(), "meta_data")[0].get("FilesLeftOut").is_none());
    assert_eq!(downloads(&double), 1, "nothing is asked for alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_devices_in_the_archive_of_a_model_are_left_out_and_named() {
    let faults = vec!["cdn@1=tar-links".parse().unwrap()];
    let config = KaggleConfig {
        models: 1,
        datasets: 0,
        kernels: 0,
        competitions: 0,
        topics: 0,
        faults,
        ..KaggleConfig::default()
    };
    let double = Double::start(config).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let out = crate::models::program(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let row = &rows(root.path(), "info")[0];
    let left_out: Vec<&Value> = row["FilesLeftOut"].as_array().unwrap().iter().collect();
    let names: Vec<_> = left_out.iter().map(|file| file["FileName"].as_str().unwrap()).collect();
    for name in ["../slipped.bin", "way-out", "hard", "device", "pipe"] {
        assert!(names.contains(&&*format!("flax/2b/{name}")), "{name}: {names:?}");
    }
    assert!(left_out.iter().all(|file| file["Reason"].as_str().is_some_and(|reason| !reason.is_empty())));
    let links = tree(&root.path().join("model"))
        .into_keys()
        .filter(|path| root.path().join("model").join(path).is_symlink());
    assert_eq!(links.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_of_a_model_that_comes_broken_ends_in_the_right_files_or_in_a_clear_missing_record() {
    let ways: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&["cdn@1=flip"], Some("shape")),
        (&["cdn@1=shorter"], Some("shape")),
        (&["cdn@1=cut", "cdn@2=expired"], None),
        (&["cdn@1=cut", "cdn@2=whole"], None),
        (&["resolve@1=refuse:consent"], Some("denied")),
        (&["resolve@1=status:404"], None),
    ];
    let mut right = BTreeMap::new();
    for (faults, kind) in ways {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let double =
            crate::models::double(KaggleConfig { models: 1, faults, ..KaggleConfig::default() }).await;
        let root = tempfile::tempdir().unwrap();
        let run = |more: &[&str]| {
            crate::models::program(&double, root.path()).args(["--tries", "2"]).args(more).output().unwrap()
        };
        let out = run(&[]);
        let kinds: Vec<_> = missing(root.path(), "info").into_iter().map(|missing| missing.kind).collect();
        assert_eq!(
            kinds,
            kind.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "{:?}: {out:?}",
            double.seen().len()
        );
        if kind.is_some() {
            let out = run(&["--retry-missing"]);
            assert!(out.status.success(), "{out:?}");
        }
        let found = tree(&root.path().join("model"));
        if right.is_empty() {
            right = found;
        } else {
            assert!(found == right, "{kind:?}: {:?}", found.keys().filter(|path| !right.contains_key(*path)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_clashing_names_come_out_of_an_archive_as_they_come_alone() {
    let double = double(KaggleConfig { datasets: 25, hostile: 1000, ..KaggleConfig::default() }).await;
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = |root: &Path, more: &[&str]| {
        let arguments = ["--usability", "0", "--rows-a-page", "5", "--sort-by", "published", "--limit", "25"];
        let out = program(&double, root).args(arguments).args(more).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    };
    run(one.path(), &[]);
    let archives = downloads(&double);
    run(other.path(), &["--files", "*"]);
    let alone = downloads(&double) - archives;
    assert!(alone > 4 * archives, "{archives} archives, {alone} files alone");
    let found = rows(one.path(), "meta_data");
    let left_out = found.iter().filter(|row| row["FilesLeftOut"].is_array()).count();
    assert!(left_out > 5, "{left_out}");
    assert_eq!(found, rows(other.path(), "meta_data"));
    let (one, other) = (dataset(one.path()), dataset(other.path()));
    let differing = one.iter().find(|(path, bytes)| other.get(*path) != Some(*bytes)).map(|(path, _)| path);
    assert_eq!((differing, one.len()), (None, other.len()));
}
