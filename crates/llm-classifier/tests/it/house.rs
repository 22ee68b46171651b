//! What the tests share: stored listings, doubles, and classifiers over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{
    Checkpoint, Cursor, Input, Over, Page, Pump, Record, Result, Settings, Sink, SourceId, Stop, Store,
    Stored, pump,
};
use crawl_sim::{Llm, LlmConfig, Running};
use llm_classifier::{Answers, Cache, Chat, Classifier, Labelled, Price, Structured, Task};
use serde_json::{Value, json};

pub(crate) const TOPICS: [&str; 6] = [
    "Math Word Problems",
    "Programming/Code",
    "Science",
    "Medical/Clinical Text",
    "Legal Text Analysis",
    "Finance/Economics",
];

pub(crate) fn weekly() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/tasks/weekly.toml")
}

pub(crate) fn listing() -> SourceId {
    SourceId::new("hf/datasets").unwrap()
}

/// A row as `hf-crawler process` writes it.
pub(crate) fn row(owner: &str, name: &str, description: &str) -> Value {
    json!({
        "id": name, "author": owner, "downloads": 20, "likes": 1, "created_at": "2026-11-01",
        "last_modified": "2026-11-02", "collect_date": "2026-11-23", "description": description, "language": "en",
        "pretty_name": null, "size_categories": "1K<n<10K", "arxiv": null,
        "tags": {"language": "en", "license": "mit"}, "repo_id": format!("{owner}/{name}"),
    })
}

pub(crate) fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|n| row(&format!("owner{n}"), &format!("set-{n}"), "Some text.")).collect()
}

/// Stores rows as an ended listing, so many a page.
pub(crate) async fn store(root: &Path, rows: &[Value], per_page: usize) -> Input {
    let (store, id) = (Store::new(root), listing());
    let mut at =
        Checkpoint { settings: Some(Settings::default().with("made", "test")), ..Checkpoint::start() };
    store.commit(&id, &at).await.unwrap();
    let pages = rows.chunks(per_page).count();
    for (index, chunk) in rows.chunks(per_page).enumerate() {
        let next = (index + 1 < pages).then(|| Cursor::new((index + 2).to_string()));
        let records = chunk.iter().map(|row| Record::write(row).unwrap()).collect();
        at = store.write(&id, &at, Page::new(records, next)).await.unwrap();
        store.commit(&id, &at).await.unwrap();
    }
    Input::open(root, &id).unwrap()
}

pub(crate) async fn double(faults: &[&str], latency_ms: (u64, u64)) -> Running {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Llm::start(LlmConfig { faults, latency_ms, ..LlmConfig::default() }).await.unwrap()
}

/// How a classifier of a test differs from the usual one.
pub(crate) struct Setup {
    pub base: String,
    pub model: String,
    pub key: Option<String>,
    pub structured: Structured,
    pub task: Task,
    pub concurrency: u32,
    pub tries: u32,
    pub again: bool,
    pub price: Option<Price>,
    pub budget: Option<f64>,
    pub rules: bool,
    pub second_look: bool,
    pub votes: u32,
}

impl Setup {
    pub(crate) fn new(base: &str) -> Self {
        Setup {
            base: format!("{base}/v1"),
            model: "sim-1".into(),
            key: None,
            structured: Structured::JsonSchema,
            task: Task::load(&weekly()).unwrap(),
            concurrency: 100,
            tries: 5,
            again: false,
            price: None,
            budget: None,
            rules: false,
            second_look: false,
            votes: 1,
        }
    }

    pub(crate) fn classifier(self, cache: &Path) -> Result<Arc<Classifier>> {
        let answers = Answers::new(&self.task)?;
        let key = self.key.map(Secret::new);
        let chat_of = |task: Task, answers: &Answers| {
            Chat::new(&self.base, key.as_ref(), &self.model, self.structured, task, answers)
        };
        let second = self.second_look.then(|| self.task.second_look());
        let chat = chat_of(self.task, &answers)?;
        let http = Http::new(HttpConfig {
            tries: self.tries,
            backoff: Duration::from_millis(5),
            timeout: Duration::from_secs(10),
            concurrency: self.concurrency as usize,
            ..HttpConfig::default()
        })?;
        let classifier =
            Classifier::new(chat, answers, Cache::open(cache)?, http, "repo_id", self.concurrency);
        let mut classifier = classifier.with_money(self.price, self.budget).with_votes(self.votes);
        if let Some(task) = second {
            let answers = Answers::new(&task)?;
            classifier = classifier.with_second_look(chat_of(task, &answers)?, answers);
        }
        if self.rules {
            classifier = classifier.with_rules();
        }
        let now = crawl_core::Timestamp::now();
        Ok(Arc::new(if self.again { classifier.asking_failures_again(now) } else { classifier }))
    }
}

pub(crate) async fn run(source: &Over<Labelled>, root: &Path) -> Result<Checkpoint> {
    pump(source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await
}

/// The listing of `input` with the answers of a classifier.
pub(crate) fn labelled(input: Input, classifier: Arc<Classifier>) -> Over<Labelled> {
    Over::new(input, Labelled::new(classifier).unwrap()).unwrap()
}

/// The rows of a listing, in order.
pub(crate) fn read(root: &Path, id: &SourceId) -> Vec<Value> {
    let stored = Stored::open(root, id).unwrap();
    let pages = 1..=stored.checkpoint().pages;
    pages.flat_map(|page| stored.records(page).unwrap()).map(|record| record.raw().to().unwrap()).collect()
}

pub(crate) fn id(row: &Value) -> &str {
    row["repo_id"].as_str().unwrap()
}

pub(crate) fn right(id: &str) -> Vec<String> {
    // The model sees the name without its owner.
    let name = id.rsplit('/').next().unwrap();
    crawl_sim::rule(name, &TOPICS.map(str::to_owned), 2)
}
