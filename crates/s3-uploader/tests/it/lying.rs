//! A server that lies: the local file stays unless the object is truly there and equal, and the exit code tells.

use std::path::Path;
use std::time::Duration;

use crate::desk::bytes;
use crate::liar::{Liar, Lie};

const SMALL: usize = 64 << 10;
const LARGE: usize = 11 << 20;

async fn program(url: String, folder: &Path, more: &'static [&'static str]) -> std::process::Output {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut command = crate::desk::command(&url, &folder);
        command.args(["move", "file.bin", "s3://bucket/in/", "--part-from", "6MiB", "--part-size", "5MiB"]);
        command.args(["--tries", "3", "--timeout", "10"]).args(more).output().unwrap()
    })
    .await
    .unwrap()
}

/// Moves one file of each size to a server that lies; `moved` says whether the file may go.
async fn check(lie: Lie, moved: bool, code: i32) {
    check_sizes(&[SMALL, LARGE], lie, moved, code).await;
}

async fn check_sizes(sizes: &[usize], lie: Lie, moved: bool, code: i32) {
    for size in sizes.iter().copied() {
        let liar = Liar::start(lie).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file.bin");
        let content = bytes(size, 7);
        std::fs::write(&file, &content).unwrap();
        let output = program(liar.url(), dir.path(), &[]).await;
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(file.exists(), !moved, "{lie:?}, {size} bytes: {err}");
        assert_eq!(output.status.code(), Some(code), "{lie:?}, {size} bytes: {err}");
        let receipts = s3_uploader::receipt::read(&dir.path().join("s3-receipts.jsonl")).unwrap();
        assert_eq!(receipts.len(), usize::from(moved), "{lie:?}: a receipt only for what is proven");
        if moved {
            assert!(liar.object("in/file.bin").unwrap() == content, "{lie:?}: it went, so it must be there");
        } else {
            assert!(std::fs::read(&file).unwrap() == content);
            assert!(err.contains("kept"), "{lie:?} is told: {err}");
        }
        assert!(!err.contains(crawl_sim::S3::SECRET), "no secret is told");
    }
}

#[tokio::test]
async fn an_honest_server_gets_the_file() {
    check(Lie::None, true, 0).await;
}

#[tokio::test]
async fn stored_then_lost_keeps_the_file() {
    check(Lie::Lost, false, 74).await;
}

#[tokio::test]
async fn a_wrong_etag_is_settled_by_reading_back() {
    check(Lie::WrongEtag, true, 0).await;
}

#[tokio::test]
async fn half_stored_without_an_etag_keeps_the_file() {
    check(Lie::HalfNoEtag, false, 74).await;
}

#[tokio::test]
async fn a_flipped_bit_under_an_opaque_etag_keeps_the_file() {
    check(Lie::FlippedOpaque, false, 74).await;
}

#[tokio::test]
async fn a_checksum_that_is_only_echoed_proves_nothing() {
    check(Lie::FlippedEchoed, false, 74).await;
}

#[tokio::test]
async fn a_checksum_of_joined_parts_that_is_only_echoed_proves_nothing() {
    check_sizes(&[SMALL], Lie::FlippedJoined, true, 0).await;
    check_sizes(&[LARGE], Lie::FlippedJoined, false, 74).await;
}

#[tokio::test]
async fn an_etag_of_a_server_that_checks_nothing_proves_nothing() {
    check(Lie::FlippedRightEtag, false, 74).await;
}

#[tokio::test]
async fn an_error_in_an_answer_with_status_200_keeps_the_file() {
    check(Lie::ErrorIn200, false, 75).await;
}

#[tokio::test]
async fn an_error_after_the_object_was_stored_is_settled_by_looking() {
    check(Lie::StoredThen500, true, 0).await;
}

#[tokio::test]
async fn a_server_that_is_broken_keeps_the_file() {
    check(Lie::Always500, false, 75).await;
}

#[tokio::test]
async fn clocks_that_differ_keep_the_file_and_are_named() {
    check(Lie::Skewed, false, 77).await;
}

#[tokio::test]
async fn a_bucket_in_another_region_keeps_the_file_and_names_the_region() {
    check(Lie::Elsewhere, false, 78).await;
}

#[tokio::test]
async fn a_server_that_asks_to_slow_down_gets_the_file_later() {
    check(Lie::SlowDown, true, 0).await;
}

#[tokio::test]
async fn connections_that_are_cut_are_made_again() {
    for lie in [Lie::CutEarly, Lie::CutMiddle, Lie::CutLate] {
        check(lie, true, 0).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_always_cut_keeps_the_file() {
    check(Lie::CutAlways, false, 75).await;
}

#[tokio::test]
async fn a_wanted_proof_that_is_worth_nothing_is_refused_before_anything_is_sent() {
    let liar = Liar::start(Lie::FlippedEchoed).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.bin"), b"x").unwrap();
    let (url, folder) = (liar.url(), dir.path().to_owned());
    let output = tokio::task::spawn_blocking(move || {
        crate::desk::program(&url, &folder, &["move", "file.bin", "s3://bucket/", "--proof", "checksum"])
    });
    let output = tokio::time::timeout(Duration::from_secs(20), output).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(74), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(dir.path().join("file.bin").exists() && liar.object("file.bin").is_none());
    assert!(liar.count("put") > 0, "the probe was sent");
}

#[tokio::test]
async fn a_server_that_hears_no_condition_replaces_nothing_all_the_same() {
    for size in [SMALL, LARGE] {
        let liar = Liar::start(Lie::None).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file.bin");
        std::fs::write(&file, b"theirs").unwrap();
        assert_eq!(program(liar.url(), dir.path(), &[]).await.status.code(), Some(0));
        let content = bytes(size, 9);
        std::fs::write(&file, &content).unwrap();
        let output = program(liar.url(), dir.path(), &["--no-overwrite"]).await;
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(74), "{err}");
        assert!(err.contains("another object has this key"), "{err}");
        assert_eq!(liar.object("in/file.bin").unwrap(), b"theirs");
        assert!(std::fs::read(&file).unwrap() == content && liar.unfinished() == 0);
    }
}
