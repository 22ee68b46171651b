//! The elements and attributes that rules ask for; all others are one value each.

use html5ever::{LocalName, local_name};

macro_rules! tags {
    ($($variant:ident $name:tt),* $(,)?) => {
        /// What an element is, as far as any rule wants to know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Tag {
            $($variant,)*
            /// SVG and everything in it.
            Drawing,
            /// An element of HTML that no rule names.
            Other,
        }

        impl Tag {
            /// The tag of an HTML element.
            pub(crate) fn of(name: &LocalName) -> Self {
                match *name {
                    $(local_name!($name) => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

tags! {
    A "a", Address "address", Annotation "annotation", Article "article", Aside "aside", Audio "audio", B "b", Big "big",
    Blockquote "blockquote", Body "body", Br "br", Button "button", Caption "caption", Center "center", Code "code",
    Col "col", Colgroup "colgroup", Datalist "datalist", Dd "dd", Del "del", Details "details", Dialog "dialog",
    Dir "dir", Div "div", Dl "dl", Dt "dt", Em "em", Embed "embed", Fieldset "fieldset", Figcaption "figcaption",
    Figure "figure", Footer "footer", Form "form", Frameset "frameset", H1 "h1", H2 "h2", H3 "h3", H4 "h4", H5 "h5", H6 "h6", Head "head",
    Header "header", Hgroup "hgroup", Hr "hr", Html "html", I "i", Iframe "iframe", Img "img", Input "input",
    Ins "ins", Kbd "kbd", Legend "legend", Li "li", Listing "listing", Main "main", Mark "mark", Math "math",
    Menu "menu", Nav "nav", Noembed "noembed", Noframes "noframes", Noscript "noscript", Object "object", Ol "ol",
    Optgroup "optgroup", Option_ "option", P "p", Plaintext "plaintext", Pre "pre", Rp "rp", Rt "rt", S "s", Samp "samp", Script "script",
    Section "section", Select "select", Small "small", Source "source", Span "span", Strike "strike",
    Strong "strong", Style "style", Sub "sub", Summary "summary", Sup "sup", Svg "svg", Table "table",
    Tbody "tbody", Td "td", Template "template", Textarea "textarea", Tfoot "tfoot", Th "th", Thead "thead", Title "title",
    Tr "tr", Track "track", Tt "tt", U "u", Ul "ul", Video "video", Wbr "wbr", Xmp "xmp",
}

impl Tag {
    /// 1 to 6, for a heading.
    pub(crate) fn heading(self) -> Option<usize> {
        Some(match self {
            Self::H1 => 1,
            Self::H2 => 2,
            Self::H3 => 3,
            Self::H4 => 4,
            Self::H5 => 5,
            Self::H6 => 6,
            _ => return None,
        })
    }

    /// Elements that a browser shows as a block and that have no other meaning here.
    pub(crate) fn is_plain_block(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Address
                | Article
                | Aside
                | Body
                | Button
                | Caption
                | Center
                | Dialog
                | Div
                | Dl
                | Dt
                | Dd
                | Fieldset
                | Figcaption
                | Figure
                | Footer
                | Form
                | Frameset
                | Header
                | Hgroup
                | Html
                | Legend
                | Main
                | Nav
                | P
                | Section
                | Summary
                | Tbody
                | Td
                | Tfoot
                | Th
                | Thead
                | Tr
                | Details
        )
    }

    /// Blocks that a cell of a pipe table cannot hold.
    pub(crate) fn needs_lines(self) -> bool {
        use Tag::*;
        self.heading().is_some()
            || matches!(
                self,
                Blockquote | Details | Dir | Dl | Hr | Listing | Menu | Ol | Pre | Table | Ul | Xmp
            )
    }

    /// Elements that never have an end tag, so that they never nest.
    pub(crate) fn is_void(name: &[u8]) -> bool {
        matches!(
            name,
            b"area"
                | b"base"
                | b"br"
                | b"col"
                | b"embed"
                | b"hr"
                | b"img"
                | b"input"
                | b"link"
                | b"meta"
                | b"source"
                | b"track"
                | b"wbr"
        )
    }
}

macro_rules! attributes {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// The attributes that rules read. Others are never stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Attr {
            $($variant,)*
        }

        impl Attr {
            /// The attribute of this name, in lower case.
            pub(crate) fn of(name: &[u8]) -> Option<Self> {
                Some(match name {
                    $($name => Self::$variant,)*
                    _ => return None,
                })
            }
        }
    };
}

attributes! {
    Align b"align", Alt b"alt", AltText b"alttext", Base62 b"data-base62-sha1", Checked b"checked", Class b"class",
    CodeWrap b"data-code-wrap", Colspan b"colspan", DataAlt b"data-alt", DataDate b"data-date", DataEnd b"data-end",
    DataHref b"data-orig-href", DataName b"data-name", DataSrc b"data-src", DataStart b"data-start",
    DownloadHref b"data-download-href", Encoding b"encoding", Full b"data-full", Height b"height", Href b"href",
    Id b"id", LazySrc b"data-lazy-src", Language b"data-lang", OneboxSrc b"data-onebox-src", Original b"data-original",
    OriginalHref b"data-original-href", OriginalSrc b"data-orig-src", Post b"data-post", Src b"src", Srcset b"srcset", Start b"start",
    Style b"style", Title b"title", Topic b"data-topic", Type b"type", Username b"data-username", Value b"value",
    VideoId b"data-video-id", VideoSrc b"data-video-src", VideoTitle b"data-video-title", Provider b"data-provider-name",
    Width b"width", YoutubeId b"data-youtube-id", YoutubeTitle b"data-youtube-title",
}
