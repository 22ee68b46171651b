//! Blocks of text that refer to nothing outside of themselves.

use serde_json::json;

use super::body::Body;
use super::words;
use crate::dice::Dice;

pub(super) fn inline(body: &mut Body, dice: &mut Dice) {
    let sentence = words::sentence(dice);
    let raw =
        format!("{sentence}\nA *second* line with **weight**, `let x = a_b * 2;` and ~~nothing~~ more.");
    let cooked = format!(
        "<p>{sentence}<br>\nA <em>second</em> line with <strong>weight</strong>, <code>let x = a_b * 2;</code> and \
         <s>nothing</s> more.</p>"
    );
    body.block(&raw, &cooked);
}

pub(super) fn code(body: &mut Body, dice: &mut Dice) {
    let (language, text, html) = dice.pick(&[
        (
            "cpp",
            "#include <vector>\n\nint main() {\n\tstd::vector<int> v{1, 2};\n    return v.size() && 1;\n}",
            "#include &lt;vector&gt;\n\nint main() {\n\tstd::vector&lt;int&gt; v{1, 2};\n    return v.size() &amp;&amp; 1;\n}",
        ),
        (
            "python",
            "def tide(x):\n    \"\"\"Low, then high.\"\"\"\n    return [n ** 2 for n in x if n < 3]",
            "def tide(x):\n    \"\"\"Low, then high.\"\"\"\n    return [n ** 2 for n in x if n &lt; 3]",
        ),
    ]);
    body.block(
        &format!("```{language}\n{text}\n```\n\nThat is all of it."),
        &format!(
            "<pre data-code-wrap=\"{language}\"><code class=\"lang-{language}\">{html}\n</code></pre>\n<p>That is all of it.</p>"
        ),
    );
}

/// Code that looks like markup, in a fence that holds a fence, and without a language.
pub(super) fn hostile_code(body: &mut Body) {
    body.block(
        "````\n```js\nlet a = `<b>${1}</b>`; // [quote=\"x\"] @sam :smile: <# y #>:\n```\n````\n\n    indented & <raw>",
        "<pre><code class=\"lang-auto\">```js\nlet a = `&lt;b&gt;${1}&lt;/b&gt;`; // [quote=\"x\"] @sam :smile: \
         &lt;# y #&gt;:\n```\n</code></pre>\n<pre><code>indented &amp; &lt;raw&gt;\n</code></pre>",
    );
}

pub(super) fn onebox(body: &mut Body) {
    body.block(
        "https://example.org/articles/tides",
        "<aside class=\"onebox allowlistedgeneric\" data-onebox-src=\"https://example.org/articles/tides\">\n\
         <header class=\"source\">\n<img src=\"https://example.org/favicon.ico\" class=\"site-icon\" width=\"16\" height=\"16\">\n\
         <a href=\"https://example.org/articles/tides\" target=\"_blank\" rel=\"noopener nofollow ugc\">example.org</a>\n</header>\n\
         <article class=\"onebox-body\">\n<h3><a href=\"https://example.org/articles/tides\" target=\"_blank\" \
         rel=\"noopener nofollow ugc\">Tides &amp; how they rise</a></h3>\n\
         <p>Words that the author of the post did not write.</p>\n</article>\n<div class=\"onebox-metadata\"></div>\n\
         <div style=\"clear: both\"></div>\n</aside>",
    );
}

pub(super) fn table(body: &mut Body) {
    body.block(
        "| Port | High | Low |\n|:--|--:|:-:|\n| Ashby | 4.1 | a\\|b |\n| 北港 | `3.9` | **0.2** |",
        "<div class=\"md-table\">\n<table>\n<thead>\n<tr>\n<th style=\"text-align:left\">Port</th>\n\
         <th style=\"text-align:right\">High</th>\n<th style=\"text-align:center\">Low</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n\
         <td style=\"text-align:left\">Ashby</td>\n<td style=\"text-align:right\">4.1</td>\n\
         <td style=\"text-align:center\">a|b</td>\n</tr>\n<tr>\n<td style=\"text-align:left\">北港</td>\n\
         <td style=\"text-align:right\"><code>3.9</code></td>\n\
         <td style=\"text-align:center\"><strong>0.2</strong></td>\n</tr>\n</tbody>\n</table>\n</div>",
    );
}

pub(super) fn emoji(body: &mut Body) {
    let image = |name: &str, class: &str| {
        format!(
            "<img src=\"/images/emoji/twitter/{name}.png?v=12\" title=\":{name}:\" class=\"{class}\" alt=\":{name}:\" \
             loading=\"lazy\" width=\"20\" height=\"20\">"
        )
    };
    body.block(
        "It works :smile: at last :tada: and 🌊 too.\n\n:sailboat:",
        &format!(
            "<p>It works {} at last {} and {} too.</p>\n<p>{}</p>",
            image("smile", "emoji"),
            image("tada", "emoji"),
            image("ocean", "emoji"),
            image("sailboat", "emoji only-emoji")
        ),
    );
}

pub(super) fn lists(body: &mut Body) {
    body.block(
        "1. First\n2. Second\n   - inner one\n   - inner *two*\n3. Third\n\n- a\n- b",
        "<ol>\n<li>First</li>\n<li>Second\n<ul>\n<li>inner one</li>\n<li>inner <em>two</em></li>\n</ul>\n</li>\n\
         <li>Third</li>\n</ol>\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
    );
}

pub(super) fn poll(body: &mut Body, dice: &mut Dice) {
    let votes = [dice.below(30), dice.below(30)];
    let ids = ["5b142e970f1f9044860ba68df426c471", "fdc328c15820f5802072edcc05802648"];
    let option =
        |place: usize, text: &str| format!("<li data-poll-option-id=\"{}\">{text}</li>\n", ids[place]);
    body.block(
        "[poll type=regular results=always chartType=bar]\n* Spring tide\n* Neap & <slack>\n[/poll]",
        &format!(
            "<div class=\"poll\" data-poll-status=\"open\" data-poll-type=\"regular\" data-poll-name=\"poll\" \
             data-poll-results=\"always\" data-poll-charttype=\"bar\">\n<div>\n<div class=\"poll-container\">\n<ul>\n{}{}</ul>\n\
             </div>\n<div class=\"poll-info\">\n<p>\n<span class=\"info-number\">0</span>\n\
             <span class=\"info-label\">voters</span>\n</p>\n</div>\n</div>\n</div>",
            option(0, "Spring tide"),
            option(1, "Neap &amp; &lt;slack&gt;")
        ),
    );
    let poll = json!([{
        "name": "poll", "type": "regular", "status": "open", "results": "always", "chart_type": "bar", "title": votes[0].is_multiple_of(2).then_some("Which tide?"),
        "public": true, "min": 1, "max": 2, "groups": "", "voters": votes[0] + votes[1], "preloaded_voters": {},
        "options": [
            {"id": ids[0], "html": "Spring tide", "votes": votes[0]},
            {"id": ids[1], "html": "Neap &amp; &lt;slack&gt;", "votes": votes[1]},
        ],
    }]);
    body.extra.insert("polls".into(), poll);
}

pub(super) fn cjk(body: &mut Body, dice: &mut Dice) {
    let (first, second) = (words::cjk(dice), words::cjk(dice));
    body.block(&format!("{first}\n{second}"), &format!("<p>{first}<br>\n{second}</p>"));
}

pub(super) fn details(body: &mut Body) {
    body.block(
        "[details=\"The whole log\"]\nline one\nline two\n[/details]\n\nThe end is [spoiler]wet[/spoiler].",
        "<details>\n<summary>\nThe whole log</summary>\n<p>line one<br>\nline two</p>\n</details>\n\
         <p>The end is <span class=\"spoiler\">wet</span>.</p>",
    );
}

pub(super) fn math(body: &mut Body) {
    body.block(
        "It costs $150 a month, and $h = a \\cos(\\omega t)$ holds.\n\n$$\n\\int_0^1 x^2 dx\n$$",
        "<p>It costs $150 a month, and <span class=\"math\">h = a \\cos(\\omega t)</span> holds.</p>\n\
         <div class=\"math\">\n\\int_0^1 x^2 dx\n</div>",
    );
}

pub(super) fn checklist(body: &mut Body) {
    body.block(
        "- [x] unplugged it\n- [ ] read the manual\n\nAs the almanac says.[^1]\n\n[^1]: Page 12.",
        "<ul>\n<li><span class=\"chcklst-box checked fa fa-check-square-o fa-fw\"></span> unplugged it</li>\n\
         <li><span class=\"chcklst-box fa fa-square-o fa-fw\"></span> read the manual</li>\n</ul>\n\
         <p>As the almanac says.<sup class=\"footnote-ref\"><a href=\"#footnote-1-1\" id=\"footnote-ref-1-1\">[1]</a></sup></p>\n\
         <hr class=\"footnotes-sep\">\n<ol class=\"footnotes-list\">\n\
         <li id=\"footnote-1-1\" class=\"footnote-item\">\n<p>Page 12. <a href=\"#footnote-ref-1-1\" \
         class=\"footnote-backref\">↩︎</a></p>\n</li>\n</ol>",
    );
}

pub(super) fn odds(body: &mut Body) {
    body.block(
        "We meet [date=2026-05-04 time=18:30:00 timezone=\"Europe/Paris\"], press <kbd>Ctrl</kbd>+<kbd>C</kbd>, \
         H<sub>2</sub>O.",
        "<p>We meet <span data-date=\"2026-05-04\" data-time=\"18:30:00\" class=\"discourse-local-date\" \
         data-timezone=\"Europe/Paris\" data-email-preview=\"2026-05-04T16:30:00Z UTC\">2026-05-04T16:30:00Z</span>, press \
         <kbd>Ctrl</kbd>+<kbd>C</kbd>, H<sub>2</sub>O.</p>",
    );
}

pub(super) fn heading(body: &mut Body) {
    body.block(
        "## What I did\n\n> As the sign says:\n> keep out.\n\n---\n\nAnd so I kept out.",
        "<h2><a name=\"what-i-did-1\" class=\"anchor\" href=\"#what-i-did-1\"></a>What I did</h2>\n\
         <blockquote>\n<p>As the sign says:<br>\nkeep out.</p>\n</blockquote>\n<hr>\n<p>And so I kept out.</p>",
    );
}

pub(super) fn video(body: &mut Body) {
    body.block(
        "https://www.youtube.com/watch?v=tide0000001",
        "<div class=\"youtube-onebox lazy-video-container\" data-video-id=\"tide0000001\" \
         data-video-title=\"A tide in one minute\" data-provider-name=\"youtube\">\n\
         <a href=\"https://www.youtube.com/watch?v=tide0000001\" target=\"_blank\" rel=\"noopener\">\n\
         <img class=\"youtube-thumbnail\" src=\"https://img.youtube.com/vi/tide0000001/maxresdefault.jpg\" \
         title=\"A tide in one minute\" width=\"690\" height=\"388\">\n</a>\n</div>",
    );
}

/// As software before it left them: BBCode in the text, and a picture that was lost on the way.
pub(super) fn imported(body: &mut Body) {
    body.block(
        "[b]Bold[/b] and [url=https://example.org/old]an old link[/url].\n\n![lost|20x20](upload://gone.png)[gone.zip](upload://gone.zip)",
        "<p><span class=\"bbcode-b\">Bold</span> and \
         <a href=\"https://example.org/old\" data-bbcode=\"true\" rel=\"noopener nofollow ugc\">an old link</a>.</p>\n\
         <p><img src=\"/images/transparent.png\" alt=\"lost\" data-orig-src=\"upload://gone.png\" width=\"20\" \
         height=\"20\"><a href=\"/404\" data-orig-href=\"upload://gone.zip\">gone.zip</a></p>",
    );
}
