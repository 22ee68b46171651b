//! Lists and details of datasets.

use std::collections::HashSet;

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::{Value, json};

use super::{BASIC, answer, ask, named, refs, showcase, start, walk};
use crate::client::{get, get_with, post};

fn list(kaggle: &Kaggle, body: &Value) -> Vec<Value> {
    walk(kaggle, "ListDatasets", "datasets", body)
}

#[tokio::test]
async fn every_dataset_is_listed_once_by_tokens_and_by_numbers() {
    let kaggle = start(KaggleConfig { datasets: 450, ..KaggleConfig::default() }).await;
    let all: HashSet<_> = kaggle.references(Part::Datasets).into_iter().collect();
    assert_eq!(all.len(), 450);
    for sort in ["HOTTEST", "VOTES", "UPDATED", "PUBLISHED", "USABILITY"] {
        let rows = list(&kaggle, &json!({"sortBy": format!("DATASET_SORT_BY_{sort}"), "pageSize": 100}));
        let listed = refs(&rows);
        assert_eq!(
            (listed.len(), listed.iter().cloned().collect::<HashSet<_>>()),
            (450, all.clone()),
            "{sort}"
        );
    }
    let mut numbered = Vec::new();
    for page in 1.. {
        let rows =
            answer(&kaggle, "ListDatasets", &json!({"page": page, "pageToken": ""}))["datasets"].clone();
        let rows = rows.as_array().unwrap().clone();
        assert!(rows.len() <= 20, "the default is 20");
        if rows.is_empty() {
            break;
        }
        numbered.extend(refs(&rows));
    }
    assert_eq!(numbered, refs(&list(&kaggle, &json!({}))));
    let large = answer(&kaggle, "ListDatasets", &json!({"pageSize": 5000}));
    assert_eq!(large["datasets"].as_array().unwrap().len(), 200, "the most is 200");
}

#[tokio::test]
async fn tokens_are_long_begin_alike_and_are_refused_elsewhere_and_when_old() {
    let kaggle = start(KaggleConfig { datasets: 100, ..KaggleConfig::default() }).await;
    let token = answer(&kaggle, "ListDatasets", &json!({}))["nextPageToken"].as_str().unwrap().to_owned();
    assert!(token.starts_with("CfDJ8") && token.len() > 200);
    let mut files = showcase(&kaggle);
    files["pageToken"] = token.as_str().into();
    assert_eq!(ask(&kaggle, "ListDatasetFiles", &files).status, 400);
    assert_eq!(ask(&kaggle, "ListDatasets", &json!({"pageToken": "CfDJ8made-up"})).status, 400);
    kaggle.expire_tokens();
    assert_eq!(ask(&kaggle, "ListDatasets", &json!({"pageToken": token})).status, 400);
}

#[tokio::test]
async fn a_query_ends_at_the_wall_and_windows_of_size_reach_all() {
    let kaggle = start(KaggleConfig { datasets: 900, dataset_cap: 500, ..KaggleConfig::default() }).await;
    assert_eq!(list(&kaggle, &json!({"pageSize": 200})).len(), 500);
    let behind = answer(&kaggle, "ListDatasets", &json!({"page": 26}));
    assert_eq!(
        (behind["datasets"].as_array().unwrap().len(), behind["nextPageToken"].as_str()),
        (0, Some(""))
    );
    let small = list(&kaggle, &json!({"maxSize": 700}));
    let large = list(&kaggle, &json!({"minSize": 701}));
    assert!(small.iter().all(|row| row["totalBytes"].as_u64().unwrap() <= 700));
    assert!(small.len() < 500 && large.len() < 500);
    let found: HashSet<_> = refs(&small).into_iter().chain(refs(&large)).collect();
    assert_eq!(found.len(), 900);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let kaggle = start(KaggleConfig { datasets: 800, ..KaggleConfig::default() }).await;
    let some = |body: Value| {
        let rows = list(&kaggle, &body);
        assert!(!rows.is_empty() && rows.len() < 800, "{body}: {}", rows.len());
        rows
    };
    for row in some(json!({"search": "Bakery"})) {
        assert!(row["ref"].as_str().unwrap().to_lowercase().contains("bakery"));
    }
    for row in some(json!({"tagIds": "audio"})) {
        assert_eq!(row["tags"][0]["ref"], "audio");
    }
    let owner = refs(&some(json!({"search": "a"})))[0].split('/').next().unwrap().to_owned();
    for row in some(json!({"user": owner, "group": "DATASET_SELECTION_GROUP_USER"})) {
        assert_eq!(row["ownerRef"], owner.as_str());
    }
    for row in some(json!({"license": "DATASET_LICENSE_GROUP_GPL"})) {
        assert_eq!(row["licenseName"], "GPL 2");
    }
    some(json!({"fileType": "DATASET_FILE_TYPE_GROUP_SQLITE"}));
    assert!(list(&kaggle, &json!({"group": "DATASET_SELECTION_GROUP_MY"})).is_empty());
    let votes: Vec<_> = list(&kaggle, &json!({"sortBy": "DATASET_SORT_BY_VOTES"}));
    assert!(
        votes.iter().map(|row| row["voteCount"].as_u64().unwrap()).is_sorted_by(|left, right| left >= right)
    );
}

#[tokio::test]
async fn details_agree_with_the_list_but_for_size_and_description() {
    let kaggle = start(KaggleConfig { datasets: 60, ..KaggleConfig::default() }).await;
    for row in list(&kaggle, &json!({})) {
        let name = named(row["ref"].as_str().unwrap());
        let view = answer(&kaggle, "GetDataset", &name);
        for field in ["id", "title", "usabilityRating", "lastUpdated", "currentVersionNumber"] {
            assert_eq!(view.get(field), row.get(field), "{field}");
        }
        assert_eq!(row["description"], "");
        assert!(view["totalBytes"].as_u64() >= row["totalBytes"].as_u64());
        let info = answer(&kaggle, "GetDatasetMetadata", &name)["info"].clone();
        assert_eq!((&info["datasetId"], &info["description"]), (&view["id"], &view["description"]));
        let files = walk(&kaggle, "ListDatasetFiles", "datasetFiles", &name);
        let sum: u64 = files.iter().map(|file| file["totalBytes"].as_u64().unwrap()).sum();
        assert_eq!(sum, view["totalBytes"].as_u64().unwrap(), "{name}");
    }
    let unknown = ask(&kaggle, "GetDataset", &named("nobody/nothing-3"));
    assert_eq!(
        (unknown.status, unknown.json()["message"].as_str()),
        (403, Some("Permission 'datasets.get' was denied"))
    );
}

#[tokio::test]
async fn some_names_make_the_same_folder_name() {
    let kaggle = start(KaggleConfig { datasets: 200, ..KaggleConfig::default() }).await;
    let name = |index| kaggle.reference(Part::Datasets, index);
    assert_eq!(name(40).replace('/', "_"), name(41).replace('/', "_"));
    assert_ne!(name(40), name(41));
    assert_eq!(name(60).to_lowercase(), name(61).to_lowercase());
    assert_ne!(name(60), name(61));
    for index in [40, 41, 60, 61] {
        assert_eq!(answer(&kaggle, "GetDataset", &named(&name(index)))["ref"], name(index).as_str());
    }
}

#[tokio::test]
async fn a_hot_list_moves_while_one_walks_it_and_a_sorted_one_does_not() {
    let kaggle = start(KaggleConfig { datasets: 400, drift: 3, ..KaggleConfig::default() }).await;
    let hot = refs(&list(&kaggle, &json!({})));
    let distinct: HashSet<_> = hot.iter().collect();
    assert!(hot.len() == 400 && distinct.len() < 400, "{} distinct", distinct.len());
    let sorted = refs(&list(&kaggle, &json!({"sortBy": "DATASET_SORT_BY_PUBLISHED"})));
    assert_eq!(sorted.iter().collect::<HashSet<_>>().len(), 400);
}

#[tokio::test]
async fn items_are_removed_renamed_and_published_on_demand() {
    let kaggle = start(KaggleConfig { datasets: 50, ..KaggleConfig::default() }).await;
    let (gone, old) = (kaggle.reference(Part::Datasets, 5), kaggle.reference(Part::Datasets, 6));
    assert!(kaggle.remove(Part::Datasets, &gone) && kaggle.rename(Part::Datasets, &old, "new/name"));
    assert!(!kaggle.remove(Part::Datasets, "nobody/nothing"));
    let listed = refs(&list(&kaggle, &json!({})));
    assert!(listed.len() == 49 && !listed.contains(&gone) && !listed.contains(&old));
    assert_eq!(ask(&kaggle, "GetDataset", &named(&gone)).status, 403);
    assert_eq!(ask(&kaggle, "GetDataset", &named(&old)).status, 403);
    assert_eq!(answer(&kaggle, "GetDataset", &named("new/name"))["ref"], "new/name");
    kaggle.publish(Part::Datasets, 10);
    let newest = list(&kaggle, &json!({"sortBy": "DATASET_SORT_BY_PUBLISHED"}));
    assert_eq!(
        (newest.len(), newest[0]["ref"].as_str()),
        (59, Some(kaggle.reference(Part::Datasets, 59).as_str()))
    );
    let before = answer(&kaggle, "GetDataset", &showcase(&kaggle))["currentVersionNumber"].as_u64().unwrap();
    assert!(kaggle.add_version(&kaggle.reference(Part::Datasets, 0)));
    assert_eq!(answer(&kaggle, "GetDataset", &showcase(&kaggle))["currentVersionNumber"], before + 1);
}

#[tokio::test]
async fn the_old_form_takes_three_spellings_and_answers_bare_lists_with_triplets() {
    let kaggle = start(KaggleConfig { datasets: 100, ..KaggleConfig::default() }).await;
    let url = |rest: &str| format!("{}/api/v1/{rest}", kaggle.url());
    let first =
        get(&url("datasets/list?page=2&sortBy=votes&search=&maxSize=None&tagids=&pageSize=30")).rows();
    for spelling in
        ["sortby=votes&pagesize=30&page=2&filetype=all", "sort_by=votes&page_size=30&page=2&group=public"]
    {
        assert_eq!(get(&url(&format!("datasets/list?{spelling}"))).rows(), first);
    }
    let row = &first[0];
    assert_eq!((&row["titleNullable"], &row["hasTitle"]), (&row["title"], &json!(true)));
    let name = row["ref"].as_str().unwrap();
    assert_eq!(get(&url(&format!("datasets/view/{name}"))).json()["ref"], name);
    assert_eq!(get(&url(&format!("datasets/status/{name}"))).json(), "ready");
    let files =
        get(&url(&format!("datasets/list/{name}?datasetVersionNumber=None&pageToken=None&pageSize=20")));
    assert!(!files.json()["datasetFiles"].as_array().unwrap().is_empty());
    let encoded =
        get(&url(&format!("datasets/download/{}/sub%20dir/x%20y.csv", kaggle.reference(Part::Datasets, 0))));
    assert_eq!(encoded.status, 302);
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_none_are_enough_for_datasets() {
    let account = Some(("user".to_owned(), "key".to_owned()));
    let config = KaggleConfig { account, token: Some("right".into()), ..KaggleConfig::default() };
    let kaggle = start(config).await;
    let url = format!("{}/v1/datasets.DatasetApiService/ListDatasets", kaggle.url());
    let kernels = format!("{}/v1/kernels.KernelsApiService/ListKernels", kaggle.url());
    let status = |url: &str, header: (&str, &str)| post(url, &[header], &json!({})).status;
    assert_eq!(status(&url, BASIC), 200);
    assert_eq!(status(&url, ("Authorization", "Bearer right")), 200);
    assert_eq!(status(&url, ("Authorization", "Bearer wrong")), 401);
    assert_eq!(status(&url, ("Authorization", "Basic d3Jvbmc6a2V5")), 401);
    assert_eq!(status(&url, ("Accept", "*/*")), 200);
    assert_eq!(status(&kernels, ("Accept", "*/*")), 401);
    assert_eq!(get(&format!("{}/api/v1/kernels/list", kaggle.url())).status, 401);
}

#[tokio::test]
async fn methods_that_write_are_not_there() {
    let kaggle = start(KaggleConfig::default()).await;
    for path in ["kernels/delete/a/b", "kernels/cancel-session/3", "datasets/create/new", "kernels/push"] {
        assert_eq!(get_with(&format!("{}/api/v1/{path}", kaggle.url()), &[BASIC]).status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_tree_has_the_same_files_as_the_flat_list() {
    let kaggle = start(KaggleConfig { datasets: 120, ..KaggleConfig::default() }).await;
    for index in [0, 7, 57, 4] {
        let name = named(&kaggle.reference(Part::Datasets, index));
        let flat = walk(&kaggle, "ListDatasetFiles", "datasetFiles", &name);
        let mut flat: Vec<_> = flat.iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect();
        let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
        while let Some(folder) = folders.pop() {
            let mut body = name.clone();
            body["path"] = folder.into();
            let text = |row: &Value| row["relativeUrl"].as_str().unwrap().to_owned();
            found.extend(walk(&kaggle, "ListTreeDatasetFiles", "files", &body).iter().map(text));
            folders.extend(walk(&kaggle, "ListTreeDatasetFiles", "directories", &body).iter().map(text));
        }
        flat.sort();
        found.sort();
        assert_eq!(found, flat);
    }
}
