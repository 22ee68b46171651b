//! `record-converter`: records between JSONL, Excel, CSV, Parquet and Avro.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &cli::Cli| cli.flags.clone(),
        |cli, session| async move { cli::run(&cli, &session) },
    )
}
