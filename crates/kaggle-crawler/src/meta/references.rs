//! The refs of all datasets, kernels or models, of the tables.

use std::path::Path;

use crawl_core::{Record, Result};
use serde_json::json;

use super::known::{Known, Wanted};
use super::once::{Counts, Out, once};
use super::owners::{self, Owner, Owners};
use super::{Lines, Tables, folder};

/// Which refs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of datasets, for the listing `stages/datasets`.
    Datasets,
    /// Of kernels, for the listing `stages/kernels`.
    Kernels,
    /// Of models, for the listing `stages/models`.
    Models,
}

impl Which {
    /// The name of the listing, its table, and the columns that tell user, organisation and slug.
    fn told(self) -> (&'static str, &'static str, [&'static str; 3]) {
        match self {
            Which::Datasets => (
                "stages/datasets",
                "Datasets",
                ["OwnerUserId", "OwnerOrganizationId", "CurrentDatasetVersionId"],
            ),
            Which::Kernels => {
                ("stages/kernels", "Kernels", ["AuthorUserId", "AuthorUserId", "CurrentUrlSlug"])
            }
            Which::Models => {
                ("stages/models", "Models", ["OwnerUserId", "OwnerOrganizationId", "CurrentSlug"])
            }
        }
    }
}

/// The refs that the tables tell, each as `{"ref": name}`, in the order of the table, as the listing of that part
/// below `root`. Names of users change, so an item may be called otherwise now; what has no owner or no slug in the
/// tables is counted.
///
/// # Errors
/// [`crawl_core::Kind::Config`] if the table is not there; those of reading and writing.
pub fn references(tables: &Tables, which: Which, root: &Path) -> Result<Lines> {
    let (name, table, _) = which.told();
    let folder = folder(root, name);
    let stamp = format!(
        "references 1 {table}\n{}{}",
        tables.stamp(&[table, "DatasetVersions"]),
        tables.stamp(&owners::TABLES)
    );
    let made = once(&folder, &stamp, |scratch, out| make(tables, which, scratch, out))?;
    let dangling = made.counts.iter().filter(|(name, count)| name.starts_with("without") && **count > 0);
    for (name, count) in dangling {
        tracing::warn!(
            "{table}: {count} of {} items are {name}",
            made.counts.get("items").copied().unwrap_or(0)
        );
    }
    Lines::new(name, &folder, made, 1000)
}

fn make(tables: &Tables, which: Which, scratch: &Path, out: &mut Out) -> Result<Counts> {
    let (_, table, [user, organization, slug]) = which.told();
    let owner = |row: super::table::Row<'_>| {
        Owner(row.number(0), (which != Which::Kernels).then(|| row.number(1)).flatten())
    };
    let (mut users, mut versions, mut items) = (Wanted::default(), Wanted::default(), 0u64);
    let columns = [user, organization, slug];
    tables.must_read(table, &columns, |row| {
        items += 1;
        users.add(owner(row).0);
        if which == Which::Datasets {
            versions.add(row.number(2));
        }
        Ok(())
    })?;
    let mut owners = Owners::read(tables, users, scratch)?;
    let mut slugs = Known::new(&scratch.join("slugs"), versions)?;
    if which == Which::Datasets {
        tables.must_read("DatasetVersions", &["Id", "Slug"], |row| match row.text(1) {
            Some(slug) => slugs.put(row.number(0), &slug),
            None => Ok(()),
        })?;
    }
    let (mut ownerless, mut nameless) = (0, 0);
    tables.must_read(table, &columns, |row| {
        let slug = match which {
            Which::Datasets => slugs.get::<String>(row.number(2))?,
            _ => row.owned(2),
        };
        match (owners.slug(owner(row))?, slug) {
            (Some(owner), Some(slug)) => {
                out.put(&Record::write(&json!({"ref": format!("{owner}/{slug}")}))?)?;
            }
            (None, _) => ownerless += 1,
            (Some(_), None) => nameless += 1,
        }
        Ok(())
    })?;
    Ok(Counts::from([
        ("items".into(), items),
        ("without a known owner".into(), ownerless),
        ("without a name".into(), nameless),
    ]))
}
