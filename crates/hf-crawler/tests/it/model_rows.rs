//! Rows of models with anything in any field: none is lost, and the view says of each field what it is.

use std::fmt::Write;

use crawl_core::Record;
use crawl_core::record::{Census, Field, HfModel};
use crawl_sim::{Hub as Double, HubConfig};
use hf_crawler::{Listing, Repos, Repositories};

use crate::desk::{crawl, hub};

/// What a field holds where it is as usual.
#[derive(Clone, Copy, PartialEq)]
enum Usual {
    Text,
    Truth,
    Gated,
    Count,
    Number,
    List,
    Object,
}

const FIELDS: [(&str, Usual); 25] = [
    ("id", Usual::Text),
    ("_id", Usual::Text),
    ("author", Usual::Text),
    ("sha", Usual::Text),
    ("createdAt", Usual::Text),
    ("lastModified", Usual::Text),
    ("private", Usual::Truth),
    ("gated", Usual::Gated),
    ("disabled", Usual::Truth),
    ("downloads", Usual::Count),
    ("downloadsAllTime", Usual::Count),
    ("likes", Usual::Count),
    ("trendingScore", Usual::Number),
    ("pipeline_tag", Usual::Text),
    ("library_name", Usual::Text),
    ("tags", Usual::List),
    ("cardData", Usual::Object),
    ("config", Usual::Object),
    ("safetensors", Usual::Object),
    ("gguf", Usual::Object),
    ("siblings", Usual::List),
    ("usedStorage", Usual::Count),
    ("transformersInfo", Usual::Object),
    ("model-index", Usual::List),
    ("childrenModelCount", Usual::Count),
];

/// Numbers as people and programs write them, and whether they count things.
const NUMBERS: [(&str, bool); 14] = [
    ("0", true),
    ("42", true),
    ("18446744073709551615", true),
    ("3.0", true),
    ("7e9", true),
    ("-0", true),
    ("18446744073709551616", false),
    ("9007199254740993.0", false),
    ("-1", false),
    ("0.5", false),
    ("1e300", false),
    ("1e999", false),
    ("-1e999", false),
    ("7.25E-3", false),
];

/// A field, and the text of what stands in it.
type Thrown = (&'static str, Usual, Option<String>);

/// Another seed, other rows.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64)]
    }

    /// Any JSON.
    fn json(&mut self, depth: u64) -> String {
        const TEXTS: [&str; 9] = [
            r#""""#,
            r#""auto""#,
            r#""manual""#,
            r#""2026-11-22T00:00:00.000Z""#,
            r#""\u0000\ud83d\ude00 \"quoted\" \\""#,
            r#""}{][,:""#,
            r#""\ud800""#,
            "\"ünï — 模型\"",
            r#""12""#,
        ];
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => "null".into(),
            1 => self.of(&["true", "false"]).into(),
            2 => self.of(&NUMBERS).0.into(),
            3 => self.of(&TEXTS).into(),
            4 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.json(depth - 1)).collect();
                format!("[{}]", items.join(self.of(&[",", " , ", ",\t"])))
            }
            _ => {
                const NAMES: [&str; 7] =
                    ["parameters", "total", "architecture", "context_length", "rfilename", "BF16", "\\u0061"];
                let members =
                    (0..self.below(4)).map(|_| format!("\"{}\":{}", self.of(&NAMES), self.json(depth - 1)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// A row with this id, and anything or nothing in each other field.
    fn row(&mut self, id: &str) -> (String, Vec<Thrown>) {
        let mut fields = Vec::new();
        let mut row = String::from("{");
        for (name, usual) in FIELDS {
            let value = match name {
                "id" => Some(id.to_owned()),
                _ if self.below(5) == 0 => None,
                _ => Some(self.json(3)),
            };
            if let Some(value) = &value {
                write!(row, "{}\"{name}\":{value}", if row.len() == 1 { "" } else { "," }).unwrap();
            }
            fields.push((name, usual, value));
        }
        (row + "}", fields)
    }
}

fn is_usual(usual: Usual, value: &str) -> bool {
    match usual {
        Usual::Text => value.starts_with('"') && value != r#""\ud800""#,
        Usual::Truth => matches!(value, "true" | "false"),
        Usual::Gated => matches!(value, "false" | r#""auto""# | r#""manual""#),
        Usual::Count => NUMBERS.contains(&(value, true)),
        Usual::Number => !value.contains("e999") && NUMBERS.iter().any(|(number, _)| *number == value),
        Usual::List => value.starts_with('['),
        Usual::Object => value.starts_with('{'),
    }
}

#[test]
fn whatever_stands_in_a_field_the_view_tells_absent_from_wrong_and_never_fails() {
    let mut chance = Chance(0x5eed);
    for number in 0..20_000 {
        let id = if chance.below(3) == 0 { chance.json(2) } else { format!("\"owner/{number}\"") };
        let (text, fields) = chance.row(&id);
        let Ok(record) = Record::parse(text.clone()) else { panic!("no JSON: {text}") };
        let (view, mut census) = (HfModel::of(&record), Census::default());
        view.census(&mut census);
        assert_eq!((record.bytes(), census.records), (text.as_bytes(), 1));
        for (name, usual, value) in fields {
            let absent = value.as_deref().is_none_or(|value| value == "null");
            // Of texts that are not looked at, the escapes are not looked at either.
            let lies = usual == Usual::Text && !matches!(name, "id" | "_id");
            let odd = value.as_deref() == Some(r#""\ud800""#) && lies;
            let wrong = !absent && !odd && !is_usual(usual, value.as_deref().unwrap_or_default());
            assert_eq!(census.absent.contains_key(name), absent, "{name} of {text}");
            assert_eq!(census.wrong.contains_key(name), wrong, "{name} of {text}");
        }
        // Nothing inside is beyond reading.
        let (_, _) = (view.tag_list().count(), view.file_names().count());
        let types = view.safetensors.get().map_or(0, |facts| facts.by_type().count());
        assert!(types < 4);
    }
}

#[test]
fn numbers_of_parameters_are_read_as_they_are_written_and_nonsense_is_none() {
    let row = br#"{"id":"a","id":"o/b","safetensors":{"parameters":{"BF16":7e9,"U8":"many","F32":12},"total":333312},
        "gguf":{"total":99999999999999999999,"architecture":"llama","context_length":131072.0},
        "siblings":[{"rfilename":"x.gguf"},{"rfilename":7},"odd"],"tags":["en",3,"license:mit"],
        "trendingScore":0.5,"gated":"manual"}"#;
    let record = Record::parse(row.to_vec()).unwrap();
    let view = HfModel::of(&record);
    assert_eq!(view.id.get().unwrap(), "o/b", "of two the last one counts");
    let safetensors = view.safetensors.get().unwrap();
    let types: Vec<_> = safetensors.by_type().map(|(name, count)| (name.into_owned(), count)).collect();
    let expected = [("BF16", Field::Is(7_000_000_000)), ("U8", Field::Wrong), ("F32", Field::Is(12))];
    assert_eq!(types, expected.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(safetensors.total, Field::Is(333_312), "what the Hub says, not the sum");
    let gguf = view.gguf.get().unwrap();
    assert_eq!((&gguf.total, &gguf.context_length), (&Field::Wrong, &Field::Is(131_072)));
    assert_eq!(gguf.architecture.get().unwrap(), "llama");
    assert_eq!(view.file_names().collect::<Vec<_>>(), ["x.gguf"]);
    assert_eq!(view.tag_list().collect::<Vec<_>>(), ["en", "license:mit"]);
    assert_eq!((view.trending_score.get(), view.gated.get().unwrap().text()), (Some(&0.5), "\"manual\""));
    assert_eq!((&view.likes, view.disabled), (&Field::Absent, Field::Absent));
}

#[tokio::test]
async fn a_listing_of_rows_with_anything_in_them_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("models/list");
    std::fs::create_dir_all(&pages).unwrap();
    let (mut chance, mut kept, mut missing) = (Chance(7), Vec::new(), 0);
    for page in 0..20 {
        let mut rows = Vec::new();
        for number in 0..50 {
            let row = match chance.below(8) {
                0 => chance.json(2),
                1 => chance.row("17").0,
                _ => {
                    let row = chance.row(&format!("\"owner/{page}-{number}\"")).0;
                    kept.push(row.clone());
                    rows.push(row);
                    continue;
                }
            };
            missing += 1;
            rows.push(row);
        }
        std::fs::write(pages.join(format!("{page:02}.json")), format!("[{}]", rows.join(","))).unwrap();
    }
    let replay = Some(folder.path().to_owned());
    let double = Double::start(HubConfig { replay, ..HubConfig::default() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let listing = Listing { repos: Repos::Models, page_size: Some(100), ..Listing::default() };
    let end = crawl(&Repositories::new(hub(&double), listing).unwrap(), root.path()).await.unwrap();
    assert_eq!((end.pages, end.totals.listed), (20, 1_000));
    assert_eq!((end.totals.records, end.totals.missing), (kept.len() as u64, missing));
    let rows = crate::models::rows(root.path());
    assert!(rows.iter().map(Record::bytes).eq(kept.iter().map(String::as_bytes)), "word for word");
}
