//! Task files: TOML, checked so that an error names file, line and key.

use std::collections::BTreeMap;
use std::path::Path;

use crawl_core::Result;
use serde::Deserialize;
use toml::Spanned;

use super::text::Text;
use super::{
    Defence, Field, Filter, Labels, Model, Output, ResponseField, Rules, Task, TaskKind, Template, Threshold,
    Words, examples, labels, output, response,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    about: String,
    kind: Spanned<KindWord>,
    requires: Option<Spanned<String>>,
    most: Option<Spanned<usize>>,
    other: Option<Spanned<String>>,
    labels: Option<Spanned<Vec<labels::Entry>>>,
    filter: Option<Spanned<FilterEntry>>,
    #[serde(default)]
    response: Vec<response::Entry>,
    #[serde(default)]
    thresholds: BTreeMap<String, Spanned<f64>>,
    #[serde(default)]
    examples: Vec<examples::Entry>,
    prompt: Prompt,
    fields: BTreeMap<String, Spanned<usize>>,
    #[serde(default)]
    model: Model,
    #[serde(default)]
    defence: Defence,
    #[serde(default)]
    rules: Rules,
    output: Spanned<Output>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Labels,
    Filter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterEntry {
    field: String,
    description: String,
    #[serde(default)]
    words: BTreeMap<String, f64>,
    #[serde(default)]
    tags: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prompt {
    system: Spanned<String>,
    user: Spanned<String>,
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Task> {
    let source = Text { text, path };
    let file: File = toml::from_str(text).map_err(|cause| source.not_toml(&cause))?;
    check_name(&source, "name", &file.name)?;
    if let Some(requires) = &file.requires {
        check_name(&source, "requires", requires)?;
    }
    if let Some((name, why)) = file.model.wrong_extra() {
        let at = text.find("extra").map_or(0, |at| source.inside(at..text.len(), name));
        return Err(source.wrong(at, &format!("model.extra.{name}"), why));
    }
    let kind = kind(&source, &file)?;
    let decides = match &kind {
        TaskKind::Labels(_) => "labels",
        TaskKind::Filter(filter) => filter.field.as_str(),
    };
    let response = response::read(&source, &file.response, &["id", "reasoning", "check", decides])?;
    let mut task = Task {
        thresholds: thresholds(&source, &file.thresholds, &response)?,
        fields: fields(&source, &file.fields)?,
        kind,
        response,
        requires: file.requires.map(Spanned::into_inner),
        examples: Vec::new(),
        system: Template::default(),
        user: Template::default(),
        name: file.name.into_inner(),
        about: file.about,
        model: file.model,
        defence: file.defence,
        rules: file.rules,
        output: file.output.get_ref().clone(),
    };
    output::check(&source, &file.output, &task)?;
    task.system = template(&source, "prompt.system", &file.prompt.system, &task)?;
    task.user = template(&source, "prompt.user", &file.prompt.user, &task)?;
    if !task.user.shows_id() {
        let what = "the template has no `{record_id}`: without it no answer can be tied to its record";
        return Err(source.wrong(file.prompt.user.span().start, "prompt.user", what));
    }
    if let Some(field) = (0..task.fields.len()).find(|place| !task.shown().contains(place)) {
        let name = &task.fields[field].name;
        let what = format!("no template has the placeholder `{{{name}}}`");
        return Err(source.wrong(file.fields[name].span().start, &format!("fields.{name}"), &what));
    }
    task.examples = examples::read(&source, &file.examples, &task)?;
    Ok(task)
}

fn check_name(source: &Text<'_>, key: &str, name: &Spanned<String>) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.get_ref().is_empty() && name.get_ref().bytes().all(good) {
        return Ok(());
    }
    Err(source.wrong(name.span().start, key, "a name is of a-z, 0-9 and _"))
}

fn kind(source: &Text<'_>, file: &File) -> Result<TaskKind> {
    let wrong = |at: usize, key: &str, what: &str| Err(source.wrong(at, key, what));
    let at = file.kind.span().start;
    match (file.kind.get_ref(), &file.labels, &file.most, &file.filter) {
        (KindWord::Labels, Some(entries), Some(most), None) => {
            Ok(TaskKind::Labels(Labels::read(source, entries, most, file.other.as_ref())?))
        }
        (KindWord::Labels, None, ..) => wrong(at, "labels", "a task of kind `labels` needs [[labels]]"),
        (KindWord::Labels, _, None, _) => wrong(at, "most", "a task of kind `labels` needs `most`"),
        (KindWord::Labels, _, _, Some(filter)) => {
            wrong(filter.span().start, "filter", "a task of kind `labels` has no [filter]")
        }
        (KindWord::Filter, Some(labels), ..) => {
            wrong(labels.span().start, "labels", "a task of kind `filter` has no [[labels]]")
        }
        (KindWord::Filter, None, Some(most), _) => {
            wrong(most.span().start, "most", "a task of kind `filter` has no `most`")
        }
        (KindWord::Filter, None, None, None) => wrong(at, "filter", "a task of kind `filter` needs [filter]"),
        (KindWord::Filter, None, None, Some(filter)) => {
            let FilterEntry { field, description, words, tags } = filter.get_ref();
            let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if field.is_empty()
                || !field.bytes().all(good)
                || ["id", "reasoning", "check"].contains(&field.as_str())
            {
                return wrong(
                    filter.span().start,
                    "filter.field",
                    "it cannot be the name of the answer's member",
                );
            }
            let words = Words { words: words.clone(), tags: tags.clone() };
            let (field, description) = (field.clone(), description.clone());
            Ok(TaskKind::Filter(Filter { field, description, words, spelled: None }))
        }
    }
}

fn thresholds(
    source: &Text<'_>,
    table: &BTreeMap<String, Spanned<f64>>,
    response: &[ResponseField],
) -> Result<Vec<Threshold>> {
    let threshold = |(key, least): (&String, &Spanned<f64>)| {
        let name = key.strip_prefix("min_").unwrap_or_default();
        let place = response.iter().position(|field| field.name == name && field.form.is_counted());
        place.map(|place| Threshold { place, least: *least.get_ref() }).ok_or_else(|| {
            let counted: Vec<_> = response
                .iter()
                .filter(|field| field.form.is_counted())
                .map(|field| format!("min_{}", field.name))
                .collect();
            let what = format!(
                "it must be `min_` and the name of a response field with numbers, here one of: {}",
                if counted.is_empty() { "none".into() } else { counted.join(", ") }
            );
            source.wrong(least.span().start, &format!("thresholds.{key}"), &what)
        })
    };
    table.iter().map(threshold).collect()
}

fn fields(source: &Text<'_>, table: &BTreeMap<String, Spanned<usize>>) -> Result<Vec<Field>> {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let field = |(name, limit): (&String, &Spanned<usize>)| {
        let key = format!("fields.{name}");
        let what = if matches!(name.as_str(), "labels" | "record_id" | "other" | "answer_form" | "yes" | "no")
        {
            "this name is that of a placeholder of ours"
        } else if !name.split('.').all(part) {
            "only names of letters, digits and _, with dots between them, can be placeholders"
        } else if *limit.get_ref() == 0 {
            "a limit of 0 would always cut the whole field"
        } else {
            return Ok(Field { name: name.clone(), limit: *limit.get_ref() });
        };
        Err(source.wrong(limit.span().start, &key, what))
    };
    table.iter().map(field).collect()
}

fn template(source: &Text<'_>, key: &str, text: &Spanned<String>, task: &Task) -> Result<Template> {
    let words = task.words();
    Template::parse(text.get_ref(), &task.fields, &words).map_err(|name| {
        let placeholder = format!("{{{name}}}");
        let what = format!("the placeholder `{placeholder}` names no field of [fields]");
        let ours: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        source.wrong(source.inside(text.span(), &placeholder), key, &what).advise(format!(
            "correct its name, or add `{name} = LIMIT` to [fields]; record_id, {} are always there",
            ours.join(", ")
        ))
    })
}
