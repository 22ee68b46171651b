//! `docs/models.md` has the tables of the columns and of the licences as the code has them.
//!
//! When you change a column on purpose, renew the page: `cargo test -p model-facts --test it renew -- --ignored`. Text
//! outside the marks stays as it is.

use std::fmt::Write;
use std::path::PathBuf;

use model_facts::{CATALOGUE, LEGACY, licence, markdown};

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/models.md")
}

fn licences() -> String {
    let mut table = String::from("| keyword | SPDX | commercial use |\n|---|---|---|\n");
    for (keyword, spdx, commercial) in licence::TABLE {
        writeln!(table, "| `{keyword}` | {} | {} |", spdx.unwrap_or("–"), commercial.word()).unwrap();
    }
    table
}

/// The page with these tables between its marks.
fn renewed(page: &str) -> String {
    let mut page = page.to_owned();
    for (name, table) in
        [("catalogue", markdown(CATALOGUE)), ("legacy", markdown(LEGACY)), ("licences", licences())]
    {
        let (begin, end) =
            (format!("<!-- {name}: renewed by a test -->\n"), format!("<!-- end of {name} -->"));
        let from = page.find(&begin).unwrap_or_else(|| panic!("no mark {begin}")) + begin.len();
        let to = page.find(&end).unwrap_or_else(|| panic!("no mark {end}"));
        page.replace_range(from..to, &table);
    }
    page
}

#[test]
fn the_page_of_models_has_the_columns_of_the_code() {
    let page = std::fs::read_to_string(page()).unwrap();
    assert!(
        page == renewed(&page),
        "a column or a licence differs from docs/models.md; see the head of this file"
    );
}

#[test]
#[ignore = "it writes docs/models.md"]
fn renew() {
    let text = std::fs::read_to_string(page()).unwrap();
    std::fs::write(page(), renewed(&text)).unwrap();
}

#[test]
fn each_column_is_there_once() {
    for columns in [CATALOGUE, LEGACY] {
        let mut names: Vec<&str> = columns.iter().map(|own| own.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), columns.len());
    }
    assert_eq!(LEGACY.len(), 37);
}
