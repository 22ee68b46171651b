//! Lists of topics as the API shows them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::object::{Object, moment, object};
use super::topic::{Facts, Head, Topic};
use super::topic_json::fancy;
use super::words::TAGS;
use super::world::World;

impl World {
    /// Rows and the people in them.
    pub(super) fn rows(&self, topics: &[u64]) -> (Vec<Value>, Vec<Value>) {
        let mut people = BTreeSet::new();
        let mut rows = Vec::new();
        for topic in topics.iter().filter_map(|id| self.topic(*id)) {
            let facts = self.facts(&topic);
            let posters = posters(&facts);
            let mut row = self.row(&topic, &facts);
            let shown = posters.iter().map(|(author, extras, description)| {
                people.insert(*author);
                json!({"extras": extras, "description": description, "user_id": self.people.at(*author).id,
                    "primary_group_id": null, "flair_group_id": null})
            });
            row.insert("posters".into(), shown.collect());
            rows.push(Value::Object(row));
        }
        let users = people.into_iter().map(|author| self.people.at(author).listed()).collect();
        (rows, users)
    }

    fn row(&self, topic: &Topic, facts: &[Facts]) -> Object {
        let head = &topic.head;
        let last = facts.iter().rev().find(|facts| facts.bumps()).or(facts.last());
        let mut row = object([
            ("id", json!(head.id)),
            ("title", json!(head.title)),
            ("fancy_title", json!(fancy(&head.title))),
            ("slug", json!(head.slug)),
            ("posts_count", json!(facts.len())),
            ("reply_count", json!(facts.iter().filter(|facts| facts.reply_to.is_some()).count())),
            ("highest_post_number", json!(facts.last().map_or(0, |last| last.number))),
            ("created_at", json!(moment(head.created))),
            ("last_posted_at", json!(last.map(|last| moment(last.created)))),
            ("bumped", json!(true)),
            ("bumped_at", json!(moment(head.bumped))),
            ("archetype", json!(if head.private { "private_message" } else { "regular" })),
            ("unseen", json!(false)),
            ("pinned", json!(head.pinned)),
            ("pinned_globally", json!(head.pinned)),
            ("unpinned", Value::Null),
            ("visible", json!(!head.unlisted)),
            ("closed", json!(head.closed)),
            ("archived", json!(head.archived)),
            ("bookmarked", Value::Null),
            ("liked", Value::Null),
            ("tags", self.tags_json(&head.tags)),
            ("tags_descriptions", json!({})),
            ("views", json!(head.views)),
            ("like_count", json!(facts.iter().map(|facts| facts.likes).sum::<u64>())),
            ("op_like_count", json!(facts.first().map_or(0, |first| first.likes))),
            ("has_summary", json!(facts.len() > 50)),
            ("last_poster_username", json!(last.map(|last| &self.people.at(last.author).username))),
            ("category_id", json!(head.category)),
            ("has_accepted_answer", json!(head.accepted.is_some())),
        ]);
        if head.pinned {
            row.insert("excerpt".into(), json!("Please read this first&hellip;"));
        }
        row.extend(self.decorations(head));
        for key in ["fancy_title", "image_url", "featured_link", "featured_link_root_domain", "unicode_title"]
        {
            if let Some(value) = head.recorded.as_ref().and_then(|recorded| recorded.get(key)) {
                row.insert(key.into(), value.clone());
            }
        }
        row
    }

    /// What only some topics have, in lists and by themselves.
    pub(super) fn decorations(&self, head: &Head) -> Object {
        let picture = self.pictures.first().filter(|_| head.id % 3 == 1 && head.views.is_multiple_of(2));
        let link = head.definition.then_some("https://example.org/about");
        let mut all = object([
            ("image_url", json!(picture.map(|picture| format!("{}{}", self.config.base, picture.path())))),
            ("featured_link", json!(link)),
        ]);
        if link.is_some() {
            all.insert("featured_link_root_domain".into(), json!("example.org"));
        }
        // Only titles with a named emoji have a second form.
        if head.title.contains(":sweat_smile:") {
            all.insert("unicode_title".into(), json!(head.title.replace(":sweat_smile:", "😅")));
        }
        all
    }

    /// Five other topics, whose posters are shown whole.
    pub(super) fn suggested(&self, topic: u64) -> Vec<Value> {
        let order = self.order("suggested", "activity", false, |card| !card.unlisted && card.posts < 1000);
        let start = (topic % order.len().max(1) as u64) as usize;
        let others =
            order.iter().cycle().skip(start).take(order.len()).filter(|other| **other != topic).take(5);
        let others = others.filter_map(|id| self.topic(*id));
        others
            .map(|other| {
                let facts = self.facts(&other);
                let mut row = self.row(&other, &facts);
                let posters = posters(&facts).into_iter().map(|(author, extras, description)| {
                    json!({"extras": extras, "description": description, "user": self.people.at(author).brief()})
                });
                row.insert("posters".into(), posters.collect());
                Value::Object(row)
            })
            .collect()
    }

    /// Objects or strings, as it was wished.
    pub(super) fn tags_json(&self, tags: &[&str]) -> Value {
        if !self.config.tag_objects {
            return json!(tags);
        }
        let id = |tag: &str| TAGS.iter().position(|known| *known == tag).map(|place| place + 1);
        tags.iter().map(|tag| json!({"id": id(tag), "name": tag, "slug": tag_slug(tag)})).collect()
    }
}

/// Tags without Latin letters have a number for a slug.
pub(super) fn tag_slug(tag: &str) -> String {
    let place = TAGS.iter().position(|known| *known == tag).unwrap_or(0) + 1;
    if tag.is_ascii() { tag.to_owned() } else { format!("{place}-tag") }
}

/// The author, the busiest and the last, with what the list calls them.
fn posters(facts: &[Facts]) -> Vec<(usize, Option<&'static str>, &'static str)> {
    let (Some(first), Some(last)) = (facts.first(), facts.iter().rev().find(|facts| facts.bumps())) else {
        return Vec::new();
    };
    if first.author == last.author {
        let alone = facts.iter().all(|facts| facts.author == first.author);
        let extras = if alone { "latest single" } else { "latest" };
        return vec![(first.author, Some(extras), "Original Poster, Most Recent Poster")];
    }
    let mut posters = vec![(first.author, None, "Original Poster")];
    for facts in facts.iter().take(60) {
        let known = posters.iter().any(|(author, ..)| *author == facts.author);
        if !known && facts.author != last.author && posters.len() < 4 {
            posters.push((facts.author, None, "Frequent Poster"));
        }
    }
    posters.push((last.author, Some("latest"), "Most Recent Poster"));
    posters
}
