//! Loopback doubles of the services that Gleaner talks to, with faults on demand.
//!
//! [`Hub`] behaves like the Hugging Face Hub, [`Kaggle`] like Kaggle, [`Discourse`] like a forum, [`Llm`] like an
//! OpenAI-compatible server; [`S3`] is a real server of buckets. All bind `127.0.0.1` only, run on threads of their own
//! (a test may block its own) and stop when their [`Running`] or [`S3`] is dropped. What the doubles answer is a pure
//! function of their configuration, never of the clock.

mod dice;
mod discourse;
mod fault;
mod http;
mod hub;
mod json;
mod kaggle;
mod llm;
mod s3;

pub use discourse::{Change, Discourse, DiscourseConfig, Limit, PlantedTopic, TooMany, Upload};
pub use fault::{Fault, FaultError, Refusal, RetryAfter, Rule};
pub use http::journal::{Counts, Seen, Stats, WindowUse};
pub use http::server::Running;
pub use hub::{Hub, HubChange, HubConfig, Window, synthetic};
pub use kaggle::{Content, Kaggle, KaggleConfig, Part, Plant};
pub use llm::{Llm, LlmConfig, Obeys, Rate, answer, rule};
pub use s3::S3;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic in one connection must not take the double down, so poison is ignored.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
