//! From a request to an answer: which page it is, who may have it, and what every answer says to the browser.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use crawl_core::{Error, Kind, Result};
use maud::Markup;

use super::asked::Asked;
use super::shared::{Shared, told};
use super::{api, authors, catalogue, compare, datasets, feed, layout, model, results, state, why};
use crate::index::Index;
use crate::query::wrong;

/// The most bytes of an address.
pub(super) const MOST_URI: usize = 8 * 1024;
/// So long an answer may take,
const MOST_TIME: Duration = Duration::from_secs(30);
/// and so long a body to come: only a token is sent in one,
const MOST_BODY_TIME: Duration = Duration::from_secs(10);
/// in no more bytes than these.
const MOST_BODY: usize = 1024;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

/// A request that may be answered.
pub(super) struct Ask {
    pub(super) index: Arc<Index>,
    pub(super) asked: Asked,
    pub(super) shared: Arc<Shared>,
    /// The name by which we were called.
    pub(super) host: String,
}

/// What is answered.
pub(super) enum Answer {
    Page(Markup),
    Json(String),
    Feed(String),
}

type Page = fn(&Ask) -> Result<Answer>;

const PAGES: &[(&str, Page)] = &[
    ("/", results::page),
    ("/model", model::page),
    ("/why", why::page),
    ("/compare", compare::page),
    ("/catalogue", catalogue::page),
    ("/authors", authors::page),
    ("/datasets", datasets::page),
    ("/state", state::page),
    ("/feed", feed::feed),
    ("/api/search", api::search),
    ("/api/model", api::model),
    ("/api/compare", api::compare),
    ("/api/catalogue", api::catalogue),
    ("/api/authors", api::authors),
    ("/api/state", api::state),
];

pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for (path, page) in PAGES {
        let answer = move |State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap| {
            answer(shared, uri, headers, *page)
        };
        router = router.route(path, get(answer));
    }
    router
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/page.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/icon.svg", get(|| async { file("image/svg+xml", ICON) }))
        .route("/login", post(login))
        .fallback(|uri: Uri| async move {
            let gone = Error::new(Kind::Gone, "there is no such page").advise("go to the search");
            refused(&uri, &gone)
        })
        .method_not_allowed_fallback(|uri: Uri| async move {
            let mut answer = refused(&uri, &wrong("pages are only read".into(), "ask with GET"));
            *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            answer
        })
        .layer(middleware::from_fn_with_state(shared.clone(), guarded))
        .with_state(shared.clone())
}

async fn answer(shared: Arc<Shared>, uri: Uri, headers: HeaderMap, page: Page) -> Response {
    let work = async {
        let asked = Asked::read(uri.query().unwrap_or_default())?;
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("localhost").to_owned();
        let turn = shared.turn().await?;
        let work = move || {
            // Held until the work has ended, also where nobody waits for it any more.
            let _turn = turn;
            page(&Ask { index: shared.newest(), asked, shared, host })
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|cause| Error::new(Kind::Storage, "the answer could not be made").because(cause))?
    };
    let late = || Error::new(Kind::Transient, "the answer took too long").advise("ask for less");
    let made = tokio::time::timeout(MOST_TIME, work).await.unwrap_or_else(|_| Err(late()));
    match made {
        Ok(Answer::Page(page)) => html(StatusCode::OK, page),
        Ok(Answer::Json(json)) => body(StatusCode::OK, "application/json", json),
        Ok(Answer::Feed(feed)) => body(StatusCode::OK, "application/atom+xml; charset=utf-8", feed),
        Err(error) => refused(&uri, &for_others(error)),
    }
}

/// An error as those who ask are told it: of one that is not about their question not where it was. That, and who has to do
/// something, is for those who run the server.
fn for_others(error: Error) -> Error {
    let busy = matches!(error.kind(), Kind::Limited | Kind::Transient);
    if matches!(error.kind(), Kind::Config | Kind::Gone) || (busy && error.place().is_empty()) {
        return error;
    }
    tracing::error!(%error, advice = error.advice(), "a request could not be answered");
    let kind = if busy { error.kind() } else { Kind::Storage };
    Error::new(kind, told(&error)).advise("tell whoever runs this server: its log says where it was")
}

/// An error, as a page or as JSON.
fn refused(uri: &Uri, error: &Error) -> Response {
    let status = match error.kind() {
        Kind::Config => StatusCode::BAD_REQUEST,
        Kind::Gone => StatusCode::NOT_FOUND,
        Kind::Denied => StatusCode::UNAUTHORIZED,
        Kind::Limited | Kind::Transient => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut answer = if uri.path().starts_with("/api/") {
        let json = serde_json::json!({ "error": { "what": error.to_string(), "advice": error.advice() } });
        body(status, "application/json", json.to_string())
    } else {
        html(status, layout::refused(status, error, uri.query().unwrap_or_default()))
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// What holds for all requests, before and after.
async fn guarded(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (head, is_login) = (request.headers(), request.uri().path() == "/login");
    let long = request.uri().path_and_query().map_or(0, |address| address.as_str().len()) > MOST_URI;
    let open = is_login || matches!(request.uri().path(), "/style.css" | "/page.js" | "/icon.svg");
    let mut answer = if !shared.guard.knows_host(head, request.uri()) {
        let foreign = Error::new(Kind::Config, "this server is not called by that name")
            .advise("open it as http://127.0.0.1 or http://localhost, with its port");
        let mut answer = refused(request.uri(), &foreign);
        *answer.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        answer
    } else if long {
        let what = format!("the address is longer than {MOST_URI} bytes");
        let mut answer = refused(request.uri(), &wrong(what, "ask with fewer words and filters"));
        *answer.status_mut() = StatusCode::URI_TOO_LONG;
        answer
    } else if !open && !shared.guard.lets_in(head) {
        let denied = Error::new(Kind::Denied, "this server asks for a token")
            .advise("send it as `Authorization: Bearer TOKEN`, or type it in here");
        refused(request.uri(), &denied)
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) && !is_login {
        let mut answer = refused(request.uri(), &wrong("pages are only read".into(), "ask with GET"));
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        answer
    } else {
        next.run(request).await
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The body of a request. One that comes slowly, or never, holds its connection only for a while.
async fn sent(body: Body) -> std::result::Result<Bytes, StatusCode> {
    match tokio::time::timeout(MOST_BODY_TIME, axum::body::to_bytes(body, MOST_BODY)).await {
        Ok(sent) => sent.map_err(|_| StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn login(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let sent = match sent(request.into_body()).await {
        Ok(sent) => sent,
        Err(status) => {
            let unread =
                wrong("the token did not come".into(), "send `token=TOKEN`, and its length, at once");
            return html(status, layout::refused(status, &unread, ""));
        }
    };
    let token = url::form_urlencoded::parse(&sent).find(|(name, _)| name == "token");
    let cookie = token.and_then(|(_, token)| shared.guard.cookie_for(&token));
    match cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        Some(cookie) => {
            let mut answer = (StatusCode::SEE_OTHER, Body::empty()).into_response();
            answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
            answer.headers_mut().insert(header::SET_COOKIE, cookie);
            answer
        }
        None => {
            let denied = Error::new(Kind::Denied, "this is not the token")
                .advise("the one who started the server has it");
            html(StatusCode::UNAUTHORIZED, layout::refused(StatusCode::UNAUTHORIZED, &denied, ""))
        }
    }
}

fn html(status: StatusCode, page: Markup) -> Response {
    body(status, "text/html; charset=utf-8", page.into_string())
}

fn body(status: StatusCode, kind: &'static str, text: String) -> Response {
    // Results change with the index, and may be secret.
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, no-cache")], text)
        .into_response()
}

/// A file that stays as it is while the program runs; its address changes with the program.
fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")], text).into_response()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// What is never sent.
    struct Never;

    impl axum::body::HttpBody for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_not_waited_for_for_ever() {
        let waits = tokio::time::timeout(Duration::from_secs(60), sent(Body::new(Never))).await;
        assert_eq!(waits.expect("it gave up"), Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(sent(Body::from(vec![b'a'; MOST_BODY])).await.map(|sent| sent.len()), Ok(MOST_BODY));
        assert_eq!(sent(Body::from(vec![b'a'; MOST_BODY + 1])).await, Err(StatusCode::BAD_REQUEST));
    }
}
