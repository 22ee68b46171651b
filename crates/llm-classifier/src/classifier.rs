//! The classifier: settles one record after another, each tied to its own answer.

mod local;
mod votes;

use std::sync::Arc;
use std::time::Duration;

use crawl_core::http::{Http, Waiting};
use crawl_core::{Error, Kind, Missing, Record, Result, Row, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::end::End;
use crate::endpoint::{Asked, Endpoint, Look};
use crate::money::{Price, nano};
use crate::row::{self, Origin, id_of};
use crate::suspect::suspicions;
use crate::task::TaskKind;
use crate::{Answer, Answers, Cache, Chat, Fund, Ledger, Task, Usage, Verdict};
use local::Local;
pub(crate) use local::Settled;

/// A task, with the engines that answer it.
#[derive(Debug)]
pub struct Classifier {
    task: Task,
    local: Local,
    model: Option<Model>,
    end: End,
    usage: Usage,
    id_field: String,
    asked_again_since: Option<Timestamp>,
    concurrency: u32,
    votes: u32,
    places: Arc<Semaphore>,
}

/// The engine `openai`.
#[derive(Debug)]
struct Model {
    endpoint: Endpoint,
    look: Look,
    second: Option<Look>,
}

/// An answer to a record, or why there is none.
#[derive(Debug)]
pub enum Found {
    /// An answer, and how it was had. Thresholds are not applied yet.
    Answered(Answer, Box<Origin>),
    /// None, and why.
    Missing(Missing),
}

impl Classifier {
    /// A classifier that asks an endpoint, about `concurrency` records at a time; `id_field` is the member with a
    /// record's id.
    pub fn new(
        chat: Chat,
        answers: Answers,
        cache: Cache,
        http: Http,
        id_field: &str,
        concurrency: u32,
    ) -> Self {
        let task = chat.task().clone();
        let model =
            Model { endpoint: Endpoint::new(http, cache), look: Look::new(chat, answers), second: None };
        Classifier {
            model: Some(model),
            ..Classifier::rules_alone(task, id_field, concurrency).without_rules()
        }
    }

    /// A classifier that asks nobody: the words and tags of the task decide.
    pub fn rules_alone(task: Task, id_field: &str, concurrency: u32) -> Self {
        let concurrency = concurrency.clamp(1, 10_000);
        Classifier {
            task,
            local: Local { rules: true, head: None },
            model: None,
            end: End::default(),
            usage: Usage::default(),
            id_field: id_field.to_owned(),
            asked_again_since: None,
            concurrency,
            votes: 1,
            places: Arc::new(Semaphore::new(concurrency as usize)),
        }
    }

    fn without_rules(mut self) -> Self {
        self.local.rules = false;
        self
    }

    /// Asks the rules first, and the endpoint only where they are unsure.
    pub fn with_rules(mut self) -> Self {
        self.local.rules = true;
        self
    }

    /// Asks about suspicious records a second time, in another way.
    pub fn with_second_look(mut self, chat: Chat, answers: Answers) -> Self {
        if let Some(model) = &mut self.model {
            model.second = Some(Look::new(chat, answers));
        }
        self
    }

    /// Counts what answers cost, and stops before the budget is passed.
    pub fn with_money(mut self, price: Option<Price>, budget: Option<f64>) -> Self {
        if let Some(model) = &mut self.model {
            model.endpoint.price = price;
            model.endpoint.usage.ledger = Ledger::new(budget.map(nano));
        }
        self
    }

    /// Keeps a budget that other runs share, beside one of its own.
    pub fn with_fund(mut self, fund: Fund) -> Self {
        if let Some(model) = &mut self.model {
            let ledger = std::mem::take(&mut model.endpoint.usage.ledger);
            model.endpoint.usage.ledger = ledger.with_fund(fund);
        }
        self
    }

    /// Asks again where the kept answer is invalid, refused or cut and older than `since`; otherwise such answers, which
    /// were paid, count.
    pub fn asking_failures_again(mut self, since: Timestamp) -> Self {
        self.asked_again_since = Some(since);
        self
    }

    /// An earlier run had usable answers under the same settings. Else the first answers, if none of them can be used, end
    /// the run: it is the setup and not the records.
    pub fn setup_is_known(&self) {
        if let Some(model) = &self.model {
            model.endpoint.setup_is_known();
        }
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The task at its endpoint; `None` if only rules answer.
    pub fn chat(&self) -> Option<&Chat> {
        self.model.as_ref().map(|model| &model.look.chat)
    }

    /// Whether suspicious records are asked about a second time.
    pub fn looks_twice(&self) -> bool {
        self.model.as_ref().is_some_and(|model| model.second.is_some())
    }

    /// The engines, in the order in which they are asked.
    pub fn engines(&self) -> &'static str {
        match (self.local.rules, self.local.head.is_some(), self.model.is_some()) {
            (false, false, _) => "openai",
            (true, false, false) => "rules",
            (true, false, true) => "rules,openai",
            (false, true, false) => "head",
            (false, true, true) => "head,openai",
            (true, true, false) => "rules,head",
            (true, true, true) => "rules,head,openai",
        }
    }

    /// The cache; `None` if only rules answer.
    pub fn cache(&self) -> Option<&Cache> {
        self.model.as_ref().map(|model| &model.endpoint.cache)
    }

    /// What was asked, paid and found so far.
    pub fn usage(&self) -> &Usage {
        self.model.as_ref().map_or(&self.usage, |model| &model.endpoint.usage)
    }

    /// Dollars spent in this run, if the price is known.
    pub fn spent(&self) -> Option<f64> {
        let endpoint = &self.model.as_ref()?.endpoint;
        endpoint.price.as_ref().map(|_| endpoint.usage.spent().cost_usd)
    }

    pub(crate) fn endpoint(&self) -> Option<(&Endpoint, &Look)> {
        self.model.as_ref().map(|model| (&model.endpoint, &model.look))
    }

    /// The member with a record's id.
    pub fn id_field(&self) -> &str {
        &self.id_field
    }

    /// How many records are worked on at a time.
    pub fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// How long everybody has to wait for the endpoint, from now, and why.
    pub fn waiting(&self) -> Option<Waiting> {
        let waiting = |model: &Model| model.endpoint.waiting(&model.look);
        self.model.as_ref().and_then(waiting)
    }

    /// Waits until no request is under way, at most so long, and makes the cache safe. After it nothing is asked.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the cache cannot be synced.
    pub async fn finish(&self, patience: Duration) -> Result<()> {
        let all = tokio::time::timeout(patience, self.places.acquire_many(self.concurrency)).await;
        self.places.close();
        drop(all);
        self.sync()
    }

    /// Makes the cache safe from a power cut. Blocks.
    pub(crate) fn sync(&self) -> Result<()> {
        self.cache().map_or(Ok(()), Cache::sync)
    }

    /// Why the run must stop, if it must.
    pub fn end(&self) -> Option<Error> {
        self.end.why()
    }

    /// The right to work on one more record; `None` once the run must stop.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().acquire_owned().await.ok()?;
        (!self.end.has_come()).then_some(place)
    }

    /// The row of a record; `None` if the run must stop: see [`Classifier::end`].
    pub async fn settle(&self, record: Record) -> Option<Row> {
        self.settled(&record).await.map_err(|error| self.end.stop(error)).ok()
    }

    async fn settled(&self, record: &Record) -> Result<Row> {
        if record.raw().members().is_some() {
            self.check_members(record)?;
        }
        match self.find(record).await? {
            Found::Answered(answer, origin) => {
                self.usage().suspicious(origin.suspicious);
                row::answered(record, &self.task, &answer, &origin)
            }
            Found::Missing(missing) => Ok(Row::Missing(missing)),
        }
    }

    /// The answer that the cache holds about a record, whatever the thresholds say of it; of several votes the first. Nobody is
    /// asked: `None` if there is none that can be used.
    ///
    /// # Errors
    /// Those of reading the cache.
    pub fn kept(&self, record: &Record, id: &str) -> Result<Option<(Answer, Origin)>> {
        self.model.as_ref().map_or(Ok(None), |model| model.endpoint.kept(&model.look, record, id))
    }

    /// Finds the answer for a record, whatever the thresholds say of it.
    ///
    /// # Errors
    /// Those of the whole run: a wrong key, a budget that is used up, an endpoint that is down.
    pub async fn find(&self, record: &Record) -> Result<Found> {
        let raw = record.raw();
        if raw.members().is_none() {
            let what = "the record is not an object";
            return Ok(missing(None, Kind::Shape.word(), what, Some(raw.text())));
        }
        let Some(id) = id_of(raw, &self.id_field) else {
            let what = format!("the record has no `{}`", self.id_field);
            return Ok(missing(None, Kind::Shape.word(), what, None));
        };
        match (self.locally(raw, &id), &self.model) {
            (Settled::Answered(answer, origin), _) => {
                self.usage().local(origin.engine);
                Ok(Found::Answered(answer, origin))
            }
            (Settled::Unsure(_), Some(model)) => self.asked(model, record, &id).await,
            (Settled::Unsure(why), None) => Ok(missing(Some(&id), "unsure", why, None)),
        }
    }

    async fn asked(&self, model: &Model, record: &Record, id: &str) -> Result<Found> {
        let first = match self.voted(model, record, id).await {
            Ok(asked) => asked,
            Err(error) => return failed(model, id, error),
        };
        let Verdict::Good(answer) = first.verdict else { return Ok(useless(id, &first)) };
        let mut origin = first.origin;
        origin.why = suspicions(record.raw(), &self.task.fields);
        if !answer.check_kept {
            origin.why.push("the answer lost the check word".into());
        }
        origin.suspicious = !origin.why.is_empty();
        let second = model.second.as_ref().filter(|_| origin.suspicious);
        let Some(look) = second else { return Ok(Found::Answered(answer, Box::new(origin))) };
        self.usage().looked_again();
        let second = match self.ask(model, look, record, id, 1).await {
            Ok(asked) => asked,
            Err(error) => return failed(model, id, error),
        };
        let Verdict::Good(other) = &second.verdict else { return Ok(useless(id, &second)) };
        if (&other.labels, other.related) != (&answer.labels, answer.related) {
            let what = format!(
                "the record is suspicious ({}), and a second look gave another answer: {}, then {}",
                origin.why.join("; "),
                self.shown(&answer),
                self.shown(other)
            );
            return Ok(missing(Some(id), "disputed", what, second.said.as_deref()));
        }
        origin.why.push("a second look agrees".into());
        Ok(Found::Answered(answer, Box::new(origin)))
    }

    async fn ask(&self, model: &Model, look: &Look, record: &Record, id: &str, vote: u32) -> Result<Asked> {
        let asked = model.endpoint.ask(look, record, id, None, vote).await?;
        match self.asked_again_since {
            // Another record of equal content may have been asked about again in the meantime: what it was answered counts.
            Some(since) if !asked.paid && !matches!(asked.verdict, Verdict::Good(_)) => {
                let again = model.endpoint.ask(look, record, id, Some(since), vote).await?;
                self.usage().in_vain(asked.origin.rounds.into());
                Ok(again)
            }
            _ => Ok(asked),
        }
    }

    fn shown(&self, answer: &Answer) -> String {
        match &self.task.kind {
            TaskKind::Filter(filter) => format!("{} {}", filter.field, answer.related == Some(true)),
            TaskKind::Labels(labels) => {
                let names: Vec<_> =
                    answer.labels.iter().map(|place| labels.labels[*place].name.as_str()).collect();
                names.join(" + ")
            }
        }
    }

    /// A second member of the same name would hide one of the two from most readers.
    fn check_members(&self, record: &Record) -> Result<()> {
        let ours = self.task.members();
        for (key, _) in record.raw().members().into_iter().flatten() {
            if let Some(name) = ours.iter().find(|name| key.is(name)) {
                return Err(Error::new(Kind::Config, format!("the records already have a member `{name}`"))
                    .at(self.task.name.clone())
                    .advise("give the task other names under [output], or classify the listing before it"));
            }
        }
        Ok(())
    }
}

fn missing(id: Option<&str>, kind: &str, message: impl Into<String>, said: Option<&str>) -> Found {
    Found::Missing(row::missing(id, kind, message, said))
}

/// Why an answer that is none cannot be used.
fn useless(id: &str, asked: &Asked) -> Found {
    let said = asked.said.as_deref();
    match &asked.verdict {
        Verdict::Invalid(wrong) => missing(Some(id), "invalid", wrong.as_str(), said),
        Verdict::Refused(words) => missing(Some(id), "refused", words.as_str(), said),
        Verdict::Cut | Verdict::Good(_) => {
            missing(Some(id), "cut", "the answer stopped at the token limit; raise max_tokens", said)
        }
    }
}

/// An endpoint that failed: for this record, or for all.
fn failed(model: &Model, id: &str, error: Error) -> Result<Found> {
    let chat = &model.look.chat;
    // All records go to one address: where nothing is there, there is nothing for any of them.
    if error.kind() == Kind::Gone {
        return Err(chat.explain(error));
    }
    let missing = model.endpoint.judge.missing(id.to_owned(), error, Some(&chat.address()));
    let missing = missing.map_err(|error| chat.explain(error))?;
    tracing::debug!(id, error = missing.message, "no answer for this record");
    Ok(Found::Missing(missing))
}
