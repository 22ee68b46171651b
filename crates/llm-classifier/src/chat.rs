//! Chats: a task at one OpenAI-compatible endpoint.

use bytes::Bytes;
use crawl_core::http::{Answered, Credential, Http, Request, Secret, Service, Url, Verdict, shown};
use crawl_core::json::Raw;
use crawl_core::{Error, Kind, Result, Scope};
use sha2::{Digest, Sha256};

use crate::cache::Key;
use crate::task::Template;
use crate::task::Values;
use crate::{Answers, Task};

/// What is special to OpenAI-compatible endpoints.
pub(crate) static ENDPOINT: Service = Service { name: "the endpoint", read, ..Service::PLAIN };

/// An account without credit is told as too many requests; waiting does not help.
fn read(answered: &Answered<'_>) -> Option<Verdict> {
    let empty =
        answered.status == 429 && memchr::memmem::find(answered.body, b"insufficient_quota").is_some();
    empty.then(|| Verdict {
        kind: Kind::Denied,
        what: "the account has no credit left".into(),
        advice: Some("add credit or use another key, then run again".into()),
        retry: false,
        scope: Scope::All,
        ..answered.usual()
    })
}

/// How an endpoint is told the form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structured {
    /// `response_format` with a strict JSON schema.
    #[default]
    JsonSchema,
    /// `response_format` JSON object; the schema stands in the system message.
    JsonObject,
    /// No `response_format`; the schema stands in the system message.
    None,
}

impl Structured {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Structured::JsonSchema => "json_schema",
            Structured::JsonObject => "json_object",
            Structured::None => "none",
        }
    }
}

/// A request body, and the key under which its answer is kept.
#[derive(Clone, Debug)]
pub struct Question {
    pub(crate) key: Key,
    pub(crate) body: Bytes,
    /// How many fields were cut to their limits.
    pub cuts: u64,
}

/// A task at one endpoint: makes the questions about records.
#[derive(Debug)]
pub struct Chat {
    url: Url,
    credential: Option<Credential>,
    model: String,
    structured: Structured,
    task: Task,
    /// The body up to the system message.
    head: Vec<u8>,
    /// The end of every system message.
    schema_text: String,
    /// The JSON of the system message if it is the same for every record.
    system: Option<Vec<u8>>,
    /// The messages of the examples, between the system message and the user's.
    examples: Vec<u8>,
    prompt: String,
}

impl Chat {
    /// A task at the endpoint `base` (such as `https://api.openai.com/v1`), asked of `model`.
    ///
    /// # Errors
    /// [`Kind::Config`] if `base` is not an HTTP address.
    pub fn new(
        base: &str,
        key: Option<&Secret>,
        model: &str,
        structured: Structured,
        task: Task,
        answers: &Answers,
    ) -> Result<Self> {
        let url = completions(base)?;
        let schema_text = match structured {
            Structured::JsonSchema => String::new(),
            _ => format!(
                "\n\nAnswer with one JSON object and nothing else. It keeps to this JSON schema:\n{}",
                answers.schema()
            ),
        };
        let credential = key.map(|key| Credential::bearer(&url, key));
        let head = head(model, structured, &task, answers);
        let system = task.system.fixed().map(|text| quoted(&format!("{text}{schema_text}")));
        let examples = examples(&task, answers)?;
        let (model, prompt) = (model.to_owned(), prompt_digest(&task));
        Ok(Chat { url, credential, model, structured, task, head, schema_text, system, examples, prompt })
    }

    /// The digest of everything that is said to the model beside the record.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// The address that is asked.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The address that is asked, without secrets.
    pub fn address(&self) -> String {
        shown(&self.url)
    }

    /// The model that is asked.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// How the endpoint is told the form of the answer.
    pub fn structured(&self) -> Structured {
        self.structured
    }

    /// The question about a record. `check` is the word that the answer must repeat.
    pub fn question(&self, record: Raw<'_>, id: &str, check: Option<&str>) -> Question {
        let values = Values::new(record, id, &self.task.fields);
        let mut user = String::with_capacity(4096);
        let mut cuts = self.task.user.fill(&values, &mut user);
        put_check(&mut user, check);
        let mut body = Vec::with_capacity(
            self.head.len() + self.system.as_ref().map_or(0, Vec::len) + user.len() + user.len() / 8 + 64,
        );
        body.extend_from_slice(&self.head);
        match &self.system {
            Some(system) => body.extend_from_slice(system),
            None => cuts += self.put_system(&values, &mut body),
        }
        body.extend_from_slice(b"}");
        body.extend_from_slice(&self.examples);
        body.extend_from_slice(br#",{"role":"user","content":"#);
        put_quoted(&user, &mut body);
        body.extend_from_slice(b"}]}");
        self.seal(body, cuts)
    }

    /// The texts of the messages that every question begins with, and those of this record: for counting tokens.
    pub fn said(&self, record: Raw<'_>, id: &str, check: Option<&str>) -> (Vec<String>, String) {
        let values = Values::new(record, id, &self.task.fields);
        let (mut system, mut user) = (String::new(), String::new());
        self.task.system.fill(&values, &mut system);
        system.push_str(&self.schema_text);
        self.task.user.fill(&values, &mut user);
        put_check(&mut user, check);
        let examples: Vec<serde_json::Value> =
            serde_json::from_slice(&[b"[", self.examples.get(1..).unwrap_or_default(), b"]"].concat())
                .unwrap_or_default();
        let texts = examples.iter().filter_map(|message| message["content"].as_str().map(str::to_owned));
        (std::iter::once(system).chain(texts).collect(), user)
    }

    fn put_system(&self, values: &Values<'_>, body: &mut Vec<u8>) -> u64 {
        let mut system = String::new();
        let cuts = self.task.system.fill(values, &mut system);
        system.push_str(&self.schema_text);
        put_quoted(&system, body);
        cuts
    }

    /// The same question again, with the answer that was wrong and what was wrong with it.
    pub fn repair(&self, question: &Question, answer: &str, wrong: &str, id: &str) -> Question {
        let mut body = question.body.strip_suffix(b"]}").unwrap_or(&question.body).to_vec();
        let answer: String = answer.chars().take(4000).collect();
        body.extend_from_slice(br#",{"role":"assistant","content":"#);
        put_quoted(&answer, &mut body);
        body.extend_from_slice(br#"},{"role":"user","content":"#);
        let about = crate::task::quoted(id);
        let request = format!(
            "That answer cannot be used: {wrong}. Answer again, in the form asked for, about the same record: \
             {{\"id\": {about}}}"
        );
        put_quoted(&request, &mut body);
        body.extend_from_slice(b"}]}");
        self.seal(body, 0)
    }

    fn seal(&self, body: Vec<u8>, cuts: u64) -> Question {
        let digest =
            Sha256::new().chain_update(self.url.as_str()).chain_update(b"\n").chain_update(&body).finalize();
        Question { key: Key::new(digest.into()), body: body.into(), cuts }
    }

    /// The request with a question's body. It may be sent again: what was refused (429, 5xx, no connection) was not paid,
    /// and what broke off on its way cannot be had in any other way.
    pub(crate) fn request(&self, body: Bytes) -> Request {
        // As OpenAI estimates it before it has counted: four bytes a token, and at least what may come back.
        let tokens = (body.len() as u64 / 4).max(u64::from(self.task.model.max_tokens.unwrap_or(0)));
        let mut request = Request::post_json(self.url.clone(), body, true);
        request.service = &ENDPOINT;
        request.credential = self.credential.clone();
        request.units = tokens;
        request
    }

    /// The error of a whole run, in the words of this endpoint.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let Some((kind, what, advice)) = explanation(&error) else { return error };
        let what = format!("{what} (model {})", self.model);
        let explained = Error::new(kind, what).at(self.address()).after(error.tries()).advise(advice);
        match error.status() {
            Some(status) => explained.with_status(status).because(error),
            None => explained.because(error),
        }
    }

    /// Sends a question; `read` gets the answer in the moment it is whole, and no other task runs in between.
    pub(crate) async fn ask<T>(
        &self,
        http: &Http,
        question: &Question,
        read: impl Fn(&Bytes) -> Result<T>,
    ) -> Result<T> {
        http.send_and(&self.request(question.body.clone()), |response| read(&response.body)).await
    }
}

/// The kind of a known error, what it means, and what to do.
fn explanation(error: &Error) -> Option<(Kind, &'static str, &'static str)> {
    Some(match (error.kind(), error.status()) {
        (Kind::Denied, Some(401)) => (
            Kind::Denied,
            "the endpoint does not accept the key",
            "put a key that this endpoint accepts into OPENAI_API_KEY, or name another endpoint with --base-url",
        ),
        (_, Some(402)) => (
            Kind::Denied,
            "the account at the endpoint has no credit",
            "add credit, then run the same command again; what was paid is in the cache",
        ),
        (Kind::Gone, _) => (
            Kind::Config,
            "the endpoint has no such model, or no chat completions at this address",
            "check --model against the list at BASE_URL/models, and that --base-url is as the provider says, often \
             with /v1 at its end",
        ),
        (Kind::Shape, Some(400 | 422)) => (
            Kind::Config,
            "the endpoint does not accept the form of the request",
            "read above what it says; an endpoint without JSON schemas needs --structured json_object or none, and \
             some models take no temperature or another name for max_tokens: see [model] in the task file",
        ),
        (Kind::Transient, None) => (
            Kind::Transient,
            "the endpoint cannot be reached or does not answer",
            "check --base-url and that the server runs, then run the same command again; what was paid is in the \
             cache",
        ),
        _ => return None,
    })
}

fn completions(base: &str) -> Result<Url> {
    const ADVICE: &str = "name the address that the provider gives, such as https://api.openai.com/v1 or http://localhost:8000/v1";
    let bad = |why: &str| {
        Error::new(Kind::Config, format!("the base URL cannot be used: {why}"))
            .at(base.to_owned())
            .advise(ADVICE)
    };
    let base_path = base.trim_end_matches('/').trim_end_matches("/chat/completions");
    let url =
        Url::parse(&format!("{base_path}/chat/completions")).map_err(|cause| bad(&cause.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err(bad("it must begin with http:// or https:// and have no ?"));
    }
    Ok(url)
}

fn head(model: &str, structured: Structured, task: &Task, answers: &Answers) -> Vec<u8> {
    let mut members = serde_json::Map::new();
    members.insert("model".into(), model.into());
    members.extend(parameters(task));
    let mut head = serde_json::Value::Object(members).to_string().into_bytes();
    head.pop();
    let format = match structured {
        // Written by hand: the schema's members stand in the order of writing.
        Structured::JsonSchema => format!(
            r#","response_format":{{"type":"json_schema","json_schema":{{"name":"{}","strict":true,"schema":{}}}}}"#,
            task.name,
            answers.schema()
        ),
        Structured::JsonObject => r#","response_format":{"type":"json_object"}"#.to_owned(),
        Structured::None => String::new(),
    };
    head.extend_from_slice(format.as_bytes());
    head.extend_from_slice(br#","messages":[{"role":"system","content":"#);
    head
}

fn examples(task: &Task, answers: &Answers) -> Result<Vec<u8>> {
    let mut messages = Vec::new();
    for example in &task.examples {
        let record = Raw::parse(example.record.as_bytes())?;
        let mut user = String::new();
        task.user.fill(&Values::new(record, &example.id, &task.fields), &mut user);
        put_check(&mut user, answers.check_word(&example.id).as_deref());
        messages.extend_from_slice(br#",{"role":"user","content":"#);
        put_quoted(&user, &mut messages);
        messages.extend_from_slice(br#"},{"role":"assistant","content":"#);
        put_quoted(&answers.example(example), &mut messages);
        messages.push(b'}');
    }
    Ok(messages)
}

/// Behind the record's text, so that it is the last that the model reads.
fn put_check(user: &mut String, check: Option<&str>) {
    if let Some(word) = check {
        user.push_str("\n\nThe metadata ends here. In \"check\" write exactly: ");
        user.push_str(word);
    }
}

fn prompt_digest(task: &Task) -> String {
    let mut digest = Sha256::new();
    let mut part = |part: &str| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    part(&task.system.text);
    part(&task.user.text);
    task.words().iter().for_each(|(_, word)| part(word));
    for example in &task.examples {
        part(&example.record);
        part(&serde_json::Value::Object(example.answer.clone()).to_string());
    }
    task.fields.iter().for_each(|field| part(&format!("{}:{}", field.name, field.limit)));
    data_encoding::HEXLOWER.encode(&digest.finalize()[..8])
}

/// The parameters of the model as members of the request.
pub(crate) fn parameters(task: &Task) -> serde_json::Map<String, serde_json::Value> {
    let mut members = task.model.extra.clone();
    if let Some(temperature) = task.model.temperature {
        members.insert("temperature".into(), temperature.into());
    }
    if let Some(max_tokens) = task.model.max_tokens {
        members.insert("max_tokens".into(), max_tokens.into());
    }
    members
}

fn quoted(text: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(text.len() + text.len() / 8 + 2);
    put_quoted(text, &mut json);
    json
}

fn put_quoted(text: &str, into: &mut Vec<u8>) {
    serde_json::to_writer(into, text).expect("a text can always be written to memory");
}

/// The digest of a template as settings show it.
pub(crate) fn digest(template: &Template) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(template.text.as_bytes())[..8])
}
