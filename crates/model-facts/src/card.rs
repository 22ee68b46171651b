//! What the card's metadata, the tags and the text of the card tell. Authors write them, in any form.

use std::borrow::Cow;

use crawl_core::json::Raw;

use crate::members::Members;

/// So many texts of a list are read; no card needs more.
const MOST: usize = 2_000;

/// What a model was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The card has metadata, and it names no base.
    Original,
    /// Trained on.
    FineTune,
    /// An adapter beside the base's weights.
    Adapter,
    /// The base's weights in fewer bits.
    Quantised,
    /// Several models made one.
    Merge,
}

impl Relation {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Relation::Original => "original",
            Relation::FineTune => "finetune",
            Relation::Adapter => "adapter",
            Relation::Quantised => "quantized",
            Relation::Merge => "merge",
        }
    }

    /// As the Hub spells it.
    fn read(word: &str) -> Option<Relation> {
        Some(match word {
            "finetune" => Relation::FineTune,
            "adapter" => Relation::Adapter,
            "quantized" => Relation::Quantised,
            "merge" => Relation::Merge,
            _ => return None,
        })
    }
}

/// The texts of a value: a text, a list of them, or an object that has a `name`, `id` or `model`.
pub(crate) fn texts(raw: Raw<'_>) -> Vec<Cow<'_, str>> {
    match raw.elements() {
        Some(list) => list.take(MOST).filter_map(one).filter(|text| !text.is_empty()).collect(),
        None => one(raw).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

/// The text of one value.
fn one(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    raw.str().or_else(|| ["name", "id", "model"].iter().find_map(|name| raw.get(name)?.str()))
}

/// What stands behind a prefix.
pub(crate) fn after<'a>(tag: &Cow<'a, str>, prefix: &str) -> Option<Cow<'a, str>> {
    match tag {
        Cow::Borrowed(tag) => tag.strip_prefix(prefix).map(Cow::Borrowed),
        Cow::Owned(tag) => tag.strip_prefix(prefix).map(|rest| Cow::Owned(rest.to_owned())),
    }
}

/// Without repetitions, in order.
fn unique<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> Vec<Cow<'a, str>> {
    let mut seen = std::collections::HashSet::new();
    texts.take(MOST).filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}

/// The languages: what the card names and what has the form of a code, else the tags that are ISO 639-1 codes. `false` is
/// what YAML 1.1 makes of `no`, Norwegian.
pub(crate) fn languages<'a>(card: Option<&Members<'a>>, tags: &[Cow<'a, str>]) -> Vec<Cow<'a, str>> {
    let named = ["language", "languages"].iter().find_map(|name| card?.get(name));
    let one = |raw: Raw<'a>| match raw.bool() {
        Some(false) => Some(Cow::Borrowed("no")),
        _ => raw.str(),
    };
    let own: Vec<Cow<'a, str>> = match named {
        Some(raw) => match raw.elements() {
            Some(list) => list.take(MOST).filter_map(one).collect(),
            None => one(raw).into_iter().collect(),
        },
        None => Vec::new(),
    };
    let own = unique(own.into_iter().filter(|text| is_code(text)));
    if !own.is_empty() {
        return own;
    }
    // Among the Hub's tags are those that the author chose: there `ml`, `cv` and `sd` mean no languages.
    let chosen = card.and_then(|card| card.get("tags")).map(texts).unwrap_or_default();
    let is_language = |tag: &&Cow<'a, str>| {
        tag.len() == 2 && CODES.split(' ').any(|code| code == tag.as_ref()) && !chosen.contains(tag)
    };
    unique(tags.iter().filter(is_language).cloned())
}

/// Whether a text has the form of a language's code: two or three letters, and perhaps script, region or more behind them
/// (`zh-Hant`, `pt_BR`). The Hub knows two words beside codes; and `und` is the code of what is not known.
fn is_code(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let more =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let code = (2..=3).contains(&first.len()) && letters(first) && parts.all(more);
    (code && !first.eq_ignore_ascii_case("und")) || matches!(text, "code" | "multilingual")
}

/// The datasets that the card names, and those of tags `dataset:`.
pub(crate) fn datasets<'a>(card: Option<&Members<'a>>, tags: &[Cow<'a, str>]) -> Vec<Cow<'a, str>> {
    let own = card.and_then(|card| card.get("datasets")).map(texts).unwrap_or_default();
    unique(own.into_iter().chain(tags.iter().filter_map(|tag| after(tag, "dataset:"))))
}

/// The papers of tags `arxiv:`.
pub(crate) fn arxiv<'a>(tags: &[Cow<'a, str>]) -> Vec<Cow<'a, str>> {
    unique(tags.iter().filter_map(|tag| after(tag, "arxiv:")))
}

/// The models that it was made of, and how: tags `base_model:RELATION:NAME`, else `base_model` of the card.
pub(crate) fn bases<'a>(
    card: Option<&Members<'a>>,
    tags: &[Cow<'a, str>],
    is_adapter: bool,
) -> (Vec<Cow<'a, str>>, Option<Relation>) {
    let (mut names, mut relation) = (Vec::new(), None);
    for tag in tags.iter().filter_map(|tag| after(tag, "base_model:")) {
        let known = tag.split_once(':').and_then(|(word, _)| Some((word.len() + 1, Relation::read(word)?)));
        match known {
            Some((length, known)) => {
                relation = relation.or(Some(known));
                names.push(match tag {
                    Cow::Borrowed(tag) => Cow::Borrowed(&tag[length..]),
                    Cow::Owned(tag) => Cow::Owned(tag[length..].to_owned()),
                });
            }
            None => names.push(tag),
        }
    }
    if let Some(raw) = card.and_then(|card| card.get("base_model")) {
        names.extend(texts(raw));
    }
    let names = unique(names.into_iter());
    let told = || Relation::read(card?.get("base_model_relation")?.str()?.as_ref());
    let seen = || is_adapter.then_some(Relation::Adapter);
    let none =
        || (names.is_empty() && card.is_some_and(|card| !card.is_empty())).then_some(Relation::Original);
    let relation = relation.or_else(told).or_else(seen).or_else(none);
    (names, relation)
}

/// The most bytes of a card that are looked at for its first paragraph, and the most characters of that.
const LOOK: usize = 64 << 10;
const DESCRIPTION: usize = 500;

/// The first paragraph of the card's text that is prose: no front matter, heading, table, list, code or markup.
pub(crate) fn description(card: &str) -> Option<String> {
    let mut end = card.len().min(LOOK);
    while !card.is_char_boundary(end) {
        end -= 1;
    }
    let mut rest = &card[..end];
    if let Some(matter) = rest.strip_prefix("---\n").or_else(|| rest.strip_prefix("---\r\n")) {
        rest = matter.split_once("\n---").map_or("", |(_, rest)| rest);
    }
    let (mut text, mut in_code) = (String::new(), false);
    for line in rest.lines().map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let markup = ['#', '<', '|', '!', '>', '-', '*', '[', '='];
        let prose = !in_code && line.chars().next().is_some_and(|first| !markup.contains(&first));
        match (prose, text.is_empty()) {
            (true, _) => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(line);
            }
            (false, false) => break,
            (false, true) => {}
        }
    }
    let text: String = text.chars().take(DESCRIPTION).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// The two-letter codes of ISO 639-1.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv \
    dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it \
    iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb \
    nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss \
    st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";
