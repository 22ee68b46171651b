//! Notebooks and scripts.

use std::collections::HashSet;

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::{Value, json};

use super::{answer, ask, download, refs, split, start, walk};
use crate::client::get;

fn list(kaggle: &Kaggle, body: &Value) -> Vec<Value> {
    walk(kaggle, "ListKernels", "kernels", body)
}

pub(super) fn named(reference: &str) -> Value {
    let (owner, slug) = split(reference);
    json!({"userName": owner, "kernelSlug": slug})
}

#[tokio::test]
async fn a_list_is_capped_says_little_and_slices_reach_every_kernel() {
    let kaggle = start(KaggleConfig { kernels: 1500, competitions: 10, ..KaggleConfig::default() }).await;
    let listed = list(&kaggle, &json!({"pageSize": 500}));
    assert_eq!(listed.len(), 1000);
    assert!(listed.iter().all(|row| row["id"] == 0 && row.get("language").is_none()));
    let mut found = HashSet::new();
    for language in ["python", "r", "sqlite", "julia", "all"] {
        for sort in ["VOTE_COUNT", "DATE_CREATED", "SCORE_ASCENDING"] {
            found.extend(refs(&list(
                &kaggle,
                &json!({"language": language, "sortBy": sort, "pageSize": 100}),
            )));
        }
    }
    assert_eq!(found.len(), 1500);
    let competition = kaggle.reference(Part::Competitions, 3);
    let narrowed = list(&kaggle, &json!({"competition": competition}));
    assert!(!narrowed.is_empty() && narrowed.len() < 200);
    for row in narrowed.iter().take(5) {
        let kernel = answer(&kaggle, "GetKernel", &named(row["ref"].as_str().unwrap()));
        assert_eq!(kernel["metadata"]["competitionDataSources"][0], competition.as_str());
    }
}

#[tokio::test]
async fn sources_are_notebooks_and_scripts_of_all_sorts() {
    let kaggle = start(KaggleConfig { kernels: 32, ..KaggleConfig::default() }).await;
    let source = |index| {
        let kernel = answer(&kaggle, "GetKernel", &named(&kaggle.reference(Part::Kernels, index)));
        (kernel["blob"]["kernelType"].clone(), kernel["blob"]["source"].as_str().unwrap().to_owned())
    };
    let json = |index| serde_json::from_str::<Value>(&source(index).1).unwrap();
    assert!(json(0)["cells"][1]["source"].is_array() && json(2)["cells"][1]["source"].is_string());
    assert_eq!(json(5)["metadata"]["kernelspec"]["name"], "ir");
    assert!(json(9)["worksheets"].is_array());
    assert!(serde_json::from_str::<Value>(&source(8).1).is_err(), "two documents in a row");
    assert_eq!(source(12).0, "script", "a notebook that says it is a script");
    assert!(source(6).1.contains("print \"rows:\""), "Python 2");
    let label = |label: &str| {
        let mut body = named(&kaggle.reference(Part::Kernels, 0));
        body["versionLabel"] = label.into();
        ask(&kaggle, "GetKernel", &body).status
    };
    assert_eq!((label("v3"), label("v9")), (200, 404));
}

#[tokio::test]
async fn outputs_come_500_a_page_with_signed_links_and_the_log() {
    let kaggle = start(KaggleConfig { kernels: 100, ..KaggleConfig::default() }).await;
    let many = named(&kaggle.reference(Part::Kernels, 7));
    let first = answer(
        &kaggle,
        "ListKernelSessionOutput",
        &json!({"pageSize": 5000, "userName": many["userName"], "kernelSlug": many["kernelSlug"]}),
    );
    assert_eq!(first["files"].as_array().unwrap().len(), 500);
    assert_eq!(walk(&kaggle, "ListKernelSessionOutput", "files", &many).len(), 1200);
    let mut names: HashSet<_> = HashSet::new();
    for file in walk(&kaggle, "ListKernelFiles", "files", &many) {
        names.insert(file["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(names.len(), 1200);
    let mut one = named(&kaggle.reference(Part::Kernels, 0));
    one["pageSize"] = 1.into();
    let page = answer(&kaggle, "ListKernelSessionOutput", &one);
    let log: Vec<Value> = serde_json::from_str(page["log"].as_str().unwrap()).unwrap();
    assert!(log.iter().all(|line| line["stream_name"].is_string()));
    assert_eq!(get(page["files"][0]["url"].as_str().unwrap()).status, 200);
    let odd = answer(&kaggle, "ListKernelSessionOutput", &named(&kaggle.reference(Part::Kernels, 5)));
    assert!(serde_json::from_str::<Value>(odd["log"].as_str().unwrap()).is_err(), "an old log is no JSON");
    let (owner, slug) = (&one["userName"], &one["kernelSlug"]);
    let body = json!({"ownerSlug": owner, "kernelSlug": slug, "filePath": "results/plot 1.png"});
    assert_eq!(download(&kaggle, "DownloadKernelOutput", &body).status, 200);
    let archive = download(&kaggle, "DownloadKernelOutput", &json!({"ownerSlug": owner, "kernelSlug": slug}));
    assert!(archive.body.starts_with(b"PK"));
}
