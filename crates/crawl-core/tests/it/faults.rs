//! Broken answers: tried again where that may help, reported where it does not.

use std::time::Duration;

use crawl_core::http::{Credential, Http, HttpConfig, Request, Response, Secret, Url};
use crawl_core::{Error, Kind, Record, Result};
use crawl_sim::{Hub, HubConfig, Running};

fn quick() -> HttpConfig {
    HttpConfig {
        backoff: Duration::from_millis(5),
        read_timeout: Duration::from_millis(1500),
        timeout: Duration::from_secs(3),
        tries: 4,
        max_body: 32 << 20,
        ..HttpConfig::default()
    }
}

async fn hub(faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    Hub::start(HubConfig { datasets: 30, models: 0, faults, ..HubConfig::default() }).await.unwrap()
}

fn list(hub: &Running) -> Request {
    Request::get(
        Url::parse(&format!("{}/api/datasets?limit=10&sort=createdAt&direction=1", hub.url())).unwrap(),
    )
}

fn rows(answer: Response) -> Result<usize> {
    Record::split(&answer.body).map(|rows| rows.len())
}

async fn ask(hub: &Running) -> Result<usize> {
    Http::new(quick()).unwrap().send_and(&list(hub), rows).await
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for fault in [
        "status:500",
        "status:502",
        "status:503",
        "status:504",
        "status:408",
        "reset",
        "close",
        "cut",
        "longer",
        "shorter",
        "html",
        "utf8",
    ] {
        let hub = hub(&[&format!("1-2={fault}")]).await;
        assert_eq!(ask(&hub).await.unwrap_or_else(|error| panic!("{fault}: {error:?}")), 10, "{fault}");
        assert_eq!(hub.count(), 3, "{fault}");
    }
}

#[tokio::test]
async fn what_stays_broken_is_given_up_with_a_word_on_what_to_do() {
    for (fault, kind) in [
        ("status:500", Kind::Transient),
        ("reset", Kind::Transient),
        ("cut", Kind::Transient),
        ("html", Kind::Shape),
    ] {
        let hub = hub(&[&format!("all={fault}")]).await;
        let error = ask(&hub).await.unwrap_err();
        assert_eq!((error.kind(), error.tries(), hub.count()), (kind, 4, 4), "{fault}: {error:?}");
        assert!(!error.advice().is_empty());
    }
    let hub = hub(&["all=html"]).await;
    assert!(
        format!("{:?}", ask(&hub).await.unwrap_err()).contains("<html"),
        "the beginning of the answer is told"
    );
}

#[tokio::test]
async fn what_a_person_must_mend_is_not_tried_again() {
    for (status, kind) in [
        (400, Kind::Shape),
        (401, Kind::Denied),
        (403, Kind::Denied),
        (404, Kind::Gone),
        (410, Kind::Gone),
        (451, Kind::Denied),
    ] {
        let hub = hub(&[&format!("all=status:{status}")]).await;
        let error = ask(&hub).await.unwrap_err();
        assert_eq!((error.kind(), error.status(), hub.count()), (kind, Some(status), 1), "{error:?}");
    }
}

#[tokio::test]
async fn a_bomb_is_stopped_as_it_unfolds() {
    let hub = hub(&["all=bomb"]).await;
    let error = ask(&hub).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("larger than 33554432 bytes"), "{error}");
}

#[tokio::test]
async fn a_slow_trickle_ends() {
    let hub = hub(&["all=trickle:20"]).await;
    let config = HttpConfig { timeout: Duration::from_millis(300), tries: 2, ..quick() };
    let error = Http::new(config).unwrap().send(&list(&hub)).await.unwrap_err();
    assert_eq!((error.kind(), error.tries()), (Kind::Transient, 2), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_transient_and_offline_sends_nothing() {
    let http = Http::new(HttpConfig { tries: 2, ..quick() }).unwrap();
    let error = http.send(&Request::get(Url::parse("http://127.0.0.1:9/").unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Transient);
    assert!(error.advice().starts_with("check the address"), "{error:?}");
    let hub = hub(&[]).await;
    http.send(&list(&hub)).await.unwrap();
    let error = http.send(&Request::get(Url::parse("http://127.0.0.1:9/").unwrap())).await.unwrap_err();
    assert!(!error.advice().contains("address"), "{error:?}");
    hub.reset();
    let http = Http::new(HttpConfig { offline: true, ..quick() }).unwrap();
    assert_eq!(http.send(&list(&hub)).await.unwrap_err().kind(), Kind::Config);
    assert_eq!(hub.count(), 0);
}

#[tokio::test]
async fn a_renamed_dataset_is_followed_and_the_token_stays_at_home() {
    let hub = Hub::start(HubConfig { datasets: 30, models: 3, ..HubConfig::default() }).await.unwrap();
    let http = Http::new(quick()).unwrap();
    let rows = http.send(&list(&hub)).await.unwrap();
    let id = Record::split(&rows.body).unwrap()[5].raw().get("id").unwrap().str().unwrap().into_owned();
    let url = Url::parse(&format!("{}/api/datasets/was-{id}", hub.url())).unwrap();
    let token = Credential::bearer(&url, &Secret::new("hf_secret"));
    let answer = http.send(&Request { credential: Some(token.clone()), ..Request::get(url) }).await.unwrap();
    assert!(answer.url.path().ends_with(&id));
    // A large file is on another origin, which refuses requests with a token.
    let files = hub.seen().len();
    let config = Url::parse(&format!("{}/datasets/{id}/resolve/main/README.md", hub.url())).unwrap();
    let _ = http.send(&Request { credential: Some(token), ..Request::get(config) }).await;
    for seen in &hub.seen()[files..] {
        assert_eq!(seen.header("authorization").is_some(), seen.origin == "main", "{seen:?}");
    }
}

#[tokio::test]
async fn addresses_out_of_content_must_be_public() {
    let hub = hub(&[]).await;
    let http = Http::new(quick()).unwrap();
    let error = http.send(&Request { untrusted: true, ..list(&hub) }).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert_eq!(hub.count(), 0);
}

#[tokio::test]
async fn a_post_that_was_sent_is_not_sent_again_unless_that_is_harmless() {
    let hub = hub(&["all=reset"]).await;
    let http = Http::new(quick()).unwrap();
    let url = list(&hub).url;
    assert!(http.send(&Request::post_json(url.clone(), "{}".into(), false)).await.is_err());
    assert_eq!(hub.count(), 1);
    assert!(http.send(&Request::post_json(url, "{}".into(), true)).await.is_err());
    assert_eq!(hub.count(), 5);
    let hub = self::hub(&["all=status:500"]).await;
    assert!(http.send(&Request::post_json(list(&hub).url, "{}".into(), false)).await.is_err());
    assert_eq!(hub.count(), 1, "a failure may have done its work");
}

#[test]
fn secrets_are_not_shown() {
    let url = Url::parse("https://user:pass@h.org/p?a=1&X-Amz-Signature=abc&token=t&access_token=u&apikey=v")
        .unwrap();
    let shown = crawl_core::http::shown(&url);
    for secret in ["user", "pass", "abc", "=t", "=u"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let secret = Secret::new("hf_very_secret");
    assert_eq!(format!("{secret:?}"), "[secret]");
    let credential = Credential::bearer(&url, &secret);
    assert!(!format!("{credential:?}").contains("very"));
    let _: Error = Error::new(Kind::Denied, "x");
}
