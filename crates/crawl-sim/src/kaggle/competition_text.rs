//! The texts of competitions: pages of the API, and the cells of Meta Kaggle, which are Markdown and raw HTML in one.

use serde_json::{Value, json};

use super::competition::Competition;
use super::words::prose;
use super::world::Stream;
use crate::dice::Dice;

/// A section of the overview.
const SECTIONS: [&str; 6] =
    ["Description", "Evaluation", "Timeline", "Prizes", "Code Requirements", "Citation"];

impl Competition<'_> {
    fn section(&self, name: &str) -> String {
        let mut dice = Dice::new(crate::dice::hash(name), self.index);
        let (first, second) = (prose(&mut dice, 3), prose(&mut dice, 2));
        match name {
            "Evaluation" => format!(
                "<p>Submissions are judged by \\\\( \\frac{{1}}{{n}} \\sum_i |y_i - \\hat y_i| \\\\) and $$ x < y $$.</p>\r\n\
                 <h2>Submission File</h2>\r\n<pre><code>id,target\r\n1,0.5\r\n2,&lt;NA&gt;\r\n</code></pre>\r\n<p>{first}"
            ),
            "Timeline" => "<ul><li><strong>March 3</strong> - start<li>June 1 - end</ul>\r\n".into(),
            "Prizes" => {
                "<table><tr><th>Place</th><th>Prize</th></tr><tr><td>1st</td><td>$5,000 | a medal</td></table>\r\n".into()
            }
            "Description" => format!(
                "<!-- written by the host -->\r\n<div><p><b>{first}\r\n<p>{second} <a href=\"/c/rules?a=1&amp;b=2\">rules</a>\
                 <img src=\"https://example.org/plot.png\" alt=\"a plot\"></div>\r\n<blockquote>quoted<br>twice</blockquote>\r\n\
                 ```python\n# Evaluation is not a heading here\nprint(1)\n```\n"
            ),
            _ => format!("<p>{first}</p>\r\n"),
        }
    }

    /// The `Overview` cell. Of six competitions in a row each has headings of another kind.
    pub(super) fn overview(&self) -> String {
        let (description, evaluation) = (self.section("Description"), self.section("Evaluation"));
        let rest: String =
            SECTIONS[2..].iter().map(|name| format!("## {name}\n\n{}\n", self.section(name))).collect();
        match self.index % 6 {
            1 => format!(
                "# Overview\n\n## Overview\n\n### Description\n\n{description}\n### Evaluation\n\n{evaluation}\n## Timeline\n\n{}",
                self.section("Timeline")
            ),
            2 => format!(
                "# Overview\n\n## **Description**\n\n{description}\n## **Evaluation**\n\n{evaluation}\n{rest}"
            ),
            3 => format!(
                "# Overview\n\n## Description\n\n{description}\n## Evaluation\n\n{evaluation}\n## Prizes\n\n{}\n\
                 ## Evaluation\n\nA second one.\n",
                self.section("Prizes")
            ),
            4 => format!("# Overview\n\n{description}\n### Supervised ML Evaluation\n\n{evaluation}\n{rest}"),
            5 => format!("# Overview\r\n\r\n{description}\r\n{}", self.section("Citation")),
            _ => format!(
                "# Overview\n\n## Description\n\n{description}\n## Evaluation\n\n{evaluation}\n{rest}"
            ),
        }
    }

    pub(super) fn rules(&self) -> String {
        format!(
            "# Competition Rules\n\n\r\n\t<!-- Begin Base Rules -->\r\n<ol>\r\n<li>One account.<li>{}\r\n</ol>",
            prose(&mut self.dice(Stream::Text), 2)
        )
    }

    pub(super) fn data_description(&self) -> String {
        format!(
            "# Dataset Description\n\n<div><div><div>These files are {}<ul><li><b>train.csv - the rows\r\n<li>test.csv</ul>",
            prose(&mut self.dice(Stream::Oddities), 2)
        )
    }

    /// Rows of `ListCompetitionPages`; Markdown in one competition, HTML in the next.
    pub(super) fn pages(&self) -> Vec<Value> {
        if !self.has_pages() {
            return Vec::new();
        }
        let kind = if self.index.is_multiple_of(2) { "text/html" } else { "text/markdown" };
        let page = |name: &str, content: String| json!({"name": name, "content": content, "isPublished": true, "postTitle": name, "mimeType": kind});
        let wanted = SECTIONS.iter().filter(|name| self.index % 6 != 5 || **name != "Evaluation");
        let mut pages: Vec<_> = wanted.map(|name| page(name, self.section(name))).collect();
        pages.push(page("rules", self.rules()));
        pages.push(page("data-description", self.data_description()));
        pages
    }
}
