//! A file that is sent whole, signed by the hash that was taken as it was read.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::Dress;
use crate::dress::dressed;
use crate::failure::Failure;
use crate::probe::Trust;
use crate::remote::{Bucket, SignAs};
use crate::sums::{self, Sums};

/// Sends the bytes under the key.
pub(crate) async fn put(
    bucket: &Bucket,
    key: &str,
    dress: &Dress,
    trust: Trust,
    bytes: Bytes,
    sums: &Sums,
) -> Result<(), Failure> {
    // A bucket with Object Lock wants one or the other.
    let md5 = (!trust.checksum && (sums.etag.is_some() || dress.locks())).then(|| sums::md5_text(&bytes));
    let once = || {
        let put = bucket.client().put_object().bucket(bucket.name()).key(key);
        let put = dressed!(put, dress, key)
            .set_content_md5(md5.clone())
            .set_if_none_match(dress.no_overwrite.then(|| "*".to_owned()))
            .set_checksum_crc64_nvme(trust.checksum.then(|| sums.crc64nvme.clone()))
            .body(ByteStream::from(bytes.clone()));
        put.customize().interceptor(SignAs::sha256(&sums.sha256)).send()
    };
    bucket.send("the upload", key, sums.size, once).await.map(|_| ())
}
