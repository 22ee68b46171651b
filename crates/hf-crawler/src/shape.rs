//! How the values of a filter file are written, in words for somebody who wrote them otherwise.
//!
//! Serde alone takes a list for a table, by position, and tells of "maps" and "sequences".

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use toml::Value;

use crate::filter::{Days, Rule};

type Read<T, E> = std::result::Result<T, E>;

pub(crate) fn rule<'de, D: Deserializer<'de>>(input: D) -> Read<Option<Rule>, D::Error> {
    let value = Value::deserialize(input)?;
    let example = match &value {
        Value::String(text) => format!("{{ any = [{text:?}] }}"),
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_str) => {
            format!("{{ any = {value} }}")
        }
        _ => "{ any = [\"en\"] }".to_owned(),
    };
    table(value, "a rule", &example)
}

pub(crate) fn days<'de, D: Deserializer<'de>>(input: D) -> Read<Option<Days>, D::Error> {
    let value = Value::deserialize(input)?;
    let example = match &value {
        Value::String(text) => format!("{{ from = {text:?} }}"),
        Value::Datetime(day) => format!("{{ from = \"{day}\" }}"),
        _ => "{ from = \"2026-11-13\", to = \"2026-11-20\" }".to_owned(),
    };
    // Behind this door a date without quotes cannot be told from a text.
    let dates = value.as_table().into_iter().flatten().find_map(|(_, day)| day.as_datetime());
    match dates {
        Some(day) => Err(D::Error::custom(format!("a day is written in quotes: \"{day}\""))),
        None => table(value, "a span of days", &example),
    }
}

fn table<T: DeserializeOwned, E: Error>(value: Value, what: &str, example: &str) -> Read<Option<T>, E> {
    if !value.is_table() {
        return Err(E::custom(format!("{what} is written in braces, with names in it: {example}")));
    }
    T::deserialize(value).map(Some).map_err(|cause| E::custom(cause.message()))
}

pub(crate) fn day<'de, D: Deserializer<'de>>(input: D) -> Read<Option<String>, D::Error> {
    match Value::deserialize(input)? {
        Value::String(text) => Ok(Some(text)),
        other => Err(D::Error::custom(format!("{other} is no day; one is written as \"2026-11-13\""))),
    }
}

pub(crate) fn list<'de, D: Deserializer<'de>>(input: D) -> Read<Vec<String>, D::Error> {
    let value = Value::deserialize(input)?;
    let texts = match value {
        Value::Array(texts) => texts,
        other if other.is_str() || other.is_bool() => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            return Err(D::Error::custom(format!("a list is written in brackets: [{text:?}]")));
        }
        other => return Err(D::Error::custom(format!("{other} is no list; one is written as [\"en\"]"))),
    };
    if texts.is_empty() {
        let what = "an empty list says nothing: leave the setting out to keep everything";
        return Err(D::Error::custom(what));
    }
    let text = |value: &Value| {
        let odd =
            || D::Error::custom(format!("{value} stands in a list of texts, which are in quotes: [\"en\"]"));
        value.as_str().map(str::to_owned).ok_or_else(odd)
    };
    texts.iter().map(text).collect()
}

pub(crate) fn some_list<'de, D: Deserializer<'de>>(input: D) -> Read<Option<Vec<String>>, D::Error> {
    list(input).map(Some)
}

pub(crate) fn count<'de, D: Deserializer<'de>>(input: D) -> Read<Option<u64>, D::Error> {
    let value = Value::deserialize(input)?;
    let count = value.as_integer().and_then(|count| u64::try_from(count).ok());
    count.map(Some).ok_or_else(|| D::Error::custom(format!("{value} is no whole number, such as 11")))
}

pub(crate) fn flag<'de, D: Deserializer<'de>>(input: D) -> Read<bool, D::Error> {
    let value = Value::deserialize(input)?;
    value.as_bool().ok_or_else(|| D::Error::custom(format!("{value} is neither true nor false")))
}
