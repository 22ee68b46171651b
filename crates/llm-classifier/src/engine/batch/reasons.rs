//! Reasons: why requests of a batch failed, the same ones together.

use serde_json::Value;

use super::Reason;

/// So many different reasons are told; the others count as one.
const MOST: usize = 20;
/// So much of what is said of one.
const SAID: usize = 300;

/// The reasons of a batch.
#[derive(Default)]
pub(super) struct Reasons(Vec<Reason>);

impl Reasons {
    /// One more request failed. `line` is what stands in the file for it.
    pub(super) fn add(&mut self, line: &Value) {
        let (mut name, said) = (name_of(line), said_of(line));
        if self.0.len() >= MOST && !self.0.iter().any(|reason| reason.name == name) {
            name = "others".into();
        }
        match self.0.iter_mut().find(|reason| reason.name == name) {
            Some(reason) => reason.requests += 1,
            None => self.0.push(Reason { name, requests: 1, said }),
        }
    }

    /// The most frequent ones first.
    pub(super) fn sorted(mut self) -> Vec<Reason> {
        self.0
            .sort_by(|one, other| other.requests.cmp(&one.requests).then_with(|| one.name.cmp(&other.name)));
        self.0
    }
}

/// The error of a line: of its answer, or of the request itself.
fn error_of(line: &Value) -> Option<&Value> {
    let places = ["/response/body/error", "/error"];
    places.iter().find_map(|place| line.pointer(place).filter(|found| !found.is_null()))
}

fn name_of(line: &Value) -> String {
    let error = error_of(line);
    let named = |name: &str| error?.get(name)?.as_str().filter(|word| !word.is_empty()).map(str::to_owned);
    let status = || line.pointer("/response/status_code").map(|status| format!("status {status}"));
    let name = named("code").or_else(|| named("type")).or_else(status);
    name.map_or("no answer".into(), |name| visible(&name, 60))
}

fn said_of(line: &Value) -> String {
    let Some(error) = error_of(line) else { return String::new() };
    let said = error.get("message").and_then(Value::as_str).or(error.as_str());
    visible(&said.map_or_else(|| error.to_string(), str::to_owned), SAID)
}

fn visible(text: &str, most: usize) -> String {
    crawl_core::visible(&text.chars().take(most).collect::<String>()).into_owned()
}
