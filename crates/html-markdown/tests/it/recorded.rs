//! Recorded posts: no residue of markup, code as it was typed, words as they were written.

use html_markdown::{Mode, Options, Rules, convert, markdown};
use url::Url;

use crate::samples;

fn options() -> Options {
    Options::discourse(Some(Url::parse("https://forum.example/").unwrap()))
}

/// What Discourse's own markup would leave behind; in code and in raw text people write about it, too.
const RESIDUE: &[&str] = &[
    "lightbox",
    "quote-controls",
    "avatar",
    "d-icon",
    "site-icon",
    "chcklst",
    "badge-",
    "onebox-",
    "data-post",
    "class=",
    "<div",
    "<span",
    "<aside",
    "<svg",
    "<p>",
    "</",
    "Show results",
    "image larger than",
];

#[test]
fn no_residue_of_markup_is_left_in_any_recorded_post() {
    let Some(posts) = samples::posts() else { return };
    let mut left = Vec::new();
    for post in &posts {
        let found = convert(&post.cooked, &options());
        let mut text = found.markdown.clone();
        // Code, URLs and alternative texts are what people wrote.
        for code in &found.code {
            for line in code.text.lines().filter(|line| !line.trim().is_empty()) {
                text = text.replace(line, "");
            }
        }
        for url in found.links.iter().map(|link| &link.url).chain(found.images.iter().map(|image| &image.url))
        {
            text = text.replace(url.as_str(), "");
        }
        let plain = visible(&post.cooked);
        // These the author typed as HTML, or Markdown has no other way to say them.
        for tag in ["sup", "sub", "kbd"] {
            text = text.replace(&format!("</{tag}>"), "");
        }
        for residue in RESIDUE {
            if text.contains(residue) && !plain.contains(residue) {
                let at = text.find(residue).unwrap();
                let from =
                    (0..=at.saturating_sub(60)).rev().find(|from| text.is_char_boundary(*from)).unwrap_or(0);
                left.push(format!(
                    "{}: {residue}: {:?}",
                    post.name,
                    text[from..].chars().take(140).collect::<String>()
                ));
            }
        }
        assert!(!found.flattened, "{}", post.name);
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
    eprintln!("{} posts", posts.len());
}

/// What a reader sees, found by the plainest means.
fn visible(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Blocks of code in raw text: fences, `[code]`, and lines indented by four blanks after an empty line.
fn raw_code(raw: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut fence: Option<(String, Vec<&str>)> = None;
    for line in raw.lines() {
        let bare = line.trim_start();
        let ticks = bare.len() - bare.trim_start_matches('`').len();
        match &mut fence {
            Some((open, lines)) => {
                if ticks >= open.len() && bare.trim().len() == ticks {
                    let (_, lines) = fence.take().unwrap();
                    blocks.push(lines.join("\n"));
                } else {
                    lines.push(line);
                }
            }
            None if ticks >= 3
                && line.len() - bare.len() < 4
                && !bare.trim_start_matches('`').contains('`') =>
            {
                fence = Some((bare[..ticks].to_owned(), Vec::new()));
            }
            None => {}
        }
    }
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once("[code") {
        let Some((code, after)) = after.split_once("[/code]") else { break };
        let code = code.split_once(']').map_or(code, |(_, code)| code);
        if code.contains('\n') {
            let code = code.strip_prefix('\n').unwrap_or(code);
            blocks.push(code.strip_suffix('\n').unwrap_or(code).to_owned());
        }
        rest = after;
    }
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

/// Posts whose code differs from the raw text, and why it is not the conversion that changed it.
const NOT_THE_SAME_CODE: &[(&str, &str)] = &[
    (
        "240-android-solved-android-build-on-windows-cmake-er #1",
        "Discourse left this [code] unread: it is text in the page",
    ),
    ("7160-raycast-trouble #11", "hidden by the community: the page says so and nothing else"),
];

#[test]
fn code_is_byte_for_byte_what_the_author_typed() {
    let Some(posts) = samples::posts() else { return };
    let (mut same, mut wrong) = (0, Vec::new());
    for post in &posts {
        let Some(raw) = &post.raw else { continue };
        let found = convert(&post.cooked, &options());
        for block in raw_code(raw) {
            if found.code.iter().any(|code| code.text == block || code.text == block.trim_end()) {
                same += 1;
                assert!(markdown_holds(&found.markdown, &block), "{}: {block}", post.name);
            } else if !NOT_THE_SAME_CODE.iter().any(|(name, _)| *name == post.name) {
                wrong.push(format!(
                    "{}:\n{block}\n--- given\n{}",
                    post.name,
                    found.code.iter().map(|code| &*code.text).collect::<Vec<_>>().join("\n-\n")
                ));
            }
        }
    }
    eprintln!("{same} blocks of code are the same");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n=======\n"));
}

/// Whether every line of the code stands in the Markdown, in this order, behind its prefix.
fn markdown_holds(markdown: &str, code: &str) -> bool {
    let mut lines = markdown.lines();
    code.trim_end().lines().all(|line| lines.any(|one| one.trim_end().ends_with(line.trim_end())))
}

/// Raw text without its markup: BBCode, names of emoji, tags and comments of HTML, the heads of fences.
fn without_markup(raw: &str) -> String {
    const TAGS: &[&str] = &[
        "quote", "code", "b", "i", "u", "s", "spoiler", "poll", "img", "url", "size", "color", "details",
        "list", "*", "center",
    ];
    let mut text = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find(['[', ':', '<']) {
        let (before, markup) = rest.split_at(at);
        text.push_str(before);
        let (open, end) = (markup.as_bytes()[0], markup[1..].find([']', ':', '>', '\n']).map(|end| end + 1));
        let inner = end.map(|end| &markup[1..end]).unwrap_or_default();
        let closed = end.is_some_and(|end| markup.as_bytes()[end] != b'\n');
        let is_markup = match open {
            b'[' => {
                let name =
                    inner.trim_start_matches('/').split(['=', ' ']).next().unwrap_or_default().to_lowercase();
                closed && TAGS.contains(&&*name)
            }
            b':' => {
                closed
                    && inner.len() > 1
                    && inner
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_+-".contains(&b))
            }
            _ => closed && inner.starts_with("img "),
        };
        match markup.find(if open == b'[' {
            ']'
        } else if open == b':' {
            ':'
        } else {
            '>'
        }) {
            Some(_) if is_markup => {
                let skip = markup[1..]
                    .find(match open {
                        b'[' => ']',
                        b':' => ':',
                        _ => '>',
                    })
                    .unwrap()
                    + 2;
                text.push(' ');
                rest = &markup[skip..];
            }
            _ => {
                text.push(open as char);
                rest = &markup[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// Words without URLs and the heads of fences.
fn words(text: &str) -> Vec<String> {
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().trim_start_matches(['>', ' ']).starts_with("```") {
            continue;
        }
        for word in line.split_whitespace() {
            match word.find("http://").or_else(|| word.find("https://")).or_else(|| word.find("upload://")) {
                Some(at) => kept.push_str(&word[..at]),
                None => kept.push_str(word),
            }
            kept.push(' ');
        }
        kept.push('\n');
    }
    kept.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// 2 x the longest common subsequence, over both lengths.
fn similarity(a: &[String], b: &[String]) -> f64 {
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let mut row = vec![0_usize; b.len() + 1];
    for left in a {
        let mut diagonal = 0;
        for (at, right) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if left == right { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    2.0 * row[b.len()] as f64 / (a.len() + b.len()) as f64
}

#[test]
fn at_least_250_of_the_291_recorded_pairs_have_the_words_of_their_raw_text() {
    let Some(folder) = samples::folder("discourse/markdown_pairs") else { return };
    let pairs = std::fs::read_to_string(folder.join("urho3d_raw_cooked_pairs.jsonl")).unwrap();
    let (mut near, mut all, mut far) = (0, 0, Vec::new());
    for line in pairs.lines() {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let (raw, cooked) = (pair["raw"].as_str().unwrap(), pair["cooked"].as_str().unwrap());
        let found = convert(cooked, &options());
        let mut given = found.markdown.clone();
        for link in found.links.iter().filter(|link| {
            matches!(
                link.kind,
                html_markdown::LinkKind::Onebox
                    | html_markdown::LinkKind::InlineOnebox
                    | html_markdown::LinkKind::Media
            )
        }) {
            given = given.replace(&format!("[{}]({})", link.text, link.url), "");
        }
        let alike = similarity(&words(&without_markup(raw)), &words(&given));
        all += 1;
        if alike >= 0.97 {
            near += 1;
        } else {
            far.push(format!("{alike:.3}\n--- raw\n{raw}\n--- given\n{given}\n"));
        }
    }
    eprintln!("{}", far.join("=========\n"));
    eprintln!("{near} of {all} pairs are at least 0.97 alike");
    assert!(near >= 250, "{near} of {all}");
}

#[test]
fn each_recorded_post_converts_in_every_mode() {
    let Some(posts) = samples::posts() else { return };
    for post in &posts {
        for mode in [Mode::Training, Mode::Composer, Mode::Faithful, Mode::Text] {
            for rules in [Rules::Generic, Rules::Discourse] {
                let text = markdown(&post.cooked, &Options { rules, ..options() }.mode(mode));
                assert!(text.len() < 4 * post.cooked.len() + 65536, "{}", post.name);
            }
        }
    }
}
