//! The rooms of this crate lie in layers: each uses those before it, and none that comes after.

use std::path::{Path, PathBuf};

/// From the lowest to the highest; ARCHITECTURE.md says the same.
const ROOMS: [&str; 7] = ["reply", "task", "money", "cache", "ask", "engine", "run"];

/// The file of a room and all below its folder.
fn files(source: &Path, room: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (vec![source.join(format!("{room}.rs"))], vec![source.join(room)]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// What a room may not use, as it is written: a room above it, or a name of the crate, which hides its room.
fn wrong(text: &str, rooms_below: &[&str]) -> Vec<String> {
    let uses = text.split("crate::").skip(1);
    let names = uses.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next());
    let names = names.map(Option::unwrap_or_default);
    names.filter(|name| !rooms_below.contains(name)).map(|name| format!("crate::{name}")).collect()
}

#[test]
fn no_room_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for (place, room) in ROOMS.iter().enumerate() {
        for file in files(&source, room) {
            let text = std::fs::read_to_string(&file).unwrap();
            let wrong = wrong(&text, &ROOMS[..=place]);
            found.extend(wrong.iter().map(|wrong| format!("{}: {wrong}", file.display())));
        }
    }
    assert!(found.is_empty(), "a room uses one above it, or hides which one it uses:\n{}", found.join("\n"));
    let all = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    let rooms: Vec<&str> =
        all.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    assert!(rooms.iter().all(|room| ROOMS.contains(room)), "{rooms:?}: give a new room its place");
    let told = std::fs::read_to_string(source.join("../../../ARCHITECTURE.md")).unwrap();
    assert!(told.contains(&ROOMS.join(" <- ")), "ARCHITECTURE.md tells another order");
}
