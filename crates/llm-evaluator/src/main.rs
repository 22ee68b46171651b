//! `llm-evaluator`: how good the labels of `llm-classifier` are, and how well they withstand orders.

mod cli;

use std::process::ExitCode;

use cli::Cli;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move { cli::run(cli.command, &session).await },
    )
}
