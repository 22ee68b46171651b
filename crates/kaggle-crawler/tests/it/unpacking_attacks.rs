//! Archives that attack: each attack is tried, and the innocent members beside it land where that is safe.

use std::io::{Cursor, Write};

use crawl_core::Kind;
use kaggle_crawler::unpack::Limits;
use tar::EntryType;
use zip::write::SimpleFileOptions;

use crate::unpacking::{Desk, gz, tarred, zipped};

const FILE: EntryType = EntryType::Regular;

fn reasons(refused: &[(String, crawl_core::Error)]) -> Vec<(&str, Kind)> {
    refused.iter().map(|(name, error)| (name.as_str(), error.kind())).collect()
}

/// Names that lead elsewhere.
const ESCAPES: [&str; 6] = ["../evil", "a/../../evil", "/evil", "//evil", "..", "a/.."];

#[tokio::test]
async fn names_that_lead_out_of_the_folder_are_refused_and_the_others_land() {
    let mut members: Vec<(&str, &[u8])> = ESCAPES.iter().map(|name| (*name, &b"evil"[..])).collect();
    members.push(("good", b"good"));
    let as_tar: Vec<_> = members.iter().map(|(name, bytes)| (*name, FILE, *bytes)).collect();
    for bytes in [zipped(&members), gz(&tarred(&as_tar))] {
        let desk = Desk::new();
        let unpacked = desk.unpack(&bytes).await.unwrap();
        let expected: Vec<_> = ESCAPES.iter().map(|name| (*name, Kind::Denied)).collect();
        assert_eq!(reasons(&unpacked.refused), expected);
        assert_eq!(desk.picture(), [("dataset/o_s/good".to_owned(), b"good".to_vec())]);
        assert_eq!(desk.outside(), ["archive", "root"]);
    }
    // What leads out of a folder elsewhere is a plain name here.
    let desk = Desk::new();
    let unpacked =
        desk.unpack(&zipped(&[("..\\evil", b"1"), ("C:\\evil", b"2"), ("a\0b", b"3")])).await.unwrap();
    assert_eq!(unpacked.files.len(), 3, "{:?}", unpacked.refused);
    assert_eq!(desk.outside(), ["archive", "root"]);
    assert!(desk.names().iter().all(|name| !name.contains(['\\', ':', '\0'])));
}

#[tokio::test]
async fn links_and_devices_of_a_tar_are_refused_and_nothing_goes_through_them() {
    let desk = Desk::new();
    let bytes = tarred(&[
        ("link", EntryType::Symlink, b""),
        ("link/through", FILE, b"through"),
        ("hard", EntryType::Link, b""),
        ("null", EntryType::Char, b""),
        ("disk", EntryType::Block, b""),
        ("pipe", EntryType::Fifo, b""),
        ("odd", EntryType::new(b'Q'), b"odd"),
        ("good", FILE, b"good"),
    ]);
    let unpacked = desk.unpack(&gz(&bytes)).await.unwrap();
    let names: Vec<_> = unpacked.refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["link", "hard", "null", "disk", "pipe", "odd"]);
    assert_eq!(desk.names(), ["dataset/o_s/good", "dataset/o_s/link/through"]);
    assert!(!desk.target.files.root().join("dataset/o_s/link").is_symlink());
}

#[tokio::test]
async fn links_devices_and_encrypted_members_of_a_zip_are_refused() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    zip.start_file("good", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"good").unwrap();
    zip.start_file("secret", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"secret").unwrap();
    zip.start_file("device", SimpleFileOptions::default()).unwrap();
    let mut bytes = zip.finish().unwrap().into_inner();
    let heads: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    // The flag of encryption, and the kind of the mode, in the directory's entries.
    bytes[heads[2] + 8] |= 1;
    bytes[heads[3] + 38..heads[3] + 42].copy_from_slice(&(0o060_644_u32 << 16).to_le_bytes());
    let desk = Desk::new();
    let unpacked = desk.unpack(&bytes).await.unwrap();
    let expected = [("link", Kind::Denied), ("secret", Kind::Denied), ("device", Kind::Denied)];
    assert_eq!(reasons(&unpacked.refused), expected);
    assert_eq!(desk.names(), ["dataset/o_s/good"]);
}

#[tokio::test]
async fn a_bomb_by_ratio_total_or_count_ends_it() {
    let zeros = vec![0; 4 << 20];
    let bomb = zipped(&[("first", b"1"), ("zeros", &zeros)]);
    let tar = gz(&tarred(&[("first", FILE, b"1"), ("zeros", FILE, &zeros)]));
    let by_ratio = Limits { ratio: 10, free: 1 << 20, ..Limits::default() };
    let by_total = Limits { bytes: 1 << 20, ..Limits::default() };
    let by_count = Limits { members: 1, ..Limits::default() };
    for limits in [by_ratio, by_total, by_count] {
        let desk = Desk::limited(limits);
        let error = desk.unpack(&bomb).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{error:?}");
        // A zip tells it before its first file.
        assert!(desk.names().is_empty(), "{limits:?}");
        let desk = Desk::limited(limits);
        assert_eq!(desk.unpack(&tar).await.unwrap_err().kind(), Kind::Shape);
        assert!(desk.picture().iter().all(|(_, bytes)| bytes.len() < 2), "{limits:?}");
    }
    // Neither lost nor a bomb: one that is too large for the user.
    for bytes in [&bomb, &tar] {
        let desk = Desk::limited(Limits { member: 1 << 20, ..Limits::default() });
        let unpacked = desk.unpack(bytes).await.unwrap();
        assert_eq!(reasons(&unpacked.refused), [("zeros", Kind::Denied)]);
        assert_eq!(desk.names(), ["dataset/o_s/first"]);
    }
}

#[tokio::test]
async fn a_zip_that_says_it_is_small_gives_no_more_than_it_says() {
    let mut bytes = zipped(&[("zeros", &vec![0; 1 << 20]), ("good", b"good")]);
    let heads: Vec<_> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    bytes[heads[0] + 24..heads[0] + 28].copy_from_slice(&10_u32.to_le_bytes());
    let desk = Desk::new();
    let unpacked = desk.unpack(&bytes).await.unwrap();
    assert_eq!(reasons(&unpacked.refused), [("zeros", Kind::Shape)]);
    assert_eq!(desk.names(), ["dataset/o_s/good"]);
}

#[tokio::test]
async fn bombs_in_headers_behind_the_end_and_in_holes_end_it() {
    let limits = Limits { ratio: 10, free: 1 << 20, ..Limits::default() };
    let long_name =
        tarred(&[("././@LongLink", EntryType::GNULongName, &vec![b'a'; 8 << 20]), ("x", FILE, b"x")]);
    let behind = [tarred(&[("x", FILE, b"x")]), vec![0; 8 << 20]].concat();
    let mut sparse = tarred(&[("hole", EntryType::GNUSparse, b"")]);
    let header = tar::Header::from_byte_slice(sparse[..512].try_into().unwrap());
    let mut header = header.clone();
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(1 << 33);
    gnu.sparse[0].set_offset(1 << 33);
    gnu.sparse[0].set_length(0);
    header.set_cksum();
    sparse[..512].copy_from_slice(header.as_bytes());
    for (what, bytes) in [("long name", long_name), ("behind", behind), ("sparse", sparse)] {
        let desk = Desk::limited(limits);
        let error = desk.unpack(&gz(&bytes)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{what}: {error:?}");
        assert!(desk.picture().iter().all(|(_, bytes)| bytes.len() < 2), "{what}");
    }
}

#[tokio::test]
async fn a_zip_member_with_a_wrong_bit_is_refused_and_the_others_land() {
    let mut bytes = zipped(&[("bad", b"some words that are packed"), ("good", b"good")]);
    bytes[30 + 3 + 8] ^= 4;
    let desk = Desk::new();
    let unpacked = desk.unpack(&bytes).await.unwrap();
    assert_eq!(reasons(&unpacked.refused), [("bad", Kind::Shape)]);
    assert_eq!(desk.names(), ["dataset/o_s/good"]);
}

#[tokio::test]
async fn what_is_cut_or_damaged_is_an_error_and_no_file_is_half() {
    let words = b"words ".repeat(50_000);
    let zip = zipped(&[("a", &words), ("b", &words)]);
    let tar = tarred(&[("a", FILE, &words), ("b", FILE, &words)]);
    let packed = gz(&tar);
    let mut flipped = packed.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let mut tried: Vec<Vec<u8>> =
        vec![flipped, b"<Error><Code>ExpiredToken</Code></Error>".to_vec(), Vec::new()];
    for part in [1, 2, 3, 9] {
        tried.push(zip[..zip.len() * part / 10].to_vec());
        tried.push(packed[..packed.len() * part / 10].to_vec());
        tried.push(tar[..tar.len() * part / 10].to_vec());
    }
    tried.push(packed[..packed.len() - 4].to_vec());
    for bytes in tried {
        let desk = Desk::new();
        let error = desk.unpack(&bytes).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{} bytes: {error:?}", bytes.len());
        assert!(desk.picture().iter().all(|(_, found)| *found == words), "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn the_second_member_of_a_name_is_refused() {
    let zip = {
        let mut bytes = zipped(&[("aa", b"first"), ("ab", b"second")]);
        // Both the head and the directory's entry.
        for at in 0..bytes.len() - 1 {
            if bytes[at..].starts_with(b"ab") {
                bytes[at + 1] = b'a';
            }
        }
        bytes
    };
    let tar = gz(&tarred(&[("aa", FILE, b"first"), ("./aa", FILE, b"second")]));
    for bytes in [zip, tar] {
        let desk = Desk::new();
        let unpacked = desk.unpack(&bytes).await.unwrap();
        assert_eq!(unpacked.refused.len(), 1);
        assert_eq!(desk.picture(), [("dataset/o_s/aa".to_owned(), b"first".to_vec())]);
    }
}

#[tokio::test]
async fn names_of_any_bytes_and_depth_land_or_are_refused_one_by_one() {
    let deep = "d/".repeat(3000) + "x";
    let long = "l".repeat(60_000);
    let desk = Desk::new();
    let unpacked = desk.unpack(&zipped(&[(&deep, b"1"), (&long, b"2"), ("good", b"3")])).await.unwrap();
    assert_eq!(unpacked.files.len() + unpacked.refused.len(), 3);
    assert!(desk.names().contains(&"dataset/o_s/good".to_owned()));
}
