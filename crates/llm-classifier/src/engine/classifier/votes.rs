//! Votes: a record is asked about several times, and what most answers say counts. How many agree tells how sure it is.

use crawl_core::{Record, Result};

use super::Classifier;
use super::openai::Openai;
use crate::ask::endpoint::Asked;
use crate::ask::{Origin, Votes};
use crate::task::{Answer, Verdict};

impl Classifier {
    /// Asks about each record so many times. Each time is a question of its own to the cache; the first one is that of a
    /// run without votes.
    pub fn with_votes(self, votes: u32) -> Self {
        Classifier { votes: votes.max(1), ..self }
    }

    /// How many times each record is asked about.
    pub fn votes(&self) -> u32 {
        self.votes
    }

    pub(super) async fn voted(&self, model: &Openai, record: &Record, id: &str) -> Result<Asked> {
        let first = self.ask(model, &model.look, record, id, 1).await?;
        if self.votes == 1 {
            return Ok(first);
        }
        let mut all = vec![first];
        for vote in 2..=self.votes {
            all.push(self.ask(model, &model.look, record, id, vote).await?);
        }
        Ok(joined(all))
    }
}

/// The first of the answers that most agree on, with the cost of all; the first of all where none can be used. Of two
/// sets of equal size the one whose answer came first counts.
fn joined(mut all: Vec<Asked>) -> Asked {
    let agreeing = |asked: &Asked| {
        let Verdict::Good(answer) = &asked.verdict else { return 0 };
        all.iter()
            .filter(|other| matches!(&other.verdict, Verdict::Good(other) if agree(answer, other)))
            .count()
    };
    let counts: Vec<usize> = all.iter().map(agreeing).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let winner = counts.iter().position(|count| *count == most).unwrap_or(0);
    let paid = all.iter().any(|asked| asked.paid);
    let asked = all.len();
    let mut sum = Origin::asked();
    all.iter().for_each(|asked| sum.add_cost(&asked.origin));
    let won = all.swap_remove(winner);
    let share = (most as f64 / asked as f64 * 1e6).round() / 1e6;
    let votes = Some(Votes { votes: asked as u32, agreeing: most as u32, vote_share: share });
    let Origin { prompt_tokens, completion_tokens, cost_usd, latency_ms, rounds, .. } = sum;
    let origin =
        Origin { prompt_tokens, completion_tokens, cost_usd, latency_ms, rounds, votes, ..won.origin };
    Asked { origin, paid, ..won }
}

/// Whether two answers decide alike; what else they say may differ.
fn agree(one: &Answer, other: &Answer) -> bool {
    (&one.labels, one.related) == (&other.labels, other.related)
}
