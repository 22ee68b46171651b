//! Refusals, in the words and shapes of the service.

use serde_json::json;

use super::config::TooMany;
use super::site_json::page;
use crate::http::answer::Answer;

const HTML: &str = "text/html; charset=utf-8";

pub(super) fn errors(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json_status(status, json!({"errors": [message], "error_type": kind}).to_string())
}

/// Private, deleted or never there: the service does not say which.
pub(super) fn not_found(json: bool) -> Answer {
    if !json {
        let body =
            page("", "/404", "Page not found", "<h1>Oops! That page doesn’t exist or is private.</h1>");
        return Answer::new(404, HTML, body);
    }
    errors(404, "not_found", "The requested URL or resource could not be found.")
}

pub(super) fn not_logged_in(json: bool, base: &str) -> Answer {
    if json {
        return errors(403, "not_logged_in", "You need to be logged in to do that.");
    }
    Answer::text(302, "").with("Location", format!("{base}/login"))
}

pub(super) fn wrong_key() -> Answer {
    errors(
        403,
        "invalid_access",
        "You are not permitted to view the requested resource. The API username or key is invalid.",
    )
}

pub(super) fn invalid(message: &str) -> Answer {
    errors(400, "invalid_parameters", message)
}

/// The page of a shield that wants a browser with scripts.
pub(super) fn challenge() -> Answer {
    let body = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>\
        <meta name=\"robots\" content=\"noindex,nofollow\"></head><body><noscript>Enable JavaScript and cookies to continue\
        </noscript><script src=\"/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1\"></script></body></html>\n";
    Answer::new(403, HTML, body).with("cf-mitigated", "challenge").with("Server", "cloudflare")
}

/// `wait` is in seconds; without it nothing says how long.
pub(super) fn too_many(form: TooMany, wait: Option<u64>, code: &str) -> Answer {
    let answer = match form {
        TooMany::Text => {
            let again =
                wait.map(|wait| format!(" Please retry again in {wait} seconds. Error code: {code}."));
            let again = again.unwrap_or_default();
            Answer::text(429, format!("Slow down, too many requests from this IP address.{again}\n"))
        }
        TooMany::Json => Answer::json_status(429, rate_limit(wait).to_string()),
        TooMany::Html => {
            let body = "<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n\
                <center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
            Answer::new(429, "text/html", body)
        }
    };
    match wait {
        Some(wait) if form == TooMany::Html => answer.with("Retry-After", wait.to_string()),
        Some(wait) => {
            answer.with("Retry-After", wait.to_string()).with("Discourse-Rate-Limit-Error-Code", code)
        }
        None => answer,
    }
}

fn rate_limit(wait: Option<u64>) -> serde_json::Value {
    let Some(wait) = wait else {
        let sorry = "You’ve performed this action too many times. Please try again later.";
        return json!({"errors": [sorry], "error_type": "rate_limit"});
    };
    let sorry = format!(
        "You’ve performed this action too many times. Please wait {wait} seconds before trying again."
    );
    json!({"errors": [sorry], "error_type": "rate_limit",
        "extras": {"wait_seconds": wait, "time_left": format!("{wait} seconds")}})
}
