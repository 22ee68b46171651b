//! The runs that a catalogue is folded from, and what it keeps of each.

use std::path::Path;
use std::sync::Arc;

use crawl_core::{Error, Input, Kind, Result, Settings, SourceId, Stored};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::asked::Asked;
use super::row::Told;
use super::time::Micros;
use crate::Repos;

/// What a catalogue keeps of a run that was folded into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When its first page was fetched.
    pub(super) begun: Micros,
    /// When its last page was fetched.
    pub(super) until: Micros,
    /// The listing in its root, such as `hf/models`.
    pub listing: String,
    /// The SHA-256 of the first line of its manifest: what a run is known by again.
    pub(super) first: String,
    /// The SHA-256 of its manifest.
    pub(super) manifest: String,
    /// How many pages it had.
    pub pages: u64,
    /// How many records they held.
    pub records: u64,
    /// How many records could not be had.
    pub missing: u64,
    /// What it was asked to list.
    pub settings: Settings,
    /// The set of fields that it asked for.
    pub(super) fields: String,
    /// Why what it does not have may be there all the same; `None`: a whole pass, what it does not have is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

/// A run that is to be folded.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) run: Run,
    pub(super) stored: Stored,
    pub(super) told: Told,
    /// When each page was fetched, and whether records are missing from it.
    pub(super) pages: Vec<(Micros, bool)>,
}

/// The settings of a listing that has all there is: any other makes it a part.
const OF_A_WHOLE: [&str; 4] = ["endpoint", "sort", "fields", "expand"];

impl Run {
    /// Those that are the same run are told apart by nothing else than how far it had come.
    pub(super) fn identity(&self) -> (&str, &str) {
        (&self.listing, &self.first)
    }

    pub(super) fn order(&self) -> impl Ord + use<> {
        (self.begun, self.listing.clone(), self.first.clone())
    }
}

/// The runs in a root: of the listing, and of what was asked for besides.
pub(super) fn sources(root: &Path, repos: Repos) -> Result<Vec<Source>> {
    let listing = SourceId::new(repos.listing())?;
    let details = SourceId::new(format!("{}-details", repos.listing()))?;
    let there = Stored::sources(root)?;
    let mut found = Vec::new();
    if there.contains(&listing) {
        found.extend(source(Stored::open(root, &listing)?, repos)?);
    }
    if there.contains(&details) {
        for stored in Input::open(root, &details)?.listings() {
            found.extend(source(stored.clone(), repos)?);
        }
    }
    if found.is_empty() {
        let names: Vec<_> = there.iter().map(ToString::to_string).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Error::new(Kind::Config, format!("no pages of {} are here", repos.listing()))
            .at(root.display().to_string())
            .advise(format!(
                "name a root that `hf-crawler {}` wrote; listings found there: {names}",
                repos.name()
            )));
    }
    Ok(found)
}

fn source(stored: Stored, repos: Repos) -> Result<Option<Source>> {
    let lines = stored.manifest()?;
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(None) };
    let bytes = stored.manifest_bytes(0)?;
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let digest = |bytes: &[u8]| HEXLOWER.encode(&Sha256::digest(bytes));
    let settings = stored.checkpoint().settings.clone().unwrap_or_default();
    let lists = stored.id().as_str() == repos.listing();
    let asked =
        if lists { Asked::of_listing(repos, &settings, first) } else { super::details::asked(&settings) };
    let asked = Arc::new(asked);
    let totals = &stored.checkpoint().totals;
    let part = if lists { part(&stored, &settings)? } else { Some("it lists nothing".to_owned()) };
    let run = Run {
        // Pages are fetched in order, but clocks may be set back.
        begun: lines.iter().map(|line| line.fetched_at).min().unwrap_or(first.fetched_at).into(),
        until: lines.iter().map(|line| line.fetched_at).max().unwrap_or(last.fetched_at).into(),
        listing: stored.id().to_string(),
        first: digest(first_line),
        manifest: digest(&bytes),
        pages: stored.checkpoint().pages,
        records: totals.records,
        missing: totals.missing,
        settings,
        fields: asked.name.to_string(),
        part,
    };
    let pages = lines.iter().map(|line| (Micros::from(line.fetched_at), line.missing > 0)).collect();
    Ok(Some(Source { run, stored, told: Told { asked, lists }, pages }))
}

/// Why a listing may lack what the Hub has, if there is a reason.
fn part(stored: &Stored, settings: &Settings) -> Result<Option<String>> {
    if !stored.checkpoint().ended() {
        return Ok(Some("it has not ended".into()));
    }
    if settings.get("sort") != Some("createdAt") {
        return Ok(Some("its order moved while it was listed".into()));
    }
    if let Some(name) = settings.names().find(|name| !OF_A_WHOLE.contains(name)) {
        return Ok(Some(format!("it was made with --{}", name.replace('_', "-"))));
    }
    let lines = stored.manifest()?;
    if let Some(doubt) = lines.iter().find_map(|line| line.doubt.clone()) {
        return Ok(Some(doubt));
    }
    for line in lines.iter().filter(|line| line.missing > 0) {
        for missing in stored.missing(line.number)? {
            if super::pages::key_of_missing(&missing).is_none() {
                return Ok(Some("a row could not be read, and does not tell which it is".into()));
            }
        }
    }
    Ok(None)
}
