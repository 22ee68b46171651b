//! `prices`: makes the file of prices from LiteLLM's list.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, grouped, print};
use crawl_core::{Error, Kind, Staged, Timestamp};
use llm_classifier::{Prices, litellm};

pub(crate) const EXAMPLES: &str = "\
Examples:
  pip download litellm --no-deps && unzip litellm-*.whl 'litellm/model_prices*'
  llm-classifier prices litellm/model_prices_and_context_window_backup.json --list 'litellm 1.110.2'
  llm-classifier prices model_prices_and_context_window.json --list 'litellm, main' --model gemini/gemini-2.5-flash

Nothing is fetched. The models of the file stay, with new prices; --model adds more.";

#[derive(Args)]
pub(crate) struct PricesArgs {
    /// LiteLLM's list of prices, a JSON file
    source: PathBuf,
    /// What the list is, such as its version; it stands beside each price
    #[arg(long, value_name = "WORDS")]
    list: String,
    /// One more model, as the list names it; a * stands for any letters at the end
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// The file of prices
    #[arg(long, value_name = "FILE", default_value = "configs/prices.toml")]
    output: PathBuf,
}

pub(crate) fn run(arguments: &PricesArgs) -> Result<Outcome> {
    let before =
        if arguments.output.is_file() { Prices::load(&arguments.output)? } else { Prices::default() };
    let known: Vec<&str> = before.all().iter().map(|price| price.model.as_str()).collect();
    let wished = |model: &str| {
        arguments.model.iter().any(|wish| match wish.strip_suffix('*') {
            Some(begin) => model.starts_with(begin),
            None => model == wish,
        })
    };
    if known.is_empty() && arguments.model.is_empty() {
        return Err(Error::new(Kind::Config, "nothing says which models are wanted")
            .advise("name them with --model; --model '*' takes all")
            .into());
    }
    let as_of = format!("{}, {}", Timestamp::now().strftime("%Y-%m-%d"), arguments.list);
    let mut prices =
        litellm::read(&arguments.source, |model| known.contains(&model) || wished(model), &as_of)?;
    let found = prices.len();
    // What the list does not have keeps its price and its date.
    let lost: Vec<_> =
        before.all().iter().filter(|old| !prices.iter().any(|new| new.model == old.model)).cloned().collect();
    for price in &lost {
        print(format!("{}: not in the list, its price stays as it was", price.model));
    }
    prices.extend(lost);
    prices.sort_by(|one, other| one.model.cmp(&other.model));
    Staged::put(&arguments.output, litellm::written(&prices).as_bytes())?;
    print(format!(
        "{}: {} prices, {} of them from the list",
        arguments.output.display(),
        grouped(prices.len() as u64),
        grouped(found as u64)
    ));
    Ok(Outcome::Done)
}
