//! Meta tags of a page, without a tree: wherever `<meta` stands it is read, which errs on the strict side.

/// So many tags are read.
const MOST_TAGS: usize = 500;
/// So many characters of a tag are read.
const LONGEST_TAG: usize = 8 << 10;

/// The names (or properties) and contents of meta tags, in order.
pub(super) fn tags(html: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = html;
    for _ in 0..MOST_TAGS {
        let Some(at) = find_tag(rest.as_bytes()) else { break };
        rest = &rest[at..];
        let end = rest.char_indices().map(|(at, _)| at).find(|at| *at >= LONGEST_TAG).unwrap_or(rest.len());
        let (mut name, mut content) = (None, None);
        for (key, value) in attributes(&rest[..end]) {
            match key.to_ascii_lowercase().as_str() {
                "name" | "http-equiv" | "property" => name = name.or(Some(value)),
                "content" => content = content.or(Some(value)),
                _ => {}
            }
        }
        if let (Some(name), Some(content)) = (name, content) {
            found.push((name.to_owned(), content.to_owned()));
        }
    }
    found
}

/// Where the attributes of the next meta tag begin.
fn find_tag(html: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'<', html).find_map(|at| {
        let name = html.get(at + 1..at + 6)?;
        let whole =
            name[..4].eq_ignore_ascii_case(b"meta") && (name[4].is_ascii_whitespace() || name[4] == b'/');
        whole.then_some(at + 5)
    })
}

/// Attributes up to the end of the tag; values in either quotes or bare.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return None;
        }
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // A stray `=` begins a name, as in a browser.
        let skip = usize::from(rest.starts_with('='));
        let end = rest[skip..].find(ends).map_or(rest.len(), |at| at + skip);
        let key = &rest[..end];
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=') else { return Some((key, "")) };
        let after = after.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        let (value, left) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => {
                let end = after.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(after.len());
                (after[..end].trim_end_matches('/'), &after[end..])
            }
        };
        rest = left;
        Some((key, value))
    })
}
