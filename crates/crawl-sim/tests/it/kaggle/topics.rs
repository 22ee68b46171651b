//! Discussions.

use std::collections::HashSet;

use crawl_sim::{KaggleConfig, Part};
use serde_json::{Value, json};

use super::{answer, ask, named, start, walk};

fn count(comments: &[Value], depth: usize, deepest: &mut usize) -> usize {
    *deepest = (*deepest).max(depth);
    comments.iter().map(|comment| 1 + count(comment["replies"].as_array().unwrap(), depth + 1, deepest)).sum()
}

#[tokio::test]
async fn topics_hold_all_their_comments_nested_and_deleted_ones_without_an_author() {
    let kaggle = start(KaggleConfig { topics: 120, ..KaggleConfig::default() }).await;
    let topics = walk(&kaggle, "ListTopics", "topics", &json!({"pageSize": 50}));
    let ids: HashSet<_> = topics.iter().map(|topic| topic["id"].as_u64().unwrap()).collect();
    assert_eq!((topics.len(), ids.len()), (120, 120));
    let (mut deepest, mut deleted, mut paged) = (0, 0, 0);
    for topic in &topics {
        let comments = walk(&kaggle, "ListComments", "comments", &json!({"topicId": topic["id"]}));
        assert_eq!(count(&comments, 1, &mut deepest) as u64, topic["commentCount"].as_u64().unwrap());
        deleted +=
            comments.iter().filter(|comment| comment["authorName"] == "" && comment["content"] == "").count();
        paged += usize::from(comments.len() > 20);
        assert!(answer(&kaggle, "GetTopic", &json!({"id": topic["id"]}))["topic"]["content"].is_string());
    }
    assert!((4..=8).contains(&deepest) && deleted > 5 && paged > 0, "{deepest} {deleted} {paged}");
    assert_eq!(ask(&kaggle, "GetTopic", &json!({"id": 7})).status, 404);
}

#[tokio::test]
async fn topics_are_found_by_forum_and_by_what_they_are_about() {
    let kaggle = start(KaggleConfig { topics: 400, ..KaggleConfig::default() }).await;
    let mut found = HashSet::new();
    let mut add = |rows: Vec<Value>| {
        assert!(!rows.is_empty());
        found.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
    };
    for forum in answer(&kaggle, "ListForums", &json!({}))["forums"].as_array().unwrap() {
        let slug = forum["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let rows = walk(&kaggle, "ListTopics", "topics", &json!({"forumSlug": slug}));
        assert!(rows.iter().all(|row| row["forumId"] == forum["id"]));
        add(rows);
    }
    for index in 0..50 {
        add(walk(&kaggle, "ListDatasetTopics", "topics", &named(&kaggle.reference(Part::Datasets, index))));
    }
    for index in 0..100 {
        let name = kaggle.reference(Part::Competitions, index);
        let listed = answer(&kaggle, "ListCompetitionTopics", &json!({"competitionName": name}));
        for topic in listed["topics"].as_array().unwrap() {
            found.insert(topic["id"].as_u64().unwrap());
            let body = json!({"competitionName": name, "topicId": topic["id"], "pageSize": -1});
            let messages = answer(&kaggle, "ListTopicMessages", &body)["messages"].clone();
            let all = count(messages.as_array().unwrap(), 1, &mut 0) as u64;
            assert_eq!(all, topic["commentCount"].as_u64().unwrap());
        }
    }
    for index in 0..25 {
        let (owner, slug) = super::split(&kaggle.reference(Part::Kernels, index)).clone_parts();
        let rows =
            walk(&kaggle, "ListKernelTopics", "topics", &json!({"ownerSlug": owner, "kernelSlug": slug}));
        found.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
        let (owner, slug) = super::split(&kaggle.reference(Part::Models, index)).clone_parts();
        let rows =
            walk(&kaggle, "ListModelTopics", "topics", &json!({"ownerSlug": owner, "modelSlug": slug}));
        found.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
    }
    assert_eq!(found.len(), 400);
}

trait Parts {
    fn clone_parts(self) -> (String, String);
}

impl Parts for (&str, &str) {
    fn clone_parts(self) -> (String, String) {
        (self.0.to_owned(), self.1.to_owned())
    }
}
