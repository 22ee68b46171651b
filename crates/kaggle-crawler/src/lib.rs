//! A crawler of Kaggle, over its HTTP API.
//!
//! Each part is a listing and a map: [`Listed`] lists what the service shows of a [`Part`] (or [`Named`] what you name),
//! and the part's own map, such as [`datasets::Details`] or [`kernels::Details`], fetches what belongs to each item: metadata, texts, files.
//! [`Kaggle`] is the service with a credential; it can send read-only methods and nothing else.

mod archive;
mod client;
pub mod competitions;
mod coverage;
pub mod datasets;
pub mod discussions;
mod folder;
pub mod imports;
pub mod kernels;
pub mod leaderboard;
mod listed;
pub mod meta;
pub mod models;
mod named;
mod pages;
mod pick;
pub mod sections;
mod slices;
pub mod unpack;

pub use archive::Archives;
pub use client::{Kaggle, Method};
pub use coverage::{Coverage, Query};
pub use crawl_core;
pub use folder::{folder, reference};
pub use listed::{Listed, Part};
pub use named::Named;
pub use pick::Pick;
pub use slices::{Slice, Slices};

/// Arguments of a method: those that are given.
pub(crate) fn arguments<const N: usize>(
    given: [(&str, Option<String>); N],
) -> serde_json::Map<String, serde_json::Value> {
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

/// Runs what blocks on a thread that may; its panic goes on here.
pub(crate) async fn off<T: Send + 'static>(
    work: impl FnOnce() -> crawl_core::Result<T> + Send + 'static,
) -> crawl_core::Result<T> {
    use crawl_core::{Error, Kind};
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::new(Kind::Stopped, "the program ended before this was done")),
        },
    }
}
