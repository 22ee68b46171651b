//! Turns of a talk, and names that tell nobody.

use std::collections::HashMap;

use crawl_core::record::Conversation;
use crawl_core::record::conversation::Post;
use regex::{Captures, Regex};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who asks.
    User,
    /// Who answers.
    Assistant,
}

/// What one side says before the other side speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// The text, Markdown.
    pub text: String,
    /// The numbers of the posts that it is made of.
    pub posts: Vec<u64>,
    /// Files of pictures, relative to the root, in the order of the text: address and file.
    pub pictures: Vec<(String, String)>,
}

impl Turn {
    /// What a post says.
    pub(super) fn of(post: &Post, role: Role) -> Self {
        let pictures = post.images.iter().filter_map(|image| Some((image.url.clone()?, image.file.clone()?)));
        Turn {
            role,
            text: post.markdown.clone().unwrap_or_default().trim().to_owned(),
            posts: post.number.into_iter().collect(),
            pictures: pictures.collect(),
        }
    }

    /// With the title of the topic before it.
    pub(super) fn titled(mut self, conversation: &Conversation) -> Self {
        if let Some(title) = conversation.topic.title.as_deref().filter(|title| !title.trim().is_empty()) {
            self.text = format!("{}\n\n{}", title.trim(), self.text);
        }
        self
    }
}

/// Turns that follow one another with the same role become one, with a blank line between.
pub(super) fn merged(turns: impl IntoIterator<Item = Turn>) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::new();
    for turn in turns {
        match merged.last_mut() {
            Some(last) if last.role == turn.role => {
                last.text.push_str("\n\n");
                last.text.push_str(&turn.text);
                last.posts.extend(turn.posts);
                last.pictures.extend(turn.pictures);
            }
            _ => merged.push(turn),
        }
    }
    merged
}

/// The conversation with `user1`, `user2`, ... in place of names: of authors, in quotes, and where `@` addresses them.
pub(super) fn with_pseudonyms(mut conversation: Conversation) -> Conversation {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut known = |name: &str| -> String {
        let number = names.len() + 1;
        names.entry(name.to_lowercase()).or_insert_with(|| format!("user{number}")).clone()
    };
    for post in &mut conversation.posts {
        let plain = post.username.as_deref().map(&mut known);
        post.name.clone_from(&plain);
        post.username = plain;
        post.user_id = None;
    }
    for post in &mut conversation.posts {
        for quote in &mut post.quotes {
            quote.username = quote.username.as_deref().map(&mut known);
        }
        for text in [Some(&mut post.markdown), Some(&mut post.text)].into_iter().flatten() {
            *text = text.take().map(|text| addressed(&text, &mut known));
        }
    }
    conversation
}

/// `@name` outside of addresses of mail, as `@userN`.
fn addressed(text: &str, known: &mut impl FnMut(&str) -> String) -> String {
    #[allow(clippy::expect_used, reason = "the pattern is constant")]
    let pattern = Regex::new(r"(^|[^\w@/.])@(\w[\w.-]*\w|\w)").expect("the pattern is constant");
    pattern
        .replace_all(text, |found: &Captures<'_>| format!("{}@{}", &found[1], known(&found[2])))
        .into_owned()
}
