//! Replies: what a chat endpoint says in the body of its answer, read as leniently as it can be: it was paid for.

mod envelope;
pub(crate) mod extract;
mod fault;
mod lenient;
pub(crate) mod logprobs;
pub(crate) mod thoughts;
mod tokens;
mod words;

use crawl_core::{Error, Kind};
use serde::{Deserialize, Serialize};

pub(crate) use fault::{Fault, Meaning, is_filtered, passes};
use thoughts::Spoken;

/// So much of a body that holds no answer is kept.
const RAW: usize = 64 << 10;

/// What the model said, and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The text of the answer, word for word.
    #[serde(default)]
    pub content: Option<String>,
    /// What the model thought, where that is all it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Why the model refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Why the answer ended: `stop`, `length`, `content_filter`.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Tokens that were sent; `null` if the endpoint did not count them.
    #[serde(default)]
    pub prompt_tokens: Option<u64>,
    /// Tokens that came back, those of the thoughts too; `null` if the endpoint did not count them.
    #[serde(default)]
    pub completion_tokens: Option<u64>,
    /// How many of those sent the endpoint had from a question before, at a lower price.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_tokens: u64,
    /// What it cost in dollars, where the endpoint tells that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_usd: Option<f64>,
    /// How many of those that came back are thoughts, where the endpoint tells.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// The tokens of the content, where they were asked for and told: the bytes of each, and the logarithm of its probability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<(u32, f64)>,
    /// The body, cut to 64 KiB, where no answer was found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a body with the status of a success is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// An answer, of use or not: it was paid for, and is never asked for again.
    Answer(Reply),
    /// An error, and what it cost as far as it tells.
    Error(Fault, Reply),
    /// The page of a proxy, or an answer that broke off before it could be read: nobody knows whether it was paid.
    Broken(String),
}

impl Reply {
    /// Reads the body of a chat completion: whole, as a stream, or in one of the forms that other servers give it.
    pub(crate) fn read(body: &[u8]) -> Heard {
        let Some(read) = lenient::read(body) else {
            let begins: String =
                String::from_utf8_lossy(&body[..body.len().min(200)]).chars().take(80).collect();
            return Heard::Broken(format!("the answer is not JSON and begins with {begins:?}"));
        };
        let mut reply = Reply::default();
        read.values.iter().for_each(|value| tokens::add(&mut reply, value));
        reply.tokens = read.values.iter().flat_map(logprobs::read).collect();
        let said = envelope::said(&read.values);
        let blank = said.content.as_deref().is_none_or(|text| text.trim().is_empty());
        let (wordless, nothing) = (said.is_blank_but_for_errors(), said.is_nothing());
        reply.reasoning = said.reasoning.filter(|text| blank && !text.trim().is_empty());
        (reply.content, reply.refusal, reply.finish_reason) =
            (said.content, said.refusal, said.finish_reason);
        tokens::doubt_nothing(&mut reply);
        // Most answers raise no doubt: then nobody reads them here.
        let whole = || extract::object(Spoken::of(&reply).text).is_ok();
        if let Some(fault) = wordless.then(|| Fault::within(&read.values)).flatten()
            && !whole()
        {
            return Heard::Error(fault, reply);
        }
        let broke_off = read.torn || (read.values.len() > 1 && reply.finish_reason.is_none());
        if broke_off && reply.refusal.is_none() && !whole() {
            return Heard::Broken("the answer broke off".into());
        }
        if nothing {
            let text = String::from_utf8_lossy(body);
            reply.raw = Some(text[..text.floor_char_boundary(RAW)].to_owned());
        }
        Heard::Answer(reply)
    }

    /// The refusal of a provider's filter; `None` if an error is none. It has read the question, and is no less final than that
    /// of a model.
    pub(crate) fn filtered(error: &Error, within: Option<Reply>) -> Option<Self> {
        if !is_filtered(error) {
            return None;
        }
        let said = std::error::Error::source(error).map(ToString::to_string);
        Some(Reply {
            content: None,
            reasoning: None,
            refusal: Some("the provider's content filter stopped the question".into()),
            finish_reason: Some("content_filter".into()),
            raw: said.map(|said| said[..said.floor_char_boundary(RAW)].to_owned()),
            ..within.unwrap_or_default()
        })
    }

    /// Whether the endpoint told what the answer cost.
    pub(crate) fn is_counted(&self) -> bool {
        (self.prompt_tokens.is_some() && self.completion_tokens.is_some()) || self.told_usd.is_some()
    }

    /// Whether the model said something.
    fn has_words(&self) -> bool {
        let texts = [&self.content, &self.reasoning, &self.refusal];
        texts.into_iter().flatten().any(|text| !text.trim().is_empty())
    }

    /// Whether it has words or tokens of the model.
    pub(crate) fn has_something(&self) -> bool {
        let counts = [self.prompt_tokens, self.completion_tokens];
        self.has_words() || counts.into_iter().flatten().any(|tokens| tokens > 0)
    }
}

/// The error of a body that is none of an answer.
pub(crate) fn broken(what: &str) -> Error {
    Error::new(Kind::Shape, what.to_owned())
        .advise("something before the model answers; check --base-url, then run the same command again")
}
