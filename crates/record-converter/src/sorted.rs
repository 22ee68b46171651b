//! Sorting records by a column, in bounded memory: sorted runs in temporary files, then one merge.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};

use crate::losses::visible;
use crate::summary::Summary;
use crate::supply::Supply;

/// A run ends at so many bytes of records.
const RUN: usize = 64 << 20;
/// So many runs are merged at a time.
const MOST_RUNS: usize = 64;

/// The value that a record is sorted by. The order is that of Parquet: null first, texts by their bytes.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Null,
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    /// A list or an object, by its text.
    Other(String),
}

impl Key {
    fn of(record: Raw<'_>, by: &str) -> Self {
        // Of a name that comes twice the last counts.
        let value = record.members().into_iter().flatten().filter(|(key, _)| key.is(by)).last();
        let Some((_, value)) = value.filter(|(_, value)| !value.is_null()) else { return Key::Null };
        if let Some(text) = value.str() {
            return Key::Text(text.into_owned());
        }
        if let Some(truth) = value.bool() {
            return Key::Bool(truth);
        }
        let text = value.text();
        match (text.parse::<i128>(), text.parse::<f64>()) {
            // Minus zero is a float.
            (Ok(whole), _) if text != "-0" => Key::Whole(whole),
            (_, Ok(float)) if !text.starts_with(['[', '{']) => Key::Float(float),
            _ => Key::Other(text.to_owned()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Null => 0,
            Key::Bool(_) => 1,
            Key::Whole(_) | Key::Float(_) => 2,
            Key::Text(_) => 3,
            Key::Other(_) => 4,
        }
    }

    fn order(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            (Key::Whole(a), Key::Whole(b)) => a.cmp(b),
            (Key::Float(a), Key::Float(b)) => a.total_cmp(b),
            (Key::Whole(a), Key::Float(b)) => (*a as f64).total_cmp(b),
            (Key::Float(a), Key::Whole(b)) => a.total_cmp(&(*b as f64)),
            (Key::Text(a), Key::Text(b)) | (Key::Other(a), Key::Other(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// The records of `supply`, those with the smallest value of `by` first; those with the same one keep their order.
///
/// # Errors
/// [`Kind::Config`] if no record has such a member; [`Kind::Storage`] if the disk refuses; those of reading.
pub(crate) fn sorted(supply: &Supply, by: &str, folder: &Path, summary: &mut Summary) -> Result<Supply> {
    sorted_in(supply, by, folder, summary, RUN)
}

fn sorted_in(supply: &Supply, by: &str, folder: &Path, summary: &mut Summary, run: usize) -> Result<Supply> {
    let fault = |cause| Error::io("cannot write a temporary file", folder, cause);
    let (mut runs, mut lines, mut bytes, mut records, mut found) = (Vec::new(), Vec::new(), 0, 0_u64, false);
    supply.read(summary, |record| {
        let key = Key::of(record, by);
        found |= key != Key::Null || record.get(by).is_some();
        records += 1;
        bytes += record.text().len() + size_of::<(Key, String)>();
        lines.push((key, record.text().to_owned()));
        if bytes >= run {
            bytes = 0;
            runs.push(write(&mut lines, folder).map_err(fault)?);
            if runs.len() == MOST_RUNS {
                let one = merge(&mut runs, by, folder)?;
                runs.push(one);
            }
        }
        Ok(())
    })?;
    if records > 0 && !found {
        return Err(Error::new(Kind::Config, format!("no record has a member `{}` to sort by", visible(by))));
    }
    runs.push(write(&mut lines, folder).map_err(fault)?);
    merge(&mut runs, by, folder).map(Supply::Spool)
}

/// Writes a run.
fn write(lines: &mut Vec<(Key, String)>, folder: &Path) -> std::io::Result<File> {
    lines.sort_by(|a, b| a.0.order(&b.0));
    let mut file = tempfile::tempfile_in(folder)?;
    let mut to = BufWriter::new(&mut file);
    for (_, line) in lines.drain(..) {
        to.write_all(line.as_bytes())?;
        to.write_all(b"\n")?;
    }
    to.flush()?;
    drop(to);
    Ok(file)
}

/// A run that is read, and its next record.
struct Run {
    file: BufReader<File>,
    key: Key,
    line: Vec<u8>,
}

impl Run {
    /// Whether there is another record.
    fn next(&mut self, by: &str) -> Result<bool> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        if read.map_err(|cause| Error::new(Kind::Storage, "cannot read a temporary file").because(cause))?
            == 0
        {
            return Ok(false);
        }
        self.key = Key::of(Raw::parse(&self.line)?, by);
        Ok(true)
    }
}

/// Makes one run of all.
fn merge(runs: &mut Vec<File>, by: &str, folder: &Path) -> Result<File> {
    let fault = |cause| Error::io("cannot write a temporary file", folder, cause);
    if runs.len() == 1 {
        return runs.pop().ok_or_else(|| Error::new(Kind::Storage, "a temporary file is gone"));
    }
    let mut open = Vec::new();
    for mut file in runs.drain(..) {
        file.rewind().map_err(fault)?;
        let mut run = Run { file: BufReader::new(file), key: Key::Null, line: Vec::new() };
        if run.next(by)? {
            open.push(run);
        }
    }
    let mut whole = tempfile::tempfile_in(folder).map_err(fault)?;
    let mut to = BufWriter::new(&mut whole);
    // The first of equal ones is that of the earliest run.
    while let Some(at) = (0..open.len()).min_by(|a, b| open[*a].key.order(&open[*b].key)) {
        to.write_all(&open[at].line).map_err(fault)?;
        if !open[at].next(by)? {
            open.remove(at);
        }
    }
    to.flush().map_err(fault)?;
    drop(to);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `k`, sorted in runs of so many bytes.
    fn sort(values: &[&str], run: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<_> =
            values.iter().enumerate().map(|(n, value)| format!("{{\"k\":{value},\"n\":{n}}}\n")).collect();
        let supply = Supply::spool(&mut lines.concat().as_bytes(), folder.path()).unwrap();
        let sorted = sorted_in(&supply, "k", folder.path(), &mut Summary::default(), run).unwrap();
        let mut found = Vec::new();
        let mut keep = |record: Raw<'_>| {
            found.push(record.text().to_owned());
            Ok(())
        };
        sorted.read(&mut Summary::default(), &mut keep).unwrap();
        found
    }

    #[test]
    fn records_are_sorted_and_equal_ones_keep_their_order_however_many_runs_it_takes() {
        let mut rng = fastrand::Rng::with_seed(9);
        let values: Vec<_> = (0..500).map(|_| rng.u8(0..50).to_string()).collect();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let mut expected: Vec<_> =
            values.iter().enumerate().map(|(n, value)| (value.parse::<u8>().unwrap(), n)).collect();
        expected.sort();
        let expected: Vec<_> =
            expected.iter().map(|(value, n)| format!("{{\"k\":{value},\"n\":{n}}}")).collect();
        for run in [1, 500, 10_000, RUN] {
            assert_eq!(sort(&values, run), expected, "{run}");
        }
    }

    #[test]
    fn values_of_several_types_have_an_order() {
        let values = [
            "{}",
            "\"b\"",
            "2",
            "\"a\"",
            "1.5",
            "true",
            "null",
            "-0",
            "0",
            "12345678901234567891",
            "12345678901234567890",
        ];
        let found: Vec<_> = sort(&values, RUN)
            .iter()
            .map(|line| line[5..].split(",\"n\"").next().unwrap().to_owned())
            .collect();
        let expected = [
            "null",
            "true",
            "-0",
            "0",
            "1.5",
            "2",
            "12345678901234567890",
            "12345678901234567891",
            "\"a\"",
            "\"b\"",
            "{}",
        ];
        assert_eq!(found, expected);
    }
}
