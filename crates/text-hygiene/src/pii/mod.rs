//! Personal data and secrets, by rules: a form that is looked for, and a check that most look-alikes fail.

mod apply;
mod card;
mod email;
mod iban;
mod ip;
mod phone;
mod secret;
mod tld;

pub use apply::{Cleaned, Mode, apply, apply_to};
pub use card::luhn_is_valid;
pub use iban::iban_is_valid;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An e-mail address that may be somebody's: not of a reserved domain, not one that nobody reads.
    Email,
    /// An IP address that the internet routes.
    Ip,
    /// An IP address of a private network, of this host, or reserved. It tells of nobody, so it is not changed.
    PrivateIp,
    /// A phone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    Iban,
    /// A key, a token, a password.
    Secret,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] =
        [Kind::Email, Kind::Ip, Kind::PrivateIp, Kind::Phone, Kind::Card, Kind::Iban, Kind::Secret];

    /// Its name, as in tags.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Email => "EMAIL",
            Kind::Ip => "IP",
            Kind::PrivateIp => "PRIVATE_IP",
            Kind::Phone => "PHONE",
            Kind::Card => "CARD",
            Kind::Iban => "IBAN",
            Kind::Secret => "SECRET",
        }
    }
}

/// Where something was found, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
    /// The rule that found it, such as `AWS access key`.
    pub rule: &'static str,
}

impl Finding {
    fn new(kind: Kind, start: usize, end: usize, rule: &'static str) -> Self {
        Finding { kind, start, end, rule }
    }

    /// Enough of it to judge the rule by, and not enough to use: its first two characters and its length.
    pub fn masked(&self, text: &str) -> String {
        let found = text.get(self.start..self.end).unwrap_or_default();
        let head: String = found.chars().take(2).collect();
        format!("{head}… ({} characters)", found.chars().count())
    }
}

/// All that the rules find in a text, in order, without overlaps: where two meet, the one that begins first counts, and
/// of two that begin together the longer. Time grows with the length of the text.
pub fn find(text: &str) -> Vec<Finding> {
    let mut all = Vec::new();
    secret::find(text, &mut all);
    email::find(text, &mut all);
    ip::find(text, &mut all);
    iban::find(text, &mut all);
    card::find(text, &mut all);
    phone::find(text, &mut all);
    all.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end), one.kind));
    let mut end = 0;
    all.retain(|one| {
        let apart = one.start >= end;
        if apart {
            end = one.end;
        }
        apart
    });
    all
}

/// The text before a place, so many bytes at the most, in lower case: for the words that tell what a number is.
fn before(text: &str, at: usize, most: usize) -> String {
    let from = text.floor_char_boundary(at.saturating_sub(most));
    text[from..at].to_lowercase()
}

/// Whether one of the words stands in a text, with no letter at either side of it where it is ASCII.
fn has_word(text: &str, words: &[&str]) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    words.iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let after = &text[at + word.len()..];
            !word.is_ascii() || (!letter(text[..at].chars().next_back()) && !letter(after.chars().next()))
        })
    })
}

/// Whether the character before a place is a part of a word.
fn joined_before(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether the character behind a place is a part of a word.
fn joined_after(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}
