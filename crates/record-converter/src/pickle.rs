//! Reading Python pickles without executing anything.
//!
//! A pickle is a small program for a machine with a stack. The one here knows how to build plain containers, dates, and the
//! objects of `huggingface_hub` as their members; a name of anything else ends it with an error. Two passes: the first finds
//! which values are used a second time, so that the second keeps no others, and a list of objects is given out as it comes.

mod calls;
mod json;
mod machine;
mod names;
mod ops;
mod texts;
mod value;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use crawl_core::{Error, Kind, Result};

use crate::lines::{self, BadLine};
use crate::summary::Summary;
use crate::supply::cannot_open;
use machine::Machine;
use ops::{Op, Ops};

/// What is built of a pickle may take about so many bytes at once.
const MOST_HELD: u64 = 2 << 30;

/// What is wrong with a pickle.
#[derive(Debug)]
enum Fault {
    /// It cannot be read.
    Read(std::io::Error),
    /// It is damaged, too large, or no pickle.
    Damaged(String),
    /// It asks for something that is not done here.
    Refused(String),
    /// What a record was given to failed.
    Failed(Error),
}

/// Values that are used again: for the number of each, where it is used last.
type Uses = HashMap<u32, u64>;

/// Gives each object to `each`, as one line of JSON. What is no object is a bad line.
///
/// # Errors
/// [`Kind::Config`] if the file cannot be found or asks for what is not executed; [`Kind::Shape`] if it is no pickle or is
/// damaged; those of `each`.
pub(crate) fn read(
    path: &Path,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
    let mut file = BufReader::with_capacity(256 << 10, file);
    let mut number = 0;
    let mut give = |value: &value::Value| {
        number += 1;
        let mut lost = Vec::new();
        let line = match json::record(value, &mut lost) {
            Ok(line) => line,
            Err(why) => {
                summary.note_bad(BadLine { place: shown.clone(), line: number, why });
                return Ok(());
            }
        };
        for (key, why) in lost {
            summary.note_lost(|| (format!("{shown} object {number}, {key}"), why.into()));
        }
        summary.records_read += 1;
        each(&line).map_err(Fault::Failed)?;
        summary.records_written += 1;
        Ok(())
    };
    let told = |fault: Fault| {
        match fault {
        Fault::Read(cause) => lines::cannot_read(&shown, cause),
        Fault::Damaged(what) => Error::new(Kind::Shape, format!("the file is no pickle, or is damaged: {what}"))
            .at(&shown)
            .advise("get it again, and see that it is whole"),
        Fault::Refused(what) => Error::new(Kind::Config, format!("the pickle {what}")).at(&shown).advise(
            "nothing in a pickle is executed here, because it could be any program; if you trust the file, open it with \
             the Python program that wrote it and write JSON lines there",
        ),
        Fault::Failed(error) => error,
    }
    };
    let mut first = true;
    // Several pickles may stand one behind the other.
    while first || !file.fill_buf().map_err(|cause| told(Fault::Read(cause)))?.is_empty() {
        first = false;
        let begin = file.stream_position().map_err(|cause| told(Fault::Read(cause)))?;
        let uses = scan(&mut file).map_err(told)?;
        file.seek(SeekFrom::Start(begin)).map_err(|cause| told(Fault::Read(cause)))?;
        Machine::new(uses, MOST_HELD).run(Ops::new(&mut file), &mut give).map_err(told)?;
    }
    Ok(())
}

/// The first pass: reads to the end of one pickle.
fn scan(file: &mut impl BufRead) -> Result<Uses, Fault> {
    const MOST: usize = 16 << 20;
    let mut uses = Uses::new();
    let mut ops = Ops::new(file);
    while let Some(op) = ops.next()? {
        if let Op::Get(number) = op {
            uses.insert(number, ops.count());
            if uses.len() > MOST {
                return Err(Fault::Damaged(format!("it uses more than {MOST} values again")));
            }
        }
    }
    Ok(uses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many objects a pickle gives to a machine that holds `most` bytes, and what is wrong then.
    fn objects(bytes: &[u8], most: u64) -> (usize, Result<(), Fault>) {
        let uses = scan(&mut &bytes[..]).unwrap();
        let mut number = 0;
        let done = Machine::new(uses, most).run(Ops::new(bytes), &mut |_| {
            number += 1;
            Ok(())
        });
        (number, done)
    }

    fn text(letters: usize) -> Vec<u8> {
        [&b"X"[..], &u32::try_from(letters).unwrap().to_le_bytes(), &vec![b'x'; letters]].concat()
    }

    fn numbered(op: u8, number: u32) -> Vec<u8> {
        [&[op][..], &number.to_le_bytes()].concat()
    }

    /// Objects of a list, each made by `each`, and behind it uses of all that is kept.
    fn list(count: u32, each: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
        let objects: Vec<_> = (0..count).flat_map(|number| [each(number), b"a".to_vec()].concat()).collect();
        let uses: Vec<_> =
            (0..count).flat_map(|number| [numbered(b'j', number), b"0".to_vec()].concat()).collect();
        [&b"]"[..], &objects, &uses, b"."].concat()
    }

    #[test]
    fn what_is_kept_counts_as_it_is_now_and_not_as_it_was_when_it_got_its_number() {
        let (most, count) = (400 << 10, 1000);
        let grown = |fill: &[u8]| {
            let fill = fill.to_vec();
            list(count, move |number| [b"}".to_vec(), numbered(b'r', number), fill.clone()].concat())
        };
        let a_text = [b"X\x01\0\0\0a".to_vec(), text(1000), b"s".to_vec()].concat();
        let a_list = [b"X\x01\0\0\0a]]](".to_vec(), text(500), text(500), b"eaas".to_vec()].concat();
        // One list outside of the objects, to which each object adds a text.
        let first = [b"]".to_vec(), numbered(b'r', 0), b"0".to_vec()].concat();
        let add = [numbered(b'j', 0), text(1000), b"a0}a".to_vec()].concat();
        let appended = [&b"]"[..], &first, &add.repeat(1000), &numbered(b'j', 0), b"0."].concat();
        for (name, bytes) in [("members", grown(&a_text)), ("nested", grown(&a_list)), ("appended", appended)]
        {
            let (given, done) = objects(&bytes, most);
            let fault = done.unwrap_err();
            assert!(matches!(&fault, Fault::Damaged(why) if why.contains("more than")), "{name}: {fault:?}");
            assert!((100..500).contains(&given), "{name}: {given}");
            let (given, done) = objects(&bytes, 4 << 20);
            assert!(given == 1000 && done.is_ok(), "{name}: {given} {done:?}");
        }
    }

    #[test]
    fn what_was_given_out_does_not_count_any_more() {
        // The list itself is kept, and one text that every object has.
        let object = [b"}h\x01".to_vec(), text(1000), b"sa".to_vec()].concat();
        let bytes = [&b"]q\0X\x01\0\0\0kq\x010"[..], &object.repeat(1000), b"h\x010h\x000."].concat();
        let (given, done) = objects(&bytes, 10 << 10);
        assert!(given == 1000 && done.is_ok(), "{given} {done:?}");
    }
}
