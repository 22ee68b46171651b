//! One post in the normal form.

use crawl_core::record::conversation::{Code, Image, Link, Post, Quote};
use html_markdown::{Converted, LinkKind, Options, convert};
use url::Url;

use super::body::PostBody;
use crate::raw::from_raw;

/// The post as it is written; `opener` opened the topic, `accepted` is the number of the accepted answer.
pub(super) fn written(post: &PostBody, base: &Url, opener: Option<i64>, accepted: Option<u64>) -> Post {
    let cooked = post.cooked.as_deref().unwrap_or_default();
    let converted = convert(cooked, &Options::discourse(Some(base.clone())));
    let dropped = post.dropped();
    // What its author took back, and what staff hid, is not kept.
    let gone = matches!(dropped, Some("deleted" | "hidden" | "whisper"));
    // What came by mail ends in a signature and in what it answers: the forum folds both away, the raw text does not.
    let from_raw = post
        .raw
        .as_deref()
        .filter(|_| !gone && !post.via_email)
        .and_then(|raw| from_raw(raw, &converted, base));
    let (markdown, from) = match from_raw {
        _ if gone => (None, None),
        Some(markdown) => (Some(markdown), Some("raw")),
        None => (Some(converted.markdown.clone()), Some("html")),
    };
    let Converted { images, links, quotes, code, .. } = if gone { Converted::default() } else { converted };
    let (attached, links): (Vec<_>, Vec<_>) =
        links.into_iter().partition(|link| link.kind == LinkKind::Attachment);
    let link = |link: html_markdown::Link| Link {
        url: filled(link.url),
        title: filled(link.text),
        internal: link.internal,
        ..Link::default()
    };
    let mut written = Post {
        id: post.id,
        number: post.post_number,
        reply_to: post.reply_to_post_number,
        quotes: quotes.into_iter().map(quote).collect(),
        username: post.username.clone(),
        name: post.name.clone().and_then(filled),
        user_id: post.user_id.and_then(|id| u64::try_from(id).ok()),
        role_flags: roles(post, opener),
        created_at: post.created_at.clone(),
        updated_at: post.updated_at.clone(),
        version: post.version,
        likes: Some(post.likes()),
        reactions: post.reactions.clone().filter(|reactions| !reactions.is_null()),
        accepted: Some(accepted.is_some() && accepted == post.post_number),
        markdown,
        markdown_from: from.map(String::from),
        images: images.into_iter().map(image).collect(),
        links: links.into_iter().map(link).collect(),
        code: code
            .into_iter()
            .map(|code| Code { lang: code.language, text: Some(code.text), ..Code::default() })
            .collect(),
        attachments: attached.into_iter().map(link).collect(),
        deleted: Some(dropped == Some("deleted")),
        dropped_reason: dropped.map(String::from),
        ..Post::default()
    };
    if let Some(code) = &post.action_code {
        written.more.insert("action_code".into(), code.clone().into());
    }
    if post.wiki {
        written.more.insert("wiki".into(), true.into());
    }
    written
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn quote(quote: html_markdown::Quote) -> Quote {
    Quote {
        username: quote.username,
        post_number: quote.post_number,
        topic_id: quote.topic_id,
        text: filled(quote.text),
        ..Quote::default()
    }
}

fn image(image: html_markdown::Image) -> Image {
    Image {
        url: filled(image.url),
        alt: filled(image.alt),
        width: image.width,
        height: image.height,
        ..Image::default()
    }
}

fn roles(post: &PostBody, opener: Option<i64>) -> Vec<String> {
    let flags = [
        ("op", opener.is_some() && post.user_id == opener),
        ("staff", post.staff),
        ("mod", post.moderator),
        ("admin", post.admin),
        ("staff_note", post.post_type == Some(2)),
        ("via_email", post.via_email),
    ];
    let mut roles: Vec<String> =
        flags.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect();
    roles.extend(post.trust_level.map(|level| format!("tl{level}")));
    roles
}
