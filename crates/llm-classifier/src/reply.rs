//! Replies: what a chat endpoint says in the body of its answer.

use bytes::Bytes;
use crawl_core::Result;
use crawl_core::json::not_json;
use serde::{Deserialize, Serialize};

/// What the model said, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The text of the answer.
    pub content: Option<String>,
    /// Why the model refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Why the answer ended: `stop`, `length`, `content_filter`.
    pub finish_reason: Option<String>,
    /// Tokens that were sent.
    pub prompt_tokens: u64,
    /// Tokens that came back.
    pub completion_tokens: u64,
    /// How many of those sent the endpoint had from a question before, at a lower price.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Deserialize)]
struct Envelope {
    choices: (Choice,),
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

impl Reply {
    /// Reads the body of a chat completion.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Shape`] if it is none: the caller may ask again.
    pub fn read(body: &Bytes) -> Result<Self> {
        let envelope: Envelope = serde_json::from_slice(body).map_err(|cause| not_json(body, &cause))?;
        let (Choice { message, finish_reason },) = envelope.choices;
        let tokens = envelope.usage.unwrap_or_default();
        let Tokens { prompt_tokens, completion_tokens, .. } = tokens;
        let cached_tokens =
            tokens.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        let Message { content, refusal } = message;
        Ok(Reply { content, refusal, finish_reason, prompt_tokens, completion_tokens, cached_tokens })
    }
}
