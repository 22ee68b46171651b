//! `kill -9` of the real program at random moments of a move: the next run ends with bucket equal to source.
//!
//! `GLEANER_KILLS=200 GLEANER_KILL_FILES=2000 GLEANER_KILL_LARGEST=300` runs it at length.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::desk::{bytes, command, tree};
use crate::liar::{Liar, Lie};

#[allow(clippy::disallowed_methods, reason = "a longer test on request")]
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Files of all sizes: empty, small, and some in parts.
fn fill(root: &Path, count: usize, largest: usize) -> BTreeMap<String, Vec<u8>> {
    let mut dice = fastrand::Rng::with_seed(11);
    for number in 0..count {
        let size = match number % 20 {
            0 => 0,
            1 if number < 100 => dice.usize(6 << 20..largest << 20),
            _ => dice.usize(1..40_000),
        };
        let path = root.join(format!("d{}/{number:04}.bin", number % 7));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes(size, number as u64)).unwrap();
    }
    tree(root)
}

fn args<'a>() -> [&'a str; 9] {
    ["move", "files", "s3://bucket/in", "--part-from", "6MiB", "--part-size", "5MiB", "--in-flight", "8"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_ends_whole() {
    let (kills, files) = (setting("GLEANER_KILLS", 12), setting("GLEANER_KILL_FILES", 120));
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let source = fill(&dir.path().join("files"), files, setting("GLEANER_KILL_LARGEST", 24));
    let mut dice = fastrand::Rng::new();
    let mut killed = 0;
    for _ in 0..kills {
        let mut program = command(&liar.url(), dir.path());
        program.args(args()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = program.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(dice.u64(5..400))).await;
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        check_kept(dir.path(), &source, &liar);
        if killed * 2 > kills && tree(&dir.path().join("files")).is_empty() {
            break;
        }
    }
    let (url, folder) = (liar.url(), dir.path().to_owned());
    let output = tokio::task::spawn_blocking(move || crate::desk::program(&url, &folder, &args()));
    let output = output.await.unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(tree(&dir.path().join("files")).is_empty(), "all files went: {err}");
    let mut stored = liar.objects();
    stored.retain(|key, _| !key.contains("probe"));
    assert_eq!(stored.len(), source.len());
    assert!(source.iter().all(|(name, bytes)| stored[&format!("in/{name}")] == *bytes));
    assert_eq!(liar.count("parts sent twice"), 0, "finished parts are not sent again");
    // An upload whose beginning was not noted before the kill is `cleanup`'s.
    assert!(liar.unfinished() <= killed * 3, "{} uploads stay", liar.unfinished());
}

/// Whatever is gone here is in the bucket, equal, and has its receipt.
fn check_kept(folder: &Path, source: &BTreeMap<String, Vec<u8>>, liar: &Liar) {
    let here = tree(&folder.join("files"));
    let receipts = s3_uploader::receipt::read(&folder.join("s3-receipts.jsonl")).unwrap_or_default();
    for (name, bytes) in source.iter().filter(|(name, _)| !here.contains_key(*name)) {
        let key = format!("in/{name}");
        assert!(liar.object(&key).is_some_and(|stored| stored == *bytes), "{name} is gone on both sides");
        assert!(receipts.iter().any(|receipt| receipt.key == key), "{name} went without a receipt");
    }
}
