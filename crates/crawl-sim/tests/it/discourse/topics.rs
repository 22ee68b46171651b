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

#[tokio::test]
async fn wrong_slugs_and_pages_for_people_are_led_to_the_right_address() {
    let forum = start(DiscourseConfig::default()).await;
    let id = forum.topics()[20];
    let slug = ask(&forum, &format!("/t/{id}.json"))["slug"].as_str().unwrap().to_owned();
    let location = |path: &str| {
        let got = get(&format!("{}{path}", forum.site()));
        assert_eq!(got.status, 301, "{path}");
        got.header("location").unwrap().to_owned()
    };
    assert_eq!(location(&format!("/t/wrong/{id}.json?page=1")), format!("/t/{slug}/{id}.json?page=1"));
    assert_eq!(location(&format!("/t/{id}")), format!("/t/{slug}/{id}"));
    assert_eq!(location(&format!("/t/wrong/{id}/2.json")), format!("/t/{slug}/{id}/2.json"));
    assert_eq!(location(&format!("/t/{slug}.json")), format!("/t/{slug}/{id}.json"));
    assert_eq!(status(&forum, &format!("/t/{slug}/{id}.json")), 200);
    let page = get(&format!("{}/t/{slug}/{id}", forum.site())).text();
    assert!(page.contains("content=\"Discourse ") && page.contains("http://schema.org/Comment"));
    assert_eq!(status(&forum, "/t/999999.json"), 404);
}

#[tokio::test]
async fn a_post_number_shows_the_posts_around_it() {
    let forum = start(DiscourseConfig { topics: 3, posts: Some(60), ..DiscourseConfig::default() }).await;
    let id = forum.topics().into_iter().find(|id| forum.posts(*id).len() == 60).unwrap();
    let topic = ask(&forum, &format!("/t/{id}/30.json"));
    assert_eq!(post_ids(posts(&topic)), forum.posts(id)[24..44]);
}

#[tokio::test]
async fn a_mega_topic_has_no_stream_and_is_read_in_pages() {
    let config = DiscourseConfig { topics: 3, mega: Some(130), mega_from: 100, ..DiscourseConfig::default() };
    let forum = start(config).await;
    let mega = forum.topics().into_iter().find(|id| forum.posts(*id).len() > 100).unwrap();
    let all = forum.posts(mega);
    let first = ask(&forum, &format!("/t/{mega}.json"));
    assert!(first["post_stream"].get("stream").is_none() && first.get("timeline_lookup").is_none());
    assert_eq!((&first["post_stream"]["isMegaTopic"], all.len()), (&true.into(), 130));
    assert_eq!(first["post_stream"]["lastId"], *all.last().unwrap());
    let mut read = Vec::new();
    for page in 1.. {
        let got = get(&format!("{}/t/{mega}.json?page={page}", forum.site()));
        if got.status == 404 {
            break;
        }
        read.extend(post_ids(posts(&got.json())));
    }
    assert_eq!(read, all);
    let number = posts(&first)[9]["post_number"].clone();
    let after = ask(&forum, &format!("/t/{mega}/post_ids.json?post_number={number}"));
    let after: Vec<u64> = after["post_ids"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert_eq!(after, all[10..]);
}

#[tokio::test]
async fn the_newest_posts_are_walked_over_windows_that_are_empty() {
    let forum = start(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    let (mut seen, mut empty, mut before) = (Vec::new(), 0, None::<u64>);
    loop {
        let query = before.map(|before| format!("?before={before}")).unwrap_or_default();
        let window = ask(&forum, &format!("/posts.json{query}"));
        let rows = window["latest_posts"].as_array().unwrap().clone();
        assert!(rows.iter().all(|row| row["topic_title"].is_string()));
        empty += usize::from(rows.is_empty());
        seen.extend(post_ids(&rows));
        let newest = before.unwrap_or_else(|| seen[0]);
        if newest <= 50 {
            break;
        }
        before = Some(newest - 50);
    }
    assert!(empty > 1, "private messages leave holes");
    assert!(seen.is_sorted_by(|a, b| a > b));
    let mut all: Vec<u64> = forum.topics().into_iter().flat_map(|id| forum.posts(id)).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(seen, all);
}

#[tokio::test]
async fn one_post_is_found_by_its_id_and_by_its_number() {
    let forum = start(DiscourseConfig::default()).await;
    let topic = forum.topics()[30];
    let post = forum.posts(topic)[0];
    let by_id = ask(&forum, &format!("/posts/{post}.json"));
    assert_eq!(by_id["topic_id"], topic);
    assert!(by_id["raw"].as_str().unwrap().len() > 10);
    assert_eq!(ask(&forum, &format!("/posts/by_number/{topic}/1.json")), by_id);
    assert_eq!(status(&forum, "/posts/99999999.json"), 404);
}

#[tokio::test]
async fn every_kind_of_post_is_there_and_what_nobody_may_see_is_not() {
    let forum = start(DiscourseConfig { topics: 300, ..DiscourseConfig::default() }).await;
    let mut all = Vec::new();
    for id in forum.topics() {
        let wanted = forum.posts(id);
        all.extend(by_ids(&forum, id, &wanted));
    }
    let any = |what: &dyn Fn(&Value) -> bool| all.iter().any(what);
    assert!(all.iter().all(|post| post["post_type"] != 4 && post["deleted_at"].is_null()));
    assert!(any(&|post| post["post_type"] == 2));
    for action in ["closed.enabled", "split_topic"] {
        assert!(any(&|post| post["post_type"] == 3 && post["action_code"] == action), "{action}");
    }
    let hidden =
        |post: &Value| post["hidden"] == true && post["cooked_hidden"] == true && post.get("raw").is_none();
    assert!(any(&hidden));
    for flag in ["user_deleted", "wiki", "via_email", "moderator", "admin", "staff", "accepted_answer"] {
        assert!(any(&|post| post[flag] == true), "{flag}");
    }
    assert!(any(&|post| post["user_id"].is_null() && post["name"].is_null()), "a deleted account");
    assert!(any(&|post| post["user_id"].as_i64().is_some_and(|id| id < 0)), "a bot");
    assert!(any(&|post| post["actions_summary"][0]["id"] == 2));
    assert!(any(&|post| post["reply_to_user"]["username"].is_string()));
    let quoting =
        |post: &Value| !post["reply_to_post_number"].is_null() && post.get("reply_to_user").is_none();
    assert!(any(&quoting));
    assert!(any(&|post| post["polls"][0]["options"][1]["votes"].is_u64()));
    assert!(any(&|post| post["version"] == 2));
    let gaps = all.windows(2).filter(|pair| pair[0]["topic_id"] == pair[1]["topic_id"]);
    let number = |post: &Value| post["post_number"].as_u64().unwrap();
    assert!(
        gaps.into_iter().any(|pair| number(&pair[1]) > number(&pair[0]) + 1),
        "a deleted post leaves a gap"
    );
}

#[tokio::test]
async fn the_showcase_has_every_kind_of_markup_in_both_forms() {
    let forum = start(DiscourseConfig::default()).await;
    // After the descriptions of the categories.
    let id = forum.topics()[5];
    let all = by_ids(&forum, id, &forum.posts(id));
    let has = |field: &str, text: &str| all.iter().any(|post| post[field].as_str().unwrap().contains(text));
    for cooked in [
        "<pre data-code-wrap",
        "<aside class=\"quote",
        "class=\"onebox",
        "md-table",
        "lightbox-wrapper",
        "class=\"mention",
        "class=\"emoji",
        "<ul>",
        "data-poll-option-id",
        "。",
        "<details>",
        "class=\"math",
        "chcklst-box",
        "footnote-ref",
        "class=\"attachment",
        "discourse-local-date",
        "<blockquote>",
        "lazy-video-container",
        "hashtag-cooked",
        "quote-title__text-content",
        "bbcode-b",
        "href=\"/404\" data-orig-href=\"upload://",
    ] {
        assert!(has("cooked", cooked), "{cooked}");
    }
    for raw in [
        "```cpp",
        "```python",
        "[quote=\"",
        "upload://",
        "[poll ",
        "|:--|",
        "[details=",
        "- [x]",
        "@nobody-here",
    ] {
        let either = raw.starts_with("```") && (has("raw", "```cpp") || has("raw", "```python"));
        assert!(either || has("raw", raw), "{raw}");
    }
}

#[tokio::test]
async fn only_the_plain_form_shows_hidden_posts() {
    let forum = start(DiscourseConfig::default()).await;
    let mut hidden = 0;
    for id in forum.topics() {
        let topic = ask(&forum, &format!("/t/{id}.json?include_raw=1"));
        for post in posts(&topic).iter().filter(|post| post["hidden"] == true) {
            assert!(post.get("raw").is_none());
            let plain = get(&format!("{}/raw/{id}", forum.site())).text();
            assert!(plain.contains(&format!("#{}\n\nBuy my lifeboats", post["post_number"])));
            hidden += 1;
        }
    }
    assert!(hidden > 0);
}

#[tokio::test]
async fn reactions_and_lists_of_answers_come_on_wish() {
    let config = DiscourseConfig { reactions: true, many_answers: true, ..DiscourseConfig::default() };
    let (forum, plain) = (start(config).await, start(DiscourseConfig::default()).await);
    let path = format!("/t/{}.json", forum.topics()[5]);
    let (new, old) = (ask(&forum, &path), ask(&plain, &path));
    assert_eq!(new["accepted_answers"][0], old["accepted_answer"]);
    assert!(old["accepted_answer"]["username"].is_string() && new.get("accepted_answer").is_none());
    for (post, before) in posts(&new).iter().zip(posts(&old)) {
        let likes = before["actions_summary"][0]["count"].as_u64().unwrap_or(0);
        assert_eq!((&post["reaction_users_count"], before.get("reactions")), (&likes.into(), None));
        assert_eq!(post["reactions"].as_array().unwrap().is_empty(), likes == 0);
    }
}
