//! Recorded kernels: what others found in them is found.
//!
//! They are not ours to ship: `just samples DIR` names their folder in `GLEANER_SAMPLES`. Without it there is
//! nothing to read, and these tests say so.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kaggle_crawler::imports::{Hints, Imports, imports};
use serde::Deserialize;

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
fn samples() -> Option<PathBuf> {
    let folder =
        std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join("kaggle/kernels"));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded kernels are read");
    }
    folder
}

fn rows<T: for<'a> Deserialize<'a>>(folder: &std::path::Path, name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(folder: &std::path::Path, file: &str) -> Imports {
    let source = std::fs::read(folder.join(file)).unwrap();
    imports(&source, &Hints { file_name: Some(file), ..Hints::default() })
}

fn set(list: &[String]) -> BTreeSet<&str> {
    list.iter().map(String::as_str).collect()
}

#[derive(Deserialize)]
struct Python {
    file: String,
    modules: Vec<String>,
    top_level: Vec<String>,
    pip_install_lines: Vec<String>,
    load_ext: Vec<String>,
    cell_magics: Vec<String>,
    trailing_json: bool,
}

/// Lines that the expected file lacks although they install: it was made with a pattern that knows whole cells, one
/// command a line, and `pip` under no other name.
const ARGUED: [(&str, &[&str]); 5] = [
    // Below `%%sh`, every line is a shell line.
    ("sentiment-clf-jax-flax-on-tpus-w-b.ipynb", &["-q wandb --upgrade"]),
    // `pip3 install` is `pip install`.
    (
        "chaii-hindi-and-tamil-question-answering_neurowolfipynb.py",
        &["simpledemotivators", "transformers==2.8.0", "urllib3==1.25.4"],
    ),
    ("connectx_neurowolfipynb.py", &["simpledemotivators", "transformers==2.8.0", "urllib3==1.25.4"]),
    // The second command of a line: `cd ...; pip install ...`.
    ("imc-2022-dkm-loftripynb.py", &["-f /kaggle/input/dkm-models/wheels -e ."]),
    // The body of `%%capture`, in a converted notebook a string, runs as any other cell.
    (
        "nlp-document-retrieval-for-question-answeringipynb.py",
        &["wikipedia==1.4.0", "scikit-learn==1.0.2", "gensim==4.0.1"],
    ),
];

#[test]
fn the_126_recorded_python_kernels_import_what_is_expected() {
    let Some(folder) = samples() else { return };
    let rows: Vec<Python> = rows(&folder, "expected_imports_python.jsonl");
    assert_eq!(rows.len(), 126);
    let mut wrong = Vec::new();
    for row in &rows {
        let got = read(&folder, &row.file);
        let argued =
            ARGUED.iter().find(|(file, ..)| row.file.ends_with(file)).map_or(&[][..], |argued| argued.1);
        let expected: BTreeSet<&str> =
            set(&row.pip_install_lines).into_iter().chain(argued.iter().copied()).collect();
        let mut check = |what: &str, got: BTreeSet<&str>, expected: BTreeSet<&str>| {
            if got != expected {
                wrong.push(format!("{} {what}: got {got:?}, expected {expected:?}", row.file));
            }
        };
        check("top_level", set(&got.imported_libs), set(&row.top_level));
        let libs = got.details.iter().filter(|lib| lib.language == "python" && !lib.written);
        let modules = libs.flat_map(|lib| lib.modules.iter().map(String::as_str)).collect();
        // Modules of a written file stand beside those of the kernel.
        if !got.cell_magics.iter().any(|magic| magic == "writefile") {
            check("modules", modules, set(&row.modules));
        }
        check("pip_install_lines", set(&got.pip_install_lines), expected);
        check("load_ext", set(&got.load_ext), set(&row.load_ext));
        check("cell_magics", set(&got.cell_magics), set(&row.cell_magics));
        let trailing = got.warnings.iter().any(|warning| warning.contains("data behind"));
        if !argued.is_empty() && set(&row.pip_install_lines).is_superset(&argued.iter().copied().collect()) {
            wrong.push(format!("{}: the argument is needed no more", row.file));
        }
        if trailing != row.trailing_json
            || got.warnings.len() > usize::from(trailing)
            || got.language.as_deref() != Some("python")
        {
            wrong.push(format!("{}: {:?} {:?}", row.file, got.language, got.warnings));
        }
    }
    assert!(wrong.is_empty(), "{}\n", wrong.join("\n"));
}

#[derive(Deserialize)]
struct Renv {
    file: String,
    #[serde(rename = "match")]
    how: String,
    include: Vec<String>,
    exclude: Vec<String>,
}

#[test]
fn the_31_edge_cases_of_renv_hold_under_its_policy() {
    let Some(folder) = samples() else { return };
    let rows: Vec<Renv> = rows(&folder, "expected_imports_r_renv.jsonl");
    assert_eq!(rows.len(), 31);
    let mut wrong = Vec::new();
    for row in &rows {
        let got = read(&folder, &row.file);
        // renv's policy: chunks that are not run do not count, implied packages do.
        let libs = got.details.iter().filter(|lib| lib.language == "r" && !lib.unevaluated);
        let libs: BTreeSet<&str> = libs.map(|lib| lib.name.as_str()).collect();
        let included = set(&row.include).is_subset(&libs) && set(&row.exclude).is_disjoint(&libs);
        let exact = row.how != "exact" || libs == set(&row.include);
        if !included || !exact {
            wrong.push(format!(
                "{} ({}): got {libs:?}, expected {:?} {:?}",
                row.file, row.how, row.include, got.warnings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_tables_of_meta_kaggle_stream_row_by_row_and_nothing_is_lost() {
    let Some(kernels) = samples() else { return };
    let tables = kernels.parent().unwrap().join("meta_kaggle");
    for (name, rows, columns, broken) in
        [("Competitions_2022-03.csv", 5_212, 42, 4), ("Organizations_2022-03.csv", 645, 5, 191)]
    {
        let table = kaggle_crawler::competitions::Table::open(tables.join(name)).unwrap();
        let root = tempfile::tempdir().unwrap();
        let end = crate::shop::run(&table, root.path()).await.unwrap();
        assert_eq!((end.totals.records, end.totals.missing), (rows, 0), "{name}");
        let records = crate::shop::rows(root.path(), "stages/competitions");
        assert!(records.iter().all(|row| row.as_object().unwrap().len() == columns), "{name}");
        // Line breaks are within fields.
        let breaks = records.iter().filter(|row| row.to_string().contains("\\n")).count();
        assert_eq!(breaks, broken, "{name}");
    }
}
