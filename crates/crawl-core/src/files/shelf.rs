//! Where files lie below the root: spellings that no file system holds for one, folders that are made durably.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::{self, MARK, PART, SIDE};
use crate::{Disk, Error, Kind, Result, Stored};

/// What is known of so many folders is remembered at most.
const FOLDERS: usize = 64;

/// The spellings in one folder by their folded form, each with whether it is a folder.
type Level = HashMap<String, Vec<(String, bool)>>;

/// What is known of the folders below a root.
#[derive(Default)]
pub(super) struct Shelf {
    levels: Mutex<HashMap<PathBuf, Level>>,
    ready: Mutex<HashSet<PathBuf>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// The spelling of `name`, below `root`, that differs from all others there in more than case. Blocks.
    pub(super) fn spelled(&self, root: &Path, name: &str) -> Result<String> {
        let encoded = names::encode(name)?;
        let mut levels = locked(&self.levels);
        let mut folder = root.to_path_buf();
        let mut path: Vec<String> = Vec::new();
        let last = encoded.matches('/').count();
        for (depth, part) in encoded.split('/').enumerate() {
            if levels.len() >= FOLDERS && !levels.contains_key(&folder) {
                levels.clear();
            }
            let level = match levels.entry(folder.clone()) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(unknown) => unknown.insert(read(&folder)?),
            };
            let is_folder = depth < last;
            let [one, other] = names::others(part);
            let free = [part.to_owned(), one, other].into_iter().find(|spelling| {
                let there = level.get(&names::folded(spelling)).map(Vec::as_slice).unwrap_or_default();
                let known = there.iter().any(|(exact, _)| exact == spelling);
                // What two programs or a person have put there side by side stays as it is.
                let fits = |(exact, folder): &(String, bool)| {
                    if exact == spelling { *folder == is_folder } else { known }
                };
                there.iter().all(fits)
            });
            let Some(spelling) = free else {
                return Err(names::refused(name, "three others differ from it only in case"));
            };
            let there = level.entry(names::folded(&spelling)).or_default();
            if !there.iter().any(|(exact, _)| *exact == spelling) {
                there.push((spelling.clone(), is_folder));
            }
            folder.push(&spelling);
            if folder.is_symlink() {
                return Err(names::refused(name, "a part of it is a symbolic link"));
            }
            path.push(spelling);
        }
        Ok(path.join("/"))
    }

    /// Makes the folder of the file at `path` below `root`, durably, and marks the first one of them. Blocks.
    pub(super) fn prepare(&self, root: &Path, disk: &Disk, path: &str) -> Result<()> {
        let (above, _) = path.rsplit_once('/').unwrap_or_default();
        // One at a time: two would make the same mark.
        let mut ready = locked(&self.ready);
        if ready.contains(&root.join(above)) {
            return Ok(());
        }
        disk.make_folder(root)?;
        let mut folder = root.to_path_buf();
        for (depth, part) in above.split('/').enumerate() {
            let parent = folder.clone();
            folder.push(part);
            if !folder.is_dir() {
                disk.make_folder(&folder)?;
            } else {
                // It may be of a run that died before it was durable.
                disk.sync_folder(&parent)?;
            }
            if depth == 0 {
                mark(disk, &folder)?;
            }
        }
        if ready.len() >= FOLDERS {
            ready.clear();
        }
        ready.insert(folder);
        Ok(())
    }
}

/// Marks a folder, so that nobody who looks for listings enters it.
pub(super) fn mark(disk: &Disk, folder: &Path) -> Result<()> {
    let mark = folder.join(MARK);
    if !mark.is_file() {
        if folder.join("checkpoint.json").is_file() || !Stored::sources(folder)?.is_empty() {
            return Err(Error::new(Kind::Config, "a folder of files would hide a listing")
                .at(folder.display().to_string())
                .advise("files belong into a folder of their own; use a new root"));
        }
        disk.put(&mark, b"files that pages name; no listings are below here\n")?;
    }
    disk.sync_folder(folder)
}

/// What is in a folder, parts and versions under the name that they are of.
fn read(folder: &Path) -> Result<Level> {
    let mut level = Level::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(level),
        Err(cause) => return Err(Error::io("cannot read the folder", folder, cause)),
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            // It is no other spelling of anything: who wants exactly this name is refused.
            continue;
        }
        let is_folder = kind.is_dir();
        let name = if is_folder {
            name
        } else {
            let whole = name.strip_suffix(SIDE).or_else(|| name.strip_suffix(PART)).unwrap_or(name);
            names::untagged(whole)
        };
        let there = level.entry(names::folded(name)).or_default();
        if !there.iter().any(|(exact, _)| exact == name) {
            there.push((name.to_owned(), is_folder));
        }
    }
    Ok(level)
}

/// How many bytes may still be written below `folder`; `None` where that cannot be asked.
pub(super) fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder).ok()?;
        found.f_bavail.checked_mul(found.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}
