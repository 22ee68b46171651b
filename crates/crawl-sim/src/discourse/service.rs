//! What answers: the forum's pages and its API.

use serde_json::{Value, json};

use super::gate::{Gate, check};
use super::refuse;
use super::route::{Asked, List, Query, Route};
use super::site_json::{TITLE, page};
use super::world::World;
use crate::fault::Fault;
use crate::http::answer::{Answer, Header};
use crate::http::request::Request;
use crate::http::server;

pub(crate) struct Service {
    pub(super) world: World,
    pub(super) gate: Gate,
}

/// A request that is to be answered.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) query: Query,
    pub(super) json: bool,
    /// Whether it came with an administrator's key.
    pub(super) staff: bool,
    pub(super) fault: Option<&'a Fault>,
}

pub(super) const HTML: &str = "text/html; charset=utf-8";

impl Service {
    pub(super) fn base(&self) -> &str {
        &self.world.config.base
    }

    fn asked(&self, request: &Request) -> Option<Asked> {
        Asked::of(request, self.base())
    }

    fn talk(&self, call: &Call<'_>, route: &Route) -> Answer {
        let world = &self.world;
        let known = |value: Option<Value>| {
            value.map_or_else(|| refuse::not_found(call.json), |value| Answer::json(value.to_string()))
        };
        match route {
            Route::Robots => Answer::text(world.config.robots.0, world.config.robots.1.clone()),
            Route::Status => Answer::text(200, "ok"),
            Route::BasicInfo => known(Some(world.basic_info())),
            Route::Home => self.page("/", TITLE, "<h1>Latest topics</h1>"),
            Route::Login => self.page("/login", "Log in", "<form></form>"),
            Route::Terms => match &world.config.terms {
                Some(terms) if call.json => Answer::json(json!({"terms": terms}).to_string()),
                Some(terms) => self.page("/tos", "Terms of Service", &format!("<div><p>{terms}</p></div>")),
                None => refuse::not_found(call.json),
            },
            Route::About => known(Some(world.about())),
            Route::Site => known(Some(world.site())),
            Route::Categories => known(Some(world.categories_json(call.query.flag("include_subcategories")))),
            Route::CategoryShow(id) => {
                known(world.category(*id).map(|category| json!({"category": world.category_json(category)})))
            }
            Route::Tags => known(Some(world.all_tags())),
            Route::List(list) => self.list(call, list),
            Route::Private if call.staff => known(Some(self.private_list())),
            Route::Topic { slug, id, number } => self.topic(call, slug.as_deref(), *id, *number),
            Route::TopicPosts(topic) => known(self.some_posts(call, *topic)),
            Route::PostIds(topic) => known(self.ids_after(call, *topic)),
            Route::LatestPosts => known(Some(self.latest_posts(call))),
            Route::Post(id) => known(self.one_post(call, *id)),
            Route::PostByNumber(topic, number) => known(self.post_by_number(call, *topic, *number)),
            Route::Replies(id) => known(self.replies(call, *id)),
            Route::Raw { topic, number } => self.raw(call, *topic, *number),
            Route::User(name) => known(world.user(name)),
            Route::Upload(path) => self.upload(path),
            Route::Short(name) => self.short(name),
            Route::Private | Route::Unknown => refuse::not_found(call.json),
        }
    }

    pub(super) fn page(&self, path: &str, title: &str, body: &str) -> Answer {
        Answer::new(200, HTML, page(self.base(), path, title, body))
    }
}

impl server::Service for Service {
    fn kind(&self, request: &Request) -> &'static str {
        match self.asked(request).map(|asked| asked.route) {
            Some(Route::List(_)) => "list",
            Some(Route::Topic { .. }) => "detail",
            Some(
                Route::TopicPosts(_)
                | Route::PostIds(_)
                | Route::LatestPosts
                | Route::Post(_)
                | Route::PostByNumber(..)
                | Route::Replies(_)
                | Route::Raw { .. },
            ) => "tree",
            Some(Route::Upload(_)) => "cdn",
            Some(Route::Short(_)) => "resolve",
            _ => "other",
        }
    }

    fn admit(&self, request: &Request, _: &'static str) -> Result<Vec<Header>, Answer> {
        let config = &self.world.config;
        let number = self.gate.enter();
        for change in config.changes.iter().filter(|change| change.before == number) {
            self.world.apply(&change.what);
        }
        if config.challenge {
            return Err(refuse::challenge());
        }
        let agent = request.header("user-agent").unwrap_or_default().to_lowercase();
        if config.blocked_agents.iter().any(|blocked| agent.contains(&blocked.to_lowercase())) {
            return Err(Answer::text(403, "Crawler is not allowed!"));
        }
        let Some(asked) = self.asked(request) else { return Err(refuse::not_found(false)) };
        let logged_in = check(config, request, &asked);
        self.gate.limit(config, matches!(logged_in, Ok(true)))?;
        let logged_in = logged_in?;
        let mut headers = vec![("X-Discourse-Route", route_name(&asked.route).to_owned())];
        let upload = matches!(asked.route, Route::Upload(_) | Route::Short(_));
        headers.extend(if upload { config.upload_headers.clone() } else { config.headers.clone() });
        if !logged_in {
            headers.push(("Discourse-Logged-Out", "1".into()));
        }
        Ok(headers)
    }

    fn instead(&self, _: &Request, fault: &Fault) -> Option<Answer> {
        match fault {
            Fault::TooMany(retry) => Some(self.gate.told(&self.world.config, *retry)),
            Fault::Status(403) => Some(refuse::challenge()),
            _ => None,
        }
    }

    fn answer(&self, request: &Request, _: &'static str, fault: Option<&Fault>) -> Answer {
        match self.asked(request) {
            Some(_) if !matches!(request.method.as_str(), "GET" | "HEAD") => refuse::not_found(true),
            Some(Asked { route, json }) => {
                let staff = request.header("api-key").is_some();
                self.talk(&Call { request, query: Query::of(request), json, staff, fault }, &route)
            }
            None => refuse::not_found(false),
        }
    }
}

fn route_name(route: &Route) -> &'static str {
    match route {
        Route::Robots => "robots_txt/index",
        Route::BasicInfo => "site/basic_info",
        Route::Site => "site/site",
        Route::About => "about/index",
        Route::Categories => "categories/index",
        Route::List(List::Category { .. }) => "list/category_latest",
        Route::List(List::Tag(_)) => "tags/show_latest",
        Route::List(_) => "list/latest",
        Route::Topic { .. } => "topics/show",
        Route::TopicPosts(_) => "topics/posts",
        Route::LatestPosts => "posts/latest",
        Route::Raw { .. } => "posts/markdown_num",
        Route::Upload(_) => "uploads/show",
        Route::Short(_) => "uploads/show_short",
        _ => "application/other",
    }
}
