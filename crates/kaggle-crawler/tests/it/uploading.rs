//! `--upload`: pages and files go to a bucket behind the crawl. The bucket is a real S3 server in process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crawl_core::Stored;
use crawl_sim::{Kaggle as Double, KaggleConfig, S3};

use crate::shop::{double, id, program};

/// The files below a folder, by their path below it, without the marks of folders.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(".files") {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

struct Cloud {
    dir: tempfile::TempDir,
    server: S3,
}

impl Cloud {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("s3/bucket")).unwrap();
        let server = S3::start(&dir.path().join("s3"), 0).unwrap();
        Cloud { dir, server }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn command(&self, double: &Double) -> Command {
        let mut command = program(double, &self.root());
        command
            .env("AWS_ENDPOINT_URL", self.server.url())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", S3::KEY)
            .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .args(["--usability", "0", "--rows-a-page", "4", "--limit", "30"])
            .args(["--upload", "s3://bucket/crawl", "--disk-budget", "2MB"]);
        command
    }

    /// What was moved, and nothing of it is here any more.
    fn check(&self, whole: &Path) {
        let bucket = self.dir.path().join("s3/bucket/crawl");
        for folder in ["dataset", "meta_data"] {
            let (there, expected) = (tree(&bucket.join(folder)), tree(&whole.join(folder)));
            let names = |files: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<PathBuf> {
                let plain =
                    |path: &&PathBuf| folder == "dataset" || path.to_string_lossy().starts_with("page_");
                files.keys().filter(plain).cloned().collect()
            };
            assert_eq!(names(&there), names(&expected), "{folder}");
            for name in names(&expected) {
                assert!(there[&name] == expected[&name], "{}", name.display());
            }
        }
        assert!(tree(&self.root().join("dataset")).is_empty(), "files stay here");
        let pages = tree(&self.root().join("meta_data"));
        assert!(!pages.keys().any(|path| path.to_string_lossy().starts_with("page_")), "{:?}", pages.keys());
        assert!(!tree(&self.root().join("stages")).is_empty(), "the listing stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_with_a_bucket_behind_it_ends_whole_there_however_often_it_is_killed() {
    let config = KaggleConfig { datasets: 40, latency: Duration::from_millis(2), ..KaggleConfig::default() };
    let double = double(config).await;
    let whole = tempfile::tempdir().unwrap();
    let flags = ["--usability", "0", "--rows-a-page", "4", "--limit", "30"];
    let out = program(&double, whole.path()).args(flags).output().unwrap();
    assert!(out.status.success(), "{out:?}");

    let calm = Cloud::new();
    let out = calm.command(&double).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    calm.check(whole.path());

    let cloud = Cloud::new();
    for kill in 0..10_u64 {
        let mut child = cloud.command(&double).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 + kill * 60));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let out = cloud.command(&double).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    cloud.check(whole.path());
    let stored = Stored::open(&cloud.root(), &id("meta_data")).unwrap();
    assert_eq!(stored.checkpoint().totals.listed, 30);
}
