//! Exports: every form holds, nothing is left out silently, names and personal data as it is wished.

use std::collections::BTreeSet;
use std::path::Path;

use crawl_sim::{Discourse, DiscourseConfig, PlantedTopic};
use discourse_crawler::export::{body, parse};
use serde_json::Value;

use crate::shop::{conversations, crawl, forum, program, text};

async fn crawled(config: DiscourseConfig, root: &Path) -> Discourse {
    let forum = forum(config).await;
    let out = crawl(&forum.site(), root).args(["--images", "none"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    forum
}

/// Samples of all splits, and what the program said.
fn export(root: &Path, name: &str, flags: &[&str]) -> (Vec<Value>, String) {
    let out = root.join("exports").join(name);
    let ran = program(&["export"]).args(flags).arg("--out").arg(&out).arg(root).output().unwrap();
    let told = text(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    let mut samples = Vec::new();
    for split in ["train", "validation", "test"] {
        let lines = std::fs::read_to_string(out.join(format!("{split}.jsonl"))).unwrap_or_default();
        samples.extend(lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    (samples, told)
}

/// The sum that the program tells holds.
fn adds_up(told: &str, samples: usize) {
    let numbers: Vec<usize> = told
        .lines()
        .find(|line| line.contains("conversations read"))
        .unwrap()
        .replace(',', "")
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [read, became, made, gone] = numbers[..] else { panic!("{told}") };
    assert_eq!((read, made), (became + gone, samples), "{told}");
    let reasons: usize = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("left out"))
        .map(|line| line.split_whitespace().next().unwrap().replace(',', "").parse::<usize>().unwrap())
        .sum();
    assert_eq!(reasons, gone, "{told}");
}

fn turns_alternate(turns: &[Value], field: &str, user: &str, assistant: &str, content: &str) {
    assert!(turns.len() >= 2 && turns.len().is_multiple_of(2), "{turns:?}");
    for (at, turn) in turns.iter().enumerate() {
        assert_eq!(turn[field], if at % 2 == 0 { user } else { assistant });
        assert!(!turn[content].as_str().unwrap().trim().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_is_valid_and_says_where_each_sample_is_from() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let _forum = crawled(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }, root).await;
    let known = conversations(root);
    let sourced = |sample: &Value| {
        let topic = &known[&sample["meta"]["topic_id"].as_u64().unwrap()];
        let numbers: BTreeSet<u64> = topic.posts.iter().filter_map(|post| post.number).collect();
        let posts = sample["meta"]["posts"].as_array().unwrap();
        assert!(!posts.is_empty() && posts.iter().all(|post| numbers.contains(&post.as_u64().unwrap())));
    };
    for roles in ["asker", "best", "chain", "multi"] {
        let (samples, told) = export(root, &format!("messages-{roles}"), &["--roles", roles]);
        assert!(!samples.is_empty(), "{roles}: {told}");
        adds_up(&told, samples.len());
        for sample in &samples {
            turns_alternate(sample["messages"].as_array().unwrap(), "role", "user", "assistant", "content");
            sourced(sample);
        }
        let (samples, told) =
            export(root, &format!("sharegpt-{roles}"), &["--format", "sharegpt", "--roles", roles]);
        adds_up(&told, samples.len());
        let ids: BTreeSet<&str> = samples.iter().map(|sample| sample["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), samples.len());
        for sample in &samples {
            turns_alternate(sample["conversations"].as_array().unwrap(), "from", "human", "gpt", "value");
        }
        let (samples, told) =
            export(root, &format!("alpaca-{roles}"), &["--format", "alpaca", "--roles", roles]);
        adds_up(&told, samples.len());
        for sample in &samples {
            assert!(["instruction", "output"].iter().all(|name| !sample[*name].as_str().unwrap().is_empty()));
            assert!(
                sample["history"].as_array().unwrap().iter().all(|pair| pair.as_array().unwrap().len() == 2)
            );
        }
    }
    let (samples, told) = export(root, "dpo", &["--format", "dpo"]);
    adds_up(&told, samples.len());
    assert!(!samples.is_empty(), "{told}");
    for sample in &samples {
        assert!(
            ["prompt", "chosen", "rejected"].iter().all(|name| !sample[*name].as_str().unwrap().is_empty())
        );
        assert_ne!(sample["chosen"], sample["rejected"]);
        sourced(sample);
    }
    let (accepted, _) = export(root, "accepted", &["--roles", "best", "--accepted"]);
    assert!(!accepted.is_empty());
    for sample in accepted {
        let topic = &known[&sample["meta"]["topic_id"].as_u64().unwrap()];
        assert!(topic.topic.accepted_post_number.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_form_is_read_back_to_the_same_posts() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let _forum = crawled(DiscourseConfig { topics: 40, ..DiscourseConfig::default() }, root).await;
    let (samples, _) = export(root, "seed", &["--format", "seed", "--min-posts", "1"]);
    let known = conversations(root);
    assert!(samples.len() >= 30);
    for sample in &samples {
        let url = sample["url"].as_str().unwrap();
        let id: u64 = url.rsplit('/').next().unwrap().parse().unwrap();
        let posts: Vec<_> = known[&id].posts.iter().filter(|post| post.dropped_reason.is_none()).collect();
        let conversation = sample["conversations"].as_str().unwrap();
        assert!(conversation.starts_with("\n<# "));
        let read = parse(conversation);
        assert_eq!(read.len(), posts.len(), "{url}");
        for ((name, text), post) in read.iter().zip(posts) {
            assert_eq!(
                (name.as_str(), text.trim_end()),
                (post.username.as_deref().unwrap(), body(post).trim_end())
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_personal_data_and_copies_are_treated_as_it_is_wished() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let long = "The renderer draws each frame twice when the window is moved to another screen, and the log shows the same \
                two lines again and again, so the fix has to wait for the driver to tell which screen it is on before it draws.";
    let mail = format!("{long} Write to jane.roe@gmail.com about it.");
    let plant = |title: &str| {
        PlantedTopic::topic(title).post(Some(&mail), &format!("<p>{mail}</p>")).post(
            Some(&format!("It does so here too, with the same driver. {long}")),
            &format!("<p>{long}</p>"),
        )
    };
    let plants = vec![plant("first of two"), plant("second of two")];
    let _forum = crawled(DiscourseConfig { topics: 20, plants, ..DiscourseConfig::default() }, root).await;
    let seed = ["--format", "seed", "--min-posts", "1"];
    let with = |name: &str, more: &[&str]| {
        let flags: Vec<&str> = seed.iter().chain(more).copied().collect();
        export(root, name, &flags)
    };
    let whole = |samples: &[Value]| samples.iter().map(Value::to_string).collect::<String>();

    let (reported, told) = with("reported", &[]);
    assert!(whole(&reported).contains("jane.roe@gmail.com") && told.contains("EMAIL"), "{told}");
    for mode in ["tag", "fake", "drop"] {
        let (samples, _) = with(mode, &["--pii", mode]);
        assert!(!whole(&samples).contains("jane.roe@gmail.com"), "{mode}");
    }
    let without_key =
        program(&["export", "--pii", "hash", "--out"]).arg(root.join("x")).arg(root).output().unwrap();
    assert!(text(&without_key.stderr).contains("GLEANER_PII_KEY"));

    let (samples, _) = with("named", &["--pseudonyms"]);
    let names: BTreeSet<String> = conversations(root)
        .values()
        .flat_map(|conversation| &conversation.posts)
        .filter(|post| post.dropped_reason.is_none())
        .filter_map(|post| post.username.clone())
        .collect();
    let speakers: BTreeSet<String> = samples
        .iter()
        .flat_map(|sample| parse(sample["conversations"].as_str().unwrap()))
        .map(|(name, _)| name)
        .collect();
    assert!(speakers.iter().all(|name| name.starts_with("user")), "{speakers:?}");
    let all = whole(&samples);
    assert!(names.iter().all(|name| !all.contains(&format!("@{name}"))));

    let (kept, _) = with("kept", &["--copies", "keep"]);
    let (dropped, told) = with("dropped", &["--copies", "drop"]);
    assert!(told.contains("a copy of another one"), "{told}");
    adds_up(&told, dropped.len());
    assert!(dropped.len() < kept.len());
    let titled = |samples: &[Value], title: &str| samples.iter().any(|sample| sample["title"] == title);
    assert!(titled(&dropped, "first of two") != titled(&dropped, "second of two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_topic_goes_is_the_same_in_every_run() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let _forum = crawled(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }, root).await;
    let flags = ["--validation", "20", "--test", "20", "--min-posts", "1", "--format", "seed"];
    let once = export(root, "one", &flags).0;
    assert_eq!(once, export(root, "two", &flags).0);
    for split in ["train", "validation", "test"] {
        let lines = std::fs::read_to_string(root.join(format!("exports/one/{split}.jsonl"))).unwrap();
        assert!(lines.lines().count() >= 3, "{split}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_parts_of_messages_and_old_names_are_there_by_choice() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let forum = forum(DiscourseConfig { topics: 60, ..DiscourseConfig::default() }).await;
    assert!(crawl(&forum.site(), root).output().unwrap().status.success());
    let (samples, _) = export(root, "parts", &["--pictures"]);
    let parts = samples.iter().flat_map(|sample| sample["messages"].as_array().unwrap());
    let mut pictures = 0;
    for part in parts.filter_map(|turn| turn["content"].as_array()).flatten() {
        match part["type"].as_str().unwrap() {
            "text" => assert!(!part["text"].as_str().unwrap().is_empty()),
            "image" => {
                pictures += 1;
                assert!(root.join(part["image"].as_str().unwrap()).is_file());
            }
            other => panic!("{other}"),
        }
    }
    assert!(pictures > 0);
    let (samples, _) = export(root, "marks", &["--pictures", "--format", "sharegpt"]);
    let mut marked = 0;
    for sample in &samples {
        let turns = sample["conversations"].as_array().unwrap();
        let marks: usize =
            turns.iter().map(|turn| turn["value"].as_str().unwrap().matches("<image>").count()).sum();
        assert_eq!(marks, sample["images"].as_array().unwrap().len());
        marked += marks;
    }
    assert!(marked > 0);

    let (_, told) = export(root, "old", &["--format", "seed", "--old-names", "--min-posts", "1"]);
    let old = root.join("exports/old");
    let first: Value = serde_json::from_slice(&std::fs::read(old.join("000000001.json")).unwrap()).unwrap();
    assert!(first["conversations"].as_str().unwrap().starts_with("\n<# "), "{told}");
    assert!(std::fs::read_dir(old.join("imgs")).unwrap().count() > 0);
}
