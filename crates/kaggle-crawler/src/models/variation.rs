//! The variations of a model, from the two lists that the service has of them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Record, Result};
use serde::Serialize;
use serde_json::value::RawValue;

use super::framework::{asked, handle, segment};

/// One variation, as its model's row tells it. An unknown is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variation {
    /// As a handle spells it.
    pub(super) framework: String,
    pub(super) instance_slug: String,
    usage: Option<String>,
    /// The latest.
    pub(super) version_number: Option<u64>,
    license_name: Option<String>,
    total_uncompressed_bytes: Option<u64>,
    /// All of them, where all were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) versions: Option<Vec<u64>>,
    /// As the methods want the framework.
    #[serde(skip)]
    pub(super) asked: String,
    /// All that the service tells.
    #[serde(skip)]
    pub(super) metadata: Record,
}

impl Variation {
    /// What names it within its model.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.framework, self.instance_slug)
    }

    /// Its folder below that of its model.
    pub(super) fn folder(&self) -> String {
        format!("{}/{}", segment(&self.framework), segment(&self.instance_slug))
    }

    fn read(row: Record) -> Option<Self> {
        let raw = row.raw();
        let text = |name: &str| raw.get(name)?.str().filter(|text| !text.is_empty()).map(String::from);
        let number = |name: &str| raw.get(name).and_then(Raw::u64);
        let told = text("framework")?;
        let license = || Some(raw.get("license")?.get("name")?.str()?.into_owned());
        Some(Variation {
            framework: handle(&told),
            instance_slug: text("slug")?,
            usage: raw.get("usage").and_then(Raw::str).map(String::from),
            // Where it is 0, it is left out or has no version yet.
            version_number: number("versionNumber").filter(|version| *version > 0),
            license_name: text("licenseName").or_else(license),
            total_uncompressed_bytes: number("totalUncompressedBytes"),
            versions: None,
            asked: asked(&told),
            metadata: row,
        })
    }

    /// Both of one variation: the newer one leads, the other one adds what it does not tell.
    fn with(self, other: Variation) -> Result<Self> {
        let (first, second) =
            if other.version_number > self.version_number { (other, self) } else { (self, other) };
        Ok(Variation {
            usage: first.usage.or(second.usage),
            license_name: first.license_name.or(second.license_name),
            total_uncompressed_bytes: first.total_uncompressed_bytes.or(second.total_uncompressed_bytes),
            metadata: joined(&first.metadata, &second.metadata)?,
            ..first
        })
    }
}

/// The variations of the rows, each once, in the order in which they come first; and how many rows are none.
pub(super) fn merged(rows: impl IntoIterator<Item = Record>) -> Result<(Vec<Variation>, usize)> {
    let (mut found, mut odd) = (Vec::<Variation>::new(), 0);
    let mut places = HashMap::new();
    for row in rows {
        let Some(variation) = Variation::read(row) else {
            odd += 1;
            continue;
        };
        match places.entry(variation.name()) {
            Entry::Occupied(place) => {
                let known: &mut Variation = &mut found[*place.get()];
                *known = known.clone().with(variation)?;
            }
            Entry::Vacant(place) => {
                place.insert(found.len());
                found.push(variation);
            }
        }
    }
    Ok((found, odd))
}

/// An object with the members of `first`, and behind them those that only `second` has.
fn joined(first: &Record, second: &Record) -> Result<Record> {
    let known: HashSet<_> = first.raw().members().into_iter().flatten().map(|(key, _)| key.name()).collect();
    let mut more = BTreeMap::new();
    for (key, value) in second.raw().members().into_iter().flatten() {
        if !known.contains(&key.name()) {
            let value: Box<RawValue> = value
                .to()
                .map_err(|cause| Error::new(Kind::Shape, "a variation cannot be read").because(cause))?;
            more.insert(key.name(), value);
        }
    }
    first.with_members(&more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Record {
        Record::parse(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn of_two_lists_the_newer_version_leads_and_nothing_that_either_tells_is_lost() {
        let (found, odd) = merged([
            row(r#"{"slug":"2b","framework":"MODEL_FRAMEWORK_PY_TORCH","versionNumber":2,"usage":"u","x":1.50}"#),
            row(r#"{"slug":"2b","framework":"MODEL_FRAMEWORK_FLAX"}"#),
            row(r#"{"slug":"2b","framework":"pyTorch","versionNumber":3,"license":{"name":"MIT"},"y":"ü"}"#),
            row(r#"{"framework":"pyTorch"}"#),
            row(r#"{"slug":"3b","framework":"Strange/One"}"#),
        ])
        .unwrap();
        assert_eq!(odd, 1);
        let names: Vec<_> = found.iter().map(Variation::name).collect();
        assert_eq!(names, ["pyTorch/2b", "flax/2b", "Strange/One/3b"]);
        let first = &found[0];
        assert_eq!((first.version_number, first.usage.as_deref()), (Some(3), Some("u")));
        assert_eq!(first.license_name.as_deref(), Some("MIT"));
        let metadata = std::str::from_utf8(first.metadata.bytes()).unwrap();
        assert!(metadata.contains(r#""y":"ü""#) && metadata.contains(r#""x":1.50"#), "{metadata}");
        assert_eq!((found[1].version_number, found[2].folder().as_str()), (None, "Strange=sOne/3b"));
    }
}
