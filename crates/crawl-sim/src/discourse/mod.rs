//! A double of Discourse: lists, topics, posts and pictures of a forum that does not exist.

mod body;
mod category;
mod change;
mod config;
mod gate;
mod list_calls;
mod list_json;
mod markup;
mod object;
mod people;
mod picture;
mod post_json;
mod recorded;
mod refuse;
mod route;
mod seeded;
mod service;
mod site_json;
mod topic;
mod topic_calls;
mod topic_json;
mod upload_calls;
mod words;
mod world;

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use crate::fault::Plan;
use crate::http::journal::Journal;
use crate::http::server::{Origin, Running, Shared, bind, start};
pub use change::Change;
pub use config::{DiscourseConfig, Limit, PlantedTopic, TooMany, Upload};
use gate::Gate;
use service::Service;
use world::World;

/// A running double of a Discourse forum; dropping it closes its port. [`Running`] tells what it saw.
///
/// Topics are a function of the seed and their index, so any number of them costs little memory; those that change, are
/// recorded or planted are kept whole. [`DiscourseConfig`] says what there is, the methods change it while it runs.
pub struct Discourse {
    running: Running,
    service: Arc<Service>,
}

impl Deref for Discourse {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Discourse {
    /// Binds its address and starts serving on threads of its own.
    ///
    /// # Errors
    /// If the port is taken, or the folder of recorded topics cannot be read.
    pub async fn start(config: DiscourseConfig) -> io::Result<Self> {
        let listener = bind(config.port)?;
        let shared = Shared {
            journal: Arc::new(Journal::new()),
            plan: Arc::new(Plan::new(config.seed, config.faults.clone())),
            latency: config.latency,
            gzip: config.gzip,
            prefix: String::new(),
        };
        let service = Arc::new(Service { world: World::new(config)?, gate: Gate::default() });
        let origin = Origin { name: "main", listener, service: service.clone() };
        Ok(Self { running: start(vec![origin], shared)?, service })
    }

    /// Where the forum lies: the address with the base path, without a slash at the end.
    #[must_use]
    pub fn site(&self) -> String {
        format!("{}{}", self.running.url(), self.service.base())
    }

    /// How many requests came while another had been told to wait. A good client has none.
    #[must_use]
    pub fn early(&self) -> u64 {
        self.service.gate.early()
    }

    /// The ids of all topics that lists show, in the order of creation.
    #[must_use]
    pub fn topics(&self) -> Vec<u64> {
        self.service.world.order("listed", "created", true, |card| !card.unlisted).to_vec()
    }

    /// The ids of the posts of a topic that everybody sees, in order; empty if there is no such topic.
    #[must_use]
    pub fn posts(&self, topic: u64) -> Vec<u64> {
        let world = &self.service.world;
        let facts = world.topic(topic).map(|topic| world.facts(&topic)).unwrap_or_default();
        facts.into_iter().map(|facts| facts.id).collect()
    }

    /// Brings a topic to the front of the list. False if there is no such topic.
    pub fn bump(&self, topic: u64) -> bool {
        self.service.world.bump(topic)
    }

    /// Adds a reply, which bumps the topic; its id, if there is such a topic.
    pub fn reply(&self, topic: u64, raw: &str) -> Option<u64> {
        self.service.world.reply(topic, raw)
    }

    /// Changes what a post says; if it is the last of its topic, this bumps the topic. False if there is no such post.
    pub fn edit(&self, post: u64, raw: &str) -> bool {
        self.service.world.edit(post, raw, true)
    }

    /// Changes what a post says and bumps nothing. False if there is no such post.
    pub fn edit_silently(&self, post: u64, raw: &str) -> bool {
        self.service.world.edit(post, raw, false)
    }

    /// Takes a post away, without a bump. False if there is no such post.
    pub fn delete_post(&self, post: u64) -> bool {
        self.service.world.delete_post(post)
    }

    /// Takes a topic away. False if there is no such topic.
    pub fn delete_topic(&self, topic: u64) -> bool {
        self.service.world.delete_topic(topic)
    }

    /// Moves posts (not the first) to a new topic, which is as old as the first of them; they keep their ids. The id of
    /// the new topic, if any post was moved.
    pub fn split(&self, topic: u64, posts: &[u64], title: &str) -> Option<u64> {
        self.service.world.split(topic, posts, title)
    }

    /// A new topic; its id.
    pub fn publish(&self, topic: &PlantedTopic) -> u64 {
        self.service.world.publish(&topic.title, &topic.posts)
    }
}
