//! Reading Avro, ours and that of others, into JSON lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crawl_core::{Error, Kind, Result};

use super::MAGIC;
use super::block::{Codec, MAX_BLOCK, too_large, unpack};
use super::decode::{Decoder, unzigzag};
use super::schema::Schema;
use crate::cell;
use crate::lines::{self, BadLine};
use crate::summary::Summary;
use crate::supply::cannot_open;

/// The header is no longer.
const MAX_HEADER: u64 = 64 << 20;
/// Rows without any byte: a block has no more of them.
const MAX_EMPTY: u64 = 1 << 20;

/// What is wrong with a file: its own fault, or the disk's.
enum Fault {
    Shape(String),
    Disk(io::Error),
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Shape("it is cut short".into()),
            _ => Fault::Disk(cause),
        }
    }
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Fault::Shape(what)
    }
}

impl From<&str> for Fault {
    fn from(what: &str) -> Self {
        Fault::Shape(what.into())
    }
}

/// Gives each row to `each`, as one line of JSON without its end.
///
/// # Errors
/// [`Kind::Config`] if the file cannot be found; [`Kind::Shape`] if it is no Avro or is damaged; [`Kind::Storage`] if it
/// cannot be read; those of `each`.
pub(crate) fn read(
    path: &Path,
    summary: &mut Summary,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|cause| cannot_open(path, cause))?;
    let place = path.display().to_string();
    let faulty = |fault: Fault| match fault {
        Fault::Disk(cause) => {
            Error::new(Kind::Storage, "cannot read the Avro file").at(&place).because(cause)
        }
        Fault::Shape(what) => Error::new(Kind::Shape, "the file is no Avro file, or is damaged")
            .at(&place)
            .advise("get it again, and see that it is whole")
            .because(what),
    };
    let mut file = BufReader::new(file);
    let header = Header::read(&mut file).map_err(faulty)?;
    let fields = header.schema.fields();
    summary.columns = fields.iter().filter(|field| !field.raw).count();
    let mut line = String::new();
    let mut number = 0;
    while let Some((rows, block)) = header.block(&mut file).map_err(faulty)? {
        let mut decoder = Decoder::new(&header.schema, &block);
        for _ in 0..rows {
            number += 1;
            let is_record = decoder.row(&mut line, |key, why| {
                summary.note_lost(|| (format!("{place} row {number}, {key}"), why.into()));
            });
            if is_record.map_err(|what| faulty(what.into()))? {
                if let Err(why) = lines::record(line.as_bytes()) {
                    summary.note_bad(BadLine { place: place.clone(), line: number, why });
                    continue;
                }
                // A line break between the parts of JSON that somebody put there must not break the line.
                if line.contains(['\n', '\r']) {
                    line = cell::compact(&line).into_owned();
                }
            }
            summary.records_read += 1;
            each(&line)?;
            summary.records_written += 1;
        }
        if !decoder.left.is_empty() {
            return Err(faulty("a block has more bytes than its rows".into()));
        }
    }
    Ok(())
}

/// What stands before the blocks.
struct Header {
    schema: Schema,
    codec: Codec,
    sync: [u8; 16],
}

impl Header {
    fn read(file: &mut impl BufRead) -> Result<Self, Fault> {
        let mut head = file.take(MAX_HEADER);
        if array::<4>(&mut head)? != *MAGIC {
            return Err("it does not begin as Avro does".into());
        }
        let mut schema = None;
        let mut codec = Codec::Null;
        loop {
            let mut count = long(&mut head)?;
            if count < 0 {
                long(&mut head)?;
                count = count.saturating_neg();
            }
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let key = sized(&mut head)?;
                let value = sized(&mut head)?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(Schema::read(&value)?),
                    b"avro.codec" => {
                        let name = || crate::losses::visible(&String::from_utf8_lossy(&value));
                        codec = Codec::named(&value).ok_or_else(|| {
                            format!(
                                "it is compressed with `{}`, not null, deflate, snappy or zstandard",
                                name()
                            )
                        })?;
                    }
                    _ => {}
                }
            }
        }
        let sync = array(&mut head)?;
        Ok(Header { schema: schema.ok_or("it has no schema")?, codec, sync })
    }

    /// The next block, unpacked, and how many rows are in it.
    fn block(&self, file: &mut impl BufRead) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let rows = u64::try_from(long(file)?).map_err(|_| "a block has no number of rows")?;
        let size = usize::try_from(long(file)?).map_err(|_| "a block has no size")?;
        if size > MAX_BLOCK {
            return Err(too_large().into());
        }
        let packed = exactly(file, size)?;
        if array::<16>(file)? != self.sync {
            return Err("a block does not end where it should".into());
        }
        let block = unpack(self.codec, packed)?;
        if rows > MAX_EMPTY.max(block.len() as u64) {
            return Err("a block has more rows than bytes".into());
        }
        Ok(Some((rows, block)))
    }
}

fn long(from: &mut impl Read) -> Result<i64, Fault> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = array(from)?;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(unzigzag(number));
        }
    }
    Err("a number is too long".into())
}

fn sized(from: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let size = usize::try_from(long(from)?).map_err(|_| "a text has no length")?;
    exactly(from, size)
}

/// So many bytes. Memory is taken for those that are there, whatever the file says.
fn exactly(from: &mut impl Read, size: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    from.take(size as u64).read_to_end(&mut bytes)?;
    if bytes.len() == size { Ok(bytes) } else { Err("it is cut short".into()) }
}

fn array<const N: usize>(from: &mut impl Read) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
