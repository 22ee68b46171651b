//! Topics and posts: seeded ones are computed where they are needed, changed and recorded ones are kept.

use super::object::Object;

/// What is known of a topic without its posts.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) slug: String,
    pub(super) category: u64,
    pub(super) tags: Vec<&'static str>,
    /// In milliseconds, as all moments are.
    pub(super) created: i64,
    pub(super) bumped: i64,
    pub(super) views: u64,
    pub(super) closed: bool,
    pub(super) archived: bool,
    pub(super) pinned: bool,
    /// An unlisted topic is in no list.
    pub(super) unlisted: bool,
    /// `About the X category`
    pub(super) definition: bool,
    pub(super) private: bool,
    /// The number of the accepted answer.
    pub(super) accepted: Option<u64>,
    /// As it was recorded, its posts left out.
    pub(super) recorded: Option<Object>,
    /// Recorded counts are wrong from now on.
    pub(super) changed: bool,
}

/// A topic with its posts.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) head: Head,
    pub(super) posts: Posts,
}

#[derive(Clone, Debug)]
pub(super) enum Posts {
    /// So many from this id on, numbered from 1.
    Seeded { index: u64, first: u64, count: u64 },
    /// In the order of their numbers.
    Kept(Vec<Post>),
}

/// What is known of a post without its text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub(super) id: u64,
    pub(super) number: u64,
    /// Its place among the people.
    pub(super) author: usize,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// 1 regular, 2 by a moderator, 3 small action, 4 whisper.
    pub(super) kind: u8,
    pub(super) reply_to: Option<u64>,
    /// The reply quotes its parent, so `reply_to_user` is left out.
    pub(super) quotes_parent: bool,
    pub(super) likes: u64,
    pub(super) version: u64,
    pub(super) deleted: bool,
    pub(super) hidden: bool,
    pub(super) user_deleted: bool,
    pub(super) wiki: bool,
    pub(super) via_email: bool,
}

impl Facts {
    /// Whether everybody sees it.
    pub(super) fn seen(&self) -> bool {
        !self.deleted && self.kind != 4
    }

    /// Whether this reader sees it.
    pub(super) fn shown_to(&self, staff: bool) -> bool {
        !self.deleted && (staff || self.kind != 4)
    }

    /// Whether it brings its topic to the front of the list.
    pub(super) fn bumps(&self) -> bool {
        self.seen() && self.kind != 3
    }
}

/// A post.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) facts: Facts,
    /// What its author typed, if that is known and may be read.
    pub(super) raw: Option<String>,
    pub(super) cooked: String,
    /// Fields that win over the computed ones.
    pub(super) extra: Object,
}
