//! The one JSON object in a text that may have prose or a code fence around it.

/// Finds the JSON object in a text.
///
/// # Errors
/// Says in words for the model what is wrong: no object, or several.
pub(crate) fn object(text: &str) -> Result<serde_json::Value, String> {
    let whole = serde_json::from_str::<serde_json::Value>(text);
    if let Ok(value @ serde_json::Value::Object(_)) = whole {
        return Ok(value);
    }
    let mut found = objects(text);
    match (found.next(), found.next(), whole) {
        (Some(only), None, _) => Ok(only),
        // Which of them is the answer and which is quoted from the record cannot be known.
        (Some(_), Some(_), _) => Err("the answer holds more than one JSON object".into()),
        (None, _, Err(cause)) => Err(format!("the answer is not a JSON object ({cause})")),
        (None, _, Ok(_)) => Err("the answer is JSON, but not an object".into()),
    }
}

/// The JSON objects of a text that lie in no other, in order. Nothing is mended: what does not parse is passed over.
fn objects(text: &str) -> impl Iterator<Item = serde_json::Value> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let open = rest.find('{')?;
            let candidate = &rest[open..];
            let mut parser = serde_json::Deserializer::from_str(candidate).into_iter::<serde_json::Value>();
            if let Some(Ok(value)) = parser.next() {
                rest = &candidate[parser.byte_offset()..];
                return Some(value);
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
