//! The 652 examples of CommonMark, from HTML to Markdown and back.

use html_markdown::{Mode, Options, markdown, text};
use serde_json::Value;

use crate::samples;

fn examples() -> Option<Vec<Value>> {
    let folder = samples::folder("web/markdown")?;
    let examples = samples::json(&folder.join("commonmark_spec_0.31.2.json")).as_array().unwrap().clone();
    assert_eq!(examples.len(), 652);
    Some(examples)
}

fn html_of(markdown: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    html
}

/// Letters and digits, nothing else: what a loss of text shows in, and markup does not.
fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric())
}

/// Where the first letter stands that `whole` does not have in this order.
fn first_lost(part: &str, whole: &str) -> Option<usize> {
    let mut whole = letters(whole);
    letters(part).position(|letter| !whole.any(|other| other == letter))
}

/// The text of HTML by the plainest means: tags out, entities of the examples decoded.
fn plain(html: &str) -> String {
    let (mut text, mut rest) = (String::new(), html);
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let markup = &rest[at..];
        let (open, close) = [
            ("<!--", "-->"),
            ("<![CDATA[", "]]>"),
            ("<script", "</script>"),
            ("<style", "</style>"),
            ("<?", "?>"),
        ]
        .into_iter()
        .find(|(open, _)| markup.starts_with(open))
        .unwrap_or(("<", ">"));
        let end = match open {
            "<" => end_of_tag(markup),
            _ => markup[open.len()..].find(close).map_or(markup.len(), |at| open.len() + at + close.len()),
        };
        rest = &markup[end..];
    }
    text.push_str(rest);
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Behind the `>` that no quotes hold.
fn end_of_tag(markup: &str) -> usize {
    let mut quote = None;
    for (at, c) in markup.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') if markup[..at].trim_end().ends_with('=') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    markup.len()
}

fn same_html(html: &str) -> String {
    let mut html = html.replace("\n", " ").replace("<br>", "<br />").replace("&quot;", "\"");
    while html.contains("  ") {
        html = html.replace("  ", " ");
    }
    html.replace("> <", "><").trim().to_owned()
}

#[test]
fn no_text_of_the_commonmark_examples_is_lost() {
    let Some(examples) = examples() else { return };
    let mut lost = Vec::new();
    for example in &examples {
        let (number, html) = (&example["example"], example["html"].as_str().unwrap());
        for mode in [Mode::Training, Mode::Faithful, Mode::Composer, Mode::Text] {
            let given = markdown(html, &Options::default().mode(mode));
            if let Some(at) = first_lost(&plain(html), &given) {
                lost.push(format!("{number} {mode:?}: letter {at} of {html:?} in {given:?}"));
            }
        }
    }
    assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn faithful_markdown_renders_to_the_page_that_it_came_from() {
    let Some(examples) = examples() else { return };
    let mut wrong = Vec::new();
    for example in &examples {
        let html = example["html"].as_str().unwrap();
        let given = markdown(html, &Options::default().mode(Mode::Faithful));
        if same_html(&html_of(&given)) != same_html(html) {
            wrong.push(format!(
                "{} {}\n  {:?}\n  {given:?}\n  {:?}",
                example["example"],
                example["section"],
                html,
                html_of(&given)
            ));
        }
    }
    eprintln!("{}", wrong.join("\n"));
    let kept = examples.len() - wrong.len();
    eprintln!("{kept} of {} examples come back", examples.len());
    assert!(kept >= 570, "{kept} of {}", examples.len());
}

#[test]
fn plain_text_of_the_examples_is_their_text_and_nothing_more() {
    let Some(examples) = examples() else { return };
    for example in examples.iter().filter(|example| {
        ["Emphasis and strong emphasis", "Links"].iter().any(|section| example["section"] == **section)
    }) {
        let html = example["html"].as_str().unwrap();
        if html.contains("<img") {
            continue;
        }
        let (expected, given) = (plain(html), text(html));
        assert_eq!(letters(&expected).collect::<String>(), letters(&given).collect::<String>(), "{html}");
    }
}
