//! What the tests share: sources made small.

use kaggle_crawler::imports::{Hints, ImportedLib, Imports, imports};
use serde_json::{Value, json};

pub(crate) fn named(source: &str, file_name: &str) -> Imports {
    imports(source.as_bytes(), &Hints { file_name: Some(file_name), ..Hints::default() })
}

/// A notebook of nbformat 4 with these code cells.
pub(crate) fn notebook(language: &str, cells: &[&str]) -> Value {
    let cells = cells.iter().map(|source| json!({"cell_type": "code", "metadata": {}, "source": source}));
    json!({
        "cells": cells.collect::<Vec<_>>(),
        "metadata": {"kernelspec": {"language": language, "name": language}},
        "nbformat": 4
    })
}

pub(crate) fn read(notebook: &Value) -> Imports {
    imports(notebook.to_string().as_bytes(), &Hints::default())
}

/// A Python notebook of these cells.
pub(crate) fn cells(cells: &[&str]) -> Imports {
    read(&notebook("python", cells))
}

pub(crate) fn lib<'a>(got: &'a Imports, name: &str) -> &'a ImportedLib {
    got.details.iter().find(|lib| lib.name == name).unwrap_or_else(|| panic!("no {name} in {got:?}"))
}

/// Asserts that exactly these names have the flag.
pub(crate) fn flagged(got: &Imports, flag: impl Fn(&ImportedLib) -> bool, names: &[&str]) {
    let found: Vec<_> = got.details.iter().filter(|lib| flag(lib)).map(|lib| lib.name.as_str()).collect();
    assert_eq!(found, names, "{got:?}");
}
