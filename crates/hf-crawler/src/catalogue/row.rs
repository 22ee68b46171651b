//! One repository: what runs tell of it, folded field by field.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Record, Result, Timestamp};

use super::asked::{Asked, Sets};
use super::details;
use super::time::Micros;

/// What repositories are told apart and sorted by: `_id`, or the id where a server gives none; these come first, as
/// null does in Parquet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) Box<[u8]>);

impl Key {
    pub(super) fn new(object_id: Option<&str>, id: Option<&str>) -> Option<Self> {
        let (mark, text) = match object_id.filter(|text| !text.is_empty()) {
            Some(text) => (b'1', text),
            None => (b'0', id?),
        };
        Some(Key([&[mark], text.as_bytes()].concat().into()))
    }

    /// That of a row as a run has it. Of a name that stands twice the last one counts, as in the views.
    pub(super) fn of(raw: Raw<'_>) -> Option<Self> {
        let (mut object_id, mut id) = (None, None);
        for (key, value) in raw.members()? {
            if key.is("_id") {
                object_id = value.str();
            } else if key.is("id") {
                id = value.str();
            }
        }
        Key::new(object_id.as_deref(), id.as_deref())
    }

    /// The member that it is, and its text.
    fn member(&self) -> (&'static str, Cow<'_, str>) {
        let name = if self.0.first() == Some(&b'1') { "_id" } else { "id" };
        (name, String::from_utf8_lossy(self.0.get(1..).unwrap_or_default()))
    }

    /// The `_id`, where it is one.
    pub(super) fn object_id(&self) -> Option<Cow<'_, str>> {
        let (name, text) = self.member();
        (name == "_id").then_some(text)
    }
}

/// What one page tells of one repository.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) key: Key,
    /// The run, by its place among those that are folded.
    pub(super) run: u32,
    pub(super) at: Micros,
    /// `None` where a row had its `_id` and could not be read otherwise.
    pub(super) record: Option<Record>,
}

/// What a run means for its sightings.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) asked: Arc<Asked>,
    /// Whether to be in it is to be listed by the Hub at that time.
    pub(super) lists: bool,
}

/// A row of the catalogue, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub(super) key: Key,
    /// The newest value of each field, word for word: an object with its members in the order of their names.
    pub record: Record,
    /// When which set of fields was last asked for, as JSON: `{"SET":"TIME","+FIELD":"TIME"}`. `+FIELD` is one that
    /// came without being asked for.
    pub fields_at: String,
    /// When a listing first had it.
    pub(super) first: Option<Micros>,
    /// When a listing last had it.
    pub(super) last: Option<Micros>,
}

/// That a field had a value at a time, or none although it was asked for.
type Claim<'a> = (Cow<'a, str>, Micros, Option<&'a str>);

/// When each set was last asked for, and when each field came last that was not.
#[derive(Default)]
struct Times {
    sets: BTreeMap<Arc<str>, Micros>,
    beside: BTreeMap<String, Micros>,
}

/// Folds what is known of one repository. Whatever the order of `seen`, and whatever part of it `kept` holds already,
/// the same row comes of it: of each field the newest claim wins, of two at the same time the one that is greater.
pub(super) fn fold(kept: Option<Row>, seen: &[Sighting], runs: &[Told], sets: &Sets) -> Result<Option<Row>> {
    let Some(key) = seen.first().map(|sighting| sighting.key.clone()) else { return Ok(kept) };
    // A row knows what it is, even where nothing but that was told.
    let (own, id) = key.member();
    let id = serde_json::Value::from(id.as_ref()).to_string();
    let mut claims: Vec<Claim<'_>> = Vec::with_capacity(32);
    let mut times = Times::default();
    let (mut first, mut last) = kept.as_ref().map_or((None, None), |row| (row.first, row.last));
    if let Some(row) = &kept {
        times = Times::read(&row.fields_at)?;
        times.claims(&row.record, sets, &mut claims)?;
    }
    for sighting in seen {
        let told =
            runs.get(sighting.run as usize).ok_or_else(|| broken("it names a run that is not there"))?;
        if told.lists {
            first = Some(first.map_or(sighting.at, |first| first.min(sighting.at)));
            last = last.max(Some(sighting.at));
        }
        let Some(record) = &sighting.record else {
            times.came(own, sighting.at);
            claims.push((own.into(), sighting.at, Some(&id)));
            continue;
        };
        let mut members = members(record.raw());
        if !told.lists {
            members =
                members.into_iter().filter_map(|(name, raw)| Some((details::name(name)?, raw))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            times.came(own, sighting.at);
            claims.push((own.into(), sighting.at, Some(&id)));
        }
        // Both are in the order of their names.
        let mut asked = told.asked.fields().iter().map(String::as_str).peekable();
        for (name, value) in members {
            while let Some(absent) = asked.next_if(|field| *field < name.as_ref()) {
                claims.push((absent.into(), sighting.at, None));
            }
            if asked.next_if(|field| *field == name.as_ref()).is_none() {
                times.came(&name, sighting.at);
            }
            claims.push((name, sighting.at, Some(value.text())));
        }
        claims.extend(asked.map(|absent| (absent.into(), sighting.at, None)));
        let at = times.sets.entry(told.asked.name.clone()).or_insert(sighting.at);
        *at = sighting.at.max(*at);
    }
    times.thin(sets)?;
    let record = Record::known(newest(claims).into());
    Ok(Some(Row { key, record, fields_at: times.write(), first, last }))
}

/// The members of a row in the order of their names; of a name that stands twice the last one, as in the views.
pub(super) fn members(raw: Raw<'_>) -> Vec<(Cow<'_, str>, Raw<'_>)> {
    let mut members: Vec<_> =
        raw.members().into_iter().flatten().map(|(key, value)| (key.name(), value)).collect();
    members.reverse();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    members.dedup_by(|(later, _), (earlier, _)| later == earlier);
    members
}

/// An object of the newest claim of each field, as far as they have a value.
fn newest(mut claims: Vec<Claim<'_>>) -> Vec<u8> {
    claims.sort_unstable();
    let length = claims.iter().map(|(name, _, value)| name.len() + value.unwrap_or_default().len() + 4).sum();
    let mut text = Vec::with_capacity(length);
    for (place, (name, _, value)) in claims.iter().enumerate() {
        let newer = claims.get(place + 1).is_some_and(|(next, ..)| next == name);
        let Some(value) = value.filter(|_| !newer) else { continue };
        text.push(if text.is_empty() { b'{' } else { b',' });
        // A text is always JSON, and a vector takes every byte.
        let _ = serde_json::to_writer(&mut text, name.as_ref());
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(if text.is_empty() { b"{}" } else { b"}" });
    text
}

impl Times {
    /// Notes that a field came, whoever asked for it.
    fn came(&mut self, field: &str, at: Micros) {
        match self.beside.get_mut(field) {
            Some(last) => *last = at.max(*last),
            None => drop(self.beside.insert(field.to_owned(), at)),
        }
    }

    fn read(text: &str) -> Result<Self> {
        let all: BTreeMap<String, Micros> = serde_json::from_str(text)
            .map_err(|cause| broken("the times of its fields are none").because(cause))?;
        let mut times = Times::default();
        for (name, at) in all {
            match name.strip_prefix('+') {
                Some(field) => times.beside.insert(field.to_owned(), at),
                None => times.sets.insert(name.into(), at),
            };
        }
        Ok(times)
    }

    fn write(&self) -> String {
        let beside = self.beside.iter().map(|(field, at)| (format!("+{field}"), *at));
        let all: BTreeMap<String, Micros> =
            self.sets.iter().map(|(name, at)| (name.to_string(), *at)).chain(beside).collect();
        serde_json::to_string(&all).unwrap_or_default()
    }

    /// When a field was last asked for, or came; `None` if it is unknown.
    fn of(&self, field: &str, sets: &Sets) -> Option<Micros> {
        let asked = self.sets.iter().filter(|(name, _)| sets.get(*name).is_some_and(|set| set.has(field)));
        asked.map(|(_, at)| *at).max().max(self.beside.get(field).copied())
    }

    /// What a kept row claims.
    fn claims<'a>(&self, record: &'a Record, sets: &'a Sets, claims: &mut Vec<Claim<'a>>) -> Result<()> {
        for name in self.sets.keys() {
            let set = sets.get(name).ok_or_else(|| broken("it names a set of fields that is not there"))?;
            claims.extend(set.fields().iter().map(|field| (Cow::Borrowed(field.as_str()), Micros(0), None)));
        }
        claims.extend(
            members(record.raw()).into_iter().map(|(name, value)| (name, Micros(0), Some(value.text()))),
        );
        claims.sort_unstable();
        // The value stands behind its absence: of a field that has one only that is left.
        claims.reverse();
        claims.dedup_by(|(later, ..), (earlier, ..)| later == earlier);
        for (name, at, _) in claims {
            *at = self.of(name, sets).ok_or_else(|| broken("it has a field that nobody asked for"))?;
        }
        Ok(())
    }

    /// Leaves out what tells nothing: a set that a wider one was asked for after, or with.
    fn thin(&mut self, sets: &Sets) -> Result<()> {
        let all = self.sets.clone();
        let set = |name: &Arc<str>| {
            sets.get(name).ok_or_else(|| broken("it names a set of fields that is not there"))
        };
        for (name, at) in &all {
            let one = set(name)?;
            for (other, later) in &all {
                if other != name && later >= at && set(other)?.covers(one) {
                    self.sets.remove(name);
                }
            }
        }
        let asked = &self.sets;
        self.beside.retain(|field, at| {
            !asked.iter().any(|(name, later)| later >= at && sets.get(name).is_some_and(|set| set.has(field)))
        });
        Ok(())
    }
}

impl Row {
    /// When anything of it was fetched last.
    pub(super) fn fetched_at(&self) -> Result<Option<Timestamp>> {
        let times = Times::read(&self.fields_at)?;
        Ok(times.sets.values().chain(times.beside.values()).max().map(|at| at.time()))
    }

    /// Whether anything is known of a field: that it has a value, or that it had none when it was asked for.
    pub(super) fn knows(&self, sets: &Sets) -> Result<impl Fn(&str) -> bool> {
        let times = Times::read(&self.fields_at)?;
        Ok(move |field: &str| times.of(field, sets).is_some())
    }
}

fn broken(what: &str) -> Error {
    Error::new(Kind::Shape, format!("the catalogue has a row that cannot be: {what}"))
        .advise("make it anew from the runs")
}
