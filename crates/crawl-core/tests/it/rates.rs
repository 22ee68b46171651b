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

/// A double with these limits a window, asked by fifty at a time for so many windows. Gives how many requests and tokens
/// each window took, and how many requests it refused.
async fn asked(
    rate: Rate,
    latency_ms: (u64, u64),
    bytes: std::ops::Range<usize>,
    requests: usize,
) -> Vec<(u64, u64, u64)> {
    let double =
        Llm::start(LlmConfig { rate: Some(rate), latency_ms, ..LlmConfig::default() }).await.unwrap();
    let url = Url::parse(&format!("{}/v1/chat/completions", double.url())).unwrap();
    let http = door(50);
    let ask = |length: usize| {
        let body = format!(
            r#"{{"model":"sim-1","messages":[{{"role":"user","content":"{}"}}]}}"#,
            "x".repeat(length)
        );
        let units = body.len() as u64 / 4;
        let mut request = Request::post_json(url.clone(), body.into(), true);
        request.units = units;
        let http = http.clone();
        async move { http.send(&request).await.map(drop) }
    };
    let mut random = fastrand::Rng::with_seed(7);
    let all = (0..requests).map(|_| ask(random.usize(bytes.clone())));
    for result in futures::future::join_all(all).await {
        result.unwrap();
    }
    let windows = double.stats().windows;
    let of = |window: u64, bucket: &str| {
        windows
            .iter()
            .find(|used| used.window == window && used.bucket == bucket)
            .map_or((0, 0), |used| (used.admitted, used.refused))
    };
    let count = windows.iter().map(|used| used.window).max().unwrap() + 1;
    (0..count)
        .map(|window| (of(window, "requests").0, of(window, "tokens").0, of(window, "requests").1))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_requests_and_tokens_are_both_kept_and_used() {
    // 600 requests and 60,000 tokens a minute, a minute being 1.5 seconds; a request has 50 tokens: requests bind.
    let rate = Rate { requests: 600, tokens: 60_000, seconds: 1.5 };
    let windows = asked(rate, (5, 25), 100..180, 3600).await;
    assert!(windows.iter().skip(1).all(|window| window.2 == 0), "{windows:?}");
    let inner = &windows[1..windows.len() - 1];
    let used = inner.iter().map(|window| window.0).sum::<u64>() as f64 / (600 * inner.len()) as f64;
    println!("requests bind: {used:.3} used");
    assert!(used >= 0.9, "{used}: {windows:?}");
    // A request has 150 tokens and more: tokens bind.
    let windows = asked(rate, (5, 25), 300..900, 2000).await;
    assert!(windows.iter().skip(1).all(|window| window.2 == 0), "{windows:?}");
    let inner = &windows[1..windows.len() - 1];
    let used = inner.iter().map(|window| window.1).sum::<u64>() as f64 / (60_000 * inner.len()) as f64;
    println!("tokens bind: {used:.3} used");
    assert!(used >= 0.9, "{used}: {windows:?}");
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
