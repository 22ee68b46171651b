//! Refusals, in the words and shapes of the service.

use serde_json::json;

use super::call::Dialect;
use crate::fault::{Fault, Refusal, RetryAfter};
use crate::http::answer::Answer;

/// `{"code":..,"message":..}`, as the handlers of the service say it.
pub(super) fn refuse(status: u16, message: &str) -> Answer {
    Answer::json_status(status, json!({"code": status, "message": message}).to_string())
}

/// Private, deleted or misspelt: the service does not say which.
pub(super) fn denied(permission: &str) -> Answer {
    refuse(403, &format!("Permission '{permission}' was denied"))
}

pub(super) fn rules() -> Answer {
    refuse(403, "You must accept this competition's rules before you'll be able to download files.")
}

pub(super) fn consent() -> Answer {
    refuse(403, "You must consent to the license of this model before you can download it.")
}

pub(super) fn not_found() -> Answer {
    refuse(404, "Not found")
}

/// As the storage says it.
pub(super) fn xml(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer::new(status, "application/xml; charset=UTF-8", body)
}

/// What the service says instead of an answer when this fault is due.
pub(super) fn instead(dialect: Dialect, fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::Refuse(Refusal::Rules) => Some(rules()),
        Fault::Refuse(Refusal::Denied) => Some(denied("datasets.get")),
        Fault::Refuse(Refusal::Consent) => Some(consent()),
        Fault::Refuse(Refusal::Phone) => Some(refuse(401, "Unauthenticated")),
        Fault::Refuse(Refusal::In200) => {
            let body = json!({"code": 403, "message": "Permission 'datasets.get' was denied"});
            Some(Answer::json(body.to_string()))
        }
        Fault::TooMany(retry) => Some(too_many(dialect, *retry)),
        Fault::Status(status @ 500..) => Some(Answer::new(*status, "text/html; charset=utf-8", BROKEN)),
        Fault::Status(status) => Some(refuse(*status, "The double was told to fail")),
        _ => None,
    }
}

/// The gateway has a shape of its own.
fn too_many(dialect: Dialect, retry: RetryAfter) -> Answer {
    let answer = match dialect {
        Dialect::Gateway => {
            let error = json!({"code": 429, "message": "Too many requests", "status": "RESOURCE_EXHAUSTED"});
            Answer::json_status(429, json!({"error": error}).to_string())
        }
        _ => refuse(429, "Too many requests"),
    };
    match retry {
        RetryAfter::Silent => answer,
        RetryAfter::Seconds(seconds) => answer.with("Retry-After", seconds.to_string()),
        RetryAfter::Date => {
            let then = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
            answer.with("Retry-After", then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
    }
}

const BROKEN: &str = "<!DOCTYPE html>\n<html><head><title>Kaggle</title></head>\
    <body><h1>Something went wrong</h1><p>This page is for people.</p></body></html>\n";
