//! What seeded topics and posts are like: a function of the seed, the topic's index and the post's number.

use serde_json::json;

use super::body::{self, Around, Body, KINDS, Quoted};
use super::object::{END, Object, START, slug};
use super::people::{ADMIN, DISCOBOT, GONE, People, SYSTEM};
use super::picture::Picture;
use super::topic::{Facts, Head, Post};
use super::words::{self, CATEGORIES, TAGS};
use crate::dice::Dice;

/// How the seeded topics of a forum are made.
pub(super) struct Seeded {
    pub(super) seed: u64,
    /// How many there are at the start; those that come later are younger than [`END`].
    pub(super) topics: u64,
    /// The id of the topic with index 0.
    pub(super) first_id: u64,
    /// The index and the number of posts of the one that is larger than all others.
    pub(super) mega: Option<(u64, u64)>,
    /// Every topic has so many posts.
    pub(super) posts: Option<u64>,
}

/// Ids without public posts after every tenth topic: private messages.
pub(super) const GAP: u64 = 130;

impl Seeded {
    /// With deleted posts and whispers.
    pub(super) fn count(&self, index: u64) -> u64 {
        let mut dice = Dice::new(self.seed ^ 0xc0, index);
        match self.mega {
            Some((mega, count)) if mega == index => count,
            _ if self.posts.is_some() => self.posts.unwrap_or(1).max(1),
            _ if index == 0 => KINDS + 8,
            _ if index % 10 == 9 => 1,
            _ if index % 25 == 7 => 45 + dice.below(90),
            _ => 2 + dice.below(18),
        }
    }

    fn created(&self, index: u64) -> i64 {
        if index >= self.topics {
            return END + (index - self.topics) as i64 * 1000;
        }
        START + (END - START - 1_000_000) / (self.topics.max(1) as i64) * index as i64 + (index % 1000) as i64
    }

    fn posted(&self, index: u64, number: u64, count: u64) -> i64 {
        let created = self.created(index);
        let left = (END - created).max(1000) / (count as i64 + 1);
        let usual = 90_000 + Dice::new(self.seed ^ 0x71, index).heavy(8.5, 2) as i64;
        created + usual.min(left) * (number as i64 - 1)
    }

    pub(super) fn head(&self, index: u64, people: &People) -> Head {
        let mut dice = Dice::new(self.seed, index);
        let (id, count) = (self.first_id + index, self.count(index));
        let title = words::title(&mut dice, index);
        let category = CATEGORIES[dice.below(CATEGORIES.len() as u64) as usize].0;
        let tags = TAGS.iter().enumerate().filter(|(place, _)| dice.below(5) > 2 + *place as u64 % 2);
        let tags = tags.map(|(_, tag)| *tag).collect();
        let last = (1..=count).rev().map(|number| self.facts(index, number, 0, people)).find(Facts::bumps);
        let small = self.last_closes(index, count);
        Head {
            id,
            slug: slug(&title),
            title,
            category,
            tags,
            created: self.created(index),
            bumped: last.map_or(self.created(index), |last| last.created),
            views: dice.heavy(4.5, 2) + count,
            closed: small,
            archived: index % 50 == 18,
            pinned: index == 3,
            unlisted: index % 50 == 33,
            accepted: self.accepted(index, count, people),
            ..Head::default()
        }
    }

    fn last_closes(&self, index: u64, count: u64) -> bool {
        index % 8 == 2 && count > 2 && self.posts.is_none()
    }

    fn accepted(&self, index: u64, count: u64, people: &People) -> Option<u64> {
        if !index.is_multiple_of(7) || count < 3 {
            return None;
        }
        let opener = self.facts(index, 1, 0, people).author;
        let good =
            |facts: &Facts| facts.bumps() && !facts.hidden && !facts.user_deleted && facts.author != opener;
        let wanted = 2 + Dice::new(self.seed ^ 0xacc, index).below(count - 1);
        (wanted..=count.min(wanted + 50))
            .map(|number| self.facts(index, number, 0, people))
            .find(good)
            .map(|facts| facts.number)
    }

    /// `first` is the id of the topic's first post.
    pub(super) fn facts(&self, index: u64, number: u64, first: u64, people: &People) -> Facts {
        let count = self.count(index);
        let mut dice = Dice::new(self.seed ^ 0xfac7, index << 20 ^ number);
        let opener = people.pick(Dice::new(self.seed ^ 0x0b, index).next());
        let plain = self.posts.is_some();
        let is = |modulus: u64, rest: u64, at: u64| !plain && index % modulus == rest && number == at;
        let kind = match () {
            () if number == count && self.last_closes(index, count) => 3,
            () if is(20, 12, 3) => 3,
            () if is(14, 10, 2) => 2,
            () if is(9, 4, 3) => 4,
            () => 1,
        };
        let helper = dice.below(4);
        let author = match () {
            () if kind == 3 => SYSTEM,
            () if kind == 2 || kind == 4 => ADMIN,
            () if is(16, 3, 2) => GONE,
            () if is(18, 5, 2) => DISCOBOT,
            () if number == 1 || helper == 0 => opener,
            () => people.pick(Dice::new(self.seed ^ 0x4e1, index * 3 + helper).next()),
        };
        let quotes = self.kind(index, number) == 2;
        let reply_to = match () {
            () if number == 1 || kind == 3 => None,
            () if quotes => Some(number - 1),
            () => dice.per_mille(450).then(|| 1 + dice.below(number - 1)),
        };
        let created = self.posted(index, number, count);
        let edited = dice.below(9) == 5 && kind == 1;
        Facts {
            id: first + number - 1,
            number,
            author,
            created,
            updated: if edited { (created + 3_600_000).min(END.max(created)) } else { created },
            kind,
            reply_to,
            quotes_parent: quotes,
            likes: if kind == 1 { dice.heavy(2.5, 4) } else { 0 },
            version: if edited { 2 } else { 1 },
            deleted: !plain
                && index % 6 == 1
                && number % 7 == 3
                && self.mega.is_none_or(|(mega, _)| mega != index),
            hidden: is(11, 5, 2),
            user_deleted: is(13, 6, 2),
            wiki: is(10, 8, 1),
            via_email: is(15, 11, 2),
        }
    }

    /// The showcase has every kind of text once, in order.
    fn kind(&self, index: u64, number: u64) -> u64 {
        if index == 0 {
            (number - 1) % KINDS
        } else {
            Dice::new(self.seed ^ 0x6d, index << 20 ^ number).below(KINDS)
        }
    }

    pub(super) fn post(&self, index: u64, number: u64, first: u64, scene: &Scene<'_>) -> Post {
        let facts = self.facts(index, number, first, scene.people);
        let topic = self.first_id + index;
        if facts.kind == 3 {
            return self.small_action(facts, index, scene);
        }
        if facts.hidden {
            let extra = serde_json::Map::from_iter([
                ("hidden_reason_id".to_owned(), json!(1)),
                ("cooked_hidden".to_owned(), json!(true)),
            ]);
            let cooked = "This post was flagged by the community and is temporarily hidden.";
            // The plain form of a topic shows what the others hide.
            let raw = Some("Buy my lifeboats, they are cheap!".into());
            return Post { facts, raw, cooked: body::paragraph(cooked), extra };
        }
        if facts.user_deleted {
            let said = "(post deleted by author)";
            return Post {
                facts,
                raw: Some(said.into()),
                cooked: body::paragraph(said),
                extra: Object::new(),
            };
        }
        let mut text = Body::new(&words::opening(self.seed, topic, number));
        let mut dice = Dice::new(self.seed ^ 0x7e, index << 20 ^ number);
        let earlier = (number > 1).then(|| Quoted {
            username: scene
                .people
                .at(self.facts(index, number - 1, first, scene.people).author)
                .username
                .clone(),
            number: number - 1,
            text: words::opening(self.seed, topic, number - 1),
        });
        let around = Around {
            base: scene.base,
            pictures: scene.pictures,
            somebody: &scene.people.at(self.facts(index, 1, first, scene.people).author).username,
            earlier,
            topic,
            slug: scene.slug,
            number,
        };
        body::fill(&mut text, self.kind(index, number), &mut dice, &around);
        if facts.via_email {
            text.block(
                "On Monday the forum wrote:",
                "<details class=\"elided\">\n<summary title=\"Show trimmed content\">\
                &#183;&#183;&#183;</summary>\n<p>On Monday the forum wrote:</p>\n</details>",
            );
            text.extra.insert("via_email".into(), json!(true));
        }
        Post { facts, raw: Some(text.raw), cooked: text.cooked, extra: text.extra }
    }

    fn small_action(&self, facts: Facts, index: u64, scene: &Scene<'_>) -> Post {
        let (action, raw, cooked) = if index % 20 == 12 && facts.number == 3 {
            let other = self.first_id + (index + 1) % self.topics.max(1);
            let link = format!("{}/t/{other}", scene.base);
            let raw = format!("2 posts were split to a new topic: [another matter]({link})");
            let cooked =
                format!("<p>2 posts were split to a new topic: <a href=\"{link}\">another matter</a></p>");
            ("split_topic", raw, cooked)
        } else {
            ("closed.enabled", String::new(), String::new())
        };
        let extra = serde_json::Map::from_iter([("action_code".to_owned(), json!(action))]);
        Post { facts, raw: Some(raw), cooked, extra }
    }
}

/// What posts can refer to.
pub(super) struct Scene<'a> {
    pub(super) base: &'a str,
    pub(super) people: &'a People,
    pub(super) pictures: &'a [Picture],
    pub(super) slug: &'a str,
}
