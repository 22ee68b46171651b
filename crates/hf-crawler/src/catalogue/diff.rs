//! What two catalogues differ in, row by row.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result};
use serde::Serialize;
use serde_json::value::RawValue;

use super::file::Catalogue;
use super::gone::Passes;
use super::row::{Row, members};

/// Numbers that move without anybody changing anything.
pub const COUNTERS: [&str; 6] =
    ["childrenModelCount", "downloads", "downloadsAllTime", "likes", "trendingScore", "usedStorage"];

/// The kinds of changes, in the order in which they are told.
pub const KINDS: [&str; 8] = ["new", "gone", "back", "renamed", "licence", "gated", "changed", "counters"];

/// A repository that is not as it was.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Change {
    /// The `_id`, where it has one.
    #[serde(rename = "_id")]
    pub object_id: Option<String>,
    /// Its name now.
    pub id: Option<String>,
    /// Some of [`KINDS`].
    pub kind: Vec<&'static str>,
    /// The fields that differ; `license` stands for the licences among the tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Their values before; a field that had none is not there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub from: BTreeMap<String, Box<RawValue>>,
    /// Their values now.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub to: BTreeMap<String, Box<RawValue>>,
}

/// How many rows changed, by kind; one may be of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Rows that are in both and as they were, counters aside.
    pub same: u64,
    /// Rows of the first that the second does not have, and of which no whole pass says that they are gone.
    pub unseen: u64,
}

/// Compares two catalogues of the same Hub and gives each change to `emit`, in the order of their `_id`. A field counts
/// only where both know it: that a heavy pass came is no change. Memory: a row of each.
///
/// # Errors
/// [`Kind::Config`] if they are not of the same; those of reading them, and of `emit`.
pub fn diff(
    before: &Catalogue,
    after: &Catalogue,
    counters: bool,
    mut emit: impl FnMut(Change) -> Result<()>,
) -> Result<Counts> {
    let of =
        |catalogue: &Catalogue| (catalogue.footer().listing.clone(), catalogue.footer().endpoint.clone());
    if of(before) != of(after) {
        let what = format!("one is of {} and the other of {}", shown(of(before)), shown(of(after)));
        return Err(Error::new(Kind::Config, what).advise("compare two catalogues of the same Hub"));
    }
    let mut counts = Counts::default();
    let (old_passes, new_passes) = (Passes::of(before.runs()), Passes::of(after.runs()));
    let mut old = before.rows()?.peekable();
    let mut new = after.rows()?.peekable();
    let mut tell = |change: Change, counts: &mut Counts| {
        let wanted = change.kind.iter().any(|kind| *kind != "counters" || counters);
        for kind in &change.kind {
            *counts.kinds.entry(kind).or_default() += 1;
        }
        if wanted { emit(change) } else { Ok(()) }
    };
    loop {
        let order = match (peek(&mut old)?, peek(&mut new)?) {
            (None, None) => return Ok(counts),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.key.cmp(&new.key),
        };
        let one = if order.is_le() { old.next().transpose()? } else { None };
        let other = if order.is_ge() { new.next().transpose()? } else { None };
        let was_gone = one.as_ref().and_then(|row| old_passes.gone_at(row.last)).is_some();
        let change = match (&one, &other) {
            (Some(one), None) if !was_gone && new_passes.gone_at(one.last).is_some() => {
                about(one, Change { kind: vec!["gone"], ..Change::default() })
            }
            (Some(_), None) => {
                counts.unseen += u64::from(!was_gone);
                continue;
            }
            (_, Some(other)) => {
                let is_gone = new_passes.gone_at(other.last).is_some();
                let mut change = Change::default();
                match &one {
                    None => change.kind.push("new"),
                    Some(_) if was_gone && !is_gone => change.kind.push("back"),
                    Some(_) => {}
                }
                if is_gone && !was_gone {
                    change.kind.push("gone");
                }
                if let Some(one) = &one {
                    compare(one, before, other, after, counters, &mut change)?;
                }
                if change.kind.is_empty() { change } else { about(other, change) }
            }
            (None, None) => continue,
        };
        counts.same += u64::from(change.kind.iter().all(|kind| *kind == "counters"));
        if !change.kind.is_empty() {
            tell(change, &mut counts)?;
        }
    }
}

fn shown((listing, endpoint): (String, String)) -> String {
    format!("{listing} at {endpoint}")
}

fn peek<I: Iterator<Item = Result<Row>>>(rows: &mut Peekable<I>) -> Result<Option<&Row>> {
    if let Some(Err(error)) = rows.next_if(Result::is_err) {
        return Err(error);
    }
    Ok(rows.peek().and_then(|row| row.as_ref().ok()))
}

/// A change of this repository.
fn about(row: &Row, change: Change) -> Change {
    let ids = row.record.raw().members().into_iter().flatten().filter(|(key, _)| key.is("id"));
    Change {
        object_id: row.key.object_id().map(Cow::into_owned),
        id: ids.last().and_then(|(_, raw)| Some(raw.str()?.into_owned())),
        ..change
    }
}

/// Adds what differs between two rows of one repository.
fn compare(
    one: &Row,
    before: &Catalogue,
    other: &Row,
    after: &Catalogue,
    counters: bool,
    change: &mut Change,
) -> Result<()> {
    // Most rows are as they were; that they were asked for again is no change.
    if one.record == other.record {
        return Ok(());
    }
    let differing = differing(one, other);
    if differing.is_empty() {
        return Ok(());
    }
    let (known_before, known_after) = (one.knows(before.sets())?, other.knows(after.sets())?);
    let (mut changed, mut counted) = (false, false);
    for (name, from, to) in &differing {
        let (name, from, to) = (name.as_ref(), *from, *to);
        if !(known_before(name) && known_after(name)) {
            continue;
        }
        if name == "tags" {
            let licence = |tags: Option<&str>| tags.map(licences).unwrap_or_default();
            let (from, to) = (licence(from), licence(to));
            if from != to {
                change.kind.push("licence");
                change.field("license", Some(&from), Some(&to));
            }
        }
        match name {
            "id" => change.kind.push("renamed"),
            _ if COUNTERS.contains(&name) => counted = true,
            "gated" => {
                change.kind.push("gated");
                changed = true;
            }
            _ => changed = true,
        }
        if counters || !COUNTERS.contains(&name) {
            change.field(name, from, to);
        }
    }
    change.kind.extend(changed.then_some("changed"));
    change.kind.extend(counted.then_some("counters"));
    let place = |kind: &&str| KINDS.iter().position(|known| known == kind);
    change.kind.sort_by_key(place);
    Ok(())
}

/// A member that differs: its name, its value before and now.
type Differing<'a> = (Cow<'a, str>, Option<&'a str>, Option<&'a str>);

fn differing<'a>(one: &'a Row, other: &'a Row) -> Vec<Differing<'a>> {
    let [mut old, mut new] = [one, other].map(|row| members(row.record.raw()).into_iter().peekable());
    let mut all = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return all,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let from = old.next_if(|_| order.is_le());
        let to = new.next_if(|_| order.is_ge());
        let values = [&from, &to].map(|member| member.as_ref().map(|(_, raw)| raw.text()));
        let name = from.or(to).map(|(name, _)| name).filter(|_| !same(values[0], values[1]));
        all.extend(name.map(|name| (name, values[0], values[1])));
    }
}

impl Change {
    fn field(&mut self, name: &str, from: Option<&str>, to: Option<&str>) {
        self.fields.push(name.to_owned());
        let raw = |text: Option<&str>| RawValue::from_string(text?.to_owned()).ok();
        self.from.extend(raw(from).map(|value| (name.to_owned(), value)));
        self.to.extend(raw(to).map(|value| (name.to_owned(), value)));
    }
}

/// Whether two values are the same JSON, however they are spelled.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (one, other) {
        (Some(one), Some(other)) => {
            one == other || value(one).zip(value(other)).is_some_and(|(one, other)| one == other)
        }
        _ => one == other,
    }
}

/// The licences among tags, as a JSON list.
fn licences(tags: &str) -> String {
    let tags = Raw::parse(tags.as_bytes()).ok().and_then(Raw::elements).into_iter().flatten();
    let mut found: Vec<String> =
        tags.filter_map(|tag| Some(tag.str()?.strip_prefix("license:")?.to_owned())).collect();
    found.sort_unstable();
    serde_json::Value::from(found).to_string()
}
