//! Why records are missing.

use crawl_core::{Result, Stored, Tally};

/// Why records are missing from a listing: counts by kind.
///
/// # Errors
/// Those of reading the listing.
pub fn reasons(listing: &Stored) -> Result<Tally> {
    let mut reasons = Tally::new();
    for line in listing.manifest()?.iter().filter(|line| line.missing > 0) {
        for missing in listing.missing(line.number)? {
            *reasons.entry(missing.kind).or_default() += 1;
        }
    }
    Ok(reasons)
}
