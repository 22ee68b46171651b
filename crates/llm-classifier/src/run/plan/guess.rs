//! Guesses: how long answers are, where the cache does not tell.

use super::{Planner, Range, THOUGHTS};
use crate::task::{Form, Task};

impl Planner<'_> {
    /// Answers of a model that thinks before them; how long is its own affair, up to the most tokens.
    pub(super) fn with_thoughts(&self, answer: Range) -> Range {
        let most = self.chat.task().model.most_tokens().map_or(16_000.0, |most| most as f64);
        let likely = (answer.likely + THOUGHTS).min(most.max(answer.likely));
        Range { low: answer.low, likely, high: most.max(answer.high) }
    }

    /// The length of answers, where none is known: of the examples, or of the answer's members.
    pub(super) fn by_form(&self) -> (Range, &'static str) {
        let task = self.chat.task();
        let examples: Vec<_> =
            task.examples.iter().map(|example| self.count(&self.answers.example(example))).collect();
        if examples.is_empty() {
            return (around(members(task)), "a guess by the answer's members");
        }
        (around(examples.iter().sum::<f64>() / examples.len() as f64), "the task's examples")
    }
}

pub(super) fn around(mean: f64) -> Range {
    Range { low: mean * 0.6, likely: mean, high: mean * 2.0 }
}

/// Tokens of a usual answer: name and punctuation of a member are about five, a sentence twenty-five.
fn members(task: &Task) -> f64 {
    let member = |form: &Form| match form {
        Form::Boolean | Form::Number(..) | Form::Integer(..) => 6.0,
        Form::Choice(_) => 8.0,
        Form::Choices(..) => 16.0,
        Form::Text(most) => 5.0 + (*most as f64 / 4.0).min(40.0),
        Form::Texts(_) => 35.0,
    };
    let fixed = 17.0 + 45.0 + 12.0 + if task.defence.canary { 10.0 } else { 0.0 };
    fixed + task.response.iter().map(|field| member(&field.form)).sum::<f64>()
}
