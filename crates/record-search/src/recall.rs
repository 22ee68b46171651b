//! How many of the nearest the scan finds, beside exact numbers.

use crate::bitmap::Bitmap;
use crate::scan::nearest;
use crate::vectors::Vectors;

/// What was found at one selectivity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// The share of the vectors that pass the filter, at random.
    pub share: f64,
    /// How many that are.
    pub passed: u64,
    /// The share of the exact ten nearest that the scan finds too.
    pub at_10: f64,
    /// Milliseconds a query, the median, on as many threads as there are cores.
    pub milliseconds: f64,
}

/// Measures the leg of meaning: `vectors` of `dimension` numbers one behind the other, of which `queries` are left out and
/// asked for; at each share of them that passes. Exact is the product of the numbers as they are. All is in memory.
pub fn measure(vectors: &[f32], dimension: usize, queries: usize, shares: &[f64]) -> Vec<Recall> {
    let rows: Vec<&[f32]> = vectors.chunks_exact(dimension.max(1)).collect();
    let (asked, rows) = rows.split_at(queries.min(rows.len()));
    let index = Vectors::of(dimension, rows.iter().map(|row| Some(*row)));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut measured = Vec::new();
    for share in shares {
        // The same rows in each run: a hash of the place.
        let most = (share * f64::from(u32::MAX)) as u32;
        let mixed =
            |place: usize| (place as u64 ^ 0x9e37).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) as u32;
        let passed = Bitmap::of(rows.len(), |place| mixed(place) <= most);
        let (mut found, mut wanted, mut times) = (0, 0, Vec::new());
        for query in asked {
            let exact = exact(rows, query, &passed, threads);
            let began = std::time::Instant::now();
            let near = nearest(&index, query, &passed, 10, threads);
            times.push(began.elapsed().as_secs_f64() * 1e3);
            found += near.top.iter().filter(|(_, place)| exact.contains(place)).count();
            wanted += exact.len();
        }
        times.sort_unstable_by(f64::total_cmp);
        measured.push(Recall {
            share: *share,
            passed: passed.count(),
            at_10: found as f64 / wanted.max(1) as f64,
            milliseconds: times.get(times.len() / 2).copied().unwrap_or(0.0),
        });
    }
    measured
}

fn exact(rows: &[&[f32]], query: &[f32], passed: &Bitmap, threads: usize) -> Vec<u32> {
    let words = passed.words();
    let part = words.div_ceil(threads.max(1)).max(1);
    let mut all: Vec<(f32, u32)> = Vec::new();
    std::thread::scope(|scope| {
        let work = |from: usize| {
            let to = (from + part).min(words);
            let mut top: Vec<(f32, u32)> = passed
                .words_between(from, to)
                .map(|place| (product(rows[place as usize], query), place))
                .collect();
            top.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            top.truncate(10);
            top
        };
        let parts: Vec<_> = (0..words).step_by(part).map(|from| scope.spawn(move || work(from))).collect();
        for part in parts {
            match part.join() {
                Ok(top) => all.extend(top),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(10);
    all.into_iter().map(|(_, place)| place).collect()
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    // Sixteen sums beside one another, which the compiler puts into one register.
    let mut sums = [0.0_f32; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
