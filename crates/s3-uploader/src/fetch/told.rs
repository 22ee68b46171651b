//! What a bucket tells of an object's bytes, and whether those that came are it.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumType, ServerSideEncryption};
use crc_fast::CrcAlgorithm;
use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::sums::Sums;

/// What the bytes of an object must give.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// A SHA-256 in hex, of a receipt.
    Receipt(String),
    /// A SHA-256 that is stored with the object, in base64.
    Sha256(String),
    /// A CRC that is stored with the object, in base64.
    Crc(CrcAlgorithm, String),
    /// The ETag of an object that came whole: its MD5, unless the service takes something else.
    Md5(String),
    /// The ETag of an object that came in parts of so many bytes; `true` if the service itself tells so many.
    Md5OfParts(u64, String, bool),
    /// The ETag of an object that came in parts, of which the size is not known.
    Parts(String, u64),
    /// Nothing that could be compared.
    Nothing,
}

/// What is told of an object: answers to HEAD and GET have fields of the same names, and no trait.
macro_rules! told {
    ($answer:expr) => {{
        let answer = $answer;
        let whole = answer.checksum_type() != Some(&ChecksumType::Composite);
        // A checksum of parts' checksums may say so by its form alone.
        let plain = |sum: Option<&str>| sum.filter(|sum| whole && !sum.contains('-')).map(str::to_owned);
        let kms = matches!(
            answer.server_side_encryption(),
            Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)
        );
        let ours = kms || answer.sse_customer_algorithm().is_some();
        None.or_else(|| {
            plain(answer.checksum_crc64_nvme()).map(|sum| Told::Crc(CrcAlgorithm::Crc64Nvme, sum))
        })
        .or_else(|| plain(answer.checksum_sha256()).map(Told::Sha256))
        .or_else(|| plain(answer.checksum_crc32_c()).map(|sum| Told::Crc(CrcAlgorithm::Crc32Iscsi, sum)))
        .or_else(|| plain(answer.checksum_crc32()).map(|sum| Told::Crc(CrcAlgorithm::Crc32IsoHdlc, sum)))
        // Under such keys an ETag is no MD5.
        .or_else(|| of_etag(answer.e_tag().filter(|_| !ours)?))
        .unwrap_or(Told::Nothing)
    }};
}

impl Told {
    pub(crate) fn by_head(answer: &HeadObjectOutput) -> Self {
        told!(answer)
    }

    pub(crate) fn by_get(answer: &GetObjectOutput) -> Self {
        told!(answer)
    }

    /// A receipt counts most: it tells what was sent, not what is there.
    pub(crate) fn or_receipt(self, receipt: Option<&Sums>) -> Self {
        receipt.map_or(self, |sums| Told::Receipt(sums.sha256.clone()))
    }

    /// Whether bytes that are others are found by it, whatever happened to them: what is not known finds nothing, and a
    /// guess at the size of parts tells only what is right.
    pub(crate) fn finds_damage(&self, takes_any_etag: bool) -> bool {
        match self {
            Told::Receipt(_) | Told::Sha256(_) | Told::Crc(..) => true,
            Told::Md5(_) | Told::Md5OfParts(_, _, true) => !takes_any_etag,
            Told::Md5OfParts(_, _, false) | Told::Parts(..) | Told::Nothing => false,
        }
    }

    /// How messages name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Told::Receipt(_) => "its receipt",
            Told::Sha256(_) | Told::Crc(..) => "its stored checksum",
            Told::Md5(_) | Told::Md5OfParts(..) | Told::Parts(..) => "its ETag",
            Told::Nothing => "nothing",
        }
    }
}

/// An ETag without quotes, and without the mark by which something on the way has weakened it: it names the same object.
pub(super) fn bare(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

fn of_etag(etag: &str) -> Option<Told> {
    let etag = etag.trim_matches('"').to_ascii_lowercase();
    let is_md5 = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match etag.split_once('-') {
        None if is_md5(&etag) => Some(Told::Md5(etag)),
        Some((hex, count)) if is_md5(hex) => Some(Told::Parts(etag.clone(), count.parse().ok()?)),
        _ => None,
    }
}

/// Works out, as bytes come, what was told of them.
pub(crate) struct Check {
    told: Told,
    sha256: Option<Sha256>,
    crc: Option<crc_fast::Digest>,
    md5: Option<Md5>,
    /// How many bytes of the part under way are in `md5`, and the MD5s of those before it.
    filled: u64,
    parts: Vec<u8>,
}

impl Check {
    pub(crate) fn new(told: Told) -> Self {
        let sha256 = matches!(told, Told::Receipt(_) | Told::Sha256(_)).then(Sha256::new);
        let crc = match &told {
            Told::Crc(algorithm, _) => Some(crc_fast::Digest::new(*algorithm)),
            _ => None,
        };
        let md5 = matches!(told, Told::Md5(_) | Told::Md5OfParts(..)).then(Md5::new);
        Check { told, sha256, crc, md5, filled: 0, parts: Vec::new() }
    }

    pub(crate) fn told(&self) -> &Told {
        &self.told
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
        let Some(md5) = &mut self.md5 else { return };
        let Told::Md5OfParts(size, ..) = self.told else { return md5.update(bytes) };
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at((size - self.filled).min(bytes.len() as u64) as usize);
            md5.update(now);
            self.filled += now.len() as u64;
            if self.filled == size {
                self.parts.extend_from_slice(&std::mem::take(md5).finalize());
                self.filled = 0;
            }
            bytes = rest;
        }
    }

    /// Whether the bytes are what was told; `None` if nothing was told that could be compared.
    pub(crate) fn verdict(self) -> Option<bool> {
        let crc = self.crc.map(|crc| crc.finalize());
        let sha256 = self.sha256.map(Sha256::finalize);
        let md5 = self.md5.map(Md5::finalize);
        match self.told {
            Told::Receipt(hex) => Some(HEXLOWER.encode(&sha256?) == hex),
            Told::Sha256(text) => Some(BASE64.encode(&sha256?) == text),
            Told::Crc(CrcAlgorithm::Crc64Nvme, text) => Some(BASE64.encode(&crc?.to_be_bytes()) == text),
            Told::Crc(_, text) => Some(BASE64.encode(&(crc? as u32).to_be_bytes()) == text),
            Told::Md5(hex) => Some(HEXLOWER.encode(&md5?) == hex),
            Told::Md5OfParts(_, etag, sure) => {
                let mut parts = self.parts;
                if self.filled > 0 {
                    parts.extend_from_slice(&md5?);
                }
                let count = parts.len() / 16;
                let same = format!("{}-{count}", HEXLOWER.encode(&Md5::digest(&parts))) == etag;
                (same || sure).then_some(same)
            }
            Told::Parts(..) | Told::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums;

    fn right(told: Told, bytes: &[u8]) -> Option<bool> {
        let mut check = Check::new(told);
        bytes.chunks(7).for_each(|piece| check.update(piece));
        check.verdict()
    }

    #[test]
    fn right_bytes_are_right_and_others_are_not_by_whatever_was_told() {
        let bytes = b"123456789";
        let parts: Vec<_> = bytes.chunks(4).map(|part| sums::PartSums::of(part, true)).collect();
        let etag = sums::joined(Sha256::new(), &parts).etag.unwrap();
        let sums = sums::whole(bytes, true);
        for told in [
            Told::Receipt(sums.sha256.clone()),
            Told::Sha256(BASE64.encode(&Sha256::digest(bytes))),
            Told::Crc(CrcAlgorithm::Crc64Nvme, "rosUhgp5mIg=".into()),
            // The check values of CRC-32C and CRC-32.
            Told::Crc(CrcAlgorithm::Crc32Iscsi, BASE64.encode(&0xe306_9283_u32.to_be_bytes())),
            Told::Crc(CrcAlgorithm::Crc32IsoHdlc, BASE64.encode(&0xcbf4_3926_u32.to_be_bytes())),
            of_etag(&format!("\"{}\"", sums.etag.as_deref().unwrap())).unwrap(),
            Told::Md5OfParts(4, etag.clone(), true),
        ] {
            assert_eq!(right(told.clone(), bytes), Some(true), "{told:?}");
            assert_eq!(right(told.clone(), b"123456788"), Some(false), "{told:?}");
            assert_eq!(right(told.clone(), b"12345678"), Some(false), "{told:?}");
        }
        assert_eq!(right(Told::Md5OfParts(4, etag.clone(), false), bytes), Some(true));
        assert_eq!(right(Told::Md5OfParts(5, etag.clone(), false), bytes), None, "a guess proves no damage");
        assert_eq!(of_etag(&etag), Some(Told::Parts(etag, 3)));
        for opaque in ["opaque", "", "0-0", "\"xyz-2\"", "d41d8cd98f00b204e9800998ecf8427e-x"] {
            assert_eq!(of_etag(opaque), None, "{opaque}");
        }
        assert_eq!(right(Told::Nothing, bytes), None);
    }
}
