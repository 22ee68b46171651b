//! `kill -9` of the real program at random moments of a move: the next run ends with bucket equal to source.
//!
//! `GLEANER_KILLS=200 GLEANER_KILL_FILES=2000 GLEANER_KILL_LARGEST=300` runs it at length.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
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
            1 if number == 1 => largest << 20,
            1 if number < 100 => dice.usize(6 << 20..largest << 20),
            _ => dice.usize(1..40_000),
        };
        let path = root.join(format!("d{}/{number:04}.bin", number % 7));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes(size, number as u64)).unwrap();
    }
    tree(root)
}

/// The move. `pace` requests a second, so that the kills are spread over all of it.
fn moving(liar: &Liar, folder: &Path, pace: usize) -> Command {
    let mut command = command(&liar.url(), folder);
    command.args(["move", "files", "s3://bucket/in", "--part-from", "6MiB", "--part-size", "5MiB"]);
    command.args(crate::desk::RECEIPTS);
    command.args(["--in-flight", "8", "--requests", &pace.to_string()]);
    command
}

async fn ended(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{err}");
    err
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_ends_whole() {
    let (kills, files) = (setting("GLEANER_KILLS", 12), setting("GLEANER_KILL_FILES", 120));
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("files");
    let source = fill(&root, files, setting("GLEANER_KILL_LARGEST", 24));
    // A put and a look a file, a fifth of a second a kill; the probe at each start takes some too.
    let pace = files * 10 / kills + 30;
    let mut dice = fastrand::Rng::new();
    let (mut killed, mut gone) = (0, BTreeSet::new());
    for _ in 0..kills {
        let mut program = moving(&liar, dir.path(), pace);
        let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(dice.u64(5..400))).await;
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        check_kept(dir.path(), &source, &liar, &mut gone);
    }
    let went = gone.len();
    assert!(killed * 2 > kills && went < source.len(), "{killed} kills hit the move; {went} files had gone");
    let err = ended(moving(&liar, dir.path(), 10_000)).await;
    assert!(tree(&root).is_empty(), "all files went: {err}");
    check_kept(dir.path(), &source, &liar, &mut gone);
    assert_eq!(gone.len(), source.len());
    let stored = liar.objects();
    assert_eq!(stored.len(), source.len());
    assert!(source.iter().all(|(name, bytes)| stored[&format!("in/{name}")] == *bytes));
    assert_eq!(liar.count("parts sent twice"), 0, "finished parts are not sent again");
    let large: usize = source.values().map(Vec::len).filter(|size| *size > 6 << 20).sum();
    assert_eq!(liar.count("part bytes"), large as u64, "each byte of the large files came once");
    // An upload whose beginning was not noted before the kill is `cleanup`'s.
    let mut cleanup = command(&liar.url(), dir.path());
    cleanup.args(["cleanup", "s3://bucket/in", "--older-than", "0s"]);
    ended(cleanup).await;
    assert_eq!(liar.unfinished(), 0, "no upload stays");
}

/// Whatever is gone here is in the bucket, equal, and has its receipt. Looks at what went since the last time.
fn check_kept(folder: &Path, source: &BTreeMap<String, Vec<u8>>, liar: &Liar, gone: &mut BTreeSet<String>) {
    let receipts = s3_uploader::receipt::read(&folder.join("s3-receipts.jsonl")).unwrap_or_default();
    let receipts: BTreeSet<String> = receipts.into_iter().map(|receipt| receipt.key).collect();
    for (name, bytes) in source {
        if gone.contains(name) || folder.join("files").join(name).exists() {
            continue;
        }
        let key = format!("in/{name}");
        assert!(liar.object(&key).is_some_and(|stored| stored == *bytes), "{name} is gone on both sides");
        assert!(receipts.contains(&key), "{name} went without a receipt");
        gone.insert(name.clone());
    }
}
