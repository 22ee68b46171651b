//! Numbers of payment cards: issuer, length, grouping, and the check digit of Luhn.

use super::{Finding, Kind, before, has_word};

const WORDS: [&str; 16] = [
    "card",
    "cards",
    "visa",
    "mastercard",
    "maestro",
    "amex",
    "credit",
    "debit",
    "cc",
    "ccn",
    "pan",
    "payment",
    "karte",
    "kreditkarte",
    "carte",
    "tarjeta",
];

/// Whether the last digit is the check digit of Luhn of those before it. Anything but digits makes it wrong.
pub fn luhn_is_valid(digits: &str) -> bool {
    let mut sum = 0;
    for (place, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0');
        sum += match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double @ 10..) => double - 9,
            (_, double) => double,
        };
    }
    digits.len() > 1 && sum.is_multiple_of(10)
}

/// How issuers print numbers; one at a stretch is a group of its own.
const GROUPINGS: [&[usize]; 6] =
    [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 3], &[4, 4, 4, 1]];

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let first = digits(bytes, at);
        if first == 0 {
            at += 1;
            continue;
        }
        let end = if first == 4 { grouped(bytes, at) } else { Some(at + first) };
        match end.and_then(|end| Some((end, judge(text, at, end)?))) {
            Some((end, rule)) => {
                all.push(Finding::new(Kind::Card, at, end, rule));
                at = end;
            }
            None => at += first,
        }
    }
}

/// How many digits begin at a place.
fn digits(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The end of a number in one of the known groupings, the longest, with the same mark between its groups.
fn grouped(bytes: &[u8], start: usize) -> Option<usize> {
    let mark = *bytes.get(start + 4).filter(|mark| matches!(mark, b' ' | b'-'))?;
    GROUPINGS.iter().find_map(|groups| {
        let mut at = start;
        for (number, group) in groups.iter().enumerate() {
            if number > 0 {
                (bytes.get(at) == Some(&mark)).then_some(())?;
                at += 1;
            }
            (at < bytes.len() && digits(bytes, at) == *group).then_some(())?;
            at += group;
        }
        Some(at)
    })
}

fn judge(text: &str, start: usize, end: usize) -> Option<&'static str> {
    if !(12..=23).contains(&(end - start)) {
        return None;
    }
    let (written, head, tail) = (&text[start..end], &text[..start], &text[end..]);
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    if digits.len() > 19 || super::joined_before(text, start) || super::joined_after(text, end) {
        return None;
    }
    // A fraction, or one number of a row.
    let more = tail.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let same = digits.bytes().all(|digit| digit == digits.as_bytes()[0]);
    if head.ends_with('.') || more || same || !luhn_is_valid(&digits) {
        return None;
    }
    let issuer = issuer(&digits)?;
    // Digits without groups are the numbers of things too: in paths and names they need a word that tells.
    let plain = written.len() == digits.len();
    let in_name =
        plain && (head.ends_with(['/', '-', '#', '@', '=', '+', '&']) || tail.starts_with(['/', '-', '@']));
    if written.contains(' ') && in_a_row(head, tail) {
        return None;
    }
    let common = issuer != "card number";
    (common && !in_name || has_word(&before(text, start, 48), &WORDS)).then_some(issuer)
}

/// Whether groups of four digits go on before a number or behind it: then they are a table.
fn in_a_row(head: &str, tail: &str) -> bool {
    let four = |token: &str| token.len() == 4 && token.bytes().all(|byte| byte.is_ascii_digit());
    let head = &head[head.floor_char_boundary(head.len().saturating_sub(8))..];
    let last = head.trim_end_matches(' ').rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
    let tail = &tail[..tail.floor_char_boundary(tail.len().min(16))];
    let next = tail.split(' ').skip(1).take(2).filter(|token| four(token)).count();
    four(last) && head.ends_with(' ') || next == 2
}

/// Whose number it may be, by its first digits and its length; `card number` where others have such numbers too.
fn issuer(digits: &str) -> Option<&'static str> {
    let first = |length: usize| digits[..length].parse::<u32>().unwrap_or(0);
    let (one, two, three, four, length) = (first(1), first(2), first(3), first(4), digits.len());
    Some(match length {
        16 if one == 4 => "Visa number",
        16 if (51..=55).contains(&two) || (2221..=2720).contains(&four) => "Mastercard number",
        15 if matches!(two, 34 | 37) => "American Express number",
        16 if four == 6011 || two == 65 || (644..=649).contains(&three) => "Discover number",
        16 if (3528..=3589).contains(&four) => "JCB number",
        14 if (300..=305).contains(&three) || three == 309 || matches!(two, 36 | 38 | 39) => {
            "Diners Club number"
        }
        16 if matches!(four, 5018 | 5019 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => {
            "Maestro number"
        }
        16 if two == 62 => "UnionPay number",
        13 | 19 if one == 4 => "card number",
        17..=19 if two == 62 => "card number",
        15 if one == 1 => "card number",
        12..=19 if matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => "card number",
        _ => return None,
    })
}
