//! One listing as several queries: a query shows no more than so many rows, so what it hides is asked for in slices.

use std::fmt;

use crawl_core::{Error, Kind, Result};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The first bound where all sizes at once are too many: 1 MiB.
const FIRST: u64 = 1 << 20;
/// What is larger is one slice: 1 TiB.
const LARGE: u64 = 1 << 40;

/// How a listing is cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Slices {
    /// Not at all.
    #[default]
    Whole,
    /// By size in bytes: a window that runs into the wall is asked again in halves.
    Sizes,
    /// By these arguments, one query after the other: a name for people, and what is asked for. One that shows all it
    /// has makes those superfluous that follow it and ask for a part of it.
    Each(Vec<(String, Map<String, Value>)>),
}

/// One of the slices: a window of sizes, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// From so many bytes to so many, both included; `None`: without an end.
    Window(u64, Option<u64>),
    /// The place in [`Slices::Each`].
    At(u64),
}

impl Slice {
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text.split_once('-') {
            Some((from, "")) => Some(Slice::Window(from.parse().ok()?, None)),
            Some((from, to)) => Some(Slice::Window(from.parse().ok()?, Some(to.parse().ok()?))),
            None => Some(Slice::At(text.parse().ok()?)),
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slice::Window(from, Some(to)) => write!(f, "{from}-{to}"),
            Slice::Window(from, None) => write!(f, "{from}-"),
            Slice::At(at) => write!(f, "{at}"),
        }
    }
}

impl fmt::Display for Slices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slices::Whole => f.write_str("whole"),
            Slices::Sizes => f.write_str("sizes"),
            Slices::Each(each) => {
                let names: Vec<_> = each.iter().map(|(name, _)| name.as_str()).collect();
                // A few are told in the settings; of many their number and a digest.
                match names.join(", ") {
                    names if names.len() <= 200 => f.write_str(&names),
                    names => write!(f, "{}, {}", each.len(), HEXLOWER.encode(&Sha256::digest(&names))),
                }
            }
        }
    }
}

impl Slices {
    pub(crate) fn first(&self) -> Slice {
        match self {
            Slices::Sizes => Slice::Window(0, None),
            Slices::Whole | Slices::Each(_) => Slice::At(0),
        }
    }

    /// What a slice adds to a query. Its window reaches one byte further on both sides: nobody says whether a bound is
    /// included, and what comes twice is dropped.
    pub(crate) fn arguments(&self, slice: &Slice) -> Result<Map<String, Value>> {
        let other = || {
            Error::new(Kind::Storage, "the checkpoint's cursor is none of this listing")
                .at(slice.to_string())
                .advise("restore the checkpoint from a copy, or start a new root")
        };
        let mut arguments = Map::new();
        match (self, slice) {
            (Slices::Whole, Slice::At(0)) => {}
            (Slices::Sizes, Slice::Window(from, to)) => {
                if *from > 0 {
                    arguments.insert("minSize".into(), json!(from - 1));
                }
                if let Some(to) = to {
                    arguments.insert("maxSize".into(), json!(to + 1));
                }
            }
            (Slices::Each(each), Slice::At(at)) => {
                let slice = usize::try_from(*at).ok().and_then(|at| each.get(at));
                arguments.clone_from(&slice.ok_or_else(other)?.1);
            }
            _ => return Err(other()),
        }
        Ok(arguments)
    }

    /// The slice after one that has ended, and the one that stays capped because it cannot be cut further.
    pub(crate) fn next(&self, slice: &Slice, capped: bool) -> (Option<Slice>, Option<Slice>) {
        let doubt = capped.then_some(*slice);
        match (self, *slice) {
            (Slices::Sizes, Slice::Window(from, to)) => match to {
                None if capped && from < LARGE => {
                    (Some(Slice::Window(from, Some(FIRST.max(from.saturating_mul(4))))), None)
                }
                None => (None, doubt),
                Some(to) if capped && to > from => {
                    (Some(Slice::Window(from, Some(from + (to - from) / 2))), None)
                }
                Some(to) => (Some(behind(from, to)), doubt),
            },
            (Slices::Each(each), Slice::At(at)) => {
                let whole = usize::try_from(at).ok().and_then(|at| each.get(at)).filter(|_| !capped);
                let superfluous = |next: &u64| {
                    let next = usize::try_from(*next).ok().and_then(|next| each.get(next));
                    whole.zip(next).is_some_and(|(whole, next)| is_part(&next.1, &whole.1))
                };
                let next = (at + 1..each.len() as u64).find(|next| !superfluous(next));
                (next.map(Slice::At), doubt)
            }
            _ => (None, doubt),
        }
    }

    /// A slice as people read it.
    pub(crate) fn name(&self, slice: &Slice) -> String {
        match (self, slice) {
            (Slices::Each(each), Slice::At(at)) => {
                let found = usize::try_from(*at).ok().and_then(|at| each.get(at));
                found.map_or_else(|| slice.to_string(), |(name, _)| name.clone())
            }
            (_, Slice::Window(0, None)) | (_, Slice::At(_)) => "the whole listing".to_owned(),
            (_, Slice::Window(from, None)) => format!("what has {from} bytes and more"),
            (_, Slice::Window(from, Some(to))) => format!("what has {from} to {to} bytes"),
        }
    }
}

/// Whether a query shows nothing that another does not show: it asks for the same and more, in whatever order.
fn is_part(part: &Map<String, Value>, whole: &Map<String, Value>) -> bool {
    whole.iter().all(|(name, value)| name == "sortBy" || part.get(name) == Some(value))
}

/// The window behind one that was not full: twice as wide.
fn behind(from: u64, to: u64) -> Slice {
    let next = to + 1;
    let end = next.saturating_add(2 * (to - from + 1));
    Slice::Window(next, (end < LARGE).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks over items of these sizes behind a wall, as the crawler does; gives what it saw and what stayed capped.
    fn walk(sizes: &[u64], wall: usize) -> (Vec<u64>, Vec<Slice>, usize) {
        let (slices, mut seen, mut doubts, mut queries) = (Slices::Sizes, Vec::new(), Vec::new(), 0);
        let mut at = Some(slices.first());
        while let Some(slice) = at {
            queries += 1;
            assert!(queries < 10_000, "it ends");
            let asked = slices.arguments(&slice).unwrap();
            let bound = |name: &str, default| asked.get(name).and_then(Value::as_u64).unwrap_or(default);
            // Both bounds left out, the worst that a service may do.
            let low = if asked.contains_key("minSize") { bound("minSize", 0) + 1 } else { 0 };
            let high = if asked.contains_key("maxSize") { bound("maxSize", 0) - 1 } else { u64::MAX };
            let fits: Vec<u64> =
                sizes.iter().copied().filter(|size| (low..=high).contains(size)).take(wall).collect();
            let (next, doubt) = slices.next(&slice, fits.len() >= wall);
            seen.extend(fits);
            doubts.extend(doubt);
            at = next;
        }
        seen.sort_unstable();
        seen.dedup();
        (seen, doubts, queries)
    }

    #[test]
    fn windows_show_everything_that_one_query_hides() {
        let sizes: Vec<u64> = (0..5_000u64).map(|at| at * at * at * 7 + at).collect();
        let (seen, doubts, queries) = walk(&sizes, 100);
        assert_eq!((seen, doubts), (sizes, Vec::new()));
        assert!(queries < 600, "{queries}");
    }

    #[test]
    fn a_pile_of_one_size_is_named_and_the_rest_is_seen() {
        let mut sizes: Vec<u64> = vec![4_096; 300];
        sizes.extend((0..500).map(|at| 10_000 + at * 1_000));
        let (seen, doubts, _) = walk(&sizes, 100);
        assert_eq!(doubts, [Slice::Window(4_096, Some(4_096))]);
        assert_eq!(seen.len(), 501);
    }

    #[test]
    fn a_query_that_shows_all_it_has_makes_its_parts_and_other_orders_superfluous() {
        let asks = [
            json!({"sortBy": "A"}),
            json!({"sortBy": "B"}),
            json!({"sortBy": "A", "language": "r"}),
            json!({"sortBy": "B", "language": "r"}),
            json!({"sortBy": "A", "language": "r", "kernelType": "script"}),
            json!({"sortBy": "A", "language": "python"}),
            json!({"user": "ann", "sortBy": "A"}),
        ];
        let each = |asks: &Value| (asks.to_string(), asks.as_object().unwrap().clone());
        let slices = Slices::Each(asks.iter().map(each).collect());
        let next = |at, capped| match slices.next(&Slice::At(at), capped) {
            (Some(Slice::At(next)), doubt) => (Some(next), doubt.is_some()),
            (next, doubt) => (next.map(|_| u64::MAX), doubt.is_some()),
        };
        assert_eq!([next(0, true), next(1, true)], [(Some(1), true), (Some(2), true)]);
        assert_eq!([next(2, false), next(3, false)], [(Some(5), false), (Some(5), false)]);
        assert_eq!([next(5, false), next(6, true)], [(Some(6), false), (None, true)]);
        assert_eq!(next(0, false), (None, false));
    }

    #[test]
    fn a_slice_is_read_back() {
        for slice in [Slice::At(7), Slice::Window(0, None), Slice::Window(5, Some(9))] {
            assert_eq!(Slice::read(&slice.to_string()), Some(slice));
        }
        assert!(["", "x", "1-x", "-"].iter().all(|text| Slice::read(text).is_none()));
    }
}
