//! Models in parts: `--next`, `--share` and `--upload` give what one run gives, files included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crawl_core::Stored;
use crawl_sim::{Kaggle as Double, KaggleConfig, S3};

use crate::listing::bare;
use crate::models::{double, program};
use crate::shop::{id, rows, tree};

fn run(double: &Double, root: &Path, more: &[&str]) {
    let out = program(double, root).args(["--rows-a-page", "5"]).args(more).output().unwrap();
    assert!(out.status.success(), "{more:?}: {out:?}");
}

/// The files of the models, without the mark of their folder.
fn kept(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = tree(&folder.join("model"));
    files.remove(Path::new(".files"));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn models_page_by_page_and_in_shares_are_the_whole_with_their_files() {
    let double = double(KaggleConfig { models: 12, ..KaggleConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let [whole, next, parts] = ["whole", "next", "parts"].map(|name| folder.path().join(name));
    run(&double, &whole, &[]);
    assert!(rows(&whole, "info").len() == 12 && kept(&whole).len() > 12, "{}", kept(&whole).len());
    for (pages, ended) in [(2, false), (3, true)] {
        run(&double, &next, &["--next", "2"]);
        let stored = Stored::open(&next, &id("info")).unwrap();
        assert_eq!((stored.checkpoint().pages, stored.checkpoint().ended()), (pages, ended));
    }
    run(&double, &parts, &["--list-only"]);
    for share in ["1/2", "0/2"] {
        run(&double, &parts, &["--share", share]);
        let gathered = bare().arg("gather").arg(&parts).output().unwrap();
        assert_eq!(gathered.status.code(), Some(if share == "0/2" { 0 } else { 3 }), "{gathered:?}");
    }
    let lines = |root: &Path| Stored::open(root, &id("info")).unwrap().files(3).unwrap();
    for root in [&next, &parts] {
        assert_eq!(rows(root, "info"), rows(&whole, "info"), "{}", root.display());
        assert_eq!(lines(root), lines(&whole), "{}", root.display());
        assert!(kept(root) == kept(&whole), "{}", root.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_models_are_moved_to_the_bucket_and_none_stays() {
    let double = double(KaggleConfig { models: 12, ..KaggleConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let [whole, root, cloud] = ["whole", "root", "s3"].map(|name| folder.path().join(name));
    run(&double, &whole, &[]);
    std::fs::create_dir_all(cloud.join("bucket")).unwrap();
    let bucket = S3::start(&cloud, 0).unwrap();
    let mut command = program(&double, &root);
    command
        .args(["--rows-a-page", "5", "--upload", "s3://bucket/crawl", "--disk-budget", "2MB"])
        .env("AWS_ENDPOINT_URL", bucket.url())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let out = command.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let there = cloud.join("bucket/crawl");
    assert!(kept(&there) == kept(&whole), "{:?}", kept(&there).keys());
    assert!(!kept(&whole).is_empty() && kept(&root).is_empty(), "{:?}", kept(&root).keys());
    let pages = |folder: &Path| {
        let all = tree(&folder.join("info")).into_iter();
        all.filter(|(path, _)| path.to_string_lossy().starts_with("page_")).collect::<BTreeMap<_, _>>()
    };
    assert!(pages(&there) == pages(&whole) && pages(&root).is_empty(), "{:?}", pages(&root).keys());
}
