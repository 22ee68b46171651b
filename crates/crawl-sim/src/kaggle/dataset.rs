//! The numbers, words and files of one dataset.

use std::sync::Arc;

use serde_json::{Value, json};

use super::archive::Content;
use super::calendar::rfc3339;
use super::files::{self, File};
use super::words::{LICENSES, prose, title};
use super::world::{META, Name, PLANTED, Part, Stream, World};
use crate::dice::Dice;

/// What `usabilityRating` may be: `None` where the service has none.
const RATINGS: [Option<f64>; 12] = [
    Some(1.0),
    Some(0.941_176_5),
    Some(0.882_352_9),
    Some(0.8),
    Some(0.823_529_4),
    Some(0.75),
    Some(0.647_058_8),
    Some(0.294_117_66),
    Some(0.25),
    Some(0.176_470_6),
    None,
    Some(0.0),
];

/// What lists can be sorted by, each a number that is high at the front.
const SORTS: [&str; 10] = [
    "hottest",
    "votes",
    "updated",
    "active",
    "published",
    "relevance",
    "lastviewed",
    "usability",
    "downloadcount",
    "notebookcount",
];

/// One dataset, with its name.
pub(super) struct Dataset<'w> {
    pub(super) world: &'w World,
    pub(super) index: u64,
    pub(super) name: Name,
    pub(super) version: u64,
}

impl<'w> Dataset<'w> {
    pub(super) fn new(world: &'w World, index: u64) -> Self {
        let name = world.name(Part::Datasets, index);
        Self { world, index, name, version: world.version(index) }
    }

    pub(super) fn id(&self) -> u64 {
        1000 + self.index * 7
    }

    pub(super) fn index_of(id: u64) -> Option<u64> {
        let index = id.checked_sub(1000)?;
        index.is_multiple_of(7).then_some(index / 7)
    }

    pub(super) fn files(&self) -> Arc<[File]> {
        files::all(self.world, self.index)
    }

    /// Unpacked.
    fn total(&self) -> u64 {
        match self.index {
            META => 9_000_000,
            0 | PLANTED.. => self.files().iter().map(|file| file.size).sum(),
            _ => files::total(self.world, self.index),
        }
    }

    fn traits(&self) -> Traits {
        traits(self.world, self.index)
    }

    pub(super) fn title(&self) -> String {
        let plain = title(&self.name.slug);
        match self.index % 23 {
            3 => format!("{plain}, \"the whole\""),
            7 => format!("🌊 {plain} — données"),
            11 => format!("{plain}\u{202e} reversed"),
            _ => plain,
        }
    }

    fn url(&self) -> String {
        format!("https://www.kaggle.com/datasets/{}", self.name.reference())
    }

    fn updated(&self) -> i64 {
        self.world.created(Part::Datasets, self.index) + self.version as i64 * 4321
    }

    fn tags(&self) -> Value {
        let tag = self.name.tag;
        json!([{
            "ref": tag, "name": tag, "description": "", "fullPath": format!("subject > {tag}"),
            "competitionCount": 0, "datasetCount": 12, "scriptCount": 3, "totalCount": 15,
        }])
    }

    /// As lists and `GetDataset` have it. In lists the size is the packed one and the description is missing.
    pub(super) fn row(&self, listed: bool) -> Value {
        let traits = self.traits();
        let total = self.total();
        let mut row = json!({
            "id": self.id(),
            "ref": self.name.reference(),
            "subtitle": prose(&mut self.world.dice(Part::Datasets, self.index, Stream::Text), 1),
            "creatorName": self.name.owner.name,
            "creatorUrl": self.name.owner.slug,
            "totalBytes": if listed { packed(total) } else { total },
            "url": self.url(),
            "lastUpdated": rfc3339(self.updated()),
            "downloadCount": traits.downloads,
            "isPrivate": false,
            "isFeatured": false,
            "licenseName": LICENSES[traits.license].0,
            "description": if listed { String::new() } else { self.description() },
            "ownerName": self.name.owner.name,
            "ownerRef": self.name.owner.slug,
            "kernelCount": traits.kernels,
            "title": self.title(),
            "topicCount": self.index % 4,
            "viewCount": traits.downloads * 9 + 5,
            "voteCount": traits.votes,
            "currentVersionNumber": self.version,
            "tags": self.tags(),
            "files": [],
            "versions": [],
            "thumbnailImageUrl": format!("https://example.org/thumbnails/{}.png", self.id()),
        });
        if let Some(rating) = traits.rating {
            row["usabilityRating"] = rating.into();
        }
        if !listed {
            row["versions"] =
                (1..=self.version).rev().take(20).map(|version| self.version_row(version)).collect();
        }
        row
    }

    fn version_row(&self, version: u64) -> Value {
        json!({
            "versionNumber": version,
            "creationDate": rfc3339(self.updated() - (self.version - version) as i64 * 4321),
            "creatorName": self.name.owner.name,
            "creatorRef": self.name.owner.slug,
            "versionNotes": if version == 1 { "Initial release".into() } else { format!("Fix {version}") },
            "status": "Ready",
        })
    }

    pub(super) fn description(&self) -> String {
        let mut dice = self.world.dice(Part::Datasets, self.index, Stream::Text);
        if dice.per_mille(60) {
            return String::new();
        }
        let about = prose(&mut dice, 3);
        let content = prose(&mut dice, 4);
        format!(
            "### Context\n\n{about}\n\n### Content\r\n{content}\n\n| column | meaning |\n|---|---|\n| id | number |\n\n\
             ```python\nimport pandas as pd\npd.read_csv(\"train.csv\")\n```\n"
        )
    }

    /// `info` of `GetDatasetMetadata`.
    pub(super) fn info(&self) -> Value {
        let traits = self.traits();
        let files = self.files();
        let data = files.iter().take(20).map(|file| {
            json!({"name": file.path, "description": "", "totalBytes": file.size, "columns": files::columns(file)})
        });
        let mut info = json!({
            "datasetId": self.id(),
            "datasetSlug": self.name.slug,
            "ownerUser": self.name.owner.slug,
            "totalViews": traits.downloads * 9 + 5,
            "totalVotes": traits.votes,
            "totalDownloads": traits.downloads,
            "title": self.title(),
            "subtitle": prose(&mut self.world.dice(Part::Datasets, self.index, Stream::Text), 1),
            "description": self.description(),
            "isPrivate": false,
            "keywords": [self.name.tag, self.name.topic],
            "licenses": [{"name": LICENSES[traits.license].1}],
            "collaborators": [],
            "data": data.collect::<Vec<_>>(),
            "expectedUpdateFrequency": "never",
            "userSpecifiedSources": "",
        });
        if let Some(rating) = traits.rating {
            info["usabilityRating"] = rating.into();
        }
        info
    }

    /// A row of `ListDatasetFiles`.
    pub(super) fn file_row(&self, file: &File, version: u64) -> Value {
        json!({
            "ref": file.path,
            "datasetRef": self.name.reference(),
            "ownerRef": self.name.owner.slug,
            "name": file.path,
            "creationDate": rfc3339(self.updated() - self.version.saturating_sub(version) as i64 * 4321),
            "description": "",
            "fileType": file.kind(),
            "url": format!("{}?select={}", self.url(), super::percent::encode(&file.path)),
            "totalBytes": file.size,
            "columns": [],
        })
    }

    pub(super) fn search_text(&self) -> String {
        format!("{} {} {}", self.name.slug, self.title(), self.name.tag).to_lowercase()
    }

    pub(super) fn packed_total(&self) -> u64 {
        packed(self.total())
    }

    pub(super) fn license_group(&self) -> &'static str {
        LICENSES[self.traits().license].2
    }

    pub(super) fn modified(&self, version: u64) -> i64 {
        self.updated() - self.version.saturating_sub(version) as i64 * 4321
    }

    /// What a file holds in this version.
    pub(super) fn content(&self, file: &File, version: u64) -> Content {
        files::content(self.world, self.index, version, file)
    }
}

/// Numbers that need no name.
pub(super) struct Traits {
    pub(super) votes: u64,
    pub(super) downloads: u64,
    pub(super) kernels: u64,
    pub(super) license: usize,
    pub(super) rating: Option<f64>,
}

pub(super) fn traits(world: &World, index: u64) -> Traits {
    let mut dice = world.dice(Part::Datasets, index, Stream::Numbers);
    let rating = if index == 0 || index >= PLANTED { Some(1.0) } else { dice.pick(&RATINGS) };
    Traits {
        votes: dice.heavy(4.0, 3),
        downloads: dice.heavy(6.0, 2),
        kernels: dice.heavy(3.0, 4),
        license: dice.below(LICENSES.len() as u64) as usize,
        rating,
    }
}

/// The number that is high at the front of a list sorted by this word.
pub(super) fn rank(world: &World, index: u64, sort: &str) -> i64 {
    let sort = SORTS.iter().find(|known| **known == sort).unwrap_or(&"hottest");
    let traits = traits(world, index);
    let created = world.created(Part::Datasets, index);
    match *sort {
        "votes" => traits.votes as i64,
        "downloadcount" => traits.downloads as i64,
        "notebookcount" => traits.kernels as i64,
        "usability" => (traits.rating.unwrap_or(-1.0) * 1e6) as i64,
        "published" => created,
        "updated" | "active" | "lastviewed" => created + world.version(index) as i64 * 4321,
        _ => Dice::new(world.config.seed, index ^ 0x07).below(1 << 40) as i64,
    }
}

/// The size that lists tell: about two fifths of what is unpacked.
pub(super) fn packed(total: u64) -> u64 {
    total * 2 / 5
}
