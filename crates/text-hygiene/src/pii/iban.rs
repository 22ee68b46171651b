//! Numbers of bank accounts: the length of their country, and the remainder of 97.

use super::{Finding, Kind, joined_after, joined_before};

/// Countries and how long their numbers are (SWIFT's registry).
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 \
    EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 \
    LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 \
    QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Whether a text without spaces is the number of an account: of a country, as long as there, with the right remainder.
pub fn iban_is_valid(number: &str) -> bool {
    length_of(number) == Some(number.len()) && remainder(number) == Some(1)
}

fn length_of(number: &str) -> Option<usize> {
    let country = number.get(..2)?;
    LENGTHS.split_ascii_whitespace().find(|one| one.starts_with(country))?.get(2..)?.parse().ok()
}

/// The remainder of 97, the first four characters moved to the end and letters read as numbers.
fn remainder(number: &str) -> Option<u32> {
    let bytes = number.as_bytes();
    let digits = bytes.get(2..4)?.iter().all(u8::is_ascii_digit);
    bytes[4..]
        .iter()
        .chain(&bytes[..4])
        .try_fold(0, |sum, byte| match byte {
            b'0'..=b'9' => Some((sum * 10 + u32::from(byte - b'0')) % 97),
            b'A'..=b'Z' => Some((sum * 100 + u32::from(byte - b'A') + 10) % 97),
            _ => None,
        })
        .filter(|_| digits)
}

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 15 <= bytes.len() {
        let head = &bytes[at..at + 4];
        let begins = head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit);
        match begins.then(|| number(text, at)).flatten() {
            Some(end) if !joined_before(text, at) => {
                all.push(Finding::new(Kind::Iban, at, end, "IBAN"));
                at = end;
            }
            _ => at += 1,
        }
    }
}

/// The end of a number that begins here: its characters at a stretch, or with one space or dash between groups.
fn number(text: &str, start: usize) -> Option<usize> {
    let length = length_of(&text[start..start + 2])?;
    let (mut number, mut end) = (String::with_capacity(length), start);
    for byte in text.as_bytes()[start..].iter().take(length * 2) {
        match byte {
            byte if byte.is_ascii_uppercase() || byte.is_ascii_digit() => number.push(*byte as char),
            b' ' | b'-' if number.len().is_multiple_of(4) && !text[..end].ends_with([' ', '-']) => {}
            _ => break,
        }
        end += 1;
        if number.len() == length {
            break;
        }
    }
    (iban_is_valid(&number) && !joined_after(text, end)).then_some(end)
}
