//! `llm-classifier`: labels for records, from a language model, under task files.

mod cli;

use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move {
            match cli.command {
                Command::Run(arguments) => cli::run(arguments, &session).await,
                Command::List(arguments) => cli::list(&arguments),
                Command::Shared(command) => session.shared::<Cli>(command),
            }
        },
    )
}
