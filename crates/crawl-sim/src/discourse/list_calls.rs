//! Lists of topics: which, in what order, in pages.

use serde_json::{Value, json};

use super::refuse;
use super::route::{List, Query};
use super::service::{Call, Service};
use super::words::TAGS;
use super::world::{Card, World};
use crate::fault::Fault;
use crate::http::answer::Answer;
use crate::http::request::Request;

const PAGE: u64 = 30;

impl Service {
    pub(super) fn list(&self, call: &Call<'_>, list: &List) -> Answer {
        let Call { request, query, json, fault, .. } = call;
        let page = match query.text("page").map(str::parse::<u64>) {
            None => 0,
            Some(Ok(page)) if page < 1 << 31 => page,
            Some(_) => return refuse::invalid("The parameter page is invalid"),
        };
        match list {
            List::Category { slugs, id, .. } => {
                let Some(right) = self.world.path_of(*id) else { return refuse::not_found(*json) };
                if *slugs != right {
                    return self.moved(request, &format!("/c/{}/{id}/l/latest", right.join("/")));
                }
            }
            List::Tag(name) if known_tag(name).is_none() => return refuse::not_found(*json),
            _ => {}
        }
        if !*json {
            return self.page(
                "/latest",
                "Latest topics",
                "<h1>Latest topics</h1><p>This page is for people.</p>",
            );
        }
        let size = query.number("per_page").filter(|_| self.world.config.per_page);
        let size = size.map_or(PAGE, |size| size.clamp(1, 100));
        let ids = self.world.listed(list, query);
        let start = (page.saturating_mul(size)).min(ids.len() as u64) as usize;
        let end = (start + size as usize).min(ids.len());
        let (mut rows, users) = self.world.rows(&ids[start..end]);
        // A full page has a next one, be it empty.
        let mut next = (rows.len() as u64 == size).then_some(page + 1);
        spoil(&mut rows, &mut next, page, *fault);
        let next = next.map(|next| self.next_url(request, query, next));
        let mut topics = json!({"can_create_topic": false, "per_page": size, "top_tags": self.world.tags_json(&TAGS),
            "draft": null, "draft_key": "new_topic", "draft_sequence": null, "topics": rows});
        if let Some(next) = next {
            topics["more_topics_url"] = next.into();
        }
        Answer::json(
            json!({"users": users, "primary_groups": [], "flair_groups": [], "topic_list": topics})
                .to_string(),
        )
    }

    /// Of everybody: the double does not ask who.
    pub(super) fn private_list(&self) -> Value {
        let ids: Vec<u64> =
            self.world.state().cards.iter().filter(|card| card.private).map(|card| card.id).collect();
        let (topics, users) = self.world.rows(&ids);
        json!({"users": users, "topic_list": {"per_page": PAGE, "topics": topics}})
    }

    /// Without `.json`, as the service has it.
    fn next_url(&self, request: &Request, query: &Query, page: u64) -> String {
        let path = request.path();
        let path = path.strip_suffix(".json").unwrap_or(path);
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in query.without("page") {
            pairs.append_pair(name, value);
        }
        format!("{path}?{}", pairs.append_pair("page", &page.to_string()).finish())
    }

    /// 301 to another path below the base, in the same format and with the same query.
    pub(super) fn moved(&self, request: &Request, path: &str) -> Answer {
        let suffix = if request.path().ends_with(".json") { ".json" } else { "" };
        let query = if request.query().is_empty() { String::new() } else { format!("?{}", request.query()) };
        Answer::text(301, "").with("Location", format!("{}{path}{suffix}{query}", self.base()))
    }
}

/// What a fault makes of a finished page.
fn spoil(rows: &mut Vec<Value>, next: &mut Option<u64>, page: u64, fault: Option<&Fault>) {
    match fault {
        Some(Fault::EmptyNext) => {
            rows.clear();
            *next = Some(page + 1);
        }
        Some(Fault::RepeatCursor) => *next = Some(page),
        Some(Fault::NoNext) => *next = None,
        Some(Fault::RowTwice) => rows.extend(rows.first().cloned()),
        Some(Fault::RowString) => rows.push("not a topic".into()),
        Some(Fault::RowWithoutId) => rows.push(json!({"title": "a topic without an id"})),
        _ => {}
    }
}

fn known_tag(name: &str) -> Option<&'static str> {
    TAGS.into_iter().find(|tag| *tag == name || super::list_json::tag_slug(tag) == name)
}

impl World {
    /// The slugs in the address of a category.
    fn path_of(&self, id: u64) -> Option<Vec<String>> {
        let category = self.category(id)?;
        let parent =
            category.parent.and_then(|parent| self.category(parent)).map(|parent| parent.slug.clone());
        Some(parent.into_iter().chain([category.slug.clone()]).collect())
    }

    /// The ids of all topics of a list; those that are pinned come first in the default order.
    fn listed(&self, list: &List, query: &Query) -> Vec<u64> {
        let order = query.text("order").unwrap_or(match list {
            List::Top | List::Hot => "likes",
            _ => "default",
        });
        let filter = Filter::of(self, list, query);
        let by_default = matches!(order, "default" | "activity") && !matches!(list, List::Top | List::Hot);
        let name = format!("{filter:?}");
        let all = self.order(&name, order, query.flag("ascending"), |card| filter.passes(card));
        if !by_default {
            return all.to_vec();
        }
        let pinned =
            self.order(&format!("{name} pinned"), order, false, |card| card.pinned && filter.passes(card));
        let rest = all.iter().filter(|id| !pinned.contains(id));
        pinned.iter().chain(rest).copied().collect()
    }
}

/// Which topics a list has.
#[derive(Debug)]
struct Filter {
    categories: Option<Vec<u64>>,
    tags: Vec<&'static str>,
    no_definitions: bool,
    status: Option<String>,
    posts: (u64, u64),
    ids: Vec<u64>,
}

impl Filter {
    fn of(world: &World, list: &List, query: &Query) -> Self {
        let (asked, alone) = match list {
            List::Category { id, alone, .. } => (Some(*id), *alone),
            _ => (query.number("category"), false),
        };
        let alone = alone || query.flag("no_subcategories");
        let with_inner = |id: u64| {
            let inner = world.categories.iter().filter(|category| category.parent == Some(id) && !alone);
            std::iter::once(id).chain(inner.map(|category| category.id)).collect()
        };
        let tag = match list {
            List::Tag(name) => known_tag(name),
            _ => query.text("tags[]").and_then(known_tag),
        };
        Self {
            categories: asked.map(with_inner),
            tags: tag.into_iter().collect(),
            no_definitions: query.flag("no_definitions"),
            status: query.text("status").map(str::to_owned),
            posts: (query.number("min_posts").unwrap_or(0), query.number("max_posts").unwrap_or(u64::MAX)),
            ids: query
                .text("topic_ids")
                .into_iter()
                .flat_map(|ids| ids.split(','))
                .filter_map(|id| id.parse().ok())
                .collect(),
        }
    }

    fn passes(&self, card: &Card) -> bool {
        let status = match self.status.as_deref() {
            Some("open") => !card.closed && !card.archived,
            Some("closed") => card.closed,
            Some("archived") => card.archived,
            _ => true,
        };
        status
            && !card.unlisted
            && !(self.no_definitions && card.definition)
            && self.categories.as_ref().is_none_or(|ids| ids.contains(&card.category))
            && self.tags.iter().all(|tag| card.tags.contains(tag))
            && (self.posts.0..=self.posts.1).contains(&card.posts)
            && (self.ids.is_empty() || self.ids.contains(&card.id))
    }
}
