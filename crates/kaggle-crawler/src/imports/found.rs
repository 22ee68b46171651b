//! What was found so far: ordered, distinct, bounded.

use std::collections::{HashMap, HashSet};

use super::language::Language;
use super::{ImportedLib, Imports, Kind, names};

/// Distinct entries of one list; a source made to fill memory gets no further.
const MAX_ENTRIES: usize = 10_000;
const MAX_MODULES: usize = 1_000;
const MAX_WARNINGS: usize = 50;
const MAX_NAME: usize = 200;
/// A line of a shell command is kept up to here.
const MAX_LINE: usize = 4_096;

/// How a library was named at one place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) optional: bool,
    pub(crate) dynamic: bool,
    pub(crate) inferred: bool,
    pub(crate) unevaluated: bool,
    pub(crate) written: bool,
    pub(crate) implied: bool,
}

#[derive(Default)]
struct Distinct {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Distinct {
    /// False if there is no more room.
    fn add(&mut self, entry: &str) -> bool {
        if entry.is_empty() || self.seen.contains(entry) {
            return true;
        }
        if self.list.len() == MAX_ENTRIES {
            return false;
        }
        self.seen.insert(entry.to_owned());
        self.list.push(entry.to_owned());
        true
    }
}

#[derive(Default)]
pub(crate) struct Found {
    libs: Vec<ImportedLib>,
    python: HashMap<String, usize>,
    r: HashMap<String, usize>,
    pip: Distinct,
    extensions: Distinct,
    magics: Distinct,
    installs: Distinct,
    written: HashSet<String>,
    warnings: Vec<String>,
    more_warnings: usize,
    full: bool,
    /// What the parser of R took so far.
    pub(crate) tangled: std::time::Duration,
}

impl Found {
    /// A Python module, `a.b.c`; `member` is what is imported from it, which may be a module too.
    pub(crate) fn python(&mut self, module: &str, member: Option<&str>, flags: Flags) {
        let top = module.split('.').next().unwrap_or(module);
        let named = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        if module.len() > MAX_NAME
            || !module.split('.').all(named)
            || top.starts_with(|c: char| c.is_numeric())
        {
            return;
        }
        let Some(lib) = Self::entry(&mut self.libs, &mut self.python, &mut self.full, top, "python", flags)
        else {
            return;
        };
        if lib.modules.len() < MAX_MODULES && !lib.modules.iter().any(|known| known == module) {
            lib.modules.push(module.to_owned());
        }
        if lib.stdlib {
            return;
        }
        let package = match member {
            // Namespaces (`google.cloud`) are shared by many distributions: the member decides.
            Some(member) => names::distribution(&format!("{module}.{member}")),
            None => names::distribution(module),
        };
        if let Some(package) = package
            && !lib.packages.iter().any(|known| known == package)
        {
            lib.packages.push(package.to_owned());
        }
    }

    /// An R package; names that cannot be one are left out.
    pub(crate) fn r(&mut self, name: &str, flags: Flags) {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        if name.len() > MAX_NAME || !plain || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return;
        }
        let Some(lib) = Self::entry(&mut self.libs, &mut self.r, &mut self.full, name, "r", flags) else {
            return;
        };
        if !lib.stdlib && lib.packages.is_empty() {
            lib.packages.push(name.to_owned());
        }
    }

    fn entry<'a>(
        libs: &'a mut Vec<ImportedLib>,
        known: &mut HashMap<String, usize>,
        full: &mut bool,
        name: &str,
        language: &'static str,
        flags: Flags,
    ) -> Option<&'a mut ImportedLib> {
        if let Some(&at) = known.get(name) {
            let lib = &mut libs[at];
            lib.optional &= flags.optional;
            lib.dynamic &= flags.dynamic;
            lib.inferred &= flags.inferred;
            lib.unevaluated &= flags.unevaluated;
            lib.written &= flags.written;
            lib.implied &= flags.implied;
            return Some(lib);
        }
        if libs.len() >= MAX_ENTRIES {
            *full = true;
            return None;
        }
        known.insert(name.to_owned(), libs.len());
        libs.push(ImportedLib {
            name: name.to_owned(),
            language,
            stdlib: if language == "r" { names::is_base_r(name) } else { names::is_python(name) },
            optional: flags.optional,
            dynamic: flags.dynamic,
            inferred: flags.inferred,
            unevaluated: flags.unevaluated,
            written: flags.written,
            implied: flags.implied,
            ..ImportedLib::default()
        });
        libs.last_mut()
    }

    pub(crate) fn pip_install(&mut self, line: &str) {
        let end = line.floor_char_boundary(MAX_LINE);
        self.full |= !self.pip.add(line[..end].trim());
    }

    pub(crate) fn extension(&mut self, name: &str) {
        let end = name.floor_char_boundary(MAX_NAME);
        self.full |= !self.extensions.add(&name[..end]);
    }

    pub(crate) fn magic(&mut self, name: &str) {
        let end = name.floor_char_boundary(MAX_NAME);
        self.full |= !self.magics.add(&name[..end]);
    }

    pub(crate) fn install(&mut self, package: &str) {
        let end = package.floor_char_boundary(MAX_NAME);
        self.full |= !self.installs.add(&package[..end]);
    }

    /// A file that the kernel writes: `x.py` makes a module `x`.
    pub(crate) fn written(&mut self, path: &str) {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        if let Some(module) = name.strip_suffix(".py")
            && self.written.len() < MAX_ENTRIES
            && module.len() < MAX_NAME
        {
            // A package is a folder: `pkg/__init__.py`, `pkg/x.py`.
            let parts = path.trim_start_matches("./").split('/').filter(|part| !part.is_empty());
            let folders = parts.take(8).take_while(|part| *part != name).map(str::to_owned);
            self.written.extend(folders.chain([module.to_owned()]));
        }
    }

    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        } else {
            self.more_warnings += 1;
        }
    }

    pub(crate) fn done(mut self, language: Option<&Language>, kind: Kind) -> Imports {
        if self.full {
            self.warnings.push(format!("more than {MAX_ENTRIES} names; the rest was left out"));
        }
        if self.more_warnings > 0 {
            self.warnings.push(format!("{} further warnings", self.more_warnings));
        }
        for lib in &mut self.libs {
            let own = |name: &str| names::is_kaggle(name) || self.written.contains(name);
            if lib.language == "python" && !lib.stdlib && own(&lib.name) {
                lib.local = true;
                lib.packages.clear();
            }
        }
        let word = language.map(Language::word);
        let main = |lib: &&ImportedLib| Some(lib.language) == word && !lib.implied && !lib.written;
        Imports {
            imported_libs: self.libs.iter().filter(main).map(|lib| lib.name.clone()).collect(),
            language: word.map(str::to_owned),
            kind,
            details: self.libs,
            pip_install_lines: self.pip.list,
            load_ext: self.extensions.list,
            cell_magics: self.magics.list,
            installs: self.installs.list,
            warnings: self.warnings,
        }
    }
}
