//! `kill -9` of the real program at random moments of one crawl: the same files as undisturbed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crawl_core::{Checkpoint, Manifest, Stored};
use crawl_sim::{Hub as Double, HubConfig, Running};

use crate::desk::datasets;

/// The last page is not full, so that its end needs no second look.
const ROWS: u64 = 50_050;
const PAGE: u64 = 100;
const KILLS: u64 = 100;

fn command(double: &Running, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    command
        .args([
            "datasets",
            "--quiet",
            "--page-size",
            &PAGE.to_string(),
            "--endpoint",
            &double.url(),
            "--root",
        ])
        .arg(root)
        .env_remove("HF_TOKEN")
        .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        .stderr(Stdio::null());
    command
}

/// What does not depend on the clock: the checkpoint without the manifest's length, its lines without the time.
pub(crate) fn lasting(root: &Path) -> (Checkpoint, Vec<Manifest>) {
    let stored = Stored::open(root, &datasets()).unwrap();
    let checkpoint = Checkpoint { manifest_bytes: 0, ..stored.checkpoint().clone() };
    let lines = stored.manifest().unwrap();
    (
        checkpoint,
        lines
            .into_iter()
            .map(|line| Manifest { fetched_at: crawl_core::Timestamp::UNIX_EPOCH, ..line })
            .collect(),
    )
}

pub(crate) fn page_files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(root.join("hf/datasets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with("page_"))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_killed_a_hundred_times_gives_the_same_files_and_fetches_a_page_a_kill_again_at_most() {
    let latency = Duration::from_millis(4);
    let config = || HubConfig { datasets: ROWS, models: 0, latency, ..HubConfig::default() };
    let double = Double::start(config()).await.unwrap();
    let port = double.addr().port();
    let whole = tempfile::tempdir().unwrap();
    let began = Instant::now();
    assert!(command(&double, whole.path()).status().unwrap().success());
    let page = began.elapsed() / u32::try_from(ROWS.div_ceil(PAGE)).unwrap();
    let pages = double.count();
    assert_eq!(pages, ROWS.div_ceil(PAGE));
    drop(double);

    // The same address: it is a part of the settings and of the cursors.
    let double = Double::start(HubConfig { port, ..config() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let one = tempfile::tempdir().unwrap();
    assert!(command(&double, one.path()).args(["--limit", &PAGE.to_string()]).status().unwrap().success());
    let (start, asked) = (began.elapsed(), double.count());
    let mut kills = 0;
    while kills < KILLS {
        let mut child = command(&double, root.path()).spawn().unwrap();
        // A machine that has become faster since the pages were timed is killed sooner: all kills must find a crawl.
        let ahead = committed(root.path()) > kills * pages / (KILLS + 20);
        let pause = if ahead { Duration::ZERO } else { page.mul_f64(1.5 * spread(kills + 1000)) };
        std::thread::sleep(start.mul_f64(spread(kills) / if ahead { 2.0 } else { 1.0 }) + pause);
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        if ended {
            break;
        }
    }
    let killed_at = committed(root.path());
    assert!(command(&double, root.path()).status().unwrap().success());
    assert_eq!(kills, KILLS, "the crawl was through after {kills} kills, at page {killed_at}");
    assert!(killed_at > 20, "the kills hit only the first {killed_at} pages");
    assert!(
        double.count() - asked <= pages + kills,
        "{} requests for {pages} pages and {kills} kills",
        double.count()
    );
    assert!(lasting(root.path()) == lasting(whole.path()), "checkpoint or manifest differ");
    let (found, expected) = (page_files(root.path()), page_files(whole.path()));
    assert_eq!(found.len(), expected.len());
    assert!(found == expected, "a page differs");
}

/// How many pages are committed.
fn committed(root: &Path) -> u64 {
    Stored::open(root, &datasets()).map_or(0, |stored| stored.checkpoint().pages)
}

/// A number from 0 to 2, spread evenly over the kills: from before the first request to a few pages later.
pub(crate) fn spread(kill: u64) -> f64 {
    let mixed = (kill + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 11) as f64 / (1_u64 << 52) as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn details_killed_again_and_again_are_the_same_and_no_repository_is_lost() {
    const KILLS: u64 = 12;
    let latency = Duration::from_millis(8);
    let config = HubConfig { models: 300, datasets: 0, latency, ..HubConfig::default() };
    let double = Double::start(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listing = folder.path().join("listing");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command.args(arguments).args(["--quiet", "--endpoint", &double.url()]).stderr(Stdio::null());
        command.env_remove("HF_TOKEN").env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        command
    };
    let from = listing.to_str().unwrap();
    assert!(run(&["models", "--root", from]).status().unwrap().success());
    let details = |to: &Path| {
        let parts = ["details", from, "--details", "config,files,card,headers", "--top", "250", "--to"];
        run(&[&parts[..], &[to.to_str().unwrap(), "--rows-a-page", "5"]].concat())
    };
    let (whole, root) = (folder.path().join("whole"), folder.path().join("root"));
    let began = Instant::now();
    assert!(details(&whole).status().unwrap().success());
    let took = began.elapsed();
    let mut hit = 0;
    for kill in 0..KILLS {
        let mut child = details(&root).spawn().unwrap();
        std::thread::sleep(took.mul_f64(spread(kill) / KILLS as f64));
        hit += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(details(&root).status().unwrap().success());
    assert!(hit >= KILLS / 4, "only {hit} of {KILLS} kills found a run");
    for name in ["hf/models-chosen", "hf/models-details"] {
        let id = crawl_core::SourceId::new(name).unwrap();
        let lines = |root: &Path| {
            let stored = Stored::open(root, &id).unwrap();
            assert!(stored.checkpoint().ended());
            let pages = 1..=stored.checkpoint().pages;
            pages.map(|page| stored.lines(page).unwrap().to_vec()).collect::<Vec<_>>()
        };
        let found = lines(&root);
        assert!(found == lines(&whole), "a page of {name} differs");
        assert_eq!(found.concat().iter().filter(|byte| **byte == b'\n').count(), 250);
    }
}
