//! Filters: they hold before anything is ranked, and an unknown passes none unless it is asked for.

use std::ops::Bound;
use std::sync::Arc;

use crawl_core::{Result, Timestamp};
use serde::Serialize;

use crate::bitmap::Bitmap;
use crate::columns::{Column, Facet, Numbers};
use crate::document::Kind;
use crate::hardware::Worked;
use crate::index::Index;
use crate::query::wrong;

/// What a document must be to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// As it was spelled.
    pub spelled: String,
    /// The column that it looks at.
    pub column: String,
    /// What is wanted there.
    pub test: Test,
    /// Whether what passes the test is what is left out.
    pub not: bool,
    /// Whether documents pass of which the column is unknown.
    pub unknown: bool,
}

/// What a [`Filter`] wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Anything that is known.
    Known,
    /// Nothing: with `unknown`, only what is unknown passes.
    Nothing,
    /// One of these texts, whatever their case.
    Texts(Vec<Text>),
    /// A number, or a time in seconds since 1970, between these.
    Range(Bound<f64>, Bound<f64>),
    /// Something that is worked out of several columns.
    Worked(Worked),
}

/// A text of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// In lower case.
    pub text: String,
    /// Whether more may come behind it.
    pub open: bool,
}

/// What a filter did, over all documents and by itself: whatever other filters say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filtered {
    /// The filter as it was spelled.
    pub filter: String,
    /// How many documents it left out because of what they have.
    pub excluded: u64,
    /// How many it left out because it is unknown what they have.
    pub unknown: u64,
}

/// What passes a filter.
pub(crate) struct Passed {
    places: Bitmap,
    excluded: u64,
    unknown: u64,
}

impl Filter {
    /// Reads `column:value`: `license:mit,apache-2.0`, `author:meta*`, `downloads:>=1000`, `params:1B..8B`,
    /// `created:2024-01-01..`, `license:*` (known), `license:?` (unknown), `params:<8B,?` (or unknown).
    ///
    /// # Errors
    /// `Config` if the value is none for a column of that kind.
    pub fn parse(column: &str, kind: Kind, value: &str, not: bool) -> Result<Self> {
        let spelled = format!("{}{column}:{value}", if not { "-" } else { "" });
        let mut unknown = false;
        let mut parts = Vec::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part {
                "?" => unknown = true,
                part => parts.push(part),
            }
        }
        let bad = |expected: &str| {
            wrong(format!("`{value}` is no filter for the {} `{column}`", kind.word()), expected)
        };
        let mut not = not;
        let test = match (parts.as_slice(), kind) {
            // Not unknown is known, and not known is unknown: with a minus they change places.
            ([], _) if unknown && not => {
                (not, unknown) = (false, false);
                Test::Known
            }
            ([], _) if unknown => Test::Nothing,
            ([], _) => return Err(bad("write a value behind the colon, without a space")),
            (["*"], _) if not => {
                (not, unknown) = (false, true);
                Test::Nothing
            }
            (["*"], _) => Test::Known,
            (parts, Kind::Facet) => Test::Texts(parts.iter().map(|part| Text::of(part)).collect()),
            ([range], Kind::Number | Kind::Time) => {
                let (range, advice) = match kind {
                    Kind::Time => {
                        (range_of(range, time), "write 2024-05-01, >=2024-01-01 or 2024-01-01..2024-06-30")
                    }
                    _ => (number_range(range), "write 5, >=1000, <8B, 1B..8B or 4GiB.."),
                };
                let (from, to) = range.ok_or_else(|| bad(advice))?;
                if matches!((from, to), (Bound::Included(from), Bound::Included(to)) if from > to) {
                    let what = format!("the range `{value}` of `{column}` ends before it begins");
                    return Err(wrong(what, "write the smaller end first"));
                }
                Test::Range(from, to)
            }
            _ => return Err(bad("a number or a time takes one range, and `?` beside it")),
        };
        Ok(Filter { spelled, column: column.to_owned(), test, not, unknown })
    }

    /// The places that pass, among all that are live; and what was left out. Filters come again, from page to page and from one
    /// who asks to the next, so that they are worked out once.
    pub(crate) fn apply(&self, index: &Index) -> Result<Arc<Passed>> {
        let unspelled = Filter { spelled: String::new(), ..self.clone() };
        index.passed.or_make(unspelled, |filter| filter.work_out(index).map(Arc::new))
    }

    fn work_out(&self, index: &Index) -> Result<Passed> {
        let live = index.live();
        let (mut known, mut places) = match &self.test {
            Test::Worked(worked) => {
                let columns = crate::hardware::Columns::of(index)?;
                Bitmap::known_and_held(live.size(), |place| columns.judge(worked, place as u32))
            }
            test => match index.column(&self.column)?.as_deref() {
                Some(Column::Facet(facet)) => {
                    let held = match test {
                        Test::Known => facet.known().clone(),
                        Test::Texts(texts) => facet.having(texts),
                        Test::Nothing | Test::Range(..) | Test::Worked(_) => Bitmap::none(live.size()),
                    };
                    (facet.known().clone(), held)
                }
                Some(Column::Numbers(numbers)) => Bitmap::known_and_held(live.size(), |place| {
                    numbers.get(place as u32).map(|number| self.takes(number))
                }),
                None => (Bitmap::none(live.size()), Bitmap::none(live.size())),
            },
        };
        known.and(live);
        if self.not {
            let held = std::mem::replace(&mut places, known.clone());
            places.and_not(&held);
        }
        places.and(&known);
        let excluded = known.count() - places.count();
        let mut unknown = live.count() - known.count();
        if self.unknown {
            let mut left = live.clone();
            left.and_not(&known);
            places.or(&left);
            unknown = 0;
        }
        Ok(Passed { places, excluded, unknown })
    }

    fn takes(&self, number: f64) -> bool {
        match &self.test {
            Test::Known => true,
            Test::Range(from, to) => std::ops::RangeBounds::contains(&(*from, *to), &number),
            Test::Nothing | Test::Texts(_) | Test::Worked(_) => false,
        }
    }
}

impl Text {
    fn of(part: &str) -> Self {
        let (text, open) = match part.strip_suffix('*') {
            Some(text) => (text, true),
            None => (part, false),
        };
        Text { text: text.to_lowercase(), open }
    }

    /// Whether a text of a facet is meant by it.
    pub(crate) fn is(&self, name: &str) -> bool {
        // Most are of another length: no copy is made of them.
        if name.is_ascii() && self.text.is_ascii() {
            let head = name.as_bytes().get(..self.text.len());
            return (self.open || name.len() == self.text.len())
                && head.is_some_and(|head| head.eq_ignore_ascii_case(self.text.as_bytes()));
        }
        let name = name.to_lowercase();
        if self.open { name.starts_with(&self.text) } else { name == self.text }
    }
}

/// `read` gives the first and the last moment that a text stands for.
fn range_of(text: &str, read: impl Fn(&str) -> Option<(f64, f64)>) -> Option<(Bound<f64>, Bound<f64>)> {
    let (from, to) = if let Some((from, to)) = text.split_once("..") {
        let from = if from.is_empty() { Bound::Unbounded } else { Bound::Included(read(from)?.0) };
        let to = if to.is_empty() { Bound::Unbounded } else { Bound::Included(read(to)?.1) };
        (from, to)
    } else if let Some(text) = text.strip_prefix(">=") {
        (Bound::Included(read(text)?.0), Bound::Unbounded)
    } else if let Some(text) = text.strip_prefix('>') {
        (Bound::Excluded(read(text)?.1), Bound::Unbounded)
    } else if let Some(text) = text.strip_prefix("<=") {
        (Bound::Unbounded, Bound::Included(read(text)?.1))
    } else if let Some(text) = text.strip_prefix('<') {
        (Bound::Unbounded, Bound::Excluded(read(text)?.0))
    } else {
        let (from, to) = read(text)?;
        (Bound::Included(from), Bound::Included(to))
    };
    Some((from, to))
}

/// Whether a text is a range of numbers or times, not one of them alone.
pub(crate) fn is_range(text: &str) -> bool {
    (text.starts_with(['<', '>']) || text.contains(".."))
        && (number_range(text).is_some() || range_of(text, time).is_some())
}

/// A range of numbers.
pub(crate) fn number_range(text: &str) -> Option<(Bound<f64>, Bound<f64>)> {
    range_of(text, |text| number(text).map(|number| (number, number)))
}

/// A number as people write it: `7B`, `128k`, `1.5M`, `4GiB`, `-3`.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "b" | "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        "tib" => 1_099_511_627_776.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * unit).filter(|number| number.is_finite())
}

/// The first and the last moment of a day, or a moment twice.
pub(crate) fn time(text: &str) -> Option<(f64, f64)> {
    let seconds = |time: Timestamp| time.as_microsecond() as f64 / 1e6;
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some((seconds(time), seconds(time)));
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let from = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some((seconds(from), seconds(from) + 86_399.999_999))
}

/// The places that pass all filters, and what each left out.
pub(crate) fn apply_all(index: &Index, filters: &[Filter]) -> Result<(Bitmap, Vec<Filtered>)> {
    let mut passed = index.live().clone();
    let mut told = Vec::new();
    for filter in filters {
        let passes = filter.apply(index)?;
        passed.and(&passes.places);
        let Passed { excluded, unknown, .. } = *passes;
        told.push(Filtered { filter: filter.spelled.clone(), excluded, unknown });
    }
    Ok((passed, told))
}

/// How often each text of a facet stands at places, the most frequent first and no more than `most`; and how many different
/// ones there are.
pub(crate) fn count(facet: &Facet, places: &Bitmap, most: usize) -> (Vec<(String, u64)>, usize) {
    let mut counts = vec![0_u64; facet.names.len()];
    for place in places.places() {
        for id in facet.at(place) {
            counts[*id as usize] += 1;
        }
    }
    let mut order: Vec<usize> = (0..counts.len()).filter(|id| counts[*id] > 0).collect();
    let different = order.len();
    let frequent = |a: &usize, b: &usize| {
        counts[*b].cmp(&counts[*a]).then_with(|| facet.names[*a].cmp(&facet.names[*b]))
    };
    if different > most {
        order.select_nth_unstable_by(most, frequent);
        order.truncate(most);
    }
    order.sort_unstable_by(frequent);
    (order.into_iter().map(|id| (facet.names[id].clone(), counts[id])).collect(), different)
}

/// A number of a column at a place.
pub(crate) fn number_at(column: Option<&Column>, place: u32) -> Option<f64> {
    match column {
        Some(Column::Numbers(numbers)) => Numbers::get(numbers, place),
        _ => None,
    }
}
