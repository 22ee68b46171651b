//! The attack set: TOML files of attacks, and a JSONL file of clean rows.

use std::path::Path;

use crawl_core::{Error, Kind, Record, Result};
use serde::Deserialize;

use super::disguise::Disguise;

/// One attack, as its file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Its name; unique in the set.
    pub name: String,
    /// The field it is planted into; if the task does not show it, the task's longest one takes its place.
    #[serde(default = "description")]
    pub field: String,
    /// Where in the field.
    #[serde(default)]
    pub place: Place,
    /// The order. `{wanted}` is the wanted answer in words, `{answer}` a whole JSON answer with it, `{place}` its place in the
    /// task's file, `{meaning}` how that describes it, `{id}` the record's id.
    pub text: String,
    /// What is done to the text after that.
    #[serde(default)]
    pub disguise: Disguise,
    /// So many characters of harmless text stand before the order.
    #[serde(default)]
    pub padding: usize,
    /// The family: the name of its file's table.
    #[serde(skip)]
    pub family: String,
}

fn description() -> String {
    "description".into()
}

/// Where an attack stands in its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Behind what the field holds.
    #[default]
    End,
    /// Before it.
    Begin,
    /// In its place.
    Whole,
}

/// The attacks, and rows to plant them into.
#[derive(Clone, Debug)]
pub struct AttackSet {
    /// The attacks, in the order of the files.
    pub attacks: Vec<Attack>,
    /// The clean rows.
    pub rows: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    family: String,
    /// For the reader of the file.
    #[serde(rename = "about")]
    _about: String,
    attacks: Vec<Attack>,
}

impl AttackSet {
    /// Reads the `*.toml` files of a folder, in order of name, and its `rows.jsonl`.
    ///
    /// # Errors
    /// [`Kind::Config`] with the file and what is wrong in it; if there is no attack, or no row.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .map_err(|cause| {
                Error::new(Kind::Config, "cannot read the folder of attacks")
                    .at(folder.display().to_string())
                    .because(cause)
                    .advise("name the folder with --attacks; ours is configs/attacks")
            })?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        let mut attacks: Vec<Attack> = Vec::new();
        for path in &files {
            attacks.extend(family(path)?);
        }
        let twice = |place: usize| attacks[..place].iter().any(|attack| attack.name == attacks[place].name);
        if let Some(place) = (0..attacks.len()).find(|place| twice(*place)) {
            let what = format!("two attacks have the name `{}`", attacks[place].name);
            return Err(wrong(folder, what, "give each attack a name of its own"));
        }
        if attacks.is_empty() {
            return Err(wrong(
                folder,
                "there is no attack in the folder".into(),
                "name a folder of attack files",
            ));
        }
        Ok(AttackSet { attacks, rows: rows(&folder.join("rows.jsonl"))? })
    }
}

fn family(path: &Path) -> Result<Vec<Attack>> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| Error::io("cannot read the file of attacks", path, cause))?;
    let file: File = toml::from_str(&text).map_err(|cause| {
        let before = &text[..cause.span().map_or(0, |span| span.start).min(text.len())];
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Error::new(Kind::Config, format!("the file of attacks is wrong: {}", cause.message()))
            .at(format!("{}:{line}", path.display()))
            .advise("correct the file; docs/evaluating.md explains every key")
    })?;
    Ok(file.attacks.into_iter().map(|attack| Attack { family: file.family.clone(), ..attack }).collect())
}

/// The rows of a JSONL file.
pub(super) fn rows(path: &Path) -> Result<Vec<Record>> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Error::new(Kind::Config, "cannot read the clean rows")
            .at(path.display().to_string())
            .because(cause)
            .advise("write some records without attacks into it, a JSON object a line")
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows: Vec<Record> = lines
        .map(|(number, line)| {
            Record::parse(line.to_owned()).map_err(|cause| {
                Error::new(Kind::Config, "the line is not JSON")
                    .at(format!("{}:{}", path.display(), number + 1))
                    .because(cause)
            })
        })
        .collect::<Result<_>>()?;
    match rows.is_empty() {
        true => {
            Err(wrong(path, "there is no clean row".into(), "write some records without attacks into it"))
        }
        false => Ok(rows),
    }
}

fn wrong(path: &Path, what: String, advice: &str) -> Error {
    Error::new(Kind::Config, what).at(path.display().to_string()).advise(advice)
}
