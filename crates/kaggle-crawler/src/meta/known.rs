//! What is known of numbered things, such as the names of users, on the disk: 16 bytes of memory a thing.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crawl_core::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Numbers of things that are looked for.
#[derive(Default)]
pub(crate) struct Wanted(Vec<u64>);

impl Wanted {
    pub(crate) fn add(&mut self, number: Option<u64>) {
        let Some(number) = number else { return };
        if self.0.len() == self.0.capacity() && self.0.len() > 1 << 16 {
            self.sort();
            // Without this, what is nearly full would be sorted again and again.
            self.0.reserve(self.0.len() / 2);
        }
        self.0.push(number);
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }
}

/// What is known of them: all is put first, then all is asked for.
pub(crate) struct Known {
    numbers: Vec<u64>,
    /// Where what is known of each lies, from 1; 0: nothing is known.
    places: Vec<u64>,
    end: u64,
    file: BufWriter<File>,
    path: PathBuf,
}

impl Known {
    pub(crate) fn new(path: &Path, mut wanted: Wanted) -> Result<Self> {
        wanted.sort();
        wanted.0.shrink_to_fit();
        let made = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let file = made.map_err(|cause| Error::io("cannot make the file", path, cause))?;
        Ok(Known {
            places: vec![0; wanted.0.len()],
            numbers: wanted.0,
            end: 0,
            file: BufWriter::with_capacity(1 << 18, file),
            path: path.into(),
        })
    }

    fn place(&self, number: Option<u64>) -> Option<usize> {
        self.numbers.binary_search(&number?).ok()
    }

    pub(crate) fn wants(&self, number: Option<u64>) -> bool {
        self.place(number).is_some()
    }

    /// Remembers what is known of a thing, if somebody looks for it; of several the first counts.
    pub(crate) fn put(&mut self, number: Option<u64>, value: &impl Serialize) -> Result<()> {
        let Some(place) = self.place(number).filter(|place| self.places[*place] == 0) else { return Ok(()) };
        let text = serde_json::to_vec(value).map_err(|cause| {
            Error::new(crawl_core::Kind::Storage, "cannot be written as JSON").because(cause)
        })?;
        let length = (text.len() as u32).to_le_bytes();
        self.file
            .write_all(&length)
            .and_then(|()| self.file.write_all(&text))
            .map_err(|cause| Error::io("cannot write the file", &self.path, cause))?;
        self.places[place] = self.end + 1;
        self.end += 4 + text.len() as u64;
        Ok(())
    }

    /// What is known of a thing; `None` if nothing is.
    pub(crate) fn get<T: DeserializeOwned>(&mut self, number: Option<u64>) -> Result<Option<T>> {
        let Some(at) = self.place(number).and_then(|place| self.places[place].checked_sub(1)) else {
            return Ok(None);
        };
        let failed = |cause| Error::io("cannot read the file", &self.path, cause);
        self.file.flush().map_err(failed)?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        // Most things are short: one read has them.
        let mut near = [0; 256];
        let have = usize::try_from((self.end - at).min(near.len() as u64)).unwrap_or(near.len());
        file.read_exact(&mut near[..have]).map_err(failed)?;
        let length = u32::from_le_bytes(std::array::from_fn(|byte| near[byte])) as usize;
        let mut text = near[4..have.min(4 + length)].to_vec();
        let got = text.len();
        text.resize(length, 0);
        file.read_exact(&mut text[got..]).map_err(failed)?;
        Ok(serde_json::from_slice(&text).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_and_what_nobody_looks_for_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted = Wanted::default();
        for number in (0..300_000).rev() {
            wanted.add(Some(number % 1000 * 2));
        }
        wanted.add(None);
        let mut known = Known::new(&folder.path().join("known"), wanted).unwrap();
        assert_eq!(known.numbers.len(), 1000);
        for number in 0..1500u64 {
            let text = "y".repeat(number as usize % 600);
            known.put(Some(number), &(number, text)).unwrap();
            known.put(Some(number), &"a second time").unwrap();
        }
        for number in (0..1500u64).rev() {
            let found: Option<(u64, String)> = known.get(Some(number)).unwrap();
            assert_eq!(
                found.map(|(number, text)| (number, text.len())),
                (number % 2 == 0).then_some((number, number as usize % 600))
            );
        }
        assert_eq!(known.get::<String>(Some(1998)).unwrap(), None);
        assert_eq!(known.get::<String>(None).unwrap(), None);
    }
}
