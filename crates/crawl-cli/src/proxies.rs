//! The proxies that the environment names.

use crawl_core::http::{Proxies, Proxy, Secret};

/// `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small letters first, then in capitals, as curl and Python
/// read them.
pub(crate) fn of_environment(env: impl Fn(&str) -> Option<String>) -> Proxies {
    let first = |names: &[&str]| names.iter().find_map(|name| Some(((*name).to_owned(), env(name)?)));
    // In a CGI program HTTP_PROXY is a header that anybody can send.
    let capitals = if env("REQUEST_METHOD").is_some() { "all_proxy" } else { "HTTP_PROXY" };
    let proxy = |(from, address): (String, String)| Proxy { address: Secret::new(address), from };
    Proxies {
        http: first(&["http_proxy", capitals, "all_proxy", "ALL_PROXY"]).map(proxy),
        https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]).map(proxy),
        except: first(&["no_proxy", "NO_PROXY"]).map_or_else(String::new, |(_, hosts)| excepted(&hosts)),
    }
}

/// The hosts in the form that clients read: some people write `*.example.org`, or a port, of which clients know nothing.
fn excepted(hosts: &str) -> String {
    let one = |host: &str| {
        let host = host.trim();
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(name) if is_port => name.to_owned(),
            None if is_port && !name.contains(':') => name.to_owned(),
            _ => host.to_owned(),
        }
    };
    hosts.split(',').map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_letters_go_before_capitals_and_the_scheme_before_all() {
        let of = |set: &[(&str, &str)]| {
            let found = of_environment(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            });
            let shown = |proxy: Option<Proxy>| {
                proxy.map_or_else(String::new, |proxy| format!("{}={}", proxy.from, proxy.address.expose()))
            };
            (shown(found.http), shown(found.https), found.except)
        };
        let of_all =
            of(&[("ALL_PROXY", "a"), ("HTTPS_PROXY", "S"), ("https_proxy", "s"), ("NO_PROXY", "x,y")]);
        assert_eq!(of_all, ("ALL_PROXY=a".into(), "https_proxy=s".into(), "x,y".into()));
        let hosts = "*, a:8080 ,*.b,[::1]:90,::1,10.0.0.0/8,.c";
        assert_eq!(of(&[("NO_PROXY", hosts)]).2, "*,a,.b,::1,::1,10.0.0.0/8,.c");
        assert_eq!(of(&[("HTTP_PROXY", "h")]).0, "HTTP_PROXY=h");
        assert_eq!(of(&[("HTTP_PROXY", "h"), ("REQUEST_METHOD", "GET")]).0, "");
    }
}
