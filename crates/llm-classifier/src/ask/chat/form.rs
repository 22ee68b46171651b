//! Forms: how a request is put, as far as servers differ in what they take. The question is the same in all of them.

use crawl_core::Error;
use serde_json::Value;

/// How an endpoint is told the form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Structured {
    /// `response_format` with a strict JSON schema; the first answer or refusal tells whether the endpoint takes it, and
    /// else the next of the forms below is tried.
    #[default]
    Auto,
    /// `response_format` with a strict JSON schema.
    JsonSchema,
    /// `response_format` JSON object; the schema stands in the system message.
    JsonObject,
    /// No `response_format`; the schema stands in the system message.
    None,
}

impl Structured {
    /// The word on the command line and in settings. What `auto` asks is kept as what `json_schema` asks.
    pub fn word(self) -> &'static str {
        match self {
            Structured::Auto | Structured::JsonSchema => "json_schema",
            Structured::JsonObject => "json_object",
            Structured::None => "none",
        }
    }
}

/// How a request is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestForm {
    /// Never [`Structured::Auto`].
    pub(crate) structured: Structured,
    /// Whether the next form of telling the schema may be tried.
    auto: bool,
    /// Whether `max_tokens` is sent under the name `max_completion_tokens`, or the other way round.
    pub(crate) other_limit: bool,
    /// Whether `temperature` is left out.
    pub(crate) no_temperature: bool,
    /// Whether `reasoning_effort` is left out.
    pub(crate) no_effort: bool,
    /// Whether `logprobs` is left out.
    pub(crate) no_logprobs: bool,
}

impl RequestForm {
    pub(crate) fn first(structured: Structured) -> Self {
        let auto = structured == Structured::Auto;
        let structured = if auto { Structured::JsonSchema } else { structured };
        RequestForm {
            structured,
            auto,
            other_limit: false,
            no_temperature: false,
            no_effort: false,
            no_logprobs: false,
        }
    }

    /// The form to try after one that the endpoint refuses, each change once; `None` if there is none left.
    pub(crate) fn after(self, error: &Error) -> Option<Self> {
        let refused = matches!(error.status(), Some(400 | 404 | 415 | 422 | 500 | 501));
        if !refused || crate::reply::is_filtered(error) {
            return None;
        }
        let told = Complaint::of(error);
        let names = |word: &str| told.names(word);
        // The record is too long, in any form.
        if names("context length") || names("context_length") {
            return None;
        }
        let unknown = || {
            ["nsupported", "not support", "nknown", "nrecognized", "not permitted"]
                .iter()
                .any(|word| names(word))
        };
        let limit = names("max_completion_tokens") || (names("max_tokens") && unknown());
        if limit && !self.other_limit {
            return Some(RequestForm { other_limit: true, ..self });
        }
        if names("temperature") && !self.no_temperature {
            return Some(RequestForm { no_temperature: true, ..self });
        }
        if (names("reasoning_effort") || names("not support thinking")) && !self.no_effort {
            return Some(RequestForm { no_effort: true, ..self });
        }
        if names("logprobs") && !self.no_logprobs {
            return Some(RequestForm { no_logprobs: true, ..self });
        }
        // No such model is no such model in any form.
        if error.status() == Some(404)
            && !["response_format", "schema", "requested parameters"].iter().any(|word| names(word))
        {
            return None;
        }
        self.next()
    }

    /// The next form of telling the schema.
    pub(crate) fn next(self) -> Option<Self> {
        let structured = match self.structured {
            _ if !self.auto => return None,
            Structured::Auto | Structured::JsonSchema => Structured::JsonObject,
            Structured::JsonObject => Structured::None,
            Structured::None => return None,
        };
        Some(RequestForm { structured, ..self })
    }

    /// What differs from what was asked for, in words; empty if nothing does.
    pub(crate) fn words(self, from: Self) -> String {
        let mut words = Vec::new();
        if self.structured != from.structured {
            words.push(format!("--structured {}", self.structured.word()));
        }
        if self.other_limit {
            words.push("the other name of max_tokens".into());
        }
        if self.no_temperature {
            words.push("no temperature".into());
        }
        if self.no_effort {
            words.push("no reasoning_effort".into());
        }
        if self.no_logprobs {
            words.push("no logprobs".into());
        }
        words.join(", ")
    }

    /// Changes the members of a request.
    pub(crate) fn apply(self, members: &mut serde_json::Map<String, Value>) {
        if self.no_temperature {
            members.remove("temperature");
        }
        if self.no_effort {
            members.remove("reasoning_effort");
        }
        if self.no_logprobs {
            members.remove("logprobs");
        }
        if self.other_limit {
            let names = ["max_tokens", "max_completion_tokens"];
            let (from, to) =
                if members.contains_key(names[0]) { (names[0], names[1]) } else { (names[1], names[0]) };
            if let Some(most) = members.remove(from) {
                members.insert(to.into(), most);
            }
        }
    }
}

/// What an error tells: the parameter that it names, and how its message begins.
struct Complaint(String);

impl Complaint {
    fn of(error: &Error) -> Self {
        let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let body = said.split_once("says: ").map_or(said.as_str(), |(_, body)| body);
        let value = serde_json::from_str::<Value>(body).unwrap_or_default();
        let error = value.get("error").unwrap_or(&value);
        let member = |name: &str| error.get(name).and_then(Value::as_str);
        // FastAPI repeats what it was sent, which names all parameters.
        let told = body.split("\"input\"").next().unwrap_or(body);
        let message = ["message", "detail", "msg"].iter().find_map(|name| member(name)).unwrap_or(told);
        let begins: String = message.chars().take(400).collect();
        Complaint(format!("{}\n{begins}", member("param").unwrap_or_default()))
    }

    fn names(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}
