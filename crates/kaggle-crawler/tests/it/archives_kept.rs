//! Archives that are larger than the disk may hold, and archives whose program dies.

use std::path::Path;
use std::time::Duration;

use crawl_sim::{Content, KaggleConfig, Plant, S3};
use kaggle_crawler::Archives;
use kaggle_crawler::datasets::Select;

use crate::archives::{dataset, downloads, missing, run, with};
use crate::shop::{details, double, files, list, program, rows, tree};

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_of_an_archive_outlives_the_program_and_is_gone_on_with() {
    let double = with(&["cdn@1=cut", "cdn@2-8=reset"]).await;
    let root = tempfile::tempdir().unwrap();
    let out = run(&double, root.path(), &[]);
    assert_eq!(missing(root.path(), "meta_data").len(), 1, "{out:?}");
    let part = root.path().join("dataset/=archive.ann_one.zip.part");
    let come = part.metadata().unwrap().len();
    assert!(come > 100_000, "{come}");
    assert!(files(root.path(), "meta_data").is_empty());
    let mut tries = 0;
    let out = loop {
        let out = run(&double, root.path(), &["--retry-missing"]);
        tries += 1;
        if out.status.success() || tries > 8 {
            break out;
        }
    };
    assert!(out.status.success(), "{out:?}");
    let range = format!("bytes={come}-");
    assert!(double.seen().iter().any(|seen| seen.header("range") == Some(&range)), "{range}");
    assert!(!part.exists() && dataset(root.path()).len() == 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_larger_than_may_lie_here_is_read_by_range_and_never_lies_here() {
    let plant = (0..20).fold(Plant::dataset("ann/one"), |plant, at| {
        plant.file(&format!("{at}.bin"), Content::Zeros(1 << 20))
    });
    let config =
        KaggleConfig { datasets: 1, plants: vec![plant], link_uses: Some(2), ..KaggleConfig::default() };
    let double = double(config).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, "published", root.path()).await.unwrap();
    let select = Select { usability: 1.0, archives: Archives::within(4 << 20), ..Select::default() };
    details(&double, select, root.path()).await.unwrap();
    let row = rows(root.path(), "meta_data").into_iter().find(|row| row["Ref"] == "ann/one").unwrap();
    assert!(row.get("FilesLeftOut").is_none());
    let found = files(root.path(), "meta_data");
    let found = found.iter().filter(|(name, _)| name.starts_with("dataset/ann_one/"));
    assert_eq!(found.map(|(_, path)| path.metadata().unwrap().len()).collect::<Vec<_>>(), [1 << 20; 20]);
    let ranges =
        double.seen().into_iter().filter(|seen| seen.origin == "cdn" && seen.header("range").is_some());
    assert!(ranges.count() >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_within_a_small_disk_budget_moves_each_member_on_before_much_more_comes() {
    let budget: u64 = 16 << 20;
    let plant = (0..60).fold(Plant::dataset("ann/one"), |plant, at| {
        let mut bytes = vec![at as u8; 1 << 20];
        bytes[..8].copy_from_slice(&u64::from(at as u32).to_le_bytes());
        plant.file(
            &format!("{at}.bin"),
            if at % 2 == 0 { Content::Zeros((1 << 20) + at) } else { Content::from(bytes) },
        )
    });
    let double = double(KaggleConfig { datasets: 1, plants: vec![plant], ..KaggleConfig::default() }).await;
    let cloud = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(cloud.path().join("bucket")).unwrap();
    let bucket = S3::start(cloud.path(), 0).unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut child = program(&double, root.path())
        .args(["ann/one", "--upload", "s3://bucket/crawl", "--disk-budget", "16MiB"])
        .env("AWS_ENDPOINT_URL", bucket.url())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(lies(root.path()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let out = child.wait_with_output().unwrap();
    assert!(status.success(), "{out:?}");
    assert!(most > 0 && most <= budget, "{most} bytes lay on the disk");
    let moved = tree(&cloud.path().join("bucket/crawl/dataset/ann_one"));
    assert_eq!(moved.values().filter(|bytes| bytes.len() >= 1 << 20).count(), 60);
    assert_eq!(dataset(root.path()).len(), 0);
}

/// The bytes below a folder that changes meanwhile.
pub(crate) fn lies(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => lies(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_archives_killed_again_and_again_gives_the_same_rows_and_files() {
    let plants = (0..4).map(|number| {
        (0..12).fold(Plant::dataset(&format!("ann/d{number}")), |plant, at| {
            let mut state = number * 100 + at + 1;
            let noise = |_| {
                state = u64::wrapping_mul(state, 6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            plant.file(&format!("{at}.bin"), (0..200_000).map(noise).collect::<Vec<_>>())
        })
    });
    let config = KaggleConfig {
        datasets: 1,
        plants: plants.collect(),
        latency: Duration::from_millis(10),
        ..KaggleConfig::default()
    };
    let double = double(config).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["ann/d0", "ann/d1", "ann/d2", "ann/d3", "--rows-a-page", "4"];
    let began = std::time::Instant::now();
    assert!(program(&double, whole.path()).args(arguments).output().unwrap().status.success());
    let took = began.elapsed();
    assert_eq!(downloads(&double), 4);
    let mut within = 0;
    for kill in 0..16_u32 {
        let mut child = program(&double, root.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(took * (kill * 5 % 16 + 1) / 32);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut left = std::fs::read_dir(root.path().join("dataset")).into_iter().flatten().flatten();
        let archive = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("=archive");
        within += usize::from(left.any(archive));
    }
    assert!(within > 0, "it never died within an archive");
    assert!(program(&double, root.path()).args(arguments).output().unwrap().status.success());
    assert_eq!(rows(root.path(), "meta_data"), rows(whole.path(), "meta_data"));
    assert_eq!(dataset(root.path()).len(), 48);
    assert!(dataset(root.path()) == dataset(whole.path()), "a file differs");
}
