//! Files that pages name go to the bucket when they are done, before their page is committed.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::{Kind, Pump, Source, Stop, Store, Stored, pump};
use s3_uploader::{Account, Behind, Bucket, Job, Limits, Local, receipt};

use crate::crawling::{Numbers, check_bucket, check_pages, crawl, crawl_with, left};
use crate::desk::{Desk, bucket_at, bytes, limits, login, plan};
use crate::front::{Fate, Front};
use crate::shop::{Shop, sha256};

fn size_of(folder: &Path) -> u64 {
    sizes_of(folder, &mut HashSet::new())
}

/// What vanishes meanwhile has no size, and what gets another name meanwhile counts once.
fn sizes_of(folder: &Path, seen: &mut HashSet<u64>) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut size = |path: &Path| match path.metadata() {
        Ok(about) if about.is_dir() => sizes_of(path, seen),
        Ok(about) if seen.insert(about.ino()) => about.len(),
        _ => 0,
    };
    entries.map(|entry| size(&entry.path())).sum()
}

/// How often something was sent under a key.
fn receipts_of(desk: &Desk, key: &str) -> usize {
    let all = receipt::read(&desk.receipts()).unwrap();
    all.iter().filter(|receipt| receipt.key == key).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_files_are_larger_than_the_disk_budget_goes_through() {
    let desk = Desk::new();
    let mut source = Numbers::new(2, &desk.dir.path().join("root"));
    source.files = Box::new(|page| {
        let mut files: Vec<_> =
            (0..12).map(|n| (format!("files/{page}/{n}"), bytes(50_000, page * 100 + n))).collect();
        // This one alone is larger than the budget.
        files.push((format!("files/{page}/large"), bytes(600_000, page)));
        files
    });
    let slow = Limits { bandwidth: Some(4_000_000), ..limits() };
    let bucket = Bucket::new(&Account::at(&desk.url, login()), "bucket", slow).unwrap();
    let job = Job::new(bucket, plan("crawl/", true), &desk.receipts()).unwrap();
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), Some(200_000));
    let (most, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = std::thread::spawn({
        let (root, most, done) = (source.root.clone(), most.clone(), done.clone());
        move || {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(size_of(&root), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let pumped = async {
        let stop = Stop::new();
        let result = pump(&source, &behind, Pump::default(), &stop, |committed| {
            // A page is committed when its files are proven.
            for number in 0..12 {
                let key = format!("crawl/files/{}/{number}", committed.checkpoint.pages);
                assert_eq!(receipts_of(&desk, &key), 1, "{key}");
            }
        });
        let result = result.await;
        behind.end();
        result
    };
    let (pumped, moved) = tokio::join!(pumped, behind.run(source.id()));
    done.store(true, Ordering::SeqCst);
    watch.join().unwrap();
    assert_eq!(pumped.unwrap().totals.records, 2);
    // 13 files a page, the page and its list of files.
    assert_eq!((moved.unwrap().files, behind.waiting()), (2 * 15, (0, 0)));
    let stored = check_pages(&desk, 2);
    for file in stored.files(1).unwrap().into_iter().chain(stored.files(2).unwrap()) {
        let bytes = std::fs::read(stored.root().join(&file.path)).unwrap();
        assert_eq!(sha256(&bytes), file.sha256);
    }
    drop(behind);
    assert_eq!(left(&source.root).len(), 2, "checkpoint and manifest stay");
    let most = most.load(Ordering::SeqCst);
    assert!((600_000..660_000).contains(&most), "{most} bytes lay on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_wait_and_files_that_come_share_one_disk_budget() {
    let desk = Desk::new();
    let mut source = Numbers::new(4, &desk.dir.path().join("root")).padded(150_000);
    source.files = Box::new(|page| vec![(format!("files/{page}"), bytes(100_000, page))]);
    let (files, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (seen, largest, root) = (files.clone(), most.clone(), source.root.clone());
    let front = Front::start(&desk.url, move |asked| {
        if asked.method == "PUT" && asked.target.contains("/files/") && !asked.target.contains(".files") {
            seen.fetch_add(1, Ordering::SeqCst);
            largest.fetch_max(size_of(&root), Ordering::SeqCst);
        }
        if asked.method == "PUT" && asked.target.contains("page_00001.jsonl") {
            // The page stays here until the next file comes, or until it is clear that none does.
            tokio::task::block_in_place(|| {
                for _ in 0..100 {
                    std::thread::sleep(Duration::from_millis(10));
                    if seen.load(Ordering::SeqCst) > 1 {
                        break;
                    }
                }
            });
        }
        Fate::Pass
    })
    .await;
    let job = desk.job_by(&front.url, plan("crawl/", true));
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), Some(200_000));
    let crawled = tokio::time::timeout(Duration::from_secs(60), crawl_with(&behind, &source, None));
    let (checkpoint, moved) = crawled.await.expect("it ends").unwrap();
    assert_eq!((checkpoint.pages, moved.pages, files.load(Ordering::SeqCst)), (4, 4, 4));
    let most = most.load(Ordering::SeqCst);
    assert!((100_000..210_000).contains(&most), "{most} bytes lay on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_went_before_a_crash_is_neither_fetched_nor_sent_again() {
    let (whole, desk) = (Desk::new(), Desk::new());
    let mut shop = Shop::open();
    shop.crawl(&whole, &whole.dir.path().join("root")).await.unwrap();
    assert_eq!(shop.asked.swap(0, Ordering::SeqCst), 2);
    shop.breaks = true;
    let root = desk.dir.path().join("root");
    shop.crawl(&desk, &root).await.unwrap_err();
    assert!(desk.stored().contains_key("crawl/files/2.bin") && !root.join("files/2.bin").exists());
    assert!(!desk.stored().contains_key("crawl/test/shop/page_00002.jsonl"));
    // As if it had died before the receipt was on the disk, too.
    for without_receipt in [false, true] {
        if without_receipt {
            let text = std::fs::read_to_string(desk.receipts()).unwrap();
            let kept: String =
                text.split_inclusive('\n').filter(|line| !line.contains("files/2.bin")).collect();
            std::fs::write(desk.receipts(), kept).unwrap();
        }
        shop.crawl(&desk, &root).await.unwrap_err();
        assert_eq!(shop.asked.load(Ordering::SeqCst), 2);
    }
    shop.breaks = false;
    shop.crawl(&desk, &root).await.unwrap();
    assert_eq!(shop.asked.load(Ordering::SeqCst), 2, "nothing was fetched twice");
    assert_eq!((receipts_of(&desk, "crawl/files/1.bin"), receipts_of(&desk, "crawl/files/2.bin")), (1, 1));
    let without_claim = |desk: &Desk| {
        let mut all = desk.stored();
        all.remove("crawl/test/shop/writer").unwrap();
        all
    };
    let (undisturbed, disturbed) = (without_claim(&whole), without_claim(&desk));
    assert!(undisturbed.keys().eq(disturbed.keys()), "{:?} {:?}", undisturbed.keys(), disturbed.keys());
    assert!(undisturbed == disturbed, "the bytes differ");
}

#[tokio::test]
async fn what_was_seen_is_in_the_bucket_before_its_checkpoint_and_a_new_machine_goes_on_with_it() {
    let desk = Desk::new();
    let mut first = Numbers::new(6, &desk.dir.path().join("one"));
    first.moves = true;
    crawl(&desk, &first, Some(3), None).await.unwrap();
    let folder = desk.dir.path().join("s3/bucket/crawl/test/numbers");
    let written = |name: &str| folder.join(name).metadata().unwrap().modified().unwrap();
    assert!(written("seen.bin") <= written("checkpoint.json"));
    // Page 1 lists two numbers, each further one a new one and that of the page before.
    assert_eq!(std::fs::read(folder.join("seen.bin")).unwrap().len(), 16 * 4);
    // As if a machine had died between the two.
    let mut longer = std::fs::read(folder.join("seen.bin")).unwrap();
    longer.extend([7; 16]);
    std::fs::write(folder.join("seen.bin"), &longer).unwrap();
    let mut second = Numbers::new(6, &desk.dir.path().join("two"));
    second.moves = true;
    let end = crawl(&desk, &second, None, None).await.unwrap();
    assert_eq!((second.asked(), end.totals.records), (3, 7));
    assert_eq!(end.totals.dropped.get("seen before"), Some(&5), "{:?}", end.totals);
    assert_eq!(std::fs::read(folder.join("seen.bin")).unwrap().len(), 16 * 7);
    check_pages(&desk, 6);
    // Too short a one is not taken over: rows would come twice.
    std::fs::write(folder.join("seen.bin"), [7; 16]).unwrap();
    let mut third = Numbers::new(6, &desk.dir.path().join("three"));
    third.moves = true;
    let error = crawl(&desk, &third, None, None).await.unwrap_err();
    assert!(error.to_string().contains("seen.bin is shorter"), "{error}");
    assert!(!third.root.join("test/numbers/checkpoint.json").exists());
}

#[tokio::test]
async fn a_committed_file_that_was_changed_here_is_kept_and_not_sent() {
    let desk = Desk::new();
    let source = Numbers::new(3, &desk.dir.path().join("root"));
    source.crawl_alone(3).await;
    let file = source.root.join("files/2.bin");
    std::fs::write(&file, vec![9; 50_000]).unwrap();
    let error = crawl(&desk, &source, None, None).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.place()),
        (Kind::Storage, file.display().to_string().as_str()),
        "{error}"
    );
    assert!(file.is_file() && !desk.stored().contains_key("crawl/files/2.bin"));
    assert!(!desk.stored().contains_key("crawl/test/numbers/page_00002.jsonl"));
    // Put back, it goes.
    std::fs::write(&file, vec![2; 50_000]).unwrap();
    crawl(&desk, &source, None, None).await.unwrap();
    check_bucket(&desk, 3);
}

#[tokio::test]
async fn a_new_machine_replaces_no_file_that_a_committed_page_names() {
    let desk = Desk::new();
    let first = Numbers::new(4, &desk.dir.path().join("one"));
    crawl(&desk, &first, Some(2), None).await.unwrap();
    // It has no receipts of what the first one sent.
    std::fs::remove_file(desk.receipts()).unwrap();
    let mut second = Numbers::new(4, &desk.dir.path().join("two"));
    // Page 3 names the file of page 1, which the service has changed, and that of page 2, which it has not.
    second.files = Box::new(|page| match page {
        3 => vec![("files/1.bin".into(), b"changed".to_vec()), ("files/2.bin".into(), vec![2; 50_000])],
        _ => Vec::new(),
    });
    crawl(&desk, &second, None, None).await.unwrap();
    let stored = check_pages(&desk, 4);
    for number in 1..=3 {
        for file in stored.files(number).unwrap() {
            let bytes = std::fs::read(stored.root().join(&file.path)).unwrap();
            assert_eq!(sha256(&bytes), file.sha256, "page {number} names {}", file.path);
        }
    }
    let names: Vec<String> = stored.files(3).unwrap().into_iter().map(|file| file.path).collect();
    assert!(names[0].starts_with("files/1.bin@") && names[1] == "files/2.bin", "{names:?}");
    assert_eq!(desk.stored().keys().filter(|key| key.contains("files/2.bin")).count(), 1);
}

#[tokio::test]
async fn a_page_goes_whose_list_of_files_went_before_a_crash() {
    let desk = Desk::new();
    let source = Numbers::new(2, &desk.dir.path().join("root"));
    source.crawl_alone(2).await;
    let job = desk.job(plan("crawl/", true));
    for name in ["files/1.bin", "test/numbers/page_00001.files.jsonl"] {
        job.one(&Local::at(&source.root.join(name), name).unwrap()).await.unwrap();
    }
    drop(job);
    crawl(&desk, &source, None, None).await.unwrap();
    check_bucket(&desk, 2);
}

#[tokio::test]
async fn what_is_fetched_from_the_bucket_is_a_root_in_which_no_file_is_a_listing() {
    let desk = Desk::new();
    let mut source = Numbers::new(1, &desk.dir.path().join("root"));
    source.files = Box::new(|_| vec![("files/run/checkpoint.json".into(), b"{}".to_vec())]);
    crawl(&desk, &source, None, None).await.unwrap();
    let listings = Stored::everything(&desk.dir.path().join("s3/bucket/crawl")).unwrap();
    assert_eq!(listings.iter().map(ToString::to_string).collect::<Vec<_>>(), ["test/numbers"]);
}

/// A bucket whose server goes away when page 2 is asked for, and comes back after that time.
async fn with_outage(back_after: Option<Duration>) -> (tempfile::TempDir, Numbers, Behind) {
    let dir = tempfile::tempdir().unwrap();
    let objects = dir.path().join("s3");
    std::fs::create_dir_all(objects.join("bucket")).unwrap();
    let server = crawl_sim::S3::start(&objects, 0).unwrap();
    let url = server.url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let mut source = Numbers::new(3, &dir.path().join("root"));
    let server = Arc::new(Mutex::new(Some(server)));
    source.meanwhile = Box::new(move |number| {
        let (server, objects) = (server.clone(), objects.clone());
        if number == 2 {
            drop(server.lock().unwrap().take());
            std::thread::spawn(move || {
                let Some(time) = back_after else { return };
                std::thread::sleep(time);
                *server.lock().unwrap() = Some(crawl_sim::S3::start(&objects, port).unwrap());
            });
        }
    });
    let job = Job::new(bucket_at(&url), plan("crawl/", true), &dir.path().join("receipts.jsonl")).unwrap();
    let behind = Behind::new(Store::new(&source.root), job, source.settings(), None);
    (dir, source, behind)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_waits_while_the_bucket_is_out_of_reach_and_its_page_with_it() {
    let (dir, source, behind) = with_outage(Some(Duration::from_millis(500))).await;
    let (end, moved) = crawl_with(&behind, &source, None).await.unwrap();
    assert_eq!((end.pages, moved.pages, source.asked()), (3, 3, 3));
    assert!(dir.path().join("s3/bucket/crawl/files/2.bin").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_heard_by_a_file_that_waits_for_the_bucket() {
    let (_dir, source, behind) = with_outage(None).await;
    let stop = Stop::new();
    let asked = async {
        while source.asked() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.cancel();
        behind.stop();
    };
    let all = async {
        tokio::join!(pump(&source, &behind, Pump::default(), &stop, |_| {}), behind.run(source.id()), asked)
    };
    let (pumped, moved, ()) = tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!(pumped.unwrap().pages, 1);
    assert!(moved.unwrap().pages <= 1);
    assert!(!left(&source.root).iter().any(|name| name.contains("page_00002") || name.contains("2.bin")));
}
