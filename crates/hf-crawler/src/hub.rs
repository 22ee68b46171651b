//! The Hub as an address with a credential.

use crawl_core::http::{
    Answered, Credential, HeaderMap, Http, Opened, Request, Response, Secret, Service, Url, Verdict, Waiting,
    shown,
};
use crawl_core::{Error, Kind, Result, Scope};

/// What is special to the Hub.
pub(crate) static SERVICE: Service = Service {
    name: "the Hub",
    read,
    bucket,
    offline_advice: "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to go online",
    ..Service::PLAIN
};

/// The Hub says what is wrong in a header; its bodies are pages for people. Of what is private and of what is not there
/// it says 401 to whoever has no token: that concerns one repository.
fn read(answered: &Answered<'_>) -> Option<Verdict> {
    let code = answered.header("x-error-code").unwrap_or_default();
    let said = answered.header("x-error-message").filter(|_| answered.status >= 400)?.to_owned();
    let usual = answered.usual();
    let of_one = matches!(code, "RepoNotFound" | "GatedRepo" | "RevisionNotFound" | "EntryNotFound");
    let scope = if of_one { Scope::Record } else { usual.scope };
    let (what, advice) = match code {
        "EntryNotFound" => (NO_FILE.into(), None),
        "GatedRepo" => {
            let advice = "ask for access on its page at the Hub, and give a token of that account";
            ("its files are given only to whom its owner lets in".into(), Some(advice.into()))
        }
        _ => (usual.what, usual.advice),
    };
    Some(Verdict { said, scope, what, advice, ..usual })
}

/// What the error of a file tells that a repository does not have.
const NO_FILE: &str = "the repository has no such file";

/// Whether an error tells that the repository is there and has no such file.
pub(crate) fn is_no_file(error: &Error) -> bool {
    error.status() == Some(404) && error.to_string().starts_with(NO_FILE)
}

/// The limit of files.
const RESOLVERS: &str = "resolvers";

/// The three limits of the Hub's documentation.
fn bucket(url: &Url) -> &'static str {
    match url.path() {
        path if path.contains("/resolve/") => RESOLVERS,
        path if path.contains("/api/") => "api",
        _ => "pages",
    }
}

/// Where the Hub is, who asks, and through which door.
#[derive(Clone, Debug)]
pub struct Hub {
    http: Http,
    endpoint: Url,
    credential: Option<Credential>,
    token_from: String,
}

impl Hub {
    /// The Hub's own address.
    pub const ENDPOINT: &'static str = "https://huggingface.co";

    /// A Hub at `endpoint`; slashes at its end do not matter.
    ///
    /// # Errors
    /// [`Kind::Config`] if that is not an http or https URL.
    pub fn new(http: Http, endpoint: &str) -> Result<Self> {
        let text = endpoint.trim_end_matches('/');
        let bad = || {
            Error::new(Kind::Config, "the Hub's address is not an http or https address")
                .advise("give --endpoint, or HF_ENDPOINT, an address such as https://huggingface.co")
        };
        let endpoint = Url::parse(&format!("{text}/")).map_err(|cause| bad().because(cause))?;
        if !matches!(endpoint.scheme(), "http" | "https") {
            return Err(bad());
        }
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            let what = "the Hub's address holds a user or a password";
            return Err(Error::new(Kind::Config, what)
                .advise("take it out of HF_ENDPOINT; a token goes into HF_TOKEN"));
        }
        Ok(Hub { http, endpoint, credential: None, token_from: String::new() })
    }

    /// Asks with this token, which is sent to the endpoint and nowhere else. `from` says where the token was
    /// found, for the message when the Hub does not accept it.
    pub fn with_token(mut self, token: &Secret, from: impl Into<String>) -> Self {
        self.credential = Some(Credential::bearer(&self.endpoint, token));
        self.token_from = from.into();
        self
    }

    /// The address of `path` under the endpoint.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.endpoint.join(path).expect("a plain path can be joined")
    }

    /// An address that the service named, as one of the endpoint: behind a mirror it names the Hub itself, or lacks
    /// the path under which the mirror lies. `path` is the API path that it must lead to. So no request, and no
    /// token, follows a link to anywhere but the endpoint. `None` if it leads to something else.
    pub(crate) fn at_home(&self, link: &Url, path: &str) -> Option<Url> {
        if !link.path().ends_with(&format!("/{path}")) {
            return None;
        }
        let mut url = self.url(path);
        url.set_query(link.query());
        Some(url)
    }

    /// The request for an API address.
    pub(crate) fn request(&self, url: Url) -> Request {
        Request { service: &SERVICE, credential: self.credential.clone(), ..Request::get(url) }
    }

    /// How long nobody may ask the API, from now, and why.
    pub fn waiting(&self) -> Option<Waiting> {
        self.http.waiting(&self.request(self.url("api/")))
    }

    /// How long nobody may ask for the API or for files, from now, and why: the longer of the two.
    pub fn waiting_anywhere(&self) -> Option<Waiting> {
        let files = Request { bucket: RESOLVERS, ..self.request(self.url("")) };
        [self.waiting(), self.http.waiting(&files)].into_iter().flatten().max_by_key(|waiting| waiting.left)
    }

    /// Sends a request and reads the answer; says which token was refused, if one was.
    pub(crate) async fn ask<T>(&self, url: Url, read: impl Fn(Response) -> Result<T>) -> Result<T> {
        let read = |answer: Response| refuse_web_page(&answer).and_then(|()| read(answer));
        let result = self.http.send_and(&self.request(url), read).await;
        result.map_err(|error| self.advised(error))
    }

    /// Says which token was refused, if one was.
    fn advised(&self, error: Error) -> Error {
        match (error.status(), &self.credential) {
            (Some(401), Some(_)) => {
                let advice = format!(
                    "the token from {} is not valid, and the Hub refuses even public listings with it: \
                     make a new one (https://huggingface.co/settings/tokens) or remove it to go on without",
                    self.token_from
                );
                error.advise(advice)
            }
            (Some(401), None) => error.advise("set HF_TOKEN to a token that may read this"),
            _ => error,
        }
    }

    /// The address of these parts under the endpoint; what came from outside stays one part.
    pub(crate) fn address<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// Opens a file, with these headers: the Hub leads on to where it lies, without the token.
    pub(crate) async fn open(&self, url: Url, headers: HeaderMap) -> Result<Opened> {
        let request = Request { bucket: RESOLVERS, headers, ..self.request(url) };
        self.http.open(&request).await.map_err(|error| self.advised(error))
    }
}

/// A portal or a proxy answers with a page of its own and status 200. Nothing of it is a record.
fn refuse_web_page(answer: &Response) -> Result<()> {
    let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.contains("html") && answer.body.trim_ascii_start().first() != Some(&b'<') {
        return Ok(());
    }
    let head = String::from_utf8_lossy(&answer.body[..answer.body.len().min(2048)]).into_owned();
    Err(Error::new(Kind::Shape, "a web page came instead of the Hub's answer")
        .at(shown(&answer.url))
        .because(format!("the answer begins: {head}"))
        .advise(
            "a portal, a proxy or a mirror stands between: open the address in a browser, log in there or correct \
             HF_ENDPOINT and HTTPS_PROXY, then run the same command again",
        ))
}

#[cfg(test)]
mod tests {
    use crawl_core::http::HttpConfig;
    use crawl_sim::{Hub as Double, HubConfig};

    use super::*;

    #[test]
    fn an_address_counts_against_the_limit_of_the_documentation() {
        let of = |path: &str| bucket(&Url::parse(&format!("https://huggingface.co{path}")).unwrap());
        assert_eq!(of("/api/datasets?limit=1"), "api");
        assert_eq!(of("/datasets/a/b/resolve/main/x.csv"), "resolvers");
        assert_eq!(of("/datasets/a/b"), "pages");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_hubs_own_words_are_told_and_a_repository_that_is_not_there_concerns_itself_alone() {
        let double =
            Double::start(HubConfig { datasets: 3, models: 0, ..HubConfig::default() }).await.unwrap();
        let hub = Hub::new(Http::new(HttpConfig::default()).unwrap(), &double.url()).unwrap();
        let error = hub.ask(hub.url("api/datasets/nobody/nothing"), Ok).await.unwrap_err();
        assert!(!error.concerns_all(), "{error:?}");
        assert!(format!("{error:?}").contains("the service says: Repository not found"), "{error:?}");
        let error = hub.ask(hub.url("api/datasets?limit=1&sort=nonsense"), Ok).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{error:?}");
    }
}
