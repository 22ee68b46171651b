//! The tree of a repository: `/api/{datasets,models}/ID/tree/REVISION[/FOLDER]`.

use std::collections::BTreeSet;

use super::detail::{Found, decode, disabled, find, moved, refusal, refuse_revision, unknown};
use super::files::{self, File};
use super::list::{base, page};
use super::row::Row;
use super::world::HubKind;
use super::{Hub, cursor};
use crate::http::answer::Answer;
use crate::http::request::Request;
use crate::json::{self, Array, Object};

/// The page of the Hub, and its page with `expand=true`.
const PAGE: usize = 1000;
const EXPANDED_PAGE: usize = 50;

impl Hub {
    pub(super) fn tree(&self, kind: HubKind, request: &Request) -> Answer {
        let path = decode(request.path());
        let rest = path.split('/').skip(3).collect::<Vec<_>>().join("/");
        let Some((id, rest)) = rest.split_once("/tree/") else { return unknown(request) };
        let (revision, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let world = self.world(kind);
        let row = match find(&world, id, request) {
            Found::Here(row, _) => row,
            Found::Moved(now) => return moved(request, id, &now),
            Found::Unknown => return unknown(request),
        };
        if row.is_disabled() {
            return disabled();
        }
        if let Some(refusal) = refuse_revision(&row, revision) {
            return refusal;
        }
        let pairs = request.pairs();
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let truth =
            |name: &str| value(name).is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1");
        let entries = entries(&row, folder.trim_end_matches('/'), truth("recursive"));
        if entries.is_empty() {
            return refusal(404, "EntryNotFound", &format!("{folder} does not exist on \"{revision}\""));
        }
        let largest = if truth("expand") { EXPANDED_PAGE } else { PAGE };
        let limit = value("limit").and_then(|text| text.parse().ok()).unwrap_or(largest).clamp(1, largest);
        let from = value("cursor").and_then(cursor::decode_offset).unwrap_or(0).min(entries.len());
        let to = (from + limit).min(entries.len());
        let body = write(&row, &entries[from..to], truth("expand"));
        let next = (to < entries.len()).then(|| cursor::encode_offset(to));
        let base = base(request);
        page(body, next.as_deref().map(|next| (request, base.as_str(), next)))
    }
}

enum Entry {
    Folder(String),
    File(File),
}

fn entries(row: &Row<'_>, folder: &str, recursive: bool) -> Vec<Entry> {
    let mut known = BTreeSet::new();
    let mut entries = Vec::new();
    for file in files::all(row) {
        let inside = if folder.is_empty() {
            Some(file.path.as_str())
        } else {
            file.path.strip_prefix(&format!("{folder}/")).filter(|rest| !rest.is_empty())
        };
        let Some(inside) = inside else { continue };
        let below = inside.split_once('/').map(|(first, _)| first);
        if let Some(first) = below {
            let path = if folder.is_empty() { first.to_owned() } else { format!("{folder}/{first}") };
            if known.insert(path.clone()) {
                entries.push(Entry::Folder(path));
            }
        }
        if recursive || below.is_none() {
            entries.push(Entry::File(file));
        }
    }
    entries
}

fn write(row: &Row<'_>, entries: &[Entry], expand: bool) -> Vec<u8> {
    let mut body = Vec::new();
    let mut array = Array::new(&mut body);
    for entry in entries {
        json::object(array.item(), |object| match entry {
            Entry::Folder(path) => {
                object.text("type", "directory");
                object.text("oid", &row.sha());
                object.plain("size", 0);
                object.text("path", path);
            }
            Entry::File(file) => write_file(object, row, file, expand),
        });
    }
    array.end();
    body
}

fn write_file(object: &mut Object<'_>, row: &Row<'_>, file: &File, expand: bool) {
    let content = file.content(row);
    object.text("type", "file");
    object.text("oid", &file.oid(&content));
    object.plain("size", content.size);
    if file.is_lfs() {
        files::lfs(object, "oid", &content);
    }
    object.text("path", &file.path);
    if expand {
        object.object("lastCommit", |commit| {
            commit.text("id", &row.sha());
            commit.text("title", "Upload files");
            commit.plain("date", format_args!("\"{}\"", row.world.modified(row.index)));
        });
    }
}
