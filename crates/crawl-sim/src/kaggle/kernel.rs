//! Notebooks and scripts: their numbers, logs and outputs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::archive::Content;
use super::calendar::{plain, rfc3339};
use super::competition;
use super::kernel_source::{FLAVOURS, Flavour, source};
use super::object::{Made, whole, zip};
use super::words::title;
use super::world::{Name, Part, Stream, World};
use crate::dice::{Dice, hash};

/// Every fiftieth kernel has so many output files.
const MANY: u64 = 1200;

/// One kernel, with its name.
pub(super) struct Kernel<'w> {
    world: &'w World,
    pub(super) index: u64,
    pub(super) name: Name,
}

impl<'w> Kernel<'w> {
    pub(super) fn new(world: &'w World, index: u64) -> Self {
        Self { world, index, name: world.name(Part::Kernels, index) }
    }

    pub(super) fn id(&self) -> u64 {
        50_000 + self.index * 3
    }

    pub(super) fn flavour(&self) -> &'static Flavour {
        &FLAVOURS[self.index as usize % FLAVOURS.len()]
    }

    pub(super) fn version(&self) -> u64 {
        if self.index == 0 { 5 } else { 1 + self.dice(Stream::Oddities).below(6) }
    }

    fn dice(&self, stream: Stream) -> Dice {
        self.world.dice(Part::Kernels, self.index, stream)
    }

    pub(super) fn title(&self) -> String {
        match self.index % 13 {
            4 => format!("{} | EDA + \"baseline\"", title(&self.name.slug)),
            9 => format!("📊 {}", title(&self.name.slug)),
            _ => title(&self.name.slug),
        }
    }

    pub(super) fn votes(&self) -> u64 {
        self.dice(Stream::Numbers).heavy(3.5, 3)
    }

    pub(super) fn last_run(&self) -> i64 {
        self.world.created(Part::Kernels, self.index) + self.version() as i64 * 977
    }

    /// Slugs of competitions.
    pub(super) fn competitions(&self) -> Vec<String> {
        let count = self.world.config.competitions;
        let has = self.index.is_multiple_of(3) && count > 0;
        has.then(|| competition::slug(self.world, self.index % count)).into_iter().collect()
    }

    /// Refs of datasets.
    pub(super) fn datasets(&self) -> Vec<String> {
        let count = self.world.config.datasets;
        let has = self.index % 3 < 2 && count > 0;
        has.then(|| self.world.name(Part::Datasets, self.index % count).reference()).into_iter().collect()
    }

    /// The list leaves out what `GetKernel` tells.
    pub(super) fn row(&self) -> Value {
        json!({
            "id": 0,
            "ref": self.name.reference(),
            "title": self.title(),
            "author": self.name.owner.name,
            "slug": "",
            "lastRunTime": rfc3339(self.last_run()),
            "totalVotes": self.votes(),
            "categoryIds": [],
            "datasetDataSources": [],
            "kernelDataSources": [],
            "competitionDataSources": [],
            "modelDataSources": [],
        })
    }

    /// `metadata` and `blob` of `GetKernel`.
    pub(super) fn whole(&self, version: u64) -> Value {
        let flavour = self.flavour();
        let mut metadata = self.row();
        let extra = json!({
            "id": self.id(),
            "slug": self.name.slug,
            "language": flavour.language,
            "kernelType": flavour.kind,
            "isPrivate": false,
            "enableGpu": self.index % 4 == 1,
            "enableTpu": false,
            "enableInternet": self.index.is_multiple_of(2),
            "categoryIds": [self.name.tag],
            "datasetDataSources": self.datasets(),
            "competitionDataSources": self.competitions(),
            "currentVersionNumber": self.version(),
            "dockerImage": "example.org/images/python",
            "machineShape": "NvidiaTeslaT4",
        });
        for (name, value) in extra.as_object().into_iter().flatten() {
            metadata[name] = value.clone();
        }
        json!({
            "metadata": metadata,
            "blob": {
                "source": source(flavour, &mut Dice::new(self.world.config.seed ^ version, self.index), self.index),
                "language": flavour.language,
                "kernelType": flavour.kind,
                "slug": self.name.slug,
            },
        })
    }

    /// A JSON array in a text; old ones are no JSON, some are missing.
    pub(super) fn log(&self) -> String {
        match self.index % 9 {
            5 => format!(
                "[Info] run of {}\nTraceback (most recent call last):\n  no such file\r\n",
                self.name.slug
            ),
            7 => String::new(),
            _ => json!([
                {"stream_name": "stdout", "time": 1.5, "data": format!("reading {}\n", self.name.topic)},
                {"stream_name": "stderr", "time": 2.25, "data": "Warning: 3 rows are empty 🙂\n"},
                {"stream_name": "stdout", "time": 9.0, "data": "done\n"},
            ])
            .to_string(),
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.index % 10 == 9
    }

    /// Names of output files.
    pub(super) fn outputs(&self) -> Vec<String> {
        let mut names: Vec<String> = match self.index {
            0 => vec!["submission.csv".into(), "results/plot 1.png".into(), "results/notes.txt".into()],
            index if index % 50 == 7 => (0..MANY).map(|number| format!("out/{number:05}.csv")).collect(),
            index => (0..index % 4).map(|number| format!("part{number}.csv")).collect(),
        };
        if self.index % 1000 < self.world.config.hostile {
            names.extend(["../outside.csv", "/absolute.csv", "12:30.csv"].map(String::from));
        }
        names
    }

    pub(super) fn output_content(&self, name: &str) -> Content {
        let mut dice = Dice::new(hash(name), self.index);
        let rows = (0..=dice.below(20)).map(|row| format!("{row},{}\n", dice.below(9999)));
        Content::from(format!("id,answer\n{}", rows.collect::<String>()).into_bytes())
    }

    pub(super) fn output_row(&self, name: &str) -> Value {
        json!({"name": name, "size": self.output_content(name).size(), "creationDate": plain(self.last_run())})
    }

    pub(super) fn folder(&self, version: u64) -> String {
        format!("/kaggle-script-versions/{}/{version}", self.id())
    }

    pub(super) fn archive(&self, changed: bool) -> Arc<super::rope::Rope> {
        let files: Vec<_> =
            self.outputs().into_iter().map(|name| (name.clone(), self.output_content(&name))).collect();
        zip(&files, changed)
    }
}

/// The kernel that has this id.
pub(super) fn of_id(world: &World, id: u64) -> Option<u64> {
    let index = id.checked_sub(50_000).filter(|rest| rest.is_multiple_of(3))? / 3;
    (index < world.count(Part::Kernels)).then_some(index)
}

/// `ID/VERSION/output/NAME` or `ID/VERSION/bundle/archive.zip`.
pub(super) fn object(world: &World, path: &str, changed: bool) -> Option<Made> {
    let mut parts = path.splitn(4, '/');
    let kernel = Kernel::new(world, of_id(world, parts.next()?.parse().ok()?)?);
    let (_, shape, name) = (parts.next()?, parts.next()?, parts.next()?);
    let rope = match shape {
        "bundle" => kernel.archive(changed),
        _ => {
            let known = kernel.outputs().iter().any(|known| known == name);
            known.then(|| whole(&kernel.output_content(name), changed))?
        }
    };
    Some(Made::Rope(rope))
}

/// The number that is high at the front of a list sorted by this word.
pub(super) fn rank(world: &World, index: u64, sort: &str) -> i64 {
    let kernel = Kernel::new(world, index);
    match sort {
        "votecount" | "viewcount" | "commentcount" | "scoredescending" => kernel.votes() as i64,
        "scoreascending" => -(kernel.votes() as i64),
        "datecreated" => world.created(Part::Kernels, index),
        "daterun" => kernel.last_run(),
        _ => Dice::new(world.config.seed, index ^ 0x4e).below(1 << 40) as i64,
    }
}
