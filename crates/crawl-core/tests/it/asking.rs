//! Asking for robots.txt: what comes of each answer, and how often a site is asked.

use std::time::Duration;

use crawl_core::http::{Http, HttpConfig, Url};
use crawl_core::robots::{Fetched, RobotsCache, fetch};
use crawl_core::{Kind, Stop};

use crate::wire::{Script, Wire, door, head, quick, whole};

const FILE: &str = "User-agent: *\nDisallow: /private\nCrawl-delay: 2\n";

async fn fetched(script: impl Fn(usize, &str) -> Script + Send + Sync + 'static) -> (Fetched, usize) {
    let wire = Wire::start(script).await;
    let fetched = fetch(&door(), &wire.url("/deep/page?x=1"), false).await.unwrap();
    assert!(wire.seen().iter().all(|request| !request.contains("/deep/")), "{:?}", wire.seen());
    (fetched, wire.count())
}

#[tokio::test]
async fn each_status_means_what_the_rfc_says() {
    let (found, asked) = fetched(|_, _| whole(200, &[], FILE)).await;
    assert!(!found.agent("gleaner").check("/private").allowed && asked == 1);
    for status in [401, 403, 404, 410, 451] {
        assert_eq!(fetched(move |_, _| whole(status, &[], "")).await, (Fetched::Unavailable { status }, 1));
    }
    let (failing, asked) = fetched(|_, _| whole(500, &[], FILE)).await;
    assert!(!failing.agent("gleaner").check("/").allowed && asked == 3, "{failing:?} {asked}");
    let (html, _) = fetched(|_, _| whole(200, &[], "<!doctype html><p>Disallow: /")).await;
    assert_eq!(html, Fetched::Html);
}

#[tokio::test]
async fn nobody_at_the_address_means_that_nothing_is_allowed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let fetched = fetch(&door(), &url, false).await.unwrap();
    let verdict = fetched.agent("gleaner").check("/");
    assert!(!verdict.allowed && verdict.to_string().contains("cannot connect"), "{verdict}");
    let inside = fetch(&door(), &url, true).await.unwrap();
    assert!(!inside.agent("gleaner").check("/").allowed, "addresses inside are not asked for content");
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_ring_of_them_means_that_there_is_none() {
    let hop = |number: usize| whole(302, &[("location", &format!("/r{number}"))], "");
    let (found, asked) =
        fetched(move |number, _| if number < 5 { hop(number) } else { whole(200, &[], FILE) }).await;
    assert!(!found.agent("gleaner").check("/private").allowed && asked == 6);
    let (ring, _) = fetched(move |number, _| hop(number)).await;
    assert_eq!(ring, Fetched::Unavailable { status: 302 });
}

#[tokio::test]
async fn a_file_without_end_is_read_to_500_kib_and_no_further() {
    let (found, _) = fetched(|_, _| {
        let mut script = vec![(Duration::ZERO, head(200, &[], 1 << 40))];
        script.push((Duration::ZERO, FILE.as_bytes().to_vec()));
        script.extend((0..200).map(|_| (Duration::ZERO, b"# filler\n".repeat(8000))));
        script
    })
    .await;
    assert!(matches!(found, Fetched::Found(_)), "{found:?}");
    assert!(!found.agent("gleaner").check("/private").allowed);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_asked_for_again_and_never_taken_by_halves() {
    let (found, asked) = fetched(|number, _| {
        if number == 0 {
            let half = b"User-agent: *\n".to_vec();
            return vec![(Duration::ZERO, head(200, &[], 500)), (Duration::ZERO, half)];
        }
        whole(200, &[], FILE)
    })
    .await;
    assert!(!found.agent("gleaner").check("/private").allowed && asked == 2);
    let (never, _) = fetched(|_, _| vec![(Duration::ZERO, head(200, &[], 500))]).await;
    assert!(matches!(never, Fetched::Unreachable { .. }), "{never:?}");
}

#[tokio::test]
async fn a_file_that_is_sent_packed_is_unpacked() {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(FILE.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let (found, _) = fetched(move |_, _| whole(200, &[("content-encoding", "gzip")], &packed)).await;
    assert!(!found.agent("gleaner").check("/private").allowed);
}

#[tokio::test]
async fn a_site_is_asked_once_for_all_who_wait() {
    let wire = Wire::start(|_, _| vec![(Duration::from_millis(50), whole(200, &[], FILE).remove(0).1)]).await;
    let cache = RobotsCache::new(door(), "gleaner");
    let asks = (0..20).map(|number| {
        let (cache, url) = (cache.clone(), wire.url(&format!("/{number}")));
        async move { cache.rules(&url, false).await.unwrap().check("/private").allowed }
    });
    assert!(futures::future::join_all(asks).await.into_iter().all(|allowed| !allowed));
    assert_eq!(wire.count(), 1);
    let found = cache.fetched(&wire.url("/"), false).await.unwrap();
    assert!(matches!(*found, Fetched::Found(_)) && wire.count() == 1);
}

#[tokio::test]
async fn what_is_old_is_asked_for_again_and_holds_on_while_the_site_fails() {
    let wire = Wire::start(|number, _| match number {
        0 => whole(200, &[], FILE),
        _ => whole(500, &[], ""),
    })
    .await;
    let cache = RobotsCache::new(door(), "gleaner").keep(Duration::ZERO);
    for _ in 0..2 {
        let rules = cache.rules(&wire.url("/"), false).await.unwrap();
        assert!(rules.check("/open").allowed && !rules.check("/private").allowed);
    }
    assert_eq!(wire.count(), 4, "one, and three tries at the site that fails");
}

#[tokio::test]
async fn a_wish_to_stop_is_no_answer() {
    let stop = Stop::new();
    stop.cancel();
    let http = Http::new(HttpConfig { stop, ..quick() }).unwrap();
    let url = Url::parse("http://127.0.0.1:9/").unwrap();
    assert_eq!(fetch(&http, &url, false).await.unwrap_err().kind(), Kind::Stopped);
}
