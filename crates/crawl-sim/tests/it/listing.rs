//! Listings: order, cursors, fields, filters.

use std::collections::{BTreeSet, HashMap};

use crawl_sim::{Hub, HubConfig};
use serde_json::Value;

use crate::client::{get, walk, walk_ids};

fn sized(datasets: u64, models: u64) -> HubConfig {
    HubConfig { datasets, models, seed: 5, ..HubConfig::default() }
}

#[tokio::test]
async fn every_order_shows_every_record_exactly_once() {
    let hub = Hub::start(sized(1234, 333)).await.unwrap();
    let orders = [
        "",
        "&sort=createdAt&direction=1",
        "&sort=createdAt",
        "&sort=lastModified",
        "&sort=downloads",
        "&sort=likes",
        "&sort=trendingScore&direction=-1",
        "&sort=mainSize",
        "&sort=likes30d",
        "&sort=num_parameters",
    ];
    for order in orders {
        for (kind, count) in [("datasets", 1234), ("models", 333)] {
            // Datasets do not have the last two.
            if kind == "datasets" && (order.contains("30d") || order.contains("num_")) {
                assert_eq!(get(&format!("{}/api/{kind}?limit=1{order}", hub.url())).status, 400);
                continue;
            }
            let ids = walk_ids(&format!("{}/api/{kind}?limit=100{order}", hub.url()));
            assert_eq!(ids.len(), count, "{kind} {order}");
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), count, "{kind} {order}");
        }
    }
}

#[tokio::test]
async fn records_come_in_the_order_that_was_asked_for() {
    let hub = Hub::start(sized(900, 0)).await.unwrap();
    let column = |order: &str, field: &str| -> Vec<String> {
        let url = format!("{}/api/datasets?limit=250&expand={field}&{order}", hub.url());
        walk(&url)
            .iter()
            .flat_map(|page| page.rows())
            .map(|row| row[field].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(column("sort=createdAt&direction=1", "createdAt").is_sorted());
    assert!(column("sort=createdAt", "createdAt").iter().rev().is_sorted());
    // The Hub ignores the direction of any other key.
    assert!(column("sort=lastModified&direction=1", "lastModified").iter().rev().is_sorted());
    let natural = column("sort=createdAt&direction=1", "createdAt");
    assert_eq!(natural.iter().filter(|moment| *moment == "2022-03-02T23:29:22.000Z").count(), 54);
    assert!(natural.last().unwrap().starts_with("2026-11-2"), "{:?}", natural.last());
}

#[tokio::test]
async fn what_a_row_does_not_have_comes_last_in_the_order_of_it() {
    let hub = Hub::start(sized(700, 700)).await.unwrap();
    let column = |kind: &str, fields: &str, order: &str, number: &dyn Fn(&Value) -> Option<u64>| {
        let pages = walk(&format!("{}/api/{kind}?limit=90{fields}&sort={order}", hub.url()));
        let rows: Vec<_> = pages.iter().flat_map(|page| page.rows()).collect();
        let numbers: Vec<Option<u64>> = rows.iter().map(number).collect();
        // Nothing is less than any number.
        assert!(numbers.iter().rev().is_sorted(), "{order}: {numbers:?}");
        let unknown = numbers.iter().filter(|number| number.is_none()).count();
        assert!(
            numbers.len() == 700 && (50..400).contains(&unknown),
            "{order}: {unknown} of {}",
            numbers.len()
        );
    };
    column("datasets", "&expand=mainSize", "mainSize", &|row| row["mainSize"].as_u64());
    let parameters =
        |row: &Value| row["safetensors"]["total"].as_u64().or_else(|| row["gguf"]["total"].as_u64());
    column("models", "&expand=safetensors&expand=gguf", "num_parameters", &parameters);
}

#[tokio::test]
async fn models_of_so_many_parameters_are_those_that_tell_a_number_within() {
    let hub = Hub::start(sized(700, 700)).await.unwrap();
    let parameters =
        |row: &Value| row["safetensors"]["total"].as_u64().or_else(|| row["gguf"]["total"].as_u64());
    let rows = |range: &str| {
        let range = if range.is_empty() { String::new() } else { format!("&num_parameters={range}") };
        let fields = "limit=90&sort=createdAt&direction=1&expand=safetensors&expand=gguf";
        let pages = walk(&format!("{}/api/models?{fields}{range}", hub.url()));
        pages.iter().flat_map(|page| page.rows()).collect::<Vec<Value>>()
    };
    let all = rows("");
    for (range, least, most) in [
        ("min%3A6B%2Cmax%3A128B", 6_000_000_000, 128_000_000_000),
        ("max%3A900K", 0, 900_000),
        ("min%3A1.2B", 1_200_000_000, u64::MAX),
    ] {
        let within = |row: &&Value| parameters(row).is_some_and(|count| (least..=most).contains(&count));
        let expected: Vec<&Value> = all.iter().filter(within).collect();
        assert!(!expected.is_empty() && expected.len() < all.len());
        assert_eq!(rows(range).iter().collect::<Vec<_>>(), expected, "{range}");
    }
    assert_eq!(get(&format!("{}/api/models?num_parameters=6B", hub.url())).status, 400);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let page = async |seed| {
        let hub = Hub::start(HubConfig { seed, ..HubConfig::default() }).await.unwrap();
        (
            get(&format!("{}/api/datasets?full=true", hub.url())).body,
            get(&format!("{}/api/models?full=true", hub.url())).body,
        )
    };
    let first = page(1).await;
    assert_eq!(first, page(1).await);
    assert_ne!(first, page(2).await);
}

#[tokio::test]
async fn more_records_leave_the_earlier_ones_as_they_were() {
    let small =
        Hub::start(HubConfig { datasets: 300, horizon: Some(300), ..HubConfig::default() }).await.unwrap();
    let large =
        Hub::start(HubConfig { datasets: 340, horizon: Some(300), touched: 5, ..HubConfig::default() })
            .await
            .unwrap();
    let rows = |url: String| get(&format!("{url}/api/datasets?full=true&sort=createdAt&direction=1")).rows();
    let (before, after) = (rows(small.url()), rows(large.url()));
    assert_eq!(before[5..], after[5..300]);
    assert!(after[300..].iter().all(|row| row["createdAt"].as_str().unwrap() >= "2026-11-23"));
    assert!(after[..5].iter().all(|row| row["lastModified"].as_str().unwrap() >= "2026-11-23"));
    assert!(before.iter().all(|row| row["lastModified"].as_str().unwrap() < "2026-11-23"));
    assert_ne!(before[0]["sha"], after[0]["sha"]);
}

#[tokio::test]
async fn rows_are_as_long_and_as_odd_as_real_ones() {
    let hub = Hub::start(sized(4000, 0)).await.unwrap();
    let rows: Vec<Value> =
        walk(&format!("{}/api/datasets?full=true", hub.url())).iter().flat_map(|page| page.rows()).collect();
    let mut sizes: Vec<_> = rows.iter().map(|row| row.to_string().len()).collect();
    sizes.sort_unstable();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!((900..1300).contains(&sizes[2000]), "median {}", sizes[2000]);
    assert!((1200..1800).contains(&mean), "mean {mean}");
    assert!((9_000..30_000).contains(&sizes[3999]), "longest {}", sizes[3999]);
    let count = |test: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| test(row)).count();
    let without_card = count(&|row| row.get("cardData").is_none());
    assert!((1200..1600).contains(&without_card), "{without_card}");
    let odd = count(&|row| {
        !row["downloads"].is_u64()
            || !row["tags"].is_array()
            || row["gated"] == true
            || row["likes"].is_null()
    });
    assert!((5..60).contains(&odd), "{odd}");
    assert!(count(&|row| row["downloads"].as_u64().is_some_and(|downloads| downloads <= 10)) > 1500);
    assert!(count(&|row| !row.to_string().is_ascii()) > 400);
    assert!(count(&|row| row.get("author").is_none()) > 5);
    let mut names: HashMap<&str, usize> = HashMap::new();
    rows.iter()
        .filter_map(|row| row["id"].as_str()?.split_once('/'))
        .for_each(|(_, name)| *names.entry(name).or_default() += 1);
    assert!(names.values().any(|times| *times > 1), "no name occurs under two owners");
    let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4000, "ids repeat");
}

#[tokio::test]
async fn fields_follow_the_question() {
    let hub = Hub::start(sized(20, 20)).await.unwrap();
    let keys = |query: &str| -> Vec<String> {
        let row = get(&format!("{}/api/{query}", hub.url())).rows().remove(0);
        row.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys("datasets?expand=downloads&expand[]=likes"), ["_id", "downloads", "id", "likes"]);
    assert!(!keys("models").contains(&"sha".to_owned()));
    assert!(keys("models?full=true").contains(&"siblings".to_owned()));
    assert!(!keys("datasets").contains(&"cardData".to_owned()));
    for (query, status) in [
        ("full=true&expand=likes", 400),
        ("expand=nothing", 400),
        ("skip=4000", 400),
        ("skip=10", 200),
        ("cursor=x", 400),
        ("sort=colour", 400),
    ] {
        assert_eq!(get(&format!("{}/api/datasets?{query}", hub.url())).status, status, "{query}");
    }
    assert_eq!(get(&format!("{}/api/datasets?limit=5000", hub.url())).rows().len(), 20);
}

#[tokio::test]
async fn filters_keep_what_they_say_and_page_through_it() {
    let hub = Hub::start(sized(3000, 0)).await.unwrap();
    let all = walk(&format!("{}/api/datasets?full=true", hub.url()));
    let rows: Vec<Value> = all.iter().flat_map(|page| page.rows()).collect();
    let filtered = |query: &str| walk_ids(&format!("{}/api/datasets?limit=7&{query}", hub.url())).len();
    let expected = |test: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| test(row)).count();
    let has = |row: &Value, tag: &str| {
        row["tags"].as_array().is_some_and(|tags| tags.iter().any(|other| other == tag))
    };
    let math = expected(&|row| row["id"].as_str().unwrap().to_lowercase().contains("math"));
    assert!(math > 10);
    assert_eq!(filtered("search=MATH"), math);
    let both = expected(&|row| has(row, "language:en") && has(row, "license:mit"));
    assert!(both > 10 && filtered("filter=language%3Aen&filter=license:mit") >= both);
    assert!(filtered("gated=true") > 20);
    let author = rows[0]["author"].as_str().unwrap();
    assert_eq!(filtered(&format!("author={author}")), expected(&|row| row["author"] == author));
}

#[tokio::test]
async fn a_cursor_works_at_another_server_with_the_same_rows() {
    let first = Hub::start(sized(50, 0)).await.unwrap();
    let second = Hub::start(sized(50, 0)).await.unwrap();
    let next = get(&format!("{}/api/datasets?limit=20", first.url())).next().unwrap();
    assert_eq!(walk_ids(&next), walk_ids(&next.replace(&first.url(), &second.url())));
    assert_eq!(walk_ids(&next).len(), 30);
}
