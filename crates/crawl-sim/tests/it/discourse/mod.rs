//! The double of Discourse.

mod access;
mod changes;
mod lists;
mod recorded;
mod topics;
mod uploads;

use crawl_sim::{Discourse, DiscourseConfig};
use serde_json::Value;

use crate::client::get;

pub(super) async fn start(config: DiscourseConfig) -> Discourse {
    Discourse::start(config).await.unwrap()
}

/// What lies at a path of the forum.
pub(super) fn ask(forum: &Discourse, path: &str) -> Value {
    let got = get(&format!("{}{path}", forum.site()));
    assert_eq!(got.status, 200, "{path}: {}", got.text());
    got.json()
}

pub(super) fn status(forum: &Discourse, path: &str) -> u16 {
    get(&format!("{}{path}", forum.site())).status
}

/// All rows of a list, by the address of the next page, which lacks its `.json`.
pub(super) fn walk(forum: &Discourse, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = format!("{}{path}", forum.site());
    for _ in 0..500 {
        let got = get(&next);
        assert_eq!(got.status, 200, "{next}: {}", got.text());
        let page = got.json()["topic_list"].clone();
        rows.extend(page["topics"].as_array().unwrap().iter().cloned());
        match page["more_topics_url"].as_str() {
            None => return rows,
            Some(more) => next = format!("{}{}", forum.url(), more.replacen('?', ".json?", 1)),
        }
    }
    panic!("{path} does not end");
}

pub(super) fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}

/// The posts of a topic's answer.
pub(super) fn posts(topic: &Value) -> &Vec<Value> {
    topic["post_stream"]["posts"].as_array().unwrap()
}
