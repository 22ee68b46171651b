//! What the tests share: a double, a door, a run.

use std::path::Path;
use std::time::Duration;

use crawl_core::http::{Http, HttpConfig};
use crawl_core::{Checkpoint, Pump, Record, Result, SourceId, Stop, Store, Stored, pump};
use crawl_sim::{Hub as Double, HubConfig, Running};
use hf_crawler::{Hub, Listing, Repositories};

pub(crate) async fn double(datasets: u64, faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    Double::start(HubConfig { datasets, models: 0, faults, ..HubConfig::default() }).await.unwrap()
}

pub(crate) fn http() -> Http {
    let config = HttpConfig {
        backoff: Duration::from_millis(5),
        timeout: Duration::from_secs(20),
        tries: 4,
        max_body: 32 << 20,
        ..HttpConfig::default()
    };
    Http::new(config).unwrap()
}

pub(crate) fn hub(double: &Running) -> Hub {
    Hub::new(http(), &double.url()).unwrap()
}

pub(crate) async fn crawl(source: &Repositories, root: &Path) -> Result<Checkpoint> {
    pump(source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await
}

pub(crate) async fn list(double: &Running, listing: Listing, root: &Path) -> Result<Checkpoint> {
    crawl(&Repositories::new(hub(double), listing)?, root).await
}

/// As [`list`], up to so many rows.
pub(crate) async fn list_some(double: &Running, rows: u64, root: &Path) -> Result<Checkpoint> {
    let (source, options) = (Repositories::new(hub(double), small())?, Pump::default().rows(rows));
    pump(&source, &Store::new(root), options, &Stop::new(), |_| {}).await
}

pub(crate) fn small() -> Listing {
    Listing { page_size: Some(100), ..Listing::default() }
}

pub(crate) fn datasets() -> SourceId {
    SourceId::new("hf/datasets").unwrap()
}

pub(crate) fn records(root: &Path) -> Vec<Record> {
    let stored = Stored::open(root, &datasets()).unwrap();
    (1..=stored.checkpoint().pages).flat_map(|page| stored.records(page).unwrap()).collect()
}

pub(crate) fn ids(root: &Path) -> Vec<String> {
    let id = |record: &Record| record.raw().get("id").unwrap().str().unwrap().into_owned();
    records(root).iter().map(id).collect()
}

/// The ids, and that none is there twice.
pub(crate) fn distinct(root: &Path) -> usize {
    let ids = ids(root);
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "some ids are there twice");
    ids.len()
}
