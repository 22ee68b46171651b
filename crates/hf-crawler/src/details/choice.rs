//! The map from a listing to the rows that are chosen of it: a listing of its own, so that a choice is made once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crawl_core::json::Raw;
use crawl_core::{Context, Error, Input, Kind, Map, Mapped, Over, Record, Result, Row, Settings, SourceId};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::ids::is_id;
use crate::repositories::hash;

/// Which rows are chosen.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// Those of these ids.
    Ids(Vec<String>),
    /// So many of those with the most downloads; of the others nobody knows how many they have.
    Top(u64),
}

/// The map from a listing to the chosen rows: `_id`, `id`, `sha` and `downloads` of each.
#[derive(Debug)]
pub struct Choice {
    chosen: Chosen,
    /// What [`Chosen::Top`] is found in.
    input: Input,
    hashes: OnceCell<HashSet<u64>>,
}

/// A chosen row, its values word for word.
#[derive(Serialize)]
struct Kept {
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    object_id: Option<Box<RawValue>>,
    id: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    downloads: Option<Box<RawValue>>,
}

impl Choice {
    /// What is chosen of the listing `input`, under the name `NAME-chosen`.
    ///
    /// # Errors
    /// [`Kind::Config`] if an id is none, if nothing is chosen, or if the listing has not ended.
    pub fn over(input: Input, chosen: Chosen) -> Result<Over<Self>> {
        match &chosen {
            Chosen::Ids(ids) if ids.is_empty() => {
                return Err(Error::new(Kind::Config, "no id is chosen").advise("name at least one"));
            }
            Chosen::Ids(ids) => {
                if let Some(odd) = ids.iter().find(|id| !is_id(id)) {
                    return Err(Error::new(Kind::Config, "not the id of a repository")
                        .at(odd.clone())
                        .advise("write it as owner/name"));
                }
            }
            Chosen::Top(_) => {}
        }
        let name = SourceId::new(format!("{}-chosen", input.id()))?;
        let choice = Choice { chosen, input: input.clone(), hashes: OnceCell::new() };
        Ok(Over::new(input, choice)?.named(name))
    }
}

impl Map for Choice {
    fn settings(&self) -> Settings {
        match &self.chosen {
            Chosen::Top(count) => Settings::default().with("top", count),
            Chosen::Ids(ids) => {
                // A few are told; of many their number and a digest.
                let joined = ids.join(",");
                let told = match joined.len() {
                    0..=200 => joined,
                    _ => format!("{} ids, {}", ids.len(), HEXLOWER.encode(&Sha256::digest(&joined))),
                };
                Settings::default().with("ids", told)
            }
        }
    }

    fn id(&self, row: &Record) -> Option<String> {
        row.raw().get("id").and_then(|id| id.str().map(String::from))
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        let (chosen, input) = (self.chosen.clone(), self.input.clone());
        let find = async || {
            let found = tokio::task::spawn_blocking(move || find(&chosen, &input)).await;
            found.map_err(|cause| Error::new(Kind::Storage, "the choice was broken off").because(cause))?
        };
        let hashes = self.hashes.get_or_try_init(find).await?;
        let row = |row: &Record| {
            if !key(row).is_some_and(|key| hashes.contains(&key)) {
                return Ok(Row::Dropped("not chosen".into()).into());
            }
            let value = |name: &str| row.raw().get(name).and_then(|raw| raw.to::<Box<RawValue>>().ok());
            let kept = Kept {
                object_id: value("_id"),
                id: value("id"),
                sha: value("sha"),
                downloads: value("downloads"),
            };
            Ok(Row::Kept(Record::write(&kept)?).into())
        };
        rows.iter().map(row).collect()
    }
}

/// A hash of the id; 64 bits are plenty for the repositories of the Hub.
fn key(row: &Record) -> Option<u64> {
    Some(hash(row.raw().get("id")?.str()?.as_ref()))
}

/// The ids to keep, as hashes.
fn find(chosen: &Chosen, input: &Input) -> Result<HashSet<u64>> {
    let count = match chosen {
        Chosen::Ids(ids) => return Ok(ids.iter().map(|id| hash(id.as_str())).collect()),
        Chosen::Top(count) => usize::try_from(*count).unwrap_or(usize::MAX),
    };
    let mut top = BinaryHeap::new();
    for page in 1..=input.pages() {
        for row in input.page(page)? {
            let downloads = row.raw().get("downloads").and_then(Raw::u64);
            let Some((downloads, key)) = downloads.zip(key(&row)) else { continue };
            top.push(Reverse((downloads, key)));
            if top.len() > count {
                top.pop();
            }
        }
    }
    Ok(top.into_iter().map(|Reverse((_, key))| key).collect())
}
