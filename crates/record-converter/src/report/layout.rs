//! Which columns a report has, in which order, and what stands in their cells.

use std::borrow::Cow;
use std::collections::HashMap;

use crawl_core::Timestamp;
use crawl_core::json::Raw;
use jiff::civil::{Date, DateTime};

use super::looked::{Looked, Seen, is_labels, values};
use crate::cell;
use crate::number;

/// So many labels get a column each.
const MOST_LABELS: usize = 50;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Holds {
    /// The name of a record, which may be a link.
    Name,
    Labels,
    /// Whether the record has the label of that number.
    HasLabel(usize),
    Time,
    Number,
    Text,
    /// For programs: hidden, at the end.
    Machine,
}

/// A column of a report.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) title: String,
    pub(super) holds: Holds,
    /// Characters.
    pub(super) width: f64,
    /// The place of its key; a label's column has that of the labels.
    place: usize,
}

/// What a cell shows.
#[derive(Debug, PartialEq)]
pub(super) enum Shown {
    Nothing,
    Text(String),
    Link(String, String),
    Number(f64),
    /// Days since the first one of Excel, and whether there is a time of day.
    Time(f64, bool),
}

/// The columns.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Vec<Column>,
    /// The labels that have a column, or a sheet.
    pub(super) labels: Vec<String>,
    /// Whether there are labels without.
    pub(super) more_labels: bool,
    /// The places of the keys in the columns that were looked at, and that of the labels.
    places: HashMap<String, usize>,
    labels_at: Option<usize>,
    links: bool,
}

impl Layout {
    pub(super) fn of(looked: &Looked, links: bool) -> Self {
        let name_at = ["repo_id", "id", "name"].iter().find_map(|name| {
            looked.columns.iter().position(|seen| seen.key == *name && !seen.lists && !seen.objects)
        });
        let labels_at = looked.labels.as_ref().map(|(at, _)| *at);
        let counts = looked.labels.as_ref().map(|(_, counts)| counts);
        let more_labels = counts.is_some_and(|counts| counts.more_than(MOST_LABELS));
        let labels = counts.map(|counts| counts.top(MOST_LABELS).0).unwrap_or_default();
        let labels: Vec<String> = labels.iter().map(|(label, _)| (*label).to_owned()).collect();
        let mut ranked: Vec<(u8, Column)> = Vec::new();
        for (at, seen) in looked.columns.iter().enumerate() {
            let holds = if Some(at) == name_at { Holds::Name } else { holds(seen) };
            let rank = match holds {
                Holds::Name => 0,
                Holds::Labels => 1,
                _ if seen.key.ends_with("confidence") => 2,
                Holds::Machine => 9,
                _ => 4,
            };
            ranked.push((
                rank,
                Column { title: seen.key.clone(), holds, width: width(seen, holds), place: at },
            ));
        }
        for (number, label) in labels.iter().enumerate() {
            let place = labels_at.unwrap_or_default();
            let holds = Holds::HasLabel(number);
            ranked.push((3, Column { title: label.clone(), holds, width: 15.0, place }));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let columns = ranked.into_iter().map(|(_, column)| column).collect();
        Layout { columns, labels, more_labels, places: looked.places.clone(), labels_at, links }
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The cells of a record.
    pub(super) fn row(&self, record: Raw<'_>) -> Vec<Shown> {
        let mut found = vec![None; self.places.len()];
        for (key, value) in record.members().into_iter().flatten() {
            if let Some(place) = self.places.get(key.name().as_ref()) {
                // Of a name that comes twice the last counts.
                found[*place] = Some(value).filter(|value| !value.is_null());
            }
        }
        let labels = self.labels_at.and_then(|at| found[at]).map(values).unwrap_or_default();
        let cell = |column: &Column| match column.holds {
            Holds::HasLabel(number) => {
                let has = labels.iter().any(|label| *label == self.labels[number]);
                Shown::Text(if has { "yes" } else { "no" }.to_owned())
            }
            _ => found[column.place].map_or(Shown::Nothing, |value| self.cell(column, value, record)),
        };
        self.columns.iter().map(cell).collect()
    }

    /// The numbers of the labels that a row has.
    pub(super) fn places<'s>(&'s self, row: &'s [Shown]) -> impl Iterator<Item = usize> + 's {
        let yes = Shown::Text("yes".to_owned());
        self.columns.iter().zip(row).filter_map(move |(column, shown)| match column.holds {
            Holds::HasLabel(number) if *shown == yes => Some(number),
            _ => None,
        })
    }

    /// What stands there for a value that is not null.
    fn cell(&self, column: &Column, value: Raw<'_>, record: Raw<'_>) -> Shown {
        match value.text().as_bytes().first() {
            Some(b'"') => {
                let text = value.str().unwrap_or(Cow::Borrowed(value.text()));
                match column.holds {
                    Holds::Name if self.links => match page(record, &text) {
                        Some(page) => Shown::Link(tidy(&text), page),
                        None => text_of(&text),
                    },
                    Holds::Time => match moment(&text) {
                        Some((days, with_time)) => Shown::Time(days, with_time),
                        None => text_of(&text),
                    },
                    _ => text_of(&text),
                }
            }
            Some(b't') => Shown::Text("yes".into()),
            Some(b'f') => Shown::Text("no".into()),
            Some(b'[') if is_flat(value) => {
                let item =
                    |item: Raw<'_>| item.str().map_or_else(|| item.text().to_owned(), |text| tidy(&text));
                text_of(&value.elements().into_iter().flatten().map(item).collect::<Vec<_>>().join(", "))
            }
            Some(b'[' | b'{') => text_of(&cell::compact(value.text())),
            _ => number::as_cell(value.text(), false).map_or_else(|| text_of(value.text()), Shown::Number),
        }
    }
}

fn text_of(text: &str) -> Shown {
    let text = tidy(text);
    if text.is_empty() { Shown::Nothing } else { Shown::Text(text) }
}

/// Text as people want it in a cell: no space around it, no empty lines, no tabs or other control characters.
fn tidy(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(|line| {
        let line: String =
            line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Whether a list holds nothing but texts, numbers and truth values.
fn is_flat(list: Raw<'_>) -> bool {
    list.elements().is_some_and(|mut all| all.all(|one| !one.text().starts_with(['[', '{', 'n'])))
}

fn holds(seen: &Seen) -> Holds {
    let key = seen.key.as_str();
    let for_programs = key.starts_with('_')
        || key.ends_with("_ids")
        || key.ends_with("_answer")
        || matches!(key, "sha" | "key" | "raw" | "etag" | "digest");
    match (for_programs || seen.objects, is_labels(key)) {
        (true, _) => Holds::Machine,
        (_, true) => Holds::Labels,
        _ if seen.times && !seen.texts => Holds::Time,
        _ if seen.numbers && !seen.texts && !seen.lists => Holds::Number,
        _ => Holds::Text,
    }
}

fn width(seen: &Seen, holds: Holds) -> f64 {
    let title = seen.key.chars().count() + 4;
    let wide = match holds {
        Holds::Name => seen.longest.clamp(24, 40),
        Holds::Labels => seen.longest.clamp(20, 34),
        Holds::Time | Holds::Number | Holds::HasLabel(_) => title.clamp(11, 20),
        Holds::Text | Holds::Machine => seen.longest.max(title).clamp(8, 55),
    };
    wide as f64
}

/// The page of a record: an address in it, or that of a repository of the Hub.
fn page(record: Raw<'_>, name: &str) -> Option<String> {
    let address = ["url", "html_url", "link"].iter().find_map(|key| record.get(key)?.str());
    if let Some(address) = address {
        let web = address.starts_with("https://") || address.starts_with("http://");
        let odd = |letter: char| letter.is_whitespace() || letter.is_control();
        return Some(address.into_owned()).filter(|address| web && !address.contains(odd));
    }
    // Rows of datasets tell their repository, or have the tags of one.
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let is_repository = name.chars().all(inside) && !name.contains("..") && !name.starts_with('/');
    let of_the_hub = record.get("repo_id").is_some() || record.get("cardData").is_some();
    (of_the_hub && is_repository).then(|| format!("https://huggingface.co/datasets/{name}"))
}

/// Days since the first one of Excel, and whether there is a time of day; `None` if the text is no time that Excel has.
pub(super) fn moment(text: &str) -> Option<(f64, bool)> {
    let bytes = text.as_bytes();
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' || !bytes[0].is_ascii_digit() {
        return None;
    }
    let (time, with_time): (DateTime, bool) = if bytes.len() == 10 {
        (text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()), false)
    } else {
        let point = text.parse::<Timestamp>().map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).datetime());
        (point.or_else(|_| text.parse::<DateTime>()).ok()?, true)
    };
    // Excel counts a day in 1900 that never was; before it, it is one day off.
    const FIRST: Date = jiff::civil::date(1900, 3, 1);
    const ZERO: Date = jiff::civil::date(1899, 12, 30);
    if time.date() < FIRST {
        return None;
    }
    let days = (time.date() - ZERO).get_days();
    let seconds =
        f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second());
    Some((f64::from(days) + seconds / 86_400.0, with_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_what_is_none_stays_text() {
        assert_eq!(moment("2024-02-29"), Some((45351.0, false)));
        assert_eq!(moment("2024-02-29T12:00:00.000Z"), Some((45351.5, true)));
        assert_eq!(moment("2024-02-29T12:00:00"), Some((45351.5, true)));
        assert_eq!(moment("2024-02-29T12:00:00+06:00"), Some((45351.25, true)));
        for text in ["2023-02-29", "1900-02-28", "2024-02-29 or so", "", "20240229", "0000-00-00"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn text_loses_the_space_around_it_and_empty_lines() {
        assert_eq!(tidy("\n\n\t a \t b\r\n\r\n \u{1} c\n"), "a b\nc");
    }
}
