//! Thoughts: what a reasoning model says to itself before its answer. They are cut off, and what was cut is named.

use crate::reply::{Reply, extract};

/// The brackets of marks, the longer ones first.
const BRACKETS: [(&str, &str); 4] = [("<|", "|>"), ("<", ">"), ("[", "]"), ("\u{25c1}", "\u{25b7}")];
/// What stands before the name of a mark, and whether such a mark closes.
const BEFORE: [(&str, bool); 5] =
    [("/", true), ("end_of_", true), ("end_", true), ("begin_of_", false), ("start_", false)];
/// What the name of a mark of thoughts holds. Those of the first row alone may be without an end.
const ENDLESS: [&str; 3] = ["think", "thought", "reason"];
const STEMS: [&str; 4] = ["analysis", "reflection", "scratchpad", "monologue"];
/// A longer mark is none.
const LONGEST: usize = 100;
/// Models that speak in parts: how such a text begins, what the part with the answer is called, and what ends its head.
const PARTS: [(&str, &str, &str); 5] = [
    ("", "<|channel|>final", "<|message|>"),
    ("<|channel>", "<channel|>", ""),
    // The same as the first where the marks were left out.
    ("analysis", "assistantfinal", ""),
    ("", "[BEGIN FINAL RESPONSE]", ""),
    ("Here is my thought process:", "Here is my response:", ""),
];

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

/// Cuts off the thoughts before an answer. A text that is JSON has none: there such marks stand in a string.
pub(crate) fn without(text: &str) -> Spoken<'_> {
    let mut rest = text.trim();
    let mut cut: Vec<String> = Vec::new();
    for _ in 0..BLOCKS {
        if is_object(rest) {
            break;
        }
        if let Some((before, after)) = answer_in(rest) {
            cut.push(named("channels", before));
            rest = after.trim();
            break;
        }
        let Some(first) = mark(rest).filter(|mark| !mark.closes && mark.is_of_thoughts()) else {
            // The first mark stood in the prompt.
            let closed = marks(rest).find(|(_, mark)| mark.closes && mark.is_of_thoughts());
            // In the text of an answer it is text.
            let Some((at, mark)) = closed.filter(|(at, _)| !extract::is_inside(rest, *at)) else { break };
            cut.push(named(mark.text, &rest[..at]));
            rest = rest[at + mark.text.len()..].trim();
            continue;
        };
        let inside = &rest[first.text.len()..];
        if let Some((at, end)) = marks(inside).find(|(_, mark)| mark.closes_what(&first)) {
            cut.push(named(first.text, &inside[..at]));
            rest = inside[at + end.text.len()..].trim();
            continue;
        }
        if !first.may_be_endless() {
            break;
        }
        // Thoughts without an end; if they are one object and nothing else, only the mark is too much.
        let inside = inside.trim();
        let endless = !is_object(inside);
        cut.push(if endless {
            named(first.text, inside)
        } else {
            format!("a {} without an end", first.text)
        });
        rest = if endless { "" } else { inside };
        break;
    }
    Spoken { text: rest, cut: (!cut.is_empty()).then(|| cut.join(", ")) }
}

/// What stands before the part with the answer, and that part.
fn answer_in(text: &str) -> Option<(&str, &str)> {
    let spoken = PARTS.iter().filter(|(begins, ..)| starts(text, begins));
    let mut found = spoken.filter_map(|(_, name, head)| Some((find(text, name)?, name, head)));
    let (at, name, head) = found.next()?;
    let after = &text[at + name.len()..];
    // A channel may tell more of itself: `final <|constrain|>json`.
    let end = after.find(head).filter(|end| *end <= LONGEST)?;
    if extract::is_inside(text, at) {
        return None;
    }
    let after = &after[end + head.len()..];
    // Marks behind the answer end it; those within are its text.
    let mut ends = after.match_indices("<|").map(|(at, _)| at).take(BLOCKS);
    let end = ends.find(|at| !extract::is_inside(after, *at)).unwrap_or(after.len());
    Some((&text[..at], &after[..end]))
}

/// A mark, such as `<think>` or `[/THINK]`.
struct Mark<'a> {
    text: &'a str,
    bracket: &'static str,
    name: &'a str,
    closes: bool,
}

impl Mark<'_> {
    fn is_of_thoughts(&self) -> bool {
        let holds = |text: &str, stems: &[&str]| {
            let text = text.to_ascii_lowercase();
            stems.iter().any(|stem| text.contains(stem))
        };
        // Some fold thoughts up, and only a word behind the name tells.
        let told = if self.name == "details" { self.text } else { self.name };
        holds(told, &ENDLESS) || holds(told, &STEMS)
    }

    /// In square brackets stand headings, too.
    fn may_be_endless(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        (self.bracket != "[" || self.name == "THINK") && ENDLESS.iter().any(|stem| name.contains(stem))
    }

    fn closes_what(&self, first: &Mark<'_>) -> bool {
        self.closes && self.bracket == first.bracket && self.name.eq_ignore_ascii_case(first.name)
    }
}

/// The mark with which a text begins.
fn mark(text: &str) -> Option<Mark<'_>> {
    let (open, close) = BRACKETS.iter().find(|(open, _)| text.starts_with(open))?;
    let near = &text[..text.floor_char_boundary(LONGEST)];
    let length = open.len() + near[open.len()..].find(close)?;
    let inside = &text[open.len()..length];
    let before = BEFORE.iter().find(|(before, _)| starts(inside, before));
    let name = &inside[before.map_or(0, |(before, _)| before.len())..];
    let name = name.split_whitespace().next()?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-:".contains(&byte));
    let closes = before.is_some_and(|(_, closes)| *closes);
    is_name.then(|| Mark { text: &text[..length + close.len()], bracket: open, name, closes })
}

/// All marks of a text and where they stand.
fn marks(text: &str) -> impl Iterator<Item = (usize, Mark<'_>)> {
    let begins = |letter: char| matches!(letter, '<' | '[' | '\u{25c1}');
    text.match_indices(begins).filter_map(|(at, _)| Some((at, mark(&text[at..])?)))
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
            "<think time=\"3\">a {\"x\":1}</think>",
            "<reflection>a {\"x\":1}</reflection>",
            "a {\"x\":1}</analysis>",
            "<inner_monologue>a {\"x\":1}</inner_monologue>",
            "\u{25c1}think\u{25b7}a {\"x\":1}\u{25c1}/think\u{25b7}",
            "<|START_THINKING|>a {\"x\":1}<|END_THINKING|>",
            "<|begin_of_thought|>a {\"x\":1}<|end_of_thought|>",
            "<details type=\"reasoning\" done=\"true\">\n<summary>Thought</summary>\na {\"x\":1}\n</details>",
            "<|channel|>analysis<|message|>{\"draft\":1}<|end|><|start|>assistant<|channel|>final<|message|>",
            "<|channel|>analysis<|message|>{\"draft\":1}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>",
            "<|channel|>analysis<|message|>{\"draft\":1}<|start|>assistant<|channel|>final json<|message|>",
            "analysisWe draft {\"x\":1}.assistantfinal",
            "<|channel>thought\na {\"x\":1}<channel|>",
            "Here are my steps: {\"x\":1}\n[BEGIN FINAL RESPONSE]\n",
            "Here is my thought process:\n{\"x\":1}\nHere is my response:\n",
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
        let channel = "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>";
        let marked = r#"{"id":1,"reasoning":"the card says <|im_end|> and </think>"}"#;
        assert_eq!(left(&format!("{channel}{marked}<|return|>")), (marked.to_owned(), true));
        for heading in ["[Analysis] of the card:", "<analysis> of the card:", "[reasoning](link) says"] {
            let text = format!("{heading} {{\"id\":1}}");
            assert_eq!(left(&text), (text.clone(), false));
        }
        assert_eq!(without("<think>maybe {\"id\":1} or {\"id\":2}").text, "");
        assert_eq!(without("<think>{\"id\":1} it could be").text, "");
        let _ = without(&"<think>".repeat(50_000));
        let _ = without(&"</think>".repeat(50_000));
        let _ = without(&"<|".repeat(50_000));
        let _ = without(&format!("analysis{}", "assistantfinal".repeat(20_000)));
    }
}
