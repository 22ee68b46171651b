//! Faults: what the errors of an endpoint mean, whatever status they come with.

use crawl_core::{Error, Kind, Scope};
use serde_json::Value;

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

/// Words that stand in codes, types and messages.
const FILTERED: [&str; 12] = [
    "content_filter",
    "contentfilter",
    "content filter",
    "content_policy",
    "content management policy",
    "responsibleaipolicyviolation",
    "data_inspection_failed",
    "datainspectionfailed",
    "prohibited_content",
    "flagged_input",
    "flagged for",
    "input was flagged",
];
const NO_CREDIT: [&str; 19] = [
    "insufficient_quota",
    "insufficient quota",
    "insufficient_balance",
    "insufficient balance",
    "insufficient credit",
    "insufficient_credit",
    "insufficient funds",
    "credit balance is too low",
    "out of credit",
    "no credit",
    "exceeded your current quota",
    "exceeded_current_quota",
    "billing_hard_limit",
    "billing_not_active",
    "arrearage",
    "overdue payment",
    "spending limit",
    "allocationquota",
    "余额不足",
];
/// A quota that is filled again in a while, under the same words.
const PASSING: [&str; 6] = ["retrydelay", "perminute", "per minute", "persecond", "per second", "retry in"];
const BAD_KEY: [&str; 10] = [
    "key not valid",
    "api_key_invalid",
    "invalid_api_key",
    "invalid api key",
    "invalid api-key",
    "incorrect api key",
    "api key expired",
    "invalid x-api-key",
    "authentication_error",
    "invalid authentication",
];

/// Names of errors, and the status that they mean.
const NAMES: [(&str, u16); 26] = [
    ("rate_limit", 429),
    ("ratelimit", 429),
    ("too_many_requests", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("overloaded", 503),
    ("unavailable", 503),
    ("timeout", 504),
    ("deadline_exceeded", 504),
    ("invalid_api_key", 401),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("unauthorized", 401),
    ("permission", 403),
    ("forbidden", 403),
    ("model_not_found", 404),
    ("not_found", 404),
    ("payment_required", 402),
    ("context_length", 400),
    ("content_filter", 400),
    ("invalid_request", 400),
    ("invalid_argument", 400),
    ("badrequest", 400),
    ("validation", 422),
    ("bad_gateway", 502),
    ("internal", 500),
];

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
            // What names no status is a failure of the server: it did not say that the question is wrong.
            let status = named(error).or_else(|| named(value)).unwrap_or(502);
            Some(Fault { status, meaning: meaning(status, &telling), said })
        })
    }

    /// The error of an answer that had the status of a success.
    pub(crate) fn error(&self, place: String) -> Error {
        let (kind, what) = match (self.meaning, self.status) {
            (Meaning::Filtered, _) => (Kind::Shape, FILTER),
            (Meaning::NoCredit, _) => (Kind::Denied, NO_MONEY),
            (Meaning::BadKey, _) | (_, 401) => (Kind::Denied, WRONG_KEY),
            (_, 402) => (Kind::Denied, "the service wants to be paid"),
            (_, 403 | 451) => (Kind::Denied, "the service refuses access"),
            (_, 404 | 410) => (Kind::Gone, "not there"),
            (_, 429) => (Kind::Limited, "too many requests"),
            (_, 408 | 425 | 500..=599) => (Kind::Transient, "the service failed"),
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
            (Meaning::Filtered, _) => Scope::Record,
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
            Meaning::Usual => None,
        }
    }

    /// What went wrong, where the status does not tell.
    pub(crate) fn what(&self) -> Option<&'static str> {
        match self.meaning {
            Meaning::Filtered => Some(FILTER),
            Meaning::NoCredit => Some(NO_MONEY),
            Meaning::BadKey => Some(WRONG_KEY),
            Meaning::Usual => None,
        }
    }
}

const FILTER: &str = "the provider's content filter stopped the question";
const NO_MONEY: &str = "the account has no credit left";
const WRONG_KEY: &str = "the endpoint does not accept the key";
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
        400 | 402 | 403 | 429 if holds(&NO_CREDIT) && !holds(&PASSING) => Meaning::NoCredit,
        _ => Meaning::Usual,
    }
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
        return error.or_else(|| choices.iter().find(|choice| choice["finish_reason"] == "error"));
    }
    // Without a word `error`: the older forms of vLLM and FastAPI, and of gateways.
    let tells = list.get("object").is_some_and(|object| object == "error")
        || list.get("detail").is_some_and(|detail| full(&detail))
        || (list.get("message").is_some_and(Value::is_string)
            && ["code", "status", "status_code", "type"].iter().any(|name| list.get(name).is_some()));
    tells.then_some(list)
}

/// The status that an error names, as a number or by its name.
fn named(error: &Value) -> Option<u16> {
    let members = ["code", "status", "status_code", "statusCode", "http_status", "type"];
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
        for name in ["message", "detail", "msg"] {
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
