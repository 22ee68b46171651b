//! The first answers: if none of them is of use, it is the setup and not the records.

use std::sync::{Mutex, PoisonError};

use crawl_core::{Error, Kind, Result};

use crate::reply::Reply;
use crate::task::Verdict;

/// So many first records without a usable answer stop the run.
const FIRST: u32 = 50;

/// Counts records that were paid for, until one has an answer.
#[derive(Debug, Default)]
pub(super) struct First(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    begun: bool,
    useless: u32,
    cut: u32,
    empty: u32,
    thought: u32,
}

impl First {
    /// The setup is known to work.
    pub(super) fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).begun = true;
    }

    /// A record's last answer was heard.
    ///
    /// # Errors
    /// [`Kind::Config`] if the first fifty were all of no use. A refusal says nothing about the setup.
    pub(super) fn heard(&self, verdict: &Verdict, reply: &Reply) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            _ if state.begun => return Ok(()),
            Verdict::Good(_) => state.begun = true,
            Verdict::Refused(_) => {}
            Verdict::Cut | Verdict::Invalid(_) => {
                state.useless += 1;
                state.cut += u32::from(*verdict == Verdict::Cut);
                let blank = reply.content.as_deref().is_none_or(|text| text.trim().is_empty());
                state.empty += u32::from(blank && *verdict != Verdict::Cut);
                state.thought += u32::from(reply.reasoning_tokens > 0 || reply.reasoning.is_some());
            }
        }
        if state.useless < FIRST {
            return Ok(());
        }
        let most = |count: u32| count > FIRST / 2;
        let advice = if most(state.cut) && most(state.thought) {
            "the tokens went into thoughts: raise --max-tokens, or lower --reasoning-effort"
        } else if most(state.cut) {
            "they stopped at the token limit: raise --max-tokens, or max_tokens under [model] in the task file"
        } else if most(state.empty) && most(state.thought) {
            "the model thought and did not answer: raise --max-tokens, lower --reasoning-effort, or take --structured none"
        } else if most(state.empty) {
            "they were empty: try --structured none, or another model"
        } else {
            "try another --structured, or another model"
        };
        let what = format!("the first {FIRST} records were asked about, and none of the answers can be used");
        let error = Error::new(Kind::Config, what)
            .advise(format!("{advice}; the answers are in the cache, to be read"));
        Err(match verdict {
            Verdict::Invalid(wrong) => error.because(format!("the last one: {wrong}")),
            _ => error,
        })
    }
}
