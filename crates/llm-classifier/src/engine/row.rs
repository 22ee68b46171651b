//! Rows: what becomes of one record.

use crawl_core::{Error, Kind, Missing, Record, Result, Row, Timestamp};
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::ask::Origin;
use crate::task::{Answer, Labels, Task, TaskKind, quoted};

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

/// The member that says why a row was rejected.
pub(crate) const REJECTED: &str = "rejected";

/// Which rows of a task are wanted: those that it lets through, or the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    LetThrough,
    Rejected,
}

/// The row of a valid answer: thresholds are applied here, after it was paid and kept.
pub(crate) fn answered(
    record: &Record,
    task: &Task,
    answer: &Answer,
    origin: &Origin,
    side: Side,
) -> Result<Row> {
    match (below(task, answer), side) {
        (None, Side::LetThrough) => spliced(record, task, answer, origin, None).map(Row::Kept),
        (Some(why), Side::LetThrough) => Ok(Row::Dropped(why)),
        (None, Side::Rejected) => Ok(Row::Dropped("let through".into())),
        (Some(why), Side::Rejected) => spliced(record, task, answer, origin, Some(&why)).map(Row::Kept),
    }
}

/// The row of a record without an answer.
pub(crate) fn unanswered(missing: Missing, side: Side) -> Row {
    match side {
        Side::LetThrough => Row::Missing(missing),
        // It is missing from the other side.
        Side::Rejected => Row::Dropped("without an answer".into()),
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

/// The record's own text, word for word, with the answer's members behind its own, and why it was rejected, if it was.
fn spliced(
    record: &Record,
    task: &Task,
    answer: &Answer,
    origin: &Origin,
    rejected: Option<&str>,
) -> Result<Record> {
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
    if let Some(why) = rejected {
        members.push((REJECTED, quoted(why)));
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
