//! What the model that is asked costs.

use crawl_cli::anyhow::Result;
use crawl_core::{Error, Kind};

use super::Asking;
use crate::money::{Price, Prices};
use crate::task::Task;

impl Asking {
    /// The price of the model; `None` if it is not known.
    pub fn price(&self, task: &Task) -> Result<Option<Price>> {
        let model = self.model(task)?;
        if let Some(text) = &self.price {
            let numbers = text.split_once('/').and_then(|(input, output)| {
                let number = |text: &str| {
                    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
                };
                Some((number(input)?, number(output)?))
            });
            let Some((input, output)) = numbers else {
                return Err(Error::new(Kind::Config, "the price is not INPUT/OUTPUT")
                    .at(text)
                    .advise("write dollars for a million tokens, such as --price 0.15/0.6; 0/0 for a server of your own")
                    .into());
            };
            return Ok(Some(Price::of(&model, input, output)));
        }
        if !self.prices.is_file() {
            return Ok(None);
        }
        Ok(Prices::load(&self.prices)?.find(&model).cloned())
    }

    /// The price at which the questions will be asked, in a batch or one by one.
    pub fn planned_price(&self, task: &Task) -> Result<Option<Price>> {
        let price = self.price(task)?;
        Ok(if self.batch { price.map(|price| price.in_batch()) } else { price })
    }

    /// What to do about a price that is not known.
    pub fn no_price(&self, task: &Task) -> Error {
        let model = self.model(task).unwrap_or_default();
        let what = format!("the price of the model `{model}` is unknown, so no budget can be kept");
        Error::new(Kind::Config, what).at(self.prices.display().to_string()).advise(
            "add the model to the file of prices, or give its price with --price INPUT/OUTPUT (0/0 for a server of \
             your own)",
        )
    }

    /// Where prices are looked up.
    pub fn prices_place(&self) -> String {
        self.prices.display().to_string()
    }
}
