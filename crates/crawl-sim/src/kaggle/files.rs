//! The files of datasets: names, sizes and contents, made when they are asked for.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Plant;
use super::archive::Content;
use super::meta;
use super::world::{META, PLANTED, Part, Stream, World};
use crate::dice::{Dice, hash};

/// Every fiftieth dataset has so many small files, for the pages of a listing.
pub(super) const MANY: u64 = 1200;

/// One file of a dataset.
pub(super) struct File {
    pub(super) path: String,
    pub(super) size: u64,
}

impl File {
    pub(super) fn kind(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, end)| end)
    }
}

/// The files of a plant, made once: with very many of them, each question would else go through all.
pub(super) struct Planted {
    files: Arc<[File]>,
    contents: HashMap<String, Content>,
}

impl Planted {
    pub(super) fn new(plant: &Plant) -> Self {
        let file = |(name, content): &(String, Content)| File { path: name.clone(), size: content.size() };
        // Of two with one name the first one counts.
        let contents = plant.files.iter().rev().cloned().collect();
        Self { files: plant.files.iter().map(file).collect(), contents }
    }
}

/// Of the generated datasets: the sum of all sizes.
pub(super) fn total(world: &World, index: u64) -> u64 {
    if index % 1000 < world.config.pile {
        return 4096;
    }
    let many = if index % 50 == 7 { MANY * 40 } else { 0 };
    let mut dice = world.dice(Part::Datasets, index, Stream::Files);
    many + 300 + dice.below(2000) + dice.heavy(5.0, 2)
}

/// In the order of listings.
pub(super) fn all(world: &World, index: u64) -> Arc<[File]> {
    let file = |path: &str, size: u64| File { path: path.into(), size };
    match index {
        META => {
            return meta::names()
                .map(|name| file(&format!("{name}.csv"), meta::length(world, name)))
                .collect();
        }
        0 => return showcase().into(),
        PLANTED.. => {
            return world.planted(index).map(|plant| plant.files.clone()).unwrap_or_default();
        }
        _ => {}
    }
    let mut files = Vec::new();
    let mut left = total(world, index);
    let mut take = |files: &mut Vec<File>, path: String, size: u64| {
        let size = size.min(left);
        left -= size;
        files.push(File { path, size });
    };
    let main = match index % 10 {
        0..5 => "train.csv",
        5 => "data.json",
        6 => "table.sqlite",
        7 => "rows.parquet",
        8 => "sub dir/données d'été.csv",
        _ => "100%25 of it.csv",
    };
    if index % 50 == 7 {
        for number in 0..MANY {
            take(&mut files, format!("parts/{:02}/part-{number:05}.csv", number % 20), 40);
        }
    }
    if index % 3 == 1 {
        take(&mut files, "README.md".into(), 180);
        take(&mut files, "deep/er/still/notes.txt".into(), 60);
    }
    if index % 1000 < world.config.hostile {
        for name in HOSTILE {
            take(&mut files, name.into(), 15);
        }
    }
    take(&mut files, main.into(), u64::MAX);
    files.into()
}

/// Names that must not reach a disk as they are.
const HOSTILE: [&str; 9] = [
    "../outside.csv",
    "/absolute.csv",
    "a/../../outside too.csv",
    "12:30:00.csv",
    "Clash.csv",
    "clash.csv",
    "con.csv",
    "trailing. ",
    "back\\slash.csv",
];

const GOOD: &str = "{\"a\": 1}\n";
/// Clients that take a file for an answer of the API fail on it.
const CONFIG: &str = "{\"code\": 500, \"message\": \"I am data, no error\"}\n";
const JSON_LINES: &str = "{\"a\":1}\n{\"a\":2}\n";

/// The first dataset has one of each kind.
fn showcase() -> Vec<File> {
    let file = |path: &str, size| File { path: path.into(), size };
    vec![
        file("train.csv", 2000),
        file("sub dir/x y.csv", 120),
        file("sub dir/deeper/z.csv", 90),
        file("big.csv", 60_000),
        file("blob.bin", 3 << 20),
        file("good.json", GOOD.len() as u64),
        file("cfg.json", CONFIG.len() as u64),
        file("lines.json", JSON_LINES.len() as u64),
    ]
}

/// As metadata describes them.
pub(super) fn columns(file: &File) -> Value {
    match file.kind() {
        "csv" => json!([
            {"name": "id", "description": "the number of the row", "type": "Numeric"},
            {"name": "value", "description": "", "type": "Numeric"},
        ]),
        _ => json!([]),
    }
}

/// Exactly as long as the listing says; another version has other bytes.
pub(super) fn content(world: &World, index: u64, version: u64, file: &File) -> Content {
    if let Some(plant) = world.planted(index) {
        return plant.contents.get(&file.path).cloned().unwrap_or(Content::Zeros(0));
    }
    match (index, file.path.as_str()) {
        (0, "good.json") => return GOOD.into(),
        (0, "cfg.json") => return CONFIG.into(),
        (0, "lines.json") => return JSON_LINES.into(),
        _ => {}
    }
    let mut dice = Dice::new(world.config.seed ^ hash(&file.path), index << 16 | version);
    let size = file.size as usize;
    let mut bytes = Vec::with_capacity(size + 80);
    match file.kind() {
        "csv" | "md" | "txt" => lines(&mut bytes, &mut dice, size),
        "json" => json_text(&mut bytes, &mut dice, size),
        _ => {
            while bytes.len() < size {
                bytes.extend_from_slice(&dice.next().to_le_bytes());
            }
            bytes.truncate(size);
        }
    }
    bytes.into()
}

fn lines(bytes: &mut Vec<u8>, dice: &mut Dice, size: usize) {
    bytes.extend_from_slice(b"id,value,word\n");
    let mut number = 0;
    while bytes.len() < size {
        number += 1;
        // A Vec takes every write.
        let _ = writeln!(
            bytes,
            "{number},{:.4},{}",
            dice.share() * 100.0,
            dice.pick(&["reef", "gull", "\"a, b\""])
        );
    }
    bytes.truncate(size);
    if let Some(last) = bytes.last_mut() {
        *last = b'\n';
    }
}

/// One array, whole, padded with spaces.
fn json_text(bytes: &mut Vec<u8>, dice: &mut Dice, size: usize) {
    bytes.push(b'[');
    while bytes.len() + 30 < size {
        let _ = write!(bytes, "{{\"v\":{}}},", dice.below(1000));
    }
    bytes.extend_from_slice(b"0]");
    bytes.resize(size, b' ');
}
