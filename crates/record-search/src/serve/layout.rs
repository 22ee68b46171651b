//! What all pages have: head, search box, links, foot.

use std::sync::OnceLock;

use axum::http::StatusCode;
use crawl_core::Error;
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

use super::answer::Ask;
use super::show;

const LINKS: &[(&str, &str)] = &[
    ("/", "Search"),
    ("/catalogue", "Catalogue"),
    ("/authors", "Authors"),
    ("/datasets", "Datasets"),
    ("/state", "State"),
];

/// A page under a title; `here` is the link that leads to it.
pub(super) fn page(ask: &Ask, title: &str, here: &str, content: &Markup) -> Markup {
    let foot = html! {
        (show::grouped(ask.index.documents())) " records in this index. "
        "What stands here was written by many people and was not checked; " em { "unknown" } " means that nothing tells it."
    };
    frame(title, here, ask.asked.one("q").unwrap_or_default(), content, &foot)
}

fn frame(title: &str, here: &str, query: &str, content: &Markup, foot: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href={ "/style.css?v=" (version()) };
                script type="module" src={ "/page.js?v=" (version()) } {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { "record-search" }
                    form #search role="search" action="/" method="get" {
                        label.hidden for="q" { "Search for" }
                        input #q type="search" name="q" value=(query) maxlength="4096" autocomplete="off"
                            placeholder="words, \"a phrase\", license:mit";
                        button type="submit" { "Search" }
                    }
                    nav aria-label="Pages" {
                        @for (path, name) in LINKS {
                            a href=(path) aria-current=[(*path == here).then_some("page")] { (name) }
                        }
                    }
                }
                (content)
                footer { p { (foot) } }
            }
        }
    }
}

/// What changes when the style or the script does.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let hash = Sha256::digest([include_str!("style.css"), include_str!("page.js")].concat());
        hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    })
}

/// The page of an error.
pub(super) fn refused(status: StatusCode, error: &Error, query: &str) -> Markup {
    // The search box keeps what was typed, so that it can be mended.
    let typed = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q");
    let typed = typed.map(|(_, text)| text.chars().take(4_096).collect::<String>()).unwrap_or_default();
    let content = html! {
        main #main.narrow {
            h1 { (title_of(status)) }
            p.error role="alert" { (show::beginning(&error.to_string(), 600)) }
            p { (show::beginning(error.advice(), 2_000)) }
            @if status == StatusCode::UNAUTHORIZED {
                form.login action="/login" method="post" {
                    label for="token" { "Token" }
                    input #token type="password" name="token" autocomplete="current-password" required;
                    button type="submit" { "Enter" }
                }
            } @else {
                p { a href="/" { "Back to the search" } }
            }
        }
    };
    frame(title_of(status), "", &typed, &content, &html! { "record-search" })
}

fn title_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "A token is needed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT => "This cannot be asked",
        _ => "Something went wrong",
    }
}
