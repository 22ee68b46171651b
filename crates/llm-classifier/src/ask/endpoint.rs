//! The engine `openai`: asks an endpoint, keeps each answer the moment it arrives, and shows the model its errors.

mod first;
mod pause;
mod sending;
mod trial;
mod under_way;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crawl_core::http::{Http, Waiting};
use crawl_core::json::Raw;
use crawl_core::{Error, Judge, Kind, Record, Result, Timestamp};

use crate::ask::chat::{Question, parameters};
use crate::ask::{Chat, Origin};
use crate::cache::{Cache, Claim, Kept, Key};
use crate::money::{Cost, Price, Usage, dollars, nano};
use crate::reply::thoughts::Spoken;
use crate::reply::{Reply, logprobs};
use crate::task::answer::decides;
use crate::task::{Answer, Answers, Verdict, shown_id};
use first::First;
use pause::Pause;
use trial::Trial;
use under_way::UnderWay;

/// So many tokens may come back where the task does not say.
const MOST_TOKENS: u64 = 4096;
/// All questions have one form: if the endpoint refuses so many first ones alike, it is the form and not the records.
const FIRST: u32 = 3;
/// How often it is looked whether another process still asks the same question: at first, and later.
const SOON: Duration = Duration::from_millis(10);
const SELDOM: Duration = Duration::from_millis(200);

/// One way of putting the question.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) chat: Chat,
    pub(crate) answers: Answers,
    parameters: serde_json::Map<String, serde_json::Value>,
    trial: Trial,
}

impl Look {
    pub(crate) fn new(chat: Chat, answers: Answers) -> Self {
        Look { parameters: parameters(chat.task()), trial: Trial::new(chat.first_form()), chat, answers }
    }

    /// The question about a record.
    pub(crate) fn question(&self, cache: &Cache, record: &Record, id: &str) -> Result<Question> {
        question(&self.chat, &self.answers, Some(cache), record.raw(), id)
    }

    /// The question with the answer that cannot be used and what is wrong with it; `None` if there is nothing to show.
    pub(crate) fn again(&self, question: &Question, reply: &Reply, wrong: &str) -> Option<Question> {
        if reply.raw.is_some() {
            return None;
        }
        let said = Spoken::of(reply).text;
        (!said.is_empty()).then(|| self.chat.repair(question, said, wrong))
    }
}

/// The question about a record, shown under its name without the owner. Where only the question with the whole id has a
/// kept answer, as older runs asked it, it is that question: what was paid counts.
///
/// # Errors
/// Those of reading the cache.
pub(crate) fn question(
    chat: &Chat,
    answers: &Answers,
    cache: Option<&Cache>,
    record: Raw<'_>,
    id: &str,
) -> Result<Question> {
    let under = |id: &str| chat.question(record, id, answers.check_word(id).as_deref());
    let name = shown_id(id);
    // What begins here has nothing of older runs.
    let Some(cache) = cache.filter(|cache| cache.opened().answers > 0) else { return Ok(under(name)) };
    let question = under(name);
    if name == id || cache.has(question.key)? {
        return Ok(question);
    }
    let older = under(id);
    Ok(if cache.has(older.key)? { older } else { question })
}

/// An endpoint, with the cache before it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) http: Http,
    pub(crate) cache: Cache,
    pub(crate) price: Option<Price>,
    pub(crate) usage: Usage,
    pub(crate) judge: Judge,
    under_way: UnderWay,
    pause: Pause,
    first: First,
    answered: AtomicBool,
    nothing_is_there: AtomicBool,
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
            price: None,
            usage: Usage::default(),
            judge: Judge::default().first(FIRST),
            under_way: UnderWay::default(),
            pause: Pause::default(),
            first: First::default(),
            answered: AtomicBool::new(false),
            nothing_is_there: AtomicBool::new(false),
        }
    }

    /// An earlier run had usable answers in this way.
    pub(crate) fn setup_is_known(&self) {
        self.first.begin();
    }

    /// Whether anything was ever answered.
    fn has_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    fn answered(&self) {
        self.answered.store(true, Relaxed);
    }

    /// How long everybody waits for the endpoint, from now, and why.
    pub(crate) fn waiting(&self, look: &Look) -> Option<Waiting> {
        self.pause.waiting().or_else(|| self.http.waiting(&look.chat.request(bytes::Bytes::new())))
    }

    /// Asks about a record, once more with the error if the answer cannot be used. Of kept answers only those count that are
    /// not older than `since`.
    pub(crate) async fn ask(
        &self,
        look: &Look,
        record: &Record,
        id: &str,
        since: Option<Timestamp>,
        vote: u32,
    ) -> Result<Asked> {
        let question = look.question(&self.cache, record, id)?.vote(vote);
        self.usage.cut(question.cuts);
        let (kept, mut paid) = self.answer(look, &question, id, 1, since).await?;
        let mut verdict = look.answers.judge(&kept.reply, &question.about);
        let mut origin = Origin::asked();
        origin.add(&kept);
        let mut last = kept;
        if let Verdict::Invalid(wrong) = &verdict
            && let Some(again) = look.again(&question, &last.reply, wrong)
        {
            tracing::debug!(id, wrong, "the answer cannot be used, showing the model its error");
            let (kept, second_paid) = self.answer(look, &again.vote(vote), id, 2, since).await?;
            self.usage.repaired();
            verdict = look.answers.judge(&kept.reply, &question.about);
            origin.add(&kept);
            last = kept;
            paid |= second_paid;
        }
        // A kept answer tells that the setup has worked, but never that it does not.
        if paid || matches!(verdict, Verdict::Good(_)) {
            self.first.heard(&verdict, &last.reply)?;
        }
        origin.probability = logprobs::probability(&last.reply, decides(&look.chat.task().kind));
        let wished = look.chat.task().model.extra.get("logprobs").and_then(serde_json::Value::as_bool);
        if wished == Some(true) && origin.probability.is_none() && matches!(verdict, Verdict::Good(_)) {
            self.usage.without_probability();
        }
        let Reply { content, reasoning, raw, .. } = last.reply;
        Ok(Asked { verdict, said: content.or(reasoning).or(raw), origin, paid })
    }

    /// The kept answer about a record, of which nobody is asked; `None` if there is none that can be used.
    pub(crate) fn kept(&self, look: &Look, record: &Record, id: &str) -> Result<Option<(Answer, Origin)>> {
        let mut question = look.question(&self.cache, record, id)?;
        let mut origin = Origin::asked();
        // The second round is that after an error.
        for _ in 0..2 {
            let Some(kept) = self.cache.get(question.key)? else { return Ok(None) };
            origin.add(&kept);
            let wrong = match look.answers.judge(&kept.reply, &question.about) {
                Verdict::Good(answer) => return Ok(Some((answer, origin))),
                Verdict::Invalid(wrong) => wrong,
                Verdict::Refused(_) | Verdict::Cut => return Ok(None),
            };
            let Some(again) = look.again(&question, &kept.reply, &wrong) else { return Ok(None) };
            question = again;
        }
        Ok(None)
    }

    /// The answer to a question, from the cache or paid now, and whether it was paid now.
    async fn answer(
        &self,
        look: &Look,
        question: &Question,
        id: &str,
        round: u8,
        since: Option<Timestamp>,
    ) -> Result<(Kept, bool)> {
        let _alone = self.under_way.alone(question.key).await;
        let counts = |kept: &Kept| since.is_none_or(|since| kept.at >= since);
        if let Some(kept) = self.cache.get(question.key)?.filter(counts) {
            self.usage.cached();
            return Ok((kept, false));
        }
        let claim = self.claimed(question.key).await?;
        // Another process may have been answered in the meantime.
        if !claim.alone
            && let Some(kept) = self.cache.get(question.key)?.filter(counts)
        {
            self.usage.cached();
            return Ok((kept, false));
        }
        // Its state is large, and is carried from place to place as long as it lies in that of others.
        let kept = Box::pin(self.paid(look, question, id, round)).await?;
        self.judge.had();
        Ok((kept, true))
    }

    /// Waits until no other process asks this question.
    async fn claimed(&self, key: Key) -> Result<Claim<'_>> {
        let (config, began) = (self.http.config(), Instant::now());
        let mut wait = SOON;
        loop {
            if let Some(claim) = self.cache.claim(key)? {
                return Ok(claim);
            }
            if began.elapsed() > config.patience {
                let what = "another process that uses this response cache has been asking this question for too long";
                return Err(Error::new(Kind::Transient, what).at(self.cache.path().display().to_string()).advise(
                    "look whether it is stopped and end it, then run the same command again; or raise --patience",
                ));
            }
            tokio::select! {
                biased;
                () = config.stop.cancelled() => {
                    return Err(Error::new(Kind::Stopped, "stopped before it was asked for"));
                }
                () = tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)) => {}
            }
            wait = (wait * 2).min(SELDOM);
        }
    }

    /// The most that a try can cost, in billionths of a dollar: a token has at least one byte, and what comes back is
    /// bounded.
    ///
    /// # Errors
    /// [`Kind::Config`] if there is a budget, and nothing bounds what comes back.
    pub(crate) fn at_most(&self, look: &Look, body: &[u8], price: Option<&Price>) -> Result<u64> {
        let Some(price) = price else { return Ok(0) };
        let most = look.chat.task().model.most_tokens();
        if most.is_none() && self.usage.ledger.is_limited() && price.output > 0.0 {
            return Err(Error::new(
                Kind::Config,
                "nothing says how many tokens may come back, so no budget can be kept",
            )
            .advise("name the most with --max-tokens, or as max_tokens under [model] in the task file"));
        }
        Ok(nano(price.cost(body.len() as f64, most.unwrap_or(MOST_TOKENS) as f64)))
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
        cost: Cost,
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
            cost_usd: cost.known.map(dollars),
            presumed_usd: cost.presumed.map(dollars),
            reply,
        }
    }

    /// Keeps a line: there is nothing between the body's last byte and the write but reading it.
    pub(crate) fn keep(&self, key: Key, kept: &Kept) -> Result<()> {
        self.usage.paid(&kept.reply, kept.cost_usd.is_some() || kept.presumed_usd.is_some());
        if self.cache.keep(key, kept)? {
            let syncing = self.cache.syncing();
            tokio::task::spawn_blocking(move || syncing.sync_data());
        }
        Ok(())
    }
}
