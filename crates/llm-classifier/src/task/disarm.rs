//! Disarming: text of strangers, spelled so that no mark of a turn stands in it, and nothing that people do not see.

use std::borrow::Cow;

/// What some servers or models read as the end of our turn or the beginning of another, behind a `<` and perhaps a `/`.
const TAGS: [&str; 27] = [
    "s>",
    "<SYS>>",
    "start_of_turn>",
    "end_of_turn>",
    "bos>",
    "eos>",
    "pad>",
    "unk>",
    "sop>",
    "eop>",
    "think>",
    "thinking>",
    "seed:",
    "role>",
    "tool_call>",
    "tool_response>",
    "function_calls>",
    "extra_id_",
    "SPECIAL_",
    "reserved_",
    "unused",
    "BOS_TOKEN>",
    "EOS_TOKEN>",
    "end_of_utterance>",
    "start_of_image>",
    "observation>",
    "turn|>",
];
/// The same behind a `[` and perhaps a `/`.
const WORDS: [&str; 10] = [
    "INST]",
    "SYSTEM_PROMPT]",
    "AVAILABLE_TOOLS]",
    "TOOL_CALLS]",
    "TOOL_RESULTS]",
    "THINK]",
    "gMASK]",
    "BOS]",
    "EOS]",
    "ARGS]",
];

/// Whether a mark of a turn begins here.
fn is_mark(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next();
    let rest = letters.as_str();
    let inner = rest.strip_prefix('/').unwrap_or(rest);
    let one_of = |marks: &[&str]| marks.iter().any(|mark| inner.starts_with(mark));
    match first {
        // `<|im_end|>` and its like; DeepSeek's have a wide bar; `<</SYS>>`.
        Some('<') => inner.starts_with(['|', '\u{ff5c}']) || rest.starts_with("</SYS>>") || one_of(&TAGS),
        Some('[') => one_of(&WORDS),
        Some('\u{25c1}') => inner.starts_with("think"),
        Some(']') => rest.starts_with("~b]") || rest.starts_with("~!b["),
        _ => false,
    }
}

/// Whether a mark may begin with this letter.
fn begins(letter: char) -> bool {
    matches!(letter, '<' | '[' | ']' | '\u{25c1}')
}

/// The same JSON value, spelled so. Of a text that is no JSON it changes the marks and the hidden characters, and nothing else.
pub(crate) fn disarmed(json: &str) -> Cow<'_, str> {
    let is_wanted = |at: usize, letter: char| is_hidden(letter) || (begins(letter) && is_mark(&json[at..]));
    let any = match json.is_ascii() {
        // Most texts are, and hold none: they are looked through sixteen bytes and more at a time.
        true => memchr::memchr3_iter(b'<', b'[', b']', json.as_bytes()).any(|at| is_mark(&json[at..])),
        false => json.char_indices().any(|(at, letter)| is_wanted(at, letter)),
    };
    if !any {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 64);
    for (at, letter) in json.char_indices() {
        // In valid JSON a mark can only stand inside a string.
        if is_wanted(at, letter) {
            let mut units = [0; 2];
            text.extend(letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(letter);
        }
    }
    Cow::Owned(text)
}

/// Characters that change or hide text without being seen, as ranges: directions, joiners, fillers, variation selectors, tags.
const HIDDEN: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether nobody sees this character.
pub fn is_hidden(letter: char) -> bool {
    letter >= '\u{ad}' && HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&letter))
}

/// Whether it chooses the form of the letter before it: one such is common, as in many emoji.
pub(crate) fn chooses_a_form(letter: char) -> bool {
    matches!(letter, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that a text is the same value as JSON, and that `raw` does not stand in it as it is.
    fn check_disarmed(raw: &str) {
        let json = serde_json::to_string(&format!("a{raw}b")).unwrap();
        let text = disarmed(&json);
        assert!(!text.contains(raw), "{raw:?} in {text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), format!("a{raw}b"));
    }

    #[test]
    fn of_every_range_of_hidden_characters_the_first_the_last_and_one_between_are_spelled_out() {
        for (first, last) in HIDDEN {
            let between = char::from_u32(first as u32 + (last as u32 - first as u32) / 2).unwrap();
            for letter in [first, between, last] {
                check_disarmed(&letter.to_string());
            }
            let beside = [first as u32 - 1, last as u32 + 1].map(|code| char::from_u32(code).unwrap());
            let seen = |letter: &char| !is_hidden(*letter);
            assert!(beside.iter().all(seen), "{first:?} to {last:?}");
        }
        for (first, last) in [(0xfe00, 0xfe0f), (0xe0100, 0xe01ef), (0xe0000, 0xe007f)] {
            (first..=last).for_each(|code| check_disarmed(&char::from_u32(code).unwrap().to_string()));
        }
    }

    #[test]
    fn marks_of_turns_are_spelled_out_and_other_text_stays() {
        let tags = TAGS.iter().flat_map(|tag| [format!("<{tag}"), format!("</{tag}")]);
        let words = WORDS.iter().flat_map(|word| [format!("[{word}"), format!("[/{word}")]);
        let others = [
            "<|im_start|>",
            "<\u{ff5c}User\u{ff5c}>",
            "<</SYS>>",
            "\u{25c1}think\u{25b7}",
            "\u{25c1}/think\u{25b7}",
            "]~b]",
        ];
        for mark in tags.chain(words).chain(others.map(str::to_owned)) {
            check_disarmed(&mark);
        }
        assert_eq!(disarmed(r#""<|end""#), r#""\u003c|end""#);
        for plain in
            [r#"["a","b"]"#, r#""<p>x</p> a<b [1] [x](y) <- \u00e9 größe""#, r#""[Instruction] <system> ]~""#]
        {
            assert!(matches!(disarmed(plain), Cow::Borrowed(_)), "{plain}");
        }
    }
}
