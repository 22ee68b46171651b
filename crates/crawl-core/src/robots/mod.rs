//! What a site permits: robots.txt as RFC 9309 has it, and the signals by which pages opt out.
//!
//! ```
//! use crawl_core::robots::Robots;
//! let robots = Robots::parse(b"User-agent: *\nDisallow: /private\nCrawl-delay: 2\n");
//! let rules = robots.agent("gleaner");
//! let verdict = rules.check("/private/x?y=1");
//! assert!(!verdict.allowed);
//! assert_eq!(verdict.line, Some(2));
//! ```

#[cfg(feature = "http")]
mod cache;
mod fetched;
mod matcher;
mod meta;
mod parse;
mod rules;
mod signals;

#[cfg(feature = "http")]
pub use cache::{RobotsCache, fetch};
pub use fetched::Fetched;
pub use parse::Robots;
pub use rules::{Rules, Verdict};
pub use signals::Signals;
