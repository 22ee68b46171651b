//! Archives unpacked: what should land does, byte for byte.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use crawl_core::{Files, Kind};
use kaggle_crawler::unpack::{Limits, Target, Unpacked, unpack, unpack_each, unpack_single, was_zipped};
use zip::write::SimpleFileOptions;

/// A root, and an archive beside it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    pub(crate) target: Target,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::new(&Files::new(folder.path().join("root")), "dataset/o_s");
        Desk { folder, target }
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        let mut desk = Desk::new();
        desk.target.limits = limits;
        desk
    }

    pub(crate) fn archive(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("archive");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) async fn unpack(&self, bytes: &[u8]) -> crawl_core::Result<Unpacked> {
        unpack(&self.archive(bytes), &self.target).await
    }

    /// What is below the folder of the archive: paths and bytes.
    pub(crate) fn picture(&self) -> Vec<(String, Vec<u8>)> {
        fn walk(folder: &Path, base: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, base, found);
                } else {
                    let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
                    found.push((name, std::fs::read(&path).unwrap()));
                }
            }
        }
        let base = self.folder.path().join("root");
        let mut found = Vec::new();
        walk(&base, &base, &mut found);
        found.retain(|(name, _)| !name.ends_with("/.files") && !name.starts_with(".scratch/"));
        found.sort();
        found
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.picture().into_iter().map(|(name, _)| name).collect()
    }

    /// What is beside the root: the archive, and whatever escaped.
    pub(crate) fn outside(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar of these members; names go in unchecked.
pub(crate) fn tarred(members: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, body) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(body.len() as u64);
        header.set_mode(0o644);
        if !body.is_empty() || *kind == tar::EntryType::Regular {
            header.set_link_name("x").unwrap();
        } else {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

const FILE: tar::EntryType = tar::EntryType::Regular;

#[tokio::test]
async fn a_zip_lands_in_its_order_with_its_bytes_and_again_without_a_change() {
    let desk = Desk::new();
    let large: Vec<u8> = (0..300_000_u32).flat_map(|number| (number * 7919).to_le_bytes()).collect();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.add_directory("z", SimpleFileOptions::default()).unwrap();
    zip.start_file("z/large.bin", stored.large_file(true)).unwrap();
    zip.write_all(&large).unwrap();
    zip.start_file("a b/%20 ü😀.csv", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"1,2\n").unwrap();
    zip.start_file("empty", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    for _ in 0..2 {
        let unpacked = desk.unpack(&bytes).await.unwrap();
        assert!(unpacked.refused.is_empty(), "{:?}", unpacked.refused);
        let names: Vec<_> = unpacked.files.iter().map(|line| line.plain_name()).collect();
        assert_eq!(names, ["dataset/o_s/z/large.bin", "dataset/o_s/a b/%20 ü😀.csv", "dataset/o_s/empty"]);
        let picture = desk.picture();
        assert_eq!(picture.len(), 3);
        for line in &unpacked.files {
            let (_, bytes) = picture.iter().find(|(path, _)| *path == line.path).unwrap();
            assert_eq!(bytes.len() as u64, line.size);
        }
        assert!(picture.iter().any(|(_, bytes)| *bytes == large));
    }
}

#[tokio::test]
async fn a_tar_gz_of_several_members_with_long_names_lands() {
    let desk = Desk::new();
    let mut builder = tar::Builder::new(Vec::new());
    let long = format!("./folder/{}/{}.bin", "d".repeat(90), "f".repeat(150));
    for (name, body) in [("./model.json", &b"{}"[..]), (&long, b"long"), ("sub//./x", b"x")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(body.len() as u64);
        builder.append_data(&mut header, name, body).unwrap();
    }
    let tar = builder.into_inner().unwrap();
    let (one, two) = tar.split_at(700);
    let packed = [gz(one), gz(two)].concat();
    for bytes in [packed, tar] {
        let unpacked = desk.unpack(&bytes).await.unwrap();
        assert!(unpacked.refused.is_empty(), "{:?}", unpacked.refused);
        assert_eq!(unpacked.files.len(), 3);
        assert_eq!(desk.names().len(), 3);
        assert_eq!(unpacked.files[0].path, "dataset/o_s/model.json");
        assert_eq!(unpacked.files[1].plain_name(), long.replace("./", "dataset/o_s/"));
    }
}

#[tokio::test]
async fn names_that_differ_only_in_case_or_hold_a_colon_land_side_by_side() {
    let desk = Desk::new();
    let members: [(&str, &[u8]); 5] = [
        ("A.txt", b"1"),
        ("a.txt", b"2"),
        ("a.TXT", b"3"),
        ("l-2026-09-30T17:41:44.csv", b"4"),
        ("con", b"5"),
    ];
    let unpacked = desk.unpack(&zipped(&members)).await.unwrap();
    assert!(unpacked.refused.is_empty(), "{:?}", unpacked.refused);
    let mut lower: Vec<_> = desk.names().iter().map(|name| name.to_lowercase()).collect();
    lower.dedup();
    assert_eq!(lower.len(), 5);
    assert!(desk.names().iter().all(|name| !name.contains(':')));
    for ((name, _), line) in members.iter().zip(&unpacked.files) {
        assert_eq!(line.plain_name(), format!("dataset/o_s/{name}"));
    }
}

#[tokio::test]
async fn a_file_that_the_service_zipped_comes_out_under_its_own_name() {
    assert!(was_zipped("a/x y.csv", "/bucket/compressed/x%20y.csv.zip", b"PK\x03\x04"));
    assert!(was_zipped("x%20y.csv", "/bucket/a%2Fx%20y.csv.zip", b"PK\x03\x04"));
    assert!(!was_zipped("x.csv", "/bucket/x.csv.zip", b"a,b\n"));
    assert!(!was_zipped("x.zip", "/bucket/x.zip", b"PK\x03\x04"));
    assert!(!was_zipped("x.csv", "/bucket/x.csv", b"PK\x03\x04"));
    let desk = Desk::new();
    let archive = desk.archive(&zipped(&[("other name.csv", b"1,2\n")]));
    let line = unpack_single(&archive, "sub/x.csv", &desk.target).await.unwrap();
    assert_eq!((line.path.as_str(), line.size), ("dataset/o_s/sub/x.csv", 4));
    for wrong in [zipped(&[]), zipped(&[("a", b"1"), ("b", b"2")]), b"a,b\n".to_vec()] {
        let error = unpack_single(&desk.archive(&wrong), "y.csv", &desk.target).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{error:?}");
    }
    assert_eq!(desk.names(), ["dataset/o_s/sub/x.csv"]);
}

#[tokio::test]
async fn a_wish_to_stop_and_an_error_of_the_caller_end_it() {
    let desk = Desk::new();
    let archive = desk.archive(&zipped(&[("a", b"1"), ("b", b"2")]));
    let error =
        unpack_each(&archive, &desk.target, |_| Err(crawl_core::Error::new(Kind::Config, "no"))).await;
    assert_eq!(error.unwrap_err().kind(), Kind::Config);
    desk.target.stop.cancel();
    assert_eq!(unpack(&archive, &desk.target).await.unwrap_err().kind(), Kind::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_small_files_land() {
    let desk = Desk::new();
    let count = 5_000_u32;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..count {
        zip.start_file(format!("{}/{number}.txt", number % 50), SimpleFileOptions::default()).unwrap();
        zip.write_all(number.to_string().as_bytes()).unwrap();
    }
    let archive = desk.archive(&zip.finish().unwrap().into_inner());
    let counts = unpack_each(&archive, &desk.target, |_| Ok(())).await.unwrap();
    assert_eq!((counts.files, counts.refused), (u64::from(count), 0));
    assert_eq!(desk.names().len(), count as usize);
}

#[tokio::test]
async fn a_tar_with_members_of_the_old_continuous_kind_lands() {
    let desk = Desk::new();
    let bytes = tarred(&[("a", FILE, b"one"), ("b", tar::EntryType::Continuous, b"two")]);
    let unpacked = desk.unpack(&gz(&bytes)).await.unwrap();
    assert_eq!(unpacked.files.len(), 2);
}

#[tokio::test]
async fn members_beyond_the_disk_budget_wait_for_those_before_them() {
    let mut desk = Desk::new();
    desk.target.files = desk.target.files.clone().with_budget(64 << 10);
    let body = vec![7; 40 << 10];
    let names: Vec<String> = (0..40).map(|number| format!("{number}")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), body.as_slice())).collect();
    let unpacked =
        tokio::time::timeout(std::time::Duration::from_secs(60), desk.unpack(&zipped(&members))).await;
    assert_eq!(unpacked.unwrap().unwrap().files.len(), 40);
}
