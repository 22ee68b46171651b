//! The language of a text, guessed from its letters.

/// So much of a text is looked at.
const ENOUGH: usize = 4000;
/// A shorter text tells nothing.
const LEAST: usize = 20;

/// The language of a text as ISO 639-3 has it, such as `eng` or `cmn`, and how sure the guess is, from 0 to 1. `None` if
/// the text is too short to tell or holds no letters. A guess below 0.9 is wrong often enough to be checked.
pub fn language(text: &str) -> Option<(&'static str, f64)> {
    let head = &text[..text.floor_char_boundary(ENOUGH.min(text.len()))];
    if head.chars().filter(|c| c.is_alphabetic()).take(LEAST).count() < LEAST {
        return None;
    }
    let info = whatlang::detect(head)?;
    Some((info.lang().code(), info.confidence()))
}
