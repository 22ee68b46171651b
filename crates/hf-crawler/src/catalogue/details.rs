//! What `models --details` found of each model beside its row: a listing of its own, folded into the same rows.

use crawl_core::Settings;

use super::asked::Asked;

/// What is asked for when nothing says it.
const ALL: [&str; 5] = ["config.json", "files", "card", "safetensors_headers", "gguf_headers"];

/// Which of its members a run asked for.
pub(super) fn asked(settings: &Settings) -> Asked {
    let fields: Vec<String> = match settings.get("details") {
        Some(details) => details.split(',').map(str::to_owned).collect(),
        None => ALL.iter().map(ToString::to_string).collect(),
    };
    Asked::new(fields)
}
