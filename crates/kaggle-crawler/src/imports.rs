//! Which libraries a Kaggle kernel imports, read from its source; nothing is run.
//!
//! Python is parsed by Ruff's parser and R by the tree-sitter grammar. A notebook is read cell by cell, so a cell that
//! is broken loses nothing of the others: its import statements are read one by one, and a warning says so.

mod broken;
mod chunks;
mod depth;
mod found;
mod glue;
mod header;
mod ipython;
mod language;
mod names;
mod notebook;
mod python;
mod r;
mod r_calls;
mod r_values;
mod repair;
mod shell;
mod text;

use serde::Serialize;

pub(crate) use found::{Flags, Found};
use language::Language;

/// Sources above this many bytes are not read; the largest kernels on Kaggle are far below.
pub const MAX_SOURCE: usize = 256 << 20;
/// Python above this many bytes is read statement by statement only.
const MAX_PARSED: usize = 4 << 20;

/// What is known about a source beside its bytes. The content has the first word: a notebook's own metadata, then
/// `language`, then the suffix of `file_name`, then what the text looks like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The service's word for the language: `python`, `r`, `rmarkdown`, `sqlite`, `julia`.
    pub language: Option<&'a str>,
    /// The service's word for the kind: `script` or `notebook`. Content decides; a difference is a warning.
    pub kernel_type: Option<&'a str>,
    /// The name of the file; only its suffix is looked at.
    pub file_name: Option<&'a str>,
}

/// The form of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Jupyter notebook, recognised by its content.
    Notebook,
    /// Code from the first line to the last.
    Script,
    /// Prose with chunks of code: R Markdown, Quarto, Sweave.
    Rmarkdown,
}

/// One library. A flag is set if it holds for each place where the library is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportedLib {
    /// The top-level import name (Python) or the package (R).
    pub name: String,
    /// `python` or `r`; it differs from [`Imports::language`] in `%%R` cells and `{python}` chunks.
    pub language: &'static str,
    /// The dotted names that were imported, in order (Python).
    pub modules: Vec<String>,
    /// The distributions that bring them, where known: `cv2` -> `opencv-python`.
    pub packages: Vec<String>,
    /// Part of Python (2.7 to 3.13) or of R itself.
    pub stdlib: bool,
    /// In no package index: written by the kernel itself (`%%writefile x.py`), or Kaggle's own.
    pub local: bool,
    /// The code goes on without it: `try: import x`, `requireNamespace("x")`.
    pub optional: bool,
    /// Named by a string: `__import__("x")`, `importlib.import_module("x")`.
    pub dynamic: bool,
    /// Not named where it is loaded: a vector of names in the same source, `data(package = "x")`.
    pub inferred: bool,
    /// Not run when the kernel runs: a chunk with `eval=FALSE`, `if TYPE_CHECKING`.
    pub unevaluated: bool,
    /// In a file that the kernel writes (`%%writefile x.py`) and does not import itself. Such a library is in `details`
    /// only.
    pub written: bool,
    /// Needed although no code names it: by the YAML header, by the kind of file, by the kernel of a notebook, by a
    /// function that wants it. Such a library is in `details` only.
    pub implied: bool,
}

/// What a source imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imports {
    /// `python`, `r`, another language in lower case, or null if nothing tells.
    pub language: Option<String>,
    /// The form of the source.
    pub kind: Kind,
    /// Distinct top-level names in the language of the source, in order of appearance, the standard library included.
    pub imported_libs: Vec<String>,
    /// The same libraries with what is known of each; also the implied and the written ones, and those of
    /// other languages in cells and chunks.
    pub details: Vec<ImportedLib>,
    /// What stands behind `pip install`, `pip3 install` or `conda install` in shell lines, distinct, in order.
    pub pip_install_lines: Vec<String>,
    /// Extensions of `%load_ext` and `%reload_ext`, distinct, in order.
    pub load_ext: Vec<String>,
    /// Names of cell magics, distinct, in order.
    pub cell_magics: Vec<String>,
    /// What R installs: arguments of `install.packages`, `BiocManager::install`, `install_github` and the like.
    pub installs: Vec<String>,
    /// What could not be read, and what was guessed.
    pub warnings: Vec<String>,
}

/// Reads the libraries that `source` imports. Never fails: what cannot be read is told in the warnings.
pub fn imports(source: &[u8], hints: &Hints<'_>) -> Imports {
    let mut found = Found::default();
    if source.len() > MAX_SOURCE {
        found.warn(format!("the source has {} bytes, more than {MAX_SOURCE}; it was not read", source.len()));
        return found
            .done(None, if hints.kernel_type == Some("notebook") { Kind::Notebook } else { Kind::Script });
    }
    let (text, lossy) = text::decode(source);
    if lossy {
        found.warn("some bytes are not UTF-8 and were replaced".into());
    }
    let (language, kind) = if notebook::is_one(&text) {
        (notebook::read(&text, hints, &mut found), Kind::Notebook)
    } else {
        plain(&text, hints, &mut found)
    };
    if hints.kernel_type == Some("notebook") && kind != Kind::Notebook {
        found.warn("said to be a notebook, but the content is none".into());
    }
    found.done(language.as_ref(), kind)
}

/// Whether `source` is a notebook by its content: a JSON object with a list `cells` or `worksheets`, whatever stands
/// behind it or is broken after the start of that list.
pub fn is_notebook(source: &[u8]) -> bool {
    source.len() <= MAX_SOURCE && notebook::is_one(&text::decode(source).0)
}

/// Reads a source that is no notebook.
fn plain(text: &str, hints: &Hints<'_>, found: &mut Found) -> (Option<Language>, Kind) {
    if let Some(form) = chunks::form(text, hints) {
        return (Some(chunks::read(text, form, hints, found)), Kind::Rmarkdown);
    }
    let language = language::of_script(text, hints, found);
    match &language {
        Some(Language::Python) => ipython::script(text, found),
        Some(Language::R) => r::code(text, Flags::default(), "the script", found),
        Some(Language::Other(name)) => found.warn(format!("{name} is not a language whose imports are read")),
        None => found.warn("the language is not known; no imports were read".into()),
    }
    (language, Kind::Script)
}
