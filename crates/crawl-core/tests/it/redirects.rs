//! Redirects: what goes along, what does not, and what a failure behind one means.

use crawl_core::Kind;
use crawl_core::http::{Credential, HeaderValue, Request, Secret, Url};

use crate::wire::{Wire, door, whole};

/// A service that sends every request on with 302 and tells a digest of what is there, and the storage behind it.
async fn service_and_storage(
    storage: impl Fn(usize, &str) -> crate::wire::Script + Send + Sync + 'static,
) -> (Wire, Wire) {
    let storage = Wire::start(storage).await;
    let signed = storage.url("/bucket/file?X-Goog-Signature=abc").to_string();
    let service =
        Wire::start(move |_, _| whole(302, &[("location", &signed), ("x-linked-etag", "\"sha\"")], "moved"))
            .await;
    (service, storage)
}

fn download(url: Url, repeatable: bool) -> Request {
    let mut request = Request::post_json(url.clone(), "{\"fileName\":\"x\"}".into(), repeatable);
    request.credential = Some(Credential::bearer(&url, &Secret::new("key")));
    for (name, value) in [("range", "bytes=2-"), ("if-range", "\"e\""), ("x-own", "1")] {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn a_post_that_leads_to_a_signed_address_becomes_a_get_that_tells_nothing_of_us() {
    let (service, storage) =
        service_and_storage(|_, _| whole(206, &[("x-goog-hash", "crc32c=AAAAAA==")], "rest")).await;
    let mut opened = door().open(&download(service.url("/v1/Download"), true)).await.unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = opened.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert_eq!(body, b"rest");
    assert_eq!(opened.response.url.path(), "/bucket/file");
    assert_eq!(opened.response.headers["x-goog-hash"], "crc32c=AAAAAA==");
    let hop = &opened.response.hops[0];
    assert_eq!((hop.status, hop.url.path()), (302, "/v1/Download"));
    assert_eq!(hop.headers["x-linked-etag"], "\"sha\"");
    assert!(
        service.seen()[0].starts_with("POST /v1/Download") && service.seen()[0].contains("authorization")
    );
    let seen = &storage.seen()[0];
    assert!(seen.starts_with("GET /bucket/file") && seen.ends_with("\r\n\r\n"), "{seen}");
    let mut names: Vec<_> =
        seen.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_lowercase())).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "host", "if-range", "range", "user-agent"]);
}

#[tokio::test]
async fn behind_a_redirect_that_failed_the_first_address_is_asked_again_if_that_is_harmless() {
    let broken_once = |number, _: &str| if number == 0 { whole(500, &[], "") } else { whole(200, &[], "ok") };
    let (service, storage) = service_and_storage(broken_once).await;
    door().send(&download(service.url("/v1/Download"), true)).await.unwrap();
    assert_eq!((service.count(), storage.count()), (2, 2));
    assert!(service.seen().iter().all(|seen| seen.starts_with("POST") && seen.ends_with("\"x\"}")));
    let (service, _) = service_and_storage(broken_once).await;
    assert!(door().send(&download(service.url("/v1/Download"), false)).await.is_err());
    assert_eq!(service.count(), 1, "it may have done its work");
    // A storage that cannot be reached: the POST before it was sent all the same.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let location = format!("http://{gone}/");
    let service = Wire::start(move |_, _| whole(302, &[("location", &location)], "")).await;
    assert!(door().send(&download(service.url("/v1/Download"), false)).await.is_err());
    assert_eq!(service.count(), 1);
}

#[tokio::test]
async fn a_body_does_not_go_to_another_origin() {
    let storage = Wire::start(|_, _| whole(200, &[], "")).await;
    let location = storage.url("/x").to_string();
    let service = Wire::start(move |_, _| whole(307, &[("location", &location)], "")).await;
    let error = door().send(&download(service.url("/"), true)).await.unwrap_err();
    assert_eq!((error.kind(), error.status(), storage.count()), (Kind::Denied, Some(307), 0), "{error:?}");
    // At its own origin it goes along.
    let service = Wire::start(|number, _| match number {
        0 => whole(308, &[("location", "/y")], ""),
        _ => whole(200, &[], ""),
    })
    .await;
    door().send(&download(service.url("/x"), true)).await.unwrap();
    let seen = &service.seen()[1];
    assert!(seen.starts_with("POST /y") && seen.ends_with("\"x\"}") && seen.contains("x-own"), "{seen}");
}

#[tokio::test]
async fn a_head_stays_a_head() {
    let service = Wire::start(|number, _| match number {
        0 => whole(302, &[("location", "/y"), ("content-encoding", "gzip")], ""),
        _ => vec![(Default::default(), crate::wire::head(200, &[("content-encoding", "gzip")], 500))],
    })
    .await;
    let answer = door().send(&Request::head(service.url("/x"))).await.unwrap();
    assert_eq!((answer.status, answer.headers["content-length"].to_str().unwrap()), (200, "500"));
    assert!(service.seen()[1].starts_with("HEAD /y"));
}

#[tokio::test]
async fn not_modified_is_an_answer_to_whoever_asked_and_an_unsatisfied_range_is_told() {
    let service = Wire::start(|_, seen| match seen.contains("range") {
        true => whole(416, &[("content-range", "bytes */5")], ""),
        false => whole(304, &[("etag", "\"e\"")], ""),
    })
    .await;
    let mut request = Request::get(service.url("/"));
    assert_eq!(door().send(&request).await.unwrap_err().status(), Some(304));
    request.headers.insert("if-none-match", HeaderValue::from_static("\"e\""));
    assert_eq!(door().send(&request).await.unwrap().status, 304);
    assert_eq!(door().open(&request).await.unwrap().response.status, 304);
    request.headers.insert("range", HeaderValue::from_static("bytes=9-"));
    assert_eq!(door().open(&request).await.unwrap_err().status(), Some(416));
}
