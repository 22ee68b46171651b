//! How the values of a column are spread over all records, and of how many it is unknown.

use std::collections::BTreeMap;

use crawl_core::{Result, Timestamp};
use serde::Serialize;

use super::show;
use crate::columns::{Column, Facet, Numbers};
use crate::document::Kind;
use crate::index::Index;

/// So many bars are told of a column.
const MOST: usize = 24;
/// So many texts of a facet.
const TEXTS: usize = 12;

/// A column over all records.
#[derive(Debug, Serialize)]
pub(super) struct Histogram {
    pub(super) column: String,
    pub(super) kind: Kind,
    /// Of how many records it is known,
    pub(super) known: u64,
    /// and of how many it is not.
    pub(super) unknown: u64,
    /// How many different texts there are, of a facet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) texts: Option<u64>,
    pub(super) bars: Vec<Bar>,
}

/// How many records have a value, or one in a range.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) count: u64,
}

/// All columns but those that are only there for others.
pub(super) fn all(index: &Index) -> Result<Vec<Histogram>> {
    let names = index
        .columns()
        .keys()
        .filter(|name| ![crate::mapping::GROUP, crate::mapping::SAME].contains(&name.as_str()));
    let mut out = Vec::new();
    for name in names {
        if let Some(column) = index.column(name)? {
            out.push(of(index, name, &column));
        }
    }
    Ok(out)
}

fn of(index: &Index, name: &str, column: &Column) -> Histogram {
    let kind = index.columns().get(name).copied().unwrap_or(Kind::Facet);
    let (known, texts, bars) = match column {
        Column::Facet(facet) => texts(index, facet),
        Column::Numbers(numbers) if kind == Kind::Time => times(index, numbers),
        Column::Numbers(numbers) => decades(index, name, numbers),
    };
    Histogram { column: name.to_owned(), kind, known, unknown: index.documents() - known, texts, bars }
}

fn texts(index: &Index, facet: &Facet) -> (u64, Option<u64>, Vec<Bar>) {
    let known = index.live().places().filter(|place| !facet.at(*place).is_empty()).count() as u64;
    let (counts, different) = crate::filter::count(facet, index.live(), TEXTS);
    let bars = counts.into_iter().map(|(text, count)| Bar { label: text, count }).collect();
    (known, Some(different as u64), bars)
}

/// Powers of ten; of bytes those of 1024.
fn decades(index: &Index, name: &str, numbers: &Numbers) -> (u64, Option<u64>, Vec<Bar>) {
    let base: f64 = if show::is_bytes(name) { 1_024.0 } else { 10.0 };
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    let mut known = 0;
    for number in index.live().places().filter_map(|place| numbers.get(place)) {
        known += 1;
        let power = match number {
            number if number < 0.0 => -2,
            number if number < 1.0 => -1,
            // A logarithm may miss a whole power by its last bit.
            number => {
                let power = number.log(base).floor() as i32;
                power + i32::from(base.powi(power + 1) <= number)
            }
        };
        *counts.entry(power).or_default() += 1;
    }
    let told = |number: f64| show::number(name, Kind::Number, number);
    let label = |power: i32| match power {
        -2 => "below 0".to_owned(),
        -1 => format!("0 to {}", told(1.0)),
        power => format!("{} to {}", told(base.powi(power)), told(base.powi(power + 1))),
    };
    (known, None, bars(&counts, label))
}

/// Years, or months where there are few years.
fn times(index: &Index, numbers: &Numbers) -> (u64, Option<u64>, Vec<Bar>) {
    let mut months: BTreeMap<i32, u64> = BTreeMap::new();
    let mut known = 0;
    for seconds in index.live().places().filter_map(|place| numbers.get(place)) {
        known += 1;
        let Ok(time) = Timestamp::from_second(seconds as i64) else { continue };
        let day = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        *months.entry(i32::from(day.year()) * 12 + i32::from(day.month()) - 1).or_default() += 1;
    }
    let span = months.keys().next_back().zip(months.keys().next()).map_or(0, |(last, first)| last - first);
    if (span as usize) < MOST {
        return (
            known,
            None,
            bars(&months, |month| format!("{}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)),
        );
    }
    let mut years: BTreeMap<i32, u64> = BTreeMap::new();
    for (month, count) in months {
        *years.entry(month.div_euclid(12)).or_default() += count;
    }
    (known, None, bars(&years, |year| year.to_string()))
}

/// With the empty ones between, where there is room for them; of too many the first ones as one.
fn bars(counts: &BTreeMap<i32, u64>, label: impl Fn(i32) -> String) -> Vec<Bar> {
    let (Some(first), Some(last)) = (counts.keys().next(), counts.keys().next_back()) else {
        return Vec::new();
    };
    let bar = |at: i32, count: u64| Bar { label: label(at), count };
    if i64::from(*last) - i64::from(*first) < MOST as i64 {
        return (*first..=*last).map(|at| bar(at, counts.get(&at).copied().unwrap_or(0))).collect();
    }
    let before = counts.len().saturating_sub(MOST - 1);
    let mut bars = Vec::new();
    if before > 0 {
        let sum = counts.values().take(before).sum();
        bars.push(Bar { label: "what is before".into(), count: sum });
    }
    bars.extend(counts.iter().skip(before).map(|(at, count)| bar(*at, *count)));
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_count_everything_once_however_far_apart() {
        let counts = |keys: &[i32]| -> BTreeMap<i32, u64> { keys.iter().map(|key| (*key, 2)).collect() };
        let near = bars(&counts(&[1, 3]), |at| at.to_string());
        assert_eq!(near.iter().map(|bar| bar.count).collect::<Vec<_>>(), [2, 0, 2]);
        let far = bars(&counts(&[-2, 3, 299]), |at| at.to_string());
        assert_eq!(far.iter().map(|bar| bar.label.as_str()).collect::<Vec<_>>(), ["-2", "3", "299"]);
        let many: Vec<i32> = (0..100).map(|at| at * 3).collect();
        let many = bars(&counts(&many), |at| at.to_string());
        assert_eq!((many.len(), many.iter().map(|bar| bar.count).sum::<u64>()), (MOST, 200));
    }
}
