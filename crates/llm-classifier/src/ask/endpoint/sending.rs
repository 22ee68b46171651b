//! Sending: one question, try after try, each booked at its reservation until it is known what it cost.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crawl_core::http::{Why, never_sent};
use crawl_core::{Error, Kind, Result, Scope};

use super::pause::backoff;
use super::{Endpoint, Look};
use crate::ask::chat::{Question, RequestForm};
use crate::cache::Kept;
use crate::money::Cost;
use crate::money::ledger::Reserved;
use crate::reply::{self, Heard, Reply};
use crate::task::Verdict;

/// So often a connection is tried where nothing has ever answered: the address may be a wrong one.
const UNKNOWN: u32 = 3;
/// A connection that takes longer is not tried again there.
const PATIENT: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_millis(300);

/// What came of one try.
enum Tried {
    Answer(Box<Kept>),
    /// A filter stopped the question. That was paid and is kept, and says nothing of the form.
    Refused(Box<Kept>),
    Failed(Error),
}

impl Endpoint {
    /// The answer to a question, paid now and kept.
    pub(super) async fn paid(&self, look: &Look, question: &Question, id: &str, round: u8) -> Result<Kept> {
        let began = Instant::now();
        let config = self.http.config();
        let (mut tries, mut refusals) = (0, 0);
        loop {
            self.paused().await?;
            let turn = look.trial.turn().await;
            if self.nothing_is_there.load(Relaxed) && !self.has_answered() {
                return Err(Error::new(Kind::Transient, "cannot connect").with_scope(Scope::All));
            }
            let failed = match turn.alone.is_some() {
                false => self.one(look, question, id, round, turn.form, began).await?,
                true => self.fitted(look, question, id, round, turn.form, began).await?,
            };
            let error = match failed {
                Tried::Answer(kept) | Tried::Refused(kept) => return Ok(*kept),
                Tried::Failed(error) => error,
            };
            drop(turn);
            let known = self.has_answered();
            let (wait, why) = match error.kind() {
                Kind::Transient | Kind::Shape if tries_again(&error) => {
                    tries += 1;
                    let unknown = !known && never_sent(&error);
                    let most = if unknown { config.tries.min(UNKNOWN) } else { config.tries };
                    if tries >= most || (unknown && began.elapsed() > PATIENT) {
                        let error = error.after(tries);
                        // Nothing was ever there: no record can be had.
                        if unknown {
                            self.nothing_is_there.store(true, Relaxed);
                            return Err(error.with_scope(Scope::All));
                        }
                        return Err(error);
                    }
                    (backoff(if unknown { SOON } else { config.backoff }, tries), Why::Failing)
                }
                // Told inside a success; what has its own status was waited for.
                Kind::Limited if error.status() == Some(429) && error.tries() == 0 => {
                    refusals += 1;
                    (backoff(config.backoff, refusals).max(config.backoff), Why::RateLimit)
                }
                _ => return Err(if tries > 0 { error.after(tries + 1) } else { error }),
            };
            if began.elapsed() + wait > config.patience {
                return Err(error.after(tries.max(refusals)));
            }
            tracing::debug!(%error, tries, "trying again");
            self.pause.failed(wait, why);
            tokio::select! {
                biased;
                () = config.stop.cancelled() => return Err(stopped(look, error)),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn paused(&self) -> Result<()> {
        let stop = &self.http.config().stop;
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Error::new(Kind::Stopped, "stopped before it was asked for")),
            () = self.pause.over() => Ok(()),
        }
    }

    /// Asks before anybody knows which form the endpoint takes: what it refuses is put in another form.
    async fn fitted(
        &self,
        look: &Look,
        question: &Question,
        id: &str,
        round: u8,
        first: RequestForm,
        began: Instant,
    ) -> Result<Tried> {
        let mut form = first;
        let mut told: Option<Error> = None;
        loop {
            match self.one(look, question, id, round, form, began).await? {
                Tried::Answer(kept) => {
                    // Who takes the schema and does not keep to it is told of it in words.
                    let useless =
                        || matches!(look.answers.judge(&kept.reply, &question.about), Verdict::Invalid(_));
                    look.trial.settle(form.next().filter(|_| useless()).unwrap_or(form));
                    return Ok(Tried::Answer(kept));
                }
                Tried::Refused(kept) => return Ok(Tried::Refused(kept)),
                Tried::Failed(error) => match form.after(&error) {
                    Some(next) => {
                        tracing::info!(%error, "asking in another form: {}", next.words(first));
                        (form, told) = (next, told.or(Some(error)));
                    }
                    // In no form: what it said first is what is wrong.
                    None => return Ok(Tried::Failed(told.unwrap_or(error))),
                },
            }
        }
    }

    /// One try in one form.
    async fn one(
        &self,
        look: &Look,
        question: &Question,
        id: &str,
        round: u8,
        form: RequestForm,
        began: Instant,
    ) -> Result<Tried> {
        let body = look.chat.put(question, form);
        let length = body.len();
        let reserved = self.usage.ledger.reserve(self.at_most(look, &body, self.price.as_ref())?).await?;
        let sent = self.http.send_and(&look.chat.request(body), Ok).await;
        let failed = |error: Error, within: Option<Reply>, reserved| {
            let cost = self.book_failure(reserved, &error, within.as_ref(), length);
            let Some(refused) = Reply::filtered(&error, within) else { return Ok(Tried::Failed(error)) };
            let kept = self.line(look, question, refused, id, round, began, cost);
            self.keep(question.key, &kept)?;
            Ok(Tried::Refused(Box::new(kept)))
        };
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                if error.status().is_some() {
                    self.answered();
                }
                return failed(error, None, reserved);
            }
        };
        self.answered();
        // From here to the write nothing is waited for.
        Ok(match Reply::read(&response.body) {
            Heard::Answer(reply) => {
                self.pause.ends();
                let cost = self.book(reserved, &reply);
                let kept = self.line(look, question, reply, id, round, began, cost);
                self.keep(question.key, &kept)?;
                Tried::Answer(Box::new(kept))
            }
            Heard::Error(fault, counted) => {
                return failed(fault.error(look.chat.address()), Some(counted), reserved);
            }
            Heard::Broken(what) => {
                drop(reserved);
                Tried::Failed(reply::broken(&what).at(look.chat.address()))
            }
        })
    }

    /// Books what an answer cost.
    fn book(&self, reserved: Reserved<'_>, reply: &Reply) -> Cost {
        let most = reserved.amount();
        reserved.book(self.price.as_ref().map_or(Cost::default(), |price| Cost::of(reply, price, most)))
    }

    /// Books what a failure cost.
    fn book_failure(
        &self,
        reserved: Reserved<'_>,
        error: &Error,
        within: Option<&Reply>,
        sent: usize,
    ) -> Cost {
        let most = reserved.amount();
        let cost = self.price.as_ref().map(|price| Cost::of_failure(error, within, price, sent, most));
        reserved.book(cost.unwrap_or_default())
    }
}

/// Whether another try may bring an answer.
fn tries_again(error: &Error) -> bool {
    // A body that is none of an answer has no status; a refusal has.
    error.kind() == Kind::Transient || error.status().is_none()
}

fn stopped(look: &Look, last: Error) -> Error {
    Error::new(Kind::Stopped, "stopped before it was tried again").at(look.chat.address()).because(last)
}
