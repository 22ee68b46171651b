//! Owners of things: users by their ids, of which there are millions, and organisations, of which there are few.

use std::collections::HashMap;
use std::path::Path;

use crawl_core::Result;
use serde::{Deserialize, Serialize};

use super::Tables;
use super::known::{Known, Wanted};

/// The columns of a thing that tell its owner: user, organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner(pub(crate) Option<u64>, pub(crate) Option<u64>);

/// A user's name in addresses and the one for people.
pub(crate) type Names = (Option<String>, Option<String>);

/// The tables that they are read from.
pub(crate) const TABLES: [&str; 2] = ["Users", "Organizations"];

pub(crate) struct Owners {
    users: Known,
    organizations: HashMap<u64, String>,
}

impl Owners {
    /// Reads the names of the wanted users, and those of all organisations.
    pub(crate) fn read(tables: &Tables, wanted: Wanted, scratch: &Path) -> Result<Self> {
        let mut users = Known::new(&scratch.join("users"), wanted)?;
        tables.read("Users", &["Id", "UserName", "DisplayName"], |row| {
            let id = row.number(0);
            match users.wants(id) {
                true => users.put(id, &(row.text(1), row.text(2))),
                false => Ok(()),
            }
        })?;
        let mut organizations = HashMap::new();
        tables.read("Organizations", &["Id", "Slug"], |row| {
            organizations.extend(row.number(0).zip(row.owned(1)));
            Ok(())
        })?;
        Ok(Owners { users, organizations })
    }

    pub(crate) fn user(&mut self, id: Option<u64>) -> Result<Option<Names>> {
        self.users.get(id)
    }

    /// The name of an owner in addresses.
    pub(crate) fn slug(&mut self, owner: Owner) -> Result<Option<String>> {
        let of = owner.1.and_then(|id| self.organizations.get(&id).cloned());
        match of {
            Some(slug) => Ok(Some(slug)),
            None => Ok(self.user(owner.0)?.and_then(|names| names.0)),
        }
    }
}
