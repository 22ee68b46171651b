//! Digests: those that are known of a file, those that answers tell, those of the bytes as they come.

use std::fs::File;
use std::io::Read;

use data_encoding::HEXLOWER;
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// What is known of a file's bytes, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// SHA-256: what the Hub tells of large files.
    Sha256(String),
    /// MD5: what object stores tell of objects that were sent whole.
    Md5(String),
    /// CRC-32C, 8 digits, the highest byte first: what Google's store tells of all objects.
    Crc32c(String),
    /// git's id of a blob, SHA-1 over `blob SIZE\0` and the bytes: what the Hub tells of small files.
    GitBlob(String),
}

impl Digest {
    /// The value in hex.
    pub fn hex(&self) -> &str {
        match self {
            Digest::Sha256(hex) | Digest::Md5(hex) | Digest::Crc32c(hex) | Digest::GitBlob(hex) => hex,
        }
    }

    /// Whether other bytes with the same digest do not come about by accident: 32 bits are too few for that.
    pub(super) fn binds(&self) -> bool {
        !matches!(self, Digest::Crc32c(_))
    }

    /// Whether both are of one kind and differ.
    pub(super) fn contradicts(&self, other: &Digest) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && !self.hex().eq_ignore_ascii_case(other.hex())
    }
}

/// Which hashes are worked out as bytes come, beside the CRC-32C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hashes {
    pub(super) sha256: bool,
    pub(super) md5: bool,
}

impl Hashes {
    /// What a file is named with.
    pub(super) const NAMED: Hashes = Hashes { sha256: true, md5: false };

    /// These, and those that `digests` are compared with.
    pub(super) fn and<'a>(mut self, digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        for digest in digests {
            self.sha256 |= matches!(digest, Digest::Sha256(_));
            self.md5 |= matches!(digest, Digest::Md5(_));
        }
        self
    }
}

/// The hashes of the bytes so far.
#[derive(Clone)]
pub(super) struct Sums {
    pub(super) size: u64,
    sha256: Option<Sha256>,
    crc32c: u32,
    md5: Option<Md5>,
}

impl Sums {
    pub(super) fn new(hashes: Hashes) -> Self {
        let Hashes { sha256, md5 } = hashes;
        Sums { size: 0, sha256: sha256.then(Sha256::new), crc32c: 0, md5: md5.then(Md5::new) }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        self.crc32c = crc32c::crc32c_append(self.crc32c, bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    pub(super) fn crc32c(&self) -> u32 {
        self.crc32c
    }

    pub(super) fn hashes(&self) -> Hashes {
        Hashes { sha256: self.sha256.is_some(), md5: self.md5.is_some() }
    }

    /// Of sums for a file that gets a name: of others it is not worked out.
    pub(super) fn sha256(&self) -> String {
        let sha256 = self.sha256.as_ref().expect("who names a file has its SHA-256 worked out");
        HEXLOWER.encode(&sha256.clone().finalize())
    }

    /// The digest of this kind; `None` for those that are not worked out as bytes come.
    pub(super) fn like(&self, wanted: &Digest) -> Option<Digest> {
        match wanted {
            Digest::Sha256(_) => self.sha256.is_some().then(|| Digest::Sha256(self.sha256())),
            Digest::Crc32c(_) => Some(Digest::Crc32c(HEXLOWER.encode(&self.crc32c.to_be_bytes()))),
            Digest::Md5(_) => {
                self.md5.as_ref().map(|md5| Digest::Md5(HEXLOWER.encode(&md5.clone().finalize())))
            }
            Digest::GitBlob(_) => None,
        }
    }

    /// Takes in what `file` holds from where it stands, `most` bytes at most.
    pub(super) fn read(&mut self, file: &File, most: u64) -> std::io::Result<()> {
        let (mut file, mut buffer) = (file.take(most), vec![0; 1 << 18]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                read => self.take(&buffer[..read]),
            }
        }
    }
}

/// git's id of the `size` bytes that `file` holds from where it stands.
pub(super) fn git_blob(file: &File, size: u64) -> std::io::Result<Digest> {
    let (mut file, mut buffer) = (file.take(size), vec![0; 1 << 18]);
    let mut sha1 = Sha1::new();
    sha1.update(format!("blob {size}\0"));
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::GitBlob(HEXLOWER.encode(&sha1.finalize()))),
            read => sha1.update(&buffer[..read]),
        }
    }
}
