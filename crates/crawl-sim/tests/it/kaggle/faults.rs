//! What goes wrong on demand.

use crawl_sim::{Fault, KaggleConfig, Rule};
use serde_json::{Value, json};

use super::{answer, ask, download, link, showcase, start};
use crate::client::{get, get_with, post};

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

async fn with(texts: &[&str]) -> crawl_sim::Kaggle {
    start(KaggleConfig { datasets: 100, faults: rules(texts), ..KaggleConfig::default() }).await
}

fn blob(kaggle: &crawl_sim::Kaggle) -> Value {
    let mut body = showcase(kaggle);
    body["fileName"] = "train.csv".into();
    body
}

#[tokio::test]
async fn a_bit_flips_and_the_headers_do_not_tell() {
    let kaggle = with(&["cdn@2=flip"]).await;
    let (right, wrong) = (
        download(&kaggle, "DownloadDataset", &blob(&kaggle)),
        download(&kaggle, "DownloadDataset", &blob(&kaggle)),
    );
    let different = right.body.iter().zip(&wrong.body).filter(|(left, right)| left != right).count();
    assert_eq!((different, right.body.len()), (1, wrong.body.len()));
    assert_eq!(right.header("x-goog-hash"), wrong.header("x-goog-hash"));
}

#[tokio::test]
async fn downloads_are_cut_expire_change_and_ignore_ranges() {
    let kaggle = with(&["cdn@1=cut", "cdn@2=expired", "cdn@3=changed", "cdn@4=whole", "cdn@5=shorter"]).await;
    let url = link(&kaggle, "DownloadDataset", &blob(&kaggle));
    let half = get(&url);
    assert_eq!((half.length(), half.body.len()), (2000, 1000));
    let expired = get_with(&url, &[("Range", "bytes=1000-")]);
    assert_eq!(
        (expired.status, expired.header("content-type")),
        (403, Some("application/xml; charset=UTF-8"))
    );
    let etag = half.header("etag").unwrap();
    let changed = get_with(&url, &[("Range", "bytes=1000-"), ("If-Range", etag)]);
    assert_eq!(changed.status, 200);
    assert_ne!(
        (changed.header("etag"), changed.header("x-goog-generation")),
        (Some(etag), half.header("x-goog-generation"))
    );
    let whole = get_with(&url, &[("Range", "bytes=1000-"), ("If-Range", etag)]);
    assert_eq!((whole.status, whole.body.len()), (200, 2000));
    assert_eq!(get(&url).length(), 1000);
    assert_eq!(get_with(&url, &[("Range", "bytes=1000-"), ("If-Range", etag)]).body, whole.body[1000..]);
}

#[tokio::test]
async fn archives_attack() {
    let kaggle = with(&["cdn@1=zip-bomb", "cdn@2=zip-slip", "cdn@3=tar-links"]).await;
    let bomb = download(&kaggle, "DownloadDataset", &showcase(&kaggle)).body;
    assert!(bomb.starts_with(b"PK") && bomb.len() < 4 << 20, "{}", bomb.len());
    let slip = download(&kaggle, "DownloadDataset", &showcase(&kaggle)).body;
    assert!(slip.windows(14).any(|bytes| bytes == b"../slipped.csv"));
    let mut tar = Vec::new();
    let packed = download(&kaggle, "DownloadDataset", &showcase(&kaggle)).body;
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut tar).unwrap();
    let kinds: Vec<_> =
        tar.chunks(512).filter(|block| block[257..262] == *b"ustar").map(|block| block[156]).collect();
    assert_eq!(kinds, b"00020".iter().chain(b"1365").copied().collect::<Vec<_>>());
}

#[tokio::test]
async fn refusals_come_in_all_their_forms() {
    let kaggle = with(&[
        "detail@1=refuse:rules",
        "detail@2=refuse:denied",
        "detail@3=refuse:consent",
        "detail@4=refuse:phone",
        "detail@5=refuse:in-200",
        "detail@6=status:502",
        "detail@7=status:404",
    ])
    .await;
    let next = || ask(&kaggle, "GetDataset", &showcase(&kaggle));
    let seen: Vec<_> = (0..5).map(|_| next()).map(|got| (got.status, got.json()["code"].clone())).collect();
    assert_eq!(
        seen,
        [(403, json!(403)), (403, json!(403)), (403, json!(403)), (401, json!(401)), (200, json!(403))]
    );
    let page = next();
    assert_eq!((page.status, page.body.starts_with(b"<!DOCTYPE html>")), (502, true));
    assert_eq!(next().json()["code"], 404);
}

#[tokio::test]
async fn the_gateway_and_the_handlers_say_too_many_in_their_own_shapes() {
    let kaggle = with(&["list@1=429", "list@2=429:retry-after=7"]).await;
    let gateway = ask(&kaggle, "ListDatasets", &json!({}));
    assert_eq!(
        (gateway.status, gateway.json()["error"]["status"].as_str()),
        (429, Some("RESOURCE_EXHAUSTED"))
    );
    assert_eq!(gateway.header("retry-after"), None);
    let url = format!("{}/api/v1/datasets.DatasetApiService/ListDatasets", kaggle.url());
    let handler = post(&url, &[], &json!({}));
    assert_eq!((handler.status, handler.json()["code"].as_u64()), (429, Some(429)));
    assert_eq!(handler.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn lists_are_spoilt() {
    let kaggle =
        with(&["list@1=empty-next", "list@2=repeat-cursor", "list@3=row-twice", "list@4=row-string"]).await;
    let rows = |page: &Value| page["datasets"].as_array().unwrap().len();
    let empty = answer(&kaggle, "ListDatasets", &json!({}));
    assert_eq!(rows(&empty), 0);
    let again = answer(&kaggle, "ListDatasets", &json!({"pageToken": empty["nextPageToken"]}));
    assert_eq!((rows(&again), &again["nextPageToken"]), (20, &empty["nextPageToken"]));
    assert_eq!(rows(&answer(&kaggle, "ListDatasets", &json!({}))), 21);
    assert!(answer(&kaggle, "ListDatasets", &json!({}))["datasets"][20].is_string());
}

#[tokio::test]
async fn a_link_can_lead_astray() {
    let kaggle = with(&["resolve@1=stray"]).await;
    let (stray, right) =
        (link(&kaggle, "DownloadDataset", &blob(&kaggle)), link(&kaggle, "DownloadDataset", &blob(&kaggle)));
    assert_ne!(stray.split('/').nth(2), right.split('/').nth(2));
    get(&stray);
    assert_eq!(kaggle.seen().iter().filter(|seen| seen.origin == "elsewhere").count(), 1);
}

#[test]
fn faults_of_files_do_not_happen_to_lists() {
    for wrong in ["list@1=flip", "detail@1=stray", "3=refuse:never"] {
        assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
    }
    assert!("cdn@3=expired".parse::<Rule>().is_ok());
    assert_ne!(Fault::Flip, Fault::Changed);
}
