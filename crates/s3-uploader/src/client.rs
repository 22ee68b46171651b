//! The client of the SDK: its way to the service, by proxies where they are named.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, RuntimeComponents, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::BoxError;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use crawl_core::http::{Before, Proxies, Url};
use crawl_core::{Error, Kind, Result};
use tracing::dispatcher::{self, Dispatch};

use crate::{Account, Limits, Login};

/// What errors of the network need to know of the way to a bucket.
#[derive(Debug)]
pub(crate) struct Way {
    /// The proxy that stands before it.
    pub(crate) proxy: Option<Before>,
    /// The bucket is a part of the host's name, at an endpoint that the user named.
    pub(crate) virtual_host: bool,
    answered: AtomicBool,
}

impl Way {
    /// The way of an account to a bucket.
    ///
    /// # Errors
    /// [`Kind::Config`] if the endpoint is no address or a proxy cannot be used.
    pub(crate) fn to(account: &Account, bucket: &str) -> Result<Self> {
        if let Some(endpoint) = &account.endpoint {
            check_endpoint(endpoint)?;
        }
        let aws = format!("https://s3.{}.amazonaws.com", account.region);
        let mut url = account.url().or_else(|| aws.parse().ok());
        if let Some(url) = url.as_mut().filter(|_| !account.path_style)
            && let Some(host) = url.host_str().map(|host| format!("{bucket}.{host}"))
        {
            // A bucket whose name is no host is addressed by its path.
            let _ = url.set_host(Some(&host));
        }
        let proxy = url.map(|url| account.proxies.before(&url)).transpose()?.flatten();
        let virtual_host = !account.path_style && account.endpoint.is_some();
        Ok(Way { proxy, virtual_host, answered: AtomicBool::new(false) })
    }

    /// A request was answered: what fails later is no wrong address.
    pub(crate) fn was_answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn never_answered(&self) -> bool {
        !self.answered.load(Ordering::Relaxed)
    }
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    let url: Option<Url> = endpoint.parse().ok();
    let fine = url.is_some_and(|url| {
        let holds_keys = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
        matches!(url.scheme(), "http" | "https") && !holds_keys
    });
    if fine {
        return Ok(());
    }
    // The text is not shown: people put keys into addresses.
    let what = "the endpoint is no http or https address, or it holds a user, a password or a query";
    Err(Error::new(Kind::Config, what)
        .advise("write it as https://host:port; keys come from the environment or the AWS files"))
}

/// A client for an account. The SDK's own log lines, which hold keys, are not written.
///
/// # Errors
/// [`Kind::Config`] if a proxy cannot be used.
pub(crate) fn new(account: &Account, limits: &Limits) -> Result<Client> {
    let config = sdk_config(account, limits)?;
    Ok(dispatcher::with_default(&Dispatch::none(), || Client::from_conf(config)))
}

/// What speaks HTTP for the SDK, by way of the proxies for this scheme.
///
/// # Errors
/// [`Kind::Config`] if a proxy cannot be used.
pub(crate) fn http_client(proxies: &Proxies, scheme: &str) -> Result<SharedHttpClient> {
    // Any host of this scheme: which ones are excepted is asked with each request.
    let any = format!("{scheme}://proxied.invalid/").parse::<Url>().ok();
    let named = Proxies { except: String::new(), ..proxies.clone() };
    let before = any.map(|url| named.before(&url)).transpose()?.flatten();
    let proxy = match before {
        None => ProxyConfig::disabled(),
        Some(before) => {
            let make = if scheme == "http" { ProxyConfig::http } else { ProxyConfig::https };
            let config = make(before.address.expose());
            config.map_err(|_| before.wrong("the proxy cannot be used"))?.no_proxy(&proxies.except)
        }
    };
    Ok(aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    }))
}

fn sdk_config(account: &Account, limits: &Limits) -> Result<aws_sdk_s3::Config> {
    let scheme = account.url().map_or("https".to_owned(), |url| url.scheme().to_owned());
    let https = http_client(&account.proxies, &scheme)?;
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
    if account.request_payer {
        config = config.interceptor(With("x-amz-request-payer", "requester"));
    }
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
    Ok(config.build())
}

/// Sends a header along. For those that some requests of the SDK have no setter for, or one that does more.
#[derive(Debug)]
pub(crate) struct With(pub(crate) &'static str, pub(crate) &'static str);

impl Intercept for With {
    fn name(&self) -> &'static str {
        "With"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        context.request_mut().headers_mut().insert(self.0, self.1);
        Ok(())
    }
}
