//! One part of a file: whether the server has it, and how it is sent.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use crawl_core::{Kind, Result};
use data_encoding::{BASE64, HEXLOWER};

use crate::journal::{Journal, Part};
use crate::remote::{Bucket, SignAs};
use crate::sums::{self, PartSums};

/// A part, as the server lists it.
pub(super) struct Listed {
    pub(super) size: u64,
    pub(super) etag: Option<String>,
}

/// One part on its way.
pub(super) struct Piece {
    pub(super) bucket: Bucket,
    pub(super) journal: Arc<Journal>,
    pub(super) key: String,
    pub(super) upload: String,
    pub(super) number: i32,
    /// Checksums are sent with the parts.
    pub(super) checksums: bool,
    /// The server's ETags can be believed.
    pub(super) etags: bool,
    pub(super) listed: Option<Listed>,
    pub(super) noted: Option<Part>,
}

impl Piece {
    /// The part, if the server has it: by the journal, or by an ETag that can be believed (a part that arrived
    /// just before a crash is not in the journal).
    pub(super) fn known(&self, part: &PartSums, bytes: &Bytes) -> Option<Part> {
        let listed = self.listed.as_ref().filter(|listed| listed.size == part.size)?;
        if let Some(noted) = &self.noted {
            // Some servers list no ETags.
            let same = listed.etag.is_none() || listed.etag == noted.etag;
            return (noted.crc == part.crc && same).then(|| noted.clone());
        }
        let etag = listed.etag.clone().filter(|_| self.etags)?;
        let md5 = part.md5.map_or_else(|| sums::md5_hex(bytes), |md5| HEXLOWER.encode(&md5));
        (etag.trim_matches('"') == md5).then_some(Part {
            number: self.number,
            size: part.size,
            crc: part.crc,
            etag: Some(etag),
        })
    }

    pub(super) async fn send(&self, part: &PartSums, bytes: Bytes) -> Result<Part> {
        let once = || {
            let send = self.bucket.client().upload_part().bucket(self.bucket.name()).key(&self.key);
            send.upload_id(&self.upload)
                .part_number(self.number)
                .set_checksum_crc64_nvme(self.checksums.then(|| sums::crc_text(part.crc)))
                .set_content_md5(part.md5.filter(|_| !self.checksums).map(|md5| BASE64.encode(&md5)))
                .body(ByteStream::from(bytes.clone()))
                .customize()
                .interceptor(SignAs::unsigned())
                .send()
        };
        let sent = match self.bucket.send("the upload of a part", &self.key, part.size, once).await {
            Ok(sent) => sent,
            Err(failure) if failure.error.kind() == Kind::Gone => {
                // Somebody ended it: the next run begins anew.
                self.journal.ended(&self.upload)?;
                return Err(failure.error.advise("run the same command again; it begins this file anew"));
            }
            Err(failure) => return Err(failure.error),
        };
        let etag = sent.e_tag().map(str::to_owned);
        let part = Part { number: self.number, size: part.size, crc: part.crc, etag };
        self.journal.part(&self.upload, part.clone())?;
        Ok(part)
    }
}
