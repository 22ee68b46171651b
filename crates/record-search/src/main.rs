//! `record-search`: finds records among millions by words, meaning and hardware, and says why.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &cli::Cli| cli.flags.clone(),
        |cli, session| async move { cli::run(cli, session).await },
    )
}
