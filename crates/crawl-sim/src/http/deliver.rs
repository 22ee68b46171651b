//! Writes an answer to the socket, well or badly.

use std::io;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::answer::{Answer, Body, Manner, Source};
use super::request::Connection;

/// Says whether the answer went out whole and well-formed.
pub(crate) async fn deliver(
    connection: &mut Connection,
    answer: &Answer,
    head_only: bool,
) -> io::Result<bool> {
    if !answer.wait.is_zero() {
        tokio::time::sleep(answer.wait).await;
    }
    if connection.peer_left() {
        connection.keep = false;
        return Ok(false);
    }
    if answer.manner != Manner::Whole && !matches!(answer.manner, Manner::Trickle(_)) {
        connection.keep = false;
    }
    match answer.manner {
        Manner::Close => return Ok(false),
        Manner::Reset => {
            connection.stream.set_zero_linger()?;
            return Ok(false);
        }
        Manner::Hang => {
            while !connection.peer_left() {
                connection.stream.readable().await?;
            }
            return Ok(false);
        }
        _ => {}
    }
    let head = head(answer, connection.keep);
    match &answer.body {
        _ if head_only => connection.stream.write_all(&head).await?,
        Body::Whole(body) => send_whole(connection, answer.manner, head, body).await?,
        Body::Parts(parts) => send_parts(connection, answer.manner, &head, parts).await?,
        Body::Made { source, from, length } => {
            let sent = if answer.manner == Manner::Cut { length / 2 } else { *length };
            connection.stream.write_all(&head).await?;
            send_made(connection, source.as_ref(), *from, sent).await?;
        }
    }
    connection.stream.flush().await?;
    Ok(matches!(answer.manner, Manner::Whole | Manner::Trickle(_)))
}

async fn send_whole(
    connection: &mut Connection,
    manner: Manner,
    mut head: Vec<u8>,
    body: &Bytes,
) -> io::Result<()> {
    let stream = &mut connection.stream;
    match manner {
        Manner::Cut => {
            head.extend_from_slice(&body[..body.len() / 2]);
            stream.write_all(&head).await
        }
        Manner::Trickle(pause) => {
            stream.write_all(&head).await?;
            for byte in body.chunks(1) {
                tokio::time::sleep(pause).await;
                stream.write_all(byte).await?;
            }
            Ok(())
        }
        // One write, one packet, where the body is small.
        _ if body.len() < 16 << 10 => {
            head.extend_from_slice(body);
            stream.write_all(&head).await
        }
        _ => {
            stream.write_all(&head).await?;
            stream.write_all(body).await
        }
    }
}

/// A piece at a time, so that no size needs memory.
async fn send_made(
    connection: &mut Connection,
    source: &dyn Source,
    mut at: u64,
    length: u64,
) -> io::Result<()> {
    let end = at + length;
    let mut piece = vec![0; length.min(256 << 10) as usize];
    while at < end {
        let size = (end - at).min(piece.len() as u64) as usize;
        source.fill(at, &mut piece[..size]);
        connection.stream.write_all(&piece[..size]).await?;
        at += size as u64;
    }
    Ok(())
}

async fn send_parts(
    connection: &mut Connection,
    manner: Manner,
    head: &[u8],
    parts: &[Bytes],
) -> io::Result<()> {
    let stream = &mut connection.stream;
    stream.write_all(head).await?;
    let kept = if manner == Manner::Cut { parts.len() / 2 } else { parts.len() };
    for part in &parts[..kept] {
        if let Manner::Trickle(pause) = manner {
            tokio::time::sleep(pause).await;
        }
        let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
        chunk.extend_from_slice(part);
        chunk.extend_from_slice(b"\r\n");
        stream.write_all(&chunk).await?;
    }
    if kept == parts.len() { stream.write_all(b"0\r\n\r\n").await } else { Ok(()) }
}

fn head(answer: &Answer, keep: bool) -> Vec<u8> {
    let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let mut head = format!("HTTP/1.1 {} {}\r\nDate: {now}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    let length = answer.body.len();
    match (&answer.body, answer.manner) {
        (Body::Parts(_), _) => head.push_str("Transfer-Encoding: chunked\r\n"),
        (_, Manner::Longer) => head.push_str(&format!("Content-Length: {}\r\n", length + 100)),
        (_, Manner::Shorter) => head.push_str(&format!("Content-Length: {}\r\n", length / 2)),
        _ => head.push_str(&format!("Content-Length: {length}\r\n")),
    }
    head.push_str(if keep { "Connection: keep-alive\r\n\r\n" } else { "Connection: close\r\n\r\n" });
    head.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
