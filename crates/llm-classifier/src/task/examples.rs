//! Few-shot examples: records with their right answers.

use crawl_core::Result;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::text::Text;
use super::{Example, Task};
use crate::reply::Reply;
use crate::task::{Answers, Verdict};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    record: Spanned<Map<String, Value>>,
    answer: Spanned<Map<String, Value>>,
}

/// Reads `[[examples]]`. Each must be an answer that the task itself accepts.
pub(super) fn read(source: &Text<'_>, entries: &[Entry], task: &Task) -> Result<Vec<Example>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let answers = Answers::new(task)?;
    let example = |(index, entry): (usize, &Entry)| {
        let key = |key: &str| format!("examples[{}].{key}", index + 1);
        let record = entry.record.get_ref();
        let Some(id) = record.get("id").and_then(Value::as_str) else {
            let what =
                "the record of an example needs the member `id`, a text, whatever the records' own is called";
            return Err(source.wrong(entry.record.span().start, &key("record"), what));
        };
        let known = |name: &String| {
            name == "id"
                || task.fields.iter().any(|field| field.name.split('.').next() == Some(name.as_str()))
        };
        if let Some(name) = record.keys().find(|name| !known(name)) {
            let what = format!("`{name}` is no field of [fields]");
            return Err(source.wrong(entry.record.span().start, &key("record"), &what));
        }
        let example = Example {
            id: id.to_owned(),
            record: Value::Object(record.clone()).to_string(),
            answer: entry.answer.get_ref().clone(),
        };
        let said = answers.example(&example);
        let reply = Reply { content: Some(said), finish_reason: Some("stop".into()), ..Reply::default() };
        match answers.judge(&reply, id) {
            Verdict::Good(_) => Ok(example),
            Verdict::Invalid(what) => Err(source.wrong(entry.answer.span().start, &key("answer"), &what)),
            _ => Err(source.wrong(entry.answer.span().start, &key("answer"), "it cannot be used")),
        }
    };
    entries.iter().enumerate().map(example).collect()
}
