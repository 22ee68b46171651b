//! Recorded topics are served as they were, and seeded ones have all their fields.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crawl_sim::{Discourse, DiscourseConfig};
use serde_json::Value;

use super::{ask, ids, posts, start, walk};
use crate::client::get;

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
fn samples() -> Option<PathBuf> {
    let folder =
        std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join("discourse/urho3d"));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded topics are served");
    }
    folder
}

async fn replay(folder: PathBuf) -> Discourse {
    start(DiscourseConfig { topics: 0, recorded: Some(folder), ..DiscourseConfig::default() }).await
}

#[tokio::test]
async fn a_folder_of_topics_is_served_with_its_plain_texts() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, body: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    };
    let post = |id: u64, number: u64| {
        format!(
            "{{\"id\":{id},\"post_number\":{number},\"username\":\"ann\",\"created_at\":\"2014-11-06T13:43:35.000-05:00\",\
             \"cooked\":\"<p>c{number}</p>\",\"post_type\":1,\"odd_field\":[{number}]}}"
        )
    };
    let posts_of = [post(71, 1), post(75, 2), post(79, 4)].join(",");
    let topic = format!(
        "{{\"id\":535,\"title\":\"T\",\"slug\":\"t\",\"category_id\":10,\"created_at\":\"2014-11-06T18:43:35.000Z\",\
         \"views\":7,\"posts_count\":3,\"odd\":true,\"post_stream\":{{\"posts\":[{posts_of}],\"stream\":[71,75,79]}}}}"
    );
    write("json/535-t.json", &topic);
    write("json/_index.json", "[1]");
    write(
        "raw/535-t.md",
        "ann | 2017-01-02 01:01:11 UTC | #1\n\none\n\n-------------------------\n\nnot | a header | #9\nann | 2016-01-02 01:01:11 UTC | #4\n\n\
         -------------------------\n\nann | 2017-01-02 01:01:11 UTC | #4\n\n\n-------------------------\n\n",
    );
    let forum = replay(folder.path().to_owned()).await;
    assert_eq!(ids(&walk(&forum, "/latest.json?order=created&ascending=true")), [535]);
    let shown = ask(&forum, "/t/535.json?include_raw=1");
    assert_eq!((&shown["odd"], &shown["posts_count"]), (&true.into(), &3.into()));
    let all = posts(&shown);
    assert_eq!(all[0]["odd_field"], serde_json::json!([1]));
    assert_eq!(all[0]["created_at"], "2014-11-06T13:43:35.000-05:00");
    assert_eq!(
        all[0]["raw"],
        "one\n\n-------------------------\n\nnot | a header | #9\nann | 2016-01-02 01:01:11 UTC | #4"
    );
    assert_eq!((all[1].get("raw"), &all[2]["raw"]), (None, &"".into()));
    assert!(forum.reply(535, "more").is_some_and(|id| id > 79));
    assert_eq!(ask(&forum, "/t/535.json")["posts_count"], 4);
}

#[tokio::test]
async fn recorded_topics_are_complete() {
    let Some(folder) = samples() else { return };
    let forum = replay(folder.clone()).await;
    let rows = walk(&forum, "/latest.json?order=created&ascending=true");
    let mut topics = 0;
    let (mut count, mut raw) = (0, 0);
    for entry in std::fs::read_dir(folder.join("json")).unwrap().flatten() {
        let body = std::fs::read(entry.path()).unwrap();
        let mut recorded: Value = serde_json::from_slice(&body).unwrap();
        let id = recorded["id"].as_u64().unwrap();
        let stream = recorded["post_stream"]["stream"].clone();
        let mut shown = ask(&forum, &format!("/t/{id}.json?include_raw=1"));
        assert_eq!(shown["post_stream"]["stream"], stream);
        let wanted: String =
            stream.as_array().unwrap().iter().map(|id| format!("post_ids[]={id}&")).collect();
        let all = ask(&forum, &format!("/t/{id}/posts.json?{wanted}include_raw=1"));
        for (before, now) in posts(&recorded).iter().zip(posts(&all)) {
            for (key, value) in before.as_object().unwrap() {
                assert_eq!(&now[key], value, "{id}: {key}");
            }
            // The plain form was recorded with three texts that are hidden otherwise, and without its second page.
            raw += usize::from(now.get("raw").is_some());
            count += 1;
        }
        for topic in [&mut recorded, &mut shown] {
            topic.as_object_mut().unwrap().remove("post_stream");
        }
        for (key, value) in recorded.as_object().unwrap() {
            assert_eq!(&shown[key], value, "{id}: {key}");
        }
        let plain = get(&format!("{}/raw/{id}", forum.site())).text();
        assert!(plain.contains(" UTC | #1\n\n"));
        topics += 1;
    }
    assert_eq!((topics, count), (104, 1361));
    assert_eq!((rows.len(), raw), (104, 1338));
}

/// The types of all values, by their path; elements of arrays and of objects with long hexadecimal keys are one.
fn shapes(path: &str, value: &Value, into: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(items) => {
            items.iter().for_each(|item| shapes(&format!("{path}[]"), item, into));
            "array"
        }
        Value::Object(fields) => {
            for (key, field) in fields.iter().filter(|(key, _)| key.len() != 32) {
                shapes(&format!("{path}.{key}"), field, into);
            }
            "object"
        }
    };
    into.entry(path.to_owned()).or_default().insert(kind);
}

#[tokio::test]
async fn seeded_topics_have_every_recorded_field_in_every_type() {
    let Some(folder) = samples() else { return };
    let forum = start(DiscourseConfig { topics: 250, ..DiscourseConfig::default() }).await;
    let (mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new());
    for id in forum.topics() {
        shapes("", &ask(&forum, &format!("/t/{id}.json")), &mut ours);
    }
    for entry in std::fs::read_dir(folder.join("json")).unwrap().flatten() {
        let recorded: Value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
        shapes("", &recorded, &mut theirs);
    }
    let mut missing = Vec::new();
    for (path, kinds) in theirs {
        let known = ours.get(&path).cloned().unwrap_or_default();
        let lacking: Vec<_> = kinds.difference(&known).collect();
        if !lacking.is_empty() {
            missing.push(format!("{path}: {lacking:?}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
