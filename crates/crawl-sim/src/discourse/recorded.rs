//! Reads recorded topics: whole bodies of `/t/ID.json` with all posts, and plain texts of `/raw/ID`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::object::{Object, milliseconds};
use super::people::{People, person};
use super::topic::{Facts, Head, Post, Posts, Topic};

/// In the order of their ids. The folder holds the bodies, or `json/` with them and `raw/` with the texts.
pub(super) fn read(folder: &Path, people: &mut People) -> io::Result<Vec<Topic>> {
    let inner = folder.join("json");
    let bodies = if inner.is_dir() { inner } else { folder.to_owned() };
    let mut topics = Vec::new();
    for path in files(&bodies, "json")? {
        let value: Value = serde_json::from_slice(&fs::read(&path)?).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
        })?;
        let stem = path.file_stem().unwrap_or_default();
        let raw = folder.join("raw").join(stem).with_extension("md");
        let raw = if raw.is_file() { texts(&fs::read_to_string(raw)?) } else { HashMap::new() };
        // What has no posts is another body: a list, an index.
        topics.extend(topic(value, &raw, people));
    }
    topics.sort_by_key(|topic| topic.head.id);
    topics.dedup_by_key(|topic| topic.head.id);
    Ok(topics)
}

fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

const LINE: &str = "-------------------------";

/// The texts by post number, out of the plain form of a topic.
fn texts(plain: &str) -> HashMap<u64, String> {
    let mut texts = HashMap::new();
    let mut open: Option<(u64, Vec<&str>)> = None;
    let mut lines = plain.lines().peekable();
    let close = |open: Option<(u64, Vec<&str>)>, texts: &mut HashMap<u64, String>| {
        let Some((number, lines)) = open else { return };
        let text = lines.join("\n");
        let text = text.trim_end_matches('\n').strip_suffix(LINE).map_or(text.as_str(), str::trim_end);
        texts.insert(number, text.strip_prefix('\n').unwrap_or(text).to_owned());
    };
    let mut before = LINE;
    while let Some(line) = lines.next() {
        // A header comes first, or after the line that ends a post and the empty one that follows it.
        match number(line).filter(|_| before == LINE) {
            Some(number) => {
                close(open.take(), &mut texts);
                open = Some((number, Vec::new()));
            }
            None => {
                if let Some((_, lines)) = &mut open {
                    lines.push(line);
                }
            }
        }
        if !line.is_empty() || lines.peek().is_none() {
            before = line;
        }
    }
    close(open, &mut texts);
    texts
}

/// `name | 2017-01-02 01:01:11 UTC | #1`
fn number(line: &str) -> Option<u64> {
    let (left, number) = line.rsplit_once(" UTC | #")?;
    let (_, date) = left.rsplit_once(" | ")?;
    let shape = date.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    (shape.eq(*b"0000-00-00 00:00:00")).then(|| number.parse().ok()).flatten()
}

fn topic(value: Value, raw: &HashMap<u64, String>, people: &mut People) -> Option<Topic> {
    let Value::Object(mut whole) = value else { return None };
    let Some(Value::Object(mut stream)) = whole.remove("post_stream") else { return None };
    let Some(Value::Array(posts)) = stream.remove("posts") else { return None };
    let posts: Vec<Post> = posts.into_iter().filter_map(|value| post(value, raw, people)).collect();
    let id = whole.get("id")?.as_u64()?;
    let flag = |name: &str| whole.get(name).and_then(Value::as_bool).unwrap_or(false);
    let at = |name: &str| whole.get(name).and_then(Value::as_str).and_then(milliseconds);
    let created = at("created_at").unwrap_or(super::object::START);
    let last = posts.iter().rev().find(|post| post.facts.bumps()).map(|post| post.facts.created);
    let head = Head {
        id,
        title: text(&whole, "title"),
        slug: text(&whole, "slug"),
        category: whole.get("category_id").and_then(Value::as_u64).unwrap_or(1),
        created,
        bumped: at("bumped_at").or(last).unwrap_or(created),
        views: whole.get("views").and_then(Value::as_u64).unwrap_or(0),
        closed: flag("closed"),
        archived: flag("archived"),
        pinned: flag("pinned_globally"),
        unlisted: whole.get("visible").and_then(Value::as_bool) == Some(false),
        private: whole.get("archetype").and_then(Value::as_str) == Some("private_message"),
        accepted: whole.get("accepted_answer").and_then(|answer| answer.get("post_number")?.as_u64()),
        recorded: Some(whole),
        ..Head::default()
    };
    Some(Topic { head, posts: Posts::Kept(posts) })
}

fn post(value: Value, raw: &HashMap<u64, String>, people: &mut People) -> Option<Post> {
    let Value::Object(mut whole) = value else { return None };
    let number = |name: &str| whole.get(name).and_then(Value::as_u64);
    let flag = |name: &str| whole.get(name).and_then(Value::as_bool).unwrap_or(false);
    let at = |name: &str| whole.get(name).and_then(Value::as_str).and_then(milliseconds);
    let likes = whole.get("actions_summary").and_then(Value::as_array).into_iter().flatten();
    let likes = likes.filter(|action| action["id"] == 2).filter_map(|action| action["count"].as_u64()).sum();
    let mut author = person(
        whole.get("user_id").and_then(Value::as_i64),
        &text(&whole, "username"),
        whole.get("name").and_then(Value::as_str).map(str::to_owned),
        number("trust_level").unwrap_or(0),
    );
    author.avatar = text(&whole, "avatar_template");
    author.admin = flag("admin");
    author.moderator = flag("moderator");
    author.title = whole.get("user_title").and_then(Value::as_str).map(str::to_owned);
    let created = at("created_at")?;
    let facts = Facts {
        id: number("id")?,
        number: number("post_number")?,
        author: people.add(author),
        created,
        updated: at("updated_at").unwrap_or(created),
        kind: number("post_type").unwrap_or(1) as u8,
        reply_to: number("reply_to_post_number"),
        quotes_parent: !whole.contains_key("reply_to_user"),
        likes,
        version: number("version").unwrap_or(1),
        hidden: flag("hidden"),
        user_deleted: flag("user_deleted"),
        wiki: flag("wiki"),
        via_email: flag("via_email"),
        deleted: false,
    };
    let typed = whole.remove("raw").and_then(|raw| raw.as_str().map(str::to_owned));
    let raw = typed.or_else(|| raw.get(&facts.number).cloned());
    Some(Post { facts, raw, cooked: text(&whole, "cooked"), extra: whole })
}

fn text(object: &Object, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
