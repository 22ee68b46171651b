//! A double of an OpenAI-compatible server: chat completions whose right answers a test can compute.

mod batch;
mod complete;
mod obey;
mod point;
mod prompt;
mod rate;
mod rule;
mod tokens;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::dice::Dice;
use crate::fault::{Fault, Plan, Rule};
use crate::http::answer::{Answer, Header};
use crate::http::journal::Journal;
use crate::http::request::Request;
use crate::http::server::{Origin, Running, Service, Shared, bind, start};
pub use obey::Obeys;
use prompt::Prompt;
pub use rate::Rate;
use rate::Rates;
pub use rule::{answer, rule};

/// What the double shall be like.
#[derive(Clone, Debug)]
pub struct LlmConfig {
    /// 0 takes a free one.
    pub port: u16,
    /// The only key that is right; with `None` any is, and none is too.
    pub key: Option<String>,
    /// The models that it has; with none it has any.
    pub models: Vec<String>,
    /// The least and the most milliseconds before an answer.
    pub latency_ms: (u64, u64),
    /// Of latencies and chances; the answers do not depend on it.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Vec<Rule>,
    /// A quota for each fixed window.
    pub rate: Option<Rate>,
    /// Whether it obeys orders inside records, as a weak model does, and what it understands of them.
    pub obeys: Option<Obeys>,
    /// Whether it counts tokens as OpenAI's models do; else four bytes are one, which is much quicker.
    pub tokenizes: bool,
    /// How long a batch takes.
    pub batch_takes: Duration,
    /// Each request of a batch whose number is a multiple of it fails; 0 for none.
    pub batch_fails: u64,
    /// How many batches its queue holds; 0 for any number.
    pub batch_queue: usize,
    /// How many batches its list has on a page at most.
    pub batch_page: usize,
    /// The number of a batch that it does not take, from 1; 0 for none.
    pub batch_refuses: usize,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            port: 0,
            key: None,
            models: vec!["sim-1".into(), "sim-mini".into()],
            latency_ms: (0, 0),
            seed: 1,
            faults: Vec::new(),
            rate: None,
            obeys: None,
            tokenizes: false,
            batch_takes: Duration::from_millis(300),
            batch_fails: 0,
            batch_queue: 0,
            batch_page: 100,
            batch_refuses: 0,
        }
    }
}

/// The double of a language model. [`Running::tally`] tells how often each record was asked about and rightly answered.
pub struct Llm {
    config: LlmConfig,
    rates: Option<Rates>,
    batches: batch::Batches,
    journal: Arc<Journal>,
    asked: AtomicU64,
}

impl Llm {
    /// Binds its address and starts serving on threads of its own.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(config: LlmConfig) -> io::Result<Running> {
        let listener = bind(config.port)?;
        let journal = Arc::new(Journal::new());
        let shared = Shared {
            journal: journal.clone(),
            plan: Arc::new(Plan::new(config.seed, config.faults.clone())),
            latency: Duration::ZERO,
            gzip: false,
            prefix: String::new(),
        };
        let rates = config.rate.map(Rates::new);
        let service = Arc::new(Self {
            config,
            rates,
            batches: batch::Batches::default(),
            journal,
            asked: AtomicU64::new(0),
        });
        start(vec![Origin { name: "main", listener, service }], shared)
    }

    fn chat(&self, request: &Request, fault: Option<&Fault>) -> Answer {
        let prompt: Prompt = match serde_json::from_slice(&request.body) {
            Ok(prompt) => prompt,
            Err(error) => {
                return refusal(
                    400,
                    &format!("We could not parse the JSON body of your request: {error}"),
                    "invalid_request_error",
                    None,
                );
            }
        };
        if !self.config.models.is_empty() && !self.config.models.contains(&prompt.model) {
            let message =
                format!("The model `{}` does not exist or you do not have access to it.", prompt.model);
            return refusal(404, &message, "invalid_request_error", Some("model_not_found"));
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let record_id = prompt.record_id();
        let name = record_id.clone().unwrap_or_else(|| "(no record)".into());
        self.journal.asked(&name);
        let mut answer = complete::answer(&prompt, record_id.as_deref(), number, fault, self.manner());
        let (least, most) = self.config.latency_ms;
        let spread = Dice::new(self.config.seed, number).below(most.saturating_sub(least) + 1);
        answer.wait = Duration::from_millis(least + spread);
        let right =
            fault.is_none_or(|fault| matches!(fault, Fault::Slow(_) | Fault::Trickle(_) | Fault::Fenced));
        let journal = self.journal.clone();
        answer.done = Some(Box::new(move |completed| {
            if completed && right {
                journal.answered(&name);
            }
        }));
        answer
    }

    fn manner(&self) -> complete::Manner {
        complete::Manner { obeys: self.config.obeys, tokenizes: self.config.tokenizes }
    }

    fn list_models(&self) -> Answer {
        let model = |id: &String| json!({ "id": id, "object": "model", "created": 1_795_305_600, "owned_by": "crawl-sim" });
        let models: Vec<_> = self.config.models.iter().map(model).collect();
        Answer::json(json!({ "object": "list", "data": models }).to_string())
    }
}

impl Service for Llm {
    fn kind(&self, request: &Request) -> &'static str {
        match request.path() {
            "/v1/chat/completions" | "/chat/completions" => "chat",
            "/v1/models" | "/models" => "models",
            path if path.starts_with("/v1/files") => "files",
            path if path.starts_with("/v1/batches") => "batches",
            _ => "other",
        }
    }

    fn admit(&self, request: &Request, kind: &'static str) -> Result<Vec<Header>, Answer> {
        let sent = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if let Some(key) = &self.config.key
            && sent != Some(key)
        {
            let message =
                if sent.is_some() { "Incorrect API key provided." } else { "You didn't provide an API key." };
            return Err(refusal(401, message, "invalid_request_error", Some("invalid_api_key")));
        }
        match &self.rates {
            Some(rates) if kind == "chat" => rates.admit((request.body.len() / 4) as u64, &self.journal),
            _ => Ok(Vec::new()),
        }
    }

    fn answer(&self, request: &Request, kind: &'static str, fault: Option<&Fault>) -> Answer {
        match (request.method.as_str(), kind) {
            ("POST", "chat") => self.chat(request, fault),
            ("GET", "models") => self.list_models(),
            (_, "files" | "batches") => {
                self.batches.answer(request, &self.journal, self.manner(), &self.config)
            }
            _ => refusal(
                404,
                &format!("Invalid URL ({} {})", request.method, request.path()),
                "invalid_request_error",
                None,
            ),
        }
    }
}

/// An error as OpenAI writes it.
fn refusal(status: u16, message: &str, kind: &str, code: Option<&str>) -> Answer {
    let body = json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
    Answer::json_status(status, body.to_string())
}
