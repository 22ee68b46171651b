//! The order of a listing: natural (by making, rising) needs no memory, any other keeps 4 bytes a record once asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use super::cursor::Start;
use super::world::{Key, World};
use crate::locked;

/// The orders that were asked for so far.
#[derive(Default)]
pub(super) struct Orders {
    /// Of each key, after how many changes it was made.
    falling: Mutex<HashMap<Key, (u64, Sorted)>>,
}

/// All indexes, once somebody has sorted them.
type Sorted = Arc<OnceLock<Vec<u32>>>;

/// All indexes in one order.
pub(super) enum Order {
    Natural(u64),
    Sorted(Sorted),
}

impl Orders {
    /// Key falling, `_id` rising; or by making, rising. The first call for a key sorts, others wait for it.
    pub(super) fn get(&self, world: &World, key: Key, rising: bool) -> Order {
        if rising {
            return Order::Natural(world.count);
        }
        let number = world.altered.number;
        let cell = {
            let mut all = locked(&self.falling);
            let found = all.entry(key).or_default();
            if found.0 != number {
                *found = (number, Arc::default());
            }
            found.1.clone()
        };
        cell.get_or_init(|| {
            let mut keyed: Vec<_> = (0..world.count)
                .map(|index| (std::cmp::Reverse(world.number(key, index)), index as u32))
                .collect();
            keyed.sort_unstable();
            keyed.into_iter().map(|(_, index)| index).collect()
        });
        Order::Sorted(cell)
    }
}

impl Order {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Natural(count) => *count,
            Self::Sorted(_) => self.sorted().len() as u64,
        }
    }

    /// The index at this position.
    pub(super) fn at(&self, position: u64) -> u64 {
        match self {
            Self::Natural(_) => position,
            Self::Sorted(_) => u64::from(self.sorted()[position as usize]),
        }
    }

    /// The first position that a page starting there may hold, found by key alone: the record itself may be gone.
    pub(super) fn position(&self, world: &World, key: Key, start: Start) -> u64 {
        let Start::After { number, index } = start else { return 0 };
        match self {
            Self::Natural(count) => (index + 1).min(*count),
            Self::Sorted(_) => self.sorted().partition_point(|other| {
                let (number_there, index_there) = (world.number(key, u64::from(*other)), u64::from(*other));
                number_there > number || number_there == number && index_there <= index
            }) as u64,
        }
    }

    fn sorted(&self) -> &[u32] {
        match self {
            Self::Natural(_) => &[],
            Self::Sorted(cell) => cell.get().map_or(&[], Vec::as_slice),
        }
    }
}
