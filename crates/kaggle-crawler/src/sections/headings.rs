//! Headings of a Markdown text, outside of code: ATX, Setext, `<h1>` to `<h6>`, and bold paragraphs.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Where a heading stands, and what it says.
pub(super) struct Heading {
    /// The beginning of its first line.
    pub(super) start: usize,
    /// The end of its last line, the line break included.
    pub(super) end: usize,
    pub(super) level: u8,
    pub(super) title: String,
}

/// All headings that are not within a list, a quote or code. A bold paragraph counts if `page` knows its title.
pub(super) fn find(text: &str, page: impl Fn(&str) -> bool) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<Open> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match &event {
            Event::Start(tag) => {
                if depth == 0 {
                    open = Open::of(tag, range.clone());
                } else if let Some(open) = &mut open {
                    open.within(tag);
                }
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                if matches!(tag, TagEnd::Strong)
                    && let Some(open) = &mut open
                {
                    open.strong = false;
                }
                if depth == 0
                    && let Some(heading) = open.take().and_then(|open| open.close(text, &page))
                {
                    found.push(heading);
                }
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(open) = &mut open {
                    open.say(words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(open) = &mut open {
                    open.say(" ");
                }
            }
            _ => {}
        }
    }
    found
}

/// What may become a heading.
struct Open {
    range: Range<usize>,
    /// None for a paragraph, which must be bold as a whole; 0 for HTML, which must begin with a heading.
    level: Option<u8>,
    title: String,
    strong: bool,
    plain: bool,
}

impl Open {
    fn of(tag: &Tag<'_>, range: Range<usize>) -> Option<Self> {
        let level = match tag {
            Tag::Heading { level, .. } => Some(*level as u8),
            Tag::Paragraph => None,
            Tag::HtmlBlock => Some(0),
            _ => return None,
        };
        Some(Open { range, level, title: String::new(), strong: false, plain: false })
    }

    fn within(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Strong => self.strong = true,
            Tag::Emphasis => {}
            _ => self.plain |= self.level.is_none(),
        }
    }

    fn say(&mut self, words: &str) {
        self.plain |= !self.strong && !words.trim_matches([' ', ':']).is_empty();
        // No title is longer: what is a paragraph is not gathered.
        if self.title.len() < 1000 {
            self.title.push_str(words);
        }
    }

    fn close(self, text: &str, page: impl Fn(&str) -> bool) -> Option<Heading> {
        let start = line_start(text, self.range.start);
        let (level, title, end) = match self.level {
            Some(0) => {
                let html = text.get(self.range.clone())?;
                let (level, title, length) = html_heading(html)?;
                (level, plain(&title), self.range.start + length)
            }
            Some(level) => (level, plain(&self.title), self.range.end),
            None => {
                let title = plain(&self.title);
                if self.plain || !page(&title) {
                    return None;
                }
                (7, title, self.range.end)
            }
        };
        Some(Heading { start, end: line_end(text, end), level, title })
    }
}

/// The level, the title and the length of an `<h1>` to `<h6>` at the beginning of `html`.
fn html_heading(html: &str) -> Option<(u8, String, usize)> {
    let bytes = html.trim_start().as_bytes();
    let [b'<', b'h' | b'H', level @ b'1'..=b'6', b'>' | b' ', ..] = bytes else { return None };
    let lower = html.to_ascii_lowercase();
    let closing = format!("</h{}>", char::from(*level));
    // One that is never closed ends with its line.
    let length = match lower.find(&closing) {
        Some(at) => at + closing.len(),
        None => line_end(html, html.len() - bytes.len()),
    };
    let title = html_markdown::text(&html[..length]);
    Some((level - b'0', title, length))
}

/// A title to compare: small letters, no marks, single spaces.
fn plain(title: &str) -> String {
    let bare: String = title.chars().filter(|character| !"*_#:\u{feff}".contains(*character)).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |found| found + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\n') {
        return at;
    }
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}
