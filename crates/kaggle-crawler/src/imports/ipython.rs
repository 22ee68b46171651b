//! Cells as IPython takes them: a common indent, cell magics, line magics, shell lines.

use super::{Flags, Found, python, r, shell};

/// Cells in cells: `%%capture` over `%%time`, a cell inside `run_cell_magic(...)`.
const MAX_NESTED: u8 = 6;

/// Where code stands, and how deep inside of other cells.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// For warnings: `cell 3`.
    pub(super) name: &'a str,
    pub(super) nested: u8,
    /// What holds for every library that is named there.
    pub(super) flags: Flags,
}

impl Place<'_> {
    pub(super) fn inside(self) -> Self {
        Place { nested: self.nested + 1, ..self }
    }
}

/// A cell of a Python notebook.
pub(super) fn cell(source: &str, place: &str, found: &mut Found) {
    inner(source, Place { name: place, nested: 0, flags: Flags::default() }, found);
}

/// A Python script; those that were made out of notebooks hold `get_ipython()` calls, or even magics.
pub(super) fn script(source: &str, found: &mut Found) {
    inner(source, Place { name: "the script", nested: 0, flags: Flags::default() }, found);
}

pub(super) fn inner(source: &str, place: Place<'_>, found: &mut Found) {
    if place.nested > MAX_NESTED {
        return found
            .warn(format!("{}: cells inside of cells, too deep; the innermost was not read", place.name));
    }
    let source = dedented(source);
    let Some(rest) = source.strip_prefix("%%") else { return python::code(&source, place, found) };
    let (line, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let line = line.trim();
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
    cell_magic(&line[..end], line[end..].trim(), body, place, found);
}

/// `%%name line` over `body`, or `run_cell_magic(name, line, body)`.
pub(super) fn cell_magic(name: &str, line: &str, body: &str, place: Place<'_>, found: &mut Found) {
    found.magic(name);
    let inside = place.inside();
    match name {
        "time" | "timeit" | "capture" | "prun" | "memit" | "mprun" | "lprun" | "snakeviz" | "python"
        | "python3" | "python2" | "pypy" | "debug" | "matplotlib" => {
            if matches!(name, "time" | "timeit" | "prun" | "memit") && line.contains("import") {
                timed(line, inside, found);
            }
            inner(body, inside, found);
        }
        "writefile" | "file" => {
            let path = line.split_whitespace().rfind(|word| !word.starts_with('-')).unwrap_or("");
            let path = path.trim_matches(['"', '\'']);
            found.written(path);
            let flags = Flags { written: true, ..place.flags };
            if path.ends_with(".py") {
                python::code(&dedented(body), Place { flags, ..inside }, found);
            } else if path.ends_with(".R") || path.ends_with(".r") {
                r::code(body, flags, place.name, found);
            }
        }
        "R" => r::code(body, place.flags, place.name, found),
        "bash" | "sh" | "script" | "sx" | "system" | "cmd" => shell::code(body, found),
        "html" | "HTML" | "javascript" | "js" | "sql" | "bigquery" | "latex" | "perl" | "ruby" | "svg"
        | "SVG" | "markdown" | "cython" | "julia" | "css" | "cuda" | "cu" | "octave" | "matlab" | "spark"
        | "dot" | "mermaid" | "ai" => {}
        _ => {
            // A magic of some extension: most wrap Python. What does not parse is left alone.
            if python::is_valid(&dedented(body)) {
                inner(body, inside, found);
            } else if !body.trim().is_empty() {
                found.warn(format!("{}: below %%{name} is no Python; it was not read", place.name));
            }
        }
    }
}

/// `%name line`, or `run_line_magic(name, line)`.
pub(super) fn line_magic(name: &str, line: &str, place: Place<'_>, found: &mut Found) {
    let inside = place.inside();
    match name {
        "load_ext" | "reload_ext" => line.split_whitespace().take(1).for_each(|name| found.extension(name)),
        "pip" | "pip3" | "conda" | "mamba" => shell::code(&format!("{name} {line}"), found),
        "uv" | "sx" | "system" | "sc" => shell::code(line, found),
        "time" | "timeit" | "prun" | "memit" if line.contains("import") => timed(line, inside, found),
        "R" => r::code(line, place.flags, place.name, found),
        "pylab" => {
            for name in ["numpy", "matplotlib"] {
                found.python(name, None, Flags { implied: true, ..place.flags });
            }
        }
        _ => {}
    }
}

/// `!command`, `%magic line` and the like, as the lexer found them.
pub(super) fn escape(kind: &str, value: &str, place: Place<'_>, found: &mut Found) {
    match kind {
        "!" | "!!" => shell::code(value, found),
        "%" | "%%" => {
            let value = value.trim();
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            line_magic(&value[..end], value[end..].trim(), place, found);
        }
        _ => {}
    }
}

/// The statement behind `%time` and its options.
fn timed(line: &str, place: Place<'_>, found: &mut Found) {
    if python::is_valid(line) {
        inner(line, place, found);
    }
}

/// Without leading blank lines and without the indent of the first line, as IPython runs it.
fn dedented(source: &str) -> std::borrow::Cow<'_, str> {
    let mut rest = source;
    while let Some((line, behind)) = rest.split_once('\n') {
        if !line.trim().is_empty() {
            break;
        }
        rest = behind;
    }
    let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
    if indent.is_empty() {
        return rest.into();
    }
    let lines = rest.split_inclusive('\n').map(|line| line.strip_prefix(indent).unwrap_or(line));
    lines.collect::<String>().into()
}
