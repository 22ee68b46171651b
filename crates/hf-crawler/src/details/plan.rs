//! What details will cost, told before they are fetched.

use super::{Part, Parts};

/// Requests a window of five minutes, as the Hub documents them: the API's and those of files, without a token and with
/// that of a free account. What answers tell is what is kept to.
const QUOTAS: [(u64, u64); 2] = [(500, 3_000), (1_000, 5_000)];
const WINDOW: f64 = 300.0;

/// How many requests of each kind there will be at least, and how long they take at the documented quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Against the limit of the API.
    pub api: u64,
    /// Against the limit of files.
    pub files: u64,
    /// Seconds, at the quota of the Hub's documentation.
    pub seconds: f64,
}

impl Plan {
    /// For so many repositories, asked with or without a token, `per_second` at most.
    pub fn new(parts: &Parts, repositories: u64, token: bool, per_second: Option<f64>) -> Self {
        let times = |wanted: usize| wanted as u64 * repositories;
        let api = times(usize::from(parts.asks_tree()));
        let files = times([Part::Config, Part::Card].into_iter().filter(|part| parts.has(*part)).count());
        let (of_api, of_files) = QUOTAS[usize::from(token)];
        // The first window is there at once.
        let time = |requests: u64, quota: u64| (requests.saturating_sub(1) / quota) as f64 * WINDOW;
        let own = per_second.map_or(0.0, |rate| (api + files) as f64 / rate);
        Plan { api, files, seconds: time(api, of_api).max(time(files, of_files)).max(own) }
    }
}
