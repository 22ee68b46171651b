//! Lists of topics.

use std::collections::BTreeSet;

use crawl_sim::DiscourseConfig;

use super::{ask, ids, start, status, walk};
use crate::client::get_with;

#[tokio::test]
async fn pages_show_every_topic_once_in_the_order_of_creation() {
    let forum = start(DiscourseConfig { topics: 155, ..DiscourseConfig::default() }).await;
    let rows = walk(&forum, "/latest.json?order=created&ascending=true");
    assert_eq!(ids(&rows), forum.topics());
    assert!(rows.is_sorted_by_key(|row| row["created_at"].as_str().unwrap().to_owned()));
    let down = walk(&forum, "/latest.json?order=created");
    assert_eq!(ids(&down).into_iter().rev().collect::<Vec<_>>(), forum.topics());
}

#[tokio::test]
async fn pinned_topics_come_first_in_the_default_order_and_only_once() {
    let forum = start(DiscourseConfig { topics: 155, ..DiscourseConfig::default() }).await;
    let rows = walk(&forum, "/latest.json");
    assert_eq!(rows[0]["pinned"], true);
    assert!(rows[1..].is_sorted_by(|a, b| a["bumped_at"].as_str() >= b["bumped_at"].as_str()));
    let all: BTreeSet<u64> = ids(&rows).into_iter().collect();
    assert_eq!(all.len(), rows.len());
    assert_eq!(all, forum.topics().into_iter().collect());
}

#[tokio::test]
async fn definitions_are_left_out_on_wish_and_pages_have_the_size_that_is_asked_for() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let rows = walk(&forum, "/latest.json?no_definitions=true&per_page=100");
    assert_eq!(rows.len(), 59, "one of them is unlisted");
    assert!(rows.iter().all(|row| !row["title"].as_str().unwrap().starts_with("About the ")));
    assert_eq!(ask(&forum, "/latest.json?per_page=7")["topic_list"]["topics"].as_array().unwrap().len(), 7);
    let old = start(DiscourseConfig { topics: 60, per_page: false, ..DiscourseConfig::default() }).await;
    assert_eq!(ask(&old, "/latest.json?per_page=7")["topic_list"]["topics"].as_array().unwrap().len(), 30);
}

#[tokio::test]
async fn a_full_last_page_leads_to_an_empty_one() {
    let forum = start(DiscourseConfig { topics: 31, posts: Some(1), ..DiscourseConfig::default() }).await;
    let first = ask(&forum, "/latest.json?no_definitions=true&per_page=31");
    assert_eq!(first["topic_list"]["more_topics_url"], "/latest?no_definitions=true&per_page=31&page=1");
    let last = ask(&forum, "/latest.json?no_definitions=true&per_page=31&page=1");
    assert!(last["topic_list"]["topics"].as_array().unwrap().is_empty());
    assert!(last["topic_list"].get("more_topics_url").is_none());
    assert_eq!(status(&forum, "/latest.json?page=3000000000"), 400);
    assert_eq!(status(&forum, "/latest.json?page=x"), 400);
}

#[tokio::test]
async fn a_list_without_json_in_its_path_needs_the_header() {
    let forum = start(DiscourseConfig::default()).await;
    let url = format!("{}/latest?page=1", forum.site());
    assert!(get_with(&url, &[]).text().starts_with("<!DOCTYPE html>"));
    assert!(get_with(&url, &[("Accept", "application/json")]).json()["topic_list"]["topics"].is_array());
}

#[tokio::test]
async fn categories_have_their_own_topics_and_a_wrong_slug_leads_to_the_right_one() {
    let forum = start(DiscourseConfig { topics: 200, ..DiscourseConfig::default() }).await;
    let site = ask(&forum, "/site.json");
    let categories = site["categories"].as_array().unwrap();
    assert_eq!(ask(&forum, "/categories.json")["category_list"]["categories"].as_array().unwrap().len(), 4);
    let mut all = BTreeSet::new();
    for category in categories {
        let (id, slug) = (category["id"].as_u64().unwrap(), category["slug"].as_str().unwrap());
        let path = if id == 8 { format!("support/{slug}") } else { slug.to_owned() };
        let rows = walk(&forum, &format!("/c/{path}/{id}/l/latest.json"));
        let alone = walk(&forum, &format!("/c/{path}/{id}/none/l/latest.json"));
        assert!(alone.iter().all(|row| row["category_id"] == id));
        assert_eq!(rows.len() > alone.len(), id == 5, "only one has inner categories");
        all.extend(ids(&alone));
    }
    assert_eq!(all, forum.topics().into_iter().collect());
    let moved = get_with(&format!("{}/c/wrong/5/l/latest.json?page=1", forum.site()), &[]);
    assert_eq!(moved.status, 301);
    assert_eq!(moved.header("location"), Some("/c/support/5/l/latest.json?page=1"));
    assert_eq!(status(&forum, "/c/support/77/l/latest.json"), 404);
}

#[tokio::test]
async fn tags_come_as_objects_or_as_strings() {
    let forum = start(DiscourseConfig { topics: 100, ..DiscourseConfig::default() }).await;
    let rows = walk(&forum, "/tag/tides/l/latest.json");
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == "tides")));
    assert!(rows[0]["tags"][0]["id"].is_u64());
    assert!(rows[0]["tags"][0]["slug"].is_string());
    let old = DiscourseConfig { topics: 100, tag_objects: false, ..DiscourseConfig::default() };
    let old = start(old).await;
    let strings = walk(&old, "/tag/tides/l/latest.json");
    assert_eq!(ids(&strings), ids(&rows));
    assert!(strings.iter().all(|row| row["tags"].as_array().unwrap().contains(&"tides".into())));
    assert_eq!(status(&old, "/tag/nothing/l/latest.json"), 404);
}
