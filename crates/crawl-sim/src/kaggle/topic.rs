//! Topics of discussion and their messages.

use super::calendar::END;
use super::competition;
use super::model::Model;
use super::words::{prose, title};
use super::world::{Owner, Part, Stream, World};
use crate::dice::Dice;

/// Id, name and slug of the forums of the site.
pub(super) const FORUMS: [(u64, &str, &str); 6] = [
    (15, "Getting Started", "getting-started"),
    (16, "General", "general"),
    (17, "Product Feedback", "product-feedback"),
    (18, "Questions & Answers", "questions-and-answers"),
    (19, "Accomplishments", "accomplishments"),
    (20, "Competition Hosting", "competition-hosting"),
];

/// The forum that holds comments on kernels.
pub(super) const KERNEL_FORUM: u64 = 16_860;

/// What a topic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The place in [`FORUMS`].
    Site(u64),
    Competition(u64),
    Dataset(u64),
    Model(u64),
    Kernel(u64),
}

impl Place {
    pub(super) fn forum(self) -> u64 {
        match self {
            Self::Site(number) => FORUMS[number as usize].0,
            Self::Competition(index) => 10_000_000 + index,
            Self::Dataset(index) => 20_000_000 + index,
            Self::Model(index) => 30_000_000 + index,
            Self::Kernel(_) => KERNEL_FORUM,
        }
    }
}

/// One topic.
pub(super) struct Topic<'w> {
    world: &'w World,
    pub(super) index: u64,
}

/// One message; number 0 opens the topic.
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) date: i64,
    /// `None` of a deleted message.
    pub(super) author: Option<Owner>,
    pub(super) votes: u64,
    pub(super) deleted: bool,
    /// The number of the message that this one answers.
    pub(super) parent: Option<u64>,
    text: String,
}

pub(super) fn id(index: u64) -> u64 {
    100_000 + index * 10
}

pub(super) fn find(world: &World, id: u64) -> Option<u64> {
    let index = id.checked_sub(100_000).filter(|rest| rest.is_multiple_of(10))? / 10;
    (index < world.count(Part::Topics) && !world.is_removed(Part::Topics, index)).then_some(index)
}

/// The topics of one place, oldest first.
pub(super) fn at(world: &World, place: Place) -> Vec<u64> {
    let all = world.order(
        Part::Topics,
        &format!("{place:?}"),
        |index| Topic::new(world, index).place() == place,
        |index| -(index as i64),
    );
    all.iter().map(|index| u64::from(*index)).collect()
}

impl<'w> Topic<'w> {
    pub(super) fn new(world: &'w World, index: u64) -> Self {
        Self { world, index }
    }

    pub(super) fn id(&self) -> u64 {
        id(self.index)
    }

    pub(super) fn place(&self) -> Place {
        let (turn, config) = (self.index / 8, &self.world.config);
        match self.index % 8 {
            4 | 5 if config.competitions > 0 => {
                Place::Competition((turn * 2 + self.index % 8 - 4) % config.competitions)
            }
            6 if config.datasets > 0 => Place::Dataset(turn % config.datasets),
            7 if turn % 2 == 1 && config.models > 0 => Place::Model(turn / 2 % config.models),
            7 if turn.is_multiple_of(2) && config.kernels > 0 => Place::Kernel(turn / 2 % config.kernels),
            _ => Place::Site(turn % FORUMS.len() as u64),
        }
    }

    pub(super) fn title(&self) -> String {
        let mut dice = self.world.dice(Part::Topics, self.index, Stream::Name);
        match self.index % 12 {
            3 => {
                format!("1st place solution: \"{}\"", title(super::words::TOPICS[self.index as usize % 24].0))
            }
            8 => "¿Cómo empiezo? 🙋".into(),
            _ => format!("About {} (no. {})", dice.pick(&super::words::TOPICS).0, self.index),
        }
    }

    fn page(&self) -> String {
        match self.place() {
            Place::Site(number) => format!("discussions/{}", FORUMS[number as usize].2),
            Place::Competition(index) => {
                format!("competitions/{}/discussion", competition::slug(self.world, index))
            }
            Place::Dataset(index) => {
                format!("datasets/{}/discussion", self.world.reference(Part::Datasets, index))
            }
            Place::Model(index) => {
                format!("models/{}/discussion", Model::new(self.world, index).name.reference())
            }
            Place::Kernel(index) => format!("code/{}/comments", self.world.reference(Part::Kernels, index)),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("https://www.kaggle.com/{}/{}", self.page(), self.id())
    }

    pub(super) fn forum_name(&self) -> String {
        match self.place() {
            Place::Site(number) => FORUMS[number as usize].1.into(),
            Place::Competition(index) => title(&competition::slug(self.world, index)),
            Place::Dataset(index) => title(&self.world.name(Part::Datasets, index).slug),
            Place::Model(index) => title(&self.world.name(Part::Models, index).slug),
            Place::Kernel(_) => "Notebook comments".into(),
        }
    }

    pub(super) fn votes(&self) -> u64 {
        self.world.dice(Part::Topics, self.index, Stream::Numbers).heavy(2.5, 3)
    }

    /// How many messages there are, the opening one and deleted ones included.
    pub(super) fn messages(&self) -> u64 {
        match self.index {
            0 => 12,
            index if index % 40 == 9 => 260,
            // More threads than one page of comments holds.
            index if index % 160 == 50 => 1300,
            _ => 1 + self.world.dice(Part::Topics, self.index, Stream::Files).heavy(1.5, 1),
        }
    }

    pub(super) fn last_date(&self) -> i64 {
        self.message_date(self.messages() - 1)
    }

    pub(super) fn message_id(&self, number: u64) -> u64 {
        self.id() * 1000 + number
    }

    fn message_date(&self, number: u64) -> i64 {
        self.world.created(Part::Topics, self.index).min(END - 90_000_000) + number as i64 * 1800
    }

    /// One in five opens a thread of its own, the others answer one of the twelve before, not deeper than five.
    fn parent(&self, number: u64) -> Option<u64> {
        let parent = self.wish(number)?;
        let (mut depth, mut at) = (0, parent);
        while depth < 5
            && let Some(next) = self.wish(at)
        {
            depth += 1;
            at = next;
        }
        (depth < 5).then_some(parent)
    }

    /// What a message would answer if no thread were too deep.
    fn wish(&self, number: u64) -> Option<u64> {
        let mut dice = Dice::new(self.world.config.seed ^ self.index, number);
        let opens = number <= 1 || dice.below(5) == 0;
        (!opens).then(|| number - 1 - dice.below((number - 1).min(12)))
    }

    /// The numbers of the answers to a message, or of those that open a thread.
    pub(super) fn replies(&self, to: Option<u64>) -> Vec<u64> {
        (1..self.messages()).filter(|number| self.parent(*number) == to).collect()
    }

    pub(super) fn message(&self, number: u64) -> Message {
        let mut dice = Dice::new(self.world.config.seed ^ self.id(), number + 1);
        let deleted = number % 11 == 5;
        let user = dice.below(self.world.config.users.max(1));
        Message {
            id: self.message_id(number),
            date: self.message_date(number),
            author: (!deleted).then(|| self.world.user(user)),
            votes: dice.heavy(1.7, 3),
            deleted,
            parent: if number == 0 { None } else { Some(self.parent(number).unwrap_or(0)) },
            text: prose(&mut dice, 3),
        }
    }
}

impl Message {
    pub(super) fn author_name(&self) -> &str {
        self.author.as_ref().map_or("", |author| &author.name)
    }

    /// Empty of a deleted message.
    pub(super) fn markdown(&self) -> String {
        match () {
            () if self.deleted => String::new(),
            () if self.id % 7 == 3 => {
                format!("{}\n\n```python\nprint(1 < 2)\n```\n\n> quoted\r\n", self.text)
            }
            () => self.text.clone(),
        }
    }

    /// Empty of a deleted message.
    pub(super) fn html(&self) -> String {
        match () {
            () if self.deleted => String::new(),
            () if self.id % 7 == 3 => {
                format!("<p>{}</p>\r\n<pre><code>print(1 &lt; 2)</code></pre><blockquote>quoted", self.text)
            }
            () => format!("<p>{}</p>", self.text),
        }
    }

    /// Posts from before 2018 have no Markdown in Meta Kaggle.
    pub(super) fn is_old(&self) -> bool {
        self.date < 1_514_764_800
    }
}
