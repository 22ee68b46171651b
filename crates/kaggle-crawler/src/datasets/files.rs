//! The files of one dataset: out of its archive, or one by one.

use std::collections::HashSet;

use crawl_core::files::{Wanted, encode};
use crawl_core::{Context, FileLine, Kind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::archive::{Archive, landed};
use crate::pick::{Choice, Picker};
use crate::unpack::{Target, plain};
use crate::{Archives, Kaggle, Method};

/// A dataset of more files than this, or of several that have no more bytes than that, comes as an archive: it is one
/// request in the place of many. Others come one by one: what breaks off costs less.
const FEW: usize = 8;
const SMALL: u64 = 64 << 20;

/// A row of `ListDatasetFiles`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileRow {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) total_bytes: Option<u64>,
}

/// Which files are brought, and how.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) kaggle: Kaggle,
    pub(super) picker: Picker,
    pub(super) archives: Archives,
}

/// Brings the files of one dataset.
pub(super) struct Job<'a> {
    way: &'a Way,
    asked: Value,
    version: Option<String>,
    target: Target,
    pub(super) lines: Vec<FileLine>,
    pub(super) left_out: Vec<Value>,
}

impl<'a> Job<'a> {
    /// For a version of the dataset that `asked` names, whose folder is `dataset/FOLDER`.
    pub(super) fn new(
        way: &'a Way,
        context: &Context,
        asked: &Value,
        version: Option<u64>,
        folder: &str,
    ) -> Self {
        let mut asked = asked.clone();
        if let Some(version) = version {
            asked["datasetVersionNumber"] = version.into();
        }
        let version = version.map(|version| format!("v{version}"));
        let target = Target {
            version: version.clone(),
            stop: context.stop.clone(),
            ..Target::new(&context.files, format!("dataset/{folder}"))
        };
        Job { way, asked, version, target, lines: Vec::new(), left_out: Vec::new() }
    }

    /// Brings what is wanted of these files.
    pub(super) async fn run(&mut self, listed: &[FileRow]) -> Result<()> {
        if !self.way.picker.any() {
            return Ok(());
        }
        let here = if self.way.picker.all() && worth(listed) { self.archive(listed).await? } else { None };
        for file in listed {
            let Some(name) = &file.name else {
                self.leave(None, "it has no name");
                continue;
            };
            // An archive's `a//b.csv` is `a/b.csv` here.
            let unpacked = |here: &HashSet<String>| plain(name).is_some_and(|plain| here.contains(&plain));
            if here.as_ref().is_some_and(unpacked) {
                continue;
            }
            match self.way.picker.choose(name, file.total_bytes) {
                Choice::Wanted => self.file(name, file.total_bytes, here.is_some()).await?,
                Choice::Unwanted => {}
                Choice::LeftOut(why) => self.leave(Some(name), why),
            }
        }
        Ok(())
    }

    fn leave(&mut self, name: Option<&str>, why: impl Into<String>) {
        self.left_out.push(json!({"FileName": name, "Reason": why.into()}));
    }

    /// The names of the files that came out of the dataset's archive; `None` if it has none.
    async fn archive(&mut self, listed: &[FileRow]) -> Result<Option<HashSet<String>>> {
        let (above, folder) = self.target.folder.rsplit_once('/').unwrap_or_default();
        let archive = Archive {
            request: self.way.kaggle.file(Method::DownloadDataset, &self.asked),
            // No dataset has a folder of such a name.
            name: format!("{above}/=archive.{folder}.zip"),
            version: self.version.clone(),
            by_range: true,
        };
        let unpacked = match self.way.archives.bring(self.way.kaggle.http(), &archive, &self.target).await {
            Ok(Some(unpacked)) => unpacked,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == Kind::Gone => return Ok(None),
            Err(error) => return Err(error),
        };
        let here = landed(&unpacked.files, &self.target.folder);
        self.lines.extend(unpacked.files);
        // What is listed is asked for alone, or left out by its listed name.
        let listed: HashSet<_> = listed.iter().filter_map(|file| file.name.as_deref()).collect();
        for (name, error) in unpacked.refused {
            if !listed.contains(name.as_str()) {
                self.leave(Some(&name), error.to_string());
            }
        }
        Ok(Some(here))
    }

    /// Brings one file; one that the archive lacked, and that is not to be had alone either, is left out.
    async fn file(&mut self, name: &str, size: Option<u64>, lacked: bool) -> Result<()> {
        let path = format!("{}/{name}", self.target.folder);
        if let Err(error) = encode(&path) {
            self.leave(Some(name), error.to_string());
            return Ok(());
        }
        let mut asked = self.asked.clone();
        asked["fileName"] = name.into();
        asked["raw"] = true.into();
        let request = self.way.kaggle.file(Method::DownloadDataset, &asked);
        let (version, most) = (self.version.clone(), self.way.picker.most());
        let wanted = Wanted { version, size, most, ..Wanted::new(request, path) };
        match self.fetch(&wanted, name).await {
            Ok(line) => self.lines.push(line),
            Err(error) if lacked && error.kind() == Kind::Gone => {
                self.leave(Some(name), "not in the archive, and not to be had alone");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn fetch(&self, wanted: &Wanted, name: &str) -> Result<FileLine> {
        let http = self.way.kaggle.http();
        let error = match self.target.files.fetch(http, wanted).await {
            // It may have come zipped, although it was not asked for so.
            Err(error) if error.kind() == Kind::Shape => error,
            done => return done,
        };
        let single = self.way.archives.single(http, wanted, name, &self.target).await?;
        single.ok_or(error)
    }
}

/// Whether the archive is the better way to all of these files.
fn worth(listed: &[FileRow]) -> bool {
    let total = listed.iter().try_fold(0_u64, |total, file| total.checked_add(file.total_bytes?));
    listed.len() > FEW || listed.len() > 1 && total.is_some_and(|total| total <= SMALL)
}
