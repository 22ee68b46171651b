//! The tree of a page: nodes in one list, texts and attributes in two buffers.
//!
//! Built by html5ever's tree builder, so that unclosed and misnested tags mean what they mean in a browser.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};
use std::ops::Range;

use html5ever::interface::{ElemName, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, Namespace, QualName, local_name, ns};

use crate::tag::{Attr, Tag};

/// A node by its place in the list.
pub(crate) type Id = u32;
const NONE: Id = Id::MAX;
const ROOT: Id = 0;

static HTML: Namespace = ns!(html);
static SVG: Namespace = ns!(svg);
static MATHML: Namespace = ns!(mathml);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Html,
    Svg,
    Mathml,
    Text,
}

struct Node {
    name: LocalName,
    parent: Id,
    prev: Id,
    next: Id,
    first: Id,
    last: Id,
    /// Of a text: where it lies in `texts`. Of an element: which attributes are its own.
    from: u32,
    to: u32,
    kind: Kind,
    tag: Tag,
}

/// One attribute: its value lies in `values`.
pub(crate) struct Stored {
    pub(crate) attr: Attr,
    pub(crate) value: Range<u32>,
}

/// What an element or a text is, to the walk.
#[derive(Clone, Copy)]
pub(crate) enum View<'t> {
    Text(&'t str),
    Element(Tag),
}

/// A finished tree.
pub(crate) struct Tree {
    nodes: Vec<Node>,
    texts: String,
    attrs: Vec<Stored>,
    values: Vec<u8>,
}

impl Tree {
    pub(crate) fn root(&self) -> Id {
        ROOT
    }

    pub(crate) fn view(&self, id: Id) -> View<'_> {
        let node = &self.nodes[id as usize];
        match node.kind {
            Kind::Text => View::Text(&self.texts[node.from as usize..node.to as usize]),
            _ => View::Element(node.tag),
        }
    }

    pub(crate) fn tag(&self, id: Id) -> Option<Tag> {
        match self.view(id) {
            View::Element(tag) => Some(tag),
            View::Text(_) => None,
        }
    }

    pub(crate) fn first(&self, id: Id) -> Option<Id> {
        Some(self.nodes[id as usize].first).filter(|id| *id != NONE)
    }

    pub(crate) fn next(&self, id: Id) -> Option<Id> {
        Some(self.nodes[id as usize].next).filter(|id| *id != NONE)
    }

    pub(crate) fn prev(&self, id: Id) -> Option<Id> {
        Some(self.nodes[id as usize].prev).filter(|id| *id != NONE)
    }

    pub(crate) fn parent(&self, id: Id) -> Option<Id> {
        Some(self.nodes[id as usize].parent).filter(|id| *id != NONE)
    }

    pub(crate) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.first(id), |id| self.next(*id))
    }

    /// The nodes below `id` in the order of the page. No recursion: the tree may be as deep as it likes.
    pub(crate) fn below(&self, id: Id) -> Below<'_> {
        Below { tree: self, top: id, at: self.first(id) }
    }

    /// The value of an attribute; empty where it has none.
    pub(crate) fn attr(&self, id: Id, attr: Attr) -> Option<&str> {
        let node = &self.nodes[id as usize];
        if node.kind == Kind::Text {
            return None;
        }
        let found =
            self.attrs[node.from as usize..node.to as usize].iter().find(|stored| stored.attr == attr)?;
        std::str::from_utf8(&self.values[found.value.start as usize..found.value.end as usize]).ok()
    }

    /// The words of `class`.
    pub(crate) fn classes(&self, id: Id) -> std::str::SplitAsciiWhitespace<'_> {
        self.attr(id, Attr::Class).unwrap_or_default().split_ascii_whitespace()
    }

    pub(crate) fn has_class(&self, id: Id, class: &str) -> bool {
        self.classes(id).any(|word| word == class)
    }

    /// The text below with its white space collapsed, up to the word that begins behind `most` bytes.
    pub(crate) fn label(&self, id: Id, most: usize) -> String {
        let mut text = String::new();
        for below in self.below(id) {
            match self.view(below) {
                View::Text(part) => text.push_str(part),
                View::Element(Tag::Br) => text.push(' '),
                View::Element(_) => {}
            }
            if text.len() > most {
                break;
            }
        }
        let mut label = String::new();
        for word in text.split_whitespace() {
            if label.len() > most {
                break;
            }
            if !label.is_empty() {
                label.push(' ');
            }
            label.push_str(word);
        }
        label
    }

    /// All text below, as it stands; `<br>` is a line break.
    pub(crate) fn text(&self, id: Id) -> String {
        let mut text = String::new();
        for below in self.below(id) {
            match self.view(below) {
                View::Text(part) => text.push_str(part),
                View::Element(Tag::Br) => text.push('\n'),
                View::Element(_) => {}
            }
        }
        text
    }
}

/// See [`Tree::below`].
pub(crate) struct Below<'t> {
    tree: &'t Tree,
    top: Id,
    at: Option<Id>,
}

impl Below<'_> {
    /// Leaves out what is below the node that came last.
    pub(crate) fn pass_over(&mut self, last: Id) {
        self.at = self.behind(last);
    }

    fn behind(&self, mut id: Id) -> Option<Id> {
        loop {
            if id == self.top {
                return None;
            }
            if let Some(next) = self.tree.next(id) {
                return Some(next);
            }
            id = self.tree.parent(id)?;
        }
    }
}

impl Iterator for Below<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        let id = self.at?;
        self.at = self.tree.first(id).or_else(|| self.behind(id));
        Some(id)
    }
}

/// Takes the nodes that the tree builder makes.
pub(crate) struct Sink {
    nodes: RefCell<Vec<Node>>,
    texts: RefCell<String>,
    attrs: RefCell<Vec<Stored>>,
    values: RefCell<Vec<u8>>,
}

impl Sink {
    pub(crate) fn new(html: usize) -> Self {
        let sink = Self {
            nodes: RefCell::new(Vec::with_capacity(html / 48 + 8)),
            texts: RefCell::new(String::with_capacity(html / 4)),
            attrs: RefCell::default(),
            values: RefCell::default(),
        };
        sink.add(local_name!(""), Kind::Html, Tag::Other, 0..0);
        sink
    }

    pub(crate) fn nodes(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Keeps the attributes of a start tag; the ticket is how `create_element` finds them.
    pub(crate) fn keep(&self, stored: &mut Vec<Stored>, values: &[u8]) -> Option<Attribute> {
        if stored.is_empty() {
            return None;
        }
        let (mut attrs, mut all) = (self.attrs.borrow_mut(), self.values.borrow_mut());
        let (from, shift) = (attrs.len(), u32::try_from(all.len()).ok()?);
        all.extend_from_slice(values);
        u32::try_from(all.len()).ok()?;
        attrs.extend(
            stored
                .drain(..)
                .map(|one| Stored { attr: one.attr, value: one.value.start + shift..one.value.end + shift }),
        );
        let ticket = format!("{from:x}.{:x}", attrs.len());
        Some(Attribute { name: QualName::new(None, ns!(), local_name!("id")), value: ticket.into() })
    }

    /// Text behind everything else, for what no longer goes through the tree builder.
    pub(crate) fn append_at_the_end(&self, text: StrTendril) {
        self.append(&ROOT, NodeOrText::AppendText(text));
    }

    fn add(&self, name: LocalName, kind: Kind, tag: Tag, range: Range<u32>) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        let id = nodes.len() as Id;
        let (from, to) = (range.start, range.end);
        let (parent, prev, next, first, last) = (NONE, NONE, NONE, NONE, NONE);
        nodes.push(Node { name, parent, prev, next, first, last, from, to, kind, tag });
        id
    }

    /// A text behind the node `before`, which grows if it is the text that was written last. Another text does not
    /// grow: to move it to the end for each word would take time by its square. Two texts may stand side by side.
    fn add_text(&self, before: Id, text: &str) -> Option<Id> {
        let mut texts = self.texts.borrow_mut();
        if before != NONE {
            let node = &mut self.nodes.borrow_mut()[before as usize];
            if node.kind == Kind::Text && node.to as usize == texts.len() {
                texts.push_str(text);
                node.to = texts.len() as u32;
                return None;
            }
        }
        let from = texts.len() as u32;
        texts.push_str(text);
        let to = texts.len() as u32;
        drop(texts);
        Some(self.add(local_name!(""), Kind::Text, Tag::Other, from..to))
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let Node { parent, prev, next, .. } = nodes[id as usize];
        if parent == NONE {
            return;
        }
        match prev {
            NONE => nodes[parent as usize].first = next,
            prev => nodes[prev as usize].next = next,
        }
        match next {
            NONE => nodes[parent as usize].last = prev,
            next => nodes[next as usize].prev = prev,
        }
        let node = &mut nodes[id as usize];
        (node.parent, node.prev, node.next) = (NONE, NONE, NONE);
    }

    /// Puts a node without a parent into `parent`, before `next` or last.
    fn link(&self, parent: Id, id: Id, next: Id) {
        let mut nodes = self.nodes.borrow_mut();
        let prev = match next {
            NONE => std::mem::replace(&mut nodes[parent as usize].last, id),
            next => std::mem::replace(&mut nodes[next as usize].prev, id),
        };
        match prev {
            NONE => nodes[parent as usize].first = id,
            prev => nodes[prev as usize].next = id,
        }
        let node = &mut nodes[id as usize];
        (node.parent, node.prev, node.next) = (parent, prev, next);
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = Tree;
    type ElemName<'a> = Name<'a>;

    fn finish(self) -> Tree {
        Tree {
            nodes: self.nodes.into_inner(),
            texts: self.texts.into_inner(),
            attrs: self.attrs.into_inner(),
            values: self.values.into_inner(),
        }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Name<'a> {
        Name(Ref::map(self.nodes.borrow(), |nodes| &nodes[*target as usize]))
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Id {
        let range = attrs.iter().find_map(|attr| {
            let (from, to) = attr.value.split_once('.').filter(|_| attr.name.local == local_name!("id"))?;
            Some(u32::from_str_radix(from, 16).ok()?..u32::from_str_radix(to, 16).ok()?)
        });
        let (kind, tag) = match name.ns {
            ns!(html) => (Kind::Html, Tag::of(&name.local)),
            ns!(mathml) => (Kind::Mathml, Tag::of(&name.local)),
            _ => (Kind::Svg, if name.local == local_name!("svg") { Tag::Svg } else { Tag::Drawing }),
        };
        self.add(name.local, kind, tag, range.unwrap_or(0..0))
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.add(local_name!(""), Kind::Html, Tag::Other, 0..0)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.add(local_name!(""), Kind::Html, Tag::Other, 0..0)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        match child {
            NodeOrText::AppendNode(id) => {
                self.detach(id);
                self.link(*parent, id, NONE);
            }
            NodeOrText::AppendText(text) => {
                let last = self.nodes.borrow()[*parent as usize].last;
                if let Some(id) = self.add_text(last, &text) {
                    self.link(*parent, id, NONE);
                }
            }
        }
    }

    fn append_before_sibling(&self, sibling: &Id, new: NodeOrText<Id>) {
        let Node { parent, prev, .. } = self.nodes.borrow()[*sibling as usize];
        if parent == NONE {
            return;
        }
        match new {
            NodeOrText::AppendNode(id) => {
                self.detach(id);
                self.link(parent, id, *sibling);
            }
            NodeOrText::AppendText(text) => {
                if let Some(id) = self.add_text(prev, &text) {
                    self.link(parent, id, *sibling);
                }
            }
        }
    }

    fn append_based_on_parent_node(&self, element: &Id, prev: &Id, child: NodeOrText<Id>) {
        let orphan = self.nodes.borrow()[*element as usize].parent == NONE;
        if orphan { self.append(prev, child) } else { self.append_before_sibling(element, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, x: &Id, y: &Id) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Id, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Id) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        loop {
            let first = self.nodes.borrow()[*node as usize].first;
            if first == NONE {
                return;
            }
            self.detach(first);
            self.link(*new_parent, first, NONE);
        }
    }
}

/// The name of a node, borrowed from the list.
pub(crate) struct Name<'a>(Ref<'a, Node>);

impl std::fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.name)
    }
}

impl ElemName for Name<'_> {
    fn ns(&self) -> &Namespace {
        match self.0.kind {
            Kind::Svg => &SVG,
            Kind::Mathml => &MATHML,
            Kind::Html | Kind::Text => &HTML,
        }
    }

    fn local_name(&self) -> &LocalName {
        &self.0.name
    }
}
