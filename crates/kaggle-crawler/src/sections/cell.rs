//! One cell of Meta Kaggle as Markdown: headings in Markdown stay, the HTML below them is converted.

use std::borrow::Cow;

use html_markdown::Options;
use url::Url;

use super::is_html;

/// What links in a cell are relative to.
const KAGGLE: &str = "https://www.kaggle.com/";

/// The cell as Markdown. What is Markdown already comes back as it is, byte for byte; pieces between headings that are
/// HTML are converted, and links of theirs resolved against Kaggle's own pages. Markdown with HTML in it stays.
pub fn to_markdown(cell: &str) -> Cow<'_, str> {
    // Where something is never closed, it must not swallow the headings behind it.
    let pieces = pieces(cell, true).unwrap_or_else(|| pieces(cell, false).unwrap_or_default());
    if !pieces.iter().any(|piece| is_html(piece.body) && !is_mixed(piece.body)) {
        return Cow::Borrowed(cell);
    }
    let options = Options { base: Url::parse(KAGGLE).ok(), ..Options::default() };
    let mut markdown = String::with_capacity(cell.len());
    for Piece { heading, body } in pieces {
        if is_html(body) && !is_mixed(body) {
            if !heading.is_empty() {
                markdown.push_str(heading.trim_end());
                markdown.push_str("\n\n");
            }
            for (code, text) in segments(body) {
                let converted = match code {
                    true => Cow::Borrowed(text.trim_end()),
                    false => Cow::Owned(html_markdown::markdown(text, &options)),
                };
                if !converted.is_empty() {
                    markdown.push_str(&converted);
                    markdown.push_str("\n\n");
                }
            }
        } else {
            markdown.push_str(heading);
            markdown.push_str(body);
        }
    }
    markdown.truncate(markdown.trim_end().len());
    markdown.push('\n');
    Cow::Owned(markdown)
}

/// Whether a text that begins with a tag is Markdown all the same: as HTML its lists and paragraphs would run together.
fn is_mixed(body: &str) -> bool {
    let mut open = None;
    let (mut marks, mut bare, mut tagged, mut words) = (0, 0, false, false);
    for line in body.lines().chain([""]) {
        if open.is_some() {
            (open, tagged, words) = (still_open(line, open), true, true);
            continue;
        }
        let trimmed = line.trim();
        if trimmed.is_empty() {
            // Two paragraphs in a row without any tag.
            bare = if words && !tagged { bare + 1 } else { bare * usize::from(!words) };
            if bare >= 2 {
                return true;
            }
            (tagged, words) = (false, false);
            continue;
        }
        // Nothing that HTML closes: a tag or two within Markdown.
        if Fence::default().reads(trimmed) && !body.contains("</") {
            return true;
        }
        marks += usize::from(is_marked(trimmed));
        (tagged, words) = (tagged || trimmed.contains('<'), true);
        open = still_open(line, None);
    }
    marks >= 2
}

/// A text in HTML cut at its fences in Markdown: whether a segment is one, with its text. Joined they are the text.
fn segments(body: &str) -> Vec<(bool, &str)> {
    let mut segments = Vec::new();
    let (mut from, mut at, mut fence, mut within) = (0, 0, Fence::default(), None);
    for line in body.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if within.is_some() {
            within = still_open(line, within);
            continue;
        }
        let was_open = fence.is_open();
        if fence.reads(line) && was_open != fence.is_open() {
            let cut = if was_open { at } else { start };
            segments.push((was_open, &body[from..cut]));
            from = cut;
        } else if !was_open {
            within = still_open(line, None);
        }
    }
    segments.push((fence.is_open(), &body[from..]));
    segments
}

/// A fence of code in Markdown, open or not.
#[derive(Default)]
struct Fence(Option<(char, usize)>);

impl Fence {
    fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a line has the marks of a fence; it may open or close one.
    fn reads(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start();
        let Some(mark) = trimmed.chars().next().filter(|first| matches!(first, '`' | '~')) else {
            return false;
        };
        let ticks = trimmed.chars().take_while(|character| *character == mark).count();
        if ticks < 3 {
            return false;
        }
        self.0 = match self.0 {
            None => Some((mark, ticks)),
            Some((open, least)) if open == mark && ticks >= least => None,
            fence => fence,
        };
        true
    }
}

/// Whether a line begins as a list, a quote, a picture or bold words do in Markdown.
fn is_marked(line: &str) -> bool {
    let number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let numbered = number.len() < line.len() && number.starts_with(". ");
    numbered || ["* ", "- ", "+ ", "> ", "![", "**"].iter().any(|mark| line.starts_with(mark))
}

/// A heading line in Markdown, and what is between it and the next one.
struct Piece<'a> {
    heading: &'a str,
    body: &'a str,
}

/// Cuts a cell at its ATX headings. Within `<pre>`, a comment or a fence, a `#` is none. `None` if
/// one of the first two is never closed; without `blocks` they do not count.
fn pieces(cell: &str, blocks: bool) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let (mut heading, mut body) = (0..0, 0);
    let (mut at, mut fence, mut within) = (0, Fence::default(), None);
    for line in cell.split_inclusive('\n') {
        let (start, trimmed) = (at, line.trim_start());
        at += line.len();
        if let Some(end) = within {
            // A closing mark, and nothing opened behind it.
            within = still_open(line, Some(end));
            continue;
        }
        if fence.reads(line) || fence.is_open() {
            continue;
        }
        let hashes = trimmed.bytes().take_while(|byte| *byte == b'#').count();
        let indent = line.len() - trimmed.len();
        let is_heading = (1..=6).contains(&hashes)
            && indent <= 3
            && trimmed[hashes..].chars().next().is_some_and(|next| matches!(next, ' ' | '\t'));
        if is_heading {
            pieces.push(Piece { heading: &cell[heading], body: &cell[body..start] });
            (heading, body) = (start..at, at);
        } else if blocks {
            within = still_open(line, None);
        }
    }
    if within.is_some() {
        return None;
    }
    pieces.push(Piece { heading: &cell[heading], body: &cell[body..] });
    Some(pieces)
}

/// What must close before a line can be a heading: `<pre>` or a comment that the line leaves open.
fn still_open(line: &str, open: Option<&'static str>) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut open = open;
    loop {
        match open {
            Some(end) => {
                let Some(at) = rest.find(end) else { return Some(end) };
                rest = &rest[at + end.len()..];
                open = None;
            }
            None => {
                let pre = rest.find("<pre").map(|at| (at, "</pre"));
                let comment = rest.find("<!--").map(|at| (at, "-->"));
                let (at, end) = [pre, comment].into_iter().flatten().min_by_key(|(at, _)| *at)?;
                rest = &rest[at + 4..];
                open = Some(end);
            }
        }
    }
}
