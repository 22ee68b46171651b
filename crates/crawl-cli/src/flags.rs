//! The flags and commands that every program has.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use crawl_core::Stop;
use crawl_core::http::{HttpConfig, user_agent};

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

/// Flags of the programs that ask services.
#[derive(Args, Clone, Debug)]
pub struct HttpFlags {
    /// How often a request is tried before it is given up (waiting for a rate limit is no try)
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Network")]
    pub tries: u32,
    /// How many seconds one try may take
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS", value_parser = positive, help_heading = "Network")]
    pub timeout: f64,
    /// How many seconds one request may take in all, with every wait
    #[arg(long, default_value_t = 3600.0, value_name = "SECONDS", value_parser = positive, help_heading = "Network")]
    pub patience: f64,
    /// The most requests a second; without it the service's own limits are read and kept
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Network")]
    pub per_second: Option<f64>,
    /// How the operators of a service can reach you: an address of mail or of a page, sent with every request
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    pub contact: Option<String>,
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| *number > 0.0 && number.is_finite())
        .ok_or("not a number above 0".to_owned())
}

impl HttpFlags {
    /// The door's configuration, with so many requests under way at once, ended by `stop`. Proxies are those of the
    /// environment.
    pub fn http(&self, concurrency: usize, stop: Stop) -> HttpConfig {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1));
        HttpConfig {
            user_agent: user_agent(self.contact.as_deref()),
            proxies: crate::proxies::of_environment(crate::env),
            tries: self.tries.max(1),
            timeout: seconds(self.timeout),
            patience: seconds(self.patience),
            per_second: self.per_second.filter(|rate| *rate > 0.0),
            concurrency,
            stop,
            ..HttpConfig::default()
        }
    }
}

/// Commands of every program.
#[derive(Subcommand, Clone, Debug)]
pub enum PlainCommand {
    /// Show how far the listings under a root have come; also while a crawl runs
    #[command(after_help = "Example:\n  hf-crawler status data/weekly/2026-11-23/1_crawled")]
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
        after_help = "Example:\n  hf-crawler completions bash > ~/.local/share/bash-completion/completions/hf-crawler"
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
    #[command(after_help = "Example:\n  llm-classifier gather data/3_classified")]
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
