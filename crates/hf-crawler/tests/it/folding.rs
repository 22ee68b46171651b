//! The rule of the fold, on runs that were made up: of each field the newest value of those that asked for it, whatever
//! the order in which runs are folded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crawl_core::{
    Checkpoint, Cursor, Kind, Missing, Page, Record, Settings, Sink, SourceId, Stop, Store, Timestamp,
};
use hf_crawler::Repos;
use hf_crawler::catalogue::{Catalogue, Fold, Folded, Row, fold};
use record_converter::parquet::Reader;
use serde_json::{Value, json};

/// A run as it lies in a root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) expand: &'static str,
    /// A setting that makes it a part.
    pub(crate) filter: bool,
    pub(crate) open: bool,
    pub(crate) doubt: bool,
    pub(crate) details: bool,
    /// When each page was fetched, in seconds, and its rows; one that is no object is missing.
    pub(crate) pages: Vec<(i64, Vec<Value>)>,
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl Made {
    pub(crate) async fn write(&self, root: &Path) {
        let id = SourceId::new(if self.details { "hf/models-details" } else { "hf/models" }).unwrap();
        let store = Store::new(root);
        let mut point = store.checkpoint(&id).await.unwrap();
        let settings = Settings::default().with("endpoint", "http://hub/");
        point.settings = Some(match self.details {
            true => settings.with("details", self.expand),
            false => {
                let filter = self.filter.then_some("x");
                settings.with("sort", "createdAt").with("expand", self.expand).with_some("filter", filter)
            }
        });
        for (place, (second, rows)) in self.pages.iter().enumerate() {
            let last = place + 1 == self.pages.len() && !self.open;
            let next = (!last).then(|| Cursor::new((place + 1).to_string()));
            let (records, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.get("id").is_some());
            let records = records.iter().map(|row| Record::write(row).unwrap()).collect();
            let mut page = Page { fetched_at: at(*second), ..Page::new(records, next) };
            page.doubt = (self.doubt && last).then(|| "holes".to_owned());
            page.missing = others.into_iter().map(missing).collect();
            point = store.write(&id, &point, page).await.unwrap();
            store.commit(&id, &point).await.unwrap();
        }
    }
}

fn missing(row: &Value) -> Missing {
    let error = crawl_core::Error::new(Kind::Shape, "a row without an id");
    let raw = serde_json::value::to_raw_value(row).ok();
    Missing { raw, ..Missing::because(None, &error, at(0)) }
}

pub(crate) fn folded(roots: &[&Path], to: &Path) -> Folded {
    let roots = roots.iter().map(|root| root.to_path_buf()).collect();
    fold(&Fold { repos: Repos::Models, roots, to: to.to_owned(), compression: None }, &Stop::new()).unwrap()
}

pub(crate) fn rows(catalogue: &Path) -> Vec<Row> {
    Catalogue::open(catalogue).unwrap().rows().unwrap().map(Result::unwrap).collect()
}

/// The rows as values, by `_id`, or by id where there is none: the record, and when it was gone.
pub(crate) fn table(catalogue: &Path) -> BTreeMap<String, (Value, Option<Timestamp>)> {
    let reader = Reader::open(catalogue).unwrap();
    let rows = reader.rows(&["_id", "id", "raw", "gone_at"]).unwrap().map(Result::unwrap);
    let text = |value: &crawl_core::table::Value<'_>| match value {
        crawl_core::table::Value::Text(text) => Some(text.to_string()),
        _ => None,
    };
    rows.map(|row| {
        let key = text(&row[0]).or_else(|| text(&row[1])).unwrap();
        let gone = match &row[3] {
            crawl_core::table::Value::Time(time) => Some(*time),
            _ => None,
        };
        (key, (serde_json::from_str(&text(&row[2]).unwrap()).unwrap(), gone))
    })
    .collect()
}

/// Made-up runs, written into roots of their own.
struct Desk {
    folder: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl Desk {
    async fn of(runs: &[Made]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut roots = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            let root = folder.path().join(number.to_string());
            run.write(&root).await;
            roots.push(root);
        }
        Desk { folder, roots }
    }

    /// Folds runs into a new catalogue, a group at a time.
    fn fold(&self, groups: &[&[usize]]) -> PathBuf {
        let to = self.folder.path().join("models.parquet");
        let _ = std::fs::remove_file(&to);
        for group in groups {
            let roots: Vec<_> = group.iter().map(|place| self.roots[*place].as_path()).collect();
            folded(&roots, &to);
        }
        to
    }
}

fn made(expand: &'static str, pages: Vec<(i64, Vec<Value>)>) -> Made {
    Made { expand, pages, ..Made::default() }
}

#[tokio::test]
async fn a_light_pass_never_erases_what_it_did_not_ask_for_and_what_was_asked_for_and_is_absent_goes() {
    let heavy = made(
        "likes,config,card",
        vec![(
            10,
            vec![
                json!({"_id": "a", "id": "x/a", "likes": 1, "config": {"k": [1, "ä\n"]}, "card": "c"}),
                json!({"_id": "b", "id": "x/b", "likes": 1, "config": 7}),
            ],
        )],
    );
    let light = made(
        "likes",
        vec![(
            20,
            vec![json!({"_id": "a", "id": "x/renamed", "likes": 2}), json!({"_id": "b", "id": "x/b"})],
        )],
    );
    let later =
        made("config,likes", vec![(30, vec![json!({"_id": "a", "id": "x/renamed", "modelId": "m"})])]);
    let desk = Desk::of(&[heavy, light, Made { filter: true, ..later }]).await;
    let to = desk.fold(&[&[0, 1]]);
    let table = table(&to);
    assert_eq!(
        table["a"].0,
        json!({"_id": "a", "id": "x/renamed", "likes": 2, "config": {"k": [1, "ä\n"]}, "card": "c"})
    );
    assert_eq!(
        table["b"].0,
        json!({"_id": "b", "id": "x/b", "config": 7}),
        "likes were asked for and are absent"
    );
    let again = desk.fold(&[&[0, 1], &[2]]);
    let table = self::table(&again);
    // What came unasked is kept too.
    assert_eq!(table["a"].0, json!({"_id": "a", "id": "x/renamed", "card": "c", "modelId": "m"}));
    let raw = String::from_utf8(rows(&again)[0].record.bytes().to_vec()).unwrap();
    assert!(raw.starts_with(r#"{"_id":"a","card":"c","id":"#), "{raw}");
}

#[tokio::test]
async fn only_a_whole_pass_that_began_later_says_that_something_is_gone() {
    let row = |id: &str| json!({"_id": id, "id": id});
    let first = made("likes", vec![(10, vec![row("a"), row("b"), row("c")]), (11, vec![row("d")])]);
    let without_b =
        |from: i64| made("likes", vec![(from, vec![row("a")]), (from + 5, vec![row("c"), row("d")])]);
    let gone = |to: &Path| -> Vec<(String, Option<Timestamp>)> {
        table(to).into_iter().filter(|(_, row)| row.1.is_some()).map(|(key, row)| (key, row.1)).collect()
    };
    // None of these is whole, and whether one began after the row was last seen decides.
    for part in [
        Made { filter: true, ..without_b(20) },
        Made { open: true, ..without_b(20) },
        Made { doubt: true, ..without_b(20) },
        without_b(10),
        made("likes", vec![(20, vec![row("a"), json!({"likes": 1})]), (25, vec![row("c"), row("d")])]),
        made("likes", vec![(20, vec![row("a"), json!("what?")]), (25, vec![row("c"), row("d")])]),
        // A row that could not be read was there nevertheless.
        made("likes", vec![(20, vec![row("a"), json!({"_id": "b"})]), (25, vec![row("c"), row("d")])]),
    ] {
        let desk = Desk::of(&[first.clone(), part.clone()]).await;
        assert_eq!(gone(&desk.fold(&[&[0, 1]])), [], "{part:?}");
    }
    let desk =
        Desk::of(&[first, without_b(20), made("likes", vec![(30, vec![row("b")])]), without_b(40)]).await;
    let since = |second| vec![("b".to_owned(), Some(at(second)))];
    assert_eq!(gone(&desk.fold(&[&[0], &[1]])), since(25), "the end of the pass that did not find it");
    let back = desk.fold(&[&[0, 1], &[2]]);
    assert!(!gone(&back).iter().any(|(key, _)| key == "b"), "seen again");
    assert_eq!(gone(&desk.fold(&[&[0, 1], &[3]])), since(25), "a later pass says nothing new");
    let footer = Catalogue::open(&back).unwrap();
    assert_eq!((footer.runs().len(), footer.runs()[1].part.as_deref()), (3, None));
}

#[tokio::test]
async fn rows_without_an_object_id_are_told_apart_by_their_id_and_a_row_that_comes_twice_counts_as_it_was_last()
 {
    let run = made(
        "likes",
        vec![
            (
                10,
                vec![
                    json!({"id": "x/b", "likes": 1}),
                    json!({"_id": "", "id": "x/a"}),
                    json!({"_id": 5, "id": "x/c"}),
                ],
            ),
            (12, vec![json!({"_id": "f", "id": "x/b", "likes": 3}), json!({"id": "x/b", "likes": 2})]),
            (11, vec![json!({"_id": "f", "id": "x/b", "likes": 9})]),
        ],
    );
    let desk = Desk::of(&[run]).await;
    let to = desk.fold(&[&[0]]);
    let likes: Vec<_> = table(&to).into_iter().map(|(key, (row, _))| (key, row["likes"].as_u64())).collect();
    let expected = [("f", Some(3)), ("x/a", None), ("x/b", Some(2)), ("x/c", None)];
    assert_eq!(likes, expected.map(|(key, likes)| (key.to_owned(), likes)));
    let before = std::fs::read(&to).unwrap();
    assert_eq!(folded(&[&desk.roots[0]], &to).new_runs, 0);
    assert!(before == std::fs::read(&to).unwrap());
}

#[tokio::test]
async fn details_go_beside_the_row_they_are_of_and_a_run_that_goes_on_is_folded_as_far_as_it_came() {
    let list = made("sha", vec![(10, vec![json!({"_id": "a", "id": "x/a", "sha": "1"})])]);
    let details = |second, config: Value| Made {
        details: true,
        ..made(
            "config,card",
            vec![(
                second,
                vec![
                    json!({"_id": "a", "id": "x/a", "sha": "1", "config.json": config, "card": null}),
                    json!({"_id": "z", "id": "x/z", "sha": "2", "config.json": null, "card": "# Z"}),
                ],
            )],
        )
    };
    let later = made("sha", vec![(20, vec![json!({"_id": "a", "id": "x/moved", "sha": "2"})])]);
    let desk = Desk::of(&[list, details(30, json!({"layers": 2})), later]).await;
    let to = desk.fold(&[&[0, 1, 2]]);
    let table = table(&to);
    let a = json!({"_id": "a", "id": "x/moved", "sha": "2", "details_sha": "1", "config.json": {"layers": 2}, "card": null});
    assert_eq!(table["a"].0, a);
    assert_eq!(
        table["z"],
        (json!({"_id": "z", "details_sha": "2", "config.json": null, "card": "# Z"}), None)
    );
    assert_eq!(rows(&to)[1].seen(), None, "details are no listing");
    let whole = std::fs::read(&to).unwrap();
    assert!(whole == std::fs::read(desk.fold(&[&[1], &[2], &[0]])).unwrap());

    // A crawl that is folded while it runs, and again later.
    let root = desk.folder.path().join("growing");
    let mut run = made("likes", vec![(40, vec![json!({"_id": "b", "id": "b"})])]);
    run.open = true;
    run.write(&root).await;
    let to = desk.folder.path().join("grown.parquet");
    assert_eq!(folded(&[&root], &to).rows, 1);
    run.pages = vec![(41, vec![json!({"_id": "c", "id": "c"})])];
    run.open = false;
    run.write(&root).await;
    let end = folded(&[&root], &to);
    assert_eq!((end.rows, end.runs, end.new_runs), (2, 1, 1));
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused_with_what_to_do() {
    let desk = Desk::of(&[made("likes", vec![(10, vec![json!({"_id": "a", "id": "a"})])])]).await;
    let refused = |roots: Vec<PathBuf>, to: &Path, repos| {
        let error =
            fold(&Fold { repos, roots, to: to.to_owned(), compression: None }, &Stop::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{error}");
        format!("{error} {}", error.advice())
    };
    let to = desk.fold(&[&[0]]);
    let before = std::fs::read(&to).unwrap();
    let root = desk.roots[0].clone();
    assert!(refused(vec![root.clone()], &to, Repos::Datasets).contains("no pages of hf/datasets"));
    let other = desk.folder.path().join("other");
    let id = SourceId::new("hf/models").unwrap();
    let store = Store::new(&other);
    let mut point: Checkpoint = store.checkpoint(&id).await.unwrap();
    point.settings = Some(Settings::default().with("endpoint", "http://mirror/").with("sort", "createdAt"));
    let page = Page::new(vec![Record::parse(&br#"{"id":"b"}"#[..]).unwrap()], None);
    let point = store.write(&id, &point, page).await.unwrap();
    store.commit(&id, &point).await.unwrap();
    drop(store);
    assert!(refused(vec![other], &to, Repos::Models).contains("make a catalogue for each"));
    let text = desk.folder.path().join("text.parquet");
    std::fs::write(&text, "no parquet").unwrap();
    let error =
        fold(&Fold { repos: Repos::Models, roots: vec![root], to: text, compression: None }, &Stop::new());
    assert_eq!(error.unwrap_err().kind(), Kind::Shape);
    assert!(before == std::fs::read(&to).unwrap(), "the catalogue stays as it was");
}

/// A run that may be any: fields, times that overlap with those of others, rows with and without what was asked for.
fn thrown(dice: &mut fastrand::Rng) -> Made {
    let expand = ["likes", "likes,config", "config,card", "likes,config,card", "card"][dice.usize(..5)];
    let mut second = dice.i64(0..40);
    let details = dice.u8(..6) == 0;
    let mut pages = Vec::new();
    for _ in 0..dice.usize(1..4) {
        let mut rows = Vec::new();
        for _ in 0..dice.usize(..5) {
            let mut row = json!({"id": format!("x/{}", dice.u8(..4))});
            if dice.u8(..8) > 0 {
                row["_id"] = json!(format!("i{}", dice.u8(..6)));
            }
            for field in ["likes", "config", "card", "other"] {
                let asked = expand.contains(field);
                if dice.u8(..10) < if asked { 7 } else { 1 } {
                    row[field] = json!(dice.u8(..5));
                }
            }
            match dice.u8(..30) {
                0 if !details => drop(row.as_object_mut().unwrap().remove("id")),
                1 if !details => row = json!("odd"),
                _ => {}
            }
            rows.push(row);
        }
        pages.push((second, rows));
        second += dice.i64(0..6);
    }
    let once_in = |dice: &mut fastrand::Rng, times: u8| dice.u8(..times) == 0;
    let (filter, open, doubt) = (once_in(dice, 4), once_in(dice, 6), once_in(dice, 8));
    Made { expand, filter, open: open && !details, doubt, details, pages }
}

/// The rule, said again in the plainest way: for each field all claims, and the newest of them.
fn truth(runs: &[Made]) -> BTreeMap<String, (Value, Option<Timestamp>)> {
    type Claims = BTreeMap<String, (i64, Option<String>)>;
    let mut claims: BTreeMap<String, Claims> = BTreeMap::new();
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let claim = |claims: &mut Claims, field: &str, second: i64, value: Option<String>| {
        let now = (second, value);
        let best = claims.entry(field.to_owned()).or_insert_with(|| now.clone());
        *best = best.clone().max(now);
    };
    let mut passes = Vec::new();
    for run in runs {
        let nameless = run
            .pages
            .iter()
            .flat_map(|(_, rows)| rows)
            .any(|row| row.get("id").is_none() && row.get("_id").is_none());
        if !(run.details || run.filter || run.open || run.doubt || nameless) {
            let times = run.pages.iter().map(|(second, _)| *second);
            passes.push((times.clone().min().unwrap(), times.max().unwrap()));
        }
        for (second, rows) in &run.pages {
            for row in rows {
                let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
                let Some(key) = text("_id").or_else(|| text("id")) else { continue };
                let own = if text("_id").is_some() { "_id" } else { "id" };
                let row_claims = claims.entry(key.clone()).or_default();
                claim(row_claims, own, *second, Some(json!(key).to_string()));
                if !run.details {
                    let last = last.entry(key.clone()).or_insert(*second);
                    *last = (*last).max(*second);
                }
                if text("id").is_none() {
                    continue;
                }
                let mut fields: BTreeSet<String> = run.expand.split(',').map(str::to_owned).collect();
                if run.details {
                    fields = fields
                        .iter()
                        .map(|field| if field == "config" { "config.json".to_owned() } else { field.clone() })
                        .collect();
                    fields.retain(|field| field != "likes");
                    fields.extend(["details_sha".to_owned(), "details_left_out".to_owned()]);
                } else {
                    fields.insert("id".into());
                }
                for field in fields {
                    if row.get(&field).is_none() {
                        claim(row_claims, &field, *second, None);
                    }
                }
                for (name, value) in row.as_object().unwrap() {
                    if !run.details || !["_id", "id"].contains(&name.as_str()) {
                        claim(row_claims, name, *second, Some(value.to_string()));
                    }
                }
            }
        }
    }
    let row = |(key, claims): (String, Claims)| {
        let members = claims
            .into_iter()
            .filter_map(|(name, (_, value))| Some((name, serde_json::from_str(&value?).unwrap())));
        let gone = last
            .get(&key)
            .and_then(|last| passes.iter().filter(|(begun, _)| begun > last).map(|(_, end)| at(*end)).min());
        (key, (Value::Object(members.collect()), gone))
    };
    claims.into_iter().map(row).collect()
}

#[tokio::test]
async fn any_order_and_any_grouping_of_the_same_runs_gives_the_same_bytes_and_the_rows_of_the_rule() {
    for seed in 0..12 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let runs: Vec<Made> = (0..dice.usize(2..6)).map(|_| thrown(&mut dice)).collect();
        let desk = Desk::of(&runs).await;
        let mut order: Vec<usize> = (0..runs.len()).collect();
        let whole = desk.fold(&[&order]);
        let found = table(&whole);
        let expected = truth(&runs);
        for (key, row) in &expected {
            assert_eq!(found.get(key), Some(row), "seed {seed}, {key}: {runs:#?}");
        }
        assert_eq!(found.len(), expected.len());
        let bytes = std::fs::read(whole).unwrap();
        for _ in 0..2 {
            dice.shuffle(&mut order);
            let mut groups: Vec<&[usize]> = Vec::new();
            let mut left = &order[..];
            while !left.is_empty() {
                let (group, rest) = left.split_at(dice.usize(1..=left.len()));
                groups.push(group);
                left = rest;
            }
            assert!(std::fs::read(desk.fold(&groups)).unwrap() == bytes, "seed {seed}, {groups:?}");
        }
    }
}
