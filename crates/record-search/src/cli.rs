//! The commands, and what they have in common.

mod index;
mod query;
mod serve;
mod show;
mod vectors;

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, Subcommand};
use crawl_cli::{Flags, Outcome, PlainCommand, Session};

/// Finds records among millions by words, meaning and hardware, and says why
#[derive(Parser, Debug)]
#[command(name = "record-search", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Put records into an index, or bring it up to date; run it again after each crawl
    #[command(after_help = index::EXAMPLES)]
    Index(index::IndexFlags),
    /// Find records by words and filters
    #[command(after_help = query::EXAMPLES)]
    Query(query::QueryFlags),
    /// Find records like the one of this id
    #[command(
        after_help = "Example:\n  record-search like bert-base-uncased --index data/index --filter license:apache-2.0"
    )]
    Like(query::LikeFlags),
    /// Say what was considered and left out, and all numbers of which the scores are made
    #[command(
        after_help = "Example:\n  record-search explain 'whisper license:mit' --index data/index --limit 3"
    )]
    Explain(query::QueryFlags),
    /// Tell what an index holds
    #[command(after_help = "Example:\n  record-search stats --index data/index")]
    Stats {
        /// The folder of the index
        #[arg(long, value_name = "DIR")]
        index: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show the index as pages in a browser, and as a JSON API
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeFlags),
    #[command(flatten)]
    Plain(PlainCommand),
}

pub(crate) async fn run(cli: Cli, session: Session) -> Result<Outcome> {
    let runtime = tokio::runtime::Handle::current();
    let work = match cli.command {
        Command::Plain(command) => return session.shared::<Cli>(command).await,
        Command::Index(flags) => {
            let stop = session.stop();
            return index::run(flags, stop, &session).await;
        }
        Command::Serve(flags) => return serve::run(flags).await,
        Command::Query(flags) => tokio::task::spawn_blocking(move || query::run(&flags, false, &runtime)),
        Command::Explain(flags) => tokio::task::spawn_blocking(move || query::run(&flags, true, &runtime)),
        Command::Like(flags) => tokio::task::spawn_blocking(move || query::like(&flags, &runtime)),
        Command::Stats { index, json } => tokio::task::spawn_blocking(move || show::stats(&index, json)),
    };
    work.await?
}
