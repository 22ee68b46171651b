//! Which language a source is in: by what it says of itself, by the service, by its suffix, by its looks.

use super::{Found, Hints};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    R,
    Other(String),
}

impl Language {
    /// By its name in a kernelspec, in the service's answers, in the header of a chunk.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name: String = name.trim().chars().take(40).collect::<String>().to_lowercase();
        if name.is_empty() {
            return None;
        }
        let python = ["python", "ipython", "py", "pypy", "xpython", "conda-env"];
        Some(if python.iter().any(|start| name.starts_with(start)) {
            Language::Python
        } else if matches!(&*name, "r" | "ir" | "xr" | "rmarkdown" | "rmd" | "irkernel")
            || name.starts_with("r ")
        {
            Language::R
        } else {
            Language::Other(name)
        })
    }

    pub(super) fn word(&self) -> &str {
        match self {
            Language::Python => "python",
            Language::R => "r",
            Language::Other(name) => name,
        }
    }

    /// By the service's word, then by the suffix.
    pub(super) fn hinted(hints: &Hints<'_>) -> Option<Self> {
        hints.language.and_then(Language::named).or_else(|| Language::suffix(hints))
    }

    fn suffix(hints: &Hints<'_>) -> Option<Self> {
        Some(match &*suffix(hints)? {
            "py" | "py3" | "pyw" => Language::Python,
            "r" | "rmd" | "rnw" | "irnb" => Language::R,
            "jl" | "ijlnb" => Language::Other("julia".into()),
            "sql" | "sqlite" => Language::Other("sql".into()),
            "scala" | "js" | "cpp" | "java" | "m" | "sh" => Language::Other(suffix(hints)?),
            _ => return None,
        })
    }

    /// By what the text looks like: the lines that only one of the two languages has.
    pub(super) fn sniffed(text: &str) -> Option<Self> {
        let (python, r) = looks(text);
        match python.cmp(&r) {
            std::cmp::Ordering::Greater => Some(Language::Python),
            std::cmp::Ordering::Less => Some(Language::R),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// The suffix of the file's name in lower case.
pub(super) fn suffix(hints: &Hints<'_>) -> Option<String> {
    let (_, suffix) = hints.file_name?.rsplit_once('.')?;
    (suffix.len() <= 10).then(|| suffix.to_ascii_lowercase())
}

/// The language of a source that is no notebook. Suffixes lie (old `.py` files hold R), so without the service's
/// word the text may overrule them.
pub(super) fn of_script(text: &str, hints: &Hints<'_>, found: &mut Found) -> Option<Language> {
    if let Some(told) = hints.language.and_then(Language::named) {
        return Some(told);
    }
    match Language::suffix(hints) {
        Some(told @ (Language::Python | Language::R)) => {
            let (python, r) = looks(text);
            let other = match told {
                Language::Python if python == 0 && r >= 2 => Language::R,
                Language::R if r == 0 && python >= 2 => Language::Python,
                _ => return Some(told),
            };
            found.warn(format!("named like {}, but reads like {}", told.word(), other.word()));
            Some(other)
        }
        Some(other) => Some(other),
        None => {
            let sniffed = Language::sniffed(text)?;
            found.warn(format!("the language is guessed from the text: {}", sniffed.word()));
            Some(sniffed)
        }
    }
}

/// How many lines only Python has, and how many only R.
fn looks(text: &str) -> (usize, usize) {
    let (mut python, mut r) = (0, 0);
    for line in text.lines().take(20_000) {
        let line = line[..line.floor_char_boundary(400)].trim();
        if line.starts_with('#') {
            continue;
        }
        let import = line.starts_with("import ") && !line.contains('(');
        let from = line.starts_with("from ") && line.contains(" import ");
        let block = (line.starts_with("def ") || line.starts_with("class ")) && line.ends_with(':');
        python += usize::from(import || from || block || line.starts_with("print "));
        let loads = ["library(", "require(", "suppressPackageStartupMessages("];
        let load = loads.iter().any(|call| line.starts_with(call));
        r += usize::from(load || line.contains("<-") || line.contains("%>%") || line.contains("function("));
    }
    (python, r)
}
