//! What the SDK's errors mean: what to do about them, and whether the server asked to slow down.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use crawl_core::{Error, Kind, Scope};

use crate::client::Way;

mod meaning;

use meaning::Said;

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
    pub(crate) fn new<E>(what: &str, place: &str, cause: &SdkError<E, HttpResponse>, way: &Way) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = cause.code().unwrap_or_default().to_owned();
        let message = cause.message().unwrap_or_default().to_owned();
        let answer = cause.raw_response();
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        let region = answer.and_then(|answer| answer.headers().get("x-amz-bucket-region"));
        let timed_out = matches!(cause, SdkError::TimeoutError(_));
        let said = Said { what, status, code: &code, message: &message, region };
        let unsent = Unsent::of(cause);
        if let Some(error) = of_the_proxy(way, status, unsent, cause) {
            return Failure { error: error.with_scope(Scope::All), code, slow: false };
        }
        let kind = match unsent {
            Some(Unsent::Keys) => Kind::Denied,
            Some(Unsent::Certificate | Unsent::Setting) => Kind::Config,
            Some(Unsent::Network) => Kind::Transient,
            None => said.kind(),
        };
        let shown = match (code.as_str(), message.as_str()) {
            // The answer to a HEAD has no body.
            ("", "") if status >= 300 => format!("{what} was refused with status {status}"),
            ("", "") => format!("{what} failed: {}{}", chain(cause), by_way_of(way)),
            ("", message) => format!("{what} failed: {message}"),
            (code, "") => format!("{what} was refused: {code}"),
            (code, message) => format!("{what} was refused: {code}: {message}"),
        };
        let of_all = match unsent {
            Some(Unsent::Network) => false,
            Some(_) => true,
            None => said.concerns_all(way.never_answered()),
        };
        let scope = if of_all { Scope::All } else { Scope::Record };
        let mut error =
            Error::new(kind, shown.chars().take(2048).collect::<String>()).at(place).with_scope(scope);
        if status > 0 {
            error = error.with_status(status);
        }
        let advice = match unsent {
            Some(unsent) => unsent.advice(way, &chain(cause)),
            None => said.advice(),
        };
        if let Some(advice) = advice {
            error = error.advise(advice);
        }
        let slow = status == 503 || status == 429 || timed_out || is_slow(&code);
        Failure { error, code, slow }
    }

    /// What an answer says of one of many objects.
    pub(crate) fn of_one(what: &str, place: &str, code: &str, message: &str) -> Error {
        let status = if matches!(code, "AccessDenied" | "InvalidObjectState") { 403 } else { 200 };
        let said = Said { what, status, code, message, region: None };
        let error = Error::new(said.kind(), format!("{what} was refused: {code}: {message}")).at(place);
        match said.advice() {
            Some(advice) => error.advise(advice),
            None => error,
        }
        .with_scope(if said.concerns_all(false) { Scope::All } else { Scope::Record })
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
    fn advice(self, way: &Way, cause: &str) -> Option<String> {
        let advice = match self {
            Unsent::Keys => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of the AWS files in AWS_PROFILE or \
                 with s3-uploader's --profile; its --anonymous signs nothing"
            }
            // `bucket.host` has no address, or the certificate is for `host` alone.
            Unsent::Certificate | Unsent::Network
                if way.virtual_host
                    && (cause.contains("dns error") || cause.contains("not valid for name")) =>
            {
                "this service may not know buckets as hosts: give --path-style, or path_style = true in a --cloud file"
            }
            Unsent::Certificate => "name the file of the CA that signed the certificate in SSL_CERT_FILE",
            Unsent::Network => {
                "check the service's address (AWS_ENDPOINT_URL, a cloud file's endpoint, s3-uploader's --endpoint) and \
                 the network, then run the same command again"
            }
            Unsent::Setting => return None,
        };
        Some(match (self, &way.proxy) {
            (Unsent::Network, Some(proxy)) => {
                format!("{advice}; or name the host in NO_PROXY if {} should not stand before it", proxy.from)
            }
            _ => advice.to_owned(),
        })
    }

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
}

/// What a proxy does to the request, if it is the proxy: a setting that the user must correct.
fn of_the_proxy<E: std::error::Error + 'static>(
    way: &Way,
    status: u16,
    unsent: Option<Unsent>,
    cause: &SdkError<E, HttpResponse>,
) -> Option<Error> {
    let proxy = way.proxy.as_ref()?;
    let text = chain(cause);
    if status == 407 || text.contains("proxy authorization required") {
        return Some(proxy.wrong("the proxy wants a name and a password").with_status(407));
    }
    let refused = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    let unreachable = causes(cause).any(refused) || text.contains("dns error");
    let dead = matches!(unsent, Some(Unsent::Network)) && unreachable && way.never_answered();
    dead.then(|| proxy.wrong("nothing answers at the proxy").because(text))
}

fn by_way_of(way: &Way) -> String {
    way.proxy.as_ref().map_or_else(String::new, |proxy| format!(" (by way of the proxy {})", proxy.shown))
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
