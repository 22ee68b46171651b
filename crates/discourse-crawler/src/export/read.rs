//! What was read in pictures, put where they stand.

use crawl_core::record::conversation::{Image, Post};

/// Puts the text of each picture behind it; where the picture itself was not kept, in its place.
pub(super) fn with_text(post: &mut Post) {
    let Some(mut markdown) = post.markdown.take() else { return };
    for image in &post.images {
        let (Some(address), Some(text)) = (image.url.as_deref(), text(image)) else { continue };
        let Some((from, to)) = picture(&markdown, address) else { continue };
        let start = if image.file.is_none() { from } else { to };
        markdown.replace_range(start..to, &told(text));
    }
    post.markdown = Some(markdown);
}

fn text(image: &Image) -> Option<&str> {
    image.ocr.as_ref()?.get("text")?.as_str().filter(|text| !text.trim().is_empty())
}

/// One line stands in the line; several are a block, which no mark in them can end.
fn told(text: &str) -> String {
    let text = text.trim();
    if !text.contains('\n') {
        return format!(" [image text: {text}]");
    }
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n\n[image text:]\n\n{fence}\n{text}\n{fence}\n\n")
}

/// Where `![alt](address)` stands in a text.
pub(super) fn picture(text: &str, address: &str) -> Option<(usize, usize)> {
    let at = text.find(&format!("]({address}"))?;
    let from = text[..at].rfind("![")?;
    let to = at + text[at..].find(')')? + 1;
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(kept: bool, text: &str) -> Post {
        let image = Image {
            url: Some("https://f.org/a.png".into()),
            file: kept.then(|| "images/a.png".into()),
            ocr: Some(serde_json::json!({"text": text})),
            ..Image::default()
        };
        Post {
            markdown: Some("Look: ![it](https://f.org/a.png) there.".into()),
            images: vec![image],
            ..Post::default()
        }
    }

    #[test]
    fn text_stands_where_the_picture_stood() {
        let read = |mut post: Post| {
            with_text(&mut post);
            post.markdown.unwrap()
        };
        assert_eq!(
            read(post(true, "error 5")),
            "Look: ![it](https://f.org/a.png) [image text: error 5] there."
        );
        assert_eq!(read(post(false, "error 5")), "Look:  [image text: error 5] there.");
        let block = read(post(true, "a\n```\nb"));
        assert!(block.contains("\n````\na\n```\nb\n````\n"), "{block}");
    }
}
