//! Audits: whether a bucket still holds what its receipts say, by anyone who may read it.

use crawl_core::{Error, Kind, Result, Scope};

use crate::proof::{Proof, head, read_back};
use crate::receipt::Receipt;
use crate::remote::Bucket;

/// Looks after one receipt. Nothing is written to the bucket.
///
/// An object that was proven by the server's word is compared with that word again: size, ETag and stored
/// checksum must all be as they were. One that was read back, or any with `deep`, is read back again.
///
/// # Errors
/// [`Kind::Gone`] if the object is not there, [`Kind::Storage`] if it is another.
pub async fn audit(bucket: &Bucket, receipt: &Receipt, deep: bool) -> Result<()> {
    let differs = |how: &str| {
        Error::new(Kind::Storage, format!("the object is not what its receipt says: {how}"))
            .at(bucket.place(&receipt.key))
            .with_scope(Scope::Record)
            .advise("somebody replaced it, or the server lost it; look for a copy")
    };
    let head = head(bucket, &receipt.key).await.map_err(|error| match error.kind() {
        Kind::Gone => Error::new(Kind::Gone, "the object of this receipt is not in the bucket any more")
            .at(bucket.place(&receipt.key))
            .with_scope(Scope::Record)
            .advise(
                "somebody removed it, or a rule of the bucket did; look for an older version or a copy of it",
            )
            .because(error),
        _ => error,
    })?;
    if head.content_length().and_then(|size| u64::try_from(size).ok()) != Some(receipt.sums.size) {
        return Err(differs("its size is another"));
    }
    let checksum = head.checksum_crc64_nvme();
    let composite = head.checksum_type() == Some(&aws_sdk_s3::types::ChecksumType::Composite);
    if checksum.is_some_and(|checksum| checksum != receipt.sums.crc64nvme) && !composite {
        return Err(differs("its stored checksum is another"));
    }
    let etag = head.e_tag().map(|etag| etag.trim_matches('"'));
    let same = match receipt.proof {
        Proof::Checksum => checksum.is_some(),
        Proof::Etag => etag.is_some() && etag == receipt.remote_etag.as_deref(),
        Proof::Readback => false,
    };
    if same && !deep {
        return Ok(());
    }
    read_back(bucket, &receipt.key, &receipt.sums).await.map_err(|error| match error.kind() {
        Kind::Storage => differs("its bytes are others"),
        _ => error,
    })
}
