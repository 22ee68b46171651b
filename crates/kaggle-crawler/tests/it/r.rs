//! R: calls, constants, chunks, headers.

use kaggle_crawler::imports::Kind;

use crate::desk::{flagged, lib, named, notebook, read};

#[test]
fn packages_are_found_in_every_form_of_loading() {
    let source = "library(aa)\nlibrary(\"bb\")\nrequire('cc', quietly = TRUE)\nbase::library(dd)\nif (!requireNamespace('ee')) stop()\n\
                  loadNamespace(\"ff\")\nsuppressPackageStartupMessages({ library(gg); library(hh) })\nii::f()\njj:::g(1)\n\"kk\"::h\n`ll`::i()\n\
                  x |> mm::n()\nlibrary(package = oo)\nlibrary()\nlibrary(help = pp)\n# library(qq)\ns <- 'library(rr)'\n\
                  r\"(library(ss))\"\nlibrary(not_known, character.only = TRUE)\n";
    let got = named(source, "a.R");
    assert_eq!(
        got.imported_libs,
        ["aa", "bb", "cc", "base", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk", "ll", "mm", "oo"]
    );
    flagged(&got, |lib| lib.stdlib, &["base"]);
    flagged(&got, |lib| lib.optional, &["ee"]);
    assert_eq!((got.language.as_deref(), got.kind), (Some("r"), Kind::Script));
    assert_eq!(lib(&got, "aa").packages, ["aa"]);
}

#[test]
fn constants_are_followed_and_flagged() {
    let source = "pkgs <- c('aa', \"bb\")\npkgs <- c(pkgs, 'cc')\ninvisible(lapply(pkgs, library, character.only = TRUE))\n\
                  sapply(c('dd'), require, character.only = T)\nfor (p in c('ee', 'ff')) library(p, character.only = TRUE)\n\
                  one = 'gg'\nlibrary(one, character.only = TRUE)\npurrr::walk(list('hh'), function(x) library(x, character.only = TRUE))\n\
                  lapply(unknown(), library)\nc('ii') -> right\nMap(library, right)\nfor (q in 1:3) print(q)\n";
    let got = named(source, "a.R");
    flagged(&got, |lib| lib.inferred, &["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh", "ii"]);
    assert_eq!(got.imported_libs, ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "purrr", "hh", "ii"]);
}

#[test]
fn package_managers_and_pipes_are_understood() {
    let source = "pacman::p_load(aa, 'bb')\np_load(char = c('cc'))\nxfun::pkg_attach(c('dd', 'ee'))\n\
                  box::use(ff, g = gg[x], hh/path, ./own)\nimport::from(ii, f)\nimport::here(f, .from = jj)\n'kk' %>% library\n'll' |> library()\n\
                  use('mm')\nrenv::use(nn = 'x/nn', 'oo@1.0')\nmodule({ import('pp') })\nimport('no')\ndata('x', package = 'qq')\n\
                  glue(\"{rr::f()} {{no::no}}\")\nsystem.file('x', package = 'ss')\n";
    let got = named(source, "a.R");
    let all = [
        "pacman", "aa", "bb", "cc", "xfun", "dd", "ee", "box", "ff", "gg", "import", "ii", "jj", "kk", "ll",
        "mm", "renv", "nn", "oo", "pp", "qq", "rr", "ss",
    ];
    assert_eq!(got.imported_libs, all);
    flagged(&got, |lib| lib.implied, &["modules"]);
}

#[test]
fn installs_are_no_imports() {
    let source = "install.packages('aa')\ninstall.packages(c(\"bb\", 'cc'), repos = 'x')\nBiocManager::install('dd')\n\
                  remotes::install_github('ee/ff')\nmine <- c('gg')\ninstall.packages(mine)\ninstall('no')\n";
    let got = named(source, "a.R");
    assert_eq!(got.installs, ["aa", "bb", "cc", "dd", "ee/ff", "gg"]);
    assert_eq!(got.imported_libs, ["BiocManager", "remotes"]);
}

#[test]
fn functions_that_want_a_package_imply_it() {
    let got =
        named("ggplot() + geom_hex()\nset_engine(x, 'ranger')\ntar_option_set(packages = c('aa'))", "a.R");
    flagged(&got, |lib| lib.implied, &["hexbin", "ranger", "targets"]);
    assert_eq!(got.imported_libs, ["aa"]);
}

#[test]
fn broken_r_is_read_as_far_as_it_parses() {
    let got = named("library(aa)\nx <- _____\nfoo((\nlibrary(bb)\n)\n}}\nlibrary(cc)\n", "a.R");
    for name in ["aa", "cc"] {
        assert!(got.imported_libs.iter().any(|found| found == name), "{got:?}");
    }
    assert!(got.warnings[0].contains("not valid R"), "{got:?}");
}

#[test]
fn r_notebooks_imply_their_kernel() {
    let mut source = notebook("R", &["library(aa)", "bb::c()"]);
    source["metadata"]["kernelspec"]["name"] = "ir".into();
    let got = read(&source);
    assert_eq!(got.imported_libs, ["aa", "bb"]);
    flagged(&got, |lib| lib.implied, &["IRkernel"]);
    assert_eq!(got.kind, Kind::Notebook);
}

const DOCUMENT: &str = "---\ntitle: x\noutput:\n  bookdown::html_document2:\n    theme:\n      version: 5\nruntime: shiny\nparams:\n  a: !r ya::b()\n  c: no::d()\n---\n\
    Prose with `r ia::f()` and `r ib::g()`, but library(no).\n\n\
    ```{r setup, include=FALSE}\nlibrary(ca)\npkgs <- c('cb')\n```\n\
    ```{r, eval=FALSE}\nlibrary(ua)\nlibrary(ca)\n```\n\
    ```{r}\n#| eval: false\nlibrary(ub)\n```\n\
    ```{r}\n#| eval: !expr f()\nlapply(pkgs, library, character.only = TRUE)\n```\n\
    ```{python}\nimport numpy\n```\n```{sql}\nlibrary(no)\n```\n```r\nlibrary(no)\n```\n\
    > ```{r}\nlibrary(cc)\n> ```\n```{r}\n<<setup>>\nlibrary(cd)\n```{r}\nlibrary(ce)\n";

#[test]
fn documents_have_chunks_inline_code_and_a_header() {
    for source in [DOCUMENT.to_owned(), DOCUMENT.replace('\n', "\r\n")] {
        let got = named(&source, "a.Rmd");
        assert_eq!(got.imported_libs, ["ia", "ib", "ca", "ua", "ub", "cb", "cc", "cd", "ce"], "{got:?}");
        flagged(&got, |lib| lib.unevaluated, &["ua", "ub"]);
        flagged(&got, |lib| lib.inferred, &["cb"]);
        flagged(&got, |lib| lib.implied, &["bookdown", "bslib", "shiny", "ya", "rmarkdown"]);
        flagged(&got, |lib| lib.language == "python", &["numpy"]);
        assert_eq!((got.kind, got.language.as_deref()), (Kind::Rmarkdown, Some("r")));
        assert!(got.warnings.iter().any(|warning| warning.contains("is not closed")), "{got:?}");
    }
}

#[test]
fn a_document_of_any_name_is_known_by_its_chunks() {
    let got = named("---\ntitle: x\n---\n```{r}\nlibrary(aa)\n```\n", "script.txt");
    assert_eq!((got.kind, got.imported_libs), (Kind::Rmarkdown, vec!["aa".to_owned()]));
}

#[test]
fn quarto_with_python_alone_is_python() {
    let got = named("---\ntitle: x\n---\n```{python}\nimport aa\n```\n", "a.qmd");
    assert_eq!((got.language.as_deref(), &*got.imported_libs), (Some("python"), &["aa".to_owned()][..]));
    flagged(&got, |lib| lib.implied, &[]);
}

#[test]
fn sweave_has_chunks_too() {
    let got = named(
        "\\section{x}\n<<a, echo=FALSE>>=\nlibrary(aa)\n@\nlibrary(no) \\Sexpr{bb::c()}\n<<eval=F>>=\nlibrary(cc)\n@\n",
        "a.Rnw",
    );
    assert_eq!(got.imported_libs, ["aa", "bb", "cc"]);
    flagged(&got, |lib| lib.unevaluated, &["cc"]);
}
