//! Code: never escaped, never reflowed, byte for byte.

use crate::converted::Code;
use crate::escape::backticks;
use crate::options::Mode;
use crate::out::Gap;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, View};
use crate::walk::Walk;

impl Walk<'_> {
    /// `<pre>` and its kin: a fence.
    pub(crate) fn code_block(&mut self, id: Id) {
        let mut text = self.code_text(id);
        let language = self.language(id);
        if text.ends_with('\n') {
            text.pop();
        }
        self.fenced(text, language);
    }

    pub(crate) fn fenced(&mut self, text: String, language: Option<String>) {
        if text.is_empty() {
            if self.is(Mode::Faithful) && !self.out.is_flat() {
                self.out.block(Gap::Blank);
                self.out.lines("```\n```");
                self.out.block(Gap::Blank);
            }
            return;
        }
        if self.out.is_flat() {
            return self.inline_code(&text.replace('\n', " "));
        }
        self.out.block(Gap::Blank);
        if self.is(Mode::Text) {
            self.out.lines(&text);
        } else {
            let fence = "`".repeat(backticks(&text).max(2) + 1);
            let info = language.as_deref().unwrap_or_default();
            self.out.lines(&format!("{fence}{info}\n{text}\n{fence}"));
        }
        self.out.block(Gap::Blank);
        self.found.code.push(Code { language, text });
    }

    /// `<code>` and its kin.
    pub(crate) fn code_span(&mut self, id: Id) {
        let text = self.code_text(id);
        let kept = self.is(Mode::Composer) || self.is(Mode::Faithful);
        let lines = text.trim_matches('\n');
        if lines.contains("\n\n") || lines.matches('\n').count() > 2 && !kept {
            // Lines that somebody's style sheet shows as lines; a span of code cannot hold an empty one.
            return self.fenced(lines.to_owned(), None);
        }
        self.inline_code(&text);
    }

    fn inline_code(&mut self, text: &str) {
        if text.trim().is_empty() && !(self.is(Mode::Faithful) && text.starts_with([' ', '\u{a0}'])) {
            return self.out.space();
        }
        if self.is(Mode::Text) {
            self.out.lines(text);
            return;
        }
        let fence = "`".repeat(backticks(text) + 1);
        let edge = |c: char| c == '`' || c == ' ' && self.is(Mode::Faithful);
        let padded = !text.trim_matches(' ').is_empty() && (text.starts_with(edge) || text.ends_with(edge));
        let pad = if padded { " " } else { "" };
        let code = format!("{fence}{pad}{text}{pad}{fence}");
        if self.out.is_flat() {
            self.out.atom(&code.replace('\n', " "));
        } else {
            self.out.lines(&code);
        }
    }

    /// The text of code, without the numbers of lines that some pages set beside it.
    pub(crate) fn code_text(&self, id: Id) -> String {
        let mut text = String::new();
        let mut below = self.tree.below(id);
        let mut block_due = false;
        while let Some(at) = below.next() {
            match self.tree.view(at) {
                View::Text(part) => {
                    if std::mem::take(&mut block_due) && !text.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    text.push_str(part);
                }
                View::Element(Tag::Br) => text.push('\n'),
                View::Element(Tag::Script | Tag::Style | Tag::Svg | Tag::Button) => below.pass_over(at),
                View::Element(tag) => {
                    if self.is_line_number(at) {
                        below.pass_over(at);
                    }
                    block_due |= matches!(tag, Tag::Div | Tag::P | Tag::Li | Tag::Tr | Tag::Pre);
                }
            }
        }
        text
    }

    pub(crate) fn is_line_number(&self, id: Id) -> bool {
        self.tree.classes(id).any(|class| {
            matches!(
                class,
                "gutter"
                    | "lineno"
                    | "linenos"
                    | "linenumbers"
                    | "line-numbers-rows"
                    | "hljs-ln-numbers"
                    | "blob-num"
            )
        })
    }

    /// The language that the page names, by any of the usual ways to name one.
    pub(crate) fn language(&self, id: Id) -> Option<String> {
        let inner = self.tree.children(id).find(|child| self.tree.tag(*child) == Some(Tag::Code));
        let outer = self.tree.parent(id);
        let of_class = |id: Id, parent: bool| {
            self.tree.classes(id).find_map(|class| {
                let prefixes: &[&str] = match parent {
                    false => &["lang-", "language-", "brush:"],
                    true => &["language-", "highlight-source-", "highlight-text-"],
                };
                prefixes.iter().find_map(|prefix| class.strip_prefix(prefix))
            })
        };
        let bare = |id: Id| {
            self.tree
                .classes(id)
                .find(|class| !matches!(*class, "hljs" | "highlight" | "onebox" | "prettyprint"))
        };
        let found = inner
            .and_then(|inner| of_class(inner, false))
            .or_else(|| self.attr(id, Attr::CodeWrap))
            .or_else(|| of_class(id, false))
            .or_else(|| self.attr(id, Attr::Language))
            .or_else(|| inner.filter(|_| self.is_discourse()).and_then(bare))
            .or_else(|| outer.and_then(|outer| of_class(outer, true)))?;
        let name =
            found.split(['?', '`', ',', '{', '\n']).next().unwrap_or_default().trim_matches([' ', ';']);
        let said = !matches!(name, "" | "auto" | "nohighlight" | "no-highlight" | "plaintext" | "none");
        (said && name.len() <= 40 && !name.contains(char::is_whitespace)).then(|| name.to_owned())
    }
}
