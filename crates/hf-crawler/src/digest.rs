//! Short digests, for settings: enough to tell that an input has changed.

use crawl_core::{Result, Stored};
use sha2::{Digest, Sha256};

/// What identifies the content of a stored listing.
pub(crate) fn listing(stored: &Stored) -> Result<String> {
    let mut whole = Sha256::new();
    for line in stored.manifest()? {
        whole.update(&line.sha256);
    }
    Ok(short(whole))
}

/// The first 64 bits of a hash, in hex.
pub(crate) fn short(hash: Sha256) -> String {
    hash.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
