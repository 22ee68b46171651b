//! Blocks that Discourse puts around the words of others: quotes, previews, players, events.

use crate::converted::{Link, LinkKind, Quote};
use crate::media::collapsed;
use crate::options::Mode;
use crate::out::Gap;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, View};
use crate::walk::Walk;

impl Walk<'_> {
    /// `aside.quote`: whose words, and the words.
    pub(crate) fn quote(&mut self, id: Id) {
        if self.topic_preview(id) {
            return;
        }
        let number = |attr| self.attr(id, attr).and_then(|number: &str| number.trim().parse().ok());
        let mut quote = Quote {
            username: self.attr(id, Attr::Username).filter(|name| !name.is_empty()).map(str::to_owned),
            post_number: number(Attr::Post),
            topic_id: number(Attr::Topic),
            full: self.attr(id, Attr::Full) == Some("true"),
            ..Quote::default()
        };
        let title = self.tree.children(id).find(|child| self.tree.has_class(*child, "title"));
        if let (None, Some(title)) = (&quote.username, title) {
            quote.username = self.quoted_user(title);
        }
        if title.is_some() {
            self.drop("quote title");
        }
        self.out.block(Gap::Blank);
        let from = self.out.here();
        let composer = self.is(Mode::Composer);
        if composer {
            let first = format!("{}\n{}", opening(&quote), self.out.prefix_of_lines());
            self.out.push(Some(first), "");
        } else {
            self.out.push(None, "> ");
        }
        self.depth += 1;
        for child in self.tree.children(id) {
            match self.tree.view(child) {
                View::Element(_) if Some(child) == title => {}
                View::Element(Tag::Blockquote) => self.children(child),
                View::Element(tag) => self.element(child, tag),
                View::Text(text) => self.text(text),
            }
        }
        self.depth -= 1;
        let end = self.out.here();
        let prefix = self.out.prefix_of_lines();
        self.out.block(Gap::Blank);
        if self.out.pop() && composer {
            self.out.set_gap(Gap::Line);
            self.out.atom("[/quote]");
        }
        self.out.block(Gap::Blank);
        let written = &self.out.text[from.min(end)..end];
        let start = end - written.trim_start_matches('\n').len();
        self.quoted += end - start;
        if self.quoted <= self.budget {
            quote.text = without_prefix(&self.out.text[start..end], &prefix);
        }
        self.quote_marks.push(self.out.mark(start..end));
        self.found.quotes.push(quote);
    }

    /// A bare link to another topic looks like a quote, but nobody quoted: its text is a preview.
    fn topic_preview(&mut self, id: Id) -> bool {
        if self.attr(id, Attr::Username).is_some_and(|name| !name.is_empty())
            || self.attr(id, Attr::Topic).is_none()
        {
            return false;
        }
        let title = self.tree.children(id).find(|child| self.tree.has_class(*child, "title"));
        let link = title.and_then(|title| self.tree.below(title).find(|below| self.names_a_topic(*below)));
        let Some(link) = link else { return false };
        let Some(url) = self.attr(link, Attr::Href).and_then(|href| self.resolve(href)) else { return false };
        let name = self.tree.text(link);
        let excerpt = self.tree.children(id).find(|child| self.tree.tag(*child) == Some(Tag::Blockquote));
        let excerpt =
            excerpt.map(|quoted| collapsed(&self.tree.text(quoted))).filter(|text| !text.is_empty());
        self.drop("onebox preview");
        self.out.block(Gap::Blank);
        self.stand_in(&url, &name, LinkKind::Onebox, excerpt);
        self.out.block(Gap::Blank);
        true
    }

    fn names_a_topic(&self, id: Id) -> bool {
        self.tree.tag(id) == Some(Tag::A)
            && self.attr(id, Attr::Href).is_some_and(|href| href.contains("/t/"))
            && !self
                .tree
                .classes(id)
                .any(|class| matches!(class, "back" | "badge-wrapper" | "badge-category__wrapper"))
    }

    /// The name in a quote's title, if the title is not that of another topic.
    fn quoted_user(&self, title: Id) -> Option<String> {
        let link = self.tree.below(title).find(|below| {
            self.tree.tag(*below) == Some(Tag::A) && !self.tree.classes(*below).any(|class| class == "back")
        });
        if let Some(link) = link {
            let href = self.attr(link, Attr::Href)?;
            let name = href.split_once("/u/")?.1.split(['/', '?', '#']).next()?;
            return (!name.is_empty()).then(|| name.to_owned());
        }
        let text = collapsed(&self.tree.text(title));
        let name = text.trim_end_matches(':').trim();
        (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned())
    }

    /// `aside.onebox`: a link; what it shows of the page behind it is kept beside the text.
    pub(crate) fn onebox(&mut self, id: Id) {
        let link = |id: Id| {
            self.tree.below(id).find(|below| {
                self.tree.tag(*below) == Some(Tag::A) && self.attr(*below, Attr::Href).is_some()
            })
        };
        let url = self
            .attr(id, Attr::OneboxSrc)
            .or_else(|| link(id).and_then(|link| self.attr(link, Attr::Href)))
            .and_then(|url| self.resolve(url));
        let body = self.tree.below(id).find(|below| self.tree.has_class(*below, "onebox-body"));
        let heading = self.tree.below(body.unwrap_or(id)).find(|below| {
            matches!(self.tree.tag(*below), Some(Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5))
        });
        let title = heading.map(|heading| collapsed(&self.tree.text(heading))).unwrap_or_default();
        let text = body.map(|body| collapsed(&self.tree.text(body))).unwrap_or_default();
        let excerpt = text.strip_prefix(&title).unwrap_or(&text).trim().to_owned();
        self.drop("onebox preview");
        self.out.block(Gap::Blank);
        match url {
            Some(url) => {
                self.stand_in(&url, &title, LinkKind::Onebox, Some(excerpt).filter(|text| !text.is_empty()));
            }
            None => self.text(&title),
        }
        self.out.block(Gap::Blank);
    }

    /// A film or sound that Discourse shows in place, in any of its forms. False if there is nothing to link to.
    pub(crate) fn player(&mut self, id: Id) -> bool {
        let youtube = self.attr(id, Attr::YoutubeId).filter(|id| !id.is_empty());
        let source = self.attr(id, Attr::VideoSrc);
        let gone = source.is_some_and(|source| source.ends_with("/404"));
        if let Some(upload) = self.attr(id, Attr::OriginalSrc).filter(|_| gone) {
            self.broken_upload(upload, String::new());
            return true;
        }
        let below = self.tree.below(id).find_map(|below| match self.tree.tag(below)? {
            Tag::A => self.attr(below, Attr::Href),
            Tag::Source | Tag::Iframe | Tag::Video | Tag::Audio => self.attr(below, Attr::Src),
            _ => None,
        });
        let url = match (youtube, self.attr(id, Attr::Provider), self.attr(id, Attr::VideoId)) {
            (Some(video), ..) | (None, Some("youtube"), Some(video)) => {
                Some(format!("https://www.youtube.com/watch?v={video}"))
            }
            _ => source.or(below).and_then(|url| self.resolve(url)),
        };
        let Some(url) = url else { return false };
        let titles = [Attr::YoutubeTitle, Attr::VideoTitle, Attr::Title];
        let title = titles.iter().find_map(|attr| self.attr(id, *attr).filter(|title| !title.is_empty()));
        let title = title.or_else(|| {
            self.tree
                .below(id)
                .find_map(|below| self.attr(below, Attr::Title).filter(|title| !title.is_empty()))
        });
        let title = title.unwrap_or_default().to_owned();
        self.out.block(Gap::Blank);
        self.stand_in(&url, &title, LinkKind::Media, None);
        self.out.block(Gap::Blank);
        true
    }

    /// `<iframe>`: a link to what it shows.
    pub(crate) fn frame(&mut self, id: Id) -> bool {
        let Some(url) = self.attr(id, Attr::Src).and_then(|src| self.resolve(src)) else { return false };
        let title = self.attr(id, Attr::Title).unwrap_or_default().to_owned();
        self.stand_in(&url, &title, LinkKind::Media, None);
        true
    }

    /// An event: its name and when.
    pub(crate) fn event(&mut self, id: Id) {
        let parts = [Attr::DataName, Attr::DataStart, Attr::DataEnd].map(|attr| self.attr(id, attr));
        self.out.block(Gap::Blank);
        for part in parts.into_iter().flatten() {
            self.out.block(Gap::Line);
            self.text(part);
        }
        self.children(id);
        self.out.block(Gap::Blank);
    }

    pub(crate) fn broken_upload(&mut self, upload: &str, text: String) {
        self.note_link(upload.to_owned(), text, LinkKind::BrokenUpload);
    }

    /// A link that is not written as one.
    pub(crate) fn note_link(&mut self, url: String, text: String, kind: LinkKind) {
        let internal = self.is_internal(&url);
        self.found.links.push(Link { url, text, internal, kind, excerpt: None });
    }
}

fn opening(quote: &Quote) -> String {
    let mut parts: Vec<String> = quote.username.iter().cloned().collect();
    parts.extend(quote.post_number.map(|number| format!("post:{number}")));
    parts.extend(quote.topic_id.map(|id| format!("topic:{id}")));
    if quote.full {
        parts.push("full:true".to_owned());
    }
    if parts.is_empty() { "[quote]".to_owned() } else { format!("[quote=\"{}\"]", parts.join(", ")) }
}

/// Lines without what each of them begins with.
fn without_prefix(lines: &str, prefix: &str) -> String {
    let mut text = String::with_capacity(lines.len());
    for (index, line) in lines.split('\n').enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let rest = line.strip_prefix(prefix).or_else(|| line.strip_prefix(prefix.trim_end()));
        // The first line may bear the marker of an item instead.
        text.push_str(rest.or_else(|| line.get(prefix.len()..)).unwrap_or(line));
    }
    text
}
