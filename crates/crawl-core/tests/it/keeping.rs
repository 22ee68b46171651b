//! Files that are made, work folders, the disk budget, and a sink that moves files on.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::files::{Budget, Digest, Files, Held, Keeper, Kept, Wanted};
use crawl_core::{FileLine, Kind, Stored};
use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use sha2::Digest as _;
use tempfile::TempDir;

use crate::fetching::{http, sha256, wanted};
use crate::origin::{Origin, good, made};
use crate::tables::picture;

const SIZE: u64 = 300_000;

fn names(root: &TempDir) -> Vec<String> {
    picture(root.path()).into_keys().collect()
}

#[tokio::test]
async fn bytes_that_were_made_get_a_name_and_are_never_replaced() {
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let one = files.put("f/a.txt", None, "one".into()).await.unwrap();
    assert_eq!((one.path.as_str(), one.size, &one.sha256), ("f/a.txt", 3, &sha256(b"one")));
    assert_eq!(files.put("f/a.txt", None, "one".into()).await.unwrap(), one);
    let two = files.put("f/a.txt", Some("0123456789ABCDEF"), "two".into()).await.unwrap();
    assert_eq!(two.path, "f/a.txt@0123456789ab");
    drop(files);
    assert_eq!(names(&root), ["f/.files", "f/a.txt", "f/a.txt@0123456789ab"]);
    assert_eq!(std::fs::read(root.path().join("f/a.txt")).unwrap(), b"one");
}

#[tokio::test]
async fn what_is_written_and_not_finished_does_not_stay() {
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let mut making = files.create("f/a.txt", None, 10).await.unwrap();
    making.write_all(b"12345").unwrap();
    drop(making);
    let mut making = files.create("f/a.txt", None, 10).await.unwrap();
    let error = making.write_all(b"12345678901").unwrap_err();
    let error = error.into_inner().unwrap().downcast::<crawl_core::Error>().unwrap();
    assert_eq!(error.kind(), Kind::Shape);
    drop(making);
    let line = tokio::task::spawn_blocking({
        let files = files.clone();
        // As a thread does that unpacks.
        move || {
            let runtime = tokio::runtime::Handle::current();
            let mut making = runtime.block_on(files.create("f/a.txt", Some("3"), 10)).unwrap();
            making.write_all(b"12345").unwrap();
            making.write_all(b"67890").unwrap();
            runtime.block_on(making.finish()).unwrap()
        }
    });
    assert_eq!(line.await.unwrap().size, 10);
    drop(files);
    assert_eq!(names(&root), ["f/.files", "f/a.txt"]);
}

#[tokio::test]
async fn a_work_folder_is_gone_with_its_owner_and_that_of_a_dead_process_at_the_next_start() {
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let scratch = files.scratch().unwrap();
    std::fs::write(scratch.path().join("x"), b"x").unwrap();
    // Another process that lives, and one that is dead.
    let other = Files::new(root.path());
    let others = other.scratch().unwrap();
    let dead = root.path().join(".scratch/1-dead");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("alive"), b"").unwrap();
    Files::new(root.path()).put("f/a", None, "a".into()).await.unwrap();
    assert!(!dead.exists() && others.path().is_dir() && scratch.path().is_dir());
    let path = scratch.path().to_path_buf();
    drop(scratch);
    assert!(!path.exists());
    drop((files, others, other));
    assert_eq!(names(&root), ["f/.files", "f/a"]);
    assert!(!root.path().join(".scratch").exists());
}

#[tokio::test]
async fn who_looks_for_listings_does_not_enter_a_folder_of_files() {
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    files.put("f/run/checkpoint.json", None, "{}".into()).await.unwrap();
    std::fs::create_dir_all(root.path().join("hf/datasets")).unwrap();
    std::fs::write(root.path().join("hf/datasets/checkpoint.json"), b"{}").unwrap();
    let sources: Vec<_> = Stored::sources(root.path()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["hf/datasets"]);
    // Nor is a listing hidden by a file.
    let error = files.put("hf/x", None, "x".into()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
}

/// A bucket as a sink keeps it.
#[derive(Clone, Default)]
struct Bucket {
    kept: Arc<Mutex<HashMap<String, Kept>>>,
    taken: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<u64>>>,
}

impl Bucket {
    fn files(&self, root: &TempDir) -> Files {
        let (known, asked, bucket) = (self.kept.clone(), self.asked.clone(), self.clone());
        let folder = root.path().to_path_buf();
        let take = move |line: FileLine| {
            let (bucket, folder) = (bucket.clone(), folder.clone());
            async move {
                let bytes = std::fs::read(folder.join(&line.path)).unwrap();
                let md5 = Some(HEXLOWER.encode(&Md5::digest(&bytes)));
                let kept = Kept { size: line.size, sha256: line.sha256, md5 };
                bucket.kept.lock().unwrap().insert(line.path.clone(), kept);
                std::fs::remove_file(folder.join(&line.path)).unwrap();
                bucket.taken.lock().unwrap().push(line.path);
                Ok(())
            }
        };
        Files::new(root.path()).with_keeper(Keeper::new(
            move |path| {
                let kept = known.lock().unwrap().get(&path).cloned();
                async move { Ok(kept) }
            },
            move |bytes| {
                asked.lock().unwrap().push(bytes);
                async { Ok(Box::new(()) as Held) }
            },
            take,
        ))
    }
}

#[tokio::test]
async fn a_file_that_was_moved_on_is_known_by_its_digests_and_by_what_answers_tell() {
    let md5 = BASE64.encode(&Md5::digest(made(1, 0, SIZE)));
    let origin = Origin::start(move |asked| {
        let answer = good(asked, SIZE, if asked.number < 5 { 1 } else { 2 });
        if asked.number == 2 { answer.with("x-goog-hash", &format!("md5={md5}")) } else { answer }
    });
    let (root, bucket) = (tempfile::tempdir().unwrap(), Bucket::default());
    let first = bucket.files(&root).fetch(&http(), &wanted(&origin)).await.unwrap();
    // Told by the answer, then known beforehand: nothing comes again.
    assert_eq!(bucket.files(&root).fetch(&http(), &wanted(&origin)).await.unwrap(), first);
    let digests = vec![Digest::Sha256(first.sha256.clone())];
    let known = Wanted { digests, ..wanted(&origin) };
    assert_eq!(bucket.files(&root).fetch(&http(), &known).await.unwrap(), first);
    assert_eq!(origin.asked().len(), 2);
    // Nothing is told: it comes, and is found to be the same.
    assert_eq!(bucket.files(&root).fetch(&http(), &wanted(&origin)).await.unwrap(), first);
    assert_eq!(*bucket.taken.lock().unwrap(), ["data/o/file.bin"]);
    // Other bytes do not take the place of those in the bucket.
    let _ = http().send(&origin.request()).await;
    let other = bucket.files(&root).fetch(&http(), &wanted(&origin)).await.unwrap();
    assert_eq!(other.path, format!("data/o/file.bin@{}", &other.sha256[..12]));
    assert_eq!(names(&root), ["data/.files"]);
    assert!(bucket.asked.lock().unwrap().iter().all(|bytes| *bytes == SIZE));
}

#[tokio::test]
async fn a_file_that_was_durable_and_not_moved_on_yet_is_moved_on() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    let (root, bucket) = (tempfile::tempdir().unwrap(), Bucket::default());
    let line = Files::new(root.path()).fetch(&http(), &wanted(&origin)).await.unwrap();
    let known = Wanted { digests: vec![Digest::Sha256(line.sha256.clone())], ..wanted(&origin) };
    assert_eq!(bucket.files(&root).fetch(&http(), &known).await.unwrap(), line);
    assert_eq!((bucket.taken.lock().unwrap().len(), origin.asked().len()), (1, 1));
}

#[tokio::test]
async fn files_under_way_keep_to_the_budget_and_a_larger_one_goes_alone() {
    let under_way = Arc::new(AtomicU64::new(0));
    let most = Arc::new(AtomicU64::new(0));
    let origin = Origin::start(|asked| {
        let mut answer = good(asked, SIZE, 1);
        answer.slow = Duration::from_millis(5);
        answer
    });
    let (root, http) = (tempfile::tempdir().unwrap(), http());
    let files = Files::new(root.path()).with_budget(SIZE - 1);
    let fetches = (0..4).map(|number| {
        // The size is known beforehand, or only from the answer.
        let size = (number % 2 == 0).then_some(SIZE);
        let wanted = Wanted { name: format!("data/{number}"), size, ..wanted(&origin) };
        let (files, http) = (files.clone(), http.clone());
        async move { files.fetch(&http, &wanted).await }
    });
    let watch = async {
        while files.progress().done < 4 {
            under_way.store(files.progress().arrived, Ordering::SeqCst);
            most.fetch_max(files.progress().arrived, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (lines, ()) = tokio::join!(futures::future::join_all(fetches), watch);
    assert!(lines.into_iter().all(|line| line.unwrap().size == SIZE));
    assert!(most.load(Ordering::SeqCst) <= SIZE, "two came at once: {most:?}");
}

#[tokio::test]
async fn a_budget_is_shared_out_in_the_order_of_asking() {
    let budget = Budget::new(1 << 20);
    let half = budget.room(1 << 19).await;
    let all = budget.room(u64::MAX);
    futures::pin_mut!(all);
    assert!(futures::poll!(&mut all).is_pending());
    let small = budget.room(1);
    futures::pin_mut!(small);
    assert!(futures::poll!(&mut small).is_pending(), "who came first is served first");
    drop(half);
    drop(all.await);
    small.await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_the_disk_cannot_hold_is_not_begun() {
    let origin =
        Origin::start(|asked| good(asked, SIZE, 1).with("content-length", &(u64::MAX / 4).to_string()));
    let root = tempfile::tempdir().unwrap();
    let error = Files::new(root.path()).fetch(&http(), &wanted(&origin)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Storage, "{error:?}");
    assert!(error.to_string().contains("bytes left"), "{error}");
}
