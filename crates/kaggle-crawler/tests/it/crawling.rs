//! Datasets, whole: listings that move, refusals, files, `kill -9`, tokens that stay secret.

use std::path::Path;
use std::time::Duration;

use crawl_core::Stored;
use crawl_sim::{KaggleConfig, Part, Plant};
use kaggle_crawler::datasets::Select;
use kaggle_crawler::{Method, Pick};

use crate::shop::{details, double, id, list, program, rows, tree, values};

fn none() -> Select {
    Select { usability: 0.0, files: Pick { none: true, ..Pick::default() }, ..Select::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dataset_comes_once_where_the_order_stands_still_and_none_twice_where_it_drifts() {
    let double = double(KaggleConfig { datasets: 750, drift: 3, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, "published", root.path()).await.unwrap();
    let found = values(&rows(root.path(), "stages/datasets"), "ref");
    let mut all = double.references(Part::Datasets);
    all.retain(|name| found.contains(name) || !name.starts_with("kaggle/"));
    all.sort();
    assert_eq!(found, all);

    let root = tempfile::tempdir().unwrap();
    list(&double, "hottest", root.path()).await.unwrap();
    let mut moved = values(&rows(root.path(), "stages/datasets"), "ref");
    let count = moved.len();
    moved.dedup();
    assert_eq!(moved.len(), count);
    assert!(moved.iter().all(|name| found.contains(name)));
    let listed = Stored::open(root.path(), &id("stages/datasets")).unwrap();
    let dropped = &listed.checkpoint().totals.dropped;
    assert!(dropped["seen before"] > 0, "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_leads_on_by_the_number_of_the_page() {
    let faults = vec!["list@3=status:400".parse().unwrap()];
    let double = double(KaggleConfig { datasets: 500, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, "published", root.path()).await.unwrap();
    assert!(rows(root.path(), "stages/datasets").len() >= 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_ends_at_the_wall_is_in_doubt() {
    let double = double(KaggleConfig { datasets: 10_400, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, "published", root.path()).await.unwrap();
    let manifest = Stored::open(root.path(), &id("stages/datasets")).unwrap().manifest().unwrap();
    assert_eq!(rows(root.path(), "stages/datasets").len(), 10_000);
    assert!(manifest.last().unwrap().doubt.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_one_dataset_are_missing_with_their_kind_and_a_refused_credential_ends_the_run() {
    let refusals = ["rules", "denied", "consent", "in-200"];
    let path = "/v1/datasets.DatasetApiService/GetDatasetMetadata";
    let mut faults: Vec<_> =
        (1..).zip(refusals).map(|(at, how)| format!("{path}@{at}=refuse:{how}").parse().unwrap()).collect();
    let config = KaggleConfig { datasets: 30, faults: faults.clone(), ..KaggleConfig::default() };
    let double_of_refusals = double(config.clone()).await;
    let root = tempfile::tempdir().unwrap();
    list(&double_of_refusals, "published", root.path()).await.unwrap();
    let end = details(&double_of_refusals, none(), root.path()).await.unwrap();
    assert_eq!(end.totals.missing, 4);
    assert_eq!(end.totals.listed, end.totals.records + 4);
    let missing = Stored::open(root.path(), &id("meta_data")).unwrap().missing(1).unwrap();
    assert!(missing.iter().all(|missing| missing.kind == "denied" && missing.id.is_some()), "{missing:?}");
    for (word, count) in [("rules of the competition", 1), ("licence", 1), ("private, removed", 2)] {
        let told = missing.iter().filter(|missing| missing.message.contains(word)).count();
        assert_eq!(told, count, "{word}: {missing:?}");
    }

    faults = vec![format!("{path}@3-=refuse:phone").parse().unwrap()];
    let double = double(KaggleConfig { faults, ..config }).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, "published", root.path()).await.unwrap();
    let error = details(&double, none(), root.path()).await.unwrap_err();
    assert_eq!((error.status(), error.concerns_all()), (Some(401), true), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_right_by_hash_all_pages_of_them_and_hostile_names_are_left_out_and_named() {
    let plant = Plant::dataset("ann_b/odd")
        .file("../out.csv", "x")
        .file("a/b c.csv", "1,2\n")
        .file("big.bin", "12345678");
    let many = (0..450).fold(Plant::dataset("ann/many"), |plant, at| {
        plant.file(&format!("f{at}.txt"), format!("{at}").into_bytes())
    });
    let double =
        double(KaggleConfig { datasets: 1, plants: vec![plant, many], ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path())
        .args(["ann_b/odd", "ann/many", "--max-size", "7"])
        .env("KAGGLE_API_TOKEN", "kgat-very-secret")
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "meta_data");
    assert_eq!(values(&found, "Ref"), ["ann/many", "ann_b/odd"]);
    assert_eq!(found[1]["File Explorer"].as_array().unwrap().len(), 450);
    assert_eq!(found[0]["FilesLeftOut"].as_array().unwrap().len(), 2, "{}", found[0]);
    assert!(found[0]["DatasetSize"].is_null() && found[0]["lastUpdated"].is_string());
    let read = |name: &str| std::fs::read_to_string(root.path().join("dataset").join(name)).unwrap();
    assert_eq!((read("ann=ub_odd/a/b c.csv"), read("ann_many/f449.txt")), ("1,2\n".into(), "449".into()));
    let stored = Stored::open(root.path(), &id("meta_data")).unwrap();
    assert_eq!(stored.files(1).unwrap().len(), 451);
    // The token was sent to Kaggle, to nowhere else, and stands nowhere.
    for seen in double.seen() {
        let sent = seen.headers.iter().any(|(_, value)| value.contains("very-secret"));
        assert_eq!(sent, seen.origin == "main", "{}", seen.path_and_query);
    }
    let all = tree(root.path());
    assert!(all.values().chain([&out.stdout, &out.stderr]).all(|bytes| !holds(bytes, b"very-secret")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_flips_or_a_link_that_expires_ends_in_the_right_bytes_or_in_a_missing_record() {
    let faults = vec!["cdn@1=expired".parse().unwrap(), "cdn@3=flip".parse().unwrap()];
    let plants = vec![Plant::dataset("a/one").file("x", "right"), Plant::dataset("a/two").file("y", "also")];
    let double = double(KaggleConfig { datasets: 1, plants, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).args(["a/one", "a/two"]).output().unwrap();
    let kept = rows(root.path(), "meta_data").len() as u64;
    let totals = Stored::open(root.path(), &id("meta_data")).unwrap().checkpoint().totals.clone();
    assert_eq!(kept + totals.missing, 2, "{out:?}");
    for (path, bytes) in tree(&root.path().join("dataset")) {
        let plain = !path.ends_with(".files");
        assert!(!plain || bytes == b"right" || bytes == b"also", "{}", path.display());
    }
    let again = program(&double, root.path()).args(["a/one", "a/two", "--retry-missing"]).output().unwrap();
    assert!(again.status.success(), "{again:?}");
    assert_eq!(
        tree(&root.path().join("dataset"))
            .values()
            .filter(|bytes| !bytes.is_empty())
            .filter(|bytes| **bytes == b"right" || **bytes == b"also")
            .count(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_killed_again_and_again_gives_the_same_rows_and_files() {
    let config =
        || KaggleConfig { datasets: 60, latency: Duration::from_millis(2), ..KaggleConfig::default() };
    let double = double(config()).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--limit", "40", "--rows-a-page", "4", "--sort-by", "published"];
    let quiet = program(&double, whole.path()).args(arguments).output().unwrap();
    assert!(quiet.status.success(), "{quiet:?}");
    for kill in 0..12_u64 {
        let mut child = program(&double, root.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(40 + kill * 35));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let out = program(&double, root.path()).args(arguments).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(rows(root.path(), "meta_data"), rows(whole.path(), "meta_data"));
    let files = |root: &Path| tree(&root.join("dataset"));
    assert!(files(root.path()) == files(whole.path()), "a file differs");
}

#[test]
fn a_method_that_changes_something_cannot_be_sent() {
    assert_eq!(Method::named("GetKernel").unwrap(), Method::GetKernel);
    for name in
        ["DeleteKernel", "CancelKernelSession", "CreateKernelSession", "SaveKernel", "CreateDataset", ""]
    {
        assert!(Method::named(name).is_err(), "{name}");
    }
    let reads = |method: &Method| {
        let name = format!("{method:?}");
        ["Get", "List", "Download"].iter().any(|verb| name.starts_with(verb))
    };
    assert!(Method::ALL.iter().all(reads));
}

pub(crate) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
