//! Python: the tree of a cell or script, walked for imports.

use std::collections::HashMap;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{ElifElseClause, ExceptHandler, Expr, ExprCall, Mod, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};

use super::ipython::{self, Place};
use super::{Flags, Found, MAX_PARSED, broken, depth, shell};

/// Parses unless the tree could be too deep or too large. The parser has states that it takes for impossible and that
/// broken code can reach (it panics at `?` at the start of a line inside of a bracket); such code is not parsed either.
pub(super) fn parsed(source: &str) -> Option<Parsed<Mod>> {
    let parse = || {
        let fits = source.len() <= MAX_PARSED && depth::is_shallow(source);
        fits.then(|| parse_unchecked(source, ParseOptions::from(Mode::Ipython)))
    };
    std::panic::catch_unwind(parse).ok().flatten()
}

/// Whether `source` is Python (with magics) without a mistake.
pub(super) fn is_valid(source: &str) -> bool {
    parsed(source).is_some_and(|parsed| parsed.errors().is_empty())
}

/// A cell behind its cell magic, or a script.
pub(super) fn code(source: &str, place: Place<'_>, found: &mut Found) {
    let why = match parsed(source) {
        None => "too large, nested too deep, or its brackets do not match".to_owned(),
        Some(parsed) => match parsed.errors().first() {
            None => return walk(&parsed, place, true, found),
            Some(error) => {
                let offset = source.floor_char_boundary(error.location.start().to_usize());
                let line = source[..offset].lines().count().max(1);
                format!("not valid Python (line {line}: {})", error.error)
            }
        },
    };
    let old = broken::read(source, place, found);
    let old = if old { "; it looks like Python 2" } else { "" };
    let name = place.name;
    found.warn(format!("{name}: {why}; its import statements were read one by one{old}"));
}

/// Walks a tree; `statements` is false if only calls are wanted, as in trees of code with mistakes.
pub(super) fn walk(parsed: &Parsed<Mod>, place: Place<'_>, statements: bool, found: &mut Found) {
    let mut walker = Walker { place, flags: place.flags, statements, found, importers: HashMap::new() };
    match parsed.syntax() {
        Mod::Module(module) => walker.visit_body(&module.body),
        Mod::Expression(expression) => walker.visit_expr(&expression.body),
    }
}

struct Walker<'a, 'f> {
    place: Place<'a>,
    flags: Flags,
    statements: bool,
    found: &'f mut Found,
    /// Local names of functions that import: `from importlib import import_module as load`.
    importers: HashMap<&'a str, &'static str>,
}

/// Functions that take the name of a module; whether its absence is survived.
const IMPORTERS: [(&str, bool); 5] = [
    ("__import__", false),
    ("import_module", false),
    ("find_spec", true),
    ("find_loader", true),
    ("importorskip", true),
];

impl<'a> Walker<'a, '_> {
    fn under(&mut self, flags: Flags, walk: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.flags, flags);
        walk(self);
        self.flags = outer;
    }

    fn call(&mut self, call: &'a ExprCall) {
        let text = |name: &str, position: usize| {
            let value = call.arguments.find_argument_value(name, position);
            value.and_then(|value| value.as_string_literal_expr()).map(|literal| literal.value.to_str())
        };
        let (name, owner) = match &*call.func {
            Expr::Name(name) => (name.id.as_str(), None),
            Expr::Attribute(attribute) => (attribute.attr.as_str(), Some(&*attribute.value)),
            _ => return,
        };
        let known = IMPORTERS.iter().find(|(known, _)| *known == name);
        let alias = || {
            let known = self.importers.get(name)?;
            IMPORTERS.iter().find(|(name, _)| name == known)
        };
        if let Some((_, optional)) = known.or_else(|| owner.is_none().then(alias).flatten()) {
            if let Some(module) = text("name", 0).or_else(|| text("modname", 0)) {
                let optional = *optional || self.flags.optional;
                self.found.python(module, None, Flags { dynamic: true, optional, ..self.flags });
            }
            return;
        }
        if name == "importr"
            && let Some(package) = text("name", 0)
        {
            return self.found.r(package, Flags { dynamic: true, ..self.flags });
        }
        let shell = |owner: &Expr| {
            owner.as_call_expr().is_some_and(|inner| {
                inner.func.as_name_expr().is_some_and(|name| name.id.as_str() == "get_ipython")
            })
        };
        if !owner.is_some_and(shell) {
            return;
        }
        let inside = self.place.inside();
        match (name, text("", 0), text("", 1), text("", 2)) {
            ("system" | "getoutput" | "getoutputs" | "system_raw" | "system_piped", Some(command), ..) => {
                shell::code(command, self.found);
            }
            ("run_line_magic", Some(name), line, _) => {
                ipython::line_magic(name, line.unwrap_or(""), inside, self.found);
            }
            ("magic", Some(line), ..) => ipython::escape("%", line, inside, self.found),
            ("run_cell_magic", Some(name), line, Some(body)) => {
                ipython::cell_magic(name, line.unwrap_or(""), body, inside, self.found);
            }
            ("run_cell", Some(body), ..) => ipython::inner(body, inside, self.found),
            _ => {}
        }
    }
}

impl<'a> Visitor<'a> for Walker<'a, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(_) | Stmt::ImportFrom(_) if !self.statements => {}
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.found.python(&alias.name, None, self.flags);
                }
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                let Some(module) = &import.module else { return };
                for alias in &import.names {
                    self.found.python(module, Some(&alias.name), self.flags);
                    if let Some((known, _)) =
                        IMPORTERS.iter().find(|(known, _)| *known == alias.name.as_str())
                    {
                        self.importers.insert(alias.asname.as_ref().unwrap_or(&alias.name), known);
                    }
                }
            }
            Stmt::Try(tried) => {
                let caught = tried.handlers.iter().any(catches_import_errors);
                let optional = Flags { optional: caught || self.flags.optional, ..self.flags };
                self.under(optional, |walker| {
                    walker.visit_body(&tried.body);
                    tried.handlers.iter().for_each(|handler| walker.visit_except_handler(handler));
                });
                self.visit_body(&tried.orelse);
                self.visit_body(&tried.finalbody);
            }
            Stmt::If(branch) => {
                self.visit_expr(&branch.test);
                let typing = is_type_checking(&branch.test);
                let unevaluated = typing || self.flags.unevaluated;
                self.under(Flags { unevaluated, ..self.flags }, |walker| walker.visit_body(&branch.body));
                branch.elif_else_clauses.iter().for_each(|clause: &ElifElseClause| {
                    self.visit_elif_else_clause(clause);
                });
            }
            Stmt::IpyEscapeCommand(escape) => {
                ipython::escape(escape.kind.as_str(), &escape.value, self.place, self.found);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => self.call(call),
            Expr::IpyEscapeCommand(escape) => {
                ipython::escape(escape.kind.as_str(), &escape.value, self.place, self.found);
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

/// `except:`, or one of the errors by which a missing module shows.
fn catches_import_errors(handler: &ExceptHandler) -> bool {
    let ExceptHandler::ExceptHandler(handler) = handler;
    let catches = |expr: &Expr| {
        let name = match expr {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        matches!(name, "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException")
    };
    match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(several)) => several.elts.iter().any(catches),
        Some(one) => catches(one),
    }
}

fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}
