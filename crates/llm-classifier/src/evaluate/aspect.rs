//! Aspects: the questions of a task that have a closed set of answers, and how their values are spelled.

use serde_json::Value;

use super::score::Labels;
use crate::Task;
use crate::task::TaskKind;

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
    /// Whether an empty list says "not labelled yet": where every answer has at least one label.
    never_empty: bool,
}

/// What a task's answers hold that can be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) aspects: Vec<Aspect>,
    /// Where the confidence lies in a classified record.
    pub(crate) confidence: Option<Vec<String>>,
    /// The words that confidences are, from sure to unsure, if they are words.
    pub(crate) words: Vec<String>,
    /// Where the quality score lies.
    pub(crate) quality: Option<Vec<String>>,
    /// Where the object lies that holds what the answer cost.
    pub(crate) bill: Option<Vec<String>>,
    /// Whether the first aspect is "is it related", which thresholds decide about.
    pub(crate) filter: bool,
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
        let TaskKind::Labels(labels) = &task.kind;
        let spelled = |label: &crate::Label| vec![label.name.clone(), label.id.to_string()];
        let aspect = Aspect {
            name: labels.output.names.clone(),
            labels: labels.labels.iter().map(|label| label.name.clone()).collect(),
            many: labels.most > 1,
            spellings: labels.labels.iter().map(spelled).collect(),
            path: vec![labels.output.names.clone()],
            never_empty: true,
        };
        Scheme { aspects: vec![aspect], confidence: None, words: Vec::new(), quality: None, bill: None, filter: false }
    }
}

impl Aspect {
    /// The value in a classified record; `None` if it is not there or null.
    pub(crate) fn answered(&self, record: &Value) -> Result<Option<Labels>, Unknown> {
        found(record, &self.path).map_or(Ok(None), |value| self.read(value))
    }

    /// The labels that a value spells; `None` if it says that nobody has labelled the row yet.
    pub(crate) fn read(&self, value: &Value) -> Result<Option<Labels>, Unknown> {
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
        let said: Vec<char> = said.to_lowercase().chars().take(200).collect();
        self.labels
            .iter()
            .min_by_key(|label| distance(&said, &label.to_lowercase().chars().collect::<Vec<_>>()))
            .cloned()
    }
}

/// The value at a path; `None` also where it is null.
pub(crate) fn found<'a>(record: &'a Value, path: &[String]) -> Option<&'a Value> {
    let value = path.iter().try_fold(record, |value, name| value.get(name))?;
    (!value.is_null()).then_some(value)
}

/// Levenshtein's distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = (0..=right.len()).collect();
    for (row, one) in left.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut before[0], row + 1);
        for (column, other) in right.iter().enumerate() {
            let change = diagonal + usize::from(one != other);
            diagonal = before[column + 1];
            before[column + 1] = change.min(diagonal + 1).min(before[column] + 1);
        }
    }
    before[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_words_is_their_changes() {
        let of = |left: &str, right: &str| {
            distance(&left.chars().collect::<Vec<_>>(), &right.chars().collect::<Vec<_>>())
        };
        assert_eq!((of("kitten", "sitting"), of("", "abc"), of("same", "same")), (3, 3, 0));
    }
}
