//! Models with their variations, versions and files.

use serde_json::{Value, json};

use super::archive::{Content, Entry, tar_gz};
use super::calendar::rfc3339;
use super::call::squeeze;
use super::object::{Made, whole};
use super::rope::Rope;
use super::words::{camel, prose, title};
use super::world::{Name, Part, Stream, World};
use crate::dice::{Dice, hash};

/// As RPC spells them, without the prefix.
pub(super) const FRAMEWORKS: [&str; 12] = [
    "PY_TORCH",
    "TENSOR_FLOW_2",
    "KERAS",
    "FLAX",
    "TRANSFORMERS",
    "JAX",
    "GGUF",
    "TF_LITE",
    "ONNX",
    "SCIKIT_LEARN",
    "GEMMA_CPP",
    "OTHER",
];

/// One model, with its name.
pub(super) struct Model<'w> {
    pub(super) world: &'w World,
    pub(super) index: u64,
    pub(super) name: Name,
}

/// One variation of a model.
#[derive(Clone)]
pub(super) struct Variation {
    /// Its place in the model, from 0.
    pub(super) place: u64,
    pub(super) slug: &'static str,
    pub(super) framework: &'static str,
    /// The current one, from 1.
    pub(super) version: u64,
    files: u64,
}

impl<'w> Model<'w> {
    pub(super) fn new(world: &'w World, index: u64) -> Self {
        Self { world, index, name: world.name(Part::Models, index) }
    }

    pub(super) fn id(&self) -> u64 {
        3000 + self.index * 5
    }

    /// Files are refused until a person consents to the licence.
    pub(super) fn gated(&self) -> bool {
        self.index % 11 == 5
    }

    pub(super) fn title(&self) -> String {
        title(&self.name.slug)
    }

    pub(super) fn variations(&self) -> Vec<Variation> {
        let make =
            |place, slug, framework, version, files| Variation { place, slug, framework, version, files };
        if self.index == 0 {
            return vec![
                make(0, "2b", "FLAX", 3, 2),
                make(1, "2b", "PY_TORCH", 3, 3),
                make(2, "many", "PY_TORCH", 1, 30),
            ];
        }
        let mut dice = self.world.dice(Part::Models, self.index, Stream::Files);
        let (first, many) = (dice.below(12), self.index % 17 == 6);
        let count = if self.index % 40 == 39 { 45 } else { self.index % 5 };
        let variation = |place: u64| {
            let slug = ["base", "large-v2", "2b", "tiny_q4"][place as usize % 4];
            let framework = FRAMEWORKS[((first + place / 4) % 12) as usize];
            make(place, slug, framework, 1 + place % 3, if many { 30 } else { 2 + place % 3 })
        };
        (0..count).map(variation).collect()
    }

    /// The variation of this framework, however spelt, and slug.
    pub(super) fn variation(&self, framework: &str, slug: &str) -> Option<Variation> {
        let wanted = squeeze(framework);
        self.variations().into_iter().find(|known| squeeze(known.framework) == wanted && known.slug == slug)
    }

    fn url(&self) -> String {
        format!("https://www.kaggle.com/models/{}", self.name.reference())
    }

    pub(super) fn card(&self) -> String {
        let mut dice = self.world.dice(Part::Models, self.index, Stream::Text);
        format!(
            "# {}\n\n{}\n\n## Use\n\n```python\nmodel = load(\"{}\")\n```\n",
            self.title(),
            prose(&mut dice, 5),
            self.name.slug
        )
    }

    pub(super) fn votes(&self) -> u64 {
        self.world.dice(Part::Models, self.index, Stream::Numbers).heavy(3.0, 2)
    }

    /// As lists and `GetModel` have it.
    pub(super) fn row(&self) -> Value {
        let created = self.world.created(Part::Models, self.index);
        let instances: Vec<_> = self.variations().iter().map(|variation| self.instance(variation)).collect();
        json!({
            "id": self.id(),
            "ref": self.name.reference(),
            "title": self.title(),
            "subtitle": prose(&mut self.world.dice(Part::Models, self.index, Stream::Text), 1),
            "author": self.name.owner.name,
            "slug": self.name.slug,
            "isPrivate": false,
            "description": self.card(),
            "instances": instances,
            "tags": [{"ref": self.name.tag, "name": self.name.tag, "fullPath": format!("subject > {}", self.name.tag)}],
            "publishTime": rfc3339(created),
            "provenanceSources": if self.index % 3 == 1 { "https://example.org/paper" } else { "" },
            "url": self.url(),
            "modelVersionLinks": [],
            "voteCount": self.votes(),
            "authorImageUrl": "https://example.org/author.png",
            "updateTime": rfc3339(created + 86_400),
        })
    }

    pub(super) fn usage(&self, variation: &Variation) -> String {
        let framework = camel(variation.framework);
        format!(
            "## {framework}\n\n```python\nload(\"{}/{framework}/{}\")\n```\n",
            self.name.reference(),
            variation.slug
        )
    }

    pub(super) fn variation_id(&self, variation: &Variation) -> u64 {
        self.id() * 100 + variation.place
    }

    pub(super) fn version_id(&self, variation: &Variation, version: u64) -> u64 {
        self.variation_id(variation) * 10 + version
    }

    fn handle(&self, variation: &Variation, version: u64) -> String {
        let framework = camel(variation.framework);
        format!("{}/{framework}/{}/{version}", self.name.reference(), variation.slug)
    }

    pub(super) fn license(&self) -> &'static str {
        if self.gated() { "Gated Community License" } else { "Apache 2.0" }
    }

    /// As `GetModel` and `GetModelInstance` have it.
    pub(super) fn instance(&self, variation: &Variation) -> Value {
        json!({
            "id": self.variation_id(variation),
            "slug": variation.slug,
            "framework": format!("MODEL_FRAMEWORK_{}", variation.framework),
            "fineTunable": variation.place.is_multiple_of(2),
            "overview": format!("The {} variation.", variation.slug),
            "usage": self.usage(variation),
            "downloadUrl": format!("https://www.kaggle.com/api/v1/models/{}/download", self.handle(variation, variation.version)),
            "versionId": self.version_id(variation, variation.version),
            "versionNumber": variation.version,
            "trainingData": [],
            "url": format!("{}/{}/{}", self.url(), camel(variation.framework), variation.slug),
            "licenseName": self.license(),
            "modelInstanceType": "MODEL_INSTANCE_TYPE_BASE_MODEL",
            "externalBaseModelUrl": "",
            "totalUncompressedBytes": self.files(variation).iter().map(|(_, size)| size).sum::<u64>(),
        })
    }

    /// As `ListModelInstances` has it.
    pub(super) fn listed_instance(&self, variation: &Variation) -> Value {
        let id = self.variation_id(variation);
        json!({
            "id": id,
            "ownerSlug": self.name.owner.slug,
            "modelSlug": self.name.slug,
            "slug": variation.slug,
            "versionId": self.version_id(variation, variation.version),
            "fineTunable": variation.place.is_multiple_of(2),
            "overview": format!("The {} variation.", variation.slug),
            "usage": self.usage(variation),
            "versionNumber": variation.version,
            "framework": format!("MODEL_FRAMEWORK_{}", variation.framework),
            "versionNotes": "",
            "downloadUrl": format!("/api/v1/models/{}/download", self.handle(variation, variation.version)),
            "databundleVersionId": id * 3,
            "trainingData": [],
            "renderedUsage": "",
            "license": {"id": 7, "name": self.license(), "agreementRequired": self.gated()},
            "databundleId": id * 2,
            "firestorePath": "",
            "status": "READY",
            "databundleVersionType": "FILESET",
            "canUse": !self.gated(),
            "modelInstanceType": "MODEL_INSTANCE_TYPE_BASE_MODEL",
            "modelId": self.id(),
            "totalUncompressedBytes": self.files(variation).iter().map(|(_, size)| size).sum::<u64>(),
        })
    }

    pub(super) fn version_row(&self, variation: &Variation, version: u64) -> Value {
        json!({
            "id": self.version_id(variation, version),
            "framework": format!("MODEL_FRAMEWORK_{}", variation.framework),
            "isTfhubModel": false,
            "url": format!("/models/{}", self.handle(variation, version)),
            "variationSlug": variation.slug,
            "versionNumber": version,
            "modelTitle": self.title(),
            "thumbnailUrl": "",
            "isPrivate": false,
            "sigstoreState": "SIGSTORE_STATE_NONE",
            "modelId": self.id(),
            "ownerSlug": self.name.owner.slug,
            "modelSlug": self.name.slug,
            "modelInstanceId": self.variation_id(variation),
        })
    }

    /// Paths and sizes.
    pub(super) fn files(&self, variation: &Variation) -> Vec<(String, u64)> {
        (0..variation.files)
            .map(|number| {
                let name = match number {
                    0 => "config.json".into(),
                    1 => "model.bin".into(),
                    2 => "assets/vocabulary.txt".into(),
                    // Crawlers that note what they know of a variation beside its files use this name.
                    4 if variation.files == 30 => "metadata.json".into(),
                    _ => format!("shards/shard-{number:03}.bin"),
                };
                (name, 40 + (self.index * 31 + number * 517) % 2000)
            })
            .collect()
    }

    fn content(&self, variation: &Variation, version: u64, name: &str, size: u64) -> Vec<u8> {
        let mut dice = Dice::new(hash(name) ^ version, self.index << 8 | variation.place);
        if name == "config.json" {
            let mut text = format!("{{\"version\": {version}, \"size\": {}}}", dice.below(99)).into_bytes();
            text.resize(size as usize, b' ');
            return text;
        }
        (0..size).map(|_| dice.next() as u8).collect()
    }

    pub(super) fn folder(&self, variation: &Variation, version: u64) -> String {
        format!("/kaggle-models-data/{}/{}/{version}", self.id(), variation.place)
    }
}

/// `ID/VARIATION/VERSION/bundle/NAME.tar.gz` or `ID/VARIATION/VERSION/files/NAME`.
pub(super) fn object(world: &World, path: &str, changed: bool) -> Option<Made> {
    let mut parts = path.splitn(5, '/');
    let id: u64 = parts.next()?.parse().ok()?;
    let index = id.checked_sub(3000).filter(|rest| rest.is_multiple_of(5))? / 5;
    let model = Model::new(world, (index < world.count(Part::Models)).then_some(index)?);
    let place: u64 = parts.next()?.parse().ok()?;
    let variation = model.variations().into_iter().find(|variation| variation.place == place)?;
    let version: u64 = parts.next()?.parse().ok()?;
    let (shape, name) = (parts.next()?, parts.next()?);
    let files = model.files(&variation);
    if shape == "files" {
        let (name, size) = files.iter().find(|(known, _)| known == name)?;
        return Some(Made::Rope(whole(
            &Content::from(model.content(&variation, version, name, *size)),
            changed,
        )));
    }
    let mut contents: Vec<_> = files
        .iter()
        .map(|(name, size)| (name.as_str(), model.content(&variation, version, name, *size)))
        .collect();
    if changed {
        contents.push(("changed.txt", b"a newer version\n".to_vec()));
    }
    let entries: Vec<_> = contents.iter().map(|(name, bytes)| (*name, Entry::File(bytes))).collect();
    Some(Made::Rope(Rope::of(tar_gz(&entries)).finish()))
}

/// The number that is high at the front of a list sorted by this word.
pub(super) fn rank(world: &World, index: u64, sort: &str) -> i64 {
    match sort {
        "votecount" | "downloadcount" | "notebookcount" => Model::new(world, index).votes() as i64,
        "publishtime" | "createtime" | "updatetime" => world.created(Part::Models, index),
        _ => Dice::new(world.config.seed, index ^ 0x33).below(1 << 40) as i64,
    }
}
