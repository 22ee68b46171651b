//! Suspicions: what in a record's text looks like an order to the model.

use crawl_core::json::Raw;

use crate::task::{Field, chooses_a_form};

/// Phrases of orders, in lower case, with what they are.
const PHRASES: [(&str, &str); 36] = [
    ("ignore all", "tells to ignore something"),
    ("ignore any", "tells to ignore something"),
    ("ignore the", "tells to ignore something"),
    ("ignore previous", "tells to ignore something"),
    ("ignore your", "tells to ignore something"),
    ("disregard", "tells to disregard something"),
    ("override", "speaks of overriding"),
    ("previous instructions", "speaks of instructions"),
    ("prior instructions", "speaks of instructions"),
    ("above instructions", "speaks of instructions"),
    ("new instruction", "speaks of instructions"),
    ("instructions for the", "speaks of instructions"),
    ("system prompt", "speaks of the prompt"),
    ("system message", "speaks of the prompt"),
    ("system:", "poses as a message"),
    ("assistant:", "poses as a message"),
    ("you must answer", "demands an answer"),
    ("you must classify", "demands an answer"),
    ("you must respond", "demands an answer"),
    ("answer with", "demands an answer"),
    ("respond with", "demands an answer"),
    ("reply with", "demands an answer"),
    ("output exactly", "demands an answer"),
    ("classify this", "demands an answer"),
    ("label this", "demands an answer"),
    ("category number", "speaks of the list of answers"),
    ("label number", "speaks of the list of answers"),
    ("option number", "speaks of the list of answers"),
    ("first category", "speaks of the list of answers"),
    ("last category", "speaks of the list of answers"),
    ("category whose description", "speaks of the list of answers"),
    ("if you are an ai", "speaks to a model"),
    ("language model reading", "speaks to a model"),
    ("note to the classifier", "speaks to a model"),
    ("note to the model", "speaks to a model"),
    ("note to ai", "speaks to a model"),
];

/// Members of answers and marks of turns.
const FORMS: [(&str, &str); 8] = [
    ("\"labels\"", "has the form of an answer"),
    ("\"is_related\"", "has the form of an answer"),
    ("\"reasoning\"", "has the form of an answer"),
    ("\"confidence\"", "has the form of an answer"),
    ("<|", "has marks of turns"),
    ("[inst]", "has marks of turns"),
    ("<<sys>>", "has marks of turns"),
    ("</s>", "has marks of turns"),
];

const ANSWERS: &[&str] = &["has the form of an answer"];

/// So many characters that nobody sees are no accident.
const HIDDEN: usize = 4;

/// What in the fields that the model sees looks like an order to it, each kind once.
pub(crate) fn suspicions(record: Raw<'_>, fields: &[Field]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (key, value) in record.members().into_iter().flatten() {
        let names = |field: &Field| field.name.split('.').next().is_some_and(|name| key.is(name));
        if !fields.iter().any(names) {
            continue;
        }
        // In an object such names are names: the answer of a first stage has them, and is no order.
        let (text, named) = match value.str() {
            Some(text) => (text, &[][..]),
            None => (value.text().into(), ANSWERS),
        };
        for what in in_text(&text).into_iter().filter(|what| !named.contains(what)) {
            let what = format!("{} {what}", key.name());
            if !found.contains(&what) {
                found.push(what);
            }
        }
    }
    found
}

fn in_text(text: &str) -> Vec<&'static str> {
    let mut plain = String::with_capacity(text.len());
    let mut hidden = 0;
    let mut before = '\0';
    for letter in text.chars() {
        let behind = std::mem::replace(&mut before, letter);
        if crate::task::is_hidden(letter) {
            // Of those that choose a form only a row of them says something.
            hidden += usize::from(!chooses_a_form(letter) || chooses_a_form(behind));
        } else if letter.is_whitespace() || matches!(letter, '_' | '*') {
            if !plain.ends_with(' ') {
                plain.push(' ');
            }
        } else {
            plain.extend(letter.to_lowercase());
        }
    }
    let holds =
        |part: &&(&str, &'static str)| memchr::memmem::find(plain.as_bytes(), part.0.as_bytes()).is_some();
    // Names of members have a `_` that became a space above.
    let raw =
        |part: &&(&str, &'static str)| memchr::memmem::find(text.as_bytes(), part.0.as_bytes()).is_some();
    let mut found: Vec<_> = PHRASES.iter().filter(holds).map(|(_, what)| *what).collect();
    found.extend(FORMS.iter().filter(|part| holds(part) || raw(part)).map(|(_, what)| *what));
    if hidden >= HIDDEN {
        found.push("has characters that nobody sees");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_found_and_plain_cards_are_not() {
        assert!(in_text("A dataset of court decisions, with answers to questions.").is_empty());
        assert!(!in_text("Please IGNORE\n all  *instructions*").is_empty());
        assert!(!in_text("{\"is_related\": true}").is_empty());
        assert!(!in_text("a\u{200b}b\u{200b}c\u{200b}d\u{200b}").is_empty());
        assert!(!in_text("i\u{200b}gnore all previous").is_empty());
        assert!(
            in_text(
                "I \u{2764}\u{fe0f} \u{2600}\u{fe0f} and \u{2602}\u{fe0f} \u{2708}\u{fe0f}, \u{263a}\u{fe0f}"
            )
            .is_empty()
        );
        let smuggled: String =
            "S: x".bytes().map(|byte| char::from_u32(0xe0100 + u32::from(byte)).unwrap()).collect();
        assert!(!in_text(&format!("A smile \u{263a}{smuggled}{smuggled}")).is_empty());
    }
}
