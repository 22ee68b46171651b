//! The classifier: settles one record after another, each tied to its own answer.

mod local;
mod openai;
mod votes;

use std::sync::Arc;
use std::time::Duration;

use crawl_core::http::{Http, Waiting};
use crawl_core::{Error, Kind, Missing, Record, Result, Row, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::ask::endpoint::{Endpoint, Look};
use crate::ask::{Chat, Origin};
use crate::cache::Cache;
use crate::engine::end::End;
use crate::engine::row::{self, REJECTED, Side};
use crate::money::{Fund, Ledger, Price, Usage, nano};
use crate::task::{Answer, Answers, Task, id_of};
use local::Local;
pub(crate) use local::Settled;
use openai::Openai;

/// A task, with the engines that answer it.
#[derive(Debug)]
pub struct Classifier {
    task: Task,
    local: Local,
    model: Option<Openai>,
    end: End,
    usage: Usage,
    id_field: String,
    asked_again_since: Option<Timestamp>,
    concurrency: u32,
    votes: u32,
    places: Arc<Semaphore>,
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
            Openai { endpoint: Endpoint::new(http, cache), look: Look::new(chat, answers), second: None };
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
        let waiting = |model: &Openai| model.endpoint.waiting(&model.look);
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

    /// Begins with a record once a place is free; `None` once the run must stop.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        record: Record,
        side: Side,
    ) -> Option<JoinHandle<Option<Row>>> {
        self.under_way(move |classifier| async move { classifier.settled(&record, side).await }).await
    }

    /// Begins to find the answer for a record once a place is free, as [`Classifier::find`] does. `None`, at once or later, if
    /// the run must stop: see [`Classifier::end`].
    pub async fn begin_to_find(self: &Arc<Self>, record: Record) -> Option<JoinHandle<Option<Found>>> {
        self.under_way(|classifier| async move { classifier.find(&record).await }).await
    }

    /// The one way in which many records are under way: each holds a place, so that [`Classifier::finish`] waits for it, and
    /// the first error of the whole run keeps all others from beginning.
    async fn under_way<T, F>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> F,
    ) -> Option<JoinHandle<Option<T>>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let place = self.places.clone().acquire_owned().await.ok()?;
        if self.end.has_come() {
            return None;
        }
        let (work, classifier) = (work(self.clone()), self.clone());
        Some(tokio::spawn(async move {
            let done = work.await.map_err(|error| classifier.end.stop(error)).ok();
            drop(place);
            done
        }))
    }

    /// The row of a record; `None` if the run must stop: see [`Classifier::end`].
    pub async fn settle(&self, record: Record) -> Option<Row> {
        self.settled(&record, Side::LetThrough).await.map_err(|error| self.end.stop(error)).ok()
    }

    async fn settled(&self, record: &Record, side: Side) -> Result<Row> {
        if record.raw().members().is_some() {
            self.check_members(record, side)?;
        }
        match self.find(record).await? {
            Found::Answered(answer, origin) => {
                self.usage().suspicious(origin.suspicious);
                row::answered(record, &self.task, &answer, &origin, side)
            }
            Found::Missing(missing) => Ok(row::unanswered(missing, side)),
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

    /// A second member of the same name would hide one of the two from most readers.
    fn check_members(&self, record: &Record, side: Side) -> Result<()> {
        let mut ours = self.task.members();
        ours.extend((side == Side::Rejected).then_some(REJECTED));
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
