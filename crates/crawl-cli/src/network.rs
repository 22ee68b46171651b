//! The flags of programs that ask services.

use std::time::Duration;

use clap::Args;
use crawl_core::Stop;
use crawl_core::http::{HttpConfig, user_agent};

/// Flags of the programs that ask services.
#[derive(Args, Clone, Debug)]
pub struct HttpFlags {
    /// How often a request is tried before it is given up (waiting for a rate limit is no try)
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Network")]
    pub tries: u32,
    /// How many seconds one try may take
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS", value_parser = positive, help_heading = "Network")]
    pub timeout: f64,
    /// How many seconds one request may take in all, with every wait
    #[arg(long, default_value_t = 3600.0, value_name = "SECONDS", value_parser = positive, help_heading = "Network")]
    pub patience: f64,
    /// The most requests a second; without it the service's own limits are read and kept
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Network")]
    pub per_second: Option<f64>,
    /// How the operators of a service can reach you: an address of mail or of a page, sent with every request
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    pub contact: Option<String>,
}

/// Reads a flag whose value must be a number above 0.
///
/// # Errors
/// What is expected instead.
pub fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| *number > 0.0 && number.is_finite())
        .ok_or("not a number above 0".to_owned())
}

impl HttpFlags {
    /// The door's configuration, with so many requests under way at once, ended by `stop`. Proxies are those of the
    /// environment.
    pub fn http(&self, concurrency: usize, stop: Stop) -> HttpConfig {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1));
        HttpConfig {
            user_agent: user_agent(self.contact.as_deref()),
            proxies: crate::proxies(),
            tries: self.tries.max(1),
            timeout: seconds(self.timeout),
            patience: seconds(self.patience),
            per_second: self.per_second.filter(|rate| *rate > 0.0),
            concurrency,
            stop,
            ..HttpConfig::default()
        }
    }
}
