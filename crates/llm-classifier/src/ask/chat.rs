//! Chats: a task at one OpenAI-compatible endpoint.

mod form;
mod service;

use bytes::Bytes;
use crawl_core::http::{Credential, HeaderName, Request, Secret, Url, shown};
use crawl_core::json::Raw;
use crawl_core::{Error, Result};
use sha2::{Digest, Sha256};

use crate::cache::Key;
use crate::task::{Answers, Task, Values, disarmed, prompt_digest};
pub(crate) use form::RequestForm;
pub use form::Structured;
pub(crate) use service::ENDPOINT;
use service::completions;

/// A request body, and the key under which its answer is kept.
#[derive(Clone, Debug)]
pub struct Question {
    pub(crate) key: Key,
    pub(crate) body: Bytes,
    /// The id that the model is shown, and that its answer must repeat.
    pub(crate) about: String,
    /// How many fields were cut to their limits.
    pub cuts: u64,
}

impl Question {
    /// The same question for another vote: the first one is the question itself, the others have keys of their own.
    pub(crate) fn vote(self, vote: u32) -> Self {
        Question { key: self.key.vote(vote), ..self }
    }
}

/// A task at one endpoint: makes the questions about records.
#[derive(Debug)]
pub struct Chat {
    url: Url,
    credential: Option<Credential>,
    model: String,
    structured: Structured,
    task: Task,
    /// The schema of the answers, as text.
    schema: String,
    /// The body up to the system message.
    head: Vec<u8>,
    /// The body up to the user's message, if that is the same for every record, and the digest of the address and it.
    opening: Option<(Vec<u8>, Sha256)>,
    /// The end of every system message.
    schema_text: String,
    /// The messages of the examples, between the system message and the user's.
    examples: Vec<u8>,
    /// The texts of those messages.
    example_texts: Vec<String>,
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
        let form = RequestForm::first(structured);
        let schema_text = match form.structured {
            Structured::JsonSchema => String::new(),
            _ => schema_text(answers.schema()),
        };
        let credential = key.map(|key| credential(&url, key));
        let head = head(model, form, &task, answers.schema());
        let schema = answers.schema().to_owned();
        let example_texts = example_texts(&task, answers)?;
        let examples = examples(&example_texts);
        let opening = task.system.fixed().map(|text| {
            let system = quoted(&format!("{text}{schema_text}"));
            let bytes = [&head, system.as_slice(), b"}", &examples].concat();
            let digest = addressed(&url).chain_update(&bytes);
            (bytes, digest)
        });
        let (model, prompt) = (model.to_owned(), prompt_digest(&task));
        Ok(Chat {
            url,
            credential,
            model,
            structured,
            task,
            schema,
            head,
            opening,
            schema_text,
            examples,
            example_texts,
            prompt,
        })
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

    /// The question about a record, shown under this id. `check` is the word that the answer must repeat.
    pub fn question(&self, record: Raw<'_>, id: &str, check: Option<&str>) -> Question {
        let values = Values::new(record, id, &self.task.fields);
        let mut user = String::with_capacity(4096);
        let mut cuts = self.task.user.fill(&values, &mut user);
        put_check(&mut user, check);
        let opening = self.opening.as_ref().map_or(&[][..], |(bytes, _)| bytes);
        let mut body = Vec::with_capacity(opening.len() + user.len() + user.len() / 8 + 64);
        body.extend_from_slice(opening);
        if self.opening.is_none() {
            body.extend_from_slice(&self.head);
            cuts += self.put_system(&values, &mut body);
            body.extend_from_slice(b"}");
            body.extend_from_slice(&self.examples);
        }
        body.extend_from_slice(br#",{"role":"user","content":"#);
        put_quoted(&user, &mut body);
        body.extend_from_slice(b"}]}");
        self.seal(body, cuts, id)
    }

    /// The texts of the messages that every question begins with, and those of this record: for counting tokens.
    pub fn said(&self, record: Raw<'_>, id: &str, check: Option<&str>) -> (Vec<String>, String) {
        let values = Values::new(record, id, &self.task.fields);
        let (mut system, mut user) = (String::new(), String::new());
        self.task.system.fill(&values, &mut system);
        system.push_str(&self.schema_text);
        self.task.user.fill(&values, &mut user);
        put_check(&mut user, check);
        (std::iter::once(system).chain(self.example_texts.iter().cloned()).collect(), user)
    }

    fn put_system(&self, values: &Values<'_>, body: &mut Vec<u8>) -> u64 {
        let mut system = String::new();
        let cuts = self.task.system.fill(values, &mut system);
        system.push_str(&self.schema_text);
        put_quoted(&system, body);
        cuts
    }

    /// The same question again, with the answer that was wrong and what was wrong with it. The answer may repeat a record's
    /// text, so it is disarmed as that is.
    pub fn repair(&self, question: &Question, answer: &str, wrong: &str) -> Question {
        let mut body = question.body.strip_suffix(b"]}").unwrap_or(&question.body).to_vec();
        let answer: String = answer.chars().take(4000).collect();
        body.extend_from_slice(br#",{"role":"assistant","content":"#);
        put_quoted(&disarmed(&answer), &mut body);
        body.extend_from_slice(br#"},{"role":"user","content":"#);
        let about = crate::task::quoted(&question.about);
        let about = disarmed(&about);
        let request = format!(
            "That answer cannot be used: {wrong}. Answer again, in the form asked for, about the same record: \
             {{\"id\": {about}}}"
        );
        put_quoted(&request, &mut body);
        body.extend_from_slice(b"}]}");
        self.seal(body, 0, &question.about)
    }

    /// The form in which an endpoint is asked first; the keys of questions come from it.
    pub(crate) fn first_form(&self) -> RequestForm {
        RequestForm::first(self.structured)
    }

    /// The body of a question in another form. Its key stays: it is the same question.
    pub(crate) fn put(&self, question: &Question, form: RequestForm) -> Bytes {
        let first = self.first_form();
        if form == first {
            return question.body.clone();
        }
        // Behind the head stands the JSON of the system message, as in every question.
        let Some(rest) = question.body.strip_prefix(self.head.as_slice()) else {
            return question.body.clone();
        };
        let mut body = head(&self.model, form, &self.task, &self.schema);
        let told = form.structured != first.structured && first.structured == Structured::JsonSchema;
        let end = if told { end_of_string(rest) } else { 0 };
        body.extend_from_slice(&rest[..end]);
        if told {
            let text = quoted(&schema_text(&self.schema));
            body.extend_from_slice(&text[1..text.len() - 1]);
        }
        body.extend_from_slice(&rest[end..]);
        body.into()
    }

    fn seal(&self, body: Vec<u8>, cuts: u64, about: &str) -> Question {
        let digest = match &self.opening {
            Some((opening, digest)) => digest.clone().chain_update(&body[opening.len()..]),
            None => addressed(&self.url).chain_update(&body),
        };
        Question { key: Key::new(digest.finalize().into()), body: body.into(), about: about.to_owned(), cuts }
    }

    /// The request with a question's body, for one try: whoever sends it books every try.
    pub(crate) fn request(&self, body: Bytes) -> Request {
        // As OpenAI estimates it before it has counted: four bytes a token, and at least what may come back.
        let tokens = (body.len() as u64 / 4).max(self.task.model.most_tokens().unwrap_or(0));
        let mut request = Request::post_json(self.url.clone(), body, false);
        request.tries = Some(1);
        request.service = &ENDPOINT;
        request.credential = self.credential.clone();
        request.units = tokens;
        request
    }

    /// The error of a whole run, in the words of this endpoint.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let Some((kind, what, advice)) = service::explanation(&error) else { return error };
        let what = format!("{what} (model {})", self.model);
        let explained = Error::new(kind, what).at(self.address()).after(error.tries()).advise(advice);
        match error.status() {
            Some(status) => explained.with_status(status).because(error),
            None => explained.because(error),
        }
    }
}

/// The key as the endpoint wants it: Azure's deployments have a header of their own.
fn credential(url: &Url, key: &Secret) -> Credential {
    let bearer = Credential::bearer(url, key);
    if url.query().is_none() {
        return bearer;
    }
    Credential { header: HeaderName::from_static("api-key"), value: key.clone(), ..bearer }
}

fn schema_text(schema: &str) -> String {
    format!("\n\nAnswer with one JSON object and nothing else. It keeps to this JSON schema:\n{schema}")
}

/// The digest that keys of questions begin with.
fn addressed(url: &Url) -> Sha256 {
    Sha256::new().chain_update(url.as_str()).chain_update(b"\n")
}

/// Where the JSON string at the beginning has its last quote.
fn end_of_string(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(0, |end| end + 1)
}

fn head(model: &str, form: RequestForm, task: &Task, schema: &str) -> Vec<u8> {
    let mut members = serde_json::Map::new();
    members.insert("model".into(), model.into());
    members.extend(parameters(task));
    form.apply(&mut members);
    let mut head = serde_json::Value::Object(members).to_string().into_bytes();
    head.pop();
    let format = match form.structured {
        // Written by hand: the schema's members stand in the order of writing.
        Structured::Auto | Structured::JsonSchema => format!(
            r#","response_format":{{"type":"json_schema","json_schema":{{"name":"{}","strict":true,"schema":{}}}}}"#,
            task.name, schema
        ),
        Structured::JsonObject => r#","response_format":{"type":"json_object"}"#.to_owned(),
        Structured::None => String::new(),
    };
    head.extend_from_slice(format.as_bytes());
    head.extend_from_slice(br#","messages":[{"role":"system","content":"#);
    head
}

/// What each example asks and how it is answered, in turns.
fn example_texts(task: &Task, answers: &Answers) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for example in &task.examples {
        let record = Raw::parse(example.record.as_bytes())?;
        let mut user = String::new();
        task.user.fill(&Values::new(record, &example.id, &task.fields), &mut user);
        put_check(&mut user, answers.check_word(&example.id).as_deref());
        texts.extend([user, answers.example(example)]);
    }
    Ok(texts)
}

fn examples(texts: &[String]) -> Vec<u8> {
    let mut messages = Vec::new();
    for (text, role) in texts.iter().zip(["user", "assistant"].into_iter().cycle()) {
        messages.extend_from_slice(format!(r#",{{"role":"{role}","content":"#).as_bytes());
        put_quoted(text, &mut messages);
        messages.push(b'}');
    }
    messages
}

/// Behind the record's text, so that it is the last that the model reads.
fn put_check(user: &mut String, check: Option<&str>) {
    if let Some(word) = check {
        user.push_str("\n\nThe metadata ends here. In \"check\" write exactly: ");
        user.push_str(word);
    }
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
