//! What is known of a forum before its topics: that it is one, its name, its categories, its terms.

use std::collections::{HashMap, HashSet};

use crawl_core::http::shown;
use crawl_core::record::conversation::Category;
use crawl_core::{Error, Kind, Result};
use serde::Deserialize;
use url::Url;

use crate::Forum;

/// A forum's own words about itself.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its title.
    pub title: Option<String>,
    /// Its language.
    pub locale: Option<String>,
    /// Its categories by number.
    pub categories: HashMap<u64, Category>,
    /// The topics that only describe a category.
    pub definitions: HashSet<u64>,
    /// Where its terms stand, if it has any.
    pub terms: Option<Url>,
}

#[derive(Deserialize)]
struct Basic {
    title: Option<String>,
    #[serde(default)]
    login_required: bool,
    locale: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole {
    categories: Vec<CategoryRow>,
}

#[derive(Deserialize, Clone)]
struct CategoryRow {
    id: u64,
    name: Option<String>,
    parent_category_id: Option<u64>,
    topic_url: Option<String>,
}

impl Site {
    /// Asks a forum who it is.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is no Discourse forum; [`Kind::Denied`] if it wants a login.
    pub async fn of(forum: &Forum) -> Result<Self> {
        let none = |error: Error| match error.kind() {
            Kind::Gone | Kind::Shape => Error::new(
                Kind::Config,
                "there is no Discourse forum at this address",
            )
            .at(shown(forum.base()))
            .because(error)
            .advise(
                "check the address; a forum in a folder of its host wants that folder: https://host/forum",
            ),
            _ => error,
        };
        let (basic, response) = forum.ask("site/basic-info.json", &[]).await.map_err(none)?;
        let basic: Basic = basic.raw().to().map_err(|cause| {
            none(Error::new(Kind::Shape, "it answers otherwise").at(shown(&response.url)).because(cause))
        })?;
        if basic.title.is_none() {
            return Err(none(Error::new(Kind::Shape, "it tells no title").at(shown(&response.url))));
        }
        if basic.login_required {
            tracing::info!("the forum says that it wants a login");
        }
        let (whole, _) = forum.ask("site.json", &[]).await?;
        let whole: Whole = whole.raw().to().unwrap_or_default();
        Ok(Site {
            title: basic.title,
            locale: basic.locale,
            definitions: whole.categories.iter().filter_map(definition).collect(),
            categories: categories(&whole.categories),
            terms: forum.base().join("tos").ok(),
        })
    }
}

/// The forum's terms as Markdown, for who wants to know later under what its posts were had; `None` if it shows none.
///
/// # Errors
/// Those of asking that concern the run.
pub async fn terms(forum: &Forum) -> Result<Option<String>> {
    let mut request = forum.request("tos", &[])?;
    request.headers.remove("accept");
    match forum.http().send(&request).await {
        Ok(answer) => {
            let text = String::from_utf8_lossy(&answer.body);
            let page = text.trim_start().starts_with('<');
            let markdown = match page {
                true => html_markdown::markdown(&text, &html_markdown::Options::discourse(Some(answer.url))),
                false => text.into_owned(),
            };
            Ok(Some(markdown).filter(|text| !text.trim().is_empty()))
        }
        Err(error) if error.concerns_all() && error.kind() != Kind::Denied => Err(error),
        Err(error) => {
            tracing::debug!(%error, "the forum shows no terms");
            Ok(None)
        }
    }
}

/// The number at the end of `/t/about-the-help-category/6`.
fn definition(row: &CategoryRow) -> Option<u64> {
    row.topic_url.as_deref()?.rsplit('/').next()?.parse().ok()
}

fn categories(rows: &[CategoryRow]) -> HashMap<u64, Category> {
    let by: HashMap<u64, &CategoryRow> = rows.iter().map(|row| (row.id, row)).collect();
    let path = |row: &CategoryRow| {
        let (mut names, mut at) = (vec![row.name.clone()?], row.parent_category_id);
        // Three levels is all that Discourse has; a circle ends here too.
        while let Some(parent) = at.and_then(|id| by.get(&id)).filter(|_| names.len() < 8) {
            names.push(parent.name.clone()?);
            at = parent.parent_category_id;
        }
        names.reverse();
        Some(names.join("/"))
    };
    let category = |row: &CategoryRow| Category {
        id: Some(row.id),
        name: row.name.clone(),
        path: path(row),
        ..Category::default()
    };
    rows.iter().map(|row| (row.id, category(row))).collect()
}

/// The folder of a forum below a root: its host, with its port and its own folder where it has them.
pub fn host_folder(base: &Url) -> String {
    let mut name =
        base.host_str().unwrap_or("unknown").trim_matches(['[', ']']).replace(':', "_").to_lowercase();
    if let Some(port) = base.port() {
        name.push_str(&format!("_{port}"));
    }
    for part in base.path().split('/').filter(|part| !part.is_empty()) {
        name.push('_');
        name.extend(part.chars().map(|letter| match letter {
            'a'..='z' | '0'..='9' | '-' | '.' => letter,
            'A'..='Z' => letter.to_ascii_lowercase(),
            _ => '-',
        }));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_forums_are_names_of_sources() {
        for (base, folder) in [
            ("https://forum.example.org/", "forum.example.org"),
            ("http://127.0.0.1:8080/", "127.0.0.1_8080"),
            ("https://Example.org/Forum/", "example.org_forum"),
            ("http://[::1]:9/", "__1_9"),
        ] {
            assert_eq!(host_folder(&Url::parse(base).unwrap()), folder);
        }
    }
}
