//! The batch endpoint: files with a request a line, and batches that answer them after a while, in another order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::complete::{self, Manner};
use super::prompt::Prompt;
use super::{LlmConfig, refusal};
use crate::http::answer::Answer;
use crate::http::journal::Journal;
use crate::http::request::Request;
use crate::locked;

/// Files and batches, by id.
#[derive(Default)]
pub(super) struct Batches {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, String>,
    batches: BTreeMap<String, Batch>,
}

struct Batch {
    input: String,
    metadata: Value,
    made_at: Instant,
    lines: u64,
    output: String,
    errors: String,
    failed: u64,
    refused: bool,
}

impl Batches {
    pub(super) fn answer(
        &self,
        request: &Request,
        journal: &Journal,
        manner: Manner,
        config: &LlmConfig,
    ) -> Answer {
        let takes = config.batch_takes;
        let path = request.path().trim_start_matches("/v1");
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["files"]) => self.upload(request),
            ("GET", ["files", id, "content"]) => self.content(id),
            ("POST", ["batches"]) => self.create(request, journal, manner, config),
            ("GET", ["batches"]) => self.list(request, config),
            ("GET", ["batches", id]) => {
                let state = locked(&self.state);
                let found =
                    state.batches.get(*id).map(|batch| Answer::json(batch.shown(id, takes).to_string()));
                found.unwrap_or_else(|| refusal(404, "No such batch", "invalid_request_error", None))
            }
            _ => refusal(404, "Invalid URL", "invalid_request_error", None),
        }
    }

    fn upload(&self, request: &Request) -> Answer {
        let body = String::from_utf8_lossy(&request.body);
        let part = body.split_once("filename=").and_then(|(_, rest)| rest.split_once("\r\n\r\n"));
        let Some((_, rest)) = part else {
            return refusal(400, "There is no file in the form", "invalid_request_error", None);
        };
        let end = rest.rfind("\r\n--").unwrap_or(rest.len());
        let mut state = locked(&self.state);
        let id = format!("file-{:06}", state.files.len() + 1);
        state.files.insert(id.clone(), rest[..end].to_owned());
        Answer::json(json!({"id": id, "object": "file", "bytes": end, "purpose": "batch"}).to_string())
    }

    fn content(&self, id: &str) -> Answer {
        match locked(&self.state).files.get(id) {
            Some(text) => Answer::new(200, "application/octet-stream", text.clone()),
            None => refusal(404, "No such file", "invalid_request_error", None),
        }
    }

    /// A page of the list, newest first.
    fn list(&self, request: &Request, config: &LlmConfig) -> Answer {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let wanted =
            |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let limit = wanted("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20).min(config.batch_page);
        let state = locked(&self.state);
        let older = state
            .batches
            .iter()
            .rev()
            .skip_while(|(id, _)| wanted("after").is_some_and(|after| id.as_str() >= after));
        let mut data: Vec<_> =
            older.map(|(id, batch)| batch.shown(id, config.batch_takes)).take(limit + 1).collect();
        let has_more = data.len() > limit;
        data.truncate(limit);
        Answer::json(json!({"object": "list", "data": data, "has_more": has_more}).to_string())
    }

    fn create(&self, request: &Request, journal: &Journal, manner: Manner, config: &LlmConfig) -> Answer {
        let (takes, every_fails) = (config.batch_takes, config.batch_fails);
        let wish: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let input = wish["input_file_id"].as_str().unwrap_or_default().to_owned();
        let mut state = locked(&self.state);
        let Some(text) = state.files.get(&input).cloned() else {
            return refusal(400, "No such input file", "invalid_request_error", None);
        };
        let out = state.batches.values().filter(|batch| batch.made_at.elapsed() < takes).count();
        if config.batch_queue > 0 && out >= config.batch_queue {
            return refusal(
                400,
                "Enqueued token limit reached for this model",
                "invalid_request_error",
                None,
            );
        }
        let id = format!("batch_{:06}", state.batches.len() + 1);
        if state.batches.len() + 1 == config.batch_refuses {
            let (made_at, metadata) = (Instant::now(), Value::Null);
            let (lines, failed, output, errors) = (0, 0, String::new(), String::new());
            let batch = Batch { input, metadata, made_at, lines, output, errors, failed, refused: true };
            let shown = batch.shown(&id, takes);
            state.batches.insert(id, batch);
            return Answer::json(shown.to_string());
        }
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let number = index as u64 + 1;
            let Some((custom_id, prompt)) = asked(line) else { continue };
            if every_fails > 0 && number.is_multiple_of(every_fails) {
                let error = json!({"message": "The server had an error", "type": "server_error"});
                let response = json!({"status_code": 500, "body": {"error": error}});
                errors.push(json!({"custom_id": custom_id, "response": response, "error": null}).to_string());
                continue;
            }
            let record = prompt.record_id();
            let name = record.clone().unwrap_or_else(|| "(no record)".into());
            journal.asked(&name);
            journal.answered(&name);
            let body = complete::body(&prompt, record.as_deref(), number, None, manner);
            let response = json!({"status_code": 200, "request_id": "x", "body": body});
            output.push(
                json!({"id": "r", "custom_id": custom_id, "response": response, "error": null}).to_string(),
            );
        }
        // Results come in any order.
        output.reverse();
        let batch = Batch {
            input,
            metadata: wish["metadata"].clone(),
            made_at: Instant::now(),
            lines: (output.len() + errors.len()) as u64,
            failed: errors.len() as u64,
            output: format!("{id}-output"),
            errors: if errors.is_empty() { String::new() } else { format!("{id}-errors") },
            refused: false,
        };
        state.files.insert(batch.output.clone(), output.join("\n") + "\n");
        state.files.insert(format!("{id}-errors"), errors.join("\n") + "\n");
        let shown = batch.shown(&id, takes);
        state.batches.insert(id, batch);
        Answer::json(shown.to_string())
    }
}

impl Batch {
    fn shown(&self, id: &str, takes: Duration) -> Value {
        let done = self.made_at.elapsed() >= takes;
        let file = |name: &String| if done && !name.is_empty() { json!(name) } else { Value::Null };
        let completed = if done { self.lines - self.failed } else { 0 };
        let status = if self.refused {
            "failed"
        } else if done {
            "completed"
        } else {
            "in_progress"
        };
        let error = json!({"data": [{"code": "invalid_json_line", "message": "a line cannot be read"}]});
        json!({
            "id": id, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": self.input,
            "status": status, "errors": if self.refused { error } else { Value::Null }, "metadata": self.metadata,
            "output_file_id": file(&self.output), "error_file_id": file(&self.errors),
            "request_counts": {"total": self.lines, "completed": completed, "failed": self.failed},
        })
    }
}

/// What a line of an input file asks.
fn asked(line: &str) -> Option<(String, Prompt)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let prompt = serde_json::from_value(line["body"].clone()).ok()?;
    Some((line["custom_id"].as_str()?.to_owned(), prompt))
}
