//! A file that is sent in parts: in parallel, within the memory that is allowed, gone on with after a crash.

mod piece;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use crawl_core::{Error, Kind, Result};
use tokio::task::JoinSet;

use crate::dress::dressed;
use crate::failure::Failure;
use crate::gate::Size;
use crate::journal::{Journal, Part, Upload};
use crate::local::{Local, Parts, hashed};
use crate::proof::Trust;
use crate::remote::Bucket;
use crate::single::Over;
use crate::sums::{self, Sums};
use crate::{Dress, Limits};
use piece::{Listed, Piece};

const MOST_PARTS: u64 = 10_000;
const SMALLEST_PART: u64 = 5 << 20;

/// A large file on its way.
pub(crate) struct Large<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) file: &'a Local,
    pub(crate) key: &'a str,
    pub(crate) dress: &'a Dress,
    pub(crate) trust: Trust,
    pub(crate) journal: &'a Arc<Journal>,
}

/// What was sent, and in which upload.
pub(crate) struct Sent {
    pub(crate) sums: Sums,
    pub(crate) upload: String,
    /// Nothing was sent: all parts had been, and the server knows the upload no more.
    pub(crate) lost: bool,
    /// What the server said last, if it did not say that all is well: the proof decides.
    pub(crate) doubt: Option<Error>,
}

/// The size of the parts of a file.
pub(crate) fn part_size(limits: &Limits, size: u64) -> u64 {
    let least = size.div_ceil(MOST_PARTS).next_multiple_of(1 << 20);
    limits.part_size.max(SMALLEST_PART).max(least)
}

impl Large<'_> {
    /// Sends what the server does not have yet, and completes the upload.
    pub(crate) async fn send(&self) -> Result<Sent> {
        let (upload, old) = self.upload().await?;
        let count = self.file.stamp.size().div_ceil(upload.part_size);
        let there = if old { self.parts_there(&upload).await? } else { BTreeMap::new() };
        if there.is_empty() && upload.parts.len() as u64 == count {
            // Complete already, most likely, before the receipt was written: only look.
            let listed = |part: &Part| (part.number, Listed { size: part.size, etag: part.etag.clone() });
            let all = upload.parts.values().map(listed).collect();
            let sums = self.send_parts(&upload, all).await?.0;
            let doubt = Error::new(Kind::Transient, "the upload is not there any more")
                .at(self.bucket.place(self.key));
            return Ok(Sent { sums, upload: upload.upload, lost: true, doubt: Some(doubt) });
        }
        match self.send_rest(&upload, there).await {
            Err(error) if self.file.check().is_err() => {
                self.give_up(&upload).await;
                Err(error)
            }
            result => result,
        }
    }

    async fn send_rest(&self, upload: &Upload, there: BTreeMap<i32, Listed>) -> Result<Sent> {
        let (sums, parts) = self.send_parts(upload, there).await?;
        self.file.check()?;
        let doubt = match self.complete_if_free(upload, &sums, &parts).await {
            Ok(()) => None,
            // The proof decides whether what is there is ours.
            Err(failure) if failure.error.status() == Some(412) => {
                self.give_up(upload).await;
                Some(failure.error)
            }
            Err(failure) => {
                if matches!(failure.code.as_str(), "InvalidPart" | "InvalidPartOrder" | "BadDigest") {
                    self.give_up(upload).await;
                    return Err(failure.error);
                }
                Some(failure.error)
            }
        };
        Ok(Sent { sums, upload: upload.upload.clone(), lost: false, doubt })
    }

    /// The upload to go on with and `true`, or a new one.
    async fn upload(&self) -> Result<(Upload, bool)> {
        let size = part_size(self.bucket.limits(), self.file.stamp.size());
        if let Some(found) = self.journal.find(self.bucket.name(), self.key) {
            let same = found.file == self.file.path && found.stamp == self.file.stamp;
            if same && found.checksums == self.trust.checksum {
                return Ok((found, true));
            }
            self.give_up(&found).await;
        }
        let once = || {
            let create = self.bucket.client().create_multipart_upload();
            let create = create.bucket(self.bucket.name()).key(self.key);
            let create = dressed!(create, self.dress, self.key);
            let sums = self.trust.checksum;
            create
                .set_checksum_algorithm(sums.then_some(ChecksumAlgorithm::Crc64Nvme))
                .set_checksum_type(sums.then_some(ChecksumType::FullObject))
                .send()
        };
        let created = self.bucket.send("beginning an upload", self.key, 0, once).await?;
        let none = || {
            Error::new(Kind::Shape, "the server began an upload without a name")
                .at(self.bucket.place(self.key))
        };
        let upload = Upload {
            upload: created.upload_id().ok_or_else(none)?.to_owned(),
            bucket: self.bucket.name().to_owned(),
            key: self.key.to_owned(),
            file: self.file.path.clone(),
            stamp: self.file.stamp,
            part_size: size,
            checksums: self.trust.checksum,
            // Some servers keep checksums, but not of objects that come in parts.
            md5: self.trust.etag
                && !(self.trust.checksum
                    && created.checksum_algorithm() == Some(&ChecksumAlgorithm::Crc64Nvme)),
            parts: BTreeMap::new(),
        };
        self.journal.begun(upload.clone())?;
        Ok((upload, false))
    }

    /// The parts that the server has.
    async fn parts_there(&self, upload: &Upload) -> Result<BTreeMap<i32, Listed>> {
        let mut there = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let once = || {
                let list = self.bucket.client().list_parts().bucket(self.bucket.name()).key(self.key);
                list.upload_id(&upload.upload).set_part_number_marker(after.clone()).send()
            };
            let page = match self.bucket.send("listing the parts", self.key, 0, once).await {
                Ok(page) => page,
                Err(failure) if failure.error.kind() == Kind::Gone => return Ok(BTreeMap::new()),
                Err(failure) => return Err(failure.error),
            };
            for listed in page.parts() {
                let size = listed.size().and_then(|size| u64::try_from(size).ok());
                if let (Some(number), Some(size)) = (listed.part_number(), size) {
                    there.insert(number, Listed { size, etag: listed.e_tag().map(str::to_owned) });
                }
            }
            after = page.next_part_number_marker().map(str::to_owned);
            if page.is_truncated() != Some(true) || after.is_none() {
                return Ok(there);
            }
        }
    }

    /// Reads the file from beginning to end; sends the parts that are not `there`. Only reading and the SHA-256 of
    /// the whole go one part after the other: each part's own sums are worked out beside them.
    async fn send_parts(
        &self,
        upload: &Upload,
        mut there: BTreeMap<i32, Listed>,
    ) -> Result<(Sums, Vec<Part>)> {
        let mut reader = Parts::open(self.file, upload.part_size)?;
        let mut sending = JoinSet::new();
        let mut done = Vec::new();
        for number in 1.. {
            let room = self.bucket.gate().room(Size::Part, upload.part_size).await;
            let (back, next) = reader.next().await?;
            reader = back;
            let Some(bytes) = next else { break };
            let piece = Piece {
                bucket: self.bucket.clone(),
                journal: self.journal.clone(),
                key: self.key.to_owned(),
                upload: upload.upload.clone(),
                number,
                checksums: upload.checksums,
                etags: self.trust.etag,
                listed: there.remove(&number),
                noted: upload.parts.get(&number).cloned(),
            };
            let md5 = upload.md5;
            sending.spawn(async move {
                let (bytes, sums) = hashed(bytes, md5).await?;
                let part = match piece.known(&sums, &bytes) {
                    Some(known) => known,
                    None => piece.send(&sums, bytes).await?,
                };
                drop(room);
                Ok((part, sums))
            });
            while let Some(one) = sending.try_join_next() {
                done.push(joined(one)?);
            }
        }
        while let Some(one) = sending.join_next().await {
            done.push(joined(one)?);
        }
        done.sort_by_key(|(part, _)| part.number);
        let (parts, all): (_, Vec<_>) = done.into_iter().unzip();
        Ok((reader.joined(&all), parts))
    }

    /// Not every server that is asked to replace nothing listens.
    async fn complete_if_free(&self, upload: &Upload, sums: &Sums, parts: &[Part]) -> Result<(), Failure> {
        if self.dress.no_overwrite {
            match crate::proof::head(self.bucket, self.key).await {
                Ok(_) => return Err(self.bucket.taken(self.key).into()),
                Err(error) if error.kind() == Kind::Gone => {}
                Err(error) => return Err(error.into()),
            }
        }
        let over = if self.dress.no_overwrite { Over::Nothing } else { Over::Anything };
        match self.complete(upload, sums, parts, &over).await {
            Err(failure) if over.is_unknown(&failure) => {
                self.complete(upload, sums, parts, &Over::Anything).await
            }
            result => result,
        }
    }

    /// The sums that the file has, sent in parts.
    pub(crate) async fn sums(&self) -> Result<Sums> {
        let size = part_size(self.bucket.limits(), self.file.stamp.size());
        let mut reader = Parts::open(self.file, size)?;
        let mut all = Vec::new();
        loop {
            let _room = self.bucket.gate().room(Size::Part, size).await;
            let (back, next) = reader.next().await?;
            reader = back;
            let Some(bytes) = next else { return Ok(reader.joined(&all)) };
            all.push(hashed(bytes, self.trust.wants_md5()).await?.1);
        }
    }

    /// Ends an upload that an earlier run began, if there is one.
    pub(crate) async fn forget(&self) {
        if let Some(found) = self.journal.find(self.bucket.name(), self.key) {
            self.give_up(&found).await;
        }
    }

    async fn complete(
        &self,
        upload: &Upload,
        sums: &Sums,
        parts: &[Part],
        over: &Over,
    ) -> Result<(), Failure> {
        let part = |part: &Part| {
            let checksum = upload.checksums.then(|| sums::crc_text(part.crc));
            CompletedPart::builder()
                .part_number(part.number)
                .set_e_tag(part.etag.clone())
                .set_checksum_crc64_nvme(checksum)
                .build()
        };
        let list =
            CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(part).collect())).build();
        let once = || {
            let complete = self.bucket.client().complete_multipart_upload().bucket(self.bucket.name());
            let checksum = upload.checksums.then(|| sums.crc64nvme.clone());
            complete
                .key(self.key)
                .upload_id(&upload.upload)
                .multipart_upload(list.clone())
                .set_checksum_type(upload.checksums.then_some(ChecksumType::FullObject))
                .set_checksum_crc64_nvme(checksum)
                .set_if_none_match((*over == Over::Nothing).then(|| "*".to_owned()))
                .send()
        };
        self.bucket.send("completing the upload", self.key, 0, once).await.map(|_| ())
    }

    /// Ends an upload that cannot become right. What cannot be ended now, `cleanup` ends later.
    async fn give_up(&self, upload: &Upload) {
        let once = || {
            let abort = self.bucket.client().abort_multipart_upload().bucket(self.bucket.name());
            abort.key(self.key).upload_id(&upload.upload).send()
        };
        if let Err(failure) = self.bucket.send("ending an upload", self.key, 0, once).await {
            tracing::debug!(error = %failure.error, "an upload stays unfinished");
        }
        if let Err(error) = self.journal.ended(&upload.upload) {
            tracing::debug!(%error, "the journal keeps an upload that has ended");
        }
    }
}

fn joined<T>(done: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    done.unwrap_or_else(|cause| Err(Error::new(Kind::Transient, "a part was broken off").because(cause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_more_parts_than_allowed() {
        let limits = Limits::default();
        for size in [0u64, 9 << 20, 80 << 30, 5 << 40, 48 << 40] {
            assert!(size.div_ceil(part_size(&limits, size)) <= MOST_PARTS);
        }
        assert_eq!(part_size(&limits, 1 << 30), 5 << 20);
    }
}
