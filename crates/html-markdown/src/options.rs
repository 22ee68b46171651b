//! What a caller may choose.

use url::Url;

/// How the Markdown looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As a careful person writes it: a backslash only where a line would otherwise begin a heading, a list, a quote
    /// or a fence; emphasis, brackets and angle brackets within text stay as they are.
    #[default]
    Training,
    /// The dialect of Discourse's composer: `* ` lists, `[quote="..."]`, sizes of images, `:emoji:`, kept HTML tags.
    Composer,
    /// Escapes whatever must be escaped, so that a CommonMark renderer gives the page back.
    Faithful,
    /// No markup: words, line breaks, bullets and numbers of lists, bare code.
    Text,
}

/// Which markup is known beyond HTML itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// Any page.
    #[default]
    Generic,
    /// The `cooked` HTML of a Discourse post: quotes, oneboxes, lightboxes, mentions, emoji and so on.
    Discourse,
}

/// What stands where a picture stood. The list of images in [`crate::Converted`] is the same for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// `![alt](url)`.
    #[default]
    Markdown,
    /// Its alternative text.
    Alt,
    /// Nothing.
    Nothing,
}

/// How to convert. `Options::default()` is: training text, no rules but HTML's, URLs as they stand.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How the Markdown looks.
    pub mode: Mode,
    /// Which markup is known.
    pub rules: Rules,
    /// What relative URLs are relative to: the page's own URL, or its `<base href>` where it has one (a page's
    /// `<base>` is not read here). Without it they stay relative.
    pub base: Option<Url>,
    /// What stands where a picture stood.
    pub images: Images,
}

impl Options {
    /// For posts of the Discourse forum at `base`.
    #[must_use]
    pub fn discourse(base: Option<Url>) -> Self {
        Self { rules: Rules::Discourse, base, ..Self::default() }
    }

    /// The same with another mode.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}
