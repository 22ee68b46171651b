//! What goes wrong, and when: rules of the form `[WHERE@]WHEN=FAULT`, parsed from text.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::dice::Dice;

/// One thing that goes wrong with an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// `status:N`: this status with a line of text as the body.
    Status(u16),
    /// `429`, `429:retry-after=N`, `429:date`: too many requests, without any RateLimit header.
    TooMany(RetryAfter),
    /// `reset`: the connection is reset (TCP RST) instead of an answer.
    Reset,
    /// `close`: the connection is closed without an answer.
    Close,
    /// `hang`: no answer, and the connection stays open.
    Hang,
    /// `cut`: the right Content-Length, half of the body, then the connection is closed.
    Cut,
    /// `longer`: Content-Length promises more than the whole body; then the connection is closed.
    Longer,
    /// `shorter`: Content-Length names half of the body, so the reader sees JSON that stops early.
    Shorter,
    /// `html`: status 200 and a page of HTML.
    Html,
    /// `utf8`: bytes that are not UTF-8 inside the body.
    InvalidUtf8,
    /// `bomb`: a small gzip body that unpacks to more than 1 GiB of spaces.
    Bomb,
    /// `slow:MS`: the whole answer comes this much later.
    Slow(Duration),
    /// `trickle:MS`: the body comes a byte at a time, with this pause before each.
    Trickle(Duration),
    /// `whole`: a `Range` is ignored and the whole file sent with status 200 (files).
    Whole,
    /// `flip`: one bit in the middle of the body is wrong, its length and its sums are not (files).
    Flip,
    /// `expired`: the signed link is refused with 403 and XML, though it was good (files).
    Expired,
    /// `changed`: from here on it is another version of the file, with other sums, ETag and generation (files).
    Changed,
    /// `zip-bomb`: a ZIP of 1 MB that unpacks to 1 GiB, with right sums (files).
    ZipBomb,
    /// `zip-slip`: a ZIP with names that lead out of the folder, links, and names that clash (files).
    ZipSlip,
    /// `tar-links`: a tar.gz with links that lead out of the folder, devices and a pipe (files).
    TarLinks,
    /// `stray`: the link to the file leads to another host, without a signature (links to files); those of a list of
    /// outputs lead to 127.0.0.2.
    Stray,
    /// `refuse:rules`, `refuse:denied`, `refuse:consent`, `refuse:phone`, `refuse:in-200`: one of Kaggle's refusals.
    Refuse(Refusal),
    /// `empty-next`: an empty page whose next link leads to the records that this page would have held (lists).
    EmptyNext,
    /// `repeat-cursor`: the next link repeats the cursor that was asked for (lists).
    RepeatCursor,
    /// `other-origin`: the next link points at another port (lists).
    OtherOrigin,
    /// `hub-link`: the next link names `https://huggingface.co`, as behind a mirror (lists).
    HubLink,
    /// `no-next`: the next link is left out (lists).
    NoNext,
    /// `unsorted`: `sort` is not looked at, rows come by likes (lists; cursors lead on only where all answers do so).
    Unsorted,
    /// `sunk`: the page begins with the last seven rows before it, as if their number had fallen meanwhile (lists).
    Sunk,
    /// `rewind`: the cursor is not looked at, rows come from the beginning, and the next link has a new cursor (lists).
    Rewind,
    /// `row-string`: one more element in the page, a JSON string (lists).
    RowString,
    /// `row-no-id`: one more element in the page, an object without ids (lists).
    RowWithoutId,
    /// `row-twice`: the first record of the page comes a second time at its end (lists).
    RowTwice,
    /// `redirect`: 307 to the same repository under a new name, `renamed-` before the old one (detail).
    Redirect,
    /// `invalid`: the answer of the model is not JSON (chat).
    InvalidJson,
    /// `fenced`: the answer of the model is wrapped in a Markdown code fence (chat).
    Fenced,
    /// `wrong-id`: the answer names another record (chat).
    WrongId,
    /// `wrong-label`: the answer uses a label outside the closed set (chat).
    WrongLabel,
    /// `refusal`: the model refuses; `content` is null (chat).
    Refusal,
    /// `length`: the answer stops in the middle, with `finish_reason` `length` (chat).
    Length,
    /// `cut-stream`: the connection closes in the middle of the answer (chat, streamed or not).
    CutStream,
}

/// Kaggle's ways to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 403: the rules of the competition are not accepted.
    Rules,
    /// 403: private, deleted or misspelt.
    Denied,
    /// 403: the licence of a gated model is not accepted.
    Consent,
    /// 401: an account without a verified phone number.
    Phone,
    /// 200 with `{"code":403,...}` in the body.
    In200,
}

/// What a 429 says about when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Silent,
    /// So many seconds.
    Seconds(u64),
    /// An HTTP date two seconds ahead.
    Date,
}

/// A rule that did not parse, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultError(String);

impl std::fmt::Display for FaultError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for FaultError {}

/// A fault and the requests that meet it.
///
/// Text form: `[WHERE@]WHEN=FAULT`. `WHERE` is a kind of request (`list`, `detail`, `tree`, `resolve`, `cdn`, `chat`)
/// or a path prefix that starts with `/`. `WHEN` is `3` (the third), `5-8` (both ends included), `5-` (from the fifth on),
/// `every:N`, `p:0.05` (a seeded chance) or `all`; it counts the requests that match `WHERE`, from 1. Without `WHERE`,
/// a fault of one kind of answer counts that kind, and any other fault counts all requests but those to the file host.
///
/// ```text
/// 3=status:500    list@10-12=reset    /api/models@every:5=cut    chat@p:0.01=429:retry-after=1
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    place: Place,
    when: When,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    Anywhere,
    Kind(String),
    Prefix(String),
}

#[derive(Clone, Debug, PartialEq)]
enum When {
    Between(u64, u64),
    Every(u64),
    Chance(f64),
}

impl FromStr for Rule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = |why: &str| FaultError(format!("fault rule `{text}`: {why}"));
        let (left, fault) = text.split_once('=').ok_or_else(|| wrong("expected [WHERE@]WHEN=FAULT"))?;
        let fault = parse_fault(fault).ok_or_else(|| wrong("no such fault"))?;
        let (place, when) = match left.split_once('@') {
            None => (fault.kind().map_or(Place::Anywhere, |kind| Place::Kind(kind.into())), left),
            Some((place, when)) => (parse_place(place).ok_or_else(|| wrong("no such kind"))?, when),
        };
        if let (Some(natural), Place::Kind(kind)) = (fault.kind(), &place)
            && !fits(natural, kind)
        {
            return Err(wrong(&format!("this fault is for `{natural}`")));
        }
        let when = parse_when(when).ok_or_else(|| wrong("WHEN is N, N-M, N-, every:N, p:0.05 or all"))?;
        Ok(Self { place, when, fault })
    }
}

impl Rule {
    fn matches(&self, kind: &str, path: &str) -> bool {
        match &self.place {
            Place::Anywhere => kind != "cdn",
            Place::Kind(wanted) => wanted == kind,
            Place::Prefix(prefix) => path.starts_with(prefix.as_str()),
        }
    }
}

impl Fault {
    /// The only kind of request that this fault can happen to, if there is one.
    fn kind(&self) -> Option<&'static str> {
        use Fault::*;
        match self {
            EmptyNext | RepeatCursor | OtherOrigin | HubLink | NoNext | Unsorted | Sunk | Rewind => {
                Some("list")
            }
            RowString | RowWithoutId | RowTwice => Some("list"),
            Redirect => Some("detail"),
            Whole | Flip | Expired | Changed | ZipBomb | ZipSlip | TarLinks => Some("cdn"),
            Stray => Some("resolve"),
            InvalidJson | Fenced | WrongId | WrongLabel | Refusal | Length | CutStream => Some("chat"),
            _ => None,
        }
    }
}

/// The rules of one double, with their counters.
pub(crate) struct Plan {
    seed: u64,
    rules: Vec<(Rule, AtomicU64)>,
}

impl Plan {
    pub(crate) fn new(seed: u64, rules: Vec<Rule>) -> Self {
        Self { seed, rules: rules.into_iter().map(|rule| (rule, AtomicU64::new(0))).collect() }
    }

    /// Counts this request in every rule that matches it; the first rule that is due wins.
    pub(crate) fn due(&self, kind: &str, path: &str) -> Option<Fault> {
        let mut chosen = None;
        for (position, (rule, counter)) in self.rules.iter().enumerate() {
            if !rule.matches(kind, path) {
                continue;
            }
            let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
            let hit = match rule.when {
                When::Between(first, last) => (first..=last).contains(&number),
                When::Every(step) => number.is_multiple_of(step),
                When::Chance(chance) => Dice::new(self.seed ^ (position as u64 + 1), number).share() < chance,
            };
            if hit && chosen.is_none() {
                chosen = Some(rule.fault.clone());
            }
        }
        chosen
    }

    pub(crate) fn reset(&self) {
        self.rules.iter().for_each(|(_, counter)| counter.store(0, Ordering::Relaxed));
    }
}

fn fits(natural: &str, kind: &str) -> bool {
    natural == kind || (natural == "cdn" && kind == "resolve")
}

fn parse_place(text: &str) -> Option<Place> {
    const KINDS: [&str; 7] = ["list", "detail", "tree", "resolve", "cdn", "chat", "models"];
    match text {
        _ if text.starts_with('/') => Some(Place::Prefix(text.into())),
        _ if KINDS.contains(&text) => Some(Place::Kind(text.into())),
        _ => None,
    }
}

fn parse_when(text: &str) -> Option<When> {
    if text == "all" {
        return Some(When::Between(1, u64::MAX));
    }
    if let Some(step) = text.strip_prefix("every:") {
        return step.parse().ok().filter(|step| *step > 0).map(When::Every);
    }
    if let Some(chance) = text.strip_prefix("p:") {
        return chance.parse().ok().filter(|chance| (0.0..=1.0).contains(chance)).map(When::Chance);
    }
    let (first, last) = match text.split_once('-') {
        None => (text.parse().ok()?, text.parse().ok()?),
        Some((first, "")) => (first.parse().ok()?, u64::MAX),
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
    };
    (1..=last).contains(&first).then_some(When::Between(first, last))
}

fn parse_fault(text: &str) -> Option<Fault> {
    let (name, value) = text.split_once(':').map_or((text, None), |(name, value)| (name, Some(value)));
    match value {
        None => plain_fault(name),
        Some(value) => fault_with_value(name, value),
    }
}

fn plain_fault(name: &str) -> Option<Fault> {
    Some(match name {
        "429" => Fault::TooMany(RetryAfter::Silent),
        "reset" => Fault::Reset,
        "close" => Fault::Close,
        "hang" => Fault::Hang,
        "cut" => Fault::Cut,
        "longer" => Fault::Longer,
        "shorter" => Fault::Shorter,
        "html" => Fault::Html,
        "utf8" => Fault::InvalidUtf8,
        "bomb" => Fault::Bomb,
        "whole" => Fault::Whole,
        "flip" => Fault::Flip,
        "expired" => Fault::Expired,
        "changed" => Fault::Changed,
        "zip-bomb" => Fault::ZipBomb,
        "zip-slip" => Fault::ZipSlip,
        "tar-links" => Fault::TarLinks,
        "stray" => Fault::Stray,
        "empty-next" => Fault::EmptyNext,
        "repeat-cursor" => Fault::RepeatCursor,
        "other-origin" => Fault::OtherOrigin,
        "hub-link" => Fault::HubLink,
        "no-next" => Fault::NoNext,
        "unsorted" => Fault::Unsorted,
        "sunk" => Fault::Sunk,
        "rewind" => Fault::Rewind,
        "row-string" => Fault::RowString,
        "row-no-id" => Fault::RowWithoutId,
        "row-twice" => Fault::RowTwice,
        "redirect" => Fault::Redirect,
        "invalid" => Fault::InvalidJson,
        "fenced" => Fault::Fenced,
        "wrong-id" => Fault::WrongId,
        "wrong-label" => Fault::WrongLabel,
        "refusal" => Fault::Refusal,
        "length" => Fault::Length,
        "cut-stream" => Fault::CutStream,
        _ => return None,
    })
}

fn fault_with_value(name: &str, value: &str) -> Option<Fault> {
    let milliseconds = || value.parse().ok().map(Duration::from_millis);
    match name {
        "status" => value.parse().ok().filter(|status| (200..=599).contains(status)).map(Fault::Status),
        "slow" => milliseconds().map(Fault::Slow),
        "trickle" => milliseconds().map(Fault::Trickle),
        "refuse" => Some(Fault::Refuse(match value {
            "rules" => Refusal::Rules,
            "denied" => Refusal::Denied,
            "consent" => Refusal::Consent,
            "phone" => Refusal::Phone,
            "in-200" => Refusal::In200,
            _ => return None,
        })),
        "429" if value == "date" => Some(Fault::TooMany(RetryAfter::Date)),
        "429" => {
            let seconds = value.strip_prefix("retry-after=")?.parse().ok()?;
            Some(Fault::TooMany(RetryAfter::Seconds(seconds)))
        }
        _ => None,
    }
}
