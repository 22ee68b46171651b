//! What a crawl will be, told before it is begun.

use crawl_cli::anyhow::Result;
use crawl_cli::{duration, grouped, print, size};
use crawl_core::{Input, Record};

use super::common::Common;

/// An item costs about so many requests for metadata.
const REQUESTS: u64 = 3;

/// Tells items, bytes and time of what is listed.
pub(crate) fn tell(input: &Input, bytes: impl Fn(&Record) -> Option<u64>, common: &Common) -> Result<()> {
    let (mut items, mut known, mut total) = (0u64, 0u64, 0u64);
    for page in 1..=input.pages() {
        for row in input.page(page)? {
            items += 1;
            if let Some(bytes) = bytes(&row) {
                known += 1;
                total = total.saturating_add(bytes);
            }
        }
    }
    let rate = common.http.per_second.unwrap_or(1.0);
    print(format!("the plan for {}:", common.root.display()));
    print(format!("  items     {}", grouped(items)));
    let unknown = match items - known {
        0 => String::new(),
        items if known == 0 => {
            format!(" ({} items: Kaggle's list does not tell their sizes)", grouped(items))
        }
        rest => format!(" of {} items; of {} Kaggle does not tell it", grouped(known), grouped(rest)),
    };
    let total = if known > 0 || items == 0 { size(total) } else { "unknown".into() };
    print(format!("  bytes     {total}{unknown}, before files are chosen"));
    let seconds = (items * REQUESTS) as f64 / rate;
    print(format!(
        "  time      about {} for metadata (an estimate: {REQUESTS} requests an item, {rate} a second), downloads left out",
        duration(seconds)
    ));
    let disk = common.upload.disk_budget;
    print(match disk {
        Some(budget) => format!("  disk      {} at most at once: --disk-budget", size(budget)),
        None => "  disk      all of it stays here; --upload with --disk-budget moves it on".into(),
    });
    Ok(())
}
