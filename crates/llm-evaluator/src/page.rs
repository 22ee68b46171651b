//! The page: a report as one HTML file that needs nothing else.

mod chart;
mod compared;
mod distilled;
mod part;

use std::fmt::Write;

use super::compare::Comparison;
use super::report::Report;

pub use distilled::distilled_page;

const STYLE: &str = include_str!("page/style.css");

/// HTML that grows; every text of strangers goes through [`Html::text`].
#[derive(Default)]
pub(crate) struct Html(String);

impl Html {
    /// Puts in markup of our own.
    pub(crate) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Puts in a text so that it stays a text, also inside a quoted attribute. Letters that cannot be seen, or that
    /// turn the direction of writing, are shown as their escapes.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for letter in super::table::shown(text).chars() {
            match letter {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// Puts in an element with a name that may be broken behind its slashes.
    pub(crate) fn name(&mut self, tag: &str, name: &str) -> &mut Self {
        self.raw(&format!("<{tag}>"));
        for (place, part) in name.split('/').enumerate() {
            self.raw(if place > 0 { "/<wbr>" } else { "" }).text(part);
        }
        self.raw(&format!("</{tag}>"))
    }

    /// Puts in an element with a text.
    pub(crate) fn element(&mut self, tag: &str, class: &str, text: &str) -> &mut Self {
        // Writing to a text cannot fail.
        let _ = write!(self.0, "<{tag} class=\"{class}\">");
        self.text(text).raw(&format!("</{tag}>"))
    }

    /// Puts in a table; the first column is a text, the others are figures.
    pub(crate) fn table(&mut self, head: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> &mut Self {
        self.raw("<div class=\"wide\"><table><thead><tr>");
        for name in head {
            self.element("th", "", name);
        }
        self.raw("</tr></thead><tbody>");
        for line in lines {
            self.raw("<tr>");
            for cell in line {
                self.element("td", "", &cell);
            }
            self.raw("</tr>");
        }
        self.raw("</tbody></table></div>")
    }
}

/// One HTML page of one report, or of two and their comparison. It holds its style and its plots, loads nothing, and
/// runs nothing.
pub fn page(reports: &[Report], comparison: Option<&Comparison>) -> String {
    let mut html = Html::default();
    begin(&mut html, reports.first().map_or("", |report| report.task.as_str()), "evaluation");
    if let Some(comparison) = comparison {
        compared::comparison(&mut html, comparison);
    }
    for (place, report) in reports.iter().enumerate() {
        if reports.len() > 1 {
            html.element("h1", "side", if place == 0 { "A" } else { "B" });
        }
        part::report(&mut html, report);
    }
    end(html)
}

/// The beginning of a page about a task.
fn begin(html: &mut Html, title: &str, about: &str) {
    html.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
        // Should a text ever slip through, it can neither run nor load anything.
        .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")
        .raw("<title>")
        .text(title)
        .raw(&format!(": {about}</title><style>"))
        .raw(STYLE)
        .raw("</style></head><body><main>");
    html.raw("<h1>").text(title).raw(&format!(" <small>{about}</small></h1>"));
}

fn end(mut html: Html) -> String {
    html.raw("<footer>n/a: not known, or not defined (nothing divided by nothing). Made by llm-evaluator.</footer>");
    html.raw("</main></body></html>\n");
    html.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text_wherever_it_stands() {
        let mut html = Html::default();
        html.text("</td><script>alert('1')</script>\" onload=\"x\u{202e}\u{0}&amp;");
        assert_eq!(
            html.0,
            "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; onload=&quot;x\\u{202e}\\u{0}&amp;amp;"
        );
    }
}
