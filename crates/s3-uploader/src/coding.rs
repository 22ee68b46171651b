//! How keys and tags are spelled in addresses and headers.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a key that is percent-encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encoded, but for `/`.
pub(crate) fn coded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Percent-encoding undone, with `+` for a space, as S3 writes keys when asked to.
pub(crate) fn decoded(text: &str, coded: bool) -> String {
    if !coded {
        return text.to_owned();
    }
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_keys_are_read_as_they_were() {
        assert_eq!(decoded("a+b%0Ac%2Bd%C3%A9%", true), "a b\nc+dé%");
        assert_eq!(decoded("a+b%0A", false), "a+b%0A");
        let odd = "a b\n/c+dé%~";
        assert_eq!(decoded(&coded(odd), true), odd);
    }
}
