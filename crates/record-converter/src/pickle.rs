//! Reading Python pickles without executing anything.
//!
//! A pickle is a small program for a machine with a stack. The one here knows how to build plain containers, dates, and the
//! objects of `huggingface_hub` as their members; a name of anything else ends it with an error. Two passes: the first finds
//! which values are used a second time, so that the second keeps no others, and a list of objects is given out as it comes.

mod json;
mod machine;
mod names;
mod ops;
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
        Machine::new(uses).run(Ops::new(&mut file), &mut give).map_err(told)?;
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
