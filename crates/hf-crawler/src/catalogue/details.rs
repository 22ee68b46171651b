//! What `--details` found of each repository beside its row: a listing of its own, folded into the same rows.

use std::borrow::Cow;

use crawl_core::Settings;

use super::asked::Asked;

/// The parts that may be asked for, and the member that each gives.
const PARTS: [(&str, &str); 5] = [
    ("config", "config.json"),
    ("files", "files"),
    ("card", "card"),
    ("headers", "safetensors_headers"),
    ("headers", "gguf_headers"),
];

/// The fields that a run asked for, by their names in the catalogue.
pub(super) fn asked(settings: &Settings) -> Asked {
    let parts: Vec<&str> =
        settings.get("details").map(|parts| parts.split(',').collect()).unwrap_or_default();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    let members = PARTS.iter().filter(|(part, _)| wanted(part)).map(|(_, member)| member.to_string());
    Asked::new(members.chain(["_id", "details_sha", "details_left_out"].map(str::to_owned)))
}

/// What a member is called in the catalogue; `None` if it is left out. Names and commit of details are those of the row
/// that they were asked for by, which may be older than what a listing has told meanwhile.
pub(super) fn name(member: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match member.as_ref() {
        "_id" | "id" => None,
        "sha" => Some("details_sha".into()),
        "left_out" => Some("details_left_out".into()),
        _ => Some(member),
    }
}
