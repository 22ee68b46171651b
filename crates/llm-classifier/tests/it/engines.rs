//! Engines: rules alone, and rules before the model.

use std::sync::Arc;

use llm_classifier::{Classifier, Task};
use serde_json::json;

use crate::house::{Setup, double, id, labelled, listing, read, row, run, store, weekly};

fn cards() -> Vec<serde_json::Value> {
    let mut cards = vec![
        row("a", "bar-exam", "Court decisions and statutes; legal questions of the bar exam, law school."),
        row("b", "gsm", "Math word problems: algebra, arithmetic and geometry. gsm8k."),
        row("c", "unclear", "Uploaded with a library."),
    ];
    cards[0]["tags"] = json!({"tag": ["legal"]});
    cards
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_answer_without_a_network_and_say_where_they_are_unsure() {
    let folder = tempfile::tempdir().unwrap();
    let input = store(&folder.path().join("in"), &cards(), 10).await;
    let task = Task::load(&weekly()).unwrap();
    let classifier = Arc::new(Classifier::rules_alone(task, "repo_id", 8));
    let at = run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (2, 1), "no default label where nothing is known");
    let rows = read(&folder.path().join("out"), &listing());
    assert_eq!(rows[0]["domain_names"], json!(["Legal Text Analysis"]));
    assert_eq!(rows[1]["domain_names"], json!(["Math Word Problems"]));
    assert_eq!(rows[0]["domain_answer"]["engine"], "rules");
    assert!(rows[0]["domain_confidence"].as_f64().unwrap() >= 0.75);
    assert!(rows[0]["domain_reasoning"].as_str().unwrap().contains("`legal`"));
    let missing =
        crawl_core::Stored::open(&folder.path().join("out"), &listing()).unwrap().missing(1).unwrap();
    assert_eq!(missing[0].kind, "unsure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cascade_asks_the_model_only_where_rules_are_unsure() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&[], (0, 0)).await;
    let input = store(&folder.path().join("in"), &cards(), 10).await;
    let setup = Setup { rules: true, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let at = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (3, 0));
    let asked: Vec<String> = double.tally().into_keys().collect();
    assert_eq!(asked, ["unclear"]);
    assert_eq!(classifier.usage().spent().ruled, 2);
    let rows = read(&folder.path().join("out"), &listing());
    let engines: Vec<_> =
        rows.iter().map(|row| (id(row), row["domain_answer"]["engine"].as_str().unwrap())).collect();
    assert_eq!(engines, [("a/bar-exam", "rules"), ("b/gsm", "rules"), ("c/unclear", "openai")]);
}
