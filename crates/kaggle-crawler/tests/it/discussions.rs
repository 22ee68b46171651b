//! Discussions, whole: every topic, all comments, deleted ones, `kill -9`, pseudonyms.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crawl_core::Stored;
use crawl_core::http::{Credential, Http, HttpConfig, Request, Secret, Url};
use crawl_core::record::Conversation;
use crawl_sim::{Kaggle as Double, KaggleConfig, Part};
use serde_json::{Value, json};

use crate::shop::{command, id, rows};

/// All parts, small: topics are about them.
pub(crate) fn world() -> KaggleConfig {
    KaggleConfig {
        datasets: 40,
        kernels: 30,
        models: 20,
        competitions: 12,
        topics: 130,
        users: 80,
        ..KaggleConfig::default()
    }
}

/// The program, with a token: Kaggle shows discussions to nobody else.
pub(crate) fn discussions(double: &Double, root: &Path) -> Command {
    let mut command = command(double, "discussions", root);
    command.env("KAGGLE_API_TOKEN", "kgat-a-token");
    command
}

pub(crate) fn ok(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

pub(crate) fn conversations(root: &Path) -> BTreeMap<u64, Conversation> {
    let read = |row: Value| serde_json::from_value::<Conversation>(row).unwrap();
    rows(root, "topics").into_iter().map(read).map(|read| (read.topic.id.unwrap(), read)).collect()
}

/// Rows without the time at which they were fetched.
fn timeless(root: &Path) -> Vec<Value> {
    let mut rows = rows(root, "topics");
    rows.iter_mut().for_each(|row| row["source"]["fetched_at"] = Value::Null);
    rows
}

async fn ask(double: &Double, method: &str, body: Value) -> Value {
    let http = Http::new(HttpConfig::default()).unwrap();
    let url = format!("{}/v1/discussions.DiscussionApiService/{method}", double.url());
    let url = Url::parse(&url).unwrap();
    let credential = Some(Credential::bearer(&url, &Secret::new("kgat-a-token")));
    let request = Request { credential, ..Request::post_json(url, body.to_string().into(), true) };
    serde_json::from_slice(&http.send(&request).await.unwrap().body).unwrap()
}

/// Number, parent and author of all comments of a topic, as the double nests them.
async fn comments(double: &Double, topic: u64) -> Vec<(u64, Option<u64>, String)> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"topicId": topic, "pageSize": 7, "pageToken": token});
        let page = ask(double, "ListComments", body).await;
        let mut open: Vec<(Value, Option<u64>)> = vec![(page["comments"].clone(), None)];
        while let Some((list, parent)) = open.pop() {
            for comment in list.as_array().into_iter().flatten() {
                let id = comment["id"].as_u64().unwrap();
                found.push((id, parent, comment["authorName"].as_str().unwrap().to_owned()));
                open.push((comment["replies"].clone(), Some(id)));
            }
        }
        token = page["nextPageToken"].clone();
        if token.as_str().unwrap_or_default().is_empty() {
            found.sort();
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_topic_comes_once_with_all_comments_nested_as_they_were_and_deleted_ones_stay() {
    let double = Double::start(world()).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    ok(&discussions(&double, root.path()).output().unwrap());
    let found = conversations(root.path());
    let expected: Vec<u64> = double.references(Part::Topics).iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(found.len(), 130);
    assert!(expected.iter().all(|id| found.contains_key(id)));
    assert_eq!(rows(root.path(), "topics").len(), 130);
    let (mut deleted, mut deep, mut html) = (0, 0, 0);
    for (topic, made) in &found {
        let mut have: Vec<_> = made.posts[1..]
            .iter()
            .map(|post| {
                let parent = post.reply_to.map(|number| {
                    made.posts.iter().find(|post| post.number == Some(number)).unwrap().id.unwrap()
                });
                (post.id.unwrap(), parent, post.name.clone().unwrap_or_default())
            })
            .collect();
        have.sort();
        assert_eq!(have, comments(&double, *topic).await, "{topic}");
        assert_eq!(made.posts.len() as u64, made.topic.posts_count.unwrap());
        assert_eq!((made.posts[0].number, made.stats.dangling_replies), (Some(1), Some(0)));
        deep += made.posts.iter().filter(|post| post.reply_to.is_some()).count();
        for post in &made.posts {
            let text = post.markdown.clone().unwrap_or_default();
            assert!(!text.contains("<p>") && !text.contains("<pre>"), "{text}");
            html += usize::from(text.contains("print(1 < 2)"));
            if post.deleted == Some(true) {
                deleted += 1;
                assert!(post.name.is_none() && post.username.is_none() && post.markdown.is_none());
                assert_eq!(post.dropped_reason.as_deref(), Some("deleted"));
            }
        }
    }
    assert!(deleted > 50 && deep > 100 && html > 50, "{deleted} {deep} {html}");
    let pages = |made: &Conversation| made.posts.iter().filter(|post| post.reply_to.is_none()).count() / 200;
    assert!(found.values().any(|made| made.posts.len() == 1300 && pages(made) > 0));
    let kinds = |made: &Conversation| made.topic.about.clone().and_then(|about| about.kind);
    for kind in ["competition", "dataset", "kernel", "model"] {
        assert!(found.values().filter_map(kinds).any(|found| found == kind), "{kind}");
    }
    assert!(found.values().any(|made| made.topic.about.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_reach_the_methods_that_list_the_topics_of_a_thing() {
    let double = Double::start(world()).await.unwrap();
    let run = |arguments: &[&str]| {
        let root = tempfile::tempdir().unwrap();
        ok(&discussions(&double, root.path()).args(arguments).output().unwrap());
        conversations(root.path())
    };
    let all = run(&[]);
    for kind in ["dataset", "kernel", "model"] {
        let about = |made: &Conversation| {
            made.topic.about.clone().filter(|about| about.kind.as_deref() == Some(kind))
        };
        let reference = all.values().find_map(about).unwrap().reference.unwrap();
        let same = |made: &&Conversation| {
            about(made).is_some_and(|about| about.reference.as_ref() == Some(&reference))
        };
        let want: Vec<u64> = all.values().filter(same).map(|made| made.topic.id.unwrap()).collect();
        let flag = format!("--{kind}");
        assert_eq!(run(&[&flag, &reference]).into_keys().collect::<Vec<_>>(), want, "{kind}");
    }
    let forum = run(&["--forum", "general"]);
    assert!(
        !forum.is_empty()
            && forum
                .values()
                .all(|made| { made.topic.category.as_ref().unwrap().name.as_deref() == Some("General") })
    );
    assert!(run(&["--category", "models"]).len() < all.len());
    let ids: Vec<_> = all.keys().take(2).map(u64::to_string).collect();
    assert_eq!(run(&[&ids[0], &ids[1]]).len(), 2);
    let refused =
        discussions(&double, tempfile::tempdir().unwrap().path()).args(["not-a-number"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_gone_is_missing_and_a_later_run_leaves_out_what_has_not_changed() {
    let double = Double::start(world()).await.unwrap();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ok(&discussions(&double, first.path()).output().unwrap());
    let gone = double.references(Part::Topics)[3].clone();
    let refs: Vec<String> = double.references(Part::Topics).into_iter().take(8).collect();
    assert!(double.remove(Part::Topics, &gone));
    let output = discussions(&double, second.path()).args(&refs).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let missing = Stored::open(second.path(), &id("topics")).unwrap().missing(1).unwrap();
    assert_eq!(
        (missing.len(), missing[0].id.as_deref(), missing[0].kind.as_str()),
        (1, Some(gone.as_str()), "gone")
    );
    double.publish(Part::Topics, 5);
    let third = tempfile::tempdir().unwrap();
    ok(&discussions(&double, third.path()).arg("--since").arg(first.path()).output().unwrap());
    let totals = Stored::open(third.path(), &id("topics")).unwrap().checkpoint().totals.clone();
    assert_eq!((totals.records, totals.dropped["unchanged"]), (5, 129));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_topics_killed_again_and_again_gives_the_same_conversations() {
    let config = KaggleConfig { latency: Duration::from_millis(2), ..world() };
    let double = Double::start(config).await.unwrap();
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = ["--rows-a-page", "5"];
    ok(&discussions(&double, whole.path()).args(arguments).output().unwrap());
    for kill in 0..10_u64 {
        let mut child = discussions(&double, root.path()).args(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(40 + kill * 30));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    ok(&discussions(&double, root.path()).args(arguments).output().unwrap());
    assert_eq!(timeless(root.path()), timeless(whole.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pseudonyms_are_the_same_all_over_a_root_and_names_stand_nowhere_in_it() {
    let double = Double::start(KaggleConfig { sparse: true, ..world() }).await.unwrap();
    let (plain, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ok(&discussions(&double, plain.path()).output().unwrap());
    ok(&discussions(&double, root.path()).arg("--pseudonyms").output().unwrap());
    let (named, hidden) = (conversations(plain.path()), conversations(root.path()));
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    for (topic, made) in &named {
        for (post, hidden) in made.posts.iter().zip(&hidden[topic].posts) {
            assert_eq!((post.id, post.username.is_some()), (hidden.id, hidden.username.is_some()));
            let Some(username) = post.username.clone() else { continue };
            let pseudonym = hidden.username.clone().unwrap();
            assert_eq!(hidden.name.as_ref(), Some(&pseudonym));
            assert_eq!(given.entry(username.clone()).or_insert_with(|| pseudonym.clone()), &pseudonym);
            names.extend([username, post.name.clone().unwrap()]);
        }
    }
    let different: std::collections::BTreeSet<_> = given.values().collect();
    assert!(given.len() > 40 && different.len() == given.len());
    names.sort();
    names.dedup();
    let mut folders = vec![root.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let told: Vec<_> = names.iter().filter(|name| text.contains(name.as_str())).collect();
            assert!(told.is_empty(), "{told:?} in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_without_an_end_make_their_topic_missing_and_a_listing_that_ends_early_is_in_doubt() {
    let path = "/v1/discussions.DiscussionApiService/ListComments";
    let faults = vec![format!("{path}@9=status:403").parse().unwrap()];
    let double = Double::start(KaggleConfig { faults, ..world() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let output = discussions(&double, root.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let missing = Stored::open(root.path(), &id("topics")).unwrap().checkpoint().totals.missing;
    assert_eq!((missing, rows(root.path(), "topics").len()), (1, 129));
    ok(&discussions(&double, root.path()).arg("--retry-missing").output().unwrap());
    assert_eq!(rows(root.path(), "topics-retry-1").len(), 1);

    let faults = vec![format!("{path}@all=repeat-cursor").parse().unwrap()];
    let double = Double::start(KaggleConfig { faults, ..world() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let refs = &double.references(Part::Topics)[..3];
    let output = discussions(&double, root.path()).args(refs).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let missing = Stored::open(root.path(), &id("topics")).unwrap().missing(1).unwrap();
    assert!(
        missing.len() == 3 && missing.iter().all(|missing| missing.message.contains("an end")),
        "{missing:?}"
    );

    let faults = vec!["/v1/discussions.DiscussionApiService/ListTopics@1=no-next".parse().unwrap()];
    let double = Double::start(KaggleConfig { faults, topics: 300, ..world() }).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let output = discussions(&double, root.path()).arg("--list-only").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("there are 300 rows, and showed 200"), "{told}");
}
