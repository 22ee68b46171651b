//! What changes while a forum is read.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::json;

use super::body;
use super::object::{Object, slug};
use super::people::ADMIN;
use super::topic::{Facts, Head, Post, Posts, Topic};
use super::world::{State, World};

/// A change, and the request that it comes before.
///
/// Text form: `N=bump:TOPIC`, `N=reply:TOPIC:COUNT`, `N=edit:POST`, `N=edit-silently:POST`, `N=delete-post:POST`,
/// `N=split:TOPIC:NUMBER` (that post and all after it), `N=delete-topic:TOPIC`, `N=publish:COUNT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub(super) before: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Bump(u64),
    Reply(u64, u64),
    Edit(u64, bool),
    DeletePost(u64),
    Split(u64, u64),
    DeleteTopic(u64),
    Publish(u64),
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("change `{text}`: expected N=WHAT:ID, see the documentation of `Change`");
        let (before, what) = text.split_once('=').ok_or_else(wrong)?;
        let mut parts = what.split(':');
        let name = parts.next().unwrap_or_default();
        let numbers: Vec<u64> = parts.map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let what = match (name, numbers.as_slice()) {
            ("bump", [topic]) => What::Bump(*topic),
            ("reply", [topic, count]) => What::Reply(*topic, *count),
            ("edit", [post]) => What::Edit(*post, true),
            ("edit-silently", [post]) => What::Edit(*post, false),
            ("delete-post", [post]) => What::DeletePost(*post),
            ("split", [topic, number]) => What::Split(*topic, *number),
            ("delete-topic", [topic]) => What::DeleteTopic(*topic),
            ("publish", [count]) => What::Publish(*count),
            _ => return Err(wrong()),
        };
        Ok(Self { before: before.parse().map_err(|_| wrong())?, what })
    }
}

impl World {
    /// Makes a planned change.
    pub(super) fn apply(&self, what: &What) {
        match what {
            What::Bump(topic) => {
                self.bump(*topic);
            }
            What::Reply(topic, count) => (0..*count).for_each(|_| {
                self.reply(*topic, "One more reply, written while you read.");
            }),
            What::Edit(post, loud) => {
                self.edit(*post, "Edited while you read.", *loud);
            }
            What::DeletePost(post) => {
                self.delete_post(*post);
            }
            What::Split(topic, number) => {
                let posts = self.topic(*topic).map(|topic| self.all_facts(&topic)).unwrap_or_default();
                let moved: Vec<u64> = posts
                    .iter()
                    .filter(|facts| facts.number >= *number && facts.seen())
                    .map(|facts| facts.id)
                    .collect();
                self.split(*topic, &moved, "Split while you read");
            }
            What::DeleteTopic(topic) => {
                self.delete_topic(*topic);
            }
            What::Publish(count) => (0..*count).for_each(|_| {
                self.publish("Published while you read", &[(Some("New.".into()), "<p>New.</p>".into())]);
            }),
        }
    }

    /// False if there is no such topic.
    pub(super) fn bump(&self, topic: u64) -> bool {
        self.change(topic, |open| open.head.bumped = open.now).is_some()
    }

    /// The id of the new post.
    pub(super) fn reply(&self, topic: u64, raw: &str) -> Option<u64> {
        self.change(topic, |open| {
            let id = open.state.take_post();
            open.posts.push(written(id, open.next_number(), ADMIN + 1, open.now, raw));
            open.head.bumped = open.now;
            id
        })
    }

    /// Whether there is such a post. A loud edit of the last post bumps the topic, no other does.
    pub(super) fn edit(&self, post: u64, raw: &str, loud: bool) -> bool {
        let Some(topic) = self.topic_of(post) else { return false };
        let edited = self.change(topic, |open| {
            let last = open.last().map(|last| last.id);
            let found = open.posts.iter_mut().find(|found| found.facts.id == post)?;
            found.raw = Some(raw.into());
            found.cooked = body::plain(raw);
            found.facts.version += 1;
            found.facts.updated = open.now;
            for changed in ["cooked", "raw", "version", "updated_at", "link_counts", "polls"] {
                found.extra.remove(changed);
            }
            if loud && last == Some(post) {
                open.head.bumped = open.now;
            }
            Some(())
        });
        edited.flatten().is_some()
    }

    /// Whether there is such a post. The deletion of the last one puts the topic back to where it was before.
    pub(super) fn delete_post(&self, post: u64) -> bool {
        let Some(topic) = self.topic_of(post) else { return false };
        let deleted = self.change(topic, |open| {
            let last = open.last().map(|last| last.id);
            open.posts.iter_mut().find(|found| found.facts.id == post)?.facts.deleted = true;
            if last == Some(post) {
                open.head.bumped = open.last().map_or(open.head.created, |last| last.created);
            }
            Some(())
        });
        deleted.flatten().is_some()
    }

    /// Moves posts to a new topic, as old as the first of them; the new topic's id.
    pub(super) fn split(&self, topic: u64, posts: &[u64], title: &str) -> Option<u64> {
        let base = &self.config.base;
        let new = self.change(topic, |open| {
            let all = std::mem::take(&mut open.posts);
            let chosen =
                |post: &Post| posts.contains(&post.facts.id) && post.facts.number > 1 && post.facts.kind != 3;
            let (mut moved, left): (Vec<Post>, Vec<Post>) = all.into_iter().partition(chosen);
            open.posts = left;
            let (first, last) = (moved.first()?.facts, moved.last()?.facts);
            let old: Vec<u64> = moved.iter().map(|post| post.facts.number).collect();
            let renumbered =
                |number: u64| old.iter().position(|old| *old == number).map(|place| place as u64 + 1);
            for (place, post) in moved.iter_mut().enumerate() {
                post.facts.number = place as u64 + 1;
                post.facts.reply_to = post.facts.reply_to.and_then(renumbered);
                for old in ["post_number", "topic_id", "topic_slug", "reply_to_post_number", "reply_to_user"]
                {
                    post.extra.remove(old);
                }
            }
            let (id, count) = (open.state.take_topic(), moved.len());
            let head = Head {
                id,
                slug: slug(title),
                title: title.into(),
                category: open.head.category,
                created: first.created,
                bumped: if self.config.split_bumps { open.now } else { last.created },
                views: 1,
                ..Head::default()
            };
            let address = format!("{base}/t/{}/{id}", head.slug);
            let raw = format!("{count} posts were split to a new topic: [{title}]({address})");
            // The note takes the place of the first post that went away.
            let mut note = written(open.state.take_post(), first.number, ADMIN, open.now, &raw);
            note.facts.kind = 3;
            note.cooked =
                format!("<p>{count} posts were split to a new topic: <a href=\"{address}\">{title}</a></p>");
            note.extra.insert("action_code".into(), json!("split_topic"));
            open.posts.push(note);
            open.posts.sort_by_key(|post| post.facts.number);
            open.head.bumped = open.last().map_or(open.head.created, |last| last.created);
            Some(Topic { head, posts: Posts::Kept(moved) })
        });
        let new = new.flatten()?;
        let id = new.head.id;
        // After the old topic, so that the posts are known to be here.
        self.state().keep(Arc::new(new));
        Some(id)
    }

    /// False if there is no such topic.
    pub(super) fn delete_topic(&self, topic: u64) -> bool {
        let mut state = self.state();
        let before = state.cards.len();
        state.cards.retain(|card| card.id != topic);
        state.kept.remove(&topic);
        state.gone.insert(topic);
        state.orders.clear();
        state.cards.len() < before
    }

    /// A new topic; its id.
    pub(super) fn publish(&self, title: &str, posts: &[(Option<String>, String)]) -> u64 {
        let mut state = self.state();
        let now = state.tick();
        self.plant(&mut state, Head { title: title.into(), ..Head::default() }, posts, now)
    }

    /// A new topic: what its head does not say is filled in.
    pub(super) fn plant(
        &self,
        state: &mut State,
        head: Head,
        posts: &[(Option<String>, String)],
        at: i64,
    ) -> u64 {
        let id = if head.id == 0 { state.take_topic() } else { head.id };
        let post = |(place, (raw, cooked)): (usize, &(Option<String>, String))| {
            let author = self.people.pick(place as u64);
            let mut post = written(state.take_post(), place as u64 + 1, author, at + place as i64 * 1000, "");
            post.raw.clone_from(raw);
            post.cooked.clone_from(cooked);
            post
        };
        let posts: Vec<Post> = posts.iter().enumerate().map(post).collect();
        let head = Head {
            id,
            slug: slug(&head.title),
            category: if head.category == 0 { self.categories[0].id } else { head.category },
            created: at,
            bumped: posts.last().map_or(at, |post| post.facts.created),
            views: 1,
            ..head
        };
        state.keep(Arc::new(Topic { head, posts: Posts::Kept(posts) }));
        id
    }

    /// Keeps all posts of the topic from now on and lets `change` at it.
    fn change<T>(&self, id: u64, change: impl FnOnce(&mut Open<'_>) -> T) -> Option<T> {
        let topic = self.topic(id)?;
        let numbers: Vec<u64> = self.all_facts(&topic).iter().map(|facts| facts.number).collect();
        let posts = numbers.into_iter().filter_map(|number| self.post(&topic, number)).collect();
        let mut state = self.state();
        let now = state.tick();
        let mut open =
            Open { head: Head { changed: true, ..topic.head.clone() }, posts, state: &mut state, now };
        let result = change(&mut open);
        let Open { head, posts, .. } = open;
        state.keep(Arc::new(Topic { head, posts: Posts::Kept(posts) }));
        Some(result)
    }
}

/// A topic that is being changed.
struct Open<'a> {
    head: Head,
    posts: Vec<Post>,
    state: &'a mut State,
    now: i64,
}

impl Open<'_> {
    fn next_number(&self) -> u64 {
        self.posts.iter().map(|post| post.facts.number).max().unwrap_or(0) + 1
    }

    /// The post that says when the topic was bumped.
    fn last(&self) -> Option<Facts> {
        self.posts.iter().rev().map(|post| post.facts).find(Facts::bumps)
    }
}

fn written(id: u64, number: u64, author: usize, at: i64, raw: &str) -> Post {
    let facts =
        Facts { id, number, author, created: at, updated: at, kind: 1, version: 1, ..Facts::default() };
    Post { facts, raw: Some(raw.into()), cooked: body::plain(raw), extra: Object::new() }
}
