//! `config.json` as it may be: the whole file where it was fetched, else the part that the Hub keeps.

use std::borrow::Cow;

use crawl_core::json::Raw;

use crate::members::Members;

/// A model's configuration. It is asked for dozens of members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config<'a> {
    members: Members<'a>,
    text: Option<Box<Config<'a>>>,
}

impl<'a> Config<'a> {
    /// Of the member `config.json`, the whole file, and of the member `config`, what the Hub keeps of it: a member of the
    /// file, else of the part.
    pub(crate) fn of(whole: Option<Raw<'a>>, part: Option<Raw<'a>>) -> Self {
        let members = Members::of(part.into_iter().chain(whole));
        let nested = ["text_config", "llm_config", "language_config"].iter().find_map(|name| {
            let nested = members.get(name).filter(|raw| raw.members().is_some())?;
            Some(Config { members: Members::of([nested]), text: None })
        });
        Config { members, text: nested.map(Box::new) }
    }

    /// A member.
    pub(crate) fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.members.get(name)
    }

    /// A short text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.str().filter(|text| !text.is_empty() && text.len() <= 200)
    }

    /// The configuration of the model that writes text: nested in models that also see or hear.
    pub(crate) fn of_text(&self) -> &Config<'a> {
        self.text.as_deref().unwrap_or(self)
    }

    /// The first of these members that is a whole number above zero.
    pub(crate) fn number(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| positive(self.get(name)?))
    }

    /// Whether the member is there and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether the member is `true`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.get(name).and_then(Raw::bool) == Some(true)
    }

    /// The first of `architectures`, such as `LlamaForCausalLM`.
    pub(crate) fn architecture(&self) -> Option<Cow<'a, str>> {
        self.get("architectures")?.elements()?.next()?.str().filter(|text| text.len() <= 200)
    }
}

/// A whole number above zero. A number in quotes is none: who writes it so may mean anything.
pub(crate) fn positive(raw: Raw<'_>) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let written_otherwise = || {
        let number = raw.f64().filter(|number| number.fract() == 0.0 && (0.0..EXACT).contains(number))?;
        Some(number as u64)
    };
    raw.u64().or_else(written_otherwise).filter(|number| *number > 0)
}
