//! The embedder that asks a service, against a double of one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crawl_core::http::{Http, HttpConfig, Secret};
use record_search::{Embedder, EndpointEmbedder};

/// Answers each request with what `answer` makes of its body; keeps the heads.
fn double(
    answer: impl Fn(&serde_json::Value) -> String + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push(head);
            let body = answer(&serde_json::from_slice(&body).unwrap());
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (base, heads)
}

fn embedder(runtime: &tokio::runtime::Runtime, base: &str) -> record_search::Result<EndpointEmbedder> {
    let http = Http::new(HttpConfig { tries: 1, ..HttpConfig::default() })?;
    EndpointEmbedder::new(http, runtime.handle().clone(), base, "some-model", Some(Secret::new("s3cret")))
}

#[test]
fn a_service_makes_vectors_whatever_the_order_of_its_answer() {
    let (base, heads) = double(|body| {
        let texts = body["input"].as_array().unwrap();
        assert_eq!(body["model"], "some-model");
        let one = |(at, text): (usize, &serde_json::Value)| serde_json::json!({"index": at, "embedding": [text.as_str().unwrap().len(), 0, 0, 3]});
        serde_json::json!({"data": texts.iter().enumerate().rev().map(one).collect::<Vec<_>>()}).to_string()
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let embedder = embedder(&runtime, &base).unwrap();
    assert_eq!(embedder.dimension(), 4);
    let found = embedder.embed(&["1234", " ", "a b"]).unwrap();
    assert_eq!(found[0].vector.as_deref(), Some(&[0.8, 0.0, 0.0, 0.6][..]));
    assert_eq!((found[1].vector.as_ref(), found[2].words), (None, 2));
    let heads = heads.lock().unwrap();
    assert!(heads[0].starts_with("POST /v1/embeddings") && heads[0].to_lowercase().contains("bearer s3cret"));
    assert!(!embedder.name().contains("s3cret") && !embedder.digest().is_empty());
}

#[test]
fn answers_that_are_none_are_errors() {
    for answer in [
        "{}",
        r#"{"data":[]}"#,
        r#"{"data":[{"index":0,"embedding":[]}]}"#,
        r#"{"data":[{"index":5,"embedding":[1]}]}"#,
        r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
        "<html>",
    ] {
        let (base, _) = double(move |_| answer.to_owned());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = embedder(&runtime, &base).err().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(error.kind(), crawl_core::Kind::Shape, "{answer}");
    }
}
