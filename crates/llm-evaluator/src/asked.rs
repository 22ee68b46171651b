//! Asking: the gold rows themselves are put to the task's engines, where gold holds whole records.

use std::sync::Arc;

use crawl_core::{Error, Kind, Result};
use tokio::sync::Semaphore;

use super::aspect::{Aspect, Scheme};
use super::given::{Confidence, Given, GivenAnswer};
use super::gold::Gold;
use llm_classifier::{Classifier, Found, Origin};

impl Given {
    /// Asks about every labelled gold row, so many at a time as the classifier works on. What is in the cache costs
    /// nothing. Thresholds are not applied: what a filter rejects has its answer here too.
    ///
    /// # Errors
    /// Those of the whole run: see [`Classifier::find`].
    pub async fn ask(classifier: Arc<Classifier>, gold: &Gold) -> Result<Self> {
        let scheme = Arc::new(Scheme::of(classifier.task()));
        let places = Arc::new(Semaphore::new(classifier.concurrency() as usize));
        let mut asked = Vec::new();
        for row in gold.rows.iter().filter(|row| row.is_labelled()).cloned() {
            let (classifier, scheme, places) = (classifier.clone(), scheme.clone(), places.clone());
            asked.push(tokio::spawn(async move {
                let _place = places.acquire().await;
                let found = match classifier.find(&row.record).await? {
                    Found::Answered(answer, origin) => Ok(answered(&answer, &origin, &scheme)),
                    Found::Missing(missing) => Err(missing.kind),
                };
                Ok::<_, Error>((row.id, found))
            }));
        }
        let from = format!("{}, asked {}", gold.file, who(&classifier));
        let mut given = Given { from, records: asked.len() as u64, ..Given::default() };
        for asking in asked {
            let broken = |cause| Error::new(Kind::Shape, "a question broke off").because(cause);
            match asking.await.map_err(broken)?? {
                (id, Ok(answer)) => drop(given.answers.insert(id, answer)),
                (id, Err(kind)) => drop(given.missing.insert(id, kind)),
            }
        }
        Ok(given)
    }
}

fn who(classifier: &Classifier) -> String {
    match classifier.chat() {
        Some(chat) => format!("of {} at {} ({})", chat.model(), chat.address(), classifier.engines()),
        None => format!("of the engine {}", classifier.engines()),
    }
}

/// An answer as it would be read from the record that `run` writes.
pub(crate) fn answered(answer: &llm_classifier::Answer, origin: &Origin, scheme: &Scheme) -> GivenAnswer {
    let given = |aspect: &Aspect| match (aspect.response, answer.related) {
        (Some(place), _) => aspect.read(answer.values.get(place)?).ok()?,
        (None, Some(related)) => Some(vec![usize::from(!related)]),
        (None, None) => Some(answer.labels.clone()),
    };
    let measures =
        scheme.measures.iter().map(|measure| measure.field.number(answer.values.get(measure.place)?));
    let word = || {
        let place = scheme.confidence.as_ref()?.place;
        answer.values.get(place)?.as_str().map(|word| Confidence::Word(word.to_owned()))
    };
    GivenAnswer {
        given: scheme.aspects.iter().map(given).collect(),
        confidence: match answer.confidence {
            Some(number) => (0.0..=1.0).contains(&number).then_some(Confidence::Number(number)),
            None => word(),
        },
        measures: measures.collect(),
        vote_share: origin.votes.map(|votes| votes.vote_share),
        probability: origin.probability,
        cost: origin.cost_usd,
        prompt_tokens: origin.prompt_tokens.map(|tokens| tokens as f64),
        completion_tokens: origin.completion_tokens.map(|tokens| tokens as f64),
    }
}
