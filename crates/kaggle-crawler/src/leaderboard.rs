//! The CSV of a leaderboard download: the best hundred teams, read by the names of its columns.

use std::collections::HashSet;
use std::io::{Read, Seek};

use crawl_core::{Error, Kind, Result};
use serde::Serialize;
use serde_json::value::RawValue;
use zip::ZipArchive;

/// So many teams are kept.
pub const TOP: usize = 100;
/// A larger table is no leaderboard: those of 100,000 teams are not a quarter of it.
const MOST: u64 = 64 << 20;
/// A longer field is a quote that was never closed.
const LONGEST_FIELD: usize = 64 << 10;

/// One row, in the spelling of the final format. What is not known is null.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Standing {
    /// The place, from 1; teams may share one.
    pub rank: Option<u64>,
    /// The name of the team, as it was given.
    pub team: Option<String>,
    /// A number, digit by digit as Kaggle wrote it, where it is one that JSON knows; else the text.
    pub score: Option<Box<RawValue>>,
    /// How often the team submitted.
    pub submission_count: Option<u64>,
}

/// What a leaderboard told.
#[derive(Clone, Debug, Default)]
pub struct Leaderboard {
    /// The first [`TOP`] rows by rank; in the order of the table where it has no ranks.
    pub top: Vec<Standing>,
    /// All rows.
    pub rows: u64,
    /// Whether the table has ranks. Old ones have none, and the order of their rows means nothing that is known.
    pub ranked: bool,
    /// Whether a team has several rows, as in old tables that tell each of its better scores.
    pub repeats: bool,
}

/// Reads a leaderboard download: a zip with one CSV, whatever its name.
///
/// # Errors
/// [`Kind::Shape`] if it is no such zip, is damaged, or its table is not one of a leaderboard.
pub fn read_zip<R: Read + Seek>(zip: R) -> Result<Leaderboard> {
    let damaged =
        |cause: zip::result::ZipError| shape("the zip of the leaderboard is damaged").because(cause);
    let mut archive = ZipArchive::new(zip).map_err(damaged)?;
    let tables: Vec<usize> = (0..archive.len().min(1000))
        .filter(|index| {
            let name = archive.name_for_index(*index).and_then(|name| name.ok());
            name.is_some_and(|name| name.to_ascii_lowercase().ends_with(".csv"))
        })
        .collect();
    let [table] = *tables else {
        return Err(shape(format!("the zip of the leaderboard has {} tables, not one", tables.len())));
    };
    read_csv(archive.by_index(table).map_err(damaged)?)
}

/// Reads the table itself, with or without a byte order mark.
///
/// # Errors
/// As [`read_zip`].
pub fn read_csv(table: impl Read) -> Result<Leaderboard> {
    // One more than may come: so an end at the bound is told from a cut.
    let mut bounded = table.take(MOST + 1);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&mut bounded);
    let damaged = |cause: csv::Error| shape("the table of the leaderboard is damaged").because(cause);
    let columns = Columns::of(reader.byte_headers().map_err(damaged)?)?;
    let mut found = Leaderboard { ranked: columns.rank.is_some(), ..Leaderboard::default() };
    let mut teams = HashSet::new();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row).map_err(damaged)? {
        if row.iter().any(|field| field.len() > LONGEST_FIELD) {
            return Err(shape("a field of the leaderboard is not closed"));
        }
        if row.iter().all(<[u8]>::is_empty) {
            continue;
        }
        found.rows += 1;
        if let Some(id) = text(&row, columns.id) {
            found.repeats |= !teams.insert(id);
        }
        if found.ranked || found.top.len() < TOP {
            found.top.push(columns.standing(&row));
        }
        if found.top.len() >= 2 * TOP {
            found.cut();
        }
    }
    drop(reader);
    if bounded.limit() == 0 {
        return Err(shape(format!("the table of the leaderboard has more than {MOST} bytes")));
    }
    found.cut();
    Ok(found)
}

impl Leaderboard {
    fn cut(&mut self) {
        if self.ranked {
            // Rows without a rank go last; those with the same keep their order.
            self.top.sort_by_key(|row| row.rank.unwrap_or(u64::MAX));
        }
        self.top.truncate(TOP);
    }
}

/// Where the columns are that are read.
struct Columns {
    id: Option<usize>,
    rank: Option<usize>,
    team: Option<usize>,
    score: Option<usize>,
    count: Option<usize>,
}

impl Columns {
    fn of(header: &csv::ByteRecord) -> Result<Self> {
        let find = |name: &str| {
            header.iter().position(|column| column.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
        };
        let columns = Columns {
            id: find("TeamId"),
            rank: find("Rank"),
            team: find("TeamName"),
            score: find("Score"),
            count: find("SubmissionCount"),
        };
        if columns.team.is_none() || columns.score.is_none() {
            let header: String = String::from_utf8_lossy(header.as_slice()).chars().take(200).collect();
            return Err(shape(format!(
                "the table has no columns TeamName and Score: {}",
                header.escape_debug()
            )));
        }
        Ok(columns)
    }

    fn standing(&self, row: &csv::ByteRecord) -> Standing {
        let count = |at| text(row, at).and_then(|text| text.trim().parse().ok());
        Standing {
            rank: count(self.rank),
            team: text(row, self.team),
            score: text(row, self.score).and_then(|text| score(&text)),
            submission_count: count(self.count),
        }
    }
}

/// A field that is there and not empty.
fn text(row: &csv::ByteRecord, at: Option<usize>) -> Option<String> {
    let field = row.get(at?)?;
    (!field.is_empty()).then(|| String::from_utf8_lossy(field).into_owned())
}

/// A score as JSON: its own digits where they are a number in JSON, a number where it is written otherwise (`.5`), else
/// the text (`Infinity`, `1:02:03`).
pub fn score(text: &str) -> Option<Box<RawValue>> {
    let number = text.trim();
    if number.is_empty() {
        return None;
    }
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite());
    match value {
        Some(value) => {
            RawValue::from_string(number.to_owned()).or_else(|_| serde_json::value::to_raw_value(&value))
        }
        None => serde_json::value::to_raw_value(text),
    }
    .ok()
}

fn shape(what: impl Into<String>) -> Error {
    Error::new(Kind::Shape, what)
}
