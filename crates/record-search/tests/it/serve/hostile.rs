//! Whatever a record holds, a browser runs nothing of it and asks nobody for it.

use std::collections::BTreeSet;

use record_search::{Cell, Document, Kind, Value};

use super::{Running, encoded, serve};
use crate::{hashed, index};

const ATTACKS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title></textarea></style><svg onload=alert(1)>",
    "{{7*7}}${7*7}<%= 7 %>",
    "\u{202e}gnp.exe\u{0}\u{1b}[31m",
    "]]>&lt;b&gt;&amp;&#x3c;script&#x3e;",
    "a,b\"c d\"*?",
    "../../../../etc/passwd?x=1#y",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/a.css>",
];

/// Records with an attack in every field.
pub(crate) fn documents() -> Vec<Document> {
    let mut documents = Vec::new();
    for (at, attack) in ATTACKS.iter().enumerate() {
        let facet = || {
            (
                Kind::Facet,
                Cell { value: Value::Texts(vec![(*attack).into(), "plain".into()]), derived: at % 2 == 0 },
            )
        };
        let mut document = Document {
            source: format!("hf-models{}", if at % 3 == 0 { attack.replace(':', "") } else { String::new() }),
            id: format!("{attack}/{at}"),
            name: (*attack).into(),
            author: (*attack).into(),
            tags: vec![(*attack).into()],
            card: format!("{attack} card"),
            url: Some(ATTACKS[(at + 3) % ATTACKS.len()].replace("{id}", "x")),
            meaning: "card".into(),
            ..Document::default()
        };
        let source = Cell::texts([document.source.clone()]);
        document.columns.insert("source".into(), (Kind::Facet, source));
        for column in
            ["license", "author", "base", "dataset", "relation", "task", "quantisation", "gguf", "dtype"]
        {
            document.columns.insert(column.into(), facet());
        }
        for (column, number) in
            [("params", 7e9), ("downloads", -1.5), ("weight_bytes", 1e300), ("kv_bytes_per_token", 1e18)]
        {
            document.columns.insert(column.into(), (Kind::Number, Cell::number(number)));
        }
        for (column, time) in [("created", 1e300), ("updated", -1e18)] {
            document.columns.insert(column.into(), (Kind::Time, Cell::number(time)));
        }
        documents.push(document);
    }
    documents
}

/// The tags of a page: name and the text of the attributes. Our own pages are well made, so that this is enough.
fn tags(page: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        // Values are quoted, and a quotation mark within is escaped.
        let (mut quoted, mut end) = (false, rest.len());
        for (at, char) in rest.char_indices() {
            match char {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let tag = &rest[..end];
        let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
        out.push((name.to_lowercase(), attributes.to_owned()));
        rest = &rest[end..];
    }
    out
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let at = format!(" {attributes}").find(&format!(" {name}=\""))?;
    attributes[at + name.len() + 2..].split('"').next()
}

#[test]
fn no_page_holds_anything_that_a_record_made() {
    let (folder, _index) = index(&documents());
    let server = serve(folder.path(), hashed(), None);
    let mut open =
        vec!["/".to_owned(), "/catalogue".into(), "/authors".into(), "/datasets".into(), "/state".into()];
    for attack in ATTACKS {
        for name in [
            "q", "license", "f", "sort", "like", "fits", "at", "key", "by", "source", "since", "order",
            attack,
        ] {
            for path in ["/", "/model", "/why", "/compare", "/catalogue", "/authors"] {
                open.push(format!("{path}?{}={}", encoded(name), encoded(attack)));
            }
        }
    }
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    let (mut pages, mut models) = (0, 0);
    while let Some(path) = open.pop() {
        let got = server.get(&path);
        assert!(matches!(got.status, 200 | 400 | 404), "{path}: {} {}", got.status, got.body);
        pages += 1;
        models += u32::from(got.status == 200 && path.starts_with("/model"));
        for address in check(&path, &got.body, got.header("content-security-policy").unwrap()) {
            if pages + open.len() < 2_500 && seen.insert(address.clone()) {
                open.push(address);
            }
        }
    }
    assert!(pages > 900 && models >= ATTACKS.len() as u32, "{pages} pages, {models} models");
}

/// Looks at all tags of a page; gives the links that lead to others of ours.
fn check(path: &str, page: &str, policy: &str) -> Vec<String> {
    const TAGS: &str = "!doctype html head meta title link script body a header form label input button nav main div h1 h2 \
                        p span strong em code ol ul li dl dt dd aside details summary fieldset legend select option datalist table \
                        caption thead tbody tr th td br svg rect section footer bdi";
    let known: BTreeSet<&str> = TAGS.split_whitespace().collect();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let mut links = Vec::new();
    for (name, attributes) in tags(page) {
        if let Some(ended) = name.strip_prefix('/') {
            assert!(known.contains(ended), "{path}: </{ended}>");
            continue;
        }
        assert!(known.contains(name.as_str()), "{path}: <{name} {attributes}>");
        let outside_quotes: String = attributes.split('"').step_by(2).collect();
        let foreign =
            outside_quotes.split_whitespace().any(|attribute| attribute.to_lowercase().starts_with("on"));
        assert!(!foreign && !outside_quotes.contains("style="), "{path}: <{name} {attributes}>");
        for place in ["src", "href", "action"] {
            let Some(address) = attribute(&attributes, place) else { continue };
            let address = address.replace("&amp;", "&");
            if address.starts_with("https://") || address.starts_with("http://") {
                assert!(
                    name == "a" && attributes.contains("rel=\"noopener noreferrer nofollow\""),
                    "{path}: {attributes}"
                );
                continue;
            }
            let ours = (address.starts_with('/') && !address.starts_with("//")) || address.starts_with('#');
            assert!(ours, "{path}: <{name} {attributes}>");
            if name == "a"
                && address.starts_with('/')
                && !address.starts_with("/feed")
                && !address.starts_with("/api")
            {
                links.push(address.split('#').next().unwrap().to_owned());
            }
        }
        if name == "script" {
            assert!(
                attribute(&attributes, "src").is_some_and(|src| src.starts_with("/page.js?v=")),
                "{path}"
            );
        }
    }
    assert_eq!(page.matches("<script").count(), 1, "{path}");
    // What was typed is sent back as it was, in the value of its field alone.
    let mut page = page.to_owned();
    while let Some(at) = page.find(" value=\"") {
        let end = page[at + 8..].find('"').unwrap();
        page.replace_range(at..at + 9 + end, "");
    }
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains('\0'), "{path}");
    links
}

#[test]
fn feeds_and_json_of_hostile_records_can_be_read() {
    let mut documents = documents();
    for document in &mut documents {
        document.columns.insert("created".into(), (Kind::Time, Cell::number(1.7e9)));
    }
    let (folder, _index) = index(&documents);
    let server: Running = serve(folder.path(), hashed(), None);
    let feed = server.get(&format!("/feed?q={}", encoded("card")));
    assert!(feed.header("content-type").unwrap().starts_with("application/atom+xml"));
    let mut reader = quick_xml::Reader::from_str(&feed.body);
    let (mut entries, mut elements) = (0, BTreeSet::new());
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => {
                entries += u32::from(start.name().as_ref() == "entry");
                elements.insert(start.name().as_ref().to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(entries, ATTACKS.len() as u32);
    let expected = ["author", "entry", "feed", "id", "name", "summary", "title", "updated"];
    assert_eq!(elements.into_iter().collect::<Vec<_>>(), expected);
    for path in ["/api/search", "/api/catalogue", "/api/authors", "/api/state"] {
        let got = server.get(path);
        assert!(
            got.status == 200 && got.header("content-type") == Some("application/json"),
            "{path}: {}",
            got.body
        );
        got.json();
    }
}
