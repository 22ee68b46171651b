//! The command line: a command a file.

mod attack;
mod distil;
mod evaluate;
mod sample;
mod shared;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, PlainCommand, Session};
use crawl_core::{Error, Kind};
use llm_classifier::Asking;

/// How good the labels of llm-classifier are, against rows that a person has labelled
#[derive(Parser)]
#[command(name = "llm-evaluator", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure answers against rows that a person has labelled
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(Box<evaluate::EvaluateArgs>),
    /// Pick rows that are worth labelling by hand
    #[command(after_help = sample::EXAMPLES)]
    Sample(Box<sample::SampleArgs>),
    /// Plant orders into clean rows, and measure how often the model obeys them
    #[command(after_help = attack::EXAMPLES)]
    Attack(Box<attack::AttackArgs>),
    /// Make a head of paid labels, which answers in place of the model where it is sure
    #[command(after_help = distil::EXAMPLES)]
    Distil(Box<distil::DistilArgs>),
    #[command(flatten)]
    Plain(PlainCommand),
}

/// Questions are asked at once here: handing them in as files would need a root to come back to.
fn at_once(asking: &Asking) -> crawl_core::Result<()> {
    match asking.batches() {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Config, "`--batch` is for `llm-classifier run`")
            .advise("leave it out; or label the rows with `llm-classifier run --batch` and name its cache with --cache")),
    }
}

/// Does what a command says.
pub(crate) async fn run(command: Command, session: &Session) -> Result<Outcome> {
    match command {
        Command::Evaluate(arguments) => evaluate::run(*arguments, session).await,
        Command::Sample(arguments) => sample::run(*arguments, session).await,
        Command::Attack(arguments) => attack::run(*arguments, session).await,
        Command::Distil(arguments) => distil::run(*arguments, session).await,
        Command::Plain(command) => session.shared::<Cli>(command).await,
    }
}
