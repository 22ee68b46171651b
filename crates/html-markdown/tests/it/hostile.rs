//! Pages that mean harm: random markup, deep nesting, much of everything.

use std::time::{Duration, Instant};

use html_markdown::{Mode, Options, convert};
use url::Url;

/// Debug builds are slow, shared machines slower; what is quadratic takes hours.
const LONG: Duration = Duration::from_secs(120);

fn bounded(html: &str, options: &Options) -> html_markdown::Converted {
    let start = Instant::now();
    let found = convert(html, options);
    assert!(start.elapsed() < LONG, "{:?} for {} bytes", start.elapsed(), html.len());
    assert!(found.markdown.len() <= 6 * html.len() + (1 << 17), "{} of {}", found.markdown.len(), html.len());
    let told = found.quotes.iter().map(|one| one.text.len()).sum::<usize>()
        + found.links.iter().map(|one| one.text.len() + one.url.len()).sum::<usize>();
    assert!(told <= 12 * html.len() + (1 << 22), "{told} of {}", html.len());
    found
}

const PIECES: &[&str] = &[
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<a href=x>",
    "<a href='//e.example/(' title=t>",
    "</a>",
    "<ul>",
    "<ol start=9>",
    "<li>",
    "</li>",
    "</ul>",
    "</ol>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<code class=lang-c>",
    "<table>",
    "<tr>",
    "<td colspan=99999>",
    "<td>",
    "<th>",
    "</table>",
    "<blockquote>",
    "</blockquote>",
    "<br>",
    "<hr>",
    "<img src=a.png alt='[x'>",
    "<img class=emoji title=':+1:'>",
    "<h1>",
    "</h1>",
    "<h3>",
    "<aside class=quote data-username=a data-topic=1>",
    "<aside class=onebox>",
    "</aside>",
    "<div class=title>",
    "<div class=lightbox-wrapper>",
    "<a class=lightbox href=y>",
    "<a class=mention>",
    "@sam",
    "<span class='spoiler math'>",
    "</span>",
    "<details>",
    "<summary>",
    "</details>",
    "<sup class=footnote-ref>",
    "<ol class=footnotes-list>",
    "<svg>",
    "</svg>",
    "<math>",
    "</math>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<template>",
    "</template>",
    "<select>",
    "<option>",
    "</select>",
    "<frameset>",
    "<plaintext>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title>",
    "<kbd>",
    "</kbd>",
    "<s>",
    "</s>",
    "\n",
    " ",
    "\u{a0}",
    "\r\n",
    "\0",
    "é",
    "漢",
    "e\u{301}",
    "**",
    "_",
    "`",
    "```\n",
    "# ",
    "1. ",
    "|",
    "&amp;",
    "&#0;",
    "&#x110000;",
    "&lt",
    "a",
    "word",
    "https://x.example/",
    "<p class=MsoListParagraph style='mso-list:l0 level99'>",
    "<dl>",
    "<dt>",
    "<dd>",
    "<video src=v.mp4>",
    "<iframe src=i>",
    "<input type=checkbox>",
    "<",
    ">",
    "</",
    "<a",
    "\"",
    "'",
    "=",
    "<x-y>",
    "</x-y>",
    "<body>",
    "</body>",
    "<head>",
];

#[test]
fn random_markup_never_fails_in_any_mode() {
    let base = Some(Url::parse("https://forum.example/").unwrap());
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3_000 {
        let html: String = (0..random.usize(1..60)).map(|_| PIECES[random.usize(..PIECES.len())]).collect();
        for mode in [Mode::Training, Mode::Composer, Mode::Faithful, Mode::Text] {
            for options in
                [Options::discourse(base.clone()), Options { base: base.clone(), ..Options::default() }]
            {
                let found = bounded(&html, &options.mode(mode));
                let places =
                    found.images.iter().map(|one| &one.at).chain(found.mentions.iter().map(|one| &one.at));
                for at in places.chain(found.quotes.iter().map(|one| &one.at)) {
                    assert!(
                        found.markdown.get(at.clone()).is_some(),
                        "{html:?} {mode:?} {at:?} in {:?}",
                        found.markdown
                    );
                }
                for mention in &found.mentions {
                    assert_eq!(
                        found.markdown[mention.at.clone()].replace('\\', ""),
                        format!("@{}", mention.name),
                        "{html:?} {mode:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_hundred_thousand_nested_tags_end_soon_and_keep_their_text() {
    for tag in [
        "div",
        "b",
        "blockquote",
        "ul><li",
        "ol><li",
        "table><tr><td",
        "span",
        "a href=x",
        "details",
        "font color=red",
        "pre",
        "aside class=quote",
        "code",
        "h1",
        "x-y",
        "svg",
        "math",
        "select",
        "form",
        "p",
        "em",
        "sup",
        "button",
        "template",
    ] {
        let html = format!("before {}inside", format!("<{tag}>").repeat(100_000));
        let found = bounded(&html, &Options::discourse(None));
        assert!(found.flattened || tag != "div");
        assert!(found.markdown.contains("before"), "{tag}");
        let hidden = matches!(tag, "svg" | "select" | "template" | "button");
        assert!(hidden || found.markdown.contains("inside"), "{tag}");
    }
}

#[test]
fn attacks_on_the_tree_builder_end_soon() {
    let many = |piece: &dyn Fn(usize) -> String, times: usize| (0..times).map(piece).collect::<String>();
    let attacks = [
        // Every paragraph opens all formatting again.
        many(&|n| format!("<p><font size={n} class=c{n}></p>"), 5_000),
        many(&|n| format!("<b class=c{n}>"), 500) + &"<p>x".repeat(12_000),
        // Misnested formatting, many attributes, many names, foster parents.
        "<a><b><div></a>".repeat(5_000),
        "<table><b>x<tr>".repeat(5_000),
        format!("<a {}>x", many(&|n| format!("a{n} "), 75_000)),
        many(&|n| format!("<t{n}>x"), 12_000),
        "<p>".repeat(50_000),
        "</p>".repeat(50_000),
        "<br>".repeat(50_000) + "x",
        "&amp".repeat(50_000),
        "<!--".repeat(50_000),
        "<li>x".repeat(25_000),
        format!("{}{}", "<blockquote>".repeat(40), "x<br>".repeat(25_000)),
        format!("{}{}", "<ul><li>".repeat(100), "x<p>".repeat(12_000)),
        format!("<table>{}</table>", "<tr><td colspan=1000>x<td>y".repeat(5_000)),
        format!("<pre>{}</pre>", "`".repeat(1_000_000)),
        format!("<img alt=\"{}\" src=x>", "[".repeat(1_000_000)),
        format!("<a href=\"{}\">x</a>", "(".repeat(1_000_000)),
        "<a href=x>y</a> ".repeat(12_000),
        "<b>x</b><b>y</b>".repeat(12_000),
        "<em>\"x\"</em>y".repeat(12_000),
        "<table><tr><td><table><tr><td>".repeat(3_000),
        "<p class=MsoListParagraph style='mso-list:l0 level1'>x</p> ".repeat(5_000),
        // A text that grows now and then, and much that is told twice.
        format!("<table><tr>{}", "<td>x</td>y".repeat(25_000)),
        "<aside class=quote data-username=a><blockquote>".repeat(60) + &"words of somebody ".repeat(20_000),
        "<a href=x><table><tr><td>".repeat(40) + &"words of a link ".repeat(20_000),
        "<a class=hashtag href=x>y</a>".repeat(5_000),
        "<sup>".repeat(100) + &"<p>x".repeat(12_000),
    ];
    for attack in &attacks {
        for options in [
            Options::default(),
            Options::discourse(Some(
                Url::parse(&format!("https://forum.example/{}", "d/".repeat(500))).unwrap(),
            )),
            Options::default().mode(Mode::Faithful),
        ] {
            let start = Instant::now();
            bounded(attack, &options);
            assert!(start.elapsed() < LONG / 4, "{:?}: {}", start.elapsed(), &attack[..60]);
        }
    }
}

#[test]
fn a_page_of_five_mebibytes_is_read_whole() {
    let html = "<p>Some <b>words</b> and <a href=\"https://x.example/\">a link</a>.</p>\n"
        .repeat(5 * 1024 * 1024 / 68);
    let found = bounded(&html, &Options::default());
    assert!(found.markdown.ends_with("."));
    assert!(found.markdown.matches("words").count() == html.matches("words").count(), "no word is lost");
}
