//! Proofs that an object is there and equal: its stored checksum, its ETag, or its bytes read back.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use crawl_core::{Error, Kind, Result, Scope};
use crc_fast::CrcAlgorithm;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::remote::Bucket;
use crate::sums::Sums;

/// How it was shown that an object equals the file. Its size always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The checksum that is stored with the object, of a server that was seen to check checksums.
    Checksum,
    /// The ETag worked out again, of a server that was seen to check MD5s.
    Etag,
    /// Every byte read back, by its SHA-256.
    Readback,
}

/// Which words of the server are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trust {
    /// Its stored checksums.
    pub(crate) checksum: bool,
    /// Its ETags, where they are MD5s.
    pub(crate) etag: bool,
}

impl Trust {
    /// Whether MD5s are worth their time: they are slow, and a checksum proves as much.
    pub(crate) fn wants_md5(self) -> bool {
        self.etag && !self.checksum
    }
}

/// An object that was shown to be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// How.
    pub proof: Proof,
    /// The server's ETag, without quotes.
    pub etag: Option<String>,
    /// The server's CRC64NVME.
    pub checksum: Option<String>,
    /// The version, in a bucket that keeps versions.
    pub version: Option<String>,
}

/// Shows that the object is there and equal, in the strongest way that the server's word allows.
pub(crate) async fn prove(
    bucket: &Bucket,
    key: &str,
    sums: &Sums,
    trust: Trust,
    wanted: Option<Proof>,
) -> Result<Proven> {
    let head = head(bucket, key).await?;
    check_size(bucket, key, head.content_length(), sums.size)?;
    let etag = head.e_tag().map(|etag| etag.trim_matches('"').to_owned());
    let proven = |proof| Proven {
        proof,
        etag: etag.clone(),
        checksum: head.checksum_crc64_nvme().map(str::to_owned),
        version: head.version_id().map(str::to_owned),
    };
    let may = |proof| wanted.is_none_or(|wanted| wanted == proof);
    if may(Proof::Checksum) && trust.checksum {
        match head.checksum_crc64_nvme() {
            Some(_) if head.checksum_type() == Some(&ChecksumType::Composite) => {}
            Some(checksum) if checksum == sums.crc64nvme => return Ok(proven(Proof::Checksum)),
            Some(_) => return Err(differs(bucket, key, "its stored checksum is another")),
            None => {}
        }
    }
    if may(Proof::Etag) && trust.etag && etag.is_some() && etag == sums.etag {
        return Ok(proven(Proof::Etag));
    }
    // An ETag that differs may just be no MD5, as with KMS: reading decides.
    if may(Proof::Readback) {
        read_back(bucket, key, sums).await?;
        return Ok(proven(Proof::Readback));
    }
    Err(Error::new(Kind::Storage, "the server gives no such proof that can be believed")
        .at(bucket.place(key))
        .with_scope(Scope::Record)
        .advise("use --proof readback, or leave --proof out"))
}

pub(crate) async fn head(bucket: &Bucket, key: &str) -> Result<HeadObjectOutput> {
    let ask = async |checksums: bool| {
        let once = || {
            let head = bucket.client().head_object().bucket(bucket.name()).key(key);
            head.set_checksum_mode(checksums.then_some(ChecksumMode::Enabled)).send()
        };
        bucket.send("looking at the object", key, 0, once).await
    };
    let checksums = bucket.asks_checksums();
    let failure = match ask(checksums).await {
        Ok(head) => return Ok(head),
        Err(failure) => failure,
    };
    // The answer does not say what was wrong: it may be the question for checksums.
    if checksums && matches!(failure.error.status(), Some(400 | 501)) {
        match ask(false).await {
            Ok(head) => {
                bucket.asks_no_checksums();
                return Ok(head);
            }
            Err(gone) if gone.error.kind() == Kind::Gone => {
                bucket.asks_no_checksums();
                return Err(gone.error);
            }
            Err(_) => {}
        }
    }
    // The answer to a HEAD has no body, and so no word that tells of keys that ended from an object that is closed.
    if failure.code.is_empty() && matches!(failure.error.status(), Some(400 | 401 | 403)) {
        let once = || bucket.client().get_object().bucket(bucket.name()).key(key).range("bytes=0-0").send();
        if let Err(told) = bucket.send("looking at the object", key, 0, once).await
            && matches!(told.error.status(), Some(400 | 401 | 403))
        {
            return Err(told.error);
        }
    }
    Err(failure.error)
}

/// Reads the whole object and compares size and SHA-256.
pub(crate) async fn read_back(bucket: &Bucket, key: &str, sums: &Sums) -> Result<()> {
    bucket.again(|| read_once(bucket, key, sums)).await
}

/// Reads the whole object, of which nothing is known, and gives the sums of its bytes.
pub(crate) async fn read_through(bucket: &Bucket, key: &str) -> Result<(Sums, Proven)> {
    // Asked first: a missing object costs one small answer, and a version is told.
    let head = head(bucket, key).await?;
    let sums = bucket.again(|| sums_of(bucket, key)).await?;
    check_size(bucket, key, head.content_length(), sums.size)?;
    let proven = Proven {
        proof: Proof::Readback,
        etag: head.e_tag().map(|etag| etag.trim_matches('"').to_owned()),
        checksum: head.checksum_crc64_nvme().map(str::to_owned),
        version: head.version_id().map(str::to_owned),
    };
    Ok((sums, proven))
}

async fn read_once(bucket: &Bucket, key: &str, sums: &Sums) -> Result<()> {
    let found = sums_of(bucket, key).await?;
    check_size(bucket, key, i64::try_from(found.size).ok(), sums.size)?;
    if found.sha256 == sums.sha256 {
        return Ok(());
    }
    Err(differs(bucket, key, "its bytes are others"))
}

async fn sums_of(bucket: &Bucket, key: &str) -> Result<Sums> {
    let once = || bucket.client().get_object().bucket(bucket.name()).key(key).send();
    let mut body = bucket.send("reading back", key, 0, once).await?.body;
    let (mut sha256, mut crc) = (Sha256::new(), crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme));
    let mut size = 0;
    loop {
        let next = tokio::time::timeout(bucket.limits().timeout, body.next()).await;
        let broke = || Error::new(Kind::Transient, "reading back broke off").at(bucket.place(key));
        match next {
            Err(_) => return Err(broke()),
            Ok(None) => break,
            Ok(Some(Err(cause))) => return Err(broke().because(cause)),
            Ok(Some(Ok(bytes))) => {
                sha256.update(&bytes);
                crc.update(&bytes);
                size += bytes.len() as u64;
            }
        }
    }
    let crc64nvme = crate::sums::crc_text(crc.finalize());
    Ok(Sums { size, sha256: HEXLOWER.encode(&sha256.finalize()), crc64nvme, etag: None })
}

fn check_size(bucket: &Bucket, key: &str, found: Option<i64>, expected: u64) -> Result<()> {
    match found.and_then(|size| u64::try_from(size).ok()) {
        Some(size) if size == expected => Ok(()),
        Some(size) => Err(differs(bucket, key, &format!("it has {size} bytes, not {expected}"))),
        None => Err(differs(bucket, key, "the server does not tell its size")),
    }
}

fn differs(bucket: &Bucket, key: &str, how: &str) -> Error {
    Error::new(Kind::Storage, format!("the object is not equal to what was sent: {how}"))
        .at(bucket.place(key))
        .with_scope(Scope::Record)
        .advise("run the same command again; if it stays, look at the server")
}
