//! What is known of names: standard libraries, Kaggle's own modules, distributions.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

fn words(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}

static PYTHON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("data/python_stdlib.txt")).collect());
static KAGGLE: LazyLock<HashSet<&str>> =
    LazyLock::new(|| words(include_str!("data/kaggle_modules.txt")).collect());
static R: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/r_base.txt")).collect());
static DISTRIBUTIONS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!("data/python_distributions.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            Some((name, words.next().unwrap_or(name)))
        })
        .collect()
});

/// Whether a top-level name belongs to Python itself, in any version from 2.7 to 3.13.
pub(super) fn is_python(name: &str) -> bool {
    PYTHON.contains(name)
}

/// Whether a package comes with R.
pub(super) fn is_base_r(name: &str) -> bool {
    R.contains(name)
}

/// Whether a module is there on Kaggle and in no package index.
pub(super) fn is_kaggle(name: &str) -> bool {
    KAGGLE.contains(name)
}

/// The distribution that brings `module`, found by its longest known prefix.
pub(super) fn distribution(module: &str) -> Option<&'static str> {
    let mut prefix = module;
    loop {
        if let Some(found) = DISTRIBUTIONS.get(prefix) {
            return Some(found);
        }
        prefix = prefix.rsplit_once('.')?.0;
    }
}
