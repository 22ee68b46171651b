//! What Discourse makes of a post: mentions, emoji, lightboxes, checklists, footnotes and so on.

use crate::converted::{LinkKind, Mention};
use crate::emoji;
use crate::media::collapsed;
use crate::options::Mode;
use crate::out::Gap;
use crate::spans::Span;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, Tree};
use crate::walk::Walk;

/// Whether a rule for this element was found and applied.
pub(crate) fn element(walk: &mut Walk<'_>, id: Id, tag: Tag) -> bool {
    match tag {
        Tag::Img => image(walk, id),
        Tag::A => link(walk, id),
        Tag::Span => span(walk, id),
        Tag::Div => division(walk, id),
        Tag::Aside => {
            if walk.tree.has_class(id, "quote") {
                walk.quote(id);
            } else if walk.tree.has_class(id, "onebox") {
                walk.onebox(id);
            } else {
                return false;
            }
            true
        }
        Tag::Sup if walk.tree.has_class(id, "footnote-ref") => footnote_ref(walk, id),
        Tag::Ol if walk.tree.has_class(id, "footnotes-list") => footnotes(walk, id),
        Tag::Hr if walk.tree.has_class(id, "footnotes-sep") => true,
        Tag::Details if walk.tree.has_class(id, "elided") => dropped(walk, "elided"),
        Tag::Button => dropped(walk, "button"),
        Tag::Iframe => walk.frame(id),
        _ => false,
    }
}

fn dropped(walk: &mut Walk<'_>, kind: &'static str) -> bool {
    walk.drop(kind);
    true
}

fn image(walk: &mut Walk<'_>, id: Id) -> bool {
    for class in walk.tree.classes(id) {
        match class {
            "emoji" => return emoji(walk, id),
            "avatar" | "onebox-avatar" | "onebox-avatar-inline" => return dropped(walk, "avatar"),
            "site-icon" => return dropped(walk, "icon"),
            _ => {}
        }
    }
    false
}

fn emoji(walk: &mut Walk<'_>, id: Id) -> bool {
    let title = walk.attr(id, Attr::Title).filter(|title| title.len() > 2);
    let title = title.or_else(|| walk.attr(id, Attr::Alt)).unwrap_or_default();
    let name = title.trim_matches(':');
    if name.is_empty() {
        return dropped(walk, "emoji without a name");
    }
    let known = if walk.is(Mode::Composer) { None } else { emoji::of(name) };
    walk.out.atom(&known.unwrap_or_else(|| format!(":{name}:")));
    true
}

fn link(walk: &mut Walk<'_>, id: Id) -> bool {
    let href = walk.attr(id, Attr::Href).unwrap_or_default();
    for class in walk.tree.classes(id) {
        match class {
            "mention" | "mention-group" => return mention(walk, id, class == "mention-group"),
            "hashtag" | "hashtag-cooked" => return hashtag(walk, id),
            "anchor" => return true,
            "footnote-backref" => return dropped(walk, "footnote arrow"),
            "lightbox" => return lightbox(walk, id),
            "badge-wrapper" | "badge-category__wrapper" => return dropped(walk, "badge"),
            "attachment" => {
                let Some(url) = walk.resolve(href) else { return false };
                if walk.is(Mode::Composer) {
                    let name = collapsed(&walk.tree.text(id));
                    walk.out.atom(&format!("[{name}|attachment]({url})"));
                    return true;
                }
                walk.linked(id, url, LinkKind::Attachment);
                return true;
            }
            "onebox" | "inline-onebox" | "inline-onebox-loading" => {
                if walk.tree.below(id).any(|below| walk.tree.tag(below) == Some(Tag::Img)) {
                    return false;
                }
                let Some(url) = walk.resolve(href) else { return false };
                let kind = if class == "onebox" { LinkKind::Onebox } else { LinkKind::InlineOnebox };
                walk.linked(id, url, kind);
                return true;
            }
            _ => {}
        }
    }
    if let Some(upload) = walk.attr(id, Attr::DataHref).filter(|_| href == "/404") {
        walk.broken_upload(upload, collapsed(&walk.tree.text(id)));
        walk.children(id);
        return true;
    }
    shared(walk, id, href)
}

/// `?u=name` tells who shared a link to this forum: not part of where it leads.
fn shared(walk: &mut Walk<'_>, id: Id, href: &str) -> bool {
    let Some((page, query)) = href.split_once("?u=") else { return false };
    let Some(url) = walk.resolve(page) else { return false };
    let is_name = !query.is_empty()
        && query.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if !is_name || walk.is_internal(&url) != Some(true) {
        return false;
    }
    walk.linked(id, url, LinkKind::Web);
    true
}

fn mention(walk: &mut Walk<'_>, id: Id, group: bool) -> bool {
    let text = walk.tree.text(id);
    let name = text.trim().trim_start_matches('@').to_owned();
    if name.is_empty() {
        return true;
    }
    let at = walk.out.atom(&format!("@{name}"));
    let mark = walk.out.mark(at);
    walk.mention_marks.push(mark);
    walk.found.mentions.push(Mention { name, group, at: 0..0 });
    true
}

fn hashtag(walk: &mut Walk<'_>, id: Id) -> bool {
    let text = walk.tree.text(id);
    let name = text.trim().trim_start_matches('#').to_owned();
    if name.is_empty() {
        return true;
    }
    walk.out.atom(&format!("#{name}"));
    if let Some(url) = walk.attr(id, Attr::Href).and_then(|href| walk.resolve(href)) {
        walk.note_link(url, format!("#{name}"), LinkKind::Hashtag);
    }
    true
}

/// One picture: the original, with what the smaller one says about it.
fn lightbox(walk: &mut Walk<'_>, id: Id) -> bool {
    let picture = walk.tree.below(id).find(|below| walk.tree.tag(*below) == Some(Tag::Img));
    let Some(picture) = picture else { return false };
    let original = walk.attr(id, Attr::Href).and_then(|href| walk.resolve(href));
    let title = walk.attr(id, Attr::Title);
    walk.picture(picture, original.as_deref(), title);
    true
}

fn span(walk: &mut Walk<'_>, id: Id) -> bool {
    for class in walk.tree.classes(id) {
        match class {
            "bbcode-b" => walk.span(id, Span::Strong),
            "bbcode-i" => walk.span(id, Span::Em),
            "bbcode-s" => walk.span(id, Span::Strike),
            "mention" => return mention(walk, id, false),
            "hashtag" | "hashtag-raw" => return hashtag(walk, id),
            "clicks" | "badge-notification" => walk.drop("click count"),
            "badge" | "badge-wrapper" | "badge-category" => walk.drop("badge"),
            "svg-icon-title" => walk.drop("icon"),
            "chcklst-box" => checkbox(walk, id),
            "spoiler" | "spoiled" => {
                walk.found.spoilers += 1;
                walk.children(id);
            }
            "math" | "asciimath" => {
                // As it was typed: what only looks like a formula keeps its blanks.
                let text = walk.tree.text(id).replace('\n', " ");
                let mark = if class == "math" { '$' } else { '%' };
                walk.out.atom(&format!("{mark}{text}{mark}"));
            }
            "blocked-hotlinked-placeholder" | "broken-image" => return placeholder(walk, id),
            _ => continue,
        }
        return true;
    }
    false
}

/// `[ ]` at the head of an item, else the brackets as they were typed: many are no boxes at all.
fn checkbox(walk: &mut Walk<'_>, id: Id) {
    let heads = |id: Id| walk.tree.prev(id).is_none();
    let in_item = |id: Id| walk.tree.parent(id).is_some_and(|parent| walk.tree.tag(parent) == Some(Tag::Li));
    let parent = walk.tree.parent(id);
    let head = heads(id) && (in_item(id) || parent.is_some_and(|parent| heads(parent) && in_item(parent)));
    let done = walk.tree.classes(id).any(|class| class == "checked");
    walk.out.atom(match (done, head) {
        (true, _) => "[x]",
        (false, true) => "[ ]",
        (false, false) => "[]",
    });
}

fn division(walk: &mut Walk<'_>, id: Id) -> bool {
    for class in walk.tree.classes(id) {
        match class {
            "quote-controls" => walk.drop("quote controls"),
            "meta" if is_in_lightbox(walk.tree, id) => walk.drop("lightbox caption"),
            "poll-info" | "poll-buttons" => walk.drop("poll controls"),
            "cooked-selection-barrier" | "codeblock-button-wrapper" => walk.drop("button"),
            "spoiler" | "spoiled" => {
                walk.found.spoilers += 1;
                walk.plain_block(id);
            }
            "math" => {
                let text = walk.tree.text(id);
                walk.formula(&text, true);
            }
            "lazyYT"
            | "lazyYT-container"
            | "youtube-onebox"
            | "lazy-video-container"
            | "video-onebox"
            | "video-placeholder-container"
            | "onebox" => return walk.player(id),
            "large-image-placeholder" | "broken-image" | "blocked-hotlinked-placeholder" => {
                walk.out.block(Gap::Blank);
                placeholder(walk, id);
                walk.out.block(Gap::Blank);
            }
            "discourse-post-event" => walk.event(id),
            _ => continue,
        }
        return true;
    }
    false
}

fn is_in_lightbox(tree: &Tree, id: Id) -> bool {
    std::iter::successors(tree.parent(id), |id| tree.parent(*id))
        .take(3)
        .any(|above| tree.has_class(above, "lightbox") || tree.has_class(above, "lightbox-wrapper"))
}

/// A picture that Discourse would not fetch: where it was.
fn placeholder(walk: &mut Walk<'_>, id: Id) -> bool {
    let link = std::iter::once(id).chain(walk.tree.below(id)).find_map(|below| {
        [Attr::Href, Attr::OriginalHref, Attr::OriginalSrc, Attr::Src]
            .iter()
            .find_map(|attr| walk.resolve(walk.attr(below, *attr)?))
    });
    match link {
        Some(url) => walk.stand_in(&url, "", LinkKind::Web, None),
        None => walk.children(id),
    }
    true
}

// ---- footnotes -------------------------------------------------------------------------------------------------

/// `[1]` and, for the second reference to the same note, `[1:1]`.
fn footnote_ref(walk: &mut Walk<'_>, id: Id) -> bool {
    let text = walk.tree.text(id);
    let label = text.trim().trim_matches(['[', ']']).split(':').next().unwrap_or_default().to_owned();
    if label.is_empty() {
        return false;
    }
    walk.out.atom(&if walk.is(Mode::Text) { format!("[{label}]") } else { format!("[^{label}]") });
    true
}

fn footnotes(walk: &mut Walk<'_>, id: Id) -> bool {
    let mut number = 0;
    walk.out.block(Gap::Blank);
    for item in walk.tree.children(id) {
        if walk.tree.tag(item) != Some(Tag::Li) {
            continue;
        }
        number += 1;
        let label = if walk.is(Mode::Text) { format!("[{number}] ") } else { format!("[^{number}]: ") };
        walk.out.item(if number == 1 { Gap::Blank } else { Gap::Line }, number == 1);
        walk.out.push_item(Some(label), 4);
        walk.children(item);
        walk.out.pop();
    }
    walk.out.block(Gap::Blank);
    true
}
