//! The view of a Hugging Face model, as `GET /api/models` lists it and `GET /api/models/ID` describes it.

use std::borrow::Cow;

use super::hf::{is_gated, text};
use super::{Census, Field, Record};
use crate::json::{Key, Raw};

/// A model on the Hub. What the Hub gives in another form than the usual one is [`Field::Wrong`], not an error.
///
/// Texts, lists and objects are left as they lie: most of them of most rows are never looked at.
#[derive(Clone, Debug, Default)]
pub struct HfModel<'a> {
    /// `owner/name`, or a bare `name` for old canonical models.
    pub id: Field<Cow<'a, str>>,
    /// The `_id`: 24 hex digits that stay when the model is renamed.
    pub object_id: Field<Cow<'a, str>>,
    /// The owner, a JSON string; absent on canonical models and where it was not asked for.
    pub author: Field<Raw<'a>>,
    /// The commit of `main`, a JSON string.
    pub sha: Field<Raw<'a>>,
    /// When it was made, RFC 3339 in a JSON string.
    pub created_at: Field<Raw<'a>>,
    /// When it was last changed, RFC 3339 in a JSON string.
    pub last_modified: Field<Raw<'a>>,
    /// Whether it is private.
    pub private: Field<bool>,
    /// `false`, `"auto"` or `"manual"`; absent where it was not asked for, and then unknown.
    pub gated: Field<Raw<'a>>,
    /// Whether the Hub has disabled it.
    pub disabled: Field<bool>,
    /// Downloads of the last 30 days.
    pub downloads: Field<u64>,
    /// Downloads, ever.
    pub downloads_all_time: Field<u64>,
    /// Likes, ever.
    pub likes: Field<u64>,
    /// How much it is looked at these days; not always a whole number.
    pub trending_score: Field<f64>,
    /// The task, a JSON string.
    pub pipeline_tag: Field<Raw<'a>>,
    /// The library it is made for, a JSON string.
    pub library_name: Field<Raw<'a>>,
    /// Tags, bare or `prefix:value`; of languages the bare code.
    pub tags: Field<Raw<'a>>,
    /// The card's metadata, an object of any form: its authors are not to be trusted.
    pub card_data: Field<Raw<'a>>,
    /// The part of `config.json` that the Hub keeps, an object.
    pub config: Field<Raw<'a>>,
    /// What the headers of the safetensors files tell.
    pub safetensors: Field<Safetensors<'a>>,
    /// What the header of one GGUF file tells.
    pub gguf: Field<Gguf<'a>>,
    /// The files, a list of objects.
    pub siblings: Field<Raw<'a>>,
    /// Bytes of the whole repository, all formats and its history: no size of a download.
    pub used_storage: Field<u64>,
    /// Which classes of the transformers library load it, an object.
    pub transformers_info: Field<Raw<'a>>,
    /// Results that the authors tell of; usually a list, or null.
    pub model_index: Field<Raw<'a>>,
    /// Models that are made from it.
    pub children: Field<u64>,
}

/// Parameters by their type. The authors have a hand in `total`: it may be far from the sum.
#[derive(Clone, Debug, Default)]
pub struct Safetensors<'a> {
    /// An object: the type, such as `BF16`, and how many of it. Packed ones count as their containers.
    pub parameters: Field<Raw<'a>>,
    /// The number that the Hub shows.
    pub total: Field<u64>,
}

/// Facts of one GGUF file of the repository.
#[derive(Clone, Debug, Default)]
pub struct Gguf<'a> {
    /// Parameters.
    pub total: Field<u64>,
    /// Such as `llama`.
    pub architecture: Field<Cow<'a, str>>,
    /// The longest context that it was made for, in tokens.
    pub context_length: Field<u64>,
}

impl<'a> HfModel<'a> {
    /// Reads a record as a model. Of a name that stands twice the last one counts, as in most JSON readers.
    pub fn of(record: &'a Record) -> Self {
        HfModel::and(record, |_, _| {})
    }

    /// As [`HfModel::of`], and gives each member that is none of these to `other`: a record is read through once.
    pub fn and(record: &'a Record, mut other: impl FnMut(Key<'a>, Raw<'a>)) -> Self {
        let mut view = HfModel::default();
        for (key, raw) in record.raw().members().into_iter().flatten() {
            match key.bytes() {
                b"id" => view.id = Field::read(raw, raw.str()),
                b"_id" => view.object_id = Field::read(raw, raw.str()),
                b"author" => view.author = text(raw),
                b"sha" => view.sha = text(raw),
                b"createdAt" => view.created_at = text(raw),
                b"lastModified" => view.last_modified = text(raw),
                b"private" => view.private = Field::read(raw, raw.bool()),
                b"gated" => view.gated = Field::read(raw, is_gated(raw).then_some(raw)),
                b"disabled" => view.disabled = Field::read(raw, raw.bool()),
                b"downloads" => view.downloads = count(raw),
                b"downloadsAllTime" => view.downloads_all_time = count(raw),
                b"likes" => view.likes = count(raw),
                b"trendingScore" => view.trending_score = Field::read(raw, finite(raw)),
                b"pipeline_tag" => view.pipeline_tag = text(raw),
                b"library_name" => view.library_name = text(raw),
                b"tags" => view.tags = list(raw),
                b"cardData" => view.card_data = object(raw),
                b"config" => view.config = object(raw),
                b"safetensors" => view.safetensors = Field::read(raw, Safetensors::of(raw)),
                b"gguf" => view.gguf = Field::read(raw, Gguf::of(raw)),
                b"siblings" => view.siblings = list(raw),
                b"usedStorage" => view.used_storage = count(raw),
                b"transformersInfo" => view.transformers_info = object(raw),
                b"model-index" => view.model_index = list(raw),
                b"childrenModelCount" => view.children = count(raw),
                _ => other(key, raw),
            }
        }
        view
    }

    /// The tags that are strings, in order.
    pub fn tag_list(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let list = self.tags.get().and_then(|raw| raw.elements());
        list.into_iter().flatten().filter_map(Raw::str)
    }

    /// The names of its files that are strings, in order.
    pub fn file_names(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let list = self.siblings.get().and_then(|raw| raw.elements());
        list.into_iter().flatten().filter_map(|file| file.get("rfilename")?.str())
    }

    /// Counts the absent and wrong-typed fields of this record.
    pub fn census(&self, census: &mut Census) {
        census.records += 1;
        census.count("id", &self.id);
        census.count("_id", &self.object_id);
        census.count("author", &self.author);
        census.count("sha", &self.sha);
        census.count("createdAt", &self.created_at);
        census.count("lastModified", &self.last_modified);
        census.count("private", &self.private);
        census.count("gated", &self.gated);
        census.count("disabled", &self.disabled);
        census.count("downloads", &self.downloads);
        census.count("downloadsAllTime", &self.downloads_all_time);
        census.count("likes", &self.likes);
        census.count("trendingScore", &self.trending_score);
        census.count("pipeline_tag", &self.pipeline_tag);
        census.count("library_name", &self.library_name);
        census.count("tags", &self.tags);
        census.count("cardData", &self.card_data);
        census.count("config", &self.config);
        census.count("safetensors", &self.safetensors);
        census.count("gguf", &self.gguf);
        census.count("siblings", &self.siblings);
        census.count("usedStorage", &self.used_storage);
        census.count("transformersInfo", &self.transformers_info);
        census.count("model-index", &self.model_index);
        census.count("childrenModelCount", &self.children);
        if let Some(safetensors) = self.safetensors.get() {
            census.count("safetensors.parameters", &safetensors.parameters);
            census.count("safetensors.total", &safetensors.total);
        }
        if let Some(gguf) = self.gguf.get() {
            census.count("gguf.total", &gguf.total);
            census.count("gguf.architecture", &gguf.architecture);
            census.count("gguf.context_length", &gguf.context_length);
        }
    }
}

impl<'a> Safetensors<'a> {
    fn of(raw: Raw<'a>) -> Option<Self> {
        let mut view = Safetensors::default();
        for (key, raw) in raw.members()? {
            match key.bytes() {
                b"parameters" => view.parameters = object(raw),
                b"total" => view.total = count(raw),
                _ => {}
            }
        }
        Some(view)
    }

    /// Each type, and how many parameters of it, in order.
    pub fn by_type(&self) -> impl Iterator<Item = (Cow<'a, str>, Field<u64>)> + use<'a> {
        let members = self.parameters.get().and_then(|raw| raw.members());
        members.into_iter().flatten().map(|(key, raw)| (key.name(), count(raw)))
    }
}

impl<'a> Gguf<'a> {
    fn of(raw: Raw<'a>) -> Option<Self> {
        let mut view = Gguf::default();
        for (key, raw) in raw.members()? {
            match key.bytes() {
                b"total" => view.total = count(raw),
                b"architecture" => view.architecture = Field::read(raw, raw.str()),
                b"context_length" => view.context_length = count(raw),
                _ => {}
            }
        }
        Some(view)
    }
}

/// A number of things, also if it is written as `7e9` or `3.0`; not if it is beyond what that can tell exactly.
fn count(raw: Raw<'_>) -> Field<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = |number: f64| number.fract() == 0.0 && (0.0..EXACT).contains(&number);
    let written_otherwise = || raw.f64().filter(|number| whole(*number)).map(|number| number as u64);
    Field::read(raw, raw.u64().or_else(written_otherwise))
}

/// A number that is none of those beyond all numbers, such as `1e999`.
fn finite(raw: Raw<'_>) -> Option<f64> {
    raw.f64().filter(|number| number.is_finite())
}

fn list(raw: Raw<'_>) -> Field<Raw<'_>> {
    Field::read(raw, raw.elements().map(|_| raw))
}

fn object(raw: Raw<'_>) -> Field<Raw<'_>> {
    Field::read(raw, raw.members().map(|_| raw))
}
