//! Phone numbers: with `+` and a country, in the form of North America, or beside a word that says so.

use super::{Finding, Kind, before, has_word, joined_after, joined_before};

/// Words that say that a phone number follows.
const WORDS: [&str; 27] = [
    "phone",
    "telephone",
    "tel",
    "mobile",
    "cell",
    "cellphone",
    "fax",
    "whatsapp",
    "sms",
    "call",
    "dial",
    "hotline",
    "landline",
    "telefon",
    "handy",
    "rufnummer",
    "mobil",
    "téléphone",
    "portable",
    "teléfono",
    "móvil",
    "telefone",
    "celular",
    "тел",
    "телефон",
    "电话",
    "手机",
];
/// Words that say whose number it is.
const WHOSE: [&str; 6] = ["my", "your", "his", "her", "our", "their"];
/// Codes of countries and zones that are assigned.
const CODES: &str = "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 \
    86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 \
    238 239 240 241 242 243 244 245 246 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268 \
    269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383 \
    385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 598 599 670 672 \
    673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 \
    881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998";

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_digit() || b"+(".contains(&bytes[at])) {
            at += 1;
            continue;
        }
        let end = number_end(bytes, at);
        match judge(text, at, end) {
            Some(rule) => {
                all.push(Finding::new(Kind::Phone, at, end, rule));
                at = end;
            }
            None => at = next(bytes, at, end),
        }
    }
}

/// The end of digits in groups: one mark between two of them, or a space and a bracket.
fn number_end(bytes: &[u8], start: usize) -> usize {
    let (mut end, mut last) = (start, start);
    while end < bytes.len() && end - start < 32 {
        match bytes[end] {
            byte if byte.is_ascii_digit() => {
                end += 1;
                last = end;
                continue;
            }
            b'+' if end == start => {}
            b'(' if bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => {}
            b')' if bytes[start..end].contains(&b'(') => {}
            b' ' | b'-' | b'.' | b'/' if end > start && (last == end || bytes[end - 1] == b')') => {}
            _ => break,
        }
        end += 1;
    }
    last
}

/// Where to look on behind what is no number: behind its first group, so that a number that follows one is found.
fn next(bytes: &[u8], at: usize, end: usize) -> usize {
    if bytes[at].is_ascii_digit() {
        let group = bytes[at..].iter().position(|byte| !byte.is_ascii_digit());
        return group.map_or(bytes.len(), |length| at + length).min(end.max(at + 1));
    }
    at + 1
}

fn judge(text: &str, start: usize, end: usize) -> Option<&'static str> {
    let written = text.get(start..end)?;
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    if !(8..=15).contains(&digits.len()) || joined_before(text, start) || joined_after(text, end) {
        return None;
    }
    let (head, tail) = (&text[..start], &text[end..]);
    let more = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    // A fraction, a date, a version, a sum, or a part of a name.
    if head.ends_with(['.', '-', '/', '+', '=', '#', '&', '%', '$', ':']) && !head.ends_with("tel:")
        || tail.strip_prefix(['.', '-', '/', ':', ',', '+', '*']).is_some_and(more)
        || digits.bytes().all(|digit| digit == digits.as_bytes()[0])
    {
        return None;
    }
    if written.starts_with('+') {
        return international(&digits, written).then_some("phone number with its country");
    }
    let groups: Vec<usize> = written
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .map(str::len)
        .collect();
    let american = groups == [3, 3, 4] && is_american(&digits);
    if american && (written.starts_with('(') && written.contains(')') || is_dashed(written, "-")) {
        return Some("phone number of North America");
    }
    let words = before(text, start, 40);
    // A sentence before it is about something else.
    let words = words.rsplit(['\n', '!', '?']).next().unwrap_or_default();
    let told = has_word(words, &WORDS)
        || head.ends_with("tel:")
        || (has_word(words, &WHOSE) && has_word(words, &["number", "nummer", "numéro", "número"]));
    let national = digits.starts_with('0') || american || (digits.len() == 11 && digits.starts_with('1'));
    let plain = groups.len() <= 6 && !is_date(&groups, &digits);
    (told && national && plain && digits.len() <= 13).then_some("phone number beside a word that says so")
}

fn is_dashed(written: &str, mark: &str) -> bool {
    written.matches(mark).count() == 2 && !written.contains([' ', '.', '/', '('])
}

/// Whether digits behind a `+` begin with the code of a country and are as many as numbers there have.
fn international(digits: &str, written: &str) -> bool {
    let code = (1..=3).find_map(|length| {
        let code = digits.get(..length)?;
        CODES.split_ascii_whitespace().find(|one| *one == code)
    });
    let Some(code) = code else { return false };
    let rest = &digits[code.len()..];
    match code {
        "1" => rest.len() == 10 && is_american(rest),
        "7" => rest.len() == 10,
        _ => rest.len() >= 6 && (digits.len() >= 9 || written.contains([' ', '-'])),
    }
}

/// Area and exchange of North America begin with 2 to 9.
fn is_american(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.len() == 10 && [bytes[0], bytes[3]].iter().all(|first| (b'2'..=b'9').contains(first))
}

/// `01.02.2024`, `2024-01-02`: what is written like a date is one.
fn is_date(groups: &[usize], digits: &str) -> bool {
    let year = |text: &str| matches!(text.get(..2), Some("19" | "20"));
    match groups {
        [1 | 2, 1 | 2, 4] => year(&digits[digits.len() - 4..]),
        [4, 1 | 2, 1 | 2, ..] => year(digits),
        _ => false,
    }
}
