//! Who asks: the credentials, in the order of Kaggle's own client.

use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::{env, say};
use crawl_core::http::Secret;
use crawl_core::{Error, Kind, Timestamp};
use kaggle_crawler::Kaggle;
use serde_json::Value;

/// An access token (variable, then file), else user name and key (variables, then `kaggle.json`), else the token of a
/// login of Kaggle's own client, else nobody.
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
    let login = home.as_ref().map(|home| home.join("credentials.json"));
    let folders = match env("KAGGLE_CONFIG_DIR") {
        Some(folder) => vec![PathBuf::from(folder)],
        None => home
            .into_iter()
            .chain(env("XDG_CONFIG_HOME").map(|home| Path::new(&home).join("kaggle")))
            .collect(),
    };
    let file = folders.into_iter().map(|folder| folder.join("kaggle.json")).find(|path| path.is_file());
    if let Some(path) = file.filter(|_| user.is_none() || key.is_none()) {
        let json = json(&path)?;
        user = user.or_else(|| member(&json, "username"));
        key = key.or_else(|| member(&json, "key"));
    }
    if let (Some(user), Some(key)) = (user, key)
        && let Some(key) = usable(&key, "KAGGLE_KEY or kaggle.json")?
    {
        return Ok(kaggle.with_key(user.trim(), &key));
    }
    match login.filter(|path| path.is_file()) {
        Some(path) => Ok(kaggle.with_token(&logged_in(&path)?)),
        None => Ok(kaggle),
    }
}

/// The access token that Kaggle's own client keeps behind `kaggle auth login`. It holds for hours; the client renews it,
/// and we do not: a renewed one would have to be written into the client's file.
fn logged_in(path: &Path) -> Result<Secret> {
    let bad = |what: String| {
        Error::new(Kind::Config, what).at(path.display().to_string()).advise(
            "renew it with `kaggle auth login`, set KAGGLE_API_TOKEN, or move the file away to ask without an account",
        )
    };
    let json = json(path)?;
    let token = member(&json, "access_token").unwrap_or_default();
    let token = usable(&token, &path.display().to_string())?
        .ok_or_else(|| bad("the login of Kaggle's client holds no access token".to_owned()))?;
    let until = member(&json, "access_token_expiration").and_then(|time| time.parse::<Timestamp>().ok());
    match until {
        Some(until) if until > Timestamp::now() => Ok(token),
        Some(until) => Err(bad(format!("the login of Kaggle's client ended at {until}")).into()),
        None => Err(bad("the login of Kaggle's client does not tell until when it holds".to_owned()).into()),
    }
}

/// A file of credentials. What is wrong with it is told without a piece of it.
fn json(path: &Path) -> Result<Value> {
    warn_if_open(path);
    let text = text(path)?;
    let bad = |_| Error::new(Kind::Config, "the file is not valid JSON").at(path.display().to_string());
    Ok(serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(bad)?)
}

fn member(json: &Value, name: &str) -> Option<String> {
    json.get(name).and_then(Value::as_str).map(str::to_owned)
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
