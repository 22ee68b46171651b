//! Rows: what becomes of one record.

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Missing, Record, Result, Row, Timestamp};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::Answer;
use crate::task::{Labels, Task, TaskKind, quoted};

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

/// A record without an answer; `said` is what the model gave instead.
pub(crate) fn missing(
    id: Option<&str>,
    kind: &str,
    message: impl Into<String>,
    said: Option<&str>,
) -> Missing {
    let raw = said
        .map(|said| said.chars().take(2000).collect::<String>())
        .and_then(|said| to_raw_value(&said).ok());
    let (id, message) = (id.map(str::to_owned), message.into());
    Missing { id, url: None, kind: kind.into(), message, at: Timestamp::now(), raw }
}

/// The row of a valid answer: thresholds are applied here, after it was paid and kept.
pub(crate) fn answered(record: &Record, task: &Task, answer: &Answer, origin: &Origin) -> Result<Row> {
    match below(task, answer) {
        Some(why) => Ok(Row::Dropped(why)),
        None => spliced(record, task, answer, origin).map(Row::Kept),
    }
}

/// Why an answer is not kept, if it is not.
fn below(task: &Task, answer: &Answer) -> Option<String> {
    if let (TaskKind::Filter(filter), Some(false)) = (&task.kind, answer.related) {
        return Some(format!("{} is false", filter.field));
    }
    task.thresholds.iter().find_map(|threshold| {
        let field = &task.response[threshold.place];
        let value = field.number(&answer.values[threshold.place]);
        let low = value.is_none_or(|value| value < threshold.least);
        low.then(|| format!("{} below {}", field.name, threshold.least))
    })
}

/// The record's own text, word for word, with the answer's members behind its own.
fn spliced(record: &Record, task: &Task, answer: &Answer, origin: &Origin) -> Result<Record> {
    let odd = || Error::new(Kind::Shape, "a record that is not an object cannot take an answer");
    let own = record.bytes().trim_ascii_end().strip_suffix(b"}").ok_or_else(odd)?;
    let output = &task.output;
    let mut members = Vec::new();
    if let TaskKind::Labels(labels) = &task.kind {
        put_labels(&mut members, labels, answer, &output.names, &output.ids);
    }
    let mut more = Vec::new();
    if let (TaskKind::Filter(filter), Some(related)) = (&task.kind, answer.related) {
        more.push((filter.field.as_str(), related.to_string()));
    }
    let values = task.response.iter().zip(&answer.values);
    more.extend(values.map(|(field, value): (_, &Value)| (field.member(), value.to_string())));
    more.push((&output.reasoning, quoted(&answer.reasoning)));
    match &output.object {
        None => members.extend(more),
        Some(object) => {
            let inner: Vec<_> =
                more.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
            members.push((object, format!("{{{}}}", inner.join(","))));
        }
    }
    if let Some(name) = &output.answer {
        members.push((name, serde_json::to_string(origin).unwrap_or_default()));
    }
    let mut comma = if own.trim_ascii_end().ends_with(b"{") { "" } else { "," };
    let mut text = own.to_vec();
    for (name, value) in members {
        text.extend_from_slice(format!("{comma}{}:{value}", quoted(name)).as_bytes());
        comma = ",";
    }
    text.push(b'}');
    Record::parse(text)
}

fn put_labels<'a>(
    members: &mut Vec<(&'a str, String)>,
    labels: &Labels,
    answer: &Answer,
    names: &'a str,
    ids: &'a str,
) {
    let list = |show: &dyn Fn(usize) -> String| {
        let shown: Vec<_> = answer.labels.iter().map(|place| show(*place)).collect();
        format!("[{}]", shown.join(","))
    };
    members.push((names, list(&|place| quoted(&labels.labels[place].name))));
    members.push((ids, list(&|place| labels.labels[place].id.to_string())));
}

/// The id as the model sees it: the name without its owner, for mirrors of one card are one question.
pub fn shown(id: &str) -> &str {
    match id.rsplit_once('/') {
        Some((_, name)) if !name.is_empty() => name,
        _ => id,
    }
}

/// The record's id: a text, or a number as it is written.
pub fn id_of(record: Raw<'_>, field: &str) -> Option<String> {
    let value = record.get(field)?;
    match value.str() {
        Some(text) => Some(text.into_owned()).filter(|text| !text.is_empty()),
        None => value.f64().map(|_| value.text().to_owned()),
    }
}
