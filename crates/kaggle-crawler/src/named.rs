//! Items that are known by name, as a listing: nothing is asked for.

use std::borrow::Cow;

use crawl_core::http::shown;
use crawl_core::{Context, Cursor, Error, Kind, Page, Record, Result, Settings, Source, SourceId};
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Kaggle, Part};

/// So many names are one page.
const ROWS: usize = 1000;

/// Items of a part by name, each as `{"ref": name}`.
#[derive(Clone, Debug)]
pub struct Named {
    id: SourceId,
    refs: Vec<String>,
    digest: String,
    endpoint: String,
}

impl Named {
    /// Items of `part` of these names, each once; `is` says whether a name is one, `form` how it should be written.
    ///
    /// # Errors
    /// [`Kind::Config`] if one is no name of this part.
    pub fn new(
        kaggle: &Kaggle,
        part: &Part,
        refs: Vec<String>,
        is: impl Fn(&str) -> bool,
        form: &str,
    ) -> Result<Self> {
        if let Some(odd) = refs.iter().find(|name| !is(name)) {
            return Err(Error::new(Kind::Config, "not the name of an item of this part")
                .at(odd.clone())
                .advise(format!("write it as {form}, the end of its address")));
        }
        // A few names are told in the settings; of many their number and a digest.
        let joined = refs.join(",");
        let digest = match joined.len() {
            0..=200 => joined,
            _ => format!("{} refs, {}", refs.len(), HEXLOWER.encode(&Sha256::digest(&joined))),
        };
        Ok(Named { id: SourceId::new(part.name)?, refs, digest, endpoint: shown(kaggle.endpoint()) })
    }

    /// The number of the page at a cursor, from 0.
    fn number(at: &Cursor) -> Result<usize> {
        if at.is_start() {
            return Ok(0);
        }
        at.as_str().parse().map_err(|cause| {
            Error::new(Kind::Storage, "the checkpoint's cursor is none of this listing")
                .at(at.as_str())
                .because(cause)
        })
    }
}

impl Source for Named {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        Settings::default().with("endpoint", &self.endpoint).with("refs", &self.digest)
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        let next = Self::number(at).ok()? + 1;
        (next * ROWS < self.refs.len()).then(|| Cursor::new(next.to_string()))
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let from = Self::number(at)? * ROWS;
        let refs = self.refs.iter().skip(from).take(ROWS);
        let rows = refs.map(|name| Record::write(&json!({"ref": name}))).collect::<Result<_>>()?;
        Ok(Some(Page::new(rows, self.after(at))))
    }

    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        record.raw().get("ref").and_then(|name| name.str())
    }
}
