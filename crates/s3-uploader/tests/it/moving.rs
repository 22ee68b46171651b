//! Copies and moves against a real server.

use std::sync::Arc;

use s3_uploader::{Choice, Proof, list, receipt, run};

use crate::desk::{Desk, bytes, plan};

async fn move_all(desk: &Desk, delete: bool) -> s3_uploader::Summary {
    let job = desk.job(plan("in/", delete));
    let files = list(&desk.files(), &Choice::default(), &[]).unwrap().files;
    run(&job, files, std::future::pending(), Arc::new(|_, _| {})).await.unwrap()
}

#[tokio::test]
async fn a_moved_folder_is_whole_in_the_bucket_and_gone_here() {
    let desk = Desk::new();
    desk.write("a.jsonl", b"{}\n");
    desk.write("empty", b"");
    desk.write("deep/er/b.bin", &bytes(300_000, 1));
    desk.write("large.bin", &bytes(13 << 20, 2));
    let before = crate::desk::tree(&desk.files());
    let summary = move_all(&desk, true).await;
    assert_eq!((summary.files, summary.sent, summary.failed), (4, 4, 0), "{:?}", summary.first);
    assert!(crate::desk::tree(&desk.files()).is_empty());
    let stored = desk.stored();
    assert_eq!(stored.len(), 4, "nothing else is left in the bucket: {:?}", stored.keys());
    for (name, bytes) in &before {
        assert!(stored[&format!("in/{name}")] == *bytes, "{name} differs");
    }
    let receipts = receipt::read(&desk.receipts()).unwrap();
    assert_eq!(receipts.len(), 4);
    for receipt in &receipts {
        // s3s-fs checks checksums and keeps them, but for objects that came in parts.
        let large = receipt.key.ends_with("large.bin");
        assert_eq!(receipt.proof, if large { Proof::Etag } else { Proof::Checksum }, "{receipt:?}");
        s3_uploader::audit(&desk.bucket(), receipt, false).await.unwrap();
    }
}

#[tokio::test]
async fn a_copy_keeps_the_files_and_a_second_copy_sends_nothing() {
    let desk = Desk::new();
    desk.write("a", b"one");
    desk.write("b", &bytes(7 << 20, 3));
    assert_eq!(move_all(&desk, false).await.sent, 2);
    let again = move_all(&desk, false).await;
    assert_eq!((again.sent, again.there), (0, 2));
    assert_eq!(crate::desk::tree(&desk.files()).len(), 2);
}

#[tokio::test]
async fn the_program_tells_what_it_did() {
    let desk = Desk::new();
    desk.write("a b\nc é.txt", b"hostile name");
    let output = desk.program(&["move", "files", "s3://bucket/p", "--json"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(desk.stored().contains_key("p/a b\nc é.txt"), "{:?}", desk.stored().keys());
    let output = desk.program(&["ls", "s3://bucket/", "--json"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["key"], "p/a b\nc é.txt");
    let output = desk.program(&["verify", "s3-receipts.jsonl", "--deep"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(desk.dir.path().join("s3/bucket/p/a b\nc é.txt")).unwrap();
    let output = desk.program(&["verify", "s3-receipts.jsonl"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("not in the bucket any more") && !err.contains("name"), "{err}");
    assert!(err.contains("1 object = 0 good + 1 bad + 0 not seen"), "{err}");
}

/// As the program is run by hand, with no receipts named.
fn by_hand(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String) {
    let output = crate::desk::command(&desk.url, desk.dir.path()).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn receipts_lie_with_what_they_tell_of_and_not_where_one_happens_to_stand() {
    let desk = Desk::new();
    desk.write("a", b"one");
    desk.write("deep/b", b"two");
    assert_eq!(by_hand(&desk, &["copy", "files", "s3://bucket/p"]).0, Some(0));
    assert_eq!(by_hand(&desk, &["move", "files", "s3://bucket/p"]).0, Some(0));
    let names = |desk: &Desk| crate::desk::tree(&desk.files()).into_keys().collect::<Vec<_>>();
    let receipts = ["s3-receipts.jsonl", "s3-receipts.jsonl.journal"];
    assert_eq!(names(&desk), receipts);
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["p/a", "p/deep/b"]);
    let path = desk.write("c", b"three");
    assert_eq!(by_hand(&desk, &["move", path.to_str().unwrap(), "s3://bucket/p/"]).0, Some(0));
    assert_eq!(names(&desk), receipts);
    assert_eq!(by_hand(&desk, &["verify", "files/s3-receipts.jsonl", "--deep"]).0, Some(0));
    let here: Vec<_> =
        std::fs::read_dir(desk.dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!here.iter().any(|name| name.to_string_lossy().contains("receipts")), "{here:?}");
}

#[tokio::test]
async fn a_finished_root_with_its_locks_and_marks_is_moved_whole_and_comes_back_readable() {
    let desk = Desk::new();
    let root = desk.files().join("root");
    let source = crate::crawling::Numbers::new(3, &root);
    source.crawl_alone(3).await;
    let names: Vec<String> = crate::desk::tree(&root).into_keys().collect();
    for lock in [".lock", "test/numbers/.lock", "files/.files"] {
        assert!(names.iter().any(|name| name == lock), "{names:?}");
    }
    // Not while somebody holds a listing of it, wherever the move begins.
    let store = crawl_core::Store::new(&root);
    store.hold(&crawl_core::SourceId::new("test/numbers").unwrap()).await.unwrap();
    for from in ["files", "files/root", "files/root/test/numbers", "files/root/files"] {
        let (code, text) = by_hand(&desk, &["move", from, "s3://bucket/w"]);
        assert!(code == Some(78) && text.contains("a crawl is writing here"), "{code:?} {text}");
    }
    assert!(desk.stored().is_empty());
    drop(store);
    let moving = ["move", "files/root", "s3://bucket/w", "--receipts", "r.jsonl", "--remove-empty-folders"];
    assert_eq!(by_hand(&desk, &moving).0, Some(0));
    assert!(std::fs::read_dir(&root).unwrap().next().is_none(), "nothing stays, no folder either");
    assert_eq!(by_hand(&desk, &["verify", "r.jsonl"]).0, Some(0));
    assert_eq!(by_hand(&desk, &["get", "s3://bucket/w/", "back"]).0, Some(0));
    let back = desk.dir.path().join("back");
    let listings = crawl_core::Stored::everything(&back).unwrap();
    assert_eq!(listings.len(), 1);
    let stored = crawl_core::Stored::open(&back, &listings[0]).unwrap();
    assert_eq!(stored.verify().unwrap(), crawl_core::Verified::default());
}

#[test]
fn a_program_that_maps_nothing_offers_to_join_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let help = crate::desk::program("http://127.0.0.1:9", dir.path(), &["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("\n  status") && !help.contains("gather"), "{help}");
    let output = crate::desk::program("http://127.0.0.1:9", dir.path(), &["gather", "."]);
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_earlier_runs_stay_with_what_they_tell_of() {
    let desk = crate::desk::Desk::new();
    desk.write("a", b"a");
    let old = desk.write("s3-receipts.jsonl", b"");
    let journal = desk.write("s3-receipts.jsonl.journal", b"");
    let output = desk.program(&["move", "files", "s3://bucket", "--receipts", "elsewhere.jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["a"]);
    assert!(old.exists() && journal.exists());
}
