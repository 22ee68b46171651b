//! Money: prices from a file, and what they come to.

use std::path::Path;

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;

use crate::reply::Reply;

/// What a model costs, in dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The model; also of its dated versions, `NAME-2025-07-18`, that have no entry of their own.
    pub model: String,
    /// Tokens sent.
    pub input: f64,
    /// Tokens sent that the endpoint had from a question before [default: as `input`].
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Tokens received.
    pub output: f64,
    /// What a batch costs, as a share of the price [default: 1].
    #[serde(default)]
    pub batch: Option<f64>,
    /// Whether it thinks before it answers; thoughts are tokens received.
    #[serde(default)]
    pub reasoning: bool,
    /// Whether it takes JSON schemas, if that is known.
    #[serde(default)]
    pub schema: Option<bool>,
    /// The most tokens of an answer, if that is known.
    #[serde(default)]
    pub most_output: Option<u64>,
    /// When the price was read, and where.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// The prices of a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    #[serde(default, rename = "price")]
    prices: Vec<Price>,
}

impl Prices {
    /// Reads a file of prices.
    ///
    /// # Errors
    /// [`Kind::Config`] with file and line of what is wrong.
    pub fn load(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::new(Kind::Config, "cannot read the prices").at(&place).because(cause))?;
        let prices: Prices = toml::from_str(&text).map_err(|cause| {
            let at = cause.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count() + 1;
            Error::new(Kind::Config, format!("the file of prices is wrong: {}", cause.message()))
                .at(format!("{place}:{line}"))
                .advise("correct the file; configs/prices.toml shows the form")
        })?;
        match prices.prices.iter().find_map(|price| Some((price, price.wrong()?))) {
            Some((price, name)) => {
                let what =
                    format!("`{name}` of {} is no price: it must be 0 or more, and finite", price.model);
                Err(Error::new(Kind::Config, what)
                    .at(&place)
                    .advise("correct the file; configs/prices.toml shows the form"))
            }
            None => Ok(prices),
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Price] {
        &self.prices
    }

    /// The price of a model; `None` if it is not known.
    pub fn find(&self, model: &str) -> Option<&Price> {
        let named = |name: &str| self.prices.iter().find(|price| price.model == name);
        named(model).or_else(|| named(undated(model)?))
    }
}

/// The model of which `model` is a dated version.
pub(crate) fn undated(model: &str) -> Option<&str> {
    let is_date =
        |text: &str| text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    model
        .rmatch_indices('-')
        .map(|(at, _)| model.split_at(at))
        .find(|(_, date)| is_date(&date[1..]))
        .map(|(name, _)| name)
}

impl Price {
    /// A price for whatever model is asked.
    pub fn of(model: &str, input: f64, output: f64) -> Self {
        let (cached_input, batch, as_of) = (None, None, None);
        let (reasoning, schema, most_output) = (false, None, None);
        let model = model.to_owned();
        Price { model, input, cached_input, output, batch, reasoning, schema, most_output, as_of }
    }

    /// The name of a number that cannot be a price or a share.
    fn wrong(&self) -> Option<&'static str> {
        let numbers = [
            ("input", Some(self.input)),
            ("cached_input", self.cached_input),
            ("output", Some(self.output)),
            ("batch", self.batch),
        ];
        let is_wrong = |number: f64| !(number.is_finite() && number >= 0.0);
        numbers.into_iter().find(|(_, number)| number.is_some_and(is_wrong)).map(|(name, _)| name)
    }

    /// The same in a batch.
    pub fn in_batch(&self) -> Self {
        let share = self.batch.unwrap_or(1.0);
        Price {
            input: self.input * share,
            cached_input: self.cached_input.map(|price| price * share),
            output: self.output * share,
            ..self.clone()
        }
    }

    /// Dollars for so many tokens sent and received.
    pub fn cost(&self, sent: f64, received: f64) -> f64 {
        (sent * self.input + received * self.output) / 1e6
    }

    /// What a reply cost, in billionths of a dollar; `None` if the endpoint did not count it. One that tells dollars is
    /// believed where they are more than its tokens cost.
    pub fn of_reply(&self, reply: &Reply) -> Option<u64> {
        self.of_tokens(reply).max(reply.told_usd.map(nano))
    }

    fn of_tokens(&self, reply: &Reply) -> Option<u64> {
        let (sent, received) = (reply.prompt_tokens?, reply.completion_tokens?);
        let cached = reply.cached_tokens.min(sent) as f64;
        let saved = cached * (self.input - self.cached_input.unwrap_or(self.input)) / 1e6;
        Some(nano(self.cost(sent as f64, received as f64) - saved))
    }
}

/// Dollars as whole billionths, rounded up; sums of them have no tail of binary fractions.
pub fn nano(dollars: f64) -> u64 {
    // What is a whole number but for the last bits of a fraction is that number.
    (dollars * 1e9 - 1e-4).ceil().max(0.0) as u64
}

/// Billionths as dollars, for people and files.
pub(crate) fn dollars(nano: u64) -> f64 {
    nano as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_version_has_the_price_of_its_model_and_no_other_has() {
        let prices = Prices { prices: vec![Price::of("gpt-4o", 2.5, 10.0)] };
        assert!(prices.find("gpt-4o").is_some() && prices.find("gpt-4o-2024-11-20").is_some());
        assert!(prices.find("gpt-4o-mini").is_none() && prices.find("gpt-4").is_none());
    }

    #[test]
    fn every_number_of_a_price_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prices.toml");
        let load = |more: &str| {
            std::fs::write(&file, format!("[[price]]\nmodel = \"m\"\n{more}\n")).unwrap();
            Prices::load(&file)
        };
        assert!(load("input = 1\noutput = 2\ncached_input = 0\nbatch = 0.5").is_ok());
        for (name, rest) in [
            ("input", "output = 1"),
            ("output", "input = 1"),
            ("cached_input", "input = 1\noutput = 1"),
            ("batch", "input = 1\noutput = 1"),
        ] {
            for number in ["-0.1", "inf", "nan"] {
                let error = load(&format!("{rest}\n{name} = {number}")).unwrap_err();
                assert_eq!(error.kind(), Kind::Config);
                assert!(error.to_string().contains(&format!("`{name}` of m")), "{name} = {number}: {error}");
            }
        }
    }

    #[test]
    fn what_is_not_counted_has_no_known_cost_and_a_part_of_a_billionth_is_a_whole_one() {
        let price = Price::of("m", 0.15, 0.6);
        let reply = Reply { prompt_tokens: Some(3), completion_tokens: Some(1), ..Reply::default() };
        assert_eq!(price.of_reply(&reply), Some(1050));
        assert_eq!(price.of_reply(&Reply { completion_tokens: None, ..reply }), None);
        assert_eq!(nano(0.1e-9), 1);
        assert_eq!(nano(0.0), 0);
        assert_eq!((nano(f64::NAN), nano(-1.0)), (0, 0));
    }
}
