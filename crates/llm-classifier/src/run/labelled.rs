//! `Labelled`: the map from records to records with answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crawl_core::{Context, Error, Input, Kind, Map, Mapped, Record, Result, Row, Settings};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

use crate::ask::chat::parameters;
use crate::engine::Classifier;
use crate::engine::row::{REJECTED, Side};
use crate::task::{Task, id_of, kind_digest, template_digest};

/// Records with answers, in their order; those without as missing. Give it to [`crawl_core::Over`].
#[derive(Debug)]
pub struct Labelled {
    classifier: Arc<Classifier>,
    /// The digest of what decides how an answer looks in a record.
    kind: String,
    side: Side,
    /// Held by the page that is handing out its records: an older page comes first.
    turn: Arc<Mutex<()>>,
}

impl Labelled {
    /// What `classifier` answers.
    ///
    /// # Errors
    /// [`Kind::Config`] if the task cannot be spelled.
    pub fn new(classifier: Arc<Classifier>) -> Result<Self> {
        let kind = kind_digest(classifier.task())?;
        Ok(Labelled { classifier, kind, side: Side::LetThrough, turn: Arc::default() })
    }

    /// The other side: records that the task rejects, with their answers and why. What was asked for this map comes from the
    /// cache for that one.
    ///
    /// # Errors
    /// [`Kind::Config`] if the task itself has a member `rejected`.
    pub fn rejected(self) -> Result<Self> {
        let task = self.classifier.task();
        if task.members().contains(&REJECTED) {
            let what = format!("the task writes a member `{REJECTED}` of its own");
            return Err(Error::new(Kind::Config, what)
                .at(task.name.clone())
                .advise("rename it, or leave --rejected away"));
        }
        Ok(Labelled { side: Side::Rejected, ..self })
    }
}

/// Where the rejected rows of a root go: a root beside it, so that nobody takes them for what was let through.
pub fn rejected_root(root: &Path) -> PathBuf {
    // `.` and the like have no name.
    let whole = root.file_name().is_none().then(|| root.canonicalize().ok()).flatten();
    let root = whole.as_deref().unwrap_or(root);
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push(".rejected");
    root.with_file_name(name)
}

impl Map for Labelled {
    fn settings(&self) -> Settings {
        let task = self.classifier.task();
        let fields: Vec<_> =
            task.fields.iter().map(|field| format!("{}:{}", field.name, field.limit)).collect();
        let thresholds: Vec<_> =
            task.thresholds.iter().map(|t| format!("{}:{}", task.response[t.place].name, t.least)).collect();
        // No task requires the output of this name.
        let name = match self.side {
            Side::LetThrough => task.name.clone(),
            Side::Rejected => format!("{}, rejected", task.name),
        };
        let settings = Settings::default()
            .with("task", name)
            .with("labels", &self.kind)
            .with("prompt.system", template_digest(&task.system))
            .with("prompt.user", template_digest(&task.user))
            .with("fields", fields.join(","))
            .with("thresholds", thresholds.join(","))
            .with("output", task.members().join(","))
            .with("id_field", self.classifier.id_field())
            .with("engine", self.classifier.engines())
            .with("second_look", self.classifier.looks_twice());
        let settings = match self.classifier.votes() {
            1 => settings,
            votes => settings.with("votes", votes.to_string()),
        };
        let settings = match self.classifier.head() {
            None => settings,
            Some(head) => settings.with("head", head.digest()),
        };
        match self.classifier.chat() {
            None => settings,
            Some(chat) => settings
                .with("prompt", chat.prompt())
                .with("model", chat.model())
                .with("parameters", serde_json::Value::Object(parameters(task)))
                .with("structured", chat.structured().word()),
        }
    }

    fn id(&self, row: &Record) -> Option<String> {
        id_of(row.raw(), self.classifier.id_field())
    }

    fn reads_growing(&self) -> bool {
        true
    }

    async fn map(&self, rows: Vec<Record>, _context: &Context) -> Result<Vec<Mapped>> {
        let turn = self.turn.clone().lock_owned().await;
        let work = Work(tokio::spawn(settle(self.classifier.clone(), rows, self.side, turn)));
        let rows = work.ended().await?;
        if let Some(dollars) = self.classifier.spent() {
            tracing::info!(dollars, "spent so far");
        }
        let classifier = self.classifier.clone();
        joined(tokio::task::spawn_blocking(move || classifier.sync()).await)??;
        Ok(rows.into_iter().map(Mapped::from).collect())
    }
}

/// A page's own task: answers are read and kept also while the pump is busy with another page. It ends with its
/// future; the requests under way then end by themselves, for they are paid.
struct Work(JoinHandle<Result<Vec<Row>>>);

impl Work {
    async fn ended(mut self) -> Result<Vec<Row>> {
        joined((&mut self.0).await)?
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Hands out the records as places become free, then gathers the rows in the order of the records.
async fn settle(
    classifier: Arc<Classifier>,
    records: Vec<Record>,
    side: Side,
    turn: OwnedMutexGuard<()>,
) -> Result<Vec<Row>> {
    let wanted = records.len();
    let mut under_way = Vec::with_capacity(wanted);
    for record in records {
        let Some(row) = classifier.begin(record, side).await else { break };
        under_way.push(row);
    }
    drop(turn);
    let mut rows = Vec::with_capacity(under_way.len());
    for row in under_way {
        rows.extend(joined(row.await)?);
    }
    match classifier.end() {
        Some(error) => Err(error),
        None if rows.len() < wanted => {
            Err(Error::new(Kind::Transient, "the classifier was finished before the page was"))
        }
        None => Ok(rows),
    }
}

fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> Result<T> {
    ended.map_err(|cause| Error::new(Kind::Shape, "a task broke off").because(cause))
}

/// The first record of a listing; `None` if it has none yet.
fn first_record(input: &Input) -> Result<Option<Record>> {
    for number in 1..=input.pages() {
        if let Some(record) = input.page(number)?.into_iter().next() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn unfit(input: &Input, what: &str, advice: String) -> Error {
    Error::new(Kind::Config, what).at(input.folder().display().to_string()).advise(advice)
}

/// The member that holds the id: `repo_id` if the first record has it, else `id`.
///
/// # Errors
/// [`Kind::Config`] if the first record has neither, or if there is no record yet and one may come.
pub fn find_id_field(input: &Input) -> Result<&'static str> {
    let Some(record) = first_record(input)? else {
        // Nothing was kept, such as in a quiet week: there is nothing to ask, and nothing to wait for.
        if input.ended() {
            return Ok("id");
        }
        return Err(unfit(input, "the input has no records yet", "let its crawl go on first".into()));
    };
    ["repo_id", "id"].into_iter().find(|name| record.raw().get(name).is_some()).ok_or_else(|| {
        let advice = "name the member that holds the id with --id-field".into();
        unfit(input, "the first record has neither `repo_id` nor `id`", advice)
    })
}

/// Checks that the records are what the task wants: the output of the task that it requires, with something that it
/// shows to the model.
///
/// # Errors
/// [`Kind::Config`] if they are another task's or none's, or if the first record has none of the task's fields.
pub fn check_fields(task: &Task, input: &Input) -> Result<()> {
    let made_by = input
        .listings()
        .next()
        .and_then(|stored| stored.checkpoint().settings.as_ref())
        .and_then(|settings| settings.get("task"));
    if let Some(wanted) = task.requires.as_deref().filter(|wanted| made_by != Some(wanted)) {
        let what = format!(
            "the task `{}` requires the output of `{wanted}`, and this is that of {}",
            task.name,
            made_by.map_or("no task".into(), |name| format!("`{name}`"))
        );
        return Err(unfit(input, &what, format!("run `{wanted}` first, and name its --root as the input")));
    }
    let Some(record) = first_record(input)? else { return Ok(()) };
    let names: Vec<String> =
        record.raw().members().into_iter().flatten().map(|(key, _)| key.name().into_owned()).collect();
    let there = |field: &crate::task::Field| {
        let name = field.name.split('.').next().unwrap_or_default();
        names.iter().any(|found| found == name)
    };
    if task.fields.is_empty() || task.fields.iter().any(there) {
        return Ok(());
    }
    let advice =
        format!("name fields of the records under [fields]; the first record has: {}", names.join(", "));
    Err(unfit(input, &format!("the records have none of the fields of the task `{}`", task.name), advice))
}
