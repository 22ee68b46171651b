//! Models, their variations, versions and files.

use std::collections::HashSet;

use crawl_sim::{KaggleConfig, Part};
use serde_json::{Value, json};

use super::{answer, ask, download, refs, split, start, walk};
use crate::client::get;

pub(super) fn named(reference: &str) -> Value {
    let (owner, slug) = split(reference);
    json!({"ownerSlug": owner, "modelSlug": slug})
}

fn of(name: &Value, variation: &Value) -> Value {
    let mut body = name.clone();
    body["framework"] = variation["framework"].clone();
    body["instanceSlug"] = variation["slug"].clone();
    body
}

#[tokio::test]
async fn lists_count_all_models_and_both_forms_know_the_same_variations() {
    let kaggle = start(KaggleConfig { models: 130, ..KaggleConfig::default() }).await;
    let first = answer(&kaggle, "ListModels", &json!({"sortBy": "LIST_MODELS_ORDER_BY_VOTE_COUNT"}));
    assert_eq!(first["totalResults"], 130);
    let rows = walk(&kaggle, "ListModels", "models", &json!({"sortBy": "LIST_MODELS_ORDER_BY_VOTE_COUNT"}));
    assert_eq!(refs(&rows).into_iter().collect::<HashSet<_>>().len(), 130);
    let mut most = 0;
    for row in &rows {
        let name = named(row["ref"].as_str().unwrap());
        let keys = |rows: &[Value]| -> Vec<_> {
            rows.iter()
                .map(|row| (row["framework"].clone(), row["slug"].clone(), row["versionNumber"].clone()))
                .collect()
        };
        let whole = answer(&kaggle, "GetModel", &name);
        let listed = walk(&kaggle, "ListModelInstances", "instances", &name);
        assert_eq!(keys(whole["instances"].as_array().unwrap()), keys(&listed));
        most = most.max(listed.len());
    }
    assert!(most > 20, "some model needs a second page of variations");
}

#[tokio::test]
async fn versions_files_and_archives_belong_together() {
    let kaggle = start(KaggleConfig { models: 40, ..KaggleConfig::default() }).await;
    let name = named(&kaggle.reference(Part::Models, 0));
    let variation = json!({"framework": "MODEL_FRAMEWORK_FLAX", "slug": "2b"});
    let body = of(&name, &variation);
    let versions = answer(&kaggle, "ListModelInstanceVersions", &body)["versionList"]["versions"].clone();
    let numbers: Vec<_> =
        versions.as_array().unwrap().iter().map(|row| row["versionNumber"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let mut asked = body;
    asked["versionNumber"] = 2.into();
    let files = walk(&kaggle, "ListModelInstanceVersionFiles", "files", &asked);
    let mut tar = Vec::new();
    let packed = download(&kaggle, "DownloadModelInstanceVersion", &asked);
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.body.as_slice()), &mut tar).unwrap();
    for file in &files {
        asked["path"] = file["name"].clone();
        let one = download(&kaggle, "DownloadModelInstanceVersion", &asked).body;
        assert_eq!(one.len() as u64, file["size"].as_u64().unwrap());
        assert!(tar.windows(one.len()).any(|bytes| bytes == one));
    }
    asked["versionNumber"] = 4.into();
    assert_eq!(ask(&kaggle, "DownloadModelInstanceVersion", &asked).status, 404);
    let old = format!("{}/api/v1/models/{}/flax/2b/get", kaggle.url(), kaggle.reference(Part::Models, 0));
    assert_eq!(get(&old).json()["framework"], "flax");
}

#[tokio::test]
async fn gated_models_say_so_and_refuse_files() {
    let kaggle = start(KaggleConfig { models: 40, ..KaggleConfig::default() }).await;
    let name = named(&kaggle.reference(Part::Models, 16));
    let variations = walk(&kaggle, "ListModelInstances", "instances", &name);
    assert_eq!(
        (&variations[0]["license"]["agreementRequired"], &variations[0]["canUse"]),
        (&json!(true), &json!(false))
    );
    let mut body = of(&name, &variations[0]);
    body["versionNumber"] = 1.into();
    let refused = ask(&kaggle, "DownloadModelInstanceVersion", &body);
    assert!(refused.status == 403 && refused.text().contains("consent"));
}
