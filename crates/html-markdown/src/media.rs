//! Links, pictures, sound and film.

use crate::converted::{Image, Link, LinkKind};
use crate::escape::destination;
use crate::options::{Images, Mode};
use crate::spans::Span;
use crate::tag::{Attr, Tag};
use crate::tree::{Id, View};
use crate::walk::Walk;

/// How much text of a link is told beside the Markdown; links may nest by way of tables.
const LABEL: usize = 1_000;

/// Text with its white space collapsed.
pub(crate) fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_picture(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit_once('.').is_some_and(|(_, suffix)| {
        ["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp"]
            .iter()
            .any(|one| suffix.eq_ignore_ascii_case(one))
    })
}

impl Walk<'_> {
    pub(crate) fn link(&mut self, id: Id) {
        let href = self.attr(id, Attr::Href).unwrap_or_default();
        let within = href.starts_with('#') && !self.is(Mode::Faithful) && !self.is(Mode::Composer);
        let url = match self.resolve(href) {
            Some(url) if !within => url,
            None if self.is(Mode::Faithful) && self.attr(id, Attr::Href).is_some() => String::new(),
            _ => return self.children(id),
        };
        let free = !self.is(Mode::Faithful) && !self.is(Mode::Composer);
        if let Some(picture) = self.only_picture(id).filter(|_| free && is_picture(&url)) {
            return self.picture(picture, Some(&url), None);
        }
        self.linked(id, url, LinkKind::Web);
    }

    /// A link to `url` around what is in `id`.
    pub(crate) fn linked(&mut self, id: Id, url: String, kind: LinkKind) {
        let text = self.tree.label(id, LABEL);
        let internal = self.is_internal(&url);
        self.found.links.push(Link { url: url.clone(), text, internal, kind, excerpt: None });
        let before = self.tree.prev(id).and_then(|before| self.tree.tag(before));
        if before == Some(Tag::A) && self.is(Mode::Text) {
            // Two links that touch are two words; brackets would say so.
            self.out.space();
        }
        let titled = self.is(Mode::Faithful) || self.is(Mode::Composer) && !self.is_discourse();
        let title = self.attr(id, Attr::Title).filter(|_| titled).map(str::to_owned);
        self.span(id, Span::Link { url, title });
    }

    /// A link that stands for something that Markdown has no words for.
    pub(crate) fn stand_in(&mut self, url: &str, title: &str, kind: LinkKind, excerpt: Option<String>) {
        let title = collapsed(title);
        let internal = self.is_internal(url);
        if self.is(Mode::Text) {
            self.text(&title);
        } else {
            self.out.open(Span::Link { url: url.to_owned(), title: None });
            if title.is_empty() {
                self.out.atom(url);
            } else {
                self.text(&title);
            }
            self.out.close();
        }
        self.found.links.push(Link { url: url.to_owned(), text: title, internal, kind, excerpt });
    }

    /// The picture in an element that holds nothing else.
    fn only_picture(&self, id: Id) -> Option<Id> {
        let mut found = None;
        for below in self.tree.below(id) {
            match self.tree.view(below) {
                View::Text(text) if text.trim().is_empty() => {}
                View::Element(Tag::Img) if found.is_none() => found = Some(below),
                View::Element(Tag::Source | Tag::Span | Tag::Other | Tag::Figure | Tag::Div) => {}
                _ => return None,
            }
        }
        found
    }

    pub(crate) fn image(&mut self, id: Id) {
        if self.tree.classes(id).any(|class| class.starts_with("mwe-math-fallback")) {
            return self.drop("drawn formula");
        }
        self.picture(id, None, None);
    }

    /// A picture, which stands for `original` if there is one.
    pub(crate) fn picture(&mut self, id: Id, original: Option<&str>, title: Option<&str>) {
        let size = |attr| {
            self.attr(id, attr).and_then(|size: &str| size.trim().trim_end_matches("px").parse::<u32>().ok())
        };
        let (width, height) = (size(Attr::Width), size(Attr::Height));
        let alt = self.attr(id, Attr::Alt).unwrap_or_default();
        let shown = self.source(id);
        let inline = self.attr(id, Attr::Src).is_some_and(|src| src.trim_start().starts_with("data:"));
        if width.is_some_and(|width| width <= 1) && height.is_some_and(|height| height <= 1) {
            return self.drop("pixel");
        }
        let Some(url) = original.map(str::to_owned).or_else(|| shown.clone()) else {
            if inline {
                self.drop("inline picture");
            }
            if self.is(Mode::Composer) {
                if inline {
                    self.out.atom("[image]");
                }
            } else {
                self.text(alt);
            }
            return;
        };
        let image = Image {
            thumbnail: shown.filter(|shown| *shown != url),
            url,
            alt: collapsed(alt),
            title: title
                .or_else(|| self.attr(id, Attr::Title))
                .filter(|title| !title.is_empty())
                .map(str::to_owned),
            width,
            height,
            sha1_base62: self.attr(id, Attr::Base62).map(str::to_owned),
            at: 0..0,
        };
        self.write_image(image, original.is_some());
    }

    fn write_image(&mut self, image: Image, is_lightbox: bool) {
        let shown = match (self.options.mode, self.options.images) {
            (Mode::Text, _) | (_, Images::Alt) => None,
            (_, Images::Nothing) => Some(String::new()),
            (Mode::Composer, _) => Some(composed(&image, is_lightbox)),
            (mode, Images::Markdown) => {
                let alt = bracketed(&image.alt, mode);
                let title = image.title.as_ref().filter(|_| mode == Mode::Faithful);
                let title =
                    title.map(|title| format!(" \"{}\"", title.replace('"', "\\\""))).unwrap_or_default();
                Some(format!("![{alt}]({}{title})", destination(&image.url)))
            }
        };
        let at = match shown {
            Some(shown) if shown.is_empty() => self.out.here()..self.out.here(),
            Some(shown) => self.out.atom(&shown),
            None if image.alt.is_empty() => self.out.here()..self.out.here(),
            None => self.out.atom(&image.alt),
        };
        self.image_marks.push(self.out.mark(at));
        self.found.images.push(image);
    }

    /// Where the picture itself lies: lazy pages hide it behind a placeholder.
    fn source(&self, id: Id) -> Option<String> {
        let plain = self.attr(id, Attr::Src).filter(|src| !src.trim().ends_with("/404"));
        let lazy = [Attr::DataSrc, Attr::LazySrc, Attr::Original, Attr::OriginalSrc, Attr::OriginalHref];
        plain
            .and_then(|src| self.resolve(src))
            .into_iter()
            .chain(lazy.iter().filter_map(|attr| self.resolve(self.attr(id, *attr)?)))
            .chain(self.attr(id, Attr::Srcset).and_then(largest).and_then(|src| self.resolve(src)))
            .next()
    }

    /// Sound and film: a link.
    pub(crate) fn media(&mut self, id: Id) {
        let own = self.attr(id, Attr::Src).map(|src| (id, src));
        let found = own.or_else(|| {
            self.tree.below(id).find_map(|below| match self.tree.tag(below)? {
                Tag::Source => Some((below, self.attr(below, Attr::Src)?)),
                Tag::A => Some((below, self.attr(below, Attr::Href)?)),
                _ => None,
            })
        });
        match found.and_then(|(_, src)| self.resolve(src)) {
            Some(url) => {
                let title = self.attr(id, Attr::Title).unwrap_or_default().to_owned();
                self.stand_in(&url, &title, LinkKind::Media, None);
            }
            None => self.children(id),
        }
    }
}

/// The last of the largest of a `srcset`.
fn largest(srcset: &str) -> Option<&str> {
    let size = |one: &&str| {
        let number = one.split_ascii_whitespace().nth(1).unwrap_or_default().trim_end_matches(['w', 'x']);
        (number.parse::<f64>().unwrap_or_default() * 100.0) as u64
    };
    srcset.split(", ").max_by_key(size)?.split_ascii_whitespace().next().map(|url| url.trim_end_matches(','))
}

/// The dialect of Discourse's composer: the size within the brackets, uploads by their hash.
fn composed(image: &Image, is_lightbox: bool) -> String {
    let alt = image.title.as_deref().filter(|_| is_lightbox).unwrap_or(&image.alt);
    let size = match (image.width, image.height) {
        (Some(width), Some(height)) if !is_lightbox => format!("|{width}x{height}"),
        _ => String::new(),
    };
    let url = match &image.sha1_base62 {
        Some(sha1) => format!("upload://{sha1}"),
        None => destination(&image.url).into_owned(),
    };
    let title = image.title.as_ref().filter(|_| !is_lightbox);
    let title = title.map(|title| format!(" \"{title}\"")).unwrap_or_default();
    format!("![{alt}{size}]({url}{title})")
}

/// Alternative text within brackets.
fn bracketed(alt: &str, mode: Mode) -> String {
    let mut depth = 0_i64;
    let even = alt.bytes().all(|byte| {
        depth += i64::from(byte == b'[') - i64::from(byte == b']');
        depth >= 0
    }) && depth == 0;
    if mode == Mode::Faithful {
        let mut escaped = String::new();
        crate::escape::faithful(&mut escaped, alt);
        escaped
    } else if even {
        alt.to_owned()
    } else {
        alt.replace('[', "\\[").replace(']', "\\]")
    }
}
