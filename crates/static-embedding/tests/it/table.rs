//! The file of a table: what is read, and what is refused.

use sha2::{Digest, Sha256};
use static_embedding::Table;

const SHIPPED: &[u8] = include_bytes!("../../data/minilm-256.table");

/// A small table by the documented form: pieces with scale and row.
fn written(dimension: usize, pieces: &[(&str, f32, &[i8])]) -> Vec<u8> {
    let spelled: String = pieces.iter().map(|(piece, ..)| format!("{piece}\n")).collect();
    let mut bytes = b"GLEANEMB".to_vec();
    for number in [1, dimension, pieces.len(), spelled.len()] {
        bytes.extend((number as u32).to_le_bytes());
    }
    bytes.extend(spelled.bytes());
    pieces.iter().for_each(|(_, scale, _)| bytes.extend(scale.to_le_bytes()));
    pieces.iter().for_each(|(_, _, row)| bytes.extend(row.iter().map(|&cell| cell as u8)));
    signed(bytes)
}

fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum);
    bytes
}

fn unsigned(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 32].to_vec()
}

fn small() -> Vec<u8> {
    written(
        2,
        &[("[UNK]", 0.0, &[0, 0]), ("red", 0.5, &[6, 8]), ("car", 1.0, &[0, -100]), ("##s", 1.0, &[4, 0])],
    )
}

fn refusal(bytes: Vec<u8>) -> String {
    Table::read(bytes).err().map(|error| error.to_string()).expect("refused")
}

#[test]
fn a_vector_is_the_sum_of_rows_times_scales_brought_to_length_one() {
    let table = Table::read(small()).unwrap();
    assert_eq!(table.dimension(), 2);
    assert_eq!(table.embed("Red").vector, [0.6, 0.8]);
    let cars = table.embed("red CARS");
    // (3, 4) + (0, -100) + (4, 0)
    let length = (49.0_f32 + 96.0 * 96.0).sqrt();
    assert!(
        (cars.vector[0] - 7.0 / length).abs() < 1e-6 && (cars.vector[1] + 96.0 / length).abs() < 1e-6,
        "{cars:?}"
    );
    assert_eq!((cars.known, cars.words), (1, 2), "`cars` is pieces only");
}

#[test]
fn the_shipped_table_is_the_one_whose_hash_is_written_down() {
    let notice = include_str!("../../NOTICE");
    let table = Table::shipped().unwrap();
    assert_eq!(table.dimension(), 256);
    assert!(notice.contains(table.digest()), "{}", table.digest());
    let file: String = Sha256::digest(SHIPPED).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(notice.contains(&file), "{file}");
}

#[test]
fn another_table_has_another_digest() {
    let other = written(2, &[("[UNK]", 0.0, &[0, 0]), ("red", 0.5, &[6, 9])]);
    assert_ne!(Table::read(small()).unwrap().digest(), Table::read(other).unwrap().digest());
}

#[test]
fn what_is_no_table_is_refused_with_what_to_do() {
    for bytes in [
        &b""[..],
        b"GLEANEMB",
        b"PK\x03\x04 and much more that is no table of vectors at all ...............",
    ] {
        let error = Table::read(bytes).expect_err("refused");
        assert!(error.to_string().contains("no table of vectors"), "{error}");
        assert!(error.advice().contains("just static-embedding"), "{}", error.advice());
    }
}

#[test]
fn a_changed_byte_a_cut_and_more_behind_the_end_are_refused() {
    let whole = small();
    for at in 24..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(refusal(changed).contains("SHA-256"), "byte {at}");
    }
    for length in 0..whole.len() {
        refusal(whole[..length].to_vec());
    }
    assert!(refusal([&whole[..], b"x"].concat()).contains("bytes where"));
}

#[test]
fn a_header_that_lies_is_refused_before_anything_is_reserved() {
    for (at, number, expected) in [
        (8, 2, "version is 2"),
        (12, 0, "0 dimensions"),
        (12, u32::MAX, "dimensions"),
        (16, 0, "0 pieces"),
        (16, u32::MAX, "pieces"),
        (20, u32::MAX, "bytes where"),
    ] {
        let mut bytes = unsigned(&small());
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        let told = refusal(signed(bytes));
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_vocabulary_and_scales_that_cannot_be_are_refused() {
    assert!(refusal(written(1, &[("red", 1.0, &[1])])).contains("[UNK]"));
    assert!(refusal(written(1, &[("[UNK]", 0.0, &[0]), ("red\nblue", 1.0, &[1])])).contains("3 pieces of 2"));
    for scale in [f32::NAN, f32::INFINITY, -1.0, 1e30] {
        assert!(refusal(written(1, &[("[UNK]", scale, &[0])])).contains("scale"), "{scale}");
    }
    let mut bytes = unsigned(&small());
    bytes[24] = 0xff;
    assert!(refusal(signed(bytes)).contains("UTF-8"));
}
