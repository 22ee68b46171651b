//! Topics and posts, one or some.

use std::fmt::Write;

use serde_json::{Value, json};

use super::object::minute;
use super::refuse;
use super::route::Query;
use super::service::{HTML, Service};
use super::site_json::page;
use super::topic::{Facts, Post, Topic};
use super::topic_json::{CHUNK, Window};
use crate::fault::Fault;
use crate::http::answer::Answer;
use crate::http::request::Request;

/// So many posts make a page of the plain form.
const PLAIN: usize = 100;
/// So many ids make a window of the newest posts.
const LATEST: u64 = 50;

impl Service {
    pub(super) fn topic(
        &self,
        request: &Request,
        slug: Option<&str>,
        id: Option<u64>,
        number: Option<u64>,
        json: bool,
        fault: Option<&Fault>,
    ) -> Answer {
        let query = Query::of(request);
        let id = id.or_else(|| self.by_slug(slug.unwrap_or_default()));
        let found = id.and_then(|id| self.world.topic(id)).filter(|topic| !topic.head.private);
        let Some(topic) = found else { return refuse::not_found(json) };
        let head = &topic.head;
        let named = request.path().contains(&format!("/{}", head.id));
        let wrong = slug.is_some_and(|slug| slug != head.slug) || (slug.is_none() && !json);
        if wrong || !named || fault == Some(&Fault::Redirect) {
            let number = number.map(|number| format!("/{number}")).unwrap_or_default();
            return self.moved(request, &format!("/t/{}/{}{number}", head.slug, head.id));
        }
        let window = match number {
            Some(number) => Window::Around(number),
            None => Window::Page(query.number("page").unwrap_or(1) as usize),
        };
        let raw = query.flag("include_raw");
        let Some(shown) = self.world.topic_json(&topic, &window, raw) else { return refuse::not_found(json) };
        let answer =
            if json { Answer::json(Value::Object(shown).to_string()) } else { self.read(&topic, &shown) };
        if head.unlisted { answer.with("X-Robots-Tag", "noindex") } else { answer }
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
    pub(super) fn some_posts(&self, topic: u64, query: &Query) -> Option<Value> {
        let topic = self.world.topic(topic).filter(|topic| !topic.head.private)?;
        let all = self.world.facts(&topic);
        let wanted = query.numbers("post_ids[]");
        let shown: Vec<Facts> = if wanted.is_empty() {
            all.iter().take(CHUNK).copied().collect()
        } else {
            all.iter().filter(|facts| wanted.contains(&facts.id)).copied().collect()
        };
        let posts = self.world.posts_json(&topic, &all, &shown, query.flag("include_raw"));
        Some(json!({"post_stream": {"posts": posts}, "id": topic.head.id}))
    }

    pub(super) fn ids_after(&self, topic: u64, query: &Query) -> Option<Value> {
        let topic = self.world.topic(topic).filter(|topic| !topic.head.private)?;
        let after = query.number("post_number").unwrap_or(0);
        let ids =
            self.world.facts(&topic).into_iter().filter(|facts| facts.number > after).map(|facts| facts.id);
        Some(json!({"post_ids": ids.collect::<Vec<_>>()}))
    }

    /// A window of ids, which may hold no post that everybody sees.
    pub(super) fn latest_posts(&self, query: &Query) -> Value {
        let newest = query.number("before").filter(|before| *before > 0);
        let newest = newest.unwrap_or_else(|| self.world.newest_post());
        let ids = (newest.saturating_sub(LATEST) + 1..=newest).rev();
        let posts = ids.filter_map(|id| self.find(id)).filter(|(topic, _)| !topic.head.unlisted);
        let posts = posts.map(|(topic, post)| self.world.stray_post_json(&topic, &post));
        json!({"latest_posts": posts.collect::<Vec<_>>()})
    }

    /// The post that everybody sees under this id, and its topic.
    fn find(&self, id: u64) -> Option<(std::sync::Arc<Topic>, Post)> {
        let topic = self.world.topic(self.world.topic_of(id)?).filter(|topic| !topic.head.private)?;
        let facts = self.world.facts(&topic).into_iter().find(|facts| facts.id == id)?;
        let post = self.world.post(&topic, facts.number)?;
        Some((topic, post))
    }

    pub(super) fn one_post(&self, id: u64) -> Option<Value> {
        let (topic, post) = self.find(id)?;
        Some(self.world.stray_post_json(&topic, &post))
    }

    pub(super) fn post_by_number(&self, topic: u64, number: u64) -> Option<Value> {
        let topic = self.world.topic(topic)?;
        let id = self.world.one_fact(&topic, number)?.id;
        self.one_post(id)
    }

    pub(super) fn replies(&self, id: u64) -> Option<Value> {
        let (topic, post) = self.find(id)?;
        let all = self.world.facts(&topic);
        let shown: Vec<Facts> =
            all.iter().filter(|facts| facts.reply_to == Some(post.facts.number)).copied().collect();
        Some(self.world.posts_json(&topic, &all, &shown, false).into())
    }

    /// The plain form; nothing past the end. It shows what was hidden too, and leaves out what was recorded without it.
    pub(super) fn raw(&self, topic: u64, number: Option<u64>, query: &Query) -> Answer {
        let found = self.world.topic(topic).filter(|topic| !topic.head.private);
        let Some(topic) = found else { return refuse::not_found(false) };
        let facts = self.world.facts(&topic);
        if let Some(number) = number {
            let post = facts.iter().find(|facts| facts.number == number);
            let post = post.and_then(|facts| self.world.post(&topic, facts.number));
            return match post.and_then(|post| post.raw) {
                Some(raw) => Answer::text(200, raw),
                None => refuse::not_found(false),
            };
        }
        let page = query.number("page").unwrap_or(1).max(1) as usize;
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
