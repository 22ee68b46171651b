//! Redirects: what the next address gets of a request, and what it does not.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION,
    CONTENT_TYPE, HeaderMap, HeaderName, IF_RANGE, LOCATION, RANGE,
};
use url::Url;

use super::{Hop, Request, place};
use crate::{Error, Kind, Result};

const MOST_REDIRECTS: usize = 10;
/// What another origin may see beside the user agent.
const ABROAD: [HeaderName; 4] = [ACCEPT, ACCEPT_ENCODING, RANGE, IF_RANGE];
/// What tells of a body.
const OF_A_BODY: [HeaderName; 5] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION];

/// A request on its way to one address.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// Whether it has not left its origin. Who has sent it elsewhere does not send it back with a credential.
    pub(super) home: bool,
    pub(super) hops: Vec<Hop>,
}

impl Leg {
    pub(super) fn first(request: &Request) -> Self {
        Leg {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            home: true,
            hops: Vec::new(),
        }
    }

    /// Whether this is the first address.
    pub(super) fn is_first(&self) -> bool {
        self.hops.is_empty()
    }

    /// The request for the address to which an answer with this status and these headers leads.
    pub(super) fn follow(mut self, status: u16, headers: HeaderMap) -> Result<Leg> {
        let error = |kind, what: &str| Error::new(kind, what).at(place(&self.url)).with_status(status);
        let target =
            headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let next = target.and_then(|target| self.url.join(&target).ok());
        let next = next.filter(|next| matches!(next.scheme(), "http" | "https") && next.has_host());
        let Some(mut next) = next else {
            return Err(error(Kind::Shape, "a redirect that leads nowhere"));
        };
        if self.hops.len() >= MOST_REDIRECTS {
            return Err(error(Kind::Shape, "too many redirects"));
        }
        if self.url.scheme() == "https" && next.scheme() == "http" {
            return Err(error(Kind::Denied, "a redirect from https to http is not followed")
                .because(format!("it leads to {}", place(&next)))
                .advise(
                    "what is sent without TLS can be read and changed on its way; ask the service for https",
                ));
        }
        // Names and passwords in an address would be sent on.
        let _ = (next.set_username(""), next.set_password(None));
        let abroad = next.origin() != self.url.origin();
        if matches!(status, 301..=303) {
            self.method = if self.method == Method::HEAD { Method::HEAD } else { Method::GET };
            self.body = None;
            OF_A_BODY.iter().for_each(|name| drop(self.headers.remove(name)));
        } else if abroad && self.body.is_some() {
            return Err(error(Kind::Denied, "the service wants what we send to be sent to another origin")
                .because(format!("it leads to {}", place(&next)))
                .advise("if you trust that address, name it instead of the first one"));
        }
        if abroad {
            self.home = false;
            let seen = std::mem::take(&mut self.headers);
            for name in ABROAD {
                seen.get_all(&name).iter().for_each(|value| {
                    self.headers.append(name.clone(), value.clone());
                });
            }
        }
        self.hops.push(Hop { url: std::mem::replace(&mut self.url, next), status, headers });
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderValue;

    fn to(location: &str) -> HeaderMap {
        HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap())])
    }

    fn post() -> Leg {
        let url = Url::parse("https://a.org/v1/x").unwrap();
        let mut request = Request::post_json(url, "{}".into(), true);
        for (name, value) in [("range", "bytes=5-"), ("if-range", "\"e\""), ("accept", "*/*"), ("x-own", "1")]
        {
            request.headers.insert(name, HeaderValue::from_static(value));
        }
        Leg::first(&request)
    }

    #[test]
    fn what_was_found_elsewhere_is_got_without_a_body() {
        for status in 301..=303 {
            let leg = post().follow(status, to("/y")).unwrap();
            assert_eq!((leg.method, leg.body, leg.home), (Method::GET, None, true));
            assert_eq!(leg.url.as_str(), "https://a.org/y");
            assert!(leg.headers.contains_key("x-own") && !leg.headers.contains_key(CONTENT_TYPE));
            let head = Leg { method: Method::HEAD, ..post() }.follow(status, to("/y")).unwrap();
            assert_eq!(head.method, Method::HEAD);
        }
    }

    #[test]
    fn a_body_is_repeated_at_its_own_origin_only() {
        for status in [307, 308] {
            let leg = post().follow(status, to("/y")).unwrap();
            assert_eq!((leg.method, leg.body.as_deref()), (Method::POST, Some(&b"{}"[..])));
            let error = post().follow(status, to("https://b.org/y")).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied);
            let other_port = post().follow(status, to("https://a.org:8443/y")).unwrap_err();
            assert_eq!(other_port.kind(), Kind::Denied);
        }
    }

    #[test]
    fn another_origin_sees_four_headers_and_nothing_comes_back_home() {
        let leg = post().follow(302, to("https://u:p@b.org/y")).unwrap();
        let mut names: Vec<_> = leg.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "if-range", "range"]);
        assert_eq!(leg.url.as_str(), "https://b.org/y");
        let back = leg.follow(302, to("https://a.org/z")).unwrap();
        assert!(!back.home);
        assert_eq!(back.hops.iter().map(|hop| hop.status).collect::<Vec<_>>(), [302, 302]);
    }

    #[test]
    fn nothing_leads_from_https_to_http_or_nowhere_or_round_and_round() {
        assert_eq!(post().follow(302, to("http://a.org/x")).unwrap_err().kind(), Kind::Denied);
        for location in ["ftp://b.org/", "https://", "file:///etc/passwd", "javascript:1"] {
            assert_eq!(post().follow(302, to(location)).unwrap_err().kind(), Kind::Shape, "{location}");
        }
        assert_eq!(post().follow(302, HeaderMap::new()).unwrap_err().kind(), Kind::Shape);
        let round = |leg: Leg| leg.follow(302, to("/x"));
        let eleven = (0..11).try_fold(post(), |leg, _| round(leg));
        assert!(eleven.unwrap_err().to_string().contains("too many redirects"));
    }

    #[test]
    fn a_location_in_utf_8_is_understood() {
        assert_eq!(post().follow(302, to("/é")).unwrap().url.path(), "/%C3%A9");
    }
}
