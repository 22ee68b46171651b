//! Constant vectors of strings in R code: `pkgs <- c("a", "b")`.

use std::collections::HashMap;

use tree_sitter::Node;

/// Vectors above this are cut; `x <- c(x, x)` doubles.
const MAX_VALUES: usize = 500;
const MAX_NAMES: usize = 2_000;
const MAX_DEPTH: usize = 6;

/// What is assigned to names so far, where it is constant.
#[derive(Default)]
pub(super) struct Values(HashMap<String, Vec<String>>);

impl Values {
    pub(super) fn set(&mut self, name: &str, values: Vec<String>) {
        if self.0.len() < MAX_NAMES || self.0.contains_key(name) {
            self.0.insert(name.to_owned(), values);
        }
    }

    /// The strings of a literal, of a name that holds some, or of a `c(...)` of these.
    pub(super) fn of(&self, node: Node<'_>, source: &str) -> Option<Vec<String>> {
        let mut values = Vec::new();
        self.gather(node, source, 0, &mut values).then_some(values).filter(|values| !values.is_empty())
    }

    /// False if something else stands there.
    fn gather(&self, node: Node<'_>, source: &str, depth: usize, into: &mut Vec<String>) -> bool {
        let text = |node: Node<'_>| source.get(node.byte_range()).unwrap_or("");
        if depth > MAX_DEPTH || into.len() >= MAX_VALUES {
            return depth <= MAX_DEPTH;
        }
        match node.kind() {
            "string" => {
                into.push(node.child_by_field_name("content").map_or("", text).to_owned());
                true
            }
            "identifier" => match self.0.get(text(node).trim_matches('`')) {
                Some(known) => {
                    into.extend(known.iter().take(MAX_VALUES - into.len()).cloned());
                    true
                }
                None => false,
            },
            "parenthesized_expression" => match node.child_by_field_name("body") {
                Some(body) => self.gather(body, source, depth + 1, into),
                None => false,
            },
            "call" => {
                let function = node.child_by_field_name("function").map_or("", text);
                if !matches!(function, "c" | "list" | "unique" | "unlist" | "as.list" | "sort" | "rev") {
                    return false;
                }
                let Some(arguments) = node.child_by_field_name("arguments") else { return false };
                let mut cursor = arguments.walk();
                let mut any = false;
                for argument in arguments.children_by_field_name("argument", &mut cursor).take(MAX_VALUES) {
                    if let Some(value) = argument.child_by_field_name("value") {
                        any |= self.gather(value, source, depth + 1, into);
                    }
                }
                any
            }
            _ => false,
        }
    }
}
