//! The output files of a kernel: all pages of them, each by its signed link.

use std::collections::{HashMap, HashSet};

use crawl_core::files::{Wanted, encode};
use crawl_core::http::{Request, Url};
use crawl_core::{Context, Error, FileLine, Kind, Result, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::answers::{Output, Session, Sizes, behind, page};
use crate::pick::{Choice, Picker};
use crate::{Kaggle, Method};

/// So many files are listed at once; Kaggle gives no more.
pub(super) const ROWS: u64 = 500;
/// More files of one kernel are an attack.
const MOST_FILES: usize = 100_000;

/// Where Kaggle's links lead. What is fetched from elsewhere goes by no proxy, so that its address can be looked at.
const STORES: [&str; 2] = ["kaggleusercontent.com", "storage.googleapis.com"];

/// So many files of one kernel come at once.
const AT_ONCE: usize = 4;

/// The links of one page of the list, and the token by which the page is asked for again.
struct Links<'a> {
    token: &'a str,
    files: Mutex<Vec<Output>>,
}

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
            let mut wanted = Vec::new();
            for (at, file) in session.files.iter().enumerate() {
                // Where the list moves while it is read, its pages overlap.
                if file.file_name.as_ref().is_some_and(|name| !seen.insert(name.clone())) {
                    continue;
                }
                wanted.extend(self.path(file, &sizes, left_out).map(|path| (at, path)));
            }
            let next = behind(&mut session, &token, Method::ListKernelSessionOutput)?;
            let links = Links { token: &token, files: Mutex::new(session.files) };
            let each = wanted.into_iter().map(|(at, path)| self.one(&links, at, path, context));
            lines.extend(stream::iter(each).buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
            match next {
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

    /// Whether files of Kaggle lie there. Others may lie anywhere but within our own network.
    fn is_known(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        host == self.kaggle.endpoint().host_str().unwrap_or_default()
            || STORES.iter().any(|store| {
                host.strip_suffix(store).is_some_and(|left| left.is_empty() || left.ends_with('.'))
            })
    }

    /// One file. A link that is refused may have expired: it is asked for again, once.
    async fn one(&self, links: &Links<'_>, at: usize, path: String, context: &Context) -> Result<FileLine> {
        let aged = |error: &Error| matches!(error.status(), Some(400 | 401 | 403 | 410));
        // The storage refuses a file, not the account.
        let of_file = |error: Error| if aged(&error) { error.with_scope(Scope::Record) } else { error };
        let link = links.files.lock().await[at].clone();
        let refused = match self.by_link(&link, path.clone(), context).await {
            Err(error) if aged(&error) => error,
            line => return line,
        };
        match self.renewed(links, at, &link).await? {
            Some(fresh) => self.by_link(&fresh, path, context).await.map_err(of_file),
            None => Err(of_file(refused)),
        }
    }

    /// Another link to the file of one that was refused: all links of the page are renewed at once.
    async fn renewed(&self, links: &Links<'_>, at: usize, refused: &Output) -> Result<Option<Output>> {
        let mut files = links.files.lock().await;
        if files[at].url == refused.url {
            tracing::debug!(
                file = refused.file_name,
                "a link to an output file is refused, asking for others"
            );
            let fresh = self.page(links.token).await?.files.into_iter();
            let mut fresh: HashMap<_, _> = fresh.map(|file| (file.file_name, file.url)).collect();
            for file in files.iter_mut() {
                file.url = fresh.remove(&file.file_name).flatten().or(file.url.take());
            }
        }
        Ok(Some(files[at].clone()).filter(|file| file.url != refused.url))
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
        let request = Request { untrusted: !self.is_known(&url), ..Request::get(url) };
        let wanted = Wanted {
            version: self.version.map(str::to_owned),
            most: self.picker.most(),
            ..Wanted::new(request, path)
        };
        context.files.fetch(self.kaggle.http(), &wanted).await
    }
}
