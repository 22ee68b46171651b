//! Training samples of conversations: whose post is which turn, in which form, into which split.
//!
//! Reads [`Conversation`]s, whatever site they are of. Nothing is left out silently: each conversation becomes samples or
//! is counted under a reason.

mod chat;
mod out;
mod read;
mod roles;
mod run;
mod seed;
mod split;
mod turns;

use crawl_core::record::Conversation;
use crawl_core::record::conversation::Post;
use serde_json::Value;

pub use self::roles::Roles;
pub use self::run::{Copies, Plan, Report, run};
pub use self::seed::{Speaker, body, parse};
pub use self::split::{Split, Splits};
pub use self::turns::{Role, Turn};

/// The form of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `{title, url, conversations}`, the text with a line `<# SPEAKER #>:` before each post.
    Seed,
    /// `{messages: [{role, content}], meta}`.
    #[default]
    Messages,
    /// `{id, conversations: [{from, value}], source}`.
    ShareGpt,
    /// `{instruction, input, output, history}`.
    Alpaca,
    /// `{prompt, chosen, rejected}`.
    Dpo,
}

/// What becomes samples, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The form.
    pub format: Format,
    /// Who is the user and who the assistant.
    pub roles: Roles,
    /// How speakers are named in the seed's form.
    pub speaker: Speaker,
    /// Conversations of fewer posts are left out.
    pub min_posts: usize,
    /// Answers (a reply that is chosen, or the accepted one) of fewer likes are left out.
    pub min_likes: i64,
    /// Only conversations with an accepted answer.
    pub accepted: bool,
    /// Only conversations that were opened at this time or later, RFC 3339 or its beginning.
    pub since: Option<String>,
    /// Only conversations that were opened before this time.
    pub until: Option<String>,
    /// Names become `user1`, `user2`, ... in the order in which they appear in a topic.
    pub pseudonyms: bool,
    /// Pictures as parts of messages (`messages`, `sharegpt`) where their files are there.
    pub pictures: bool,
    /// Also what its site does not want to be used for training.
    pub refused: bool,
    /// Answers shorter than so many characters are left out.
    pub least: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            format: Format::Messages,
            roles: Roles::Asker,
            speaker: Speaker::Username,
            min_posts: 2,
            min_likes: 0,
            accepted: false,
            since: None,
            until: None,
            pseudonyms: false,
            pictures: false,
            refused: false,
            least: 20,
        }
    }
}

/// The samples of a conversation.
///
/// # Errors
/// The reason for which there are none: a few words, for counting.
pub fn samples(conversation: &Conversation, options: &Options) -> Result<Vec<Value>, &'static str> {
    let mut conversation = conversation.clone();
    conversation.posts.retain(|post| post.dropped_reason.is_none() && post.markdown.is_some());
    conversation.posts.iter_mut().for_each(read::with_text);
    let conversation = if options.pseudonyms { turns::with_pseudonyms(conversation) } else { conversation };
    fits(&conversation, options)?;
    if options.format == Format::Seed {
        return Ok(vec![seed::sample(&conversation, options.speaker)]);
    }
    if options.format == Format::Dpo {
        return chat::pairs(&conversation, options);
    }
    let talks = roles::talks(&conversation, options)?;
    let made: Vec<Value> = talks
        .iter()
        .enumerate()
        .map(|(number, turns)| match options.format {
            Format::ShareGpt => chat::sharegpt(&conversation, number, turns, options.pictures),
            Format::Alpaca => chat::alpaca(&conversation, turns),
            _ => chat::messages(&conversation, turns, options.pictures),
        })
        .collect();
    Ok(made)
}

fn fits(conversation: &Conversation, options: &Options) -> Result<(), &'static str> {
    let robots = conversation.source.robots.as_ref();
    if !options.refused && robots.is_some_and(|said| said["export"] == false) {
        return Err("its site says no to training");
    }
    if conversation.posts.len() < options.min_posts.max(1) {
        return Err("too few posts");
    }
    if options.accepted && !conversation.posts.iter().any(is_accepted) {
        return Err("no accepted answer");
    }
    let opened = conversation.topic.created_at.as_deref().unwrap_or_default();
    if options.since.as_deref().is_some_and(|since| opened < since) {
        return Err("opened before --from");
    }
    if options.until.as_deref().is_some_and(|until| opened >= until) {
        return Err("opened after --to");
    }
    Ok(())
}

fn is_accepted(post: &Post) -> bool {
    post.accepted == Some(true)
}
