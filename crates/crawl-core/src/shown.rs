//! How addresses, and texts that came from outside, may be shown.

use std::borrow::Cow;
use std::fmt::Write;

use url::Url;

/// A URL as it may be shown and stored: without user, password and secret query values.
pub fn shown(url: &Url) -> String {
    const SECRETS: [&str; 10] =
        ["token", "key", "apikey", "signature", "sig", "secret", "password", "credential", "auth", "policy"];
    let secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRETS.iter().any(|word| {
            name == *word || name.ends_with(&format!("-{word}")) || name.ends_with(&format!("_{word}"))
        }) || name.starts_with("x-amz-")
    };
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if url.query_pairs().any(|(name, _)| secret(&name)) {
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.query_pairs_mut().clear().extend_pairs(
            pairs.iter().map(|(name, value)| (name, if secret(name) { "[secret]" } else { value })),
        );
    }
    url.into()
}

/// A text from outside as one line that may be shown on a terminal: characters that steer a terminal, change the
/// direction of writing or end a line are spelled out as JSON spells them (`\u001b`, `\n`). Tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            char if steers(char) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// Whether a character does something to a terminal or a line instead of standing in it.
fn steers(char: char) -> bool {
    (char.is_control() && char != '\t')
        || matches!(char, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first `most` characters; says with `…` that there were more.
#[cfg(feature = "http")]
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_addresses_are_not_shown() {
        let url = "https://user:pass@h.org/p?a=1&X-Goog-Signature=abc&token=t&access_token=u&apikey=v";
        let shown = shown(&Url::parse(url).unwrap());
        for secret in ["user", "pass", "abc", "=t", "=u"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        assert!(matches!(visible("plain\té 日本"), Cow::Borrowed(_)));
        assert_eq!(visible("a\u{1b}[31mb\r\nc"), "a\\u001b[31mb\\r\\nc");
        assert_eq!(visible("\u{9b}2J\u{202e}gpj.exe\u{2066}"), "\\u009b2J\\u202egpj.exe\\u2066");
        assert_eq!(visible("\u{7f}\u{2028}"), "\\u007f\\u2028");
    }
}
