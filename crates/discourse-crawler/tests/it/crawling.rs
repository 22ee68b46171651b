//! Forums, whole: every post once, limits kept, changes, kills, walls.

use std::collections::BTreeSet;
use std::time::Duration;

use crawl_sim::{Discourse, DiscourseConfig, Limit, PlantedTopic};

use crate::shop::{conversations, crawl, forum, listing, program, text, timeless, tree};

/// Every post that everybody sees is there, in the order of the topic.
fn check_whole(forum: &Discourse, root: &std::path::Path) {
    let all = conversations(root);
    let mut topics = forum.topics();
    topics.retain(|topic| !forum.posts(*topic).is_empty());
    let here: BTreeSet<u64> = all.keys().copied().collect();
    let dropped = listing(root, "/conversations").checkpoint().totals.dropped.values().sum::<u64>();
    let missing: Vec<_> = topics.iter().filter(|topic| !here.contains(topic)).collect();
    // Five topics only describe a category.
    assert_eq!(missing.len() as u64, dropped + 5, "{missing:?} are not here, {dropped} were left out");
    for (id, conversation) in &all {
        let posts: Vec<u64> = conversation.posts.iter().filter_map(|post| post.id).collect();
        assert_eq!(posts, forum.posts(*id), "topic {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_post_of_a_forum_comes_once() {
    let forum = forum(DiscourseConfig { topics: 70, ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path()).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    check_whole(&forum, root.path());
    let all = conversations(root.path());
    let posts: Vec<_> = all.values().flat_map(|conversation| &conversation.posts).collect();
    assert!(posts.iter().any(|post| post.markdown_from.as_deref() == Some("raw")));
    assert!(
        posts.iter().any(|post| !post.code.is_empty()) && posts.iter().any(|post| !post.quotes.is_empty())
    );
    assert!(all.values().any(|talk| talk.topic.category.as_ref().is_some_and(|at| at.name.is_some())));
    assert!(all.values().any(|talk| talk.topic.tags.as_ref().is_some_and(|tags| !tags.is_empty())));
    for post in posts.iter().filter_map(|post| post.markdown.as_deref()) {
        for residue in ["class=\"lightbox", "quote-controls", "<aside", "upload://"] {
            assert!(!post.contains(residue), "{residue}: {post}");
        }
    }
    // Pictures lie under the hash of their bytes, each once.
    let pictures = tree(&root.path().join("images"));
    let named: BTreeSet<_> =
        posts.iter().flat_map(|post| &post.images).filter_map(|image| image.file.clone()).collect();
    let here: BTreeSet<_> = pictures.keys().filter(|path| !path.ends_with(".files")).collect();
    assert!(!named.is_empty() && named.len() == here.len(), "{named:?} {here:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_thousands_of_posts_without_a_stream_comes_whole() {
    let config = DiscourseConfig { topics: 3, mega: Some(12_000), pictures: 0, ..DiscourseConfig::default() };
    let forum = forum(config).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path()).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    check_whole(&forum, root.path());
    assert!(conversations(root.path()).values().any(|conversation| conversation.posts.len() == 12_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_knocks_while_the_forum_wants_a_pause() {
    let limits = vec![Limit { requests: 20, seconds: 2.0 }];
    let forum = forum(DiscourseConfig {
        topics: 25,
        posts: Some(3),
        pictures: 0,
        limits,
        ..DiscourseConfig::default()
    })
    .await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path()).args(["--images", "none"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(forum.early(), 0);
    check_whole(&forum, root.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_killed_again_and_again_gives_the_same_conversations() {
    let config =
        || DiscourseConfig { topics: 60, latency: Duration::from_millis(2), ..DiscourseConfig::default() };
    let forum = forum(config()).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(crawl(&forum.site(), whole.path()).output().unwrap().status.success());
    for kill in 0..12_u64 {
        let mut child = crawl(&forum.site(), root.path()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(40 + kill * 40));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let out = crawl(&forum.site(), root.path()).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(timeless(conversations(root.path())), timeless(conversations(whole.path())));
    let pictures = |root: &std::path::Path| tree(&root.join("images"));
    assert!(pictures(root.path()) == pictures(whole.path()), "a picture differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_found_by_the_next_run_and_what_is_gone_is_told() {
    let forum = forum(DiscourseConfig { topics: 40, posts: Some(4), ..DiscourseConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(crawl(&forum.site(), &at("first")).output().unwrap().status.success());
    let topics: Vec<u64> = conversations(&at("first")).into_keys().collect();
    let reply = forum.reply(topics[3], "a new word on it").unwrap();
    let removed = forum.posts(topics[5])[2];
    assert!(forum.delete_post(removed));
    assert!(forum.delete_topic(topics[7]));
    let silent = forum.posts(topics[9])[1];
    assert!(forum.edit_silently(silent, "said otherwise now"));
    let split = forum.split(topics[11], &forum.posts(topics[11])[2..], "another matter").unwrap();

    // With all of the rest looked at again, nothing is overlooked.
    let run = |root: &str, since: &[&str], recheck: &str| {
        let mut command = crawl(&forum.site(), &at(root));
        for name in since {
            command.arg("--since").arg(at(name));
        }
        let out = command.args(["--recheck", recheck]).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
    };
    run("second", &["first"], "100");
    let second = conversations(&at("second"));
    assert!(second[&topics[3]].posts.iter().any(|post| post.id == Some(reply)));
    assert!(second[&topics[5]].posts.iter().all(|post| post.id != Some(removed)));
    assert_eq!(second[&topics[5]].more["deleted_posts"], serde_json::json!([removed]));
    assert_eq!(second[&topics[7]].more["deleted_upstream"], true);
    assert!(
        second[&topics[9]].posts.iter().any(|post| post.markdown.as_deref() == Some("said otherwise now"))
    );
    assert!(second.contains_key(&split));
    assert!(!second.contains_key(&topics[0]), "what has not changed is left out");

    // Both together are what a fresh crawl gives.
    assert!(crawl(&forum.site(), &at("fresh")).output().unwrap().status.success());
    let export = |name: &str, roots: &[&str]| {
        let mut command = program(&["export", "--quiet", "--format", "seed", "--min-posts", "1", "--out"]);
        command.arg(at(name)).args(roots.iter().map(|root| at(root)));
        let out = command.output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
        let mut lines: Vec<String> = std::fs::read_to_string(at(name).join("train.jsonl"))
            .unwrap()
            .lines()
            .map(String::from)
            .collect();
        lines.sort();
        lines
    };
    let (folded, whole) = (export("folded", &["first", "second"]), export("whole", &["fresh"]));
    let others: Vec<_> = folded.iter().filter(|line| !whole.contains(line)).collect();
    let lost: Vec<_> = whole.iter().filter(|line| !folded.contains(line)).collect();
    assert!(others.is_empty() && lost.is_empty(), "{others:?}\n{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn walls_and_other_sites_are_told_apart_and_say_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let fails = |url: &str, code: i32, word: &str| {
        let out = crawl(url, root.path()).args(["--tries", "1"]).output().unwrap();
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{told}");
        assert!(told.contains(word), "{told}");
    };
    let locked = forum(DiscourseConfig { login_required: true, ..DiscourseConfig::default() }).await;
    fails(&locked.site(), 77, "DISCOURSE_API_KEY");
    let challenge = forum(DiscourseConfig { challenge: true, ..DiscourseConfig::default() }).await;
    fails(&challenge.site(), 77, "a page came where data was asked for");
    let folder =
        forum(DiscourseConfig { base: "/forum".into(), topics: 3, ..DiscourseConfig::default() }).await;
    fails(folder.site().trim_end_matches("/forum"), 78, "no Discourse forum");
    let out = crawl(&folder.site(), root.path()).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_cannot_be_meant_is_told_before_anybody_is_asked() {
    let forum = forum(DiscourseConfig { topics: 1, ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    for (flag, value, code, word) in
        [("--rate", "0", 2, "above 0"), ("--since", "/nowhere/at/all", 78, "the folder that --since names")]
    {
        let root = root.path().display().to_string();
        let out = program(&["crawl", &forum.site(), "--root", &root, flag, value]).output().unwrap();
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{told}");
        assert!(told.contains(word), "{told}");
    }
    assert!(forum.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_sent_to_its_forum_and_told_to_nobody() {
    let config = DiscourseConfig {
        login_required: true,
        api_key: Some(("very-secret-key".into(), "system".into())),
        topics: 4,
        ..DiscourseConfig::default()
    };
    let forum = forum(config).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path())
        .env("DISCOURSE_API_KEY", "very-secret-key")
        .env("DISCOURSE_API_USERNAME", "system")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let all = tree(root.path());
    for bytes in all.values().chain([&out.stdout, &out.stderr]) {
        assert!(!text(bytes).contains("very-secret-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn robots_txt_is_obeyed_and_where_it_fails_nothing_is_crawled() {
    let run = |robots: (u16, &str)| {
        let robots = (robots.0, robots.1.to_owned());
        async move {
            let config = DiscourseConfig { topics: 6, posts: Some(2), robots, ..DiscourseConfig::default() };
            let forum = forum(config).await;
            let root = tempfile::tempdir().unwrap();
            let out = crawl(&forum.site(), root.path()).args(["--tries", "1"]).output().unwrap();
            let asked =
                forum.seen().iter().filter(|seen| !seen.path_and_query.contains("robots.txt")).count();
            (out.status.code().unwrap(), text(&out.stderr), asked, root)
        }
    };
    let (code, told, asked, _) = run((200, "User-agent: *\nDisallow: /\n")).await;
    assert_eq!((code, asked), (77, 0), "{told}");
    assert!(told.contains("line 2 of robots.txt"), "{told}");
    let (code, told, asked, _) = run((503, "")).await;
    assert_eq!((code, asked), (75, 0), "{told}");
    let (code, told, ..) = run((404, "")).await;
    assert_eq!(code, 0, "{told}");

    // A site that says no to training is crawled for its own archive, and not exported.
    let (code, told, _, root) =
        run((200, "User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /\n")).await;
    assert_eq!(code, 0, "{told}");
    let export = |out: &str, more: &[&str]| {
        let mut command = program(&["export", "--format", "seed", "--min-posts", "1", "--out"]);
        command.arg(root.path().join(out)).arg(root.path()).args(more).output().unwrap()
    };
    let out = export("none", &[]);
    assert!(text(&out.stderr).contains("its site says no to training"), "{out:?}");
    assert!(!root.path().join("none/train.jsonl").exists());
    assert!(export("all", &["--with-refused"]).status.success());
    assert!(root.path().join("all/train.jsonl").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_answered_while_the_forum_is_crawled_come_out_whole() {
    let changes = ["12=reply:3:2", "20=reply:25:3", "31=bump:5", "33=reply:30:1"];
    let changes = changes.map(|change| change.parse().unwrap()).to_vec();
    let config = DiscourseConfig { topics: 40, posts: Some(4), changes, ..DiscourseConfig::default() };
    let forum = forum(config).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path()).args(["--images", "none"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let all = conversations(root.path());
    assert_eq!(all.len() + 5, forum.topics().len());
    for (id, conversation) in &all {
        // What was written after the topic was fetched is for the next run; nothing in between is lost.
        let here: Vec<u64> = conversation.posts.iter().filter_map(|post| post.id).collect();
        let there = forum.posts(*id);
        assert!(
            there.starts_with(&here) && here.len() >= 4.min(there.len()),
            "topic {id}: {here:?} {there:?}"
        );
    }
    let next = root.path().join("next");
    let out = crawl(&forum.site(), &next)
        .args(["--images", "none", "--recheck", "100", "--since"])
        .arg(root.path())
        .output();
    assert!(out.as_ref().unwrap().status.success(), "{}", text(&out.unwrap().stderr));
    for (id, conversation) in conversations(&next) {
        let here: Vec<u64> = conversation.posts.iter().filter_map(|post| post.id).collect();
        assert_eq!(here, forum.posts(id), "topic {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_of_20_megabytes_is_bounded_and_whole() {
    let large =
        format!("<div><p>{}</p></div>", "all of these words stay <b>here</b> ".repeat((20 << 20) / 35));
    let deep = format!("{}deep{}", "<div>".repeat(200_000), "</div>".repeat(200_000));
    let plants = vec![PlantedTopic::topic("large").post(None, &large).post(None, &deep)];
    let forum = forum(DiscourseConfig { topics: 0, plants, ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = crawl(&forum.site(), root.path()).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let all = conversations(root.path());
    let posts = &all.values().find(|talk| talk.topic.title.as_deref() == Some("large")).unwrap().posts;
    assert_eq!(posts[0].markdown.as_deref().unwrap().matches("words stay").count(), (20 << 20) / 35);
    assert!(posts[1].markdown.as_deref().unwrap().contains("deep"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_a_forum_lie_beside_its_posts() {
    let forum = forum(DiscourseConfig { topics: 2, posts: Some(2), ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    assert!(crawl(&forum.site(), root.path()).output().unwrap().status.success());
    let terms = tree(&root.path().join("discourse")).into_iter().find(|(path, _)| path.ends_with("terms.md"));
    assert!(text(&terms.unwrap().1).contains("CC BY-NC-SA 3.0"));
    let silent = DiscourseConfig { topics: 2, posts: Some(2), terms: None, ..DiscourseConfig::default() };
    let forum = crate::shop::forum(silent).await;
    let root = tempfile::tempdir().unwrap();
    assert!(crawl(&forum.site(), root.path()).output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_posts_of_a_site_are_asked_for_too() {
    let forum = forum(DiscourseConfig { topics: 90, posts: Some(2), ..DiscourseConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(crawl(&forum.site(), &at("first")).output().unwrap().status.success());
    let topics: Vec<u64> = conversations(&at("first")).into_keys().collect();
    let reply = forum.reply(topics[1], "an answer").unwrap();
    let out =
        crawl(&forum.site(), &at("second")).args(["--recheck", "1", "--since"]).arg(at("first")).output();
    assert!(out.as_ref().unwrap().status.success(), "{}", text(&out.unwrap().stderr));
    let posts = forum.seen().iter().filter(|seen| seen.path_and_query.starts_with("/posts.json")).count();
    assert!((1..5).contains(&posts), "down to the newest known one and no further: {posts}");
    let second = conversations(&at("second"));
    assert!(second[&topics[1]].posts.iter().any(|post| post.id == Some(reply)));
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_below_ones_that_nobody_sees_any_more_are_not_stepped_over() {
    let forum = forum(DiscourseConfig { topics: 40, posts: Some(2), ..DiscourseConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(crawl(&forum.site(), &at("first")).output().unwrap().status.success());
    let topic = *forum.topics().first().unwrap();
    let replies: Vec<u64> = (0..120).map(|_| forum.reply(topic, "an answer").unwrap()).collect();
    assert!(replies[80..].iter().all(|id| forum.delete_post(*id)));
    let before = forum.seen().len();
    let out = crawl(&forum.site(), &at("second")).arg("--since").arg(at("first")).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let tops: Vec<u64> = forum.seen()[before..]
        .iter()
        .filter_map(|seen| seen.path_and_query.strip_prefix("/posts.json"))
        .map(|query| query.split_once("before=").map_or(replies[119], |(_, number)| number.parse().unwrap()))
        .collect();
    // Each window has fifty numbers.
    let asked = |id: &u64| tops.iter().any(|top| (top.saturating_sub(49)..=*top).contains(id));
    let never: Vec<u64> = replies.iter().copied().filter(|id| !asked(id)).collect();
    assert!(never.is_empty(), "{tops:?} leaves out {never:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_told_by_number_alone_are_judged_by_their_title_too() {
    let forum = forum(DiscourseConfig { topics: 12, posts: Some(3), ..DiscourseConfig::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(crawl(&forum.site(), &at("first")).output().unwrap().status.success());
    let first = conversations(&at("first"));
    let title = |id: &u64| regex::escape(first[id].topic.title.as_deref().unwrap());
    let ids: Vec<u64> = first.keys().copied().collect();
    let [wanted, other] = [ids[3], ids[5]];
    for id in [wanted, other] {
        assert!(forum.edit_silently(forum.posts(id)[1], "said otherwise now"));
    }
    let run = |root: &str, how: &[&str]| {
        let mut command = crawl(&forum.site(), &at(root));
        let out = command.args(["--recheck", "100", "--since"]).arg(at("first")).args(how).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
        conversations(&at(root)).into_keys().collect::<Vec<_>>()
    };
    assert_eq!(run("matched", &["--match", &format!("^{}$", title(&wanted))]), [wanted]);
    assert_eq!(run("excluded", &["--exclude", &format!("^{}$", title(&other))]), [wanted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forums_are_crawled_side_by_side_and_one_that_fails_stops_no_other() {
    let one = forum(DiscourseConfig { topics: 12, posts: Some(3), ..DiscourseConfig::default() }).await;
    let two =
        forum(DiscourseConfig { topics: 9, posts: Some(2), seed: 7, ..DiscourseConfig::default() }).await;
    let locked = forum(DiscourseConfig { login_required: true, ..DiscourseConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let run = |urls: &[String]| {
        let mut command = crawl(&urls[0], root.path());
        command.args(&urls[1..]).args(["--images", "none"]).output().unwrap()
    };
    let out = run(&[one.site(), locked.site(), two.site()]);
    assert_eq!(out.status.code(), Some(77), "{}", text(&out.stderr));
    let out = run(&[one.site(), two.site()]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let listings = crawl_core::Stored::sources(root.path()).unwrap();
    let ended = |id: &&crawl_core::SourceId| {
        let stored = crawl_core::Stored::open(root.path(), id).unwrap();
        stored.checkpoint().ended() && stored.checkpoint().totals.records > 0
    };
    assert_eq!(listings.iter().filter(ended).count(), 4, "{listings:?}");
}
