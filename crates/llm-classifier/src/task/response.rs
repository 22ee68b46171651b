//! Response fields: the members of an answer that a task declares, with type, closed set and range.

use crawl_core::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use toml::Spanned;

use super::text::Text;
use super::{Task, TaskKind};

/// A member of the answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ResponseField {
    /// Its name in the answer.
    pub name: String,
    /// What it may be.
    pub form: Form,
    /// What it means; shown to the model.
    pub description: String,
    /// Its name in the record, if that is another one.
    pub member: Option<String>,
}

/// What a response field may be.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum Form {
    /// `true` or `false`.
    Boolean,
    /// A number from the first to the second, both included.
    Number(f64, f64),
    /// A whole number from the first to the second, both included.
    Integer(i64, i64),
    /// A text of at most so many characters.
    Text(usize),
    /// A list of at most so many short texts.
    Texts(usize),
    /// One of a closed set.
    Choice(Vec<Choice>),
    /// Several of a closed set: at least and at most so many.
    Choices(Vec<Choice>, usize, usize),
}

/// One of a closed set.
#[derive(Clone, Debug, PartialEq, Deserialize, serde::Serialize)]
#[serde(from = "Named")]
pub struct Choice {
    /// As the model must spell it.
    pub name: String,
    /// What it means; shown to the model.
    pub description: Option<String>,
    /// What it counts as, for thresholds and calibration.
    pub value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Name(String),
    Table(Table),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    description: Option<String>,
    value: Option<f64>,
}

impl From<Named> for Choice {
    fn from(named: Named) -> Self {
        match named {
            Named::Name(name) => Choice { name, description: None, value: None },
            Named::Table(Table { name, description, value }) => Choice { name, description, value },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    r#type: Spanned<Word>,
    description: String,
    member: Option<String>,
    min: Option<f64>,
    max: Option<f64>,
    least: Option<usize>,
    most: Option<usize>,
    choices: Option<Vec<Choice>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Boolean,
    Number,
    Integer,
    Text,
    Texts,
    Choice,
    Choices,
}

/// Reads `[[response]]`; `taken` are names that the answer has already.
pub(super) fn read(source: &Text<'_>, entries: &[Entry], taken: &[&str]) -> Result<Vec<ResponseField>> {
    let mut fields: Vec<ResponseField> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let name = entry.name.get_ref();
        let key = |key: &str| format!("response[{}].{key}", index + 1);
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let what = if name.is_empty() || !name.bytes().all(good) {
            "a name is of letters, digits and _".to_owned()
        } else if taken.contains(&name.as_str()) || fields.iter().any(|field| field.name == *name) {
            format!("the answer has a member `{name}` already")
        } else {
            match entry.form() {
                Ok(form) => {
                    let (description, member) = (entry.description.clone(), entry.member.clone());
                    fields.push(ResponseField { name: name.clone(), form, description, member });
                    continue;
                }
                Err(what) => return Err(source.wrong(entry.r#type.span().start, &key("type"), what)),
            }
        };
        return Err(source.wrong(entry.name.span().start, &key("name"), &what));
    }
    Ok(fields)
}

impl Entry {
    fn form(&self) -> Result<Form, &'static str> {
        let word = *self.r#type.get_ref();
        let counted = matches!(word, Word::Number | Word::Integer);
        if !counted && (self.min.is_some() || self.max.is_some()) {
            return Err("only a number and an integer have `min` and `max`");
        }
        if self.choices.is_some() != matches!(word, Word::Choice | Word::Choices) {
            return Err("`choice` and `choices` need the closed set `choices`, and no other type has one");
        }
        let (least, most) = (self.least.unwrap_or(0), self.most);
        Ok(match word {
            Word::Boolean => Form::Boolean,
            Word::Text => Form::Text(most.unwrap_or(2000)),
            Word::Texts => Form::Texts(most.unwrap_or(10)),
            Word::Number | Word::Integer => {
                let (Some(min), Some(max)) = (self.min, self.max) else {
                    return Err("a number needs `min` and `max`");
                };
                if min >= max {
                    return Err("`min` must be less than `max`");
                }
                match word {
                    Word::Number => Form::Number(min, max),
                    _ => Form::Integer(min.ceil() as i64, max.floor() as i64),
                }
            }
            Word::Choice | Word::Choices => {
                let choices = self.choices.clone().unwrap_or_default();
                let twice = |place: usize| choices[..place].iter().any(|c| c.name == choices[place].name);
                if choices.is_empty() || (0..choices.len()).any(twice) {
                    return Err("the closed set `choices` is empty or names one choice twice");
                }
                let most = most.unwrap_or(choices.len()).min(choices.len());
                if most == 0 || least > most {
                    return Err("`most` must be 1 or more, and `least` not more than it");
                }
                if word == Word::Choice { Form::Choice(choices) } else { Form::Choices(choices, least, most) }
            }
        })
    }
}

impl ResponseField {
    /// Its name in the record, unless it lies in an object.
    pub fn member(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.name)
    }

    /// What a value of it counts as, where it can be counted.
    pub fn number(&self, value: &Value) -> Option<f64> {
        match &self.form {
            Form::Choice(choices) => choices.iter().find(|choice| value == choice.name.as_str())?.value,
            _ => value.as_f64(),
        }
    }
}

impl Form {
    /// Whether its values are numbers or count as numbers.
    pub fn is_counted(&self) -> bool {
        match self {
            Form::Number(..) | Form::Integer(..) => true,
            Form::Choice(choices) => choices.iter().all(|choice| choice.value.is_some()),
            _ => false,
        }
    }

    /// Only what every endpoint with strict schemas knows.
    pub(crate) fn schema(&self) -> Value {
        let names = |choices: &[Choice]| choices.iter().map(|choice| choice.name.clone()).collect::<Vec<_>>();
        match self {
            Form::Boolean => json!({"type": "boolean"}),
            Form::Number(min, max) => json!({"type": "number", "minimum": min, "maximum": max}),
            Form::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
            Form::Text(_) => json!({"type": "string"}),
            Form::Texts(most) => json!({"type": "array", "items": {"type": "string"}, "maxItems": most}),
            Form::Choice(choices) => json!({"type": "string", "enum": names(choices)}),
            Form::Choices(choices, least, most) => json!({
                "type": "array", "items": {"type": "string", "enum": names(choices)},
                "minItems": least, "maxItems": most,
            }),
        }
    }

    fn words(&self) -> String {
        let list = |choices: &[Choice]| {
            let line = |choice: &Choice| match &choice.description {
                Some(description) => format!("\n    - {}: {}", choice.name, description.trim()),
                None => format!("\n    - {}", choice.name),
            };
            choices.iter().map(line).collect::<String>()
        };
        match self {
            Form::Boolean => "true or false".into(),
            Form::Number(min, max) => format!("a number from {min} to {max}"),
            Form::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Form::Text(most) => format!("a text of at most {most} characters"),
            Form::Texts(most) => format!("a list of at most {most} short texts"),
            Form::Choice(choices) => format!("exactly one of these words:{}", list(choices)),
            Form::Choices(choices, 0, most) => {
                format!("a list of at most {most} of these words, empty if none fits:{}", list(choices))
            }
            Form::Choices(choices, least, most) => {
                format!("a list of {least} to {most} of these words:{}", list(choices))
            }
        }
    }
}

/// What `{answer_form}` stands for: the members of an answer, in their order, a line each.
pub(super) fn answer_form(task: &Task) -> String {
    let mut lines = vec![
        "- \"id\": the id exactly as given".to_owned(),
        "- \"reasoning\": one or two sentences that name the evidence in the metadata".to_owned(),
    ];
    lines.push(match &task.kind {
        TaskKind::Labels(labels) if labels.most == 1 => {
            "- \"labels\": a list with exactly one name, spelled as above".to_owned()
        }
        TaskKind::Labels(labels) => {
            format!("- \"labels\": a list of 1 to {} names, spelled as above", labels.most)
        }
        TaskKind::Filter(filter) => match &filter.spelled {
            None => format!("- \"{}\": true or false. {}", filter.field, filter.description.trim()),
            Some(spelled) => {
                let [first, second] = spelled.in_order();
                let holds = if spelled.yes_first { "holds" } else { "does not hold" };
                let description = filter.description.trim();
                format!(
                    "- \"{}\": \"{first}\" if this {holds}, else \"{second}\": {description}",
                    filter.field
                )
            }
        },
    });
    let line = |field: &ResponseField| {
        format!("- \"{}\": {} It is {}", field.name, field.description.trim(), field.form.words())
    };
    lines.extend(task.response.iter().map(line));
    if task.defence.canary {
        lines.push("- \"check\": the check word that stands behind the metadata".to_owned());
    }
    lines.join("\n")
}
