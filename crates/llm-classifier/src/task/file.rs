//! Task files: TOML, checked so that an error names file, line and key.

use std::collections::BTreeMap;
use std::path::Path;

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;
use toml::Spanned;

use super::{Field, Label, Labels, Model, Output, Task, TaskKind, Template};

/// A file of kind `labels`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    about: String,
    #[allow(dead_code, reason = "it only has to be there: one kind is known")]
    kind: KindWord,
    most: Spanned<usize>,
    other: Option<Spanned<String>>,
    labels: Spanned<Vec<LabelEntry>>,
    prompt: Prompt,
    fields: BTreeMap<String, Spanned<usize>>,
    #[serde(default)]
    model: Model,
    output: Spanned<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Labels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelEntry {
    id: Spanned<i64>,
    name: Spanned<String>,
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prompt {
    system: Spanned<String>,
    user: Spanned<String>,
}

/// The text of a file, for errors.
struct Text<'a> {
    text: &'a str,
    path: &'a Path,
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Task> {
    let source = Text { text, path };
    let file: File = toml::from_str(text).map_err(|cause| source.not_toml(&cause))?;
    check_name(&source, &file.name)?;
    let fields = fields(&source, &file.fields)?;
    let labels = labels(&source, &file)?;
    let list = shown(&labels.labels);
    let system = template(&source, "prompt.system", &file.prompt.system, &fields, &list)?;
    let user = template(&source, "prompt.user", &file.prompt.user, &fields, &list)?;
    if !user.shows_id() {
        let what = "the template has no `{record_id}`: without it no answer can be tied to its record";
        return Err(source.wrong(file.prompt.user.span().start, "prompt.user", what));
    }
    let task = Task {
        name: file.name.into_inner(),
        about: file.about,
        kind: TaskKind::Labels(labels),
        fields,
        model: file.model,
        system,
        user,
    };
    if let Some(field) = (0..task.fields.len()).find(|place| !task.shown().contains(place)) {
        let name = &task.fields[field].name;
        let what = format!("no template has the placeholder `{{{name}}}`");
        return Err(source.wrong(file.fields[name].span().start, &format!("fields.{name}"), &what));
    }
    Ok(task)
}

fn check_name(source: &Text<'_>, name: &Spanned<String>) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.get_ref().is_empty() && name.get_ref().bytes().all(good) {
        return Ok(());
    }
    Err(source.wrong(name.span().start, "name", "a name is of a-z, 0-9 and _"))
}

fn fields(source: &Text<'_>, table: &BTreeMap<String, Spanned<usize>>) -> Result<Vec<Field>> {
    let field = |(name, limit): (&String, &Spanned<usize>)| {
        let key = format!("fields.{name}");
        let what = if matches!(name.as_str(), "labels" | "record_id") {
            "this name is that of a placeholder of ours"
        } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            "only names of letters, digits and _ can be placeholders"
        } else if *limit.get_ref() == 0 {
            "a limit of 0 would always cut the whole field"
        } else {
            return Ok(Field { name: name.clone(), limit: *limit.get_ref() });
        };
        Err(source.wrong(limit.span().start, &key, what))
    };
    table.iter().map(field).collect()
}

fn labels(source: &Text<'_>, file: &File) -> Result<Labels> {
    let entries = file.labels.get_ref();
    for (index, entry) in entries.iter().enumerate() {
        let wrong = |at: std::ops::Range<usize>, key: &str, what: String| {
            Err(source.wrong(at.start, &format!("labels[{}].{key}", index + 1), &what))
        };
        let (name, id) = (entry.name.get_ref(), entry.id.get_ref());
        if name.trim().is_empty() {
            return wrong(entry.name.span(), "name", "a label needs a name".into());
        }
        if entries[..index].iter().any(|other| other.name.get_ref() == name) {
            return wrong(entry.name.span(), "name", format!("two labels have the name `{name}`"));
        }
        if entries[..index].iter().any(|other| other.id.get_ref() == id) {
            return wrong(entry.id.span(), "id", format!("two labels have the id {id}"));
        }
    }
    if entries.len() < 2 {
        return Err(source.wrong(file.labels.span().start, "labels", "a task needs two labels or more"));
    }
    let label = |entry: &LabelEntry| Label {
        id: *entry.id.get_ref(),
        name: entry.name.get_ref().clone(),
        description: entry.description.clone(),
    };
    let labels: Vec<Label> = entries.iter().map(label).collect();
    let most = *file.most.get_ref();
    if most == 0 || most > labels.len() {
        let what = format!("must be from 1 to the number of labels, {}", labels.len());
        return Err(source.wrong(file.most.span().start, "most", &what));
    }
    Ok(Labels { most, other: other(source, file, &labels)?, output: output(source, &file.output)?, labels })
}

fn other(source: &Text<'_>, file: &File, labels: &[Label]) -> Result<Option<usize>> {
    let Some(name) = &file.other else { return Ok(None) };
    match labels.iter().position(|label| label.name == *name.get_ref()) {
        Some(place) => Ok(Some(place)),
        None => Err(source.wrong(
            name.span().start,
            "other",
            &format!("no label has the name `{}`", name.get_ref()),
        )),
    }
}

fn output(source: &Text<'_>, output: &Spanned<Output>) -> Result<Output> {
    let Output { names, ids, reasoning } = output.get_ref();
    if names == ids
        || names == reasoning
        || ids == reasoning
        || [names, ids, reasoning].iter().any(|name| name.is_empty())
    {
        return Err(source.wrong(output.span().start, "output", "the three members need three names"));
    }
    Ok(output.get_ref().clone())
}

/// What `{labels}` stands for.
fn shown(labels: &[Label]) -> String {
    let lines: Vec<_> =
        labels.iter().map(|label| format!("- {}: {}", label.name, label.description.trim())).collect();
    lines.join("\n")
}

fn template(
    source: &Text<'_>,
    key: &str,
    text: &Spanned<String>,
    fields: &[Field],
    labels: &str,
) -> Result<Template> {
    Template::parse(text.get_ref(), fields, labels).map_err(|name| {
        let placeholder = format!("{{{name}}}");
        let what = format!("the placeholder `{placeholder}` names no field of [fields]");
        source.wrong(source.inside(text.span(), &placeholder), key, &what).advise(format!(
            "correct its name, or add `{name} = LIMIT` to [fields]; record_id and labels are always there"
        ))
    })
}

impl Text<'_> {
    /// Where `part` stands in a span, or where the span begins.
    fn inside(&self, span: std::ops::Range<usize>, part: &str) -> usize {
        let found = self.text.get(span.clone()).and_then(|text| text.find(part));
        span.start + found.unwrap_or(0)
    }

    fn wrong(&self, at: usize, key: &str, what: &str) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Error::new(Kind::Config, format!("the task file is wrong at key `{key}`: {what}"))
            .at(format!("{}:{line}", self.path.display()))
            .advise("correct the file; docs/llm-classifier.md explains every key")
    }

    fn not_toml(&self, cause: &toml::de::Error) -> Error {
        let at = cause.span().map_or(0, |span| span.start);
        let line_start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let line = self.text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let key = line.split_once('=').map_or(line, |(key, _)| key).trim().trim_matches(['[', ']']);
        self.wrong(at, key, cause.message())
    }
}
