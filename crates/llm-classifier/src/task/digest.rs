//! Digests: by what it is known whether a task is still the same.

use crawl_core::{Error, Kind, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Output, ResponseField, Rules, Task, TaskKind, Template};

/// Of everything that is said to the model beside the record.
pub(crate) fn prompt_digest(task: &Task) -> String {
    let mut digest = Sha256::new();
    let mut part = |part: &str| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    part(&task.system.text);
    part(&task.user.text);
    // These two came later: prompts that do not use them keep their digests.
    let used = |name: &str| {
        let there = |template: &Template| template.text.contains(&format!("{{{name}}}"));
        !matches!(name, "yes" | "no") || there(&task.system) || there(&task.user)
    };
    task.words().iter().filter(|(name, _)| used(name)).for_each(|(_, word)| part(word));
    for example in &task.examples {
        part(&example.record);
        part(&serde_json::Value::Object(example.answer.clone()).to_string());
    }
    task.fields.iter().for_each(|field| part(&format!("{}:{}", field.name, field.limit)));
    data_encoding::HEXLOWER.encode(&digest.finalize()[..8])
}

/// Of a template, as settings show it.
pub(crate) fn template_digest(template: &Template) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(template.text.as_bytes())[..8])
}

/// Of all that decides how an answer looks in a record, or what the rules say. Its form has a version of its own: a
/// field that is renamed in the code keeps its name here.
pub(crate) fn kind_digest(task: &Task) -> Result<String> {
    #[derive(Serialize)]
    struct Decides<'a> {
        version: u32,
        kind: &'a TaskKind,
        response: &'a [ResponseField],
        output: &'a Output,
        rules: &'a Rules,
    }
    let Task { kind, response, output, rules, .. } = task;
    let decides = Decides { version: 1, kind, response, output, rules };
    let text = serde_json::to_vec(&decides)
        .map_err(|cause| Error::new(Kind::Config, "the task cannot be spelled").because(cause))?;
    Ok(data_encoding::HEXLOWER.encode(&Sha256::digest(text)[..8]))
}
