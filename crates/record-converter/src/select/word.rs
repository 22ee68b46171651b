//! The words of a selection, and where each begins.

use crawl_core::{Error, Kind, Result};

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A bare word: a name, or one of the words of the language.
    Bare(String),
    /// A name in backticks.
    Name(String),
    Text(String),
    Number(String),
    /// One of `( ) , . = != < <= > >=`.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 10] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "."];

/// The words of `text`, each with its place: characters from 1.
pub(super) fn words(text: &str) -> Result<Vec<(Word, usize)>> {
    let mut words = Vec::new();
    let mut left = text;
    loop {
        left = left.trim_start();
        let place = text[..text.len() - left.len()].chars().count() + 1;
        let Some(first) = left.chars().next() else {
            words.push((Word::End, place));
            return Ok(words);
        };
        let (word, length) = match first {
            '"' | '\'' | '`' => quoted(left, first, place)?,
            '-' | '0'..='9' => number(left, place)?,
            _ if first.is_alphabetic() || first == '_' => {
                let inside = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
                let length = left.find(|letter| !inside(letter)).unwrap_or(left.len());
                (Word::Bare(left[..length].to_owned()), length)
            }
            _ => match SIGNS.into_iter().find(|sign| left.starts_with(sign)) {
                Some(sign) => (Word::Sign(sign), sign.len()),
                None => return Err(wrong(place, &format!("`{}` is not known", first.escape_debug()))),
            },
        };
        words.push((word, place));
        left = &left[length..];
    }
}

/// What is wrong with a selection, and where.
pub(super) fn wrong(place: usize, what: &str) -> Error {
    Error::new(Kind::Config, format!("--where: {what}"))
        .at(format!("character {place}"))
        .advise("write it like: likes >= 10 and (language = \"en\" or tags contains \"x\")")
}

/// A quoted text; a backslash is as in JSON.
fn quoted(left: &str, quote: char, place: usize) -> Result<(Word, usize)> {
    let mut escaped = false;
    let end = left.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == quote && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    let Some((end, _)) = end else { return Err(wrong(place, "this quote is never closed")) };
    let inner = &left[1..end];
    let text = if inner.contains('\\') {
        let json = match quote {
            '"' => inner.to_owned(),
            _ => inner.replace('"', "\\\"").replace(&format!("\\{quote}"), &quote.to_string()),
        };
        serde_json::from_str(&format!("\"{json}\""))
            .map_err(|_| wrong(place, "a backslash here is not as in JSON: write \\\\ for one"))?
    } else {
        inner.to_owned()
    };
    Ok((if quote == '`' { Word::Name(text) } else { Word::Text(text) }, end + 1))
}

fn number(left: &str, place: usize) -> Result<(Word, usize)> {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '+' | '-');
    let length = left.find(|letter| !inside(letter)).unwrap_or(left.len());
    let text = &left[..length];
    if !crate::cell::is_json(text) {
        return Err(wrong(place, "this is no number as JSON spells it; a text stands in quotes"));
    }
    Ok((Word::Number(text.to_owned()), length))
}
