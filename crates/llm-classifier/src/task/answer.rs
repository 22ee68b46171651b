//! Answers: the schema that they must keep to, and the verdict on each.

use std::collections::HashMap;

use crawl_core::{Error, Kind, Result};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::reply::thoughts::Spoken;
use crate::reply::{Reply, extract};
use crate::task::{Example, Form, Labels, ResponseField, Task, TaskKind};

/// What is in the words of several servers for why an answer ended: a filter, or the most tokens.
const FILTERED: [&str; 9] = [
    "filter",
    "safety",
    "recitation",
    "blocklist",
    "prohibited",
    "sensitive",
    "refusal",
    "guardrail",
    "spii",
];
const CUT: [&str; 5] = ["length", "max_", "token_limit", "context_window", "incomplete"];

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// An answer to what was asked.
    Good(Answer),
    /// Not an answer to what was asked; says what is wrong, in words for the model.
    Invalid(String),
    /// The model or its provider refused.
    Refused(String),
    /// The answer stopped at the token limit.
    Cut,
}

/// A valid answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The labels, by their places in the task, in the task's order, each once; empty for a filter.
    pub labels: Vec<usize>,
    /// Whether the record belongs to the domain; only of a filter.
    pub related: Option<bool>,
    /// The values of the task's response fields, in their order; `null` where the engine cannot tell.
    pub values: Vec<Value>,
    /// The value of the response field `confidence` as a number, if there is one.
    pub confidence: Option<f64>,
    /// Why, in the model's words.
    pub reasoning: String,
    /// Whether the check word came back; true where none was asked for.
    pub check_kept: bool,
}

/// The answers that a task accepts.
#[derive(Debug)]
pub struct Answers {
    kind: TaskKind,
    places: HashMap<String, usize>,
    response: Vec<ResponseField>,
    confidence: Option<usize>,
    /// What check words are made of, if they are asked for: the digest of the system message, up to the record's id.
    canary: Option<Sha256>,
    schema: String,
    validator: jsonschema::Validator,
}

impl Answers {
    /// Compiles the schema of a task.
    ///
    /// # Errors
    /// [`Kind::Config`] if it does not compile.
    pub fn new(task: &Task) -> Result<Self> {
        let unusable = |cause: String| {
            Error::new(Kind::Config, "the task gives no usable schema").at(&task.name).because(cause)
        };
        let schema = schema(task);
        let value: Value = serde_json::from_str(&schema).map_err(|cause| unusable(cause.to_string()))?;
        let validator = jsonschema::validator_for(&value).map_err(|cause| unusable(cause.to_string()))?;
        let places = match &task.kind {
            TaskKind::Labels(labels) => {
                let labels = labels.labels.iter().enumerate();
                labels.map(|(place, label)| (label.shown().to_owned(), place)).collect()
            }
            TaskKind::Filter(_) => HashMap::new(),
        };
        Ok(Answers {
            kind: task.kind.clone(),
            places,
            response: task.response.clone(),
            confidence: task.confidence(),
            canary: task
                .defence
                .canary
                .then(|| Sha256::new().chain_update(&task.system.text).chain_update(b"\n")),
            schema,
            validator,
        })
    }

    /// The JSON schema of an answer, as text: its members stand in the order in which they shall be written.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The word that the answer about a record must repeat, if one is asked for.
    pub(crate) fn check_word(&self, id: &str) -> Option<String> {
        let digest = self.canary.clone()?.chain_update(id).finalize();
        Some(format!("k{}", data_encoding::HEXLOWER.encode(&digest[..4])))
    }

    /// Judges the reply about the record `id`.
    pub fn judge(&self, reply: &Reply, id: &str) -> Verdict {
        if let Some(words) = reply.refusal.as_deref().filter(|words| !words.is_empty()) {
            return Verdict::Refused(words.to_owned());
        }
        let finish = reply.finish_reason.as_deref().unwrap_or_default().to_lowercase();
        let ended_by = |words: &[&str]| words.iter().any(|word| finish.contains(word));
        if ended_by(&FILTERED) {
            return Verdict::Refused("the provider's content filter stopped the answer".into());
        }
        if reply.raw.is_some() {
            let what =
                "the endpoint sent JSON in which no answer can be found; it is kept in the cache as `raw`";
            return Verdict::Invalid(what.into());
        }
        let spoken = Spoken::of(reply);
        // An object that is closed was not cut.
        if ended_by(&CUT) && !spoken.is_object() {
            return Verdict::Cut;
        }
        if spoken.text.is_empty() {
            return Verdict::Invalid(match &spoken.cut {
                Some(cut) => format!("the answer is empty but for {cut}"),
                None => "the answer is empty".into(),
            });
        }
        self.read(spoken.text, id).map_or_else(Verdict::Invalid, Verdict::Good)
    }

    fn read(&self, content: &str, id: &str) -> Result<Answer, String> {
        let answer = extract::object(content)?;
        if let Some(cause) = self.validator.iter_errors(&answer).next() {
            let words = without_quotes(&cause);
            let wrong =
                format!("the answer does not keep to the schema at `{}`: {words}", cause.instance_path());
            return Err(self.with_allowed(wrong, cause.instance_path().to_string().starts_with("/labels")));
        }
        if answer["id"].as_str() != Some(id) {
            return Err("`id` is not the id of the record".into());
        }
        let values: Vec<Value> = self.response.iter().map(|field| answer[&field.name].clone()).collect();
        for (field, value) in self.response.iter().zip(&values) {
            check_length(field, value)?;
        }
        let confidence = self.confidence.and_then(|place| self.response[place].number(&values[place]));
        let check_kept = self.check_word(id).is_none_or(|word| answer["check"] == word.as_str());
        let reasoning = Task::decoded(&self.kind, answer["reasoning"].as_str().unwrap_or_default());
        let (labels, related) = self.decided(&answer)?;
        Ok(Answer { labels, related, values, confidence, reasoning, check_kept })
    }

    fn decided(&self, answer: &Value) -> Result<(Vec<usize>, Option<bool>), String> {
        match &self.kind {
            TaskKind::Labels(labels) => {
                let names = answer["labels"].as_array().into_iter().flatten();
                let mut chosen: Vec<usize> =
                    names.filter_map(|name| self.places.get(name.as_str()?).copied()).collect();
                chosen.sort_unstable();
                chosen.dedup();
                check_labels(labels, &chosen)?;
                Ok((chosen, None))
            }
            TaskKind::Filter(filter) => {
                let said = &answer[&filter.field];
                let yes = match &filter.spelled {
                    Some(spelled) => said == spelled.yes.as_str(),
                    None => said == true,
                };
                Ok((Vec::new(), Some(yes)))
            }
        }
    }

    fn with_allowed(&self, wrong: String, about_labels: bool) -> String {
        match &self.kind {
            TaskKind::Labels(labels) if about_labels => {
                let name = |place: &usize| format!("`{}`", labels.labels[*place].shown());
                let names: Vec<_> = labels.order.iter().map(name).collect();
                format!("{wrong}; the only labels are {}", names.join(", "))
            }
            _ => wrong,
        }
    }

    /// An example's answer as the model shall write it.
    pub(crate) fn example(&self, example: &Example) -> String {
        let mut answer = example.answer.clone();
        answer.insert("id".into(), example.id.as_str().into());
        if let Some(word) = self.check_word(&example.id) {
            answer.insert("check".into(), word.into());
        }
        match &self.kind {
            TaskKind::Labels(labels) => {
                let names = answer.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
                let shown = |name: Value| {
                    let label = labels.labels.iter().find(|label| name == label.name.as_str());
                    label.map_or(name.clone(), |label| label.shown().into())
                };
                answer.insert("labels".into(), names.into_iter().map(shown).collect());
            }
            TaskKind::Filter(filter) => {
                if let (Some(spelled), Some(said)) = (&filter.spelled, answer.get(&filter.field)) {
                    let word = if *said == true { &spelled.yes } else { &spelled.no };
                    answer.insert(filter.field.clone(), word.as_str().into());
                }
            }
        }
        let mut order = vec!["id".to_owned(), "reasoning".to_owned(), decides(&self.kind).to_owned()];
        order.extend(self.response.iter().map(|field| field.name.clone()));
        order.push("check".into());
        let rest: Vec<_> = answer.keys().filter(|name| !order.contains(name)).cloned().collect();
        let member = |name: &String| Some(format!("{}: {}", crate::task::quoted(name), answer.get(name)?));
        let members: Vec<_> = order.iter().chain(&rest).filter_map(member).collect();
        format!("{{{}}}", members.join(", "))
    }
}

/// What is wrong, in words of the schema only: the model is told it, and its answer may repeat an order out of the record.
fn without_quotes(cause: &ValidationError<'_>) -> String {
    match cause.kind() {
        ValidationErrorKind::AdditionalProperties { .. } => {
            "it has members that are not asked for".to_owned()
        }
        _ => cause.masked().to_string().chars().take(500).collect(),
    }
}

fn check_labels(labels: &Labels, chosen: &[usize]) -> Result<(), String> {
    if chosen.is_empty() {
        return Err("`labels` is empty".into());
    }
    if chosen.len() > labels.most {
        return Err(format!("`labels` has {} labels, at most {} are allowed", chosen.len(), labels.most));
    }
    match labels.other {
        Some(other) if chosen.len() > 1 && chosen.contains(&other) => {
            Err(format!("`{}` must stand alone", labels.labels[other].shown()))
        }
        _ => Ok(()),
    }
}

fn check_length(field: &ResponseField, value: &Value) -> Result<(), String> {
    match (&field.form, value) {
        (Form::Text(most), Value::String(text)) if text.chars().count() > *most => {
            Err(format!("`{}` is longer than {most} characters", field.name))
        }
        _ => Ok(()),
    }
}

/// The name of the member that decides.
pub(crate) fn decides(kind: &TaskKind) -> &str {
    match kind {
        TaskKind::Labels(_) => "labels",
        TaskKind::Filter(filter) => &filter.field,
    }
}

/// Only what every endpoint with strict schemas knows; the rest is checked here. The members stand in the order of
/// writing: the evidence before what follows from it.
fn schema(task: &Task) -> String {
    let text = json!({"type": "string"});
    let mut members = vec![
        ("id".to_owned(), text.clone()),
        ("reasoning".to_owned(), text.clone()),
        (decides(&task.kind).to_owned(), decision(&task.kind)),
    ];
    members.extend(task.response.iter().map(|field| (field.name.clone(), field.form.schema())));
    if task.defence.canary {
        members.push(("check".to_owned(), text));
    }
    let properties: Vec<_> =
        members.iter().map(|(name, form)| format!("{}:{form}", crate::task::quoted(name))).collect();
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        r#"{{"type":"object","properties":{{{}}},"required":{},"additionalProperties":false}}"#,
        properties.join(","),
        json!(names)
    )
}

fn decision(kind: &TaskKind) -> Value {
    let labels = match kind {
        TaskKind::Labels(labels) => labels,
        TaskKind::Filter(filter) => {
            return match &filter.spelled {
                None => json!({"type": "boolean"}),
                Some(spelled) => json!({"type": "string", "enum": spelled.in_order()}),
            };
        }
    };
    let topics = labels.order.iter().filter(|place| Some(**place) != labels.other);
    let names: Vec<&str> = topics.map(|place| labels.labels[*place].shown()).collect();
    let mut chosen = json!({"type": "array", "items": {"type": "string", "enum": names}});
    if labels.most < names.len() {
        chosen["maxItems"] = labels.most.into();
    }
    match labels.other {
        // That it stands alone is in the schema.
        Some(other) => {
            let alone = [labels.labels[other].shown()];
            let alone = json!({"type": "array", "items": {"type": "string", "enum": alone}});
            json!({"anyOf": [chosen, alone]})
        }
        None => chosen,
    }
}
