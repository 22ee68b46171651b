//! Words to pieces: WordPiece, the longest piece first.

use std::collections::HashMap;

use crawl_core::{Error, Kind, Result};

use crate::{BYTES, TOKENS, words};

pub(crate) struct Pieces {
    begin: HashMap<Box<str>, u32>,
    go_on: HashMap<Box<str>, u32>,
    /// Bytes of the longest piece: no longer one is looked for.
    longest: usize,
    unknown: u32,
}

pub(crate) struct Word<'a> {
    pub(crate) ids: &'a [u32],
    /// It has a letter or a digit.
    pub(crate) counts: bool,
    /// It counts, is a piece as it stands, and is spelled in ASCII. Pieces of words tell little; of other scripts an
    /// English vocabulary has single letters, of whose words it knows nothing.
    pub(crate) known: bool,
}

impl Pieces {
    pub(crate) fn new(vocabulary: &[Box<str>]) -> Result<Pieces> {
        let (mut begin, mut go_on) = (HashMap::with_capacity(vocabulary.len()), HashMap::new());
        let mut longest = 0;
        for (id, piece) in (0_u32..).zip(vocabulary) {
            longest = longest.max(piece.len());
            match piece.strip_prefix("##") {
                Some(rest) if !rest.is_empty() => go_on.insert(rest.into(), id),
                _ => begin.insert(piece.clone(), id),
            };
        }
        let Some(&unknown) = begin.get("[UNK]") else {
            return Err(Error::new(Kind::Config, "the vocabulary has no piece [UNK]")
                .at("the table of vectors")
                .advise("take a table that `just static-embedding` made"));
        };
        Ok(Pieces { begin, go_on, longest, unknown })
    }

    /// Calls `each` for the words of a text, as far as [`BYTES`] and [`TOKENS`] reach.
    pub(crate) fn each_word(&self, text: &str, mut each: impl FnMut(Word<'_>)) {
        let text = &text[..text.floor_char_boundary(BYTES)];
        let mut ids = Vec::with_capacity(8);
        let mut tokens = 0;
        words::each(text, |word| {
            ids.clear();
            self.cut(word.text, &mut ids);
            tokens += ids.len();
            if tokens > TOKENS {
                return false;
            }
            let whole = ids.len() == 1 && ids[0] != self.unknown;
            each(Word {
                ids: &ids,
                counts: word.counts,
                known: word.counts && whole && word.text.is_ascii(),
            });
            true
        });
    }

    /// The pieces of a word, or the one that stands for unknown if a part of it is none.
    fn cut(&self, word: &str, ids: &mut Vec<u32>) {
        let mut from = 0;
        while from < word.len() {
            let pieces = if from == 0 { &self.begin } else { &self.go_on };
            let mut to = word.floor_char_boundary(from + self.longest);
            let found = loop {
                if to <= from {
                    break None;
                }
                if let Some(&id) = pieces.get(&word[from..to]) {
                    break Some(id);
                }
                to = word.floor_char_boundary(to - 1);
            };
            let Some(id) = found else {
                ids.clear();
                break;
            };
            ids.push(id);
            from = to;
        }
        if ids.is_empty() {
            ids.push(self.unknown);
        }
    }
}
