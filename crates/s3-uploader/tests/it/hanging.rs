//! A machine that hangs while it tells the bucket of its pages, and wakes up after another has taken over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crawl_core::{Source, Store};
use s3_uploader::Behind;

use crate::behind::{Numbers, check_bucket, check_pages, crawl, crawl_with};
use crate::desk::{Desk, job_at, plan};
use crate::front::{Fate, Front};

/// A crawl into `root`, by way of `url`.
fn machine(desk: &Desk, source: &Numbers, url: &str, receipts: &str) -> Behind {
    let job = job_at(url, plan("crawl/", true), &desk.dir.path().join(receipts));
    Behind::new(Store::new(&source.root), job, source.settings(), None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_machine_that_hung_while_it_told_does_not_roll_the_bucket_back() {
    for what in ["manifest.jsonl", "checkpoint.json"] {
        let desk = Desk::new();
        let first = Numbers::new(8, &desk.dir.path().join("one"));
        crawl(&desk, &first, Some(2), None).await.unwrap();
        let (hangs, wakes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (hung, awake) = (hangs.clone(), wakes.clone());
        let front = Front::start(&desk.url, move |asked| {
            let begun = Instant::now();
            if asked.method == "PUT" && asked.target.contains(what) {
                hung.store(true, Ordering::SeqCst);
                // Not on a thread of the runtime: what it was about to do next would hang as well.
                tokio::task::block_in_place(|| {
                    while !awake.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(60) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            Fate::Pass
        })
        .await;
        let old = machine(&desk, &first, &front.url, "receipts.jsonl");
        let takeover = async {
            while !hangs.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let second = Numbers::new(8, &desk.dir.path().join("two"));
            let new = machine(&desk, &second, &desk.url, "two.jsonl");
            let (checkpoint, moved) = crawl_with(&new, &second, None).await.unwrap();
            assert_eq!((checkpoint.pages, moved.pages), (8, 8));
            check_bucket(&desk, 8);
            wakes.store(true, Ordering::SeqCst);
        };
        let takeover = tokio::time::timeout(Duration::from_secs(60), takeover);
        let both = async { tokio::join!(crawl_with(&old, &first, Some(4)), takeover) };
        let (ended, taken) = tokio::time::timeout(Duration::from_secs(90), both).await.expect("it ends");
        taken.expect("it must hang");
        let error = ended.unwrap_err();
        assert!(error.to_string().contains("another program writes"), "{what}: {error}");
        check_bucket(&desk, 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_knows_no_conditions_is_crawled_into_all_the_same() {
    let desk = Desk::new();
    let front = Front::start(&desk.url, |asked| match asked.has("if-match") || asked.has("if-none-match") {
        true => Fate::Refuse(501, "NotImplemented"),
        false => Fate::Pass,
    })
    .await;
    let mut source = Numbers::new(4, &desk.dir.path().join("root"));
    source.files = Box::new(|number| vec![(format!("files/{number}.bin"), vec![number as u8; 7 << 20])]);
    for pages in [2, 4] {
        let behind = machine(&desk, &source, &front.url, "receipts.jsonl");
        let (checkpoint, moved) = crawl_with(&behind, &source, Some(pages)).await.unwrap();
        assert_eq!((checkpoint.pages, moved.pages), (pages, pages));
    }
    assert!(front.count("PUT") > 8 && front.count("POST") > 4);
    check_pages(&desk, 4);
    assert_eq!(desk.stored()["crawl/files/4.bin"], vec![4; 7 << 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_through_though_an_error_was_told_is_no_other_machine() {
    let desk = Desk::new();
    let source = Numbers::new(6, &desk.dir.path().join("root"));
    // Every first answer to a manifest or checkpoint is lost on the way.
    let odd = AtomicBool::new(false);
    let front = Front::start(&desk.url, move |asked| {
        let tells = asked.method == "PUT"
            && (asked.target.contains("manifest") || asked.target.contains("checkpoint"));
        if tells && !odd.fetch_xor(true, Ordering::SeqCst) { Fate::Lose } else { Fate::Pass }
    })
    .await;
    for pages in [3, 6] {
        let behind = machine(&desk, &source, &front.url, "receipts.jsonl");
        let (checkpoint, moved) = crawl_with(&behind, &source, Some(pages)).await.unwrap();
        assert_eq!((checkpoint.pages, moved.pages), (pages, pages));
    }
    check_bucket(&desk, 6);
}
