//! `discourse-crawler`: conversations of forums.

mod cli;

use std::process::ExitCode;

use cli::Cli;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move { cli.command.run(&session).await },
    )
}
