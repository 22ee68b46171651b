//! A post as the API shows it.

use serde_json::{Value, json};

use super::object::{Object, moment, object};
use super::topic::{Head, Post, Topic};
use super::world::World;

/// What a post's neighbours know of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Context {
    pub(super) replies: u64,
    pub(super) quotes: u64,
    /// Of all posts of the topic.
    pub(super) posts: u64,
    pub(super) raw: bool,
}

impl World {
    pub(super) fn post_json(&self, topic: &Topic, post: &Post, context: Context) -> Object {
        let Post { facts, .. } = post;
        let author = self.people.at(facts.author);
        let head = &topic.head;
        let hidden_from = facts.hidden || facts.kind == 3;
        let mut shown = object([
            ("id", json!(facts.id)),
            ("name", json!(author.name)),
            ("username", json!(author.username)),
            ("avatar_template", json!(author.avatar)),
            ("created_at", json!(moment(facts.created))),
            ("cooked", json!(post.cooked)),
            ("post_number", json!(facts.number)),
            ("post_type", json!(facts.kind)),
            ("posts_count", json!(context.posts)),
            ("updated_at", json!(moment(facts.updated))),
            ("reply_count", json!(context.replies)),
            ("reply_to_post_number", json!(facts.reply_to)),
            ("quote_count", json!(context.quotes)),
            ("incoming_link_count", json!(facts.id % 5)),
            ("reads", json!(facts.id % 60 + 2)),
            ("readers_count", json!(facts.id % 60 + 1)),
            ("score", json!(facts.likes as f64 * 15.0 + (facts.id % 60) as f64 * 0.2 + 0.4)),
            ("yours", json!(false)),
            ("topic_id", json!(head.id)),
            ("topic_slug", json!(head.slug)),
            ("display_username", json!(author.name)),
            ("primary_group_name", Value::Null),
            ("flair_name", Value::Null),
            ("flair_url", Value::Null),
            ("flair_bg_color", Value::Null),
            ("flair_color", Value::Null),
            ("flair_group_id", Value::Null),
            ("version", json!(facts.version)),
            ("can_edit", json!(false)),
            ("can_delete", json!(false)),
            ("can_recover", json!(false)),
            ("can_wiki", json!(false)),
            ("read", json!(true)),
            ("user_title", json!(author.title)),
            ("bookmarked", json!(false)),
            ("actions_summary", likes(facts.likes)),
            ("moderator", json!(author.moderator)),
            ("admin", json!(author.admin)),
            ("staff", json!(author.staff())),
            ("user_id", json!(author.id)),
            ("hidden", json!(facts.hidden)),
            ("trust_level", json!(author.id.map(|_| author.trust))),
            ("deleted_at", Value::Null),
            ("user_deleted", json!(facts.user_deleted)),
            ("edit_reason", edit_reason(facts.version, facts.id)),
            ("can_view_edit_history", json!(!hidden_from)),
            ("wiki", json!(facts.wiki)),
            ("can_accept_answer", json!(false)),
            ("can_unaccept_answer", json!(false)),
            ("accepted_answer", json!(head.accepted == Some(facts.number))),
            ("topic_accepted_answer", json!(head.accepted.is_some())),
            ("post_url", json!(format!("{}/t/{}/{}/{}", self.config.base, head.slug, head.id, facts.number))),
        ]);
        if self.config.reactions {
            let hearts = json!([{"id": "heart", "type": "emoji", "count": facts.likes}]);
            shown.insert("reactions".into(), if facts.likes > 0 { hearts } else { json!([]) });
            shown.insert("reaction_users_count".into(), json!(facts.likes));
            shown.insert("current_user_reaction".into(), Value::Null);
        }
        if author.title.is_some() {
            shown.insert("title_is_group".into(), json!(false));
        }
        if facts.likes % 7 == 6 && author.id.is_some() {
            shown.insert("user_suspended".into(), json!(true));
        }
        if let Some(parent) =
            facts.reply_to.filter(|_| !facts.quotes_parent).and_then(|number| self.author(topic, number))
        {
            shown.insert("reply_to_user".into(), parent.into());
        }
        shown.extend(post.extra.clone());
        if let Some(raw) = post.raw.as_ref().filter(|_| context.raw && !facts.hidden) {
            shown.insert("raw".into(), json!(raw));
        }
        shown
    }

    fn author(&self, topic: &Topic, number: u64) -> Option<Object> {
        let facts = self.one_fact(topic, number)?;
        let mut brief = self.people.at(facts.author).brief();
        brief.remove("id");
        Some(brief)
    }

    /// With what only lists of posts across topics say.
    pub(super) fn stray_post_json(&self, topic: &Topic, post: &Post) -> Value {
        let mut shown = self.post_json(
            topic,
            post,
            Context { raw: true, posts: self.count(topic.head.id), ..Context::default() },
        );
        let Head { title, category, .. } = &topic.head;
        shown.insert("topic_title".into(), json!(title));
        shown.insert("topic_html_title".into(), json!(super::object::escape(title)));
        shown.insert("category_id".into(), json!(category));
        shown.into()
    }
}

/// No entry means: no likes.
fn likes(count: u64) -> Value {
    if count == 0 { json!([]) } else { json!([{"id": 2, "count": count}]) }
}

fn edit_reason(version: u64, id: u64) -> Value {
    if version > 1 && id % 4 == 1 { json!("a typo") } else { Value::Null }
}
