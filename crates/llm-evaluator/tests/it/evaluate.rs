//! Evaluation: gold files, answers from roots and files, comparisons, samples, and the page.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crawl_core::{Kind, Stored};
use llm_classifier::Task;
use llm_evaluator::{Draw, Given, Gold, How, Reason, Report, Wish, compare, evaluate, page, sample, table};
use serde_json::{Value, json};

use crate::house::{Setup, double, id, labelled, listing, read, right, row, rows, run, store, weekly};

const HOSTILE: &str = "</title></style><script>alert('1')</script><img src=x onerror=alert(1)>\" onload=\"x";
/// How it stands in the page.
const ESCAPED: &str = "&lt;/title&gt;&lt;/style&gt;&lt;script&gt;alert('1')&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot; \
                       onload=&quot;x";

/// A task of three labels, one of them hostile, with a confidence.
fn task(most: usize) -> Task {
    let label = |number: usize, name: &str| {
        format!("[[labels]]\nid = {number}\nname = {}\ndescription = \"d\"\n", json!(name))
    };
    let text = format!(
        "name = \"t\"\nabout = \"a\"\nkind = \"labels\"\nmost = {most}\n{}{}{}[output]\nnames = \"names\"\nids = \"ids\"\n\
         [[response]]\nname = \"confidence\"\ntype = \"number\"\nmin = 0\nmax = 1\ndescription = \"d\"\n[fields]\ntext = 9\n\
         [prompt]\nsystem = \"{{labels}}\"\nuser = \"{{record_id}} {{text}}\"\n",
        label(1, "Red"),
        label(2, "Green"),
        label(3, HOSTILE)
    );
    Task::parse(&text, Path::new("t.toml")).unwrap()
}

pub(crate) fn write(path: PathBuf, rows: &[Value]) -> PathBuf {
    std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    path
}

fn given(path: &Path, task: &Task, gold: &Gold) -> Given {
    let wanted: HashSet<&str> = gold.rows.iter().map(|row| row.id.as_str()).collect();
    Given::read(path, task, &wanted, None, None).unwrap()
}

fn report(folder: &Path, task: &Task, gold: &[Value], answers: &[Value]) -> Report {
    let gold = Gold::read(&write(folder.join("gold.jsonl"), gold), task, None).unwrap();
    evaluate(task, &gold, &given(&write(folder.join("answers.jsonl"), answers), task, &gold), How::default())
}

fn check_refused(rows: &str, place: &str, what: &str, advice: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gold.jsonl");
    std::fs::write(&path, rows).unwrap();
    let error = Gold::read(&path, &task(3), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.place().ends_with(place), "{place} in {}", error.place());
    assert!(error.to_string().contains(what), "{what} in {error}");
    assert!(error.advice().contains(advice), "{advice} in {}", error.advice());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_asking_is_given_up_is_waited_for_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&[], (1000, 1000)).await;
    let mut row = row("owner", "set", "a text");
    row["gold"] = json!(["Science"]);
    let setup = Setup::new(&double.url());
    let gold = Gold::read(&write(folder.path().join("gold.jsonl"), &[row]), &setup.task, None).unwrap();
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let asking = classifier.clone();
    let asking = tokio::spawn(async move { Given::ask(asking, &gold).await.map(drop) });
    while double.stats().requests == 0 {
        assert!(!asking.is_finished(), "it was asked nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asking.abort();
    classifier.finish(Duration::from_secs(30)).await.unwrap();
    assert_eq!((double.stats().requests, classifier.usage().spent().paid), (1, 1));
}

#[test]
fn a_wrong_gold_file_is_refused_with_line_and_what_to_do() {
    let good = "{\"id\":\"a/b\",\"labels\":[\"Red\"]}\n";
    check_refused(
        &format!("{good}\n{{\"id\":\"c/d\",\"labels\":[\"green\"]}}\n"),
        "gold.jsonl:3",
        "`green` is no answer to `names`",
        "the closest one is `Green`",
    );
    check_refused(
        &format!("{good}{good}"),
        "gold.jsonl:2",
        "the id `a/b` is also in line 1",
        "one row for each",
    );
    check_refused("{\"labels\":[\"Red\"]}\n", "gold.jsonl:1", "no `repo_id` and no `id`", "--id-field");
    check_refused(
        "{\"id\":\"a/b\",\"labels\":[\"Red\"]\n",
        "gold.jsonl:1",
        "not JSON",
        "each line is one JSON object",
    );
    check_refused(
        "{\"id\":\"a/b\"}\n",
        "gold.jsonl:1",
        "neither `gold` nor `labels` nor `names`",
        "\"gold\"",
    );
    check_refused(
        "{\"id\":\"a/b\",\"gold\":[]}\n",
        "gold.jsonl",
        "no row of the gold file is labelled",
        "`gold`",
    );
    check_refused("", "gold.jsonl", "no row of the gold file is labelled", "`gold`");
    check_refused(
        "{\"id\":\"a/b\",\"gold\":{\"names\":[7]}}\n",
        "gold.jsonl:1",
        "`7` is no answer",
        "closest",
    );
}

#[test]
fn gold_may_use_numbers_and_the_tasks_own_members_but_what_a_person_wrote_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let gold = [
        json!({"id": "a", "labels": [1, "Green"]}),
        json!({"repo_id": "b", "id": "x", "names": "Red"}),
        json!({"id": "c", "gold": ["Green"], "names": ["Red"]}),
        json!({"id": "d", "gold": [], "names": ["Red"]}),
    ];
    let answers = [json!({"id": "a", "names": ["Green", "Red"]}), json!({"id": "c", "names": ["Red"]})];
    let found = report(folder.path(), &task(3), &gold, &answers);
    assert_eq!((found.coverage.gold_rows, found.coverage.unlabelled, found.coverage.answered), (4, 1, 2));
    assert_eq!(found.coverage.missing["not among the records"], 1);
    assert_eq!(found.aspects[0].answered.subset_accuracy, Some(0.5));
    assert_eq!(found.aspects[0].all.subset_accuracy, Some(1.0 / 3.0));
    assert_eq!((found.calibration, found.sweeps.len()), (None, 0), "no answer has a confidence");
    assert_eq!(found.cost.dollars.per_record, None);

    let path = folder.path().join("windows.jsonl");
    std::fs::write(&path, "\u{feff}{\"id\":\"a\",\"labels\":[\"Red\"]}\r\n\r\n").unwrap();
    assert_eq!(Gold::read(&path, &task(3), None).unwrap().rows.len(), 1);
}

#[test]
fn what_cannot_be_known_is_shown_as_unknown_and_not_as_zero() {
    let folder = tempfile::tempdir().unwrap();
    let gold = [json!({"id": "a", "labels": ["Red"]})];
    let found = report(folder.path(), &task(3), &gold, &[json!({"id": "a", "names": ["Red"]})]);
    let green = &found.aspects[0].all.labels[1];
    assert_eq!((green.precision, green.recall, green.f1), (None, None, None));
    let shown = table(&found);
    let line = shown.lines().find(|line| line.starts_with("Green")).unwrap();
    assert!(line.split_whitespace().skip(1).take(3).all(|cell| cell == "n/a"), "{line}");
    assert!(serde_json::to_value(&found).unwrap()["aspects"][0]["all"]["labels"][1]["f1"].is_null());
}

#[test]
fn answers_of_another_task_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let gold = Gold::read(
        &write(folder.path().join("gold.jsonl"), &[json!({"id": "a", "labels": ["Red"]})]),
        &task(3),
        None,
    )
    .unwrap();
    let answers = write(folder.path().join("answers.jsonl"), &[json!({"id": "a", "names": ["Blue"]})]);
    let error = Given::read(&answers, &task(3), &HashSet::from(["a"]), None, None).unwrap_err();
    assert!(error.to_string().contains("`Blue` in `names` is no answer of this task"), "{error}");
    assert!(gold.rows[0].is_labelled());
}

/// The names of all tags, and every attribute with its value.
fn tags(page: &str) -> (HashSet<String>, Vec<(String, String)>) {
    let (mut names, mut attributes) = (HashSet::new(), Vec::new());
    for tag in page.split('<').skip(1) {
        let inner = tag.split('>').next().unwrap();
        let name = inner.trim_start_matches('/').split([' ', '/']).next().unwrap();
        names.insert(name.to_lowercase());
        for part in inner.split("\" ").flat_map(|part| part.split_once("=\"")) {
            let key = part.0.rsplit(' ').next().unwrap();
            attributes.push((key.to_lowercase(), part.1.trim_end_matches('"').to_owned()));
        }
    }
    (names, attributes)
}

#[test]
fn a_hostile_label_or_id_cannot_leave_its_place_in_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let evil = format!("evil/{HOSTILE}\u{202e}");
    let gold = [
        json!({"id": evil, "gold": [HOSTILE], "sampled": HOSTILE}),
        json!({"id": "b", "gold": ["Red"], "sampled": "random"}),
    ];
    let answers =
        [json!({"id": evil, "names": ["Red"], "confidence": 0.4}), json!({"id": "b", "names": [HOSTILE]})];
    for most in [1, 3] {
        let mut task = task(most);
        task.name = HOSTILE.into();
        let gold = Gold::read(&write(folder.path().join("gold.jsonl"), &gold), &task, None).unwrap();
        let a = given(&write(folder.path().join("a.jsonl"), &answers), &task, &gold);
        let mut b = given(&write(folder.path().join("b.jsonl"), &answers[1..]), &task, &gold);
        b.from = HOSTILE.into();
        let both = [evaluate(&task, &gold, &a, How::default()), evaluate(&task, &gold, &b, How::default())];
        let page = page(&both, Some(&compare(&task, &gold, &a, &b, Draw { resamples: 50, seed: 1 })));
        let (names, attributes) = tags(&page);
        let ours = "!doctype html head meta title style body main h1 h2 small section p br div span b i table thead tbody tr th \
                    td svg rect path circle text figure figcaption details summary footer wbr";
        let ours: HashSet<String> = ours.split_whitespace().map(str::to_owned).collect();
        assert!(names.is_subset(&ours), "{:?}", names.difference(&ours));
        for (key, value) in &attributes {
            assert!(!key.starts_with("on") && !["href", "src"].contains(&key.as_str()), "{key}={value}");
        }
        let label = if most > 1 { "figcaption" } else { "td" };
        for place in [
            format!("<title>{ESCAPED}: evaluation</title>"),
            format!("<h1>{ESCAPED} <small>"),
            format!("<br>B: {ESCAPED}</p>"),
            format!("<p>{ESCAPED} against "),
            format!("<div class=\"name\">{ESCAPED}<i>"),
            format!(
                "<{label}>{}</{label}>",
                if most > 1 { ESCAPED.into() } else { ESCAPED.replace('/', "/<wbr>") }
            ),
            // Why a row was picked, its id, and its gold label.
            format!("<tr><td>{ESCAPED}</td><td>1</td>"),
            format!("<tr><td>evil/{ESCAPED}\\u{{202e}}</td><td>{ESCAPED}</td>"),
        ] {
            assert!(page.contains(&place), "{place}");
        }
        assert!(!page.contains("://"), "nothing is loaded from anywhere");
        assert!(!page.contains('\u{202e}') && page.contains("\\u{202e}"));
        assert_eq!(page.matches("</style>").count(), 1);
        let terminal = table(&both[0]);
        assert!(!terminal.contains('\u{202e}'));
    }
}

#[test]
fn a_comparison_is_the_same_for_the_same_seed_and_clear_only_where_the_answers_differ() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(1);
    let gold: Vec<_> = (0..60).map(|n| json!({"id": format!("r{n}"), "gold": "Red"})).collect();
    let answers = |good: usize| -> Vec<_> {
        (0..60)
            .map(|n| json!({"id": format!("r{n}"), "names": [if n < good { "Red" } else { "Green" }]}))
            .collect()
    };
    let gold = Gold::read(&write(folder.path().join("gold.jsonl"), &gold), &task, None).unwrap();
    let side = |name: &str, good| given(&write(folder.path().join(name), &answers(good)), &task, &gold);
    let (a, b) = (side("a.jsonl", 20), side("b.jsonl", 45));
    let first = compare(&task, &gold, &a, &b, Draw { resamples: 500, seed: 7 });
    assert_eq!(first, compare(&task, &gold, &a, &b, Draw { resamples: 500, seed: 7 }));
    assert_ne!(
        first.differences,
        compare(&task, &gold, &a, &b, Draw { resamples: 500, seed: 8 }).differences
    );
    let accuracy = &first.differences[0];
    assert_eq!(accuracy.difference, Some(45.0 / 60.0 - 20.0 / 60.0));
    assert_eq!(accuracy.clear, Some(true));
    assert_eq!(
        (first.mcnemar.both, first.mcnemar.only_a, first.mcnemar.only_b, first.mcnemar.neither),
        (20, 0, 25, 15)
    );
    assert_eq!(first.disagreements.len(), 25);
    let same = compare(&task, &gold, &a, &a, Draw { resamples: 500, seed: 7 });
    assert_eq!((same.differences[0].difference, same.differences[0].clear), (Some(0.0), Some(false)));
    assert_eq!((same.mcnemar.p_value, same.disagreements.len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_is_scored_with_what_is_missing_and_with_what_was_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::load(&weekly()).unwrap();
    let double = double(&["chat@1=refusal", "chat@2=length"], (0, 0)).await;
    let given_rows = rows(30);
    let input = store(&folder.path().join("in"), &given_rows, 10).await;
    let setup = || Setup { concurrency: 1, ..Setup::new(&double.url()) };
    let root = folder.path().join("out");
    let classifier = setup().classifier(&folder.path().join("cache")).unwrap();
    run(&labelled(input.clone(), classifier.clone()), &root).await.unwrap();
    drop(classifier);

    let mut gold: Vec<_> =
        given_rows.iter().map(|row| json!({"repo_id": id(row), "labels": right(id(row))})).collect();
    gold.push(json!({"repo_id": "nobody/nothing", "labels": ["Science"]}));
    let gold = Gold::read(&write(folder.path().join("gold.jsonl"), &gold), &task, None).unwrap();
    let found = evaluate(&task, &gold, &given(&root, &task, &gold), How::default());
    assert_eq!((found.coverage.labelled, found.coverage.answered), (31, 28));
    let missing: Vec<_> = found.coverage.missing.iter().map(|(why, count)| (why.as_str(), *count)).collect();
    assert_eq!(missing, [("cut", 1), ("not among the records", 1), ("refused", 1)]);
    assert_eq!(found.aspects[0].answered.subset_accuracy, Some(1.0));
    assert_eq!(found.aspects[0].all.subset_accuracy, Some(28.0 / 31.0));
    assert!(found.cost.prompt_tokens.per_record.unwrap() > 10.0);

    let crawl_core::Next::Again(round) = crawl_core::Round::next(&root, &listing()).unwrap() else {
        panic!("two are missing")
    };
    let again = Setup { again: true, ..setup() }.classifier(&folder.path().join("cache")).unwrap();
    run(&labelled(input, again).again(round).unwrap(), &root).await.unwrap();
    let found = evaluate(&task, &gold, &given(&root, &task, &gold), How::default());
    assert_eq!(found.coverage.answered, 30, "{:?}", found.coverage);
    assert_eq!(read(&root, Stored::open(&root, &listing()).unwrap().id()).len(), 28);
}

#[test]
fn a_sample_is_half_random_half_unsure_the_same_for_a_seed_and_each_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(3);
    let records: Vec<_> = (0..200).map(|n| json!({"id": format!("r{n}"), "text": "x"})).collect();
    let answers: Vec<_> = (0..200)
        .map(|n| json!({"id": format!("r{n}"), "names": ["Red"], "confidence": f64::from(n) / 200.0}))
        .collect();
    let input = write(folder.path().join("in.jsonl"), &records);
    let labels = write(folder.path().join("answers.jsonl"), &answers);
    let labels = [labels];
    let wish = Wish { input: &input, labels: &labels, listing: None, id_field: None, rows: 40, seed: 3 };
    let ids = |wish: Wish<'_>| -> Vec<(String, Reason)> {
        let picked = sample(&task, wish).unwrap();
        picked
            .iter()
            .map(|row| (row.row.raw().get("id").unwrap().str().unwrap().into_owned(), row.reason))
            .collect()
    };
    let picked = ids(wish);
    assert_eq!(picked, ids(wish));
    assert_ne!(picked, ids(Wish { seed: 4, ..wish }));
    assert_eq!(picked.iter().map(|(id, _)| id).collect::<HashSet<_>>().len(), 40);
    let unsure: Vec<u32> = picked
        .iter()
        .filter(|(_, reason)| *reason == Reason::Uncertain)
        .map(|(id, _)| id[1..].parse().unwrap())
        .collect();
    assert_eq!(unsure.len(), 20);
    assert!(unsure.iter().all(|number| *number < 40), "{unsure:?}");
    let high = picked.iter().filter(|(id, _)| id[1..].parse::<u32>().unwrap() >= 100).count();
    assert!((4..=16).contains(&high), "random rows come from everywhere: {high}");
    assert_eq!(ids(Wish { labels: &[], ..wish }).len(), 40);
    let other: Vec<_> = (0..200)
        .map(|n| json!({"id": format!("r{n}"), "names": [if n < 190 { "Red" } else { "Green" }]}))
        .collect();
    let both = [labels[0].clone(), write(folder.path().join("other.jsonl"), &other)];
    let picked = ids(Wish { labels: &both, rows: 20, ..wish });
    let differ = picked.iter().filter(|(id, _)| id[1..].parse::<u32>().unwrap() >= 190).count();
    assert!(differ >= 9, "the rows with two answers come first: {picked:?}");
    assert_eq!(ids(Wish { rows: 500, ..wish }).len(), 200);
}
