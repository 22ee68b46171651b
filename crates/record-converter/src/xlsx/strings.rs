//! The table of strings that cells share. A small one is held in memory, a large one in temporary files.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use quick_xml::events::Event;
use tempfile::SpooledTempFile;

use super::xml::Xml;
use super::{Fault, escapes};

/// So much text, and so many bytes of places, stay in memory.
const TEXT_IN_MEMORY: usize = 64 << 20;
const ENDS_IN_MEMORY: usize = 4 << 20;
/// The most bytes of the whole table. Excel itself must hold it in memory.
const MAX_TABLE: u64 = 4 << 30;

/// The shared strings of a workbook, by number.
pub(crate) struct Strings {
    text: SpooledTempFile,
    /// Where each string ends, after a 0 for the beginning of the first; 8 bytes each.
    ends: SpooledTempFile,
    count: u64,
    scratch: Vec<u8>,
}

impl Strings {
    /// No strings at all.
    pub(crate) fn none() -> Self {
        Strings {
            text: SpooledTempFile::new(0),
            ends: SpooledTempFile::new(0),
            count: 0,
            scratch: Vec::new(),
        }
    }

    /// Reads the table; temporary files lie in `folder`, or where the system has them.
    ///
    /// # Errors
    /// If the table is damaged or too large, or the disk refuses.
    pub(crate) fn read(mut xml: Xml<'_>, folder: Option<&Path>) -> Result<Self, Fault> {
        let spool = |most| match folder {
            Some(folder) => SpooledTempFile::new_in(most, folder),
            None => SpooledTempFile::new(most),
        };
        let mut text = BufWriter::new(spool(TEXT_IN_MEMORY));
        let mut ends = BufWriter::new(spool(ENDS_IN_MEMORY));
        ends.write_all(&0_u64.to_le_bytes())?;
        let (mut count, mut end) = (0, 0);
        let mut string = String::new();
        loop {
            match xml.next()? {
                Event::Start(element) if element.local_name().as_ref() == "si" => {}
                Event::Eof => break,
                _ => continue,
            }
            string.clear();
            xml.rich_text(&mut string)?;
            let string = escapes::decode(&string);
            text.write_all(string.as_bytes())?;
            end += string.len() as u64;
            ends.write_all(&end.to_le_bytes())?;
            count += 1;
            if end + count * 8 > MAX_TABLE {
                return Err(
                    format!("the table of shared strings is larger than {} GiB", MAX_TABLE >> 30).into()
                );
            }
        }
        let whole =
            |file: BufWriter<SpooledTempFile>| file.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(Strings { text: whole(text)?, ends: whole(ends)?, count, scratch: Vec::new() })
    }

    /// Appends string `number`, from 0; `false` if there is none.
    ///
    /// # Errors
    /// If the temporary files cannot be read.
    pub(crate) fn append(&mut self, number: u64, into: &mut String) -> io::Result<bool> {
        if number >= self.count {
            return Ok(false);
        }
        let mut ends = [0; 8];
        self.ends.seek(SeekFrom::Start(number * 8))?;
        self.ends.read_exact(&mut ends)?;
        let start = u64::from_le_bytes(ends);
        self.ends.read_exact(&mut ends)?;
        let length = u64::from_le_bytes(ends) - start;
        self.scratch.clear();
        self.text.seek(SeekFrom::Start(start))?;
        (&mut self.text).take(length).read_to_end(&mut self.scratch)?;
        into.push_str(std::str::from_utf8(&self.scratch).map_err(io::Error::other)?);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_in_memory_and_in_files() {
        let rows = 600_000;
        let part = "<si><t>a</t></si><si><t>_x0042_</t></si><si/>".repeat(rows / 3);
        let xml = Xml::new(part.as_bytes()).unwrap();
        let mut strings = Strings::read(xml, None).unwrap();
        assert!(strings.ends.is_rolled() && !strings.text.is_rolled());
        for (number, expected) in [(0, "a"), (1, "B"), (2, ""), (rows as u64 - 2, "B")] {
            let mut text = String::new();
            assert!(strings.append(number, &mut text).unwrap());
            assert_eq!(text, expected);
        }
        assert!(!strings.append(rows as u64, &mut String::new()).unwrap());
    }
}
