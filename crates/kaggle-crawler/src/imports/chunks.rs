//! Prose with chunks of code: R Markdown, Quarto, Sweave.

use super::ipython::{self, Place};
use super::language::{self, Language};
use super::r_values::Values;
use super::{Flags, Found, Hints, header, r};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Rmd,
    Quarto,
    Sweave,
}

/// The form of a text with chunks; `None` for plain code.
pub(super) fn form(text: &str, hints: &Hints<'_>) -> Option<Form> {
    match language::suffix(hints).as_deref() {
        Some("rmd" | "rmarkdown") => Some(Form::Rmd),
        Some("qmd") => Some(Form::Quarto),
        Some("rnw") => Some(Form::Sweave),
        _ if hints.language.is_some_and(|told| told.eq_ignore_ascii_case("rmarkdown")) => Some(Form::Rmd),
        // A script named otherwise: chunks where prose is no code.
        _ => {
            let fence = |line: &str| line.starts_with("```{r") && line.trim_end().ends_with('}');
            let titled = text.starts_with("---\n") || text.starts_with("---\r\n");
            (text.lines().any(fence) && (titled || Language::hinted(hints) != Some(Language::Python)))
                .then_some(Form::Rmd)
        }
    }
}

struct Chunk<'a> {
    engine: String,
    options: &'a str,
    code: String,
    line: usize,
}

/// Reads the chunks, inline code and the YAML header; the answer is the language.
pub(super) fn read(text: &str, form: Form, hints: &Hints<'_>, found: &mut Found) -> Language {
    let implied = Flags { implied: true, ..Flags::default() };
    let body = if form == Form::Sweave { text } else { header::read(text, found) };
    let before = text[..text.len() - body.len()].matches('\n').count();
    let mut reader = Reader { found, values: Values::default(), r: false, python: false };
    reader.all(body, form, before);
    let (has_r, has_python) = (reader.r, reader.python);
    if form == Form::Rmd || (form == Form::Quarto && has_r) {
        found.r("rmarkdown", implied);
    }
    let told = hints.language.and_then(Language::named);
    match told {
        Some(told @ (Language::Python | Language::R)) => told,
        _ if form == Form::Quarto && has_python && !has_r => Language::Python,
        _ => Language::R,
    }
}

struct Reader<'f> {
    found: &'f mut Found,
    values: Values,
    r: bool,
    python: bool,
}

impl Reader<'_> {
    fn all(&mut self, body: &str, form: Form, before: usize) {
        let mut open: Option<Chunk<'_>> = None;
        // knitr takes the start of a chunk inside of another for the end of that one.
        for (at, line) in body.lines().enumerate() {
            let line_number = before + at + 1;
            match starts(line, form) {
                Some((engine, options)) => {
                    if let Some(chunk) = open.take() {
                        self.chunk(&chunk);
                    }
                    open = Some(Chunk { engine, options, code: String::new(), line: line_number });
                    continue;
                }
                None if open.is_some() && ends(line, form) => {
                    if let Some(chunk) = open.take() {
                        self.chunk(&chunk);
                    }
                    continue;
                }
                None => {}
            }
            match &mut open {
                Some(chunk) => {
                    // `<<name>>` stands for another chunk.
                    let reference = line.trim();
                    if !(reference.starts_with("<<") && reference.ends_with(">>")) {
                        chunk.code.push_str(line);
                        chunk.code.push('\n');
                    }
                }
                None => self.inline(line, form, line_number),
            }
        }
        if let Some(chunk) = open {
            if form != Form::Sweave {
                self.found.warn(format!("the chunk of line {} is not closed", chunk.line));
            }
            self.chunk(&chunk);
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) {
        let flags = Flags { unevaluated: !is_evaluated(chunk), ..Flags::default() };
        let place = format!("the chunk of line {}", chunk.line);
        match Language::named(&chunk.engine) {
            Some(Language::R) => {
                self.r = true;
                r::chunk(&chunk.code, flags, &place, &mut self.values, self.found);
            }
            Some(Language::Python) => {
                self.python = true;
                ipython::inner(&chunk.code, Place { name: &place, nested: 0, flags }, self.found);
            }
            _ if matches!(&*chunk.engine, "bash" | "sh") => super::shell::code(&chunk.code, self.found),
            _ => {}
        }
    }

    /// `` `r code` `` in prose, `\Sexpr{code}` in Sweave.
    fn inline(&mut self, line: &str, form: Form, number: usize) {
        let (marks, end): (&[&str], _) =
            if form == Form::Sweave { (&["\\Sexpr{"], '}') } else { (&["`r ", "`{r} "], '`') };
        for mark in marks {
            let mut rest = line;
            while let Some(at) = rest.find(mark) {
                let code = &rest[at + mark.len()..];
                let Some(length) = code.find(end) else { break };
                let place = format!("line {number}");
                r::chunk(&code[..length], Flags::default(), &place, &mut self.values, self.found);
                self.r = true;
                rest = &code[length + 1..];
            }
        }
    }
}

/// The engine and options of a line that begins a chunk.
fn starts(line: &str, form: Form) -> Option<(String, &str)> {
    let line = line.trim();
    if form == Form::Sweave {
        let options = line.strip_prefix("<<")?.strip_suffix(">>=")?;
        return Some((
            option(options, "engine").unwrap_or("r").trim_matches(['"', '\'']).to_owned(),
            options,
        ));
    }
    // Within quotations and lists too.
    let fence = line.trim_start_matches(['>', ' ', '\t']);
    let ticks = fence.trim_start_matches('`');
    if fence.len() - ticks.len() < 3 {
        return None;
    }
    let inside = ticks.trim_start().strip_prefix('{')?.strip_suffix('}')?;
    let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (engine, options) = inside.split_at(end);
    if engine.is_empty() || inside.starts_with(['.', '{']) {
        return None;
    }
    let engine = option(options, "engine").map_or(engine, |told| told.trim_matches(['"', '\'']));
    Some((engine.to_owned(), options))
}

fn ends(line: &str, form: Form) -> bool {
    let line = line.trim_start_matches(['>', ' ', '\t']).trim_end();
    match form {
        Form::Sweave => line.starts_with('@'),
        _ => line.len() >= 3 && line.bytes().all(|byte| byte == b'`'),
    }
}

/// The value of `name=value` among comma-separated options.
fn option<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    options.split(',').find_map(|part| {
        let (left, right) = part.split_once('=')?;
        (left.split_whitespace().last() == Some(name)).then_some(right.trim_start_matches('=').trim())
    })
}

/// False for `eval=FALSE` in the header or in `#|` lines. `renv.ignore` says in so many words whether a chunk counts,
/// so it goes first. An expression is taken for true: nothing is run here.
fn is_evaluated(chunk: &Chunk<'_>) -> bool {
    let no =
        |value: &str| matches!(value.trim_matches(['"', '\'']), "FALSE" | "F" | "false" | "no" | "False");
    if let Some(value) = option(chunk.options, "renv.ignore") {
        return no(value);
    }
    let mut evaluated = !option(chunk.options, "eval").is_some_and(no);
    for line in chunk.code.lines().map(str::trim) {
        let Some(told) = line.strip_prefix("#|") else { if line.is_empty() { continue } else { break } };
        let yaml =
            told.split_once(':').filter(|(name, _)| name.trim() == "eval").map(|(_, value)| value.trim());
        if yaml.or_else(|| option(told, "eval")).is_some_and(no) {
            evaluated = false;
        }
    }
    evaluated
}
