//! Topics and posts, one or some.

use std::fmt::Write;

use serde_json::{Value, json};

use super::object::minute;
use super::refuse;
use super::service::{Call, HTML, Service};
use super::site_json::page;
use super::topic::{Facts, Post, Topic};
use super::topic_json::{CHUNK, Window};
use crate::fault::Fault;
use crate::http::answer::Answer;

/// So many posts make a page of the plain form.
const PLAIN: usize = 100;
/// So many ids make a window of the newest posts.
const LATEST: u64 = 50;

impl Service {
    pub(super) fn topic(
        &self,
        call: &Call<'_>,
        slug: Option<&str>,
        id: Option<u64>,
        number: Option<u64>,
    ) -> Answer {
        let Call { request, json, .. } = call;
        let id = id.or_else(|| self.by_slug(slug.unwrap_or_default()));
        if id.is_some_and(|id| self.world.config.detailed_404 && self.world.state().gone.contains(&id)) {
            return refuse::errors(410, "not_found", "The requested URL or resource could not be found.");
        }
        let Some(topic) = id.and_then(|id| self.open(call, id)) else { return refuse::not_found(*json) };
        let head = &topic.head;
        let named = request.path().contains(&format!("/{}", head.id));
        let wrong = slug.is_some_and(|slug| slug != head.slug) || (slug.is_none() && !*json);
        if wrong || !named || call.fault == Some(&Fault::Redirect) {
            let number = number.map(|number| format!("/{number}")).unwrap_or_default();
            return self.moved(request, &format!("/t/{}/{}{number}", head.slug, head.id));
        }
        let window = match number {
            Some(number) => Window::Around(number),
            None => Window::Page(call.query.number("page").unwrap_or(1) as usize),
        };
        let raw = call.query.flag("include_raw");
        let Some(shown) = self.world.topic_json(&topic, &window, raw, call.staff) else {
            return refuse::not_found(*json);
        };
        let answer =
            if *json { Answer::json(Value::Object(shown).to_string()) } else { self.read(&topic, &shown) };
        if head.unlisted { answer.with("X-Robots-Tag", "noindex") } else { answer }
    }

    /// Private messages are for the staff.
    fn open(&self, call: &Call<'_>, id: u64) -> Option<std::sync::Arc<Topic>> {
        self.world.topic(id).filter(|topic| call.staff || !topic.head.private)
    }

    fn by_slug(&self, slug: &str) -> Option<u64> {
        let ids: Vec<u64> = self.world.state().cards.iter().map(|card| card.id).collect();
        ids.into_iter().find(|id| self.world.topic(*id).is_some_and(|topic| topic.head.slug == slug))
    }

    /// As crawlers without scripts see it.
    fn read(&self, topic: &Topic, shown: &super::object::Object) -> Answer {
        let head = &topic.head;
        let posts = shown["post_stream"]["posts"].as_array().into_iter().flatten();
        let mut body = format!("<h1>{}</h1>\n", super::object::escape(&head.title));
        for post in posts {
            let (name, text) = (post["username"].as_str(), post["cooked"].as_str());
            let _ = write!(
                body,
                "<div itemprop=\"comment\" itemscope itemtype=\"http://schema.org/Comment\" class=\"topic-body crawler-post\">\
                 <span class=\"creator\" itemprop=\"author\">{}</span>\n<div class=\"post\" itemprop=\"text\">{}</div></div>\n",
                name.unwrap_or_default(),
                text.unwrap_or_default()
            );
        }
        let path = format!("/t/{}/{}", head.slug, head.id);
        Answer::new(200, HTML, page(self.base(), &path, &head.title, &body))
    }

    /// The posts of these ids, as far as they are still there, in order; without ids the first ones.
    pub(super) fn some_posts(&self, call: &Call<'_>, topic: u64) -> Option<Value> {
        let topic = self.open(call, topic)?;
        let all = self.world.facts_for(&topic, call.staff);
        let wanted = call.query.numbers("post_ids[]");
        let shown: Vec<Facts> = if wanted.is_empty() {
            all.iter().take(CHUNK).copied().collect()
        } else {
            all.iter().filter(|facts| wanted.contains(&facts.id)).copied().collect()
        };
        let posts = self.world.posts_json(&topic, &all, &shown, call.query.flag("include_raw"));
        Some(json!({"post_stream": {"posts": posts}, "id": topic.head.id}))
    }

    pub(super) fn ids_after(&self, call: &Call<'_>, topic: u64) -> Option<Value> {
        let topic = self.open(call, topic)?;
        let after = call.query.number("post_number").unwrap_or(0);
        let ids = self
            .world
            .facts_for(&topic, call.staff)
            .into_iter()
            .filter(|facts| facts.number > after)
            .map(|facts| facts.id);
        Some(json!({"post_ids": ids.collect::<Vec<_>>()}))
    }

    /// A window of ids, which may hold no post that everybody sees.
    pub(super) fn latest_posts(&self, call: &Call<'_>) -> Value {
        let newest = call.query.number("before").filter(|before| *before > 0);
        let newest = newest.unwrap_or_else(|| self.world.newest_post());
        let ids = (newest.saturating_sub(LATEST) + 1..=newest).rev();
        let posts = ids
            .filter_map(|id| self.find(call, id))
            .filter(|(topic, _)| !topic.head.unlisted && !topic.head.private);
        let posts = posts.map(|(topic, post)| self.world.stray_post_json(&topic, &post));
        json!({"latest_posts": posts.collect::<Vec<_>>()})
    }

    /// The post that everybody sees under this id, and its topic.
    fn find(&self, call: &Call<'_>, id: u64) -> Option<(std::sync::Arc<Topic>, Post)> {
        let topic = self.open(call, self.world.topic_of(id)?)?;
        let facts = self.world.fact_of(&topic, id).filter(|facts| facts.shown_to(call.staff))?;
        let post = self.world.post(&topic, facts.number)?;
        Some((topic, post))
    }

    pub(super) fn one_post(&self, call: &Call<'_>, id: u64) -> Option<Value> {
        let (topic, post) = self.find(call, id)?;
        Some(self.world.stray_post_json(&topic, &post))
    }

    pub(super) fn post_by_number(&self, call: &Call<'_>, topic: u64, number: u64) -> Option<Value> {
        let topic = self.open(call, topic)?;
        let id = self.world.one_fact(&topic, number)?.id;
        self.one_post(call, id)
    }

    pub(super) fn replies(&self, call: &Call<'_>, id: u64) -> Option<Value> {
        let (topic, post) = self.find(call, id)?;
        let all = self.world.facts_for(&topic, call.staff);
        let shown: Vec<Facts> =
            all.iter().filter(|facts| facts.reply_to == Some(post.facts.number)).copied().collect();
        Some(self.world.posts_json(&topic, &all, &shown, false).into())
    }

    /// The plain form; nothing past the end. It shows what was hidden too, and leaves out what was recorded without it.
    pub(super) fn raw(&self, call: &Call<'_>, topic: u64, number: Option<u64>) -> Answer {
        let found = self.open(call, topic);
        let Some(topic) = found else { return refuse::not_found(false) };
        let facts = self.world.facts_for(&topic, call.staff);
        if let Some(number) = number {
            let post = facts.iter().find(|facts| facts.number == number);
            let post = post.and_then(|facts| self.world.post(&topic, facts.number));
            return match post.and_then(|post| post.raw) {
                Some(raw) => Answer::text(200, raw),
                None => refuse::not_found(false),
            };
        }
        let page = call.query.number("page").unwrap_or(1).max(1) as usize;
        let mut text = String::new();
        for facts in facts.iter().skip((page - 1).saturating_mul(PLAIN)).take(PLAIN) {
            let Some(raw) = self.world.post(&topic, facts.number).and_then(|post| post.raw) else { continue };
            let name = &self.world.people.at(facts.author).username;
            let _ = write!(
                text,
                "{name} | {} | #{}\n\n{}\n\n-------------------------\n\n",
                minute(facts.updated),
                facts.number,
                raw
            );
        }
        Answer::text(200, text)
    }
}
