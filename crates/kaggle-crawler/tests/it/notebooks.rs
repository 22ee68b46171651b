//! Notebooks: their forms, their languages, their mistakes.

use kaggle_crawler::imports::{Hints, Kind, imports, is_notebook};
use serde_json::json;

use crate::desk::{cells, named, notebook, read};

#[test]
fn sources_are_texts_or_lists_of_lines() {
    let mut source = notebook("python", &["import a\nimport b"]);
    assert_eq!(read(&source).imported_libs, ["a", "b"]);
    source["cells"][0]["source"] = json!(["import a\n", "import b"]);
    assert_eq!(read(&source).imported_libs, ["a", "b"]);
}

#[test]
fn prose_is_not_read() {
    let source = json!({"cells": [{"cell_type": "markdown", "source": "import a"}, {"cell_type": "raw", "source": ["import b"]}],
        "metadata": {"language_info": {"name": "python"}}});
    let got = read(&source);
    assert!(got.imported_libs.is_empty() && got.warnings.is_empty(), "{got:?}");
}

#[test]
fn nbformat_3_has_worksheets_and_inputs() {
    let source = json!({"metadata": {"name": "x"}, "nbformat": 3, "worksheets": [
        {"cells": [{"cell_type": "code", "input": ["import a\n", "print 'x'"], "language": "python", "outputs": []},
                   {"cell_type": "heading", "source": ["import no"]}], "metadata": {}},
        {"cells": [{"cell_type": "code", "input": "import b", "language": "python"}]}]});
    let got = imports(source.to_string().as_bytes(), &Hints { language: Some("python"), ..Hints::default() });
    assert_eq!(got.imported_libs, ["a", "b"]);
    assert_eq!(read(&source).imported_libs, ["a", "b"], "without a hint the text tells");
}

#[test]
fn a_notebook_is_known_by_its_content_whatever_its_suffix() {
    let source = notebook("python", &["import a"]).to_string();
    for name in ["x.ipynb", "x.irnb", "x.py", "x.json", "x"] {
        let got = named(&source, name);
        assert_eq!((got.kind, &*got.imported_libs), (Kind::Notebook, &["a".to_owned()][..]), "{name}");
    }
    assert!(is_notebook(source.as_bytes()));
    assert!(is_notebook(b"\xef\xbb\xbf \n{\"x\": NaN, \"worksheets\": [ cut"));
    for no in [
        "",
        "{}",
        "[]",
        "{\"cells\": 1}",
        "{\"cells\": {}}",
        "import a",
        "{\"a\": {\"cells\": []}}",
        "{x = 1}",
    ] {
        assert!(!is_notebook(no.as_bytes()), "{no}");
    }
}

#[test]
fn two_documents_in_a_row_give_the_first_and_a_warning() {
    let source = format!("{}{}", notebook("python", &["import a"]), notebook("python", &["import b"]));
    let got = imports(source.as_bytes(), &Hints::default());
    assert_eq!(got.imported_libs, ["a"]);
    assert_eq!(got.warnings, ["data behind the notebook's JSON was not read"]);
}

#[test]
fn a_notebook_cut_off_keeps_the_cells_before_the_cut() {
    let source = notebook("python", &["import a", "import b", "import c"]).to_string();
    let cut = source.find("import c").unwrap();
    let got = imports(&source.as_bytes()[..cut], &Hints { language: Some("python"), ..Hints::default() });
    assert_eq!(got.imported_libs, ["a", "b"]);
    assert!(got.warnings[0].contains("JSON breaks"), "{got:?}");
}

#[test]
fn what_only_python_takes_for_json_is_read() {
    let source = "{\"cells\": [{\"cell_type\": \"code\", \"outputs\": [{\"x\": NaN, \"y\": [-Infinity, Infinity]}], \
        \"source\": \"import a\t# \\ud83d\\nimport b\\nx = 'NaN \\\\n \\ud83d\\ude00'\"}], \"metadata\": {\"kernelspec\": {\"name\": \"python3\"}}}";
    let got = imports(source.as_bytes(), &Hints::default());
    assert_eq!(got.imported_libs, ["a", "b"]);
    assert!(got.warnings.is_empty(), "{got:?}");
}

#[test]
fn cells_of_other_forms_are_told_and_the_rest_is_read() {
    let source = json!({"cells": [7, null, {"cell_type": "code"}, {"cell_type": "code", "source": 5}, {"source": "import x"},
        {"cell_type": "code", "source": "import a"}], "metadata": {"kernelspec": {"name": "python3"}}});
    let got = read(&source);
    assert_eq!(got.imported_libs, ["a"]);
    assert_eq!(got.warnings.len(), 5, "{got:?}");
}

#[test]
fn metadata_goes_before_hints_and_hints_before_suffixes() {
    let told = |language| Hints { language: Some(language), file_name: Some("x.py"), ..Hints::default() };
    assert_eq!(
        imports(notebook("R", &["library(a)"]).to_string().as_bytes(), &told("python")).imported_libs,
        ["a"]
    );
    assert_eq!(imports(b"library(a)", &told("r")).imported_libs, ["a"]);
    assert_eq!(imports(b"```{r}\nlibrary(a)\n```", &told("rmarkdown")).kind, Kind::Rmarkdown);
}

#[test]
fn a_suffix_that_lies_is_overruled_by_the_text() {
    let got = named("library(a)\nx <- 1\ny <- function(z) z\n", "539.py");
    assert_eq!((got.language.as_deref(), &*got.imported_libs), (Some("r"), &["a".to_owned()][..]));
    assert!(got.warnings[0].contains("reads like r"), "{got:?}");
    let got = imports(b"import a\nfrom b import c\n", &Hints::default());
    assert_eq!(got.imported_libs, ["a", "b"]);
}

#[test]
fn other_languages_give_nothing_and_a_warning() {
    for (language, name) in [("julia", "julia"), ("sqlite", "sqlite"), ("Scala", "scala")] {
        let got = read(&notebook(language, &["import a"]));
        assert!(got.imported_libs.is_empty() && got.warnings.len() == 1, "{got:?}");
        assert_eq!(got.language.as_deref(), Some(name));
    }
    let got = named("SELECT 1", "x.sql");
    assert!(got.imported_libs.is_empty() && got.warnings.len() == 1, "{got:?}");
    let got = imports(b"hello", &Hints { kernel_type: Some("notebook"), ..Hints::default() });
    assert_eq!((got.language, got.warnings.len()), (None, 2));
}

#[test]
fn bytes_that_are_no_utf_8_are_told() {
    let got =
        imports(b"import a\nx = '\xe9'\nimport b\n", &Hints { language: Some("python"), ..Hints::default() });
    assert_eq!(got.imported_libs, ["a", "b"]);
    assert!(got.warnings[0].contains("not UTF-8"), "{got:?}");
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("import a\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let got = imports(&wide, &Hints { language: Some("python"), ..Hints::default() });
    assert!(got.imported_libs == ["a"] && got.warnings.is_empty(), "{got:?}");
}

#[test]
fn the_answer_serialises_with_every_field() {
    let got = serde_json::to_value(cells(&["import a"])).unwrap();
    assert_eq!(got["kind"], "notebook");
    assert_eq!(got["details"][0]["optional"], false);
    assert_eq!(got["imported_libs"], json!(["a"]));
}
