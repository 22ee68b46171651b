//! Archives of many files, and one that is larger than any disk here. `GLEANER_SMALL_FILES` makes the first one as
//! large as it gets (100000), for which a build with `--release` saves minutes.
#![allow(clippy::disallowed_methods)]

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crawl_sim::{Content, Kaggle as Double, KaggleConfig, Plant, S3};
use serde_json::Value;

use crate::archives::dataset;
use crate::archives_kept::lies;
use crate::shop::{double, program, rows, tree};

const GIB: u64 = 1 << 30;

/// Ends, and how much memory it took at most, in KiB.
fn watched(command: &mut Command, mut look: impl FnMut()) -> (Child, u64) {
    let (mut child, mut most) = (command.spawn().unwrap(), 0);
    while child.try_wait().unwrap().is_none() {
        let told = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        most = most.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0));
        look();
        std::thread::sleep(Duration::from_millis(10));
    }
    (child, most)
}

fn small(at: u64) -> Vec<u8> {
    format!("id,value\n{at},{}\n", at.wrapping_mul(2_654_435_761) % 1_000_003).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_very_many_small_files_gives_all_of_them_in_little_memory() {
    let count = std::env::var("GLEANER_SMALL_FILES").map_or(1_000, |text| text.parse::<u64>().unwrap());
    let name = |at: u64| format!("{:03}/row-{at:06}.csv", at % 100);
    let plant = (0..count).fold(Plant::dataset("ann/many"), |plant, at| plant.file(&name(at), small(at)));
    let double = double(KaggleConfig { datasets: 1, plants: vec![plant], ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let (child, most) = watched(program(&double, root.path()).arg("ann/many"), || {});
    let seconds = began.elapsed().as_secs_f64();
    println!("{count} files: {} MiB at most, {seconds:.1} s, {} requests", most >> 10, double.count());
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(double.seen().iter().filter(|seen| seen.kind == "resolve").count(), 1, "one archive");
    let found = dataset(root.path());
    assert_eq!(found.len() as u64, count);
    for at in 0..count {
        let path = std::path::Path::new("ann_many").join(name(at));
        assert!(found[&path] == small(at), "{}", path.display());
    }
    let row = &rows(root.path(), "meta_data")[0];
    assert_eq!(row["File Explorer"].as_array().unwrap().len() as u64, count);
    assert!(row.get("FilesLeftOut").is_none());
    // A page's rows and file lines are in memory until it is written: a KiB a file, and what the program takes anyway.
    assert!(most < (100 << 10) + count, "{most} KiB");
}

/// Bytes that were asked for by Range, and how many requests did.
fn ranges(double: &Double, size: u64) -> (u64, usize) {
    let seen = double.seen();
    let asked = seen.iter().filter(|seen| seen.origin == "cdn").filter_map(|seen| seen.header("range"));
    let bytes: Vec<u64> = asked
        .map(|range| match range.trim_start_matches("bytes=").split_once('-').unwrap() {
            ("", last) => last.parse().unwrap(),
            (from, to) => to.parse::<u64>().unwrap_or(size) - from.parse::<u64>().unwrap() + 1,
        })
        .collect();
    (bytes.iter().sum(), bytes.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_zip_of_100_gib_under_a_budget_of_10_only_what_is_wanted_is_asked_for() {
    const WANTED: u64 = 48 << 20;
    let mut plant = Plant::dataset("ann/huge").file("README.md", "# huge\n");
    for at in 0..5 {
        // Nobody may write under such a name, so that nothing of it is wanted.
        plant = plant
            .file(&format!("../huge-{at}.bin"), Content::Zeros(20 * GIB))
            .file(&format!("part-{at}.bin"), Content::Noise(WANTED))
            .file(&format!("table-{at}.csv"), Content::Lines(1 << 20));
    }
    let double = double(KaggleConfig { datasets: 1, plants: vec![plant], ..KaggleConfig::default() }).await;
    let cloud = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(cloud.path().join("bucket")).unwrap();
    let bucket = S3::start(cloud.path(), 0).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut command = program(&double, root.path());
    command
        .args(["ann/huge", "--upload", "s3://bucket/crawl", "--disk-budget", "10GiB"])
        .env("AWS_ENDPOINT_URL", bucket.url())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let (began, mut lay) = (Instant::now(), 0);
    let (child, most) = watched(&mut command, || lay = lay.max(lies(root.path())));
    let seconds = began.elapsed().as_secs_f64();
    let (bytes, requests) = ranges(&double, 100 * GIB);
    println!(
        "{requests} ranges of {} MiB, {seconds:.1} s, {} MiB of memory, {} MiB on the disk",
        bytes >> 20,
        most >> 10,
        lay >> 20
    );
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let page = tree(&cloud.path().join("bucket/crawl/meta_data"));
    let page = page.iter().find(|(path, _)| path.ends_with("page_00001.jsonl")).unwrap().1;
    let row: Value = serde_json::from_slice(page).unwrap();
    let left_out: Vec<_> = row["FilesLeftOut"].as_array().unwrap().iter().collect();
    assert_eq!(left_out.len(), 5, "{left_out:?}");
    assert!(left_out.iter().all(|file| file["FileName"].as_str().unwrap().starts_with("../huge-")));
    let moved = tree(&cloud.path().join("bucket/crawl/dataset/ann_huge"));
    let sized = |size: u64| moved.values().filter(|bytes| bytes.len() as u64 == size).count();
    assert_eq!((sized(WANTED), sized(1 << 20), sized(7)), (5, 5, 1));
    assert!(dataset(root.path()).is_empty());
    // The packed sizes of what is wanted, and twice a piece of 8 MiB for each of the five that are passed over.
    assert!(bytes < 5 * (WANTED + (1 << 20)) + (100 << 20), "{bytes} bytes");
    assert!(requests < 60, "{requests} requests");
    assert!(most < 200 << 10, "{most} KiB");
}
