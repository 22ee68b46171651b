//! The engine `openai`: asks an endpoint, keeps each answer the moment it arrives, and shows the model its errors.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use crawl_core::http::Http;
use crawl_core::{Judge, Record, Result, Timestamp};
use tokio::sync::Notify;

use crate::cache::{Cache, Kept, Key};
use crate::chat::{Question, parameters};
use crate::money::{Budget, Price};
use crate::{Answers, Chat, Origin, Reply, Usage, Verdict};

/// So many tokens may come back where the task does not say.
const MOST_TOKENS: u32 = 4096;
/// All questions have one form: if the endpoint refuses so many first ones alike, it is the form and not the records.
const FIRST: u32 = 3;

/// One way of putting the question.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) chat: Chat,
    pub(crate) answers: Answers,
    parameters: serde_json::Map<String, serde_json::Value>,
}

impl Look {
    pub(crate) fn new(chat: Chat, answers: Answers) -> Self {
        Look { parameters: parameters(chat.task()), chat, answers }
    }

    /// The question about a record.
    pub(crate) fn question(&self, record: &Record, id: &str) -> Question {
        self.chat.question(record.raw(), id, self.answers.check_word(id).as_deref())
    }
}

/// An endpoint, with the cache before it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) http: Http,
    pub(crate) cache: Cache,
    pub(crate) budget: Budget,
    pub(crate) price: Option<Price>,
    pub(crate) usage: Usage,
    pub(crate) judge: Judge,
    under_way: UnderWay,
}

/// What came of asking.
pub(crate) struct Asked {
    pub(crate) verdict: Verdict,
    pub(crate) said: Option<String>,
    pub(crate) origin: Origin,
    /// Whether anything was asked now.
    pub(crate) paid: bool,
}

impl Endpoint {
    pub(crate) fn new(http: Http, cache: Cache) -> Self {
        Endpoint {
            http,
            cache,
            budget: Budget::new(None),
            price: None,
            usage: Usage::default(),
            judge: Judge::default().first(FIRST),
            under_way: UnderWay::default(),
        }
    }

    /// Asks about a record, once more with the error if the answer cannot be used.
    pub(crate) async fn ask(&self, look: &Look, record: &Record, id: &str, fresh: bool) -> Result<Asked> {
        let question = look.question(record, id);
        self.usage.cut(question.cuts);
        let (kept, mut paid) = self.answer(look, &question, id, 1, fresh).await?;
        let mut verdict = look.answers.judge(&kept.reply, id);
        let mut origin = Origin { engine: "openai", cost_usd: Some(0.0), ..Origin::default() };
        origin.add(&kept);
        let mut said = kept.reply.content;
        if let Verdict::Invalid(wrong) = &verdict {
            tracing::debug!(id, wrong, "the answer cannot be used, showing the model its error");
            let again = look.chat.repair(&question, said.as_deref().unwrap_or_default(), wrong, id);
            let (kept, second_paid) = self.answer(look, &again, id, 2, fresh).await?;
            self.usage.repaired();
            verdict = look.answers.judge(&kept.reply, id);
            origin.add(&kept);
            said = kept.reply.content;
            paid |= second_paid;
        }
        Ok(Asked { verdict, said, origin, paid })
    }

    /// The answer to a question, from the cache or paid now, and whether it was paid now.
    async fn answer(
        &self,
        look: &Look,
        question: &Question,
        id: &str,
        round: u8,
        fresh: bool,
    ) -> Result<(Kept, bool)> {
        let _alone = self.under_way.alone(question.key).await;
        if !fresh && let Some(kept) = self.cache.get(question.key)? {
            self.usage.cached();
            return Ok((kept, false));
        }
        let reserved = self.budget.reserve(self.at_most(look, question)).await?;
        let began = Instant::now();
        let keep = |body: &Bytes| {
            let reply = Reply::read(body)?;
            let kept = self.line(look, question, reply, id, round, began, self.price.as_ref());
            reserved.paid(kept.cost_usd.unwrap_or(0.0));
            self.keep(question.key, &kept)?;
            Ok(kept)
        };
        let kept = look.chat.ask(&self.http, question, keep).await?;
        self.judge.had();
        Ok((kept, true))
    }

    /// The most that a question can cost: a token has two bytes of text or more in nearly every text, and JSON is longer.
    pub(crate) fn at_most(&self, look: &Look, question: &Question) -> f64 {
        let most = look.chat.task().model.max_tokens.unwrap_or(MOST_TOKENS);
        let sent = question.body.len() as f64 / 2.0;
        self.price.as_ref().map_or(0.0, |price| price.cost(sent, f64::from(most)))
    }

    /// The cache's line for a reply.
    #[allow(clippy::too_many_arguments, reason = "a line tells all of it")]
    pub(crate) fn line(
        &self,
        look: &Look,
        question: &Question,
        reply: Reply,
        id: &str,
        round: u8,
        began: Instant,
        price: Option<&Price>,
    ) -> Kept {
        Kept {
            key: Kept::key(question.key),
            at: Timestamp::now(),
            endpoint: look.chat.address(),
            model: look.chat.model().to_owned(),
            task: look.chat.task().name.clone(),
            prompt: look.chat.prompt().to_owned(),
            parameters: look.parameters.clone(),
            record: id.to_owned(),
            round,
            latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            cost_usd: price.map(|price| price.of_reply(&reply)),
            reply,
        }
    }

    /// Keeps a line: there is nothing between the body's last byte and the write but reading it.
    pub(crate) fn keep(&self, key: Key, kept: &Kept) -> Result<()> {
        self.usage.paid(&kept.reply, kept.cost_usd);
        if self.cache.keep(key, kept)? {
            let syncing = self.cache.syncing();
            tokio::task::spawn_blocking(move || syncing.sync_data());
        }
        Ok(())
    }
}

impl Origin {
    fn add(&mut self, kept: &Kept) {
        self.model = Some(kept.model.clone());
        self.prompt.clone_from(&kept.prompt);
        self.prompt_tokens += kept.reply.prompt_tokens;
        self.completion_tokens += kept.reply.completion_tokens;
        let sum = self.cost_usd.zip(kept.cost_usd).map(|(sum, cost)| sum + cost);
        self.cost_usd = sum.map(|sum| (sum * 1e9).round() / 1e9);
        self.latency_ms += kept.latency_ms;
        self.at = Some(kept.at);
        self.finish_reason.clone_from(&kept.reply.finish_reason);
        self.rounds += 1;
    }
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
