//! Topics and their posts.

use crawl_sim::{Discourse, DiscourseConfig};
use serde_json::Value;

use super::{ask, posts, start, status};
use crate::client::get;

fn stream(topic: &Value) -> Vec<u64> {
    topic["post_stream"]["stream"].as_array().unwrap().iter().filter_map(Value::as_u64).collect()
}

fn post_ids(posts: &[Value]) -> Vec<u64> {
    posts.iter().map(|post| post["id"].as_u64().unwrap()).collect()
}

/// Posts by their ids, fifty at a time.
fn by_ids(forum: &Discourse, topic: u64, wanted: &[u64]) -> Vec<Value> {
    let mut found = Vec::new();
    for some in wanted.chunks(50) {
        let query: String = some.iter().map(|id| format!("post_ids[]={id}&")).collect();
        let answer = ask(forum, &format!("/t/{topic}/posts.json?{query}include_raw=1"));
        found.extend(posts(&answer).iter().cloned());
    }
    found
}

#[tokio::test]
async fn a_topic_has_twenty_posts_and_the_ids_of_all() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let mut long = 0;
    for id in forum.topics() {
        let topic = ask(&forum, &format!("/t/{id}.json?include_raw=1"));
        let stream = stream(&topic);
        assert_eq!(stream, forum.posts(id));
        assert_eq!(topic["posts_count"], stream.len());
        assert_eq!(post_ids(posts(&topic)), stream[..stream.len().min(20)]);
        if stream.len() > 20 {
            long += 1;
            assert_eq!(post_ids(&by_ids(&forum, id, &stream)), stream);
            let pages = stream.len().div_ceil(20);
            let last = ask(&forum, &format!("/t/{id}.json?page={pages}"));
            assert_eq!(posts(&last).last().unwrap()["id"], *stream.last().unwrap());
            assert_eq!(status(&forum, &format!("/t/{id}.json?page={}", pages + 1)), 404);
        }
    }
    assert!(long > 2);
}

#[tokio::test]
async fn the_plain_form_comes_in_pages_of_a_hundred_posts() {
    let forum = start(DiscourseConfig { topics: 5, posts: Some(230), ..DiscourseConfig::default() }).await;
    let id = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 230).unwrap();
    let page = |page: u64| get(&format!("{}/raw/{id}?page={page}", forum.site())).text();
    let count = |text: &str| text.matches("\n\n-------------------------\n\n").count();
    assert_eq!([count(&page(1)), count(&page(2)), count(&page(3))], [100, 100, 30]);
    assert_eq!(page(4), "");
    let topic = ask(&forum, &format!("/t/{id}.json?include_raw=1"));
    let first = &posts(&topic)[0];
    assert!(page(1).contains(&format!(" UTC | #1\n\n{}\n\n---", first["raw"].as_str().unwrap())));
    let one = get(&format!("{}/raw/{id}/1", forum.site())).text();
    assert_eq!(one, first["raw"].as_str().unwrap());
}
