//! R: the tree of a script, cell or chunk, walked for packages.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::r_values::Values;
use super::{Flags, Found, r_calls};

/// Code in strings in code: `glue("{library(x)}")`.
const MAX_NESTED: u8 = 2;
/// Lines of a broken place that are read for themselves.
const MAX_LINES: usize = 1_000;
const MAX_LINE: usize = 1_000;
/// Code above this many bytes is not parsed: on code made for it the parser takes the square of its length.
const MAX_PARSED: usize = 1 << 20;
/// What the parser may take for one source, all chunks together. Plain code of that length takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A tree under the eyes of its walker.
pub(super) struct Walk<'a, 'f> {
    pub(super) source: &'a str,
    pub(super) flags: Flags,
    pub(super) values: &'f mut Values,
    pub(super) found: &'f mut Found,
    place: &'a str,
    nested: u8,
}

/// A cell of an R notebook. Jupyter's R kernel knows no magics; `%%R` and the like are read over.
pub(super) fn cell(source: &str, place: &str, found: &mut Found) {
    let code = source.trim_start();
    match code.strip_prefix("%%").and_then(|rest| rest.split_once('\n')) {
        Some((line, body)) => {
            let name = line.split_whitespace().next().unwrap_or("");
            found.magic(name);
            match name {
                "R" => self::code(body, Flags::default(), place, found),
                "bash" | "sh" => super::shell::code(body, found),
                _ => found.warn(format!("{place}: %%{name} in an R notebook was not read")),
            }
        }
        None => self::code(source, Flags::default(), place, found),
    }
}

/// A script, cell or chunk.
pub(super) fn code(source: &str, flags: Flags, place: &str, found: &mut Found) {
    walk(source, flags, place, &mut Values::default(), 0, found);
}

/// The same, with constants of the chunks before it.
pub(super) fn chunk(source: &str, flags: Flags, place: &str, values: &mut Values, found: &mut Found) {
    walk(source, flags, place, values, 0, found);
}

fn walk(source: &str, flags: Flags, place: &str, values: &mut Values, nested: u8, found: &mut Found) {
    let Some(tree) = parse(source, found) else {
        found.warn(format!("{place}: R code too large or too tangled; only its library() lines were read"));
        let mut walk = Walk { source, flags, values, found, place, nested };
        if nested < MAX_NESTED {
            walk.lines(0..source.len());
        }
        return;
    };
    if tree.root_node().has_error() && nested == 0 {
        found.warn(format!("{place}: not valid R in places; what parses was read"));
    }
    let mut walk = Walk { source, flags, values, found, place, nested };
    let mut cursor = tree.walk();
    let mut broken: Vec<Range<usize>> = Vec::new();
    'tree: loop {
        let node = cursor.node();
        if node.is_error() && broken.last().is_none_or(|before| before.end <= node.start_byte()) {
            broken.push(node.byte_range());
        }
        walk.visit(node);
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                break 'tree;
            }
        }
    }
    if nested < MAX_NESTED {
        // Many broken places may share a line.
        let mut read = 0;
        for range in broken {
            if range.end > read {
                read = walk.lines(range.start.max(read)..range.end);
            }
        }
    }
}

/// `None` if the source is too large or costs the parser too much.
fn parse(source: &str, found: &mut Found) -> Option<Tree> {
    // A line costs next to nothing, whatever was spent before.
    let left = PATIENCE.checked_sub(found.tangled);
    let patience = if source.len() < MAX_LINE { Duration::from_secs(1) } else { left? };
    if source.len() > MAX_PARSED {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_r::LANGUAGE.into()).ok()?;
    let start = Instant::now();
    let mut progress = |_: &tree_sitter::ParseState| match start.elapsed() > patience {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = source.as_bytes();
    let tree =
        parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
    found.tangled += start.elapsed();
    tree
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, node: Node<'_>) {
        match node.kind() {
            "call" => r_calls::call(self, node),
            "namespace_operator" => {
                if let Some(package) = node.child_by_field_name("lhs").and_then(|lhs| self.name(lhs)) {
                    self.found.r(package, self.flags);
                }
            }
            "binary_operator" => self.binary(node),
            "for_statement" => {
                let variable = node.child_by_field_name("variable").and_then(|variable| self.name(variable));
                let values =
                    node.child_by_field_name("sequence").and_then(|s| self.values.of(s, self.source));
                if let (Some(variable), Some(values)) = (variable, values) {
                    self.values.set(variable, values);
                }
            }
            _ => {}
        }
    }

    /// Assignments of constants, and `"x" %>% library`.
    fn binary(&mut self, node: Node<'_>) {
        let field = |name| node.child_by_field_name(name);
        let (Some(lhs), Some(rhs), Some(operator)) = (field("lhs"), field("rhs"), field("operator")) else {
            return;
        };
        match self.text(operator) {
            "<-" | "=" | "<<-" | ":=" => self.assign(lhs, rhs),
            "->" | "->>" => self.assign(rhs, lhs),
            "%>%" | "|>" => {
                let function =
                    if rhs.kind() == "call" { rhs.child_by_field_name("function") } else { Some(rhs) };
                let loads =
                    function.and_then(|f| self.name(f)).is_some_and(|name| r_calls::LOADERS.contains(&name));
                if loads && let Some(package) = self.literal(lhs) {
                    self.found.r(package, self.flags);
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, to: Node<'_>, from: Node<'_>) {
        if let Some(name) = self.name(to)
            && let Some(values) = self.values.of(from, self.source)
        {
            self.values.set(name, values);
        }
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'a str {
        self.source.get(node.byte_range()).unwrap_or("")
    }

    /// A string without its quotes.
    pub(super) fn literal(&self, node: Node<'_>) -> Option<&'a str> {
        if node.kind() != "string" {
            return None;
        }
        Some(node.child_by_field_name("content").map_or("", |content| self.text(content)))
    }

    /// An identifier or a string, as R takes either for a name.
    pub(super) fn name(&self, node: Node<'_>) -> Option<&'a str> {
        match node.kind() {
            "identifier" => Some(self.text(node).trim_matches('`')),
            _ => self.literal(node),
        }
    }

    /// Where the parser gave up: whole lines that load something are read for themselves. The answer is their end.
    fn lines(&mut self, range: Range<usize>) -> usize {
        let start = self.source[..range.start].rfind('\n').map_or(0, |end| end + 1);
        let end = self.source[range.end..].find('\n').map_or(self.source.len(), |end| range.end + end);
        let lines = self.source[start..end].lines().map(str::trim).filter(|line| line.len() < MAX_LINE);
        let loads = |line: &&str| ["library(", "require("].iter().any(|call| line.starts_with(call));
        lines.filter(loads).take(MAX_LINES).for_each(|line| self.within(line));
        end
    }

    /// Reads code that stands in a string.
    pub(super) fn within(&mut self, code: &str) {
        if self.nested < MAX_NESTED {
            walk(code, self.flags, self.place, self.values, self.nested + 1, self.found);
        }
    }
}
