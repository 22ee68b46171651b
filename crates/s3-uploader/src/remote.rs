//! The bucket: one client, one gate, one way to try again.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use crawl_core::{Error, Kind, Result, Scope};
use tracing::dispatcher::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::client::Way;
use crate::failure::Failure;
use crate::gate::Gate;
use crate::objects::Rounds;
use crate::{Account, Checksums, Limits};

/// A bucket of an S3 service. Cheap to clone; clones share their limits.
#[derive(Clone)]
pub struct Bucket {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    way: Way,
    name: String,
    limits: Limits,
    gate: Gate,
    checksums: Checksums,
    codes: OnceLock<bool>,
    refuses_checksums: AtomicBool,
    rounds: Rounds,
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
    /// [`Kind::Config`] if the endpoint is no http(s) address, or a proxy cannot be used.
    pub fn new(account: &Account, name: &str, limits: Limits) -> Result<Self> {
        let way = Way::to(account, name)?;
        let shared = Shared {
            client: crate::client::new(account, &limits)?,
            way,
            name: name.to_owned(),
            limits,
            gate: Gate::new(&limits),
            checksums: account.checksums,
            codes: OnceLock::new(),
            refuses_checksums: AtomicBool::new(false),
            rounds: Rounds::default(),
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

    /// Whether the service codes the keys that it lists, once that is known.
    pub(crate) fn codes(&self) -> &OnceLock<bool> {
        &self.shared.codes
    }

    /// What its listings have given so far.
    pub(crate) fn rounds(&self) -> &Rounds {
        &self.shared.rounds
    }

    /// Whether the service may be asked for the checksums that it stores: some refuse the question (Backblaze B2).
    pub(crate) fn asks_checksums(&self) -> bool {
        !self.shared.refuses_checksums.load(Relaxed)
    }

    pub(crate) fn asks_no_checksums(&self) {
        self.shared.refuses_checksums.store(true, Relaxed);
    }

    /// Whether checksums go along where the server checks them.
    pub(crate) fn sends_checksums(&self) -> bool {
        self.shared.checksums == Checksums::WhenSupported
    }

    /// Another object has the key, and may not be replaced.
    pub(crate) fn taken(&self, key: &str) -> Error {
        Error::new(Kind::Storage, "another object has this key")
            .at(self.place(key))
            .with_status(412)
            .with_scope(Scope::Record)
            .advise("choose another prefix, or allow overwriting")
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
                    self.shared.way.was_answered();
                    self.gate().well(began.elapsed());
                    return Ok(done);
                }
                Err(cause) => cause,
            };
            drop(turn);
            let failure = Failure::new(what, &self.place(key), &cause, &self.shared.way);
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
                Err(error) if error.kind() == Kind::Transient && tries < self.limits().tries => {
                    tracing::debug!(%error, tries, "trying again");
                    tokio::time::sleep(backoff(self.limits().backoff, tries)).await;
                    tries += 1;
                }
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

/// Sends the MD5 of a small body along.
#[derive(Debug)]
pub(crate) struct ContentMd5;

impl Intercept for ContentMd5 {
    fn name(&self) -> &'static str {
        "ContentMd5"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let md5 = context.request().body().bytes().map(crate::sums::md5_text);
        if let Some(md5) = md5 {
            context.request_mut().headers_mut().insert("content-md5", md5);
        }
        Ok(())
    }
}
