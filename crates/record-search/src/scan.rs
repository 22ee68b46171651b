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
    let arch = pulp::Arch::new();
    arch.dispatch(
        #[inline(always)]
        || {
            places
                .filter_map(|place| {
                    let (bytes, of) = vectors.at(place)?;
                    Some((product(bytes, query) as f32 * length * of, place))
                })
                .collect()
        },
    )
}

/// A sum of 8,192 products of two bytes stays within 32 bits: nothing wraps, and no check stands in the way of the
/// compiler's vectors.
#[inline(always)]
fn product(a: &[u8], b: &[i8]) -> i32 {
    let both = a.iter().zip(b);
    both.fold(0, |sum: i32, (a, b)| sum.wrapping_add(i32::from(a.cast_signed()).wrapping_mul(i32::from(*b))))
}

/// The places whose signs differ least from those of the query, about `wanted` of them: all of one distance, or none.
fn by_bits(vectors: &Vectors, query: &[u64], passed: &Bitmap, wanted: usize, threads: usize) -> Vec<u32> {
    let distances = in_parts(passed.words(), threads, |from, to| distances(vectors, query, passed, from, to));
    let mut of_distance = vec![0_usize; vectors.dimension.next_multiple_of(64) + 1];
    distances.iter().for_each(|(distance, _)| of_distance[usize::from(*distance)] += 1);
    let mut sum = 0;
    let most = of_distance.iter().position(|count| {
        sum += count;
        sum >= wanted
    });
    let most = most.unwrap_or(of_distance.len()) as u16;
    distances.into_iter().filter(|(distance, _)| *distance <= most).map(|(_, place)| place).collect()
}

fn distances(vectors: &Vectors, query: &[u64], passed: &Bitmap, from: usize, to: usize) -> Vec<(u16, u32)> {
    let arch = pulp::Arch::new();
    let mut out = Vec::new();
    arch.dispatch(
        #[inline(always)]
        || match query {
            [a, b, c, d] => {
                let (rows, _) = vectors.bits.as_chunks::<4>();
                for place in passed.words_between(from, to) {
                    let [e, f, g, h] = rows[place as usize];
                    let differ = (a ^ e).count_ones()
                        + (b ^ f).count_ones()
                        + (c ^ g).count_ones()
                        + (d ^ h).count_ones();
                    out.push((differ as u16, place));
                }
            }
            query => {
                for place in passed.words_between(from, to) {
                    let at = place as usize * query.len();
                    let row = &vectors.bits[at..at + query.len()];
                    let differ: u32 = query.iter().zip(row).map(|(a, b)| (a ^ b).count_ones()).sum();
                    out.push((differ as u16, place));
                }
            }
        },
    );
    out
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
}
