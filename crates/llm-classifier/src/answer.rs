//! Answers: the schema that they must keep to, and the verdict on each.

use std::collections::HashMap;

use crawl_core::{Error, Kind, Result};
use serde_json::{Value, json};

use crate::task::{Labels, TaskKind};
use crate::{Reply, Task, extract};

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Labels of the closed set.
    Labels {
        /// Their places in the task, in the task's order, each once.
        labels: Vec<usize>,
        /// Why, in the model's words.
        reasoning: String,
    },
    /// Not an answer to what was asked; says what is wrong, in words for the model.
    Invalid(String),
    /// The model or its provider refused.
    Refused(String),
    /// The answer stopped at the token limit.
    Cut,
}

/// The answers that a task accepts.
#[derive(Debug)]
pub struct Answers {
    labels: Labels,
    places: HashMap<String, usize>,
    schema: Value,
    validator: jsonschema::Validator,
}

impl Answers {
    /// Compiles the schema of a task.
    ///
    /// # Errors
    /// [`Kind::Config`] if it does not compile.
    pub fn new(task: &Task) -> Result<Self> {
        let TaskKind::Labels(labels) = &task.kind;
        let schema = schema(labels);
        let validator = jsonschema::validator_for(&schema).map_err(|cause| {
            Error::new(Kind::Config, "the task gives no usable schema")
                .at(&task.name)
                .because(cause.to_string())
        })?;
        let places =
            labels.labels.iter().enumerate().map(|(place, label)| (label.name.clone(), place)).collect();
        Ok(Answers { labels: labels.clone(), places, schema, validator })
    }

    /// The JSON schema of an answer.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Judges the reply about the record `id`.
    pub fn judge(&self, reply: &Reply, id: &str) -> Verdict {
        if let Some(words) = reply.refusal.as_deref().filter(|words| !words.is_empty()) {
            return Verdict::Refused(words.to_owned());
        }
        match reply.finish_reason.as_deref() {
            Some("content_filter") => {
                return Verdict::Refused("the provider's content filter stopped the answer".into());
            }
            Some("length") => return Verdict::Cut,
            _ => {}
        }
        let Some(content) = reply.content.as_deref().filter(|content| !content.trim().is_empty()) else {
            return Verdict::Invalid("the answer is empty".into());
        };
        self.read(content, id).unwrap_or_else(Verdict::Invalid)
    }

    fn read(&self, content: &str, id: &str) -> Result<Verdict, String> {
        let answer = extract::object(content)?;
        if let Some(cause) = self.validator.iter_errors(&answer).next() {
            let words: String = cause.to_string().chars().take(500).collect();
            let wrong =
                format!("the answer does not keep to the schema at `{}`: {words}", cause.instance_path());
            return Err(self.with_allowed(wrong, cause.instance_path().to_string().starts_with("/labels")));
        }
        if answer["id"].as_str() != Some(id) {
            return Err("`id` is not the id of the record".into());
        }
        let mut labels: Vec<usize> =
            answer["labels"].as_array().into_iter().flatten().filter_map(|name| self.place(name)).collect();
        labels.sort_unstable();
        labels.dedup();
        self.check(&labels)?;
        Ok(Verdict::Labels { labels, reasoning: answer["reasoning"].as_str().unwrap_or_default().to_owned() })
    }

    fn with_allowed(&self, wrong: String, about_labels: bool) -> String {
        if !about_labels {
            return wrong;
        }
        let names: Vec<_> = self.labels.labels.iter().map(|label| format!("`{}`", label.name)).collect();
        format!("{wrong}; the only labels are {}", names.join(", "))
    }

    fn place(&self, name: &Value) -> Option<usize> {
        self.places.get(name.as_str()?).copied()
    }

    fn check(&self, labels: &[usize]) -> Result<(), String> {
        if labels.is_empty() {
            return Err("`labels` is empty".into());
        }
        if labels.len() > self.labels.most {
            return Err(format!(
                "`labels` has {} labels, at most {} are allowed",
                labels.len(),
                self.labels.most
            ));
        }
        match self.labels.other {
            Some(other) if labels.len() > 1 && labels.contains(&other) => {
                Err(format!("`{}` must stand alone", self.labels.labels[other].name))
            }
            _ => Ok(()),
        }
    }
}

/// Only what every endpoint with strict schemas knows; the rest is checked here. That `other` stands alone is in it.
fn schema(labels: &Labels) -> Value {
    let topics = labels.labels.iter().enumerate().filter(|(place, _)| Some(*place) != labels.other);
    let names: Vec<&str> = topics.map(|(_, label)| label.name.as_str()).collect();
    let mut chosen = json!({"type": "array", "items": {"type": "string", "enum": names}});
    if labels.most < names.len() {
        chosen["maxItems"] = labels.most.into();
    }
    if let Some(other) = labels.other {
        let alone =
            json!({"type": "array", "items": {"type": "string", "enum": [labels.labels[other].name]}});
        chosen = json!({"anyOf": [chosen, alone]});
    }
    json!({
        "type": "object",
        "properties": {"id": {"type": "string"}, "labels": chosen, "reasoning": {"type": "string"}},
        "required": ["id", "labels", "reasoning"],
        "additionalProperties": false,
    })
}
