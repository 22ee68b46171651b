//! Samples in today's forms of chat.

use crawl_core::record::Conversation;
use serde_json::{Value, json};

use super::read::picture;
use super::roles::{best, says_something};
use super::turns::{Role, Turn};
use super::{Options, is_accepted};

/// Where a sample is from: enough to find its posts again.
fn meta(conversation: &Conversation, posts: &[u64]) -> Value {
    json!({
        "site": conversation.source.site,
        "topic_id": conversation.topic.id,
        "url": conversation.topic.url,
        "posts": posts,
        "licence_note": conversation.source.licence_note,
        "cluster": conversation.dedup.as_ref().map(|dedup| &dedup["cluster"]),
    })
}

fn numbers(turns: &[Turn]) -> Vec<u64> {
    turns.iter().flat_map(|turn| turn.posts.iter().copied()).collect()
}

/// `{messages, meta}`; with `pictures` the content of a turn that has some is a list of parts.
pub(super) fn messages(conversation: &Conversation, turns: &[Turn], pictures: bool) -> Value {
    let content = |turn: &Turn| match pictures && !turn.pictures.is_empty() {
        false => Value::String(turn.text.clone()),
        true => parts(turn).into(),
    };
    let role = |role: Role| if role == Role::User { "user" } else { "assistant" };
    let messages: Vec<_> =
        turns.iter().map(|turn| json!({"role": role(turn.role), "content": content(turn)})).collect();
    json!({"messages": messages, "meta": meta(conversation, &numbers(turns))})
}

/// A turn cut at its pictures.
fn parts(turn: &Turn) -> Vec<Value> {
    let (mut parts, mut rest) = (Vec::new(), turn.text.as_str());
    let said = |text: &str| {
        let text = text.trim();
        (!text.is_empty()).then(|| json!({"type": "text", "text": text}))
    };
    for (address, file) in &turn.pictures {
        let Some((from, to)) = picture(rest, address) else { continue };
        parts.extend(said(&rest[..from]));
        parts.push(json!({"type": "image", "image": file}));
        rest = &rest[to..];
    }
    parts.extend(said(rest));
    parts
}

/// `{id, conversations, source}`; with `pictures`, `<image>` in the text and the files in `images`.
pub(super) fn sharegpt(conversation: &Conversation, number: usize, turns: &[Turn], pictures: bool) -> Value {
    let mut files = Vec::new();
    let mut value = |turn: &Turn| {
        let mut text = turn.text.clone();
        if pictures {
            for (address, file) in &turn.pictures {
                if let Some((from, to)) = picture(&text, address) {
                    text.replace_range(from..to, "<image>");
                    files.push(file.clone());
                }
            }
        }
        text
    };
    let from = |role: Role| if role == Role::User { "human" } else { "gpt" };
    let turned: Vec<_> =
        turns.iter().map(|turn| json!({"from": from(turn.role), "value": value(turn)})).collect();
    let site = conversation.source.site.as_deref().unwrap_or("site");
    let topic = conversation.topic.id.unwrap_or_default();
    let id = if number == 0 { format!("{site}-{topic}") } else { format!("{site}-{topic}-{number}") };
    let mut sample = json!({
        "id": id, "conversations": turned, "source": conversation.topic.url,
        "meta": meta(conversation, &numbers(turns)),
    });
    if pictures {
        sample["images"] = files.into();
    }
    sample
}

/// `{instruction, input, output, history}`: the last question and its answer, what was said before as history.
pub(super) fn alpaca(conversation: &Conversation, turns: &[Turn]) -> Value {
    let rounds: Vec<(&str, &str)> =
        turns.chunks_exact(2).map(|pair| (pair[0].text.as_str(), pair[1].text.as_str())).collect();
    let (last, before) = rounds.split_last().map_or((("", ""), &[][..]), |(last, before)| (*last, before));
    let history: Vec<_> = before.iter().map(|(question, answer)| json!([question, answer])).collect();
    json!({
        "instruction": last.0, "input": "", "output": last.1, "history": history,
        "meta": meta(conversation, &numbers(turns)),
    })
}

/// `{prompt, chosen, rejected}`: the best answer beside each other one that is liked less.
pub(super) fn pairs(conversation: &Conversation, options: &Options) -> Result<Vec<Value>, &'static str> {
    let first = conversation.posts.first().ok_or("too few posts")?;
    let chosen = best(conversation, options).ok_or("no answer that is good enough")?;
    let prompt = Turn::of(first, Role::User).titled(conversation).text;
    let text = |post: &crawl_core::record::conversation::Post| post.markdown.clone().unwrap_or_default();
    let worse = conversation.posts.iter().skip(1).filter(|post| {
        post.number != chosen.number
            && post.username != first.username
            && says_something(&text(post), options.least)
            && (is_accepted(chosen) || post.likes.unwrap_or(0) < chosen.likes.unwrap_or(0))
    });
    let pairs: Vec<_> = worse
        .map(|post| {
            let posts = [first.number, chosen.number, post.number].into_iter().flatten().collect::<Vec<_>>();
            json!({
                "prompt": prompt, "chosen": text(chosen), "rejected": text(post),
                "meta": meta(conversation, &posts),
            })
        })
        .collect();
    if pairs.is_empty() { Err("nothing that is liked less") } else { Ok(pairs) }
}
