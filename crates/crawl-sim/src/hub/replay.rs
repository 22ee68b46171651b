//! Serves recorded bodies, byte for byte.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use super::cursor::{decode_offset, encode_offset};
use super::list::{base, page};
use super::world::HubKind;
use crate::http::answer::Answer;
use crate::http::request::Request;

/// The recorded bodies of both kinds.
pub(super) struct Replay {
    datasets: Recorded,
    models: Recorded,
}

struct Recorded {
    /// In the order of their names.
    lists: Vec<Bytes>,
    details: HashMap<String, Bytes>,
}

impl Replay {
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let read = |kind: HubKind| Recorded::read(&folder.join(kind.path()));
        Ok(Self { datasets: read(HubKind::Datasets)?, models: read(HubKind::Models)? })
    }

    fn recorded(&self, kind: HubKind) -> &Recorded {
        match kind {
            HubKind::Datasets => &self.datasets,
            HubKind::Models => &self.models,
        }
    }

    /// `None` if no listing of this kind was recorded.
    pub(super) fn list(&self, kind: HubKind, request: &Request) -> Option<Answer> {
        let lists = &self.recorded(kind).lists;
        let pairs = request.pairs();
        let cursor = pairs.iter().find(|(name, _)| name == "cursor").map(|(_, value)| value);
        let position = cursor.map_or(Some(0), |cursor| decode_offset(cursor))?;
        let body = lists.get(position)?.to_vec();
        let (base, next) = (base(request), encode_offset(position + 1));
        let has_next = position + 1 < lists.len();
        Some(page(body, has_next.then_some((request, base.as_str(), next.as_str()))))
    }

    pub(super) fn detail(&self, kind: HubKind, id: &str) -> Option<Bytes> {
        self.recorded(kind).details.get(id).cloned()
    }
}

impl Recorded {
    fn read(folder: &Path) -> io::Result<Self> {
        let mut recorded = Self { lists: Vec::new(), details: HashMap::new() };
        for path in bodies(&folder.join("list"))? {
            recorded.lists.push(std::fs::read(path)?.into());
        }
        for inner in sorted(folder)?.iter().filter(|inner| is_detail(inner)) {
            for path in bodies(inner)? {
                let body = Bytes::from(std::fs::read(path)?);
                let id = serde_json::from_slice::<Value>(&body)
                    .ok()
                    .and_then(|value| Some(value.get("id")?.as_str()?.to_owned()));
                // A body without an id is a redirect or an error: it answers for nothing.
                if let Some(id) = id {
                    recorded.details.entry(id).or_insert(body);
                }
            }
        }
        Ok(recorded)
    }
}

fn is_detail(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("detail") || name.starts_with("expand")
}

/// Files that end with `.json`; a missing folder holds none.
fn bodies(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    Ok(sorted(folder)?.into_iter().filter(json).collect())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
