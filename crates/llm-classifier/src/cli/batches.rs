//! Batches: the records of a run, handed in as files before the run reads their answers from the cache.

use crawl_cli::anyhow::Result;
use crawl_cli::{counted, grouped, say};
use crawl_core::{Error, Kind};
use llm_classifier::batch::{self, Reason, Told};
use llm_classifier::{Asking, Cache, Classifier};

use super::input::Input;

/// Has the records answered in batches, if that is wished.
pub(crate) async fn run(asking: &Asking, classifier: &Classifier, input: &Input) -> Result<()> {
    let Some(bounds) = asking.batches() else { return tell_out(classifier.cache()) };
    if input.is_stdin() {
        return Err(Error::new(
            Kind::Config,
            "a batch reads its records more than once, and stdin cannot be",
        )
        .advise("put the records into a file, or leave --batch away")
        .into());
    }
    let records = || input.records().map_err(|cause| Error::new(Kind::Storage, cause.to_string()));
    Ok(batch::run(classifier, records, bounds, |told| say(shown(&told))).await?)
}

/// Tells what is out in batches of earlier runs.
pub(crate) fn tell_out(cache: Option<&Cache>) -> Result<()> {
    let (batches, questions) = cache.map_or(Ok((0, 0)), batch::out)?;
    if batches > 0 {
        say(format!(
            "out in batches, and not asked directly: {}; --batch brings their answers",
            counted(questions, "question")
        ));
    }
    Ok(())
}

fn shown(told: &Told) -> String {
    match told {
        Told::HandedIn { batch, requests } => {
            format!("{batch}: {} handed in", counted(*requests, "question"))
        }
        Told::GoesOn(batch) => format!("{batch}: goes on from an earlier run"),
        Told::Back { batch, answers, failed, why } => {
            let reason =
                |why: &Reason| format!("\n  {:>12}  {}: {}", grouped(why.requests), why.name, why.said);
            let why: String = why.iter().map(reason).collect();
            format!("{batch}: {} came back, {} failed{why}", counted(*answers, "answer"), grouped(*failed))
        }
        Told::Refused { batch, why } => format!("{batch}: not taken, handed in again: {why}"),
        Told::Queued(name) => format!("{name}: waits, for the provider's queue is full"),
    }
}
