//! E-mail addresses, also `name [at] host [dot] org`; not what only looks like one in code.

use super::{Finding, Kind, before, has_word, tld};
use crate::near::is_unspaced;

/// What an address may have before its `@`, at the most.
const LONGEST_NAME: usize = 64;
const LONGEST_HOST: usize = 253;
/// Names that nobody is behind.
const NOBODY: [&str; 7] =
    ["noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "mailer-daemon", "git"];
/// Words beside an address whose domain is not a common one.
const WORDS: [&str; 8] = ["mail", "e-mail", "email", "mailto", "contact", "reach", "write", "kontakt"];

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let (start, end) = (name_start(text, at), host_end(text, at + 1));
        if start < at && end > at + 1 && is_address(text, start, at, &text[at + 1..end], end) {
            all.push(Finding::new(Kind::Email, start, end, "e-mail address"));
        }
    }
    for at in memchr::memchr2_iter(b'[', b'(', text.as_bytes()) {
        if let Some((start, end)) = spelt_out(text, at) {
            all.push(Finding::new(Kind::Email, start, end, "e-mail address, spelt out"));
        }
    }
}

/// Letters of scripts without spaces are the sentence around an address.
fn in_name(c: char) -> bool {
    (c.is_alphanumeric() && !is_unspaced(c)) || matches!(c, '.' | '_' | '%' | '+' | '-')
}

/// Where the name before an `@` begins.
fn name_start(text: &str, at: usize) -> usize {
    let head = &text[text.floor_char_boundary(at.saturating_sub(LONGEST_NAME + 1))..at];
    let from =
        head.char_indices().rev().take_while(|(_, c)| in_name(*c)).last().map_or(head.len(), |(i, _)| i);
    let name = head[from..].trim_start_matches(['.', '-', '%', '+']);
    if name.len() > LONGEST_NAME { at } else { at - name.len() }
}

/// Where the host behind an `@` ends.
fn host_end(text: &str, from: usize) -> usize {
    let tail = &text[from..text.floor_char_boundary((from + LONGEST_HOST + 1).min(text.len()))];
    let in_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let host = &tail[..tail.find(|c: char| !in_host(c)).unwrap_or(tail.len())];
    let host = host.trim_end_matches(['.', '-']);
    // What goes on in other letters behind a domain of ASCII is the sentence.
    let last = host.rfind('.').map_or(0, |dot| dot + 1);
    let ascii = host[last..].bytes().take_while(u8::is_ascii).count();
    from + if ascii > 0 { last + ascii } else { host.len() }
}

fn is_address(text: &str, start: usize, at: usize, host: &str, end: usize) -> bool {
    let (name, host) = (text[start..at].to_lowercase(), host.to_lowercase());
    let after = &text[end..];
    // `user@host:path` of ssh, `name@host/path` of packages, `@user@host` of the fediverse, `x@2x.png`.
    let path = after
        .strip_prefix(':')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || "/~".contains(c)));
    if path || after.starts_with('@') || text[..start].ends_with('@') || in_authority(text, start) {
        return false;
    }
    if name.ends_with('.') || name.contains("..") || NOBODY.iter().any(|nobody| name == *nobody) {
        return false;
    }
    is_host(&host, || before(text, start, 40))
}

/// Whether a host may get mail, and is nobody's example.
fn is_host(host: &str, before: impl Fn() -> String) -> bool {
    let Some((domain, last)) = host.rsplit_once('.') else { return false };
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    if !domain.split('.').all(label) || is_reserved(host) {
        return false;
    }
    if last.starts_with("xn--") || !last.is_ascii() {
        return last.chars().all(|c| c.is_alphanumeric() || c == '-');
    }
    tld::is_possible(last) && (tld::is_known(last) || has_word(&before(), &WORDS))
}

fn is_reserved(host: &str) -> bool {
    const RESERVED: [&str; 5] =
        ["example.com", "example.org", "example.net", "users.noreply.github.com", "sentry.io"];
    let under =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    RESERVED.iter().any(|name| under(name))
}

/// Whether a place is in the part of a URL that names user and host, where there may be a password before an `@`.
fn in_authority(text: &str, start: usize) -> bool {
    let head = &text[text.floor_char_boundary(start.saturating_sub(256))..start];
    let token = head.rsplit(|c: char| c.is_whitespace() || "\"'<>()`".contains(c)).next().unwrap_or_default();
    token.rsplit_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']))
}

/// `name [at] host [dot] org`, from its bracket: brackets of either kind, with or without spaces.
fn spelt_out(text: &str, bracket: usize) -> Option<(usize, usize)> {
    let behind = bracketed(&text[bracket..], "at")?;
    let head = text[..bracket].trim_end_matches(' ');
    let name = &head[name_start(head, head.len())..];
    if name.is_empty() || text[..bracket].len() - head.len() > 2 {
        return None;
    }
    let from = bracket + behind;
    let mut host = String::new();
    let mut end = from;
    loop {
        let rest = &text[end..];
        let rest_trimmed = rest.trim_start_matches(' ');
        if rest.len() - rest_trimmed.len() > 2 {
            break;
        }
        let at = text.len() - rest_trimmed.len();
        let label: &str = &rest_trimmed[..rest_trimmed
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
            .unwrap_or(rest_trimmed.len())];
        if label.is_empty() || host.len() + label.len() > LONGEST_HOST {
            break;
        }
        host.push_str(&label.to_lowercase());
        end = at + label.len();
        let next = text[end..].trim_start_matches(' ');
        match bracketed(next, "dot").or_else(|| bracketed(next, ".")) {
            Some(behind) => {
                host.push('.');
                end = text.len() - next.len() + behind;
            }
            None => break,
        }
    }
    let trimmed = host.trim_end_matches('.');
    let end = end - (host.len() - trimmed.len()).min(end - from);
    is_host(trimmed, String::new).then_some((head.len() - name.len(), end))
}

/// How long `[word]` or `(word)` at the beginning of a text is.
fn bracketed(text: &str, word: &str) -> Option<usize> {
    let close = match text.as_bytes().first()? {
        b'[' => ']',
        b'(' => ')',
        _ => return None,
    };
    let end = text.char_indices().take(12).find(|(_, c)| *c == close)?.0;
    text[1..end].trim().eq_ignore_ascii_case(word).then_some(end + 1)
}
