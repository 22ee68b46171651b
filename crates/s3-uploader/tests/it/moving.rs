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
}
