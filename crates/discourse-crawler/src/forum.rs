//! A forum as an address with a credential, which is only read.

use std::sync::Arc;
use std::time::Duration;

use crawl_core::http::{
    Answered, Credential, HeaderName, HeaderValue, Http, Limit, Request, Response, Secret, Service, Url,
    Verdict, Waiting,
};
use crawl_core::robots::{Rules, Signals};
use crawl_core::{Error, Kind, Record, Result};
use serde::Deserialize;

/// A second more than a forum asks for: a request that comes a moment early lengthens the pause.
const MARGIN: u64 = 1;

/// One request at a time, one a second: what a guest may do without being a burden.
static GUEST: Service = Service {
    name: "the forum",
    read,
    limits: &[Limit { per_second: Some(1.0), concurrency: Some(1), ..Limit::on("") }],
    ..Service::PLAIN
};
/// As fast as the user says; still one at a time.
static FREE: Service = Service {
    name: "the forum",
    read,
    limits: &[Limit { concurrency: Some(1), ..Limit::on("") }],
    ..Service::PLAIN
};

/// What Discourse says is wrong.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    errors: Vec<String>,
    error_type: Option<String>,
    extras: Option<Extras>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Extras {
    wait_seconds: Option<u64>,
}

fn read(answered: &Answered<'_>) -> Option<Verdict> {
    if answered.status < 400 {
        // A login wall or a challenge answers 200 with a page where JSON was asked for.
        let page = answered.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        return (answered.home && page && wants_json(answered.url)).then(|| challenge(answered));
    }
    let usual = answered.usual();
    let said: Said = serde_json::from_slice(answered.body).unwrap_or_default();
    let message = said.errors.first().cloned();
    let page = answered.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    match (answered.status, said.error_type.as_deref()) {
        (429, _) => {
            let asked = said.extras.and_then(|extras| extras.wait_seconds);
            let words = asked.or_else(|| seconds(&String::from_utf8_lossy(answered.body)));
            let told = usual.wait.map_or(0, |wait| wait.as_secs());
            let wait = words.unwrap_or(0).max(told).max(1) + MARGIN;
            Some(Verdict {
                what: "too many requests".into(),
                wait: Some(Duration::from_secs(wait)),
                said: message.unwrap_or(usual.said),
                retry: true,
                ..usual
            })
        }
        (403, Some("not_logged_in")) => Some(Verdict {
            what: "the forum wants a login".into(),
            advice: Some("set DISCOURSE_API_KEY or DISCOURSE_USER_API_KEY, if the forum gave you one".into()),
            said: message.unwrap_or_default(),
            scope: crawl_core::Scope::All,
            ..usual
        }),
        (403, Some("invalid_access")) if answered.credential => Some(Verdict {
            what: "the forum does not accept the key".into(),
            advice: Some(
                "check DISCOURSE_API_KEY and DISCOURSE_API_USERNAME, or DISCOURSE_USER_API_KEY".into(),
            ),
            said: message.unwrap_or_default(),
            scope: crawl_core::Scope::All,
            ..usual
        }),
        (403 | 503, None) if page => Some(challenge(answered)),
        _ => Some(Verdict { said: message.unwrap_or_else(|| usual.said.clone()), ..usual }),
    }
}

fn wants_json(url: &Url) -> bool {
    url.path().ends_with(".json")
}

/// Someone stands before the forum. It is not gone around.
fn challenge(answered: &Answered<'_>) -> Verdict {
    Verdict {
        kind: Kind::Denied,
        what: "a page came where data was asked for: a login wall, a challenge, or no Discourse forum".into(),
        advice: Some("look at the address in a browser; ask the operators of the forum for access".into()),
        said: String::new(),
        retry: false,
        wait: None,
        scope: crawl_core::Scope::All,
        ..answered.usual()
    }
}

/// The first number before the word "second" in a text.
fn seconds(text: &str) -> Option<u64> {
    let before = &text[..text.find(" second")?];
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// A forum, who asks, and through which door.
#[derive(Clone, Debug)]
pub struct Forum {
    http: Http,
    base: Url,
    credential: Option<Credential>,
    username: Option<HeaderValue>,
    service: &'static Service,
    rules: Option<Arc<Rules>>,
}

/// The name by which robots.txt files know this crawler.
pub const TOKEN: &str = "gleaner";

impl Forum {
    /// The forum at `base`, asked as a guest: once a second, one request at a time.
    pub fn new(http: Http, base: Url) -> Self {
        Forum { http, base, credential: None, username: None, service: &GUEST, rules: None }
    }

    /// As fast as the door allows, still one request at a time.
    pub fn at_any_rate(self) -> Self {
        Forum { service: &FREE, ..self }
    }

    /// Asks for nothing that these rules refuse.
    pub fn obeying(self, rules: Arc<Rules>) -> Self {
        Forum { rules: Some(rules), ..self }
    }

    /// What robots.txt and the headers of an answer say about the use of what it holds.
    pub(crate) fn signals(&self, response: &Response) -> Signals {
        let headers =
            response.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        // An answer of JSON is not meant for an index, and Discourse says so of it: that tells nothing of the topic.
        let mut signals = Signals { index: None, follow: None, ..Signals::of_headers(headers, TOKEN) };
        if let Some(rules) = &self.rules {
            signals.merge(&rules.signals(response.url.path()));
        }
        signals
    }

    /// Asks with the key of an administrator, in the name of `username`.
    ///
    /// # Errors
    /// [`Kind::Config`] if the name cannot be sent.
    pub fn with_key(mut self, key: Secret, username: &str) -> Result<Self> {
        let name = HeaderValue::from_str(username).map_err(|cause| {
            Error::new(Kind::Config, "the name of the user cannot be sent")
                .because(cause)
                .advise("check DISCOURSE_API_USERNAME")
        })?;
        self.username = Some(name);
        Ok(self.signed("api-key", key))
    }

    /// Asks with a key that a user has granted.
    pub fn with_user_key(self, key: Secret) -> Self {
        self.signed("user-api-key", key)
    }

    /// Asks with the cookie of a login.
    pub fn with_cookie(self, cookie: Secret) -> Self {
        self.signed("cookie", cookie)
    }

    fn signed(mut self, header: &'static str, value: Secret) -> Self {
        let header = HeaderName::from_static(header);
        self.credential = Some(Credential { origin: self.base.origin(), header, value });
        self
    }

    /// The address, with `/` at its end.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The door.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// How long nobody may ask, from now, and why.
    pub fn waiting(&self) -> Option<Waiting> {
        self.http.waiting(&self.request("latest.json", &[]).ok()?)
    }

    /// The request for a path below the base, with a query.
    pub(crate) fn request(&self, path: &str, query: &[(&str, String)]) -> Result<Request> {
        let mut url = self.base.join(path).map_err(|cause| {
            Error::new(Kind::Shape, "an address of the forum cannot be read")
                .at(path.to_owned())
                .because(cause)
        })?;
        if url.origin() != self.base.origin() {
            return Err(Error::new(Kind::Shape, "an address leads away from the forum").at(url.as_str()));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (name, value)));
        }
        if let Some(rules) = &self.rules {
            let verdict = rules.check(url.as_str());
            if !verdict.allowed {
                return Err(Error::new(Kind::Denied, "robots.txt does not allow this address")
                    .at(crawl_core::http::shown(&url))
                    .because(verdict.to_string())
                    .advise("ask the operators of the forum; their rules are not gone around"));
            }
        }
        let mut request = Request::get(url);
        request
            .headers
            .insert(HeaderName::from_static("accept"), HeaderValue::from_static("application/json"));
        if let Some(name) = &self.username {
            request.headers.insert(HeaderName::from_static("api-username"), name.clone());
        }
        request.service = self.service;
        request.credential.clone_from(&self.credential);
        Ok(request)
    }

    /// Asks, and gives the answer, JSON.
    ///
    /// # Errors
    /// Those of [`Http::send`].
    pub(crate) async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<(Record, Response)> {
        let read = |answer: Response| Ok((Record::parse(answer.body.clone())?, answer));
        self.http.send_and(&self.request(path, query)?, read).await
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn the_wait_is_read_in_the_words_of_a_refusal() {
        let words = "Slow down, too many requests from this IP address. Please retry again in 4 seconds. Error code: x";
        assert_eq!(seconds(words), Some(4));
        assert_eq!(seconds("Please wait 39 seconds"), Some(39));
        assert_eq!((seconds("no second"), seconds("")), (None, None));
    }
}

#[cfg(test)]
mod obeying {
    use super::*;
    use crawl_core::robots::Robots;

    #[test]
    fn what_robots_txt_refuses_is_not_asked_for() {
        let http = Http::new(crawl_core::http::HttpConfig::default()).unwrap();
        let rules = Robots::parse(b"User-agent: *\nDisallow: /t/\n").agent(TOKEN);
        let forum = Forum::new(http, Url::parse("http://127.0.0.1:5/").unwrap()).obeying(Arc::new(rules));
        let error = forum.request("t/5.json", &[]).unwrap_err();
        assert_eq!(error.kind(), Kind::Denied);
        assert!(forum.request("latest.json", &[]).is_ok());
    }
}
