//! What posts say: Markdown as it was typed, and the HTML that a forum makes of it.

use serde_json::json;

use super::markup;
use super::object::{Object, escape};
use super::picture::Picture;
use crate::dice::Dice;

/// A text in both forms, with the fields that it brings along.
#[derive(Default)]
pub(super) struct Body {
    pub(super) raw: String,
    pub(super) cooked: String,
    pub(super) extra: Object,
}

/// What a text can refer to.
pub(super) struct Around<'a> {
    /// The path that the forum lies under.
    pub(super) base: &'a str,
    pub(super) pictures: &'a [Picture],
    /// Somebody to be mentioned.
    pub(super) somebody: &'a str,
    /// A post of this topic that was written before, if there is one.
    pub(super) earlier: Option<Quoted>,
    pub(super) topic: u64,
    pub(super) slug: &'a str,
    pub(super) number: u64,
}

/// A post that is quoted.
pub(super) struct Quoted {
    pub(super) username: String,
    pub(super) number: u64,
    pub(super) text: String,
}

/// How many kinds of text there are.
pub(super) const KINDS: u64 = 24;

impl Body {
    pub(super) fn new(opening: &str) -> Self {
        Self { raw: opening.into(), cooked: paragraph(opening), extra: Object::new() }
    }

    /// One block more.
    pub(super) fn block(&mut self, raw: &str, cooked: &str) {
        self.raw.push_str("\n\n");
        self.raw.push_str(raw);
        self.cooked.push('\n');
        self.cooked.push_str(cooked);
    }
}

pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text).replace('\n', "<br>\n"))
}

/// What a forum makes of text without any markup.
pub(super) fn plain(raw: &str) -> String {
    raw.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n")
}

/// Adds what is special to this kind.
pub(super) fn fill(body: &mut Body, kind: u64, dice: &mut Dice, around: &Around<'_>) {
    match kind {
        0 => markup::inline(body, dice),
        1 => markup::code(body, dice),
        2 => quote(body, around),
        3 => link(body, around),
        4 => markup::onebox(body),
        5 => markup::table(body),
        6 => lightbox(body, dice, around),
        7 => mention(body, around),
        8 => markup::emoji(body),
        9 => markup::lists(body),
        10 => markup::poll(body, dice),
        11 => markup::cjk(body, dice),
        12 => markup::details(body),
        13 => markup::math(body),
        14 => markup::checklist(body),
        15 => attachment(body, dice, around),
        16 => markup::odds(body),
        17 => markup::heading(body),
        18 => markup::hostile_code(body),
        19 => markup::video(body),
        20 => picture(body, dice, around),
        21 => far_quote(body, around),
        22 => markup::imported(body),
        _ => {
            let thanks = dice.pick(&["Thanks!", "+1", "Solved, thank you."]);
            body.block(thanks, &paragraph(thanks));
        }
    }
}

/// Of a post in another topic, which the quote links to by its title.
fn far_quote(body: &mut Body, around: &Around<'_>) {
    let Around { base, somebody, topic, .. } = around;
    let other = topic.saturating_sub(1);
    let (text, title) = ("It was said elsewhere & long ago.", "Another <topic>");
    let raw = format!(
        "[quote=\"{somebody}, post:1, topic:{other}, full:true\"]\n{text}\n[/quote]\n\nThat still holds."
    );
    let cooked = format!(
        "<aside class=\"quote no-group\" data-username=\"{somebody}\" data-post=\"1\" data-topic=\"{other}\" data-full=\"true\">\n\
         <div class=\"title\">\n<div class=\"quote-controls\"></div>\n\
         <img alt=\"\" width=\"24\" height=\"24\" src=\"{base}/letter_avatar_proxy/v4/letter/u/9dc877/48.png\" class=\"avatar\">\n\
         <div class=\"quote-title__text-content\">\n<a href=\"{base}/t/another-topic/{other}/1\">{}</a> \
         <a class=\"badge-category__wrapper\" href=\"{base}/c/support/5\"><span class=\"badge-category__name\">Support</span></a>\n\
         </div>\n</div>\n<blockquote>\n{}\n</blockquote>\n</aside>\n<p>That still holds.</p>",
        escape(title),
        paragraph(text)
    );
    body.block(&raw, &cooked);
}

fn quote(body: &mut Body, around: &Around<'_>) {
    let Some(Quoted { username, number, text }) = &around.earlier else {
        return body.block(
            "> Nobody said this before.",
            "<blockquote>\n<p>Nobody said this before.</p>\n</blockquote>",
        );
    };
    let (base, topic) = (around.base, around.topic);
    let raw = format!(
        "[quote=\"{username}, post:{number}, topic:{topic}\"]\n{text}\n[/quote]\n\nI see it the same way."
    );
    let avatar = format!("{base}/letter_avatar_proxy/v4/letter/u/9dc877/48.png");
    let cooked = format!(
        "<aside class=\"quote no-group\" data-username=\"{username}\" data-post=\"{number}\" data-topic=\"{topic}\">\n\
         <div class=\"title\">\n<div class=\"quote-controls\"></div>\n\
         <img alt=\"\" width=\"24\" height=\"24\" src=\"{avatar}\" class=\"avatar\"> {username}:</div>\n\
         <blockquote>\n{}\n</blockquote>\n</aside>\n<p>I see it the same way.</p>",
        paragraph(text)
    );
    body.block(&raw, &cooked);
}

fn link(body: &mut Body, around: &Around<'_>) {
    let Around { base, topic, slug, number, .. } = around;
    let raw = format!(
        "See [the manual](https://example.org/manual?a=1&b=2) and [the first post]({base}/t/{slug}/{topic}/1), \
         or https://example.com/bare_link_{number}."
    );
    let cooked = format!(
        "<p>See <a href=\"https://example.org/manual?a=1&amp;b=2\" rel=\"noopener nofollow ugc\">the manual</a> and \
         <a href=\"{base}/t/{slug}/{topic}/1\">the first post</a>, or \
         <a href=\"https://example.com/bare_link_{number}\" rel=\"noopener nofollow ugc\">\
         https://example.com/bare_link_{number}</a>.</p>"
    );
    body.block(&raw, &cooked);
    let counts = json!([
        {"url": "https://example.org/manual?a=1&b=2", "internal": false, "reflection": false, "title": "The manual", "clicks": 7},
        {"url": format!("{base}/t/{slug}/{topic}/1"), "internal": true, "reflection": false, "clicks": 2},
    ]);
    body.extra.insert("link_counts".into(), counts);
}

/// A picture that opens when it is clicked.
fn lightbox(body: &mut Body, dice: &mut Dice, around: &Around<'_>) {
    let Some(picture) = chosen(dice, around) else { return };
    let Picture { name, width, height, sha1, base62, extension, .. } = picture;
    let raw = format!("![{name}|{width}x{height}, 50%]({})", picture.short());
    let (half_width, half_height) = (width / 2, height / 2);
    let (href, small) =
        (format!("{}{}", around.base, picture.path()), format!("{}{}", around.base, picture.small()));
    let cooked = format!(
        "<p><div class=\"lightbox-wrapper\"><a class=\"lightbox\" href=\"{href}\" \
         data-download-href=\"{}/uploads/short-url/{base62}.{extension}?dl=1\" title=\"{name}\">\
         <img src=\"{small}\" alt=\"{name}\" data-base62-sha1=\"{base62}\" width=\"{half_width}\" height=\"{half_height}\" \
         srcset=\"{small}, {href} 2x\" data-dominant-color=\"8899AA\">\
         <div class=\"meta\"><svg class=\"fa d-icon d-icon-far-image svg-icon\" aria-hidden=\"true\">\
         <use href=\"#far-image\"></use></svg><span class=\"filename\">{name}</span>\
         <span class=\"informations\">{width}×{height} 4.2 KB</span>\
         <svg class=\"fa d-icon d-icon-discourse-expand svg-icon\" aria-hidden=\"true\">\
         <use href=\"#discourse-expand\"></use></svg></div></a></div></p>",
        around.base
    );
    debug_assert_eq!(sha1.len(), 40);
    body.block(&raw, &cooked);
}

/// A small picture that stands as it is, and one by its whole address.
fn picture(body: &mut Body, dice: &mut Dice, around: &Around<'_>) {
    let Some(picture) = chosen(dice, around) else { return };
    let Picture { name, width, height, base62, .. } = picture;
    let address = format!("{}{}", around.base, picture.path());
    let raw = format!("![{name}|{width}x{height}]({})\n\n<img src=\"{address}\">", picture.short());
    let cooked = format!(
        "<p><img src=\"{address}\" alt=\"{name}\" data-base62-sha1=\"{base62}\" width=\"{width}\" height=\"{height}\"></p>\n\
         <p><img src=\"{address}\"></p>"
    );
    body.block(&raw, &cooked);
}

fn attachment(body: &mut Body, dice: &mut Dice, around: &Around<'_>) {
    let Some(picture) = chosen(dice, around) else { return };
    let Picture { name, base62, extension, .. } = picture;
    let raw = format!("[{name}.{extension}|attachment]({}) (3.5 KB)", picture.short());
    let cooked = format!(
        "<p><a class=\"attachment\" href=\"{}/uploads/short-url/{base62}.{extension}\">{name}.{extension}</a> (3.5 KB)</p>",
        around.base
    );
    body.block(&raw, &cooked);
}

fn mention(body: &mut Body, around: &Around<'_>) {
    let (base, somebody) = (around.base, around.somebody);
    let raw = format!("@{somebody} knows more, and so may @nobody-here. This belongs to #charts and #tides.");
    let cooked = format!(
        "<p><a class=\"mention\" href=\"{base}/u/{}\">@{somebody}</a> knows more, and so may \
         <span class=\"mention\">@nobody-here</span>. This belongs to \
         <a class=\"hashtag-cooked\" href=\"{base}/c/support/charts/8\" data-type=\"category\" data-slug=\"charts\" data-id=\"8\">\
         <span class=\"hashtag-icon-placeholder\"></span><span>Charts</span></a> and \
         <a class=\"hashtag\" href=\"{base}/tag/tides\">#<span>tides</span></a>.</p>",
        somebody.to_lowercase()
    );
    body.block(&raw, &cooked);
}

fn chosen<'a>(dice: &mut Dice, around: &Around<'a>) -> Option<&'a Picture> {
    let count = around.pictures.len() as u64;
    (count > 0).then(|| &around.pictures[dice.below(count) as usize])
}
