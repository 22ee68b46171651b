//! Limits that are kept before they bite.

use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Request, Url};
use crawl_sim::{Hub, HubConfig, Running, Window};

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
