//! What every command that asks a model has, here and in `llm-evaluator`: flags that become a task and a classifier.

mod folders;
mod price;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{HttpFlags, Session, grouped, say};
use crawl_core::http::{Http, HttpConfig, Secret};
use crawl_core::{Error, Kind};

use crate::ask::{Chat, Structured};
use crate::cache::Cache;
use crate::engine::batch::Bounds;
use crate::engine::head::Head;
use crate::engine::{Classifier, rules};
use crate::money::{Fund, Period, nano};
use crate::run::plan::Limits;
use crate::task::{Answers, Task};
pub use folders::Folders;

/// Flags of every command that asks a model.
#[derive(Args)]
pub struct Asking {
    /// The model, if it is not the task's
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The endpoint
    #[arg(long, value_name = "URL", env = "OPENAI_BASE_URL", default_value = "https://api.openai.com/v1")]
    base_url: String,
    /// How the endpoint is told the form of the answer
    #[arg(long, value_enum, default_value_t = FormFlag::Auto)]
    structured: FormFlag,
    /// The most tokens of an answer, thoughts included, instead of the task's `max_tokens`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: Option<u32>,
    /// The temperature, instead of the task's
    #[arg(long, value_name = "NUMBER", conflicts_with = "no_temperature")]
    temperature: Option<f64>,
    /// Send no temperature, for models that take none
    #[arg(long)]
    no_temperature: bool,
    /// How long a reasoning model may think, such as low, in the words of the model
    #[arg(long, value_name = "LEVEL")]
    reasoning_effort: Option<String>,
    /// How many records are asked about at a time
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub concurrency: u32,
    /// The response cache: a .jsonl file, or a folder for answers.jsonl [default: `cache` beside the root]
    #[arg(long, value_name = "PATH")]
    cache: Option<PathBuf>,
    /// Who answers: the endpoint, the words and tags of the task file, a distilled head; or those without a network first, and the
    /// endpoint where they are unsure
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ENGINE", default_value = "openai")]
    engine: Vec<Engine>,
    /// The file of the engine `head`, as `llm-evaluator distil` makes it
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
    /// Show the model the labels under their own names, not under codes that no text of a record can know
    #[arg(long)]
    pub plain_labels: bool,
    /// Do not ask a second time, under other codes, about records that look as if they held orders
    #[arg(long)]
    pub no_second_look: bool,
    /// Ask about each record so many times, and take what most answers say; what is asked costs so many times as much. The
    /// temperature must be above 0
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "batch", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub votes: u32,
    /// Ask for the probability of each token, where the endpoint tells it; records then carry that of the tokens that decide
    #[arg(long)]
    logprobs: bool,
    /// Hand questions in as files (OpenAI Batch): half the price, within a day; a restart goes on with what is out
    #[arg(long)]
    batch: bool,
    /// The most questions of one batch, where the provider's queue holds no larger one
    #[arg(long, value_name = "N", default_value_t = 50_000, requires = "batch", value_parser = clap::value_parser!(u32).range(1..))]
    batch_requests: u32,
    /// The seconds between two looks at a batch
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, requires = "batch")]
    batch_every: f64,
    /// Stop before this run has spent so many dollars; with --budget-file: before all runs that share it have
    #[arg(long, value_name = "DOLLARS", value_parser = crawl_cli::positive)]
    budget: Option<f64>,
    /// The file of a budget that runs and tasks share; it is made if it is not there
    #[arg(long, value_name = "FILE", requires = "budget")]
    budget_file: Option<PathBuf>,
    /// For how long the shared budget is, in UTC
    #[arg(long, value_enum, value_name = "PERIOD", default_value_t = Per::Ever, requires = "budget_file")]
    budget_per: Per,
    /// The file of prices
    #[arg(long, value_name = "FILE", default_value = "configs/prices.toml")]
    prices: PathBuf,
    /// The price of the model, in dollars for a million tokens sent and received, instead of the file's
    #[arg(long, value_name = "INPUT/OUTPUT")]
    price: Option<String>,
    /// The most requests a minute, beside what the endpoint tells
    #[arg(long, value_name = "N", help_heading = "Network")]
    requests_per_minute: Option<u64>,
    /// The most tokens a minute, beside what the endpoint tells
    #[arg(long, value_name = "N", help_heading = "Network")]
    tokens_per_minute: Option<u64>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its own flags are documented")]
    pub folders: Folders,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(ValueEnum, Clone, Copy, PartialEq)]
enum Engine {
    /// An OpenAI-compatible endpoint
    Openai,
    /// Weighted words and tags of the task file; no key, no network
    Rules,
    /// A linear head that was distilled from paid answers; no key, no network
    Head,
}

#[derive(ValueEnum, Clone, Copy, PartialEq)]
enum Per {
    /// One budget for ever
    Ever,
    /// One budget a day
    Day,
    /// One budget a month
    Month,
}

#[derive(ValueEnum, Clone, Copy)]
enum FormFlag {
    /// A strict JSON schema; if the endpoint does not take it, the next of the forms below, told by the first answer
    Auto,
    /// A strict JSON schema in the request
    #[value(name = "json_schema")]
    JsonSchema,
    /// JSON mode; the schema is in the prompt
    #[value(name = "json_object")]
    JsonObject,
    /// Plain text; the schema is in the prompt, the JSON is found in the answer
    None,
}

impl Asking {
    /// A classifier for records whose id is in `id_field`. The cache lies beside `root` if no flag names one.
    pub fn classifier(
        &self,
        task: Task,
        id_field: &str,
        root: Option<&Path>,
        session: &Session,
    ) -> Result<Classifier> {
        let (rules, head) = (self.rules(&task)?, self.head(&task)?);
        if !self.engine.contains(&Engine::Openai) {
            return Ok(match head {
                None => Classifier::rules_alone(task, id_field, self.concurrency),
                Some(head) => {
                    let classifier = Classifier::head_alone(task, head, id_field, self.concurrency);
                    if rules { classifier.with_rules() } else { classifier }
                }
            });
        }
        let price = self.price(&task)?;
        if self.budget.is_some() && price.is_none() {
            return Err(self.no_price(&task).into());
        }
        let task = self.defended(task);
        let second = self.second_look(&task)?;
        let (chat, answers) = self.chat(task)?;
        let concurrency = self.concurrency.max(1);
        let http = Http::new(self.http_config(session))?;
        let cache = Cache::open(&self.cache_path(root))?;
        tell_opened(&cache);
        let own = self.budget.filter(|_| self.budget_file.is_none());
        let mut classifier =
            Classifier::new(chat, answers, cache, http, id_field, concurrency).with_money(price, own);
        if let (Some(path), Some(dollars)) = (&self.budget_file, self.budget) {
            let period = match self.budget_per {
                Per::Ever => Period::All,
                Per::Day => Period::Day,
                Per::Month => Period::Month,
            };
            classifier = classifier.with_fund(Fund::open(path, nano(dollars), period)?);
        }
        classifier = classifier.with_votes(self.votes);
        if let Some(head) = head {
            classifier = classifier.with_head(head);
        }
        if let Some((chat, answers)) = second {
            classifier = classifier.with_second_look(chat, answers);
        }
        Ok(if rules { classifier.with_rules() } else { classifier })
    }

    /// How batches are handed in, if that is wished.
    pub fn batches(&self) -> Option<Bounds> {
        let every = Duration::try_from_secs_f64(self.batch_every).unwrap_or(Duration::from_secs(30));
        self.batch.then(|| Bounds { every, requests: self.batch_requests as usize, ..Bounds::default() })
    }

    /// Whether the rules are asked, and first.
    pub fn rules(&self, task: &Task) -> Result<bool> {
        let config = |what: String, advice: &str| Error::new(Kind::Config, what).advise(advice);
        let rank = |engine: Engine| match engine {
            Engine::Rules => 0,
            Engine::Head => 1,
            Engine::Openai => 2,
        };
        if !self.engine.is_sorted_by(|one, other| rank(*one) < rank(*other)) {
            let what = match self.engine.last() {
                Some(Engine::Openai) => {
                    "engines are asked in one order: `rules`, `head`, `openai`, each once"
                }
                _ => "behind `openai` no other engine is ever asked",
            };
            return Err(config(
                what.to_owned(),
                "write them in the order rules,head,openai; leave out what you do not want",
            )
            .into());
        }
        let rules = self.engine.contains(&Engine::Rules);
        if rules && !rules::has_words(task) {
            let what = format!("the task `{}` has no words and no tags for the engine `rules`", task.name);
            return Err(config(what, "add `words` or `tags` to its labels, or choose --engine openai").into());
        }
        Ok(rules)
    }

    /// The task as it is asked: answers under codes, if nobody wishes otherwise.
    pub fn defended(&self, task: Task) -> Task {
        if self.plain_labels { task } else { task.disguised() }
    }

    /// The task as it is asked about suspicious records a second time; `None` if nobody wishes it.
    pub fn second_look(&self, task: &Task) -> Result<Option<(Chat, Answers)>> {
        (!self.no_second_look).then(|| self.chat(task.second_look())).transpose()
    }

    /// The head, if it is asked.
    pub fn head(&self, task: &Task) -> Result<Option<Head>> {
        let config = |what: &str, advice: &str| Error::new(Kind::Config, what).advise(advice);
        match (self.engine.contains(&Engine::Head), &self.head) {
            (false, None) => Ok(None),
            (true, Some(path)) => Ok(Some(Head::read(path, task)?)),
            (true, None) => {
                let advice = "name it with --head FILE; `llm-evaluator distil` makes one";
                Err(config("the engine `head` has no file", advice).into())
            }
            (false, Some(_)) => {
                Err(config("a head is named, and no engine asks it", "write --engine head,openai").into())
            }
        }
    }

    /// The task at the endpoint.
    pub fn chat(&self, mut task: Task) -> Result<(Chat, Answers)> {
        task.model.max_tokens = self.max_tokens.or(task.model.max_tokens);
        task.model.temperature = self.temperature.or(task.model.temperature).filter(|_| !self.no_temperature);
        if let Some(effort) = &self.reasoning_effort {
            task.model.extra.insert("reasoning_effort".into(), effort.as_str().into());
        }
        if self.logprobs {
            task.model.extra.insert("logprobs".into(), true.into());
        }
        if self.votes > 1 && task.model.temperature == Some(0.0) {
            return Err(Error::new(Kind::Config, "at temperature 0 all votes are one and the same")
                .advise("raise it, such as --temperature 0.7, or leave --votes away")
                .into());
        }
        let model = self.model(&task)?;
        let answers = Answers::new(&task)?;
        let key = crawl_cli::env("OPENAI_API_KEY").map(Secret::new);
        let chat = Chat::new(&self.base_url, key.as_ref(), &model, self.structured.into(), task, &answers)?;
        Ok((chat, answers))
    }

    /// The model that is asked.
    pub fn model(&self, task: &Task) -> Result<String> {
        let named = self.model.clone().or_else(|| task.model.name.clone());
        Ok(named.ok_or_else(|| {
            Error::new(Kind::Config, "no model is named")
                .advise("name one with --model, or under [model] in the task file")
        })?)
    }

    /// A model may think for long before its first byte, and no answer is as large as a page of a listing.
    pub fn http_config(&self, session: &Session) -> HttpConfig {
        let config = self.http.http(self.concurrency.max(1) as usize, session.stop());
        HttpConfig {
            read_timeout: config.timeout,
            max_body: 16 << 20,
            requests_per_minute: self.requests_per_minute,
            units_per_minute: self.tokens_per_minute,
            ..config
        }
    }

    /// What bounds the speed of a run.
    pub fn limits(&self) -> Limits {
        Limits {
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            concurrency: self.concurrency,
        }
    }

    /// Where the cache lies.
    pub fn cache_path(&self, root: Option<&Path>) -> PathBuf {
        match (&self.cache, root) {
            (Some(path), _) => path.clone(),
            (None, Some(root)) => root.parent().unwrap_or(Path::new("")).join("cache"),
            (None, None) => "cache".into(),
        }
    }
}

fn tell_opened(cache: &Cache) {
    let opened = cache.opened();
    if opened.torn_bytes > 0 {
        say(format!(
            "{}: cut off a torn last line of {} bytes",
            cache.path().display(),
            grouped(opened.torn_bytes)
        ));
    }
    if opened.unreadable > 0 {
        say(format!(
            "{}: passed over {} lines that are not ours",
            cache.path().display(),
            grouped(opened.unreadable)
        ));
    }
}

impl From<FormFlag> for Structured {
    fn from(form: FormFlag) -> Self {
        match form {
            FormFlag::Auto => Structured::Auto,
            FormFlag::JsonSchema => Structured::JsonSchema,
            FormFlag::JsonObject => Structured::JsonObject,
            FormFlag::None => Structured::None,
        }
    }
}
