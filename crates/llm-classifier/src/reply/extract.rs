//! The one JSON object in a text that may have prose or a code fence around it.

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Finds the JSON object in a text.
///
/// # Errors
/// Says in words for the model what is wrong: no object, several, or one with the same member twice.
pub(crate) fn object(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let read = trimmed.starts_with('{').then(|| strict(trimmed));
    if let Some(Ok(answer)) = read {
        return Ok(answer);
    }
    let whole = serde_json::from_str::<IgnoredAny>(trimmed);
    if let (Some(wrong), Ok(_)) = (read, &whole) {
        return wrong;
    }
    let mut found = objects(text);
    match (found.next(), found.next(), whole) {
        (Some(only), None, _) => strict(only),
        // Which of them is the answer and which is quoted from the record cannot be known.
        (Some(_), Some(_), _) => Err("the answer holds more than one JSON object".into()),
        (None, _, Err(cause)) => Err(format!("the answer is not a JSON object ({cause})")),
        (None, _, Ok(_)) => Err("the answer is JSON, but not an object".into()),
    }
}

/// The text of the one JSON object in a text.
pub(crate) fn only(text: &str) -> Option<&str> {
    let mut found = objects(text);
    found.next().filter(|_| found.next().is_none())
}

/// Whether the byte at `at` stands inside a JSON object of the text.
pub(crate) fn is_inside(text: &str, at: usize) -> bool {
    objects(text).any(|object| {
        let begins = object.as_ptr() as usize - text.as_ptr() as usize;
        (begins..begins + object.len()).contains(&at)
    })
}

/// The value of a text. The same member twice is an error: readers would not agree which one counts.
fn strict(text: &str) -> Result<Value, String> {
    serde_json::from_str::<Once>(text)
        .map(|once| once.0)
        .map_err(|cause| format!("the answer is wrong: {cause}"))
}

/// A value whose objects have each member once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = access.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = serde_json::Map::new();
        while let Some((name, Once(value))) = access.next_entry::<String, Once>()? {
            if members.contains_key(&name) {
                let which = if is_short(&name) { format!("the member `{name}`") } else { "a member".into() };
                return Err(A::Error::custom(format!("it has {which} more than once")));
            }
            members.insert(name, value);
        }
        Ok(members.into())
    }
}

/// Whether a name is too short to say something: the model is told it, and others may have chosen it.
fn is_short(name: &str) -> bool {
    name.len() <= 24 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The JSON objects of a text that lie in no other, in order. Nothing is mended: what does not parse is passed over.
fn objects(text: &str) -> impl Iterator<Item = &str> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let open = rest.find('{')?;
            let candidate = &rest[open..];
            let mut parser = serde_json::Deserializer::from_str(candidate).into_iter::<IgnoredAny>();
            if let Some(Ok(_)) = parser.next() {
                let end = parser.byte_offset();
                rest = &candidate[end..];
                return Some(&candidate[..end]);
            }
            // Not JSON: skip the whole bracketed part if it is one, so that its inside is not taken for an answer
            // and a text of many open brackets is read once.
            rest = &candidate[balanced_end(candidate)..];
        }
    })
}

/// Where the brackets that open at 0 are closed again, strings passed over; the end of the text if never.
fn balanced_end(text: &str) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<i64, String> {
        object(text).map(|value| value["id"].as_i64().unwrap_or(-1))
    }

    #[test]
    fn an_object_is_found_in_fences_and_prose() {
        assert_eq!(id(r#"{"id":1}"#), Ok(1));
        assert_eq!(id("```json\n{\"id\":2}\n```"), Ok(2));
        assert_eq!(id("Sure! Here it is: {\"id\":3, \"s\":\"it's } {\"} Hope {that} helps"), Ok(3));
        assert_eq!(id("[{\"id\":4}]"), Ok(4));
        assert_eq!(id("{curly {words}} {\"id\":5}"), Ok(5));
    }

    #[test]
    fn a_member_that_stands_there_twice_is_an_error_however_deep() {
        for text in [
            r#"{"id":1,"id":2}"#,
            r#"{"id":1,"a":[{"b":{"c":1,"c":1}}]}"#,
            "```json\n{\"id\":1,\"\\u0069d\":1}\n```",
            r#"so: {"id":1,"id":1} done"#,
        ] {
            assert!(id(text).unwrap_err().contains("more than once"), "{text}");
        }
        assert!(id(r#"{"id":1,"id":2} {"id":3}"#).is_err());
    }

    #[test]
    fn several_or_none_are_errors_and_nothing_is_mended() {
        assert!(id(r#"{"id":1} {"id":2}"#).unwrap_err().contains("more than one"));
        assert!(id("{'id': 1}").unwrap_err().contains("not a JSON object"));
        assert!(id("{\"id\": 1").unwrap_err().contains("not a JSON object"));
        assert!(id("17").unwrap_err().contains("not an object"));
        assert!(id("").is_err());
        assert!(id(&"{".repeat(200_000)).is_err());
        assert!(id(&"{\"a\":".repeat(100_000)).is_err());
    }
}
