//! The seed's form: a line `<# SPEAKER #>:` before each post, quotes, pictures and links in words.

use std::collections::HashMap;

use crawl_core::record::Conversation;
use crawl_core::record::conversation::Post;
use pulldown_cmark::{Event, Options as Marks, Parser, Tag, TagEnd};
use serde_json::{Value, json};

/// How a speaker is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaker {
    /// The name in addresses.
    #[default]
    Username,
    /// The name for people, else the other.
    Name,
    /// Both, a space between.
    Both,
    /// Both, nothing between, as the old crawler had it.
    Glued,
}

/// `{title, url, conversations}`.
pub(super) fn sample(conversation: &Conversation, speaker: Speaker) -> Value {
    let mut text = String::new();
    for post in &conversation.posts {
        text.push_str(&format!("\n<# {} #>:\n", name(post, speaker)));
        text.push_str(&escaped(&body(post)));
    }
    json!({"title": conversation.topic.title, "url": conversation.topic.url, "conversations": text})
}

fn name(post: &Post, speaker: Speaker) -> String {
    let username = post.username.as_deref().unwrap_or("unknown");
    let name = post.name.as_deref().filter(|name| !name.trim().is_empty());
    let text = match (speaker, name) {
        (Speaker::Username, _) | (_, None) => username.to_owned(),
        (Speaker::Name, Some(name)) => name.to_owned(),
        (Speaker::Both, Some(name)) => format!("{username} {name}"),
        (Speaker::Glued, Some(name)) => format!("{username}{name}"),
    };
    // A name with a mark in it would end its own line.
    text.replace(['\n', '\r'], " ").replace("#>", "#")
}

/// Lines that look like a marker get a backslash.
fn escaped(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let bare = line.trim_start_matches('\\');
            if bare.starts_with("<# ") { format!("\\{line}") } else { line.to_owned() }
        })
        .collect();
    lines.join("\n")
}

/// A text in the seed's form read back: speakers and bodies.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let mut posts: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        let marker = line.strip_prefix("<# ").and_then(|rest| rest.strip_suffix(" #>:"));
        match (marker, posts.last_mut()) {
            (Some(name), _) => posts.push((name.to_owned(), Vec::new())),
            (None, Some((_, body))) => {
                let bare = line.trim_start_matches('\\');
                let plain =
                    if bare.starts_with("<# ") { line.strip_prefix('\\').unwrap_or(line) } else { line };
                body.push(plain.to_owned());
            }
            // What stands before the first marker is the line break of its own.
            (None, None) => {}
        }
    }
    posts.into_iter().map(|(name, body)| (name, body.join("\n"))).collect()
}

/// The text of a post in the seed's form. Code is bare, `[img FILE]` a picture, `TEXT [link URL]` a link.
pub fn body(post: &Post) -> String {
    let markdown = post.markdown.as_deref().unwrap_or_default();
    let files: HashMap<&str, &str> = post
        .images
        .iter()
        .filter_map(|image| Some((image.url.as_deref()?, image.file.as_deref()?)))
        .collect();
    let mut writer = Writer { text: String::new(), files, ..Writer::default() };
    for event in Parser::new_ext(markdown, Marks::ENABLE_TABLES | Marks::ENABLE_STRIKETHROUGH) {
        writer.event(event);
    }
    writer.text.trim().to_owned()
}

#[derive(Default)]
struct Writer<'a> {
    text: String,
    files: HashMap<&'a str, &'a str>,
    links: Vec<(String, usize)>,
    lists: Vec<Option<u64>>,
    pictures: usize,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            // A picture is named by its file, not by its alternative text.
            Event::Text(text) | Event::Code(text) if self.pictures == 0 => self.text.push_str(&text),
            Event::Html(text) | Event::InlineHtml(text) if self.pictures == 0 => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak if self.pictures == 0 => self.text.push('\n'),
            Event::Rule => {
                self.fresh();
                self.text.push_str("---\n");
            }
            _ => {}
        }
    }

    /// The next word begins a line.
    fn fresh(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::BlockQuote(_) => {
                self.fresh();
                self.text.push_str("Quote:\"\n");
            }
            Tag::Image { dest_url, .. } => {
                self.pictures += 1;
                let file = self.files.get(dest_url.as_ref()).copied().unwrap_or(dest_url.as_ref());
                let file = file.rsplit('/').next().unwrap_or(file);
                self.text.push_str(&format!("[img {file}]"));
            }
            Tag::Link { dest_url, .. } => self.links.push((dest_url.into_string(), self.text.len())),
            Tag::List(first) => {
                self.fresh();
                self.lists.push(first);
            }
            Tag::Item => {
                self.fresh();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.text.push_str(&mark);
            }
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::TableRow | Tag::TableHead
                if !self.text.ends_with("- ") && !self.text.ends_with(". ") =>
            {
                self.fresh();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) => {
                self.fresh();
                self.text.push_str("\"\n");
            }
            TagEnd::Image => self.pictures -= 1,
            TagEnd::Link => {
                if let Some((address, from)) = self.links.pop() {
                    let bare = self.text.get(from..).is_some_and(|text| text.is_empty());
                    self.text.push_str(if bare { "[link " } else { " [link " });
                    self.text.push_str(&address);
                    self.text.push(']');
                }
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.fresh();
            }
            TagEnd::TableCell => self.text.push('\t'),
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::Item
            | TagEnd::TableRow
            | TagEnd::TableHead => self.fresh(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(name: &str, markdown: &str) -> Post {
        Post { username: Some(name.into()), markdown: Some(markdown.into()), ..Post::default() }
    }

    #[test]
    fn the_example_of_the_form_comes_out_to_the_byte() {
        let posts = vec![
            post("rifai", "What’s the correct way to limit animation to specified bones?"),
            Post {
                name: Some("Yao Wei Tjong".into()),
                ..post(
                    "weitjong",
                    "> limit animation to specified bones\n\nYou can disable animation for individual bone ...",
                )
            },
        ];
        let conversation = Conversation { posts, ..Conversation::default() };
        let text = sample(&conversation, Speaker::Both)["conversations"].as_str().unwrap().to_owned();
        assert_eq!(
            text,
            "\n<# rifai #>:\nWhat’s the correct way to limit animation to specified bones?\
             \n<# weitjong Yao Wei Tjong #>:\nQuote:\"\nlimit animation to specified bones\n\"\n\
             You can disable animation for individual bone ..."
        );
    }

    #[test]
    fn links_pictures_lists_and_code_are_in_words() {
        let mut with = post(
            "a",
            "see [the docs](https://x.org/a) or ![plot](https://x.org/p.png)\n\n1. one\n2. two\n\n```rust\nlet x = \"<# y\";\n```",
        );
        with.images = vec![crawl_core::record::conversation::Image {
            url: Some("https://x.org/p.png".into()),
            file: Some("images/abc.png".into()),
            ..Default::default()
        }];
        assert_eq!(
            body(&with),
            "see the docs [link https://x.org/a] or [img abc.png]\n1. one\n2. two\nlet x = \"<# y\";"
        );
    }

    #[test]
    fn what_looks_like_a_marker_is_read_back_as_text() {
        let bodies = ["```\n<# evil #>:\nx\n```", "```\n\\<# evil #>:\n```", "plain"];
        let posts = bodies.iter().map(|text| post("ann #>: x", text)).collect();
        let conversation = Conversation { posts, ..Conversation::default() };
        let text = sample(&conversation, Speaker::Username)["conversations"].as_str().unwrap().to_owned();
        let read = parse(&text);
        assert_eq!(read.len(), 3, "{text}");
        assert_eq!(read[0].1, "<# evil #>:\nx");
        assert_eq!(read[1].1, "\\<# evil #>:");
    }
}
