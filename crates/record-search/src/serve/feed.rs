//! A search as an Atom feed: its newest hits.

use std::fmt::Write;

use crawl_core::{Result, visible};

use super::answer::{Answer, Ask};
use super::asked::link;
use super::{hits, show};
use crate::query::{Sort, wrong};
use crate::shown::Shown;

/// So many hits are in a feed.
const MOST: usize = 50;

pub(super) fn feed(ask: &Ask) -> Result<Answer> {
    let time = ["created", "updated"].into_iter().find(|column| ask.index.columns().contains_key(*column));
    let time = time.ok_or_else(|| {
        wrong("no record of this index tells when it was made".into(), "a feed needs such a column")
    })?;
    let mut query = ask.asked.query(&ask.index)?;
    query.sort = Some(Sort { column: time.into(), ascending: false });
    (query.limit, query.offset, query.explain) = (MOST, 0, false);
    query.facets.clear();
    let found = ask.index.search(&query)?;
    let base = format!("http://{}", ask.host);
    let search = ask.asked.search();
    let title = match ask.asked.one("q") {
        Some(text) => format!("record-search: {}", show::beginning(text, 100)),
        None => "record-search".to_owned(),
    };
    let when = |shown: &Shown| {
        ["updated", time].into_iter().find_map(|column| show::moment(super::memory::number(shown, column)?))
    };
    // A feed without hits has no time of its own; the beginning of time is before all hits that will come.
    let updated = found.hits.iter().filter_map(|hit| when(&hit.shown)).max();
    let updated = updated.unwrap_or_else(|| "1970-01-01T00:00:00Z".into());
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">",
    );
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<title>{}</title><id>{}</id><updated>{updated}</updated><link rel=\"self\" href=\"{}\"/><link href=\"{}\"/>",
        escaped(&title),
        escaped(&format!("{base}{}", search.url("/feed"))),
        escaped(&format!("{base}{}", search.url("/feed"))),
        escaped(&format!("{base}{}", search.url("/"))),
    );
    for shown in found.hits.iter().map(|hit| &hit.shown) {
        // An entry must have a time; what has none cannot be new.
        let Some(when) = when(shown) else { continue };
        let address = format!("{base}{}", link("/model", "key", &hits::key(shown)));
        let author = if shown.author.trim().is_empty() { "unknown" } else { &shown.author };
        let _ = write!(
            out,
            "<entry><title>{}</title><id>{}</id><updated>{when}</updated><link href=\"{}\"/>\
             <author><name>{}</name></author><summary>{}</summary></entry>",
            escaped(&show::beginning(&shown.id, 200)),
            escaped(&address),
            escaped(&address),
            escaped(&show::beginning(author, 100)),
            escaped(&show::beginning(&shown.excerpt, 300)),
        );
    }
    out.push_str("</feed>\n");
    Ok(Answer::Feed(out))
}

/// For XML: what it cannot hold is spelled out, what means something in it is escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in visible(text).chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            char if char < ' ' && !"\t\n\r".contains(char) => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_text_breaks_the_feed() {
        assert_eq!(escaped("<a b=\"c\">&'</a>"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;&lt;/a&gt;");
        assert!(
            !escaped("\0\u{1b}\u{ffff}]]>")
                .chars()
                .any(|char| char < ' ' || char == '>' || char == '\u{ffff}')
        );
    }
}
