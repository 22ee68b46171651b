//! Names of files: what a service calls them, and how that is spelled on a disk.

use std::path::{Component, Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::{Error, Kind, Result};

/// A spelled part has at most so many bytes: there is room for `@`, a version and a suffix within the 255 that file
/// systems give.
const LONGEST_PART: usize = 220;
/// A spelled name has at most so many bytes.
const LONGEST_NAME: usize = 1000;
/// A suffix of a file name is kept when it is cut, up to so many bytes.
const LONGEST_SUFFIX: usize = 20;
/// A longer name is an attack.
const MOST_BYTES: usize = 1 << 16;
/// What gathers the bytes of a file, and what is kept of their version.
pub(super) const PART: &str = ".part";
pub(super) const SIDE: &str = ".part.jsonl";
/// The mark of a folder of files, and the folder for work.
pub(crate) const MARK: &str = ".files";
pub(super) const SCRATCH: &str = ".scratch";

/// Where a file with the spelled `name` lies under `root`. For names as a service spells them see [`encode`].
///
/// # Errors
/// [`Kind::Denied`] for names that are absolute, hold `..`, `.`, empty parts, backslashes, colons or control
/// characters, have parts of over 250 bytes, end a part in a dot, a space or `.part`, or lead through a symlink.
pub fn place(root: &Path, name: &str) -> Result<PathBuf> {
    let mut path = root.to_path_buf();
    for part in name.split('/') {
        let plain = matches!(Path::new(part).components().next(), Some(Component::Normal(_)));
        if !plain || part.contains(['\\', ':', '\0']) || part.chars().any(char::is_control) {
            return Err(refused(name, "only plain relative names may be written"));
        }
        if part.len() > 250 || part.ends_with(['.', ' ']) || part.ends_with(PART) {
            return Err(refused(name, "a part is too long or ends in a dot, a space or .part"));
        }
        path.push(part);
        if path.is_symlink() {
            return Err(refused(name, "a part of it is a symbolic link"));
        }
    }
    Ok(path)
}

pub(super) fn refused(name: &str, what: &str) -> Error {
    let shown: String = name.chars().take(200).collect();
    Error::new(Kind::Denied, format!("this file name is refused: {what}"))
        .at(shown.escape_debug().to_string())
        .advise("the file is left out; nothing was written")
}

/// How `name`, a path as a service spells it, is spelled below the root of a store: the same, but for what some file
/// system refuses, or what has a meaning here. Such a character is `%` and two hex digits for each of its bytes.
/// [`plain_name`] takes it back, unless a part was too long: such a part is cut, and a hash of it is put behind it.
///
/// # Errors
/// [`Kind::Denied`] for names that are absolute, hold `..`, `.` or empty parts, or have no folder.
pub fn encode(name: &str) -> Result<String> {
    if name.len() > MOST_BYTES {
        return Err(refused(name, "it is longer than 65536 bytes"));
    }
    let parts: Vec<&str> = name.split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(refused(name, "only plain relative names may be written"));
    }
    let [first, .., last] = &*parts else {
        return Err(refused(name, "it has no folder"));
    };
    let spelled = parts.iter().map(|part| spell(part)).collect::<Vec<_>>().join("/");
    if spelled.len() <= LONGEST_NAME {
        return Ok(spelled);
    }
    Ok(format!("{}/~{}/{}", spell(first), hash(name), spell(last)))
}

/// The name that is spelled `path`, as far as `path` tells: see [`FileLine::plain_name`](crate::FileLine::plain_name).
pub fn plain_name(path: &str) -> String {
    let path = untagged(path);
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escape(&bytes[at..]) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    // Only what was never spelled here can hold anything else than text.
    String::from_utf8(plain).unwrap_or_else(|_| path.to_owned())
}

/// The path without the version behind it.
pub(super) fn untagged(path: &str) -> &str {
    match tag_at(path) {
        Some(at) => &path[..at],
        None => path,
    }
}

/// Where `@` and 12 hex digits stand at the end.
fn tag_at(part: &str) -> Option<usize> {
    let at = part.len().checked_sub(13)?;
    let tag = part.as_bytes().get(at..)?;
    (tag[0] == b'@' && tag[1..].iter().all(u8::is_ascii_hexdigit)).then_some(at)
}

/// The byte that `%` and two digits at the beginning stand for.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    match bytes {
        [b'%', high, low, ..] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

fn escaped(into: &mut String, character: char) {
    use std::fmt::Write;
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(into, "%{byte:02X}");
    }
}

/// One part of a name.
fn spell(part: &str) -> String {
    let lower = part.to_ascii_lowercase();
    let last = part.char_indices().next_back().map_or(0, |(at, _)| at);
    let escape_first = is_device(part) || lower == MARK || lower == SCRATCH;
    let escape_last = part.ends_with(['.', ' ']) || lower.ends_with(PART) || lower.ends_with(SIDE);
    let tag = tag_at(part);
    let mut spelled = String::with_capacity(part.len());
    for (at, character) in part.char_indices() {
        let refused = character.is_control() || "<>:\"|?*\\".contains(character);
        let meant = character == '%' && escape(&part.as_bytes()[at..]).is_some();
        let here = (at == 0 && escape_first) || (at == last && escape_last) || tag == Some(at);
        if refused || meant || here {
            escaped(&mut spelled, character);
        } else {
            spelled.push(character);
        }
    }
    if spelled.len() > LONGEST_PART { cut(&spelled, part) } else { spelled }
}

/// The beginning of a part that is too long, the hash of the whole, and its suffix.
fn cut(spelled: &str, part: &str) -> String {
    let suffix = spelled.rfind('.').map_or("", |at| &spelled[at..]);
    let suffix = if suffix.len() > LONGEST_SUFFIX || suffix.contains('%') { "" } else { suffix };
    let mut end = LONGEST_PART - suffix.len() - 33;
    while !spelled.is_char_boundary(end) {
        end -= 1;
    }
    // Not within an escape.
    let begun = spelled.as_bytes()[end - 2..end].iter().position(|byte| *byte == b'%');
    let end = begun.map_or(end, |at| end - 2 + at);
    format!("{}~{}{suffix}", &spelled[..end], hash(part))
}

fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text)[..16])
}

/// The names that Windows keeps for devices, whatever suffix is behind them.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

/// Other spellings of a spelled part, for where the plain one differs only in case from another, or is a folder where
/// a file is wanted: its capitals escaped, or its first character where it has none; then all of its characters.
pub(super) fn others(part: &str) -> [String; 2] {
    let plain = plain_at(part);
    let capital = |(_, character): &(usize, char)| character.is_uppercase();
    let mut some: Vec<usize> = plain.iter().filter(|found| capital(found)).map(|(at, _)| *at).collect();
    if some.is_empty() {
        some.extend(plain.first().map(|(at, _)| *at));
    }
    let respell = |wanted: &dyn Fn(usize) -> bool| {
        let mut spelled = String::new();
        for (at, character) in part.char_indices() {
            if wanted(at) { escaped(&mut spelled, character) } else { spelled.push(character) }
        }
        if spelled.len() > LONGEST_PART { cut(&spelled, &spelled) } else { spelled }
    };
    [respell(&|at| some.contains(&at)), respell(&|at| plain.iter().any(|(plain, _)| *plain == at))]
}

/// The characters of a spelled part that are no escapes, and where they stand.
fn plain_at(part: &str) -> Vec<(usize, char)> {
    let mut after = 0;
    let mut found = Vec::new();
    for (at, character) in part.char_indices() {
        if at < after {
            continue;
        }
        if escape(&part.as_bytes()[at..]).is_some() { after = at + 3 } else { found.push((at, character)) }
    }
    found
}

/// Names that a file system which ignores case holds for one have one folded form.
pub(super) fn folded(part: &str) -> String {
    part.to_lowercase()
}

/// Twelve hex digits of a version, if it is a hex number of that length.
pub(super) fn tag_of(version: &str) -> Option<String> {
    let tag = version.get(..12)?;
    version.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| tag.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "f/..", "x"] {
            assert_eq!(encode(name).unwrap_err().kind(), Kind::Denied, "{name:?}");
        }
        for name in
            ["", "..", "/etc/x", "a/../b", "C:\\x", "a\\..\\b", "a:b", "a\0b", "a\nb", "a ", "a.", "x.part"]
        {
            assert_eq!(place(root.path(), name).unwrap_err().kind(), Kind::Denied, "{name:?}");
        }
        assert!(place(root.path(), "日本語/é.txt").is_ok());
    }

    #[test]
    fn a_name_that_a_file_system_refuses_is_spelled_otherwise_and_taken_back() {
        for (part, spelled) in [
            ("plain-00000-of-00001.parquet", "plain-00000-of-00001.parquet"),
            ("日本語 é.txt", "日本語 é.txt"),
            (".gitattributes", ".gitattributes"),
            ("100%", "100%"),
            ("50% of.csv", "50% of.csv"),
            ("a%2Fb", "a%252Fb"),
            ("a%2fb", "a%2fb"),
            ("%%41", "%%2541"),
            ("a:b", "a%3Ab"),
            ("C:\\x", "C%3A%5Cx"),
            ("a\\..\\b", "a%5C..%5Cb"),
            ("<>:\"|?*", "%3C%3E%3A%22%7C%3F%2A"),
            ("a\0b\nc\u{85}", "a%00b%0Ac%C2%85"),
            ("a.", "a%2E"),
            ("a. ", "a.%20"),
            ("...", "..%2E"),
            ("x.part", "x.par%74"),
            ("x.PART", "x.PAR%54"),
            ("x.part.jsonl", "x.part.json%6C"),
            ("x.csv@0123456789ab", "x.csv%400123456789ab"),
            ("x.csv@0123456789AB", "x.csv%400123456789AB"),
            ("x@y.com", "x@y.com"),
            ("con", "%63on"),
            ("Nul.txt", "%4Eul.txt"),
            ("com1", "%63om1"),
            ("COM¹.x", "%43OM¹.x"),
            ("comma.csv", "comma.csv"),
            (".files", "%2Efiles"),
            (".Scratch", "%2EScratch"),
        ] {
            let (name, expected) = (format!("f/{part}"), format!("f/{spelled}"));
            let found = encode(&name).unwrap();
            assert_eq!(found, expected);
            assert_eq!(plain_name(&found), name);
            assert_eq!(plain_name(&format!("{found}@0123456789ab")), name);
            for other in others(spelled).iter().filter(|_| !plain_at(spelled).is_empty()) {
                assert_eq!(plain_name(other), part, "{other}");
                assert_ne!(folded(other), folded(spelled));
            }
        }
    }

    #[test]
    fn names_that_are_spelled_alike_are_alike() {
        // All parts of up to four of these characters, and no two of them share a spelling.
        let alphabet = ['%', '2', 'E', '.', ':', ' ', 'é'];
        let mut spelled = std::collections::HashMap::new();
        let mut parts = vec![String::new()];
        for _ in 0..4 {
            parts = parts
                .iter()
                .flat_map(|part| alphabet.map(|character| format!("{part}{character}")))
                .collect();
            for part in &parts {
                let Ok(found) = encode(&format!("f/{part}")) else { continue };
                assert_eq!(plain_name(&found), format!("f/{part}"));
                assert_eq!(spelled.insert(found, part.clone()), None);
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_stays_its_own() {
        let long = "é:".repeat(300);
        let (one, other) =
            (encode(&format!("f/{long}1.csv")).unwrap(), encode(&format!("f/{long}2.csv")).unwrap());
        assert_ne!(one, other);
        for name in [&one, &other] {
            assert!(name.len() <= LONGEST_PART + 2 && name.ends_with(".csv"), "{name}");
            assert!(plain_name(name).starts_with("f/é:é:"), "{name}");
        }
        let deep = format!("f/{}x.csv", "folder/".repeat(1000));
        let found = encode(&deep).unwrap();
        assert!(
            found.len() < LONGEST_NAME && found.starts_with("f/~") && found.ends_with("/x.csv"),
            "{found}"
        );
        assert!(encode(&"a/".repeat(100_000)).is_err());
    }

    #[test]
    fn names_that_differ_only_in_case_have_spellings_that_do_not() {
        let spellings: Vec<String> =
            ["data", "Data", "DATA", "dATA", "%44x"].iter().map(|part| folded(&others(part)[0])).collect();
        let distinct: std::collections::HashSet<_> = spellings.iter().collect();
        assert_eq!(distinct.len(), spellings.len(), "{spellings:?}");
        assert_eq!(others("Data")[0], "%44ata");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_through_a_symlink_is_refused() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", root.path().join("out")).unwrap();
        assert!(place(root.path(), "out/x").is_err());
    }
}
