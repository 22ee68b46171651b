//! Prices from LiteLLM's list, `model_prices_and_context_window.json`: the widest public one, and a part of its package.

use std::fmt::Write as _;
use std::path::Path;

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::money::{Price, undated};

/// The members of an entry that we take; they may be missing or of another kind.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    mode: Value,
    #[serde(default)]
    input_cost_per_token: Value,
    #[serde(default)]
    output_cost_per_token: Value,
    #[serde(default)]
    output_cost_per_reasoning_token: Value,
    #[serde(default)]
    cache_read_input_token_cost: Value,
    #[serde(default)]
    output_cost_per_token_batches: Value,
    #[serde(default)]
    supports_reasoning: Value,
    #[serde(default)]
    supports_response_schema: Value,
    #[serde(default)]
    max_output_tokens: Value,
    #[serde(default)]
    source: Value,
}

/// The prices of the chat models that `wanted` names, and of their dated versions that cost something else, in the order of
/// their names. `as_of` is the date and what the list is; each entry adds its own source.
///
/// # Errors
/// [`Kind::Config`] if the file is none of LiteLLM's.
pub fn read(path: &Path, wanted: impl Fn(&str) -> bool, as_of: &str) -> Result<Vec<Price>> {
    let bad = |what: &str| {
        Error::new(Kind::Config, what.to_owned())
            .at(path.display().to_string())
            .advise("name LiteLLM's model_prices_and_context_window.json, or the one in its package, which ends in _backup.json")
    };
    let text = std::fs::read(path).map_err(|cause| bad("cannot read the list of prices").because(cause))?;
    let list: serde_json::Map<String, Value> = serde_json::from_slice(&text)
        .map_err(|cause| bad("the list of prices is no JSON object").because(cause))?;
    let mut prices: Vec<Price> = list
        .into_iter()
        .filter(|(model, _)| wanted(model) || undated(model).is_some_and(&wanted))
        .filter_map(|(model, entry)| price(model, &serde_json::from_value(entry).ok()?, as_of))
        .collect();
    // A version without a price of its own has that of its model.
    let same = |version: &Price, model: &Price| {
        let numbers = |price: &Price| (price.input, price.cached_input, price.output, price.batch);
        undated(&version.model) == Some(&model.model) && numbers(version) == numbers(model)
    };
    let models: Vec<Price> = prices.iter().filter(|price| wanted(&price.model)).cloned().collect();
    prices.retain(|price| wanted(&price.model) || !models.iter().any(|model| same(price, model)));
    prices.sort_by(|one, other| one.model.cmp(&other.model));
    match prices.is_empty() {
        true => Err(bad("the list has no price of any of these models")),
        false => Ok(prices),
    }
}

fn price(model: String, entry: &Entry, as_of: &str) -> Option<Price> {
    if entry.mode.as_str().is_some_and(|mode| mode != "chat") {
        return None;
    }
    // Dollars for a million; the list has them for one, as fractions of two.
    let million =
        |value: &Value| value.as_f64().filter(|cost| *cost >= 0.0).map(|cost| (cost * 1e12).round() / 1e6);
    let output = million(&entry.output_cost_per_token)?;
    let thoughts = million(&entry.output_cost_per_reasoning_token).unwrap_or(output);
    let batch =
        million(&entry.output_cost_per_token_batches).filter(|_| output > 0.0).map(|batch| batch / output);
    let source = entry.source.as_str().map_or(String::new(), |source| format!(", {source}"));
    Some(Price {
        model,
        input: million(&entry.input_cost_per_token)?,
        cached_input: million(&entry.cache_read_input_token_cost),
        // Thoughts may be dearer; the plan and the budget take the dearer.
        output: output.max(thoughts),
        batch,
        reasoning: entry.supports_reasoning == true,
        schema: entry.supports_response_schema.as_bool(),
        most_output: entry.max_output_tokens.as_u64(),
        as_of: Some(format!("{as_of}{source}")),
    })
}

/// The text of a file of prices.
pub fn written(prices: &[Price]) -> String {
    let mut text = String::from(HEAD);
    for price in prices {
        let quoted = |text: &str| Value::from(text).to_string();
        let _ = write!(text, "\n[[price]]\nmodel = {}\ninput = {}\n", quoted(&price.model), price.input);
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} = {value}");
            }
        };
        line("cached_input", price.cached_input.map(|price| price.to_string()));
        line("output", Some(price.output.to_string()));
        line("batch", price.batch.map(|share| share.to_string()));
        line("reasoning", price.reasoning.then(|| "true".to_owned()));
        line("schema", price.schema.map(|schema| schema.to_string()));
        line("most_output", price.most_output.map(|most| most.to_string()));
        line("as_of", price.as_of.as_deref().map(quoted));
    }
    text
}

const HEAD: &str = "\
# What models cost, in dollars for a million tokens. Providers change their prices: `llm-classifier prices` makes this file
# anew from LiteLLM's list. A model that is not here has no known price, and a budget for it is refused; add it here, or
# give its price with --price INPUT/OUTPUT (0/0 for a server of your own).
#
# model         the name; also of its dated versions, NAME-2025-07-18, that have no entry of their own
# input         tokens sent
# cached_input  tokens sent that the provider had from a question before [default: as input]
# output        tokens received, thoughts too
# batch         what --batch costs, as a share [default: 1, as much as without]
# reasoning     whether it thinks before it answers [default: false]
# schema        whether it takes JSON schemas [default: not known]
# most_output   the most tokens of an answer [default: not known]
# as_of         when the price was read, and where; shown by `plan`
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Prices;

    #[test]
    fn a_list_becomes_a_file_of_prices_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.json");
        let text = r#"{"sample_spec": {"mode": "one of: chat", "input_cost_per_token": "x"},
            "m-1": {"mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
                "cache_read_input_token_cost": 7.5e-08, "output_cost_per_token_batches": 3e-07,
                "supports_reasoning": true, "supports_response_schema": false, "max_output_tokens": 900, "source": "https://x/\"y"},
            "m-1-2025-01-02": {"mode": "chat", "input_cost_per_token": 3e-07, "output_cost_per_token": 6e-07},
            "m-1-2026-01-02": {"mode": "chat", "input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07,
                "cache_read_input_token_cost": 7.5e-08, "output_cost_per_token_batches": 3e-07},
            "m-2": {"mode": "embedding", "input_cost_per_token": 1e-07, "output_cost_per_token": 0},
            "m-3": {"mode": "chat", "input_cost_per_token": -1, "output_cost_per_token": 1}}"#;
        std::fs::write(&list, text).unwrap();
        let prices =
            read(&list, |model| ["m-1", "m-2", "m-3"].contains(&model), "2026-11-26, a list").unwrap();
        let names: Vec<&str> = prices.iter().map(|price| price.model.as_str()).collect();
        assert_eq!(
            names,
            ["m-1", "m-1-2025-01-02"],
            "no other kind, nothing without a price, the version that costs more"
        );
        let file = folder.path().join("prices.toml");
        std::fs::write(&file, written(&prices)).unwrap();
        let read_again = Prices::load(&file).unwrap();
        let price = read_again.find("m-1").unwrap();
        let sent = |model: &str| read_again.find(model).map(|price| price.input);
        assert_eq!((sent("m-1-2025-01-02"), sent("m-1-2026-01-02")), (Some(0.3), Some(0.15)));
        assert_eq!((price, price.input, price.output, price.batch), (&prices[0], 0.15, 0.6, Some(0.5)));
        assert_eq!((price.reasoning, price.schema, price.most_output), (true, Some(false), Some(900)));
        assert_eq!(price.as_of.as_deref(), Some("2026-11-26, a list, https://x/\"y"));
        assert_eq!(read(&list, |_| false, "").unwrap_err().kind(), Kind::Config);
    }
}
