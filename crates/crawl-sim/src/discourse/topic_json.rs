//! A topic as the API shows it: a window of its posts, and the ids of all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::object::{DAY, END, Object, escape, moment, object};
use super::post_json::Context;
use super::topic::{Facts, Topic};
use super::world::World;

/// So many posts come with a topic.
pub(super) const CHUNK: usize = 20;

/// Which posts of a topic are asked for.
pub(super) enum Window {
    /// Counted from 1.
    Page(usize),
    /// A few before and more after this post number.
    Around(u64),
}

impl World {
    /// `None` past the end.
    pub(super) fn topic_json(
        &self,
        topic: &Topic,
        window: &Window,
        raw: bool,
        staff: bool,
    ) -> Option<Object> {
        let facts = self.facts_for(topic, staff);
        let from = match window {
            Window::Page(page) => (page.max(&1) - 1) * CHUNK,
            Window::Around(number) => facts.partition_point(|facts| facts.number < *number).saturating_sub(5),
        };
        if from >= facts.len() && from > 0 {
            return None;
        }
        let shown = &facts[from..facts.len().min(from + CHUNK)];
        let posts = self.posts_json(topic, &facts, shown, raw);
        let mega = facts.len() as u64 >= self.config.mega_from;
        let stream = if mega {
            json!({"posts": posts, "isMegaTopic": true, "lastId": facts.last().map(|facts| facts.id)})
        } else {
            json!({"posts": posts, "stream": facts.iter().map(|facts| facts.id).collect::<Vec<_>>()})
        };
        let mut whole = self.outer(topic, &facts);
        whole.insert("post_stream".into(), stream);
        if mega {
            whole.remove("timeline_lookup");
        }
        let current = shown.first().map_or(1, |facts| facts.number);
        whole.insert("current_post_number".into(), json!(current));
        Some(whole)
    }

    /// These posts, of a topic that has `all`.
    pub(super) fn posts_json(&self, topic: &Topic, all: &[Facts], shown: &[Facts], raw: bool) -> Vec<Value> {
        let mut replies: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for facts in all {
            if let Some(parent) = facts.reply_to {
                let counts = replies.entry(parent).or_default();
                counts.0 += 1;
                counts.1 += u64::from(facts.quotes_parent);
            }
        }
        let posts = shown.iter().filter_map(|facts| self.post(topic, facts.number));
        posts
            .map(|post| {
                let (replies, quotes) = replies.get(&post.facts.number).copied().unwrap_or_default();
                Value::Object(self.post_json(
                    topic,
                    &post,
                    Context { replies, quotes, raw, posts: all.len() as u64 },
                ))
            })
            .collect()
    }

    /// All but the posts.
    fn outer(&self, topic: &Topic, facts: &[Facts]) -> Object {
        let head = &topic.head;
        let last = facts.iter().rev().find(|facts| facts.bumps()).or(facts.last());
        let action = |id: u64| json!({"id": id, "count": 0, "hidden": false, "can_act": false});
        let mut outer = object([
            ("timeline_lookup", timeline(facts)),
            ("suggested_topics", self.suggested(head.id).into()),
            ("tags", self.tags_json(&head.tags)),
            ("tags_descriptions", json!({})),
            ("id", json!(head.id)),
            ("title", json!(head.title)),
            ("fancy_title", json!(fancy(&head.title))),
            ("posts_count", json!(facts.len())),
            ("created_at", json!(moment(head.created))),
            ("views", json!(head.views)),
            ("reply_count", json!(facts.iter().filter(|facts| facts.reply_to.is_some()).count())),
            ("like_count", json!(facts.iter().map(|facts| facts.likes).sum::<u64>())),
            ("last_posted_at", json!(last.map(|last| moment(last.created)))),
            ("visible", json!(!head.unlisted)),
            ("closed", json!(head.closed)),
            ("archived", json!(head.archived)),
            ("has_summary", json!(facts.len() > 50)),
            ("archetype", json!(if head.private { "private_message" } else { "regular" })),
            ("slug", json!(head.slug)),
            ("category_id", json!(head.category)),
            ("word_count", json!(facts.len() * 40)),
            ("deleted_at", Value::Null),
            ("user_id", json!(facts.first().and_then(|first| self.people.at(first.author).id))),
            ("pinned_globally", json!(head.pinned)),
            ("pinned_at", if head.pinned { json!(moment(head.created)) } else { Value::Null }),
            ("pinned_until", Value::Null),
            ("slow_mode_seconds", json!(0)),
            ("draft", Value::Null),
            ("draft_key", json!(format!("topic_{}", head.id))),
            ("draft_sequence", Value::Null),
            ("unpinned", Value::Null),
            ("pinned", json!(head.pinned)),
            ("highest_post_number", json!(facts.last().map_or(0, |last| last.number))),
            ("deleted_by", Value::Null),
            ("actions_summary", json!([action(4), action(8), action(7)])),
            ("chunk_size", json!(CHUNK)),
            ("bookmarked", json!(false)),
            ("bookmarks", json!([])),
            ("topic_timer", Value::Null),
            ("message_bus_last_id", json!(0)),
            ("participant_count", json!(self.participants(facts).len())),
            ("show_read_indicator", json!(false)),
            ("thumbnails", Value::Null),
            ("slow_mode_enabled_until", Value::Null),
            ("tags_disable_ads", json!(false)),
            ("details", self.details(topic, facts)),
        ]);
        outer.extend(self.decorations(head));
        if let Some(address) = outer["image_url"].as_str() {
            let small =
                json!({"url": address, "width": 96, "height": 72, "max_width": null, "max_height": null});
            let large =
                json!({"url": address, "width": 96, "height": 72, "max_width": 1024, "max_height": 1024});
            outer.insert("thumbnails".into(), json!([small, large]));
        }
        self.accept(topic, facts, &mut outer);
        self.overlay(topic, &mut outer);
        outer
    }

    fn accept(&self, topic: &Topic, facts: &[Facts], outer: &mut Object) {
        let accepted =
            topic.head.accepted.and_then(|number| facts.iter().find(|facts| facts.number == number));
        let Some(accepted) = accepted else { return };
        let author = self.people.at(accepted.author);
        let excerpt = self.post(topic, accepted.number).and_then(|post| post.raw).unwrap_or_default();
        let excerpt: String = excerpt.chars().take(80).collect();
        let answer = json!({
            "post_number": accepted.number, "username": author.username, "name": author.name, "excerpt": excerpt,
        });
        if self.config.many_answers {
            outer.insert("accepted_answers".into(), json!([answer]));
        } else {
            outer.insert("accepted_answer".into(), answer);
        }
    }

    /// What was recorded wins, but for counts that changed since.
    fn overlay(&self, topic: &Topic, outer: &mut Object) {
        const MOVING: [&str; 11] = [
            "posts_count",
            "reply_count",
            "like_count",
            "last_posted_at",
            "highest_post_number",
            "timeline_lookup",
            "details",
            "participant_count",
            "word_count",
            "accepted_answer",
            "current_post_number",
        ];
        for (key, value) in topic.head.recorded.iter().flatten() {
            if !(topic.head.changed && MOVING.contains(&key.as_str())) {
                outer.insert(key.clone(), value.clone());
            }
        }
    }

    /// The people of a topic with the number of their posts, the busiest first.
    fn participants(&self, facts: &[Facts]) -> Vec<(usize, usize)> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        facts.iter().for_each(|facts| *counts.entry(facts.author).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(author, count)| (std::cmp::Reverse(*count), *author));
        counts
    }

    fn details(&self, topic: &Topic, facts: &[Facts]) -> Value {
        let participants = self.participants(facts).into_iter().take(24).map(|(author, count)| {
            let person = self.people.at(author);
            let mut brief = person.brief();
            brief.insert("post_count".into(), json!(count));
            for key in ["primary_group_name", "flair_name", "flair_url", "flair_color", "flair_bg_color"] {
                brief.insert(key.into(), Value::Null);
            }
            brief.insert("trust_level".into(), json!(person.trust));
            person.rights(&mut brief);
            Value::Object(brief)
        });
        let last = facts.iter().rev().find(|facts| facts.bumps());
        let brief = |facts: Option<&Facts>| facts.map(|facts| self.people.at(facts.author).brief());
        let mut details = object([
            ("can_edit", json!(false)),
            ("notification_level", json!(1)),
            ("participants", participants.collect()),
            ("created_by", json!(brief(facts.first()))),
            ("last_poster", json!(brief(last))),
        ]);
        if facts.len() > 2 {
            let user = facts.first().and_then(|first| self.people.at(first.author).id);
            let link = |url: &str, title: Value, domain: &str| {
                json!({"url": url, "title": title, "internal": false, "attachment": false, "reflection": false, "clicks": 3,
                    "user_id": user, "domain": domain, "root_domain": domain})
            };
            let links = json!([
                link("https://example.org/manual?a=1&b=2", json!("The manual"), "example.org"),
                link(&format!("https://example.com/bare_link_{}", topic.head.id), Value::Null, "example.com"),
            ]);
            details.insert("links".into(), links);
        }
        details.into()
    }
}

/// `[place, days ago]`, where the days differ.
fn timeline(facts: &[Facts]) -> Value {
    let mut lookup: Vec<(usize, i64)> = Vec::new();
    for (place, facts) in facts.iter().enumerate() {
        let days = (END - facts.created).max(0) / DAY;
        if lookup.last().is_none_or(|(_, last)| *last != days) {
            lookup.push((place + 1, days));
        }
    }
    json!(lookup)
}

/// With HTML entities and typographic quotes.
pub(super) fn fancy(title: &str) -> String {
    escape(title).replace(" &quot;", " &ldquo;").replace("&quot;", "&rdquo;").replace('\'', "&rsquo;")
}
