//! A service explains itself: by data and one function that its crawler gives.

use std::time::{Duration, Instant};

use crawl_core::http::{Answered, Credential, Http, HttpConfig, Request, Secret, Service, Verdict};
use crawl_core::{Kind, Scope};

use crate::wire::{Wire, door, quick, whole};

/// A service whose successes may hold an error's code, and whose limits are told in the body.
static ODD: Service =
    Service { name: "odd", read: odd, offline_advice: "unset ODD_OFFLINE", ..Service::PLAIN };

fn odd(answered: &Answered<'_>) -> Option<Verdict> {
    let body: serde_json::Value = serde_json::from_slice(answered.body).ok()?;
    let code = u16::try_from(body["code"].as_u64()?).ok().filter(|code| *code >= 400)?;
    let usual = answered.with_status(code).usual();
    Some(Verdict {
        said: body["message"].as_str().unwrap_or_default().to_owned(),
        wait: body["seconds"].as_f64().map(Duration::from_secs_f64).or(usual.wait),
        advice: (code == 403).then_some("accept the rules first".into()),
        scope: if code == 401 { Scope::Record } else { usual.scope },
        ..usual
    })
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

#[tokio::test]
async fn a_success_that_holds_an_error_is_one() {
    let wire = Wire::start(|_, _| whole(200, &[JSON], r#"{"code":403,"message":"no\u001b[31m"}"#)).await;
    let request = Request { service: &ODD, ..Request::get(wire.url("/")) };
    let error = door().send(&request).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status(), error.advice()),
        (Kind::Denied, Some(403), "accept the rules first")
    );
    assert!(format!("{error:?}").contains("no\\u001b[31m"), "{error:?}");
    assert_eq!(wire.count(), 1);
    // To a door that knows nothing of the service it is an answer, and so is what is no JSON.
    assert!(door().send(&Request::get(wire.url("/"))).await.is_ok());
    let wire = Wire::start(|_, _| whole(200, &[], r#"{"code":403}"#)).await;
    assert!(door().send(&Request { service: &ODD, ..Request::get(wire.url("/")) }).await.is_ok());
}

#[tokio::test]
async fn an_answer_in_the_place_of_a_link_to_a_file_is_no_file_but_the_error_that_it_tells() {
    let wire = Wire::start(|_, seen| match seen.lines().next() {
        Some(line) if line.contains("/file") => whole(200, &[JSON], r#"{"code":403}"#),
        Some(line) if line.contains("/link") => whole(302, &[("location", "/file")], ""),
        Some(line) if line.contains("/odd") => whole(200, &[], "a page"),
        _ => whole(200, &[JSON], r#"{"code":403}"#),
    })
    .await;
    let open = async |path: &str| {
        let request = Request { service: &ODD, leads_on: true, ..Request::get(wire.url(path)) };
        door().open(&request).await.map(|opened| opened.response.status)
    };
    assert_eq!(open("/link").await.unwrap(), 200, "a file that looks like an error is data");
    assert_eq!(open("/refused").await.unwrap_err().status(), Some(403));
    assert_eq!(open("/odd").await.unwrap_err().kind(), Kind::Shape);
}

#[tokio::test]
async fn a_wait_that_only_the_body_tells_is_kept() {
    let wire = Wire::start(|number, _| match number {
        0 => whole(429, &[JSON], r#"{"code":429,"seconds":1.0}"#),
        _ => whole(200, &[JSON], "{}"),
    })
    .await;
    let began = Instant::now();
    door().send(&Request { service: &ODD, ..Request::get(wire.url("/")) }).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whom_an_error_concerns_is_told() {
    let of = async |status: u16, body: &'static str, service: &'static Service| {
        let wire = Wire::start(move |_, _| whole(status, &[JSON], body)).await;
        let mut request = Request { service, ..Request::get(wire.url("/")) };
        request.credential = Some(Credential::bearer(&request.url, &Secret::new("t")));
        door().send(&request).await.unwrap_err().scope()
    };
    for status in [401, 402] {
        assert_eq!(of(status, "", &Service::PLAIN).await, Scope::All, "{status}");
    }
    for status in [403, 404, 400, 500] {
        assert_eq!(of(status, "", &Service::PLAIN).await, Scope::Record, "{status}");
    }
    assert_eq!(of(401, r#"{"code":401}"#, &ODD).await, Scope::Record, "the service's function knows better");
    // A storage to which the service leads on does not speak for the service.
    let storage = Wire::start(|_, _| whole(401, &[], "")).await;
    let location = storage.url("/").to_string();
    let wire = Wire::start(move |_, _| whole(302, &[("location", &location)], "")).await;
    let error = door().send(&Request::get(wire.url("/"))).await.unwrap_err();
    assert_eq!((error.status(), error.scope()), (Some(401), Scope::Record));
}

#[tokio::test]
async fn what_a_service_says_is_fit_for_a_terminal_and_cut_at_a_character() {
    let body = format!("\u{1b}]0;owned\u{7}\u{9b}31m\r\nerror: all is well \u{202e}{}", "é".repeat(50_000));
    let wire = Wire::start(move |_, _| whole(403, &[], &body)).await;
    let told = format!("{:?}", door().send(&Request::get(wire.url("/"))).await.unwrap_err());
    assert!(
        !told.chars().any(|char| char.is_control() || char == '\u{202e}' || char == '\u{fffd}'),
        "{told}"
    );
    assert!(told.contains("\\u001b]0;owned") && told.contains("é…") && told.len() < 5000, "{told}");
}

#[tokio::test]
async fn offline_is_explained_by_the_service() {
    let http = Http::new(HttpConfig { offline: true, ..quick() }).unwrap();
    let request = Request { service: &ODD, ..Request::get("http://127.0.0.1:9/".parse().unwrap()) };
    assert_eq!(http.send(&request).await.unwrap_err().advice(), "unset ODD_OFFLINE");
}
