//! The wish to stop: heard in every wait, and what was sent is finished.

use std::time::{Duration, Instant};

use crawl_core::http::{Http, HttpConfig, Request, Waiting, Why};
use crawl_core::{Kind, Result, Stop};

use crate::wire::{Script, Wire, head, whole};

const MILLIS: fn(u64) -> Duration = Duration::from_millis;

/// A door with long waits, and what stops it.
fn patient() -> (Http, Stop) {
    let stop = Stop::new();
    let config = HttpConfig {
        backoff: Duration::from_secs(60),
        concurrency: 1,
        stop: stop.clone(),
        ..HttpConfig::default()
    };
    (Http::new(config).unwrap(), stop)
}

/// Stops after 300 ms; gives what came, and how long after the stop.
async fn stopped<T>(work: impl Future<Output = T>, stop: &Stop) -> (T, Duration) {
    let stopping = async {
        tokio::time::sleep(MILLIS(300)).await;
        stop.cancel();
        Instant::now()
    };
    let (result, at) = tokio::join!(async { (work.await, Instant::now()) }, stopping);
    (result.0, result.1.saturating_duration_since(at))
}

fn check<T: std::fmt::Debug>((result, late): (Result<T>, Duration), word: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::Stopped, "{error:?}");
    assert!(format!("{error:?}").contains(word), "{error:?}");
    assert!(late < MILLIS(250), "{late:?} late");
}

async fn server(script: impl Fn() -> Script + Send + Sync + 'static) -> (Wire, Request) {
    let wire = Wire::start(move |_, _| script()).await;
    let request = Request::get(wire.url("/"));
    (wire, request)
}

#[tokio::test]
async fn a_backoff_ends() {
    let (wire, request) = server(|| whole(503, &[], "")).await;
    let (http, stop) = patient();
    // With full jitter a first backoff may be short: one that is not is what was asked for.
    check(stopped(http.send(&request), &stop).await, "the service failed");
    assert!(wire.count() < 5);
}

#[tokio::test]
async fn a_wait_for_the_limit_ends_and_so_does_one_for_a_place() {
    let (wire, request) = server(|| whole(429, &[("retry-after", "600")], "")).await;
    let (http, stop) = patient();
    check(stopped(http.send(&request), &stop).await, "for the rate limit");
    assert_eq!(wire.count(), 1);
    let (wire, request) = server(|| vec![(MILLIS(1000), head(200, &[], 0))]).await;
    let (http, stop) = patient();
    let first = http.send(&request);
    let second = stopped(http.send(&request), &stop);
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok(), "what was sent is finished");
    check(second, "for other requests");
    assert_eq!(wire.count(), 1);
}

#[tokio::test]
async fn a_download_ends() {
    let (_wire, request) =
        server(|| vec![(MILLIS(0), head(200, &[], 10)), (MILLIS(0), vec![b'x']), (MILLIS(20_000), vec![])])
            .await;
    let (http, stop) = patient();
    let download = async {
        let mut opened = http.open(&request).await?;
        while opened.chunk().await?.is_some() {}
        Ok(())
    };
    check(stopped(download, &stop).await, "download was stopped");
}

#[tokio::test]
async fn what_was_sent_is_finished_and_a_broken_answer_is_not_tried_again() {
    let (_wire, request) = server(|| vec![(MILLIS(600), head(200, &[], 0))]).await;
    let (http, stop) = patient();
    assert!(stopped(http.send(&request), &stop).await.0.is_ok());
    assert_eq!(http.send(&request).await.unwrap_err().kind(), Kind::Stopped);
    let (wire, request) = server(|| vec![(MILLIS(600), head(500, &[], 0))]).await;
    let (http, stop) = patient();
    check((stopped(http.send(&request), &stop).await.0, MILLIS(0)), "the service failed");
    assert_eq!(wire.count(), 1);
    let (wire, request) = server(|| whole(200, &[], "")).await;
    stop.cancel();
    assert_eq!(http.send(&request).await.unwrap_err().kind(), Kind::Stopped);
    assert_eq!(wire.count(), 0, "nothing is begun after the stop");
}

#[tokio::test]
async fn it_is_told_what_is_waited_for() {
    for (status, headers, why) in [
        (429, &[("retry-after", "600")][..], Why::RateLimit),
        (503, &[("retry-after", "600")], Why::Busy),
        (500, &[], Why::Failing),
    ] {
        let (_wire, request) = server(move || whole(status, headers, "")).await;
        let stop = Stop::new();
        let config =
            HttpConfig { backoff: MILLIS(400), tries: 30, stop: stop.clone(), ..HttpConfig::default() };
        let http = Http::new(config).unwrap();
        let watch = async {
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                if let Some(Waiting { why, left }) = http.waiting(&request) {
                    stop.cancel();
                    return (why, left);
                }
                assert!(Instant::now() < until, "{why} is never told");
                tokio::time::sleep(MILLIS(5)).await;
            }
        };
        let (told, sent) = tokio::join!(watch, http.send(&request));
        assert_eq!((told.0, sent.unwrap_err().kind()), (why, Kind::Stopped));
    }
}
