//! How an answer is written: as RPC answers are, or as the old REST form had them.

use serde_json::{Map, Value};

use super::call::Dialect;

/// Fields that the old form writes three times: `title`, `titleNullable`, `hasTitle`.
const THRICE: [&str; 22] = [
    "title",
    "subtitle",
    "creatorName",
    "creatorUrl",
    "totalBytes",
    "url",
    "licenseName",
    "description",
    "ownerName",
    "ownerRef",
    "currentVersionNumber",
    "usabilityRating",
    "name",
    "fullPath",
    "datasetSlug",
    "ownerUser",
    "reward",
    "category",
    "teamName",
    "score",
    "language",
    "kernelType",
];

/// `sparse` leaves out what has its default value, as proto3 JSON may.
pub(super) fn write(dialect: Dialect, method: &str, answer: Value, sparse: bool) -> Vec<u8> {
    let answer = match dialect {
        Dialect::Rest => old(method, answer),
        _ if sparse => dense(answer),
        _ => answer,
    };
    answer.to_string().into_bytes()
}

fn old(method: &str, mut answer: Value) -> Value {
    let bare = match method {
        "ListDatasets" => "datasets",
        "ListKernels" => "kernels",
        "ListCompetitions" => "competitions",
        "GetDatasetStatus" => "status",
        _ => "",
    };
    if let Some(inner) = answer.get_mut(bare) {
        answer = inner.take();
    }
    // Fields that are null where there is nothing to say.
    let empty: &[&str] = match method {
        "GetDatasetMetadata" | "ListDatasetFiles" => &["errorMessage"],
        "GetKernelSessionStatus" => &["failureMessage"],
        "ListKernelSessionOutput" => &["log"],
        "GetModelInstance" => &["baseModelInstanceInformation"],
        _ => &[],
    };
    if let Some(fields) = answer.as_object_mut() {
        for name in empty {
            fields.entry(*name).or_insert(Value::Null);
        }
        if let Some(Value::String(status)) = fields.get_mut("status") {
            *status = status.to_lowercase();
        }
    }
    match answer {
        Value::String(word) => Value::String(word.to_lowercase()),
        other => thrice(other),
    }
}

fn thrice(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(thrice).collect()),
        Value::Object(fields) => {
            let mut out = Map::new();
            if fields.contains_key("downloadCount") && !fields.contains_key("usabilityRating") {
                out.insert("usabilityRating".into(), 0.into());
                out.insert("hasUsabilityRating".into(), false.into());
            }
            for (name, value) in fields {
                if THRICE.contains(&name.as_str()) && !value.is_object() && !value.is_array() {
                    let (first, rest) = name.split_at(1);
                    out.insert(format!("{name}Nullable"), value.clone());
                    out.insert(format!("has{}{rest}", first.to_uppercase()), true.into());
                }
                let value = if name == "framework" { handle(value) } else { thrice(value) };
                out.insert(name, value);
            }
            Value::Object(out)
        }
        other => other,
    }
}

/// `MODEL_FRAMEWORK_TENSOR_FLOW_2` is `tensorFlow2` in the old form.
fn handle(value: Value) -> Value {
    match value.as_str().and_then(|name| name.strip_prefix("MODEL_FRAMEWORK_")) {
        Some(name) => Value::String(super::words::camel(name)),
        None => value,
    }
}

fn dense(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(dense).collect()),
        Value::Object(fields) => {
            let kept =
                fields.into_iter().map(|(name, value)| (name, dense(value))).filter(
                    |(_, value)| match value {
                        Value::Null => false,
                        Value::Bool(flag) => *flag,
                        Value::Number(number) => number.as_f64() != Some(0.0),
                        Value::String(text) => !text.is_empty(),
                        Value::Array(items) => !items.is_empty(),
                        Value::Object(_) => true,
                    },
                );
            Value::Object(kept.collect())
        }
        other => other,
    }
}
