//! The numbers of each repository: a pure function of seed, kind and index.

use std::sync::Arc;

use super::calendar::{END, Moment, SENTINEL};
use super::change::Alterations;
use super::row::Row;
use super::{files, weights};
use crate::dice::Dice;

/// Whether a repository holds data or a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HubKind {
    /// `/api/datasets`
    Datasets,
    /// `/api/models`
    Models,
}

impl HubKind {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Datasets => "datasets",
            Self::Models => "models",
        }
    }

    /// The middle of every `_id`; real ones hold the number of the machine there.
    fn machine(self) -> &'static str {
        match self {
            Self::Datasets => "36468d",
            Self::Models => "a7c91e",
        }
    }
}

/// A day in 2027: when changes begin.
const CHANGES: i64 = END + 90 * 86_400;

/// The number of what is not known.
pub(super) const UNKNOWN: i64 = -1;

/// What a listing can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    CreatedAt,
    LastModified,
    Downloads,
    Likes,
    RecentLikes,
    Trending,
    Parameters,
    MainSize,
}

impl Key {
    const ALL: [Self; 8] = [
        Self::CreatedAt,
        Self::LastModified,
        Self::Downloads,
        Self::Likes,
        Self::RecentLikes,
        Self::Trending,
        Self::Parameters,
        Self::MainSize,
    ];

    /// The order of this name, if repositories of this kind have it.
    pub(super) fn of(kind: HubKind, name: &str) -> Option<Self> {
        let only_models = |key: Self| matches!(key, Self::RecentLikes | Self::Parameters);
        let known = Self::ALL.into_iter().find(|key| key.name() == name);
        known.filter(|key| kind == HubKind::Models || !only_models(*key))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "createdAt",
            Self::LastModified => "lastModified",
            Self::Downloads => "downloads",
            Self::Likes => "likes",
            Self::RecentLikes => "likes30d",
            Self::Trending => "trendingScore",
            Self::Parameters => "num_parameters",
            Self::MainSize => "mainSize",
        }
    }

    pub(super) fn is_moment(self) -> bool {
        matches!(self, Self::CreatedAt | Self::LastModified)
    }
}

/// All repositories of one kind.
#[derive(Clone)]
pub(super) struct World {
    pub(super) kind: HubKind,
    pub(super) seed: u64,
    pub(super) count: u64,
    /// The index that is made at the end of the time line; later ones come after it.
    pub(super) horizon: u64,
    /// So many of the oldest were changed after the end of the time line.
    pub(super) touched: u64,
    /// What has changed since it was made.
    pub(super) altered: Arc<Alterations>,
}

/// Streams of numbers that do not disturb each other.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Numbers,
    Name,
    Traits,
    Card,
    Description,
    Oddities,
    Files,
}

impl World {
    pub(super) fn dice(&self, index: u64, stream: Stream) -> Dice {
        let kind = self.kind as u64 + 1;
        Dice::new(self.seed.wrapping_add(kind << 56), index * 8 + stream as u64)
    }

    /// Never falls as the index rises, and rises strictly after the first block.
    pub(super) fn created(&self, index: u64) -> Moment {
        let block = self.horizon * 6 / 100;
        if index < block {
            return Moment(SENTINEL);
        }
        if index >= self.horizon {
            return Moment(END + (index - self.horizon) as i64 * 60);
        }
        let share = (index - block) as f64 / (self.horizon - block) as f64;
        let span = (END - SENTINEL - 3600) as f64;
        // Ever more repositories are made: half of them in the last 30 % of the time.
        Moment(SENTINEL + 3600 + (share.sqrt() * span) as i64)
    }

    pub(super) fn modified(&self, index: u64) -> Moment {
        let created = self.created(index).0;
        let change = self.altered(index).touched;
        if change > 0 {
            // Every change is younger than what was there before, and than those before it.
            return Moment(CHANGES + change as i64 * 100_000 + index as i64 % 100_000);
        }
        if index < self.touched {
            return Moment(END + 3600 + index as i64 * 7);
        }
        let mut dice = self.dice(index, Stream::Numbers);
        let room = (END - created).max(0);
        let quiet = dice.per_mille(450);
        let gap = if quiet { dice.below(900) as i64 } else { (dice.share().powi(3) * room as f64) as i64 };
        // What is made after the end of the time line is younger than anything changed before it.
        Moment(created + if room == 0 { 5 } else { gap.min(room - 1) })
    }

    /// What a row is sorted by; [`UNKNOWN`] where it has nothing of the kind, so that it comes last.
    pub(super) fn number(&self, key: Key, index: u64) -> i64 {
        let mut dice = self.dice(index, Stream::Numbers);
        let mut thrown = |turn: u64| {
            dice = Dice::new(dice.next(), turn);
            dice.clone()
        };
        let more = self.altered(index).counted as i64 * 7;
        match key {
            Key::CreatedAt => self.created(index).0,
            Key::LastModified => self.modified(index).0,
            Key::Downloads => thrown(1).heavy(7.3, 3) as i64 + more,
            Key::Likes => thrown(2).heavy(4.0, 5) as i64 + more,
            Key::RecentLikes => thrown(4).heavy(2.0, 6) as i64 + more,
            Key::Parameters => weights::told(&Row::new(self, index)).map_or(UNKNOWN, |count| count as i64),
            Key::MainSize => files::main_size(&Row::new(self, index)).map_or(UNKNOWN, |bytes| bytes as i64),
            Key::Trending => {
                let mut dice = thrown(3);
                more + if dice.per_mille(930) { 0 } else { dice.heavy(3.3, 3) as i64 + 1 }
            }
        }
    }

    /// 24 hex digits: time of making, a constant, and the index, so it rises with the index.
    pub(super) fn object_id(&self, index: u64) -> String {
        format!("{:08x}{}{index:010x}", self.created(index).0, self.kind.machine())
    }

    /// The index that an `_id` of this kind was made from, whether or not that repository exists.
    pub(super) fn index_of(&self, object_id: &str) -> Option<u64> {
        let rest = object_id.get(8..).filter(|_| object_id.len() == 24)?;
        u64::from_str_radix(rest.strip_prefix(self.kind.machine())?, 16).ok()
    }
}
