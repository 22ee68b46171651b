//! A large file that breaks off a hundred times and changes in between, and `kill -9` while it comes. `GLEANER_FILE_MB`
//! makes it larger (5000 for one as of the largest datasets), `GLEANER_KILLS` kills more often.
#![allow(clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crawl_core::files::{Files, Wanted};
use crawl_core::http::{Request, Url};

use crate::fetching::http;
use crate::origin::{Origin, good, made};

const URL: &str = "GLEANER_TEST_URL";
const ROOT: &str = "GLEANER_TEST_ROOT";

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn size() -> u64 {
    from_environment("GLEANER_FILE_MB", 64) * 1_000_000
}

/// Another process that fetches the file.
fn start(origin: &Origin, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killing::the_process_that_is_killed", "--nocapture"])
        .env(URL, origin.url().as_str())
        .env(ROOT, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let (Ok(url), Ok(root)) = (std::env::var(URL), std::env::var(ROOT)) else { return };
    let wanted = Wanted::new(Request::get(Url::parse(&url).unwrap()), "data/file.bin");
    let line = Files::new(&root).fetch(&http(), &wanted).await.unwrap();
    // What it took: the most memory in KiB, and the time of the processor in ticks.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let took = format!("{} {}", memory.trim().trim_end_matches(" kB"), ticks(12) + ticks(13));
    std::fs::write(Path::new(&root).join("took"), took).unwrap();
    assert_eq!(line.path, "data/file.bin");
}

/// The file is there and is version `version`; the most memory in KiB and the processor's ticks of the last process.
fn check(root: &Path, version: u64) -> (u64, u64) {
    let file = std::fs::File::open(root.join("data/file.bin")).unwrap();
    assert_eq!(file.metadata().unwrap().len(), size());
    let (mut at, mut buffer) = (0, vec![0; 1 << 20]);
    while at < size() {
        let length = buffer.len().min((size() - at) as usize);
        std::io::Read::read_exact(&mut &file, &mut buffer[..length]).unwrap();
        assert!(buffer[..length] == made(version, at, at + length as u64), "other bytes at {at}");
        at += length as u64;
    }
    let took = std::fs::read_to_string(root.join("took")).unwrap();
    let (memory, ticks) = took.split_once(' ').unwrap();
    (memory.parse().unwrap_or(0), ticks.parse().unwrap_or(0))
}

#[test]
fn a_large_file_that_breaks_off_a_hundred_times_and_changes_takes_little_more_than_one_that_does_not() {
    let whole = tempfile::tempdir().unwrap();
    let origin = Origin::start(|asked| good(asked, size(), 1));
    assert!(start(&origin, whole.path()).wait().unwrap().success());
    let (memory, ticks) = check(whole.path(), 1);
    assert_eq!(origin.sent(), size());
    // It changes when the first third is there.
    let origin =
        Origin::start(|asked| good(asked, size(), 1 + u64::from(asked.number > 34)).cut(size() / 100));
    let root = tempfile::tempdir().unwrap();
    assert!(start(&origin, root.path()).wait().unwrap().success());
    let (broken_memory, broken_ticks) = check(root.path(), 2);
    assert_eq!(origin.sent(), size() / 100 * 34 + size(), "a byte came twice");
    let figures = format!(
        "{} MB: {memory} KiB, {ticks} ticks; broken {broken_memory} KiB, {broken_ticks} ticks",
        size() / 1_000_000
    );
    println!("{figures}");
    assert!(broken_memory < memory + (32 << 10), "{figures}");
    assert!(broken_ticks < 3 * ticks + 100, "{figures}");
}

#[test]
fn a_large_file_whose_process_is_killed_again_and_again_is_whole_and_little_comes_twice() {
    let kills = from_environment("GLEANER_KILLS", 10);
    let changed = Arc::new(AtomicU64::new(1));
    let version = changed.clone();
    let origin = Arc::new(Origin::start(move |asked| {
        let mut answer = good(asked, size(), version.load(Ordering::SeqCst)).cut(size() / 100);
        // Slow enough that a kill hits what it aims at: 20 MB a second at most, or as it was made larger.
        answer.slow = Duration::from_micros(if size() > 200_000_000 { 100 } else { 3000 });
        answer
    }));
    let root = tempfile::tempdir().unwrap();
    let mut before = 0;
    for kill in 0..kills {
        let mut child = start(&origin, root.path());
        let aim = origin.sent() + size() / kills * 3 / 4 + kill * 9973;
        while origin.sent() < aim && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if kill == kills / 2 {
            // What came until now is of a version that is no more.
            changed.store(2, Ordering::SeqCst);
            before = origin.sent();
        }
    }
    assert!(start(&origin, root.path()).wait().unwrap().success());
    let (memory, _) = check(root.path(), 2);
    assert!(memory < 200 << 10, "{memory} KiB");
    // A kill costs what is behind the last mark, what is on its way to the disk, and what is in the socket.
    let twice = origin.sent() - before - size();
    let most = (kills - kills / 2) * (16 << 20).min(size() / 50 + (6 << 20));
    println!("{kills} kills: {twice} bytes came twice");
    assert!(twice < most, "{twice} bytes came twice, {most} are too many");
    let left: Vec<_> = std::fs::read_dir(root.path().join("data")).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
