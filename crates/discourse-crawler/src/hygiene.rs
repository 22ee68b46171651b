//! Conversations made fit to train on: personal data changed or counted, copies told apart.

use std::collections::BTreeMap;

use crawl_core::record::Conversation;
use serde_json::json;
use text_hygiene::{Kind, Mode, apply};

/// Changes the texts of all posts as `mode` says, and tells in `pii` what was found. Gives the counts.
pub fn clean(conversation: &mut Conversation, mode: &Mode) -> BTreeMap<Kind, u64> {
    let mut all = BTreeMap::new();
    for post in &mut conversation.posts {
        let Some(text) = &post.markdown else { continue };
        let cleaned = apply(text, mode);
        for (kind, count) in &cleaned.counts {
            *all.entry(*kind).or_default() += count;
        }
        post.markdown = Some(cleaned.text);
        // Code and quotes are copies of pieces of the text: they would tell what it does not tell any more.
        if !cleaned.findings.is_empty() && !matches!(mode, Mode::Report) {
            for code in &mut post.code {
                code.text = code.text.as_deref().map(|text| apply(text, mode).text);
            }
            for quote in &mut post.quotes {
                quote.text = quote.text.as_deref().map(|text| apply(text, mode).text);
            }
        }
    }
    let counts: BTreeMap<&str, u64> = all.iter().map(|(kind, count)| (kind.name(), *count)).collect();
    conversation.pii = Some(json!(counts));
    all
}

/// The text by which copies of a conversation are known.
pub fn text(conversation: &Conversation) -> String {
    let posts = conversation.posts.iter().filter(|post| post.dropped_reason.is_none());
    posts.filter_map(|post| post.markdown.as_deref()).collect::<Vec<_>>().join("\n\n")
}
