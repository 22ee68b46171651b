//! Details, trees and files.

use crawl_sim::{Hub, HubConfig, Running};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::client::{get, get_with, send, walk};

async fn hub() -> (Running, Vec<Value>) {
    let hub = Hub::start(HubConfig { datasets: 120, models: 20, ..HubConfig::default() }).await.unwrap();
    let rows = get(&format!("{}/api/datasets?full=true&sort=createdAt&direction=1", hub.url())).rows();
    (hub, rows)
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

#[tokio::test]
async fn every_listed_repository_has_a_detail_that_agrees() {
    let (hub, rows) = hub().await;
    for row in &rows {
        let detail = get(&format!("{}/api/datasets/{}", hub.url(), id(row))).json();
        for field in ["_id", "id", "sha", "tags", "cardData", "description", "downloads"] {
            assert_eq!(detail.get(field), row.get(field), "{field} of {}", id(row));
        }
    }
    for row in get(&format!("{}/api/models", hub.url())).rows() {
        assert_eq!(
            get(&format!("{}/api/models/{}/revision/main", hub.url(), id(&row))).json()["_id"],
            row["_id"]
        );
    }
}

#[tokio::test]
async fn old_names_are_redirected_and_unknown_ones_refused() {
    let (hub, rows) = hub().await;
    let row = rows.iter().find(|row| id(row).contains('/')).unwrap();
    let moved = get(&format!("{}/api/datasets/was-{}?expand=likes", hub.url(), id(row)));
    assert_eq!(
        (moved.status, moved.header("location").unwrap()),
        (307, format!("/api/datasets/{}?expand=likes", id(row)).as_str())
    );
    let legacy = rows.iter().rev().find(|row| !id(row).contains("-v2") && id(row).contains("Lab/")).unwrap();
    let bare = id(legacy).split_once('/').unwrap().1;
    assert_eq!(
        get(&format!("{}/api/datasets/{bare}", hub.url())).header("location").unwrap(),
        format!("/api/datasets/{}", id(legacy))
    );
    let url = format!("{}/api/datasets/nobody/nothing", hub.url());
    let refused = get(&url);
    assert_eq!((refused.status, refused.header("x-error-code")), (401, Some("RepoNotFound")));
    assert_eq!(get_with(&url, &[("authorization", "Bearer x")]).status, 404);
    let revision = get(&format!("{}/api/datasets/{}/revision/none", hub.url(), id(row)));
    assert_eq!((revision.status, revision.header("x-error-code")), (404, Some("RevisionNotFound")));
}

#[tokio::test]
async fn trees_name_the_hashes_of_the_files_that_come() {
    let (hub, rows) = hub().await;
    let row =
        rows.iter().find(|row| row["gated"] == false && row["tags"].to_string().contains("format:")).unwrap();
    let tree = get(&format!("{}/api/datasets/{}/tree/main?recursive=true", hub.url(), id(row))).rows();
    let large = tree.iter().find(|entry| entry["lfs"].is_object()).unwrap();
    let small = tree.iter().find(|entry| entry["path"] == "README.md").unwrap();
    let url = |entry: &Value| {
        format!("{}/datasets/{}/resolve/main/{}", hub.url(), id(row), entry["path"].as_str().unwrap())
    };

    // A small file lies on the same server, under an address that the first one leads to.
    let led = get(&url(small));
    let led = (led.status, led.header("location").unwrap().to_owned());
    assert!(led.0 == 307 && led.1.starts_with("/api/resolve-cache/datasets/"), "{led:?}");
    let readme = get(&format!("{}{}", hub.url(), led.1));
    let blob = [format!("blob {}\0", readme.body.len()).as_bytes(), &readme.body].concat();
    assert_eq!(data_encoding::HEXLOWER.encode(&Sha1::digest(&blob)), small["oid"].as_str().unwrap());
    assert_eq!(readme.header("x-repo-commit"), row["sha"].as_str());

    let found = send("HEAD", &url(large), &[], b"").unwrap();
    assert_eq!((found.status, found.body.len()), (302, 0));
    assert_eq!(found.header("x-linked-size").unwrap(), large["size"].to_string());
    let location = found.header("location").unwrap();
    let content = get(location).body;
    assert_eq!(
        data_encoding::HEXLOWER.encode(&Sha256::digest(&content)),
        large["lfs"]["oid"].as_str().unwrap()
    );
    assert_eq!(get_with(location, &[("Authorization", "Bearer x")]).status, 400);

    let part = get_with(location, &[("Range", "bytes=100-199")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &content[100..200]));
    let rest = get_with(location, &[("Range", "bytes=1000-")]);
    assert_eq!(rest.body, content[1000..]);
}

#[tokio::test]
async fn a_tree_of_many_files_comes_in_pages() {
    let (hub, rows) = hub().await;
    let url = format!("{}/api/datasets/{}/tree/main", hub.url(), id(&rows[7]));
    let pages: Vec<_> = walk(&format!("{url}?recursive=true")).iter().map(|page| page.rows().len()).collect();
    assert_eq!(pages[0], 1000);
    assert_eq!(pages.len(), 2);
    let shards: usize = walk(&format!("{url}/shards?expand=true")).iter().map(|page| page.rows().len()).sum();
    assert_eq!(shards, 1200);
    let top = get(&url).rows();
    assert!(top.iter().any(|entry| entry["type"] == "directory" && entry["path"] == "shards"));
}

#[tokio::test]
async fn files_of_gated_repositories_are_refused() {
    let (hub, rows) = hub().await;
    let row = rows.iter().find(|row| row["gated"] == "auto" || row["gated"] == "manual").unwrap();
    let url = format!("{}/datasets/{}/resolve/main/README.md", hub.url(), id(row));
    assert_eq!(get(&url).status, 401);
    let refused = get_with(&url, &[("authorization", "Bearer x")]);
    assert_eq!((refused.status, refused.header("x-error-code")), (403, Some("GatedRepo")));
}

#[tokio::test]
async fn blobs_add_sizes_to_siblings() {
    let (hub, rows) = hub().await;
    let detail = get(&format!("{}/api/datasets/{}?blobs=true", hub.url(), id(&rows[0]))).json();
    let siblings = detail["siblings"].as_array().unwrap();
    assert!(siblings.iter().all(|sibling| sibling["size"].is_u64() && sibling["blobId"].is_string()));
}

#[tokio::test]
async fn answers_are_packed_only_if_both_sides_agree() {
    let hub = Hub::start(HubConfig { gzip: true, ..HubConfig::default() }).await.unwrap();
    let url = format!("{}/api/datasets", hub.url());
    let plain = get(&url);
    let packed = get_with(&url, &[("Accept-Encoding", "gzip, br")]);
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.body.as_slice()), &mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}
