//! What earlier runs had: so that the next one fetches what has changed, and can tell what is gone.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crawl_core::record::Conversation;
use crawl_core::{Error, Input, Kind, Result, SourceId};
use sha2::{Digest, Sha256};

/// Edits and deletions within a day of the newest bump may have been missed by the run before.
const MARGIN_SECONDS: i64 = 86_400;

/// The topics of one or several earlier roots, the newest state of each: some 100 bytes a topic and 8 a post.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    topics: HashMap<u64, State>,
    newest: Option<jiff::Timestamp>,
    newest_post: u64,
    runs: u64,
    names: Vec<String>,
}

/// What was known of a topic.
#[derive(Clone, Debug)]
struct State {
    bumped_at: Option<String>,
    posts_count: Option<u64>,
    posts: BTreeSet<u64>,
    digest: [u8; 16],
}

impl Earlier {
    /// Reads the conversations `id` of these roots, the oldest first.
    ///
    /// # Errors
    /// [`Kind::Config`] if a root has none; those of reading it.
    pub fn read<'a>(roots: impl IntoIterator<Item = &'a Path>, id: &SourceId) -> Result<Self> {
        let mut earlier = Earlier::default();
        for root in roots {
            let input = Input::open(root, id).map_err(|error| {
                Error::new(Kind::Config, "the earlier root holds no conversations of this forum")
                    .at(root.display().to_string())
                    .because(error)
                    .advise("check the folder that --since names")
            })?;
            for page in 1..=input.pages() {
                for record in input.page(page)? {
                    if let Ok(conversation) = record.raw().to::<Conversation>() {
                        earlier.add(&conversation);
                    }
                }
            }
            earlier.runs += 1;
            earlier.names.push(root.display().to_string());
        }
        Ok(earlier)
    }

    fn add(&mut self, conversation: &Conversation) {
        let Some(id) = conversation.topic.id else { return };
        if is_gone(conversation) {
            self.topics.remove(&id);
            return;
        }
        let bumped = conversation.topic.bumped_at.as_deref().and_then(|at| at.parse().ok());
        self.newest = self.newest.max(bumped);
        self.newest_post =
            conversation.posts.iter().filter_map(|post| post.id).fold(self.newest_post, u64::max);
        let state = State {
            bumped_at: conversation.topic.bumped_at.clone(),
            posts_count: conversation.topic.posts_count,
            posts: conversation.posts.iter().filter_map(|post| post.id).collect(),
            digest: digest(conversation),
        };
        self.topics.insert(id, state);
    }

    /// Whether a topic that was bumped then is older than all that may have changed since.
    pub(crate) fn is_over(&self, bumped_at: &str) -> bool {
        let (Some(newest), Ok(bumped)) = (self.newest, bumped_at.parse::<jiff::Timestamp>()) else {
            return false;
        };
        bumped.as_second() < newest.as_second() - MARGIN_SECONDS
    }

    /// The number of the newest post that is known: all above it are new.
    pub(crate) fn newest_post(&self) -> u64 {
        self.newest_post
    }

    /// Whether a listed topic is as it was.
    pub(crate) fn has(&self, id: u64, bumped_at: &str, posts_count: Option<u64>) -> bool {
        self.topics.get(&id).is_some_and(|state| {
            state.bumped_at.as_deref() == Some(bumped_at) && state.posts_count == posts_count
        })
    }

    /// Whether a topic was there.
    pub(crate) fn knows(&self, id: u64) -> bool {
        self.topics.contains_key(&id)
    }

    /// Whether a fetched topic is as it was, to the post.
    pub(crate) fn equals(&self, conversation: &Conversation) -> bool {
        let state = conversation.topic.id.and_then(|id| self.topics.get(&id));
        state.is_some_and(|state| state.digest == digest(conversation))
    }

    /// Posts of a topic that were there and are not any more.
    pub(crate) fn gone(&self, conversation: &Conversation) -> Vec<u64> {
        let Some(state) = conversation.topic.id.and_then(|id| self.topics.get(&id)) else {
            return Vec::new();
        };
        let here: BTreeSet<u64> = conversation.posts.iter().filter_map(|post| post.id).collect();
        state.posts.difference(&here).copied().collect()
    }

    /// The topics whose turn it is to be fetched whatever lists say: `percent` of them a run, all within 100 / percent
    /// runs.
    pub(crate) fn turn(&self, percent: u8) -> Vec<u64> {
        if percent == 0 {
            return Vec::new();
        }
        let rounds = 100u64.div_ceil(u64::from(percent));
        let mut ids: Vec<u64> =
            self.topics.keys().copied().filter(|id| mixed(*id) % rounds == self.runs % rounds).collect();
        ids.sort_unstable();
        ids
    }

    /// The roots, for the settings.
    pub(crate) fn names(&self) -> String {
        self.names.join(", ")
    }
}

/// Whether a record only says that its topic is gone.
pub fn is_gone(conversation: &Conversation) -> bool {
    conversation.more.get("deleted_upstream").and_then(serde_json::Value::as_bool) == Some(true)
}

/// Ids follow one another: mixed, they fall into rounds evenly.
fn mixed(id: u64) -> u64 {
    let hash = Sha256::digest(id.to_le_bytes());
    u64::from_le_bytes(std::array::from_fn(|at| hash[at]))
}

fn digest(conversation: &Conversation) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(format!("{:?} {:?}", conversation.topic.title, conversation.topic.accepted_post_number));
    for post in &conversation.posts {
        hash.update(format!("{:?} {:?} {:?} {:?}\n", post.id, post.number, post.version, post.updated_at));
        hash.update(post.markdown.as_deref().unwrap_or_default());
    }
    let hash = hash.finalize();
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_topic_has_its_turn_within_a_hundred_by_percent_runs() {
        let mut earlier = Earlier::default();
        for id in 1..=500 {
            let topic = crawl_core::record::conversation::Topic { id: Some(id), ..Default::default() };
            earlier.add(&Conversation { topic, ..Conversation::default() });
        }
        for percent in [1, 5, 7, 33, 100] {
            let rounds = 100u64.div_ceil(u64::from(percent));
            let mut seen = BTreeSet::new();
            for run in 0..rounds {
                earlier.runs = run + 3;
                let turn = earlier.turn(percent);
                assert!(turn.len() as u64 <= 3 * 500u64.div_ceil(rounds), "{percent}: {}", turn.len());
                seen.extend(turn);
            }
            assert_eq!(seen.len(), 500, "{percent}");
        }
        assert!(earlier.turn(0).is_empty());
    }
}
