//! What `sim discourse` takes.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use crawl_sim::{Change, DiscourseConfig, Limit, Rule, TooMany};

pub(crate) const HELP: &str = "\
The faults are those of `sim --help`: list, detail (topics), tree (posts.json, raw), resolve (short addresses), cdn (uploads).
A 429 comes in three forms in turn: a sentence, JSON, the page of a proxy.

Changes: --change 'N=WHAT', before the request with this number:
  bump:TOPIC reply:TOPIC:COUNT edit:POST edit-silently:POST delete-post:POST split:TOPIC:NUMBER delete-topic:TOPIC publish:COUNT

Example:
  sim discourse --topics 400 --mega 30000 --limit 50/10 --limit 200/60 --change 20=reply:25:3 --fault 'detail@7=status:502'
  curl http://127.0.0.1:PORT/latest.json?order=created";

#[derive(Args)]
pub(crate) struct DiscourseArgs {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// How many seeded topics there are
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    topics: u64,
    /// Give every seeded topic so many posts, all of them plain
    #[arg(long, value_name = "COUNT")]
    posts: Option<u64>,
    /// Give the second topic so many posts
    #[arg(long, value_name = "COUNT")]
    mega: Option<u64>,
    /// A topic with so many posts has no list of their ids
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    mega_from: u64,
    /// The same seed makes the same topics
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Serve the recorded topics in this folder (bodies in it or in json/, plain texts in raw/)
    #[arg(long, value_name = "DIR")]
    recorded: Option<PathBuf>,
    /// Lie under this path
    #[arg(long, value_name = "/PATH", default_value = "")]
    base: String,
    /// Tags are strings, as before 2026
    #[arg(long)]
    tag_strings: bool,
    /// Refuse those without a key
    #[arg(long)]
    login_required: bool,
    /// The only administrator's key that is right
    #[arg(long, value_name = "USER:KEY")]
    api_key: Option<Key>,
    /// The only user's key that is right
    #[arg(long, value_name = "KEY")]
    user_api_key: Option<String>,
    /// Answer this file as robots.txt
    #[arg(long, value_name = "FILE")]
    robots: Option<PathBuf>,
    /// A quota of requests in any span of time; those over it extend the pause
    #[arg(long = "limit", value_name = "REQUESTS/SECONDS")]
    limits: Vec<Quota>,
    /// Say so in this form to those who came too often [default: the three in turn]
    #[arg(long, value_name = "text|json|html")]
    too_many: Option<Form>,
    /// Answer everything with a page that checks for browsers
    #[arg(long)]
    challenge: bool,
    /// What changes while it is read (see below)
    #[arg(long = "change", value_name = "N=WHAT")]
    changes: Vec<Change>,
    /// What goes wrong (see `sim --help`)
    #[arg(long = "fault", value_name = "RULE")]
    faults: Vec<Rule>,
    /// Pack answers for clients that accept it
    #[arg(long)]
    gzip: bool,
    /// Wait so many milliseconds before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
}

/// `USER:KEY`
#[derive(Clone)]
struct Key(String, String);

impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(':').map(|(user, key)| Self(user.into(), key.into()));
        parts.ok_or("expected USER:KEY")
    }
}

/// `REQUESTS/SECONDS`
#[derive(Clone, Copy)]
struct Quota(Limit);

impl FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(requests, seconds)| {
            Some(Self(Limit { requests: requests.parse().ok()?, seconds: seconds.parse().ok()? }))
        });
        parts.ok_or("expected REQUESTS/SECONDS")
    }
}

#[derive(Clone, Copy)]
struct Form(TooMany);

impl FromStr for Form {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self(TooMany::Text)),
            "json" => Ok(Self(TooMany::Json)),
            "html" => Ok(Self(TooMany::Html)),
            _ => Err("expected text, json or html"),
        }
    }
}

impl DiscourseArgs {
    /// # Errors
    /// If the file for robots.txt cannot be read.
    pub(crate) fn config(self) -> std::io::Result<DiscourseConfig> {
        let default = DiscourseConfig::default();
        let robots = self.robots.map(std::fs::read_to_string).transpose()?.map(|text| (200, text));
        Ok(DiscourseConfig {
            port: self.port,
            topics: self.topics,
            posts: self.posts,
            mega: self.mega,
            mega_from: self.mega_from,
            seed: self.seed,
            recorded: self.recorded,
            base: self.base,
            tag_objects: !self.tag_strings,
            login_required: self.login_required,
            api_key: self.api_key.map(|Key(user, key)| (key, user)),
            user_api_key: self.user_api_key,
            robots: robots.unwrap_or_else(|| default.robots.clone()),
            limits: self.limits.into_iter().map(|Quota(limit)| limit).collect(),
            too_many: self.too_many.map(|Form(form)| form),
            challenge: self.challenge,
            changes: self.changes,
            faults: self.faults,
            gzip: self.gzip,
            latency: Duration::from_millis(self.latency),
            ..default
        })
    }
}
