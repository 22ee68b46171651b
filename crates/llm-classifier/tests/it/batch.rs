//! Batches: the same answers at half the price, tied by key, and nothing is handed in twice.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crawl_core::{Record, Result, Stored};
use crawl_sim::{Llm, LlmConfig, Running};
use llm_classifier::batch::{self, Bounds, Told};
use llm_classifier::{Classifier, Price};

use crate::house::{Setup, labelled, listing, read, rows, run, store};
use crate::labels::check_labels;

async fn double(takes: u64, fails: u64) -> Running {
    let batch_takes = Duration::from_millis(takes);
    Llm::start(LlmConfig { batch_takes, batch_fails: fails, ..LlmConfig::default() }).await.unwrap()
}

fn classifier(folder: &Path, double: &Running, budget: Option<f64>) -> Arc<Classifier> {
    let price = Some(Price { batch: Some(0.5), ..Price::of("sim-1", 0.15, 0.6) });
    Setup { price, budget, ..Setup::new(&double.url()) }.classifier(&folder.join("cache")).unwrap()
}

/// Answers the listing `in` in batches of so many; gives what was told.
async fn answered(folder: &Path, classifier: &Classifier, requests: usize) -> Result<Vec<Told>> {
    let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
    let records = || Ok((1..=input.pages()).flat_map(|page| input.page(page).unwrap()).map(Ok::<Record, _>));
    let bounds = Bounds { requests, every: Duration::from_millis(20), ..Bounds::default() };
    let mut told = Vec::new();
    batch::run(classifier, records, bounds, |what| told.push(what)).await?;
    Ok(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_after_batches_asks_nothing_and_every_label_is_at_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(50, 0).await;
    let input = store(&folder.join("in"), &rows(250), 50).await;
    let classifier = classifier(folder, &double, None);
    let told = answered(folder, &classifier, 100).await.unwrap();
    let handed_in: Vec<u64> = told
        .iter()
        .filter_map(|told| if let Told::HandedIn { requests, .. } = told { Some(*requests) } else { None })
        .collect();
    assert_eq!(handed_in, [100, 100, 50]);
    run(&labelled(input, classifier.clone()), &folder.join("out")).await.unwrap();
    assert_eq!(double.stats().by_kind.get("chat"), None, "the run asked nothing");
    let spent = classifier.usage().spent();
    assert_eq!((spent.paid, spent.cached), (250, 0), "each answer is counted once");
    let kept = read(&folder.join("out"), &listing());
    assert_eq!(kept.len(), 250);
    check_labels(&kept);
    for row in &kept {
        let origin = &row["domain_answer"];
        let tokens = |name: &str| origin[name].as_f64().unwrap();
        let whole = (tokens("prompt_tokens") * 0.15 + tokens("completion_tokens") * 0.6) / 1e6;
        assert!(
            (origin["cost_usd"].as_f64().unwrap() - whole / 2.0).abs() < 1e-9,
            "half the price: {origin}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_with_the_batch_that_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(2500, 0).await;
    store(&folder.join("in"), &rows(60), 60).await;
    let first = classifier(folder, &double, None);
    let died = tokio::time::timeout(Duration::from_millis(1500), answered(folder, &first, 1000)).await;
    assert!(died.is_err(), "it was to die while the batch is out");
    drop(first);
    let second = classifier(folder, &double, None);
    let told = answered(folder, &second, 1000).await.unwrap();
    assert!(
        matches!(&told[..], [Told::GoesOn(_), Told::Back { answers: 60, failed: 0, why, .. }] if why.is_empty()),
        "{told:?}"
    );
    let handed_in =
        double.seen().iter().filter(|seen| seen.method == "POST" && seen.kind == "batches").count();
    assert_eq!(handed_in, 1);
    assert_eq!(second.cache().unwrap().answers().unwrap(), 60);
    let left = std::fs::read_dir(folder.join("cache/answers.batches")).unwrap().count();
    assert_eq!(left, 0, "the notes are gone when the answers are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_a_batch_is_handed_in_again_and_a_budget_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(20, 7).await;
    let input = store(&folder.join("in"), &rows(100), 50).await;
    let first = classifier(folder, &double, Some(0.03));
    let mut told = answered(folder, &first, 1000).await.unwrap();
    assert!(first.spent().unwrap() <= 0.03 && first.cache().unwrap().answers().unwrap() > 10);
    drop(first);
    let second = classifier(folder, &double, None);
    told.extend(answered(folder, &second, 1000).await.unwrap());
    let why = |told: &Told| matches!(told, Told::Back { failed: 1.., why, .. } if why[0].said.contains("had an error"));
    assert!(told.iter().any(why), "the file of errors is read: {told:?}");
    run(&labelled(input, second), &folder.join("out")).await.unwrap();
    check_labels(&read(&folder.join("out"), &listing()));
    let asked = double.tally();
    assert!(asked.len() == 100 && asked.values().all(|counts| counts.answered == 1), "each was paid once");
}

/// What was told, as one letter each: handed in, back, refused, queued.
fn letters(told: &[Told]) -> String {
    let letter = |told: &Told| match told {
        Told::HandedIn { .. } => 'h',
        Told::GoesOn(_) => 'g',
        Told::Back { .. } => 'b',
        Told::Refused { .. } => 'r',
        Told::Queued(_) => 'q',
    };
    told.iter().map(letter).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_go_side_by_side_and_a_full_queue_is_waited_for() {
    // With a queue of two the double refuses the third: more are never out at a time.
    for (queue, takes, wanted) in [(0, 3000, "hhhhhb"), (2, 900, "hhq")] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let config = LlmConfig {
            batch_takes: Duration::from_millis(takes),
            batch_queue: queue,
            ..LlmConfig::default()
        };
        let double = Llm::start(config).await.unwrap();
        store(&folder.join("in"), &rows(100), 50).await;
        let classifier = classifier(folder, &double, None);
        let told = answered(folder, &classifier, 20).await.unwrap();
        assert!(letters(&told).starts_with(wanted), "{queue}: {}", letters(&told));
        assert_eq!(letters(&told).matches('b').count(), 5);
        assert_eq!(classifier.cache().unwrap().answers().unwrap(), 100);
        assert!(double.tally().values().all(|counts| counts.answered == 1), "each was paid once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_taken_is_handed_in_again_and_the_others_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = Llm::start(LlmConfig { batch_refuses: 2, ..LlmConfig::default() }).await.unwrap();
    store(&folder.join("in"), &rows(60), 50).await;
    let classifier = classifier(folder, &double, None);
    let told = answered(folder, &classifier, 20).await.unwrap();
    assert_eq!(
        letters(&told).chars().filter(|letter| "rb".contains(*letter)).collect::<String>(),
        "rbbb",
        "{told:?}"
    );
    assert_eq!(classifier.cache().unwrap().answers().unwrap(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_handed_in_before_a_crash_is_found_on_a_later_page_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let takes = Duration::from_millis(3000);
    let config = LlmConfig { batch_takes: takes, batch_page: 2, ..LlmConfig::default() };
    let double = Llm::start(config).await.unwrap();
    store(&folder.join("in"), &rows(60), 50).await;
    let first = classifier(folder, &double, None);
    let died = tokio::time::timeout(Duration::from_millis(1500), answered(folder, &first, 10)).await;
    assert!(died.is_err(), "it was to die while batches are out");
    drop(first);
    // As if it had died before it noted what it had handed in.
    for entry in std::fs::read_dir(folder.join("cache/answers.batches")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&path).unwrap().replace("\"out\"", "\"uploaded\"");
            std::fs::write(&path, text).unwrap();
        }
    }
    let second = classifier(folder, &double, None);
    answered(folder, &second, 10).await.unwrap();
    assert_eq!(second.cache().unwrap().answers().unwrap(), 60);
    assert!(double.tally().values().all(|counts| counts.answered == 1), "nothing was handed in twice");
}

/// The records of `in` asked directly into a root of this name, beside whatever else uses the cache.
async fn directly(folder: &Path, double: &Running, root: &str) -> crawl_core::Checkpoint {
    let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
    run(&labelled(input, classifier(folder, double, None)), &folder.join(root)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_in_a_batch_is_not_asked_directly_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(2500, 0).await;
    store(&folder.join("in"), &rows(40), 20).await;
    let first = classifier(folder, &double, None);
    let died = tokio::time::timeout(Duration::from_millis(1000), answered(folder, &first, 1000)).await;
    assert!(died.is_err(), "it was to die while the batch is out");
    drop(first);
    let totals = directly(folder, &double, "meanwhile").await.totals;
    assert_eq!((totals.records, totals.missing), (0, 40));
    let missing = Stored::open(&folder.join("meanwhile"), &listing()).unwrap().missing(1).unwrap();
    assert_eq!(missing.len(), 20);
    assert!(missing.iter().all(|one| one.kind == "transient" && one.message.contains("out in a batch")));
    answered(folder, &classifier(folder, &double, None), 1000).await.unwrap();
    assert_eq!(directly(folder, &double, "later").await.totals.records, 40);
    let asked = double.tally();
    assert!(asked.len() == 40 && asked.values().all(|counts| counts.answered == 1), "each was paid once");
}
