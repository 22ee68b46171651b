//! The leg of meaning: a flat scan, so that no filter can break it.

use crate::bitmap::Bitmap;
use crate::vectors::{Vectors, bits_of, bytes_of};

/// Up to so many candidates the bytes are compared; among more the signs choose whom the bytes are compared of.
pub const MOST_EXACT: u64 = 100_000;

/// How many of so many candidates the signs choose. Figures are in docs/record-search.md.
pub fn chosen(candidates: u64) -> usize {
    usize::try_from(4_000 + candidates / 500).unwrap_or(usize::MAX)
}

/// The nearest of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Nearest {
    /// Cosine and place, the nearest first; of equals the earlier place.
    pub(crate) top: Vec<(f32, u32)>,
    /// How many were compared by bytes.
    pub(crate) compared: u64,
    /// Whether signs chose them.
    pub(crate) by_signs: bool,
}

/// The `most` places of `passed` that are nearest to a vector.
pub(crate) fn nearest(
    vectors: &Vectors,
    query: &[f32],
    passed: &Bitmap,
    most: usize,
    threads: usize,
) -> Nearest {
    let (bytes, length) = bytes_of(Some(query), vectors.dimension);
    if vectors.dimension == 0 || length == 0.0 || most == 0 {
        return Nearest::default();
    }
    let candidates = passed.count();
    let by_signs = candidates > MOST_EXACT.max(most as u64);
    let mut top = if by_signs {
        let wanted = chosen(candidates).max(most);
        let places = by_bits(vectors, &bits_of(&bytes), passed, wanted, threads);
        in_parts(places.len(), threads, |from, to| {
            compare(vectors, &bytes, length, places[from..to].iter().copied())
        })
    } else {
        in_parts(passed.words(), threads, |from, to| {
            best(compare(vectors, &bytes, length, passed.words_between(from, to)), most)
        })
    };
    let compared = if by_signs { top.len() as u64 } else { candidates };
    top = best(top, most);
    top.sort_unstable_by(order);
    Nearest { top, compared, by_signs }
}

/// The cosine of a query, in bytes, and a place.
pub(crate) fn cosine(vectors: &Vectors, query: &[f32], place: u32) -> Option<f32> {
    let (bytes, length) = bytes_of(Some(query), vectors.dimension);
    compare(vectors, &bytes, length, std::iter::once(place)).first().map(|(cosine, _)| *cosine)
}

fn order(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

fn best(mut found: Vec<(f32, u32)>, most: usize) -> Vec<(f32, u32)> {
    if found.len() > most {
        found.select_nth_unstable_by(most, order);
        found.truncate(most);
    }
    found
}

/// Does the parts of `size` things on several threads.
fn in_parts<T: Send>(size: usize, threads: usize, work: impl Fn(usize, usize) -> Vec<T> + Sync) -> Vec<T> {
    let part = size.div_ceil(threads.max(1)).max(512);
    if part >= size {
        return work(0, size);
    }
    let mut out = Vec::new();
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = (0..size)
            .step_by(part)
            .map(|from| scope.spawn(move || work(from, (from + part).min(size))))
            .collect();
        for part in parts {
            match part.join() {
                Ok(found) => out.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    out
}

/// The cosines of places; those without a vector are left out.
fn compare(
    vectors: &Vectors,
    query: &[i8],
    length: f32,
    places: impl Iterator<Item = u32>,
) -> Vec<(f32, u32)> {
    pulp::Arch::new().dispatch(Compare { vectors, query, length, places })
}

/// What [`compare`] does. It is a type of its own, and not a closure, since only what is inlined as a whole is compiled for the
/// processor that it runs on.
struct Compare<'a, I> {
    vectors: &'a Vectors,
    query: &'a [i8],
    length: f32,
    places: I,
}

impl<I: Iterator<Item = u32>> pulp::NullaryFnOnce for Compare<'_, I> {
    type Output = Vec<(f32, u32)>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let mut out = Vec::new();
        for place in self.places {
            if let Some((bytes, of)) = self.vectors.at(place) {
                out.push((product(bytes, self.query) as f32 * self.length * of, place));
            }
        }
        out
    }
}

/// A sum of 8,192 products of two bytes stays within 32 bits: nothing wraps, and no check stands in the way of the
/// compiler's vectors.
#[inline(always)]
fn product(a: &[u8], b: &[i8]) -> i32 {
    let mut sum = 0_i32;
    for (a, b) in a.iter().zip(b) {
        sum = sum.wrapping_add(i32::from(a.cast_signed()).wrapping_mul(i32::from(*b)));
    }
    sum
}

/// The places whose signs differ least from those of the query, about `wanted` of them: all of one distance, or none.
fn by_bits(vectors: &Vectors, query: &[u64], passed: &Bitmap, wanted: usize, threads: usize) -> Vec<u32> {
    let near = in_parts(passed.words(), threads, |from, to| {
        let near = Nearby::new(vectors.dimension, wanted);
        pulp::Arch::new().dispatch(Look { vectors, query, passed, from, to, near })
    });
    let mut of_distance = vec![0; distances(vectors.dimension)];
    near.iter().for_each(|(distance, _)| of_distance[usize::from(*distance)] += 1);
    let most = least_that_holds(&of_distance, wanted);
    near.into_iter().filter(|(distance, _)| *distance <= most).map(|(_, place)| place).collect()
}

/// How many distances there can be.
fn distances(dimension: usize) -> usize {
    dimension.next_multiple_of(64) + 1
}

/// The least distance within which there are so many.
fn least_that_holds(of_distance: &[usize], wanted: usize) -> u16 {
    let mut sum = 0;
    let least = of_distance.iter().position(|count| {
        sum += count;
        sum >= wanted
    });
    least.unwrap_or(of_distance.len()) as u16
}

/// Distances and places of one part. What cannot be among the `wanted` nearest of the part is not among those of all, and
/// goes at once: so little is written, however much is looked at.
struct Nearby {
    wanted: usize,
    /// What is farther goes.
    most: u16,
    of_distance: Vec<usize>,
    places: Vec<(u16, u32)>,
}

impl Nearby {
    fn new(dimension: usize, wanted: usize) -> Self {
        let of_distance = vec![0; distances(dimension)];
        let places = Vec::with_capacity(2 * wanted + 64);
        Nearby { wanted, most: u16::MAX, of_distance, places }
    }

    #[inline(always)]
    fn take(&mut self, distance: u16, place: u32) {
        if distance <= self.most {
            self.of_distance[usize::from(distance)] += 1;
            self.places.push((distance, place));
        }
    }

    /// Lets go what is too far, when there is much.
    fn tidy(&mut self) {
        if self.places.len() < 2 * self.wanted {
            return;
        }
        let most = least_that_holds(&self.of_distance, self.wanted);
        // Where all are equally far nothing goes, and asking again for each would take for ever.
        if most < self.most {
            self.most = most;
            self.places.retain(|(distance, _)| *distance <= most);
        }
    }
}

/// A look at the signs of those that pass, in a part: as [`Compare`], compiled as a whole.
struct Look<'a> {
    vectors: &'a Vectors,
    query: &'a [u64],
    passed: &'a Bitmap,
    from: usize,
    to: usize,
    near: Nearby,
}

impl pulp::NullaryFnOnce for Look<'_> {
    type Output = Vec<(u16, u32)>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Look { vectors, query, passed, from, to, mut near } = self;
        if let [a, b, c, d] = query {
            let (rows, _) = vectors.bits.as_chunks::<4>();
            for at in from..to {
                let word = passed.word(at);
                let first = at * 64;
                match rows.get(first..first + 64) {
                    // Without a look at each bit.
                    Some(rows) if word == u64::MAX => {
                        for (bit, row) in rows.iter().enumerate() {
                            near.take(differ_in_four([*a, *b, *c, *d], *row), (first + bit) as u32);
                        }
                    }
                    _ => {
                        for place in passed.words_between(at, at + 1) {
                            near.take(differ_in_four([*a, *b, *c, *d], rows[place as usize]), place);
                        }
                    }
                }
                near.tidy();
            }
        } else {
            for at in from..to {
                for place in passed.words_between(at, at + 1) {
                    let row = &vectors.bits[place as usize * query.len()..][..query.len()];
                    let mut differ = 0;
                    for (a, b) in query.iter().zip(row) {
                        differ += (a ^ b).count_ones();
                    }
                    near.take(differ as u16, place);
                }
                near.tidy();
            }
        }
        near.places
    }
}

#[inline(always)]
fn differ_in_four([a, b, c, d]: [u64; 4], [e, f, g, h]: [u64; 4]) -> u16 {
    let differ = (a ^ e).count_ones() + (b ^ f).count_ones() + (c ^ g).count_ones() + (d ^ h).count_ones();
    differ as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors around some centres: near ones are much nearer than others.
    fn vectors(count: usize, dimension: usize) -> (Vectors, Vec<Vec<f32>>) {
        let mut random = fastrand::Rng::with_seed(1);
        let mut some =
            |spread: f32| -> Vec<f32> { (0..dimension).map(|_| (random.f32() - 0.5) * spread).collect() };
        let centres: Vec<Vec<f32>> = (0..50).map(|_| some(2.0)).collect();
        let mut own =
            |at: usize| -> Vec<f32> { centres[at % 50].iter().zip(some(1.5)).map(|(a, b)| a + b).collect() };
        let exact: Vec<Vec<f32>> = (0..count).map(&mut own).collect();
        // Every eleventh has none.
        let all = exact.iter().enumerate().map(|(at, own)| (at % 11 > 0).then_some(own.as_slice()));
        (Vectors::of(dimension, all), exact)
    }

    fn exact(all: &[Vec<f32>], query: &[f32], passed: &Bitmap, most: usize) -> Vec<u32> {
        let length = |of: &[f32]| of.iter().map(|number| number * number).sum::<f32>().sqrt();
        let cosine =
            |of: &[f32]| of.iter().zip(query).map(|(a, b)| a * b).sum::<f32>() / length(of) / length(query);
        let mut found: Vec<(f32, u32)> = passed
            .places()
            .filter(|place| place % 11 > 0)
            .map(|place| (cosine(&all[place as usize]), place))
            .collect();
        found.sort_by(order);
        found.into_iter().take(most).map(|(_, place)| place).collect()
    }

    #[test]
    fn the_nearest_are_those_of_exact_numbers_and_signs_choose_well() {
        for dimension in [256, 72] {
            let (vectors, all) = vectors(3_000, dimension);
            let share = |of: u32| {
                Bitmap::of(3_000, |place| {
                    ((place as u32).wrapping_mul(2_654_435_761) >> 16).is_multiple_of(of)
                })
            };
            for passed in [share(1), share(5), share(100)] {
                let (mut by_bytes, mut by_signs, mut wanted) = (0, 0, 0);
                for query in all.iter().step_by(59) {
                    let truth = exact(&all, query, &passed, 10);
                    let (bytes, length) = bytes_of(Some(query), dimension);
                    let found = nearest(&vectors, query, &passed, 10, 3).top;
                    assert_eq!(found, nearest(&vectors, query, &passed, 10, 1).top, "threads change nothing");
                    assert!(found.iter().all(|(_, place)| passed.has(*place) && place % 11 > 0));
                    assert_eq!(found.len(), truth.len());
                    by_bytes += found.iter().filter(|(_, place)| truth.contains(place)).count();
                    let chosen = by_bits(&vectors, &bits_of(&bytes), &passed, 300, 2);
                    let found = best(compare(&vectors, &bytes, length, chosen.into_iter()), 10);
                    by_signs += found.iter().filter(|(_, place)| truth.contains(place)).count();
                    wanted += truth.len();
                }
                assert!(by_bytes * 100 > wanted * 97, "{dimension}: {by_bytes} of {wanted}");
                assert!(by_signs * 100 > wanted * 90, "{dimension}: {by_signs} of {wanted}");
            }
        }
    }

    #[test]
    fn signs_choose_the_same_whatever_was_let_go_on_the_way() {
        for dimension in [256, 72] {
            let (vectors, all) = vectors(5_000, dimension);
            for passed in [Bitmap::of(5_000, |_| true), Bitmap::of(5_000, |place| place % 7 != 3)] {
                for (query, wanted) in all.iter().step_by(997).zip([1, 40, 300, 300, 4_990, 9_000]) {
                    let bits = bits_of(&bytes_of(Some(query), dimension).0);
                    let row = |place: u32| &vectors.bits[place as usize * bits.len()..][..bits.len()];
                    let distance = |place: u32| -> u32 {
                        bits.iter().zip(row(place)).map(|(a, b)| (a ^ b).count_ones()).sum()
                    };
                    let mut distances: Vec<u32> = passed.places().map(distance).collect();
                    distances.sort_unstable();
                    let most = distances.get(wanted - 1).copied().unwrap_or(u32::MAX);
                    let within: Vec<u32> = passed.places().filter(|place| distance(*place) <= most).collect();
                    for threads in [1, 3] {
                        assert_eq!(by_bits(&vectors, &bits, &passed, wanted, threads), within);
                    }
                }
            }
        }
    }
}
