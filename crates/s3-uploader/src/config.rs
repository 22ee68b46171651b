//! Where the bucket is and how to reach it: values only, nothing is read from the environment here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use crawl_core::http::{Proxies, Secret, Url};
use crawl_core::{Error, Kind, Result};
use serde::Deserialize;

use crate::{Dress, Lock};

/// Who asks.
#[derive(Clone, Debug, Default)]
pub enum Login {
    /// Nobody: requests are not signed.
    #[default]
    Anonymous,
    /// Keys, and the token of a session where there is one.
    Keys {
        /// The access key id.
        id: Secret,
        /// The secret access key.
        secret: Secret,
        /// The session token.
        session: Option<Secret>,
    },
    /// Keys that renew themselves, as the AWS configuration gives them.
    Provider(SharedCredentialsProvider),
}

/// Whether checksums go with uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksums {
    /// Wherever the server checks them.
    #[default]
    WhenSupported,
    /// Never of our own accord: for clones that refuse or mishandle the headers.
    WhenRequired,
}

/// How to reach an S3 service.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address; `None` for AWS.
    pub endpoint: Option<String>,
    /// The region; most clones take any.
    pub region: String,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub path_style: bool,
    /// Who asks.
    pub login: Login,
    /// Whether checksums go with uploads.
    pub checksums: Checksums,
    /// The proxies on the way.
    pub proxies: Proxies,
    /// We pay for what we ask of a bucket whose owner does not.
    pub request_payer: bool,
}

impl Account {
    /// The address as a URL; `None` for AWS.
    pub(crate) fn url(&self) -> Option<Url> {
        self.endpoint.as_ref()?.parse().ok()
    }

    /// A service at an address, asked in path style, as nearly all but AWS want it.
    pub fn at(endpoint: impl Into<String>, login: Login) -> Self {
        Account {
            endpoint: Some(endpoint.into()),
            region: "us-east-1".into(),
            path_style: true,
            login,
            checksums: Checksums::default(),
            proxies: Proxies::default(),
            request_payer: false,
        }
    }
}

/// How much at once, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most requests under way: 64 at first, more where answers come as quickly as from an idle server, fewer
    /// while the server asks to slow down.
    pub in_flight: usize,
    /// The most requests a second.
    pub requests: Option<f64>,
    /// The most bytes a second that are sent.
    pub bandwidth: Option<u64>,
    /// The most bytes of files that are held in memory.
    pub memory: u64,
    /// How often a request is tried.
    pub tries: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// The first wait between two tries; it doubles, up to 20 seconds, with full jitter.
    pub backoff: Duration,
    /// Larger files are sent in parts.
    pub part_from: u64,
    /// The size of a part; larger where a file would have more than 10,000. Not under 5 MiB.
    pub part_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            in_flight: 256,
            requests: None,
            bandwidth: None,
            memory: 48 << 20,
            tries: 6,
            timeout: Duration::from_secs(300),
            backoff: Duration::from_millis(200),
            part_from: 8 << 20,
            part_size: 5 << 20,
        }
    }
}

/// A cloud config file: where the bucket is. Keys belong into the environment or the AWS files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudFile {
    /// The address; leave it out for AWS.
    pub endpoint: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// What is put before every key.
    pub prefix: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub path_style: Option<bool>,
    /// Whether checksums go with uploads.
    pub checksums: Option<Checksums>,
    /// We pay for what we ask of a bucket whose owner does not.
    #[serde(default)]
    pub request_payer: bool,
    sse: Option<String>,
    sse_key: Option<String>,
    acl: Option<String>,
    cache_control: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    object_lock: Option<String>,
    retain_days: Option<u32>,
    #[serde(default)]
    legal_hold: bool,
    #[serde(default, deserialize_with = "secret")]
    access_key: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    secret_key: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    session_token: Option<Secret>,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

impl CloudFile {
    /// Reads a file. One that holds keys must be readable by its owner alone.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is not valid, or if it holds keys and others may read it.
    pub fn read(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::new(Kind::Config, "cannot read the cloud file").at(&place).because(cause))
            .map_err(|error| error.advise("check the path behind --cloud"))?;
        // The parser's own message quotes the line, which may hold a key.
        let file: CloudFile = toml::from_str(&text).map_err(|cause| {
            Error::new(Kind::Config, format!("the cloud file is not valid: {}", cause.message())).at(&place)
        })?;
        let keys = [&file.access_key, &file.secret_key, &file.session_token];
        if keys.iter().any(|key| key.is_some()) && !private(path)? {
            return Err(Error::new(Kind::Config, "the cloud file holds keys and others may read it")
                .at(&place)
                .advise("take the keys out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or chmod 600 the file"));
        }
        if file.access_key.is_some() != file.secret_key.is_some() {
            let what = "the cloud file has one of access_key and secret_key without the other";
            return Err(Error::new(Kind::Config, what).at(&place));
        }
        // So that a wrong one is told before anything is sent.
        file.dress()?;
        Ok(file)
    }

    /// The bucket and prefix of `s3://bucket/prefix`, or else of the file.
    ///
    /// # Errors
    /// [`Kind::Config`] if neither names a bucket.
    pub fn place(&self, address: Option<&str>) -> Result<(String, String)> {
        match (address, &self.bucket) {
            (Some(address), _) => parse_address(address),
            (None, Some(bucket)) => Ok((bucket.clone(), self.prefix.clone().unwrap_or_default())),
            (None, None) => Err(Error::new(Kind::Config, "no bucket is named")
                .advise("give s3://bucket/prefix, or a --cloud file with a bucket")),
        }
    }

    /// What the bucket wants to be written with each object.
    ///
    /// # Errors
    /// [`Kind::Config`] for a lock without a mode, or without days.
    pub fn dress(&self) -> Result<Dress> {
        let lock = match (&self.object_lock, self.retain_days) {
            (None, None) => None,
            (mode, days) => Some(Lock::new(mode.as_deref().unwrap_or_default(), days.unwrap_or(0))?),
        };
        Ok(Dress {
            sse: self.sse.clone(),
            sse_key: self.sse_key.clone(),
            acl: self.acl.clone(),
            cache_control: self.cache_control.clone(),
            tags: self.tags.clone().into_iter().collect(),
            lock,
            legal_hold: self.legal_hold,
            ..Dress::default()
        })
    }

    /// The keys of the file.
    pub fn login(&self) -> Option<Login> {
        let (id, secret) = (self.access_key.clone()?, self.secret_key.clone()?);
        Some(Login::Keys { id, secret, session: self.session_token.clone() })
    }
}

#[cfg(unix)]
fn private(path: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let meta = path.metadata().map_err(|cause| Error::io("cannot look at", path, cause))?;
    Ok(meta.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<bool> {
    Ok(false)
}

/// `s3://bucket/prefix` in two parts.
///
/// # Errors
/// [`Kind::Config`] if it is none.
pub fn parse_address(text: &str) -> Result<(String, String)> {
    let bad = || {
        Error::new(Kind::Config, "this is no S3 address")
            .at(shown_address(text))
            .advise("write it as s3://bucket/prefix")
    };
    let rest = text.strip_prefix("s3://").ok_or_else(bad)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(bad());
    }
    if bucket.contains([':', '@']) || is_signed(prefix) {
        // Other tools take keys there.
        let what = "a bucket's name holds no : and no @, and an address holds no keys and no signature";
        return Err(Error::new(Kind::Config, what)
            .at(shown_address(text))
            .advise("write it as s3://bucket/prefix; keys come from the environment or the AWS files"));
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// Whether a key ends in what `presign` of any program puts behind it.
fn is_signed(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["x-amz-signature=", "x-amz-credential=", "awsaccesskeyid="].iter().any(|part| key.contains(part))
}

/// An address that somebody gave, as it may be shown: without user, password and signature; one that cannot be read and
/// may hold them is not shown.
pub fn shown_address(text: &str) -> String {
    match text.parse::<Url>() {
        Ok(url) if !url.cannot_be_a_base() => crawl_core::shown(&url),
        _ if text.contains(['@', '?']) => "(not shown, for it may hold keys)".to_owned(),
        _ => text.to_owned(),
    }
}
