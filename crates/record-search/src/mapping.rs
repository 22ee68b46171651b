//! Mapping files: which fields of a record are its texts, facets, numbers and times.

use std::collections::{BTreeMap, BTreeSet};

use crawl_core::{Error, Kind as Why, Result, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::document::{Cell, Document, Kind, MOST_NAME, Value, cut};
use crate::field::{Field, Fields};

/// The column of what stands together when variants are folded.
pub(crate) const GROUP: &str = "variant_group";
/// The column of what holds the same: it stands together, too.
pub(crate) const SAME: &str = "same_content";
/// Columns that every index may have, and the filters that look at several columns.
const RESERVED: [&str; 6] = ["source", GROUP, SAME, "fits", "memory", "speed"];

/// How records of one kind become documents. Files of this form are in `configs/search/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Where the records are from: the value of the facet `source`, and the first part of each key.
    pub source: String,
    /// The listings of a root that it reads, such as `hf/models`; `*` stands for one part of a name.
    #[serde(default)]
    pub listings: Vec<String>,
    /// A table that has all of these columns is read by it, if no other mapping is named.
    #[serde(default)]
    pub table: Vec<String>,
    /// The field that tells a record from the others of this source.
    pub id: Fields,
    /// The texts.
    #[serde(default)]
    pub text: Texts,
    /// Columns of texts.
    #[serde(default)]
    pub facets: BTreeMap<String, Fields>,
    /// Columns of numbers.
    #[serde(default)]
    pub numbers: BTreeMap<String, Fields>,
    /// Columns of times.
    #[serde(default)]
    pub times: BTreeMap<String, Fields>,
    /// The address for people; `{id}` stands for the id.
    pub url: Option<String>,
    /// Of which other record of this source it is but another form: folded, it stands under that one.
    pub variant_of: Option<Fields>,
    /// What only records have in common that hold the same, such as a hash of all that counts: folded, they stand together.
    pub same: Option<Fields>,
    /// A record in which this is told is gone, and goes from the index.
    pub gone: Option<Fields>,
    /// The fields that the vector is made of, in this order; without it name, tags and the beginning of the card.
    pub meaning: Option<Vec<Field>>,
    /// What changes with the text of the file.
    #[serde(skip)]
    pub digest: String,
}

/// The text fields of a [`Mapping`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// The name; without it the id.
    pub name: Option<Fields>,
    /// The owner.
    pub author: Option<Fields>,
    /// Tags: the values of all of these fields.
    pub tags: Vec<Field>,
    /// The long text: all of these fields, one below the other.
    pub card: Vec<Field>,
}

/// What a mapping makes of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    /// To be indexed.
    Document(Box<Document>),
    /// Gone at its source: the key of what is to go from the index.
    Gone(String),
}

/// The mapping files that the program brings: name and text.
const SHIPPED: &[(&str, &str)] = &[
    ("hf-catalogue", include_str!("../../../configs/search/hf-catalogue.toml")),
    ("hf-models", include_str!("../../../configs/search/hf-models.toml")),
    ("hf-datasets", include_str!("../../../configs/search/hf-datasets.toml")),
    ("kaggle-competitions", include_str!("../../../configs/search/kaggle-competitions.toml")),
    ("kaggle-datasets", include_str!("../../../configs/search/kaggle-datasets.toml")),
    ("kaggle-kernels", include_str!("../../../configs/search/kaggle-kernels.toml")),
    ("kaggle-models", include_str!("../../../configs/search/kaggle-models.toml")),
    ("kaggle-discussions", include_str!("../../../configs/search/kaggle-discussions.toml")),
    ("discourse", include_str!("../../../configs/search/discourse.toml")),
];

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// `Config` if it is none, or names a column that may not be named so.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let bad = |what: String| {
            Error::new(Why::Config, what)
                .at(name)
                .advise("see configs/search/ for mapping files, every field commented")
        };
        let mut mapping: Mapping =
            toml::from_str(text).map_err(|cause| bad(format!("not a mapping file: {}", cause.message())))?;
        mapping.digest = format!("{:032x}", crate::document::key_hash(text));
        let columns = mapping.facets.keys().chain(mapping.numbers.keys()).chain(mapping.times.keys());
        let mut seen = BTreeSet::new();
        for column in columns {
            check_column(column).map_err(&bad)?;
            if !seen.insert(column) {
                return Err(bad(format!("the column `{column}` is there twice")));
            }
        }
        if mapping.source.is_empty() || mapping.source.contains(':') {
            return Err(bad("`source` must be a word without `:`".into()));
        }
        Ok(mapping)
    }

    /// The mapping files that the program brings.
    ///
    /// # Errors
    /// None: a test reads them all.
    pub fn shipped() -> Result<Vec<Mapping>> {
        SHIPPED.iter().map(|(name, text)| Mapping::parse(name, text)).collect()
    }

    /// The shipped mapping of that name.
    ///
    /// # Errors
    /// `Config` if there is none; the message names them all.
    pub fn named(name: &str) -> Result<Mapping> {
        match SHIPPED.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Mapping::parse(name, text),
            None => {
                let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
                Err(Error::new(Why::Config, "no mapping of this name is shipped")
                    .at(name)
                    .advise(format!("name a mapping file, or one of: {}", names.join(", "))))
            }
        }
    }

    /// Whether it reads the listing of that name.
    pub fn reads(&self, listing: &str) -> bool {
        self.listings.iter().any(|pattern| {
            pattern.split('/').count() == listing.split('/').count()
                && pattern.split('/').zip(listing.split('/')).all(|(part, name)| part == "*" || part == name)
        })
    }

    /// The names of the members that it looks at in a record: the columns of a table that it needs.
    pub fn members(&self) -> BTreeSet<&str> {
        let texts = &self.text;
        let columns = self.facets.values().chain(self.numbers.values()).chain(self.times.values());
        let single = [&texts.name, &texts.author, &self.gone, &self.variant_of, &self.same];
        let fields = columns.chain([&self.id]).chain(single.into_iter().flatten()).flat_map(Fields::all);
        let lists = texts.tags.iter().chain(&texts.card).chain(self.meaning.iter().flatten());
        fields.chain(lists).filter_map(Field::member).collect()
    }

    /// Makes a document of a record.
    ///
    /// # Errors
    /// `Shape`, about this record alone, if it has no id.
    pub fn map(&self, record: &Json) -> Result<Mapped> {
        let no_id =
            || Error::new(Why::Shape, "the record has no id").advise("look at `id` of the mapping file");
        let id = self.id.text(record).filter(|id| !id.is_empty()).ok_or_else(no_id)?;
        if id.len() > MOST_NAME {
            return Err(Error::new(Why::Shape, format!("its id is longer than {MOST_NAME} bytes"))
                .advise("look at `id` of the mapping file"));
        }
        if self.gone.as_ref().is_some_and(|gone| gone.text(record).is_some()) {
            return Ok(Mapped::Gone(format!("{}:{id}", self.source)));
        }
        let mut columns = BTreeMap::new();
        columns.insert("source".to_owned(), (Kind::Facet, Cell::texts([self.source.as_str()])));
        for (name, fields) in &self.facets {
            if let Some((texts, derived)) = fields.texts(record) {
                let cell = Cell { value: Value::Texts(texts), derived };
                columns.insert(name.clone(), (Kind::Facet, cell));
            }
        }
        for (name, fields) in &self.numbers {
            if let Some((number, derived)) = fields.number(record) {
                let cell = Cell { value: Value::Number(number), derived };
                columns.insert(name.clone(), (Kind::Number, cell));
            }
        }
        for (name, fields) in &self.times {
            if let Some((time, derived)) = fields.first(|field| seconds(&field.text(record)?)) {
                let cell = Cell { value: Value::Number(time), derived };
                columns.insert(name.clone(), (Kind::Time, cell));
            }
        }
        if let Some(variant_of) = &self.variant_of {
            let of = variant_of.text(record).unwrap_or_else(|| id.clone());
            let cell = Cell { value: Value::Texts(vec![of.to_lowercase()]), derived: true };
            columns.insert(GROUP.to_owned(), (Kind::Facet, cell));
        }
        if let Some(same) = self.same.as_ref().and_then(|same| same.text(record)) {
            let cell = Cell { value: Value::Texts(vec![same]), derived: true };
            columns.insert(SAME.to_owned(), (Kind::Facet, cell));
        }
        let text = |fields: &Option<Fields>| fields.as_ref().and_then(|fields| fields.text(record));
        let name = text(&self.text.name).unwrap_or_else(|| id.clone());
        let mut tags = Vec::new();
        self.text.tags.iter().for_each(|field| field.texts(record, &mut tags));
        let mut lines = Vec::new();
        self.text.card.iter().for_each(|field| field.texts(record, &mut lines));
        let card = lines.join("\n");
        let meaning = match &self.meaning {
            Some(fields) => {
                let mut lines = Vec::new();
                fields.iter().for_each(|field| field.texts(record, &mut lines));
                lines.join("\n")
            }
            None => meaning_of(&name, &tags, &card),
        };
        let mut document = Document {
            source: self.source.clone(),
            url: self.url.as_ref().map(|url| url.replace("{id}", &id)),
            author: text(&self.text.author).unwrap_or_default(),
            id,
            name,
            tags,
            card,
            columns,
            meaning,
        };
        cut(&mut document.meaning, 4_000);
        Ok(Mapped::Document(Box::new(document)))
    }
}

/// Name, tags that are words, and the beginning of the card.
fn meaning_of(name: &str, tags: &[String], card: &str) -> String {
    let mut text = name.replace(['-', '_', '.', '/'], " ");
    for tag in tags.iter().filter(|tag| !tag.contains(':')).take(30) {
        text.push(' ');
        text.push_str(&tag.replace(['-', '_'], " "));
    }
    text.push('\n');
    text.push_str(&card[..card.floor_char_boundary(2_000)]);
    text
}

fn seconds(text: &str) -> Option<f64> {
    let time: Timestamp = match text.parse() {
        Ok(time) => time,
        // A day, or a time without a zone, which all services mean as UTC.
        Err(_) => {
            let time: jiff::civil::DateTime = text.parse().ok()?;
            time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
    };
    Some(time.as_microsecond() as f64 / 1e6)
}

fn check_column(name: &str) -> Result<(), String> {
    let word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 40
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    match word {
        false => Err(format!("a column is named with a-z, 0-9 and _, not `{name}`")),
        // The owner is both: a text, and a column where a mapping makes one of it.
        true if (crate::schema::TEXTS.contains(&name) && name != "author") || RESERVED.contains(&name) => {
            Err(format!("`{name}` is the name of something that every index has"))
        }
        true => Ok(()),
    }
}
