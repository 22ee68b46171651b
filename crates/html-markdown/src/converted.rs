//! What a conversion finds beside the text.

use std::collections::BTreeMap;
use std::ops::Range;

/// A page as Markdown, and what was in it. Every `at` is a range of bytes in `markdown`.
#[derive(Clone, Debug, Default)]
pub struct Converted {
    /// The text, without a line break at its end.
    pub markdown: String,
    /// Pictures that belong to the text: no emoji, avatars or icons.
    pub images: Vec<Image>,
    /// Links, attachments, oneboxes and media, in the order of the page, each as often as it is there.
    pub links: Vec<Link>,
    /// Quotes of other posts (Discourse). A quote within a quote comes before the one that holds it.
    pub quotes: Vec<Quote>,
    /// Who is addressed with `@` (Discourse).
    pub mentions: Vec<Mention>,
    /// Blocks of code.
    pub code: Vec<Code>,
    /// How many spoilers there were; their text is part of the Markdown.
    pub spoilers: usize,
    /// What was left out on purpose, and how often: `script`, `avatar`, `quote title`, `click count` and so on.
    pub dropped: BTreeMap<&'static str, usize>,
    /// The page had more nesting or markup than the bounds allow: its text is whole, some of its markup is not.
    pub flattened: bool,
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The picture in its best form: a lightbox's original, a lazy image's real source. Empty for a broken upload.
    pub url: String,
    /// What the page itself shows, where that is another file.
    pub thumbnail: Option<String>,
    /// Its alternative text; empty if it has none.
    pub alt: String,
    /// Its title, for lightboxes the name of the file.
    pub title: Option<String>,
    /// Pixels, as the page states them.
    pub width: Option<u32>,
    /// Pixels, as the page states them.
    pub height: Option<u32>,
    /// `data-base62-sha1`: the SHA-1 of the upload in base 62, which `upload://` in raw text names too.
    pub sha1_base62: Option<String>,
    /// Where it stands in the Markdown; empty where only its absence does.
    pub at: Range<usize>,
}

/// What a link is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkKind {
    /// An ordinary link.
    #[default]
    Web,
    /// A preview of the page it leads to, as a block.
    Onebox,
    /// A link whose text is the title of the page it leads to.
    InlineOnebox,
    /// A file that the author attached.
    Attachment,
    /// A video or a sound.
    Media,
    /// A category or a tag.
    Hashtag,
    /// An upload that is not there any more; `url` is its `upload://` name.
    BrokenUpload,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, absolute if a base was given.
    pub url: String,
    /// Its text, white space collapsed; no more than about 1,000 bytes of it.
    pub text: String,
    /// It leads to the host of the base. None without a base or where the URL has no host.
    pub internal: Option<bool>,
    /// What it is.
    pub kind: LinkKind,
    /// Of a onebox: what it shows of the page it leads to. These are not the author's words, and not in the Markdown.
    pub excerpt: Option<String>,
}

/// A quote of another post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Who is quoted, as far as the post says.
    pub username: Option<String>,
    /// The number of the quoted post within its topic.
    pub post_number: Option<u64>,
    /// The topic of the quoted post.
    pub topic_id: Option<u64>,
    /// The whole post is quoted.
    pub full: bool,
    /// What is quoted, as Markdown without the marks of the quote. Empty where quotes within quotes would make more of
    /// it than four times the page; the Markdown holds it once all the same.
    pub text: String,
    /// Where it stands in the Markdown, marks included.
    pub at: Range<usize>,
}

/// Somebody is addressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mention {
    /// The name, without `@`.
    pub name: String,
    /// It is a group.
    pub group: bool,
    /// Where it stands in the Markdown, `@` included.
    pub at: Range<usize>,
}

/// A block of code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// The language as the page names it; none where it says that there is none or that it was guessed.
    pub language: Option<String>,
    /// The code, byte for byte, without its last line break.
    pub text: String,
}
