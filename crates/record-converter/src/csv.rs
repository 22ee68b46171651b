//! CSV: text stands in quotes and nothing else does, so that a reader who looks can tell `"1"` from `1`.
//!
//! An unquoted field is a number, `true`, `false` or `null`, or nothing, which is null. A quoted field is read by the
//! rules of [`crate::cell`], but that no word in quotes is null; text that a spreadsheet would take for a formula has an
//! apostrophe in front, which goes again on the way back.

mod parse;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::Writer;

/// Whether a spreadsheet might compute the text, now or once the apostrophes in front are gone.
fn is_formula(text: &str) -> bool {
    let start = text.trim_start_matches(['\'', ' ', '\u{A0}']);
    start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// The text without the apostrophe that guards it.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guarded_comes_back() {
        for text in ["=1+1", "'=1", "''@x", " -1", "\t=1", "＝1"] {
            assert!(is_formula(text), "{text}");
            assert_eq!(unguarded(&format!("'{text}")), text);
        }
        for text in ["x", "'x", "1", "", "'"] {
            assert!(!is_formula(text), "{text}");
            assert_eq!(unguarded(text), text);
        }
    }
}
