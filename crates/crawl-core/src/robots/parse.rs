//! robots.txt, line by line.

use std::time::Duration;

use super::matcher::Pattern;
use super::rules::{Rule, Rules, Usage};
use super::signals::Signals;

/// So many bytes are read, the rest is not: RFC 9309 asks for at least 500 KiB.
pub(super) const MOST_BYTES: usize = 500 << 10;
/// A longer line is cut.
const LONGEST_LINE: usize = 16_664;
/// So many sitemaps and licences are kept.
const MOST_NAMES: usize = 10_000;
/// Misspellings that forbid something. Those that permit something are not understood.
const DISALLOW: [&str; 6] = ["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"];
/// Names under which crawlers for training come.
const TRAINERS: [&str; 10] = [
    "GPTBot",
    "CCBot",
    "Google-Extended",
    "ClaudeBot",
    "anthropic-ai",
    "Applebot-Extended",
    "Bytespider",
    "meta-externalagent",
    "cohere-ai",
    "Amazonbot",
];

/// A robots.txt: groups of rules, and what stands outside of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Robots {
    groups: Vec<Group>,
    sitemaps: Vec<String>,
    licences: Vec<String>,
    /// Lines about use ahead of any group: they are about all crawlers.
    usages: Vec<Usage>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    /// Product tokens in lower case; `*` for all.
    agents: Vec<String>,
    rules: Vec<Rule>,
    usages: Vec<Usage>,
    delay: Option<Duration>,
}

impl Robots {
    /// Reads a robots.txt; whatever is no known line is passed over, and no bytes make it fail. Beyond 500 KiB nothing
    /// is read; the cut is at a line's end.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut robots = Robots::default();
        // Whether the next line of an agent begins a group: only rules close the one before.
        let mut closed = true;
        for (number, line) in (1..).zip(lines(bytes)) {
            let Some((key, value)) = key_and_value(line) else { continue };
            match key.as_str() {
                "user-agent" => {
                    if std::mem::take(&mut closed) {
                        robots.groups.push(Group::default());
                    }
                    if let (Some(group), Some(agent)) = (robots.groups.last_mut(), agent(value)) {
                        group.agents.push(agent);
                    }
                }
                "sitemap" if robots.sitemaps.len() < MOST_NAMES => robots.sitemaps.push(text(value)),
                "license" if robots.licences.len() < MOST_NAMES => robots.licences.push(text(value)),
                "content-signal" => robots.say("Content-Signal", value, number),
                "content-usage" => robots.say("Content-Usage", value, number),
                _ => {
                    if let Some(group) = robots.groups.last_mut() {
                        closed |= group.take(&key, value, number);
                    }
                }
            }
        }
        robots
    }

    /// Takes a line about use in: for the group that it stands in, or for all.
    fn say(&mut self, name: &'static str, value: &[u8], line: u32) {
        let value = text(value);
        let (pattern, said) = match value.split_once([' ', '\t']) {
            Some((pattern, said)) if pattern.starts_with(['/', '*']) => (pattern, said),
            _ if value.starts_with(['/', '*']) => return,
            _ => ("", value.as_str()),
        };
        let signals = Signals::of_dictionary(said, &format!("{name} of robots.txt, line {line}"));
        let usage = Usage { pattern: Pattern::new(pattern.as_bytes()), signals, key: name };
        self.groups.last_mut().map_or(&mut self.usages, |group| &mut group.usages).push(usage);
    }

    /// The rules for a crawler with this product token, such as `gleaner`: those of all groups that name it, else those
    /// for all crawlers, else none.
    pub fn agent(&self, token: &str) -> Rules {
        let token = product(token.as_bytes());
        let named = |name: &str| self.groups.iter().any(|group| group.names(name));
        let name = if !token.is_empty() && named(&token) { token.as_str() } else { "*" };
        let groups = || self.groups.iter().filter(|group| group.names(name));
        Rules::new(
            groups().flat_map(|group| group.rules.iter().cloned()).collect(),
            self.usages.iter().chain(groups().flat_map(|group| &group.usages)).cloned().collect(),
            groups().filter_map(|group| group.delay).max(),
            self.sitemaps.clone(),
        )
    }

    /// The addresses of sitemaps, as they are written.
    pub fn sitemaps(&self) -> &[String] {
        &self.sitemaps
    }

    /// The addresses of licences (RSL), as they are written.
    pub fn licences(&self) -> &[String] {
        &self.licences
    }

    /// Those of the known crawlers for training that are named and may not read the site's root: a site that refuses
    /// them may well mean whoever trains.
    pub fn refused_trainers(&self) -> Vec<&'static str> {
        let refused = |name: &&str| {
            let token = product(name.as_bytes());
            self.groups.iter().any(|group| group.names(&token)) && !self.agent(name).check("/").allowed
        };
        TRAINERS.into_iter().filter(refused).collect()
    }
}

impl Group {
    fn names(&self, name: &str) -> bool {
        self.agents.iter().any(|agent| agent == name)
    }

    /// Takes a line in; says whether it was a rule, behind which the next agent begins another group. Other lines must
    /// not get in the way of that (RFC 9309, 2.2.4).
    fn take(&mut self, key: &str, value: &[u8], line: u32) -> bool {
        match key {
            "allow" => self.rules.push(Rule::new(true, value, line)),
            key if DISALLOW.contains(&key) => self.rules.push(Rule::new(false, value, line)),
            "crawl-delay" => self.wait(seconds(&text(value))),
            "request-rate" => self.wait(rate(&text(value))),
            _ => return false,
        }
        key == "allow" || DISALLOW.contains(&key)
    }

    /// Of several delays the longest holds.
    fn wait(&mut self, delay: Option<Duration>) {
        self.delay = self.delay.max(delay);
    }
}

/// Lines end with CR, LF or both. Without the mark of UTF-8, whole or begun, and without what is beyond the cap.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mark = [0xEF, 0xBB, 0xBF].iter().zip(bytes).take_while(|(mark, byte)| mark == byte).count();
    let bytes = &bytes[mark..];
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let bytes = match bytes.get(..MOST_BYTES) {
        Some(head) if bytes.len() > MOST_BYTES && !bytes.get(MOST_BYTES).is_some_and(ends) => {
            &head[..head.iter().rposition(ends).unwrap_or(0)]
        }
        Some(head) => head,
        None => bytes,
    };
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let all = rest?;
        let Some(at) = memchr::memchr2(b'\r', b'\n', all) else {
            rest = None;
            return Some(all);
        };
        let after = &all[at + 1..];
        rest = Some(if all[at] == b'\r' { after.strip_prefix(b"\n").unwrap_or(after) } else { after });
        Some(&all[..at])
    })
}

/// A line without its comment: the key in lower case, the value as it is.
fn key_and_value(line: &[u8]) -> Option<(String, &[u8])> {
    let line = &line[..line.len().min(LONGEST_LINE)];
    let line = line[..memchr::memchr(b'#', line).unwrap_or(line.len())].trim_ascii();
    if let Some(at) = memchr::memchr(b':', line) {
        let key = line[..at].trim_ascii();
        let key = std::str::from_utf8(key).ok()?.to_ascii_lowercase();
        return Some((key, line[at + 1..].trim_ascii()));
    }
    // A forgotten colon, where what is said forbids something or says to whom.
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (key, value) = (words.next()?, words.next()?);
    let key = std::str::from_utf8(key).ok()?.to_ascii_lowercase();
    let strict = key == "user-agent" || DISALLOW.contains(&key.as_str());
    (strict && words.next().is_none()).then_some((key, value))
}

/// Whom a line names: `*`, or the product token that it begins with.
fn agent(value: &[u8]) -> Option<String> {
    match value {
        [b'*'] => Some("*".to_owned()),
        [b'*', after, ..] if after.is_ascii_whitespace() => Some("*".to_owned()),
        _ => Some(product(value)).filter(|token| !token.is_empty()),
    }
}

/// A product token, in lower case: letters, `_` and `-` at the beginning.
fn product(text: &[u8]) -> String {
    let token = text.iter().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
    token.map(|byte| byte.to_ascii_lowercase() as char).collect()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|delay| !delay.is_zero())
}

/// `1/5`, `1/10s`, `2/1m`: so many requests in so long a time.
fn rate(text: &str) -> Option<Duration> {
    let (requests, time) = text.split_whitespace().next()?.split_once('/')?;
    let requests: f64 = requests.parse().ok().filter(|requests| *requests > 0.0)?;
    let unit = match time.chars().last()? {
        'm' => 60.0,
        'h' => 3600.0,
        _ => 1.0,
    };
    let time: f64 = time.trim_end_matches(['s', 'm', 'h']).parse().ok()?;
    Duration::try_from_secs_f64(time * unit / requests).ok().filter(|delay| !delay.is_zero())
}
