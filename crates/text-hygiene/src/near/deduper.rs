//! Texts in, clusters out: hashes are kept, texts are not; pairs that may be alike are read again and compared.

use super::shingles::{mix, shingled, similarity};
use super::union::Union;

/// So many texts of a band are compared with one that has the same hash there.
const LEADERS: usize = 8;

/// How alike is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// In how many bands two texts have a chance to meet.
    pub bands: usize,
    /// How many minima must be equal in a band: texts of similarity `s` meet with probability `1-(1-s^rows)^bands`.
    pub rows: usize,
    /// The true similarity from which on two that met are near duplicates.
    pub threshold: f64,
    /// Texts with fewer tokens are compared whole only: a short text shares its few runs with many.
    pub least_tokens: usize,
}

impl Default for Settings {
    /// 14 bands of 8 rows, as FineWeb has them: 92 % of the pairs of similarity 0.8 meet. Alike from 0.8 on.
    fn default() -> Self {
        Settings { bands: 14, rows: 8, threshold: 0.8, least_tokens: 25 }
    }
}

/// Takes texts in and tells which are duplicates. Needs about 90 bytes a text with the default settings, whatever the
/// texts' length. The same texts in the same order give the same clusters, on any machine.
#[derive(Debug)]
pub struct Deduper {
    settings: Settings,
    /// A multiplier and a summand a minimum.
    permutations: Vec<(u64, u64)>,
    ids: Vec<u64>,
    /// A hash of the whole text; 0 if it has no tokens.
    wholes: Vec<u128>,
    /// The numbers of the texts that are long enough for bands.
    long: Vec<u32>,
    /// A hash a band, for each long text.
    bands: Vec<Vec<u32>>,
    minima: Vec<u64>,
}

/// How a text is like another of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// It is like no other.
    None,
    /// Another has the same tokens in the same order.
    Exact,
    /// Another is similar.
    Near,
}

/// A text that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: u64,
    /// The id of the first text of its cluster: its own, if it is the first or alone.
    pub cluster: u64,
    /// How it is like another.
    pub like: Like,
}

/// What belongs together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    /// All texts, in the order in which they were taken in.
    pub members: Vec<Member>,
    /// How many pairs met and were read again.
    pub compared: u64,
    /// How many of these could not be read again: they are taken for different.
    pub unread: u64,
}

impl Deduper {
    /// None yet.
    pub fn new(settings: Settings) -> Self {
        let minima = settings.bands * settings.rows;
        let number = |seed: u64| mix(mix(seed) ^ 0x5851_F42D_4C95_7F2D);
        let permutations = (0..minima as u64).map(|at| (number(2 * at) | 1, number(2 * at + 1))).collect();
        Deduper {
            settings,
            permutations,
            ids: Vec::new(),
            wholes: Vec::new(),
            long: Vec::new(),
            bands: vec![Vec::new(); settings.bands],
            minima: vec![0; minima],
        }
    }

    /// How many texts were taken in.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none was taken in.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Takes a text in, under an id of the caller's, such as that of its post; at most four billion of them.
    pub fn add(&mut self, id: u64, text: &str) {
        let shingled = shingled(text);
        let number = self.ids.len() as u32;
        self.ids.push(id);
        self.wholes.push(shingled.whole.unwrap_or(0));
        if shingled.tokens < self.settings.least_tokens || shingled.shingles.is_empty() {
            return;
        }
        self.minima.fill(u64::MAX);
        for shingle in &shingled.shingles {
            for (least, (times, plus)) in self.minima.iter_mut().zip(&self.permutations) {
                *least = (*least).min(shingle.wrapping_mul(*times).wrapping_add(*plus));
            }
        }
        self.long.push(number);
        for (band, rows) in self.bands.iter_mut().zip(self.minima.chunks_exact(self.settings.rows.max(1))) {
            // The high bits: they are the mixed ones.
            band.push((rows.iter().fold(0, |sum, least| mix(sum ^ (least >> 16))) >> 32) as u32);
        }
    }

    /// Whether two texts, by the order in which they were taken in, meet in a band and would be compared.
    pub fn meet(&self, a: usize, b: usize) -> bool {
        let place = |number: usize| self.long.binary_search(&(number as u32));
        let (Ok(a), Ok(b)) = (place(a), place(b)) else { return false };
        self.bands.iter().any(|band| band[a] == band[b])
    }

    /// Compares those that meet and tells what belongs together. `read` gives the text of an id again, or `None` if it
    /// cannot; each pair that met takes a text or two, so that texts may stay on the disk.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn finish<E>(self, mut read: impl FnMut(u64) -> Result<Option<String>, E>) -> Result<Clusters, E> {
        let Deduper { settings, ids, wholes, long, bands, .. } = self;
        let mut sets = Union::default();
        ids.iter().for_each(|_| sets.grow());
        let mut like = vec![Like::None; ids.len()];
        exact(&wholes, &mut sets, &mut like);
        drop(wholes);
        let mut clusters = Clusters::default();
        for band in bands {
            // Sorted by hash, then by order: texts that meet stand together.
            let mut meeting: Vec<u64> = band
                .iter()
                .zip(&long)
                .map(|(hash, number)| u64::from(*hash) << 32 | u64::from(*number))
                .collect();
            drop(band);
            meeting.sort_unstable();
            for group in meeting.chunk_by(|a, b| a >> 32 == b >> 32).filter(|group| group.len() > 1) {
                let mut leaders: Vec<(u32, Option<Vec<u64>>)> = Vec::new();
                for number in group.iter().map(|packed| *packed as u32) {
                    let set = sets.first(number);
                    if leaders.iter().any(|(leader, _)| sets.first(*leader) == set) {
                        continue;
                    }
                    let mut own: Option<Vec<u64>> = None;
                    for (leader, text) in &mut leaders {
                        clusters.compared += 1;
                        for (slot, of) in [(&mut *text, *leader), (&mut own, number)] {
                            if slot.is_none() {
                                *slot = read(ids[of as usize])?.map(|text| shingled(&text).shingles);
                            }
                        }
                        let (Some(theirs), Some(mine)) = (text.as_ref(), own.as_ref()) else {
                            clusters.unread += 1;
                            continue;
                        };
                        if similarity(theirs, mine) >= settings.threshold {
                            for one in [*leader, number] {
                                if like[one as usize] == Like::None {
                                    like[one as usize] = Like::Near;
                                }
                            }
                            sets.join(*leader, number);
                            break;
                        }
                    }
                    let alone = !leaders.iter().any(|(leader, _)| sets.first(*leader) == sets.first(number));
                    if alone && leaders.len() < LEADERS {
                        leaders.push((number, own));
                    }
                }
            }
        }
        clusters.members = (0..ids.len())
            .map(|at| Member { id: ids[at], cluster: ids[sets.first(at as u32) as usize], like: like[at] })
            .collect();
        Ok(clusters)
    }
}

/// Joins texts of equal hash.
fn exact(wholes: &[u128], sets: &mut Union, like: &mut [Like]) {
    let mut order: Vec<u32> = (0..wholes.len() as u32).filter(|at| wholes[*at as usize] != 0).collect();
    order.sort_unstable_by_key(|at| (wholes[*at as usize], *at));
    for group in
        order.chunk_by(|a, b| wholes[*a as usize] == wholes[*b as usize]).filter(|group| group.len() > 1)
    {
        for one in group {
            like[*one as usize] = Like::Exact;
            sets.join(group[0], *one);
        }
    }
}
