//! A text as BERT's tokenizer sees its words: without control characters and accents, in lower case, each sign and each
//! CJK character a word of its own.
//!
//! `unicode_categories` is old, and what the original asks: newer tables would cut newer characters otherwise.

use icu_normalizer::DecomposingNormalizerBorrowed;
use unicode_categories::UnicodeCategories;

/// Longer words are no words: WordPiece does not look into them.
pub(crate) const MOST_CHARACTERS: usize = 100;

/// A word as it is handed on.
pub(crate) struct Word<'a> {
    /// In lower case; empty if it is longer than [`MOST_CHARACTERS`].
    pub(crate) text: &'a str,
    /// It has a letter or a digit.
    pub(crate) counts: bool,
}

/// Calls `each` for one word after the other, until it says `false`.
pub(crate) fn each(text: &str, mut each: impl FnMut(Word<'_>) -> bool) {
    let mut buffer = Buffer { word: String::new(), characters: 0, counts: false };
    if text.is_ascii() {
        for byte in text.bytes() {
            let c = char::from(byte.to_ascii_lowercase());
            let goes_on = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => buffer.flush(&mut each),
                byte if byte.is_ascii_control() => true,
                byte if byte.is_ascii_punctuation() => buffer.alone(c, &mut each),
                _ => buffer.push(c, byte.is_ascii_alphanumeric()),
            };
            if !goes_on {
                return;
            }
        }
    } else {
        let clean = text.chars().filter(|&c| !dropped(c)).flat_map(|c| {
            let apart = is_cjk(c).then_some(' ');
            let c = if c.is_whitespace() { ' ' } else { c };
            apart.into_iter().chain([c]).chain(apart)
        });
        let plain = DecomposingNormalizerBorrowed::new_nfd()
            .normalize_iter(clean)
            .filter(|c| c.is_ascii() || !c.is_mark_nonspacing())
            .flat_map(char::to_lowercase);
        for c in plain {
            let goes_on = if c.is_whitespace() {
                buffer.flush(&mut each)
            } else if c.is_ascii_punctuation() || (!c.is_ascii() && c.is_punctuation()) {
                buffer.alone(c, &mut each)
            } else {
                buffer.push(c, c.is_alphanumeric())
            };
            if !goes_on {
                return;
            }
        }
    }
    buffer.flush(&mut each);
}

struct Buffer {
    word: String,
    characters: usize,
    counts: bool,
}

impl Buffer {
    fn push(&mut self, c: char, counts: bool) -> bool {
        self.characters += 1;
        self.counts |= counts;
        if self.characters <= MOST_CHARACTERS {
            self.word.push(c);
        }
        true
    }

    fn flush(&mut self, each: &mut impl FnMut(Word<'_>) -> bool) -> bool {
        if self.characters == 0 {
            return true;
        }
        let text = if self.characters <= MOST_CHARACTERS { self.word.as_str() } else { "" };
        let goes_on = each(Word { text, counts: self.counts });
        self.word.clear();
        (self.characters, self.counts) = (0, false);
        goes_on
    }

    fn alone(&mut self, c: char, each: &mut impl FnMut(Word<'_>) -> bool) -> bool {
        self.flush(each) && self.push(c, false) && self.flush(each)
    }
}

fn dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        ' '..='~' => false,
        _ => c.is_other_control() || c.is_other_format() || c.is_other_private_use(),
    }
}

/// The blocks that the original takes apart; one of them begins later there than the block does.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}' | '\u{2b920}'..='\u{2ceaf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}
