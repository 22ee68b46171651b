//! Where text would be taken for markup.

/// Where a backslash must go so that this text, at the beginning of a line, is not taken for a block.
pub(crate) fn at_line_start(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let blank = |at: usize| bytes.get(at).is_none_or(|byte| *byte == b' ');
    let run = |byte: u8| bytes.iter().take_while(|other| **other == byte).count();
    match bytes.first()? {
        b'#' => ((1..=6).contains(&run(b'#')) && blank(run(b'#'))).then_some(0),
        b'>' => Some(0),
        b'+' => blank(1).then_some(0),
        mark @ (b'-' | b'*' | b'_' | b'=') => {
            let rule = bytes.iter().all(|byte| byte == mark || *byte == b' ');
            let list = blank(1) && matches!(mark, b'-' | b'*');
            (list || rule && (run(*mark) > 2 || matches!(mark, b'=' | b'-'))).then_some(0)
        }
        mark @ (b'`' | b'~') => (run(*mark) >= 3 && !text[run(*mark)..].contains('`')).then_some(0),
        b'0'..=b'9' => {
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits <= 9 && matches!(bytes.get(digits), Some(b'.' | b')')) && blank(digits + 1))
                .then_some(digits)
        }
        _ => None,
    }
}

/// Appends text with every character escaped that CommonMark would read as markup.
pub(crate) fn faithful(into: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let before = into.chars().next_back();
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let escape = match c {
            '\\' => next.is_none_or(|next| next.is_ascii_punctuation()),
            '`' | '*' | '[' | ']' => true,
            '_' => {
                let prev = text[..at].chars().next_back().or(before);
                !(prev.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric))
            }
            '<' => next.is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '~' => next == Some('~') || at > 0 && bytes[at - 1] == b'~',
            '&' => {
                let name = &text[at + 1..];
                let end =
                    name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
                end > 0 && name.as_bytes().get(end) == Some(&b';')
            }
            _ => false,
        };
        if escape {
            into.push('\\');
        }
        into.push(c);
    }
}

/// A URL as the destination of a link: no white space, parentheses in pairs.
pub(crate) fn destination(url: &str) -> std::borrow::Cow<'_, str> {
    let mut open = 0_i64;
    let mut even = true;
    for byte in url.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        even &= open >= 0;
    }
    let even = even && open == 0;
    let bad = |c: char| {
        c.is_ascii_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '\\')
            || !even && matches!(c, '(' | ')')
    };
    if !url.contains(bad) {
        return url.into();
    }
    let mut safe = String::with_capacity(url.len() + 8);
    for c in url.chars() {
        match c {
            '\n' | '\r' | '\t' => {}
            c if bad(c) && c.is_ascii() => safe.push_str(&format!("%{:02X}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe.into()
}

/// A URL as the destination of a link in angle brackets.
pub(crate) fn within_angles(url: &str) -> String {
    url.replace(['\n', '\r'], "").replace('\\', "\\\\").replace('<', "\\<").replace('>', "\\>")
}

/// The longest run of backticks.
pub(crate) fn backticks(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
