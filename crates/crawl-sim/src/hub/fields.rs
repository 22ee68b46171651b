//! Which fields of a row are asked for.

use super::world::HubKind;

/// The fields that the answer shall hold, besides `_id` and `id`.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    names: Vec<&'static str>,
}

const DATASET_EXPAND: [&str; 20] = [
    "author",
    "cardData",
    "citation",
    "createdAt",
    "description",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "gated",
    "lastModified",
    "likes",
    "mainSize",
    "paperswithcode_id",
    "private",
    "resourceGroup",
    "sha",
    "siblings",
    "tags",
    "trendingScore",
    "usedStorage",
];
const MODEL_EXPAND: [&str; 30] = [
    "author",
    "baseModels",
    "cardData",
    "childrenModelCount",
    "config",
    "createdAt",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "evalResults",
    "gated",
    "gguf",
    "inference",
    "inferenceProviderMapping",
    "lastModified",
    "library_name",
    "likes",
    "mask_token",
    "model-index",
    "pipeline_tag",
    "private",
    "resourceGroup",
    "safetensors",
    "sha",
    "siblings",
    "spaces",
    "tags",
    "transformersInfo",
    "trendingScore",
    "usedStorage",
];
/// What rows of a plain dataset listing hold.
const DATASET_PLAIN: [&str; 14] = [
    "author",
    "citation",
    "createdAt",
    "description",
    "disabled",
    "downloads",
    "gated",
    "key",
    "lastModified",
    "likes",
    "paperswithcode_id",
    "private",
    "sha",
    "trendingScore",
];
const DATASET_FULL: [&str; 17] = [
    "author",
    "cardData",
    "disabled",
    "gated",
    "lastModified",
    "likes",
    "trendingScore",
    "private",
    "sha",
    "citation",
    "description",
    "downloads",
    "mainSize",
    "paperswithcode_id",
    "tags",
    "createdAt",
    "key",
];
/// What rows of a plain model listing hold.
const MODEL_PLAIN: [&str; 9] = [
    "createdAt",
    "downloads",
    "library_name",
    "likes",
    "modelId",
    "pipeline_tag",
    "private",
    "tags",
    "trendingScore",
];
const MODEL_FULL: [&str; 14] = [
    "author",
    "createdAt",
    "disabled",
    "downloads",
    "gated",
    "lastModified",
    "library_name",
    "likes",
    "modelId",
    "pipeline_tag",
    "private",
    "sha",
    "siblings",
    "tags",
];

impl Fields {
    pub(super) fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// All that can be asked for of models and that is worth it in a listing.
    pub(super) fn heavy_models() -> Self {
        let odd = [
            "evalResults",
            "inference",
            "inferenceProviderMapping",
            "mask_token",
            "model-index",
            "resourceGroup",
            "spaces",
        ];
        Self { names: MODEL_EXPAND.into_iter().filter(|name| !odd.contains(name)).collect() }
    }

    /// Siblings with sizes and hashes.
    pub(super) fn with_blobs(mut self) -> Self {
        self.names.retain(|name| *name != "siblings");
        self.names.push("siblings?blobs");
        self
    }

    /// Everything that a detail answer holds.
    pub(super) fn detail(kind: HubKind) -> Self {
        let (mut names, extra) = match kind {
            HubKind::Datasets => (DATASET_FULL.to_vec(), vec!["siblings", "usedStorage"]),
            HubKind::Models => (
                MODEL_FULL.to_vec(),
                vec!["cardData", "config", "safetensors", "usedStorage", "model-index", "widgetData"],
            ),
        };
        names.extend(extra);
        Self { names }
    }

    /// From the query, or the reason why the Hub answers 400.
    pub(super) fn of_list(kind: HubKind, pairs: &[(String, String)]) -> Result<Self, String> {
        let asked =
            |name: &str| pairs.iter().any(|(key, value)| key == name && value.eq_ignore_ascii_case("true"));
        let expand = Self::expand(kind, pairs)?;
        if let Some(expand) = expand {
            let mixed = ["full", "cardData", "config"].into_iter().any(asked);
            return if mixed {
                Err("`expand` cannot be used with `full`, `cardData` or `config`".into())
            } else {
                Ok(expand)
            };
        }
        let mut names = match (kind, asked("full")) {
            (HubKind::Datasets, true) => DATASET_FULL.to_vec(),
            (HubKind::Datasets, false) => [DATASET_PLAIN.as_slice(), &["tags"]].concat(),
            (HubKind::Models, true) => [MODEL_FULL.as_slice(), &["trendingScore"]].concat(),
            (HubKind::Models, false) => MODEL_PLAIN.to_vec(),
        };
        if kind == HubKind::Models {
            names.extend(asked("cardData").then_some("cardData"));
            names.extend(asked("config").then_some("config"));
        }
        Ok(Self { names })
    }

    /// `None` without any `expand`.
    pub(super) fn expand(kind: HubKind, pairs: &[(String, String)]) -> Result<Option<Self>, String> {
        let known: &[&'static str] = match kind {
            HubKind::Datasets => &DATASET_EXPAND,
            HubKind::Models => &MODEL_EXPAND,
        };
        let mut names = Vec::new();
        for (_, value) in pairs.iter().filter(|(key, _)| key == "expand" || key == "expand[]") {
            let name = known.iter().find(|name| *name == value);
            names.push(*name.ok_or_else(|| format!("\"expand\" must be one of [{}]", known.join(", ")))?);
        }
        Ok((!names.is_empty()).then_some(Self { names }))
    }
}
