//! Proxies: checked before anything is sent, and named when they are dead.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Secret;
use crate::{Error, Kind, Result, shown};

/// A proxy, and where it was named.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `http://[USER:PASSWORD@]HOST:PORT`; without a scheme it is http.
    pub address: Secret,
    /// What the user set it with, such as `HTTPS_PROXY`: for messages.
    pub from: String,
}

/// The proxies that are asked to pass requests on; none by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For addresses that begin with `http:`.
    pub http: Option<Proxy>,
    /// For addresses that begin with `https:`.
    pub https: Option<Proxy>,
    /// The hosts that are asked directly, with commas: `localhost,127.0.0.0/8,.example.org`.
    pub except: String,
}

/// A proxy that stands before an address, for clients of other kinds than [`super::Http`].
#[derive(Clone, Debug)]
pub struct Before {
    /// Its whole address, with its name and password.
    pub address: Secret,
    /// Its address as it may be shown.
    pub shown: String,
    /// What the user set it with.
    pub from: String,
}

impl Before {
    /// An error of this proxy, with what to do about it.
    pub fn wrong(&self, what: &str) -> Error {
        wrong(what, &self.shown, &self.from)
    }
}

impl Proxies {
    /// The proxy that stands before an address, if one does.
    ///
    /// # Errors
    /// [`crate::Kind::Config`] if any of them cannot be used, as [`super::Http::new`] would say.
    pub fn before(&self, url: &Url) -> Result<Option<Before>> {
        let checked = Checked::new(self)?;
        Ok(checked.find(url).map(|(proxy, from)| Before {
            address: Secret::new(proxy.as_str()),
            shown: shown(proxy),
            from: from.to_owned(),
        }))
    }
}

/// The proxies as they are used.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Scheme, address and where it was named.
    each: Vec<(&'static str, Url, String)>,
    except: String,
    matcher: Option<Matcher>,
}

impl Checked {
    /// Checks every address.
    pub(super) fn new(proxies: &Proxies) -> Result<Self> {
        let mut checked = Checked { except: proxies.except.clone(), ..Checked::default() };
        let mut matcher = Matcher::builder();
        for (scheme, proxy) in [("http", &proxies.http), ("https", &proxies.https)] {
            let Some(proxy) = proxy else { continue };
            let url = parse(proxy)?;
            matcher = if scheme == "http" { matcher.http(url.as_str()) } else { matcher.https(url.as_str()) };
            checked.each.push((scheme, url, proxy.from.clone()));
        }
        if !checked.each.is_empty() {
            checked.matcher = Some(matcher.no(proxies.except.as_str()).build());
        }
        Ok(checked)
    }

    /// Has a client use them.
    pub(super) fn put_into(&self, mut builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        // Without this the client reads the environment.
        builder = builder.no_proxy();
        for (scheme, url, from) in &self.each {
            let make = if *scheme == "http" { reqwest::Proxy::http } else { reqwest::Proxy::https };
            let proxy = make(url.clone())
                .map_err(|cause| wrong("the proxy cannot be used", url.as_str(), from).because(cause))?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&self.except)));
        }
        Ok(builder)
    }

    /// The proxy that stands before an address: as it may be shown, and where it was named.
    pub(super) fn before(&self, url: &Url) -> Option<(String, &str)> {
        self.find(url).map(|(proxy, from)| (shown(proxy), from))
    }

    fn find(&self, url: &Url) -> Option<(&Url, &str)> {
        self.matcher.as_ref()?.intercept(&url.as_str().parse().ok()?)?;
        let (_, proxy, from) = self.each.iter().find(|(scheme, ..)| *scheme == url.scheme())?;
        Some((proxy, from))
    }
}

/// What to say of a proxy that cannot be used; without its password.
pub(super) fn wrong(what: &str, address: &str, from: &str) -> Error {
    // What is no URL may hold a password all the same: what stands before the last @ is not shown.
    let shown = match Url::parse(address) {
        Ok(url) if url.has_host() => shown(&url),
        _ => address.rsplit('@').next().unwrap_or_default().to_owned(),
    };
    Error::new(Kind::Config, what).at(shown).advise(format!("correct or unset {from}, then run again"))
}

fn parse(proxy: &Proxy) -> Result<Url> {
    let text = proxy.address.expose().trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole)
        .map_err(|cause| wrong("the proxy is not an address", text, &proxy.from).because(cause))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme if scheme.starts_with("socks") => {
            Err(wrong("SOCKS proxies cannot be used", text, &proxy.from)
                .advise(format!("name an http or https proxy in {}, or unset it", proxy.from)))
        }
        _ => Err(wrong("the proxy is not an http or https address", text, &proxy.from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(address: &str) -> Proxies {
        let proxy = Proxy { address: Secret::new(address), from: "HTTPS_PROXY".into() };
        Proxies { http: None, https: Some(proxy), except: ".inner.org,10.0.0.0/8".into() }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for address in
            ["socks5://u:pw@h:1080", "socks5h://h", "http://", "http://u:pw@ho st:1", "ftp://h", "u:pw@h:x"]
        {
            let error = Checked::new(&proxies(address)).unwrap_err();
            assert_eq!(error.kind(), Kind::Config, "{address}");
            assert!(
                error.advice().contains("HTTPS_PROXY") && !format!("{error:?}").contains("pw"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_proxy_stands_before_what_is_not_excepted() {
        let checked = Checked::new(&proxies("u:pw@proxy.corp:3128")).unwrap();
        let before = |url: &str| checked.before(&Url::parse(url).unwrap());
        assert_eq!(before("https://example.org/"), Some(("http://proxy.corp:3128/".into(), "HTTPS_PROXY")));
        for url in ["http://example.org/", "https://a.inner.org/", "https://10.1.2.3/"] {
            assert_eq!(before(url), None, "{url}");
        }
        let way = proxies("u:pw@proxy.corp:3128").before(&Url::parse("https://example.org/").unwrap());
        let way = way.unwrap().unwrap();
        assert_eq!(way.address.expose(), "http://u:pw@proxy.corp:3128/");
        assert!(!format!("{way:?}").contains("pw"), "{way:?}");
    }
}
