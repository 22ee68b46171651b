//! Flags that several commands have: which records, by which name, and where a report goes.

use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{print, say};
use crawl_core::Error;
use serde::Serialize;

/// Which records of a root, and what they are called.
#[derive(Args)]
pub(crate) struct Which {
    /// Which listing of the roots, if they have several
    #[arg(long, value_name = "NAME")]
    pub(crate) listing: Option<String>,
    /// The member that holds the id, also in a gold file [default: repo_id if a record has it, else id]
    #[arg(long, value_name = "NAME")]
    pub(crate) id_field: Option<String>,
}

/// Where a report goes beside the table.
#[derive(Args)]
pub(crate) struct Told {
    /// Write the whole report as JSON; `-` is stdout, instead of the table
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
}

impl Told {
    /// Writes the report where it is wanted, and prints the table where stdout is not taken.
    pub(crate) fn tell(&self, report: &impl Serialize, table: &str) -> Result<()> {
        match &self.json {
            Some(path) if path.as_os_str() == "-" => {
                print(serde_json::to_string_pretty(report)?);
                return Ok(());
            }
            Some(path) => save(path, &serde_json::to_string_pretty(report)?)?,
            None => {}
        }
        print(table.trim_end());
        Ok(())
    }
}

/// Writes a report to a file, and says so.
pub(crate) fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|cause| Error::io("cannot write the report", path, cause))?;
    say(format!("wrote {}", path.display()));
    Ok(())
}
