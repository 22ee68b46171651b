//! HTML to a tree, with bounds that hold for hostile pages too.
//!
//! html5gum cuts the page into tokens and html5ever's tree builder makes the tree. Between them this module drops
//! what no rule reads (comments, scripts, most attributes) before it costs anything, and sees to it that neither depth
//! nor the number of nodes grows without limit. Beyond a limit the markup is ignored and the text is kept.

use std::cell::Cell;
use std::convert::Infallible;

use html5ever::interface::{Tracer, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Doctype, Tag as Token, TagKind, Token as Event, TokenSink, TokenSinkResult};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, QualName, local_name, ns};
use html5gum::{Emitter, Error, State, Tokenizer};

use crate::tag::{Attr, Tag};
use crate::tree::{Id, Sink, Stored, Tree};

/// How many elements may be open at once, formatting that waits to be opened again included. Browsers stop at 512; the
/// deepest of 277 recorded pages has 52. The tree builder looks through them at every tag, so this bounds its time too.
const OPEN: usize = 256;
/// What one start tag may add to them: itself, its place in the list of formatting, and what HTML implies around it.
const A_TAG: usize = 4;
/// How many nodes a tree may have: 2 million take about 100 MiB.
const NODES: usize = 2_000_000;
/// Attributes and texts are addressed by 32 bits; what lies behind this many bytes of HTML is not read.
const BYTES: usize = 1 << 30;

/// The tree of a page or of a part of one, and whether it had more markup than the bounds allow.
pub(crate) fn parse(html: &str) -> (Tree, bool) {
    let mut end = html.len().min(BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let html_read = &html[..end];
    let builder = TreeBuilder::new(Sink::new(end), TreeBuilderOpts::default());
    let mut cut = end < html.len();
    let feeder = Feeder {
        builder: &builder,
        name: Vec::new(),
        last_start: Vec::new(),
        is_end: false,
        self_closing: false,
        attr_name: Vec::new(),
        attr: None,
        attrs: Vec::new(),
        values: Vec::new(),
        text: Vec::new(),
        muted: false,
        open: 0,
        skipped: Vec::new(),
        cut: &mut cut,
    };
    let Ok(()) = Tokenizer::new_with_emitter(html_read, feeder).finish();
    (builder.sink.finish(), cut)
}

/// Counts what the tree builder holds on to.
struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = Id;

    fn trace_handle(&self, _: &Id) {
        self.0.set(self.0.get() + 1);
    }
}

/// Hands tokens on to the tree builder.
struct Feeder<'b> {
    builder: &'b TreeBuilder<Id, Sink>,
    name: Vec<u8>,
    last_start: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    attr_name: Vec<u8>,
    /// The attribute that is being read, if a rule reads it, and where its value begins.
    attr: Option<(Attr, usize)>,
    attrs: Vec<Stored>,
    values: Vec<u8>,
    text: Vec<u8>,
    /// Within a script or style: its text goes nowhere.
    muted: bool,
    /// No fewer than are open. Counted anew when it comes near the limit: end tags are not always what they seem.
    open: usize,
    /// Start tags that were too deep and wait for their end tags.
    skipped: Vec<LocalName>,
    cut: &'b mut bool,
}

impl Feeder<'_> {
    fn full(&mut self) -> bool {
        let full = self.builder.sink.nodes() >= NODES;
        *self.cut |= full;
        full
    }

    fn is_deep(&mut self) -> bool {
        if self.open + A_TAG > OPEN {
            self.open = self.count_open();
        }
        self.open += A_TAG;
        self.open > OPEN
    }

    fn count_open(&self) -> usize {
        let count = Count(Cell::new(0));
        self.builder.trace_handles(&count);
        count.0.get()
    }

    fn flush_text(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = StrTendril::from(&*String::from_utf8_lossy(&self.text));
        self.text.clear();
        if self.full() {
            self.builder.sink.append_at_the_end(text);
        } else {
            let _ = self.builder.process_token(Event::CharacterTokens(text), 1);
        }
    }

    fn finish_attribute(&mut self) {
        self.begin_value();
        if let Some((attr, from)) = self.attr.take() {
            self.attrs.push(Stored { attr, value: from as u32..self.values.len() as u32 });
        }
        self.attr_name.clear();
    }

    fn begin_value(&mut self) {
        if self.attr.is_none() && !self.is_end && !self.attr_name.is_empty() {
            self.attr = Attr::of(&self.attr_name)
                .filter(|attr| self.attrs.iter().all(|stored| stored.attr != *attr))
                .map(|attr| (attr, self.values.len()));
            self.attr_name.clear();
        }
    }

    /// Attributes for the tree builder: the two it looks at itself, and the ticket for all others.
    fn take_attributes(&mut self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        let real: &[Attr] = match self.name.as_slice() {
            b"input" => &[Attr::Type],
            b"annotation-xml" => &[Attr::Encoding],
            _ => &[],
        };
        for stored in self.attrs.iter().filter(|stored| real.contains(&stored.attr)) {
            let value = &self.values[stored.value.start as usize..stored.value.end as usize];
            let local = if stored.attr == Attr::Type { local_name!("type") } else { local_name!("encoding") };
            let name = QualName::new(None, ns!(), local);
            attributes.push(Attribute { name, value: StrTendril::from(&*String::from_utf8_lossy(value)) });
        }
        attributes.extend(self.builder.sink.keep(&mut self.attrs, &self.values));
        self.attrs.clear();
        self.values.clear();
        attributes
    }

    /// Whether what is in this element is text that nobody would read.
    fn mutes(&self) -> bool {
        match self.name.as_slice() {
            b"style" | b"noscript" | b"iframe" | b"noembed" | b"noframes" => true,
            b"script" => !self.attrs.iter().any(|stored| {
                let value = &self.values[stored.value.start as usize..stored.value.end as usize];
                stored.attr == Attr::Type && value.starts_with(b"math/")
            }),
            _ => false,
        }
    }

    fn start_tag(&mut self) -> Option<State> {
        let muted = self.mutes();
        let name = LocalName::from(&*String::from_utf8_lossy(&self.name));
        let is_void = Tag::is_void(&self.name);
        let too_deep = !is_void && self.is_deep();
        let tag = match too_deep {
            false => Token {
                kind: TagKind::StartTag,
                name,
                self_closing: self.self_closing,
                attrs: self.take_attributes(),
                had_duplicate_attributes: false,
            },
            true => {
                *self.cut = true;
                self.attrs.clear();
                self.values.clear();
                if !self.self_closing {
                    self.skipped.push(name);
                }
                return self.state_of_skipped(muted);
            }
        };
        let next = match self.builder.process_token(Event::TagToken(tag), 1) {
            TokenSinkResult::Continue
            | TokenSinkResult::Script(_)
            | TokenSinkResult::EncodingIndicator(_) => None,
            TokenSinkResult::Plaintext => Some(State::PlainText),
            TokenSinkResult::RawData(RawKind::Rcdata) => Some(State::RcData),
            TokenSinkResult::RawData(RawKind::Rawtext) => Some(State::RawText),
            TokenSinkResult::RawData(_) => Some(State::ScriptData),
        };
        self.muted = muted && next.is_some();
        next
    }

    /// A script too deep to be put into the tree is still read as a script.
    fn state_of_skipped(&mut self, muted: bool) -> Option<State> {
        self.muted = muted;
        match self.name.as_slice() {
            b"script" => Some(State::ScriptData),
            b"textarea" | b"title" => Some(State::RcData),
            b"style" | b"noscript" | b"iframe" | b"noembed" | b"noframes" | b"xmp" => Some(State::RawText),
            _ => None,
        }
    }

    fn end_tag(&mut self) {
        let name = LocalName::from(&*String::from_utf8_lossy(&self.name));
        if self.skipped.last() == Some(&name) {
            self.skipped.pop();
            return;
        }
        if !self.skipped.is_empty() && self.count_open() < OPEN / 2 {
            self.skipped.clear();
        }
        let tag = Token {
            kind: TagKind::EndTag,
            name,
            self_closing: false,
            attrs: Vec::new(),
            had_duplicate_attributes: false,
        };
        let _ = self.builder.process_token(Event::TagToken(tag), 1);
    }
}

impl Emitter for Feeder<'_> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, last: Option<&[u8]>) {
        self.last_start = last.unwrap_or_default().to_vec();
    }

    fn emit_eof(&mut self) {
        self.flush_text();
        let _ = self.builder.process_token(Event::EOFToken, 1);
        self.builder.end();
    }

    fn emit_error(&mut self, _: Error) {}

    #[inline]
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    #[inline]
    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    #[inline]
    fn emit_string(&mut self, text: &[u8]) {
        if self.muted {
            return;
        }
        if memchr::memchr(0, text).is_none() {
            self.text.extend_from_slice(text);
        } else {
            self.text.extend(text.iter().filter(|byte| **byte != 0));
        }
    }

    fn init_start_tag(&mut self) {
        self.name.clear();
        self.is_end = false;
        self.self_closing = false;
        self.attr = None;
        self.attrs.clear();
        self.values.clear();
        self.attr_name.clear();
    }

    fn init_end_tag(&mut self) {
        self.init_start_tag();
        self.is_end = true;
    }

    fn init_comment(&mut self) {}

    fn emit_current_tag(&mut self) -> Option<State> {
        self.finish_attribute();
        self.flush_text();
        self.muted = false;
        if !self.is_end {
            self.last_start.clear();
            self.last_start.extend_from_slice(&self.name);
        }
        if self.full() {
            let muted = self.mutes();
            if self.is_end {
                return None;
            }
            // A word of one element is not glued to the word of the next.
            self.text.push(b' ');
            return self.state_of_skipped(muted);
        }
        if self.is_end {
            self.end_tag();
            return None;
        }
        self.start_tag()
    }

    fn emit_current_comment(&mut self) {}

    fn emit_current_doctype(&mut self) {
        self.flush_text();
        let _ = self.builder.process_token(Event::DoctypeToken(Doctype::default()), 1);
    }

    fn set_self_closing(&mut self) {
        self.self_closing = true;
    }

    fn set_force_quirks(&mut self) {}

    #[inline]
    fn push_tag_name(&mut self, name: &[u8]) {
        self.name.extend_from_slice(name);
    }

    fn push_comment(&mut self, _: &[u8]) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn init_doctype(&mut self) {}

    #[inline]
    fn init_attribute(&mut self) {
        self.finish_attribute();
    }

    #[inline]
    fn init_attribute_value(&mut self) {
        self.begin_value();
    }

    #[inline]
    fn push_attribute_name(&mut self, name: &[u8]) {
        if self.attr_name.len() < 64 {
            self.attr_name.extend_from_slice(name);
        }
    }

    #[inline]
    fn push_attribute_value(&mut self, value: &[u8]) {
        self.begin_value();
        if self.attr.is_some() {
            self.values.extend_from_slice(value);
        }
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.last_start.is_empty() && self.name == self.last_start
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}
