//! Faults: what the errors of an endpoint mean, whatever status they come with.

use crawl_core::{Error, Kind, Scope};
use serde_json::Value;

use super::envelope::is_failure;
use super::words::{BAD_KEY, FILTERED, NAMES, NO_CREDIT, PASSING, SAID, TOO_LONG};

/// So many characters of a message tell what it means: behind them it may repeat the question, which strangers wrote.
const TELLING: usize = 240;
/// So many characters of a message are told.
const TOLD: usize = 2000;

/// What an error means beyond its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What its status says.
    Usual,
    /// The provider's filter does not let this record through.
    Filtered,
    /// The account has no credit.
    NoCredit,
    /// The key is none.
    BadKey,
    /// The question is longer than a minute's quota, so that waiting does not help.
    TooLong,
}

/// An error of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The status that it has or names.
    pub(crate) status: u16,
    pub(crate) meaning: Meaning,
    /// What the endpoint says.
    pub(crate) said: String,
}

impl Fault {
    /// The error of an answer whose status is none of a success.
    pub(crate) fn of(status: u16, body: &[u8]) -> Self {
        let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let error = error_in(&value).unwrap_or(&value);
        let text = String::from_utf8_lossy(&body[..body.len().min(4 * TOLD)]);
        let said: String = text.trim().chars().take(TOLD).collect();
        let telling = if error.is_null() { said.chars().take(TELLING).collect() } else { telling(error) };
        Fault { status, meaning: meaning(status, &telling), said }
    }

    /// The error that a body with the status of a success, or an event of a stream, holds.
    pub(crate) fn within(values: &[Value]) -> Option<Self> {
        values.iter().find_map(|value| {
            let error = error_in(value)?;
            let said: String = error.to_string().chars().take(TOLD).collect();
            let telling = telling(error);
            let status = named(error).or_else(|| named(value)).unwrap_or_else(|| spoken(&telling));
            Some(Fault { status, meaning: meaning(status, &telling), said })
        })
    }

    /// The error of an answer that had the status of a success.
    pub(crate) fn error(&self, place: String) -> Error {
        let (kind, what) = match (self.meaning, self.status) {
            (Meaning::Filtered, _) => (Kind::Shape, FILTER),
            (Meaning::NoCredit, _) => (Kind::Denied, NO_MONEY),
            (Meaning::BadKey, _) | (_, 401) => (Kind::Denied, WRONG_KEY),
            (Meaning::TooLong, _) => (Kind::Shape, LONG),
            (_, 402) => (Kind::Denied, "the service wants to be paid"),
            (_, 403 | 451) => (Kind::Denied, "the service refuses access"),
            (_, 404 | 410) => (Kind::Gone, "not there"),
            (_, 429) => (Kind::Limited, "too many requests"),
            (_, 408 | 425 | 500..=599) => (Kind::Transient, "the service failed"),
            (_, status) if passes(status) => (Kind::Transient, "the service failed"),
            _ => (Kind::Shape, "the service refuses the request"),
        };
        let error = Error::new(kind, format!("{what} ({} inside a success)", self.status)).at(place);
        let error = error.with_status(self.status()).with_scope(self.scope());
        let error = match self.advice() {
            Some(advice) => error.advise(advice),
            None => error,
        };
        error.because(format!("the service says: {}", crawl_core::visible(&self.said)))
    }

    /// The status under which it is acted on.
    pub(crate) fn status(&self) -> u16 {
        if self.meaning == Meaning::BadKey { 401 } else { self.status }
    }

    /// Whom it concerns.
    pub(crate) fn scope(&self) -> Scope {
        match (self.meaning, self.status) {
            (Meaning::Filtered | Meaning::TooLong, _) => Scope::Record,
            (Meaning::NoCredit | Meaning::BadKey, _) | (_, 401 | 402 | 429) => Scope::All,
            _ => Scope::Record,
        }
    }

    /// What to do, where the kind does not tell.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self.meaning {
            Meaning::Filtered => Some(FILTER_ADVICE),
            Meaning::NoCredit => Some("add credit or use another key, then run again"),
            Meaning::BadKey => Some("put a key that this endpoint accepts into OPENAI_API_KEY"),
            Meaning::TooLong => Some("shorten the fields in the task file, or ask for a larger quota"),
            Meaning::Usual => None,
        }
    }

    /// What went wrong, where the status does not tell.
    pub(crate) fn what(&self) -> Option<&'static str> {
        match self.meaning {
            Meaning::Filtered => Some(FILTER),
            Meaning::NoCredit => Some(NO_MONEY),
            Meaning::BadKey => Some(WRONG_KEY),
            Meaning::TooLong => Some(LONG),
            Meaning::Usual => None,
        }
    }
}

const FILTER: &str = "the provider's content filter stopped the question";
const NO_MONEY: &str = "the account has no credit left";
const WRONG_KEY: &str = "the endpoint does not accept the key";
const LONG: &str = "the question is longer than the endpoint's quota";
/// The mark by which such an error is known again.
const FILTER_ADVICE: &str = "the provider does not let this record through; another provider may";

/// Whether an error is that of a provider's filter: it refused this record, and says nothing about the run.
pub(crate) fn is_filtered(error: &Error) -> bool {
    error.advice() == FILTER_ADVICE
}

fn meaning(status: u16, telling: &str) -> Meaning {
    let holds = |words: &[&str]| words.iter().any(|word| telling.contains(word));
    match status {
        400 | 403 | 422 | 451 if holds(&FILTERED) => Meaning::Filtered,
        400 | 401 | 403 if holds(&BAD_KEY) => Meaning::BadKey,
        429 if holds(&TOO_LONG) => Meaning::TooLong,
        400..=403 | 412 | 429 | 500 if holds(&NO_CREDIT) && !holds(&PASSING) => Meaning::NoCredit,
        _ => Meaning::Usual,
    }
}

/// The status of an error that names none, by its words. If they tell nothing it is a failure of the server: it did not say
/// that the question is wrong.
fn spoken(telling: &str) -> u16 {
    let holds = |words: &[&str]| words.iter().any(|word| telling.contains(word));
    match telling {
        _ if holds(&FILTERED) => 400,
        _ if holds(&BAD_KEY) => 401,
        _ if holds(&NO_CREDIT) => 402,
        // A message may repeat a record, where much is not found.
        _ if telling.trim() == "not found" => 404,
        _ if telling.contains("model") && holds(&["not found", "does not exist"]) => 404,
        _ => SAID.iter().find(|(word, _)| telling.contains(word)).map_or(502, |(_, status)| *status),
    }
}

/// Whether a refusal is that of a server which may take the same question a moment later: it is busy with another, or the one
/// behind it broke off.
pub(crate) fn passes(status: u16) -> bool {
    matches!(status, 409 | 420 | 423 | 424 | 449 | 498 | 499)
}

/// The part of a body that tells an error.
fn error_in(value: &Value) -> Option<&Value> {
    let full = |value: &&Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    let list = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    if let Some(error) = ["error", "errors"].iter().find_map(|name| list.get(name).filter(full)) {
        return Some(error.as_array().and_then(|list| list.first()).unwrap_or(error));
    }
    if let Some(choices) = list.get("choices").and_then(Value::as_array).filter(|choices| !choices.is_empty())
    {
        let error = choices.iter().find_map(|choice| {
            let inside =
                ["message", "delta"].iter().find_map(|name| choice.get(name)?.get("error").filter(full));
            choice.get("error").filter(full).or(inside)
        });
        return error.or_else(|| choices.iter().find(|choice| ended_in_failure(choice)));
    }
    // Each answer of MiniMax has one, also the good ones.
    if let Some(base) =
        list.get("base_resp").filter(|base| base["status_code"].as_i64().is_some_and(|code| code != 0))
    {
        return Some(base);
    }
    // Without a word `error`: the older forms of vLLM and FastAPI, and of gateways.
    let tells = list.get("object").is_some_and(|object| object == "error")
        || list.get("detail").is_some_and(|detail| full(&detail))
        || list.get("success") == Some(&Value::Bool(false))
        || ["message", "msg", "error_msg", "errorMessage"]
            .iter()
            .any(|name| list.get(name).is_some_and(Value::is_string));
    tells.then_some(list)
}

fn ended_in_failure(choice: &Value) -> bool {
    let word = &choice["finish_reason"];
    word.as_str().or(word["type"].as_str()).is_some_and(is_failure)
}

/// The status that an error names, as a number or by its name.
fn named(error: &Value) -> Option<u16> {
    let members = ["code", "status", "status_code", "statusCode", "http_status", "http_code", "type"];
    let of = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let is_error = |status: &u16| (400..600).contains(status);
    let number = members.iter().find_map(|name| of(error.get(name)?).filter(is_error));
    number.or_else(|| {
        let names = members.iter().filter_map(|name| error.get(name)?.as_str()).map(str::to_lowercase);
        let names: Vec<String> = names.collect();
        let known =
            |name: &String| NAMES.iter().find(|(word, _)| name.contains(word)).map(|(_, status)| *status);
        names.iter().find_map(known)
    })
}

/// What tells the meaning: codes and types, and how the message begins; in lower case.
fn telling(error: &Value) -> String {
    let mut words = Vec::new();
    let mut at = Some(error);
    // The inner error of Azure, and the metadata of others: a few steps.
    for _ in 0..3 {
        let Some(value) = at else { break };
        if let Some(text) = value.as_str() {
            words.push(text.chars().take(TELLING).collect());
        }
        for name in ["code", "type", "status", "param", "reason"] {
            words.extend(value.get(name).and_then(Value::as_str).map(str::to_owned));
        }
        for name in ["message", "detail", "msg", "status_msg", "error_msg", "errorMessage"] {
            let text = value.get(name).and_then(Value::as_str);
            words.extend(text.map(|text| text.chars().take(TELLING).collect::<String>()));
        }
        for detail in value.get("details").and_then(Value::as_array).into_iter().flatten().take(8) {
            words.extend(detail.as_object().into_iter().flatten().take(8).map(|(name, _)| name.clone()));
            words.extend(detail.get("reason").and_then(Value::as_str).map(str::to_owned));
            let quota = |quota: &Value| quota.get("quotaId").and_then(Value::as_str).map(str::to_owned);
            words.extend(
                detail.get("violations").and_then(Value::as_array).into_iter().flatten().filter_map(quota),
            );
        }
        if let Some(metadata) = value.get("metadata").and_then(Value::as_object) {
            words.extend(metadata.keys().take(8).cloned());
        }
        at = value.get("innererror").or_else(|| value.get("metadata")).or_else(|| value.get("error"));
    }
    words.join("\n").to_lowercase()
}
