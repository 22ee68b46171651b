//! The output files of a kernel: all pages of them, each by its signed link.

use std::collections::{HashMap, HashSet};

use crawl_core::files::{Wanted, encode};
use crawl_core::http::{Request, Url};
use crawl_core::{Context, Error, FileLine, Kind, Result, Scope};
use serde_json::{Value, json};

use super::answers::{Output, Session, Sizes, behind, page};
use crate::pick::{Choice, Picker};
use crate::{Kaggle, Method};

/// So many files are listed at once; Kaggle gives no more.
pub(super) const ROWS: u64 = 500;
/// More files of one kernel are an attack.
const MOST_FILES: usize = 100_000;

/// The outputs of one kernel.
pub(super) struct Outputs<'a> {
    pub(super) kaggle: &'a Kaggle,
    pub(super) picker: &'a Picker,
    /// Which kernel, for each question.
    pub(super) asked: &'a Value,
    pub(super) version: Option<&'a str>,
    /// Where they go, below the root.
    pub(super) folder: &'a str,
}

impl Outputs<'_> {
    /// Brings them; `first` is the first page of their list. Those that are left out are named in `left_out`.
    pub(super) async fn fetch(
        &self,
        first: Session,
        left_out: &mut Vec<Value>,
        context: &Context,
    ) -> Result<Vec<FileLine>> {
        let sizes = self.sizes().await?;
        let (mut session, mut token) = (first, String::new());
        let (mut lines, mut count, mut seen) = (Vec::new(), 0, HashSet::new());
        loop {
            count += session.files.len();
            if count > MOST_FILES {
                let what = format!("the kernel has more than {MOST_FILES} output files");
                return Err(Error::new(Kind::Shape, what).at(self.folder));
            }
            for at in 0..session.files.len() {
                // Where the list moves while it is read, its pages overlap.
                if session.files[at].file_name.as_ref().is_some_and(|name| !seen.insert(name.clone())) {
                    continue;
                }
                let Some(path) = self.path(&session.files[at], &sizes, left_out) else { continue };
                lines.push(self.one(&mut session.files, at, path, &token, context).await?);
            }
            match behind(&mut session, &token, Method::ListKernelSessionOutput)? {
                Some(next) => token = next,
                None => return Ok(lines),
            }
            session = self.page(&token).await?;
        }
    }

    async fn page(&self, token: &str) -> Result<Session> {
        page(self.kaggle, Method::ListKernelSessionOutput, self.asked, ROWS, token).await
    }

    /// The sizes of files, where a choice needs them: the list of links does not tell them.
    async fn sizes(&self) -> Result<HashMap<String, u64>> {
        let mut sizes = HashMap::new();
        if self.picker.most() == u64::MAX {
            return Ok(sizes);
        }
        let mut token = String::new();
        loop {
            let mut listed: Sizes =
                page(self.kaggle, Method::ListKernelFiles, self.asked, 200, &token).await?;
            let next = behind(&mut listed, &token, Method::ListKernelFiles)?;
            sizes.extend(listed.files.into_iter().filter_map(|file| Some((file.name?, file.size?))));
            match next {
                Some(next) if sizes.len() <= MOST_FILES => token = next,
                _ => return Ok(sizes),
            }
        }
    }

    /// The place of a file that is wanted.
    fn path(&self, file: &Output, sizes: &HashMap<String, u64>, left_out: &mut Vec<Value>) -> Option<String> {
        let mut leave = |why: &str| {
            left_out.push(json!({"FileName": file.file_name, "Reason": why}));
            None
        };
        let Some(name) = &file.file_name else { return leave("it has no name") };
        match self.picker.choose(name, sizes.get(name).copied()) {
            Choice::Wanted => {}
            Choice::Unwanted => return None,
            Choice::LeftOut(why) => return leave(why),
        }
        if file.url.is_none() {
            return leave("Kaggle gives no link to it");
        }
        let path = format!("{}/output/{name}", self.folder);
        match encode(&path) {
            Ok(_) => Some(path),
            Err(error) => leave(&error.to_string()),
        }
    }

    /// One file. A link that is refused may have expired: the page with this token is asked for again, once, and its
    /// fresh links serve the files behind it too.
    async fn one(
        &self,
        files: &mut Vec<Output>,
        at: usize,
        path: String,
        token: &str,
        context: &Context,
    ) -> Result<FileLine> {
        let aged = |error: &Error| matches!(error.status(), Some(400 | 401 | 403 | 410));
        match self.by_link(&files[at], path.clone(), context).await {
            Err(error) if aged(&error) => {
                tracing::debug!(%error, "a link to an output file is refused, asking for a fresh one");
                let fresh = self.page(token).await?.files;
                let same = fresh.iter().position(|file| file.file_name == files[at].file_name);
                let Some(same) = same else { return Err(error.with_scope(Scope::Record)) };
                let line = self.by_link(&fresh[same], path, context).await;
                if same == at && fresh.len() == files.len() {
                    *files = fresh;
                }
                // The storage refuses a file, not the account.
                line.map_err(|error| if aged(&error) { error.with_scope(Scope::Record) } else { error })
            }
            line => line,
        }
    }

    async fn by_link(&self, file: &Output, path: String, context: &Context) -> Result<FileLine> {
        let bad = |what: &str| Error::new(Kind::Shape, what).at(path.clone());
        let url = Url::parse(file.url.as_deref().unwrap_or_default())
            .map_err(|cause| bad("the link to an output file is no address").because(cause))?;
        // A link must not be less safe than the answer that brought it.
        let safe =
            url.scheme() == "https" || (url.scheme() == "http" && self.kaggle.endpoint().scheme() == "http");
        if !safe {
            return Err(bad("the link to an output file is not one of https"));
        }
        // Signed for whoever has it: nothing else goes with it.
        let wanted = Wanted {
            version: self.version.map(str::to_owned),
            most: self.picker.most(),
            ..Wanted::new(Request::get(url), path)
        };
        context.files.fetch(self.kaggle.http(), &wanted).await
    }
}
