//! Which items there are and what they are called: a pure function of seed and index, and of what a test did since.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use super::calendar::{END, START};
use super::files::Planted;
use super::meta::Lengths;
use super::order::Orders;
use super::words::{FAMILY, FIRST, ORGANIZATIONS, TOPICS};
use super::{KaggleConfig, Plant};
use crate::dice::Dice;
use crate::locked;

/// Planted datasets have indexes from here on.
pub(super) const PLANTED: u64 = 4_000_000_000;
/// `kaggle/meta-kaggle`.
pub(super) const META: u64 = PLANTED + 200_000_000;
/// The tables of Meta Kaggle have new versions daily; this is the one that the double has.
pub(super) const META_VERSION: u64 = 1819;

/// What kind of thing an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A dataset.
    Datasets,
    /// A notebook or script.
    Kernels,
    /// A model.
    Models,
    /// A competition.
    Competitions,
    /// A topic of discussion.
    Topics,
}

/// Streams of numbers that do not disturb each other.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Name,
    Numbers,
    Text,
    Files,
    Oddities,
}

/// All items of all parts.
pub(super) struct World {
    pub(super) config: KaggleConfig,
    pub(super) orders: Orders,
    planted: Vec<Planted>,
    lengths: Mutex<Lengths>,
    state: Mutex<State>,
}

/// What a test did to the world since it began.
#[derive(Default)]
pub(super) struct State {
    /// Rises with every change, so that orders kept from before are thrown away.
    pub(super) changes: u64,
    removed: HashSet<(Part, u64)>,
    renamed: HashMap<(Part, u64), String>,
    by_name: HashMap<(Part, String), u64>,
    published: HashMap<Part, u64>,
    /// New versions of datasets.
    versions: HashMap<u64, u64>,
    /// Items that jumped to the front of a hot order, the last one last.
    pub(super) jumped: HashMap<Part, Vec<u32>>,
    /// Page tokens from before are refused when it rises.
    pub(super) token_age: u64,
}

/// Who owns an item and what it is called.
pub(super) struct Name {
    pub(super) owner: Owner,
    pub(super) slug: String,
    pub(super) topic: &'static str,
    pub(super) tag: &'static str,
}

impl Name {
    /// `owner/slug`
    pub(super) fn reference(&self) -> String {
        format!("{}/{}", self.owner.slug, self.slug)
    }
}

/// A user or an organisation.
pub(super) struct Owner {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) who: Who,
}

/// The index of an owner.
#[derive(Clone, Copy)]
pub(super) enum Who {
    User(u64),
    Organization(u64),
}

impl World {
    pub(super) fn new(config: KaggleConfig) -> Self {
        let mut state = State::default();
        for (number, plant) in config.plants.iter().enumerate() {
            state.by_name.insert((Part::Datasets, plant.reference.clone()), PLANTED + number as u64);
        }
        state.by_name.insert((Part::Datasets, "kaggle/meta-kaggle".into()), META);
        let planted = config.plants.iter().map(Planted::new).collect();
        let (orders, lengths) = (Orders::default(), Mutex::default());
        Self { config, orders, planted, lengths, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    pub(super) fn lengths(&self) -> MutexGuard<'_, Lengths> {
        locked(&self.lengths)
    }

    pub(super) fn dice(&self, part: Part, index: u64, stream: Stream) -> Dice {
        let part = part as u64 + 1;
        Dice::new(self.config.seed.wrapping_add(part << 56), index * 8 + stream as u64)
    }

    /// Generated ones, those removed since included.
    pub(super) fn count(&self, part: Part) -> u64 {
        let begun = match part {
            Part::Datasets => self.config.datasets,
            Part::Kernels => self.config.kernels,
            Part::Models => self.config.models,
            Part::Competitions => self.config.competitions,
            Part::Topics => self.config.topics,
        };
        begun + self.state().published.get(&part).copied().unwrap_or(0)
    }

    /// All that can be listed: generated and planted, without those removed.
    pub(super) fn indexes(&self, part: Part) -> Vec<u32> {
        let (count, state) = (self.count(part), self.state());
        let planted = if part == Part::Datasets { self.config.plants.len() as u64 } else { 0 };
        let all = (0..count).chain(PLANTED..PLANTED + planted);
        all.filter(|index| !state.removed.contains(&(part, *index))).map(|index| index as u32).collect()
    }

    pub(super) fn plant(&self, index: u64) -> Option<&Plant> {
        self.config.plants.get(usize::try_from(index.checked_sub(PLANTED)?).ok()?)
    }

    pub(super) fn planted(&self, index: u64) -> Option<&Planted> {
        self.planted.get(usize::try_from(index.checked_sub(PLANTED)?).ok()?)
    }

    /// When it was made; never falls as the index rises.
    pub(super) fn created(&self, part: Part, index: u64) -> i64 {
        let begun = match part {
            Part::Datasets => self.config.datasets,
            Part::Kernels => self.config.kernels,
            Part::Models => self.config.models,
            Part::Competitions => self.config.competitions,
            Part::Topics => self.config.topics,
        };
        if index >= begun {
            return END + (index.min(PLANTED) - begun) as i64 % 1_000_000 * 60;
        }
        let share = (index as f64 / begun as f64).sqrt();
        START + (share * (END - START - 86_400) as f64) as i64
    }

    pub(super) fn user(&self, number: u64) -> Owner {
        let (first, family) = (FIRST[number as usize % 24], FAMILY[number as usize / 24 % 24]);
        let suffix = if number < 576 { String::new() } else { number.to_string() };
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        Owner {
            slug: format!("{first}{family}{suffix}"),
            name: format!("{} {}", capital(first), capital(family)),
            who: Who::User(number),
        }
    }

    pub(super) fn organization(&self, number: u64) -> Owner {
        let (slug, name) = ORGANIZATIONS[number as usize % ORGANIZATIONS.len()];
        Owner { slug: slug.into(), name: name.into(), who: Who::Organization(number % 12) }
    }

    /// The name it has now.
    pub(super) fn name(&self, part: Part, index: u64) -> Name {
        let mut name = self.first_name(part, index);
        if let Some(now) = self.state().renamed.get(&(part, index))
            && let Some((owner, slug)) = now.split_once('/')
        {
            name.owner.slug = owner.into();
            name.slug = slug.into();
        }
        name
    }

    /// Of every 97 items two have names that make the same folder name (`a/b_c` and `a_b/c`), two differ in case only.
    fn first_name(&self, part: Part, index: u64) -> Name {
        if index == META {
            let owner = Owner { slug: "kaggle".into(), name: "Kaggle".into(), who: Who::Organization(0) };
            return Name { owner, slug: "meta-kaggle".into(), topic: "meta-kaggle", tag: "data" };
        }
        if let Some(plant) = self.plant(index) {
            let (owner, slug) = plant.reference.split_once('/').unwrap_or(("nobody", &plant.reference));
            let owner = Owner { slug: owner.into(), name: super::words::title(owner), who: Who::User(0) };
            return Name { owner, slug: slug.into(), topic: "planted", tag: "planted" };
        }
        let twin = matches!(index % 97, 41 | 61);
        let index = if twin { index - 1 } else { index };
        let mut dice = self.dice(part, index, Stream::Name);
        let (topic, tag) = dice.pick_early(&TOPICS);
        let organization = part != Part::Kernels && dice.per_mille(250);
        let share = dice.share();
        let number = (share * share * self.config.users.max(1) as f64) as u64;
        let mut owner = if organization { self.organization(dice.below(12)) } else { self.user(number) };
        let mut slug = format!("{topic}-{index}");
        match (index % 97, twin) {
            (40, false) => slug = format!("x_{slug}"),
            (40, true) => owner.slug.push_str("_x"),
            (60, true) => slug = slug[..1].to_uppercase() + &slug[1..],
            _ => {}
        }
        Name { owner, slug, topic, tag }
    }

    /// The item of this name, unless it was removed or has another name now.
    pub(super) fn find(&self, part: Part, owner: &str, slug: &str) -> Option<u64> {
        let wanted = format!("{owner}/{slug}");
        let known = self.state().by_name.get(&(part, wanted.clone())).copied();
        let number: Option<u64> = slug.rsplit('-').next().and_then(|number| number.parse().ok());
        let guessed = || {
            let number = number?;
            let (count, mut guesses) = (self.count(part), number..number.saturating_add(2));
            guesses.find(|index| *index < count && self.name(part, *index).reference() == wanted)
        };
        known.or_else(guessed).filter(|index| !self.is_removed(part, *index))
    }

    pub(super) fn is_removed(&self, part: Part, index: u64) -> bool {
        self.state().removed.contains(&(part, index))
    }

    pub(super) fn remove(&self, part: Part, index: u64) {
        let mut state = self.state();
        state.removed.insert((part, index));
        state.changes += 1;
    }

    pub(super) fn rename(&self, part: Part, index: u64, now: &str) {
        let mut state = self.state();
        state.by_name.retain(|_, other| *other != index);
        state.by_name.insert((part, now.into()), index);
        state.renamed.insert((part, index), now.into());
        state.changes += 1;
    }

    pub(super) fn publish(&self, part: Part, count: u64) {
        let mut state = self.state();
        *state.published.entry(part).or_default() += count;
        state.changes += 1;
    }

    pub(super) fn add_version(&self, dataset: u64) {
        let mut state = self.state();
        *state.versions.entry(dataset).or_default() += 1;
        state.changes += 1;
    }

    /// The current version of a dataset, from 1.
    pub(super) fn version(&self, dataset: u64) -> u64 {
        let begun = match dataset {
            0 => 7,
            META => META_VERSION,
            PLANTED.. => 1,
            _ => 1 + self.dice(Part::Datasets, dataset, Stream::Oddities).below(4),
        };
        begun + self.state().versions.get(&dataset).copied().unwrap_or(0)
    }

    /// Whether a listed item refuses to be looked at.
    pub(super) fn is_denied(&self, part: Part, index: u64) -> bool {
        (1..PLANTED).contains(&index)
            && self.dice(part, index, Stream::Oddities).per_mille(self.config.denied)
    }

    /// What an item is called now: `owner/slug`, a competition's slug, a topic's number.
    pub(super) fn reference(&self, part: Part, index: u64) -> String {
        match part {
            Part::Competitions => super::competition::slug(self, index),
            Part::Topics => super::topic::id(index).to_string(),
            _ => self.name(part, index).reference(),
        }
    }

    /// The item that is called so now.
    pub(super) fn resolve(&self, part: Part, reference: &str) -> Option<u64> {
        match part {
            Part::Competitions => super::competition::find(self, reference),
            Part::Topics => super::topic::find(self, reference.parse().ok()?),
            _ => reference.split_once('/').and_then(|(owner, slug)| self.find(part, owner, slug)),
        }
    }
}
