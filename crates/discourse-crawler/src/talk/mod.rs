//! The map from listed topics to whole conversations.

mod body;
mod fetch;
mod post;

use std::collections::BTreeSet;
use std::sync::Arc;

use crawl_core::http::shown;
use crawl_core::record::Conversation;
use crawl_core::record::conversation::{CONVERSATION_VERSION, Origin, Stats, Topic};
use crawl_core::robots::Signals;
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, SourceId, Timestamp,
};
use futures::future::try_join_all;
use regex::Regex;
use serde_json::{Value, json};
use url::Url;

use self::body::TopicBody;
use crate::pictures::Pictures;
use crate::{Earlier, Forum, Site, host_folder};

/// Which topics become conversations.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Only topics whose title or address fits.
    pub matches: Option<Regex>,
    /// No topics whose title or address fits.
    pub excludes: Option<Regex>,
    /// Private messages too, which a key may show.
    pub private: bool,
    /// What earlier runs have is left out where it has not changed, and told where it is gone.
    pub earlier: Option<Arc<Earlier>>,
}

/// The map from listed topics to conversations.
#[derive(Debug)]
pub struct Conversations {
    forum: Forum,
    site: Site,
    select: Select,
    pictures: Pictures,
    judge: Judge,
}

impl Conversations {
    /// The map over the listing `input`, under `discourse/HOST/conversations`.
    ///
    /// # Errors
    /// Those of [`Over::new`].
    pub fn over(
        input: Input,
        forum: Forum,
        site: Site,
        select: Select,
        pictures: Pictures,
    ) -> Result<Over<Self>> {
        let id = Self::name(forum.base())?;
        let map = Conversations { forum, site, select, pictures, judge: Judge::default() };
        Ok(Over::new(input, map)?.named(id))
    }

    /// The name of what it writes.
    ///
    /// # Errors
    /// [`Kind::Config`] if the forum's address makes no name for a folder.
    pub fn name(base: &Url) -> Result<SourceId> {
        SourceId::new(format!("discourse/{}/conversations", host_folder(base)))
    }

    async fn one(&self, row: &Record, context: &Context) -> Result<Mapped> {
        if let Some(reason) = self.drops(row) {
            return Ok(Row::Dropped(reason.into()).into());
        }
        match self.conversation(row, context).await {
            Ok(mapped) => {
                self.judge.had();
                Ok(mapped)
            }
            Err(error) => {
                let place = self.forum.base().host_str();
                Ok(Row::Missing(self.judge.missing(self.id(row), error, place)?).into())
            }
        }
    }

    /// The reason for which a listed topic is left out, if there is one.
    fn drops(&self, row: &Record) -> Option<&'static str> {
        let text = |name: &str| row.raw().get(name).and_then(|value| value.str()).unwrap_or_default();
        if text("archetype") == "private_message" && !self.select.private {
            return Some("private message");
        }
        let id = row.raw().get("id").and_then(|id| id.u64()).unwrap_or_default();
        if self.site.definitions.contains(&id) {
            return Some("describes a category");
        }
        // A topic that is told by a post of it, or by its number alone, has no title yet: it is judged when it is fetched.
        row.raw().get("title").is_some().then(|| self.unfit(&text("title"), &text("slug"), id)).flatten()
    }

    /// The reason for which a topic of this title and address was not asked for, if there is one.
    fn unfit(&self, title: &str, slug: &str, id: u64) -> Option<&'static str> {
        let address = format!("{}t/{slug}/{id}", self.forum.base());
        let fits = |pattern: &Regex| pattern.is_match(title) || pattern.is_match(&address);
        if self.select.matches.as_ref().is_some_and(|pattern| !fits(pattern)) {
            return Some("does not match");
        }
        self.select.excludes.as_ref().is_some_and(fits).then_some("excluded")
    }

    async fn conversation(&self, row: &Record, context: &Context) -> Result<Mapped> {
        let id = row.raw().get("id").and_then(|id| id.u64()).ok_or_else(|| {
            Error::new(Kind::Shape, "a topic without a number").at(shown(self.forum.base()))
        })?;
        let fetched = match fetch::topic(&self.forum, id).await {
            Err(error) if error.kind() == Kind::Gone && self.knew(id) => {
                return Ok(Row::Kept(Record::write(&self.tombstone(id))?).into());
            }
            fetched => fetched?,
        };
        if fetched.topic.archetype.as_deref() == Some("private_message") && !self.select.private {
            return Ok(Row::Dropped("private message".into()).into());
        }
        if fetched.topic.visible == Some(false) {
            return Ok(Row::Dropped("unlisted".into()).into());
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        if let Some(reason) = self.unfit(&text(&fetched.topic.title), &text(&fetched.topic.slug), id) {
            return Ok(Row::Dropped(reason.into()).into());
        }
        let mut conversation = self.written(fetched);
        if let Some(earlier) = &self.select.earlier {
            if earlier.equals(&conversation) {
                return Ok(Row::Dropped("unchanged".into()).into());
            }
            let gone = earlier.gone(&conversation);
            if !gone.is_empty() {
                conversation.more.insert("deleted_posts".into(), gone.into());
            }
        }
        let files = self.pictures.of(&mut conversation.posts, context).await?;
        Ok(Mapped { row: Row::Kept(Record::write(&conversation)?), files })
    }

    fn knew(&self, id: u64) -> bool {
        self.select.earlier.as_ref().is_some_and(|earlier| earlier.knows(id))
    }

    /// What says that a topic of an earlier run is gone: exports leave it out.
    fn tombstone(&self, id: u64) -> Conversation {
        let mut gone = Conversation {
            schema_version: Some(CONVERSATION_VERSION),
            source: self.origin(),
            topic: Topic { id: Some(id), ..Topic::default() },
            ..Conversation::default()
        };
        gone.more.insert("deleted_upstream".into(), true.into());
        gone
    }

    fn origin(&self) -> Origin {
        let base = self.forum.base();
        Origin {
            site: base.host_str().map(String::from),
            base_url: Some(base.to_string()),
            via: Some("api".into()),
            fetched_at: Some(Timestamp::now().to_string()),
            licence_note: self.site.terms.as_ref().map(|terms| format!("the forum's terms: {terms}")),
            ..Origin::default()
        }
    }

    fn written(&self, fetched: fetch::Fetched) -> Conversation {
        let fetch::Fetched { topic, posts, vanished, signals } = fetched;
        let base = self.forum.base();
        let accepted = topic.accepted();
        let opener = posts.iter().find(|post| post.post_number == Some(1)).and_then(|post| post.user_id);
        let posts: Vec<_> = posts.iter().map(|post| post::written(post, base, opener, accepted)).collect();
        let authors: BTreeSet<_> = posts.iter().filter_map(|post| post.username.as_deref()).collect();
        let stats = Stats {
            posts: Some(posts.len() as u64),
            deleted: Some(posts.iter().filter(|post| post.deleted == Some(true)).count() as u64),
            authors: Some(authors.len() as u64),
            ..Stats::default()
        };
        let mut stats = stats;
        if vanished > 0 {
            stats.more.insert("vanished".into(), vanished.into());
        }
        Conversation {
            schema_version: Some(CONVERSATION_VERSION),
            source: Origin { robots: said(&signals), ..self.origin() },
            topic: self.head(&topic, accepted),
            posts,
            stats,
            ..Conversation::default()
        }
    }

    fn head(&self, topic: &TopicBody, accepted: Option<u64>) -> Topic {
        let slug = topic.slug.as_deref().filter(|slug| !slug.is_empty()).unwrap_or("topic");
        let url = topic.id.map(|id| format!("{}t/{slug}/{id}", self.forum.base()));
        Topic {
            id: topic.id,
            url,
            title: topic.title.clone(),
            category: topic.category_id.map(|id| {
                self.site.categories.get(&id).cloned().unwrap_or_else(|| {
                    crawl_core::record::conversation::Category { id: Some(id), ..Default::default() }
                })
            }),
            tags: topic.tags(),
            created_at: topic.created_at.clone(),
            bumped_at: topic.bumped_at.clone().or_else(|| topic.last_posted_at.clone()),
            views: topic.views,
            like_count: topic.like_count,
            closed: topic.closed,
            archived: topic.archived,
            pinned: topic.pinned,
            accepted_post_number: accepted,
            posts_count: topic.posts_count,
            ..Topic::default()
        }
    }
}

impl Map for Conversations {
    fn settings(&self) -> Settings {
        let pattern = |regex: &Option<Regex>| regex.as_ref().map(|regex| regex.as_str().to_owned());
        Settings::default()
            .with("forum", shown(self.forum.base()))
            .with_some("match", pattern(&self.select.matches))
            .with_some("exclude", pattern(&self.select.excludes))
            .with("private", self.select.private)
            .with_some("since", self.select.earlier.as_ref().map(|earlier| earlier.names()))
            .with("images", self.pictures.keep())
            .with_some("ocr", self.pictures.languages())
    }

    fn id(&self, row: &Record) -> Option<String> {
        Some(row.raw().get("id")?.u64()?.to_string())
    }

    async fn map(&self, rows: Vec<Record>, context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row, context))).await
    }
}

/// What was said about the use of a topic; null where nobody says anything.
fn said(signals: &Signals) -> Option<Value> {
    let silent = Signals { because: Vec::new(), ..signals.clone() } == Signals::default();
    (!silent).then(|| {
        json!({
            "export": signals.may_export(), "train": signals.train, "index": signals.index, "images": signals.images,
            "why": signals.because,
        })
    })
}
