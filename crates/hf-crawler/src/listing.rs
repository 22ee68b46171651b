//! What to list of the Hub, and how the service is asked for it.

use crawl_core::http::Url;
use crawl_core::{Error, Kind, Result, Settings, Timestamp};

/// What the Hub keeps: each sort has a listing of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repos {
    /// `/api/datasets`
    #[default]
    Datasets,
    /// `/api/models`
    Models,
}

/// How much of each row is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// Cards too; of models, configs and files besides.
    #[default]
    Heavy,
    /// Names, times, tags and counters: what changes often and is small.
    Light,
}

/// Light rows of any sort.
const LIGHT: [&str; 13] = [
    "author",
    "sha",
    "createdAt",
    "lastModified",
    "private",
    "gated",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "likes",
    "trendingScore",
    "usedStorage",
    "tags",
];
/// What light rows of models have besides.
const MODEL_LIGHT: [&str; 2] = ["pipeline_tag", "library_name"];
/// What heavy rows of models have besides; `full=true` would leave most of it out.
const MODEL_HEAVY: [&str; 8] = [
    "cardData",
    "config",
    "safetensors",
    "gguf",
    "siblings",
    "transformersInfo",
    "baseModels",
    "childrenModelCount",
];
/// What light rows of datasets have besides.
const DATASET_LIGHT: [&str; 1] = ["mainSize"];

/// What rows of datasets have with `full=true`, as far as it is known.
const DATASET_FULL: [&str; 14] = [
    "author",
    "cardData",
    "createdAt",
    "description",
    "disabled",
    "downloads",
    "gated",
    "lastModified",
    "likes",
    "mainSize",
    "private",
    "sha",
    "tags",
    "trendingScore",
];
/// Orders that only models have.
const MODEL_SORTS: [&str; 2] = ["likes30d", "num_parameters"];

/// Which repositories to list, and which of their fields.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Datasets or models.
    pub repos: Repos,
    /// `createdAt` (the default: it does not move, so a crawl is whole), `lastModified`, `downloads`, `likes`,
    /// `trendingScore`, `mainSize`; of models also `likes30d` and `num_parameters`. All but `createdAt` are descending: the Hub knows no other way.
    pub sort: Option<String>,
    /// Only what was modified at or after this time; sorts by `lastModified`.
    pub since: Option<Timestamp>,
    /// So many minutes before `since` are listed again, for clocks that differ.
    pub overlap: u32,
    /// Only of this owner.
    pub author: Option<String>,
    /// Only with this in the id; of datasets, all of several.
    pub search: Vec<String>,
    /// Only with this tag, such as `license:mit`; all of several.
    pub filter: Vec<String>,
    /// Only models of this task, such as `text-generation`.
    pub pipeline_tag: Option<String>,
    /// Only those that ask for access before files are given, or only those that do not.
    pub gated: Option<bool>,
    /// Only models of so many parameters, such as `min:6B,max:128B`.
    pub num_parameters: Option<String>,
    /// Only models that these programs run, such as `ollama`.
    pub apps: Vec<String>,
    /// Only models whose inference is so, such as `warm`.
    pub inference: Option<String>,
    /// Only models that these providers serve; `all`: any of them.
    pub inference_provider: Vec<String>,
    /// How much of each row, where `expand` does not say it.
    pub fields: Fields,
    /// Only these fields, beside the id.
    pub expand: Vec<String>,
    /// Rows a page, at most 1000; `None`: 1000.
    pub page_size: Option<u64>,
}

/// What of a [`Listing`]'s settings makes it less than the whole.
pub const PARTIAL: [&str; 10] = [
    "limit",
    "author",
    "search",
    "filter",
    "pipeline_tag",
    "gated",
    "num_parameters",
    "apps",
    "inference",
    "inference_provider",
];

/// Whether a text is a range of parameters as the Hub reads it: `min:6B,max:128B`, or one of the two.
fn is_range(text: &str) -> bool {
    let bound = |part: &str| {
        let number = part.strip_prefix("min:").or(part.strip_prefix("max:"))?;
        let number = number.strip_suffix(['K', 'M', 'B', 'T']).unwrap_or(number);
        number.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
    };
    text.split(',').count() <= 2 && text.split(',').all(|part| bound(part).is_some())
}

impl Repos {
    /// The word for it in paths and messages.
    pub fn name(self) -> &'static str {
        match self {
            Repos::Datasets => "datasets",
            Repos::Models => "models",
        }
    }

    /// The path of the listing under the endpoint.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Repos::Datasets => "api/datasets",
            Repos::Models => "api/models",
        }
    }

    /// The name of the listing in a root.
    pub fn listing(self) -> &'static str {
        match self {
            Repos::Datasets => "hf/datasets",
            Repos::Models => "hf/models",
        }
    }
}

impl Fields {
    fn name(self) -> &'static str {
        match self {
            Fields::Heavy => "heavy",
            Fields::Light => "light",
        }
    }

    /// The fields that are asked for.
    pub(crate) fn names(self, repos: Repos) -> Vec<String> {
        let expand = self.expand(repos);
        let names = if expand.is_empty() { DATASET_FULL.to_vec() } else { expand };
        names.into_iter().map(str::to_owned).collect()
    }

    /// The values of `expand`; none where `full=true` gives the rows.
    fn expand(self, repos: Repos) -> Vec<&'static str> {
        match (repos, self) {
            (Repos::Datasets, Fields::Heavy) => Vec::new(),
            (Repos::Datasets, Fields::Light) => [&LIGHT[..], &DATASET_LIGHT].concat(),
            (Repos::Models, Fields::Light) => [&LIGHT[..], &MODEL_LIGHT].concat(),
            (Repos::Models, Fields::Heavy) => [&LIGHT[..], &MODEL_LIGHT, &MODEL_HEAVY].concat(),
        }
    }
}

impl Listing {
    /// # Errors
    /// [`Kind::Config`] if it contradicts itself, or asks for what the service does not have.
    pub(crate) fn check(&self) -> Result<()> {
        if self.since.is_some() && self.sort.as_deref().is_some_and(|sort| sort != "lastModified") {
            let what = "a listing since a time is sorted by lastModified";
            return Err(Error::new(Kind::Config, what).advise("leave --sort away"));
        }
        let expands = |name: &str| self.expand.is_empty() || self.expand.iter().any(|field| field == name);
        if self.since.is_some() && !expands("lastModified") {
            let what = "a listing since a time needs the field lastModified";
            return Err(Error::new(Kind::Config, what).advise("add --expand lastModified"));
        }
        if self.repos == Repos::Models && self.search.len() > 1 {
            let what = "the Hub searches models for one text only";
            return Err(Error::new(Kind::Config, what).advise("give --search once"));
        }
        if self.repos == Repos::Datasets && self.pipeline_tag.is_some() {
            let what = "datasets have no pipeline tag";
            return Err(Error::new(Kind::Config, what).advise("filter by task_categories:TASK"));
        }
        let of_models = [
            ("num_parameters", self.num_parameters.is_some()),
            ("apps", !self.apps.is_empty()),
            ("inference", self.inference.is_some()),
            ("inference_provider", !self.inference_provider.is_empty()),
        ];
        let of_models = of_models.iter().find(|(_, asked)| *asked).map(|(name, _)| *name);
        let of_models = of_models.or(self.sort.as_deref().filter(|sort| MODEL_SORTS.contains(sort)));
        if self.repos == Repos::Datasets
            && let Some(name) = of_models
        {
            let what = format!("datasets have no {name}");
            return Err(Error::new(Kind::Config, what).advise("leave it away, or list models"));
        }
        if let Some(range) = self.num_parameters.as_deref().filter(|range| !is_range(range)) {
            return Err(Error::new(Kind::Config, "not a range of parameters")
                .at(range)
                .advise("write it as min:6B,max:128B; one of the two is enough"));
        }
        Ok(())
    }

    pub(crate) fn sort(&self) -> &str {
        let usual = if self.since.is_some() { "lastModified" } else { "createdAt" };
        self.sort.as_deref().unwrap_or(usual)
    }

    /// What has one value at most.
    fn ones(&self) -> [(&'static str, &Option<String>); 4] {
        [
            ("author", &self.author),
            ("pipeline_tag", &self.pipeline_tag),
            ("num_parameters", &self.num_parameters),
            ("inference", &self.inference),
        ]
    }

    /// The query of the first page, of so many rows.
    pub(crate) fn ask(&self, url: &mut Url, size: u64) {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &size.to_string()).append_pair("sort", self.sort());
        query.append_pair("direction", if self.sort() == "createdAt" { "1" } else { "-1" });
        let of_set = if self.expand.is_empty() { self.fields.expand(self.repos) } else { Vec::new() };
        if self.expand.is_empty() && of_set.is_empty() {
            query.append_pair("full", "true");
        }
        query.extend_pairs(of_set.iter().map(|value| ("expand", value)));
        for (name, values) in [("expand", &self.expand), ("filter", &self.filter), ("search", &self.search)] {
            query.extend_pairs(values.iter().map(|value| (name, value)));
        }
        for (name, values) in [("apps", &self.apps), ("inference_provider", &self.inference_provider)] {
            query.extend_pairs(values.iter().map(|value| (name, value)));
        }
        for (name, value) in self.ones() {
            query.extend_pairs(value.iter().map(|value| (name, value)));
        }
        query.extend_pairs(self.gated.iter().map(|gated| ("gated", gated.to_string())));
    }

    /// What makes this listing another than one with other settings; not how it is had.
    pub(crate) fn settings(&self, endpoint: String) -> Settings {
        let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        // Of datasets the heavy rows were there before the light ones, and had no name.
        let named = self.repos == Repos::Models || self.fields == Fields::Light;
        let ones = self.ones().into_iter();
        ones.fold(Settings::default(), |settings, (name, value)| settings.with_some(name, value.as_ref()))
            .with("endpoint", endpoint)
            .with("sort", self.sort())
            .with_some("since", self.since)
            .with_some("overlap", self.since.map(|_| self.overlap))
            .with_some("search", list(&self.search))
            .with_some("filter", list(&self.filter))
            .with_some("gated", self.gated)
            .with_some("apps", list(&self.apps))
            .with_some("inference_provider", list(&self.inference_provider))
            .with_some("fields", (named && self.expand.is_empty()).then(|| self.fields.name()))
            .with_some("expand", list(&self.expand))
    }
}
