//! The engine `openai`: a model at an endpoint, asked once more about what looks suspicious.

use crawl_core::{Error, Kind, Missing, Record, Result, Timestamp};

use super::{Classifier, Found, missing};
use crate::ask::endpoint::{Asked, Endpoint, Look};
use crate::engine::suspect::suspicions;
use crate::task::{Answer, TaskKind, Verdict};

/// An endpoint, and how it is asked.
#[derive(Debug)]
pub(super) struct Openai {
    pub(super) endpoint: Endpoint,
    pub(super) look: Look,
    pub(super) second: Option<Look>,
}

impl Classifier {
    pub(super) async fn asked(&self, model: &Openai, record: &Record, id: &str) -> Result<Found> {
        let first = match self.voted(model, record, id).await {
            Ok(asked) => asked,
            Err(error) => return failed(model, id, error),
        };
        let Verdict::Good(answer) = first.verdict else { return Ok(useless(id, &first)) };
        let mut origin = first.origin;
        origin.why = suspicions(record.raw(), &self.task.fields);
        if !answer.check_kept {
            origin.why.push("the answer lost the check word".into());
        }
        origin.suspicious = !origin.why.is_empty();
        let second = model.second.as_ref().filter(|_| origin.suspicious);
        let Some(look) = second else { return Ok(Found::Answered(answer, Box::new(origin))) };
        self.usage().looked_again();
        let second = match self.ask(model, look, record, id, 1).await {
            Ok(asked) => asked,
            Err(error) => return failed(model, id, error),
        };
        let Verdict::Good(other) = &second.verdict else { return Ok(useless(id, &second)) };
        if (&other.labels, other.related) != (&answer.labels, answer.related) {
            let what = format!(
                "the record is suspicious ({}), and a second look gave another answer: {}, then {}",
                origin.why.join("; "),
                self.shown(&answer),
                self.shown(other)
            );
            return Ok(missing(Some(id), "disputed", what, second.said.as_deref()));
        }
        origin.why.push("a second look agrees".into());
        Ok(Found::Answered(answer, Box::new(origin)))
    }

    pub(super) async fn ask(
        &self,
        model: &Openai,
        look: &Look,
        record: &Record,
        id: &str,
        vote: u32,
    ) -> Result<Asked> {
        let asked = model.endpoint.ask(look, record, id, None, vote).await?;
        match self.asked_again_since {
            // Another record of equal content may have been asked about again in the meantime: what it was answered counts.
            Some(since) if !asked.paid && !matches!(asked.verdict, Verdict::Good(_)) => {
                let again = model.endpoint.ask(look, record, id, Some(since), vote).await?;
                self.usage().in_vain(asked.origin.rounds.into());
                Ok(again)
            }
            _ => Ok(asked),
        }
    }

    fn shown(&self, answer: &Answer) -> String {
        match &self.task.kind {
            TaskKind::Filter(filter) => format!("{} {}", filter.field, answer.related == Some(true)),
            TaskKind::Labels(labels) => {
                let names: Vec<_> =
                    answer.labels.iter().map(|place| labels.labels[*place].name.as_str()).collect();
                names.join(" + ")
            }
        }
    }
}

/// Why an answer that is none cannot be used.
fn useless(id: &str, asked: &Asked) -> Found {
    let said = asked.said.as_deref();
    match &asked.verdict {
        Verdict::Invalid(wrong) => missing(Some(id), "invalid", wrong.as_str(), said),
        Verdict::Refused(words) => missing(Some(id), "refused", words.as_str(), said),
        Verdict::Cut | Verdict::Good(_) => {
            missing(Some(id), "cut", "the answer stopped at the token limit; raise max_tokens", said)
        }
    }
}

/// An endpoint that failed: for this record, or for all.
fn failed(model: &Openai, id: &str, error: Error) -> Result<Found> {
    let chat = &model.look.chat;
    // All records go to one address: where nothing is there, there is nothing for any of them.
    if error.kind() == Kind::Gone {
        return Err(chat.explain(error));
    }
    // What another process asks for too long, or what is out in a batch, lies in the cache and says nothing of the endpoint.
    let place = error.place();
    if error.kind() == Kind::Transient && !place.is_empty() && !place.contains("://") {
        return Ok(Found::Missing(Missing::because(id.to_owned(), &error, Timestamp::now())));
    }
    let missing = model.endpoint.judge.missing(id.to_owned(), error, Some(&chat.address()));
    let missing = missing.map_err(|error| chat.explain(error))?;
    tracing::debug!(id, error = missing.message, "no answer for this record");
    Ok(Found::Missing(missing))
}
