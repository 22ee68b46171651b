//! The way to a model: the question, the endpoint, and how its answer was had.

pub(crate) mod chat;
pub(crate) mod endpoint;
mod origin;

pub use chat::{Chat, Question, Structured};
pub use origin::{Origin, Votes};
