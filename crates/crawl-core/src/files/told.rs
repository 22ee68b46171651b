//! What answers tell of a file's bytes.

use data_encoding::{BASE64, HEXLOWER};
use reqwest::header::HeaderMap;

use super::Digest;

/// What an answer tells of the whole file: `x-goog-hash` (its lines may be several), `Repr-Digest` (RFC 9530), and,
/// if the answer is the whole file, `Digest` (RFC 3230) and `Content-MD5`. SHA-256, MD5 and CRC-32C are read.
pub(super) fn told(headers: &HeaderMap, whole: bool) -> Vec<Digest> {
    let mut found = Vec::new();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Google's store unpacks what it stores packed, and tells the hash of what it stores.
    let unpacked = text("x-goog-stored-content-encoding");
    let mut names = vec!["repr-digest"];
    if matches!(unpacked, "" | "identity") {
        names.push("x-goog-hash");
    }
    if whole {
        names.push("digest");
    }
    for value in names.into_iter().flat_map(|name| headers.get_all(name)) {
        let pairs = value.to_str().unwrap_or_default().split(',').filter_map(|pair| pair.split_once('='));
        found.extend(pairs.filter_map(|(kind, value)| read(kind.trim(), value.trim().trim_matches(':'))));
    }
    if whole {
        found.extend(read("md5", text("content-md5")));
    }
    found
}

fn read(kind: &str, base64: &str) -> Option<Digest> {
    let bytes = BASE64.decode(base64.as_bytes()).ok()?;
    let hex = HEXLOWER.encode(&bytes);
    match (kind.to_ascii_lowercase().as_str(), bytes.len()) {
        ("sha-256", 32) => Some(Digest::Sha256(hex)),
        ("md5", 16) => Some(Digest::Md5(hex)),
        ("crc32c", 4) => Some(Digest::Crc32c(hex)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::{Hashes, Sums};
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_google_tells_is_read_from_one_line_or_two() {
        let crc32c = Digest::Crc32c("e3069283".into());
        let md5 = Digest::Md5("25f9e794323b453885f5181f1b624d0b".into());
        let one = headers(&[("x-goog-hash", "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==")]);
        let two = headers(&[
            ("x-goog-hash", "crc32c=4waSgw=="),
            ("x-goog-hash", "md5=JfnnlDI7RTiF9RgfG2JNCw=="),
            ("x-goog-stored-content-encoding", "identity"),
        ]);
        assert_eq!(told(&one, false), [crc32c.clone(), md5.clone()]);
        assert_eq!(told(&two, true), [crc32c.clone(), md5.clone()]);
        let mut sums = Sums::new(Hashes::default().and([&md5]));
        sums.take(b"1234");
        sums.take(b"56789");
        assert_eq!((sums.like(&crc32c), sums.like(&md5)), (Some(crc32c), Some(md5)));
    }

    #[test]
    fn what_is_told_of_other_bytes_than_those_that_come_is_not_taken() {
        let packed =
            headers(&[("x-goog-hash", "crc32c=4waSgw=="), ("x-goog-stored-content-encoding", "gzip")]);
        assert_eq!(told(&packed, true), []);
        let range = headers(&[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")]);
        assert_eq!((told(&range, false).len(), told(&range, true).len()), (0, 1));
    }

    #[test]
    fn what_is_no_digest_is_not_taken() {
        for value in ["", "crc32c", "crc32c=", "crc32c=!!!", "md5=4waSgw==", "sha-256=:4waSgw==:", ",=,="] {
            assert_eq!(
                told(&headers(&[("x-goog-hash", value), ("repr-digest", value)]), true),
                [],
                "{value}"
            );
        }
    }
}
