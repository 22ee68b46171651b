//! What is special to OpenAI-compatible endpoints: what their errors mean, and what to do about them.

use crawl_core::http::{Answered, Service, Url, Verdict};
use crawl_core::{Error, Kind, Result};

use crate::reply::{Fault, Meaning, passes};

/// What is special to OpenAI-compatible endpoints.
pub(crate) static ENDPOINT: Service = Service { name: "the endpoint", read, ..Service::PLAIN };

/// An error may mean something else than its status. What comes with the status of a success is read with the answer.
fn read(answered: &Answered<'_>) -> Option<Verdict> {
    if answered.status < 400 {
        return None;
    }
    let fault = Fault::of(answered.status, answered.body);
    let usual = answered.usual();
    let kind = match fault.meaning {
        Meaning::Usual if passes(answered.status) => {
            let what = "the service failed".into();
            return Some(Verdict { kind: Kind::Transient, what, retry: true, ..usual });
        }
        Meaning::Usual => return None,
        Meaning::Filtered | Meaning::TooLong => Kind::Shape,
        Meaning::NoCredit | Meaning::BadKey => Kind::Denied,
    };
    Some(Verdict {
        status: fault.status(),
        kind,
        what: fault.what().map_or(usual.what.clone(), Into::into),
        advice: fault.advice().map(Into::into),
        retry: false,
        wait: None,
        scope: fault.scope(),
        ..usual
    })
}

/// The kind of a known error, what it means, and what to do.
pub(super) fn explanation(error: &Error) -> Option<(Kind, &'static str, &'static str)> {
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
        (Kind::Gone, _) | (Kind::Shape, Some(405)) => (
            Kind::Config,
            "the endpoint has no such model, or no chat completions at this address",
            "check --model against the list at BASE_URL/models, and that --base-url is as the provider says, often \
             with /v1 at its end",
        ),
        (Kind::Shape, Some(400 | 422)) => (
            Kind::Config,
            "the endpoint does not accept the form of the request",
            "read above what it says; try --structured json_object or none, --no-temperature, another --max-tokens or \
             --reasoning-effort, or change [model] in the task file",
        ),
        (Kind::Transient, Some(500 | 501)) => (
            Kind::Transient,
            "the endpoint fails at every question",
            "read above what it says and look into the server's log; a server that fails at JSON schemas needs \
             --structured json_object or none",
        ),
        (Kind::Transient, None) => unreachable(error),
        _ => return None,
    })
}

/// No connection: what is known of why.
fn unreachable(error: &Error) -> (Kind, &'static str, &'static str) {
    let why = format!("{error:?}").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if says(&["certificate", "unknownissuer", "tls", "handshake", "corrupt message"]) {
        let what = "the endpoint's certificate is not trusted, or it speaks no TLS";
        let advice = "for a private certificate authority name its file in SSL_CERT_FILE; for a server without TLS write \
                      http:// in --base-url";
        return (Kind::Config, what, advice);
    }
    if says(&["dns error", "failed to lookup", "name or service not known"]) {
        let what = "the endpoint's name is not known";
        return (
            Kind::Config,
            what,
            "check the name in --base-url, and the proxy in HTTPS_PROXY if there is one",
        );
    }
    let what = "the endpoint cannot be reached or does not answer";
    let advice = "check --base-url and that the server runs, and NO_PROXY if a proxy stands before it, then run the same \
                  command again; what was paid is in the cache";
    (Kind::Transient, what, advice)
}

/// The address of chat completions at a base. With `api-version` it is one of Azure's deployments.
pub(super) fn completions(base: &str) -> Result<Url> {
    const ADVICE: &str = "name the address that the provider gives, such as https://api.openai.com/v1, http://localhost:8000/v1, \
                          or https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=2024-10-21";
    let bad = |why: &str| {
        Error::new(Kind::Config, format!("the base URL cannot be used: {why}"))
            .at(base.split('?').next().unwrap_or_default().to_owned())
            .advise(ADVICE)
    };
    let (path, query) = base.split_once('?').map_or((base, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/').trim_end_matches("/chat/completions");
    let mut url = Url::parse(&format!("{path}/chat/completions")).map_err(|cause| bad(&cause.to_string()))?;
    let version = query.map(|query| query.strip_prefix("api-version=").filter(|version| is_version(version)));
    if !matches!(url.scheme(), "http" | "https") || version == Some(None) {
        return Err(bad("it must begin with http:// or https:// and have no ? but ?api-version=VERSION"));
    }
    url.set_query(query);
    Ok(url)
}

fn is_version(version: &str) -> bool {
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
