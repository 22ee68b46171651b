//! Bodies that the caller reads piece by piece, and answers of an odd size.

use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Request};
use crawl_core::{Kind, Result};

use crate::wire::{Wire, door, head, quick, whole};

async fn read(http: &Http, request: &Request) -> Result<Vec<u8>> {
    let mut opened = http.open(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = opened.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

const MILLIS: fn(u64) -> Duration = Duration::from_millis;

#[tokio::test]
async fn a_download_is_the_bytes_that_were_sent() {
    let packed = zstd::encode_all(&b"plain"[..], 0).unwrap();
    let bytes = packed.clone();
    let service = Wire::start(move |_, _| whole(200, &[("content-encoding", "zstd")], &bytes)).await;
    let request = Request::get(service.url("/"));
    assert_eq!(read(&door(), &request).await.unwrap(), packed);
    assert!(service.seen()[0].contains("accept-encoding: identity"));
    // What is read whole is unpacked, and asked for packed.
    assert_eq!(door().send(&request).await.unwrap().body, "plain");
    let accepted = service.seen()[1].clone();
    assert!(["gzip", "br", "zstd"].iter().all(|name| accepted.contains(name)), "{accepted}");
}

#[tokio::test]
async fn a_download_has_no_end_but_silence() {
    let slow = |_, _: &str| {
        let mut script = vec![(Duration::ZERO, head(200, &[], 10))];
        script.extend((0..10).map(|_| (MILLIS(100), vec![b'x'])));
        script
    };
    let service = Wire::start(slow).await;
    let config = HttpConfig { timeout: MILLIS(300), read_timeout: MILLIS(400), tries: 1, ..quick() };
    let http = Http::new(config).unwrap();
    let request = Request::get(service.url("/"));
    assert_eq!(read(&http, &request).await.unwrap().len(), 10);
    assert!(http.send(&request).await.is_err(), "what is read whole has a time of its own");
    let silent =
        Wire::start(|_, _| vec![(MILLIS(0), head(200, &[], 10)), (MILLIS(3000), vec![b'x'; 10])]).await;
    let began = std::time::Instant::now();
    let error = read(&http, &Request::get(silent.url("/"))).await.unwrap_err();
    assert!(began.elapsed() < MILLIS(2000));
    assert!(error.kind() == Kind::Transient && error.to_string().contains("stopped coming"), "{error:?}");
}

#[tokio::test]
async fn a_download_that_came_forgets_the_failures_before_it() {
    // Every second answer is a failure: no two follow each other, so nobody else has to wait.
    let service = Wire::start(|number, _| match number % 2 {
        0 => whole(500, &[], ""),
        _ => whole(200, &[], "bytes"),
    })
    .await;
    let http = Http::new(HttpConfig { backoff: MILLIS(50), ..quick() }).unwrap();
    let request = Request::get(service.url("/"));
    let downloads = async {
        for _ in 0..6 {
            read(&http, &request).await.unwrap();
        }
    };
    let watch = async {
        loop {
            assert_eq!(http.waiting(&request), None);
            tokio::time::sleep(MILLIS(1)).await;
        }
    };
    tokio::select! {
        () = downloads => {}
        () = watch => {}
    }
    assert_eq!(service.count(), 12);
}

#[tokio::test]
async fn a_cursor_that_is_too_long_is_told_and_not_tried_again() {
    let link = |length: usize| format!("</next?cursor={}>; rel=\"next\"", "c".repeat(length));
    let service = Wire::start(move |_, seen| {
        let length = if seen.contains("huge") { 1_000_000 } else { 100_000 };
        whole(200, &[("link", &link(length))], "[]")
    })
    .await;
    let answer = door().send(&Request::get(service.url("/long"))).await.unwrap();
    let next = answer.next_link().unwrap().unwrap();
    let error = door().send(&Request::get(next)).await.unwrap_err();
    assert_eq!((error.kind(), service.count()), (Kind::Shape, 1), "{error:?}");
    assert!(error.to_string().len() < 1000, "it is not told whole");
    let error = door().send(&Request::get(service.url("/huge"))).await.unwrap_err();
    assert_eq!((error.kind(), service.count()), (Kind::Shape, 2), "{error:?}");
}

#[test]
fn the_process_gets_no_crypto_provider_from_a_library() {
    let _ = door();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
