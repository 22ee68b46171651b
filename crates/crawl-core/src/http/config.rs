//! How the door behaves.

use std::time::Duration;

use super::Proxies;
use crate::Stop;

/// How the door behaves.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// `name/version (contact: ...)`: see [`user_agent`].
    pub user_agent: String,
    /// The proxies that are asked to pass requests on. None by default: the environment is the program's to read.
    pub proxies: Proxies,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long no byte may arrive.
    pub read_timeout: Duration,
    /// How long one try may take, body included; a body that the caller reads piece by piece has only `read_timeout`.
    pub timeout: Duration,
    /// How often a request is tried before it is given up. Waiting for a rate limit is no try.
    pub tries: u32,
    /// The first wait between two tries; it doubles, up to a minute, with full jitter.
    pub backoff: Duration,
    /// How long one request may take in all, with every wait.
    pub patience: Duration,
    /// How many bytes a body may have, after decompression.
    pub max_body: u64,
    /// How many requests may be under way in one slot.
    pub concurrency: usize,
    /// The most requests a second in one slot; `None` leaves it to what the service tells.
    pub per_second: Option<f64>,
    /// The most requests a minute in one slot, beside what the service tells.
    pub requests_per_minute: Option<u64>,
    /// The most units, such as tokens, a minute in one slot, beside what the service tells.
    pub units_per_minute: Option<u64>,
    /// Refuse every request: `HF_HUB_OFFLINE` and the like.
    pub offline: bool,
    /// Ends waits, backoffs and downloads; a request that was sent is finished.
    pub stop: Stop,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            user_agent: user_agent(None),
            proxies: Proxies::default(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(300),
            tries: 8,
            backoff: Duration::from_secs(1),
            patience: Duration::from_secs(3600),
            max_body: 256 << 20,
            concurrency: 4,
            per_second: None,
            requests_per_minute: None,
            units_per_minute: None,
            offline: false,
            stop: Stop::new(),
        }
    }
}

/// `gleaner/VERSION (contact: CONTACT)`: who asks, and whom a service's operators can write to.
pub fn user_agent(contact: Option<&str>) -> String {
    let agent = concat!("gleaner/", env!("CARGO_PKG_VERSION"));
    match contact.map(str::trim).filter(|contact| !contact.is_empty()) {
        Some(contact) => format!("{agent} (contact: {contact})"),
        None => agent.to_owned(),
    }
}
