//! What the tests share: a forum, and the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crawl_core::record::Conversation;
use crawl_core::{SourceId, Stored};
use crawl_sim::{Discourse, DiscourseConfig};

pub(crate) async fn forum(config: DiscourseConfig) -> Discourse {
    Discourse::start(config).await.unwrap()
}

/// The program, for a forum on this machine: as fast as it goes.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_discourse-crawler"));
    command.args(arguments);
    for name in ["DISCOURSE_API_KEY", "DISCOURSE_API_USERNAME", "DISCOURSE_USER_API_KEY", "DISCOURSE_COOKIE"]
    {
        command.env_remove(name);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn crawl(url: &str, root: &Path) -> Command {
    let mut command =
        program(&["crawl", url, "--quiet", "--rate", "100000", "--contact", "test@example.org"]);
    command.args(["--ocr-lang", "none", "--root"]).arg(root);
    command
}

/// The listing of this kind below a root with one forum.
pub(crate) fn listing(root: &Path, kind: &str) -> Stored {
    let ids = Stored::sources(root).unwrap();
    let id: Vec<&SourceId> = ids.iter().filter(|id| id.as_str().ends_with(kind)).collect();
    assert_eq!(id.len(), 1, "{ids:?}");
    Stored::open(root, id[0]).unwrap()
}

/// All conversations of a root, by the number of their topic.
pub(crate) fn conversations(root: &Path) -> BTreeMap<u64, Conversation> {
    let stored = listing(root, "/conversations");
    let records = (1..=stored.checkpoint().pages).flat_map(|page| stored.records(page).unwrap());
    let mut all = BTreeMap::new();
    for record in records {
        let conversation: Conversation = record.raw().to().unwrap();
        let before = all.insert(conversation.topic.id.unwrap(), conversation);
        assert!(before.is_none(), "a topic came twice");
    }
    all
}

/// What is the same in every run: not when it was fetched.
pub(crate) fn timeless(mut conversations: BTreeMap<u64, Conversation>) -> BTreeMap<u64, Conversation> {
    for conversation in conversations.values_mut() {
        conversation.source.fetched_at = None;
    }
    conversations
}

/// All files below a folder.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
