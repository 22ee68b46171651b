//! Python with mistakes: cut into statements, of which each import is parsed for itself.

use super::ipython::{self, Place};
use super::{Flags, Found, python, shell};

/// Statements above this many bytes are not parsed: an import is short.
const MAX_STATEMENT: usize = 1 << 16;

/// Reads import statements, shell lines and calls that import; true if the source looks like Python 2.
pub(super) fn read(source: &str, place: Place<'_>, found: &mut Found) -> bool {
    let mut old = false;
    let calls = ["__import__", "import_module", "find_spec", "importr", "get_ipython", "importorskip"];
    let calls: Vec<&str> = calls.into_iter().filter(|call| source.contains(call)).collect();
    // Indents of the `try:` lines that are open.
    let mut tries: Vec<usize> = Vec::new();
    for Piece { text, indent } in Pieces::of(source) {
        let word = text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let goes_on = matches!(word, "except" | "else" | "finally");
        while tries.last().is_some_and(|open| indent < *open || (indent == *open && !goes_on)) {
            tries.pop();
        }
        if text == "try" {
            tries.push(indent);
            continue;
        }
        old |= matches!(word, "print" | "exec")
            && text[word.len()..]
                .trim_start()
                .starts_with(|c: char| c.is_alphanumeric() || "\"'%".contains(c));
        let import = matches!(word, "import" | "from");
        let escape = text.starts_with(['!', '%']);
        if text.len() > MAX_STATEMENT {
            continue;
        }
        let optional = !tries.is_empty() || place.flags.optional;
        let place = Place { flags: Flags { optional, ..place.flags }, ..place };
        if escape {
            let kind = if text.starts_with('!') { "!" } else { "%" };
            ipython::escape(kind, text.trim_start_matches(['!', '%']), place, found);
        } else if import || calls.iter().any(|call| text.contains(call)) {
            let Some(parsed) = python::parsed(text) else { continue };
            if !import || parsed.errors().is_empty() {
                python::walk(&parsed, place, import, found);
            }
        } else if matches!(word, "pip" | "pip3" | "conda") {
            // IPython runs these without a mark.
            shell::code(text, found);
        }
    }
    old
}

/// A statement, or a part of one that ends in a colon.
struct Piece<'a> {
    text: &'a str,
    /// Bytes of white space before the line on which it begins.
    indent: usize,
}

/// Cuts at line ends, semicolons and colons outside of brackets and strings. An open bracket ends where a line begins
/// with an import, an open string at the end of its line.
struct Pieces<'a> {
    source: &'a str,
    at: usize,
    indent: usize,
    /// Triple quotes (`"`, `'`) of which no further one stands in the source.
    spent: [bool; 2],
}

impl<'a> Pieces<'a> {
    fn of(source: &'a str) -> Self {
        let mut pieces = Pieces { source, at: 0, indent: 0, spent: [false; 2] };
        pieces.indent = pieces.white(0);
        pieces
    }

    fn white(&self, from: usize) -> usize {
        self.source.as_bytes()[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }

    fn line_end(&self, from: usize) -> usize {
        memchr::memchr(b'\n', &self.source.as_bytes()[from..]).map_or(self.source.len(), |end| from + end)
    }

    /// Behind the string that begins at `from`.
    fn string(&mut self, from: usize) -> usize {
        let bytes = self.source.as_bytes();
        let quote = bytes[from];
        let triple = [quote; 3];
        if bytes[from..].starts_with(&triple) {
            let spent = &mut self.spent[usize::from(quote == b'\'')];
            if !*spent {
                if let Some(length) = memchr::memmem::find(&bytes[from + 3..], &triple) {
                    return from + 6 + length;
                }
                *spent = true;
            }
            return from + 3;
        }
        let mut at = from + 1;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'\n' => return at,
                byte if byte == quote => return at + 1,
                _ => at += 1,
            }
        }
        bytes.len()
    }

    /// Whether the line that begins at `from` is the start of an import.
    fn imports(&self, from: usize) -> bool {
        let line = &self.source[from..self.line_end(from)];
        let line = line[..line.floor_char_boundary(300)].trim_start();
        let words = line.strip_prefix("from ").is_some_and(|rest| rest.contains(" import "));
        words
            || line
                .strip_prefix("import ")
                .is_some_and(|rest| !rest.trim_start().starts_with(['=', ',', ')']))
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let bytes = self.source.as_bytes();
        loop {
            if self.at >= bytes.len() {
                return None;
            }
            let (start, indent) = (self.at, self.indent);
            let first = start + self.white(start);
            let mut at = start;
            let mut brackets = 0usize;
            let escape = matches!(bytes.get(first), Some(b'!' | b'%'));
            let mut end = loop {
                let Some(byte) = bytes.get(at) else { break at };
                match byte {
                    b'\\' if bytes.get(at + 1) == Some(&b'\n') => at += 2,
                    b'\\' if bytes[at + 1..].starts_with(b"\r\n") => at += 3,
                    b'\n' if brackets == 0 || self.imports(at + 1) => break at,
                    _ if escape => at += 1,
                    b'#' => at = self.line_end(at),
                    b'"' | b'\'' => at = self.string(at),
                    b'(' | b'[' | b'{' => {
                        brackets += 1;
                        at += 1;
                    }
                    b')' | b']' | b'}' => {
                        brackets = brackets.saturating_sub(1);
                        at += 1;
                    }
                    b';' | b':' if brackets == 0 => break at,
                    _ => at += 1,
                }
            };
            end = end.min(bytes.len());
            self.at = end + 1;
            if bytes.get(end) == Some(&b'\n') {
                self.indent = self.white(end + 1);
            }
            // A string may have been cut in a character only if it ran to the end.
            let text = self.source.get(start..end).unwrap_or("").trim();
            let text = text.trim_end_matches('\\').trim_end();
            if !text.is_empty() {
                return Some(Piece { text, indent });
            }
        }
    }
}
