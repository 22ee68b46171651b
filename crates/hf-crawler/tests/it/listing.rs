//! Whole crawls, limits, increments, tokens.

use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{Kind, Pump, Stop, Store, Stored, pump};
use crawl_sim::{Hub as Double, HubConfig};
use hf_crawler::{Hub, Listing, Repositories, parse_date};

use crate::desk::{crawl, datasets, distinct, double, hub, ids, list, list_some, small};

#[tokio::test]
async fn every_dataset_is_listed_once_word_for_word() {
    let (double, root) = (double(2_345, &[]).await, tempfile::tempdir().unwrap());
    let end = list(&double, Listing::default(), root.path()).await.unwrap();
    assert_eq!((end.pages, end.totals.records, end.totals.listed), (3, 2_345, 2_345));
    assert_eq!(distinct(root.path()), 2_345);
    let seen = double.seen();
    assert!(
        seen.iter().all(|seen| seen.path_and_query.contains("sort=createdAt")
            && seen.path_and_query.contains("direction=1"))
    );
    // What is stored is what was sent.
    let url = format!("{}/api/datasets?limit=1000&sort=createdAt&direction=1&full=true", double.url());
    let request = crawl_core::http::Request::get(url.parse().unwrap());
    let body = crate::desk::http().send(&request).await.unwrap().body;
    let stored = Stored::open(root.path(), &datasets()).unwrap().lines(1).unwrap();
    let lines: Vec<_> = stored.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect();
    assert_eq!([b"[", lines.join(&b","[..]).as_slice(), b"]"].concat(), body);
}

#[tokio::test]
async fn a_limit_is_kept_to_the_row() {
    let double = double(1_000, &[]).await;
    for limit in [1, 99, 100, 101, 250, 1_000, 5_000] {
        let root = tempfile::tempdir().unwrap();
        let end = list_some(&double, limit, root.path()).await.unwrap();
        assert_eq!(end.totals.listed, limit.min(1_000));
        assert_eq!(distinct(root.path()) as u64, limit.min(1_000));
        assert!(end.ended());
    }
}

#[tokio::test]
async fn every_order_gives_every_row() {
    let double = double(700, &[]).await;
    for sort in ["createdAt", "lastModified", "downloads", "likes", "trendingScore", "mainSize"] {
        let root = tempfile::tempdir().unwrap();
        list(&double, Listing { sort: Some(sort.into()), ..small() }, root.path()).await.unwrap();
        assert_eq!(distinct(root.path()), 700, "{sort}");
    }
}

#[tokio::test]
async fn a_row_that_comes_again_because_the_order_moved_is_dropped_and_counted() {
    for sort in ["downloads", "likes", "trendingScore"] {
        let double = double(1_000, &["3=sunk", "5=cut", "6=sunk", "8=sunk"]).await;
        let root = tempfile::tempdir().unwrap();
        let source = Repositories::new(hub(&double), Listing { sort: Some(sort.into()), ..small() }).unwrap();
        // Also when the program began anew in between.
        let first = Pump::default().pages(4);
        pump(&source, &Store::new(root.path()), first, &Stop::new(), |_| {}).await.unwrap();
        let end = crawl(&source, root.path()).await.unwrap();
        assert_eq!(distinct(root.path()), 1_000, "{sort}");
        assert_eq!(end.totals.dropped.get("seen before"), Some(&21), "{sort}: {:?}", end.totals);
        assert_eq!(end.totals.listed, 1_021, "{sort}");
    }
    // An order that stands still needs no memory.
    let double = double(300, &[]).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, small(), root.path()).await.unwrap();
    assert!(!root.path().join("hf/datasets/seen.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_crawls_through_one_door_keep_one_rate_together() {
    let double = double(990, &[]).await;
    let config = HttpConfig { per_second: Some(20.0), ..HttpConfig::default() };
    let hub = Hub::new(Http::new(config).unwrap(), &double.url()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    let likes = Listing { sort: Some("likes".into()), ..small() };
    let [first, second] = [small(), likes].map(|listing| Repositories::new(hub.clone(), listing).unwrap());
    let began = std::time::Instant::now();
    let (first, second) = tokio::join!(crawl(&first, &one), crawl(&second, &other));
    assert_eq!((first.unwrap().pages, second.unwrap().pages), (10, 10));
    // Twenty requests at twenty a second: the first one waits for nobody.
    assert!(began.elapsed() > std::time::Duration::from_millis(900), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_increment_gives_what_is_new_or_changed_and_no_more() {
    let config =
        HubConfig { datasets: 1_200, horizon: Some(1_000), touched: 10, models: 0, ..HubConfig::default() };
    let double = Double::start(config).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let since = parse_date("2026-11-22").unwrap();
    let end = list(&double, Listing { since: Some(since), ..small() }, root.path()).await.unwrap();
    let all = tempfile::tempdir().unwrap();
    list(&double, small(), all.path()).await.unwrap();
    let time = |record: &crawl_core::Record| {
        parse_date(&record.raw().get("lastModified").unwrap().str().unwrap()).unwrap()
    };
    let expected = crate::desk::records(all.path()).iter().filter(|record| time(record) >= since).count();
    assert!(expected >= 210);
    assert_eq!(distinct(root.path()), expected);
    assert!(crate::desk::records(root.path()).iter().all(|record| time(record) >= since));
    assert_eq!(end.totals.listed, end.totals.records + end.totals.dropped.values().sum::<u64>());
    assert!(end.totals.listed < 400, "it stopped where the old ones begin");
}

#[tokio::test]
async fn filters_reach_the_hub() {
    let double = double(800, &[]).await;
    let (all, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    list(&double, small(), all.path()).await.unwrap();
    let listing = Listing { filter: vec!["language:en".into()], expand: vec!["tags".into()], ..small() };
    list(&double, listing, root.path()).await.unwrap();
    let english =
        |record: &&crawl_core::Record| record.bytes().windows(13).any(|window| window == b"\"language:en\"");
    // Some of the double's rows hide their tags: the Hub finds them all the same.
    let found: std::collections::HashSet<_> = ids(root.path()).into_iter().collect();
    let plain: Vec<_> =
        crate::desk::records(all.path()).into_iter().filter(|record| english(&record)).collect();
    assert!(plain.len() > 50 && found.len() < plain.len() + 10);
    assert!(plain.iter().all(|record| found.contains(&*record.raw().get("id").unwrap().str().unwrap())));
    let owner = ids(all.path()).iter().find_map(|id| Some(id.split_once('/')?.0.to_owned())).unwrap();
    let root = tempfile::tempdir().unwrap();
    list(&double, Listing { author: Some(owner.clone()), ..small() }, root.path()).await.unwrap();
    assert!(!ids(root.path()).is_empty());
    assert!(ids(root.path()).iter().all(|id| id.starts_with(&format!("{owner}/"))));
}

#[tokio::test]
async fn a_wrong_token_is_reported_and_not_ignored() {
    let config =
        HubConfig { datasets: 10, models: 0, token: Some("hf_right".into()), ..HubConfig::default() };
    let double = Double::start(config).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let hub = hub(&double).with_token(&Secret::new("hf_wrong"), "HF_TOKEN");
    let error = crawl(&Repositories::new(hub.clone(), small()).unwrap(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(error.advice().contains("the token from HF_TOKEN is not valid"), "{}", error.advice());
    assert!(!format!("{error:?} {hub:?}").contains("hf_wrong"));
    let right = crate::desk::hub(&double).with_token(&Secret::new("hf_right"), "HF_TOKEN");
    crawl(&Repositories::new(right, small()).unwrap(), root.path()).await.unwrap();
}

#[test]
fn contradictions_are_refused() {
    let hub = Hub::new(crate::desk::http(), Hub::ENDPOINT).unwrap();
    let since = Some(parse_date("2026-11-22").unwrap());
    let listing = Listing { since, sort: Some("likes".into()), ..Listing::default() };
    assert_eq!(Repositories::new(hub.clone(), listing).unwrap_err().kind(), Kind::Config);
    let listing = Listing { since, expand: vec!["tags".into()], ..Listing::default() };
    assert_eq!(Repositories::new(hub, listing).unwrap_err().kind(), Kind::Config);
    assert!(Hub::new(crate::desk::http(), "ftp://x").is_err());
}

#[tokio::test]
async fn a_window_of_the_hub_is_never_passed() {
    let window = Some(crawl_sim::Window { quota: 50, seconds: 2.0, headers: true });
    let double = Double::start(HubConfig { datasets: 2_100, models: 0, window, ..HubConfig::default() })
        .await
        .unwrap();
    let root = tempfile::tempdir().unwrap();
    list(&double, Listing { page_size: Some(10), ..Listing::default() }, root.path()).await.unwrap();
    assert_eq!(distinct(root.path()), 2_100);
    // That each is used whole is shown by `crawl_core`'s slot, in a time of its own that no load disturbs.
    assert_eq!(double.stats().too_many, 0);
}
