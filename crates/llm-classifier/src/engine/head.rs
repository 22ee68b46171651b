//! The engine `head`: a linear layer over static embeddings, made of answers that a model was paid for. No key, no network.
//!
//! `llm-evaluator distil` makes the file and measures it; here it is read and asked. It answers where it is sure, by the
//! threshold in the file.

mod seen;

use std::path::Path;

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result, Staged};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use static_embedding::Table;

use crate::ask::Origin;
use crate::task::{Answer, Labels, Task, TaskKind, kind_digest, prompt_digest};
pub use seen::Seen;

const VERSION: u32 = 1;

/// What is in the file of a head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadFile {
    /// The version of this form.
    pub version: u32,
    /// The name of the task.
    pub task: String,
    /// The digest of everything that the task asks; see [`task_digest`].
    pub task_digest: String,
    /// The SHA-256 of the table of vectors.
    pub embedding: String,
    /// What each row of the weights decides: a label, or the field of a filter.
    pub labels: Vec<String>,
    /// A row a label, a 32-bit little-endian number a feature, in base64.
    pub weights: String,
    /// An offset a label.
    pub offsets: Vec<f64>,
    /// By this scores are divided before they become chances.
    pub temperature: f64,
    /// From this confidence on the head answers; `None`: never.
    pub threshold: Option<f64>,
    /// How it was made and how good it is, for people.
    pub made: serde_json::Map<String, serde_json::Value>,
}

/// A head that fits its task.
#[derive(Debug)]
pub struct Head {
    table: Table,
    file: HeadFile,
    weights: Vec<f32>,
    digest: String,
    from: String,
}

/// The digest of all that decides what a task's answers mean: what is asked, of what, and in which words.
///
/// # Errors
/// [`Kind::Config`] if the task cannot be spelled.
pub fn task_digest(task: &Task) -> Result<String> {
    let digest = Sha256::new().chain_update(kind_digest(task)?).chain_update(prompt_digest(task));
    Ok(HEXLOWER.encode(&digest.finalize()))
}

/// What the rows of a head's weights decide.
pub fn rows(task: &Task) -> Vec<String> {
    match &task.kind {
        TaskKind::Labels(labels) => labels.labels.iter().map(|label| label.name.clone()).collect(),
        TaskKind::Filter(filter) => vec![filter.field.clone()],
    }
}

impl HeadFile {
    /// A file of these weights, a row a label.
    ///
    /// # Errors
    /// [`Kind::Config`] if the task cannot be spelled.
    pub fn new(task: &Task, table: &Table, weights: &[f32], offsets: Vec<f64>) -> Result<Self> {
        let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        Ok(HeadFile {
            version: VERSION,
            task: task.name.clone(),
            task_digest: task_digest(task)?,
            embedding: table.digest().to_owned(),
            labels: rows(task),
            weights: BASE64.encode(&bytes),
            offsets,
            temperature: 1.0,
            threshold: None,
            made: serde_json::Map::new(),
        })
    }

    /// Writes it; what is there is replaced when the new one is whole.
    ///
    /// # Errors
    /// [`Kind::Storage`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |cause| Error::io("cannot write the head", path, cause);
        let mut text = serde_json::to_vec_pretty(self).map_err(|cause| failed(cause.into()))?;
        text.push(b'\n');
        Staged::put(path, &text)
    }
}

impl Head {
    /// Reads a head for a task.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is none, if it was made for another task or for one that asked otherwise, or over another table.
    pub fn read(path: &Path, task: &Task) -> Result<Self> {
        let text = std::fs::read(path).map_err(|cause| {
            Error::new(Kind::Config, "cannot read the head")
                .at(path.display().to_string())
                .because(cause)
                .advise("`llm-evaluator distil` makes one of a labelled listing")
        })?;
        let file: HeadFile = serde_json::from_slice(&text)
            .map_err(|cause| refused("this is no head, or one of another version", path).because(cause))?;
        Head::new(file, Table::shipped()?, task, &path.display().to_string())
    }

    /// A head of what is in a file.
    ///
    /// # Errors
    /// As [`Head::read`].
    pub fn new(file: HeadFile, table: Table, task: &Task, from: &str) -> Result<Self> {
        let refused = |what: &str| refused(what, Path::new(from));
        if file.version != VERSION {
            return Err(refused(&format!(
                "its version is {}, and this program reads {VERSION}",
                file.version
            )));
        }
        if file.task_digest != task_digest(task)? || file.labels != rows(task) {
            let what = format!(
                "it was made for the task `{}` as it was then, and not for `{}` as it is",
                file.task, task.name
            );
            return Err(refused(&what));
        }
        if file.embedding != table.digest() {
            return Err(refused("it was made over another table of vectors"));
        }
        let bytes = BASE64.decode(file.weights.as_bytes()).unwrap_or_default();
        let weights: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        let whole = weights.len() == file.labels.len() * seen::dimension(&table)
            && bytes.len() == 4 * weights.len()
            && file.offsets.len() == file.labels.len();
        let numbers = weights.iter().all(|weight| weight.is_finite())
            && file.offsets.iter().all(|offset| offset.is_finite())
            && file.temperature.is_finite()
            && file.temperature > 0.0;
        if !whole || !numbers {
            return Err(refused("its weights are not whole"));
        }
        let digest = serde_json::to_vec(&file).map(|text| HEXLOWER.encode(&Sha256::digest(text)[..8]));
        let digest = digest.map_err(|cause| refused("it cannot be spelled").because(cause))?;
        Ok(Head { table, file, weights, digest, from: from.to_owned() })
    }

    /// The first digits of the SHA-256 of what is in it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What is in it.
    pub fn file(&self) -> &HeadFile {
        &self.file
    }

    /// What it makes of a record, sure or not; `None` if the table does not know its words.
    pub fn look(&self, task: &Task, record: Raw<'_>, id: &str) -> Option<(Answer, f64)> {
        let seen = Seen::of(&self.table, task, record, id);
        seen.is_known.then(|| decide(task, &self.scores(&seen.features), self.file.temperature))
    }

    /// Its answer to a record, or why it is not sure.
    pub fn judge(&self, task: &Task, record: Raw<'_>, id: &str) -> Result<Answer, String> {
        let Some(threshold) = self.file.threshold else {
            return Err("the head has no threshold from which on it answers".into());
        };
        let (answer, confidence) =
            self.look(task, record, id).ok_or("the table of vectors does not know its words")?;
        if confidence < threshold {
            return Err(format!("the head is {confidence:.3} sure, and answers from {threshold:.3} on"));
        }
        if !can_tell(task, &answer) {
            return Err("the head says yes, but it cannot tell the other members".into());
        }
        Ok(answer)
    }

    /// How its answers were had.
    pub(crate) fn origin(&self) -> Origin {
        Origin { engine: "head", head: Some(self.digest.clone()), cost_usd: Some(0.0), ..Origin::default() }
    }

    /// The file that it was read from.
    pub fn from(&self) -> &str {
        &self.from
    }

    fn scores(&self, features: &[f32]) -> Vec<f64> {
        let rows = self.weights.chunks_exact(features.len()).zip(&self.file.offsets);
        rows.map(|(row, offset)| score(row, *offset, features)).collect()
    }
}

/// What a row of weights makes of features; who measures a head must come to the same last digit.
pub fn score(row: &[f32], offset: f64, features: &[f32]) -> f64 {
    let products = row.iter().zip(features).map(|(weight, feature)| f64::from(*weight) * f64::from(*feature));
    offset + products.sum::<f64>()
}

fn refused(what: &str, path: &Path) -> Error {
    Error::new(Kind::Config, format!("the head cannot be used: {what}"))
        .at(path.display().to_string())
        .advise("make it anew with `llm-evaluator distil` for this task and these programs")
}

/// Whether a head can give the whole of an answer: of a filter with more members it can only say no.
pub fn can_tell(task: &Task, answer: &Answer) -> bool {
    answer.related != Some(true) || task.response.iter().all(|field| field.name == "confidence")
}

/// The answer of scores, and the chance that it is the model's: of each label that it has or has not.
pub fn decide(task: &Task, scores: &[f64], temperature: f64) -> (Answer, f64) {
    let chances: Vec<f64> = scores.iter().map(|score| 1.0 / (1.0 + (-score / temperature).exp())).collect();
    let (labels, related) = match &task.kind {
        TaskKind::Filter(_) => (Vec::new(), Some(chances[0] >= 0.5)),
        TaskKind::Labels(labels) => (chosen(labels, &chances), None),
    };
    let has = |place: usize| related.unwrap_or_else(|| labels.contains(&place));
    let confidence: f64 = chances
        .iter()
        .enumerate()
        .map(|(place, chance)| if has(place) { *chance } else { 1.0 - chance })
        .product();
    let shown = (confidence * 1e4).floor() / 1e4;
    let value = |place: usize| match Some(place) == task.confidence() {
        true => serde_json::json!(shown),
        false => serde_json::Value::Null,
    };
    let answer = Answer {
        labels,
        related,
        values: (0..task.response.len()).map(value).collect(),
        confidence: Some(shown),
        reasoning: format!("A head that was distilled from a model's answers is {shown} sure."),
        check_kept: true,
    };
    (answer, confidence)
}

/// The labels that are likelier than not, or the likeliest; the label `other` stands alone.
fn chosen(labels: &Labels, chances: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|one, other| chances[*other].total_cmp(&chances[*one]));
    if labels.other == order.first().copied() {
        order.truncate(1);
    }
    let likely = |(rank, place): &(usize, usize)| {
        *rank == 0 || (chances[*place] > 0.5 && labels.other != Some(*place))
    };
    let likely = order.into_iter().enumerate().filter(likely).map(|(_, place)| place);
    let mut chosen: Vec<usize> = likely.take(labels.most).collect();
    chosen.sort_unstable();
    chosen
}
