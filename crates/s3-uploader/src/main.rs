//! `s3-uploader`: files to S3, and a move that deletes only what it can prove.

mod cli;

use std::process::ExitCode;

use cli::send::Way;
use cli::{Cli, Command};

/// The S3 client makes many small allocations a request: a fifth of the program's CPU with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crawl_cli::main(
        |cli: &Cli| cli.flags.clone(),
        |cli, session| async move {
            match cli.command {
                Command::Copy(arguments) => cli::send::run(arguments, Way::Copy, &session).await,
                Command::Move(arguments) => cli::send::run(arguments, Way::Move, &session).await,
                Command::Sync(arguments) => cli::sync::run(arguments, &session).await,
                Command::Verify(arguments) => cli::read::verify(arguments).await,
                Command::Ls(arguments) => cli::read::ls(arguments).await,
                Command::Get(arguments) => cli::read::get(arguments).await,
                Command::Presign(arguments) => cli::read::presign(arguments).await,
                Command::Rm(arguments) => cli::remove::rm(arguments).await,
                Command::Cleanup(arguments) => cli::remove::cleanup(arguments).await,
                Command::Shared(command) => session.shared::<Cli>(command).await,
            }
        },
    )
}
