//! What is done with what was found.

use std::collections::{BTreeMap, HashMap};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Finding, Kind, card, find, iban_is_valid};

/// What is done with what was found.
#[derive(Clone)]
pub enum Mode {
    /// Nothing: it is counted.
    Report,
    /// `[EMAIL_1]`: the same number for the same value within a text.
    Tag,
    /// A value of the same kind that is nobody's, always the same for the same value.
    Fake,
    /// `[EMAIL:1f2e3d4c5b6a]`: a keyed hash (HMAC-SHA-256, 48 bits), so that equal values stay equal across texts for
    /// whoever has no key.
    Hash {
        /// The key. Whoever has it can try values.
        key: Vec<u8>,
    },
    /// It is taken out.
    Drop,
}

impl std::fmt::Debug for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Report => "Report",
            Mode::Tag => "Tag",
            Mode::Fake => "Fake",
            Mode::Hash { .. } => "Hash",
            Mode::Drop => "Drop",
        })
    }
}

/// A text and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// The text, changed as the mode says.
    pub text: String,
    /// How many of each kind were found, whether they were changed or not.
    pub counts: BTreeMap<Kind, u64>,
    /// Where they were, in the text as it was.
    pub findings: Vec<Finding>,
}

/// Finds and changes all kinds but [`Kind::PrivateIp`], which is counted only.
pub fn apply(text: &str, mode: &Mode) -> Cleaned {
    apply_to(text, mode, |kind| kind != Kind::PrivateIp)
}

/// Finds all kinds, and changes those that are wanted.
pub fn apply_to(text: &str, mode: &Mode, wanted: impl Fn(Kind) -> bool) -> Cleaned {
    let findings = find(text);
    let mut counts = BTreeMap::new();
    let mut numbers: HashMap<(Kind, String), usize> = HashMap::new();
    let mut of_kind: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for finding in &findings {
        *counts.entry(finding.kind).or_insert(0) += 1;
        if !wanted(finding.kind) || matches!(mode, Mode::Report) {
            continue;
        }
        let value = &text[finding.start..finding.end];
        let same = (finding.kind, canonical(finding.kind, value));
        out.push_str(&text[at..finding.start]);
        at = finding.end;
        let name = finding.kind.name();
        match mode {
            Mode::Report | Mode::Drop => {}
            Mode::Tag => {
                let number = *numbers.entry(same).or_insert_with(|| {
                    let last = of_kind.entry(finding.kind).or_insert(0);
                    *last += 1;
                    *last
                });
                out.push_str(&format!("[{name}_{number}]"));
            }
            Mode::Hash { key } => out.push_str(&format!("[{name}:{}]", keyed(key, name, &same.1))),
            Mode::Fake => out.push_str(&fake(finding.kind, value, &same.1)),
        }
    }
    out.push_str(&text[at..]);
    Cleaned { text: out, counts, findings }
}

/// One spelling for values that mean the same.
fn canonical(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Email | Kind::Ip | Kind::PrivateIp => value.to_lowercase(),
        Kind::Phone | Kind::Card => value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        Kind::Iban => value.chars().filter(char::is_ascii_alphanumeric).collect(),
        Kind::Secret => value.to_owned(),
    }
}

fn keyed(key: &[u8], name: &str, value: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(name.as_bytes());
    mac.update(b"\0");
    mac.update(value.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes()[..6])
}

/// A value of the kind that is nobody's: reserved names and networks, numbers that no issuer and no country has.
fn fake(kind: Kind, written: &str, value: &str) -> String {
    let hash = Sha256::digest([kind.name().as_bytes(), b"\0", value.as_bytes()].concat());
    let number = u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]);
    let digits = |count: usize| -> String {
        hash.iter().cycle().take(count).map(|byte| char::from(b'0' + byte % 10)).collect()
    };
    match kind {
        Kind::Email => format!("user{}@example.com", number % 1_000_000),
        Kind::Ip | Kind::PrivateIp if written.contains(':') => {
            format!("2001:db8::{:x}:{:x}", number & 0xffff, (number >> 16) & 0xffff)
        }
        Kind::Ip | Kind::PrivateIp => {
            let network = ["192.0.2", "198.51.100", "203.0.113"][(number % 3) as usize];
            format!("{network}.{}", 1 + (number >> 8) % 254)
        }
        // 555-0100 to 555-0199 are kept for fiction.
        Kind::Phone => format!("+1 {} 555 01{:02}", 201 + number % 700, (number >> 16) % 100),
        Kind::Card => {
            let mut card = format!("400000{}", digits(9));
            let last = (0..10).find(|last| card::luhn_is_valid(&format!("{card}{last}"))).unwrap_or(0);
            card.push_str(&last.to_string());
            in_groups_of(written, &card)
        }
        Kind::Iban => {
            // XK is Kosovo's: a bank 00 is nobody's.
            let account = format!("00{}", digits(14));
            let check =
                (2..=98).map(|check| format!("XK{check:02}{account}")).find(|iban| iban_is_valid(iban));
            in_groups_of(written, &check.unwrap_or_default())
        }
        Kind::Secret => format!("REDACTED{}", &HEXLOWER.encode(&hash)[..12]),
    }
}

/// In groups of four, with the mark that was between the groups before.
fn in_groups_of(written: &str, number: &str) -> String {
    let Some(mark) = written.chars().find(|c| matches!(c, ' ' | '-')) else { return number.to_owned() };
    let mut out = String::with_capacity(number.len() + 8);
    for (at, c) in number.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            out.push(mark);
        }
        out.push(c);
    }
    out
}
