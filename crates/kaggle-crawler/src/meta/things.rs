//! What topics stand in and what they are about: forums, competitions, datasets, models, kernels.

use std::path::Path;

use crawl_core::Result;
use crawl_core::record::conversation::{About, Category};

use super::Tables;
use super::known::{Known, Wanted};
use super::owners::{Owner, Owners};
use crate::discussions::thing;

/// The tables that they are read from.
pub(crate) const TABLES: [&str; 6] =
    ["Forums", "Competitions", "Datasets", "DatasetVersions", "Models", "Kernels"];

/// Kind, owner, slug, or the version of a dataset that has it.
type Claim = (String, Owner, Option<String>, Option<u64>);

pub(crate) struct Things {
    forums: Known,
    /// By the forum of the thing.
    claims: Known,
    kernels: Known,
    slugs: Known,
}

impl Things {
    /// Reads what is known of these forums and kernels; the ids of their owners are added to `users`.
    pub(crate) fn read(
        tables: &Tables,
        (forums, again): (Wanted, Wanted),
        kernels: Wanted,
        users: &mut Wanted,
        scratch: &Path,
    ) -> Result<Self> {
        let mut names = Known::new(&scratch.join("forums"), forums)?;
        tables.read("Forums", &["Id", "Title"], |row| match row.text(1) {
            Some(title) => names.put(row.number(0), &title),
            None => Ok(()),
        })?;
        let mut claims = Known::new(&scratch.join("claims"), again)?;
        let nobody = Owner::default();
        tables.read("Competitions", &["ForumId", "Slug"], |row| {
            claims.put(row.number(0), &("competition", nobody, row.text(1), None::<u64>))
        })?;
        let mut versions = Wanted::default();
        let owned = ["ForumId", "OwnerUserId", "OwnerOrganizationId", "CurrentDatasetVersionId"];
        tables.read("Datasets", &owned, |row| {
            if !claims.wants(row.number(0)) {
                return Ok(());
            }
            users.add(row.number(1));
            versions.add(row.number(3));
            let owner = Owner(row.number(1), row.number(2));
            claims.put(row.number(0), &("dataset", owner, None::<&str>, row.number(3)))
        })?;
        let owned = ["ForumId", "OwnerUserId", "OwnerOrganizationId", "CurrentSlug"];
        tables.read("Models", &owned, |row| {
            if !claims.wants(row.number(0)) {
                return Ok(());
            }
            users.add(row.number(1));
            let owner = Owner(row.number(1), row.number(2));
            claims.put(row.number(0), &("model", owner, row.text(3), None::<u64>))
        })?;
        let mut sources = Known::new(&scratch.join("kernels"), kernels)?;
        tables.read("Kernels", &["Id", "AuthorUserId", "CurrentUrlSlug"], |row| {
            if !sources.wants(row.number(0)) {
                return Ok(());
            }
            users.add(row.number(1));
            sources.put(row.number(0), &("kernel", Owner(row.number(1), None), row.text(2), None::<u64>))
        })?;
        let mut slugs = Known::new(&scratch.join("slugs"), versions)?;
        tables.read("DatasetVersions", &["Id", "Slug"], |row| match row.text(1) {
            Some(slug) => slugs.put(row.number(0), &slug),
            None => Ok(()),
        })?;
        Ok(Things { forums: names, claims, kernels: sources, slugs })
    }

    pub(crate) fn category(&mut self, forum: Option<u64>) -> Result<Option<Category>> {
        let name = self.forums.get(forum)?;
        Ok(forum.map(|id| Category { id: Some(id), name, ..Category::default() }))
    }

    /// What a topic is about; `None` if it is about nothing, or the tables do not tell its ref.
    pub(crate) fn about(
        &mut self,
        forum: Option<u64>,
        kernel: Option<u64>,
        owners: &mut Owners,
    ) -> Result<Option<About>> {
        let claim = match kernel {
            Some(_) => self.kernels.get::<Claim>(kernel)?,
            None => self.claims.get::<Claim>(forum)?,
        };
        let Some((kind, owner, slug, version)) = claim else { return Ok(None) };
        let slug = match slug {
            Some(slug) => Some(slug),
            None => self.slugs.get(version)?,
        };
        let Some(slug) = slug else { return Ok(None) };
        if kind == "competition" {
            return Ok(Some(thing(&kind, slug)));
        }
        Ok(owners.slug(owner)?.map(|owner| thing(&kind, format!("{owner}/{slug}"))))
    }
}
