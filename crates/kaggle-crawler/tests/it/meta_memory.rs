//! Joins of tables that are larger than memory. `GLEANER_META_MESSAGES` and `GLEANER_META_USERS` make them as large
//! as the real ones (3000000 and 25000000), for which a build with `--release` saves an hour.
#![allow(clippy::disallowed_methods)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crawl_core::Stored;

use crate::shop::id;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Numbers that look like chance and are each there once: `at` times an odd number.
fn mixed(at: u64, count: u64) -> u64 {
    (at * 2_654_435_761) % count
}

fn make(folder: &Path, messages: u64, users: u64) -> u64 {
    let table = |name: &str| BufWriter::with_capacity(1 << 20, File::create(folder.join(name)).unwrap());
    let topics = messages / 6 + 1;
    let mut out = table("ForumTopics.csv");
    writeln!(
        out,
        "Id,ForumId,KernelId,FirstForumMessageId,CreationDate,LastCommentDate,Title,Score,TotalMessages"
    )
    .unwrap();
    for topic in (1..=topics).rev() {
        let kernel = if topic % 3 == 0 { (topic % 100_000).to_string() } else { String::new() };
        let forum = topic % 400_000;
        writeln!(
            out,
            "{topic},{forum},{kernel},{topic},01/02/2020 03:04:05,01/02/2020 03:04:05,\"About, {topic}\",3,6"
        )
        .unwrap();
    }
    let mut out = table("ForumMessages.csv");
    writeln!(out, "Id,ForumTopicId,PostUserId,PostDate,ReplyToForumMessageId,Message,RawMarkdown").unwrap();
    let text = "Words that somebody has written about a thing, with <b>some</b> marks. ".repeat(2);
    for message in 1..=messages {
        let topic = (message - 1) % topics + 1;
        let (user, answers) = (mixed(message, users) + 1, message.saturating_sub(topics));
        let answers = if answers > topics { answers.to_string() } else { String::new() };
        let raw = if message % 10 == 0 { "" } else { &text };
        writeln!(out, "{message},{topic},{user},01/02/2020 03:04:05,{answers},\"<p>{text}</p>\",\"{raw}\"")
            .unwrap();
    }
    let mut out = table("Users.csv");
    writeln!(out, "Id,UserName,DisplayName,RegisterDate,PerformanceTier,Country,LocationSharingOptOut")
        .unwrap();
    for user in 1..=users {
        writeln!(out, "{user},name{user},\"Name, {user}\",01/02/2020,1,,False").unwrap();
    }
    let mut out = table("Forums.csv");
    writeln!(out, "Id,ParentForumId,Title").unwrap();
    (0..400_000.min(topics)).for_each(|forum| writeln!(out, "{forum},8,The forum {forum}").unwrap());
    let mut out = table("Kernels.csv");
    writeln!(out, "Id,AuthorUserId,CurrentUrlSlug").unwrap();
    (0..100_000.min(topics))
        .for_each(|kernel| writeln!(out, "{kernel},{},kernel-{kernel}", kernel + 1).unwrap());
    topics
}

#[test]
fn messages_and_users_are_joined_on_the_disk_and_not_in_memory() {
    let messages = from_environment("GLEANER_META_MESSAGES", 30_000);
    let users = from_environment("GLEANER_META_USERS", 200_000);
    let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let topics = make(folder.path(), messages, users);
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kaggle-crawler"))
        .args(["discussions", "--quiet", "--rows-a-page", "1000", "--root"])
        .arg(root.path())
        .arg("--meta")
        .arg(folder.path())
        .env("HOME", root.path())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        let told = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        most = most.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = began.elapsed().as_secs();
    println!("{messages} messages, {users} users, {topics} topics: {} MiB, {seconds} s", most >> 10);
    assert!(status.success());
    assert!(most < 200 << 10, "{most} KiB");
    let stored = Stored::open(root.path(), &id("topics")).unwrap();
    assert_eq!(stored.checkpoint().totals.records, topics);
    let made: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.path().join("stages/meta-topics/made.json")).unwrap())
            .unwrap();
    let counts = &made["counts"];
    assert_eq!(
        (&counts["messages"], &counts["messages without a known author"]),
        (&messages.into(), &0.into())
    );
    assert_eq!(
        (&counts["messages without a topic"], &counts["replies without a target"]),
        (&0.into(), &0.into())
    );
}
