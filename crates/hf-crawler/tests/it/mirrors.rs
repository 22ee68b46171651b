//! Servers that are not quite the Hub: links that lead elsewhere, no links, no order, no end.

use std::path::Path;

use crawl_core::http::Secret;
use crawl_core::{Error, Kind, Stored};
use crawl_sim::{Hub as Double, HubConfig, Running};
use hf_crawler::{Hub, Listing, Repositories, parse_date};

use crate::desk::{crawl, datasets, distinct, double, http, hub, ids, list, list_some, small};
use crate::program::{crawl as run_crawl, text};

/// A double under a path.
async fn mirror(prefix: &str, faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    let prefix = prefix.to_owned();
    Double::start(HubConfig { datasets: 450, models: 0, faults, prefix, ..HubConfig::default() })
        .await
        .unwrap()
}

fn doubts(root: &Path) -> Vec<String> {
    let lines = Stored::open(root, &datasets()).unwrap().manifest().unwrap();
    lines.into_iter().filter_map(|line| line.doubt).collect()
}

fn causes(error: &Error) -> String {
    format!("{error:?}; {}", error.advice())
}

#[tokio::test]
async fn a_next_link_that_names_another_server_is_followed_on_the_endpoint_with_the_token_and_nowhere_else() {
    for prefix in ["", "/mirror/hf", "/artifactory/api/huggingfaceml/hub"] {
        for link in ["all=hub-link", "all=other-origin", "all=slow:0"] {
            let double = mirror(prefix, &[link]).await;
            let endpoint = format!("{}{prefix}", double.url());
            let hub = Hub::new(http(), &endpoint).unwrap().with_token(&Secret::new("hf_secret"), "HF_TOKEN");
            let root = tempfile::tempdir().unwrap();
            let end = crawl(&Repositories::new(hub, small()).unwrap(), root.path()).await;
            let end = end.unwrap_or_else(|error| panic!("{prefix} {link}: {}", causes(&error)));
            assert!(end.ended());
            assert_eq!(distinct(root.path()), 450, "{prefix} {link}");
            assert!(double.seen().iter().all(|seen| seen.origin == "main"), "nobody else was asked");
        }
    }
}

#[tokio::test]
async fn a_full_page_without_a_next_link_is_asked_for_again_and_doubted_if_there_is_none_again() {
    let double = double(1_000, &["all=no-next"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    assert_eq!((end.pages, end.totals.records, end.ended()), (1, 100, true));
    let asked: Vec<_> = double.seen().iter().map(|seen| seen.path_and_query.clone()).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].contains("limit=99"), "{asked:?}");
    assert!(doubts(root.path())[0].contains("there may be more"), "{:?}", doubts(root.path()));
}

#[tokio::test]
async fn a_next_link_that_comes_with_a_row_fewer_is_followed() {
    // The link is lost once; and at the end of 500 rows the last page is full and rightly has none.
    let double = double(500, &["list@2=no-next"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    assert!(end.ended());
    assert_eq!((distinct(root.path()), doubts(root.path())), (500, vec![]));
    for size in [1, 2] {
        let double = crate::desk::double(4, &[]).await;
        let root = tempfile::tempdir().unwrap();
        list(&double, Listing { page_size: Some(size), ..Listing::default() }, root.path()).await.unwrap();
        assert_eq!((distinct(root.path()), doubts(root.path())), (4, vec![]), "{size} a page");
    }
}

#[tokio::test]
async fn an_end_by_limit_is_no_doubt() {
    let double = double(1_000, &["all=no-next"]).await;
    let root = tempfile::tempdir().unwrap();
    list_some(&double, 100, root.path()).await.unwrap();
    assert_eq!((distinct(root.path()), double.count(), doubts(root.path())), (100, 1, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_crawl_is_told_and_is_no_base_of_an_increment() {
    let (broken, fine) = (double(1_000, &["all=no-next"]).await, double(1_000, &[]).await);
    let (base, whole, root) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let output = run_crawl(&broken, base.path(), &["--page-size", "100"], &[]);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output));
        assert!(text(&output).contains("in doubt: the last page is as full"), "{}", text(&output));
    }
    let since = |base: &Path, root: &Path| run_crawl(&fine, root, &["--since", base.to_str().unwrap()], &[]);
    let refused = since(base.path(), root.path());
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
    assert!(text(&refused).contains("there may be more"), "{}", text(&refused));
    assert_eq!(run_crawl(&fine, whole.path(), &["--page-size", "100"], &[]).status.code(), Some(0));
    let taken = since(whole.path(), root.path());
    assert_eq!(taken.status.code(), Some(0), "{}", text(&taken));
}

#[tokio::test]
async fn a_server_that_does_not_sort_is_doubted_and_cannot_tell_what_changed() {
    let double = double(900, &["all=unsorted"]).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, small(), root.path()).await.unwrap();
    assert_eq!(distinct(root.path()), 900);
    assert!(doubts(root.path())[0].contains("does not sort by createdAt"), "{:?}", doubts(root.path()));
    let root = tempfile::tempdir().unwrap();
    let since = Some(parse_date("2026-11-22").unwrap());
    let error = list(&double, Listing { since, ..small() }, root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("what changed since cannot be told"), "{error}");
}

#[tokio::test]
async fn a_server_that_sorts_is_not_doubted_in_any_order() {
    let double = double(700, &[]).await;
    for sort in ["createdAt", "lastModified", "downloads", "likes", "trendingScore", "mainSize"] {
        let root = tempfile::tempdir().unwrap();
        list(&double, Listing { sort: Some(sort.into()), ..small() }, root.path()).await.unwrap();
        assert_eq!(doubts(root.path()), Vec::<String>::new(), "{sort}");
    }
}

#[tokio::test]
async fn a_listing_that_never_ends_is_an_error() {
    for (fault, says, most) in [
        ("list@3-=empty-next", "50 pages in succession hold no row", 53),
        ("list@3-=rewind", "5 pages hold nothing but rows that came before", 8),
    ] {
        let double = double(450, &[fault]).await;
        let root = tempfile::tempdir().unwrap();
        let error = list(&double, small(), root.path()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{fault}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!causes(&error).contains("please report"), "{}", causes(&error));
        assert!(double.count() <= most, "{fault}: {} requests", double.count());
    }
}

#[tokio::test]
async fn asking_for_one_page_again_and_again_is_harmless() {
    use crawl_core::{Context, Cursor, Files, Source, Stop};
    let root = tempfile::tempdir().unwrap();
    let context = Context { stop: Stop::new(), files: Files::new(root.path()), rows_left: None };
    let double = double(450, &[]).await;
    let source = Repositories::new(hub(&double), small()).unwrap();
    for _ in 0..20 {
        assert_eq!(source.page(&Cursor::default(), &context).await.unwrap().unwrap().records.len(), 100);
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_taken_any_more_leads_to_a_new_root() {
    for status in [400, 404, 410] {
        let double = double(450, &[&format!("list@3-=status:{status}")]).await;
        let root = tempfile::tempdir().unwrap();
        let error = list(&double, small(), root.path()).await.unwrap_err();
        assert!(error.advice().contains("start a new root"), "{}", causes(&error));
        assert_eq!(ids(root.path()).len(), 200);
    }
    let double = double(450, &["all=status:400"]).await;
    let root = tempfile::tempdir().unwrap();
    let error = list(&double, small(), root.path()).await.unwrap_err();
    assert!(!error.advice().contains("new root"), "the first page has no cursor: {}", causes(&error));
}

#[tokio::test]
async fn a_portals_page_is_told_as_what_it_is() {
    let double = double(450, &["all=html"]).await;
    let root = tempfile::tempdir().unwrap();
    let error = list(&double, small(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("a web page came instead of the Hub's answer"), "{error}");
    assert!(error.advice().contains("HF_ENDPOINT"), "{}", error.advice());
}
