//! Cost: what the answers about the gold rows cost, as far as it is known.

use serde::Serialize;

use super::given::GivenAnswer;
use crate::interval::{Draw, Interval};

/// What answers cost a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// How many answers were looked at.
    pub answers: u64,
    /// Dollars.
    pub dollars: Mean,
    /// Tokens sent.
    pub prompt_tokens: Mean,
    /// Tokens received.
    pub completion_tokens: Mean,
}

/// The sum and mean of a figure over the answers that have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// How many answers have it.
    pub known: u64,
    /// Their sum; `None` if no answer has it.
    pub sum: Option<f64>,
    /// Their mean; `None` if no answer has it.
    pub per_record: Option<f64>,
    /// How far the mean may be off, by the bootstrap; `None` if all answers have the same, or none has it.
    pub interval: Option<Interval>,
}

impl Mean {
    fn of(values: impl Iterator<Item = Option<f64>>, draw: Draw) -> Mean {
        let values: Vec<f64> = values.flatten().collect();
        let (known, sum) = (values.len() as u64, values.iter().sum::<f64>());
        let there = |value: f64| (known > 0).then_some(value);
        let interval = draw.of_mean(&values);
        Mean { known, sum: there(sum), per_record: there(sum / known as f64), interval }
    }
}

/// Adds up what answers cost.
pub(crate) fn cost(answers: &[&GivenAnswer], draw: Draw) -> Cost {
    let mean =
        |figure: fn(&GivenAnswer) -> Option<f64>| Mean::of(answers.iter().map(|answer| figure(answer)), draw);
    Cost {
        answers: answers.len() as u64,
        dollars: mean(|answer| answer.cost),
        prompt_tokens: mean(|answer| answer.prompt_tokens),
        completion_tokens: mean(|answer| answer.completion_tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cost_is_none_and_in_no_mean() {
        let dear = GivenAnswer { cost: Some(0.5), prompt_tokens: Some(10.0), ..GivenAnswer::default() };
        let unknown = GivenAnswer { prompt_tokens: Some(20.0), ..GivenAnswer::default() };
        let found = cost(&[&dear, &unknown], Draw::default());
        assert_eq!(found.dollars, Mean { known: 1, sum: Some(0.5), per_record: Some(0.5), interval: None });
        assert_eq!(found.prompt_tokens.per_record, Some(15.0));
        let interval = found.prompt_tokens.interval.unwrap();
        assert_eq!((interval.low, interval.high), (10.0, 20.0));
        assert_eq!(found.completion_tokens, Mean { known: 0, sum: None, per_record: None, interval: None });
    }
}
