//! Origins: how an answer was had.

use crawl_core::Timestamp;
use serde::Serialize;

use crate::cache::Kept;
use crate::reply::thoughts::Spoken;

/// How an answer was had. All of it comes from the cache's lines, so that a run from the cache gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// `openai`, `rules` or `head`.
    pub engine: &'static str,
    /// The model; absent for `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The digest of the head that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The digest of the prompt.
    pub prompt: String,
    /// Tokens sent, of all rounds; `null` if the endpoint did not count them.
    pub prompt_tokens: Option<u64>,
    /// Tokens received, of all rounds; `null` if the endpoint did not count them.
    pub completion_tokens: Option<u64>,
    /// What they cost; `null` if the price was not known when they were paid.
    pub cost_usd: Option<f64>,
    /// How long the answers took, all rounds together.
    pub latency_ms: u64,
    /// When the last answer was whole; absent for `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why the last answer ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// How many answers it took.
    pub rounds: u32,
    /// How many answers of several agree, if several were asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// The probability of the tokens that decide, if the endpoint told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// What of the last answer was left out before it was read, such as its thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Whether the record or the answer looks as if an order inside the record had been meant for the model.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspicious: bool,
    /// What is suspicious.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// How many answers of several decide alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Votes {
    /// How many were asked for.
    pub votes: u32,
    /// How many decide as the one that counts.
    pub agreeing: u32,
    /// Their share of all that were asked for, those that cannot be used included.
    pub vote_share: f64,
}

impl Origin {
    /// Of an endpoint, before its first answer.
    pub(crate) fn asked() -> Self {
        let (cost_usd, tokens) = (Some(0.0), Some(0));
        Origin {
            engine: "openai",
            cost_usd,
            prompt_tokens: tokens,
            completion_tokens: tokens,
            ..Origin::default()
        }
    }

    /// Adds what another answer cost and took.
    pub(crate) fn add_cost(&mut self, other: &Origin) {
        let add = |sum: Option<u64>, more: Option<u64>| sum.zip(more).map(|(sum, more)| sum + more);
        self.prompt_tokens = add(self.prompt_tokens, other.prompt_tokens);
        self.completion_tokens = add(self.completion_tokens, other.completion_tokens);
        let sum = self.cost_usd.zip(other.cost_usd).map(|(sum, cost)| sum + cost);
        self.cost_usd = sum.map(|sum| (sum * 1e9).round() / 1e9);
        self.latency_ms += other.latency_ms;
        self.rounds += other.rounds;
    }

    pub(super) fn add(&mut self, kept: &Kept) {
        self.model = Some(kept.model.clone());
        self.prompt.clone_from(&kept.prompt);
        self.add_cost(&Origin {
            prompt_tokens: kept.reply.prompt_tokens,
            completion_tokens: kept.reply.completion_tokens,
            cost_usd: kept.cost_usd,
            latency_ms: kept.latency_ms,
            rounds: 1,
            ..Origin::default()
        });
        self.at = Some(kept.at);
        self.finish_reason.clone_from(&kept.reply.finish_reason);
        self.left_out = Spoken::of(&kept.reply).cut;
    }
}
