//! What the SDK's errors mean: what to do about them, and whether the server asked to slow down.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use crawl_core::{Error, Kind};

/// A request that failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The service's own word, such as `NoSuchKey`; empty if it said none.
    pub(crate) code: String,
    /// Whether fewer requests at once may help.
    pub(crate) slow: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, code: String::new(), slow: false }
    }
}

impl Failure {
    pub(crate) fn new<E>(what: &str, place: &str, cause: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = cause.code().unwrap_or_default().to_owned();
        let message = cause.message().unwrap_or_default().to_owned();
        let answer = cause.raw_response();
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        let region = answer.and_then(|answer| answer.headers().get("x-amz-bucket-region"));
        let timed_out = matches!(cause, SdkError::TimeoutError(_));
        let kind = match cause {
            SdkError::ConstructionFailure(_) => construction(cause),
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Kind::Transient,
            _ => kind_of(status, &code),
        };
        let shown = match (code.as_str(), message.as_str()) {
            ("", "") => format!("{what} failed: {}", chain(cause)),
            ("", message) => format!("{what} failed: {message}"),
            (code, "") => format!("{what} was refused: {code}"),
            (code, message) => format!("{what} was refused: {code}: {message}"),
        };
        let mut error = Error::new(kind, shown.chars().take(2048).collect::<String>()).at(place);
        if status > 0 {
            error = error.with_status(status);
        }
        if let Some(advice) = advice(status, &code, region) {
            error = error.advise(advice);
        }
        let slow = status == 503 || status == 429 || timed_out || is_slow(&code);
        Failure { error, code, slow }
    }

    pub(crate) fn passes(&self) -> bool {
        matches!(self.error.kind(), Kind::Transient | Kind::Limited)
    }

    pub(crate) fn after(mut self, tries: u32) -> Self {
        self.error = self.error.after(tries);
        self
    }
}

fn is_slow(code: &str) -> bool {
    matches!(
        code,
        "SlowDown" | "ServiceUnavailable" | "Throttling" | "RequestLimitExceeded" | "RequestTimeout"
    )
}

fn construction<E: std::error::Error + 'static>(cause: &SdkError<E, HttpResponse>) -> Kind {
    // No request was made: keys that could not be had, or a setting that makes no sense.
    if chain(cause).contains("credential") { Kind::Denied } else { Kind::Config }
}

fn kind_of(status: u16, code: &str) -> Kind {
    match (status, code) {
        (_, "RequestTimeTooSkewed" | "ExpiredToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
            Kind::Denied
        }
        (_, "NoSuchBucket") => Kind::Config,
        (_, "SlowDown" | "Throttling" | "RequestLimitExceeded") | (429, _) => Kind::Limited,
        (_, "RequestTimeout" | "InternalError" | "OperationAborted") => Kind::Transient,
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => Kind::Config,
        (401 | 403, _) => Kind::Denied,
        (404 | 410, _) => Kind::Gone,
        (412 | 507, _) => Kind::Storage,
        // 2xx that could not be read: an error body, or a body that was cut.
        (0..=299 | 408 | 425 | 500.., _) => Kind::Transient,
        _ => Kind::Shape,
    }
}

fn advice(status: u16, code: &str, region: Option<&str>) -> Option<String> {
    match (status, code) {
        (_, "RequestTimeTooSkewed") => {
            Some("set this machine's clock, then run the same command again".into())
        }
        (_, "ExpiredToken") => Some("renew the session's keys, then run the same command again".into()),
        (_, "NoSuchBucket") => Some("check the bucket's name, or make the bucket".into()),
        (412, _) => Some("another object has this key; choose another prefix, or allow overwriting".into()),
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => Some(match region {
            Some(region) => format!("the bucket is in region {region}: give --region {region}"),
            None => "the bucket is in another region: give --region, or another --endpoint".into(),
        }),
        _ => None,
    }
}

/// The causes in one line; they hold neither keys nor signatures.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
