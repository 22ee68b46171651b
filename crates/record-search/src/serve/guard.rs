//! Who may ask: the token, and the names by which a loopback address may be called.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header};
use sha2::{Digest, Sha256};

/// The cookie that a browser keeps after it has told the token.
const COOKIE: &str = "record_search";

/// What is compared is a hash of what was sent: how long that takes tells nothing about the token.
pub(super) struct Guard {
    token: Option<[u8; 32]>,
    loopback: bool,
}

impl Guard {
    pub(super) fn new(token: Option<&str>, addr: SocketAddr) -> Self {
        Guard { token: token.map(|token| hash(token.as_bytes())), loopback: addr.ip().is_loopback() }
    }

    /// Whether the name by which we were called is one of a loopback address. A page elsewhere may let its own name
    /// point here, and would then read our answers as its own.
    pub(super) fn knows_host(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        if !self.loopback {
            return true;
        }
        let told = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let hosts = [told, uri.authority().map(|authority| authority.as_str())];
        told.is_some() && hosts.into_iter().flatten().all(is_loopback)
    }

    /// Whether the request brings the token, where one is needed.
    pub(super) fn lets_in(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|sent| same(&hash(sent.trim().as_bytes()), token));
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
        bearer
            || cookies.any(|(name, value)| {
                name.trim() == COOKIE && same(&hash(value.trim().as_bytes()), &hash(cookie(token).as_bytes()))
            })
    }

    /// The cookie for whoever sent the token.
    pub(super) fn cookie_for(&self, sent: &str) -> Option<String> {
        let token = self.token.as_ref().filter(|token| same(&hash(sent.trim().as_bytes()), token))?;
        Some(format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000", cookie(token)))
    }
}

/// The token itself stays out of the browser.
fn cookie(token: &[u8; 32]) -> String {
    let mut text = String::new();
    for byte in hash(&[b"cookie of ".as_slice(), token].concat()) {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Looks at all bytes, whatever the first ones are.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b))) == 0
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:9", "LOCALHOST", "127.9.9.9"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::1", "10.0.0.1"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
