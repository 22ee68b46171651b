//! The listing of topics: by creation, which does not move; word for word as the forum gives them.

use std::borrow::Cow;
use std::sync::Arc;

use crawl_core::http::shown;
use crawl_core::{Context, Cursor, Error, Kind, Missing, Page, Record, Result, Settings, Source, SourceId};
use serde_json::json;

use crate::{Earlier, Forum, What, host_folder};

/// The topics of a place. Its cursor is the number of a page, from 0.
#[derive(Clone, Debug)]
pub struct Topics {
    forum: Forum,
    what: What,
    id: SourceId,
    earlier: Option<Arc<Earlier>>,
    recheck: u8,
}

/// Behind the lists of an incremental run: the newest posts of the site, back to those that are known. They show topics
/// that were answered without a bump. Behind the colon stands the number from which on.
const POSTS: &str = "posts:";
/// One answer has the posts of so many numbers.
const WINDOW: u64 = 50;
/// The last page of an incremental run: what is fetched whatever lists say.
const RECHECK: &str = "recheck";

impl Topics {
    /// The topics of `what` at `forum`.
    ///
    /// # Errors
    /// [`Kind::Config`] if the forum's address makes no name for a folder.
    pub fn new(forum: Forum, what: What) -> Result<Self> {
        let id = SourceId::new(format!("discourse/{}/topics", host_folder(forum.base())))?;
        Ok(Topics { forum, what, id, earlier: None, recheck: 0 })
    }

    /// Only what earlier runs do not have in its present state: the topics by their last bump, down to a day before the
    /// newest bump of those runs, and `recheck` per cent of the others, which may have changed without a bump.
    pub fn since(self, earlier: Option<Arc<Earlier>>, recheck: u8) -> Self {
        Topics { earlier, recheck, ..self }
    }

    /// Topics of the posts in the window below `before` (of the newest ones, if it is empty).
    async fn posts(&self, before: &str, earlier: &Earlier) -> Result<Option<Page>> {
        let query: Vec<_> = (!before.is_empty()).then(|| ("before", before.to_owned())).into_iter().collect();
        let (answer, response) = match self.forum.ask("posts.json", &query).await {
            // Lists and the share that is looked at again do without it.
            Err(error) if !error.concerns_all() && matches!(error.kind(), Kind::Denied | Kind::Gone) => {
                tracing::warn!(%error, "the forum does not show its newest posts: topics are told by lists alone");
                return Ok(Some(Page::new(Vec::new(), self.last())));
            }
            answer => answer?,
        };
        let mut page = Page { fetched_at: response.at, ..Page::new(Vec::new(), None) };
        let before = before.parse::<u64>().ok();
        let mut lowest = None;
        let posts = answer.raw().get("latest_posts").and_then(|posts| posts.elements()).ok_or_else(|| {
            Error::new(Kind::Shape, "the newest posts have another form").at(shown(&response.url))
        })?;
        for post in posts {
            let number = |name: &str| post.get(name).and_then(|number| number.u64());
            let (Some(id), Some(topic)) = (number("id"), number("topic_id")) else { continue };
            lowest = Some(lowest.map_or(id, |lowest: u64| lowest.min(id)));
            if id > earlier.newest_post() {
                page.records.push(Record::write(&json!({"id": topic, "post": id}))?);
            }
        }
        // The first window ends at a number that nobody tells: posts that only others see may stand above the highest
        // one in it. So the next one begins below the lowest one that was shown.
        let below = match (lowest, before) {
            (Some(lowest), _) => Some(lowest.saturating_sub(1)),
            // Empty while there are older posts: those of others, and deleted ones.
            (None, Some(before)) => Some(before.saturating_sub(WINDOW)),
            (None, None) => {
                tracing::warn!(
                    "the forum shows none of its newest posts: answers that moved no topic up are found by `--recheck`"
                );
                None
            }
        };
        let below = below.filter(|below| *below > earlier.newest_post());
        page.next = match below {
            Some(below) => Some(Cursor::new(format!("{POSTS}{below}"))),
            None => self.last(),
        };
        page.url = Some(response.url);
        Ok(Some(page))
    }

    /// The cursor of what is fetched whatever lists say, if anything is.
    fn last(&self) -> Option<Cursor> {
        (self.earlier.is_some() && self.recheck > 0).then(|| Cursor::new(RECHECK))
    }

    fn recheck(&self) -> Result<Option<Page>> {
        let ids = self.earlier.as_ref().map(|earlier| earlier.turn(self.recheck)).unwrap_or_default();
        let rows =
            ids.iter().map(|id| Record::write(&json!({"id": id, "recheck": true}))).collect::<Result<_>>()?;
        Ok(Some(Page::new(rows, None)))
    }

    fn path(&self) -> Option<String> {
        match &self.what {
            What::Site => Some("latest.json".into()),
            What::Category(slug, id) if slug.is_empty() => Some(format!("c/{id}/l/latest.json")),
            What::Category(slug, id) => Some(format!("c/{slug}/{id}/l/latest.json")),
            What::Tag(name) => Some(format!("tag/{name}/l/latest.json")),
            What::Topic(_) => None,
        }
    }
}

fn number(at: &Cursor) -> Result<u64> {
    if at.is_start() {
        return Ok(0);
    }
    let read = at.place().parse::<u64>();
    read.map_err(|cause| {
        Error::new(Kind::Storage, "the checkpoint's cursor is none of this listing")
            .at(at.as_str())
            .because(cause)
            .advise("restore the checkpoint from a copy, or start a new root")
    })
}

impl Source for Topics {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        let what = match &self.what {
            What::Site => "site".to_owned(),
            What::Category(_, id) => format!("category {id}"),
            What::Tag(name) => format!("tag {name}"),
            What::Topic(id) => format!("topic {id}"),
        };
        Settings::default()
            .with("forum", shown(self.forum.base()))
            .with("what", what)
            .with_some("since", self.earlier.as_ref().map(|earlier| earlier.names()))
            .with_some("recheck", self.earlier.as_ref().map(|_| self.recheck))
    }

    fn after(&self, _at: &Cursor) -> Option<Cursor> {
        None
    }

    async fn page(&self, at: &Cursor, _context: &Context) -> Result<Option<Page>> {
        let Some(path) = self.path() else {
            let What::Topic(id) = self.what else { return Ok(None) };
            return Ok(Some(Page::new(vec![Record::write(&json!({"id": id}))?], None)));
        };
        if at.as_str() == RECHECK {
            return self.recheck();
        }
        if let (Some(before), Some(earlier)) = (at.as_str().strip_prefix(POSTS), &self.earlier) {
            return self.posts(before, earlier).await;
        }
        let number = number(at)?;
        let mut query = vec![("no_definitions", "true".to_owned()), ("page", number.to_string())];
        if self.earlier.is_none() {
            query.extend([("order", "created".to_owned()), ("ascending", "true".to_owned())]);
        }
        let (answer, response) = self.forum.ask(&path, &query).await?;
        let list = answer.raw().get("topic_list").ok_or_else(|| {
            Error::new(Kind::Shape, "the answer holds no list of topics")
                .at(shown(&response.url))
                .advise("check that the address is one of a Discourse forum")
        })?;
        let more = list.get("more_topics_url").and_then(|url| url.str()).is_some_and(|url| !url.is_empty());
        // Pinned topics stand first whenever they were bumped.
        let mut over = self.earlier.is_some();
        let mut page = Page { fetched_at: response.at, ..Page::new(Vec::new(), None) };
        let topics = list.get("topics").and_then(|topics| topics.elements()).ok_or_else(|| {
            Error::new(Kind::Shape, "the list of topics has no topics in it").at(shown(&response.url))
        })?;
        for element in topics {
            let record = Record::from(element);
            let pinned = ["pinned", "pinned_globally"]
                .iter()
                .any(|name| element.get(name).is_some_and(|pinned| pinned.text() == "true"));
            let bumped = element.get("bumped_at").and_then(|at| at.str()).unwrap_or_default();
            over &= pinned || self.earlier.as_ref().is_some_and(|earlier| earlier.is_over(&bumped));
            let count = element.get("posts_count").and_then(|count| count.u64());
            let known = |id| self.earlier.as_ref().is_some_and(|earlier| earlier.has(id, &bumped, count));
            // What is left out here can still have its turn behind the last page.
            match element.get("id").and_then(|id| id.u64()) {
                Some(id) if known(id) => page.drop_row("unchanged"),
                Some(_) => page.records.push(record),
                None => {
                    let error = Error::new(Kind::Shape, "a topic without a number").at(shown(&response.url));
                    let raw = serde_json::from_slice(record.bytes()).ok();
                    page.missing.push(Missing { raw, ..Missing::because(None, &error, response.at) });
                }
            }
        }
        // A page that is not full has no link to the next one; an empty one with a link would never end.
        page.next = (more && page.listed() > 0 && !over).then(|| Cursor::new((number + 1).to_string()));
        if page.next.is_none() {
            // The newest posts are those of the whole site.
            page.next = match (&self.earlier, &self.what) {
                (Some(_), What::Site) => Some(Cursor::new(POSTS)),
                _ => self.last(),
            };
        }
        page.url = Some(response.url);
        Ok(Some(page))
    }

    /// A topic that is opened or deleted meanwhile shifts all that is behind it.
    fn key<'a>(&self, record: &'a Record) -> Option<Cow<'a, str>> {
        Some(Cow::Owned(record.raw().get("id")?.u64()?.to_string()))
    }
}
