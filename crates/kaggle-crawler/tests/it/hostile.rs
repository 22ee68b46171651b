//! Sources made to exhaust the stack, the memory or the patience of their reader.

use std::time::{Duration, Instant};

use kaggle_crawler::imports::{Hints, Imports, imports};

use crate::desk::{cells, named, notebook};

/// Far above what any of these takes, far below what a square of it would.
const PATIENCE: Duration = Duration::from_secs(60);

fn timed(what: &str, read: impl FnOnce() -> Imports) -> Imports {
    let start = Instant::now();
    let got = read();
    let took = start.elapsed();
    eprintln!("{what}: {took:?}");
    assert!(took < PATIENCE, "{what}: {took:?}");
    got
}

/// `unit` up to `size` bytes.
fn deep(unit: &str, size: usize) -> String {
    unit.repeat(size / unit.len())
}

#[test]
fn ten_megabytes_of_brackets_do_not_end_the_stack() {
    for bracket in ["(", "[", "{", "f("] {
        let brackets = deep(bracket, 10 << 20);
        let got = timed(bracket, || named(&format!("import before\n{brackets}\nimport after\n"), "a.py"));
        assert_eq!(got.imported_libs, ["before", "after"]);
        let got = timed(bracket, || named(&format!("library(before)\n{brackets}\nlibrary(after)\n"), "a.R"));
        assert_eq!(got.imported_libs, ["before", "after"]);
        let got = timed(bracket, || cells(&[&brackets, "import a"]));
        assert_eq!(got.imported_libs, ["a"]);
    }
}

#[test]
fn deep_nesting_in_python_does_not_end_the_stack() {
    let units = [
        "a+",
        "-",
        "not ",
        "a.",
        "a**",
        "lambda a, b: ",
        "x if y else ",
        "f'{",
        "f\"{f'{",
        "if x: ",
        "@",
        "async ",
        "()",
        "await ",
        "\\\n",
        "'''",
        "\"\"\"'''",
        "`",
        "else:",
        "{a:",
        "x[a,b]",
        "*",
        "try:\n ",
        "print >>f, ",
        "(\n",
    ];
    let blocks = (0..1_000).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    for source in units.iter().map(|unit| deep(unit, 1 << 20)).chain([blocks]) {
        let what: String = source.chars().take(12).collect();
        let got = timed(&what, || named(&format!("import before\n{source}\nimport after\n"), "a.py"));
        assert_eq!(got.imported_libs[0], "before", "{what}");
    }
}

#[test]
fn deep_nesting_in_r_does_not_end_the_stack() {
    let units = [
        "(",
        "[[",
        "{",
        "f(",
        "a+",
        "-",
        "function(x) ",
        "if (a) ",
        "a$",
        "a::",
        "'",
        "`",
        "x <- ",
        "c(x,",
        "%>%",
        "\\(x)",
    ];
    for unit in units {
        let source = format!("library(before)\n{}\nlibrary(after)\n", deep(unit, 1 << 17));
        let got = timed(unit, || named(&source, "a.R"));
        assert_eq!(got.imported_libs[0], "before", "{unit}");
    }
}

#[test]
fn just_below_the_bound_the_tree_is_built_and_freed() {
    for unit in ["(", "[", "-", "f(", "{1:", "lambda: ", "not ", "f'{"] {
        let source = format!("import a\nx = {}", unit.repeat(290));
        assert_eq!(named(&source, "a.py").imported_libs, ["a"]);
    }
    let valid = format!("x = {}1{}\nimport a", "[".repeat(290), "]".repeat(290));
    let got = named(&valid, "a.py");
    assert!(got.warnings.is_empty() && got.imported_libs == ["a"], "{got:?}");
    let chain = format!("x = {}1\nimport a", "1+".repeat(290));
    assert!(named(&chain, "a.py").warnings.is_empty());
}

#[test]
fn a_notebook_of_50_megabytes_is_read() {
    let line = "x = {'key': [1, 2, 3], 'text': 'abc'}  # nothing to see\n";
    let cell = line.repeat(2_000);
    let count = (50 << 20) / cell.len();
    let mut sources: Vec<&str> = vec![&cell; count];
    sources.push("import last");
    let source = notebook("python", &sources).to_string();
    let got = timed("50 MB", || imports(source.as_bytes(), &Hints::default()));
    assert_eq!(got.imported_libs, ["last"]);
}

#[test]
fn millions_of_cells_are_never_held_at_once() {
    let source = format!(
        "{{\"cells\": [{}{{}}], \"metadata\": {{\"kernelspec\": {{\"name\": \"python3\"}}}}}}",
        "{},".repeat(1_000_000)
    );
    let got = timed("a million cells", || imports(source.as_bytes(), &Hints::default()));
    assert!(got.warnings.len() <= 51, "{}", got.warnings.len());
    let nested = format!("{{\"cells\": [{}", "[".repeat(5_000_000));
    timed("brackets in JSON", || imports(nested.as_bytes(), &Hints::default()));
    let metadata = format!("{{\"metadata\": {}", "{\"a\":".repeat(1_000_000));
    timed("objects in JSON", || imports(metadata.as_bytes(), &Hints::default()));
}

#[test]
fn names_and_warnings_are_bounded() {
    let many: String = (0..50_000).map(|at| format!("import a{at}\n!pip install b{at}\n")).collect();
    let got = timed("50,000 imports", || named(&many, "a.py"));
    assert_eq!((got.imported_libs.len(), got.pip_install_lines.len()), (10_000, 10_000));
    assert!(got.warnings.iter().any(|warning| warning.contains("left out")), "{:?}", got.warnings);
    let broken = vec!["x = = 1"; 500];
    let got = cells(&broken);
    assert_eq!(got.warnings.len(), 51);
    assert_eq!(got.warnings[50], "450 further warnings");
    let long = format!("import {}\n", "a".repeat(1 << 20));
    assert!(named(&long, "a.py").imported_libs.is_empty(), "a name of a megabyte is none");
}

#[test]
fn many_tangled_chunks_share_one_patience() {
    let chunk = format!("```{{r}}\nlibrary(aa)\n{}\n```\n", "c(x,".repeat(1 << 16));
    let got = timed("tangled chunks", || named(&chunk.repeat(100), "a.Rmd"));
    assert_eq!(got.imported_libs, ["aa"]);
}

#[test]
fn vectors_that_double_stay_small() {
    let source = format!("x <- c('aa', 'bb')\n{}lapply(x, library)\n", "x <- c(x, x)\n".repeat(200));
    let got = timed("doubling", || named(&source, "a.R"));
    assert_eq!(got.imported_libs, ["aa", "bb"]);
}

#[test]
fn nul_bytes_and_noise_are_read_over() {
    let got = named("import a\n\0\0\0\nimport b\nx = '\0'\n", "a.py");
    assert_eq!(got.imported_libs, ["a", "b"]);
    let got = named("library(a)\n\0\0\nlibrary(b)\n", "a.R");
    assert!(got.imported_libs.iter().any(|name| name == "a"), "{got:?}");
    // A simple generator: the same noise at each run.
    let mut state = 7u64;
    let alphabet: Vec<char> =
        "import from ab.,()[]{}'\"\\\n\n\t :;#%!`=\0é😀\u{feff}f0$<->~@|^&?*+/_\r".chars().collect();
    for round in 0..1_000 {
        let noise: String = (0..200)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                alphabet[(state >> 33) as usize % alphabet.len()]
            })
            .collect();
        for name in ["a.py", "a.R", "a.Rmd", "a.qmd", "a.Rnw", "a"] {
            let _ = named(&noise, name);
        }
        let _ = cells(&[&noise]);
        let _ = named(&format!("---\n{noise}\n---\n```{{r, {noise}}}\n{noise}"), "a.Rmd");
        let raw: Vec<u8> = noise.bytes().map(|byte| byte.wrapping_add((round % 251) as u8)).collect();
        let _ = imports(&raw, &Hints::default());
    }
}

#[test]
fn cells_in_cells_end() {
    let mut source = "import innermost".to_owned();
    for _ in 0..12 {
        source = format!("import a\nget_ipython().run_cell_magic('time', '', {source:?})");
    }
    let got = timed("cells in cells", || named(&source, "a.py"));
    assert_eq!(got.imported_libs, ["a"]);
    assert!(got.warnings.iter().any(|warning| warning.contains("too deep")), "{:?}", got.warnings);
    let magics = "%%time\n".repeat(100_000);
    timed("magics over magics", || cells(&[&magics]));
}

#[test]
fn a_header_does_not_explode() {
    let bomb: String = (0..40).map(|at| format!("a{}: &a{} [*a{at}, *a{at}]\n", at + 1, at + 1)).collect();
    timed("aliases", || named(&format!("---\na0: &a0 x\n{bomb}---\n"), "a.Rmd"));
    timed("deep", || named(&format!("---\n{}\n---\n", "[".repeat(100_000)), "a.Rmd"));
    timed("keys", || named(&format!("---\n{}\n---\n", "? ".repeat(100_000)), "a.Rmd"));
    timed("fences", || named(&"```{r}\n".repeat(100_000), "a.Rmd"));
    timed("inline", || named(&"`r a` ".repeat(20_000), "a.Rmd"));
}
