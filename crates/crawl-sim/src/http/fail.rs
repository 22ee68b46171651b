//! Turns an answer into what a fault makes of it.

use std::io::{self, Write};
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::answer::{Answer, Body, Manner};
use crate::fault::{Fault, RetryAfter};

/// The answer that stands in for the service's own, if the fault needs nothing from the service.
pub(crate) fn instead(fault: &Fault) -> Option<Answer> {
    let silent = |manner| Some(Answer { manner, ..Answer::text(500, "") });
    match fault {
        Fault::Status(status) => {
            Some(Answer::text(*status, format!("{status}: the double was told to fail\n")))
        }
        Fault::TooMany(retry) => Some(too_many(*retry)),
        Fault::Html => Some(Answer::new(200, "text/html; charset=utf-8", HTML)),
        Fault::Bomb => Some(Answer::json(bomb()).with("Content-Encoding", "gzip")),
        Fault::Reset => silent(Manner::Reset),
        Fault::Close => silent(Manner::Close),
        Fault::Hang => silent(Manner::Hang),
        _ => None,
    }
}

/// Spoils an answer that the service gave.
pub(crate) fn spoil(answer: &mut Answer, fault: &Fault) {
    match fault {
        Fault::Cut | Fault::CutStream => answer.manner = Manner::Cut,
        Fault::Longer => answer.manner = Manner::Longer,
        Fault::Shorter => answer.manner = Manner::Shorter,
        Fault::Trickle(pause) => answer.manner = Manner::Trickle(*pause),
        Fault::Slow(wait) => answer.wait += *wait,
        Fault::InvalidUtf8 => answer.body = invalid_utf8(&answer.body),
        _ => {}
    }
}

/// Packs a whole body if it is worth it.
pub(crate) fn gzip(answer: &mut Answer) -> io::Result<()> {
    let Body::Whole(body) = &answer.body else { return Ok(()) };
    let packed_already = answer.headers.iter().any(|(name, _)| *name == "Content-Encoding");
    if body.len() < 256 || answer.status != 200 || packed_already {
        return Ok(());
    }
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body)?;
    answer.body = Body::Whole(packer.finish()?.into());
    answer.headers.push(("Content-Encoding", "gzip".into()));
    Ok(())
}

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head>\
    <body><h1>We are checking something</h1><p>This page is not the JSON you asked for.</p></body></html>\n";

fn too_many(retry: RetryAfter) -> Answer {
    let answer = Answer::text(429, "Too many requests. Please come back later.\n");
    match retry {
        RetryAfter::Silent => answer,
        RetryAfter::Seconds(seconds) => answer.with("Retry-After", seconds.to_string()),
        RetryAfter::Date => {
            let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
            answer.with("Retry-After", then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
    }
}

/// Puts two bytes that no UTF-8 holds inside the last text of the body.
fn invalid_utf8(body: &Body) -> Body {
    let mut bytes = match body {
        Body::Whole(bytes) => bytes.to_vec(),
        Body::Parts(parts) => parts.concat(),
        Body::Made { source, from, length } => {
            let mut bytes = vec![0; (*length).min(64 << 20) as usize];
            source.fill(*from, &mut bytes);
            bytes
        }
    };
    let quote = bytes.iter().rposition(|byte| *byte == b'"').unwrap_or(bytes.len());
    bytes.splice(quote..quote, [0xff, 0xfe]);
    Body::Whole(bytes.into())
}

/// One gzip member of 1040 MiB of spaces in about 1 MB, made once.
fn bomb() -> Bytes {
    static BOMB: OnceLock<Bytes> = OnceLock::new();
    BOMB.get_or_init(make_bomb).clone()
}

/// A block flushed with `Full` refers to nothing before it, so the same compressed block can be repeated.
fn make_bomb() -> Bytes {
    const BLOCK: usize = 1 << 20;
    const TIMES: usize = 1040;
    let spaces = vec![b' '; BLOCK];
    let mut block = Vec::with_capacity(64 << 10);
    let packed =
        Compress::new(Compression::best(), false).compress_vec(&spaces, &mut block, FlushCompress::Full);
    debug_assert!(packed.is_ok());
    let (mut whole, mut once) = (Crc::new(), Crc::new());
    once.update(&spaces);
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..TIMES {
        bomb.extend_from_slice(&block);
        whole.combine(&once);
    }
    // An empty final block, then the checksum and the length.
    bomb.extend_from_slice(&[0x03, 0x00]);
    bomb.extend_from_slice(&whole.sum().to_le_bytes());
    bomb.extend_from_slice(&((BLOCK * TIMES) as u32).to_le_bytes());
    bomb.into()
}
