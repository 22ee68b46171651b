//! Which hosts an address out of content may name: public ones only, resolved once and used as resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{Error, Kind, Result};

/// Resolves names to public addresses only; the connection is made to these very addresses.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Checks what can be seen in the address itself; names are checked when they are resolved.
pub(super) fn check(url: &Url) -> Result<()> {
    let refused = |what: &str| Err(Error::new(Kind::Denied, what).at(super::shown(url)));
    if !matches!(url.scheme(), "http" | "https") {
        return refused("only http and https addresses are followed");
    }
    // The URL parser has already turned decimal, octal and hexadecimal spellings into an address.
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(name)) if is_local_name(name) => {
            return refused("this address names a host inside a network");
        }
        Some(Host::Domain(_)) => return Ok(()),
        None => return refused("the address names no host"),
    };
    if is_public(address) { Ok(()) } else { refused("this address is not a public one") }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    !name.contains('.')
        || ["localhost", "local", "internal", "home.arpa"]
            .iter()
            .any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // Mapped, compatible and NAT64 addresses are what they hold.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => embedded(high, low) && parts[6] != 0,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4 and Teredo hold an IPv4 address too; nothing public needs them any more.
        [0x2002, ..] | [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => false,
        // Only global unicast.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_networks_are_refused_in_every_spelling() {
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://169.254.169.254/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fc00::1]/",
            "http://[fe80::1]/",
            "http://[2002:7f00:1::]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://metadata.google.internal/",
            "http://intranet/",
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://example.org/",
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(check(&url).unwrap_err().kind(), Kind::Denied, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_followed() {
        for text in ["https://example.org/a.png", "http://8.8.8.8/", "http://[2606:4700::1111]/"] {
            assert!(check(&Url::parse(text).unwrap()).is_ok(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused() {
        let name: Name = "localhost".parse().unwrap();
        assert!(PublicOnly.resolve(name).await.is_err());
    }
}
