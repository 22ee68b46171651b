//! All that a forum holds, and the orders of its lists.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::body;
use super::category::{Category, categories};
use super::config::DiscourseConfig;
use super::object::{END, START};
use super::people::People;
use super::picture::Picture;
use super::recorded;
use super::seeded::{GAP, Scene, Seeded};
use super::topic::{Facts, Head, Post, Posts, Topic};
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
    pub(super) private: bool,
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
    /// Topics that were taken away.
    pub(super) gone: BTreeSet<u64>,
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
        for category in &self.categories {
            let (Some(id), name) = (category.about, &category.name) else { continue };
            let text = format!("What belongs to {name}.");
            let title = format!("About the {name} category");
            let head = Head { id, title, category: category.id, definition: true, ..Head::default() };
            self.plant(&mut state, head, &[(Some(text.clone()), body::plain(&text))], START);
        }
        for number in 0..self.config.private {
            let title = format!("Between you and me, {number}");
            let head = Head { title, private: true, ..Head::default() };
            let secret = (Some("This is a secret.".into()), "<p>This is a secret.</p>".into());
            self.plant(&mut state, head, &[secret.clone(), secret], END - 2_000_000);
        }
        for plant in &self.config.plants {
            let head = Head { title: plant.title.clone(), ..Head::default() };
            self.plant(&mut state, head, &plant.posts, END - 1_000_000);
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
        self.facts_for(topic, false)
    }

    /// The staff sees whispers too.
    pub(super) fn facts_for(&self, topic: &Topic, staff: bool) -> Vec<Facts> {
        let mut facts = self.all_facts(topic);
        facts.retain(|facts| facts.shown_to(staff));
        facts
    }

    /// How many posts everybody sees.
    pub(super) fn count(&self, topic: u64) -> u64 {
        let state = self.state();
        let place = state.cards.binary_search_by_key(&topic, |card| card.id);
        place.map_or(0, |place| state.cards[place].posts)
    }

    pub(super) fn one_fact(&self, topic: &Topic, number: u64) -> Option<Facts> {
        match &topic.posts {
            Posts::Seeded { index, first, count } => (1..=*count)
                .contains(&number)
                .then(|| self.seeded.facts(*index, number, *first, &self.people)),
            Posts::Kept(posts) => posts.iter().map(|post| post.facts).find(|facts| facts.number == number),
        }
    }

    pub(super) fn fact_of(&self, topic: &Topic, id: u64) -> Option<Facts> {
        match &topic.posts {
            Posts::Seeded { first, .. } => self.one_fact(topic, id.checked_sub(*first)? + 1),
            Posts::Kept(posts) => posts.iter().map(|post| post.facts).find(|facts| facts.id == id),
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
        private: head.private,
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
