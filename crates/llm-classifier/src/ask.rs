//! The way to a model: the question, the endpoint, and what its answer says.

pub(crate) mod answer;
pub(crate) mod chat;
pub(crate) mod endpoint;
pub(crate) mod extract;
pub(crate) mod logprobs;
mod origin;
pub(crate) mod reply;
pub(crate) mod thoughts;

pub use origin::{Origin, Votes};
