//! Batches at a desk whose every answer a test writes itself: results that are none, and queues that never have room.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crawl_core::{Kind, Record, Result};
use crawl_sim::{Llm, LlmConfig};
use llm_classifier::batch::{self, Bounds, Told};
use llm_classifier::{Classifier, Fund, Period, Price, nano};
use serde_json::{Value, json};

use crate::house::{Setup, labelled, listing, rows, run, store};
use crate::odd::{Asked, Odd, Sent};
use crate::paid::booked;

/// What a batch comes to at an odd desk.
#[derive(Clone, Copy)]
enum Taken {
    /// It is back at once.
    Back,
    /// It is refused as it is handed in, in these words.
    Refused(&'static str),
    /// It is taken, and has failed in these words at the first look.
    Failed(&'static str),
}

/// A desk; `result` makes the line of the results, or of the errors, of the question with this number.
async fn desk(
    taken: Taken,
    result: impl Fn(usize) -> std::result::Result<Value, Value> + Send + Sync + 'static,
) -> Odd {
    let questions: Mutex<Vec<String>> = Mutex::default();
    Odd::start(move |asked: &Asked, _| {
        let head = asked.head.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let lines = |good: bool| {
            let questions = questions.lock().unwrap();
            let lines = questions.iter().enumerate().filter_map(|(number, id)| {
                let line = match (result(number), good) {
                    (Ok(line), true) | (Err(line), false) => line,
                    _ => return None,
                };
                let mut line = json!({"id": "r", "custom_id": id, "response": line, "error": null});
                if line["response"].get("status_code").is_none() {
                    (line["error"], line["response"]) = (line["response"].take(), Value::Null);
                }
                Some(line.to_string() + "\n")
            });
            Sent::text(200, "application/octet-stream", lines.collect::<String>())
        };
        match head.as_str() {
            "POST /v1/files" => {
                let ids = asked.text.split("\"custom_id\":\"").skip(1);
                *questions.lock().unwrap() = ids.map(|rest| rest[..64].to_owned()).collect();
                Sent::json(200, &json!({"id": "file-1"}))
            }
            "POST /v1/batches" => match taken {
                Taken::Refused(why) => Sent::json(400, &json!({"error": {"message": why, "type": "invalid_request_error"}})),
                _ => Sent::json(200, &json!({"id": "batch_1", "status": "validating"})),
            },
            "GET /v1/batches/batch_1" => Sent::json(200, &match taken {
                Taken::Failed(why) => json!({"id": "batch_1", "status": "failed",
                    "errors": {"data": [{"code": "token_limit_exceeded", "message": why}]}}),
                _ => json!({"id": "batch_1", "status": "completed", "output_file_id": "good", "error_file_id": "bad"}),
            }),
            "GET /v1/files/good/content" => lines(true),
            "GET /v1/files/bad/content" => lines(false),
            _ => Sent::json(200, &json!({"data": [], "has_more": false})),
        }
    })
    .await
}

fn half_price() -> Option<Price> {
    Some(Price { batch: Some(0.5), ..Price::of("sim-1", 1.0, 4.0) })
}

fn classifier(folder: &Path, url: &str, price: Option<Price>) -> Arc<Classifier> {
    Setup { price, ..Setup::new(url) }.classifier(&folder.join("cache")).unwrap()
}

async fn answered(folder: &Path, classifier: &Classifier, bounds: Bounds) -> Result<Vec<Told>> {
    let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
    let records = || Ok((1..=input.pages()).flat_map(|page| input.page(page).unwrap()).map(Ok::<Record, _>));
    let mut told = Vec::new();
    batch::run(classifier, records, Bounds { every: Duration::from_millis(10), ..bounds }, |what| {
        told.push(what);
    })
    .await?;
    Ok(told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_no_answer_is_booked_at_its_count_or_its_reservation() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let error = json!({"message": "it broke", "type": "server_error"});
    let half = json!({"choices": [{"message": {"content": "{\"id\": \"se"}, "finish_reason": "error"}]});
    let results = move |number: usize| {
        let good = |body: Value| Ok(json!({"status_code": 200, "body": body}));
        let usage = json!({"prompt_tokens": 1000, "completion_tokens": 50});
        match number {
            // Counted: half of 0.0012 dollars.
            0 => good(json!({"error": error, "usage": usage})),
            // Half an answer, and a body that is none: nobody tells what they cost.
            1 => good(half.clone()),
            2 => good(json!("upstream timed out")),
            // A server in between lost its patience.
            3 => Err(json!({"status_code": 504, "body": {"error": error}})),
            // Refused: nothing was paid.
            4 => good(json!({"error": error})),
            5 => Err(json!({"status_code": 500, "body": {"error": error}})),
            _ => Err(json!({"code": "batch_expired", "message": "it took too long"})),
        }
    };
    let odd = desk(Taken::Back, results).await;
    store(&folder.join("in"), &rows(8), 50).await;
    let classifier = classifier(folder, &odd.url, half_price());
    let told = answered(folder, &classifier, Bounds { passes: 1, ..Bounds::default() }).await.unwrap();
    let Some(Told::Back { answers: 0, failed: 8, why, .. }) = told.last() else { panic!("{told:?}") };
    let why: Vec<_> = why.iter().map(|why| (why.requests, why.name.as_str(), why.said.as_str())).collect();
    assert_eq!(why[..2], [(4, "server_error", "it broke"), (2, "batch_expired", "it took too long")]);
    let spent = classifier.usage().spent();
    assert_eq!((spent.presumptions, classifier.cache().unwrap().answers().unwrap()), (3, 0));
    // Each is presumed at a token for each byte of its question and all that may come back.
    assert!(spent.presumed_usd > 3.0 * 0.5 * (4000.0 + 4.0 * 500.0) / 1e6, "{spent:?}");
    assert_eq!(nano(spent.cost_usd - spent.presumed_usd), 600_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_status_is_a_text_is_an_answer_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let results = |_| {
        let usage = json!({"prompt_tokens": 1000, "completion_tokens": 50});
        let body =
            json!({"choices": [{"message": {"content": "no"}, "finish_reason": "stop"}], "usage": usage});
        Ok(json!({"status_code": "200", "body": body}))
    };
    let odd = desk(Taken::Back, results).await;
    store(&folder.join("in"), &rows(3), 50).await;
    let classifier = classifier(folder, &odd.url, half_price());
    let told = answered(folder, &classifier, Bounds { passes: 1, ..Bounds::default() }).await.unwrap();
    assert!(matches!(told.last(), Some(Told::Back { answers: 3, failed: 0, .. })), "{told:?}");
    assert_eq!(
        (classifier.usage().spent().presumptions, classifier.cache().unwrap().answers().unwrap()),
        (0, 3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_can_never_hold_a_batch_is_no_reason_to_wait_for_ever() {
    const SMALL: &str = "Enqueued token limit reached for sim-1 in organization org-x. Limit: 1,000 enqueued tokens. Please try \
        again once some in_progress batches have been completed.";
    for taken in [Taken::Refused(SMALL), Taken::Failed(SMALL)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let odd = desk(taken, |_| Ok(Value::Null)).await;
        store(&folder.join("in"), &rows(40), 50).await;
        let classifier = classifier(folder, &odd.url, None);
        let run = answered(folder, &classifier, Bounds::default());
        let error = tokio::time::timeout(Duration::from_secs(20), run).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), Kind::Limited, "{error:?}");
        assert!(
            error.to_string().contains("1000 tokens") && error.advice().contains("--batch-requests"),
            "{error:?}"
        );
        let left = std::fs::read_dir(folder.join("cache/answers.batches")).unwrap().count();
        assert_eq!(left, 0, "its questions go into smaller batches");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_has_no_room_for_longer_than_a_batch_takes_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let odd = desk(Taken::Refused("Enqueued token limit reached. Limit: 9,000,000 enqueued tokens."), |_| {
        Ok(Value::Null)
    })
    .await;
    store(&folder.join("in"), &rows(4), 50).await;
    let classifier = classifier(folder, &odd.url, None);
    let bounds = Bounds { queue_patience: Duration::from_millis(100), ..Bounds::default() };
    let run = answered(folder, &classifier, bounds);
    let error = tokio::time::timeout(Duration::from_secs(20), run).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Limited, "{error:?}");
    assert!(odd.asked().len() > 10, "it was tried again and again");
    let left = std::fs::read_dir(folder.join("cache/answers.batches")).unwrap().count();
    assert_eq!(left, 3, "the batch is handed in by the next run");
}

/// A classifier that shares a budget of so many dollars.
fn sharing(folder: &Path, cache: &str, url: &str, dollars: f64) -> Classifier {
    let fund = Fund::open(&folder.join("budget.json"), nano(dollars), Period::All).unwrap();
    let setup = Setup { price: half_price(), ..Setup::new(url) };
    Arc::into_inner(setup.classifier(&folder.join(cache)).unwrap()).unwrap().with_fund(fund)
}

/// Begins a run, and ends it as soon as its batch is out.
async fn dies_while_out(folder: &Path, classifier: Classifier) {
    let notes = folder.join("cache/answers.batches");
    let is_out = || {
        let files = std::fs::read_dir(&notes).into_iter().flatten().map(|entry| entry.unwrap().path());
        let mut notes = files.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
        notes.any(|path| std::fs::read_to_string(path).unwrap_or_default().contains("\"stage\":\"out\""))
    };
    let out = async {
        while !is_out() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = answered(folder, &classifier, Bounds::default()) => panic!("{ended:?}"),
        () = out => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_in_batches_is_booked_in_a_shared_budget_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config = LlmConfig { batch_takes: Duration::from_millis(2500), ..LlmConfig::default() };
    let double = Llm::start(config).await.unwrap();
    store(&folder.join("in"), &rows(60), 50).await;
    let first = sharing(folder, "cache", &double.url(), 1.0);
    dies_while_out(folder, first).await;
    // 60 questions of 4,000 bytes and more and 500 tokens, at half the price.
    let out = booked(&folder.join("budget.json"));
    assert!(out > 60 * 3_000_000, "{out}");
    // Another run finds the rest only.
    let other = sharing(folder, "other", &double.url(), 0.3);
    let told = answered(folder, &other, Bounds { passes: 1, ..Bounds::default() }).await.unwrap();
    let requests = |told: &Told| if let Told::HandedIn { requests, .. } = told { *requests } else { 0 };
    assert!(told.iter().map(requests).sum::<u64>() < 60, "{told:?}");
    let spent = nano(other.spent().unwrap());
    drop(other);
    assert_eq!(
        booked(&folder.join("budget.json")),
        out + spent,
        "what the other did not spend is given back"
    );
    // The first one goes on, and knows that its batch is booked.
    let again = sharing(folder, "cache", &double.url(), 1.0);
    answered(folder, &again, Bounds::default()).await.unwrap();
    assert_eq!(again.cache().unwrap().answers().unwrap(), 60);
    let all = spent + nano(again.spent().unwrap());
    drop(again);
    assert_eq!(booked(&folder.join("budget.json")), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_keeping_answers_and_forgetting_the_batch_books_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config = LlmConfig { batch_takes: Duration::from_millis(2500), ..LlmConfig::default() };
    let double = Llm::start(config).await.unwrap();
    store(&folder.join("in"), &rows(20), 50).await;
    let first = sharing(folder, "cache", &double.url(), 1.0);
    dies_while_out(folder, first).await;
    let (notes, budget) = (folder.join("cache/answers.batches"), folder.join("budget.json"));
    let files = || std::fs::read_dir(&notes).unwrap().map(|entry| entry.unwrap().path());
    let before: Vec<_> =
        files().chain([budget.clone()]).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let second = sharing(folder, "cache", &double.url(), 1.0);
    answered(folder, &second, Bounds::default()).await.unwrap();
    let spent = nano(second.spent().unwrap());
    drop(second);
    assert_eq!(booked(&budget), spent);
    // As if it had died when all answers were kept.
    for (path, bytes) in before {
        std::fs::write(path, bytes).unwrap();
    }
    let third = sharing(folder, "cache", &double.url(), 1.0);
    let told = answered(folder, &third, Bounds::default()).await.unwrap();
    assert!(matches!(&told[..], [Told::GoesOn(_), Told::Back { answers: 20, .. }]), "{told:?}");
    assert_eq!(third.spent(), Some(0.0));
    drop(third);
    assert_eq!(booked(&budget), spent);
    assert!(double.tally().values().all(|counts| counts.answered == 1), "each was paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_asks_goes_into_no_batch() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = Llm::start(LlmConfig { latency_ms: (200, 600), ..LlmConfig::default() }).await.unwrap();
    let input = store(&folder.join("in"), &rows(300), 50).await;
    let directly = async |root: &str| {
        let classifier = classifier(folder, &double.url(), None);
        run(&labelled(input.clone(), classifier), &folder.join(root)).await.unwrap().totals
    };
    let batches = sharing(folder, "cache", &double.url(), 10.0);
    let handed_in = async {
        while double.tally().len() < 60 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        answered(folder, &batches, Bounds::default()).await.unwrap()
    };
    let (direct, _) = tokio::join!(directly("direct"), handed_in);
    assert!(direct.records + direct.missing == 300 && direct.records >= 60, "{direct:?}");
    let spent = nano(batches.spent().unwrap());
    drop(batches);
    assert_eq!(booked(&folder.join("budget.json")), spent, "what is in no batch is not booked for it");
    assert_eq!(directly("later").await.records, 300);
    let asked = double.tally();
    assert!(asked.len() == 300 && asked.values().all(|counts| counts.answered == 1), "each was paid once");
}
