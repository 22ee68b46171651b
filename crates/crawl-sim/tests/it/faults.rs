//! Each fault does what it says.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use crawl_sim::{Hub, HubConfig, Rule, Running};

use crate::client::{get, send, split, walk, walk_ids};

async fn with(rules: &[&str]) -> Running {
    let faults = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Hub::start(HubConfig { datasets: 100, models: 30, faults, ..HubConfig::default() }).await.unwrap()
}

fn list(hub: &Running) -> String {
    format!("{}/api/datasets?limit=20", hub.url())
}

#[tokio::test]
async fn rules_hit_the_requests_that_they_name() {
    let hub =
        with(&["list@2=status:500", "3-4=status:502", "/api/models@every:2=status:503", "6-=status:504"])
            .await;
    let urls = ["datasets", "datasets", "models", "models", "datasets", "datasets"];
    let statuses: Vec<_> =
        urls.iter().map(|kind| get(&format!("{}/api/{kind}?limit=1", hub.url())).status).collect();
    assert_eq!(statuses, [200, 500, 502, 502, 200, 504]);
    assert_eq!(hub.seen()[1].fault.as_deref(), Some("Status(500)"));
}

#[tokio::test]
async fn chances_are_the_same_for_the_same_seed() {
    let statuses = async || {
        let hub = with(&["p:0.3=status:500"]).await;
        (0..60).map(|_| get(&format!("{}/api/models?limit=1", hub.url())).status).collect::<Vec<_>>()
    };
    let first = statuses().await;
    assert_eq!(first, statuses().await);
    assert!((5..35).contains(&first.iter().filter(|status| **status == 500).count()));
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    for text in [
        "",
        "3",
        "0=reset",
        "4-2=reset",
        "every:0=reset",
        "p:2=reset",
        "3=status:99",
        "3=nothing",
        "detail@3=empty-next",
        "mars@1=cut",
        "1=429:soon",
    ] {
        assert!(text.parse::<Rule>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn lost_connections_give_no_answer() {
    let hub = with(&["1=reset", "2=close", "3=hang"]).await;
    let error = send("GET", &list(&hub), &[], b"").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let error = send("GET", &list(&hub), &[], b"").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let mut stream = std::net::TcpStream::connect(hub.addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /api/datasets HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(matches!(
        stream.read(&mut [0; 10]).unwrap_err().kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    assert_eq!(get(&list(&hub)).status, 200);
    assert_eq!(hub.stats().completed, 1);
}

#[tokio::test]
async fn lengths_lie_in_the_way_that_was_asked_for() {
    let hub = with(&["2=cut", "3=longer", "4=shorter"]).await;
    let whole = get(&list(&hub)).body;
    let cut = get(&list(&hub));
    assert_eq!((cut.length(), cut.body.len()), (whole.len(), whole.len() / 2));
    let longer = get(&list(&hub));
    assert_eq!((longer.length(), longer.body), (whole.len() + 100, whole.clone()));
    let shorter = get(&list(&hub));
    assert_eq!(shorter.length(), whole.len() / 2);
    assert!(serde_json::from_slice::<serde_json::Value>(&shorter.body[..shorter.length()]).is_err());
}

#[tokio::test]
async fn bodies_are_spoilt_in_the_way_that_was_asked_for() {
    let hub = with(&["1=html", "2=utf8", "3=status:418", "4=429", "5=429:retry-after=7", "6=429:date"]).await;
    let html = get(&list(&hub));
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let spoilt = get(&list(&hub));
    assert_eq!(spoilt.length(), spoilt.body.len());
    assert!(std::str::from_utf8(&spoilt.body).is_err());
    assert!(serde_json::from_str::<serde_json::Value>(&String::from_utf8_lossy(&spoilt.body)).is_ok());
    assert_eq!(get(&list(&hub)).status, 418);
    let waits: Vec<_> = (0..3).map(|_| get(&list(&hub)).header("retry-after").map(str::to_owned)).collect();
    assert_eq!(waits[..2], [None, Some("7".into())]);
    assert!(waits[2].as_ref().unwrap().ends_with(" GMT"));
}

#[tokio::test]
async fn a_bomb_is_small_and_unpacks_to_more_than_a_gibibyte() {
    let hub = with(&["1=bomb"]).await;
    let bomb = get(&list(&hub));
    assert_eq!(bomb.header("content-encoding"), Some("gzip"));
    assert!(bomb.body.len() < 4 << 20, "{}", bomb.body.len());
    let promised = u32::from_le_bytes(*bomb.body.last_chunk().unwrap());
    assert!(promised > 1 << 30, "{promised}");
    // The first 8 MiB stand for the rest: unpacking it all takes a minute without optimization.
    let mut unpacked = flate2::read::GzDecoder::new(bomb.body.as_slice()).take(8 << 20);
    assert_eq!(std::io::copy(&mut unpacked, &mut std::io::sink()).unwrap(), 8 << 20);
}

#[tokio::test]
async fn slow_answers_are_slow() {
    let hub = with(&["1=slow:150", "detail@1=trickle:1"]).await;
    let started = Instant::now();
    let page = get(&list(&hub));
    assert!(started.elapsed() >= Duration::from_millis(150));
    let id = page.rows()[0]["id"].as_str().unwrap().to_owned();
    let started = Instant::now();
    let detail = get(&format!("{}/api/datasets/{id}?expand=tags", hub.url()));
    assert!(started.elapsed() >= Duration::from_millis(detail.body.len() as u64));
    assert_eq!(detail.json()["id"], id.as_str());
}

#[tokio::test]
async fn an_empty_page_with_a_next_link_loses_nothing() {
    for rule in ["1=empty-next", "3=empty-next", "2-4=empty-next"] {
        let hub = with(&[rule]).await;
        let pages = walk(&list(&hub));
        assert!(pages.iter().any(|page| page.body == b"[]"), "{rule}");
        let ids: BTreeSet<_> = walk_ids(&list(&hub)).into_iter().collect();
        let seen: Vec<_> = pages
            .iter()
            .flat_map(|page| page.rows())
            .map(|row| row["_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!((seen.len(), ids.len()), (100, 100), "{rule}");
        let links: BTreeSet<_> = pages.iter().filter_map(|page| page.next()).collect();
        assert_eq!(links.len(), pages.len() - 1, "{rule}: a cursor came twice");
    }
}

#[tokio::test]
async fn a_repeated_cursor_leads_nowhere() {
    let hub = with(&["1=repeat-cursor", "4=repeat-cursor"]).await;
    let next = get(&list(&hub)).next().unwrap();
    assert_eq!(get(&next).next().unwrap(), next);
    let second = get(&list(&hub)).next().unwrap();
    assert_eq!(get(&second).next().unwrap(), second);
}

#[tokio::test]
async fn a_link_to_another_origin_is_seen_if_it_is_followed() {
    let hub = with(&["1=other-origin"]).await;
    let next = get(&list(&hub)).next().unwrap();
    assert_ne!(split(&next).0, hub.addr().to_string());
    assert!(hub.seen().iter().all(|seen| seen.origin == "main"));
    get(&next);
    assert_eq!(hub.seen().last().unwrap().origin, "elsewhere");
}

#[tokio::test]
async fn odd_elements_come_on_top_of_the_page() {
    let hub = with(&["1=row-string", "2=row-no-id", "3=row-twice"]).await;
    let pages: Vec<_> = (0..3).map(|_| get(&list(&hub)).rows()).collect();
    assert!(pages.iter().all(|rows| rows.len() == 21));
    assert!(pages[0][20].is_string());
    assert!(pages[1][20].get("_id").is_none());
    assert_eq!(pages[2][20], pages[2][0]);
    assert_eq!(pages[0][..20], pages[2][..20]);
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_repository_under_a_new_name() {
    let hub = with(&["2=redirect"]).await;
    let row = get(&list(&hub)).rows().remove(0);
    let url = format!("{}/api/datasets/{}", hub.url(), row["id"].as_str().unwrap());
    assert_eq!(get(&url).json()["_id"], row["_id"]);
    let moved = get(&url);
    assert_eq!((moved.status, moved.header("content-type")), (307, Some("text/plain; charset=utf-8")));
    let there = get(&format!("{}{}", hub.url(), moved.header("location").unwrap())).json();
    assert_eq!(there["_id"], row["_id"]);
    assert_eq!(there["id"], format!("renamed-{}", row["id"].as_str().unwrap()));
}
