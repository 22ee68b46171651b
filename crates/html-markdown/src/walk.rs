//! The walk over the tree: one visit a node, each element by its rule.

use std::cell::Cell;

use icu_normalizer::ComposingNormalizerBorrowed;
use url::Url;

use crate::converted::Converted;
use crate::discourse;
use crate::options::{Mode, Options, Rules};
use crate::out::{Gap, Mark, Out};
use crate::spans::Span;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, Tree, View};

/// Deeper than the parser lets a page be; the tree builder may move nodes a little deeper still.
const DEPTH: usize = 300;

pub(crate) struct Walk<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) options: &'t Options,
    pub(crate) out: Out,
    pub(crate) found: Converted,
    /// Where found things stand, in the order of their lists.
    pub(crate) image_marks: Vec<Mark>,
    pub(crate) mention_marks: Vec<Mark>,
    pub(crate) quote_marks: Vec<Mark>,
    /// Whether the lists around are tight.
    pub(crate) tight: Vec<bool>,
    /// Where the last list ended, and its marker: two lists side by side need two markers.
    pub(crate) last_list: Option<(usize, char)>,
    /// How much may be told twice: texts of quotes, URLs made absolute.
    pub(crate) budget: usize,
    pub(crate) quoted: usize,
    joined: Cell<usize>,
    pub(crate) depth: usize,
    normalizer: ComposingNormalizerBorrowed<'static>,
    words: String,
}

impl<'t> Walk<'t> {
    pub(crate) fn new(tree: &'t Tree, options: &'t Options, html: usize) -> Self {
        Self {
            tree,
            options,
            out: Out::new(options.mode, html),
            found: Converted::default(),
            image_marks: Vec::new(),
            mention_marks: Vec::new(),
            quote_marks: Vec::new(),
            tight: Vec::new(),
            last_list: None,
            budget: html.saturating_mul(4).saturating_add(1 << 20),
            quoted: 0,
            joined: Cell::new(0),
            depth: 0,
            normalizer: ComposingNormalizerBorrowed::new_nfc(),
            words: String::new(),
        }
    }

    pub(crate) fn finish(mut self) -> Converted {
        self.out.end();
        for (image, mark) in self.found.images.iter_mut().zip(&self.image_marks) {
            image.at = self.out.marked(*mark);
        }
        for (mention, mark) in self.found.mentions.iter_mut().zip(&self.mention_marks) {
            mention.at = self.out.marked(*mark);
        }
        for (quote, mark) in self.found.quotes.iter_mut().zip(&self.quote_marks) {
            quote.at = self.out.marked(*mark);
        }
        self.found.markdown = self.out.text;
        self.found
    }

    pub(crate) fn is(&self, mode: Mode) -> bool {
        self.options.mode == mode
    }

    pub(crate) fn is_discourse(&self) -> bool {
        self.options.rules == Rules::Discourse
    }

    pub(crate) fn drop(&mut self, kind: &'static str) {
        *self.found.dropped.entry(kind).or_default() += 1;
    }

    pub(crate) fn attr(&self, id: Id, attr: Attr) -> Option<&'t str> {
        self.tree.attr(id, attr)
    }

    pub(crate) fn children(&mut self, id: Id) {
        if self.depth >= DEPTH {
            self.found.flattened = true;
            let text = self.tree.text(id);
            self.text(&text);
            return;
        }
        self.depth += 1;
        let mut child = self.tree.first(id);
        while let Some(id) = child {
            match self.tree.view(id) {
                View::Text(text) => self.text(text),
                View::Element(tag) => self.element(id, tag),
            }
            child = self.tree.next(id);
        }
        self.depth -= 1;
    }

    pub(crate) fn text(&mut self, text: &str) {
        let as_it_is = self.is(Mode::Faithful) || text.is_ascii();
        if as_it_is || self.normalizer.is_normalized(text) {
            self.out.words(text);
        } else {
            self.words.clear();
            // Into a string, which cannot fail.
            let _ = self.normalizer.normalize_to(text, &mut self.words);
            self.out.words(&self.words);
        }
    }

    /// A block without a mark of its own.
    pub(crate) fn plain_block(&mut self, id: Id) {
        self.out.block(Gap::Blank);
        self.children(id);
        self.out.block(Gap::Blank);
    }

    pub(crate) fn span(&mut self, id: Id, span: Span) {
        self.out.open(span);
        self.children(id);
        self.out.close();
    }

    pub(crate) fn element(&mut self, id: Id, tag: Tag) {
        if self.is_discourse() && discourse::element(self, id, tag) {
            return;
        }
        match tag {
            Tag::Head => {}
            Tag::Script => self.script(id),
            Tag::Style | Tag::Noscript | Tag::Template | Tag::Noembed | Tag::Noframes => {
                self.drop(match tag {
                    Tag::Style => "style",
                    Tag::Noscript => "noscript",
                    Tag::Template => "template",
                    _ => "fallback",
                });
            }
            Tag::Svg | Tag::Drawing => self.drop("drawing"),
            Tag::Select | Tag::Datalist | Tag::Input => self.control(id, tag),
            Tag::Iframe | Tag::Embed => self.drop("frame"),
            Tag::Math => self.math(id),
            Tag::Title => self.drop("title"),
            Tag::Br => self.out.line_break(),
            Tag::Wbr | Tag::Rp | Tag::Col | Tag::Colgroup | Tag::Source | Tag::Track => {}
            Tag::Hr => self.rule(),
            Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext => self.code_block(id),
            Tag::Code | Tag::Tt | Tag::Samp => self.code_span(id),
            Tag::Blockquote => self.blockquote(id),
            Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dir => self.list(id, tag == Tag::Ol),
            Tag::Li => self.stray_item(id),
            Tag::Dl => self.definitions(id),
            Tag::Table => self.table(id),
            Tag::Img => self.image(id),
            Tag::A => self.link(id),
            Tag::Video | Tag::Audio => self.media(id),
            Tag::Details => self.details(id),
            Tag::Textarea => self.plain_block(id),
            Tag::Span
                if self.attr(id, Attr::Style).is_some_and(|style| style.contains("mso-list:Ignore")) =>
            {
                self.drop("bullet of Word");
            }
            Tag::Span if self.is_rendered_math(id) => self.rendered_math(id),
            tag => self.styled(id, tag),
        }
    }

    fn styled(&mut self, id: Id, tag: Tag) {
        if let Some(level) = tag.heading() {
            return self.heading(id, level);
        }
        let kept = self.is(Mode::Composer);
        match tag {
            Tag::Strong | Tag::B => self.span(id, Span::Strong),
            Tag::Em | Tag::I => self.span(id, Span::Em),
            Tag::S | Tag::Strike => self.span(id, Span::Strike),
            Tag::Del if kept => self.span(id, Span::Html("del")),
            Tag::Del => self.span(id, Span::Strike),
            Tag::Sup => self.span(id, Span::Html("sup")),
            Tag::Sub => self.span(id, Span::Html("sub")),
            Tag::Kbd => self.span(id, Span::Html("kbd")),
            Tag::Ins if kept => self.span(id, Span::Html("ins")),
            Tag::Mark if kept => self.span(id, Span::Html("mark")),
            Tag::Big if kept => self.span(id, Span::Html("big")),
            Tag::Small if kept => self.span(id, Span::Html("small")),
            Tag::Rt => {
                self.out.atom("(");
                self.children(id);
                self.out.atom(")");
            }
            Tag::P if self.is_word_item(id) => self.word_item(id),
            Tag::Td | Tag::Th => {
                self.out.space();
                self.children(id);
                self.out.space();
            }
            tag if tag.is_plain_block() => self.plain_block(id),
            _ => self.children(id),
        }
    }

    fn heading(&mut self, id: Id, level: usize) {
        if self.out.is_flat() {
            return self.plain_block(id);
        }
        self.out.block(Gap::Blank);
        let marks = "######";
        let first = if self.is(Mode::Text) { String::new() } else { format!("{} ", &marks[..level]) };
        self.out.push(Some(first), "");
        self.out.enter_flat();
        self.children(id);
        self.out.leave_flat();
        let written = self.out.pop();
        if self.is(Mode::Faithful) && written {
            self.out.guard_end_of_heading();
        } else if self.is(Mode::Faithful) {
            self.out.atom(&marks[..level]);
        }
        self.out.block(Gap::Blank);
    }

    fn rule(&mut self) {
        self.out.block(Gap::Blank);
        if !self.out.is_flat() && !self.is(Mode::Text) {
            // `- ---` would be one line, not an item with a line in it.
            self.out.atom(if self.tight.is_empty() { "---" } else { "___" });
        }
        self.out.block(Gap::Blank);
    }

    pub(crate) fn blockquote(&mut self, id: Id) {
        self.out.block(Gap::Blank);
        self.out.dense += usize::from(self.is(Mode::Composer));
        self.out.push(None, "> ");
        let before = self.out.here();
        self.children(id);
        if self.is(Mode::Faithful) && self.out.here() == before {
            self.out.lines("");
        }
        self.out.block(Gap::Blank);
        self.out.pop();
        self.out.dense -= usize::from(self.is(Mode::Composer));
        self.out.block(Gap::Blank);
    }

    fn details(&mut self, id: Id) {
        self.out.block(Gap::Blank);
        self.depth += 1;
        for child in self.tree.children(id) {
            match self.tree.view(child) {
                View::Element(Tag::Summary) => {
                    self.out.block(Gap::Blank);
                    self.span(child, Span::Strong);
                    self.out.block(Gap::Blank);
                }
                View::Element(tag) => self.element(child, tag),
                View::Text(text) => self.text(text),
            }
        }
        self.depth -= 1;
        self.out.block(Gap::Blank);
    }

    fn control(&mut self, id: Id, tag: Tag) {
        let kind = self.attr(id, Attr::Type).unwrap_or_default();
        let in_item = self.tree.parent(id).is_some_and(|parent| {
            matches!(self.tree.tag(parent), Some(Tag::Li))
                || self.tree.parent(parent).is_some_and(|above| self.tree.tag(above) == Some(Tag::Li))
        });
        if tag == Tag::Input && kind.eq_ignore_ascii_case("checkbox") && in_item {
            let done = self.attr(id, Attr::Checked).is_some();
            self.out.atom(if done { "[x]" } else { "[ ]" });
            self.out.space();
        } else {
            self.drop("control");
        }
    }

    // ---- mathematics -------------------------------------------------------------------------------------------

    /// MathJax keeps formulas in scripts.
    fn script(&mut self, id: Id) {
        let kind = self.attr(id, Attr::Type).unwrap_or_default();
        if kind.starts_with("math/tex") || kind.starts_with("math/asciimath") {
            let text = self.tree.text(id);
            self.formula(&text, kind.contains("display"));
        } else {
            self.drop("script");
        }
    }

    fn is_rendered_math(&self, id: Id) -> bool {
        self.tree.classes(id).any(|class| {
            matches!(
                class,
                "katex" | "katex-display" | "MathJax" | "MathJax_Display" | "MathJax_Preview" | "MathJax_SVG"
            ) || class.starts_with("mwe-math-fallback")
        })
    }

    /// A formula that a script has drawn already: its source, if it is within or behind, and nothing of the drawing.
    fn rendered_math(&mut self, id: Id) {
        let display = self.tree.classes(id).any(|class| matches!(class, "katex-display" | "MathJax_Display"));
        let katex = self.tree.classes(id).any(|class| class.starts_with("katex"));
        let source = self.tree.below(id).find(|below| self.tree.tag(*below) == Some(Tag::Annotation));
        match source {
            Some(source) => {
                let text = self.tree.text(source);
                self.formula(&text, display);
            }
            None if katex => self.children(id),
            None => self.drop("drawn formula"),
        }
    }

    /// MathML: TeX if it says so, else its text.
    fn math(&mut self, id: Id) {
        let source = self.tree.below(id).find(|below| {
            self.tree.tag(*below) == Some(Tag::Annotation)
                && self.attr(*below, Attr::Encoding).is_some_and(|encoding| encoding.contains("tex"))
        });
        let text = match (source, self.attr(id, Attr::AltText)) {
            (Some(source), _) => self.tree.text(source),
            (None, Some(text)) => text.to_owned(),
            (None, None) => return self.children(id),
        };
        self.formula(&text, false);
    }

    /// TeX between dollars, as it is.
    pub(crate) fn formula(&mut self, tex: &str, display: bool) {
        let tex = tex.trim();
        if tex.is_empty() {
            return;
        }
        if display && !self.out.is_flat() {
            self.out.block(Gap::Blank);
            self.out.lines(&format!("$$\n{tex}\n$$"));
            self.out.block(Gap::Blank);
        } else {
            let flat = tex.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
            self.out.atom(&format!("${flat}$"));
        }
    }

    // ---- URLs --------------------------------------------------------------------------------------------------

    /// A URL of the page: absolute if there is a base, else as it stands. None for what leads nowhere.
    pub(crate) fn resolve(&self, url: &str) -> Option<String> {
        let url = url.trim_matches(|c: char| c.is_ascii_whitespace());
        let scheme = url.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        });
        if let Some(scheme) = scheme {
            let scripts = ["javascript", "data", "vbscript", "blob", "about"];
            return (!scripts.iter().any(|script| scheme.eq_ignore_ascii_case(script)))
                .then(|| url.to_owned());
        }
        match &self.options.base {
            _ if url.is_empty() => None,
            Some(base) if !self.out.over_budget() && self.joined.get() <= self.budget => {
                let joined = base.join(url).map_or_else(|_| url.to_owned(), String::from);
                self.joined.set(self.joined.get() + joined.len());
                Some(joined)
            }
            None if url.starts_with("//") && !self.is(Mode::Composer) => Some(format!("https:{url}")),
            _ => Some(url.to_owned()),
        }
    }

    /// Whether a URL leads to the host of the base.
    pub(crate) fn is_internal(&self, url: &str) -> Option<bool> {
        let host = self.options.base.as_ref()?.host_str()?;
        let url = Url::parse(url).ok()?;
        Some(url.host_str()? == host)
    }
}
