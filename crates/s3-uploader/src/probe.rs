//! What a server's own word is worth: seen once, at the start, by sending it something wrong.
//!
//! A stored checksum that equals ours proves nothing if the server only hands back the header that we sent. So a
//! server's checksum is believed only if the server **refused** an upload whose checksum was wrong, and then kept
//! and gave back a right one with its bytes. The same holds for ETags, with a wrong Content-MD5. A server that
//! passes neither is read back, object by object.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use crawl_core::{Kind, Result};
use tokio::sync::OnceCell;

use crate::Dress;
use crate::dress::dressed;
use crate::failure::Failure;
use crate::proof::Trust;
use crate::remote::Bucket;
use crate::sums::{self, Sums};

/// What one job knows of its server; each question is asked once.
#[derive(Debug)]
pub(crate) struct Probe {
    key: String,
    dress: Dress,
    /// The dress of the files, if the bucket demands a lock: then the probe stays until its lock ends.
    locked: Option<Dress>,
    whole: OnceCell<Trust>,
    parts: OnceCell<bool>,
}

impl Probe {
    /// With an object beside what has the prefix. A run that was killed left one of the same name, by its `mark`: it is
    /// replaced and removed.
    pub(crate) fn new(prefix: &str, of_files: &Dress, mark: &str) -> Self {
        let dress = of_files.of_a_probe();
        let lock = (of_files.lock.clone(), of_files.legal_hold);
        let locked = of_files.locks().then(|| Dress { lock: lock.0, legal_hold: lock.1, ..dress.clone() });
        let folder = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        let key = format!("{folder}.s3-uploader-probe-{mark}");
        Probe { key, dress, locked, whole: OnceCell::new(), parts: OnceCell::new() }
    }

    /// What the server was seen to check. Leaves nothing behind where objects may be deleted and need no lock.
    pub(crate) async fn trust(&self, bucket: &Bucket) -> Result<Trust> {
        let asked = async {
            match (probe(bucket, &self.key, &self.dress).await, &self.locked) {
                (Err(error), Some(locked)) if error.kind() == Kind::Denied && !error.concerns_all() => {
                    probe(bucket, &self.key, locked).await
                }
                (result, _) => result,
            }
        };
        // Boxed, as they are large and seldom: what holds them is polled for each file.
        self.whole.get_or_try_init(|| Box::pin(asked)).await.copied()
    }

    /// Whether the server was seen to check the checksum of an object in parts; asked before the first.
    pub(crate) async fn trusts_parts(&self, bucket: &Bucket) -> Result<bool> {
        // Where it is joined the server was wrong, and it is seldom: so it may be dressed as the files are.
        let dress = self.locked.as_ref().unwrap_or(&self.dress);
        let asked = || Box::pin(probe_parts(bucket, &self.key, dress));
        self.parts.get_or_try_init(asked).await.copied()
    }
}

const BODY: &[u8] = b"s3-uploader asks whether this server checks what it is sent\n";

async fn probe(bucket: &Bucket, key: &str, dress: &Dress) -> Result<Trust> {
    let mut stored = false;
    let trust = ask(bucket, key, dress, &mut stored).await;
    if stored {
        remove(bucket, key).await;
    }
    tracing::debug!(?trust, "what the server was seen to check");
    trust
}

async fn remove(bucket: &Bucket, key: &str) {
    if let Err(error) = bucket.remove(key).await {
        tracing::warn!(%error, "a small probe object stays in the bucket");
    }
}

async fn ask(bucket: &Bucket, key: &str, dress: &Dress, stored: &mut bool) -> Result<Trust> {
    let other = b"something else";
    let mut trust = Trust::default();
    if bucket.sends_checksums() {
        let wrong = sums::crc_text(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, other));
        trust.checksum = refused(put(bucket, key, dress, Header::Checksum(wrong)).await, stored)?;
    }
    let wrong = sums::md5_text(other);
    trust.etag = refused(put(bucket, key, dress, Header::Md5(wrong)).await, stored)?;
    if trust == Trust::default() {
        return Ok(trust);
    }
    let right = sums::whole(BODY, true);
    if trust.checksum {
        let checksum = Header::Checksum(right.crc64nvme.clone());
        trust.checksum = taken(put(bucket, key, dress, checksum).await, stored)?;
    }
    // Without a Content-MD5: the ETag is then the server's own work.
    if !trust.checksum && !taken(put(bucket, key, dress, Header::None).await, stored)? {
        // A bucket with Object Lock wants one.
        let md5 = Header::Md5(sums::md5_text(BODY));
        if !taken(put(bucket, key, dress, md5).await, stored)? {
            return Ok(Trust::default());
        }
    }
    let head = crate::proof::head(bucket, key).await?;
    let etag = head.e_tag().map(|etag| etag.trim_matches('"').to_owned());
    trust.checksum &= head.checksum_crc64_nvme() == Some(&right.crc64nvme);
    trust.etag &= etag == right.etag;
    Ok(if same(bucket, key, &right).await? { trust } else { Trust::default() })
}

async fn same(bucket: &Bucket, key: &str, right: &Sums) -> Result<bool> {
    match crate::proof::read_back(bucket, key, right).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Kind::Storage => Ok(false),
        Err(error) => Err(error),
    }
}

enum Header {
    None,
    Checksum(String),
    Md5(String),
}

async fn put(bucket: &Bucket, key: &str, dress: &Dress, header: Header) -> Result<(), Failure> {
    let once = || {
        let put = bucket.client().put_object().bucket(bucket.name()).key(key);
        let put = dressed!(put, dress, key);
        let put = match &header {
            Header::None => put,
            Header::Checksum(checksum) => put.checksum_crc64_nvme(checksum),
            Header::Md5(md5) => put.content_md5(md5),
        };
        put.body(ByteStream::from_static(BODY)).send()
    };
    bucket.send_while("the probe", key, BODY.len() as u64, unless_refused, once).await.map(|_| ())
}

/// A wrong checksum is to be refused, once.
fn unless_refused(failure: &Failure) -> bool {
    failure.passes() && failure.error.status() != Some(400)
}

/// Whether the server refuses to join parts under a wrong checksum. One that only keeps what it is told would give
/// it back as if it were true.
async fn probe_parts(bucket: &Bucket, key: &str, dress: &Dress) -> Result<bool> {
    let (client, name) = (bucket.client(), bucket.name());
    let create = || {
        let create = client.create_multipart_upload().bucket(name).key(key);
        let create = dressed!(create, dress, key);
        create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject).send()
    };
    let created =
        unless_out_of_reach(bucket.send_while("the probe of parts", key, 0, unless_refused, create).await)?;
    let Some(upload) = created.and_then(|created| created.upload_id().map(str::to_owned)) else {
        return Ok(false);
    };
    let right = sums::whole(BODY, false).crc64nvme;
    let part = || {
        let part = client.upload_part().bucket(name).key(key).upload_id(&upload).part_number(1);
        part.checksum_crc64_nvme(&right).body(ByteStream::from_static(BODY)).send()
    };
    let sent = bucket.send_while("the probe of parts", key, BODY.len() as u64, unless_refused, part).await;
    let (mut seen, mut stored) = (Ok(false), false);
    match unless_out_of_reach(sent) {
        Err(error) => seen = Err(error),
        Ok(None) => {}
        Ok(Some(sent)) => {
            let wrong =
                sums::crc_text(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, b"something else"));
            let one = CompletedPart::builder().part_number(1).set_e_tag(sent.e_tag().map(str::to_owned));
            let one = one.checksum_crc64_nvme(&right).build();
            let list = CompletedMultipartUpload::builder().parts(one).build();
            let complete = || {
                let complete = client.complete_multipart_upload().bucket(name).key(key).upload_id(&upload);
                let complete = complete.checksum_type(ChecksumType::FullObject).checksum_crc64_nvme(&wrong);
                complete.multipart_upload(list.clone()).send()
            };
            let answer = bucket.send_while("the probe of parts", key, 0, unless_refused, complete).await;
            seen = refused(answer.map(|_| ()), &mut stored);
        }
    }
    // It ended if it was joined; what cannot be ended now, `cleanup` ends later.
    let abort = || client.abort_multipart_upload().bucket(name).key(key).upload_id(&upload).send();
    let _ = bucket.send("ending the probe", key, 0, abort).await;
    if stored {
        remove(bucket, key).await;
    }
    tracing::debug!(?seen, "whether the server was seen to check objects in parts");
    seen
}

/// `None` if the server refused, for whatever reason; an error only if it could not be asked.
fn unless_out_of_reach<T>(result: Result<T, Failure>) -> Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(failure) if unless_refused(&failure) && !matches!(failure.error.status(), Some(500 | 501)) => {
            Err(failure.error)
        }
        Err(_) => Ok(None),
    }
}

/// Whether the server refused the content and not us.
fn refused(result: Result<(), Failure>, stored: &mut bool) -> Result<bool> {
    match result {
        Ok(()) => {
            *stored = true;
            Ok(false)
        }
        Err(failure) if failure.error.status() == Some(400) => Ok(true),
        // A clone that does not know the header, or breaks on it.
        Err(failure) if matches!(failure.error.status(), Some(405 | 500 | 501)) => Ok(false),
        Err(failure) => Err(failure.error),
    }
}

fn taken(result: Result<(), Failure>, stored: &mut bool) -> Result<bool> {
    match result {
        Ok(()) => {
            *stored = true;
            Ok(true)
        }
        Err(failure) if matches!(failure.error.status(), Some(400 | 405 | 500 | 501)) => Ok(false),
        Err(failure) => Err(failure.error),
    }
}
