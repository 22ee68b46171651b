//! `llm-classifier`: labels for records, from a language model, under task files.

mod cli;

use std::process::ExitCode;

use cli::Cli;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move { cli::run(cli.command, &session).await },
    )
}
