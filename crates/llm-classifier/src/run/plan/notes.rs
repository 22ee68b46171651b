//! Notes: what of a task a model may not take, and what it does beside answering.

use super::{Planner, THOUGHTS};
use crate::ask::Structured;
use crate::money::Price;

impl Planner<'_> {
    /// What of the task the model may not take.
    pub(super) fn notes(&self, price: Option<&Price>) -> Vec<String> {
        let (Some(price), model) = (price, &self.chat.task().model) else { return Vec::new() };
        let mut notes = Vec::new();
        if price.reasoning {
            notes.push(format!(
                "it thinks before it answers, and thoughts are paid as tokens received: {THOUGHTS} of them are a guess, and the \
                 high figure takes all of max_tokens"
            ));
            if let Some(most) = model.most_tokens().filter(|most| *most < 2000) {
                notes.push(format!("{most} tokens may be too few for its thoughts and the answer: see --max-tokens, --reasoning-effort"));
            }
            if model.temperature.is_some() {
                notes.push("it may take no temperature: see --no-temperature; a run leaves out what the first refusal names".into());
            }
        }
        if !price.reasoning && model.extra.contains_key("reasoning_effort") {
            notes.push("it does not think, and may take no --reasoning-effort; a run leaves out what the first refusal names".into());
        }
        match (price.schema, self.chat.structured()) {
            (Some(false), Structured::JsonSchema) => {
                notes.push("it takes no JSON schemas: see --structured".into());
            }
            (Some(false), Structured::Auto) => {
                notes.push("it takes no JSON schemas; a run takes the next form by itself".into());
            }
            _ => {}
        }
        if let (Some(most), Some(wanted)) = (price.most_output, model.most_tokens())
            && wanted > most
        {
            notes.push(format!(
                "it gives {most} tokens at most, and the task asks for {wanted}: see --max-tokens"
            ));
        }
        notes
    }
}
