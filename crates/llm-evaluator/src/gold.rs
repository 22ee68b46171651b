//! Gold: rows that a person has labelled, read from JSONL.

use std::collections::HashMap;
use std::path::Path;

use crawl_core::{Error, Kind, Record, Result};
use serde_json::Value;

use super::aspect::{Aspect, Scheme, Unknown};
use super::score::Places;
use llm_classifier::Task;
use llm_classifier::id_of;

/// The members that may hold what a person said, beside the task's own.
const GOLD: &str = "gold";
const LABELS: &str = "labels";

/// The rows that a person has labelled.
#[derive(Clone, Debug)]
pub struct Gold {
    /// The file.
    pub file: String,
    /// Its rows, in order.
    pub rows: Vec<GoldRow>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldRow {
    /// The record's id.
    pub id: String,
    /// The line in the file, from 1.
    pub line: usize,
    /// Why `sample` picked it (`random`, `uncertain`), if it did.
    pub sampled: Option<String>,
    /// The whole row.
    pub(crate) record: Record,
    /// For each aspect what is right; `None` if nobody has said.
    pub(crate) wanted: Vec<Option<Places>>,
}

impl GoldRow {
    /// Whether a person has said anything about it.
    pub fn is_labelled(&self) -> bool {
        self.wanted.iter().any(Option::is_some)
    }
}

impl Gold {
    /// Reads a file: a JSON object a line, with the id (`id_field`, else `repo_id`, else `id`) and what is right: in
    /// `gold` (a list of labels, or an object of the task's members), in `labels`, or in the task's own members.
    ///
    /// # Errors
    /// [`Kind::Config`] with file and line: no JSON, no id, an id twice, a label that the task does not have, nothing
    /// said about any row.
    pub fn read(path: &Path, task: &Task, id_field: Option<&str>) -> Result<Self> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the gold file")
                .at(&file)
                .because(cause)
                .advise("name a JSONL file of labelled rows; `llm-evaluator sample` makes one to fill in")
        })?;
        let scheme = Scheme::of(task);
        let mut rows: Vec<GoldRow> = Vec::new();
        let mut lines = HashMap::new();
        // Some editors put a mark of the byte order before the text.
        let text = text.trim_start_matches('\u{feff}');
        for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let place = Place { file: &file, line: line + 1 };
            let row = place.row(text, &scheme, id_field)?;
            if let Some(first) = lines.insert(row.id.clone(), row.line) {
                let what = format!("the id `{}` is also in line {first}", row.id);
                return Err(place.wrong(&what, "keep one row for each id"));
            }
            rows.push(row);
        }
        if !rows.iter().any(GoldRow::is_labelled) {
            return Err(Error::new(Kind::Config, "no row of the gold file is labelled").at(&file).advise(
                format!("write the right answer into `{GOLD}` of each row, such as {}", example(&scheme)),
            ));
        }
        Ok(Gold { file, rows })
    }
}

impl Gold {
    /// The member that holds the id, by the first row: `repo_id` if it has that, else `id`.
    pub fn id_field(&self) -> &'static str {
        let first = self.rows.first();
        if first.is_some_and(|row| id_of(row.record.raw(), "repo_id").is_some()) { "repo_id" } else { "id" }
    }
}

/// A line of the file, for errors.
struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl Place<'_> {
    fn row(&self, text: &str, scheme: &Scheme, id_field: Option<&str>) -> Result<GoldRow> {
        let record = Record::parse(text.to_owned()).map_err(|cause| {
            self.wrong("the line is not JSON", "mend it; each line is one JSON object").because(cause)
        })?;
        let fields = id_field.map_or(vec!["repo_id", "id"], |field| vec![field]);
        let id = fields.iter().find_map(|field| id_of(record.raw(), field)).ok_or_else(|| {
            let what = format!("the row has no `{}`", fields.join("` and no `"));
            self.wrong(&what, "each row needs its record's id; --id-field names another member")
        })?;
        let row: Value =
            record.raw().to().map_err(|cause| self.wrong("the line is not JSON", "").because(cause))?;
        let wanted = self.wanted(&row, scheme)?;
        let sampled = row["sampled"].as_str().map(str::to_owned);
        Ok(GoldRow { id, line: self.line, sampled, record, wanted })
    }

    fn wanted(&self, row: &Value, scheme: &Scheme) -> Result<Vec<Option<Places>>> {
        let values: Vec<Option<&Value>> =
            scheme.aspects.iter().map(|aspect| said(row, aspect, scheme.aspects.len() == 1)).collect();
        if values.iter().all(Option::is_none) {
            let names: Vec<_> = scheme.aspects.iter().map(|aspect| format!("`{}`", aspect.name)).collect();
            let what = format!("the row has neither `{GOLD}` nor `{LABELS}` nor {}", names.join(", "));
            return Err(self.wrong(&what, &format!("add `\"{GOLD}\": {}`", example(scheme))));
        }
        let read = |(aspect, value): (&Aspect, Option<&Value>)| {
            value.map_or(Ok(None), |value| aspect.read(value)).map_err(|cause| self.unknown(aspect, &cause))
        };
        scheme.aspects.iter().zip(values).map(read).collect()
    }

    fn unknown(&self, aspect: &Aspect, cause: &Unknown) -> Error {
        let what = format!("`{}` is no answer to `{}`", cause.said, aspect.name);
        let closest = cause.closest.as_ref().map(|label| format!("the closest one is `{label}`; "));
        let known: Vec<_> = aspect.labels.iter().map(|label| format!("`{label}`")).collect();
        self.wrong(&what, &format!("{}the answers are {}", closest.unwrap_or_default(), known.join(", ")))
    }

    fn wrong(&self, what: &str, advice: &str) -> Error {
        let error = Error::new(Kind::Config, format!("the gold file is wrong: {what}"));
        error.at(format!("{}:{}", self.file, self.line)).advise(advice)
    }
}

/// What a row says about an aspect, if anything: `gold` comes before `labels`, and that before the task's member,
/// which in a classified record holds the model's answer.
fn said<'a>(row: &'a Value, aspect: &Aspect, only: bool) -> Option<&'a Value> {
    match row.get(GOLD) {
        Some(Value::Object(members)) => return members.get(&aspect.name),
        Some(value) if only => return Some(value),
        _ => {}
    }
    row.get(LABELS).filter(|_| only).or_else(|| row.get(&aspect.name))
}

/// What a person would write into `gold`.
fn example(scheme: &Scheme) -> String {
    match scheme.aspects.as_slice() {
        [only] if only.many => serde_json::json!([only.labels[0]]).to_string(),
        [only] => serde_json::json!(only.labels[0]).to_string(),
        several => {
            let member = |aspect: &Aspect| (aspect.name.clone(), Value::String(aspect.labels[0].clone()));
            Value::Object(several.iter().map(member).collect()).to_string()
        }
    }
}
