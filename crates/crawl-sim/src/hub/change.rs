//! What changes at the Hub while it is listed.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::world::{HubKind, World};
use crate::locked;

/// A change of some repositories, and the request for a list that it comes before.
///
/// Text form: `N=WHAT:FROM:COUNT`, of the models with the numbers `FROM` to `FROM + COUNT - 1` by age, from 0; with
/// `datasets@` before it, of datasets. `N` counts the lists of that kind, from 1. `WHAT` is `touch` (a commit:
/// `lastModified` and `sha`), `count` (downloads, likes and trend, and nothing else), `rename` (the `_id` stays),
/// `vanish`, `hide` (private: only requests with a token see it), `back` (from either), `gate`, `license` (a commit too),
/// or, as `N=appear:COUNT`, so many new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubChange {
    kind: HubKind,
    before: u64,
    what: What,
    from: u64,
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Touch,
    Count,
    Rename,
    Vanish,
    Hide,
    Back,
    Gate,
    License,
    Appear,
}

impl FromStr for HubChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("change `{text}`: expected N=WHAT:FROM:COUNT, see the documentation of `HubChange`");
        let (kind, rule) = match text.strip_prefix("datasets@") {
            Some(rule) => (HubKind::Datasets, rule),
            None => (HubKind::Models, text.strip_prefix("models@").unwrap_or(text)),
        };
        let (before, what) = rule.split_once('=').ok_or_else(wrong)?;
        let mut parts = what.split(':');
        let name = parts.next().unwrap_or_default();
        let numbers: Vec<u64> = parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let (what, from, count) = match (name, numbers.as_slice()) {
            ("touch", [from, count]) => (What::Touch, *from, *count),
            ("count", [from, count]) => (What::Count, *from, *count),
            ("rename", [from, count]) => (What::Rename, *from, *count),
            ("vanish", [from, count]) => (What::Vanish, *from, *count),
            ("hide", [from, count]) => (What::Hide, *from, *count),
            ("back", [from, count]) => (What::Back, *from, *count),
            ("gate", [from, count]) => (What::Gate, *from, *count),
            ("license", [from, count]) => (What::License, *from, *count),
            ("appear", [count]) => (What::Appear, 0, *count),
            _ => return Err(wrong()),
        };
        Ok(Self { kind, before: before.parse().map_err(|_| wrong())?, what, from, count })
    }
}

/// How a repository is otherwise than it was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Altered {
    /// The number of the last change that was a commit; 0 if there was none.
    pub(super) touched: u64,
    /// How often its counters moved.
    pub(super) counted: u64,
    /// How often it was renamed.
    pub(super) renamed: u64,
    pub(super) vanished: bool,
    pub(super) hidden: bool,
    pub(super) gated: bool,
    pub(super) licensed: bool,
}

/// All that is otherwise.
#[derive(Clone, Debug, Default)]
pub(super) struct Alterations {
    /// How many changes there were.
    pub(super) number: u64,
    pub(super) rows: HashMap<u64, Altered>,
}

/// A world that changes as its lists are asked for.
pub(super) struct Living {
    lists: AtomicU64,
    now: Mutex<(World, Vec<HubChange>)>,
}

impl Living {
    pub(super) fn new(world: World, changes: &[HubChange]) -> Self {
        let mut ours: Vec<_> = changes.iter().filter(|change| change.kind == world.kind).cloned().collect();
        // Of those that come before one request the first is made first.
        ours.sort_by_key(|change| std::cmp::Reverse(change.before));
        let mut from_last = Vec::new();
        for group in ours.chunk_by(|one, other| one.before == other.before) {
            from_last.extend(group.iter().rev().cloned());
        }
        Living { lists: AtomicU64::new(0), now: Mutex::new((world, from_last)) }
    }

    /// As it is.
    pub(super) fn now(&self) -> World {
        self.at(self.lists.load(Ordering::SeqCst))
    }

    /// As it is for the next list.
    pub(super) fn next(&self) -> World {
        self.at(self.lists.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn at(&self, list: u64) -> World {
        let (world, left) = &mut *locked(&self.now);
        while let Some(change) = left.pop_if(|change| change.before <= list) {
            world.apply(&change);
        }
        world.clone()
    }
}

impl World {
    fn apply(&mut self, change: &HubChange) {
        let mut all = Alterations::clone(&self.altered);
        all.number += 1;
        if change.what == What::Appear {
            self.count += change.count;
        }
        for index in change.from..change.from + change.count {
            let row = all.rows.entry(index).or_default();
            match change.what {
                What::Touch => row.touched = all.number,
                What::Count => row.counted += 1,
                What::Rename => row.renamed += 1,
                What::Vanish => row.vanished = true,
                What::Hide => row.hidden = true,
                What::Back => (row.vanished, row.hidden) = (false, false),
                What::Gate => row.gated = true,
                What::License => (row.licensed, row.touched) = (true, all.number),
                What::Appear => {}
            }
        }
        self.altered = Arc::new(all);
    }

    /// How a repository is otherwise than it was made.
    pub(super) fn altered(&self, index: u64) -> Altered {
        self.altered.rows.get(&index).copied().unwrap_or_default()
    }
}
