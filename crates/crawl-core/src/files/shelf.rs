//! Where files lie below the root: spellings that no file system holds for one, folders that are made durably.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::{self, MARK, PART, SIDE};
use crate::{Disk, Error, Kind, Result, Stored};

/// What is known of so many folders is remembered at most, and of so many names in them, unless one folder alone has
/// more: a folder that is forgotten is read again for its next file, which is long where it holds very many.
const FOLDERS: usize = 10_000;
const NAMES: usize = 100_000;

/// The spellings in one folder by their folded form, each with whether it is a folder.
type Level = HashMap<String, Vec<(String, bool)>>;

/// What is known of the folders below a root.
#[derive(Default)]
pub(super) struct Shelf {
    levels: Mutex<Levels>,
    ready: Mutex<HashSet<PathBuf>>,
}

#[derive(Default)]
struct Levels {
    folders: HashMap<PathBuf, Level>,
    names: usize,
}

impl Levels {
    /// What is in a folder, and the number of all names that are remembered.
    fn of(&mut self, folder: &Path) -> Result<(&mut Level, &mut usize)> {
        if (self.folders.len() >= FOLDERS || self.names >= NAMES) && !self.folders.contains_key(folder) {
            // The folders above are needed for the next file too, however large they are.
            self.folders.retain(|known, _| folder.starts_with(known));
            self.names = 0;
        }
        let level = match self.folders.entry(folder.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let level = read(folder)?;
                self.names += level.len();
                unknown.insert(level)
            }
        };
        Ok((level, &mut self.names))
    }
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
            let (level, remembered) = levels.of(&folder)?;
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
            if add(level, &spelling, is_folder) {
                *remembered += 1;
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

/// Adds a name to those of a folder; `false` if it was there.
fn add(level: &mut Level, name: &str, is_folder: bool) -> bool {
    // Hardly any has another spelling: room for one.
    let there = level.entry(names::folded(name)).or_insert_with(|| Vec::with_capacity(1));
    let new = !there.iter().any(|(exact, _)| exact == name);
    if new {
        there.push((name.to_owned(), is_folder));
    }
    new
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
        add(&mut level, name, is_folder);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_very_many_names_is_not_read_again_for_each_folder_in_it() {
        let root = tempfile::tempdir().unwrap();
        let mut levels = Levels::default();
        let (level, names) = levels.of(root.path()).unwrap();
        add(level, "one", true);
        *names += NAMES;
        for name in ["one", "two"] {
            levels.of(&root.path().join(name)).unwrap();
            // What was added and is nowhere on the disk is known as long as the folder is remembered.
            assert_eq!(levels.folders[root.path()].len(), 1, "read again after {name}");
        }
    }
}
