//! The files of one variation: what is told of it, and its versions.

use crawl_core::files::{Wanted, encode};
use crawl_core::json::Raw;
use crawl_core::{Context, FileLine, Kind, Result};
use serde_json::{Value, json};

use super::variation::Variation;
use crate::archive::Archive;
use crate::pick::{Choice, Picker};
use crate::unpack::Target;
use crate::{Archives, Kaggle, Method};

/// Which files are brought, and how.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) kaggle: Kaggle,
    pub(super) picker: Picker,
    pub(super) archives: Archives,
}

/// Brings the files of one variation.
pub(super) struct Job<'a> {
    way: &'a Way,
    context: &'a Context,
    variation: &'a Variation,
    /// What names the variation in a question.
    asked: Value,
    /// Its folder below the root.
    folder: String,
    pub(super) lines: Vec<FileLine>,
    pub(super) left_out: Vec<Value>,
}

impl<'a> Job<'a> {
    /// For a variation of the model that `asked` names, whose folder is `model/FOLDER`.
    pub(super) fn new(
        way: &'a Way,
        context: &'a Context,
        asked: &Value,
        folder: &str,
        variation: &'a Variation,
    ) -> Self {
        let mut asked = asked.clone();
        asked["framework"] = variation.asked.as_str().into();
        asked["instanceSlug"] = variation.instance_slug.as_str().into();
        let folder = format!("model/{folder}/{}", variation.folder());
        Job { way, context, variation, asked, folder, lines: Vec::new(), left_out: Vec::new() }
    }

    /// Brings what is told of the variation, its latest version, and those of `older`.
    pub(super) async fn run(&mut self, older: &[u64]) -> Result<()> {
        let mut metadata = self.variation.metadata.bytes().to_vec();
        metadata.push(b'\n');
        let name = format!("{}/metadata.json", self.folder);
        self.lines.push(self.context.files.put(&name, None, metadata.into()).await?);
        if !self.way.picker.any() {
            return Ok(());
        }
        match self.variation.version_number {
            Some(latest) => self.version(latest, "").await?,
            None => self.leave("", "Kaggle tells no version of this variation"),
        }
        for number in older {
            self.version(*number, &format!("versions/{number}/")).await?;
        }
        Ok(())
    }

    fn leave(&mut self, name: &str, why: impl Into<String>) {
        let name = format!("{}/{name}", self.variation.name());
        self.left_out.push(json!({"FileName": name, "Reason": why.into()}));
    }

    /// The files of one version, in the folder `below` that of the variation.
    async fn version(&mut self, number: u64, below: &str) -> Result<()> {
        let mut asked = self.asked.clone();
        asked["versionNumber"] = number.into();
        if self.way.picker.all() && self.archive(&asked, number, below).await? {
            return Ok(());
        }
        for row in self.way.kaggle.all(Method::ListModelInstanceVersionFiles, &asked, &["files"]).await? {
            let name = row.raw().get("name").and_then(|name| name.str().map(String::from));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                self.leave(below, "a file without a name");
                continue;
            };
            let size = row.raw().get("size").and_then(Raw::u64);
            match self.way.picker.choose(&name, size) {
                Choice::Wanted => self.file(&asked, number, below, &name, size).await?,
                Choice::Unwanted => {}
                Choice::LeftOut(why) => self.leave(&format!("{below}{name}"), why),
            }
        }
        Ok(())
    }

    /// Unpacks the archive of a version; `false` if there is none, or none that the disk may hold.
    async fn archive(&mut self, asked: &Value, number: u64, below: &str) -> Result<bool> {
        let version = Some(format!("v{number}"));
        // No framework and no instance has such a name.
        let (above, instance) = self.folder.rsplit_once('/').unwrap_or_default();
        let archive = Archive {
            request: self.way.kaggle.file(Method::DownloadModelInstanceVersion, asked),
            name: format!("{above}/=archive.{instance}.v{number}.tar.gz"),
            version: version.clone(),
            by_range: false,
        };
        let stop = self.context.stop.clone();
        let folder = format!("{}/{below}", self.folder);
        let target =
            Target { version, stop, ..Target::new(&self.context.files, folder.trim_end_matches('/')) };
        let unpacked = match self.way.archives.bring(self.way.kaggle.http(), &archive, &target).await {
            Ok(Some(unpacked)) => unpacked,
            Ok(None) => return Ok(false),
            Err(error) if error.kind() == Kind::Gone => return Ok(false),
            Err(error) => return Err(error),
        };
        self.lines.extend(unpacked.files);
        for (name, error) in unpacked.refused {
            self.leave(&format!("{below}{name}"), error.to_string());
        }
        Ok(true)
    }

    async fn file(
        &mut self,
        asked: &Value,
        number: u64,
        below: &str,
        name: &str,
        size: Option<u64>,
    ) -> Result<()> {
        let path = format!("{}/{below}{name}", self.folder);
        if let Err(error) = encode(&path) {
            self.leave(&format!("{below}{name}"), error.to_string());
            return Ok(());
        }
        let mut asked = asked.clone();
        asked["path"] = name.into();
        let request = self.way.kaggle.file(Method::DownloadModelInstanceVersion, &asked);
        let version = Some(format!("v{number}"));
        let wanted = Wanted { version, size, most: self.way.picker.most(), ..Wanted::new(request, path) };
        self.lines.push(self.context.files.fetch(self.way.kaggle.http(), &wanted).await?);
        Ok(())
    }
}
