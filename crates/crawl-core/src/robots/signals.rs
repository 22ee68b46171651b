//! What a page or a site says about its use: headers, meta tags and lines of robots.txt, in one value.

/// So many reasons are told.
const MOST_REASONS: usize = 16;

/// What was said about the use of a page. `None` is silence; of two that differ the stricter counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Whether models may be trained on it: `train-ai`, `ai-train`, `noai`, `tdm-reservation`.
    pub train: Option<bool>,
    /// Whether it may be given to a model that answers: `ai-input`.
    pub input: Option<bool>,
    /// Whether it may be shown in search: `search`.
    pub search: Option<bool>,
    /// Whether it may be indexed: `noindex`, `none`.
    pub index: Option<bool>,
    /// Whether its links may be followed: `nofollow`, `none`.
    pub follow: Option<bool>,
    /// Whether a copy of the page itself may be kept: `noarchive`.
    pub archive: Option<bool>,
    /// Whether its images may be used: `noimageai`, `noimageindex`.
    pub images: Option<bool>,
    /// The date after which it is not to be shown, as it is written: `unavailable_after`.
    pub until: Option<String>,
    /// What refused something, and where it was said.
    pub because: Vec<String>,
}

impl Signals {
    /// What the headers of an answer say to a crawler with this product token: `X-Robots-Tag`, `Content-Signal`,
    /// `Content-Usage` and `tdm-reservation`.
    pub fn of_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>, token: &str) -> Self {
        let mut all = Signals::default();
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "x-robots-tag" => all.merge(&Signals::of_robots_tag(value, token, "X-Robots-Tag")),
                "content-signal" => all.merge(&Signals::of_dictionary(value, "Content-Signal")),
                "content-usage" => all.merge(&Signals::of_dictionary(value, "Content-Usage")),
                "tdm-reservation" => all.reserve(value, "tdm-reservation"),
                _ => {}
            }
        }
        all
    }

    /// What one meta tag says to a crawler with this product token.
    pub fn of_meta(name: &str, content: &str, token: &str) -> Self {
        let name = name.trim();
        let mut all = Signals::default();
        if name.eq_ignore_ascii_case("robots") || (!token.is_empty() && name.eq_ignore_ascii_case(token)) {
            all.directives(content, "meta tag");
        } else if name.eq_ignore_ascii_case("tdm-reservation") {
            all.reserve(content, "meta tag");
        }
        all
    }

    /// What the meta tags of a page say, wherever they stand in it.
    pub fn of_html(html: &str, token: &str) -> Self {
        let mut all = Signals::default();
        for (name, content) in super::meta::tags(html) {
            all.merge(&Signals::of_meta(&name, &content, token));
        }
        all
    }

    /// What a `/.well-known/tdmrep.json` says about a path: whether rights are reserved there. Locations are patterns as
    /// in robots.txt; where several are about a path, one that reserves counts. What is no such file says nothing.
    pub fn of_tdmrep(file: &[u8], path_and_query: &str) -> Self {
        let mut all = Signals::default();
        let Ok(serde_json::Value::Array(entries)) = serde_json::from_slice(file) else { return all };
        let path = super::matcher::spelt(super::matcher::path_of(path_and_query).as_bytes());
        for entry in &entries {
            let Some(location) = entry.get("location").and_then(serde_json::Value::as_str) else { continue };
            let reserved = match entry.get("tdm-reservation") {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            if super::matcher::Pattern::new(location.as_bytes()).matches(&path) {
                all.reserve(&reserved, "tdmrep.json");
            }
        }
        all
    }

    /// Takes in what was said elsewhere about the same page: the stricter counts.
    pub fn merge(&mut self, other: &Signals) {
        let stricter = |mine: &mut Option<bool>, theirs: Option<bool>| {
            *mine = match (*mine, theirs) {
                (Some(mine), Some(theirs)) => Some(mine && theirs),
                (mine, theirs) => mine.or(theirs),
            };
        };
        stricter(&mut self.train, other.train);
        stricter(&mut self.input, other.input);
        stricter(&mut self.search, other.search);
        stricter(&mut self.index, other.index);
        stricter(&mut self.follow, other.follow);
        stricter(&mut self.archive, other.archive);
        stricter(&mut self.images, other.images);
        if self.until.is_none() {
            self.until.clone_from(&other.until);
        }
        for reason in &other.because {
            self.because(reason);
        }
    }

    /// Whether the links of the page may be queued.
    pub fn may_follow(&self) -> bool {
        self.follow != Some(false)
    }

    /// Whether the page may be exported for training: nobody said that it may not be trained on, nor be indexed.
    pub fn may_export(&self) -> bool {
        self.train != Some(false) && self.index != Some(false)
    }

    /// Whether the images of the page may be fetched and kept.
    pub fn may_take_images(&self) -> bool {
        self.images != Some(false)
    }

    /// Whether the page itself may be kept, beside its text.
    pub fn may_archive(&self) -> bool {
        self.archive != Some(false)
    }

    /// `train-ai=n, search=y` or `search=yes,ai-train=no`: a dictionary, read leniently. What is not known is passed
    /// over, and what is said twice is as strict as its strictest.
    pub(super) fn of_dictionary(text: &str, place: &str) -> Self {
        let mut all = Signals::default();
        for member in text.split([',', ';']) {
            let Some((key, value)) = member.split_once('=') else { continue };
            let said = match value.trim().trim_matches('"').to_ascii_lowercase().as_str() {
                "n" | "no" | "?0" | "0" | "false" | "disallow" => false,
                "y" | "yes" | "?1" | "1" | "true" | "allow" => true,
                _ => continue,
            };
            let key = key.trim().to_ascii_lowercase();
            let mut one = Signals::default();
            match key.as_str() {
                "train-ai" | "ai-train" | "train-genai" => one.train = Some(said),
                "ai-input" => one.input = Some(said),
                "search" => one.search = Some(said),
                _ => continue,
            }
            if !said {
                one.because(&format!("{key} in {place}"));
            }
            all.merge(&one);
        }
        all
    }

    /// A value of `X-Robots-Tag`: directives, perhaps behind the name of the crawler that they are for.
    fn of_robots_tag(value: &str, token: &str, place: &str) -> Self {
        let mut all = Signals::default();
        let value = value.trim();
        let directives = match value.split_once(':') {
            Some((name, rest)) if is_name(name.trim()) => {
                if !name.trim().eq_ignore_ascii_case(token) && name.trim() != "*" {
                    return all;
                }
                rest
            }
            _ => value,
        };
        all.directives(directives, place);
        all
    }

    fn directives(&mut self, text: &str, place: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (one, after) = rest.split_once(',').unwrap_or((rest, ""));
            let directive = one.trim().to_ascii_lowercase();
            if let Some(date) = directive.strip_prefix("unavailable_after:") {
                // Dates hold commas, and nothing tells where they end: `Fri, 1 Jan 2027`.
                let short =
                    date.trim().len() <= 9 && !date.trim().starts_with(|first: char| first.is_ascii_digit());
                let next = after.split(',').next().unwrap_or_default();
                let at = one.find(':').map_or(0, |at| at + 1);
                self.until = Some(match short {
                    true => format!("{},{next}", &one[at..]).trim().to_owned(),
                    false => one[at..].trim().to_owned(),
                });
                rest = if short { after.get(next.len() + 1..).unwrap_or_default() } else { after };
                continue;
            }
            self.directive(&directive, place);
            rest = after;
        }
    }

    fn directive(&mut self, directive: &str, place: &str) {
        let fields: &mut [&mut Option<bool>] = match directive {
            "noindex" => &mut [&mut self.index],
            "nofollow" => &mut [&mut self.follow],
            "none" => &mut [&mut self.index, &mut self.follow],
            "noarchive" | "nocache" => &mut [&mut self.archive],
            "noai" => &mut [&mut self.train],
            "noimageai" | "noimageindex" => &mut [&mut self.images],
            _ => return,
        };
        for field in fields {
            **field = Some(false);
        }
        self.because(&format!("{directive} in {place}"));
    }

    /// `1` reserves the right to mine texts and data, `0` does not.
    fn reserve(&mut self, value: &str, place: &str) {
        let mut one = Signals::default();
        match value.trim() {
            "1" => {
                one.train = Some(false);
                one.because(&format!("tdm-reservation in {place}"));
            }
            "0" => one.train = Some(true),
            _ => return,
        }
        self.merge(&one);
    }

    fn because(&mut self, reason: &str) {
        if self.because.len() < MOST_REASONS && !self.because.iter().any(|told| told == reason) {
            self.because.push(reason.to_owned());
        }
    }
}

/// Whether what stands ahead of a colon names a crawler, and is not a directive with a value.
fn is_name(text: &str) -> bool {
    const VALUED: [&str; 4] = ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];
    !text.is_empty() && !text.contains([',', ' ']) && !VALUED.iter().any(|key| text.eq_ignore_ascii_case(key))
}
