//! The texts of a competition: from its pages, else from the cells of Meta Kaggle.

use crawl_core::Record;
use serde::{Deserialize, Serialize};

use crate::sections::{Overview, to_markdown};

/// A row of `ListCompetitionPages`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageRow {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize, Default)]
pub(super) struct Pages {
    #[serde(default)]
    pub(super) pages: Vec<PageRow>,
}

/// A text, and where it is from.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) text: Option<String>,
    pub(super) from: Option<From>,
}

/// Where a text is from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum From {
    /// A page of its own.
    Page,
    /// The table's own column.
    Table,
    /// Cut out of the table's `Overview`, so sure of 1.
    Overview(f64),
}

/// What pages of the data are called.
const DATA: [&str; 3] = ["datadescription", "datasetdescription", "data"];

/// The texts of the final format, Markdown.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) description: Found,
    pub(super) evaluation: Found,
    pub(super) data: Found,
}

impl Texts {
    /// Those of `pages`; what they lack, from the cells of `row`.
    pub(super) fn of(pages: &Pages, row: &Record) -> Self {
        let cell =
            |name: &str| row.raw().get(name).and_then(|cell| cell.str()).unwrap_or_default().into_owned();
        let overview = to_markdown(&cell("Overview")).into_owned();
        let overview = Overview::split(&overview);
        let cut = |part: Option<crate::sections::Part<'_>>| match part {
            Some(part) => filled(part.text, From::Overview(part.split_confidence)),
            None => Found::default(),
        };
        let table = to_markdown(&cell("DatasetDescription")).into_owned();
        let table = filled(below(&table, &DATA), From::Table);
        Texts {
            description: page(pages, &["description"]).or(|| cut(overview.description())),
            evaluation: page(pages, &["evaluation"]).or(|| cut(overview.evaluation())),
            data: page(pages, &DATA).or(|| table).or(|| cut(overview.dataset_description())),
        }
    }
}

impl Found {
    fn or(self, other: impl FnOnce() -> Found) -> Found {
        if self.text.is_some() { self } else { other() }
    }
}

/// A text that says something.
fn filled(text: &str, from: From) -> Found {
    let text = text.trim();
    if text.is_empty() {
        return Found::default();
    }
    Found { text: Some(text.to_owned()), from: Some(from) }
}

/// The first page that has one of these names, whatever its case and marks.
fn page(pages: &Pages, names: &[&str]) -> Found {
    for name in names {
        let of_name = |row: &&PageRow| row.name.as_deref().is_some_and(|row| plain(row) == *name);
        let content = pages.pages.iter().filter(of_name).find_map(|row| row.content.as_deref());
        let text = to_markdown(content.unwrap_or_default());
        let found = filled(below(&text, names), From::Page);
        if found.text.is_some() {
            return found;
        }
    }
    Found::default()
}

/// A text without its first heading, where that is only the name of the page.
fn below<'a>(text: &'a str, names: &[&str]) -> &'a str {
    let split = Overview::split(text);
    match split.sections().first() {
        Some(first) if first.level > 0 && names.contains(&plain(&first.title).as_str()) => {
            &text[first.text.len() - first.body.len()..]
        }
        _ => text,
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
