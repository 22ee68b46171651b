//! Names of repositories and files, as parts of an address.

use crawl_core::{Error, Kind, Record, Result};

use crate::Repos;

/// What a listed row tells of a repository.
#[derive(Debug)]
pub(super) struct Repo {
    /// The `_id`, which stays when it is renamed.
    pub(super) object_id: Option<String>,
    /// `owner/name`, or a bare `name`.
    pub(super) id: String,
    /// The commit that the listing tells.
    pub(super) sha: Option<String>,
}

impl Repo {
    /// # Errors
    /// [`Kind::Shape`] if the row has no id that can be part of an address.
    pub(super) fn of(row: &Record) -> Result<Self> {
        let text = |name: &str| row.raw().get(name).and_then(|value| value.str().map(String::from));
        let id = text("id").filter(|id| is_id(id));
        let id =
            id.ok_or_else(|| Error::new(Kind::Shape, "a row without an id, or with one that is none"))?;
        let sha =
            text("sha").filter(|sha| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
        Ok(Repo { object_id: text("_id"), id, sha })
    }

    /// The commit to ask for: the listed one, so that all parts are of the same.
    pub(super) fn revision(&self) -> &str {
        self.sha.as_deref().unwrap_or("main")
    }

    /// The parts of the address of its tree.
    pub(super) fn tree<'a>(&'a self, repos: Repos) -> impl Iterator<Item = &'a str> {
        ["api", repos.name()].into_iter().chain(self.id.split('/')).chain(["tree", self.revision()])
    }

    /// The parts of the address of a file; `None` if the path could lead elsewhere.
    pub(super) fn file<'a>(&'a self, repos: Repos, path: &'a str) -> Option<impl Iterator<Item = &'a str>> {
        let odd = |part: &str| matches!(part, "" | "." | "..");
        let before = (repos == Repos::Datasets).then_some("datasets");
        let parts = before.into_iter().chain(self.id.split('/')).chain(["resolve", self.revision()]);
        (!path.split('/').any(odd)).then(|| parts.chain(path.split('/')))
    }
}

/// Whether a text is `name` or `owner/name` as the Hub allows them.
pub(super) fn is_id(text: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.is_empty() && !matches!(part, "." | "..") && part.bytes().all(plain)
    };
    text.len() <= 200 && text.split('/').count() <= 2 && text.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_elsewhere_are_none() {
        for odd in ["", "a/b/c", "../x", "a/..", "a b", "a/b?x", "a/é", "/a", &"a".repeat(201)] {
            assert!(!is_id(odd), "{odd}");
        }
        assert!(is_id("gpt2") && is_id("Qwen/Qwen3-8B.v1_x"));
        let repo = Repo { object_id: None, id: "a/b".into(), sha: None };
        for odd in ["..", "x/../../y", "/x", "x//y", "./x"] {
            assert!(repo.file(Repos::Models, odd).is_none(), "{odd}");
        }
        let parts: Vec<_> = repo.file(Repos::Datasets, "x/y z?").unwrap().collect();
        assert_eq!(parts, ["datasets", "a", "b", "resolve", "main", "x", "y z?"]);
    }
}
