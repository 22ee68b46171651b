//! Aspects: the questions of a task that have a closed set of answers, and how their values are spelled.

use serde_json::Value;

use super::score::Places;
use llm_classifier::Task;
use llm_classifier::{Form, Labels, ResponseField, TaskKind};

/// One question with a closed set of answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aspect {
    /// The name of the member that holds the answer.
    pub name: String,
    /// The answers there are, as they are spelled in records.
    pub labels: Vec<String>,
    /// Whether a row may have several of them.
    pub many: bool,
    /// Other spellings that gold may use, by place in `labels`.
    spellings: Vec<Vec<String>>,
    /// Where the answer lies in a classified record, member in member.
    path: Vec<String>,
    /// The place of its response field; `None` for what the task decides first.
    pub(crate) response: Option<usize>,
    /// Whether an empty list says "not labelled yet": where every answer has at least one label.
    never_empty: bool,
}

/// What a task's answers hold that can be measured.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) aspects: Vec<Aspect>,
    /// The members that count, and on which a threshold may be set.
    pub(crate) measures: Vec<Measure>,
    /// The member that says how sure an answer is; it may be one of the measures.
    pub(crate) confidence: Option<Measure>,
    /// The words that confidences are, in the task's order, if they are words.
    pub(crate) words: Vec<String>,
    /// Where the object lies that tells how the answer was had.
    pub(crate) origin: Option<Vec<String>>,
    /// Whether the first aspect is that of a filter, which thresholds decide about.
    pub(crate) filter: bool,
}

/// A member of an answer that is a number, or counts as one.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    /// The place of its response field.
    pub(crate) place: usize,
    pub(crate) path: Vec<String>,
    pub(crate) field: ResponseField,
}

/// A value that is none of an aspect's answers.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) said: String,
    pub(crate) closest: Option<String>,
}

impl Scheme {
    /// What a task asks for.
    pub(crate) fn of(task: &Task) -> Scheme {
        let inside =
            |name: &str| task.output.object.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>();
        let first = match &task.kind {
            TaskKind::Labels(labels) => Aspect::labels(labels, &task.output.names),
            TaskKind::Filter(filter) => Aspect::boolean(&filter.field, inside(&filter.field)),
        };
        let measure = |(place, field): (usize, &ResponseField)| Measure {
            place,
            path: inside(field.member()),
            field: field.clone(),
        };
        let fields = || task.response.iter().enumerate();
        let aspect = |(place, field): (usize, &ResponseField)| {
            let aspect = Aspect::response(field, inside(field.member()))?;
            Some(Aspect { response: Some(place), ..aspect })
        };
        let confidence = task.confidence();
        let rest = fields().filter(|(place, _)| Some(*place) != confidence).filter_map(aspect);
        Scheme {
            aspects: std::iter::once(first).chain(rest).collect(),
            measures: fields().filter(|(_, field)| field.form.is_counted()).map(measure).collect(),
            words: confidence.map(|place| words(&task.response[place])).unwrap_or_default(),
            confidence: confidence.map(|place| measure((place, &task.response[place]))),
            origin: task.output.answer.as_ref().map(|name| vec![name.clone()]),
            filter: matches!(task.kind, TaskKind::Filter(_)),
        }
    }
}

fn words(field: &ResponseField) -> Vec<String> {
    match &field.form {
        Form::Choice(choices) => choices.iter().map(|choice| choice.name.clone()).collect(),
        _ => Vec::new(),
    }
}

impl Measure {
    /// The value in a classified record.
    pub(crate) fn value(&self, record: &Value) -> Option<f64> {
        self.field.number(found(record, &self.path)?)
    }

    /// The thresholds that are tried, in ascending order.
    pub(crate) fn steps(&self) -> Vec<f64> {
        let even =
            |low: f64, high: f64| (0..=20).map(|step| low + (high - low) * f64::from(step) / 20.0).collect();
        match &self.field.form {
            Form::Integer(low, high) if high - low <= 100 => (*low..=*high).map(|step| step as f64).collect(),
            Form::Integer(low, high) => even(*low as f64, *high as f64),
            Form::Number(low, high) => even(*low, *high),
            Form::Choice(choices) => {
                let mut values: Vec<f64> = choices.iter().filter_map(|choice| choice.value).collect();
                values.sort_by(f64::total_cmp);
                values.dedup();
                values
            }
            _ => Vec::new(),
        }
    }
}

impl Aspect {
    fn labels(labels: &Labels, member: &str) -> Aspect {
        let spelled = |label: &llm_classifier::Label| {
            [label.name.clone(), label.id.to_string()].into_iter().chain(label.alias.clone()).collect()
        };
        Aspect {
            name: member.to_owned(),
            labels: labels.labels.iter().map(|label| label.name.clone()).collect(),
            many: labels.most > 1,
            spellings: labels.labels.iter().map(spelled).collect(),
            path: vec![member.to_owned()],
            response: None,
            never_empty: true,
        }
    }

    /// Yes comes first: it is what a filter lets through.
    fn boolean(name: &str, path: Vec<String>) -> Aspect {
        let spelled = |words: [&str; 3]| words.map(str::to_owned).to_vec();
        Aspect {
            name: name.to_owned(),
            labels: vec!["true".into(), "false".into()],
            many: false,
            spellings: vec![spelled(["true", "yes", "1"]), spelled(["false", "no", "0"])],
            path,
            response: None,
            never_empty: true,
        }
    }

    /// A response field, if it has a closed set of values.
    fn response(field: &ResponseField, path: Vec<String>) -> Option<Aspect> {
        let (choices, many, never_empty) = match &field.form {
            Form::Boolean => return Some(Aspect::boolean(field.member(), path)),
            Form::Choice(choices) => (choices, false, true),
            Form::Choices(choices, least, _) => (choices, true, *least > 0),
            _ => return None,
        };
        let labels: Vec<String> = choices.iter().map(|choice| choice.name.clone()).collect();
        let spellings = labels.iter().map(|label| vec![label.clone()]).collect();
        Some(Aspect {
            name: field.member().to_owned(),
            labels,
            many,
            spellings,
            path,
            response: None,
            never_empty,
        })
    }

    /// The value in a classified record; `None` if it is not there or null.
    pub(crate) fn answered(&self, record: &Value) -> Result<Option<Places>, Unknown> {
        found(record, &self.path).map_or(Ok(None), |value| self.read(value))
    }

    /// The labels that a value spells; `None` if it says that nobody has labelled the row yet.
    pub(crate) fn read(&self, value: &Value) -> Result<Option<Places>, Unknown> {
        let mut places = match value {
            Value::Null => return Ok(None),
            Value::Array(values) if values.is_empty() && self.never_empty => return Ok(None),
            Value::Array(values) => {
                values.iter().map(|value| self.place(value)).collect::<Result<Vec<_>, _>>()?
            }
            Value::String(text) if text.is_empty() => return Ok(None),
            one => vec![self.place(one)?],
        };
        places.sort_unstable();
        places.dedup();
        if !self.many && places.len() > 1 {
            return Err(Unknown { said: format!("{value} (more than one)"), closest: None });
        }
        Ok(Some(places))
    }

    fn place(&self, value: &Value) -> Result<usize, Unknown> {
        let said = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let place = self.spellings.iter().position(|spellings| spellings.contains(&said));
        place.ok_or_else(|| Unknown { closest: self.closest(&said), said })
    }

    /// The label whose spelling needs the fewest changes, whatever its case.
    fn closest(&self, said: &str) -> Option<String> {
        let said: String = said.to_lowercase().chars().take(200).collect();
        self.labels.iter().min_by_key(|label| strsim::levenshtein(&said, &label.to_lowercase())).cloned()
    }
}

/// The value at a path; `None` also where it is null.
pub(crate) fn found<'a>(record: &'a Value, path: &[String]) -> Option<&'a Value> {
    let value = path.iter().try_fold(record, |value, name| value.get(name))?;
    (!value.is_null()).then_some(value)
}
