//! All that a forum holds, and the orders of its lists.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::config::DiscourseConfig;
use super::object::END;
use super::people::People;
use super::picture::Picture;
use super::recorded;
use super::seeded::{GAP, Scene, Seeded};
use super::topic::{Facts, Head, Post, Posts, Topic};
use super::words::CATEGORIES;
use crate::locked;

pub(super) struct World {
    pub(super) config: DiscourseConfig,
    pub(super) people: People,
    pub(super) pictures: Vec<Picture>,
    pub(super) categories: Vec<Category>,
    seeded: Seeded,
    /// The id of the first post of each seeded topic.
    firsts: Vec<u64>,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
pub(super) struct Category {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) colour: &'static str,
    pub(super) parent: Option<u64>,
    /// The topic that describes it.
    pub(super) about: Option<u64>,
}

/// What lists are ordered and filtered by.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) id: u64,
    pub(super) created: i64,
    pub(super) bumped: i64,
    pub(super) posts: u64,
    pub(super) views: u64,
    pub(super) likes: u64,
    pub(super) category: u64,
    pub(super) tags: Vec<&'static str>,
    pub(super) pinned: bool,
    pub(super) unlisted: bool,
    pub(super) definition: bool,
    pub(super) closed: bool,
    pub(super) archived: bool,
}

#[derive(Default)]
pub(super) struct State {
    /// Of all topics, in the order of their ids.
    pub(super) cards: Vec<Card>,
    /// Topics that are not, or no longer, made from the seed.
    pub(super) kept: BTreeMap<u64, Arc<Topic>>,
    /// The topic of each post that is kept.
    pub(super) placed: BTreeMap<u64, u64>,
    pub(super) orders: HashMap<String, Arc<Vec<u64>>>,
    next_topic: u64,
    next_post: u64,
    now: i64,
}

impl World {
    pub(super) fn new(config: DiscourseConfig) -> io::Result<Self> {
        let mut people = People::new(config.people);
        let recorded =
            config.recorded.as_deref().map(|folder| recorded::read(folder, &mut people)).transpose()?;
        let recorded = recorded.unwrap_or_default();
        let categories = categories(&recorded, config.topics > 0 || !config.plants.is_empty());
        let first_id = recorded.iter().map(|topic| topic.head.id).max().unwrap_or(0) + 20;
        let mut next_post = recorded.iter().flat_map(kept).map(|post| post.facts.id).max().unwrap_or(0) + 1;
        let seeded = Seeded {
            seed: config.seed,
            topics: config.topics,
            first_id,
            mega: config.mega.map(|count| (1, count)),
            posts: config.posts,
        };
        let mut firsts = Vec::new();
        for index in 0..config.topics {
            firsts.push(next_post);
            next_post += seeded.count(index) + if index % 10 == 9 { GAP } else { 0 };
        }
        let state = State { next_topic: first_id + config.topics, next_post, now: END, ..State::default() };
        let world = Self {
            pictures: (0..config.pictures).map(Picture::numbered).collect(),
            people,
            categories,
            seeded,
            firsts,
            state: Mutex::new(state),
            config,
        };
        world.fill(recorded);
        Ok(world)
    }

    fn fill(&self, recorded: Vec<Topic>) {
        let mut cards: Vec<Card> = recorded.iter().map(|topic| self.card(topic)).collect();
        cards.extend((0..self.config.topics).map(|index| self.card(&self.seed(index))));
        cards.sort_unstable_by_key(|card| card.id);
        let mut state = self.state();
        state.cards = cards;
        recorded.into_iter().for_each(|topic| state.keep(Arc::new(topic)));
        for category in self.categories.iter().filter(|category| category.about.is_some()) {
            let (Some(id), name) = (category.about, &category.name) else { continue };
            let post =
                vec![(Some(format!("What belongs to {name}.")), format!("<p>What belongs to {name}.</p>"))];
            let planted =
                self.plant(&mut state, &format!("About the {name} category"), &post, super::object::START);
            state.describe(planted, id, category.id);
        }
        for plant in &self.config.plants {
            self.plant(&mut state, &plant.title, &plant.posts, END - 1_000_000);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn seed(&self, index: u64) -> Topic {
        let posts =
            Posts::Seeded { index, first: self.firsts[index as usize], count: self.seeded.count(index) };
        Topic { head: self.seeded.head(index, &self.people), posts }
    }

    /// `None` if there never was one, or no longer is.
    pub(super) fn topic(&self, id: u64) -> Option<Arc<Topic>> {
        {
            let state = self.state();
            state.cards.binary_search_by_key(&id, |card| card.id).ok()?;
            if let Some(topic) = state.kept.get(&id) {
                return Some(topic.clone());
            }
        }
        Some(Arc::new(self.seed(id.checked_sub(self.seeded.first_id)?)))
    }

    /// The topic that a post is in now.
    pub(super) fn topic_of(&self, post: u64) -> Option<u64> {
        if let Some(topic) = self.state().placed.get(&post) {
            return Some(*topic);
        }
        let index = self.firsts.partition_point(|first| *first <= post).checked_sub(1)?;
        let within = post - self.firsts[index] < self.seeded.count(index as u64);
        within.then_some(self.seeded.first_id + index as u64)
    }

    /// Of all posts of a topic, those that nobody sees too.
    pub(super) fn all_facts(&self, topic: &Topic) -> Vec<Facts> {
        match &topic.posts {
            Posts::Seeded { index, first, count } => {
                (1..=*count).map(|number| self.seeded.facts(*index, number, *first, &self.people)).collect()
            }
            Posts::Kept(posts) => posts.iter().map(|post| post.facts).collect(),
        }
    }

    /// Of those posts that everybody sees.
    pub(super) fn facts(&self, topic: &Topic) -> Vec<Facts> {
        let mut facts = self.all_facts(topic);
        facts.retain(Facts::seen);
        facts
    }

    pub(super) fn one_fact(&self, topic: &Topic, number: u64) -> Option<Facts> {
        match &topic.posts {
            Posts::Seeded { index, first, count } => (1..=*count)
                .contains(&number)
                .then(|| self.seeded.facts(*index, number, *first, &self.people)),
            Posts::Kept(posts) => posts.iter().map(|post| post.facts).find(|facts| facts.number == number),
        }
    }

    pub(super) fn post(&self, topic: &Topic, number: u64) -> Option<Post> {
        match &topic.posts {
            Posts::Seeded { index, first, count } => {
                let scene = Scene {
                    base: &self.config.base,
                    people: &self.people,
                    pictures: &self.pictures,
                    slug: &topic.head.slug,
                };
                (1..=*count).contains(&number).then(|| self.seeded.post(*index, number, *first, &scene))
            }
            Posts::Kept(posts) => posts.iter().find(|post| post.facts.number == number).cloned(),
        }
    }

    pub(super) fn category(&self, id: u64) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    fn card(&self, topic: &Topic) -> Card {
        let facts = self.facts(topic);
        card(&topic.head, &facts)
    }

    /// The ids of topics that `wanted` lets pass, in this order; remembered under `name`.
    pub(super) fn order(
        &self,
        name: &str,
        order: &str,
        ascending: bool,
        wanted: impl Fn(&Card) -> bool,
    ) -> Arc<Vec<u64>> {
        let mut state = self.state();
        let name = format!("{name} {order} {ascending}");
        if let Some(known) = state.orders.get(&name) {
            return known.clone();
        }
        let mut cards: Vec<&Card> = state.cards.iter().filter(|card| wanted(card)).collect();
        let key = |card: &Card| match order {
            "created" => card.created,
            "views" => card.views as i64,
            "posts" => card.posts as i64,
            "likes" | "op_likes" => card.likes as i64,
            "category" => card.category as i64,
            _ => card.bumped,
        };
        if ascending {
            cards.sort_by_key(|card| (key(card), card.id));
        } else {
            cards.sort_by_key(|card| Reverse((key(card), card.id)));
        }
        let ids = Arc::new(cards.into_iter().map(|card| card.id).collect::<Vec<_>>());
        state.orders.insert(name, ids.clone());
        ids
    }

    /// The id of the youngest post.
    pub(super) fn newest_post(&self) -> u64 {
        self.state().next_post - 1
    }
}

impl State {
    /// A minute passes with every change.
    pub(super) fn tick(&mut self) -> i64 {
        self.now += 60_000;
        self.now
    }

    pub(super) fn take_topic(&mut self) -> u64 {
        self.next_topic += 1;
        self.next_topic - 1
    }

    pub(super) fn take_post(&mut self) -> u64 {
        self.next_post += 1;
        self.next_post - 1
    }

    /// From now on this is the topic.
    pub(super) fn keep(&mut self, topic: Arc<Topic>) {
        let id = topic.head.id;
        let posts = kept(&topic);
        let facts: Vec<Facts> = posts.iter().map(|post| post.facts).filter(Facts::seen).collect();
        self.placed.extend(posts.iter().map(|post| (post.facts.id, id)));
        let card = card(&topic.head, &facts);
        match self.cards.binary_search_by_key(&id, |card| card.id) {
            Ok(place) => self.cards[place] = card,
            Err(place) => self.cards.insert(place, card),
        }
        self.kept.insert(id, topic);
        self.orders.clear();
    }

    /// Makes a planted topic the description of a category, under the id that was promised.
    fn describe(&mut self, planted: u64, id: u64, category: u64) {
        let Some(topic) = self.kept.remove(&planted) else { return };
        self.cards.retain(|card| card.id != planted);
        let mut topic = topic.as_ref().clone();
        topic.head = Head { id, category, definition: true, ..topic.head };
        self.keep(Arc::new(topic));
        if planted + 1 == self.next_topic {
            self.next_topic = planted;
        }
    }
}

fn card(head: &Head, seen: &[Facts]) -> Card {
    Card {
        id: head.id,
        created: head.created,
        bumped: head.bumped,
        posts: seen.len() as u64,
        views: head.views,
        likes: seen.iter().map(|facts| facts.likes).sum(),
        category: head.category,
        tags: head.tags.clone(),
        pinned: head.pinned,
        unlisted: head.unlisted || head.private,
        definition: head.definition,
        closed: head.closed,
        archived: head.archived,
    }
}

fn kept(topic: &Topic) -> &[Post] {
    match &topic.posts {
        Posts::Kept(posts) => posts,
        Posts::Seeded { .. } => &[],
    }
}

/// Those of seeded topics with their descriptions, and those that recorded topics name.
fn categories(recorded: &[Topic], seeded: bool) -> Vec<Category> {
    let above = recorded.iter().map(|topic| topic.head.id).max().unwrap_or(0);
    let own = CATEGORIES.iter().filter(|_| seeded).map(|(id, name, slug, colour, parent)| Category {
        id: *id,
        name: (*name).into(),
        slug: (*slug).into(),
        colour,
        parent: *parent,
        about: Some(above + 1 + id),
    });
    let mut all: Vec<Category> = own.collect();
    for topic in recorded {
        let id = topic.head.category;
        if all.iter().all(|category| category.id != id) {
            let (name, slug) = (format!("Category {id}"), format!("category-{id}"));
            all.push(Category { id, name, slug, colour: "0088CC", parent: None, about: None });
        }
    }
    if all.is_empty() {
        all.push(Category {
            id: 1,
            name: "Uncategorized".into(),
            slug: "uncategorized".into(),
            colour: "0088CC",
            parent: None,
            about: None,
        });
    }
    all
}
