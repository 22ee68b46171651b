//! The view of a Hugging Face dataset, as `GET /api/datasets` lists it.

use std::borrow::Cow;

use super::{Census, Field, Record};
use crate::json::Raw;

/// A dataset on the Hub. What the Hub gives in another form than the usual one is [`Field::Wrong`], not an error.
#[derive(Clone, Debug, Default)]
pub struct HfDataset<'a> {
    /// `owner/name`, or a bare `name` for old canonical datasets.
    pub id: Field<Cow<'a, str>>,
    /// The owner, a JSON string; absent on canonical datasets.
    pub author: Field<Raw<'a>>,
    /// When it was made, RFC 3339 in a JSON string.
    pub created_at: Field<Raw<'a>>,
    /// When it was last changed, RFC 3339 in a JSON string.
    pub last_modified: Field<Raw<'a>>,
    /// Downloads of the last 30 days.
    pub downloads: Field<u64>,
    /// Likes, ever.
    pub likes: Field<u64>,
    /// Whether it is private.
    pub private: Field<bool>,
    /// Whether the Hub has disabled it.
    pub disabled: Field<bool>,
    /// `false`, `"auto"` or `"manual"`; absent in plain listings, where it is unknown.
    pub gated: Field<Raw<'a>>,
    /// The text of the card, cut by the Hub: a JSON string, not yet unescaped.
    pub description: Field<Raw<'a>>,
    /// Tags, bare or `prefix:value`.
    pub tags: Field<Raw<'a>>,
    /// The card's metadata, of any form.
    pub card_data: Field<Raw<'a>>,
}

impl<'a> HfDataset<'a> {
    /// Reads a record as a dataset. Of a name that stands twice the last one counts, as in most JSON readers.
    pub fn of(record: &'a Record) -> Self {
        let mut view = HfDataset::default();
        for (key, raw) in record.raw().members().into_iter().flatten() {
            match key.bytes() {
                b"id" => view.id = Field::read(raw, raw.str()),
                b"author" => view.author = text(raw),
                b"createdAt" => view.created_at = text(raw),
                b"lastModified" => view.last_modified = text(raw),
                b"downloads" => view.downloads = Field::read(raw, raw.u64()),
                b"likes" => view.likes = Field::read(raw, raw.u64()),
                b"private" => view.private = Field::read(raw, raw.bool()),
                b"disabled" => view.disabled = Field::read(raw, raw.bool()),
                b"gated" => view.gated = Field::read(raw, is_gated(raw).then_some(raw)),
                b"description" => view.description = text(raw),
                b"tags" => view.tags = Field::read(raw, raw.elements().map(|_| raw)),
                b"cardData" => view.card_data = Field::read(raw, raw.members().map(|_| raw)),
                _ => {}
            }
        }
        view
    }

    /// The tags that are strings, in order.
    pub fn tag_list(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let list = self.tags.get().and_then(|raw| raw.elements());
        list.into_iter().flatten().filter_map(Raw::str)
    }

    /// The owner and the name: from the id, else from the author.
    pub fn owner_and_name(&self) -> Option<(Option<Cow<'_, str>>, &str)> {
        let id = self.id.get()?;
        Some(match id.split_once('/') {
            Some((owner, name)) => (Some(Cow::Borrowed(owner)), name),
            None => (self.author.get().and_then(|raw| raw.str()), id),
        })
    }

    /// Counts the absent and wrong-typed fields of this record.
    pub fn census(&self, census: &mut Census) {
        census.records += 1;
        census.count("id", &self.id);
        census.count("author", &self.author);
        census.count("createdAt", &self.created_at);
        census.count("lastModified", &self.last_modified);
        census.count("downloads", &self.downloads);
        census.count("likes", &self.likes);
        census.count("private", &self.private);
        census.count("disabled", &self.disabled);
        census.count("gated", &self.gated);
        census.count("description", &self.description);
        census.count("tags", &self.tags);
        census.count("cardData", &self.card_data);
    }
}

/// A string, left as it lies: most texts of most rows are never looked at.
pub(super) fn text(raw: Raw<'_>) -> Field<Raw<'_>> {
    Field::read(raw, raw.is_str().then_some(raw))
}

pub(super) fn is_gated(raw: Raw<'_>) -> bool {
    raw.bool() == Some(false) || raw.str().is_some_and(|mode| mode == "auto" || mode == "manual")
}
