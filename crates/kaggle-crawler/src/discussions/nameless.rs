//! A listing of topics that keeps nobody's name.

use std::borrow::Cow;

use crawl_core::{Context, Cursor, Page, Record, Result, Settings, Source, SourceId};
use serde_json::Value;

/// What of a listed row tells no name.
const KEPT: [&str; 8] =
    ["id", "ref", "postDate", "lastCommentDate", "votes", "commentCount", "forumName", "forumId"];

/// The listing within, of whose rows only what tells no author is kept.
#[derive(Debug)]
pub struct Nameless<S>(pub S);

impl<S: Source> Source for Nameless<S> {
    fn id(&self) -> &SourceId {
        self.0.id()
    }

    fn settings(&self) -> Settings {
        self.0.settings().with("names", "none")
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        self.0.after(at)
    }

    async fn page(&self, at: &Cursor, context: &Context) -> Result<Option<Page>> {
        let Some(mut page) = self.0.page(at, context).await? else { return Ok(None) };
        for record in &mut page.records {
            let kept = |(key, value): (crawl_core::json::Key<'_>, crawl_core::json::Raw<'_>)| {
                let name = key.name();
                let value: Option<Value> = value.to().ok();
                KEPT.contains(&name.as_ref()).then(|| Some((name.into_owned(), value?)))?
            };
            let row: serde_json::Map<String, Value> =
                record.raw().members().into_iter().flatten().filter_map(kept).collect();
            *record = Record::write(&row)?;
        }
        for missing in &mut page.missing {
            missing.raw = None;
        }
        Ok(Some(page))
    }

    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        self.0.key(record)
    }
}
