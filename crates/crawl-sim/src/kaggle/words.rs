//! The vocabulary of generated items. All of it is invented; nothing was taken from Kaggle.

use crate::dice::Dice;

/// A subject with its tag.
pub(super) const TOPICS: [(&str, &str); 24] = [
    ("tide-tables", "oceanography"),
    ("harbour-traffic", "transportation"),
    ("bird-calls", "audio"),
    ("bakery-sales", "business"),
    ("glacier-photos", "image"),
    ("train-delays", "transportation"),
    ("chess-endgames", "games"),
    ("street-trees", "environment"),
    ("school-lunches", "food"),
    ("library-loans", "literature"),
    ("soil-moisture", "agriculture"),
    ("noise-levels", "audio"),
    ("ticket-texts", "nlp"),
    ("handwritten-recipes", "image"),
    ("bicycle-counts", "transportation"),
    ("pollen-reports", "health"),
    ("night-shifts", "health"),
    ("star-catalogue", "astronomy"),
    ("river-levels", "oceanography"),
    ("museum-visits", "art"),
    ("dialect-words", "nlp"),
    ("wind-turbines", "energy"),
    ("knitting-patterns", "art"),
    ("grid-load", "energy"),
];

pub(super) const FIRST: [&str; 24] = [
    "amina", "boris", "carla", "dimitri", "elif", "farid", "greta", "hiro", "ines", "jonas", "kavya", "liam",
    "marta", "noor", "olga", "paulo", "qiang", "rosa", "sven", "tariq", "ursula", "viktor", "wanda", "yuki",
];

pub(super) const FAMILY: [&str; 24] = [
    "abel", "berg", "castro", "diaz", "eklund", "fischer", "garcia", "haas", "ivanov", "jensen", "kumar",
    "lee", "moreau", "novak", "okafor", "petrov", "quist", "rossi", "sato", "tanaka", "usman", "vogel",
    "weber", "young",
];

/// Slug and name.
pub(super) const ORGANIZATIONS: [(&str, &str); 12] = [
    ("tern-lab", "Tern Lab"),
    ("open-harbour", "Open Harbour"),
    ("northern-grid", "Northern Grid"),
    ("saltmarsh", "Saltmarsh Institute"),
    ("city-of-ashby", "City of Ashby"),
    ("quarry-ai", "Quarry AI"),
    ("lantern-press", "Lantern Press"),
    ("meridian-rail", "Meridian Rail"),
    ("juniper-health", "Juniper Health"),
    ("blue-kiln", "Blue Kiln"),
    ("atlas-weather", "Atlas Weather"),
    ("fennel-foods", "Fennel Foods"),
];

/// The name in lists, in metadata, and the group that a filter asks for.
pub(super) const LICENSES: [(&str, &str, &str); 9] = [
    ("CC0: Public Domain", "CC0-1.0", "cc"),
    ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0", "cc"),
    ("CC BY-SA 4.0", "CC-BY-SA-4.0", "cc"),
    ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0", "cc"),
    ("GPL 2", "GPL-2.0", "gpl"),
    ("Database: Open Database, Contents: Database Contents", "DbCL-1.0", "odb"),
    ("Unknown", "unknown", "other"),
    ("Other (specified in description)", "other", "other"),
    ("MIT", "MIT", "other"),
];

const SENTENCES: [&str; 12] = [
    "Collected by volunteers over {n} weeks, then checked twice.",
    "Each row is one observation; {n} of them lack a date.",
    "Units are metric. Missing values are *empty*, never zero.",
    "The columns `id` and `value` are all that most people need.",
    "Please write to us if you find a mistake: we have fixed {n} so far.",
    "Numbers were read from paper forms, so expect about {n} odd ones.",
    "See [the notes](https://example.org/notes?a=1&b=2) for the method.",
    "Таблица содержит {n} строк.",
    "数据每周更新一次。",
    "A < B is written as `A &lt; B` in the older half.",
    "The mean is $\\mu = {n}$ and the error is about 2 %.",
    "**Do not** use it to find people.",
];

/// Some sentences of Markdown.
pub(super) fn prose(dice: &mut Dice, most: u64) -> String {
    let mut text = String::new();
    for _ in 0..=dice.below(most) {
        let number = dice.below(900) + 2;
        text.push_str(&dice.pick(&SENTENCES).replace("{n}", &number.to_string()));
        text.push(' ');
    }
    text.trim_end().to_owned()
}

/// `noise-levels` becomes `Noise levels`.
pub(super) fn title(slug: &str) -> String {
    let text = slug.replace('-', " ");
    let (first, rest) = text.split_at(text.len().min(1));
    first.to_uppercase() + rest
}

/// `TENSOR_FLOW_2` becomes `tensorFlow2`.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    for (position, part) in name.split('_').enumerate() {
        let part = part.to_lowercase();
        let (first, rest) = part.split_at(part.len().min(1));
        out.push_str(&if position == 0 { first.to_owned() } else { first.to_uppercase() });
        out.push_str(rest);
    }
    out
}
