//! The classes and functions that are known. None of them runs: what they would make is made here.

/// What a name in a pickle stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Name {
    DateTime,
    Date,
    TimeZone,
    TimeDelta,
    /// `set` and `frozenset`.
    Set,
    OrderedDict,
    /// Bytes as version 2 writes them: a text, and `latin1`.
    Encode,
    /// Makes an object of a class, in versions 0 and 1.
    Reconstruct,
    /// `object` and `dict`, which stand in what versions 0 and 1 write.
    PlainObject,
    PlainDict,
    /// A class of `huggingface_hub`: a bag of members.
    Bag(Bag),
}

/// What an object of `huggingface_hub` is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bag {
    /// A dataset, a model, or a part of it: its members get the names that the Hub gives them.
    Info,
    /// A card: members that are not set do not count.
    Card,
}

/// What `name` of the module `module` is, if it is known.
pub(super) fn known(module: &str, name: &str) -> Option<Name> {
    Some(match (module, name) {
        ("datetime", "datetime") => Name::DateTime,
        ("datetime", "date") => Name::Date,
        ("datetime", "timezone") => Name::TimeZone,
        ("datetime", "timedelta") => Name::TimeDelta,
        ("builtins" | "__builtin__", "set" | "frozenset") => Name::Set,
        ("builtins" | "__builtin__", "object") => Name::PlainObject,
        ("builtins" | "__builtin__", "dict") => Name::PlainDict,
        ("collections", "OrderedDict") => Name::OrderedDict,
        ("_codecs", "encode") => Name::Encode,
        ("copyreg" | "copy_reg", "_reconstructor") => Name::Reconstruct,
        (
            "huggingface_hub.hf_api",
            "DatasetInfo"
            | "ModelInfo"
            | "SpaceInfo"
            | "RepoSibling"
            | "BlobLfsInfo"
            | "BlobSecurityInfo"
            | "LastCommitInfo"
            | "SafeTensorsInfo"
            | "TransformersInfo"
            | "InferenceProviderMapping",
        ) => Name::Bag(Bag::Info),
        (
            "huggingface_hub.repocard_data",
            "DatasetCardData" | "ModelCardData" | "SpaceCardData" | "CardData" | "EvalResult",
        ) => Name::Bag(Bag::Card),
        _ => return None,
    })
}

/// The name that the Hub gives a member which the library calls `name`.
pub(super) fn at_the_hub(name: &str) -> &str {
    match name {
        "created_at" => "createdAt",
        "last_modified" => "lastModified",
        "card_data" => "cardData",
        "downloads_all_time" => "downloadsAllTime",
        "trending_score" => "trendingScore",
        "used_storage" => "usedStorage",
        "resource_group" => "resourceGroup",
        "transformers_info" => "transformersInfo",
        "widget_data" => "widgetData",
        "model_index" => "model-index",
        "inference_provider_mapping" => "inferenceProviderMapping",
        "security_repo_status" => "securityRepoStatus",
        "children_model_count" => "childrenModelCount",
        "base_models" => "baseModels",
        "eval_results" => "evalResults",
        "blob_id" => "blobId",
        "pointer_size" => "pointerSize",
        "last_commit" => "lastCommit",
        "provider_id" => "providerId",
        "adapter_weights_path" => "adapterWeightsPath",
        _ => name,
    }
}
