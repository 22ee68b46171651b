//! What the SDK's errors mean: what to do about them, and whether the server asked to slow down.

use aws_credential_types::provider::error::CredentialsError;
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
        let unsent = Unsent::of(cause);
        let kind = match unsent {
            Some(Unsent::Keys) => Kind::Denied,
            Some(Unsent::Certificate | Unsent::Setting) => Kind::Config,
            Some(Unsent::Network) => Kind::Transient,
            None => kind_of(status, &code),
        };
        let shown = match (code.as_str(), message.as_str()) {
            // The answer to a HEAD has no body.
            ("", "") if status >= 300 => format!("{what} was refused with status {status}"),
            ("", "") => format!("{what} failed: {}", chain(cause)),
            ("", message) => format!("{what} failed: {message}"),
            (code, "") => format!("{what} was refused: {code}"),
            (code, message) => format!("{what} was refused: {code}: {message}"),
        };
        let mut error = Error::new(kind, shown.chars().take(2048).collect::<String>()).at(place);
        if status > 0 {
            error = error.with_status(status);
        }
        if let Some(advice) = unsent.and_then(Unsent::advice).or_else(|| advice(status, &code, region)) {
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

/// Why no answer came.
#[derive(Clone, Copy)]
enum Unsent {
    /// Nothing gave keys to sign with.
    Keys,
    /// The server's certificate is not trusted.
    Certificate,
    /// A setting makes no sense.
    Setting,
    Network,
}

impl Unsent {
    fn of<E: std::error::Error + 'static>(cause: &SdkError<E, HttpResponse>) -> Option<Self> {
        let keys = causes(cause).any(|cause| cause.is::<CredentialsError>());
        match cause {
            SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) if keys => Some(Unsent::Keys),
            SdkError::ConstructionFailure(_) => Some(Unsent::Setting),
            SdkError::DispatchFailure(_) if chain(cause).contains("peer certificate") => {
                Some(Unsent::Certificate)
            }
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Some(Unsent::Network),
            _ => None,
        }
    }

    fn advice(self) -> Option<String> {
        match self {
            Unsent::Keys => Some(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the AWS files in AWS_PROFILE or \
                 with s3-uploader's --profile; its --anonymous signs nothing"
                    .into(),
            ),
            Unsent::Certificate => {
                Some("name the file of the CA that signed the certificate in SSL_CERT_FILE".into())
            }
            Unsent::Network => Some(
                "check the service's address (AWS_ENDPOINT_URL, a cloud file's endpoint, s3-uploader's --endpoint) and \
                 the network, then run the same command again"
                    .into(),
            ),
            Unsent::Setting => None,
        }
    }
}

fn kind_of(status: u16, code: &str) -> Kind {
    match (status, code) {
        (_, "RequestTimeTooSkewed" | "ExpiredToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch") => {
            Kind::Denied
        }
        (_, "NoSuchBucket") => Kind::Config,
        (_, "QuotaExceeded" | "XMinioStorageFull") => Kind::Storage,
        (400, "InvalidRequest" | "InvalidArgument" | "InvalidStorageClass") | (501, _) => Kind::Config,
        (_, "SlowDown" | "Throttling" | "RequestLimitExceeded") | (429, _) => Kind::Limited,
        (_, "RequestTimeout" | "InternalError" | "OperationAborted" | "ConditionalRequestConflict") => {
            Kind::Transient
        }
        // Something on the way damaged the content, and the server noticed.
        (_, "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "InvalidDigest") => {
            Kind::Transient
        }
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
        (_, "SignatureDoesNotMatch" | "InvalidAccessKeyId") => {
            Some("check the access key, the secret key and the region".into())
        }
        (_, "ExpiredToken") => Some("renew the session's keys, then run the same command again".into()),
        (_, "NoSuchBucket") => Some("check the bucket's name, or make the bucket".into()),
        (_, "QuotaExceeded" | "XMinioStorageFull") => {
            Some("make room at the service, then run the same command again".into())
        }
        (400, "InvalidRequest" | "InvalidArgument" | "InvalidStorageClass") | (501, _) => Some(
            "this service does not take a flag's value: look at --storage-class, --sse, --checksums and --no-overwrite"
                .into(),
        ),
        (412, _) => Some("another object has this key; choose another prefix, or allow overwriting".into()),
        (301 | 307, _) | (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => Some(match region {
            Some(region) => format!("the bucket is in region {region}: give --region {region}"),
            None => "the bucket is in another region: give --region, or another --endpoint".into(),
        }),
        _ => None,
    }
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// The causes in one line; they hold neither keys nor signatures.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
