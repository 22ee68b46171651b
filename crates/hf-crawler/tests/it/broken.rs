//! Faults of the service: the end is a whole crawl, or a checkpoint and an error that says what to do.

use crawl_core::{Kind, Stored};
use hf_crawler::{Listing, Repositories};

use crate::desk::{crawl, datasets, distinct, double, ids, list, small};

#[tokio::test]
async fn faults_that_pass_leave_no_trace() {
    let (clean, whole) = (double(950, &[]).await, tempfile::tempdir().unwrap());
    list(&clean, small(), whole.path()).await.unwrap();
    for fault in [
        "status:500",
        "status:502",
        "status:504",
        "reset",
        "close",
        "cut",
        "longer",
        "shorter",
        "html",
        "utf8",
        "429",
        "429:retry-after=0",
    ] {
        let double = double(950, &[&format!("list@3-4={fault}"), &format!("list@9={fault}")]).await;
        let root = tempfile::tempdir().unwrap();
        let end =
            list(&double, small(), root.path()).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
        assert!(end.ended(), "{fault}");
        assert_eq!(ids(root.path()), ids(whole.path()), "{fault}");
    }
}

#[tokio::test]
async fn faults_by_chance_on_a_long_crawl_leave_no_trace() {
    let double = double(5_000, &["p:0.05=status:502", "p:0.05=reset", "p:0.05=cut", "p:0.05=html"]).await;
    let root = tempfile::tempdir().unwrap();
    let mut runs = 0;
    loop {
        runs += 1;
        assert!(runs < 20, "it does not come to an end");
        match list(&double, small(), root.path()).await {
            Ok(end) if end.ended() => break,
            Ok(_) => panic!("stopped without an error"),
            Err(error) => assert!(matches!(error.kind(), Kind::Transient | Kind::Shape), "{error:?}"),
        }
    }
    assert_eq!(distinct(root.path()), 5_000);
}

#[tokio::test]
async fn what_stays_broken_stops_with_a_checkpoint_and_the_next_run_goes_on() {
    for (fault, kind) in [
        ("status:500", Kind::Transient),
        ("reset", Kind::Transient),
        ("html", Kind::Shape),
        ("utf8", Kind::Shape),
        ("bomb", Kind::Shape),
        ("status:403", Kind::Denied),
    ] {
        let double = double(450, &[&format!("list@3-200={fault}")]).await;
        let root = tempfile::tempdir().unwrap();
        let error = list(&double, small(), root.path()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault}: {error:?}");
        assert!(!error.advice().is_empty());
        assert_eq!(Stored::open(root.path(), &datasets()).unwrap().checkpoint().pages, 2, "{fault}");
        assert_eq!(ids(root.path()).len(), 200);
        go_on_without_faults(double, root.path()).await;
        assert_eq!(distinct(root.path()), 450, "{fault}");
    }
}

/// The next run, against a double without faults at the same address.
async fn go_on_without_faults(double: crawl_sim::Running, root: &std::path::Path) {
    let port = double.addr().port();
    drop(double);
    let config = crawl_sim::HubConfig { datasets: 450, models: 0, port, ..crawl_sim::HubConfig::default() };
    let again = crawl_sim::Hub::start(config).await.unwrap();
    list(&again, small(), root).await.unwrap();
}

#[tokio::test]
async fn an_empty_page_with_a_next_link_is_not_the_end() {
    let double = double(450, &["list@2=empty-next"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    assert_eq!((end.pages, distinct(root.path())), (6, 450));
}

#[tokio::test]
async fn a_cursor_that_stands_still_is_an_error() {
    let double = double(450, &["list@2-=repeat-cursor"]).await;
    let root = tempfile::tempdir().unwrap();
    let error = list(&double, small(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("same cursor twice"), "{error}");
    assert_eq!(ids(root.path()).len(), 100);
}

#[tokio::test]
async fn a_repeated_cursor_that_passes_leaves_no_trace() {
    let double = double(450, &["list@2=repeat-cursor"]).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, small(), root.path()).await.unwrap();
    assert_eq!(distinct(root.path()), 450);
}

#[tokio::test]
async fn a_row_that_comes_twice_on_a_page_is_kept_once() {
    let double = double(450, &["list@2=row-twice"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    assert_eq!(
        (distinct(root.path()), end.totals.dropped["twice on one page"], end.totals.listed),
        (450, 1, 451)
    );
}

#[tokio::test]
async fn rows_that_are_no_datasets_are_missing_records_with_what_came_instead() {
    let double = double(250, &["list@1=row-string", "list@2=row-no-id"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&double, small(), root.path()).await.unwrap();
    assert_eq!((end.totals.records, end.totals.missing, end.totals.listed), (250, 2, 252));
    let stored = Stored::open(root.path(), &datasets()).unwrap();
    for page in [1, 2] {
        let missing = stored.missing(page).unwrap();
        assert_eq!((missing.len(), missing[0].kind.as_str()), (1, "shape"));
        assert!(missing[0].raw.is_some(), "what came is kept");
    }
}

#[tokio::test]
async fn a_page_that_is_too_heavy_is_asked_for_in_smaller_parts() {
    // Four failures use up the tries of one size; the next size passes.
    let double = double(2_000, &["list@1-4=status:504"]).await;
    let root = tempfile::tempdir().unwrap();
    list(&double, Listing::default(), root.path()).await.unwrap();
    assert_eq!(distinct(root.path()), 2_000);
    assert!(double.seen()[4].path_and_query.contains("limit=500"));
}

#[tokio::test]
async fn a_slow_trickle_ends_in_an_error() {
    let double = double(10, &["all=trickle:200"]).await;
    let root = tempfile::tempdir().unwrap();
    let config = crawl_core::http::HttpConfig {
        timeout: std::time::Duration::from_millis(300),
        backoff: std::time::Duration::from_millis(1),
        tries: 2,
        ..Default::default()
    };
    let hub = hf_crawler::Hub::new(crawl_core::http::Http::new(config).unwrap(), &double.url()).unwrap();
    let error = crawl(&Repositories::new(hub, small()).unwrap(), root.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Transient);
}
