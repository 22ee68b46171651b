//! What shell lines install.

use super::Found;

/// Longest command that is looked at.
const MAX_COMMAND: usize = 1 << 16;

/// Reads shell code: `pip install`, `pip3 install`, `python -m pip install`, `conda install`.
pub(super) fn code(text: &str, found: &mut Found) {
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").lines() {
        let line = line.trim();
        if line.starts_with('#') || !line.contains("install") || line.len() > MAX_COMMAND {
            continue;
        }
        for command in commands(line) {
            if let Some(rest) = installed(command) {
                found.pip_install(rest);
            }
        }
    }
}

/// The commands of a line, cut at `;`, `&&`, `||` and `|` outside of quotes.
fn commands(line: &str) -> Vec<&str> {
    let bytes = line.as_bytes();
    let (mut commands, mut from, mut at, mut quote) = (Vec::new(), 0, 0, None);
    while at < bytes.len() {
        let length = match (quote, bytes[at]) {
            (Some(open), byte) if byte == open => {
                quote = None;
                0
            }
            (Some(_), _) => 0,
            (None, byte @ (b'"' | b'\'')) => {
                quote = Some(byte);
                0
            }
            (None, b'#') if at > 0 && bytes[at - 1].is_ascii_whitespace() => break,
            (None, b'&') if bytes.get(at + 1) == Some(&b'&') => 2,
            (None, b'|') if bytes.get(at + 1) == Some(&b'|') => 2,
            (None, b'|' | b';') => 1,
            _ => 0,
        };
        if length > 0 {
            commands.push(&line[from..at]);
            from = at + length;
        }
        at += length.max(1);
    }
    commands.push(&line[from..]);
    commands
}

/// What a command installs, as it is written behind `install`.
fn installed(command: &str) -> Option<&str> {
    let mut rest = command.trim_start();
    let mut installer = false;
    // A few words may stand before: `sudo`, `yes |`, `VAR=1`, `python -m`, options of pip itself.
    for _ in 0..8 {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let name = word.rsplit('/').next().unwrap_or(word);
        if installer && word == "install" {
            return Some(behind.trim());
        }
        let pip = name
            .strip_prefix("pip")
            .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'));
        if !installer && (pip || matches!(name, "conda" | "mamba")) {
            installer = true;
        } else if installer {
            if !word.starts_with('-') {
                return None;
            }
        } else {
            let before =
                matches!(name, "sudo" | "-m" | "-H" | "-y" | "time" | "uv" | "!") || word.contains('=');
            let python =
                name.starts_with("python") || word == "{sys.executable}" || word == "$sys.executable";
            if !before && !python && !word.starts_with('-') {
                return None;
            }
        }
        rest = behind.trim_start();
    }
    None
}
