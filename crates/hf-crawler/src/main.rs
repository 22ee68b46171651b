//! `hf-crawler`: metadata of datasets and models from the Hugging Face Hub.

mod cli;

use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move {
            match cli.command {
                Command::Datasets(arguments) => cli::datasets(arguments, &session).await,
                Command::Models(arguments) => cli::models(arguments, &session).await,
                Command::Details(arguments) => cli::details::run(arguments, &session).await,
                Command::Fits(arguments) => cli::fits::run(&arguments),
                Command::Process(arguments) => cli::process::run(arguments, &session).await,
                Command::Catalogue(arguments) => cli::catalogue::fold(arguments, &session),
                Command::Diff(arguments) => cli::catalogue::diff(&arguments),
                Command::History(command) => cli::history(command),
                Command::Shared(command) => session.shared::<Cli>(command).await,
            }
        },
    )
}
