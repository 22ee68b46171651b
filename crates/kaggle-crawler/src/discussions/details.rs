//! The map from listed topics to whole conversations.

use crawl_core::http::shown;
use crawl_core::json::Raw;
use crawl_core::record::conversation::{Category, Topic};
use crawl_core::{
    Context, Error, Input, Judge, Kind, Map, Mapped, Over, Record, Result, Row, Settings, Since, SourceId,
};
use futures::future::try_join_all;
use serde_json::json;

use super::about::about;
use super::body::guess;
use super::thread::{Body, Said, Thread, conversation};
use super::{Pseudonyms, number};
use crate::pages::{next_token, rows};
use crate::{Kaggle, Method};

/// More comments in one topic are an attack, or nothing for this way of fetching them.
const MOST_COMMENTS: usize = 500_000;
/// So deep do comments nest at most.
const DEEPEST: usize = 100;
/// So many threads are asked for at once.
const ROWS: u64 = 200;
const PLACE: &str = "Kaggle";

/// The map from listed topics to conversations.
#[derive(Debug)]
pub struct Details {
    kaggle: Kaggle,
    pseudonyms: Option<Pseudonyms>,
    since: Option<Since>,
    judge: Judge,
}

/// Number and time of the last post of a conversation, for [`Since`].
pub fn version(row: &Record) -> Option<(String, String)> {
    let topic = row.raw().get("topic")?;
    Some((topic.get("id")?.u64()?.to_string(), topic.get("bumped_at")?.str()?.into_owned()))
}

impl Details {
    /// The name of what it writes.
    pub const NAME: &'static str = "topics";

    /// The map over the listing `input`, under [`Details::NAME`], with pseudonyms instead of names if there are any;
    /// topics that `since` has as they are now are left out.
    ///
    /// # Errors
    /// Those of [`Over::new`].
    pub fn over(
        input: Input,
        kaggle: Kaggle,
        pseudonyms: Option<Pseudonyms>,
        since: Option<Since>,
    ) -> Result<Over<Self>> {
        let details = Details { kaggle, pseudonyms, since, judge: Judge::default() };
        Ok(Over::new(input, details)?.named(SourceId::new(Self::NAME)?))
    }

    async fn one(&self, row: &Record) -> Result<Mapped> {
        match self.fetch(row).await {
            Ok(row) => {
                self.judge.had();
                Ok(row.into())
            }
            Err(error) => Ok(Row::Missing(self.judge.missing(self.id(row), error, Some(PLACE))?).into()),
        }
    }

    async fn fetch(&self, row: &Record) -> Result<Row> {
        let id = number(row).ok_or_else(|| Error::new(Kind::Shape, "not the number of a topic"))?;
        if self.has(id, row.raw()) {
            return Ok(Row::Dropped("unchanged".into()));
        }
        let (answer, response) = self.kaggle.ask(Method::GetTopic, &json!({"id": id})).await?;
        let told = answer.raw().get("topic").filter(|topic| topic.members().is_some());
        let told = told
            .ok_or_else(|| Error::new(Kind::Shape, "the answer holds no topic").at(shown(&response.url)))?;
        // A number that was given tells no more than itself.
        if self.has(id, told) {
            return Ok(Row::Dropped("unchanged".into()));
        }
        let first = Said { id: None, ..said(told, None).0 };
        let rest = self.comments(id).await?;
        let thread = Thread { topic: topic(id, told), first: Some(first), rest };
        let mut made = conversation(thread, "api", response.at.to_string());
        if let Some(pseudonyms) = &self.pseudonyms {
            pseudonyms.hide(&mut made);
        }
        Ok(Row::Kept(Record::write(&made)?))
    }

    /// Whether the earlier root has this topic as it is now.
    fn has(&self, id: u64, told: Raw<'_>) -> bool {
        let now = text(told, "lastCommentDate");
        self.since.as_ref().zip(now).is_some_and(|(since, now)| since.has(&id.to_string(), &now))
    }

    /// All comments, from all pages, flat.
    async fn comments(&self, id: u64) -> Result<Vec<Said>> {
        let (mut comments, mut token) = (Vec::new(), String::new());
        loop {
            let mut asked = json!({"topicId": id, "pageSize": ROWS});
            if !token.is_empty() {
                asked["pageToken"] = token.as_str().into();
            }
            let (answer, response) = self.kaggle.ask(Method::ListComments, &asked).await?;
            let before = comments.len();
            take(answer.raw(), &mut comments).map_err(|error| error.at(shown(&response.url)))?;
            let next = next_token(answer.raw()).map_err(|error| error.at(shown(&response.url)))?;
            if next.is_empty() {
                return Ok(comments);
            }
            if next == token || comments.len() == before || comments.len() > MOST_COMMENTS {
                return Err(Error::new(Kind::Shape, "the list of comments does not come to an end")
                    .at(shown(&response.url)));
            }
            token = next.into_owned();
        }
    }
}

/// Takes the comments of an answer, and those that answer them.
fn take(answer: Raw<'_>, into: &mut Vec<Said>) -> Result<()> {
    // A list of another form is an error; that of the replies to one comment is taken for none.
    let _ = rows(answer, &["comments"])?;
    let mut open = vec![(answer.get("comments"), None, 0)];
    while let Some((list, parent, depth)) = open.pop() {
        if depth > DEEPEST {
            return Err(Error::new(Kind::Shape, format!("comments nest deeper than {DEEPEST}")));
        }
        for comment in list.and_then(Raw::elements).into_iter().flatten() {
            if comment.members().is_none() {
                return Err(Error::new(Kind::Shape, "a comment is no object"));
            }
            let (said, replies) = said(comment, parent);
            open.push((replies, said.id, depth + 1));
            into.push(said);
        }
    }
    Ok(())
}

/// A topic's opening message, or a comment, with what answers it; the API names both alike. One pass: each level of a
/// tree is passed over once for each level above it.
fn said(told: Raw<'_>, answers: Option<u64>) -> (Said, Option<Raw<'_>>) {
    let (mut said, mut replies) = (Said { answers, ..Said::default() }, None);
    let text = |value: Raw<'_>| value.str().map(String::from).filter(|text| !text.is_empty());
    for (key, value) in told.members().into_iter().flatten() {
        match key.bytes() {
            b"id" => said.id = value.u64(),
            b"authorName" => said.name = text(value),
            b"authorUrl" => {
                said.username = text(value).and_then(|url| {
                    let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
                    Some(name).filter(|name| !name.is_empty())
                });
            }
            b"postDate" => said.written = text(value),
            b"votes" => said.votes = whole(value),
            b"content" => said.body = text(value).map_or(Body::Nothing, guess),
            b"replies" => replies = Some(value),
            _ => {}
        }
    }
    // A deleted message has no author.
    said.deleted = said.name.is_none() && said.username.is_none();
    (said, replies)
}

fn topic(id: u64, told: Raw<'_>) -> Topic {
    let url = text(told, "url").filter(|url| !url.is_empty());
    let category = Category {
        id: told.get("forumId").and_then(Raw::u64).filter(|id| *id > 0),
        name: text(told, "forumName").filter(|name| !name.is_empty()),
        ..Category::default()
    };
    Topic {
        id: Some(id),
        about: url.as_deref().and_then(about),
        url,
        title: text(told, "title").filter(|title| !title.is_empty()),
        category: (category != Category::default()).then_some(category),
        created_at: text(told, "postDate"),
        bumped_at: text(told, "lastCommentDate"),
        like_count: told.get("votes").and_then(whole),
        posts_count: told.get("commentCount").and_then(Raw::u64).map(|count| count.saturating_add(1)),
        ..Topic::default()
    }
}

fn text(raw: Raw<'_>, name: &str) -> Option<String> {
    raw.get(name).and_then(|value| value.str().map(String::from))
}

fn whole(raw: Raw<'_>) -> Option<i64> {
    raw.text().parse().ok()
}

impl Map for Details {
    fn settings(&self) -> Settings {
        Settings::default()
            .with("endpoint", shown(self.kaggle.endpoint()))
            .with_some("pseudonyms", self.pseudonyms.as_ref().map(Pseudonyms::digest))
            .with_some("since", self.since.as_ref().map(Since::root))
    }

    fn id(&self, row: &Record) -> Option<String> {
        number(row).map(|id| id.to_string())
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        try_join_all(rows.iter().map(|row| self.one(row))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: String) -> Result<Vec<Said>> {
        let mut into = Vec::new();
        take(Record::parse(text)?.raw(), &mut into).map(|()| into)
    }

    #[test]
    fn comments_of_any_form_are_taken_or_refused_and_nesting_has_an_end() {
        let odd = r#"{"comments": [{"id": "x", "authorName": 5, "content": {}, "votes": 1.5, "replies": "none"},
            {"id": 7, "replies": [{"id": 8, "authorUrl": "/ann/", "authorName": "Ann", "votes": -2}]}]}"#;
        let comments = taken(odd.into()).unwrap();
        assert_eq!(comments.len(), 3);
        let ann = comments.iter().find(|said| said.id == Some(8)).unwrap();
        assert_eq!((ann.answers, ann.username.as_deref(), ann.votes), (Some(7), Some("ann"), Some(-2)));
        assert!(!ann.deleted && comments.iter().filter(|said| said.deleted).count() == 2);
        assert!(taken("{}".into()).unwrap().is_empty());
        assert_eq!(taken(r#"{"comments": ["x"]}"#.into()).unwrap_err().kind(), Kind::Shape);
        let nest = |deep: usize| {
            let inner = "{\"id\":1,\"replies\":[".repeat(deep);
            format!("{{\"comments\":[{inner}{}]}}", "]}".repeat(deep))
        };
        assert_eq!(taken(nest(DEEPEST)).unwrap().len(), DEEPEST);
        assert_eq!(taken(nest(DEEPEST + 2)).unwrap_err().kind(), Kind::Shape);
        assert!(taken(nest(10_000)).is_err());
    }
}
