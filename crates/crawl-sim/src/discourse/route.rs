//! What is asked for.

use crate::http::request::Request;

/// The parts of a request's path, below the base.
#[derive(Debug, PartialEq)]
pub(super) enum Route {
    Robots,
    Status,
    BasicInfo,
    Home,
    Login,
    Terms,
    About,
    Site,
    Categories,
    Tags,
    /// Which, and the number in its path.
    List(List),
    /// Slug, id and post number, as far as they are in the path.
    Topic {
        slug: Option<String>,
        id: Option<u64>,
        number: Option<u64>,
    },
    TopicPosts(u64),
    PostIds(u64),
    LatestPosts,
    Post(u64),
    PostByNumber(u64, u64),
    Replies(u64),
    Raw {
        topic: u64,
        number: Option<u64>,
    },
    User(String),
    /// The path below the base: uploads, and the pictures of the software itself.
    Upload(String),
    /// `BASE62.ext`
    Short(String),
    CategoryShow(u64),
    /// Private messages of somebody.
    Private,
    Unknown,
}

#[derive(Debug, PartialEq)]
pub(super) enum List {
    Latest,
    Top,
    Hot,
    /// The slugs in the path, the id, and whether inner categories are left out.
    Category {
        slugs: Vec<String>,
        id: u64,
        alone: bool,
    },
    Tag(String),
}

/// A route, and whether the answer is JSON.
pub(super) struct Asked {
    pub(super) route: Route,
    pub(super) json: bool,
}

impl Asked {
    /// `None` if the request is not for this forum.
    pub(super) fn of(request: &Request, base: &str) -> Option<Self> {
        if request.path() == "/robots.txt" {
            return Some(Self { route: Route::Robots, json: false });
        }
        let path = request.path().strip_prefix(base)?;
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        let accepts = request.header("accept").is_some_and(|accept| accept.contains("application/json"));
        let bare = path.strip_suffix(".json").unwrap_or(path);
        let json = bare.len() < path.len() || accepts;
        const FILES: [&str; 4] = ["/uploads/", "/images/", "/letter_avatar_proxy/", "/user_avatar/"];
        let file = FILES.iter().any(|folder| path.starts_with(folder));
        let route = if file { upload(path) } else { route(bare) };
        Some(Self { route, json })
    }
}

fn upload(path: &str) -> Route {
    match path.strip_prefix("/uploads/short-url/") {
        Some(name) => Route::Short(name.into()),
        None => Route::Upload(path.into()),
    }
}

fn route(path: &str) -> Route {
    let decoded = percent(path);
    let parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    let id = |text: &str| text.parse::<u64>().ok();
    match parts.as_slice() {
        [] => Route::Home,
        ["robots.txt"] => Route::Robots,
        ["srv", "status"] => Route::Status,
        ["site", "basic-info"] => Route::BasicInfo,
        ["login"] => Route::Login,
        ["tos"] => Route::Terms,
        ["about"] => Route::About,
        ["site"] => Route::Site,
        ["categories"] => Route::Categories,
        ["tags"] => Route::Tags,
        ["latest"] => Route::List(List::Latest),
        ["top"] | ["top", _] => Route::List(List::Top),
        ["hot"] => Route::List(List::Hot),
        ["c", rest @ ..] => category(rest),
        ["tag", name] | ["tag", name, "l", "latest"] => Route::List(List::Tag((*name).into())),
        ["tag", name, number] | ["tag", name, number, "l", "latest"] if id(number).is_some() => {
            Route::List(List::Tag((*name).into()))
        }
        ["t", topic, "posts"] => id(topic).map_or(Route::Unknown, Route::TopicPosts),
        ["t", topic, "post_ids"] => id(topic).map_or(Route::Unknown, Route::PostIds),
        ["t", rest @ ..] => topic(rest),
        ["posts"] => Route::LatestPosts,
        ["posts", post] => id(post).map_or(Route::Unknown, Route::Post),
        ["posts", "by_number", topic, number] => id(topic)
            .zip(id(number))
            .map_or(Route::Unknown, |(topic, number)| Route::PostByNumber(topic, number)),
        ["posts", post, "replies"] => id(post).map_or(Route::Unknown, Route::Replies),
        ["raw", topic] => id(topic).map_or(Route::Unknown, |topic| Route::Raw { topic, number: None }),
        ["raw", topic, number] => {
            id(topic).map_or(Route::Unknown, |topic| Route::Raw { topic, number: id(number) })
        }
        ["topics", "private-messages", _] => Route::Private,
        ["u", name] | ["users", name] => Route::User((*name).into()),
        _ => Route::Unknown,
    }
}

/// `/t/ID`, `/t/ID/NUMBER`, `/t/SLUG`, `/t/SLUG/ID`, `/t/SLUG/ID/NUMBER`
fn topic(parts: &[&str]) -> Route {
    let number = |text: &str| text.parse::<u64>().ok();
    match parts {
        [one] => match number(one) {
            Some(id) => Route::Topic { slug: None, id: Some(id), number: None },
            None => Route::Topic { slug: Some((*one).into()), id: None, number: None },
        },
        [one, two] => match (number(one), number(two)) {
            (Some(id), Some(post)) => Route::Topic { slug: None, id: Some(id), number: Some(post) },
            (None, Some(id)) => Route::Topic { slug: Some((*one).into()), id: Some(id), number: None },
            _ => Route::Unknown,
        },
        [slug, id, post] => match (number(id), number(post)) {
            (Some(id), Some(post)) => {
                Route::Topic { slug: Some((*slug).into()), id: Some(id), number: Some(post) }
            }
            _ => Route::Unknown,
        },
        _ => Route::Unknown,
    }
}

/// `/c/SLUG/ID`, `/c/PARENT/CHILD/ID`, each with `/l/latest`, `/none`, `/none/l/latest`; `/c/ID/show`
fn category(parts: &[&str]) -> Route {
    if let [id, "show"] = parts {
        return id.parse().map_or(Route::Unknown, Route::CategoryShow);
    }
    let parts = parts.strip_suffix(&["l", "latest"]).unwrap_or(parts);
    let (parts, alone) = parts.strip_suffix(&["none"]).map_or((parts, false), |parts| (parts, true));
    let Some((id, slugs)) = parts.split_last() else { return Route::Unknown };
    let Ok(id) = id.parse() else { return Route::Unknown };
    let slugs = slugs.iter().map(|slug| (*slug).to_owned()).collect();
    Route::List(List::Category { slugs, id, alone })
}

/// A plus sign stays a plus sign in a path.
fn percent(path: &str) -> String {
    let pairs = format!("x={}", path.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The values of a query.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &Request) -> Self {
        Self(request.pairs())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), Some("true" | "1"))
    }

    pub(super) fn numbers(&self, name: &str) -> Vec<u64> {
        self.0.iter().filter(|(key, _)| key == name).filter_map(|(_, value)| value.parse().ok()).collect()
    }

    pub(super) fn without(&self, name: &str) -> impl Iterator<Item = &(String, String)> {
        self.0.iter().filter(move |(key, _)| key != name)
    }
}
