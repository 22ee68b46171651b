//! A folder for work that leaves nothing behind, not even after a death.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::names::SCRATCH;
use super::shelf;
use crate::{Disk, Error, Result};

/// What tells that the process of a work folder lives: it holds the lock of this file.
const ALIVE: &str = "alive";

/// The work folder of this process below one root.
#[derive(Default)]
pub(super) struct Workroom {
    room: Mutex<Option<Arc<Room>>>,
    cleaned: Mutex<bool>,
}

struct Room {
    path: PathBuf,
    disk: Disk,
    next: AtomicU64,
    _alive: File,
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.disk.remove(&self.path);
        sweep(&self.disk, self.path.parent().unwrap_or(&self.path));
    }
}

/// A folder for work. It is gone with all that is in it when this is dropped.
pub struct Scratch {
    path: PathBuf,
    room: Arc<Room>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scratch").field(&self.path).finish()
    }
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.room.disk.remove(&self.path);
    }
}

impl Workroom {
    /// Removes what dead processes have left, once. Blocks.
    pub(super) fn clean(&self, root: &Path, disk: &Disk) -> Result<()> {
        let mut cleaned = self.cleaned.lock().unwrap_or_else(PoisonError::into_inner);
        if *cleaned {
            return Ok(());
        }
        let all = root.join(SCRATCH);
        for entry in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let folder = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            // One without the file is being made, or dead; it is made within moments and holds nothing yet.
            let lives = File::open(folder.join(ALIVE)).is_ok_and(|file| file.try_lock().is_err());
            if !lives {
                disk.remove(&folder)?;
            }
        }
        if all.is_dir() {
            sweep(disk, &all);
        }
        *cleaned = true;
        Ok(())
    }

    /// A new folder. Blocks.
    pub(super) fn scratch(&self, root: &Path, disk: &Disk) -> Result<Scratch> {
        let scratch = self.place(root, disk)?;
        let path = scratch.path();
        std::fs::create_dir(path).map_err(|cause| Error::io("cannot make the folder", path, cause))?;
        Ok(scratch)
    }

    /// A new name, for one file: a folder for each that goes at once makes ext4 look through all that went lately
    /// whenever it wants an inode. Blocks.
    pub(super) fn place(&self, root: &Path, disk: &Disk) -> Result<Scratch> {
        self.clean(root, disk)?;
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let room = match &mut *room {
            Some(room) => room.clone(),
            none => none.insert(Arc::new(make(root, disk)?)).clone(),
        };
        let path = room.path.join(room.next.fetch_add(1, Ordering::Relaxed).to_string());
        Ok(Scratch { path, room })
    }
}

fn make(root: &Path, disk: &Disk) -> Result<Room> {
    let all = root.join(SCRATCH);
    disk.make_folder(&all)?;
    shelf::mark(disk, &all)?;
    loop {
        let path = all.join(format!("{}-{:08x}", std::process::id(), fastrand::u32(..)));
        let failed = |cause| Error::io("cannot make the folder", &path, cause);
        std::fs::create_dir(&path).map_err(failed)?;
        let made = File::create(path.join(ALIVE)).inspect(|alive| {
            // Where the file system has no locks, a start of another program may take this folder away.
            let _ = alive.try_lock();
        });
        match made {
            Ok(alive) => {
                return Ok(Room { path, disk: disk.clone(), next: AtomicU64::new(0), _alive: alive });
            }
            // Another start took it for dead before it was locked.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(failed(cause)),
        }
    }
}

/// Removes the folder of all work folders when the last one is gone.
fn sweep(disk: &Disk, all: &Path) {
    let only_mark = std::fs::read_dir(all).is_ok_and(|entries| {
        entries.flatten().all(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
    });
    if only_mark {
        let _ = disk.remove(all);
    }
}
