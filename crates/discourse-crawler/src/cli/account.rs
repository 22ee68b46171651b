//! Who asks: a key or a cookie out of the environment, else a guest.

use crawl_cli::anyhow::Result;
use crawl_cli::env;
use crawl_core::http::Secret;
use crawl_core::{Error, Kind};
use discourse_crawler::Forum;

pub(super) fn with_account(forum: Forum) -> Result<Forum> {
    let secret = |name: &str| -> Result<Option<Secret>> {
        let Some(value) = env(name) else { return Ok(None) };
        let value = value.trim();
        if value.bytes().any(|byte| byte.is_ascii_control() || !byte.is_ascii()) {
            return Err(Error::new(Kind::Config, "it holds characters that cannot be sent").at(name).into());
        }
        Ok((!value.is_empty()).then(|| Secret::new(value)))
    };
    if let Some(key) = secret("DISCOURSE_API_KEY")? {
        let name = env("DISCOURSE_API_USERNAME").ok_or_else(|| {
            Error::new(Kind::Config, "a key of an administrator wants a name beside it")
                .at("DISCOURSE_API_KEY")
                .advise("set DISCOURSE_API_USERNAME, such as system")
        })?;
        return Ok(forum.with_key(key, name.trim())?);
    }
    if let Some(key) = secret("DISCOURSE_USER_API_KEY")? {
        return Ok(forum.with_user_key(key));
    }
    Ok(match secret("DISCOURSE_COOKIE")? {
        Some(cookie) => forum.with_cookie(cookie),
        None => forum,
    })
}
