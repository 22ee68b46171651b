//! The orders of listings: 4 bytes an item for each that was asked for, and a hot order that moves while one walks it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::world::{Part, World};
use crate::dice::Dice;
use crate::locked;

/// So many orders are kept.
const KEPT: usize = 64;

type Key = (Part, String);

#[derive(Default)]
struct Kept {
    changes: u64,
    orders: HashMap<Key, Arc<Vec<u32>>>,
}

/// The orders that were asked for, of the world as it was at `changes`.
#[derive(Default)]
pub(super) struct Orders {
    kept: Mutex<Kept>,
}

impl World {
    /// The items that match, the highest rank first, then the lowest index. `key` tells the filter and the order apart
    /// from all others of this part.
    pub(super) fn order(
        &self,
        part: Part,
        key: &str,
        matches: impl Fn(u64) -> bool,
        rank: impl Fn(u64) -> i64,
    ) -> Arc<Vec<u32>> {
        let changes = self.state().changes;
        let key = (part, key.to_owned());
        {
            let mut kept = locked(&self.orders.kept);
            if kept.changes != changes || kept.orders.len() > KEPT {
                *kept = Kept { changes, orders: HashMap::new() };
            }
            if let Some(order) = kept.orders.get(&key) {
                return order.clone();
            }
        }
        let indexes = self.indexes(part).into_iter().filter(|index| matches(u64::from(*index)));
        let mut ranked: Vec<_> = indexes.map(|index| (Reverse(rank(u64::from(index))), index)).collect();
        ranked.sort_unstable();
        let order: Arc<Vec<u32>> = Arc::new(ranked.into_iter().map(|(_, index)| index).collect());
        locked(&self.orders.kept).orders.insert(key, order.clone());
        order
    }

    /// The places `range` of a hot order as it is now; then some items from behind jump to its front.
    pub(super) fn hot(&self, part: Part, base: &[u32], range: std::ops::Range<u64>) -> Vec<u64> {
        let mut state = self.state();
        let jumped = state.jumped.entry(part).or_default();
        let mut front: Vec<u32> = Vec::with_capacity(jumped.len());
        for index in jumped.iter().rev() {
            if !front.contains(index) && base.contains(index) {
                front.push(*index);
            }
        }
        let rest = base.iter().filter(|index| !front.contains(index));
        let now =
            front.iter().chain(rest).skip(range.start as usize).take((range.end - range.start) as usize);
        let page = now.map(|index| u64::from(*index)).collect();
        for _ in 0..self.config.drift {
            let mut dice = Dice::new(self.config.seed ^ 0x0d71_f7ed, jumped.len() as u64);
            jumped.extend(base.get(dice.below(base.len() as u64) as usize));
        }
        page
    }
}
