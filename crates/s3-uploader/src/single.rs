//! A file that is sent whole, signed by the hash that was taken as it was read.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::Dress;
use crate::dress::dressed;
use crate::failure::Failure;
use crate::proof::Trust;
use crate::remote::{Bucket, SignAs};
use crate::sums::{self, Sums};

/// What may be replaced, where the service hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Anything,
    /// Only what has this ETag, as the service spells it.
    Just(String),
    Nothing,
}

impl Over {
    /// Whether a service that failed like this does not know such words, so that it must do without.
    pub(crate) fn is_unknown(&self, failure: &Failure) -> bool {
        let unknown = failure.error.status() == Some(501) || failure.code == "NotImplemented";
        unknown && *self != Over::Anything
    }
}

/// Sends the bytes under the key.
pub(crate) async fn put(
    bucket: &Bucket,
    key: &str,
    dress: &Dress,
    trust: Trust,
    (bytes, sums): (&Bytes, &Sums),
    over: &Over,
) -> Result<(), Failure> {
    match put_if(bucket, key, dress, trust, (bytes, sums), over).await {
        Err(failure) if over.is_unknown(&failure) => {
            put_if(bucket, key, dress, trust, (bytes, sums), &Over::Anything).await
        }
        result => result,
    }
}

async fn put_if(
    bucket: &Bucket,
    key: &str,
    dress: &Dress,
    trust: Trust,
    (bytes, sums): (&Bytes, &Sums),
    over: &Over,
) -> Result<(), Failure> {
    // A bucket with Object Lock wants one or the other.
    let md5 = (!trust.checksum && (sums.etag.is_some() || dress.locks())).then(|| sums::md5_text(bytes));
    let once = || {
        let put = bucket.client().put_object().bucket(bucket.name()).key(key);
        let put = dressed!(put, dress, key)
            .set_content_md5(md5.clone())
            .set_if_none_match((*over == Over::Nothing).then(|| "*".to_owned()))
            .set_if_match(match over {
                Over::Just(etag) => Some(etag.clone()),
                Over::Anything | Over::Nothing => None,
            })
            .set_checksum_crc64_nvme(trust.checksum.then(|| sums.crc64nvme.clone()))
            .body(ByteStream::from(bytes.clone()));
        put.customize().interceptor(SignAs::sha256(&sums.sha256)).send()
    };
    bucket.send("the upload", key, sums.size, once).await.map(|_| ())
}
