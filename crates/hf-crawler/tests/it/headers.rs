//! `details --details headers`: what files of weights hold, by Range; and servers that mean harm.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::details::{double, ended, id, listed, open_ones, rows, run};
use crate::program::text;

#[tokio::test(flavor = "multi_thread")]
async fn headers_tell_what_files_hold_and_only_headers_are_read() {
    let (double, root) = (double(90, &[]).await, tempfile::tempdir().unwrap());
    let all = listed(&double, root.path());
    let ids = root.path().join("ids.txt");
    std::fs::write(&ids, open_ones(&all).join("\n")).unwrap();
    double.reset();
    let path = root.path().to_str().unwrap();
    let output = run(
        &double,
        &["details", path, "--details", "files,headers", "--ids", ids.to_str().unwrap()],
        Some("hf_secret"),
    );
    ended(&output, 0, "0 dropped + 0 missing");
    ended(&output, 0, "each GGUF file whose header is read counts as a download");
    let details = rows(root.path(), "hf/models-details");
    let (mut sharded, mut ggufs, mut large) = (0, 0, 0);
    for row in &details {
        assert!(row.get("left_out").is_none(), "{row}");
        let size = |path: &Value| {
            let files = row["files"].as_array().unwrap();
            files.iter().find(|file| file["path"] == *path).unwrap()["size"].as_u64().unwrap()
        };
        let headers = row["safetensors_headers"].as_array().unwrap();
        sharded += usize::from(headers.len() > 1);
        let mut parameters = 0;
        for header in headers {
            let told = header["header_bytes"].as_u64().unwrap() + header["data_bytes"].as_u64().unwrap();
            assert_eq!(told, size(&header["path"]), "{header}");
            parameters += header["parameters"]["BF16"].as_u64().unwrap();
        }
        let listed = all.iter().find(|listed| id(listed) == id(row)).unwrap();
        if let Some(total) = listed["safetensors"]["total"].as_u64() {
            assert_eq!(parameters, total, "{}", id(row));
        }
        large += usize::from(parameters > 1_000_000_000);
        let variants = row["gguf_headers"].as_array().unwrap();
        assert!(variants.len() <= 1);
        for header in variants {
            ggufs += 1;
            assert!(
                header["path"].as_str().unwrap().ends_with(".Q4_K_M.gguf"),
                "the one that stands for all: {header}"
            );
            assert_eq!(header["parameters"], listed["gguf"]["total"]);
            assert_eq!(
                (&header["file_type"], &header["architecture"]),
                (&json!("Q4_K_M"), &listed["gguf"]["architecture"])
            );
        }
    }
    assert!(sharded > 3 && ggufs > 1 && large > 5, "{sharded} sharded, {ggufs} GGUF, {large} large");
    let seen = double.seen();
    let with_token = |origin: &str| {
        seen.iter().filter(|seen| seen.origin == origin && seen.header("authorization").is_some()).count()
    };
    assert!(with_token("main") > 50);
    assert_eq!(with_token("cdn"), 0, "the token goes to the Hub alone");
    assert!(seen.iter().filter(|seen| seen.origin == "cdn").all(|seen| seen.header("range").is_some()));
    let sent = double.stats().body_bytes;
    assert!(sent < 120 << 20, "{sent} bytes were sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_variants_are_read_where_that_is_asked_for_and_broken_bodies_are_asked_for_again() {
    let (double, root) =
        (double(60, &["cdn@2=cut", "cdn@4=whole", "cdn@5=status:500"]).await, tempfile::tempdir().unwrap());
    let all = listed(&double, root.path());
    let gguf = all.iter().find(|row| row["gguf"].is_object() && row["gated"] == false).map(id).unwrap();
    let path = root.path().to_str().unwrap();
    let arguments = ["details", path, "--details", "headers", "--id", gguf];
    ended(
        &run(
            &double,
            &[&arguments[..2], &["--details", "config", "--all-gguf", "--id", gguf]].concat(),
            None,
        ),
        78,
        "add headers",
    );
    let output = run(&double, &[&arguments[..], &["--all-gguf"]].concat(), None);
    ended(&output, 0, "1 listed = 1 kept");
    let row = &rows(root.path(), "hf/models-details")[0];
    assert_eq!(row["gguf_headers"].as_array().unwrap().len(), 2, "{row}");
    assert!(row.get("files").is_none() && row["safetensors_headers"] == json!([]));
}

/// A server of one model whose files are what `file` says: a status, headers, and what to write as the body.
fn hostile(file: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let file = Arc::new(file);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, file) = (stream.unwrap(), file.clone());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                file(head.split(' ').nth(1).unwrap_or_default(), &mut stream);
            });
        }
    });
    url
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn json_answer(stream: &mut TcpStream, body: &Value) {
    let body = body.to_string();
    send(
        stream,
        "200 OK",
        &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()),
        body.as_bytes(),
    );
}

/// A part of a file that claims to be a terabyte.
fn part(stream: &mut TcpStream, bytes: &[u8]) {
    let headers = format!(
        "content-range: bytes 0-{}/1000000000000\r\ncontent-length: {}\r\n",
        bytes.len() - 1,
        bytes.len()
    );
    send(stream, "206 Partial Content", &headers, bytes);
}

/// Lists the one model and fetches its details; gives the row.
fn of_one(url: &str, root: &Path, parts: &str) -> Value {
    let program = |arguments: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
            .args(arguments)
            .args(["--endpoint", url, "--tries", "2"])
            .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
            .output()
            .unwrap()
    };
    let path = root.to_str().unwrap();
    ended(&program(&["models", "--root", path]), 0, "1 listed = 1 kept");
    let output = program(&["details", path, "--details", parts, "--id", "e/evil"]);
    assert!(text(&output).contains("1 listed = 1 kept"), "{}", text(&output));
    let mut rows = rows(root, "hf/models-details");
    let missing = root.join("hf/models-details/page_00001.missing.jsonl");
    assert!(rows.len() == 1, "{:?}", std::fs::read_to_string(missing));
    rows.remove(0)
}

fn is_listing(path: &str, stream: &mut TcpStream) -> bool {
    if path.starts_with("/api/models?") {
        json_answer(
            stream,
            &json!([{"_id": "62a0", "id": "e/evil", "createdAt": "2024-01-01T00:00:00.000Z"}]),
        );
    }
    path.starts_with("/api/models?")
}

#[test]
fn headers_that_claim_too_much_cost_nothing_and_are_named() {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let url = hostile(move |path, stream| {
        let name = path.rsplit('/').next().unwrap();
        match name {
            _ if is_listing(path, stream) => {}
            _ if path.contains("/tree/") => {
                let file = |path: &str| json!({"type": "file", "path": path, "size": 1_000_000_000_000_u64, "oid": "0"});
                json_answer(stream, &json!([file("a.gguf"), file("four.safetensors")]));
            }
            // 2^60 tensors.
            "a.gguf" => {
                part(stream, &[&b"GGUF\x03\0\0\0"[..], &(1_u64 << 60).to_le_bytes(), &[0; 80]].concat());
            }
            // A header of 4 GiB, and a server that takes no notice of the range and never ends.
            "four.safetensors" => {
                send(stream, "200 OK", "", &(4_u64 << 30).to_le_bytes());
                while stream.write_all(&[b' '; 1 << 16]).is_ok() {
                    counted.fetch_add(1 << 16, Ordering::Relaxed);
                }
            }
            _ => send(stream, "404 Not Found", "", b""),
        }
    });
    let root = tempfile::tempdir().unwrap();
    let row = of_one(&url, root.path(), "files,headers");
    assert_eq!((&row["gguf_headers"], &row["safetensors_headers"]), (&json!([]), &Value::Null));
    let reason = |path: &str| {
        let left_out = row["left_out"].as_array().unwrap();
        left_out.iter().find(|left| left["path"] == path).unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("a.gguf").contains("claims 1152921504606846976 tensors"), "{row}");
    assert!(reason("four.safetensors").contains("claims 4294967296 bytes"), "{row}");
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 32 << 20, "the server got rid of {sent} bytes");
}

#[test]
fn files_that_are_not_what_they_should_be_are_null_with_a_reason() {
    let url = hostile(|path, stream| match path.rsplit('/').next().unwrap() {
        _ if is_listing(path, stream) => {}
        _ if path.contains("/tree/") => {
            // More files than a record should hold, for ever: each page has another cursor.
            let number: u64 = path.rsplit_once("cursor=").map_or(0, |(_, number)| number.parse().unwrap());
            let file =
                |at: u64| json!({"type": "file", "path": format!("{number}/{at}"), "size": "big", "oid": 7});
            let body = json!((0..1000).map(file).collect::<Vec<_>>()).to_string();
            let link = format!("link: <https://elsewhere.example/x?cursor={}>; rel=\"next\"\r\n", number + 1);
            let headers =
                format!("{link}content-type: application/json\r\ncontent-length: {}\r\n", body.len());
            send(stream, "200 OK", &headers, body.as_bytes());
        }
        // A config without an end, and a card that is no text.
        "config.json" => {
            send(stream, "200 OK", "", b"{\"a\": \"");
            while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
        }
        _ => send(stream, "200 OK", "content-length: 4\r\n", b"\xff\xfe\x00\x01"),
    });
    let root = tempfile::tempdir().unwrap();
    let row = of_one(&url, root.path(), "config,files,card");
    assert!(row["config.json"].is_null() && row["files"].is_null() && row["card"].is_null(), "{row}");
    let reasons: Vec<&str> =
        row["left_out"].as_array().unwrap().iter().map(|left| left["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["the repository has more than 20000 files", "it is larger than 2097152 bytes", "it is not UTF-8"]
    );
}
