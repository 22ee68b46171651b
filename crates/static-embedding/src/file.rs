//! The file of a table. Numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `GLEANEMB` |
//! | 4 each | version (1), dimension, number of pieces, bytes of the vocabulary |
//! | as told | the vocabulary: each piece and a line feed; `##` begins what goes on with a word |
//! | 4 a piece | scales, f32: a piece's vector is its row times its scale, which holds its weight too |
//! | dimension a piece | rows, i8 |
//! | 32 | SHA-256 of all before |

use std::borrow::Cow;

use crawl_core::{Error, Kind, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

const MAGIC: &[u8] = b"GLEANEMB";
const VERSION: usize = 1;
const HEADER: usize = 8 + 4 * 4;
const SUM: usize = 32;
/// Beyond any table that would be of use, and small enough that no product overflows.
const MOST_DIMENSIONS: usize = 4096;
const MOST_PIECES: usize = 1 << 20;

pub(crate) struct Parts {
    bytes: Cow<'static, [u8]>,
    pub(crate) dimension: usize,
    pub(crate) digest: String,
    vocabulary: Vec<Box<str>>,
    scales: Vec<f32>,
    rows: usize,
}

fn refused(what: impl Into<String>) -> Error {
    Error::new(Kind::Config, what)
        .at("the table of vectors")
        .advise("take the file as it was made: `just static-embedding` makes it anew")
}

impl Parts {
    pub(crate) fn read(bytes: Cow<'static, [u8]>) -> Result<Parts> {
        if !bytes.starts_with(MAGIC) || bytes.len() < HEADER + SUM {
            return Err(refused("this is no table of vectors"));
        }
        let number = |at: usize| -> usize {
            let mut four = [0; 4];
            four.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(four) as usize
        };
        let (version, dimension, count, spelled) = (number(8), number(12), number(16), number(20));
        if version != VERSION {
            return Err(refused(format!(
                "its version is {version}, and this program reads version {VERSION}"
            )));
        }
        if !(1..=MOST_DIMENSIONS).contains(&dimension) || !(1..=MOST_PIECES).contains(&count) {
            return Err(refused(format!("it claims {count} pieces of {dimension} dimensions")));
        }
        // Each part is bounded, so that this cannot overflow in 64 bits.
        let whole =
            [HEADER, spelled, 4 * count, dimension * count, SUM].iter().map(|&n| n as u64).sum::<u64>();
        if bytes.len() as u64 != whole {
            return Err(refused(format!("it has {} bytes where its header tells of {whole}", bytes.len())));
        }
        let (content, sum) = bytes.split_at(bytes.len() - SUM);
        let found = Sha256::digest(content);
        if found[..] != *sum {
            return Err(refused("its bytes do not give the SHA-256 at its end: it was changed or cut"));
        }
        let (scales, rows) = (HEADER + spelled, HEADER + spelled + 4 * count);
        let text = std::str::from_utf8(&content[HEADER..scales])
            .map_err(|cause| refused("its vocabulary is not UTF-8").because(cause))?;
        let vocabulary: Vec<Box<str>> = text.split_terminator('\n').map(Box::from).collect();
        if vocabulary.len() != count {
            return Err(refused(format!("it names {} pieces of {count}", vocabulary.len())));
        }
        let scales: Vec<f32> = content[scales..rows]
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        // Far below where a sum of so many pieces would be infinite.
        if scales.iter().any(|scale| !(0.0..=1e9).contains(scale)) {
            return Err(refused("a scale is negative, huge or no number"));
        }
        let digest = HEXLOWER.encode(sum);
        Ok(Parts { dimension, digest, vocabulary, scales, rows, bytes })
    }

    /// Spellings in the order of their numbers.
    pub(crate) fn vocabulary(&self) -> &[Box<str>] {
        &self.vocabulary
    }

    /// The scale and the cells (`i8`) of a piece.
    pub(crate) fn row(&self, id: u32) -> (f32, &[u8]) {
        let id = id as usize;
        let from = self.rows + id * self.dimension;
        (self.scales[id], &self.bytes[from..from + self.dimension])
    }
}
