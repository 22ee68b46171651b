//! Whether rows come in the order that was asked for: a server may take no notice of `sort`.

use crawl_core::json::Raw;
use crawl_core::{Record, Timestamp};

/// So many rows of a page are looked at: looking at each would cost a sixth of a crawl's CPU.
const LOOKED_AT: usize = 24;

/// Whether the rows are sorted by `sort`, as far as can be told: `createdAt` rising, anything else falling.
///
/// A row may change while the Hub lists it, so that a few stand at an old place. A server that does not sort has
/// half of them at a wrong one; from a quarter on, and from two, we say no. Rows without the field tell nothing.
pub(crate) fn is_kept(rows: &[Record], sort: &str) -> bool {
    let step = rows.len().div_ceil(LOOKED_AT).max(1);
    let keys: Vec<f64> = rows.iter().step_by(step).filter_map(|row| key(row.raw().get(sort)?)).collect();
    let rising = sort == "createdAt";
    let wrong = keys.windows(2).filter(|pair| if rising { pair[0] > pair[1] } else { pair[0] < pair[1] });
    let wrong = wrong.count();
    wrong < 2 || wrong * 4 < keys.len() - 1
}

/// A number, or a time in seconds.
fn key(raw: Raw<'_>) -> Option<f64> {
    raw.f64().or_else(|| Some(raw.str()?.parse::<Timestamp>().ok()?.as_millisecond() as f64))
}
