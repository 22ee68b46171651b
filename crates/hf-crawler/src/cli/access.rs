//! Where the Hub is and who asks: flags and variables.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{HttpFlags, Session};
use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{Error, Kind};
use hf_crawler::Hub;

/// Flags of every command that asks the Hub.
#[derive(Args, Debug)]
pub(crate) struct HubFlags {
    /// The Hub's address
    #[arg(long, value_name = "URL", env = "HF_ENDPOINT", hide_env_values = true, default_value = Hub::ENDPOINT)]
    endpoint: String,
    #[command(flatten)]
    pub(crate) http: HttpFlags,
}

impl HubFlags {
    /// The Hub that they name, and whether it is asked with a token.
    pub(crate) fn open(&self, session: &Session) -> Result<(Hub, bool)> {
        let offline = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].iter().any(|name| is_on(name));
        let http = Http::new(HttpConfig { offline, ..self.http.http(4, session.stop()) })?;
        let endpoint = Some(self.endpoint.as_str()).filter(|endpoint| !endpoint.is_empty());
        let hub = Hub::new(http, endpoint.unwrap_or(Hub::ENDPOINT))?;
        Ok(match token()? {
            Some((token, from)) => (hub.with_token(&token, from), true),
            None => (hub, false),
        })
    }
}

/// A variable that is true as `huggingface_hub` reads it.
fn is_on(name: &str) -> bool {
    let value = crawl_cli::env(name).unwrap_or_default().to_uppercase();
    matches!(value.as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// The token and where it was found, in the order of `huggingface_hub`.
fn token() -> Result<Option<(Secret, String)>> {
    if is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        return Ok(None);
    }
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        if let Some(token) = crawl_cli::env(name) {
            return usable(&token, name);
        }
    }
    let home = || crawl_cli::env("HOME").map(PathBuf::from);
    let cache = crawl_cli::env("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".cache")));
    let hub = crawl_cli::env("HF_HOME").map(PathBuf::from).or_else(|| Some(cache?.join("huggingface")));
    let path = crawl_cli::env("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(hub?.join("token")));
    match path.map(|path| (std::fs::read_to_string(&path), path)) {
        Some((Ok(token), path)) => usable(&token, &path.display().to_string()),
        Some((Err(cause), path)) if crawl_cli::env("HF_TOKEN_PATH").is_some() => {
            let path = path.display().to_string();
            Err(Error::new(Kind::Config, "cannot read the token file that HF_TOKEN_PATH names")
                .at(path)
                .because(cause)
                .into())
        }
        _ => Ok(None),
    }
}

fn usable(token: &str, from: &str) -> Result<Option<(Secret, String)>> {
    let token = token.trim();
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(Kind::Config, "the token holds characters that no token has").at(from).into());
    }
    Ok((!token.is_empty()).then(|| (Secret::new(token), from.to_owned())))
}
