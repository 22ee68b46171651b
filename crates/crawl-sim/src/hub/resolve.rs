//! Files: small ones come at once, LFS files by a redirect to a file host that wants no credentials.

use std::sync::Arc;

use bytes::Bytes;
use url::form_urlencoded::byte_serialize;

use super::Hub;
use super::detail::{Found, decode, disabled, find, moved, refusal, refuse_revision, unknown};
use super::files::{self, Content, File};
use super::row::Row;
use super::world::HubKind;
use crate::fault::Fault;
use crate::http::answer::{Answer, Header};
use crate::http::request::Request;
use crate::http::server::Service;

impl Hub {
    pub(super) fn resolve(&self, kind: HubKind, request: &Request) -> Answer {
        let path = decode(request.path());
        let rest = path.trim_start_matches('/');
        let rest = if kind == HubKind::Datasets { rest.trim_start_matches("datasets/") } else { rest };
        let Some((id, rest)) = rest.split_once("/resolve/") else { return unknown(request) };
        let (revision, name) = rest.split_once('/').unwrap_or((rest, ""));
        let world = self.world(kind);
        let row = match find(&world, id, request) {
            Found::Here(row, _) => row,
            Found::Moved(now) => return moved(request, id, &now),
            Found::Unknown => return unknown(request),
        };
        if row.is_disabled() {
            return disabled();
        }
        if row.traits.gated != "false" {
            return gated(request, id);
        }
        if let Some(refusal) = refuse_revision(&row, revision) {
            return refusal;
        }
        let Some(file) = files::all(&row).into_iter().find(|file| file.path == name) else {
            return refusal(404, "EntryNotFound", "Entry not found").with("X-Repo-Commit", row.sha());
        };
        self.send(kind, request, &row, &file)
    }

    fn send(&self, kind: HubKind, request: &Request, row: &Row<'_>, file: &File) -> Answer {
        let content = file.content(row);
        if !file.is_lfs() {
            let id = request.path().split_once("/resolve/").map_or("", |(id, _)| id);
            let id = id.trim_start_matches('/').trim_start_matches("datasets/");
            let location =
                format!("/api/resolve-cache/{}/{id}/{}/{}", kind.path(), row.sha(), encoded(&file.path));
            return Answer::text(307, format!("Temporary Redirect. Redirecting to {location}"))
                .with("Location", location)
                .with("X-Repo-Commit", row.sha())
                .with("ETag", format!("\"{}\"", file.oid(&content)));
        }
        let hash = content.sha256();
        let location =
            format!("{}/{}/{}/{}?sum={hash}", self.cdn, kind.path(), row.index, encoded(&file.path));
        Answer::text(302, format!("Found. Redirecting to {location}"))
            .with("Location", location)
            .with("X-Repo-Commit", row.sha())
            .with("X-Linked-ETag", format!("\"{hash}\""))
            .with("X-Linked-Size", content.size.to_string())
            .with("Accept-Ranges", "bytes")
    }

    /// Where a small file lies: `/api/resolve-cache/{datasets,models}/ID/COMMIT/PATH`.
    pub(super) fn cached(&self, request: &Request, fault: Option<&Fault>) -> Answer {
        let path = decode(request.path());
        let rest = path.trim_start_matches("/api/resolve-cache/");
        let Some((kind, rest)) = rest.split_once('/') else { return unknown(request) };
        let kind = if kind == "datasets" { HubKind::Datasets } else { HubKind::Models };
        let parts: Vec<&str> = rest.split('/').collect();
        let sha = parts.iter().position(|part| part.len() == 40);
        let Some((id, [_, name @ ..])) = sha.map(|at| parts.split_at(at)) else { return unknown(request) };
        let (id, name) = (id.join("/"), name.join("/"));
        let world = self.world(kind);
        let Found::Here(row, _) = find(&world, &id, request) else { return unknown(request) };
        if row.is_disabled() {
            return disabled();
        }
        if row.traits.gated != "false" {
            return gated(request, &id);
        }
        let Some(file) = files::all(&row).into_iter().find(|file| file.path == name) else {
            return refusal(404, "EntryNotFound", "Entry not found").with("X-Repo-Commit", row.sha());
        };
        let content = file.content(&row);
        let etag = format!("\"{}\"", file.oid(&content));
        ranged(request, &content, fault).with("X-Repo-Commit", row.sha()).with("ETag", etag)
    }
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    path.split('/')
        .map(|part| byte_serialize(part.as_bytes()).collect::<String>())
        .collect::<Vec<_>>()
        .join("/")
}

/// The second origin, where LFS files come from.
pub(super) struct FileHost {
    pub(super) hub: Arc<Hub>,
}

impl Service for FileHost {
    fn kind(&self, _: &Request) -> &'static str {
        "cdn"
    }

    /// Signed addresses and credentials together are refused by real file hosts.
    fn admit(&self, request: &Request, _: &'static str) -> Result<Vec<Header>, Answer> {
        match request.header("authorization") {
            Some(_) => Err(Answer::text(400, "Only one auth mechanism allowed\n")),
            None => Ok(Vec::new()),
        }
    }

    fn answer(&self, request: &Request, _: &'static str, fault: Option<&Fault>) -> Answer {
        let path = decode(request.path());
        self.content(&path)
            .map_or_else(|| Answer::text(404, "no such file\n"), |content| ranged(request, &content, fault))
    }
}

impl FileHost {
    fn content(&self, path: &str) -> Option<Content> {
        let mut parts = path.splitn(4, '/').skip(1);
        let kind = if parts.next()? == "datasets" { HubKind::Datasets } else { HubKind::Models };
        let world = self.hub.world(kind);
        let index = parts.next()?.parse().ok().filter(|index| *index < world.count)?;
        let (row, path) = (Row::new(&world, index), parts.next()?);
        files::all(&row).into_iter().find(|file| file.path == path).map(|file| file.content(&row))
    }
}

fn gated(request: &Request, id: &str) -> Answer {
    let status = if request.header("authorization").is_some() { 403 } else { 401 };
    refusal(
        status,
        "GatedRepo",
        &format!("Access to {id} is restricted and you are not in the authorized list."),
    )
}

/// One range, as `bytes=FROM-[TO]`; anything else gets the whole file.
fn ranged(request: &Request, content: &Content, fault: Option<&Fault>) -> Answer {
    let size = content.size;
    let answer = |status, from: u64, to: u64| {
        if to - from > files::LARGEST_WHOLE {
            return Answer::text(500, "the double does not hold so much of a file\n");
        }
        let body = Bytes::from(content.bytes(from, to));
        Answer::new(status, "application/octet-stream", body).with("Accept-Ranges", "bytes")
    };
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (Some((from, to)), false) = (range, matches!(fault, Some(Fault::Whole))) else {
        return answer(200, 0, size);
    };
    let Ok(from) = from.parse::<u64>() else { return answer(200, 0, size) };
    if from >= size {
        return answer(416, 0, 0).with("Content-Range", format!("bytes */{size}"));
    }
    let to = to.parse::<u64>().map_or(size - 1, |to| to.min(size - 1)).max(from);
    answer(206, from, to + 1).with("Content-Range", format!("bytes {from}-{to}/{size}"))
}
