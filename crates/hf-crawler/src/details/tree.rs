//! The files of a repository, as its tree tells them: path, size, hashes.

use crawl_core::http::Response;
use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Record, Result, shown};
use serde::Serialize;

use super::ids::Repo;
use crate::place::place_of;
use crate::{Hub, Repos};

/// The list of a repository with more files is left out: it would be larger than a record should be.
pub(super) const MOST_FILES: usize = 20_000;
/// A page of a tree holds 1000 entries; folders are among them.
const MOST_PAGES: usize = 200;

/// One file. What the Hub gives in another form is null.
#[derive(Clone, Debug, Serialize)]
pub(super) struct File {
    pub(super) path: String,
    /// Bytes: of a large file those of its content, not of the pointer that stands for it in git.
    pub(super) size: Option<u64>,
    /// Of the content of a file in LFS, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// The blob in git, in hex.
    pub(super) oid: Option<String>,
}

impl Hub {
    /// All files of a repository; `None` if there are too many of them.
    pub(super) async fn tree(&self, repos: Repos, repo: &Repo) -> Result<Option<Vec<File>>> {
        let first = {
            let mut url = self.address(repo.tree(repos));
            url.query_pairs_mut().append_pair("recursive", "true");
            url
        };
        let (mut url, mut files) = (first.clone(), Vec::new());
        for _ in 0..MOST_PAGES {
            let (mut page, next) = self.ask(url.clone(), |answer| read(&answer)).await?;
            files.append(&mut page);
            if files.len() > MOST_FILES {
                return Ok(None);
            }
            let Some(query) = next else { return Ok(Some(files)) };
            // On the address that was asked for, whatever server the link names.
            let mut next = first.clone();
            next.set_query(Some(&query));
            if place_of(&next) == place_of(&url) {
                return Err(Error::new(Kind::Shape, "the tree gave the same cursor twice").at(shown(&next)));
            }
            url = next;
        }
        Ok(None)
    }
}

/// The files of a page, and the query of the next one.
fn read(answer: &Response) -> Result<(Vec<File>, Option<String>)> {
    let entries = Record::split(&answer.body).map_err(|error| error.at(shown(&answer.url)))?;
    let mut files = Vec::new();
    for entry in &entries {
        let text = |name: &str| entry.raw().get(name).and_then(|value| value.str().map(String::from));
        let (Some(kind), Some(path)) = (text("type"), text("path")) else {
            return Err(
                Error::new(Kind::Shape, "an entry of a tree without a type or a path").at(shown(&answer.url))
            );
        };
        if kind == "directory" {
            continue;
        }
        let lfs = entry.raw().get("lfs");
        let size = |raw: Raw<'_>| raw.get("size").and_then(Raw::u64);
        files.push(File {
            path,
            size: lfs.and_then(size).or_else(|| size(entry.raw())),
            sha256: lfs.and_then(|lfs| lfs.get("oid")?.str().map(String::from)),
            oid: text("oid"),
        });
    }
    let next = answer.next_link()?.map(|link| link.query().unwrap_or_default().to_owned());
    Ok((files, next))
}
