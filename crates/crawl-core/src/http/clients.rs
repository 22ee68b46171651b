//! The clients behind the door: for answers that are read whole, for downloads, and both for untrusted addresses.

use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use super::proxy::Checked;
use super::{HttpConfig, guard};
use crate::{Error, Kind, Result};

pub(super) struct Clients {
    whole: Client,
    raw: Client,
    guarded_whole: Client,
    guarded_raw: Client,
}

impl Clients {
    pub(super) fn new(config: &HttpConfig, proxies: &Checked) -> Result<Self> {
        let tls = tls()?;
        let builder = |guarded: bool| {
            let builder = ClientBuilder::new()
                .user_agent(&config.user_agent)
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(config.connect_timeout)
                .read_timeout(config.read_timeout)
                .redirect(Policy::none())
                .pool_max_idle_per_host(config.concurrency.max(1))
                .tcp_nodelay(true);
            match guarded {
                true => Ok(builder.no_proxy().dns_resolver(guard::PublicOnly)),
                false => proxies.put_into(builder),
            }
        };
        let build = |builder: ClientBuilder| builder.build().map_err(|cause| bad(config, cause));
        Ok(Clients {
            whole: build(builder(false)?)?,
            raw: build(plain(builder(false)?))?,
            guarded_whole: build(builder(true)?)?,
            guarded_raw: build(plain(builder(true)?))?,
        })
    }

    /// The client for a request; `raw` gives bodies as they are sent, not decompressed.
    pub(super) fn get(&self, untrusted: bool, raw: bool) -> &Client {
        match (untrusted, raw) {
            (false, false) => &self.whole,
            (false, true) => &self.raw,
            (true, false) => &self.guarded_whole,
            (true, true) => &self.guarded_raw,
        }
    }
}

fn plain(builder: ClientBuilder) -> ClientBuilder {
    builder.no_gzip().no_brotli().no_deflate().no_zstd()
}

/// TLS by ring, trusting what the system trusts. Nothing is set for the process: that is the program's to do.
fn tls() -> Result<ClientConfig> {
    let failed = |cause| Error::new(Kind::Config, "cannot set up TLS").because(cause);
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(failed)?
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn bad(config: &HttpConfig, cause: reqwest::Error) -> Error {
    if reqwest::header::HeaderValue::from_str(&config.user_agent).is_err() {
        return Error::new(Kind::Config, "the user agent cannot be sent in a header")
            .at(crate::visible(&config.user_agent))
            .advise("write the contact in plain characters and in one line");
    }
    Error::new(Kind::Config, "cannot set up HTTP").because(cause)
}
