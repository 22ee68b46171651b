//! The classifier: settles one record after another, each tied to its own answer.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use crawl_core::http::Http;
use crawl_core::{Error, Kind, Missing, Record, Result, Timestamp};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::cache::{Cache, Kept, Key, hex};
use crate::chat::{Question, parameters};
use crate::health::Health;
use crate::row::{Row, id_of, spliced};
use crate::task::TaskKind;
use crate::{Answers, Chat, Reply, Usage, Verdict};

/// A task at an endpoint, with its cache.
#[derive(Debug)]
pub struct Classifier {
    chat: Chat,
    answers: Answers,
    cache: Cache,
    http: Http,
    id_field: String,
    ask_failures_again: bool,
    prompt: String,
    parameters: serde_json::Map<String, serde_json::Value>,
    usage: Usage,
    health: Health,
    under_way: UnderWay,
    concurrency: u32,
    places: Arc<Semaphore>,
}

impl Classifier {
    /// A classifier that works on `concurrency` records at a time; `id_field` is the member with a record's id.
    pub fn new(
        chat: Chat,
        answers: Answers,
        cache: Cache,
        http: Http,
        id_field: &str,
        concurrency: u32,
    ) -> Self {
        let concurrency = concurrency.clamp(1, 10_000);
        Classifier {
            prompt: prompt_digest(&chat),
            parameters: parameters(chat.task()),
            chat,
            answers,
            cache,
            http,
            id_field: id_field.to_owned(),
            ask_failures_again: false,
            usage: Usage::default(),
            health: Health::default(),
            under_way: UnderWay::default(),
            concurrency,
            places: Arc::new(Semaphore::new(concurrency as usize)),
        }
    }

    /// Asks again where the kept answer is invalid, refused or cut; otherwise such answers, which were paid, count.
    pub fn asking_failures_again(mut self) -> Self {
        self.ask_failures_again = true;
        self
    }

    /// The task and its endpoint.
    pub fn chat(&self) -> &Chat {
        &self.chat
    }

    /// The cache.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// What was asked, paid and found so far.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// The member with a record's id.
    pub fn id_field(&self) -> &str {
        &self.id_field
    }

    /// How long everybody has to wait for the endpoint's rate limit, from now.
    pub fn waiting(&self) -> Duration {
        self.http.waiting(&self.chat.request(Bytes::new()))
    }

    /// Waits until no request is under way, at most so long, and makes the cache safe. After it nothing is asked.
    ///
    /// # Errors
    /// [`Kind::Storage`] if the cache cannot be synced.
    pub async fn finish(&self, patience: Duration) -> Result<()> {
        let all = tokio::time::timeout(patience, self.places.acquire_many(self.concurrency)).await;
        self.places.close();
        drop(all);
        self.cache.sync()
    }

    /// Why the run must stop, if it must.
    pub(crate) fn end(&self) -> Option<Error> {
        self.health.end()
    }

    /// The right to work on one more record; `None` once the run must stop.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().acquire_owned().await.ok()?;
        (!self.health.ended()).then_some(place)
    }

    /// Finds the answer for a record; `None` if the run must stop: see [`Classifier::end`].
    pub(crate) async fn settle(&self, record: Record) -> Option<Row> {
        self.settled(record).await.map_err(|error| self.health.stop(error)).ok()
    }

    async fn settled(&self, record: Record) -> Result<Row> {
        let raw = record.raw();
        if raw.members().is_none() {
            return Ok(Row::missing(
                None,
                Kind::Shape.word(),
                "the record is not an object",
                Some(raw.text()),
            ));
        }
        let Some(id) = id_of(raw, &self.id_field) else {
            let what = format!("the record has no `{}`", self.id_field);
            return Ok(Row::missing(None, Kind::Shape.word(), what, None));
        };
        self.check_members(&record)?;
        let (row, paid) = self.row(&record, &id, false).await?;
        if self.ask_failures_again && !paid && matches!(row, Row::Missing(_)) {
            return Ok(self.row(&record, &id, true).await?.0);
        }
        Ok(row)
    }

    /// The row, and whether something was asked for it.
    async fn row(&self, record: &Record, id: &str, fresh: bool) -> Result<(Row, bool)> {
        let question = self.chat.question(record.raw(), id);
        self.usage.cut(question.cuts);
        let (reply, mut paid) = match self.answer(&question, id, 1, fresh).await {
            Ok(answer) => answer,
            Err(error) => return self.failed(id, error),
        };
        let mut verdict = self.answers.judge(&reply, id);
        let mut said = reply.content;
        if let Verdict::Invalid(wrong) = &verdict {
            tracing::debug!(id, wrong, "the answer cannot be used, showing the model its error");
            let again = self.chat.repair(&question, said.as_deref().unwrap_or_default(), wrong, id);
            let (reply, second_paid) = match self.answer(&again, id, 2, fresh).await {
                Ok(answer) => answer,
                Err(error) => return self.failed(id, error),
            };
            self.usage.repaired();
            verdict = self.answers.judge(&reply, id);
            said = reply.content;
            paid |= second_paid;
        }
        Ok((self.judged(record, id, verdict, said.as_deref())?, paid))
    }

    fn judged(&self, record: &Record, id: &str, verdict: Verdict, said: Option<&str>) -> Result<Row> {
        let TaskKind::Labels(labels) = &self.chat.task().kind;
        Ok(match verdict {
            Verdict::Labels { labels: chosen, reasoning } => {
                Row::Kept(spliced(record, labels, &chosen, &reasoning)?)
            }
            Verdict::Invalid(wrong) => Row::missing(Some(id), "invalid", wrong, said),
            Verdict::Refused(words) => Row::missing(Some(id), "refused", words, said),
            Verdict::Cut => {
                Row::missing(Some(id), "cut", "the answer stopped at the token limit; raise max_tokens", said)
            }
        })
    }

    fn failed(&self, id: &str, error: Error) -> Result<(Row, bool)> {
        if self.health.concerns_all(&error) {
            return Err(self.chat.explain(error));
        }
        tracing::debug!(id, %error, "no answer for this record");
        Ok((Row::Missing(Missing::because(id.to_owned(), &error, Timestamp::now())), true))
    }

    /// The reply to a question, from the cache or paid now, and whether it was paid now.
    async fn answer(&self, question: &Question, id: &str, round: u8, fresh: bool) -> Result<(Reply, bool)> {
        let _alone = self.under_way.alone(question.key).await;
        if !fresh && let Some(kept) = self.cache.get(question.key)? {
            self.usage.cached();
            return Ok((kept.reply, false));
        }
        let began = Instant::now();
        let reply = self
            .chat
            .ask(&self.http, question, |body| self.keep(question.key, body, id, round, began))
            .await?;
        self.health.answered();
        Ok((reply, true))
    }

    /// Reads a body and keeps it: there is nothing between the body's last byte and the write but this.
    fn keep(&self, key: Key, body: &Bytes, id: &str, round: u8, began: Instant) -> Result<Reply> {
        let reply = Reply::read(body)?;
        self.usage.paid(&reply);
        let kept = Kept {
            key: Kept::key(key),
            at: Timestamp::now(),
            endpoint: self.chat.address(),
            model: self.chat.model().to_owned(),
            task: self.chat.task().name.clone(),
            prompt: self.prompt.clone(),
            parameters: self.parameters.clone(),
            record: id.to_owned(),
            round,
            latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            reply,
        };
        if self.cache.keep(key, &kept)? {
            let syncing = self.cache.syncing();
            tokio::task::spawn_blocking(move || syncing.sync_data());
        }
        Ok(kept.reply)
    }

    /// A second member of the same name would hide one of the two from most readers.
    fn check_members(&self, record: &Record) -> Result<()> {
        let TaskKind::Labels(labels) = &self.chat.task().kind;
        let ours = [&labels.output.names, &labels.output.ids, &labels.output.reasoning];
        for (key, _) in record.raw().members().into_iter().flatten() {
            if let Some(name) = ours.iter().find(|name| key.is(name)) {
                return Err(Error::new(Kind::Config, format!("the records already have a member `{name}`"))
                    .at(self.chat.task().name.clone())
                    .advise("give the task other names under [output], or classify the listing before it"));
            }
        }
        Ok(())
    }
}

/// The digest of the two templates.
fn prompt_digest(chat: &Chat) -> String {
    let task = chat.task();
    let mut digest = Sha256::new();
    for part in [&task.system.text, &task.user.text] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex(&digest.finalize()[..8])
}

/// The questions that are being asked: the same one twice at a time would be paid twice.
#[derive(Debug, Default)]
struct UnderWay {
    keys: Mutex<HashSet<Key>>,
    ended: Notify,
}

struct Alone<'a> {
    under_way: &'a UnderWay,
    key: Key,
}

impl UnderWay {
    async fn alone(&self, key: Key) -> Alone<'_> {
        loop {
            let mut ended = pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
                return Alone { under_way: self, key };
            }
            ended.await;
        }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.under_way.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        self.under_way.ended.notify_waiters();
    }
}
