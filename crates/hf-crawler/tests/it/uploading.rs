//! `--upload`: pages move to a bucket behind the crawl. The bucket is a real S3 server in process.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crawl_core::{Stored, Verified};
use crawl_sim::{Running, S3};
use tempfile::TempDir;

use crate::desk::{datasets, double};
use crate::killing::{lasting, page_files, spread};

const ROWS: u64 = 30_000;
const KILLS: u64 = 40;

/// A server with an empty bucket, and a root for the crawl.
struct Cloud {
    dir: TempDir,
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

    /// Where the server keeps what was moved.
    fn moved(&self) -> PathBuf {
        self.dir.path().join("s3/bucket/crawl")
    }

    fn command(&self, double: &Running, more: &[&str]) -> Command {
        let mut command = command(double, &self.root());
        command.env("AWS_ENDPOINT_URL", self.server.url()).args(more);
        command
    }

    /// Moves pages of a hundred rows.
    fn upload(&self, double: &Running) -> Command {
        self.command(double, &["--upload", "s3://bucket/crawl", "--quiet"])
    }
}

/// The program as a user has it who keeps keys in the environment.
fn command(double: &Running, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    command
        .env_clear()
        .env("HOME", root.parent().unwrap())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["datasets", "--page-size", "100", "--endpoint", &double.url(), "--root"])
        .arg(root);
    command
}

fn ended(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains(S3::SECRET), "a secret is told: {text}");
    text
}

/// The local pages, by name.
fn here(root: &Path) -> BTreeMap<String, Vec<u8>> {
    if root.join("hf/datasets").is_dir() { page_files(root).into_iter().collect() } else { BTreeMap::new() }
}

/// Every committed page is here or in the bucket, and what went has its receipt.
fn check_kept(cloud: &Cloud) {
    let root = cloud.root();
    let Ok(stored) = Stored::open(&root, &datasets()) else { return };
    let here = here(&root);
    let receipts = std::fs::read_to_string(root.join("s3-receipts.jsonl")).unwrap_or_default();
    for number in 1..=stored.checkpoint().pages {
        let name = format!("page_{number:05}.jsonl");
        if !here.contains_key(&name) {
            assert!(cloud.moved().join("hf/datasets").join(&name).is_file(), "{name} is gone on both sides");
            assert!(
                receipts.contains(&format!("crawl/hf/datasets/{name}\"")),
                "{name} went without a receipt"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_with_a_bucket_behind_it_that_is_killed_again_and_again_ends_whole() {
    let double = double(ROWS, &["all=slow:4"]).await;
    let whole = tempfile::tempdir().unwrap();
    ended(&command(&double, whole.path()).arg("--quiet").output().unwrap(), 0);
    let pages = double.count();
    // How long a start takes, and one page.
    let (began, other) = (Instant::now(), Cloud::new());
    ended(&other.upload(&double).args(["--limit", "100"]).output().unwrap(), 0);
    let (start, asked) = (began.elapsed(), double.count());
    let cloud = Cloud::new();
    let mut kills = 0;
    while kills < KILLS {
        let mut child = cloud.upload(&double).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(start.mul_f64(spread(kills)));
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        check_kept(&cloud);
        if ended {
            break;
        }
        kills += 1;
    }
    let killed_at = Stored::open(&cloud.root(), &datasets()).map_or(0, |stored| stored.checkpoint().pages);
    ended(&cloud.upload(&double).output().unwrap(), 0);
    assert!(kills > 10 && killed_at > 5, "{kills} kills, the last at page {killed_at}");
    assert!(double.count() - asked <= pages + KILLS, "{} requests for {pages} pages", double.count());
    assert!(lasting(&cloud.moved()) == lasting(whole.path()), "checkpoint or manifest differ");
    assert!(page_files(&cloud.moved()) == page_files(whole.path()), "a page in the bucket differs");
    assert!(here(&cloud.root()).is_empty(), "all pages went");
    // And nothing is fetched again.
    let asked = double.count();
    ended(&cloud.upload(&double).output().unwrap(), 0);
    assert_eq!(double.count(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_out_of_reach_keeps_the_pages_and_a_later_run_moves_them() {
    let double = double(450, &[]).await;
    let cloud = Cloud::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut unreachable = cloud.upload(&double);
    let output = unreachable.env("AWS_ENDPOINT_URL", format!("http://{closed}")).output().unwrap();
    ended(&output, 75);
    let output = cloud.command(&double, &[]).output().unwrap();
    ended(&output, 0);
    assert_eq!(here(&cloud.root()).len(), 5);
    let output = cloud.command(&double, &["--upload", "s3://bucket/crawl", "--disk-budget", "1KiB"]).output();
    let text = ended(&output.unwrap(), 0);
    assert!(
        text.contains("in s3://bucket/crawl/: 5 pages; waiting here: 0; this run moved 5 files"),
        "{text}"
    );
    assert!(here(&cloud.root()).is_empty());
    let stored = Stored::open(&cloud.moved(), &datasets()).unwrap();
    assert_eq!((stored.checkpoint().pages, stored.verify().unwrap()), (5, Verified::default()));
    // What is not here is told as such, and what to do about it.
    let status = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["status", "--verify"])
        .arg(cloud.root())
        .output()
        .unwrap();
    let text = ended(&status, 66);
    assert!(text.contains("s3-uploader verify"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_file_says_where_and_must_keep_keys_private() {
    let double = double(250, &[]).await;
    let cloud = Cloud::new();
    let file = cloud.dir.path().join("cloud.toml");
    let text = format!(
        "endpoint = \"{}\"\nbucket = \"bucket\"\nprefix = \"crawl\"\naccess_key = \"{}\"\nsecret_key = \"{}\"\n",
        cloud.server.url(),
        S3::KEY,
        S3::SECRET
    );
    std::fs::write(&file, text).unwrap();
    let run = |mode: u32| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = command(&double, &cloud.root());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.arg("--cloud").arg(&file).output().unwrap()
    };
    let refused = ended(&run(0o644), 78);
    assert!(refused.contains("others may read it") && refused.contains("chmod 600"), "{refused}");
    assert_eq!(double.count(), 0, "nothing was fetched");
    ended(&run(0o600), 0);
    assert_eq!(page_files(&cloud.moved()).len(), 3);
    let alone = command(&double, &cloud.root()).args(["--disk-budget", "1GiB"]).output().unwrap();
    assert!(ended(&alone, 78).contains("--upload"), "a budget needs a bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn processed_pages_move_too() {
    let double = double(350, &[]).await;
    let cloud = Cloud::new();
    let crawled = cloud.dir.path().join("crawled");
    ended(&command(&double, &crawled).output().unwrap(), 0);
    let output = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["process", crawled.to_str().unwrap(), "--upload", "s3://bucket/crawl", "--root"])
        .arg(cloud.root())
        .env("AWS_ENDPOINT_URL", cloud.server.url())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .output()
        .unwrap();
    ended(&output, 0);
    assert_eq!((here(&cloud.root()).len(), page_files(&cloud.moved()).len()), (0, 4));
    assert_eq!(page_files(&crawled).len(), 4, "what was read stays");
}
