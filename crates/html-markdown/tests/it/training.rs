//! Training text, case by case: the rules for Discourse's markup, and those for any page.

use html_markdown::{Images, LinkKind, Mode, Options, convert, markdown, text};
use url::Url;

fn forum() -> Options {
    Options::discourse(Some(Url::parse("https://forum.example/").unwrap()))
}

/// What the page is, and what is written for it.
type Case = (&'static str, &'static str);

fn all(options: &Options, cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(html, expected)| {
            let given = markdown(html, options);
            (given != *expected).then(|| format!("{html}\n--- expected\n{expected}\n--- given\n{given}\n"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn discourse_blocks_are_written_as_their_authors_wrote_them() {
    all(
        &forum(),
        &[
            ("<p>One<br>\ntwo</p>\n<p></p>\n<p>three</p>", "One\ntwo\n\nthree"),
            ("<pre><code class=\"lang-cpp\">int a = 1 &lt; 2;\n</code></pre>", "```cpp\nint a = 1 < 2;\n```"),
            (
                "<pre data-code-wrap=\"ruby\"><code class=\"lang-ruby\">puts 1\n</code></pre>",
                "```ruby\nputs 1\n```",
            ),
            ("<pre><code class=\"lang-auto\">x\n</code></pre>", "```\nx\n```"),
            ("<pre><code class=\"lang-nohighlight\">x\n</code></pre>", "```\nx\n```"),
            ("<pre><code class=\"lang-md?plain=1\">x\n</code></pre>", "```md\nx\n```"),
            ("<pre><code class=\"C++\">x\n</code></pre>", "```C++\nx\n```"),
            (
                "<pre><code class=\"lang-c++\">a\n\n  **b** `c` \\ _d_ &amp;amp;\n</code></pre>",
                "```c++\na\n\n  **b** `c` \\ _d_ &amp;\n```",
            ),
            ("<pre><code>```\ninner\n```\n</code></pre>", "````\n```\ninner\n```\n````"),
            ("<blockquote>\n<p>said</p>\n<p>more</p>\n</blockquote>", "> said\n>\n> more"),
            (
                "<h2><a name=\"p-1-x\" class=\"anchor\" href=\"#p-1-x\"></a>Title <code>c</code></h2>",
                "## Title `c`",
            ),
            ("<details>\n<summary>\nMore</summary>\n<p>hidden</p>\n</details>", "**More**\n\nhidden"),
            ("<p>a</p><details class=\"elided\"><summary>...</summary><p>old mail</p></details>", "a"),
            ("<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>", "- a\n  - b\n- c"),
            (
                "<ol start=\"3\">\n<li>a\n<pre><code>x\n</code></pre>\n</li>\n<li>b</li>\n</ol>",
                "3. a\n\n   ```\n   x\n   ```\n4. b",
            ),
            (
                "<ul>\n<li><span class=\"chcklst-box fa fa-square-o fa-fw\"></span> open</li>\n<li><span class=\"chcklst-box checked fa fa-check-square-o fa-fw\"></span> done</li>\n</ul>",
                "- [ ] open\n- [x] done",
            ),
            ("<p>int a<span class=\"chcklst-box fa fa-square-o fa-fw\"></span>;</p>", "int a[];"),
            (
                "<div class=\"md-table\"><table><thead><tr><th>a</th><th style=\"text-align:right\">b</th></tr></thead><tbody><tr><td>x | y</td><td><code>p|q</code></td></tr></tbody></table></div>",
                "| a | b |\n| --- | ---: |\n| x \\| y | `p\\|q` |",
            ),
            (
                "<div class=\"poll\" data-poll-name=\"poll\"><div><div class=\"poll-container\"><ul><li data-poll-option-id=\"1\">Yes</li><li data-poll-option-id=\"2\">No</li></ul></div><div class=\"poll-info\"><p><span class=\"info-number\">0</span><span class=\"info-text\">voters</span></p></div></div><div class=\"poll-buttons\"><a>Show results</a></div></div>",
                "- Yes\n- No",
            ),
            ("<div class=\"math\">\na_1 + b\n</div>", "$$\na_1 + b\n$$"),
            (
                "<p>say<sup class=\"footnote-ref\"><a href=\"#footnote-1-1\" id=\"footnote-ref-1-1\">[1]</a></sup></p><hr class=\"footnotes-sep\"><ol class=\"footnotes-list\"><li id=\"footnote-1-1\" class=\"footnote-item\"><p>the note <a href=\"#footnote-ref-1-1\" class=\"footnote-backref\">↩︎</a></p></li></ol>",
                "say[^1]\n\n[^1]: the note",
            ),
            (
                "<div class=\"discourse-post-event\" data-start=\"2023-06-06 11:00\" data-name=\"Weekly\"></div><p>Agenda</p>",
                "Weekly\n2023-06-06 11:00\n\nAgenda",
            ),
            ("<div class=\"spoiler\"><p>end</p></div>", "end"),
            ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
            ("<p>x</p>\n<script>var a = 1;</script><style>p {}</style><!-- c --><p>y</p>", "x\n\ny"),
        ],
    );
}

#[test]
fn discourse_words_are_written_as_their_authors_wrote_them() {
    all(
        &forum(),
        &[
            (
                "<p>Hi <a class=\"mention\" href=\"/u/sam\">@sam</a>, <span class=\"mention\">@gone</span>, <a class=\"mention-group notify\" href=\"/groups/x\">@staff</a>!</p>",
                "Hi @sam, @gone, @staff!",
            ),
            (
                "<p><a class=\"hashtag\" href=\"/c/foo/1\">#<span>foo</span></a> <a class=\"hashtag-cooked\" href=\"/tag/bar\" data-type=\"tag\" data-slug=\"bar\"><span class=\"hashtag-icon-placeholder\"><svg><use href=\"#t\"></use></svg></span><span>bar</span></a> <span class=\"hashtag-raw\">#702</span></p>",
                "#foo #bar #702",
            ),
            (
                "<p>ok <img src=\"/images/emoji/twitter/slight_smile.png?v=9\" title=\":slight_smile:\" class=\"emoji\" alt=\":slight_smile:\"> <img src=\"x\" title=\":+1:t3:\" class=\"emoji\" alt=\":+1:t3:\"> <img src=\"x\" title=\":our_logo:\" class=\"emoji emoji-custom\" alt=\":our_logo:\"></p>",
                "ok 🙂 👍🏼 :our_logo:",
            ),
            (
                "<p><span class=\"bbcode-b\">b</span> <span class=\"bbcode-i\">i</span> <span class=\"bbcode-u\">u</span> <span class=\"bbcode-s\">s</span></p>",
                "**b** *i* u ~~s~~",
            ),
            (
                "<p>a_b and *c* and std::vector&lt;int&gt; [x] 2 * 3 # 4</p>",
                "a_b and *c* and std::vector<int> [x] 2 * 3 # 4",
            ),
            (
                "<p># no heading</p><p>1. no list</p><p>- no list</p><p>&gt; no quote</p><p>+1</p><p>#tag</p><p>--flag</p><p>---</p>",
                "\\# no heading\n\n1\\. no list\n\n\\- no list\n\n\\> no quote\n\n+1\n\n#tag\n\n--flag\n\n\\---",
            ),
            (
                "<p><a href=\"https://x.example/a\">https://x.example/a</a> <a href=\"/t/x/1?u=joe\">here</a> <a href=\"https://x.example/?u=joe\">there</a></p>",
                "https://x.example/a [here](https://forum.example/t/x/1) [there](https://x.example/?u=joe)",
            ),
            (
                "<p>A <a href=\"https://x.example\">link</a><span class=\"badge badge-notification clicks\" title=\"1 click\">7</span> more</p>",
                "A [link](https://x.example) more",
            ),
            (
                "<p>press <kbd>F1</kbd>, x<sup>2</sup>, H<sub>2</sub>O, <ins>new</ins> <mark>hot</mark> <del>old</del></p>",
                "press <kbd>F1</kbd>, x<sup>2</sup>, H<sub>2</sub>O, new hot ~~old~~",
            ),
            ("<p>costs <span class=\"math\">150 and </span> more</p>", "costs $150 and $ more"),
            (
                "<p>at <span class=\"discourse-local-date\" data-date=\"2020-07-30\" data-time=\"15:53:03\" data-timezone=\"UTC\">03:53PM - 30 Jul 20 UTC</span></p>",
                "at 03:53PM - 30 Jul 20 UTC",
            ),
            ("<p><code>a`b</code> <code>``</code></p>", "``a`b`` ``` `` ```"),
            (
                "<p><strong>a</strong><strong>b</strong> <b>bold </b>word<em> it</em>alic</p>",
                "**ab** **bold** word *it*alic",
            ),
            ("<p>no\u{a0}break e\u{301} 1\u{200d}2</p>", "no break é 1\u{200d}2"),
            (
                "<p><a class=\"attachment\" href=\"/uploads/a.csv\">a.csv</a> (3.5 KB)</p>",
                "[a.csv](https://forum.example/uploads/a.csv) (3.5 KB)",
            ),
            (
                "<p><a href=\"https://x.example/p\" class=\"inline-onebox\">The Title</a></p>",
                "[The Title](https://x.example/p)",
            ),
        ],
    );
}

#[test]
fn a_lightbox_is_one_picture_with_everything_that_is_known_of_it() {
    let html = "<p>see</p><div class=\"lightbox-wrapper\"><a class=\"lightbox\" href=\"//cdn.example/original/1X/ab.png\" title=\"shot.png\"><img src=\"//cdn.example/optimized/1X/ab_690x388.png\" alt=\"the shot\" data-base62-sha1=\"q16M6GR110R47Z9p9Dk3PMXOJoE\" width=\"690\" height=\"388\"><div class=\"meta\"><svg class=\"d-icon\"></svg><span class=\"filename\">shot.png</span><span class=\"informations\">1920×1080 1 MB</span></div></a></div><p>there</p>";
    let found = convert(html, &forum());
    assert_eq!(found.markdown, "see\n\n![the shot](https://cdn.example/original/1X/ab.png)\n\nthere");
    let [image] = found.images.as_slice() else { panic!("{:?}", found.images) };
    assert_eq!(image.url, "https://cdn.example/original/1X/ab.png");
    assert_eq!(image.thumbnail.as_deref(), Some("https://cdn.example/optimized/1X/ab_690x388.png"));
    assert_eq!((image.width, image.height), (Some(690), Some(388)));
    assert_eq!(image.sha1_base62.as_deref(), Some("q16M6GR110R47Z9p9Dk3PMXOJoE"));
    assert_eq!(image.title.as_deref(), Some("shot.png"));
    assert_eq!(&found.markdown[image.at.clone()], "![the shot](https://cdn.example/original/1X/ab.png)");
    assert_eq!(found.dropped.get("lightbox caption"), None, "a caption within the lightbox goes with it");
    let nothing = convert(html, &Options { images: Images::Nothing, ..forum() });
    assert_eq!((nothing.markdown.as_str(), nothing.images.len()), ("see\n\nthere", 1));
    assert_eq!(
        convert(html, &Options { images: Images::Alt, ..forum() }).markdown,
        "see\n\nthe shot\n\nthere"
    );
}

#[test]
fn quotes_tell_whose_words_they_are_and_where_they_stand() {
    let html = "<aside class=\"quote no-group\" data-username=\"sam\" data-post=\"3\" data-topic=\"12\" data-full=\"true\"><div class=\"title\"><div class=\"quote-controls\"></div><img class=\"avatar\" src=\"a.png\"> sam:</div><blockquote><aside class=\"quote\" data-username=\"kim\" data-post=\"1\" data-topic=\"12\"><div class=\"title\">kim:</div><blockquote><p>first</p></blockquote></aside><p>second</p></blockquote></aside><p>mine</p>";
    let found = convert(html, &forum());
    assert_eq!(found.markdown, "> > first\n>\n> second\n\nmine");
    let [inner, outer] = found.quotes.as_slice() else { panic!("{:?}", found.quotes) };
    assert_eq!((inner.username.as_deref(), &*inner.text), (Some("kim"), "first"));
    assert_eq!(
        (outer.username.as_deref(), outer.post_number, outer.topic_id, outer.full),
        (Some("sam"), Some(3), Some(12), true)
    );
    assert_eq!(outer.text, "> first\n\nsecond");
    assert_eq!(&found.markdown[outer.at.clone()], "> > first\n>\n> second");
    assert_eq!(found.dropped.get("quote title"), Some(&2));
    let other = convert(
        "<aside class=\"quote\" data-topic=\"5\" data-post=\"1\"><div class=\"title\"><div class=\"quote-controls\"></div><a href=\"https://forum.example/t/other/5\">Other topic</a></div><blockquote>what it says there</blockquote></aside>",
        &forum(),
    );
    assert_eq!(other.markdown, "[Other topic](https://forum.example/t/other/5)");
    assert_eq!(other.links[0].excerpt.as_deref(), Some("what it says there"));
    let bare =
        convert("<aside class=\"quote no-group\"><blockquote><p>nobody's</p></blockquote></aside>", &forum());
    assert_eq!((bare.markdown.as_str(), bare.quotes[0].username.clone()), ("> nobody's", None));
}

#[test]
fn previews_and_players_are_links_and_the_words_of_others_stay_out_of_the_text() {
    let onebox = "<aside class=\"onebox allowlistedgeneric\" data-onebox-src=\"https://x.example/p\"><header class=\"source\"><img src=\"f.ico\" class=\"site-icon\"><a href=\"https://x.example/p\">x.example</a></header><article class=\"onebox-body\"><img src=\"t.png\" class=\"thumbnail\"><h3><a href=\"https://x.example/p\">A Page</a></h3><p>What it is about.</p></article><div class=\"onebox-metadata\"></div></aside>";
    let found = convert(onebox, &forum());
    assert_eq!(found.markdown, "[A Page](https://x.example/p)");
    assert_eq!(
        (found.links[0].kind, found.links[0].excerpt.as_deref()),
        (LinkKind::Onebox, Some("What it is about."))
    );
    assert!(found.images.is_empty());
    let code = "<aside class=\"onebox githubblob\"><header class=\"source\"><a href=\"https://github.com/a/b#L1\">github.com</a></header><article class=\"onebox-body\"><h4><a href=\"https://github.com/a/b#L1\">a/b</a></h4><pre class=\"onebox\"><code class=\"lang-kt\"><ol class=\"start lines\" start=\"1\"><li>one</li><li class=\"selected\">two</li></ol></code></pre></article></aside>";
    assert_eq!(convert(code, &forum()).markdown, "[a/b](https://github.com/a/b#L1)");
    all(
        &forum(),
        &[
            (
                "<div class=\"onebox lazyYT lazyYT-container\" data-youtube-id=\"abc\" data-youtube-title=\"A Film\"><a href=\"https://www.youtube.com/watch?v=abc\"><img class=\"ytp-thumbnail-image\" src=\"i.jpg\"></a></div>",
                "[A Film](https://www.youtube.com/watch?v=abc)",
            ),
            (
                "<div class=\"youtube-onebox lazy-video-container\" data-video-id=\"abc\" data-video-title=\"A Film\" data-provider-name=\"youtube\"><a href=\"https://www.youtube.com/watch?v=abc\"><img class=\"youtube-thumbnail\" src=\"i.jpg\"></a></div>",
                "[A Film](https://www.youtube.com/watch?v=abc)",
            ),
            (
                "<div class=\"onebox video-onebox\"><video controls><source src=\"https://x.example/v.mp4\"><a href=\"https://x.example/v.mp4\">https://x.example/v.mp4</a></video></div>",
                "https://x.example/v.mp4",
            ),
            (
                "<p><audio controls><source src=\"/s.ogg\"><a href=\"/s.ogg\">s</a></audio></p>",
                "https://forum.example/s.ogg",
            ),
            (
                "<p>see <iframe src=\"https://player.example/1\" title=\"Show\"></iframe></p>",
                "see [Show](https://player.example/1)",
            ),
            (
                "<div class=\"large-image-placeholder\"><a href=\"https://x.example/big.gif\"><i class=\"fa fa-image\"></i><span class=\"url\">https://x.example/big.gif</span><span class=\"help\">(image larger than 3072KB)</span></a></div>",
                "https://x.example/big.gif",
            ),
            ("<p><a href=\"/404\" data-orig-href=\"upload://abc.pdf\">paper.pdf</a></p>", "paper.pdf"),
        ],
    );
    let broken = convert(
        "<div class=\"video-placeholder-container\" data-video-src=\"/404\" data-orig-src=\"upload://m6s.mp4\"></div><p>x</p>",
        &forum(),
    );
    assert_eq!(
        (broken.links[0].kind, &*broken.links[0].url, &*broken.markdown),
        (LinkKind::BrokenUpload, "upload://m6s.mp4", "x")
    );
}

#[test]
fn mentions_links_and_code_are_told_with_their_places() {
    let found = convert(
        "<p>a <a class=\"mention\" href=\"/u/sam\">@sam</a> <a href=\"/t/1\">one</a> <a href=\"https://y.example/\">two</a></p><pre><code class=\"lang-rust\">fn x() {}\n</code></pre>",
        &forum(),
    );
    assert_eq!(&found.markdown[found.mentions[0].at.clone()], "@sam");
    assert_eq!(found.links.iter().map(|link| link.internal).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!((found.code[0].language.as_deref(), &*found.code[0].text), (Some("rust"), "fn x() {}"));
    // Places hold when what stands before them is written anew.
    let shifted = convert(
        "<p><a href=\"https://x.example/a\">https://x.example/a</a> <a class=\"mention\" href=\"/u/a\">@a</a></p>",
        &forum(),
    );
    assert_eq!(&shifted.markdown[shifted.mentions[0].at.clone()], "@a");
}

#[test]
fn pages_of_any_kind_are_written_as_people_write() {
    let options =
        Options { base: Some(Url::parse("https://site.example/docs/a.html").unwrap()), ..Options::default() };
    all(
        &options,
        &[
            (
                "<html><head><title>T</title><style>x</style></head><body><h1>A\n title</h1><p>Text<!-- no --> here.</p></body></html>",
                "# A title\n\nText here.",
            ),
            ("<p>unclosed <b>bold<p>next <i>it", "unclosed **bold**\n\n**next *it***"),
            ("a\r\n<br>\r\nb<ul><li>x<li>y</ul>", "a\nb\n\n- x\n- y"),
            (
                "<img src=\"../i/p.png\" alt=\"pic\"> <a href=\"b.html\">b</a> <a href=\"#top\">top</a> <a href=\"javascript:x()\">js</a>",
                "![pic](https://site.example/i/p.png) [b](https://site.example/docs/b.html) top js",
            ),
            (
                "<img src=\"data:image/gif;base64,R0lGOD\" data-src=\"/real.jpg\" alt=\"r\"><img src=\"data:image/png;base64,xx\" alt=\"drawn\"><img src=\"/p.gif\" width=1 height=1>",
                "![r](https://site.example/real.jpg)drawn",
            ),
            (
                "<a href=\"/full.jpg\"><img src=\"/small.jpg\" alt=\"x\"></a>",
                "![x](https://site.example/full.jpg)",
            ),
            (
                "<a href=\"/p\"><h3>Card</h3><p>About it</p></a>",
                "### [Card](https://site.example/p)\n\nAbout it",
            ),
            (
                "<p>\\(a_1\\) and $$x^2$$ and <script type=\"math/tex\">b_2</script> <span class=\"katex\"><span class=\"katex-mathml\"><math><semantics><mrow><mi>c</mi></mrow><annotation encoding=\"application/x-tex\">c_3</annotation></semantics></math></span><span class=\"katex-html\">c3</span></span></p>",
                "\\(a_1\\) and $$x^2$$ and $b_2$ $c_3$",
            ),
            (
                "<table><tr><td><ul><li>in a layout</li></ul></td><td>side</td></tr></table>",
                "- in a layout\n\nside",
            ),
            (
                "<table><tr><th>a<th>b<tr><td>1<br>2<td><p>x</p><p>y</p></table>",
                "| a | b |\n| --- | --- |\n| 1<br>2 | x<br>y |",
            ),
            (
                "<div class=\"highlight highlight-source-rust\"><pre><span class=\"pl-k\">let</span> a;</pre></div>",
                "```rust\nlet a;\n```",
            ),
            (
                "<table class=\"highlighttable\"><tr><td class=\"linenos\"><pre>1\n2</pre></td><td class=\"code\"><pre>a\nb</pre></td></tr></table>",
                "```\na\nb\n```",
            ),
            ("<dl><dt>Term</dt><dd>Meaning</dd></dl>", "Term\n: Meaning"),
            (
                "<ul><li><input type=\"checkbox\" checked> done</li><li><input type=\"checkbox\"> not</li></ul>",
                "- [x] done\n- [ ] not",
            ),
            ("<blockquote><p>q</p><pre>c\n\nd</pre></blockquote>", "> q\n>\n> ```\n> c\n>\n> d\n> ```"),
            ("<ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul>", "- a\n\n- b\n\n  c"),
            ("<p>漢字<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby></p>", "漢字東(とう)"),
            (
                "<noscript><p>Turn it on</p></noscript><template><p>t</p></template><svg><text>s</text></svg><select><option>o</option></select>ok",
                "ok",
            ),
        ],
    );
}

#[test]
fn plain_text_has_words_and_code_and_no_markup() {
    let html = "<h1>T</h1><p>a <b>b</b> <a href=\"https://x.example\">c</a></p><ul><li>d</li></ul><pre><code>e *f*\n</code></pre><table><tr><th>g</th><th>h</th></tr><tr><td>1</td><td>2</td></tr></table>";
    assert_eq!(text(html), "T\n\na b c\n\n- d\n\ne *f*\n\ng | h\n1 | 2");
}

#[test]
fn faithful_escapes_what_would_be_markup() {
    let options = Options::default().mode(Mode::Faithful);
    all(
        &options,
        &[
            (
                "<p>*a* _b_ a_b [c] `d` &lt;e&gt; &amp;amp; \\*</p>",
                "\\*a\\* \\_b\\_ a_b \\[c\\] \\`d\\` \\<e> \\&amp; \\\\\\*",
            ),
            ("<p>a<br>b</p>", "a\\\nb"),
            ("<p>a<em>\"b\"</em>c</p>", "a<em>\"b\"</em>c"),
            ("<ul><li>a</li></ul><ul><li>b</li></ul>", "- a\n\n* b"),
        ],
    );
}
