//! A text as the set of its runs of five tokens, each a hash of 64 bits.

use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest, Sha256};

/// So many tokens make a shingle.
pub(super) const RUN: usize = 5;

/// What a text is compared by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shingled {
    /// Hashes of runs of tokens, each once, sorted.
    pub(super) shingles: Vec<u64>,
    /// How many tokens there are.
    pub(super) tokens: usize,
    /// The first half of the SHA-256 of all tokens in order; `None` if there is none.
    pub(super) whole: Option<u128>,
}

/// The true similarity of two texts: runs of five tokens that both have, of all that either has. Quotes do not count.
/// Texts without such runs are similar only if they are equal.
pub fn jaccard(a: &str, b: &str) -> f64 {
    let (a, b) = (shingled(a), shingled(b));
    if a.shingles.is_empty() && b.shingles.is_empty() {
        return if a.whole == b.whole { 1.0 } else { 0.0 };
    }
    similarity(&a.shingles, &b.shingles)
}

/// The same of two sorted sets.
pub(super) fn similarity(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    let either = a.len() + b.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

/// Cuts a text into tokens (words of letters and digits, in lower case; single characters in scripts without spaces)
/// and hashes its runs. Quotes are left out, unless there is nothing else.
pub(super) fn shingled(text: &str) -> Shingled {
    let own = without_quotes(text);
    let cut = match Cut::new(&own) {
        cut if cut.tokens.is_empty() => Cut::new(text),
        cut => cut,
    };
    let tokens = &cut.tokens;
    let mut shingles: Vec<u64> =
        tokens.windows(RUN).map(|run| run.iter().fold(SEED, |sum, token| mix(sum ^ token))).collect();
    shingles.sort_unstable();
    shingles.dedup();
    // Nobody can write a text that passes for another's.
    let whole = (!tokens.is_empty()).then(|| {
        let hash = Sha256::digest(cut.text.as_bytes());
        hash.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
    });
    Shingled { shingles, tokens: tokens.len(), whole }
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// A change of all bits that can be taken back: no two numbers become one.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// A text as its tokens.
struct Cut {
    /// The hash of each.
    tokens: Vec<u64>,
    /// The tokens themselves, with a space behind each.
    text: String,
    /// The hash of a word that has begun.
    word: Option<u64>,
}

impl Cut {
    fn new(text: &str) -> Self {
        let text = if text.is_ascii() {
            text.into()
        } else {
            ComposingNormalizerBorrowed::new_nfc().normalize(text)
        };
        let mut cut = Cut {
            tokens: Vec::with_capacity(text.len() / 5),
            text: String::with_capacity(text.len() + 1),
            word: None,
        };
        for c in text.chars() {
            if is_unspaced(c) {
                cut.end();
                cut.push(c);
                cut.end();
            } else if !c.is_alphanumeric() {
                cut.end();
            } else if c.is_ascii() {
                cut.push(c.to_ascii_lowercase());
            } else {
                c.to_lowercase().for_each(|c| cut.push(c));
            }
        }
        cut.end();
        cut
    }

    fn push(&mut self, c: char) {
        self.word = Some(step(self.word.unwrap_or(SEED), c));
        self.text.push(c);
    }

    fn end(&mut self) {
        if let Some(word) = self.word.take() {
            self.tokens.push(mix(word));
            self.text.push(' ');
        }
    }
}

fn step(sum: u64, c: char) -> u64 {
    (sum ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23)
}

/// Whether a character is of a script that has no spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// A text without what it quotes: `[quote]` blocks however deep, lines that begin with `>`, and blocks between
/// `Quote:"` and a line of `"`.
fn without_quotes(text: &str) -> String {
    if !text.contains('>') && !text.contains("[quote") && !text.contains("Quote:\"") {
        return text.to_owned();
    }
    let (mut out, mut depth, mut block) = (String::with_capacity(text.len()), 0usize, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        match (block, bare) {
            (true, "\"") => block = false,
            (true, _) => {}
            (false, "Quote:\"") => block = true,
            (false, _) if depth == 0 && bare.starts_with('>') => {}
            (false, _) => unquoted(line, &mut depth, &mut out),
        }
    }
    out
}

/// The part of a line outside of `[quote]` blocks, which may go on over lines.
fn unquoted(line: &str, depth: &mut usize, out: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let tag = &rest[at..];
        let opens = tag.starts_with("[quote]") || tag.starts_with("[quote=");
        let closes = tag.starts_with("[/quote]");
        let end = if opens || closes { tag.find(']').map_or(tag.len(), |end| end + 1) } else { 1 };
        if *depth == 0 {
            out.push_str(&rest[..at]);
            if !opens && !closes {
                out.push('[');
            }
        }
        *depth = (*depth + usize::from(opens)).saturating_sub(usize::from(closes));
        rest = &tag[end..];
    }
    if *depth == 0 {
        out.push_str(rest);
    }
}
