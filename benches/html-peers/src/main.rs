//! HTML to Markdown: speed over recorded pages, code that comes out intact, CommonMark that comes back.
//!
//! Time is that of the processor (Linux counts it a thread), so a shared machine does not decide.
//!
//! `cargo run --release --manifest-path benches/html-peers/Cargo.toml -- DIR`, a folder of recordings

use std::hint::black_box;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const ROUNDS: usize = 3;
/// Seconds a round that a converter gets; what it has not read by then it does not read.
const PATIENCE: f64 = 20.0;

type Convert = fn(&str) -> String;

const PEERS: &[(&str, Convert)] = &[
    ("html-markdown", |html| html_markdown::markdown(html, &html_markdown::Options::default())),
    ("html-markdown, faithful", |html| {
        html_markdown::markdown(html, &html_markdown::Options::default().mode(html_markdown::Mode::Faithful))
    }),
    ("fast_html2md", |html| fast_html2md::rewrite_html(html, false)),
    ("htmd", |html| {
        htmd::HtmlToMarkdown::builder()
            .skip_tags(vec!["script", "style"])
            .build()
            .convert(html)
            .unwrap_or_default()
    }),
    ("html-to-markdown-rs", |html| {
        html_to_markdown_rs::convert(html, None).ok().and_then(|result| result.content).unwrap_or_default()
    }),
    ("html2md", |html| html2md::parse_html(html)),
];

/// Code that a converter may be tempted to touch.
const CODE: &[&str] = &[
    "int a = 1 < 2;\n",
    "if (a && b) { *p = a_b_c; }\n",
    "def f(x):\n    return x[0] * 2  # not a heading\n\n\nprint(f)\n",
    "- not a list\n1. neither\n> nor a quote\n",
    "a\tb\n    c  \n",
    "```\nfence\n```\n",
    "\\* \\_ &amp; &lt;\n",
    "| a | b |\n| --- | --- |\n",
    "\n\nleading lines\n",
    "\u{a0}nbsp e\u{301} 漢字\n",
    "<div class=\"x\">&copy;</div>\n",
    "`tick` ``two``\n",
];

fn main() {
    let samples = PathBuf::from(std::env::args().nth(1).expect("the folder of the samples"));
    let pages = pages(&samples.join("web"));
    let bytes: usize = pages.iter().map(String::len).sum();
    let examples = examples(&samples);
    std::panic::set_hook(Box::new(|_| {}));
    println!("{} pages, {:.1} MB; best of {ROUNDS} rounds", pages.len(), bytes as f64 / 1e6);
    println!("| converter | MB/s | read MB | written MB | failed pages | code intact | CommonMark back |");
    println!("|---|---|---|---|---|---|---|");
    let mut best = vec![0.0_f64; PEERS.len()];
    let mut written = vec![(0, 0, 0); PEERS.len()];
    for _ in 0..ROUNDS {
        for (index, (_, convert)) in PEERS.iter().enumerate() {
            let start = cpu_seconds();
            let (mut output, mut failed, mut read) = (0, 0, 0);
            for page in &pages {
                if cpu_seconds() - start > PATIENCE {
                    break;
                }
                read += page.len();
                match catch_unwind(AssertUnwindSafe(|| black_box(convert(page)).len())) {
                    Ok(length) => output += length,
                    Err(_) => failed += 1,
                }
            }
            let spent = cpu_seconds() - start;
            eprintln!("{}: {spent:.2} s", PEERS[index].0);
            best[index] = best[index].max(read as f64 / 1e6 / spent);
            written[index] = (output, failed, read);
        }
    }
    for (index, (name, convert)) in PEERS.iter().enumerate() {
        let safe = |html: &str| catch_unwind(AssertUnwindSafe(|| convert(html))).unwrap_or_default();
        let intact =
            CODE.iter().filter(|code| code_of(&safe(&page_with(code))).as_deref() == Some(code)).count();
        let back = examples.iter().filter(|html| same(&html_of(&safe(html))) == same(html)).count();
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} | {} | {intact} of {} | {back} of {} |",
            best[index],
            written[index].2 as f64 / 1e6,
            written[index].0 as f64 / 1e6,
            written[index].1,
            CODE.len(),
            examples.len()
        );
    }
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let spent: f64 = text.split(' ').next().and_then(|spent| spent.parse().ok()).expect("nanoseconds");
    spent / 1e9
}

fn page_with(code: &str) -> String {
    let escaped = code.replace('&', "&amp;").replace('<', "&lt;");
    format!("<p>before</p><pre><code class=\"language-c\">{escaped}</code></pre><p>after</p>")
}

/// The first block of code of a Markdown text, if it says that it is C.
fn code_of(markdown: &str) -> Option<String> {
    use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
    let mut code = None;
    for event in pulldown_cmark::Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "c" => {
                code = Some(String::new())
            }
            Event::Text(text) if code.is_some() => code.as_mut()?.push_str(&text),
            Event::End(TagEnd::CodeBlock) if code.is_some() => return code,
            _ => {}
        }
    }
    None
}

fn html_of(markdown: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    html
}

/// Blind to white space between words and tags.
fn same(html: &str) -> String {
    let html = html.replace("<br>", "<br />").replace("&quot;", "\"");
    html.split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><")
}

fn examples(samples: &Path) -> Vec<String> {
    let bytes = std::fs::read(samples.join("web/markdown/commonmark_spec_0.31.2.json"))
        .unwrap_or_else(|_| b"[]".to_vec());
    let examples: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    examples.iter().filter_map(|example| example["html"].as_str().map(str::to_owned)).collect()
}

/// Every page below a folder, `.gz` unpacked, Latin-1 where it is not UTF-8.
fn pages(folder: &Path) -> Vec<String> {
    let mut pages = Vec::new();
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            pages.extend(self::pages(&path));
        } else if name.ends_with(".html") || name.ends_with(".html.gz") {
            let mut bytes = std::fs::read(&path).unwrap_or_default();
            if name.ends_with(".gz") {
                let mut unpacked = Vec::new();
                let _ = flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut unpacked);
                bytes = unpacked;
            }
            pages.push(
                String::from_utf8(bytes)
                    .unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect()),
            );
        }
    }
    pages
}
