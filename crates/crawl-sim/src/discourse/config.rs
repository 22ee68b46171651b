//! What a double of Discourse shall be like.

use std::path::PathBuf;
use std::time::Duration;

use super::change::Change;
use crate::fault::Rule;

/// What the double shall be like.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use crawl_sim::{Discourse, DiscourseConfig, Limit};
///
/// let forum = Discourse::start(DiscourseConfig {
///     topics: 400,
///     mega: Some(30_000),
///     limits: vec![Limit { requests: 50, seconds: 10.0 }],
///     changes: vec!["20=reply:10:3".parse()?],
///     faults: vec!["detail@3=status:502".parse()?, "list@5=429:retry-after=1".parse()?],
///     ..DiscourseConfig::default()
/// })
/// .await?;
/// let url = forum.site(); // GET {url}/latest.json
/// assert_eq!(forum.early(), 0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct DiscourseConfig {
    /// Where to listen; 0 takes a free port.
    pub port: u16,
    /// How many seeded topics there are; those that categories are described in, recorded and planted ones come on top.
    pub topics: u64,
    /// Every seeded topic has so many posts, all of them plain; without it from 1 to 134.
    pub posts: Option<u64>,
    /// The topic with index 1 has so many posts.
    pub mega: Option<u64>,
    /// A topic with so many posts has no `stream`.
    pub mega_from: u64,
    /// How many ordinary people there are.
    pub people: u64,
    /// How many pictures there are in posts.
    pub pictures: u64,
    /// Another seed, another forum.
    pub seed: u64,
    /// A folder of recorded topics: their JSON in it or in `json/`, their plain texts in `raw/`.
    pub recorded: Option<PathBuf>,
    /// Topics of your choice.
    pub plants: Vec<PlantedTopic>,
    /// What lies at these paths below `/uploads/`, before all else; a path begins with `/uploads/`.
    pub uploads: Vec<(String, Upload)>,
    /// Where the forum lies: empty, or a path such as `/forum`.
    pub base: String,
    /// Whether tags are objects, as since 2026, or strings.
    pub tag_objects: bool,
    /// Whether posts tell their reactions, as with the plugin.
    pub reactions: bool,
    /// Whether a topic has a list of accepted answers, as since 2026, or one.
    pub many_answers: bool,
    /// Headers of every answer but uploads, such as `X-Robots-Tag`.
    pub headers: Vec<(&'static str, String)>,
    /// Headers of uploads.
    pub upload_headers: Vec<(&'static str, String)>,
    /// Whether a split brings the new topic to the front of the list, as on recent versions; on old ones it is as deep in
    /// the list as its posts are old.
    pub split_bumps: bool,
    /// Whether `per_page` is looked at, as since 2026.
    pub per_page: bool,
    /// How many private messages there are, which an administrator's key opens.
    pub private: u64,
    /// Refuse user agents with one of these words in them.
    pub blocked_agents: Vec<String>,
    /// Whether a topic that was taken away answers 410.
    pub detailed_404: bool,
    /// Whether only those with a key may read.
    pub login_required: bool,
    /// The only administrator's key that is right, and the user name that must come with it.
    pub api_key: Option<(String, String)>,
    /// The only user's key that is right.
    pub user_api_key: Option<String>,
    /// Status and text of robots.txt.
    pub robots: (u16, String),
    /// The page of terms; `None` if there is none.
    pub terms: Option<String>,
    /// Quotas of requests; one over quota is counted too, so that who knocks early waits longer.
    pub limits: Vec<Limit>,
    /// The quota of requests with a key, which the others do not count.
    pub key_limit: Option<Limit>,
    /// What those who came too often are told; without it, the three in turn.
    pub too_many: Option<TooMany>,
    /// Whether a 429 says when to come back in its headers; without, only in its body.
    pub retry_after: bool,
    /// Whether every request is answered by a page that checks for browsers.
    pub challenge: bool,
    /// What changes, and before which request (counted from 1).
    pub changes: Vec<Change>,
    /// What goes wrong.
    pub faults: Vec<Rule>,
    /// Before each answer.
    pub latency: Duration,
    /// Whether answers are packed for clients that accept it.
    pub gzip: bool,
}

impl Default for DiscourseConfig {
    fn default() -> Self {
        Self {
            port: 0,
            topics: 100,
            posts: None,
            mega: None,
            mega_from: 10_000,
            people: 60,
            pictures: 24,
            seed: 1,
            recorded: None,
            plants: Vec::new(),
            uploads: Vec::new(),
            base: String::new(),
            tag_objects: true,
            reactions: false,
            many_answers: false,
            headers: Vec::new(),
            upload_headers: Vec::new(),
            split_bumps: true,
            per_page: true,
            private: 2,
            blocked_agents: Vec::new(),
            detailed_404: false,
            login_required: false,
            api_key: None,
            user_api_key: None,
            robots: (200, ROBOTS.into()),
            terms: Some(TERMS.into()),
            limits: Vec::new(),
            key_limit: None,
            too_many: None,
            retry_after: true,
            challenge: false,
            changes: Vec::new(),
            faults: Vec::new(),
            latency: Duration::ZERO,
            gzip: false,
        }
    }
}

const ROBOTS: &str = "# See http://www.robotstxt.org/robotstxt.html\n\nUser-agent: *\nDisallow: /admin/\n\
    Disallow: /auth/\nDisallow: /email/\nDisallow: /session\nDisallow: /user-api-key\nDisallow: /badges\n\
    Disallow: /search\nDisallow: /search/\nDisallow: /g\nDisallow: /t/*/*.rss\nDisallow: /c/*.rss\n";

const TERMS: &str = "You keep what you write here, and license it to the forum under CC BY-NC-SA 3.0.";

/// A quota: so many requests in any span of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Requests that are answered.
    pub requests: u64,
    /// The length of the span.
    pub seconds: f64,
}

/// The three ways to say that there were too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// A sentence with the seconds in it.
    Text,
    /// `{"errors":[..],"error_type":"rate_limit","extras":{"wait_seconds":..}}`
    Json,
    /// A page of a proxy, without the seconds.
    Html,
}

/// A topic of your own, in the first category.
#[derive(Clone, Debug)]
pub struct PlantedTopic {
    pub(super) title: String,
    pub(super) posts: Vec<(Option<String>, String)>,
}

impl PlantedTopic {
    /// Whatever the title is, it is not looked at.
    #[must_use]
    pub fn topic(title: &str) -> Self {
        Self { title: title.into(), posts: Vec::new() }
    }

    /// One post more: what was typed, if that can be read, and the HTML that was made of it.
    #[must_use]
    pub fn post(mut self, raw: Option<&str>, cooked: &str) -> Self {
        self.posts.push((raw.map(str::to_owned), cooked.into()));
        self
    }
}

/// What lies at the address of an upload.
#[derive(Clone, Debug)]
pub enum Upload {
    /// These bytes, of this type.
    Bytes(String, Vec<u8>),
    /// A page of HTML that says it is a picture.
    Html,
    /// A small PNG that decodes to 1 GiB.
    Bomb,
    /// 302 to this address.
    Redirect(String),
    /// This status and a line of text.
    Status(u16),
}
