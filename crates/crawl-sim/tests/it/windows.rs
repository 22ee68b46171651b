//! Rate windows, tokens, and what the double remembers.

use std::time::{Duration, Instant};

use crawl_sim::{Hub, HubConfig, Window};

use crate::client::{get, get_with, send, split};

fn window(headers: bool) -> HubConfig {
    HubConfig {
        datasets: 50,
        window: Some(Window { quota: 4, seconds: 1.0, headers }),
        ..HubConfig::default()
    }
}

#[tokio::test]
async fn a_window_admits_its_quota_and_the_next_one_starts_anew() {
    let hub = Hub::start(window(true)).await.unwrap();
    let url = format!("{}/api/datasets?limit=1", hub.url());
    let started = Instant::now();
    for left in (0..4).rev() {
        let got = get(&url);
        assert_eq!(got.status, 200);
        assert_eq!(got.header("ratelimit").unwrap(), format!("\"api\";r={left};t=1"));
        assert_eq!(got.header("ratelimit-policy"), Some("\"fixed window\";\"api\";q=4;w=1"));
    }
    let refused = get(&url);
    assert_eq!((refused.status, refused.header("ratelimit")), (429, Some("\"api\";r=0;t=1")));
    // Files have a window of their own.
    assert_ne!(get(&format!("{}/x/resolve/main/y", hub.url())).status, 429);
    std::thread::sleep(Duration::from_millis(1050).saturating_sub(started.elapsed()));
    assert_eq!(get(&url).status, 200);
    let windows = hub.stats().windows;
    let used: Vec<_> =
        windows.iter().map(|used| (used.bucket, used.window, used.admitted, used.refused)).collect();
    assert_eq!(used, [("api", 0, 4, 1), ("resolvers", 0, 1, 0), ("api", 1, 1, 0)]);
    assert_eq!(hub.stats().too_many, 1);
}

#[tokio::test]
async fn a_silent_window_refuses_without_a_word() {
    let hub = Hub::start(window(false)).await.unwrap();
    let url = format!("{}/api/datasets?limit=1", hub.url());
    let answers: Vec<_> = (0..5).map(|_| get(&url)).collect();
    assert_eq!(answers.iter().map(|got| got.status).collect::<Vec<_>>(), [200, 200, 200, 200, 429]);
    assert!(
        answers.iter().all(|got| got.header("ratelimit").is_none() && got.header("retry-after").is_none())
    );
}

#[tokio::test]
async fn a_wrong_token_breaks_public_reads() {
    let config = HubConfig { token: Some("hf_right".into()), ..HubConfig::default() };
    let hub = Hub::start(config.clone()).await.unwrap();
    let url = format!("{}/api/datasets?limit=1", hub.url());
    let status = |token: &str| get_with(&url, &[("authorization", &format!("Bearer {token}"))]).status;
    assert_eq!((get(&url).status, status("hf_right"), status("hf_wrong")), (200, 200, 401));
    let closed = Hub::start(HubConfig { require_token: true, ..config }).await.unwrap();
    let refused = get(&format!("{}/api/datasets", closed.url()));
    assert_eq!(
        (refused.status, refused.header("x-error-message")),
        (401, Some("Invalid username or password."))
    );
}

#[tokio::test]
async fn the_log_holds_what_was_sent_and_answered() {
    let hub = Hub::start(HubConfig::default()).await.unwrap();
    get_with(&format!("{}/api/datasets?limit=2", hub.url()), &[("X-Thing", "one")]);
    send("HEAD", &format!("{}/api/none", hub.url()), &[], b"").unwrap();
    let seen = hub.seen();
    assert_eq!(hub.count(), 2);
    assert_eq!(
        (seen[0].number, seen[0].kind, seen[0].status_answered, seen[0].completed),
        (1, "list", 200, true)
    );
    assert_eq!(
        (seen[0].path_and_query.as_str(), seen[0].header("x-thing")),
        ("/api/datasets?limit=2", Some("one"))
    );
    assert_eq!((seen[1].method.as_str(), seen[1].status_answered), ("HEAD", 404));
    let log = get(&format!("{}/sim/log", hub.url())).json();
    assert_eq!(log[1]["path_and_query"], "/api/none");
    assert_eq!(get(&format!("{}/sim/stats", hub.url())).json()["by_kind"]["list"], 1);
    send("POST", &format!("{}/sim/reset", hub.url()), &[], b"").unwrap();
    assert_eq!(hub.count(), 0);
}

#[tokio::test]
async fn a_dropped_double_gives_its_port_back() {
    let hub = Hub::start(HubConfig::default()).await.unwrap();
    let (url, port) = (hub.url(), hub.addr().port());
    get(&format!("{url}/api/datasets?limit=1"));
    drop(hub);
    assert!(std::net::TcpStream::connect(split(&format!("{url}/")).0).is_err());
    let again = Hub::start(HubConfig { port, ..HubConfig::default() }).await.unwrap();
    assert_eq!(again.url(), url);
}
