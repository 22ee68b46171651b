//! The flags and commands that every program has.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Flags of every program.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// A TOML file whose tables are named as the commands and whose keys are named as the flags
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// How to log: lines for people, or a JSON object a line
    #[arg(long, global = true, value_enum, default_value_t = LogForm::Human, help_heading = "Everywhere")]
    pub log: LogForm,
    /// Only errors and the summary
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub quiet: bool,
    /// Also what is tried again, and why
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub verbose: bool,
}

/// The form of log lines.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// Commands of every program. `PROGRAM` in their examples becomes the name of the one that is asked.
#[derive(Subcommand, Clone, Debug)]
pub enum PlainCommand {
    /// Show how far the listings under a root have come; also while a crawl runs
    #[command(after_help = "Example:\n  PROGRAM status data/weekly/2026-11-23/1_crawled")]
    Status {
        /// The root of a crawl
        root: PathBuf,
        /// As JSON: a list, an object a listing
        #[arg(long)]
        json: bool,
        /// Also compare every committed page with its recorded hash
        #[arg(long)]
        verify: bool,
    },
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  PROGRAM completions bash > ~/.local/share/bash-completion/completions/PROGRAM"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Commands of every program that maps stored listings.
#[derive(Subcommand, Clone, Debug)]
pub enum SharedCommand {
    /// One that every program has.
    #[command(flatten)]
    Plain(PlainCommand),
    /// Join what mappings with --share have written into one listing; run it again when more shares are there
    #[command(after_help = "Example:\n  PROGRAM gather data/3_classified")]
    Gather {
        /// The root that the shares were written to
        root: PathBuf,
    },
}

impl From<PlainCommand> for SharedCommand {
    fn from(command: PlainCommand) -> Self {
        SharedCommand::Plain(command)
    }
}
