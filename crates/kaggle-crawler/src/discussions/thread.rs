//! A conversation of the messages that one of the routes tells: the API's tree, or the rows of Meta Kaggle.

use std::collections::{HashMap, HashSet};

use crawl_core::record::conversation::{CONVERSATION_VERSION, Conversation, Origin, Post, Stats, Topic};

use super::body;

/// The text of a message.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    /// None, or it is not shown any more.
    #[default]
    Nothing,
    /// As the author wrote it.
    Raw(String),
    /// As the site shows it.
    Html(String),
}

/// A message, as a route tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) id: Option<u64>,
    /// The message that it answers; `None`: the topic.
    pub(crate) answers: Option<u64>,
    pub(crate) username: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) user_id: Option<u64>,
    pub(crate) written: Option<String>,
    pub(crate) votes: Option<i64>,
    pub(crate) deleted: bool,
    pub(crate) body: Body,
}

/// A topic with its messages.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    pub(crate) topic: Topic,
    /// `None` if nobody tells of it.
    pub(crate) first: Option<Said>,
    pub(crate) rest: Vec<Said>,
}

/// The normal form of a thread. Messages come in the order of their numbers, which is the order in which they were
/// written; an answer to the opening one answers the topic.
pub(crate) fn conversation(thread: Thread, via: &str, fetched_at: String) -> Conversation {
    let Thread { topic, first, mut rest } = thread;
    rest.sort_by_key(|said| said.id.unwrap_or(u64::MAX));
    rest.dedup_by(|later, before| later.id.is_some() && later.id == before.id);
    let opening = first.as_ref().and_then(|said| said.id);
    let numbers: HashMap<u64, u64> =
        (2..).zip(&rest).filter_map(|(number, said)| Some((said.id?, number))).collect();
    let mut stats = Stats::default();
    let mut dangling = 0;
    let mut posts = Vec::with_capacity(rest.len() + 1);
    // Number 1 is the opening message, and nobody takes its place where it is not told.
    for (number, said) in (if first.is_some() { 1 } else { 2 }..).zip(first.into_iter().chain(rest)) {
        let answers = said.answers.filter(|id| Some(*id) != opening && said.id != Some(*id));
        let reply_to = answers.and_then(|id| numbers.get(&id).copied());
        dangling += u64::from(answers.is_some() && reply_to.is_none());
        posts.push(post(number, reply_to, said));
    }
    flag_author(&mut posts);
    let who = |post: &Post| post.username.clone().or_else(|| post.user_id.map(|id| id.to_string()));
    stats.authors = Some(posts.iter().filter_map(who).collect::<HashSet<_>>().len() as u64);
    stats.posts = Some(posts.len() as u64);
    stats.deleted = Some(posts.iter().filter(|post| post.deleted == Some(true)).count() as u64);
    stats.dangling_replies = Some(dangling);
    let source = Origin {
        site: Some("kaggle".into()),
        base_url: Some("https://www.kaggle.com".into()),
        via: Some(via.into()),
        fetched_at: Some(fetched_at),
        ..Origin::default()
    };
    Conversation {
        schema_version: Some(CONVERSATION_VERSION),
        source,
        topic,
        posts,
        stats,
        ..Conversation::default()
    }
}

fn post(number: u64, reply_to: Option<u64>, said: Said) -> Post {
    let mut post = Post {
        id: said.id,
        number: Some(number),
        reply_to,
        username: said.username,
        name: said.name,
        user_id: said.user_id,
        created_at: said.written,
        likes: said.votes,
        deleted: Some(said.deleted),
        dropped_reason: said.deleted.then(|| "deleted".into()),
        ..Post::default()
    };
    body::put(said.body, &mut post);
    post
}

/// Marks the posts of whoever opened the topic.
fn flag_author(posts: &mut [Post]) {
    let Some((first, rest)) = posts.split_first_mut() else { return };
    let same = |post: &Post| {
        (first.username.is_some() && post.username == first.username)
            || (first.user_id.is_some() && post.user_id == first.user_id)
    };
    if first.number == Some(1) {
        rest.iter_mut().filter(|post| same(post)).for_each(|post| post.role_flags.push("op".into()));
        first.role_flags.push("op".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: u64, answers: Option<u64>, who: &str) -> Said {
        Said { id: Some(id), answers, username: Some(who.into()), ..Said::default() }
    }

    #[test]
    fn replies_point_at_numbers_and_those_without_a_target_are_counted() {
        let rest = vec![
            said(30, Some(20), "b"),
            said(20, Some(10), "a"),
            said(40, Some(99), "c"),
            said(20, None, "a"),
        ];
        let thread = Thread { first: Some(said(10, None, "a")), rest, ..Thread::default() };
        let made = conversation(thread, "api", "now".into());
        let told: Vec<_> =
            made.posts.iter().map(|post| (post.id.unwrap(), post.number.unwrap(), post.reply_to)).collect();
        assert_eq!(told, [(10, 1, None), (20, 2, None), (30, 3, Some(2)), (40, 4, None)]);
        assert_eq!((made.stats.dangling_replies, made.stats.authors), (Some(1), Some(3)));
        let op: Vec<_> = made.posts.iter().map(|post| post.role_flags.len()).collect();
        assert_eq!(op, [1, 1, 0, 0]);
    }

    #[test]
    fn a_topic_whose_opening_nobody_tells_has_no_number_one() {
        let thread = Thread { rest: vec![said(5, None, "a")], ..Thread::default() };
        let made = conversation(thread, "api", "now".into());
        assert_eq!((made.posts[0].number, made.posts[0].role_flags.len()), (Some(2), 0));
        assert!(conversation(Thread::default(), "api", "now".into()).posts.is_empty());
    }
}
