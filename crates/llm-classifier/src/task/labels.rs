//! Labels: a closed set, as its file describes it.

use std::collections::BTreeMap;

use crawl_core::Result;
use serde::Deserialize;
use toml::Spanned;

use super::text::Text;

/// A closed set of labels.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Labels {
    /// The labels, in the order of the file.
    pub labels: Vec<Label>,
    /// How many labels a record may have at most.
    pub most: usize,
    /// The place in `labels` of the label that says "not enough information"; it only ever stands alone.
    pub other: Option<usize>,
    /// The order in which the model sees them, by place.
    pub(crate) order: Vec<usize>,
}

/// One label.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Label {
    /// The number that is written beside the name.
    pub id: i64,
    /// The name that is written.
    pub name: String,
    /// What the model sees and must spell instead of the name.
    pub alias: Option<String>,
    /// What belongs under it; shown to the model.
    pub description: String,
    /// What speaks for it; for the engine `rules`.
    pub words: Words,
}

/// Weighted words and tags for the engine `rules`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Words and phrases of the texts that the task shows, in lower case.
    #[serde(default)]
    pub words: BTreeMap<String, f64>,
    /// Whole tags, in lower case.
    #[serde(default)]
    pub tags: BTreeMap<String, f64>,
}

impl Words {
    /// Whether there is nothing to go by.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.tags.is_empty()
    }
}

impl Label {
    /// What the model sees and must spell.
    pub fn shown(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    id: Spanned<i64>,
    name: Spanned<String>,
    alias: Option<Spanned<String>>,
    description: String,
    #[serde(default)]
    words: BTreeMap<String, f64>,
    #[serde(default)]
    tags: BTreeMap<String, f64>,
}

impl Labels {
    pub(super) fn read(
        source: &Text<'_>,
        entries: &Spanned<Vec<Entry>>,
        most: &Spanned<usize>,
        other: Option<&Spanned<String>>,
    ) -> Result<Self> {
        check(source, entries)?;
        let labels: Vec<Label> = entries.get_ref().iter().map(Entry::label).collect();
        if *most.get_ref() == 0 || *most.get_ref() > labels.len() {
            let what = format!("must be from 1 to the number of labels, {}", labels.len());
            return Err(source.wrong(most.span().start, "most", &what));
        }
        let other = other.map(|name| {
            labels.iter().position(|label| label.name == *name.get_ref()).ok_or_else(|| {
                let what = format!("no label has the name `{}`", name.get_ref());
                source.wrong(name.span().start, "other", &what)
            })
        });
        let order = (0..labels.len()).collect();
        Ok(Labels { most: *most.get_ref(), other: other.transpose()?, labels, order })
    }

    /// What `{labels}` stands for.
    pub(crate) fn list(&self) -> String {
        let line = |place: &usize| {
            let label = &self.labels[*place];
            format!("- {}: {}", label.shown(), label.description.trim())
        };
        self.order.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Entry {
    fn label(&self) -> Label {
        Label {
            id: *self.id.get_ref(),
            name: self.name.get_ref().clone(),
            alias: self.alias.as_ref().map(|alias| alias.get_ref().clone()),
            description: self.description.clone(),
            words: Words { words: self.words.clone(), tags: self.tags.clone() },
        }
    }

    fn shown(&self) -> &Spanned<String> {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}

fn check(source: &Text<'_>, spanned: &Spanned<Vec<Entry>>) -> Result<()> {
    let entries = spanned.get_ref();
    for (index, entry) in entries.iter().enumerate() {
        let wrong = |at: std::ops::Range<usize>, key: &str, what: String| {
            Err(source.wrong(at.start, &format!("labels[{}].{key}", index + 1), &what))
        };
        let (name, id, shown) = (entry.name.get_ref(), entry.id.get_ref(), entry.shown());
        if name.trim().is_empty() || shown.get_ref().trim().is_empty() {
            return wrong(shown.span(), "name", "a label needs a name".into());
        }
        if entries[..index].iter().any(|other| other.name.get_ref() == name) {
            return wrong(entry.name.span(), "name", format!("two labels have the name `{name}`"));
        }
        if entries[..index].iter().any(|other| other.shown().get_ref() == shown.get_ref()) {
            return wrong(shown.span(), "alias", "the model sees two labels under one name".into());
        }
        if entries[..index].iter().any(|other| other.id.get_ref() == id) {
            return wrong(entry.id.span(), "id", format!("two labels have the id {id}"));
        }
    }
    match entries.len() {
        0 | 1 => Err(source.wrong(spanned.span().start, "labels", "a task needs two labels or more")),
        _ => Ok(()),
    }
}
