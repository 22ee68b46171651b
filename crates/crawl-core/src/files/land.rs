//! Where bytes go that are whole: to their name if it is free, beside it if other bytes are there, nowhere if they
//! are there themselves.

use std::fs::File;
use std::path::PathBuf;

use super::digest::{Digest, Hashes, Sums, git_blob};
use super::names::{plain_name, tag_of};
use super::part::side_path;
use super::{Files, Kept, off};
use crate::disk::staged;
use crate::{Error, FileLine, Kind, Result};

/// What lies under a path.
enum There {
    Nothing,
    Here(u64),
    Moved(Kept),
}

/// A name as it is spelled, and as the service spells it.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) path: String,
    pub(super) plain: String,
}

impl Name {
    pub(super) fn line(&self, path: String, size: u64, sha256: String, version: Option<&str>) -> FileLine {
        let name = (plain_name(&path) != self.plain).then(|| self.plain.clone());
        FileLine { path, size, sha256, version: version.map(str::to_owned), name }
    }

    /// The paths that its bytes may have, the plain one first.
    fn paths(&self, version: Option<&str>, sha256: Option<&str>) -> Vec<String> {
        let mut paths = vec![self.path.clone()];
        for tag in [version.and_then(tag_of), sha256.and_then(tag_of)].into_iter().flatten() {
            paths.push(format!("{}@{tag}", self.path));
        }
        paths.dedup();
        paths
    }
}

impl Files {
    /// The spelling of a name; its folder is there, and what dead processes have left is not.
    pub(super) async fn name(&self, plain: &str) -> Result<Name> {
        let (files, plain) = (self.clone(), plain.to_owned());
        off(move || {
            let path = files.shared.shelf.spelled(&files.root, &plain)?;
            files.shared.workroom.clean(&files.root, &files.disk)?;
            files.shared.shelf.prepare(&files.root, &files.disk, &path)?;
            Ok(Name { path, plain })
        })
        .await
    }

    /// The file that these digests prove to be here or moved on, if there is one.
    pub(super) async fn proven(
        &self,
        name: &Name,
        version: Option<&str>,
        size: Option<u64>,
        digests: &[Digest],
    ) -> Result<Option<FileLine>> {
        if !digests.iter().any(Digest::binds) {
            return Ok(None);
        }
        let sha256 = digests.iter().find_map(|digest| match digest {
            Digest::Sha256(hex) => Some(hex.as_str()),
            _ => None,
        });
        for path in name.paths(version, sha256) {
            match self.there(&path).await? {
                There::Here(found) if size.is_none_or(|size| size == found) => {
                    if let Some(sha256) = self.is_here(&path, digests).await? {
                        let line = name.line(path, found, sha256, version);
                        self.settled(name, &line).await?;
                        return self.moved(line).await.map(Some);
                    }
                }
                There::Moved(kept) if size.is_none_or(|size| size == kept.size) => {
                    let mut known =
                        digests.iter().filter(|digest| digest.binds()).filter_map(|digest| kept.is(digest));
                    if known.next().is_some_and(|first| first && known.all(|other| other)) {
                        let line = name.line(path, kept.size, kept.sha256, version);
                        self.settled(name, &line).await?;
                        return Ok(Some(line));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Brings whole bytes from `staged` to where they belong.
    pub(super) async fn land(
        &self,
        name: &Name,
        version: Option<&str>,
        from: PathBuf,
        size: u64,
        sha256: String,
    ) -> Result<FileLine> {
        for path in name.paths(version, Some(&sha256)) {
            let same = match self.there(&path).await? {
                There::Nothing => {
                    let (files, to) = (self.clone(), self.root.join(&path));
                    let whole = self.root.join(&name.path);
                    off(move || {
                        files.disk.sync_file(&from)?;
                        files.disk.rename(&from, &to)?;
                        files.disk.sync_folder(to.parent().unwrap_or(&files.root))?;
                        files.forget(&whole)
                    })
                    .await?;
                    return self.moved(name.line(path, size, sha256, version)).await;
                }
                There::Here(found) if found == size => {
                    let digest = Digest::Sha256(sha256.clone());
                    self.is_here(&path, &[digest]).await?.map(|_| true)
                }
                There::Moved(kept) if kept.size == size && kept.sha256 == sha256 => Some(false),
                _ => None,
            };
            if let Some(here) = same {
                let line = name.line(path, size, sha256, version);
                let disk = self.disk.clone();
                off(move || disk.remove(&from)).await?;
                self.settled(name, &line).await?;
                return if here { self.moved(line).await } else { Ok(line) };
            }
        }
        Err(Error::new(
            Kind::Storage,
            "other bytes have this name, and its names with the version and the SHA-256",
        )
        .at(self.root.join(&name.path).display().to_string())
        .advise("move those files away, or use a new root"))
    }

    /// What a file needs no more that is there: and that it is there is made durable, for who put it there may have
    /// died before.
    async fn settled(&self, name: &Name, line: &FileLine) -> Result<()> {
        let (files, whole, path) = (self.clone(), self.root.join(&name.path), self.root.join(&line.path));
        off(move || {
            files.disk.remove(&staged(&whole))?;
            files.forget(&whole)?;
            files.disk.sync_folder(path.parent().unwrap_or(&files.root))
        })
        .await
    }

    /// Removes what was noted of a part that is no more.
    pub(super) fn forget(&self, whole: &std::path::Path) -> Result<()> {
        let side = side_path(whole);
        if side.exists() { self.disk.remove(&side) } else { Ok(()) }
    }

    async fn there(&self, path: &str) -> Result<There> {
        let here = self.root.join(path);
        match std::fs::symlink_metadata(&here) {
            Ok(found) if found.is_file() => return Ok(There::Here(found.len())),
            Ok(_) => {
                return Err(Error::new(Kind::Storage, "something else than a file has this name")
                    .at(here.display().to_string()));
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(Error::io("cannot read", &here, cause)),
        }
        let kept = match &self.keeper {
            Some(keeper) => (keeper.known)(path.to_owned()).await?,
            None => None,
        };
        Ok(kept.map_or(There::Nothing, There::Moved))
    }

    /// The SHA-256 of the file at `path` if it has all of these digests.
    async fn is_here(&self, path: &str, digests: &[Digest]) -> Result<Option<String>> {
        let (path, digests) = (self.root.join(path), digests.to_vec());
        let failed = {
            let path = path.clone();
            move |cause| Error::io("cannot read", &path, cause)
        };
        let read = move || {
            let mut sums = Sums::new(Hashes::NAMED.and(&digests));
            sums.read(&File::open(&path)?, u64::MAX)?;
            for digest in &digests {
                let found = match sums.like(digest) {
                    Some(found) => found,
                    None => git_blob(&File::open(&path)?, sums.size)?,
                };
                if found.contradicts(digest) {
                    return Ok(None);
                }
            }
            Ok(Some(sums.sha256()))
        };
        off(read).await.map_err(failed)
    }
}
