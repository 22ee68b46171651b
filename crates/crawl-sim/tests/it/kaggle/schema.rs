//! Every answer has only fields that the recorded schema knows, with their types.
//!
//! The schema lies beside the checkout; its folder is named in `GLEANER_SAMPLES`. Without it there is nothing to check.

use std::path::PathBuf;

use crawl_sim::{Kaggle, KaggleConfig, Part};
use serde_json::{Value, json};

use super::{answer, named, start};

#[allow(clippy::disallowed_methods, reason = "a test may be told where the samples are")]
pub(super) fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("GLEANER_SAMPLES").map(|folder| PathBuf::from(folder).join("kaggle/api"));
    if folder.is_none() {
        eprintln!("GLEANER_SAMPLES is not set: no recorded schema is read");
    }
    folder
}

pub(super) struct Schema(Value);

impl Schema {
    fn read() -> Option<Self> {
        let text = std::fs::read(samples()?.join("kaggle_rpc_schema_0.1.38.json")).unwrap();
        Some(Self(serde_json::from_slice(&text).unwrap()))
    }

    /// The class of what a method answers.
    fn response(&self, method: &str) -> &str {
        let found = self.0["rpcs"].as_array().unwrap().iter().find(|rpc| rpc["method"] == method);
        found.unwrap_or_else(|| panic!("no method {method}"))["response"].as_str().unwrap()
    }

    /// All that does not fit, as paths and reasons.
    fn misfits(&self, class: &str, value: &Value, path: &str, found: &mut Vec<String>) {
        let wrong = |found: &mut Vec<String>| found.push(format!("{path}: {value} is no {class}"));
        if let Some(inner) = class.strip_suffix("[]") {
            let Some(items) = value.as_array() else { return wrong(found) };
            return items.iter().for_each(|item| self.misfits(inner, item, path, found));
        }
        let fits = match class {
            "str" => value.is_string(),
            "int" => value.is_i64() || value.is_u64(),
            "float" => value.is_number(),
            "bool" => value.is_boolean(),
            "datetime" => value.as_str().is_some_and(is_moment),
            _ => {
                if let Some(names) = self.0["enums"].get(class).and_then(Value::as_object) {
                    if !value.as_str().is_some_and(|name| names.contains_key(name)) {
                        wrong(found);
                    }
                    return;
                }
                return self.fields(class, value, path, found);
            }
        };
        if !fits {
            wrong(found);
        }
    }

    fn fields(&self, class: &str, value: &Value, path: &str, found: &mut Vec<String>) {
        let known =
            self.0["classes"][class]["fields"].as_array().unwrap_or_else(|| panic!("no class {class}"));
        let Some(fields) = value.as_object() else {
            return found.push(format!("{path}: {value} is no {class}"));
        };
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match known.iter().find(|field| field["json"] == name.as_str()) {
                None => found.push(format!("{path}: {class} has no such field")),
                Some(field) => self.misfits(field["type"].as_str().unwrap(), value, &path, found),
            }
        }
    }
}

fn is_moment(text: &str) -> bool {
    text.ends_with('Z') && text.len() <= 28 && text.parse::<jiff::Timestamp>().is_ok()
}

fn check(schema: &Schema, kaggle: &Kaggle, method: &str, body: &Value) -> Value {
    let value = answer(kaggle, method, body);
    let mut found = Vec::new();
    schema.misfits(schema.response(method), &value, method, &mut found);
    assert!(found.is_empty(), "{method} {body}:\n{}", found.join("\n"));
    value
}

#[tokio::test]
async fn answers_about_datasets_fit_the_recorded_schema() {
    let Some(schema) = Schema::read() else { return };
    for sparse in [false, true] {
        let kaggle = start(KaggleConfig { datasets: 300, sparse, ..KaggleConfig::default() }).await;
        check(&schema, &kaggle, "ListDatasets", &json!({"pageSize": 200}));
        for index in 0..60 {
            let name = named(&kaggle.reference(Part::Datasets, index));
            for method in [
                "GetDataset",
                "GetDatasetMetadata",
                "GetDatasetStatus",
                "ListDatasetFiles",
                "ListTreeDatasetFiles",
            ] {
                check(&schema, &kaggle, method, &name);
            }
        }
    }
}

#[tokio::test]
async fn answers_about_all_other_parts_fit_the_recorded_schema() {
    let Some(schema) = Schema::read() else { return };
    let kaggle = start(KaggleConfig { kernels: 120, ..KaggleConfig::default() }).await;
    check(&schema, &kaggle, "ListKernels", &json!({"pageSize": 100}));
    for index in 0..50 {
        let name = super::kernels::named(&kaggle.reference(Part::Kernels, index));
        for method in ["GetKernel", "ListKernelFiles", "ListKernelSessionOutput", "GetKernelSessionStatus"] {
            check(&schema, &kaggle, method, &name);
        }
        let named = json!({"ownerSlug": name["userName"], "kernelSlug": name["kernelSlug"]});
        check(&schema, &kaggle, "ListKernelTopics", &named);
    }
    check(&schema, &kaggle, "ListModels", &json!({"pageSize": 200}));
    for index in 0..40 {
        let name = super::models::named(&kaggle.reference(Part::Models, index));
        check(&schema, &kaggle, "GetModel", &name);
        check(&schema, &kaggle, "ListModelTopics", &name);
        let listed = check(&schema, &kaggle, "ListModelInstances", &name);
        for variation in listed["instances"].as_array().unwrap() {
            let mut body = name.clone();
            body["framework"] = variation["framework"].clone();
            body["instanceSlug"] = variation["slug"].clone();
            for method in ["GetModelInstance", "ListModelInstanceVersions", "ListModelInstanceVersionFiles"] {
                check(&schema, &kaggle, method, &body);
            }
        }
    }
    check(&schema, &kaggle, "ListCompetitions", &json!({"pageSize": 200}));
    for index in (0..100).filter(|index| index % 7 != 3 && index % 17 != 9) {
        let name = json!({"competitionName": kaggle.reference(Part::Competitions, index)});
        let methods = [
            "GetCompetition",
            "ListCompetitionPages",
            "GetLeaderboard",
            "ListDataFiles",
            "ListDataTreeFiles",
        ];
        for method in methods {
            check(&schema, &kaggle, method, &name);
        }
        for topic in check(&schema, &kaggle, "ListCompetitionTopics", &name)["topics"].as_array().unwrap() {
            let mut body = name.clone();
            body["topicId"] = topic["id"].clone();
            check(&schema, &kaggle, "ListTopicMessages", &body);
        }
    }
    check(&schema, &kaggle, "ListForums", &json!({}));
    for topic in
        check(&schema, &kaggle, "ListTopics", &json!({"pageSize": 200}))["topics"].as_array().unwrap()
    {
        check(&schema, &kaggle, "GetTopic", &json!({"id": topic["id"]}));
        check(&schema, &kaggle, "ListComments", &json!({"topicId": topic["id"]}));
    }
    check(&schema, &kaggle, "ListDatasetTopics", &named(&kaggle.reference(Part::Datasets, 0)));
}
