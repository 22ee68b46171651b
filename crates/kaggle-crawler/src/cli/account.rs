//! Who asks: the credentials, in the order of Kaggle's own client.

use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::{env, say};
use crawl_core::http::Secret;
use crawl_core::{Error, Kind};
use kaggle_crawler::Kaggle;

/// An access token (variable, then file), else user name and key (variables, then `kaggle.json`), else nobody.
pub(super) fn with_account(kaggle: Kaggle) -> Result<Kaggle> {
    let home = env("HOME").or_else(|| env("USERPROFILE")).map(|home| Path::new(&home).join(".kaggle"));
    if let Some(token) = env("KAGGLE_API_TOKEN") {
        let path = Path::new(&token);
        let token = if path.is_file() { text(path)? } else { token };
        if let Some(token) = usable(&token, "KAGGLE_API_TOKEN")? {
            return Ok(kaggle.with_token(&token));
        }
    }
    for name in ["access_token", "access_token.txt"] {
        let path = home.as_ref().map(|home| home.join(name)).filter(|path| path.is_file());
        if let Some(path) = path
            && let Some(token) = usable(&text(&path)?, &path.display().to_string())?
        {
            return Ok(kaggle.with_token(&token));
        }
    }
    let (mut user, mut key) = (env("KAGGLE_USERNAME"), env("KAGGLE_KEY"));
    let folders = match env("KAGGLE_CONFIG_DIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => home
            .into_iter()
            .chain(env("XDG_CONFIG_HOME").map(|home| Path::new(&home).join("kaggle")))
            .collect(),
    };
    let file = folders.into_iter().map(|folder| folder.join("kaggle.json")).find(|path| path.is_file());
    if let Some(path) = file.filter(|_| user.is_none() || key.is_none()) {
        warn_if_open(&path);
        let text = text(&path)?;
        // The cause would tell a piece of the file.
        let bad = || Error::new(Kind::Config, "the file is not valid JSON").at(path.display().to_string());
        let json: serde_json::Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| bad())?;
        let member = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        user = user.or_else(|| member("username"));
        key = key.or_else(|| member("key"));
    }
    match (user, key) {
        (Some(user), Some(key)) => match usable(&key, "KAGGLE_KEY or kaggle.json")? {
            Some(key) => Ok(kaggle.with_key(user.trim(), &key)),
            None => Ok(kaggle),
        },
        _ => Ok(kaggle),
    }
}

fn text(path: &Path) -> Result<String> {
    let failed = |cause| {
        Error::new(Kind::Config, "cannot read the credentials").at(path.display().to_string()).because(cause)
    };
    Ok(std::fs::read_to_string(path).map_err(failed)?)
}

/// An empty one is none.
fn usable(token: &str, from: &str) -> Result<Option<Secret>> {
    let token = token.trim_start_matches('\u{feff}').trim();
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::new(Kind::Config, "the token holds characters that no token has").at(from).into());
    }
    Ok((!token.is_empty()).then(|| Secret::new(token)))
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0) {
        say(format!("warning: other users can read your key: chmod 600 {}", path.display()));
    }
}

#[cfg(not(unix))]
fn warn_if_open(_path: &Path) {}
