//! The bucket: one client, one gate, one way to try again.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, RuntimeComponents, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use crawl_core::{Error, Kind, Result};
use tokio::sync::OnceCell;
use tracing::dispatcher::{self, Dispatch};
use tracing::instrument::WithSubscriber;

use crate::failure::Failure;
use crate::gate::Gate;
use crate::trust::Trust;
use crate::{Account, Checksums, Limits, Login};

/// A bucket of an S3 service. Cheap to clone; clones share their limits and what was learned of the server.
#[derive(Clone)]
pub struct Bucket {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    name: String,
    limits: Limits,
    gate: Gate,
    checksums: Checksums,
    trust: OnceCell<Trust>,
    trusts_parts: OnceCell<bool>,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Opens the door to a bucket; nothing is sent yet.
    ///
    /// # Errors
    /// [`Kind::Config`] if the endpoint is no http(s) address.
    pub fn new(account: &Account, name: &str, limits: Limits) -> Result<Self> {
        if let Some(endpoint) = &account.endpoint {
            check_endpoint(endpoint)?;
        }
        let shared = Shared {
            client: dispatcher::with_default(&Dispatch::none(), || {
                Client::from_conf(sdk_config(account, &limits))
            }),
            name: name.to_owned(),
            limits,
            gate: Gate::new(&limits),
            checksums: account.checksums,
            trust: OnceCell::new(),
            trusts_parts: OnceCell::new(),
        };
        Ok(Bucket { shared: Arc::new(shared) })
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How many requests may be under way now: fewer while the server asks to slow down.
    pub fn allowed(&self) -> usize {
        self.shared.gate.allowed()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// What the server was seen to check; asked once, with an object under `probe`.
    pub(crate) async fn trust(&self, probe: &str) -> Result<Trust> {
        let checksums = self.shared.checksums == Checksums::WhenSupported;
        self.shared.trust.get_or_try_init(|| crate::trust::probe(self, probe, checksums)).await.copied()
    }

    /// Whether the server was seen to check the checksum of an object in parts; asked once, before the first.
    pub(crate) async fn trusts_parts(&self, probe: &str) -> Result<bool> {
        self.shared.trusts_parts.get_or_try_init(|| crate::trust::probe_parts(self, probe)).await.copied()
    }

    /// Sends a request of `bytes` until it goes well, cannot, or was tried often enough.
    pub(crate) async fn send<T, E, F>(
        &self,
        what: &str,
        key: &str,
        bytes: u64,
        once: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.send_while(what, key, bytes, Failure::passes, once).await
    }

    /// As [`Bucket::send`], but what it is tried again after is the caller's to say.
    pub(crate) async fn send_while<T, E, F>(
        &self,
        what: &str,
        key: &str,
        bytes: u64,
        again: impl Fn(&Failure) -> bool,
        once: impl Fn() -> F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let limits = self.limits();
        let mut tries = 1;
        loop {
            let turn = self.gate().enter(bytes).await;
            let began = std::time::Instant::now();
            // The SDK's own log lines hold keys.
            let cause = match once().with_subscriber(Dispatch::none()).await {
                Ok(done) => {
                    self.gate().well(began.elapsed());
                    return Ok(done);
                }
                Err(cause) => cause,
            };
            drop(turn);
            let failure = Failure::new(what, &self.place(key), &cause);
            if failure.slow {
                self.gate().slow();
            }
            if !again(&failure) || tries >= limits.tries.max(1) {
                return Err(failure.after(tries));
            }
            tracing::debug!(error = %failure.error, tries, "trying again");
            tokio::time::sleep(backoff(limits.backoff, tries)).await;
            tries += 1;
        }
    }

    /// Does again what broke off in the middle of a body, as often as a request is tried.
    pub(crate) async fn again<T, F: Future<Output = Result<T>>>(&self, once: impl Fn() -> F) -> Result<T> {
        let mut tries = 1;
        loop {
            match once().await {
                Err(error) if error.kind() == Kind::Transient && tries < self.limits().tries => tries += 1,
                result => return result,
            }
        }
    }

    /// How this bucket's object is named in messages.
    pub(crate) fn place(&self, key: &str) -> String {
        format!("s3://{}/{}", self.shared.name, key.escape_debug())
    }
}

fn backoff(first: Duration, tries: u32) -> Duration {
    let most = first.saturating_mul(1 << (tries - 1).min(16)).min(Duration::from_secs(20));
    most.mul_f64(fastrand::f64())
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    let url: Option<crawl_core::http::Url> = endpoint.parse().ok();
    let fine = url.is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    if fine {
        return Ok(());
    }
    // The text is not shown: people put keys into addresses.
    Err(Error::new(Kind::Config, "the endpoint is no http or https address, or it holds a user and password")
        .advise("write it as https://host:port; keys come from the environment or the AWS files"))
}

fn sdk_config(account: &Account, limits: &Limits) -> aws_sdk_s3::Config {
    let https =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(limits.timeout)
        .build();
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(account.region.clone()))
        .force_path_style(account.path_style)
        .http_client(https)
        // We try again ourselves: the gate must hear of every refusal.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // We set the headers ourselves, from the hashes that the receipt will hold.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &account.endpoint {
        config = config.endpoint_url(endpoint);
    }
    config = match &account.login {
        Login::Anonymous => config.allow_no_auth(),
        Login::Provider(provider) => config.credentials_provider(provider.clone()),
        Login::Keys { id, secret, session } => {
            let session = session.as_ref().map(|session| session.expose().to_owned());
            let keys = Credentials::new(id.expose(), secret.expose(), session, None, "given");
            config.credentials_provider(SharedCredentialsProvider::new(keys))
        }
    };
    config.build()
}

/// Signs a body by the hash that is known already, instead of hashing it once more.
#[derive(Debug)]
pub(crate) struct SignAs(pub(crate) aws_runtime::auth::PayloadSigningOverride);

impl SignAs {
    /// The SHA-256 of the body, hex.
    pub(crate) fn sha256(hex: &str) -> Self {
        SignAs(aws_runtime::auth::PayloadSigningOverride::Precomputed(hex.to_owned()))
    }

    /// The body is not signed; its checksum header is.
    pub(crate) fn unsigned() -> Self {
        SignAs(aws_runtime::auth::PayloadSigningOverride::UnsignedPayload)
    }
}

impl Intercept for SignAs {
    fn name(&self) -> &'static str {
        "SignAs"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        config.interceptor_state().store_put(self.0.clone());
        Ok(())
    }
}
