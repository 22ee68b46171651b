//! All discussions, of the tables: topics with their messages, authors, forums, and what they are about.
//!
//! Topics and messages are sorted on the disk by topic and message; what is known of users, forums and things is kept
//! on the disk too, and only of those that a topic or a message names. So memory holds the sorter's share, 16 bytes
//! for each of those ids, and one topic.

use std::path::Path;

use crawl_core::record::conversation::Topic;
use crawl_core::{Error, Kind, Record, Result};
use serde::{Deserialize, Serialize};

use super::known::Wanted;
use super::once::{Counts, Out, once};
use super::owners::{self, Owners};
use super::sort::Sorter;
use super::things::{self, Things};
use super::{Lines, Tables, folder};
use crate::discussions::{Body, Details, Pseudonyms, Said, Thread, address, conversation};

/// Changed whenever what is made of the same tables changes.
const VERSION: &str = "topics 1";

#[derive(Serialize, Deserialize)]
struct TopicRow {
    forum: Option<u64>,
    kernel: Option<u64>,
    first: Option<u64>,
    created: Option<String>,
    last: Option<String>,
    title: Option<String>,
    sticky: Option<bool>,
    views: Option<u64>,
    score: Option<i64>,
    messages: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct MessageRow {
    user: Option<u64>,
    date: Option<String>,
    answers: Option<u64>,
    raw: Option<String>,
    html: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum Sorted {
    T(TopicRow),
    M(MessageRow),
}

/// The topic whose rows are being read; `None` if the tables have messages of it and not itself.
struct Open {
    topic: u64,
    row: Option<TopicRow>,
    messages: Vec<(u64, MessageRow)>,
}

/// Whom and what topics and messages name.
#[derive(Default)]
struct Named {
    users: Wanted,
    forums: Wanted,
    again: Wanted,
    kernels: Wanted,
}

/// What was odd.
#[derive(Default)]
struct Odd {
    numberless: u64,
    twice: u64,
    topicless: u64,
    openingless: u64,
    authorless: u64,
    dangling: u64,
    messages: u64,
}

/// All discussions of the tables as conversations, in the order of the topics' numbers, as the listing `topics`, with
/// pseudonyms instead of names if there are any. They are made in a folder below `root`, once for the same tables.
///
/// # Errors
/// [`Kind::Config`] if ForumTopics or ForumMessages is not there; those of reading and writing.
pub fn topics(tables: &Tables, root: &Path, pseudonyms: Option<&Pseudonyms>) -> Result<Lines> {
    let folder = folder(root, Details::NAME);
    let names = ["ForumTopics", "ForumMessages"];
    let hidden = pseudonyms.map(Pseudonyms::digest).unwrap_or_default();
    let stamp = format!(
        "{VERSION} {hidden}\n{}{}{}",
        tables.stamp(&names),
        tables.stamp(&owners::TABLES),
        tables.stamp(&things::TABLES)
    );
    let made = once(&folder, &stamp, |scratch, out| make(tables, pseudonyms, scratch, out))?;
    for (name, count) in made.counts.iter().filter(|(name, count)| name.contains("without") && **count > 0) {
        tracing::warn!("Meta Kaggle has {count} {name}");
    }
    Lines::new(Details::NAME, &folder, made, 20)
}

fn make(tables: &Tables, pseudonyms: Option<&Pseudonyms>, scratch: &Path, out: &mut Out) -> Result<Counts> {
    let (mut sorter, mut named, mut odd) = (Sorter::new(scratch), Named::default(), Odd::default());
    read_topics(tables, &mut sorter, &mut named, &mut odd)?;
    read_messages(tables, &mut sorter, &mut named, &mut odd)?;
    let mut sorted = sorter.sorted()?;
    let Named { mut users, forums, again, kernels } = named;
    let mut things = Things::read(tables, (forums, again), kernels, &mut users, scratch)?;
    let mut owners = Owners::read(tables, users, scratch)?;
    let fetched_at = tables.changed("ForumMessages").map(|at| at.to_string()).unwrap_or_default();
    tracing::info!("joining topics and messages");
    let mut open: Option<Open> = None;
    let mut topics = 0u64;
    loop {
        let next = sorted.next()?;
        let other = |open: &Open| next.as_ref().is_none_or(|((topic, _), _)| *topic != open.topic);
        let ends = open.as_ref().is_some_and(other);
        let read = match next {
            Some((key, row)) => {
                let damaged = |cause| Error::new(Kind::Storage, "a sorted row is damaged").because(cause);
                Some((key, serde_json::from_slice::<Sorted>(row).map_err(damaged)?))
            }
            None => None,
        };
        if ends && let Some(Open { topic: id, row, messages }) = open.take() {
            match row {
                Some(row) => {
                    tables.go_on()?;
                    let thread = thread(id, row, messages, &mut things, &mut owners, &mut odd)?;
                    let mut made = conversation(thread, "meta-kaggle", fetched_at.clone());
                    odd.dangling += made.stats.dangling_replies.unwrap_or(0);
                    if let Some(pseudonyms) = pseudonyms {
                        pseudonyms.hide(&mut made);
                    }
                    out.put(&Record::write(&made)?)?;
                    topics += 1;
                }
                None => odd.topicless += messages.len() as u64,
            }
        }
        let Some(((topic, message), row)) = read else { break };
        let open = open.get_or_insert_with(|| Open { topic, row: None, messages: Vec::new() });
        match row {
            Sorted::T(_) if open.row.is_some() => odd.twice += 1,
            Sorted::T(row) => open.row = Some(row),
            Sorted::M(_) if open.messages.last().is_some_and(|(id, _)| *id == message) => odd.twice += 1,
            Sorted::M(row) => open.messages.push((message, row)),
        }
    }
    Ok(Counts::from([
        ("items".into(), topics),
        ("messages".into(), odd.messages),
        ("rows without a number".into(), odd.numberless),
        ("rows that came twice".into(), odd.twice),
        ("messages without a topic".into(), odd.topicless),
        ("topics without an opening message".into(), odd.openingless),
        ("messages without a known author".into(), odd.authorless),
        ("replies without a target".into(), odd.dangling),
    ]))
}

fn read_topics(tables: &Tables, sorter: &mut Sorter, named: &mut Named, odd: &mut Odd) -> Result<()> {
    let columns = [
        "Id",
        "ForumId",
        "KernelId",
        "FirstForumMessageId",
        "CreationDate",
        "LastCommentDate",
        "Title",
        "IsSticky",
        "TotalViews",
        "Score",
        "TotalMessages",
    ];
    tables.must_read("ForumTopics", &columns, |row| {
        let Some(id) = row.number(0) else {
            odd.numberless += 1;
            return Ok(());
        };
        let (forum, kernel) = (row.number(1), row.number(2));
        named.forums.add(forum);
        named.again.add(forum.filter(|_| kernel.is_none()));
        named.kernels.add(kernel);
        let topic = TopicRow {
            forum,
            kernel,
            first: row.number(3),
            created: row.date(4),
            last: row.date(5),
            title: row.owned(6),
            sticky: row.flag(7),
            views: row.number(8),
            score: row.signed(9),
            messages: row.number(10),
        };
        sorter.push((id, 0), Record::write(&Sorted::T(topic))?.bytes())
    })
}

fn read_messages(tables: &Tables, sorter: &mut Sorter, named: &mut Named, odd: &mut Odd) -> Result<()> {
    let columns =
        ["Id", "ForumTopicId", "PostUserId", "PostDate", "ReplyToForumMessageId", "Message", "RawMarkdown"];
    tables.must_read("ForumMessages", &columns, |row| {
        let Some((id, topic)) = row.number(0).filter(|id| *id > 0).zip(row.number(1)) else {
            odd.numberless += 1;
            return Ok(());
        };
        odd.messages += 1;
        named.users.add(row.number(2));
        let raw = row.owned(6);
        let message = MessageRow {
            user: row.number(2),
            date: row.date(3),
            answers: row.number(4),
            html: if raw.is_none() { row.owned(5) } else { None },
            raw,
        };
        sorter.push((topic, id), Record::write(&Sorted::M(message))?.bytes())
    })
}

fn thread(
    id: u64,
    row: TopicRow,
    messages: Vec<(u64, MessageRow)>,
    things: &mut Things,
    owners: &mut Owners,
    odd: &mut Odd,
) -> Result<Thread> {
    let about = things.about(row.forum, row.kernel, owners)?;
    let topic = Topic {
        id: Some(id),
        url: about.as_ref().and_then(|about| address(about, id)),
        title: row.title,
        category: things.category(row.forum)?,
        about,
        created_at: row.created,
        bumped_at: row.last,
        views: row.views,
        like_count: row.score,
        pinned: row.sticky,
        posts_count: row.messages,
        ..Topic::default()
    };
    let mut thread = Thread { topic, ..Thread::default() };
    for (number, message) in messages {
        let names = owners.user(message.user)?;
        odd.authorless += u64::from(message.user.is_some() && names.is_none());
        let (username, name) = names.unwrap_or_default();
        let opens = row.first == Some(number);
        let said = Said {
            id: Some(number),
            answers: message.answers.filter(|_| !opens),
            username,
            name,
            user_id: message.user,
            written: message.date,
            // Those for a topic are told; those for its other messages are in another table, vote by vote.
            votes: row.score.filter(|_| opens),
            deleted: message.raw.is_none() && message.html.is_none(),
            body: match (message.raw, message.html) {
                (Some(raw), _) => Body::Raw(raw),
                (None, Some(html)) => Body::Html(html),
                (None, None) => Body::Nothing,
            },
        };
        match opens {
            true => thread.first = Some(said),
            false => thread.rest.push(said),
        }
    }
    odd.openingless += u64::from(thread.first.is_none());
    Ok(thread)
}
