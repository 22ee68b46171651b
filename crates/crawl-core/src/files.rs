//! Files that records name: fetched to `.part`, resumed, verified, synced, renamed. Hostile names are refused.

use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::disk::staged;
use crate::http::{HeaderValue, Http, Opened, Request};
use crate::store::hex;
use crate::{Disk, Error, Kind, Result};

/// How often a body may break off without a new byte, and the growing pause behind each break.
const MOST_BREAKS: u32 = 5;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// A folder with this file in it holds files of records: no walk over listings enters it.
pub(crate) const MARKER: &str = ".files";

/// The files below a root. Given by a sink.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
    disk: Disk,
}

impl Files {
    /// The files below `root`. Nothing is touched before the first file.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Files { root: root.into(), disk: Disk::default() }
    }

    /// With a disk of a test.
    pub fn with_disk(self, disk: Disk) -> Self {
        Files { disk, ..self }
    }
}

/// What is known of a file before it is fetched. What is known is checked.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The size in bytes.
    pub size: Option<u64>,
    /// The SHA-256 of the content, hex: LFS and Xet files on the Hub.
    pub sha256: Option<String>,
    /// The git blob id, hex: small files on the Hub.
    pub git_blob: Option<String>,
    /// More bytes than this are not taken.
    pub most: Option<u64>,
}

/// A file that was fetched and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// How many of its bytes were there from an earlier try.
    pub resumed: u64,
}

/// Where `name`, as a service spells it, lies under `root`.
///
/// # Errors
/// [`Kind::Denied`] for names that are absolute, hold `..`, `.`, empty parts, backslashes, colons or control
/// characters, have parts of over 255 bytes, end a part in a dot or space, or lead through a symlink.
pub fn place(root: &Path, name: &str) -> Result<PathBuf> {
    let refused = |what: &str| {
        Error::new(Kind::Denied, format!("this file name is refused: {what}"))
            .at(name.escape_debug().to_string())
            .advise("the file is left out; nothing was written")
    };
    let mut path = root.to_path_buf();
    for part in name.split('/') {
        let plain = matches!(Path::new(part).components().next(), Some(Component::Normal(_)));
        if !plain || part.contains(['\\', ':', '\0']) || part.chars().any(char::is_control) {
            return Err(refused("only plain relative names may be written"));
        }
        if part.len() > 250 || part.ends_with(['.', ' ']) || part.ends_with(".part") {
            return Err(refused("a part is too long or ends in a dot, a space or .part"));
        }
        path.push(part);
        if path.is_symlink() {
            return Err(refused("a part of it is a symbolic link"));
        }
    }
    Ok(path)
}

/// Fetches the file of `request` to `name` under `root`, unless it is already there as expected.
///
/// A `.part` of an earlier try is gone on with by a Range request. The file appears under its name only when its
/// size and hash are as expected and its bytes are on the disk.
///
/// # Errors
/// Those of [`place`] and [`Http::open`]; [`Kind::Shape`] if what comes is not what was expected.
pub async fn fetch(
    http: &Http,
    request: &Request,
    root: &Path,
    name: &str,
    expect: &Expect,
    disk: &Disk,
) -> Result<Fetched> {
    let path = place(root, name)?;
    if path.is_file() {
        let size = path.metadata().map_err(|cause| Error::io("cannot read", &path, cause))?.len();
        let there = Partial::open(&path, false)?;
        if let Ok(found) = there.verify(expect, &path, size) {
            return Ok(found);
        }
    }
    disk.make_folder(path.parent().unwrap_or(root))?;
    let part = staged(&path);
    let mut resumed = part.metadata().map_or(0, |meta| meta.len());
    if expect.sha256.is_none() && expect.git_blob.is_none() {
        // Without a hash nothing would tell that the part is of another version.
        resumed = 0;
        Partial::open(&part, true)?.restart(&part)?;
    }
    let (mut breaks, mut furthest) = (0, resumed);
    loop {
        let mut partial = Partial::open(&part, true)?;
        let outcome = one_try(http, request, &mut partial, expect).await;
        let verified = match outcome {
            Ok(()) => partial.verify(expect, &path, resumed),
            Err(error) if error.kind() == Kind::Transient => {
                // As long as new bytes arrive, going on is not in vain.
                breaks = if partial.size > furthest { 1 } else { breaks + 1 };
                furthest = furthest.max(partial.size);
                if breaks > MOST_BREAKS {
                    return Err(error.after(breaks));
                }
                tokio::time::sleep(PAUSE * breaks).await;
                continue;
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(found) => {
                partial.sync(&part)?;
                disk.rename(&part, &path)?;
                disk.sync_folder(path.parent().unwrap_or(root))?;
                return Ok(found);
            }
            // What was there before may have been of another version: once more from the beginning.
            Err(error) if error.kind() == Kind::Shape && resumed > 0 => {
                tracing::debug!(%error, "the partial file does not fit, starting over");
                resumed = 0;
                Partial::open(&part, true)?.restart(&part)?;
            }
            Err(error) => {
                // Only what is wrong is thrown away; a refusal or a full disk leaves what there is for the next run.
                if error.kind() == Kind::Shape {
                    let _ = std::fs::remove_file(&part);
                }
                return Err(error);
            }
        }
    }
}

async fn one_try(http: &Http, request: &Request, partial: &mut Partial, expect: &Expect) -> Result<()> {
    let mut request = request.clone();
    request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if partial.size > 0 {
        let range = format!("bytes={}-", partial.size);
        request.headers.insert(RANGE, HeaderValue::from_str(&range).expect("digits are a header value"));
    }
    let mut opened = match http.open(&request).await {
        Ok(opened) => opened,
        // The part is whole already: the verification tells.
        Err(error) if error.status() == Some(416) && partial.size > 0 => return Ok(()),
        Err(error) => return Err(error),
    };
    if partial.size > 0 && !goes_on_at(&opened, partial.size) {
        partial.restart(Path::new(""))?;
    }
    let most = expect.most.or(expect.size).unwrap_or(u64::MAX);
    while let Some(chunk) = opened.chunk().await? {
        if partial.size + chunk.len() as u64 > most {
            let what = format!("the file is larger than the {most} bytes that were expected");
            return Err(Error::new(Kind::Shape, what).at(crate::http::shown(&request.url)));
        }
        partial.take(&chunk)?;
    }
    Ok(())
}

fn goes_on_at(opened: &Opened, size: u64) -> bool {
    let range = opened.response.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    opened.response.status == 206
        && range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()) == Some(size)
}

/// A file as far as it has come, with the hash of its bytes.
struct Partial {
    file: std::fs::File,
    size: u64,
    sha256: Sha256,
}

impl Partial {
    fn open(path: &Path, write: bool) -> Result<Self> {
        let failed = |cause| Error::io("cannot open", path, cause);
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(write)
            .create(write)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let mut sha256 = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut size = 0;
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(Partial { file, size, sha256 }),
                read => {
                    sha256.update(&buffer[..read]);
                    size += read as u64;
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|cause| Error::io("cannot write", Path::new("the .part file"), cause))?;
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self, path: &Path) -> Result<()> {
        let failed = |cause| Error::io("cannot start over", path, cause);
        self.file.set_len(0).map_err(failed)?;
        std::io::Seek::rewind(&mut self.file).map_err(failed)?;
        (self.size, self.sha256) = (0, Sha256::new());
        Ok(())
    }

    fn sync(&self, path: &Path) -> Result<()> {
        self.file.sync_all().map_err(|cause| Error::io("cannot sync", path, cause))
    }

    fn verify(&self, expect: &Expect, path: &Path, resumed: u64) -> Result<Fetched> {
        let wrong = |what: String| Err(Error::new(Kind::Shape, what).at(path.display().to_string()));
        if let Some(size) = expect.size.filter(|size| *size != self.size) {
            return wrong(format!("the file has {} bytes, {size} were expected", self.size));
        }
        let sha256 = hex(&self.sha256.clone().finalize());
        if let Some(expected) =
            expect.sha256.as_ref().filter(|expected| !expected.eq_ignore_ascii_case(&sha256))
        {
            return wrong(format!("the file has SHA-256 {sha256}, {expected} was expected"));
        }
        if let Some(expected) = &expect.git_blob {
            let found = self.git_blob(path)?;
            if !expected.eq_ignore_ascii_case(&found) {
                return wrong(format!("the file has git id {found}, {expected} was expected"));
            }
        }
        Ok(Fetched { path: path.to_path_buf(), size: self.size, sha256, resumed })
    }

    /// git's id of the content: SHA-1 over `blob SIZE\0` and the bytes.
    fn git_blob(&self, path: &Path) -> Result<String> {
        let failed = |cause| Error::io("cannot read", path, cause);
        let mut file = self.file.try_clone().map_err(failed)?;
        std::io::Seek::rewind(&mut file).map_err(failed)?;
        let mut sha1 = Sha1::new();
        sha1.update(format!("blob {}\0", self.size));
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(hex(&sha1.finalize())),
                read => sha1.update(&buffer[..read]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/./b",
            "a/",
            "C:\\x",
            "a\\..\\b",
            "a:b",
            "a\0b",
            "a\nb",
            "a ",
            "a.",
            "x.part",
            &"x".repeat(300),
        ] {
            assert_eq!(place(root.path(), name).unwrap_err().kind(), Kind::Denied, "{name:?}");
        }
        assert_eq!(
            place(root.path(), "data/train-00000.parquet").unwrap(),
            root.path().join("data/train-00000.parquet")
        );
        assert!(place(root.path(), "日本語/é.txt").is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_through_a_symlink_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("out")).unwrap();
        assert!(place(root.path(), "out/x").is_err());
    }
}
