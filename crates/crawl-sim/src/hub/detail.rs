//! One repository: `/api/datasets/ID`, `/api/models/ID`, with or without a revision; and who is refused.

use super::fields::Fields;
use super::list::bad_request;
use super::row::Row;
use super::world::{HubKind, World};
use super::{Hub, write};
use crate::fault::Fault;
use crate::http::answer::Answer;
use crate::http::request::Request;

/// A repository as it was asked for.
pub(super) enum Found<'a> {
    /// There it is; the text is to be put before its id.
    Here(Box<Row<'a>>, &'static str),
    /// It has this id now.
    Moved(String),
    /// There is none, or none that this request may see: nobody learns which.
    Unknown,
}

/// The repository that a request names `id`, as far as it may see it.
pub(super) fn find<'a>(world: &'a World, id: &str, request: &Request) -> Found<'a> {
    let signed = request.header("authorization").is_some();
    match named(world, id) {
        Found::Here(row, _) if !row.is_shown(signed) => Found::Unknown,
        found => found,
    }
}

fn named<'a>(world: &'a World, id: &str) -> Found<'a> {
    if let Some(now) = id.strip_prefix("was-") {
        return Row::find(world, now).map_or(Found::Unknown, |row| Found::Moved(row.id()));
    }
    if let Some(row) = id.strip_prefix("renamed-").and_then(|before| Row::find(world, before)) {
        return Found::Here(Box::new(row), "renamed-");
    }
    match Row::find(world, id) {
        Some(row) => Found::Here(Box::new(row), ""),
        None => {
            let moved = Row::find_legacy(world, id).or_else(|| Row::find_renamed(world, id));
            moved.map_or(Found::Unknown, |row| Found::Moved(row.id()))
        }
    }
}

impl Hub {
    pub(super) fn detail(&self, kind: HubKind, request: &Request, fault: Option<&Fault>) -> Answer {
        let path = decode(request.path());
        let rest = path.split('/').skip(3).collect::<Vec<_>>().join("/");
        let (id, revision) =
            rest.split_once("/revision/").map_or((rest.as_str(), None), |(id, rev)| (id, Some(rev)));
        if let Some(body) = self.replay.as_ref().and_then(|replay| replay.detail(kind, id)) {
            return Answer::json(body);
        }
        let world = self.world(kind);
        let (row, renamed) = match find(&world, id, request) {
            Found::Here(row, renamed) => (row, renamed),
            Found::Moved(now) => return moved(request, id, &now),
            Found::Unknown => return unknown(request),
        };
        if matches!(fault, Some(Fault::Redirect)) {
            return moved(request, id, &format!("renamed-{id}"));
        }
        if let Some(refusal) = refuse_revision(&row, revision.unwrap_or("main")) {
            return refusal;
        }
        let pairs = request.pairs();
        let fields = match Fields::expand(kind, &pairs) {
            Ok(expand) => expand.unwrap_or_else(|| Fields::detail(kind)),
            Err(reason) => return bad_request(&reason),
        };
        let blobs = pairs.iter().any(|(name, value)| name == "blobs" && value.eq_ignore_ascii_case("true"));
        let mut body = Vec::with_capacity(4000);
        write::row(&mut body, &row, &if blobs { fields.with_blobs() } else { fields }, renamed);
        Answer::json(body)
    }
}

/// `None` if the repository has this revision: `main` and its commit.
pub(super) fn refuse_revision(row: &Row<'_>, revision: &str) -> Option<Answer> {
    let known = ["main", "refs/heads/main"].contains(&revision) || revision == row.sha();
    (!known).then(|| refusal(404, "RevisionNotFound", &format!("Invalid rev id: {revision}")))
}

/// 307 with a relative address and a line of text, as the Hub does for renamed repositories.
pub(super) fn moved(request: &Request, before: &str, now: &str) -> Answer {
    let target = request.path().replacen(before, now, 1);
    let query = request.query();
    let location = if query.is_empty() { target } else { format!("{target}?{query}") };
    Answer::text(307, format!("Temporary Redirect. Redirecting to {location}")).with("Location", location)
}

/// Without a token nobody learns whether a repository exists.
pub(super) fn unknown(request: &Request) -> Answer {
    let status = if request.header("authorization").is_some() { 404 } else { 401 };
    refusal(status, "RepoNotFound", "Repository not found")
}

/// The Hub has closed the repository; its metadata stay.
pub(super) fn disabled() -> Answer {
    let message = "Access to this resource is disabled.";
    Answer::text(403, message).with("X-Error-Message", message)
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let mut body = Vec::new();
    crate::json::object(&mut body, |error| error.text("error", message));
    Answer::json_status(status, body).with("X-Error-Code", code).with("X-Error-Message", message)
}

/// Percent-decoded; what is not UTF-8 then is replaced.
pub(super) fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| path_byte(after)).flatten();
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn path_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}
