//! The AWS environment and files, read when a program asks for it.

use aws_config::BehaviorVersion;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use crawl_core::Result;
use crawl_core::http::Proxies;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::{Account, Checksums, CloudFile, Login};

/// What a user asks for, before any file and variable.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The address.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The profile of the AWS files.
    pub profile: Option<String>,
    /// How buckets are addressed.
    pub path_style: Option<bool>,
    /// Whether checksums go with uploads.
    pub checksums: Option<Checksums>,
    /// Sign nothing.
    pub anonymous: bool,
    /// We pay for what we ask of a bucket whose owner does not.
    pub request_payer: bool,
}

/// What the environment and the AWS files say.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Keys of the environment, the profile, or the machine's role. They are looked for when the first request is
    /// signed.
    pub login: Login,
    /// The region.
    pub region: Option<String>,
    /// The address: `AWS_ENDPOINT_URL`, or the profile's.
    pub endpoint: Option<String>,
}

/// Reads them, for a profile or the usual one; keys that a service gives are had by way of these proxies.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if a proxy cannot be used.
pub async fn load(profile: Option<&str>, proxies: &Proxies) -> Result<Environment> {
    let https = crate::client::http_client(proxies, "https")?;
    let mut files = ProfileFileRegionProvider::builder();
    // No question to the machine's metadata service: elsewhere than on EC2 it takes seconds to fail.
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https);
    if let Some(profile) = profile {
        files = files.profile_name(profile);
        loader = loader.profile_name(profile);
    }
    let region =
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(files.build());
    // The SDK's own log lines hold keys.
    let config = loader.region(region).load().with_subscriber(Dispatch::none()).await;
    Ok(Environment {
        login: config.credentials_provider().map_or(Login::Anonymous, Login::Provider),
        region: config.region().map(ToString::to_string),
        endpoint: config.endpoint_url().map(str::to_owned),
    })
}

/// How to reach the service: what was asked for, then the cloud file, the environment, the AWS files. Proxies are
/// those of the environment.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if a proxy cannot be used.
pub async fn account(file: &CloudFile, asked: Asked) -> Result<Account> {
    let proxies = crawl_cli::proxies();
    let aws = load(asked.profile.as_deref(), &proxies).await?;
    let endpoint = asked.endpoint.or_else(|| file.endpoint.clone());
    let endpoint = endpoint.or_else(|| crawl_cli::env("AWS_ENDPOINT_URL_S3")).or(aws.endpoint);
    let region = asked.region.or_else(|| file.region.clone()).or(aws.region);
    let path_style = asked.path_style.or(file.path_style).unwrap_or(endpoint.is_some());
    let wish = crawl_cli::env("AWS_REQUEST_CHECKSUM_CALCULATION").unwrap_or_default();
    let wish = wish.eq_ignore_ascii_case("when_required").then_some(Checksums::WhenRequired);
    let checksums = asked.checksums.or(wish).or(file.checksums).unwrap_or_default();
    let request_payer = asked.request_payer || file.request_payer;
    let login = if asked.anonymous { Login::Anonymous } else { file.login().unwrap_or(aws.login) };
    let region = region.unwrap_or_else(|| "us-east-1".into());
    Ok(Account { endpoint, region, path_style, login, checksums, proxies, request_payer })
}
