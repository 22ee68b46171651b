//! Sorting records by a column, in bounded memory: sorted runs in temporary files, then one merge.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};

use crate::losses::visible;
use crate::select::Selection;
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
    /// The double that is nearest, and then the whole number that it is or has in it: so whole numbers that one double
    /// stands for keep apart, and all numbers have one order, however they are spelled.
    Number(f64, i128),
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
        let Some(float) = value.f64() else { return Key::Other(value.text().to_owned()) };
        // What is larger than any whole number here is the largest one; the doubles tell them apart.
        Key::Number(float, value.text().parse().unwrap_or(float as i128))
    }

    fn rank(&self) -> u8 {
        match self {
            Key::Null => 0,
            Key::Bool(_) => 1,
            Key::Number(..) => 2,
            Key::Text(_) => 3,
            Key::Other(_) => 4,
        }
    }

    fn order(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            (Key::Number(a, whole_a), Key::Number(b, whole_b)) => a.total_cmp(b).then(whole_a.cmp(whole_b)),
            (Key::Text(a), Key::Text(b)) | (Key::Other(a), Key::Other(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// The records of `supply` that are wanted, those with the smallest value of `by` first; those with the same one keep their order.
///
/// # Errors
/// [`Kind::Config`] if no record has such a member; [`Kind::Storage`] if the disk refuses; those of reading.
pub(crate) fn sorted(
    supply: &Supply,
    selection: Option<&Selection>,
    by: &str,
    folder: &Path,
    summary: &mut Summary,
) -> Result<Supply> {
    sorted_in(supply, selection, by, folder, summary, RUN)
}

fn sorted_in(
    supply: &Supply,
    selection: Option<&Selection>,
    by: &str,
    folder: &Path,
    summary: &mut Summary,
    run: usize,
) -> Result<Supply> {
    let fault = |cause| Error::io("cannot write a temporary file", folder, cause);
    let (mut runs, mut lines, mut bytes, mut records, mut found) = (Vec::new(), Vec::new(), 0, 0_u64, false);
    let mut left_out = 0;
    supply.read(summary, |record| {
        if selection.is_some_and(|selection| !selection.keeps(record)) {
            left_out += 1;
            return Ok(());
        }
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
    summary.left_out += left_out;
    if records > 0 && !found {
        let what = format!("no record has a member `{}` to sort by", visible(by));
        return Err(Error::new(Kind::Config, what).advise("name a column that is there, spelled as it is"));
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
        let sorted = sorted_in(&supply, None, "k", folder.path(), &mut Summary::default(), run).unwrap();
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

    #[test]
    fn the_order_of_all_values_is_one_order() {
        let mut values: Vec<String> = [
            "null",
            "true",
            "false",
            "\"\"",
            "\"1\"",
            "\"\\ud800\"",
            "[]",
            "[1]",
            "{}",
            "-0",
            "0",
            "0.0",
            "-0.0",
            "1e400",
            "-1e400",
            "1e-400",
            "1e39",
            "1e308",
            "170141183460469231731687303715884105727",
            "170141183460469231731687303715884105728",
            "-170141183460469231731687303715884105729",
            "9007199254740992.0",
            "9007199254740993.0",
            "18446744073709551616.0",
        ]
        .map(str::to_owned)
        .into();
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..60 {
            // Whole numbers around those from which a double stands for several, and doubles of them.
            let near = (1_i128 << rng.u32(50..70)) + i128::from(rng.i8(-3..4));
            values.push(near.to_string());
            values.push(format!("{:?}", near as f64));
        }
        let keys: Vec<_> = values
            .iter()
            .map(|value| Key::of(Raw::parse(format!("{{\"k\":{value}}}").as_bytes()).unwrap(), "k"))
            .collect();
        for (a, key_a) in keys.iter().enumerate() {
            for (b, key_b) in keys.iter().enumerate() {
                assert_eq!(key_a.order(key_b), key_b.order(key_a).reverse(), "{} {}", values[a], values[b]);
                for (c, key_c) in keys.iter().enumerate().filter(|_| key_a.order(key_b).is_le()) {
                    let holds = key_b.order(key_c).is_gt() || key_a.order(key_c).is_le();
                    assert!(holds, "{} <= {} <= {}", values[a], values[b], values[c]);
                    let same = key_a.order(key_b).is_ne() || key_a.order(key_c) == key_b.order(key_c);
                    assert!(same, "{} = {}, and {}", values[a], values[b], values[c]);
                }
            }
        }
    }

    #[test]
    fn numbers_are_in_order_whatever_their_form() {
        let values = [
            "9007199254740994",
            "9007199254740993",
            "9007199254740992.0",
            "9007199254740993.5e0",
            "-0",
            "1e400",
            "0.0",
        ];
        let found: Vec<_> = sort(&values, RUN)
            .iter()
            .map(|line| line[5..].split(",\"n\"").next().unwrap().to_owned())
            .collect();
        let expected = [
            "-0",
            "0.0",
            "9007199254740992.0",
            "9007199254740993",
            "9007199254740994",
            "9007199254740993.5e0",
            "1e400",
        ];
        assert_eq!(found, expected);
    }
}
