//! The command line: a command a file.

mod batches;
mod cache;
mod input;
mod list;
mod pipe;
mod plan;
mod prices;
mod run;

use std::ffi::OsString;

use crawl_cli::anyhow::{Error, Result};
use crawl_cli::clap::{self, Args, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, Session, SharedCommand};
use crawl_core::Kind;

/// Labels for records, from a language model at any OpenAI-compatible endpoint, under task files
#[derive(Parser)]
#[command(
    name = "llm-classifier",
    version,
    after_help = "How good the answers are, `llm-evaluator` measures; it also makes the heads of --engine head."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Classify a stored listing
    #[command(after_help = run::EXAMPLES)]
    Run(Box<run::Run>),
    /// Show the tasks there are
    #[command(after_help = "Example:\n  llm-classifier list")]
    List(list::List),
    /// Tell what a run would cost and take, before anything is sent
    #[command(after_help = plan::EXAMPLES)]
    Plan(Box<plan::PlanArgs>),
    /// Make the file of prices anew from LiteLLM's list
    #[command(after_help = prices::EXAMPLES)]
    Prices(prices::PricesArgs),
    /// Look into the response cache, or leave old answers out
    #[command(subcommand, after_help = cache::EXAMPLES)]
    Cache(cache::CacheCommand),
    /// A command of llm-evaluator
    #[command(hide = true, disable_help_flag = true)]
    Evaluate(Elsewhere),
    /// A command of llm-evaluator
    #[command(hide = true, disable_help_flag = true)]
    Sample(Elsewhere),
    /// A command of llm-evaluator
    #[command(hide = true, disable_help_flag = true)]
    Attack(Elsewhere),
    /// A command of llm-evaluator
    #[command(hide = true, disable_help_flag = true)]
    Distil(Elsewhere),
    #[command(flatten)]
    Shared(SharedCommand),
}

/// Whatever was meant for another program.
#[derive(Args)]
pub(crate) struct Elsewhere {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _words: Vec<OsString>,
}

/// Where a command is that people look for here.
fn moved(command: &str) -> Error {
    let what = format!("`{command}` is a command of another program: `llm-evaluator`");
    crawl_core::Error::new(Kind::Config, what).advise(format!("write `llm-evaluator {command} ...`")).into()
}

/// Does what a command says.
pub(crate) async fn run(command: Command, session: &Session) -> Result<Outcome> {
    match command {
        Command::Run(arguments) => run::run(*arguments, session).await,
        Command::List(arguments) => list::run(&arguments),
        Command::Evaluate(_) => Err(moved("evaluate")),
        Command::Sample(_) => Err(moved("sample")),
        Command::Attack(_) => Err(moved("attack")),
        Command::Distil(_) => Err(moved("distil")),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Prices(arguments) => prices::run(&arguments),
        Command::Cache(command) => cache::run(command),
        Command::Shared(command) => session.shared::<Cli>(command).await,
    }
}
