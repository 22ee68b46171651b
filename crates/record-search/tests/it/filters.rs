//! Filters hold before anything is ranked, and an unknown passes none.

use record_search::{Document, Mode, Query, Sort, Value};

use crate::{WORDS, ask, documents, index};

type Passes = Box<dyn Fn(&Value) -> bool>;

/// A filter as it is spelled, and what it means.
struct Wanted {
    spelled: String,
    column: &'static str,
    passes: Passes,
    unknown: bool,
}

fn random_filter(random: &mut fastrand::Rng) -> Wanted {
    let unknown = random.u8(..4) == 0;
    let mark = if unknown { ",?" } else { "" };
    let not = random.u8(..4) == 0;
    let minus = if not { "-" } else { "" };
    let texts = |value: &Value| match value {
        Value::Texts(texts) => texts.iter().map(|text| text.to_lowercase()).collect::<Vec<_>>(),
        Value::Number(_) => panic!("a number in a facet"),
    };
    let number = |value: &Value| match value {
        Value::Number(number) => *number,
        Value::Texts(_) => panic!("texts among numbers"),
    };
    let (column, value, test): (_, _, Passes) = match random.u8(..7) {
        0 => (
            "license",
            "MIT,gpl-3.0".to_owned(),
            Box::new(move |value| texts(value).iter().any(|text| text == "mit" || text == "gpl-3.0")),
        ),
        1 => (
            "license",
            "apache*".into(),
            Box::new(move |value| texts(value).iter().any(|text| text.starts_with("apache"))),
        ),
        2 => ("source", "ones".into(), Box::new(move |value| texts(value).contains(&"ones".to_owned()))),
        3 => {
            let from = f64::from(random.u32(..2_000));
            ("downloads", format!(">={from}"), Box::new(move |value| number(value) >= from))
        }
        4 => {
            let to = random.f64() * 1e11;
            ("params", format!("<{to}"), Box::new(move |value| number(value) < to))
        }
        5 => ("params", "1B..40B".into(), Box::new(move |value| (1e9..=40e9).contains(&number(value)))),
        // The day ends at 1704067200 + 86400.
        _ => ("created", "..2024-01-01".into(), Box::new(move |value| number(value) < 1_704_153_600.0)),
    };
    let passes: Passes = Box::new(move |value| test(value) != not);
    Wanted { spelled: format!("{minus}{column}:{value}{mark}"), column, passes, unknown }
}

fn known<'a>(document: &'a Document, wanted: &Wanted) -> Option<&'a Value> {
    document.columns.get(wanted.column).map(|(_, cell)| &cell.value)
}

fn passes(document: &Document, wanted: &Wanted) -> bool {
    known(document, wanted).map_or(wanted.unknown, |value| (wanted.passes)(value))
}

#[test]
fn every_hit_passes_all_filters_and_as_many_come_as_match() {
    let mut random = fastrand::Rng::with_seed(11);
    for seed in 0..4 {
        let documents = documents(seed, 400);
        let (_folder, index) = index(&documents);
        for round in 0..60 {
            let wanted: Vec<Wanted> = (0..random.usize(..4)).map(|_| random_filter(&mut random)).collect();
            let word = WORDS[random.usize(..WORDS.len() - 1)];
            let (text, mode, sort) = match round % 5 {
                0 => (String::new(), Mode::Both, None),
                1 => (word.to_owned(), Mode::Words, None),
                2 => (format!("{word} {}", WORDS[random.usize(..WORDS.len() - 1)]), Mode::Both, None),
                3 => (word.to_owned(), Mode::Words, Some(Sort::parse("downloads").unwrap())),
                _ => (word.to_owned(), Mode::Meaning, None),
            };
            let k = random.usize(1..120);
            let query = Query {
                text: text.clone(),
                mode,
                sort,
                limit: k,
                filters: wanted.iter().map(|wanted| wanted.spelled.clone()).collect(),
                ..Query::default()
            };
            let found = index.search(&query).unwrap();
            let said = || format!("{query:?}");
            let all: Vec<&Document> = documents
                .iter()
                .filter(|document| wanted.iter().all(|wanted| passes(document, wanted)))
                .collect();
            let matches = |document: &&&Document| {
                let has = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|has| has == word);
                mode != Mode::Words
                    || text.is_empty()
                    || [&document.name, &document.card, &document.tags[0]].iter().any(|text| has(text))
            };
            let matching = all.iter().filter(matches).count();
            assert_eq!(found.total, matching as u64, "{}", said());
            assert_eq!(found.hits.len(), k.min(matching), "{}", said());
            let mut seen = std::collections::HashSet::new();
            for hit in &found.hits {
                assert!(
                    all.iter().any(|document| document.id == hit.shown.id),
                    "{}: {}",
                    said(),
                    hit.shown.id
                );
                assert!(seen.insert(hit.shown.id.clone()), "{}: twice: {}", said(), hit.shown.id);
            }
            // What each filter left out, by itself, by brute force.
            assert_eq!(found.explain.considered, 400);
            assert_eq!(found.explain.passed, all.len() as u64, "{}", said());
            for (wanted, filtered) in wanted.iter().zip(&found.explain.filters) {
                let unknown = documents.iter().filter(|document| known(document, wanted).is_none()).count();
                let excluded = documents
                    .iter()
                    .filter(|document| known(document, wanted).is_some_and(|value| !(wanted.passes)(value)))
                    .count();
                assert_eq!(filtered.excluded, excluded as u64, "{}", wanted.spelled);
                assert_eq!(
                    filtered.unknown,
                    if wanted.unknown { 0 } else { unknown as u64 },
                    "{}",
                    wanted.spelled
                );
            }
        }
    }
}

#[test]
fn a_rare_filter_finds_its_rows_although_none_is_among_the_first_hundred() {
    let mut documents = documents(3, 600);
    // What everybody looks for, and what few are: near in words and in meaning is all the rest.
    for (number, document) in documents.iter_mut().enumerate() {
        document.columns.remove("license");
        let rare = number % 100 == 50;
        (document.name, document.tags) = (format!("thing-{number}"), Vec::new());
        document.id = document.name.clone();
        document.card = if rare { "german poems llama speech" } else { "llama speech" }.into();
        document.meaning = document.card.clone();
        let licence = if rare { "rare" } else { "mit" };
        document
            .columns
            .insert("license".into(), (record_search::Kind::Facet, record_search::Cell::texts([licence])));
    }
    let (_folder, index) = index(&documents);
    for mode in [Mode::Words, Mode::Meaning, Mode::Both] {
        let all = Query { mode, limit: 100, ..ask("llama speech") };
        let top = index.search(&all).unwrap();
        let rare = |hit: &&record_search::Hit| hit.shown.card_is_rare();
        assert_eq!(top.hits.iter().filter(rare).count(), 0, "filtering these would leave no row");
        let few = Query { filters: vec!["license:rare".into()], limit: 10, ..all };
        assert_eq!(index.search(&few).unwrap().hits.len(), 6, "{mode:?}");
    }
}

trait Rare {
    fn card_is_rare(&self) -> bool;
}

impl Rare for record_search::Shown {
    fn card_is_rare(&self) -> bool {
        self.excerpt.contains("poems")
    }
}

#[test]
fn an_unknown_passes_only_where_it_is_asked_for() {
    let documents = documents(5, 100);
    let (_folder, index) = index(&documents);
    let count =
        |filter: &str| index.search(&Query { filters: vec![filter.into()], ..ask("") }).unwrap().total;
    let known = documents.iter().filter(|document| document.columns.contains_key("license")).count() as u64;
    assert_eq!(count("license:*"), known);
    assert_eq!(count("license:?"), 100 - known);
    assert_eq!(count("license:nothing-has-this,?"), 100 - known);
    assert_eq!(count("-license:nothing-has-this"), known, "not this: only what is known to be another");
    assert_eq!(count("-license:nothing-has-this,?"), 100);
}

#[test]
fn facets_are_counted_over_all_that_match_and_pages_follow_one_another() {
    let documents = documents(8, 200);
    let (_folder, index) = index(&documents);
    let query = Query { facets: vec!["license".into()], ..ask("license:mit") };
    let found = index.search(&query).unwrap();
    let has = |document: &&Document, licence: &str| match document.columns.get("license") {
        Some((_, cell)) => {
            matches!(&cell.value, Value::Texts(texts) if texts.iter().any(|text| text == licence))
        }
        None => false,
    };
    let mit: Vec<&Document> = documents.iter().filter(|document| has(document, "mit")).collect();
    for (text, count) in &found.facets[0].texts {
        assert_eq!(*count, mit.iter().filter(|document| has(document, text)).count() as u64, "{text}");
    }
    assert_eq!(found.facets[0].texts[0].0, "mit", "the most frequent first");
    for text in ["", "llama german", "whisper"] {
        let all = crate::ids(&index, &Query { limit: 90, ..ask(text) });
        let pages: Vec<String> = (0..9)
            .flat_map(|page| crate::ids(&index, &Query { limit: 10, offset: page * 10, ..ask(text) }))
            .collect();
        assert_eq!(pages, all, "{text}");
    }
    let sorted = Query { sort: Some(Sort::parse("downloads:asc").unwrap()), limit: 200, ..ask("") };
    let found = index.search(&sorted).unwrap();
    let numbers: Vec<Option<f64>> = found
        .hits
        .iter()
        .map(|hit| {
            hit.shown
                .columns
                .get("downloads")
                .map(|cell| if let Value::Number(number) = cell.value { number } else { 0.0 })
        })
        .collect();
    let known = numbers.iter().take_while(|number| number.is_some()).count();
    assert!(numbers[known..].iter().all(Option::is_none), "the unknown comes last");
    assert!(numbers[..known].is_sorted_by(|a, b| a <= b));
    assert_eq!(numbers.len(), 200);
}

#[test]
fn not_known_is_unknown_and_not_unknown_is_known() {
    let documents = documents(5, 100);
    let (_folder, index) = index(&documents);
    let count = |filter: &str| {
        let found = index.search(&Query { filters: vec![filter.into()], ..ask("") }).unwrap();
        (found.total, found.explain.filters[0].excluded, found.explain.filters[0].unknown)
    };
    for column in ["license", "downloads", "created"] {
        let known = documents.iter().filter(|document| document.columns.contains_key(column)).count() as u64;
        assert_eq!(count(&format!("-{column}:*")), (100 - known, known, 0), "{column}");
        assert_eq!(count(&format!("-{column}:?")), (known, 0, 100 - known), "{column}");
        assert_eq!(count(&format!("-{column}:*,?")), (100 - known, known, 0), "{column}");
    }
}
