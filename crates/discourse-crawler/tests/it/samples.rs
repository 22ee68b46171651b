//! Recorded topics. They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`. Without it
//! there is nothing to read, and these tests say so.

use std::collections::HashMap;
use std::path::PathBuf;

use discourse_crawler::from_raw;
use html_markdown::{Options, convert};
use serde_json::Value;
use url::Url;

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
fn samples() -> Option<PathBuf> {
    let folder =
        std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join("discourse/urho3d"));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded topics are read");
    }
    folder
}

/// Raw posts by number, of a recorded `/raw/ID`.
fn raw_posts(text: &str) -> HashMap<u64, String> {
    let mut posts = HashMap::new();
    for part in text.split("\n-------------------------\n") {
        let part = part.trim_start_matches('\n');
        let Some((head, body)) = part.split_once('\n') else { continue };
        let Some(number) = head.rsplit(" | #").next().and_then(|number| number.trim().parse().ok()) else {
            continue;
        };
        posts.insert(number, body.trim_matches('\n').to_owned());
    }
    posts
}

/// The fenced blocks of a text, marks left out.
fn fences(text: &str) -> Vec<String> {
    let (mut found, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in text.lines() {
        let fence = line.starts_with("```");
        open = match open {
            None if fence && !line[3..].contains('`') => Some(String::new()),
            None => None,
            Some(code) if fence => {
                found.push(code);
                None
            }
            Some(code) => Some(format!("{code}{line}\n")),
        };
    }
    found
}

#[test]
fn recorded_posts_are_plain_markdown_with_their_code_to_the_byte() {
    let Some(folder) = samples() else { return };
    let base = Url::parse("https://discourse.urho3d.io/").unwrap();
    let (mut posts, mut with_raw, mut plain, mut blocks) = (0, 0, 0, 0);
    for entry in std::fs::read_dir(folder.join("json")).unwrap() {
        let path = entry.unwrap().path();
        let topic: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let raw = std::fs::read_to_string(folder.join("raw").join(format!("{name}.md"))).unwrap_or_default();
        let raw = raw_posts(&raw.replace("\r\n", "\n"));
        for post in topic["post_stream"]["posts"].as_array().unwrap() {
            posts += 1;
            let Some(raw) = raw.get(&post["post_number"].as_u64().unwrap()) else { continue };
            with_raw += 1;
            let converted =
                convert(post["cooked"].as_str().unwrap(), &Options::discourse(Some(base.clone())));
            let Some(markdown) = from_raw(raw, &converted, &base) else { continue };
            plain += 1;
            for residue in ["[quote", "[/quote]", "upload://", "[details", "[/spoiler]"] {
                let outside = spans_out(&markdown);
                assert!(
                    !outside.contains(residue),
                    "{name} {}: {residue} in {markdown}",
                    post["post_number"]
                );
            }
            for code in fences(raw) {
                blocks += 1;
                let bare: String =
                    markdown.lines().map(|line| format!("{}\n", line.trim_start_matches("> "))).collect();
                assert!(
                    markdown.contains(&code) || bare.contains(&code),
                    "{name} {}: {code}",
                    post["post_number"]
                );
            }
        }
    }
    eprintln!("{posts} posts, {with_raw} with raw text, {plain} plain, {blocks} blocks of code");
    assert_eq!((posts, with_raw), (1_361, 1_341));
    assert!(plain >= 1_000 && blocks > 100, "{plain} {blocks}");
}

/// A text without its code.
fn spans_out(markdown: &str) -> String {
    let mut kept = String::new();
    let mut fence = false;
    for line in markdown.lines() {
        let line = line.trim_start_matches("> ");
        if line.trim_start().starts_with("```") {
            fence = !fence;
        } else if !fence && !line.starts_with("    ") && !line.starts_with('\t') {
            kept.extend(line.split('`').step_by(2));
            kept.push('\n');
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_forum_comes_whole_with_few_requests() {
    let Some(folder) = samples() else { return };
    let config = crawl_sim::DiscourseConfig { topics: 0, recorded: Some(folder), ..Default::default() };
    let forum = crate::shop::forum(config).await;
    let root = tempfile::tempdir().unwrap();
    let out = crate::shop::crawl(&forum.site(), root.path()).args(["--images", "none"]).output().unwrap();
    assert!(out.status.success(), "{}", crate::shop::text(&out.stderr));
    let all = crate::shop::conversations(root.path());
    let posts: Vec<_> = all.values().flat_map(|conversation| &conversation.posts).collect();
    assert_eq!((all.len(), posts.len()), (104, 1_361));
    for (id, conversation) in &all {
        let here: Vec<u64> = conversation.posts.iter().filter_map(|post| post.id).collect();
        assert_eq!(here, forum.posts(*id), "topic {id}");
    }
    let asked = |what: &str| forum.seen().iter().filter(|seen| seen.path_and_query.contains(what)).count();
    let (lists, topics) = (asked("latest.json"), asked("/t/"));
    eprintln!("{lists} lists, {topics} for topics and their posts");
    assert!((114..=140).contains(&(lists + topics)), "{lists} + {topics}");
    let markdown: Vec<&str> = posts.iter().filter_map(|post| post.markdown.as_deref()).collect();
    for residue in ["lightbox", "quote-controls", "avatar", "badge-wrapper", "<aside", "upload://"] {
        let found = markdown.iter().filter(|text| spans_out(text).contains(residue)).count();
        let typed = posts.iter().filter(|post| post.markdown_from.as_deref() == Some("raw")).count();
        assert!(found == 0 || residue == "avatar", "{residue}: {found} of {typed}");
    }
    assert!(posts.iter().all(|post| post.markdown.is_some() || post.dropped_reason.is_some()));
}
