//! A file that is sent whole: read once, hashed as it is read, signed by that hash.

use std::fs::File;
use std::io::Read;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use bytes::Bytes;
use crawl_core::{Error, Kind, Result};
use tokio::sync::Semaphore;

use crate::Dress;
use crate::failure::Failure;
use crate::local::{Local, changed};
use crate::remote::{Bucket, SignAs};
use crate::sums::{self, Sums};
use crate::trust::Trust;

/// Reads a file whole and hashes it; it must be as it was listed before and after.
pub(crate) async fn read(file: &Local, md5: bool) -> Result<(Bytes, Sums)> {
    if file.stamp.size() <= AT_ONCE {
        return read_now(file, md5);
    }
    let file = file.clone();
    off_the_loop(move || read_now(&file, md5)).await
}

/// So small a file is read and hashed in less time than it takes to hand it to another thread and back.
const AT_ONCE: u64 = 128 << 10;

fn read_now(file: &Local, md5: bool) -> Result<(Bytes, Sums)> {
    let mut open = file.open()?;
    let failed = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => changed(&file.path),
        _ => Error::io("cannot read", &file.path, cause),
    };
    let bytes = read_exact(&mut open, file.stamp.size()).map_err(failed)?;
    if open.read(&mut [0]).map_err(failed)? > 0 {
        return Err(changed(&file.path));
    }
    let sums = sums::whole(&bytes, md5);
    file.check_open(&open)?;
    Ok((Bytes::from(bytes), sums))
}

/// The next `size` bytes of a file, read into memory that nobody filled with zeros before.
pub(crate) fn read_exact(file: &mut File, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size as usize);
    match file.take(size).read_to_end(&mut bytes)? as u64 {
        read if read == size => Ok(bytes),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Sends the bytes under the key.
pub(crate) async fn put(
    bucket: &Bucket,
    key: &str,
    dress: &Dress,
    trust: Trust,
    bytes: Bytes,
    sums: &Sums,
) -> Result<(), Failure> {
    let once = || {
        let put = bucket.client().put_object().bucket(bucket.name()).key(key);
        let put = put
            .content_type(content_type(dress, key))
            .set_storage_class(dress.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(dress.sse.as_deref().map(ServerSideEncryption::from))
            .set_ssekms_key_id(dress.sse_key.clone())
            .set_metadata(metadata(dress))
            .set_if_none_match(dress.no_overwrite.then(|| "*".to_owned()))
            .set_checksum_crc64_nvme(trust.checksum.then(|| sums.crc64nvme.clone()))
            .body(ByteStream::from(bytes.clone()));
        put.customize().interceptor(SignAs::sha256(&sums.sha256)).send()
    };
    bucket.send("the upload", key, sums.size, once).await.map(|_| ())
}

pub(crate) fn metadata(dress: &Dress) -> Option<std::collections::HashMap<String, String>> {
    (!dress.metadata.is_empty()).then(|| dress.metadata.iter().cloned().collect())
}

pub(crate) fn content_type<'a>(dress: &'a Dress, key: &str) -> &'a str {
    if let Some(given) = &dress.content_type {
        return given;
    }
    let name = key.rsplit('/').next().unwrap_or(key);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "csv" => "text/csv; charset=utf-8",
        "txt" | "log" | "toml" | "yaml" | "yml" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "xml" => "application/xml",
        "gz" => "application/gzip",
        "zst" => "application/zstd",
        "zip" => "application/zip",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "parquet" => "application/vnd.apache.parquet",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    }
}

/// So many threads read and hash at once: more would only push each other off the cores.
const READERS: usize = 8;
static READING: Semaphore = Semaphore::const_new(READERS);

/// Runs blocking work where it holds up nobody.
pub(crate) async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    // It is never closed.
    let _turn = READING.acquire().await.ok();
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(Error::new(Kind::Storage, "reading was broken off").because(cause)),
    }
}
