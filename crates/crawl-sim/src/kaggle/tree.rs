//! A flat list of files as folders within folders.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What lies right under one folder, as rows of an answer.
pub(super) struct Folder {
    pub(super) folders: Vec<Value>,
    pub(super) files: Vec<Value>,
}

impl Folder {
    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty() && self.files.is_empty()
    }
}

/// `path` is the folder, `None` the top; `files` are paths and sizes.
pub(super) fn under<'a>(
    files: impl Iterator<Item = (&'a str, u64)>,
    path: Option<&str>,
    created: &str,
) -> Folder {
    let path = path.unwrap_or_default().trim_matches('/');
    let start = if path.is_empty() { String::new() } else { format!("{path}/") };
    let (mut folders, mut rows) = (BTreeMap::<&str, (u64, BTreeMap<&str, ()>)>::new(), Vec::new());
    for (name, size) in files {
        let Some(rest) = name.strip_prefix(&start) else { continue };
        match rest.split_once('/') {
            None => rows.push(json!({
                "name": rest, "creationDate": created, "totalBytes": size, "relativeUrl": name, "description": "",
            })),
            Some((folder, below)) => {
                let (count, inner) = folders.entry(folder).or_default();
                match below.split_once('/') {
                    None => *count += 1,
                    Some((deeper, _)) => drop(inner.insert(deeper, ())),
                }
            }
        }
    }
    let folders = folders.into_iter().map(|(name, (count, inner))| {
        let inner = inner.len() as u64;
        json!({
            "name": name, "relativeUrl": format!("{start}{name}"), "totalDirectories": inner, "totalFiles": count,
            "totalChildren": inner + count,
        })
    });
    Folder { folders: folders.collect(), files: rows }
}
