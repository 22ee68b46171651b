//! Lists: bullets, numbers, definitions, and the paragraphs that Word passes off as lists.

use crate::options::Mode;
use crate::out::Gap;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, View};
use crate::walk::Walk;

impl Walk<'_> {
    pub(crate) fn list(&mut self, id: Id, numbered: bool) {
        if self.out.is_flat() {
            return self.plain_block(id);
        }
        let composer = self.is(Mode::Composer);
        let loose = !composer
            && self.tree.children(id).any(|item| {
                self.tree.tag(item) == Some(Tag::Li)
                    && self.tree.children(item).any(|child| self.tree.tag(child) == Some(Tag::P))
            });
        let around = if *self.tight.last().unwrap_or(&false) { Gap::Line } else { Gap::Blank };
        let gap = if loose { Gap::Blank } else { Gap::Line };
        self.out.item(around, around == Gap::Blank);
        let mark = self.list_mark(numbered);
        let mut number = self
            .attr(id, Attr::Start)
            .and_then(|start| start.trim().parse::<i64>().ok())
            .filter(|start| (0..=999_999_999).contains(start))
            .unwrap_or(1);
        self.tight.push(!loose);
        self.depth += 1;
        let (mut first, mut width) = (true, 2);
        for child in self.tree.children(id) {
            match self.tree.view(child) {
                View::Element(Tag::Li) => {
                    if let Some(value) =
                        self.attr(child, Attr::Value).and_then(|value| value.trim().parse().ok())
                    {
                        number = value;
                    }
                    let marker = if numbered { format!("{number}{mark} ") } else { format!("{mark} ") };
                    number = number.saturating_add(1);
                    width = if composer { 2 } else { marker.len() };
                    self.out.item(if first { around } else { gap }, first);
                    first = false;
                    self.out.push_item(Some(marker), width);
                    self.children(child);
                    if !self.out.pop() && self.is(Mode::Faithful) {
                        self.empty_item(numbered, number - 1, mark);
                    }
                }
                View::Text(text) if text.trim().is_empty() => {}
                _ => {
                    // What stands between items is taken as part of the item before.
                    let (width, one) = if first { (0, None) } else { (width, None) };
                    self.out.push_item(one, width);
                    match self.tree.view(child) {
                        View::Text(text) => self.text(text),
                        View::Element(tag) => self.element(child, tag),
                    }
                    self.out.pop();
                }
            }
        }
        self.depth -= 1;
        self.tight.pop();
        self.out.block(around);
        self.last_list = Some((self.out.here(), mark));
    }

    fn empty_item(&mut self, numbered: bool, number: i64, mark: char) {
        let marker = if numbered { format!("{number}{mark}") } else { mark.to_string() };
        self.out.atom(&marker);
    }

    /// The marker; two lists side by side would be one under the same.
    fn list_mark(&self, numbered: bool) -> char {
        let (mark, other) = match (numbered, self.is(Mode::Composer)) {
            (true, _) => ('.', ')'),
            (false, true) => return '*',
            (false, false) => ('-', '*'),
        };
        match self.last_list {
            Some((at, last)) if self.is(Mode::Faithful) && at == self.out.here() && last == mark => other,
            _ => mark,
        }
    }

    /// An item without a list.
    pub(crate) fn stray_item(&mut self, id: Id) {
        if self.out.is_flat() {
            return self.plain_block(id);
        }
        self.out.item(Gap::Line, false);
        let mark = if self.is(Mode::Composer) { "* " } else { "- " };
        self.out.push_item(Some(mark.to_owned()), 2);
        self.children(id);
        self.out.pop();
        self.out.block(Gap::Line);
    }

    /// A term on a line of its own, what it means below it.
    pub(crate) fn definitions(&mut self, id: Id) {
        self.out.block(Gap::Blank);
        self.depth += 1;
        for child in self.tree.children(id) {
            match self.tree.view(child) {
                View::Element(Tag::Dd) if !self.out.is_flat() => {
                    self.out.block(Gap::Line);
                    self.out.push_item(Some(": ".to_owned()), 2);
                    self.children(child);
                    self.out.pop();
                    self.out.block(Gap::Line);
                }
                View::Element(Tag::Dt) => {
                    self.out.block(Gap::Blank);
                    self.children(child);
                    self.out.block(Gap::Line);
                }
                View::Element(tag) => self.element(child, tag),
                View::Text(text) => self.text(text),
            }
        }
        self.depth -= 1;
        self.out.block(Gap::Blank);
    }

    /// `<p class=MsoListParagraph... style='mso-list:l0 level2'>`.
    pub(crate) fn is_word_item(&self, id: Id) -> bool {
        self.tree.classes(id).any(|class| class.starts_with("MsoList"))
            && self.attr(id, Attr::Style).is_some_and(|style| style.contains("mso-list:"))
            && !self.out.is_flat()
    }

    pub(crate) fn word_item(&mut self, id: Id) {
        let style = self.attr(id, Attr::Style).unwrap_or_default();
        let level = style
            .split_once("level")
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok())
            .unwrap_or(1)
            .clamp(1, 9);
        let is_item =
            |id: Option<Id>| id.is_some_and(|id| self.tree.tag(id) == Some(Tag::P) && self.is_word_item(id));
        let near = |mut id: Option<Id>, step: fn(&crate::tree::Tree, Id) -> Option<Id>| {
            while let Some(View::Text(text)) = id.map(|id| self.tree.view(id)) {
                if !text.trim().is_empty() {
                    return None;
                }
                id = id.and_then(|id| step(self.tree, id));
            }
            id
        };
        let first = !is_item(near(self.tree.prev(id), crate::tree::Tree::prev));
        let last = !is_item(near(self.tree.next(id), crate::tree::Tree::next));
        self.out.item(if first { Gap::Blank } else { Gap::Line }, first);
        self.out.push_item(None, 2 * (level - 1));
        let mark = if self.is(Mode::Composer) { "* " } else { "- " };
        self.out.push_item(Some(mark.to_owned()), 2);
        self.children(id);
        self.out.pop();
        self.out.pop();
        self.out.block(if last { Gap::Blank } else { Gap::Line });
    }
}
