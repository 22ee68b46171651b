//! Which split a conversation goes to: told by its name, so that it is the same in every run.

use crawl_core::record::Conversation;
use sha2::{Digest, Sha256};

/// A part of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// To learn from.
    Train,
    /// To watch while learning.
    Validation,
    /// To measure with, at the end.
    Test,
}

/// How many of a hundred go to validation and to test.
#[derive(Clone, Copy, Debug, Default)]
pub struct Splits {
    /// Per cent for validation.
    pub validation: u8,
    /// Per cent for test.
    pub test: u8,
}

impl Split {
    /// The name of its file, without the suffix.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

impl Splits {
    /// Where a conversation goes; all copies of it (of one cluster) to the same place.
    pub fn of(self, conversation: &Conversation) -> Split {
        let cluster =
            conversation.dedup.as_ref().and_then(|dedup| dedup.get("cluster")).map(ToString::to_string);
        let own = || {
            let site = conversation.source.site.as_deref().unwrap_or_default();
            format!("{site} {}", conversation.topic.id.unwrap_or_default())
        };
        let hash = Sha256::digest(cluster.unwrap_or_else(own));
        let place = u16::from_be_bytes([hash[0], hash[1]]) % 100;
        let (test, validation) = (u16::from(self.test), u16::from(self.validation));
        match place {
            place if place < test => Split::Test,
            place if place < test + validation => Split::Validation,
            _ => Split::Train,
        }
    }
}
