//! What an author typed, as plain Markdown: Discourse's own marks become Markdown's, code is not touched.

use std::borrow::Cow;
use std::sync::LazyLock;

use html_markdown::{Converted, LinkKind};
use regex::{Captures, Regex};
use url::Url;

/// Markup that only the forum's own reader knows what to make of: then what it made is taken.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)</?(?:[a-z][a-z0-9]*)(?:\s[^<>]*)?/?>|\[/(?:b|i|u|s|url|img|code|list|color|size|font|center|email)\]",
    )
});
/// `![alt|690x388, 50%](address "title")`, and `[name|attachment](address)`.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(!?)\[([^\[\]]*)\]\((upload://[^\s)]+|/[^\s)]*)((?:\s+"[^"]*")?)\)(?: \(([0-9.,]+ [KMGT]?B)\))?"#,
    )
});
static QUOTE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)\[quote(?:=[^\]]*)?\]|\[/quote\]"#));
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\[/?(?:spoiler|grid|wrap|poll|details|chat|event|center|hide)(?:[=\s][^\]]*)?\]|\[date(?:-range)?[=\s][^\]]*\]"#,
    )
});
static VALUE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)\b(date|from|to|time|timezone|details)="?([^"\]\s]+|[^"\]]+)"?"#));

#[allow(clippy::expect_used, reason = "the patterns are constant")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is constant")
}

/// Plain Markdown of `raw`, with addresses as `converted`, made of the same post as the forum shows it, resolves them.
/// `None` if `raw` holds HTML or BBCode outside of code: as in forums that were moved from elsewhere.
pub fn from_raw(raw: &str, converted: &Converted, base: &Url) -> Option<String> {
    let raw = raw.replace("\r\n", "\n");
    let mut written = String::with_capacity(raw.len());
    let (mut fence, mut depth): (Option<(char, usize)>, usize) = (None, 0);
    for line in raw.lines() {
        let marks = fence_of(line);
        let code = match (fence, marks) {
            (None, Some(opens)) => {
                fence = Some(opens);
                true
            }
            (Some((mark, least)), Some((now, count))) if mark == now && count >= least => {
                fence = None;
                true
            }
            (Some(_), _) => true,
            (None, None) => line.starts_with("    ") || line.starts_with('\t'),
        };
        if code {
            push(&mut written, depth, line);
            continue;
        }
        let mut plain = String::with_capacity(line.len());
        for (code, part) in spans(line) {
            if code {
                plain.push_str(part);
            } else if FOREIGN.is_match(&QUOTE.replace_all(part, "")) {
                return None;
            } else {
                plain.push_str(&resolve(part, converted, base));
            }
        }
        depth = quoted(&mut written, &plain, depth);
    }
    Some(written.trim_end().trim_start_matches('\n').to_owned())
}

/// The marks of a fence, if a line has them.
fn fence_of(line: &str) -> Option<(char, usize)> {
    let trimmed = line.trim_start();
    let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let count = trimmed.chars().take_while(|letter| *letter == mark).count();
    // A line such as ```` ```x``` ```` is a span.
    (count >= 3 && !(mark == '`' && trimmed[count..].contains('`'))).then_some((mark, count))
}

/// A line in spans of code, marks included, and the text between them.
fn spans(line: &str) -> Vec<(bool, &str)> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while let Some(at) = rest.find('`') {
        let ticks = rest[at..].bytes().take_while(|byte| *byte == b'`').count();
        let inner = &rest[at + ticks..];
        let mark = &rest[at..at + ticks];
        let mut from = 0;
        let end = loop {
            let Some(found) = inner[from..].find(mark) else { break None };
            let start = from + found;
            let run = inner[start..].bytes().take_while(|byte| *byte == b'`').count();
            if run == ticks {
                break Some(start + ticks);
            }
            from = start + run;
        };
        let cut = match end {
            Some(end) => {
                parts.push((false, &rest[..at]));
                parts.push((true, &rest[at..at + ticks + end]));
                at + ticks + end
            }
            None => {
                parts.push((false, &rest[..at + ticks]));
                at + ticks
            }
        };
        rest = &rest[cut..];
    }
    parts.push((false, rest));
    parts
}

/// Addresses of uploads and of the forum itself, and marks that only Discourse knows.
fn resolve<'a>(text: &'a str, converted: &Converted, base: &Url) -> Cow<'a, str> {
    let linked = LINK.replace_all(text, |found: &Captures<'_>| {
        let (name, address) = (&found[2], &found[3]);
        let name = name.split('|').next().unwrap_or_default();
        if is_lost(address, converted) {
            return format!("{name} (lost upload)").trim_start().to_owned();
        }
        let address = absolute(address, name, converted, base);
        let size = found.get(5).map(|size| format!(" ({})", size.as_str())).unwrap_or_default();
        format!("{}[{name}]({address}{}){size}", &found[1], &found[4])
    });
    match MARK.replace_all(&linked, |found: &Captures<'_>| mark(&found[0])) {
        Cow::Borrowed(_) => linked,
        Cow::Owned(text) => Cow::Owned(text),
    }
}

/// Whether the forum shows that an upload is not there any more.
fn is_lost(address: &str, converted: &Converted) -> bool {
    let lost = |link: &html_markdown::Link| link.kind == LinkKind::BrokenUpload && link.url == address;
    address.starts_with("upload://") && converted.links.iter().any(lost)
}

fn absolute(address: &str, name: &str, converted: &Converted, base: &Url) -> String {
    let Some(upload) = address.strip_prefix("upload://") else {
        return base.join(address).map_or_else(|_| address.to_owned(), String::from);
    };
    let sha1 = upload.split('.').next().unwrap_or_default();
    let image = converted.images.iter().find(|image| image.sha1_base62.as_deref() == Some(sha1));
    let file = || converted.links.iter().find(|link| link.url.contains(sha1) || link.text == name);
    let found = image.map(|image| &image.url).or_else(|| file().map(|link| &link.url));
    match found.filter(|url| url.starts_with("http")) {
        Some(url) => url.clone(),
        None => base
            .join(&format!("uploads/short-url/{upload}"))
            .map_or_else(|_| address.to_owned(), String::from),
    }
}

/// What a mark of Discourse's is in Markdown.
fn mark(text: &str) -> String {
    let lower = text.to_lowercase();
    let value = |name: &str| {
        VALUE
            .captures_iter(text)
            .find(|found| found[1].eq_ignore_ascii_case(name))
            .map(|found| found[2].to_owned())
    };
    if lower.starts_with("[date") {
        let parts = ["date", "from", "time", "to", "timezone"].iter().filter_map(|name| value(name));
        return parts.map(|part| part.trim_end_matches(',').to_owned()).collect::<Vec<_>>().join(" ");
    }
    match lower.strip_prefix("[details=") {
        Some(title) => format!("**{}**", text[text.len() - title.len()..].trim_matches(['"', ']', '\''])),
        None => String::new(),
    }
}

/// Writes a line, with the quotes that begin and end in it; gives how deep it leads.
fn quoted(written: &mut String, line: &str, mut depth: usize) -> usize {
    let mut from = 0;
    let mut any = false;
    for found in QUOTE.find_iter(line) {
        let before = &line[from..found.start()];
        if !before.trim().is_empty() {
            push(written, depth, before);
        }
        let ends = found.as_str().starts_with("[/");
        // A quote is a paragraph of its own.
        if ends {
            depth = depth.saturating_sub(1);
            push(written, depth, "");
        } else {
            if depth == 0 && !written.is_empty() && !written.ends_with("\n\n") {
                push(written, depth, "");
            }
            depth += 1;
        }
        (from, any) = (found.end(), true);
    }
    let rest = &line[from..];
    if !any || !rest.trim().is_empty() {
        push(written, depth, rest);
    }
    depth
}

fn push(written: &mut String, depth: usize, line: &str) {
    for _ in 0..depth {
        written.push_str(if line.is_empty() { ">" } else { "> " });
    }
    written.push_str(line);
    written.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Option<String> {
        let converted = Converted {
            images: vec![html_markdown::Image {
                url: "https://f.org/uploads/a.png".into(),
                sha1_base62: Some("AbC".into()),
                ..html_markdown::Image::default()
            }],
            ..Converted::default()
        };
        from_raw(raw, &converted, &Url::parse("https://f.org/sub/").unwrap())
    }

    #[test]
    fn uploads_and_the_forums_own_addresses_are_resolved() {
        assert_eq!(
            read("![a plot|690x388, 50%](upload://AbC.png)").unwrap(),
            "![a plot](https://f.org/uploads/a.png)"
        );
        assert_eq!(
            read("[log.zip|attachment](upload://xY1.zip) (3.5 KB)").unwrap(),
            "[log.zip](https://f.org/sub/uploads/short-url/xY1.zip) (3.5 KB)"
        );
        assert_eq!(read("see [it](/t/5)").unwrap(), "see [it](https://f.org/t/5)");
    }

    #[test]
    fn an_upload_that_is_lost_leaves_its_name() {
        let link = html_markdown::Link {
            url: "upload://gone.png".into(),
            kind: LinkKind::BrokenUpload,
            ..html_markdown::Link::default()
        };
        let converted = Converted { links: vec![link], ..Converted::default() };
        let base = Url::parse("https://f.org/").unwrap();
        let text = from_raw("see ![a plot|20x30](upload://gone.png) here", &converted, &base).unwrap();
        assert_eq!(text, "see a plot (lost upload) here");
    }

    #[test]
    fn quotes_become_markdowns_and_code_stays_to_the_byte() {
        let raw =
            "Yes:\n[quote=\"ann, post:3, topic:12\"]\none\n\ntwo [quote=\"bob\"]deep[/quote]\n[/quote]\nno\n";
        assert_eq!(read(raw).unwrap(), "Yes:\n\n> one\n>\n> two \n> > deep\n>\n\nno");
        let code =
            "```cpp\n[quote=\"x\"] <b> upload://AbC.png\n\tx[i] = y[b];\n```\n`[b]x[/b]` and ``a ` <i>``";
        assert_eq!(read(code).unwrap(), code);
    }

    #[test]
    fn html_and_bbcode_outside_of_code_are_left_to_what_the_forum_made_of_them() {
        for raw in ["a <b>c</b>", "[url=https://x]y[/url]", "[img]x[/img]", "<img src=\"x\">"] {
            assert_eq!(read(raw), None, "{raw}");
        }
        for raw in ["a < b and c > d", "x<-5", "[b", "array[i]", "1 <2>3"] {
            assert!(read(raw).is_some(), "{raw}");
        }
    }

    #[test]
    fn marks_of_discourse_leave_their_text() {
        assert_eq!(read("[details=\"More of it\"]\nhidden\n[/details]").unwrap(), "**More of it**\nhidden");
        assert_eq!(read("a [spoiler]secret[/spoiler] b").unwrap(), "a secret b");
        assert_eq!(
            read("on [date=2024-05-06 time=10:00 timezone=\"Europe/Paris\"]").unwrap(),
            "on 2024-05-06 10:00 Europe/Paris"
        );
    }
}
