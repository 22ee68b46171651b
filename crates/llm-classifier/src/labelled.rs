//! `Labelled`: a stored listing with answers; page *n* gives page *n*.

use std::sync::Arc;

use crawl_core::{Cursor, Error, Kind, Page, Record, Result, Settings, Source, SourceId, Stored};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

use crate::cache::hex;
use crate::chat::{digest, parameters};
use crate::row::Row;
use crate::{Classifier, Round, Task};

/// A mapping over a stored listing: its records with answers, in its order; those without as missing.
#[derive(Debug)]
pub struct Labelled {
    id: SourceId,
    input: Stored,
    classifier: Arc<Classifier>,
    round: Option<Box<Round>>,
    /// Held by the page that is handing out its records: an older page comes first.
    turn: Arc<Mutex<()>>,
}

impl Labelled {
    /// Every record of `input`, under the same name.
    pub fn new(input: Stored, classifier: Arc<Classifier>) -> Self {
        Labelled { id: input.id().clone(), input, classifier, round: None, turn: Arc::default() }
    }

    /// Only the records that `round` asks for again, under its name.
    pub fn again(input: Stored, classifier: Arc<Classifier>, round: Box<Round>) -> Self {
        Labelled { id: round.id().clone(), input, classifier, round: Some(round), turn: Arc::default() }
    }

    /// The records of a page, read where it holds up nobody.
    async fn read(&self, number: u64) -> Result<Vec<Record>> {
        let (input, round, classifier) = (self.input.clone(), self.round.clone(), self.classifier.clone());
        let read = move || {
            let records = input.records(number)?;
            match round {
                None => Ok(records),
                Some(round) => round.pick(number, records, classifier.id_field()),
            }
        };
        joined(tokio::task::spawn_blocking(read).await)?
    }

    fn next(&self, number: u64) -> Option<Cursor> {
        let checkpoint = self.input.checkpoint();
        let more = number < checkpoint.pages || !checkpoint.ended();
        more.then(|| Cursor::new((number + 1).to_string()))
    }
}

impl Source for Labelled {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn settings(&self) -> Settings {
        let task = self.classifier.task();
        let fields: Vec<_> =
            task.fields.iter().map(|field| format!("{}:{}", field.name, field.limit)).collect();
        let thresholds: Vec<_> =
            task.thresholds.iter().map(|t| format!("{}:{}", task.response[t.place].name, t.least)).collect();
        let settings = Settings::default()
            .with("task", &task.name)
            .with("labels", kind_digest(task))
            .with("prompt.system", digest(&task.system))
            .with("prompt.user", digest(&task.user))
            .with("fields", fields.join(","))
            .with("thresholds", thresholds.join(","))
            .with("output", task.members().join(","))
            .with("id_field", self.classifier.id_field())
            .with("engine", self.classifier.engines())
            .with("second_look", self.classifier.looks_twice())
            .with("input", self.input.id())
            .with("input.settings", input_digest(&self.input))
            .with_some("retry_of", self.round.as_deref().map(Round::of));
        match self.classifier.chat() {
            None => settings,
            Some(chat) => settings
                .with("prompt", chat.prompt())
                .with("model", chat.model())
                .with("parameters", serde_json::Value::Object(parameters(task)))
                .with("structured", chat.structured().word()),
        }
    }

    fn after(&self, at: &Cursor) -> Option<Cursor> {
        let number = number(at).ok()?;
        (number < self.input.checkpoint().pages).then(|| Cursor::new((number + 1).to_string()))
    }

    async fn page(&self, at: &Cursor) -> Result<Option<Page>> {
        let number = number(at)?;
        if number > self.input.checkpoint().pages {
            return Ok(None);
        }
        let turn = self.turn.clone().lock_owned().await;
        let records = self.read(number).await?;
        let work = Work(tokio::spawn(settle(self.classifier.clone(), records, turn)));
        let rows = work.ended().await?;
        let mut page = Page::new(Vec::with_capacity(rows.len()), self.next(number));
        for row in rows {
            match row {
                Row::Kept(record) => page.records.push(record),
                Row::Dropped(why) => *page.dropped.entry(why).or_default() += 1,
                Row::Missing(missing) => page.missing.push(missing),
            }
        }
        if let Some(dollars) = self.classifier.spent() {
            tracing::info!(page = number, dollars, "spent so far");
        }
        let classifier = self.classifier.clone();
        joined(tokio::task::spawn_blocking(move || classifier.sync()).await)??;
        Ok(Some(page))
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
    turn: OwnedMutexGuard<()>,
) -> Result<Vec<Row>> {
    let wanted = records.len();
    let mut under_way = Vec::with_capacity(wanted);
    for record in records {
        let Some(place) = classifier.place().await else { break };
        let classifier = classifier.clone();
        under_way.push(tokio::spawn(async move {
            let row = classifier.settle(record).await;
            drop(place);
            row
        }));
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

/// The page number of a cursor.
fn number(at: &Cursor) -> Result<u64> {
    if at.is_start() {
        return Ok(1);
    }
    at.as_str()
        .parse()
        .map_err(|_| Error::new(Kind::Storage, "the cursor is not a page number").at(at.as_str()))
}

/// Of all that decides how an answer looks in a record, or what the rules say.
fn kind_digest(task: &Task) -> String {
    let rules = match task.rules == crate::task::Rules::default() {
        true => String::new(),
        false => format!("{:?}", task.rules),
    };
    let text = format!("{:?} {:?} {:?} {rules}", task.kind, task.response, task.output);
    hex(&Sha256::digest(text)[..8])
}

/// What the input was made with: other settings are another input.
fn input_digest(input: &Stored) -> String {
    let settings = serde_json::to_vec(&input.checkpoint().settings).unwrap_or_default();
    hex(&Sha256::digest(settings)[..8])
}

/// The first record of a listing; `None` if it has none yet.
fn first_record(input: &Stored) -> Result<Option<Record>> {
    for number in 1..=input.checkpoint().pages {
        if let Some(record) = input.records(number)?.into_iter().next() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn unfit(input: &Stored, what: &str, advice: String) -> Error {
    Error::new(Kind::Config, what).at(input.folder().display().to_string()).advise(advice)
}

/// The member that holds the id: `repo_id` if the first record has it, else `id`.
///
/// # Errors
/// [`Kind::Config`] if the first record has neither, or if there is no record yet.
pub fn find_id_field(input: &Stored) -> Result<&'static str> {
    let Some(record) = first_record(input)? else {
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
pub fn check_fields(task: &Task, input: &Stored) -> Result<()> {
    let made_by = input.checkpoint().settings.as_ref().and_then(|settings| settings.get("task"));
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
    let there = |field: &crate::Field| {
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
