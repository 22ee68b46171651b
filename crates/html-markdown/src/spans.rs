//! Spans of text within a block: emphasis, links, elements that stay HTML.
//!
//! An opening is written with the first word of its span, a closing behind the last; spans are closed before a block
//! and opened again in it, for Markdown has none that go over blocks.

use crate::escape;
use crate::options::Mode;
use crate::out::{Out, is_space};

/// A span of text within a block.
#[derive(Debug, PartialEq)]
pub(crate) enum Span {
    Strong,
    Em,
    Strike,
    /// An element that is kept as HTML.
    Html(&'static str),
    /// Where it leads, and its title.
    Link {
        url: String,
        title: Option<String>,
    },
    /// Nothing is written: the same span is open already, or the mode has no markup.
    Off,
}

pub(crate) struct Open {
    pub(crate) span: Span,
    /// Where its opening was written.
    pub(crate) at: Option<usize>,
}

impl Out {
    pub(crate) fn open(&mut self, span: Span) {
        let twice = match &span {
            Span::Link { .. } => self.spans.iter().any(|open| matches!(open.span, Span::Link { .. })),
            span => self.spans.iter().any(|open| open.span == *span),
        };
        let nested = self.mode == Mode::Faithful && twice;
        let span = match span {
            Span::Strong if nested => return self.open(Span::Html("strong")),
            Span::Em if nested => return self.open(Span::Html("em")),
            span => span,
        };
        let span = if twice || self.mode == Mode::Text || self.over_budget() { Span::Off } else { span };
        self.spans.push(Open { span, at: None });
    }

    /// Closes the span that was opened last. Whether anything was written in it.
    pub(crate) fn close(&mut self) -> bool {
        let Some(open) = self.spans.pop() else { return false };
        if self.opened <= self.spans.len() {
            if let (Span::Link { url, title }, Mode::Faithful) = (open.span, self.mode) {
                let at = self.atom("[").start;
                self.close_link(&url, title.as_deref(), at);
            }
            return false;
        }
        self.opened = self.spans.len();
        let Some(at) = open.at else { return false };
        self.write_closing(open.span, at);
        true
    }

    pub(crate) fn close_written_spans(&mut self) {
        while self.opened > 0 {
            self.opened -= 1;
            let span = &mut self.spans[self.opened];
            if let Some(at) = span.at.take() {
                // A link that runs on over blocks is one for its first block, the others are text.
                let again = match &span.span {
                    Span::Strong => Span::Strong,
                    Span::Em => Span::Em,
                    Span::Strike => Span::Strike,
                    Span::Html(name) => Span::Html(name),
                    Span::Link { .. } | Span::Off => Span::Off,
                };
                let span = std::mem::replace(&mut span.span, again);
                self.write_closing(span, at);
            }
        }
    }

    /// Writes the openings that are due. Whether there were any.
    pub(crate) fn open_spans(&mut self, next: Option<char>) -> bool {
        let mut any = false;
        for index in self.opened..self.spans.len() {
            let at = self.text.len();
            let before = self.text.chars().next_back();
            let open = &mut self.spans[index];
            // `**a**` and `**b**` side by side are `**ab**`.
            if let Some((span, from, to)) = self.closed.take()
                && to == at
                && span == open.span
            {
                self.text.truncate(to - closing(&span).len());
                open.at = Some(from);
                any = true;
                continue;
            }
            let doubtful = self.mode == Mode::Faithful
                && matches!(open.span, Span::Strong | Span::Em)
                && next.is_some_and(|next| !next.is_alphanumeric())
                && before.is_some_and(char::is_alphanumeric);
            if doubtful {
                open.span = Span::Html(if open.span == Span::Strong { "strong" } else { "em" });
            }
            match &open.span {
                Span::Html(name) => {
                    self.text.push('<');
                    self.text.push_str(name);
                    self.text.push('>');
                }
                span => self.text.push_str(opening(span)),
            }
            any |= open.span != Span::Off;
            open.at = Some(at);
        }
        self.opened = self.spans.len();
        any
    }

    fn write_closing(&mut self, span: Span, at: usize) {
        match span {
            Span::Off => {}
            Span::Html(name) => {
                self.text.push_str("</");
                self.text.push_str(name);
                self.text.push('>');
            }
            Span::Link { url, title } => self.close_link(&url, title.as_deref(), at),
            span => {
                let mark = closing(&span);
                if self.mode == Mode::Composer
                    && !matches!(span, Span::Strike)
                    && self.text[at..].contains('\n')
                {
                    let name = if span == Span::Strong { "b" } else { "i" };
                    self.patch(at, mark.len(), &format!("<{name}>"));
                    self.text.push_str(&format!("</{name}>"));
                    return;
                }
                if self.mode == Mode::Faithful
                    && !matches!(span, Span::Strike)
                    && self.text.chars().next_back().is_some_and(|last| !last.is_alphanumeric())
                {
                    self.doubt = Some((self.text.len(), at, mark));
                }
                self.text.push_str(mark);
                self.closed = Some((span, at, self.text.len()));
            }
        }
    }

    /// Faithful: a closing behind punctuation and before a letter is none; then tags say it.
    pub(crate) fn settle(&mut self, next: Option<char>) {
        let Some((at, from, mark)) = self.doubt.take() else { return };
        if at + mark.len() == self.text.len() && next.is_some_and(|next| next.is_alphanumeric()) {
            let name = if mark == "**" { "strong" } else { "em" };
            self.patch(at, mark.len(), &format!("</{name}>"));
            self.patch(from, mark.len(), &format!("<{name}>"));
            self.closed = None;
        }
    }

    fn close_link(&mut self, url: &str, title: Option<&str>, at: usize) {
        let text = &self.text[at + 1..];
        let same = text == url || url.strip_prefix("mailto:") == Some(text);
        if same && self.mode == Mode::Faithful && url.contains(':') && !url.contains(is_space) {
            self.patch(at, 1, "<");
            self.text.push('>');
        } else if same && self.mode != Mode::Faithful {
            self.patch(at, 1, "");
        } else {
            self.text.push_str("](");
            if self.mode == Mode::Faithful && (url.is_empty() || url.contains(['(', ')'])) {
                self.text.push('<');
                self.raw(&escape::within_angles(url));
                self.text.push('>');
            } else {
                self.raw(&escape::destination(url));
            }
            if let Some(title) = title {
                self.text.push_str(" \"");
                self.raw(&title.replace('"', "\\\""));
                self.text.push('"');
            }
            self.text.push(')');
        }
    }
}

fn opening(span: &Span) -> &'static str {
    match span {
        Span::Link { .. } => "[",
        span => closing(span),
    }
}

fn closing(span: &Span) -> &'static str {
    match span {
        Span::Strong => "**",
        Span::Em => "*",
        Span::Strike => "~~",
        Span::Html(_) | Span::Link { .. } | Span::Off => "",
    }
}
