//! What the first look learns for a report: what columns hold, and how often values come.

use std::borrow::Cow;
use std::collections::HashMap;

use crawl_core::json::Raw;

use super::layout::moment;

/// So many different values are counted by name, if they are no longer than so many bytes; the others are counted as one.
const NAMED: usize = 10_000;
const LONGEST: usize = 1_000;
/// The most columns, and the most bytes of their names: more than a person ever looks at, and fewer than a sheet has.
const MOST_COLUMNS: usize = 1000;
const MOST_NAMES: usize = 1 << 20;
/// So many of the columns that are left out are named.
const NAMES_LEFT_OUT: usize = 3;

/// What was seen in one column.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(super) key: String,
    pub(super) numbers: bool,
    pub(super) truths: bool,
    pub(super) texts: bool,
    pub(super) times: bool,
    pub(super) lists: bool,
    pub(super) objects: bool,
    /// The longest text, in characters; as far as it matters.
    pub(super) longest: usize,
}

/// How often values came.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    by_value: HashMap<String, u64>,
    /// Of values that came when too many were known.
    others: u64,
    /// Records without any.
    none: u64,
}

/// The columns of all records, and the counts of the first sheet.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(super) columns: Vec<Seen>,
    pub(super) places: HashMap<String, usize>,
    /// The bytes of their names.
    names: usize,
    pub(super) records: u64,
    /// Values in columns that have no room, and the first names of these.
    pub(super) left_out: u64,
    pub(super) names_left_out: Vec<String>,
    /// The first column of labels, and its values.
    pub(super) labels: Option<(usize, Counts)>,
    pub(super) languages: Counts,
    pub(super) licences: Counts,
    pub(super) sizes: Counts,
}

impl Looked {
    /// Takes a record into account.
    pub(crate) fn learn(&mut self, record: Raw<'_>) {
        self.records += 1;
        let mut has_labels = false;
        for (key, value) in record.members().into_iter().flatten() {
            let name = key.name();
            let Some(place) = self.place(&name) else {
                self.leave_out(&name);
                continue;
            };
            self.columns[place].note(value);
            if let Some((at, labels)) = &mut self.labels
                && *at == place
            {
                has_labels = true;
                labels.add(values(value));
            }
        }
        if let Some((_, labels)) = &mut self.labels {
            labels.none += u64::from(!has_labels);
        }
        self.languages.add(facet(record, &["language", "languages"]));
        self.licences.add(facet(record, &["license", "licence", "licenses"]));
        self.sizes.add(facet(record, &["size_categories", "size"]));
    }
}

impl Looked {
    /// Where the column of that name is, or will be; `None` if there is no room. Labels always have room: a report is about
    /// them.
    fn place(&mut self, name: &str) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let labels = is_labels(name) && self.labels.is_none();
        let room = self.columns.len() < MOST_COLUMNS && self.names + name.len() <= MOST_NAMES;
        if !room && !labels {
            return None;
        }
        let place = self.columns.len();
        if labels {
            // The records before had none.
            self.labels = Some((place, Counts { none: self.records - 1, ..Counts::default() }));
        }
        self.names += name.len();
        self.columns.push(Seen { key: name.to_owned(), ..Seen::default() });
        self.places.insert(name.to_owned(), place);
        Some(place)
    }

    fn leave_out(&mut self, name: &str) {
        self.left_out += 1;
        let short: String = name.chars().take(60).collect();
        if self.names_left_out.len() < NAMES_LEFT_OUT && !self.names_left_out.contains(&short) {
            self.names_left_out.push(short);
        }
    }

    /// What is to be told of the columns that are left out, if there are any.
    pub(crate) fn left_out(&self) -> Option<(u64, String)> {
        let names = self.names_left_out.join(", ");
        let more = if self.names_left_out.len() == NAMES_LEFT_OUT { ", ..." } else { "" };
        let what = format!("in columns beyond {MOST_COLUMNS}: {names}{more}");
        (self.left_out > 0).then_some((self.left_out, what))
    }
}

/// Whether a column of that name has labels.
pub(super) fn is_labels(name: &str) -> bool {
    name.ends_with("_names") && name != "config_names" || matches!(name, "labels" | "label")
}

impl Seen {
    fn note(&mut self, value: Raw<'_>) {
        match value.text().as_bytes().first() {
            Some(b'"') => {
                let text = value.str().unwrap_or_default();
                if moment(&text).is_some() {
                    self.times = true;
                } else {
                    self.texts = true;
                }
                self.longest = self.longest.max(text.chars().take(100).count());
            }
            Some(b't' | b'f') => self.truths = true,
            Some(b'n') => {}
            Some(b'[') => {
                self.lists = true;
                self.longest = self.longest.max(value.text().len().min(100));
            }
            Some(b'{') => self.objects = true,
            _ => self.numbers = true,
        }
    }
}

impl Counts {
    fn add(&mut self, values: Vec<Cow<'_, str>>) {
        self.none += u64::from(values.is_empty());
        for value in values {
            let room = self.by_value.len() < NAMED && value.len() <= LONGEST;
            match self.by_value.get_mut(value.as_ref()) {
                Some(count) => *count += 1,
                None if room => {
                    self.by_value.insert(value.into_owned(), 1);
                }
                None => self.others += 1,
            }
        }
    }

    /// Whether there are more than `most` values.
    pub(super) fn more_than(&self, most: usize) -> bool {
        self.others > 0 || self.by_value.len() > most
    }

    /// The most frequent `most` values, then how often others came, then how many records had none.
    pub(super) fn top(&self, most: usize) -> (Vec<(&str, u64)>, u64, u64) {
        let mut all: Vec<_> = self.by_value.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let others = all.iter().skip(most).map(|(_, count)| count).sum::<u64>() + self.others;
        all.truncate(most);
        (all, others, self.none)
    }
}

/// The values of a kind: a member of one of these names, in the record or among its `tags`, or tags such as `license:mit`.
fn facet<'r>(record: Raw<'r>, names: &[&str]) -> Vec<Cow<'r, str>> {
    for holder in [Some(record), record.get("tags")].into_iter().flatten() {
        for name in names {
            let found = holder.get(name).map(values).unwrap_or_default();
            if !found.is_empty() {
                return found;
            }
        }
    }
    let tags = record.get("tags").map(values).unwrap_or_default();
    let behind = |tag: &Cow<'r, str>| {
        let (name, value) = tag.split_once(':')?;
        names.contains(&name).then(|| Cow::Owned(value.to_owned()))
    };
    tags.iter().filter_map(behind).collect()
}

/// The words of a value: itself, or those of a list.
pub(super) fn values(value: Raw<'_>) -> Vec<Cow<'_, str>> {
    match value.elements() {
        Some(elements) => elements.filter_map(word).collect(),
        None => word(value).into_iter().collect(),
    }
}

/// A text that is not empty, or a whole number or truth value: labels are those too.
fn word(value: Raw<'_>) -> Option<Cow<'_, str>> {
    if let Some(text) = value.str() {
        return Some(text).filter(|text| !text.is_empty());
    }
    let plain = value.bool().is_some() || value.text().parse::<i64>().is_ok();
    plain.then_some(Cow::Borrowed(value.text()))
}
