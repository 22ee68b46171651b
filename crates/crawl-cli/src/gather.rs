//! `gather ROOT`: the shares of a mapping, joined into one listing.

use std::path::Path;

use anyhow::Result;
use crawl_core::gather;

use crate::{Outcome, counted};

pub(crate) async fn run(root: &Path) -> Result<Outcome> {
    let mut open = 0;
    for gathered in gather(root).await? {
        let state = if gathered.ended { "whole" } else { "not whole yet" };
        crate::say(format!("{}: {}, {state}", gathered.id, counted(gathered.pages, "page")));
        if !gathered.open.is_empty() {
            let shares: Vec<_> = gathered.open.iter().map(u64::to_string).collect();
            let shares = shares.join(",");
            crate::say(format!(
                "  not ended: shares {shares} of {}; run each again, with --share N/{} (in Slurm: --array={shares})",
                gathered.of, gathered.of
            ));
        }
        open += u64::from(!gathered.ended);
    }
    Ok(Outcome::missing(open))
}
