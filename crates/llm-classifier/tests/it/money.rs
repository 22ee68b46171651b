//! Money: plans that come true, budgets that are kept, prices that are known or said to be unknown.

use crawl_core::{Kind, Record};
use crawl_sim::{Llm, LlmConfig};
use llm_classifier::plan::{Limits, Planner};
use llm_classifier::{Answers, Cache, Chat, Price, Prices, Structured};
use serde_json::json;

use crate::house::{Setup, double, labelled, listing, read, row, rows, run, store};

fn price() -> Price {
    Price::of("sim-1", 0.15, 0.6)
}

/// Rows whose descriptions are of many lengths.
fn many(count: usize) -> Vec<serde_json::Value> {
    let words =
        ["data", "of", "court", "decisions", "with", "answers", "größere", "测试", "tokens", "and", "tables"];
    let mut random = fastrand::Rng::with_seed(3);
    let mut text = |length: usize| {
        (0..length).map(|_| words[random.usize(0..words.len())]).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(|n| row(&format!("owner{}", n % 50), &format!("set-{n}"), &text(n * 7 % 400))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_likely_cost_of_a_plan_is_within_a_tenth_of_the_bill_of_5000_records() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = Llm::start(LlmConfig { tokenizes: true, ..LlmConfig::default() }).await.unwrap();
    let input = store(&folder.join("in"), &many(5000), 500).await;
    let setup = Setup::new(&double.url());
    let answers = Answers::new(&setup.task).unwrap();
    let chat =
        Chat::new(&setup.base, None, "sim-1", Structured::JsonSchema, setup.task.clone(), &answers).unwrap();
    let mut planner = Planner::new(&chat, &answers, None, false, "repo_id");
    for number in 1..=10 {
        let records: Vec<Record> = input.page(number).unwrap();
        records.iter().step_by(10).for_each(|record| planner.look(record).unwrap());
    }
    let limits = Limits { requests_per_minute: Some(600), tokens_per_minute: None, concurrency: 50 };
    let plan = planner.plan(5000, Some(&price()), limits).unwrap();
    assert_eq!((plan.looked_at, plan.asked, double.stats().requests), (500, 5000, 0));
    assert_eq!(plan.seconds.map(f64::round), Some(500.0));
    assert!(plan.notes.is_empty() && plan.seconds_from.contains("limits"));
    let thinks = Price { reasoning: true, schema: Some(false), most_output: Some(400), ..price() };
    let thoughtful = planner.plan(5000, Some(&thinks), limits).unwrap();
    assert!(thoughtful.completion_tokens.likely > plan.completion_tokens.likely * 1.5);
    let notes = thoughtful.notes.join("\n");
    let mut eager = setup.task.clone();
    eager.model.extra.insert("reasoning_effort".into(), "low".into());
    let chat = Chat::new(&setup.base, None, "sim-1", Structured::Auto, eager, &answers).unwrap();
    let dull = Price { schema: Some(false), ..price() };
    let told = Planner::new(&chat, &answers, None, false, "repo_id")
        .plan(1, Some(&dull), limits)
        .unwrap()
        .notes
        .join("\n");
    assert!(told.contains("--reasoning-effort") && told.contains("the next form by itself"), "{told}");
    for word in ["thinks", "--max-tokens", "--no-temperature", "--structured", "400 tokens at most"] {
        assert!(notes.contains(word), "{word} in {notes}");
    }
    let classifier = Setup { price: Some(price()), ..setup }.classifier(&folder.join("cache")).unwrap();
    run(&labelled(input, classifier.clone()), &folder.join("out")).await.unwrap();
    let (bill, cost) = (classifier.spent().unwrap(), plan.cost_usd.unwrap());
    assert!((cost.likely / bill - 1.0).abs() < 0.1, "likely {}, bill {bill}", cost.likely);
    assert!(cost.low <= bill && bill <= cost.high, "{cost:?}, bill {bill}");
    let rows = read(&folder.join("out"), &listing());
    let told: f64 = rows.iter().map(|row| row["domain_answer"]["cost_usd"].as_f64().unwrap()).sum();
    assert!((told - bill).abs() < 1e-6, "the rows tell {told}, the summary {bill}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_never_passed_and_a_larger_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double =
        Llm::start(LlmConfig { tokenizes: true, latency_ms: (0, 10), ..LlmConfig::default() }).await.unwrap();
    store(&folder.join("in"), &rows(300), 50).await;
    let of = |budget: Option<f64>| {
        let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
        let setup = Setup { price: Some(price()), budget, ..Setup::new(&double.url()) };
        let classifier = setup.classifier(&folder.join("cache")).unwrap();
        (labelled(input, classifier.clone()), classifier)
    };
    let (source, classifier) = of(Some(0.02));
    let error = run(&source, &folder.join("out")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limited);
    assert!(error.to_string().contains("budget of $0.02") && error.advice().contains("--budget"), "{error}");
    classifier.finish(std::time::Duration::from_secs(5)).await.unwrap();
    let first = classifier.spent().unwrap();
    assert!(first <= 0.02 && first > 0.017, "{first}");
    drop((source, classifier));
    let (source, classifier) = of(None);
    let at = run(&source, &folder.join("out")).await.unwrap();
    assert_eq!(at.totals.records, 300);
    assert_eq!(double.stats().requests, 300, "nothing was paid twice");
    assert!(classifier.spent().unwrap() > first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_price_is_null_and_never_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&[], (0, 0)).await;
    let input = store(&folder.path().join("in"), &rows(5), 10).await;
    let classifier = Setup::new(&double.url()).classifier(&folder.path().join("cache")).unwrap();
    run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap();
    assert_eq!((classifier.spent(), classifier.usage().spent().unpriced), (None, 5));
    let rows = read(&folder.path().join("out"), &listing());
    assert!(rows.iter().all(|row| row["domain_answer"]["cost_usd"] == json!(null)));
    let prices =
        Prices::load(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/prices.toml")))
            .unwrap();
    assert!(prices.find("gpt-4o-mini-2024-07-18").is_some() && prices.find("sim-1").is_none());
    let first = prices.find("gpt-4o-2024-05-13").unwrap();
    assert_eq!((first.input, first.output), (5.0, 15.0), "it costs more than the versions after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_mended_from_the_journal_and_old_answers_can_go() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&[], (0, 0)).await;
    store(&folder.join("in"), &rows(50), 50).await;
    let cache = folder.join("cache");
    let again = async |out: &str, wanted: u64| {
        let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
        let classifier = Setup::new(&double.url()).classifier(&cache).unwrap();
        run(&labelled(input, classifier), &folder.join(out)).await.unwrap();
        assert_eq!(double.stats().requests, wanted, "{out}");
    };
    again("first", 50).await;
    std::fs::remove_file(cache.join("answers.index")).unwrap();
    again("without an index", 50).await;
    std::fs::write(cache.join("answers.index"), b"not a database").unwrap();
    again("with a broken one", 50).await;
    let text = std::fs::read(cache.join("answers.jsonl")).unwrap();
    let half = text.len() / 2;
    let cut = half + text[half..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    std::fs::write(cache.join("answers.jsonl"), &text[..cut]).unwrap();
    let left = Cache::open(&cache).unwrap().answers().unwrap();
    again("with a journal that was cut", 50 + 50 - left).await;
    let before = std::fs::read(cache.join("answers.jsonl")).unwrap();
    let what = |dry_run| llm_classifier::Prune { task: Some("weekly".into()), dry_run, ..Default::default() };
    let pruned = llm_classifier::prune(&cache, &what(true)).unwrap();
    assert_eq!((pruned.gone, pruned.kept), (50, 0));
    assert_eq!(std::fs::read(cache.join("answers.jsonl")).unwrap(), before);
    assert_eq!(llm_classifier::prune(&cache, &Default::default()).unwrap_err().kind(), Kind::Config);
    let nowhere = llm_classifier::prune(&cache.join("nowhere"), &what(false)).unwrap_err();
    assert!(nowhere.advice().contains("that --cache named"), "{nowhere}");
    llm_classifier::prune(&cache, &what(false)).unwrap();
    assert_eq!(Cache::open(&cache).unwrap().answers().unwrap(), 0);
}
