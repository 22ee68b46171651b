//! Odd servers: an endpoint whose every answer a test writes itself, and that remembers what it was asked.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An answer as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    /// Sends only so many bytes of the body that it promised, and hangs up.
    pub cut: Option<usize>,
}

impl Sent {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Sent::text(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Self {
        Sent { status, kind, body: body.into(), cut: None }
    }
}

/// A question as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub head: String,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Asked {
    /// The id in the last message of the user that shows one.
    pub(crate) fn id(&self) -> String {
        let messages = self.body["messages"].as_array().unwrap();
        let texts = messages.iter().rev().filter_map(|message| message["content"].as_str());
        let found = texts.filter_map(|text| {
            let object = &text[text.find("{\"id\": ")?..];
            let mut values = serde_json::Deserializer::from_str(object).into_iter::<Value>();
            values.next()?.ok()?["id"].as_str().map(str::to_owned)
        });
        found.into_iter().next().unwrap()
    }

    /// The right answer to the weekly task.
    pub(crate) fn answer(&self) -> String {
        let check = self.body["messages"].as_array().unwrap().iter().rev().find_map(|message| {
            let text = message["content"].as_str()?;
            Some(text.rsplit_once("\"check\" write exactly: ")?.1.split_whitespace().next()?.to_owned())
        });
        json!({
            "id": self.id(), "reasoning": "The card says so.", "labels": ["Science"], "confidence": 0.5,
            "check": check.unwrap_or_default(),
        })
        .to_string()
    }

    /// The whole body of a right answer.
    pub(crate) fn completion(&self) -> Value {
        let message = json!({"role": "assistant", "content": self.answer()});
        json!({
            "id": "x", "object": "chat.completion", "model": "sim-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
        })
    }
}

/// A server on a free port.
pub(crate) struct Odd {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Odd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Odd {
    pub(crate) async fn start(answer: impl Fn(&Asked, usize) -> Sent + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (all, answer) = (asked.clone(), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (all, answer) = (all.clone(), answer.clone());
                tokio::spawn(async move { serve(stream, &all, &*answer).await });
            }
        });
        Odd { url, asked, task }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    all: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(&Asked, usize) -> Sent + Send + Sync),
) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let whole = end + length.unwrap_or(0usize);
        while read.len() < whole {
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        }
        let body = serde_json::from_slice(&read[end..whole]).unwrap_or_default();
        let text = String::from_utf8_lossy(&read[end..whole]).into_owned();
        read.drain(..whole);
        let asked = Asked { head, body, text };
        let number = {
            let mut all = all.lock().unwrap();
            all.push(asked.clone());
            all.len()
        };
        let sent = answer(&asked, number);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            sent.status,
            sent.kind,
            sent.body.len()
        );
        let bytes = &sent.body.as_bytes()[..sent.cut.unwrap_or(sent.body.len())];
        stream.write_all(&[head.as_bytes(), bytes].concat()).await.ok()?;
        if sent.cut.is_some() {
            return None;
        }
    }
}
