//! What changes while a forum is read.

use crawl_sim::{DiscourseConfig, PlantedTopic};
use serde_json::Value;

use super::{ask, ids, posts, start, status, walk};

const LATEST: &str = "/latest.json?no_definitions=true";

/// The first topic that is not pinned.
fn front(rows: &[Value]) -> &Value {
    rows.iter().find(|row| row["pinned"] == false).unwrap()
}

#[tokio::test]
async fn replies_bump_and_are_the_youngest_posts() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let topic = forum.topics()[22];
    let before = forum.posts(topic);
    let reply = forum.reply(topic, "One *more*.\n\nYes.").unwrap();
    let rows = walk(&forum, LATEST);
    assert_eq!(
        (&front(&rows)["id"], &front(&rows)["posts_count"]),
        (&topic.into(), &(before.len() + 1).into())
    );
    assert_eq!(ids(&rows).len(), 59);
    let newest = ask(&forum, "/posts.json")["latest_posts"][0].clone();
    assert_eq!((&newest["id"], &newest["raw"]), (&reply.into(), &"One *more*.\n\nYes.".into()));
    assert_eq!(newest["cooked"], "<p>One *more*.</p>\n<p>Yes.</p>");
    assert_eq!(forum.posts(topic), [before, vec![reply]].concat());
    assert_eq!(forum.reply(999_999, "nobody hears this"), None);
}

#[tokio::test]
async fn only_a_loud_edit_of_the_last_post_bumps() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let topic = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 12).unwrap();
    let (first, last) = (forum.posts(topic)[0], forum.posts(topic)[11]);
    let before = walk(&forum, LATEST);
    assert!(forum.edit(first, "Other words.") && forum.edit_silently(last, "Quiet words."));
    assert_eq!(walk(&forum, LATEST), before);
    let edited = ask(&forum, &format!("/posts/{last}.json"));
    assert_eq!((&edited["raw"], &edited["cooked"]), (&"Quiet words.".into(), &"<p>Quiet words.</p>".into()));
    assert!(
        edited["version"].as_u64().unwrap() > 1
            && edited["updated_at"].as_str() > edited["created_at"].as_str()
    );
    assert!(forum.edit(last, "Loud words."));
    assert_eq!(front(&walk(&forum, LATEST))["id"], topic);
    assert!(!forum.edit(9_999_999, ""));
}

#[tokio::test]
async fn a_deleted_post_is_gone_from_everywhere() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let topic = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 12).unwrap();
    let all = forum.posts(topic);
    let row = |rows: &[Value]| rows.iter().find(|row| row["id"] == topic).unwrap().clone();
    let before = row(&walk(&forum, LATEST));
    assert!(forum.delete_post(all[5]));
    let after = row(&walk(&forum, LATEST));
    assert_eq!((&after["posts_count"], &after["bumped_at"]), (&11.into(), &before["bumped_at"]));
    assert_eq!(status(&forum, &format!("/posts/{}.json", all[5])), 404);
    let asked = format!("/t/{topic}/posts.json?post_ids[]={}&post_ids[]={}", all[4], all[5]);
    assert_eq!(posts(&ask(&forum, &asked)).len(), 1);
    assert!(forum.delete_post(all[11]));
    assert!(row(&walk(&forum, LATEST))["bumped_at"].as_str() < before["bumped_at"].as_str());
}

#[tokio::test]
async fn split_posts_keep_their_ids_in_a_topic_that_is_as_old_as_they_are() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let topic = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 12).unwrap();
    let all = forum.posts(topic);
    let first_moved = ask(&forum, &format!("/posts/{}.json", all[8]));
    let new = forum.split(topic, &all[8..], "Another matter").unwrap();
    assert_eq!(forum.posts(new), all[8..]);
    assert_eq!(forum.posts(topic).len(), 9, "eight and the note");
    let moved = ask(&forum, &format!("/t/{new}.json"));
    assert_eq!(moved["slug"], "another-matter");
    assert_eq!(moved["created_at"], posts(&moved)[0]["created_at"]);
    let numbers: Vec<u64> = posts(&moved).iter().map(|post| post["post_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let note = posts(&ask(&forum, &format!("/t/{topic}.json"))).last().unwrap().clone();
    assert_eq!(note["post_number"], first_moved["post_number"], "it takes the place of the first that went");
    assert_eq!((&note["post_type"], &note["action_code"]), (&3.into(), &"split_topic".into()));
    assert!(note["cooked"].as_str().unwrap().contains(&format!("/t/another-matter/{new}")));
    assert_eq!(ask(&forum, &format!("/posts/{}.json", all[8]))["topic_id"], new);
    let order = ids(&walk(&forum, "/latest.json?order=created&ascending=true"));
    assert!(order.last() != Some(&new) && order.contains(&new));
    assert_eq!(front(&walk(&forum, LATEST))["id"], new);
}

#[tokio::test]
async fn topics_come_and_go() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let topic = forum.topics()[12];
    let post = forum.posts(topic)[0];
    assert!(forum.bump(topic));
    assert_eq!(front(&walk(&forum, LATEST))["id"], topic);
    assert!(forum.delete_topic(topic) && !forum.delete_topic(topic));
    assert_eq!(status(&forum, &format!("/t/{topic}.json")), 404);
    assert_eq!(status(&forum, &format!("/posts/{post}.json")), 404);
    assert!(!forum.topics().contains(&topic));
    let new =
        forum.publish(&PlantedTopic::topic("Brand <new>").post(Some("a"), "<p>a</p>").post(None, "<p>b</p>"));
    let shown = ask(&forum, &format!("/t/{new}.json?include_raw=1"));
    assert_eq!(
        (&shown["title"], &shown["fancy_title"]),
        (&"Brand <new>".into(), &"Brand &lt;new&gt;".into())
    );
    assert_eq!((&posts(&shown)[0]["raw"], posts(&shown)[1].get("raw")), (&"a".into(), None));
    assert_eq!(walk(&forum, "/latest.json?order=created")[0]["id"], new);
}

#[tokio::test]
async fn planned_changes_come_before_the_request_that_they_name() {
    let config = DiscourseConfig { topics: 40, ..DiscourseConfig::default() };
    let still = start(config.clone()).await;
    let listed = still.topics();
    let (topic, long) = (listed[10], listed.iter().copied().find(|id| still.posts(*id).len() > 9).unwrap());
    let doomed = still.posts(listed[15])[0];
    let plan = [
        format!("2=reply:{topic}:3"),
        format!("3=split:{long}:6"),
        format!("4=delete-topic:{topic}"),
        format!("4=edit-silently:{doomed}"),
        "5=publish:2".into(),
        format!("6=delete-post:{doomed}"),
    ];
    let changes = plan.iter().map(|change| change.parse().unwrap()).collect();
    let forum = start(DiscourseConfig { changes, ..config }).await;
    let count = forum.posts(topic).len();
    let first = |path: &str| ask(&forum, path);
    first("/latest.json");
    assert_eq!(first(&format!("/t/{topic}.json"))["posts_count"], count + 3);
    let parted = first(&format!("/t/{long}.json"));
    assert!(posts(&parted).iter().any(|post| post["action_code"] == "split_topic"));
    assert_eq!(first(&format!("/posts/{doomed}.json"))["raw"], "Edited while you read.");
    assert_eq!(
        first("/latest.json?order=created")["topic_list"]["topics"][1]["title"],
        "Published while you read"
    );
    assert_eq!(status(&forum, &format!("/posts/{doomed}.json")), 404);
    assert!("3=nonsense:1".parse::<crawl_sim::Change>().is_err());
}

#[tokio::test]
async fn on_old_versions_a_split_topic_lies_as_deep_as_its_posts_are_old() {
    let forum = start(DiscourseConfig { topics: 60, split_bumps: false, ..DiscourseConfig::default() }).await;
    let topic = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 12).unwrap();
    let before = walk(&forum, LATEST);
    let all = forum.posts(topic);
    let new = forum.split(topic, &all[8..], "Another matter").unwrap();
    let after = walk(&forum, LATEST);
    assert_eq!(front(&after)["id"], front(&before)["id"]);
    let row = after.iter().find(|row| row["id"] == new).unwrap();
    assert_eq!(row["bumped_at"], ask(&forum, &format!("/posts/{}.json", all[11]))["created_at"]);
}
