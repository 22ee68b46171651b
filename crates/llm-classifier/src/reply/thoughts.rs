//! Thoughts: what a reasoning model says to itself before its answer. They are cut off, and what was cut is named.

use crate::reply::{Reply, extract};

/// The tags between which models think. Without a second tag the first is closed by `</...>`.
const TAGS: [(&str, &str); 9] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
];
/// Where the answer of a model begins that speaks in channels.
const FINAL: &str = "<|channel|>final<|message|>";

/// So many blocks of thoughts are cut; a model that stammers more says nothing.
const BLOCKS: usize = 16;

/// An answer without its thoughts.
#[derive(Debug, PartialEq)]
pub(crate) struct Spoken<'a> {
    /// What is left.
    pub(crate) text: &'a str,
    /// What was cut, in words.
    pub(crate) cut: Option<String>,
}

impl<'a> Spoken<'a> {
    /// What a reply says: its content, or where that is empty the answer that stands among its thoughts.
    pub(crate) fn of(reply: &'a Reply) -> Self {
        let full = |text: &&str| !text.trim().is_empty();
        if let Some(content) = reply.content.as_deref().filter(full) {
            return without(content);
        }
        let Some(thoughts) = reply.reasoning.as_deref().filter(full) else {
            let counted = reply.reasoning_tokens > 0;
            let cut = counted.then(|| format!("{} tokens of thoughts", reply.reasoning_tokens));
            return Spoken { text: "", cut };
        };
        let spoken = without(thoughts);
        let place = "what stood in `reasoning_content`, for the content was empty";
        let cut = spoken.cut.map_or(place.to_owned(), |cut| format!("{place}; {cut}"));
        Spoken { text: spoken.text, cut: Some(cut) }
    }

    /// Whether it is one JSON object and nothing else.
    pub(crate) fn is_object(&self) -> bool {
        is_object(self.text)
    }
}

/// Cuts off the thoughts before an answer. A text that is JSON has none: there such tags stand in a string.
pub(crate) fn without(text: &str) -> Spoken<'_> {
    let mut rest = text.trim();
    let mut cut: Vec<String> = Vec::new();
    for _ in 0..BLOCKS {
        if is_object(rest) {
            break;
        }
        if let Some((before, after)) = rest.split_once(FINAL) {
            cut.push(named("channels", before));
            rest = after.split("<|").next().unwrap_or_default().trim();
            break;
        }
        let begun = TAGS.iter().find(|(open, _)| starts(rest, open));
        let Some((open, close)) = begun.or_else(|| {
            // The first tag stood in the prompt.
            let closed = TAGS.iter().filter_map(|tags| Some((find(rest, tags.1)?, tags)));
            let first = closed.min_by_key(|(at, _)| *at);
            // In the text of an answer it is text.
            first.filter(|(at, _)| !extract::is_inside(rest, *at)).map(|(_, tags)| tags)
        }) else {
            break;
        };
        let Some(end) = find(rest, close) else {
            // Thoughts without an end; if they are one object and nothing else, only the tag is too much.
            let inside = rest[open.len()..].trim();
            let endless = !is_object(inside);
            cut.push(if endless { named(open, inside) } else { format!("a {open} without an end") });
            rest = if endless { "" } else { inside };
            break;
        };
        cut.push(named(open, rest[..end].strip_prefix(open).unwrap_or(&rest[..end])));
        rest = rest[end + close.len()..].trim();
    }
    Spoken { text: rest, cut: (!cut.is_empty()).then(|| cut.join(", ")) }
}

fn named(tag: &str, thoughts: &str) -> String {
    format!("{} characters of thoughts ({tag})", thoughts.trim().chars().count())
}

/// Whether a text is one JSON object and nothing else.
fn is_object(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn starts(text: &str, tag: &str) -> bool {
    text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag))
}

fn find(text: &str, tag: &str) -> Option<usize> {
    let first = *tag.as_bytes().first()?;
    memchr::memchr_iter(first, text.as_bytes()).find(|at| starts(&text[*at..], tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> (String, bool) {
        let spoken = without(text);
        (spoken.text.to_owned(), spoken.cut.is_some())
    }

    #[test]
    fn thoughts_before_an_answer_are_cut_and_named() {
        let answer = r#"{"id":1}"#;
        for thoughts in [
            "<think>a {\"draft\":1}</think>",
            "a draft {\"x\":1} </think>\n",
            "<think></think>",
            "<THINK>x</THINK>",
            "[THINK]x[/THINK]",
            "<think>a</think><think>b</think>",
            "<think>\n",
            "<|channel|>analysis<|message|>{\"draft\":1}<|end|><|start|>assistant<|channel|>final<|message|>",
        ] {
            assert_eq!(left(&format!("{thoughts}{answer}")), (answer.to_owned(), true), "{thoughts}");
        }
        assert!(without("<think>12345</think>{}").cut.unwrap().contains("5 characters"));
    }

    #[test]
    fn a_tag_inside_an_answer_is_text_and_endless_thoughts_are_no_answer() {
        let answer = r#"{"id":1,"reasoning":"the card says </think> {\"id\":2}"}"#;
        assert_eq!(left(answer), (answer.to_owned(), false));
        let fenced = format!("```json\n{answer}\n```");
        assert_eq!(left(&fenced), (fenced.clone(), false));
        assert_eq!(without("<think>maybe {\"id\":1} or {\"id\":2}").text, "");
        assert_eq!(without("<think>{\"id\":1} it could be").text, "");
        let _ = without(&"<think>".repeat(50_000));
        let _ = without(&"</think>".repeat(50_000));
    }
}
