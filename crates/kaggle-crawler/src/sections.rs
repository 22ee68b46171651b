//! The pages of a competition in one text: split at its headings, and the wanted ones found.
//!
//! Kaggle keeps them in one cell: Markdown, or headings in Markdown over raw HTML. Levels vary, headings repeat, some
//! are bold paragraphs. [`to_markdown`] makes Markdown of such a cell, [`Overview::split`] splits it; the sections,
//! joined, are the text.

mod cell;
mod headings;

pub use self::cell::to_markdown;
use self::headings::Heading;

/// Titles that begin a page of a competition, and so end the page before, whatever their level.
const PAGES: [&str; 12] = [
    "overview",
    "description",
    "evaluation",
    "timeline",
    "prizes",
    "code requirements",
    "kernels requirements",
    "citation",
    "data",
    "dataset description",
    "frequently asked questions",
    "rules",
];

/// A heading and what is below it up to the next heading; the first one may have no heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The heading and the text below it, as they stand.
    pub text: &'a str,
    /// The text below the heading.
    pub body: &'a str,
    /// The title in small letters, without marks; empty where there is no heading.
    pub title: String,
    /// 1 to 6; 7 for a bold paragraph; 0 where there is no heading.
    pub level: u8,
}

/// A page that was found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The text below the heading, white space around it left out.
    pub text: &'a str,
    /// How sure it is that this is the page, and all of it: 1 for one heading with just this title; 0.9 if the heading
    /// is a bold paragraph; 0.8 if another heading far from it has the same title, the first one counts; 0.6 if its
    /// title only begins or ends so; 0.4 if it has no heading and is what stands below `Overview`.
    pub split_confidence: f64,
}

/// A text in its sections.
#[derive(Clone, Debug)]
pub struct Overview<'a> {
    text: &'a str,
    sections: Vec<Section<'a>>,
}

impl<'a> Overview<'a> {
    /// Splits Markdown at all of its headings.
    pub fn split(text: &'a str) -> Self {
        let headings =
            headings::find(text, |title| PAGES.contains(&title) && !matches!(title, "data" | "rules"));
        let mut sections = Vec::with_capacity(headings.len() + 1);
        let first = headings.first().map_or(text.len(), |heading| heading.start);
        if first > 0 {
            let text = &text[..first];
            sections.push(Section { text, body: text, title: String::new(), level: 0 });
        }
        for (index, Heading { start, end, level, title }) in headings.iter().enumerate() {
            let next = headings.get(index + 1).map_or(text.len(), |next| next.start);
            let (whole, body) = (&text[*start..next], &text[(*end).min(next)..next]);
            sections.push(Section { text: whole, body, title: title.clone(), level: *level });
        }
        Overview { text, sections }
    }

    /// All sections in order. Their texts, joined, are the whole text, byte for byte.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// What the competition is about.
    pub fn description(&self) -> Option<Part<'a>> {
        // Those are of the data.
        let other = |title: &str| title.starts_with("data") || title.starts_with("file");
        self.page("description", |title| !other(title)).or_else(|| self.below_overview())
    }

    /// How it is scored, with the form of submissions where that follows under headings of its own.
    pub fn evaluation(&self) -> Option<Part<'a>> {
        self.page("evaluation", |_| true)
    }

    /// What the data are.
    pub fn dataset_description(&self) -> Option<Part<'a>> {
        self.page("dataset description", |_| true).or_else(|| {
            let found = self.page("data description", |_| true)?;
            Some(Part { split_confidence: found.split_confidence.min(0.6), ..found })
        })
    }

    fn page(&self, wanted: &str, may: impl Fn(&str) -> bool) -> Option<Part<'a>> {
        let exact = |section: &Section<'_>| section.title == wanted;
        if let Some(first) = self.sections.iter().position(exact) {
            let end = self.end(first, wanted);
            let repeats = self.sections[end..].iter().any(exact);
            let bold = self.sections[first].level > 6;
            let split_confidence = if repeats {
                0.8
            } else if bold {
                0.9
            } else {
                1.0
            };
            return Some(Part { text: self.between(first, end), split_confidence });
        }
        let first = self.sections.iter().position(|section| {
            let title = section.title.as_str();
            let near = title.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(' '))
                || title.strip_suffix(wanted).is_some_and(|rest| rest.ends_with(' '));
            near && may(title) && !PAGES.contains(&title)
        })?;
        let end = self.end(first, wanted);
        Some(Part { text: self.between(first, end), split_confidence: 0.6 })
    }

    /// What stands between the last `Overview` and the first other page.
    fn below_overview(&self) -> Option<Part<'a>> {
        let page =
            |section: &Section<'_>| PAGES.contains(&section.title.as_str()) && section.title != "overview";
        let end = self.sections.iter().position(page).unwrap_or(self.sections.len());
        let first = self.sections[..end].iter().rposition(|section| section.title == "overview")?;
        let text = self.between(first, end);
        (!text.is_empty()).then_some(Part { text, split_confidence: 0.4 })
    }

    /// The section that is not of the page that begins at `first` any more: another page, whatever its level, or a
    /// heading of the same level, for hosts do not keep to levels.
    fn end(&self, first: usize, wanted: &str) -> usize {
        let level = self.sections[first].level;
        let page = |section: &Section<'_>| {
            let title = section.title.as_str();
            PAGES.contains(&title) && (title != wanted || section.level <= level)
        };
        // What is known of the data comes last, under headings of all kinds.
        let data = |section: &Section<'_>| page(section) && section.level <= level && section.title != "data";
        let same = |section: &Section<'_>| {
            // Hosts put these below the page on the level of the page.
            let goes_on = wanted == "evaluation" && section.title.starts_with("submission");
            page(section) || (section.level <= level && !goes_on)
        };
        let next = |ends: &dyn Fn(&Section<'_>) -> bool| {
            let found = self.sections[first + 1..].iter().position(ends);
            found.map_or(self.sections.len(), |at| first + 1 + at)
        };
        if wanted == "dataset description" {
            return next(&data);
        }
        match next(&same) {
            // No host leaves a page empty: the heading below is of it.
            end if self.between(first, end).is_empty() => next(&page),
            end => end,
        }
    }

    /// The text from below the heading of section `first` to the beginning of section `end`.
    fn between(&self, first: usize, end: usize) -> &'a str {
        let offset = |section: &Section<'a>| section.text.as_ptr() as usize - self.text.as_ptr() as usize;
        let from =
            offset(&self.sections[first]) + self.sections[first].text.len() - self.sections[first].body.len();
        let to = self.sections.get(end).map_or(self.text.len(), offset);
        self.text[from..to].trim()
    }
}

/// Whether a text begins as HTML: with a tag of a page or a block, with a comment, or with another tag where blocks
/// follow.
pub(crate) fn is_html(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<!--") {
        return true;
    }
    let Some(tag) = text.strip_prefix('<') else { return false };
    let name: String =
        tag.trim_start_matches(['/', '!']).chars().take_while(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    let inline = ["strong", "b", "em", "i", "span", "font", "a", "u"];
    if inline.contains(&name.as_str()) {
        let lower = text.to_ascii_lowercase();
        return ["<p>", "<p ", "<div", "<ul", "<ol", "<table", "<br"]
            .iter()
            .any(|block| lower.contains(block));
    }
    let blocks = [
        "p",
        "div",
        "ul",
        "ol",
        "li",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "br",
        "html",
        "body",
        "head",
        "doctype",
        "section",
        "article",
        "center",
        "blockquote",
        "hr",
        "dl",
        "pre",
        "style",
    ];
    blocks.contains(&name.as_str())
}
