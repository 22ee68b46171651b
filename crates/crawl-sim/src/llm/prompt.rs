//! Reads a chat request: which record it is about, and what shape the answer shall have.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

/// The parts of a chat request that matter here.
#[derive(Deserialize)]
pub(super) struct Prompt {
    #[serde(default)]
    pub(super) model: String,
    #[serde(default)]
    messages: Vec<Message>,
    response_format: Option<Value>,
    #[serde(default)]
    pub(super) stream: bool,
    stream_options: Option<Value>,
    #[serde(alias = "max_completion_tokens")]
    pub(super) max_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

impl Prompt {
    /// The id of the largest JSON object with an `id` or `repo_id` in the last message of the user.
    pub(super) fn record_id(&self) -> Option<String> {
        let last = self.messages.iter().rev().find(|message| message.role == "user")?.text();
        let named = |object: &str| serde_json::from_str::<Named>(object).ok().and_then(Named::id);
        let found = objects(&last).filter_map(|object| Some((object.len(), named(object)?)));
        // The first of equally long ones.
        found.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, id)| id)
    }

    /// That object itself.
    pub(super) fn record(&self) -> Option<Value> {
        let last = self.messages.iter().rev().find(|message| message.role == "user")?.text();
        let named = |object: &str| serde_json::from_str::<Named>(object).ok().and_then(Named::id).is_some();
        let found = objects(&last).filter(|object| named(object));
        let largest = found.reduce(|best, next| if next.len() > best.len() { next } else { best })?;
        serde_json::from_str(largest).ok()
    }

    /// The word that a member `check` of the answer must repeat, from the end of the last message that has one.
    pub(super) fn check_word(&self) -> Option<String> {
        const BEFORE: &str = "\"check\" write exactly: ";
        let users = self.messages.iter().rev().filter(|message| message.role == "user");
        let texts = users.map(Message::text);
        texts
            .filter_map(|text| Some(text.rsplit_once(BEFORE)?.1.split_whitespace().next()?.to_owned()))
            .next()
    }

    /// What it is told by the system.
    pub(super) fn told(&self) -> String {
        let told =
            self.messages.iter().filter(|message| matches!(message.role.as_str(), "system" | "developer"));
        told.map(Message::text).collect::<Vec<_>>().join("\n")
    }

    /// The texts of all messages, for counting tokens.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.messages.iter().map(Message::text)
    }

    /// From `response_format`, else a JSON schema in a message of the system, else of the user.
    pub(super) fn schema(&self) -> Option<Value> {
        let given = self.response_format.as_ref().and_then(|format| format.pointer("/json_schema/schema"));
        given
            .cloned()
            .or_else(|| self.schema_in("system"))
            .or_else(|| self.schema_in("developer"))
            .or_else(|| self.schema_in("user"))
    }

    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options["include_usage"] == true)
    }

    pub(super) fn prompt_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.text().len() + 16).sum()
    }

    fn schema_in(&self, role: &str) -> Option<Value> {
        let texts: Vec<_> =
            self.messages.iter().filter(|message| message.role == role).map(Message::text).collect();
        let schemas = texts
            .iter()
            .flat_map(|text| objects(text))
            .filter_map(|object| serde_json::from_str::<Value>(object).ok());
        schemas.filter_map(schema_of).next()
    }
}

impl Message {
    /// Plain, or the texts of a list of parts.
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}

#[derive(Deserialize)]
struct Named {
    id: Option<Value>,
    repo_id: Option<Value>,
}

impl Named {
    fn id(self) -> Option<String> {
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        text(self.repo_id).or_else(|| text(self.id))
    }
}

/// The object itself, or one inside it, that has `properties`.
fn schema_of(value: Value) -> Option<Value> {
    if value.get("properties").is_some_and(Value::is_object) {
        return Some(value);
    }
    value.pointer("/json_schema/schema").or_else(|| value.get("schema")).cloned().and_then(schema_of)
}

/// The outermost JSON objects in a text, in order.
pub(super) fn objects(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(brace) = text[from..].find('{').map(|brace| from + brace) {
            let mut stream = Deserializer::from_str(&text[brace..]).into_iter::<IgnoredAny>();
            if let Some(Ok(_)) = stream.next() {
                from = brace + stream.byte_offset();
                return Some(&text[brace..from]);
            }
            from = brace + 1;
        }
        None
    })
}
