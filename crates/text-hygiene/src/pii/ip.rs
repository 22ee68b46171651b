//! IP addresses of both versions; not the numbers of versions, times and paths of code.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Finding, Kind, before, has_word, joined_after, joined_before};

/// Words after which four numbers are a version.
const VERSIONS: [&str; 14] = [
    "v", "version", "versions", "ver", "release", "firmware", "build", "update", "upgrade", "driver",
    "assembly", "section", "chapter", "sdk",
];
/// Words beside which small numbers are an address after all.
const ADDRESSES: [&str; 16] = [
    "ip",
    "ipv4",
    "address",
    "host",
    "server",
    "ping",
    "dns",
    "gateway",
    "nameserver",
    "http",
    "https",
    "ssh",
    "from",
    "connect",
    "listen",
    "router",
];

pub(super) fn find(text: &str, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_hexdigit() || bytes[at] == b':') {
            at += 1;
            continue;
        }
        let run =
            bytes[at..].iter().take_while(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)).count();
        let end = at + run;
        if let Some(finding) = v6(text, at, end) {
            all.push(finding);
        } else {
            v4(text, at, end, all);
        }
        at = end;
    }
}

fn v6(text: &str, start: usize, end: usize) -> Option<Finding> {
    let run = &text[start..end];
    if run.bytes().filter(|byte| *byte == b':').count() < 2 || run.len() > 46 || joined_before(text, start) {
        return None;
    }
    let run = run.trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    let end = start + run.len();
    if joined_after(text, end) {
        return None;
    }
    let address: Ipv6Addr = run.parse().ok()?;
    // `::`, `abc::def` and `::f1` are paths of code.
    let first = run.split(':').next().unwrap_or_default();
    let digits = run.bytes().any(|byte| byte.is_ascii_digit());
    let whole = !run.contains("::");
    let plain = run == "::1" || run.starts_with("::ffff:") || run.contains('.');
    // `2021::` is a year ahead of a colon, unless it is a network.
    let open = run.ends_with("::") && !text[end..].starts_with(['/', '%']);
    if !digits || open || !(whole || plain || first.len() >= 3 || first == "64") {
        return None;
    }
    let kind = if is_public_v6(address) { Kind::Ip } else { Kind::PrivateIp };
    Some(Finding::new(kind, start, end, "IPv6 address"))
}

/// Addresses of four numbers in a run of hexadecimal digits, dots and colons.
fn v4(text: &str, from: usize, to: usize, all: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < to {
        let run = bytes[at..to].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        if run == 0 {
            at += 1;
            continue;
        }
        let found = text[at..at + run].trim_matches('.');
        let start = at + text[at..at + run].find(found).unwrap_or(0);
        if found.len() >= 7
            && let Some(finding) = quad(text, start, start + found.len())
        {
            all.push(finding);
        }
        at += run;
    }
}

fn quad(text: &str, start: usize, end: usize) -> Option<Finding> {
    let address: Ipv4Addr = text[start..end].parse().ok()?;
    let (head, tail) = (&text[..start], &text[end..]);
    // A dash joins it to a name, or to the other end of a range.
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let dashed = head.strip_suffix('-').is_some_and(|head| letter(head.chars().next_back()))
        || tail.strip_prefix('-').is_some_and(|tail| letter(tail.chars().next()));
    let glued = dashed || head.ends_with(['_', '.', '$', '#']) || tail.starts_with(['_', '$']);
    let named = tail.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()));
    if joined_before(text, start) || joined_after(text, end) || glued || named {
        return None;
    }
    let words = before(text, start, 24);
    let words = words.trim_end_matches([' ', '=', ':', '"', '\'', '(', ',']);
    let last = words.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if VERSIONS.contains(&last) || has_word(words, &["version", "firmware"]) {
        return None;
    }
    if !is_public_v4(address) {
        return Some(Finding::new(Kind::PrivateIp, start, end, "IPv4 address"));
    }
    let [a, b, c, d] = address.octets();
    // Numbers that are all small are a version more often than not, and nobody is at `.0.0.0`.
    let small = a.max(b).max(c).max(d) < 32 || [b, c] == [0, 0];
    let told = || {
        let port = tail.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        port || head.ends_with("://") || head.ends_with('@') || has_word(&before(text, start, 40), &ADDRESSES)
    };
    (!small || (d != 0 && told())).then(|| Finding::new(Kind::Ip, start, end, "IPv4 address"))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0x2001, 0xdb8, ..] | [0x3fff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}
