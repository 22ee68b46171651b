//! HTML to Markdown for training text: nothing that an author wrote is lost, and code is never touched.
//!
//! [`markdown`] converts a page or a part of one, [`text`] leaves the markup out, and [`convert`] also tells what the
//! page held: pictures, links, quotes, code, and what was left out on purpose. Content may be hostile: depth, time and
//! memory are bounded, and no input makes a conversion fail.

mod code;
mod converted;
mod discourse;
mod emoji;
mod escape;
mod lists;
mod media;
mod onebox;
mod options;
mod out;
mod parse;
mod spans;
mod table;
mod tag;
mod tree;
mod walk;

pub use converted::{Code, Converted, Image, Link, LinkKind, Mention, Quote};
pub use options::{Images, Mode, Options, Rules};

/// A page, or a part of one, as Markdown.
#[must_use]
pub fn markdown(html: &str, options: &Options) -> String {
    convert(html, options).markdown
}

/// A page, or a part of one, as plain text: no markup, no URLs.
#[must_use]
pub fn text(html: &str) -> String {
    markdown(html, &Options::default().mode(Mode::Text))
}

/// A page, or a part of one, as Markdown, and what was found in it.
#[must_use]
pub fn convert(html: &str, options: &Options) -> Converted {
    let (tree, cut) = parse::parse(html);
    let mut walk = walk::Walk::new(&tree, options, html.len());
    walk.found.flattened = cut;
    walk.children(tree.root());
    walk.finish()
}
