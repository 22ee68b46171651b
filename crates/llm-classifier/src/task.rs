//! Tasks: what to ask about a record, and which answers there are.

pub(crate) mod answer;
mod codes;
mod digest;
mod disarm;
mod examples;
mod file;
mod find;
mod id;
mod labels;
mod output;
mod response;
mod template;
mod text;

use std::path::Path;

use crawl_core::{Error, Kind, Result};

pub use answer::{Answer, Answers, Verdict};
use codes::Spelled;
pub(crate) use digest::{kind_digest, prompt_digest, template_digest};
pub use disarm::is_hidden;
pub(crate) use disarm::{chooses_a_form, disarmed};
pub use id::{id_of, shown_id};
pub use labels::{Label, Labels, Words};
pub use output::Output;
pub use response::{Choice, Form, ResponseField};
pub(crate) use template::{Template, Values, quoted};

/// One task, as its file in `configs/tasks/` or `configs/domains/` describes it.
#[derive(Clone, Debug)]
pub struct Task {
    /// The name; the file has the same.
    pub name: String,
    /// One sentence for `list`.
    pub about: String,
    /// What kind of answer it asks for.
    pub kind: TaskKind,
    /// More members of the answer, in the order of the file.
    pub response: Vec<ResponseField>,
    /// What a kept answer has at least; applied after the answer, so that changing it costs no calls.
    pub thresholds: Vec<Threshold>,
    /// The task whose output is this one's input.
    pub requires: Option<String>,
    /// The fields of the record that templates may name.
    pub fields: Vec<Field>,
    /// The parameters of the model.
    pub model: Model,
    /// The names of the members that are added to a record.
    pub output: Output,
    /// What is done against orders inside a record.
    pub defence: Defence,
    /// When the engine `rules` is sure.
    pub rules: Rules,
    /// Answered examples, shown to the model before the record.
    pub(crate) examples: Vec<Example>,
    pub(crate) system: Template,
    pub(crate) user: Template,
}

/// What kind of answer a task asks for.
#[derive(Clone, Debug, serde::Serialize)]
pub enum TaskKind {
    /// One or several labels of a closed set.
    Labels(Labels),
    /// Whether a record belongs to a domain.
    Filter(Filter),
}

/// The question of a filter.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Filter {
    /// The boolean member of the answer that decides, such as `is_related`.
    pub field: String,
    /// When it is true; shown to the model.
    pub description: String,
    /// What speaks for it, and with negative weights against it; for the engine `rules`.
    pub words: Words,
    /// How the two answers are spelled if not as `true` and `false`.
    pub(crate) spelled: Option<Spelled>,
}

/// A response field must have at least this value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The place of the field in [`Task::response`].
    pub place: usize,
    /// The least value that is kept.
    pub least: f64,
}

/// What is done against orders inside a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defence {
    /// Whether the answer must repeat a word that the text of a record cannot know.
    #[serde(default)]
    pub canary: bool,
}

/// When the engine `rules` is sure.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The least score with which a label is given.
    #[serde(default = "Rules::at_least")]
    pub at_least: f64,
    /// Below this confidence the rules are unsure.
    #[serde(default = "Rules::sure_from")]
    pub sure_from: f64,
}

/// An answered example, as it is in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) id: String,
    pub(crate) record: String,
    pub(crate) answer: serde_json::Map<String, serde_json::Value>,
}

/// A field of the record that the model may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name of the member; with dots, of a member inside it.
    pub name: String,
    /// How many characters of it the model sees at most.
    pub limit: usize,
}

/// The parameters that are sent with every request.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The model, unless the command line names one.
    #[serde(default)]
    pub name: Option<String>,
    /// `temperature`; not sent if absent, for models that accept none.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// `max_tokens`; not sent if absent.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// More members of the request, word for word.
    #[serde(default)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// Names under which servers take the most tokens that may come back.
const MOST: [&str; 5] =
    ["max_completion_tokens", "max_output_tokens", "max_new_tokens", "max_length", "num_predict"];

impl Model {
    /// The most tokens that may come back, whichever member says it; `None` if none does.
    pub fn most_tokens(&self) -> Option<u64> {
        let options = self.extra.get("options").and_then(|options| options.get("num_predict"));
        let extra = MOST.iter().filter_map(|name| self.extra.get(*name)).chain(options);
        let extra = extra.filter_map(serde_json::Value::as_u64);
        extra.chain(self.max_tokens.map(u64::from)).max()
    }

    /// The key in `extra` that cannot be there, and why.
    pub(crate) fn wrong_extra(&self) -> Option<(&str, &'static str)> {
        let wrong = |(name, value): (&'_ String, &serde_json::Value)| match name.as_str() {
            "model" => Some("name the model under [model] as `name`, or with --model"),
            "messages" | "prompt" | "input" => Some("the messages come from [prompt]"),
            "response_format" => Some("the form of the answer is told with --structured"),
            "stream" | "stream_options" => Some("answers are read whole, not as a stream"),
            "n" | "best_of" | "num_completions" => Some("each choice is paid, and only one is read"),
            "max_tokens" | "temperature" => Some("write it under [model], beside `extra`"),
            name if MOST.contains(&name) && value.as_u64().is_none_or(|most| most == 0) => {
                Some("it must be a whole number above 0: budgets are kept by it")
            }
            _ => None,
        };
        self.extra.iter().find_map(|(name, value)| Some((name.as_str(), wrong((name, value))?)))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules { at_least: Rules::at_least(), sure_from: Rules::sure_from() }
    }
}

impl Rules {
    fn at_least() -> f64 {
        3.0
    }

    fn sure_from() -> f64 {
        0.8
    }
}

impl Task {
    /// Reads a task file.
    ///
    /// # Errors
    /// [`Kind::Config`] with file, line and key of what is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the task file")
                .at(path.display().to_string())
                .because(cause)
        })?;
        Task::parse(&text, path)
    }

    /// Reads the text of a task file; `path` is for errors.
    ///
    /// # Errors
    /// As [`Task::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        file::parse(text, path)
    }

    /// The place of the response field `confidence`, if the answer has one.
    pub fn confidence(&self) -> Option<usize> {
        self.response.iter().position(|field| field.name == "confidence" && field.form.is_counted())
    }

    /// The fields that the two templates show to the model, by place in [`Task::fields`].
    pub(crate) fn shown(&self) -> Vec<usize> {
        let mut shown: Vec<_> = self.system.shown().chain(self.user.shown()).collect();
        shown.sort_unstable();
        shown.dedup();
        shown
    }

    /// What the placeholders stand for that are the same for every record.
    pub(crate) fn words(&self) -> Vec<(&'static str, String)> {
        let mut words = vec![("answer_form", response::answer_form(self))];
        match &self.kind {
            TaskKind::Labels(labels) => {
                words.push(("labels", labels.list()));
                words.extend(labels.other.map(|place| ("other", labels.labels[place].shown().to_owned())));
            }
            TaskKind::Filter(filter) => {
                let (yes, no) = match &filter.spelled {
                    Some(spelled) => (format!("\"{}\"", spelled.yes), format!("\"{}\"", spelled.no)),
                    None => ("true".to_owned(), "false".to_owned()),
                };
                words.extend([("yes", yes), ("no", no)]);
            }
        }
        words
    }

    /// The names of the members that the task adds to a record, those inside an object left out.
    pub fn members(&self) -> Vec<&str> {
        let output = &self.output;
        let mut members: Vec<&str> = Vec::new();
        if matches!(self.kind, TaskKind::Labels(_)) {
            members.extend([output.names.as_str(), output.ids.as_str()]);
        }
        match &output.object {
            Some(object) => members.push(object),
            None => {
                if let TaskKind::Filter(filter) = &self.kind {
                    members.push(&filter.field);
                }
                members.extend(self.response.iter().map(ResponseField::member));
                members.push(&output.reasoning);
            }
        }
        members.extend(output.answer.as_deref());
        members
    }
}
