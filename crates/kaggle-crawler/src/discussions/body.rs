//! The text of a message: Markdown as the author wrote it, or made of the HTML that the site shows.

use std::sync::LazyLock;

use crawl_core::http::Url;
use crawl_core::record::conversation::{Code, Image, Link, Post};
use html_markdown::{Converted, LinkKind, Options, convert};
use pulldown_cmark::{Options as Dialect, Parser, html};

use super::thread::Body;

static PAGE: LazyLock<Options> =
    LazyLock::new(|| Options { base: Url::parse("https://www.kaggle.com/").ok(), ..Options::default() });

/// What an HTML text of Kaggle may begin with; Markdown that begins so is rare, and converting it loses no words.
const BLOCKS: [&str; 20] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "pre",
    "blockquote",
    "table",
    "hr",
    "br",
    "a",
    "img",
    "strong",
    "em",
    "span",
];

/// Puts the text into a post, and what is in it.
pub(super) fn put(body: Body, post: &mut Post) {
    let (markdown, from, found) = match body {
        Body::Nothing => return,
        Body::Html(html) => {
            let mut found = convert(&html, &PAGE);
            (std::mem::take(&mut found.markdown), "html", found)
        }
        Body::Raw(text) => {
            let mut shown = String::with_capacity(text.len() + text.len() / 4);
            html::push_html(
                &mut shown,
                Parser::new_ext(&text, Dialect::ENABLE_TABLES | Dialect::ENABLE_STRIKETHROUGH),
            );
            (text, "raw", convert(&shown, &PAGE))
        }
    };
    post.markdown = Some(markdown);
    post.markdown_from = Some(from.into());
    tell(found, post);
}

fn tell(found: Converted, post: &mut Post) {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let image = |image: html_markdown::Image| Image {
        url: some(image.url),
        alt: some(image.alt),
        width: image.width,
        height: image.height,
        ..Image::default()
    };
    post.images = found.images.into_iter().map(image).collect();
    for link in found.links {
        let file = link.kind == LinkKind::Attachment;
        let link =
            Link { url: some(link.url), title: some(link.text), internal: link.internal, ..Link::default() };
        if file { post.attachments.push(link) } else { post.links.push(link) }
    }
    let code =
        |code: html_markdown::Code| Code { lang: code.language, text: Some(code.text), ..Code::default() };
    post.code = found.code.into_iter().map(code).collect();
}

/// What the API calls content is HTML or Markdown; nobody says which.
pub(super) fn guess(content: String) -> Body {
    let start = content.trim_start();
    if start.is_empty() {
        return Body::Nothing;
    }
    let tag = start.strip_prefix('<').map(|rest| {
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
        (rest[..end].to_ascii_lowercase(), rest[end..].starts_with(['>', ' ', '/', '\n', '\r', '\t']))
    });
    match tag {
        Some((name, true)) if BLOCKS.contains(&name.as_str()) => Body::Html(content),
        _ => Body::Raw(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: Body) -> Post {
        let mut post = Post::default();
        put(body, &mut post);
        post
    }

    #[test]
    fn html_becomes_markdown_and_markdown_stays_as_it_was_written() {
        let made =
            post(guess("<p>See <a href=\"/ann\">Ann</a></p>\r\n<pre><code>1 &lt; 2</code></pre>".into()));
        let text = made.markdown.unwrap();
        assert!(text.contains("[Ann](https://www.kaggle.com/ann)") && text.contains("1 < 2"), "{text}");
        assert!(!text.contains("<p>"));
        assert_eq!(
            (made.markdown_from.as_deref(), made.code[0].text.as_deref()),
            (Some("html"), Some("1 < 2"))
        );
        let source = "# A\r\n\n```python\nx < 1\n```\n![p](https://e.org/a.png) <b>b</b> [l](https://e.org)";
        let kept = post(guess(source.into()));
        assert_eq!((kept.markdown.as_deref(), kept.markdown_from.as_deref()), (Some(source), Some("raw")));
        assert_eq!((kept.images.len(), kept.links.len(), kept.code.len()), (1, 1, 1));
        assert_eq!(kept.code[0].lang.as_deref(), Some("python"));
        for text in ["<3 this", "< p", "a <p>b</p>", "<https://e.org>", "<T> is a type"] {
            assert!(matches!(guess(text.into()), Body::Raw(_)), "{text}");
        }
        assert!(matches!(guess(" \n".into()), Body::Nothing));
    }
}
