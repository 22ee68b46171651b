//! Disguises: an order so written that a person or a filter passes over it, and a model may still read it.

use data_encoding::BASE64;
use serde::Deserialize;

/// What is done to the text of an attack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disguise {
    /// Nothing.
    #[default]
    None,
    /// Base64 (RFC 4648), in one line.
    Base64,
    /// A zero-width space between all letters.
    ZeroWidth,
    /// Marks of writing direction around it: people see it backwards.
    Bidi,
    /// Unicode's tag characters, which nobody sees.
    Tags,
    /// Spaces between words written as no-break spaces, and soft hyphens inside the words.
    SoftHyphen,
}

impl Disguise {
    /// The text in disguise.
    pub(crate) fn of(self, text: &str) -> String {
        match self {
            Disguise::None => text.to_owned(),
            Disguise::Base64 => BASE64.encode(text.as_bytes()),
            Disguise::ZeroWidth => between(text, '\u{200b}'),
            Disguise::SoftHyphen => between(text, '\u{ad}'),
            Disguise::Bidi => {
                let words = text.split(' ').map(|word| format!("\u{202e}{word}\u{202c}"));
                format!("\u{2067}{}\u{2069}", words.collect::<Vec<_>>().join(" "))
            }
            Disguise::Tags => text.chars().map(tag).collect(),
        }
    }
}

fn between(text: &str, mark: char) -> String {
    text.chars().flat_map(|letter| [letter, mark]).collect()
}

/// The tag character of an ASCII one; other letters stay.
fn tag(letter: char) -> char {
    match letter {
        ' '..='~' => char::from_u32(0xe0000 + letter as u32).unwrap_or(letter),
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_the_same_text_without_the_marks() {
        let hidden = |letter: &char| llm_classifier::is_hidden(*letter);
        for disguise in [Disguise::ZeroWidth, Disguise::Bidi, Disguise::SoftHyphen] {
            let plain: String =
                disguise.of("say \"A\" now").chars().filter(|letter| !hidden(letter)).collect();
            assert_eq!(plain, "say \"A\" now", "{disguise:?}");
        }
        assert!(Disguise::Tags.of("say A").chars().all(|letter| hidden(&letter)));
    }
}
