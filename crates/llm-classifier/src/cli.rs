//! The command line: a command a file.

mod asking;
mod attack;
mod cache;
mod evaluate;
mod input;
mod list;
mod pipe;
mod plan;
mod prices;
mod run;
mod sample;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, Session, SharedCommand};

/// Labels for records, from a language model at any OpenAI-compatible endpoint, under task files
#[derive(Parser)]
#[command(name = "llm-classifier", version)]
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
    /// Measure answers against rows that a person has labelled
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(Box<evaluate::EvaluateArgs>),
    /// Pick rows that are worth labelling by hand
    #[command(after_help = sample::EXAMPLES)]
    Sample(Box<sample::SampleArgs>),
    /// Plant orders into clean rows, and measure how often the model obeys them
    #[command(after_help = attack::EXAMPLES)]
    Attack(Box<attack::AttackArgs>),
    /// Tell what a run would cost and take, before anything is sent
    #[command(after_help = plan::EXAMPLES)]
    Plan(Box<plan::PlanArgs>),
    /// Make the file of prices anew from LiteLLM's list
    #[command(after_help = prices::EXAMPLES)]
    Prices(prices::PricesArgs),
    /// Look into the response cache, or leave old answers out
    #[command(subcommand, after_help = cache::EXAMPLES)]
    Cache(cache::CacheCommand),
    #[command(flatten)]
    Shared(SharedCommand),
}

/// Does what a command says.
pub(crate) async fn run(command: Command, session: &Session) -> Result<Outcome> {
    match command {
        Command::Run(arguments) => run::run(*arguments, session).await,
        Command::List(arguments) => list::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(*arguments, session).await,
        Command::Sample(arguments) => sample::run(*arguments, session).await,
        Command::Attack(arguments) => attack::run(*arguments, session).await,
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Prices(arguments) => prices::run(&arguments),
        Command::Cache(command) => cache::run(command),
        Command::Shared(command) => session.shared::<Cli>(command).await,
    }
}
