//! The filter, the 14 fields, the history.

use std::path::Path;

use crawl_core::{Checkpoint, Input, Kind, Pump, Record, Result, Stop, Store, pump};
use hf_crawler::{Filter, History, Processed};
use serde_json::{Value, json};

use crate::desk::{datasets, double, list, records, small};

/// A stored listing of these rows.
async fn stored(rows: &[Value]) -> tempfile::TempDir {
    struct Rows(crawl_core::SourceId, Vec<Value>);
    impl crawl_core::Source for Rows {
        fn id(&self) -> &crawl_core::SourceId {
            &self.0
        }
        fn settings(&self) -> crawl_core::Settings {
            crawl_core::Settings::default()
        }
        fn after(&self, _at: &crawl_core::Cursor) -> Option<crawl_core::Cursor> {
            None
        }
        async fn page(
            &self,
            _at: &crawl_core::Cursor,
            _context: &crawl_core::Context,
        ) -> Result<Option<crawl_core::Page>> {
            let records = self.1.iter().map(|row| Record::write(row).unwrap()).collect();
            Ok(Some(crawl_core::Page::new(records, None)))
        }
    }
    let root = tempfile::tempdir().unwrap();
    let source = Rows(datasets(), rows.to_vec());
    pump(&source, &Store::new(root.path()), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    root
}

async fn process(input: &Path, filter: &str, history: History, root: &Path) -> Result<Checkpoint> {
    let input = Input::open(input, &datasets())?;
    let source = Processed::over(input, &Filter::parse(filter)?, history, "2026-11-23")?;
    pump(&source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await
}

/// The ids that a filter keeps, and the reasons for the others.
async fn kept(rows: &[Value], filter: &str) -> (Vec<String>, Vec<String>) {
    let (input, root) = (stored(rows).await, tempfile::tempdir().unwrap());
    let end = process(input.path(), filter, History::default(), root.path()).await.unwrap();
    let totals = &end.totals;
    assert_eq!(totals.listed, totals.records + totals.dropped.values().sum::<u64>() + totals.missing);
    assert_eq!(totals.listed, rows.len() as u64);
    let id = |record: &Record| record.raw().get("repo_id").unwrap().str().unwrap().into_owned();
    (records(root.path()).iter().map(id).collect(), totals.dropped.keys().cloned().collect())
}

fn row(id: &str, more: Value) -> Value {
    let mut row = json!({
        "_id": "0", "id": id, "author": id.split('/').next(), "private": false, "disabled": false, "gated": false,
        "downloads": 100, "likes": 3, "tags": ["language:en", "size_categories:1K<n<10K"],
        "createdAt": "2026-11-15T10:00:00.000Z", "lastModified": "2026-11-16T10:00:00.000Z",
        "description": "d", "cardData": {"pretty_name": "P"},
    });
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    row
}

#[tokio::test]
async fn a_kept_row_has_the_fourteen_fields_in_their_order() {
    let tags = json!([
        "language:en",
        "language:code",
        "license:mit",
        "size_categories:1K<n<10K",
        "arxiv:2401.1",
        "plain",
        "a:b:c"
    ]);
    let input = stored(&[row("o/n", json!({"tags": tags, "description": "line\n\"quoted\" é"}))]).await;
    let root = tempfile::tempdir().unwrap();
    process(input.path(), "", History::default(), root.path()).await.unwrap();
    let found = records(root.path());
    let expected = concat!(
        r#"{"id":"n","author":"o","downloads":100,"likes":3,"created_at":"2026-11-15","last_modified":"2026-11-16","#,
        r#""collect_date":"2026-11-23","description":"line\n\"quoted\" é","language":["en","code"],"pretty_name":"P","#,
        r#""size_categories":"1K<n<10K","arxiv":"2401.1","tags":{"language":["en","code"],"license":"mit","#,
        r#""size_categories":"1K<n<10K","arxiv":"2401.1","plain":"plain","a":"b:c"},"repo_id":"o/n"}"#
    );
    assert_eq!(std::str::from_utf8(found[0].bytes()).unwrap(), expected);
}

#[tokio::test]
async fn an_unknown_is_null_and_a_wrong_type_loses_no_row() {
    let odd = json!({"id": "o/n", "downloads": "many", "likes": null, "tags": "x", "cardData": [1], "createdAt": 5});
    let (input, root) = (stored(&[odd]).await, tempfile::tempdir().unwrap());
    process(input.path(), "untagged = true", History::default(), root.path()).await.unwrap();
    let found: Value = records(root.path())[0].raw().to().unwrap();
    for field in ["downloads", "likes", "created_at", "description", "language", "pretty_name", "arxiv"] {
        assert_eq!(found[field], Value::Null, "{field}");
    }
    assert_eq!((found["id"].clone(), found["repo_id"].clone()), (json!("n"), json!("o/n")));
}

#[tokio::test]
async fn both_ends_of_a_span_work_and_belong_to_it() {
    let day = |id: &str, day: &str| {
        row(id, json!({"createdAt": format!("{day}.000Z"), "lastModified": format!("{day}.000Z")}))
    };
    let rows = [
        day("o/before", "2026-11-12T23:59:59"),
        day("o/first", "2026-11-13T00:00:00"),
        day("o/last", "2026-11-20T23:59:59"),
        day("o/after", "2026-11-21T00:00:00"),
    ];
    for field in ["created", "modified"] {
        let span = format!("{field} = {{ from = \"2026-11-13\", to = \"2026-11-20\" }}");
        let (kept, reasons) = kept(&rows, &span).await;
        assert_eq!(kept, ["o/first", "o/last"]);
        assert_eq!(reasons, [format!("{field} outside the days")]);
    }
    assert_eq!(kept(&rows, "created = { to = \"2026-11-12\" }").await.0, ["o/before"]);
    assert_eq!(kept(&rows, "created = { from = \"2026-11-21\" }").await.0, ["o/after"]);
    let (input, root) = (stored(&rows).await, tempfile::tempdir().unwrap());
    let swapped = "created = { from = \"2026-11-20\", to = \"2026-11-13\" }";
    let error = process(input.path(), swapped, History::default(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
}

#[tokio::test]
async fn each_setting_keeps_and_drops_what_it_says() {
    let tagged = |id: &str, tags: Value| row(id, json!({ "tags": tags }));
    let languages = [
        tagged("o/en", json!(["language:en"])),
        tagged("o/both", json!(["language:en", "language:zh"])),
        tagged("o/zh", json!(["language:zh"])),
        tagged("o/none", json!(["x"])),
    ];
    for (rule, expected) in [
        ("languages = { any = [\"en\"] }", vec!["o/en", "o/both", "o/none"]),
        ("languages = { all = [\"en\", \"code\"] }", vec!["o/en", "o/none"]),
        ("languages = { none = [\"zh\"] }", vec!["o/en", "o/none"]),
        ("languages = { any = [\"zh\"], absent = false }", vec!["o/both", "o/zh"]),
        ("languages = { any = [\"en\"], none = [\"zh\"], absent = false }", vec!["o/en"]),
    ] {
        assert_eq!(kept(&languages, rule).await.0, expected, "{rule}");
    }
    let rows = [
        row("o/plain", json!({})),
        row("o/private", json!({"private": true})),
        row("o/disabled", json!({"disabled": true})),
        row("o/untagged", json!({"tags": []})),
        row("o/few", json!({"downloads": 10})),
        row("o/unknown", json!({"downloads": null})),
        row("o/cardless", json!({"cardData": {}})),
        row("o/auto", json!({"gated": "auto"})),
        row("o/liked", json!({"likes": 9})),
        row("o/mit", json!({"tags": ["license:mit", "modality:text", "task_categories:qa", "x:y"]})),
    ];
    for (rule, dropped, reasons) in [
        ("", vec!["o/private", "o/disabled", "o/untagged"], vec!["disabled", "no tags", "private"]),
        (
            "private = true\ndisabled = true\nuntagged = true\nmin_downloads = 11",
            vec!["o/few", "o/unknown"],
            vec!["downloads unknown", "too few downloads"],
        ),
        (
            "private = true\ndisabled = true\nuntagged = true\ncard = true",
            vec!["o/cardless"],
            vec!["no card metadata"],
        ),
        (
            "private = true\ndisabled = true\nuntagged = true\ngated = [\"false\"]",
            vec!["o/auto"],
            vec!["gated"],
        ),
    ] {
        let (ids, found) = kept(&rows, rule).await;
        let expected: Vec<_> =
            rows.iter().map(|row| row["id"].as_str().unwrap()).filter(|id| !dropped.contains(id)).collect();
        assert_eq!(
            (ids, found),
            (
                expected.iter().map(ToString::to_string).collect(),
                reasons.iter().map(ToString::to_string).collect()
            ),
            "{rule}"
        );
    }
    for rule in [
        "min_likes = 9",
        "licences = { any = [\"mit\"], absent = false }",
        "modalities = { any = [\"text\"], absent = false }",
        "tasks = { any = [\"qa\"], absent = false }",
        "tags = { any = [\"x:y\"] }",
    ] {
        assert_eq!(kept(&rows, rule).await.0.len(), 1, "{rule}");
    }
}

#[test]
fn a_bad_filter_file_is_named_with_line_and_key() {
    let error = Filter::parse("card = true\nlanguage = [\"en\"]\n").unwrap_err();
    assert!(
        error.to_string().contains("line 2") && error.to_string().contains("unknown field `language`"),
        "{error}"
    );
    let shipped =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/filters/weekly.toml"))
            .unwrap();
    Filter::parse(&shipped).unwrap();
    // What stands behind a `#` is an example: it must be valid too.
    let examples: String = shipped
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|rest| {
                    rest.split(" = ").next().is_some_and(|key| !key.contains(' ')) && rest.contains(" = ")
                })
                .unwrap_or(line)
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let all = Filter::parse(&examples).unwrap();
    assert!(all.created.is_some() && all.licences.is_some() && all.tasks.is_some() && all.gated.is_some());
}

#[tokio::test]
async fn the_history_knows_owner_and_name_apart() {
    let rows = [row("one/same", json!({})), row("two/same", json!({})), row("one/other", json!({}))];
    let (input, first, second) =
        (stored(&rows).await, tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    process(input.path(), "", History::default(), first.path()).await.unwrap();
    let path = first.path().join("history/history.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "{\"id\":\"same\",\"author\":\"one\"}\n{\"id\":\"oth").unwrap();
    let history = History::read(&path).unwrap();
    assert_eq!(history.len(), 1, "a torn last line is left out");
    let end = process(input.path(), "", history, second.path()).await.unwrap();
    assert_eq!((end.totals.records, end.totals.dropped["already seen"]), (2, 1));
    assert_eq!(History::add(&path, second.path(), &datasets()).unwrap(), (2, 0), "the torn line is cut off");
    assert_eq!(History::add(&path, second.path(), &datasets()).unwrap(), (0, 2), "twice adds nothing");
    let lines = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        lines,
        "{\"id\":\"same\",\"author\":\"one\"}\n{\"id\":\"same\",\"author\":\"two\"}\n{\"id\":\"other\",\"author\":\"one\"}\n"
    );
    let third = tempfile::tempdir().unwrap();
    let end = process(input.path(), "", History::read(&path).unwrap(), third.path()).await.unwrap();
    assert_eq!(end.totals.records, 0);
}

#[tokio::test]
async fn adding_twice_adds_nothing_whatever_the_id_looks_like() {
    let odd = ["a/b/c", "a/a/c", "/x", "/x/y", "x/", "plain", "a//c", "o/n"];
    let rows: Vec<_> = odd.iter().map(|id| row(id, json!({}))).collect();
    let (listed, processed) = (stored(&rows).await, tempfile::tempdir().unwrap());
    process(listed.path(), "", History::default(), processed.path()).await.unwrap();
    for root in [listed.path(), processed.path()] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        assert_eq!(History::add(&path, root, &datasets()).unwrap(), (8, 0));
        assert_eq!(History::add(&path, root, &datasets()).unwrap(), (0, 8));
        let again = tempfile::tempdir().unwrap();
        let end = process(listed.path(), "", History::read(&path).unwrap(), again.path()).await.unwrap();
        assert_eq!(end.totals.dropped["already seen"], 8, "the next run knows them all");
    }
}

#[tokio::test]
async fn a_day_that_is_none_is_null_and_counted() {
    let days = |created: &str, modified: &str| {
        row(&format!("o/{}", created.len()), json!({"createdAt": created, "lastModified": modified}))
    };
    let rows = [
        days("2026-11-15T23:30:00.000Z", "2026-11-16"),
        days("2026-11-15T23:30:00-05:00", "2026-11-16T10:00:00"),
        days("somewhere in 2026", "2026-13-40T00:00:00.000Z"),
        days("", "0000"),
    ];
    let (input, root) = (stored(&rows).await, tempfile::tempdir().unwrap());
    let source = Processed::over(
        Input::open(input.path(), &datasets()).unwrap(),
        &Filter::default(),
        History::default(),
        "2026-11-23",
    )
    .unwrap();
    pump(&source, &Store::new(root.path()), Pump::default(), &Stop::new(), |_| {}).await.unwrap();
    let found: Vec<Value> = records(root.path()).iter().map(|record| record.raw().to().unwrap()).collect();
    let of = |name: &str| -> Vec<_> { found.iter().map(|row| row[name].clone()).collect() };
    assert_eq!(of("created_at"), [json!("2026-11-15"), json!("2026-11-16"), Value::Null, Value::Null]);
    assert_eq!(of("last_modified"), [json!("2026-11-16"), json!("2026-11-16"), Value::Null, Value::Null]);
    let census = source.map().census();
    assert_eq!((census.wrong["createdAt"], census.wrong["lastModified"]), (2, 2));
}

#[tokio::test]
async fn the_day_of_the_run_is_a_day() {
    let input = stored(&[row("o/n", json!({}))]).await;
    for day in ["today", "2026-02-30", "2026-11-23T10:00:00Z", "20261123", ""] {
        let input = Input::open(input.path(), &datasets()).unwrap();
        let error = Processed::over(input, &Filter::default(), History::default(), day).unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{day}");
    }
}

#[tokio::test]
async fn a_half_done_run_does_not_enter_the_history_nor_the_processing() {
    let (double, root) = (double(500, &[]).await, tempfile::tempdir().unwrap());
    let source = hf_crawler::Repositories::new(crate::desk::hub(&double), small()).unwrap();
    let two = Pump::default().pages(2);
    pump(&source, &Store::new(root.path()), two, &Stop::new(), |_| {}).await.unwrap();
    let history = root.path().join("history.jsonl");
    assert_eq!(History::add(&history, root.path(), &datasets()).unwrap_err().kind(), Kind::Config);
    assert!(!history.exists());
    let out = tempfile::tempdir().unwrap();
    assert_eq!(
        process(root.path(), "", History::default(), out.path()).await.unwrap_err().kind(),
        Kind::Config
    );
}

#[tokio::test]
async fn processing_the_doubles_odd_rows_adds_up() {
    let (double, input, root) =
        (double(3_000, &[]).await, tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    list(&double, small(), input.path()).await.unwrap();
    let filter =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/filters/weekly.toml"))
            .unwrap();
    let end = process(input.path(), &filter, History::default(), root.path()).await.unwrap();
    let totals = &end.totals;
    assert_eq!((totals.listed, totals.missing), (3_000, 0));
    assert!(totals.records > 30 && totals.dropped.len() > 4, "{totals:?}");
    for record in records(root.path()) {
        let row: Value = record.raw().to().unwrap();
        assert_eq!(row.as_object().unwrap().len(), 14);
    }
}

#[tokio::test]
async fn a_page_that_was_changed_afterwards_is_noticed() {
    let rows = [row("o/a", json!({})), row("o/b", json!({}))];
    let (input, root) = (stored(&rows).await, tempfile::tempdir().unwrap());
    let page = input.path().join("hf/datasets/page_00001.jsonl");
    let text = std::fs::read_to_string(&page).unwrap();
    std::fs::write(&page, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let error = process(input.path(), "", History::default(), root.path()).await.unwrap_err();
    assert!(error.to_string().contains("page 1 is not what was written"), "{error}");
    // As many records, and other ones.
    std::fs::write(&page, text.replace("o/a", "o/c")).unwrap();
    let root = tempfile::tempdir().unwrap();
    let error = process(input.path(), "", History::default(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Storage, "{error}");
}

#[test]
fn a_last_line_without_a_line_break_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    std::fs::write(&path, "{\"id\":\"a\",\"author\":\"o\"}\n{\"id\":\"b\",\"author\":\"o\"}").unwrap();
    let history = History::read(&path).unwrap();
    assert!(history.has(Some("o"), "a") && history.has(Some("o"), "b"));
}
