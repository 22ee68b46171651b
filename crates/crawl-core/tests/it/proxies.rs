//! Proxies: used when they are named, and named when they cannot be used.

use std::time::{Duration, Instant};

use crawl_core::Kind;
use crawl_core::http::{Http, HttpConfig, Proxies, Proxy, Request, Secret};

use crate::wire::{Wire, quick, whole};

fn through(address: &str, except: &str) -> HttpConfig {
    let proxy = |from: &str| Some(Proxy { address: Secret::new(address), from: from.to_owned() });
    let proxies =
        Proxies { http: proxy("HTTP_PROXY"), https: proxy("HTTPS_PROXY"), except: except.to_owned() };
    HttpConfig { proxies, ..quick() }
}

#[tokio::test]
async fn requests_go_by_way_of_a_proxy_with_its_password_and_exceptions_do_not() {
    let proxy = Wire::start(|_, _| whole(200, &[], "by proxy")).await;
    let address = format!("http://name:word@{}", proxy.address);
    let http = Http::new(through(&address, "127.0.0.0/8")).unwrap();
    let answer = http.send(&Request::get("http://example.org/x".parse().unwrap())).await.unwrap();
    assert_eq!(answer.body, "by proxy");
    let seen = &proxy.seen()[0];
    assert!(seen.starts_with("GET http://example.org/x "), "{seen}");
    assert!(seen.to_lowercase().contains("proxy-authorization: basic bmftztp3b3jk"), "{seen}");
    let direct = Wire::start(|_, _| whole(200, &[], "direct")).await;
    assert_eq!(http.send(&Request::get(direct.url("/"))).await.unwrap().body, "direct");
}

#[tokio::test]
async fn a_dead_proxy_is_named_at_once_without_its_password() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = HttpConfig { backoff: Duration::from_secs(30), ..through(&format!("u:pw@{dead}"), "") };
    let http = Http::new(config).unwrap();
    for (url, from) in [("http://example.org/", "HTTP_PROXY"), ("https://example.org/", "HTTPS_PROXY")] {
        let began = Instant::now();
        let error = http.send(&Request::get(url.parse().unwrap())).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(
            (error.kind(), error.place()),
            (Kind::Config, format!("http://{dead}/").as_str()),
            "{error:?}"
        );
        assert!(error.advice().contains(from) && !format!("{error:?}").contains("pw"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_says_so() {
    let proxy = Wire::start(|_, _| whole(407, &[("proxy-authenticate", "Basic")], "")).await;
    let http = Http::new(through(&proxy.address.to_string(), "")).unwrap();
    for url in ["http://example.org/", "https://example.org/"] {
        let error = http.send(&Request::get(url.parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{error:?}");
        assert!(error.to_string().contains("name and a password"), "{error:?}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_told_before_anything_is_sent() {
    for address in ["socks5://127.0.0.1:1080", "http://u:pw@:0", "what is this"] {
        let error = Http::new(through(address, "")).unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{address}");
        assert!(error.advice().contains("HTTP_PROXY") && !format!("{error:?}").contains("pw"), "{error:?}");
    }
}
