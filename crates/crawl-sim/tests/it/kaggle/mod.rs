//! The double of Kaggle.

mod competitions;
mod datasets;
mod faults;
mod kernels;
mod meta;
mod models;
mod recorded;
mod schema;
mod storage;
mod topics;

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::{Value, json};

use crate::client::{Got, get, post};

/// `user:key`
pub(super) const BASIC: (&str, &str) = ("Authorization", "Basic dXNlcjprZXk=");

/// What a method answers in the RPC form of api.kaggle.com.
pub(super) fn ask(kaggle: &Kaggle, method: &str, body: &Value) -> Got {
    let service = match method {
        _ if method.ends_with("Topics") && !method.contains("Competition") => {
            "discussions.DiscussionApiService"
        }
        "ListForums" | "GetTopic" | "ListComments" => "discussions.DiscussionApiService",
        _ if method.contains("Dataset") => "datasets.DatasetApiService",
        _ if method.contains("Kernel") => "kernels.KernelsApiService",
        _ if method.contains("Model") => "models.ModelApiService",
        _ => "competitions.CompetitionApiService",
    };
    post(&format!("{}/v1/{service}/{method}", kaggle.url()), &[BASIC], body)
}

pub(super) fn answer(kaggle: &Kaggle, method: &str, body: &Value) -> Value {
    let got = ask(kaggle, method, body);
    assert_eq!(got.status, 200, "{method} {body}: {}", got.text());
    got.json()
}

pub(super) fn split(reference: &str) -> (&str, &str) {
    reference.split_once('/').unwrap()
}

/// The arguments that name a dataset.
pub(super) fn named(reference: &str) -> Value {
    let (owner, slug) = split(reference);
    json!({"ownerSlug": owner, "datasetSlug": slug})
}

/// All rows of a list, by its tokens.
pub(super) fn walk(kaggle: &Kaggle, method: &str, field: &str, body: &Value) -> Vec<Value> {
    let (mut body, mut rows) = (body.clone(), Vec::new());
    for _ in 0..2000 {
        let page = answer(kaggle, method, &body);
        rows.extend(page[field].as_array().unwrap().iter().cloned());
        match page["nextPageToken"].as_str().unwrap_or_default() {
            "" => return rows,
            token => body["pageToken"] = token.into(),
        }
    }
    panic!("{method} does not end");
}

pub(super) fn refs(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["ref"].as_str().unwrap().to_owned()).collect()
}

/// Follows the link that a download answers.
pub(super) fn download(kaggle: &Kaggle, method: &str, body: &Value) -> Got {
    get(&link(kaggle, method, body))
}

pub(super) fn link(kaggle: &Kaggle, method: &str, body: &Value) -> String {
    let found = ask(kaggle, method, body);
    assert_eq!(found.status, 302, "{method} {body}: {}", found.text());
    found.header("location").unwrap().to_owned()
}

pub(super) async fn start(config: KaggleConfig) -> Kaggle {
    Kaggle::start(config).await.unwrap()
}

/// The first dataset, which has a file of each kind.
pub(super) fn showcase(kaggle: &Kaggle) -> Value {
    named(&kaggle.reference(Part::Datasets, 0))
}
