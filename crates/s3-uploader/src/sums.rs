//! Hashes of what is sent: SHA-256 of the whole, CRC64NVME that joins over parts, MD5 where ETags need it.

use crc_fast::CrcAlgorithm;
use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What an object must be equal to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256, hex.
    pub sha256: String,
    /// The CRC64NVME, base64, as S3 spells it.
    pub crc64nvme: String,
    /// The ETag that a server gives who takes the MD5 of the content, or of the parts' MD5s; where it was
    /// worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl Sums {
    /// Of bytes that are only compared here.
    pub(crate) fn by_sha256(size: u64, sha256: String) -> Self {
        Sums { size, sha256, crc64nvme: String::new(), etag: None }
    }
}

/// The sums of one part, or of a file that is sent whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartSums {
    pub(crate) size: u64,
    pub(crate) crc: u64,
    pub(crate) md5: Option<[u8; 16]>,
}

impl PartSums {
    pub(crate) fn of(bytes: &[u8], md5: bool) -> Self {
        PartSums {
            size: bytes.len() as u64,
            crc: crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes),
            md5: md5.then(|| Md5::digest(bytes).into()),
        }
    }
}

/// The sums of bytes that are sent whole.
pub(crate) fn whole(bytes: &[u8], md5: bool) -> Sums {
    let part = PartSums::of(bytes, md5);
    Sums {
        size: part.size,
        sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
        crc64nvme: crc_text(part.crc),
        etag: part.md5.map(|md5| HEXLOWER.encode(&md5)),
    }
}

/// The sums of a file that is sent in parts.
pub(crate) fn joined(sha256: Sha256, parts: &[PartSums]) -> Sums {
    let join = |(crc, size): (u64, u64), part: &PartSums| {
        let crc = crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, crc, part.crc, part.size);
        (crc, size + part.size)
    };
    let empty = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, b"");
    let (crc, size) = parts.iter().fold((empty, 0), join);
    let md5s: Option<Vec<u8>> =
        parts.iter().map(|part| part.md5).collect::<Option<Vec<_>>>().map(|all| all.concat());
    Sums {
        size,
        sha256: HEXLOWER.encode(&sha256.finalize()),
        crc64nvme: crc_text(crc),
        etag: md5s.map(|md5s| format!("{}-{}", HEXLOWER.encode(&Md5::digest(md5s)), parts.len())),
    }
}

/// The MD5, hex.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Md5::digest(bytes))
}

/// The MD5 as the Content-MD5 header spells it.
pub(crate) fn md5_text(bytes: &[u8]) -> String {
    BASE64.encode(&Md5::digest(bytes))
}

/// A CRC as S3 spells it.
pub(crate) fn crc_text(crc: u64) -> String {
    BASE64.encode(&crc.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_parts_join_to_the_sums_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000u32).map(|n| (n * 7 % 251) as u8).collect();
        let mut sha256 = Sha256::new();
        let parts: Vec<_> = bytes
            .chunks(33_000)
            .map(|part| {
                sha256.update(part);
                PartSums::of(part, true)
            })
            .collect();
        let (joined, whole) = (joined(sha256, &parts), whole(&bytes, true));
        assert_eq!(
            (joined.size, &joined.sha256, &joined.crc64nvme),
            (100_000, &whole.sha256, &whole.crc64nvme)
        );
        assert!(joined.etag.unwrap().ends_with("-4"));
    }

    #[test]
    fn the_known_checksum_of_a_known_text() {
        // The check value of CRC-64/NVME.
        assert_eq!(crc_fast::checksum(CrcAlgorithm::Crc64Nvme, b"123456789"), 0xae8b_1486_0a79_9888);
        assert_eq!(crc_text(0xae8b_1486_0a79_9888), "rosUhgp5mIg=");
    }
}
