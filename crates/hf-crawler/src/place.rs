//! Places in a listing: addresses that name one.

use std::borrow::Cow;

use crawl_core::Error;
use crawl_core::http::Url;

/// The place in the listing that an address names: its cursor, or whatever a mirror pages by instead.
pub(crate) fn place_of(url: &Url) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    match url.query_pairs().find(|(name, _)| name == "cursor") {
        Some(cursor) => vec![cursor],
        None => url.query_pairs().filter(|(name, _)| name != "limit").collect(),
    }
}

pub(crate) fn set_limit(url: &mut Url, size: u64) {
    if url.query_pairs().any(|(name, value)| name == "limit" && value == size.to_string()) {
        return;
    }
    let pairs: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| name != "limit").collect();
    url.query_pairs_mut().clear().append_pair("limit", &size.to_string()).extend_pairs(pairs);
}

/// A place that the service gave itself and does not take any more.
pub(crate) fn lost(error: Error) -> Error {
    match error.status() {
        Some(400 | 404 | 410 | 422) => error.advise(
            "the server does not take the place any more at which this listing goes on: run again later; if it \
             stays, start a new root (what is committed here stays readable)",
        ),
        _ => error,
    }
}
