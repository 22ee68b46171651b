//! Limits that are kept before they bite.

use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Request, Url};
use crawl_sim::{Hub, HubConfig, Llm, LlmConfig, Rate, Running, Window};

async fn hub(window: Option<Window>, faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    Hub::start(HubConfig { datasets: 10, models: 0, window, faults, ..HubConfig::default() }).await.unwrap()
}

fn request(hub: &Running) -> Request {
    let url = Url::parse(&format!("{}/api/datasets?limit=1&sort=createdAt&direction=1", hub.url())).unwrap();
    Request { bucket: "api", ..Request::get(url) }
}

fn door(concurrency: usize) -> Http {
    Http::new(HttpConfig { concurrency, backoff: Duration::from_millis(50), ..HttpConfig::default() })
        .unwrap()
}

async fn send(http: &Http, hub: &Running, count: usize) {
    let request = request(hub);
    let all = (0..count).map(|_| http.send(&request));
    for result in futures::future::join_all(all).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn a_fixed_window_is_used_whole_and_never_passed() {
    let window = Window { quota: 50, seconds: 2.0, headers: true };
    let hub = hub(Some(window), &[]).await;
    let http = door(1);
    // The first request teaches the limit; five windows follow.
    send(&http, &hub, 270).await;
    let stats = hub.stats();
    assert_eq!(stats.too_many, 0);
    let used: Vec<u64> = stats.windows.iter().map(|window| window.admitted).collect();
    let inner = &used[..used.len() - 1];
    let share = inner.iter().sum::<u64>() as f64 / (50 * inner.len()) as f64;
    assert!(share >= 0.95, "{used:?}");
}

#[tokio::test]
async fn several_at_once_keep_a_window_too() {
    let window = Window { quota: 50, seconds: 2.0, headers: true };
    let hub = hub(Some(window), &[]).await;
    let http = door(4);
    send(&http, &hub, 190).await;
    let stats = hub.stats();
    let used: Vec<u64> = stats.windows.iter().map(|window| window.admitted).collect();
    assert_eq!(stats.too_many, 0, "{used:?}");
}

#[tokio::test]
async fn refusals_without_a_word_are_waited_out() {
    let window = Window { quota: 20, seconds: 1.0, headers: false };
    let hub = hub(Some(window), &[]).await;
    send(&door(2), &hub, 50).await;
    assert!(hub.stats().too_many > 0);
}

/// No request of the slot is on its way in the `wait` after a refusal.
fn check_silence(hub: &Running, wait: Duration) {
    let seen = hub.seen();
    let refusals: Vec<_> = seen.iter().filter(|seen| seen.status_answered == 429).collect();
    assert!(!refusals.is_empty());
    for refusal in refusals {
        // Requests that were under way when the refusal came cannot be called back.
        let later = seen.iter().filter(|seen| seen.number > refusal.number + 1);
        for seen in later {
            assert!(seen.at - refusal.at >= wait, "{:?} after a refusal", seen.at - refusal.at);
        }
    }
}

#[tokio::test]
async fn nobody_sends_while_a_pause_is_on() {
    for (fault, wait) in [("5=429:retry-after=1", 990), ("5=429:date", 990)] {
        let hub = hub(None, &[fault]).await;
        send(&door(2), &hub, 12).await;
        check_silence(&hub, Duration::from_millis(wait));
    }
}

#[tokio::test]
async fn patience_ends_with_the_advice_to_come_later() {
    let hub = hub(None, &["all=429:retry-after=600"]).await;
    let http = Http::new(HttpConfig { patience: Duration::from_secs(5), ..HttpConfig::default() }).unwrap();
    let error = http.send(&request(&hub)).await.unwrap_err();
    assert_eq!(error.kind(), crawl_core::Kind::Limited);
    assert!(error.advice().contains("later"));
}

/// Asks a double with these limits an hour a hundred times, one after another. Gives how many requests and tokens it took
/// and how many requests it refused, and how many were not sent because the hour would have to pass first.
async fn asked(rate: Rate) -> (u64, u64, u64, u64) {
    let double = Llm::start(LlmConfig { rate: Some(rate), ..LlmConfig::default() }).await.unwrap();
    let url = Url::parse(&format!("{}/v1/chat/completions", double.url())).unwrap();
    let patience = Duration::from_secs(60);
    let http = Http::new(HttpConfig { concurrency: 1, patience, ..HttpConfig::default() }).unwrap();
    let content = "x".repeat(140);
    let body = format!(r#"{{"model":"sim-1","messages":[{{"role":"user","content":"{content}"}}]}}"#);
    let units = body.len() as u64 / 4;
    let request = Request { units, ..Request::post_json(url, body.into(), true) };
    let mut unsent = 0;
    for _ in 0..100 {
        match http.send(&request).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), crawl_core::Kind::Limited);
                unsent += 1;
            }
        }
    }
    let windows = double.stats().windows;
    let of = |bucket: &str| {
        let used: Vec<_> = windows.iter().filter(|used| used.bucket == bucket).collect();
        (used.iter().map(|used| used.admitted).sum(), used.iter().map(|used| used.refused).sum())
    };
    let ((requests, refused), (tokens, _)) = (of("requests"), of("tokens"));
    assert_eq!(double.count(), requests + refused);
    (requests, tokens, refused, unsent)
}

/// How much of a window is used where requests come thick is measured in `http/slot/quotas.rs`, in a time of its own.
#[tokio::test]
async fn what_is_beyond_the_quotas_that_answers_tell_is_not_sent() {
    let hour = |requests, tokens| Rate { requests, tokens, seconds: 3600.0 };
    let (requests, _, refused, unsent) = asked(hour(40, 1_000_000)).await;
    assert_eq!((requests, refused, unsent), (39, 0, 61), "one in a hundred is spared");
    let (requests, tokens, refused, unsent) = asked(hour(1_000, 2_000)).await;
    assert!((1_800..=2_000).contains(&tokens), "{tokens} of 2000 tokens, {requests} requests");
    assert_eq!((refused, requests + unsent), (0, 100));
}

#[tokio::test]
async fn again_at_once_is_not_taken_at_its_word_for_ever() {
    let hub = hub(None, &["all=429:retry-after=0"]).await;
    let http = Http::new(HttpConfig {
        patience: Duration::from_secs(2),
        backoff: Duration::from_millis(100),
        ..HttpConfig::default()
    });
    assert!(http.unwrap().send(&request(&hub)).await.is_err());
    assert!(hub.count() < 20, "{} requests in 2 seconds", hub.count());
}
