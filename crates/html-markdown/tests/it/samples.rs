//! Recorded pages and posts. They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`.
//! Without it there is nothing to read, and the tests that want it say so.

use std::path::{Path, PathBuf};

use serde_json::Value;

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
pub(crate) fn folder(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join(part));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded pages are read");
    }
    folder.filter(|folder| folder.exists())
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One post of a recorded topic.
pub(crate) struct Post {
    pub(crate) name: String,
    pub(crate) cooked: String,
    pub(crate) raw: Option<String>,
}

/// All posts of all recorded topics, with their raw text where it was recorded too.
pub(crate) fn posts() -> Option<Vec<Post>> {
    let discourse = folder("discourse")?;
    let mut posts = Vec::new();
    for part in ["urho3d/json", "slicer_cooked"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(discourse.join(part)).unwrap().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let topic = json(&path);
            let raw = path.to_str().unwrap().replace("/json/", "/raw/").replace(".json", ".md");
            let raw = std::fs::read_to_string(raw).map(|raw| raw_posts(&raw)).unwrap_or_default();
            let list = [&topic["post_stream"]["posts"], &topic["posts"], &topic];
            for post in list.iter().find_map(|list| list.as_array()).unwrap() {
                let number = post["post_number"].as_u64().unwrap();
                posts.push(Post {
                    name: format!("{} #{number}", path.file_stem().unwrap().to_string_lossy()),
                    cooked: post["cooked"].as_str().unwrap().to_owned(),
                    raw: raw.iter().find(|(one, _)| *one == number).map(|(_, raw)| raw.clone()),
                });
            }
        }
    }
    Some(posts)
}

/// `/raw/ID`: `user | date UTC | #n`, an empty line, the post, an empty line, 25 dashes.
fn raw_posts(raw: &str) -> Vec<(u64, String)> {
    let mut posts: Vec<(u64, String)> = Vec::new();
    for line in raw.lines() {
        let number = line.rsplit_once(" UTC | #").and_then(|(_, number)| number.trim().parse().ok());
        match (number, posts.last_mut()) {
            (Some(number), _) if line.matches(" | ").count() >= 2 => posts.push((number, String::new())),
            (_, Some((_, text))) if line != "-".repeat(25) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    for (_, text) in &mut posts {
        *text = text.trim().to_owned();
    }
    posts
}
