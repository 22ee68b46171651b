//! Plans: what a run would cost and take, before anything is sent.

mod guess;
mod notes;

use std::collections::HashSet;

use crawl_core::json::Raw;
use crawl_core::{Record, Result};
use serde::Serialize;
use tiktoken_rs::CoreBPE;

use crate::ask::Chat;
use crate::ask::endpoint::question;
use crate::cache::{Cache, Key};
use crate::engine::head::Head;
use crate::engine::rules::{self, Ruled};
use crate::engine::suspect::suspicions;
use crate::money::Price;
use crate::money::tokens::tokenizer;
use crate::task::{Answers, id_of};
use guess::around;

/// What frames a message, in tokens, and the beginning of the answer.
const PER_MESSAGE: f64 = 4.0;
const PER_REQUEST: f64 = 3.0;
/// What a model that thinks says to itself, where nothing is known of it.
const THOUGHTS: f64 = 500.0;
/// Where nothing is known: the seconds before an answer begins, and its tokens a second.
const BEFORE: f64 = 0.5;
const A_SECOND: f64 = 60.0;
/// From so many kept answers on, they tell how long answers are.
const TELLING: u64 = 20;

/// Three figures for one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// If all goes well.
    pub low: f64,
    /// What we expect.
    pub likely: f64,
    /// If answers are as long as they may be and many are asked for twice.
    pub high: f64,
}

/// What a run would cost and take. All of it is an estimate but `records`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// Records of the input.
    pub records: u64,
    /// How many of them were looked at; the rest is taken to be like them.
    pub looked_at: u64,
    /// Records that will be asked about.
    pub asked: u64,
    /// How many of them will be asked about a second time, for they look as if they held orders.
    pub second_looks: u64,
    /// Questions that will be sent: one for each of these records, or one for each vote about it, and the second looks.
    pub questions: u64,
    /// Records whose answer is in the cache.
    pub cached: u64,
    /// Records that the rules answer.
    pub ruled: u64,
    /// Records that the head answers.
    pub headed: u64,
    /// Records whose content another one has too: they share its answer.
    pub mirrors: u64,
    /// Records that cannot be asked about: no object, no id.
    pub unfit: u64,
    /// Tokens sent.
    pub prompt_tokens: Range,
    /// Tokens received.
    pub completion_tokens: Range,
    /// Dollars; absent if the price is not known.
    pub cost_usd: Option<Range>,
    /// Where the length of answers is taken from.
    pub answers_from: &'static str,
    /// Seconds at the limits and the concurrency.
    pub seconds: Option<f64>,
    /// Where the seconds are taken from.
    pub seconds_from: &'static str,
    /// What of the task the model may not take, and what it does beside answering.
    pub notes: Vec<String>,
}

/// What bounds the speed of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Requests a minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<u64>,
    /// Requests under way at a time.
    pub concurrency: u32,
}

/// Looks at records and adds up what asking about them takes.
pub struct Planner<'a> {
    chat: &'a Chat,
    answers: &'a Answers,
    cache: Option<&'a Cache>,
    rules: bool,
    asked_first: Option<&'a Head>,
    votes: u32,
    id_field: &'a str,
    bpe: &'static CoreBPE,
    /// How suspicious records are asked about a second time.
    second: Option<(&'a Chat, &'a Answers)>,
    /// The texts that every question begins with, and their tokens; of the first look and the second.
    heads: [(Vec<String>, f64); 2],
    seen: Totals,
    /// The questions so far: the same one is paid once.
    asked: HashSet<Key>,
}

#[derive(Default)]
struct Totals {
    records: u64,
    asked: u64,
    second_looks: u64,
    questions: u64,
    cached: u64,
    ruled: u64,
    headed: u64,
    mirrors: u64,
    unfit: u64,
    tokens: f64,
    squares: f64,
}

impl Totals {
    fn ask(&mut self, questions: u32, tokens: f64) {
        let times = f64::from(questions);
        self.questions += u64::from(questions);
        self.tokens += times * tokens;
        self.squares += times * tokens * tokens;
    }
}

impl<'a> Planner<'a> {
    /// A planner for a task at an endpoint. `rules` says whether the rules are asked first.
    pub fn new(
        chat: &'a Chat,
        answers: &'a Answers,
        cache: Option<&'a Cache>,
        rules: bool,
        id_field: &'a str,
    ) -> Self {
        let bpe = tokenizer(chat.model());
        Planner {
            chat,
            answers,
            cache,
            rules,
            asked_first: None,
            votes: 1,
            id_field,
            bpe,
            second: None,
            heads: Default::default(),
            seen: Totals::default(),
            asked: HashSet::new(),
        }
    }

    /// Suspicious records are asked about a second time in this way.
    pub fn with_second_look(self, chat: &'a Chat, answers: &'a Answers) -> Self {
        Planner { second: Some((chat, answers)), ..self }
    }

    /// A planner of a run that asks a head before the model.
    pub fn with_head(self, head: Option<&'a Head>) -> Self {
        Planner { asked_first: head, ..self }
    }

    /// A planner of a run that asks about each record so many times.
    pub fn with_votes(self, votes: u32) -> Self {
        Planner { votes: votes.max(1), ..self }
    }

    /// Looks at a record.
    ///
    /// # Errors
    /// Those of reading the cache.
    pub fn look(&mut self, record: &Record) -> Result<()> {
        self.seen.records += 1;
        let raw = record.raw();
        let Some(id) = raw.members().and_then(|_| id_of(raw, self.id_field)) else {
            self.seen.unfit += 1;
            return Ok(());
        };
        if self.rules && matches!(rules::judge(self.chat.task(), raw, &id), Ruled::Sure(_)) {
            self.seen.ruled += 1;
            return Ok(());
        }
        if self.asked_first.is_some_and(|head| head.judge(self.chat.task(), raw, &id).is_ok()) {
            self.seen.headed += 1;
            return Ok(());
        }
        let question = question(self.chat, self.answers, self.cache, raw, &id)?;
        let mut open = self.votes;
        for vote in 1..=self.votes {
            let kept = self.cache.map(|cache| cache.get(question.key.vote(vote))).transpose()?.flatten();
            open -= u32::from(kept.is_some());
        }
        if open == 0 {
            self.seen.cached += 1;
            return Ok(());
        }
        if !self.asked.insert(question.key) {
            self.seen.mirrors += 1;
            return Ok(());
        }
        self.seen.asked += 1;
        let tokens = self.tokens(0, self.chat, self.answers, raw, &question.about);
        self.seen.ask(open, tokens);
        if let Some((chat, answers)) = self.second
            && !suspicions(raw, &self.chat.task().fields).is_empty()
        {
            let tokens = self.tokens(1, chat, answers, raw, &question.about);
            self.seen.second_looks += 1;
            self.seen.ask(1, tokens);
        }
        Ok(())
    }

    /// The tokens of a question, of the first look or the second.
    fn tokens(&mut self, look: usize, chat: &Chat, answers: &Answers, raw: Raw<'_>, about: &str) -> f64 {
        let (head, user) = chat.said(raw, about, answers.check_word(about).as_deref());
        if self.heads[look].0 != head {
            let tokens: f64 = head.iter().map(|text| self.count(text) + PER_MESSAGE).sum();
            self.heads[look] = (head, tokens);
        }
        self.heads[look].1 + self.count(&user) + PER_MESSAGE + PER_REQUEST
    }

    fn count(&self, text: &str) -> f64 {
        self.bpe.encode_ordinary(text).len() as f64
    }

    /// The plan for so many records like those that were looked at.
    ///
    /// # Errors
    /// Those of reading the cache.
    pub fn plan(&self, records: u64, price: Option<&Price>, limits: Limits) -> Result<Plan> {
        let seen = &self.seen;
        let share = |part: u64| match seen.records {
            0 => 0,
            all => (part as f64 * records as f64 / all as f64).round() as u64,
        };
        let (asked, second_looks, questions) =
            (share(seen.asked), share(seen.second_looks), share(seen.questions));
        let mean = if seen.questions == 0 { 0.0 } else { seen.tokens / seen.questions as f64 };
        let history =
            self.cache.map(|cache| cache.recent(self.chat.prompt(), self.chat.model())).transpose()?;
        let history = history.filter(|history| history.answers >= TELLING);
        let (each, answers_from) = match &history {
            Some(history) => (around(history.completion_tokens), "the answers to this prompt in the cache"),
            None => self.by_form(),
        };
        let thinks = price.is_some_and(|price| price.reasoning);
        let each = if thinks && history.is_none() { self.with_thoughts(each) } else { each };
        // Each of them is an answer.
        let answers = questions as f64;
        let again = history.as_ref().map_or(0.01, |history| history.second_rounds);
        // Two deviations of the mean of those looked at, for those that were not.
        let rest = 1.0 - seen.records.min(records) as f64 / records.max(1) as f64;
        let deviation = (seen.squares / seen.questions.max(1) as f64 - mean * mean).max(0.0).sqrt();
        let slack = 2.0 * deviation / (seen.asked.max(1) as f64).sqrt() * rest;
        // Some endpoints count the schema as tokens sent.
        let schema = self.count(self.answers.schema());
        let prompt_tokens = Range {
            low: answers * (mean - slack).max(0.0),
            likely: answers * (mean + again * (mean + 80.0)),
            high: (answers * (mean + slack) + answers * schema) * 1.1,
        };
        let most = self.chat.task().model.most_tokens().map_or(each.high * 2.0, |most| most as f64);
        let completion_tokens = Range {
            low: answers * each.low,
            likely: answers * each.likely * (1.0 + again),
            high: answers * each.high.min(most).max(each.likely) * 1.1,
        };
        let cost = |price: &Price| Range {
            low: price.cost(prompt_tokens.low, completion_tokens.low),
            likely: price.cost(prompt_tokens.likely, completion_tokens.likely),
            high: price.cost(prompt_tokens.high, completion_tokens.high),
        };
        let known = history.as_ref().map(|history| history.latency_ms / 1000.0);
        let latency = known.unwrap_or(BEFORE + each.likely / A_SECOND);
        let limited = limits.requests_per_minute.is_some() || limits.tokens_per_minute.is_some();
        Ok(Plan {
            records,
            looked_at: seen.records,
            asked,
            second_looks,
            questions,
            cached: share(seen.cached),
            ruled: share(seen.ruled),
            headed: share(seen.headed),
            mirrors: share(seen.mirrors),
            unfit: share(seen.unfit),
            prompt_tokens,
            completion_tokens,
            cost_usd: price.map(cost),
            answers_from,
            seconds: seconds(answers, prompt_tokens.likely, Some(latency), limits),
            seconds_from: match (known, limited) {
                (Some(_), _) => "the time of the answers in the cache, and the limits",
                (None, true) => "the limits, and a guess of 60 tokens a second",
                (None, false) => "a guess of 60 tokens a second",
            },
            notes: self.notes(price),
        })
    }
}

fn seconds(requests: f64, tokens: f64, latency: Option<f64>, limits: Limits) -> Option<f64> {
    let by_requests = limits.requests_per_minute.map(|quota| requests / quota.max(1) as f64 * 60.0);
    let by_tokens = limits.tokens_per_minute.map(|quota| tokens / quota.max(1) as f64 * 60.0);
    let by_latency = latency.map(|latency| requests * latency / f64::from(limits.concurrency.max(1)));
    [by_requests, by_tokens, by_latency].into_iter().flatten().reduce(f64::max)
}
