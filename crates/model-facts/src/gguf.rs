//! The header of a GGUF file: facts of the model, and its tensors counted by type.
//!
//! The file begins with `GGUF`, its version, the number of tensors and of facts (keys and values); then come the facts,
//! then the tensors. Whatever a file claims, nothing is set aside for it: what is not needed is passed over where it lies.

use std::collections::BTreeMap;

use crawl_core::Result;
use serde::{Deserialize, Serialize};

use crate::header::{Reading, broken};
use bytes::{Bytes, Stop};
pub use facts::{Facts, Numbers};

mod bytes;
mod facts;
pub(crate) mod types;

/// The longest header that is read. Vocabularies of 260,000 words with their merges need about 16 MB.
pub const LONGEST: u64 = 256 << 20;

/// More than any model has; the largest have some thousands.
const MOST_TENSORS: u64 = 1_000_000;
const MOST_FACTS: u64 = 100_000;
const MOST_DIMENSIONS: u32 = 8;
const LONGEST_NAME: u64 = 65_535;

/// Whether a path names a GGUF file that holds a language model. Others lie beside it: what lets a model see or hear
/// (`mmproj`), and what the quantising was weighed by (`imatrix`), which is a word in names of quantised models too.
pub fn holds_model(path: &str) -> bool {
    if !path.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("gguf")) {
        return false;
    }
    let path = path.to_ascii_lowercase();
    let weighed_by = || path.contains("imatrix") && crate::files::quantisation(&path).is_none();
    !path.contains("mmproj") && !weighed_by()
}

/// What the header of one file tells, in a few numbers. It is written as JSON of the same names.
///
/// Of a model that is split over files, each file counts its own tensors, and the first has the facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// 2 or 3.
    pub version: u32,
    /// How many tensors there are.
    pub tensors: u64,
    /// Elements of all tensors.
    pub parameters: u64,
    /// Bytes by the type of tensors, such as `Q4_K`; of types that are not known (`other`) no bytes are told.
    pub bytes_by_type: BTreeMap<String, Option<u64>>,
    /// What the file says of its model.
    #[serde(flatten)]
    pub facts: Facts,
}

impl Header {
    /// Reads the header from the first bytes of a file.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Shape`] if it is no GGUF of version 2 or 3, little-endian, or claims more tensors, facts or bytes
    /// than any model has.
    pub fn read(prefix: &[u8]) -> Result<Reading<Header>> {
        match read(&mut Bytes::new(prefix)) {
            Ok(header) => Ok(Reading::Whole(header)),
            Err(Stop::Needs(bytes)) if bytes <= LONGEST => Ok(Reading::Needs(bytes)),
            Err(Stop::Needs(bytes)) => Err(broken(format!(
                "the GGUF header claims {bytes} bytes or more, and {LONGEST} are allowed"
            ))),
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    /// The header as one JSON object, with the file's path in its repository.
    pub fn summary(&self, path: &str) -> serde_json::Value {
        crate::header::named(self, path)
    }
}

fn read(file: &mut Bytes<'_>) -> Result<Header, Stop> {
    if file.take(4)? != b"GGUF" {
        return Err(broken("this is no GGUF file: it does not begin with `GGUF`").into());
    }
    let version = file.u32()?;
    if !matches!(version, 2 | 3) {
        let why = match version {
            1 => "GGUF of version 1 is not read: it was in use for some weeks of 2023",
            _ if matches!(version.swap_bytes(), 2 | 3) => "big-endian GGUF is not read",
            _ => "the version of this GGUF file is not known: 2 and 3 are",
        };
        return Err(broken(why)
            .advise("leave the file out; other files of the repository may be read")
            .into());
    }
    let (tensors, count) = (file.u64()?, file.u64()?);
    for (claimed, most, what) in [(tensors, MOST_TENSORS, "tensors"), (count, MOST_FACTS, "facts")] {
        if claimed > most {
            return Err(
                broken(format!("the GGUF header claims {claimed} {what}, and {most} are allowed")).into()
            );
        }
    }
    let facts = facts::read(file, count)?;
    let mut header = Header { version, tensors, facts, ..Header::default() };
    for _ in 0..tensors {
        header.take_tensor(file)?;
    }
    Ok(header)
}

impl Header {
    fn take_tensor(&mut self, file: &mut Bytes<'_>) -> Result<(), Stop> {
        file.text(LONGEST_NAME)?;
        let dimensions = file.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(broken(format!("a tensor of {dimensions} dimensions")).into());
        }
        let mut shape = [1; MOST_DIMENSIONS as usize];
        for dimension in shape.iter_mut().take(dimensions as usize) {
            *dimension = file.u64()?;
        }
        let kind = file.u32()?;
        file.u64()?;
        let too_many = || broken("more elements than 64 bits can count");
        let elements = crate::header::elements(&shape).ok_or_else(too_many)?;
        self.parameters = self.parameters.checked_add(elements).ok_or_else(too_many)?;
        let known = types::of_tensor(kind);
        let name = known.map_or_else(|| "other".to_owned(), |kind| kind.name.to_owned());
        let bytes = match known {
            Some(kind) => Some(kind.bytes(elements).ok_or_else(too_many)?),
            None => None,
        };
        let sum = self.bytes_by_type.entry(name).or_insert(Some(0));
        *sum = match (*sum, bytes) {
            (Some(sum), Some(bytes)) => Some(sum.checked_add(bytes).ok_or_else(too_many)?),
            _ => None,
        };
        Ok(())
    }
}
