//! A request, whatever its dialect: which method, and its arguments under one spelling.

use std::collections::BTreeMap;

use serde_json::Value;

use super::routes;
use crate::http::request::Request;

/// Which form the caller speaks; answers take the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `POST /v1/...` as on api.kaggle.com, behind a gateway.
    Gateway,
    /// `POST /api/v1/...` as on www.kaggle.com.
    Rpc,
    /// `GET /api/v1/...`, the old form.
    Rest,
}

/// A call of a method.
pub(super) struct Call {
    pub(super) dialect: Dialect,
    /// Without the service: method names are unique among those that the double knows.
    pub(super) method: String,
    /// Names in lower case without `_`; empty texts, nulls and the word `None` are left out.
    arguments: BTreeMap<String, Value>,
}

impl Call {
    /// `None` for what is no method of the API.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let path = request.path();
        let rpc = path.strip_prefix("/api/v1/").map(|rest| (Dialect::Rpc, rest));
        let rpc = rpc.or_else(|| path.strip_prefix("/v1/").map(|rest| (Dialect::Gateway, rest)));
        let (dialect, rest) = rpc?;
        if let Some((service, method)) = rest.split_once('/')
            && service.contains('.')
            && request.method == "POST"
        {
            let body = if request.body.is_empty() { b"{}" } else { request.body.as_slice() };
            let body: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
            let mut call =
                Self { dialect, method: routes::rpc(service, method)?.into(), arguments: BTreeMap::new() };
            body.into_iter().for_each(|(name, value)| call.put(&name, value));
            return Some(call);
        }
        if dialect == Dialect::Gateway || !matches!(request.method.as_str(), "GET" | "HEAD") {
            return None;
        }
        let (method, parameters) = routes::rest(rest)?;
        let mut call = Self { dialect: Dialect::Rest, method: method.into(), arguments: BTreeMap::new() };
        request.pairs().into_iter().for_each(|(name, value)| call.put(&name, Value::String(value)));
        parameters.into_iter().for_each(|(name, value)| call.put(name, Value::String(value)));
        Some(call)
    }

    fn put(&mut self, name: &str, value: Value) {
        let absent = value.is_null() || value.as_str().is_some_and(|text| text.is_empty() || text == "None");
        if !absent {
            self.arguments.insert(name.replace('_', "").to_ascii_lowercase(), value);
        }
    }

    /// Texts and numbers alike.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.arguments.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.arguments.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.arguments.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// An enumerated value as one word in lower case: `LIST_MODELS_ORDER_BY_VOTE_COUNT`, `vote_count` and `voteCount`
    /// all are `votecount`.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        const PREFIXES: [&str; 16] = [
            "listmodelsorderby",
            "datasetselectiongroup",
            "datasetsortby",
            "datasetsizegroup",
            "datasetfiletypegroup",
            "datasetlicensegroup",
            "datasetviewedgroup",
            "competitionlisttab",
            "competitionsortby",
            "hostsegment",
            "topiclistsortby",
            "topiclistcategory",
            "topiclistgroup",
            "commentlistsortby",
            "modelframework",
            "kernelslistsorttype",
        ];
        let text = squeeze(&self.text(name)?);
        let bare = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
        Some(bare.to_owned()).filter(|word| word != "unspecified")
    }
}

/// Lower case, letters and digits only.
pub(super) fn squeeze(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
