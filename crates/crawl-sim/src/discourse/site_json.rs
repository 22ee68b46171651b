//! What a forum tells of itself.

use serde_json::{Value, json};

use super::category::Category;
use super::list_json::tag_slug;
use super::object::{END, moment, object};
use super::words::TAGS;
use super::world::World;

const VERSION: &str = "2026.10.0-latest";

impl World {
    pub(super) fn basic_info(&self) -> Value {
        json!({
            "logo_url": null, "logo_small_url": null, "apple_touch_icon_url": null,
            "favicon_url": format!("{}/images/favicon.png", self.config.base), "title": TITLE,
            "description": "Tides, charts and those who read them", "header_primary_color": "333333",
            "header_background_color": "ffffff", "login_required": self.config.login_required, "locale": "en",
            "include_in_discourse_discover": true, "mobile_logo_url": null,
        })
    }

    pub(super) fn about(&self) -> Value {
        let topics = self.order("about", "created", true, |card| !card.unlisted);
        let posts: u64 = self.state().cards.iter().map(|card| card.posts).sum();
        let place = |wanted: fn(&super::people::Person) -> bool| -> Vec<Value> {
            let all = (0..self.people.count()).map(|place| self.people.at(place));
            all.filter(|person| wanted(person)).map(|person| person.brief().into()).collect()
        };
        json!({"about": {
            "stats": {"topics_count": topics.len(), "posts_count": posts, "users_count": self.people.count(),
                "topics_7_days": 3, "topics_30_days": 12, "posts_7_days": 30, "posts_30_days": 120,
                "users_7_days": 1, "users_30_days": 4, "active_users_7_days": 9, "active_users_30_days": 20,
                "likes_count": 100, "likes_7_days": 3, "likes_30_days": 12},
            "description": "Tides, charts and those who read them", "title": TITLE, "locale": "en", "version": VERSION,
            "https": false, "can_see_about_stats": true, "contact_url": null, "contact_email": null,
            "admins": place(|person| person.admin), "moderators": place(|person| person.moderator),
        }})
    }

    pub(super) fn site(&self) -> Value {
        let categories: Vec<Value> =
            self.categories.iter().map(|category| self.category_json(category)).collect();
        let mut site = object([
            ("default_archetype", json!("regular")),
            ("notification_types", json!({"mentioned": 1, "replied": 2, "quoted": 3})),
            ("post_types", json!({"regular": 1, "moderator_action": 2, "small_action": 3, "whisper": 4})),
            ("trust_levels", json!({"newuser": 0, "basic": 1, "member": 2, "regular": 3, "leader": 4})),
            (
                "groups",
                json!([{"id": 0, "name": "everyone"}, {"id": 1, "name": "admins"}, {"id": 3, "name": "staff"}]),
            ),
            (
                "filters",
                json!(["latest", "unread", "new", "unseen", "top", "read", "posted", "bookmarks", "hot"]),
            ),
            ("periods", json!(["all", "yearly", "quarterly", "monthly", "weekly", "daily"])),
            ("top_menu_items", json!(["latest", "new", "top", "hot", "categories"])),
            ("anonymous_top_menu_items", json!(["latest", "top", "categories", "hot"])),
            ("uncategorized_category_id", json!(1)),
            ("is_readonly", json!(false)),
            ("post_action_types", json!([{"id": 2, "name_key": "like", "name": "Like", "is_flag": false}])),
            (
                "topic_flag_types",
                json!([{"id": 4, "name_key": "inappropriate", "name": "Inappropriate", "is_flag": true}]),
            ),
            ("archetypes", json!([{"id": "regular", "name": "Regular Topic", "options": []}])),
            ("auth_providers", json!([])),
            ("can_tag_topics", json!(false)),
            ("top_tags", self.tags_json(&TAGS)),
        ]);
        site.insert("categories".into(), categories.into());
        site.into()
    }

    pub(super) fn categories_json(&self, with_inner: bool) -> Value {
        let top = self.categories.iter().filter(|category| category.parent.is_none());
        let shown: Vec<Value> = top
            .map(|category| {
                let mut shown = self.category_json(category);
                let inner: Vec<&Category> =
                    self.categories.iter().filter(|inner| inner.parent == Some(category.id)).collect();
                shown["subcategory_ids"] = inner.iter().map(|inner| inner.id).collect();
                if with_inner {
                    shown["subcategory_list"] = inner.iter().map(|inner| self.category_json(inner)).collect();
                }
                shown
            })
            .collect();
        json!({"featured_users": [], "category_list": {"can_create_category": false, "can_create_topic": false,
            "categories": shown}})
    }

    pub(super) fn category_json(&self, category: &Category) -> Value {
        let name = format!("category {}", category.id);
        let own = self.order(&name, "created", true, |card| card.category == category.id && !card.unlisted);
        let text = category.about.map(|_| format!("What belongs to {}.", category.name));
        let about = category
            .about
            .map(|topic| format!("{}/t/about-the-{}-category/{topic}", self.config.base, category.slug));
        let mut shown = object([
            ("id", json!(category.id)),
            ("name", json!(category.name)),
            ("color", json!(category.colour)),
            ("text_color", json!("FFFFFF")),
            ("slug", json!(category.slug)),
            ("topic_count", json!(own.len())),
            ("post_count", json!(own.len())),
            ("position", json!(category.id)),
            ("description", json!(text)),
            ("description_text", json!(text)),
            ("description_excerpt", json!(text)),
            ("topic_url", json!(about)),
            ("read_restricted", json!(false)),
            ("permission", Value::Null),
            ("notification_level", json!(1)),
            ("has_children", json!(self.categories.iter().any(|inner| inner.parent == Some(category.id)))),
            ("num_featured_topics", json!(3)),
            ("topics_all_time", json!(own.len())),
        ]);
        if let Some(parent) = category.parent {
            shown.insert("parent_category_id".into(), json!(parent));
        }
        shown.into()
    }

    pub(super) fn all_tags(&self) -> Value {
        let count = |tag: &str| self.state().cards.iter().filter(|card| card.tags.contains(&tag)).count();
        let tags = TAGS.iter().enumerate().map(|(place, tag)| {
            let id = if self.config.tag_objects { json!(place + 1) } else { json!(tag) };
            json!({"id": id, "text": tag, "name": tag, "slug": tag_slug(tag), "description": null, "count": count(tag),
                "pm_count": 0, "target_tag": null})
        });
        json!({"tags": tags.collect::<Vec<_>>(), "extras": {"categories": []}})
    }

    pub(super) fn user(&self, username: &str) -> Option<Value> {
        let person = self.people.named(username)?;
        let mut user = person.brief();
        user.extend(object([
            ("title", json!(person.title)),
            ("admin", json!(person.admin)),
            ("moderator", json!(person.moderator)),
            ("trust_level", json!(person.trust)),
            ("created_at", json!(moment(END - 100_000_000_000))),
            ("last_posted_at", json!(moment(END))),
            ("last_seen_at", json!(moment(END))),
            ("badge_count", json!(0)),
            ("profile_view_count", json!(12)),
            ("bio_cooked", json!("<p>I read tables.</p>")),
            ("ignored", json!(false)),
            ("muted", json!(false)),
            ("can_send_private_messages", json!(false)),
        ]));
        Some(json!({"user_badges": [], "user": user}))
    }
}

pub(super) const TITLE: &str = "The Tide Tables Forum";

/// A page for people; crawlers find out from it what the forum runs on.
pub(super) fn page(base: &str, path: &str, title: &str, body: &str) -> String {
    let title = super::object::escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} - {TITLE}</title>\n\
         <meta name=\"generator\" content=\"Discourse {VERSION} - https://github.com/discourse/discourse version 0\">\n\
         <meta name=\"discourse-base-uri\" content=\"{base}\">\n<link rel=\"canonical\" href=\"{base}{path}\">\n</head>\n\
         <body class=\"crawler\">\n<div id=\"main-outlet\">\n{body}\n</div>\n</body>\n</html>\n"
    )
}
