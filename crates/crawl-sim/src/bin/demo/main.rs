//! What Gleaner does, against the doubles, with the real programs: `cargo demo [NAME]`.

mod discourse;
mod kaggle;
mod models;
mod search;
mod stage;
mod weekly;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use stage::{Stage, say};

/// Show a job against servers on this machine.
///
/// Nothing leaves the machine and no key is needed. What is run is printed as you would type it.
#[derive(Parser)]
#[command(
    name = "cargo demo",
    after_help = "Examples:\n  cargo demo --dir /tmp/gleaner-demo --rows 2000\n  cargo demo kaggle\n  cargo demo models\n  cargo demo discourse\n  cargo demo search"
)]
struct Cli {
    /// What to show
    #[arg(value_enum, default_value_t = Show::Weekly)]
    show: Show,
    /// Where the files go; it must be new or empty [default: a new temporary folder, which is kept]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many datasets, or models, the double of the Hub has
    #[arg(long, default_value_t = 3000)]
    rows: u64,
}

#[derive(ValueEnum, Clone, Copy)]
enum Show {
    /// The weekly job: crawl the Hub, filter, classify, convert, move to a bucket
    Weekly,
    /// Kaggle: competitions, datasets, notebooks, models, discussions
    Kaggle,
    /// Models of the Hub: two days, details, a catalogue, what changed, what fits 24 GiB
    Models,
    /// A forum: all conversations, then training samples
    Discourse,
    /// Models of the Hub: listing, catalogue, index, then three queries
    Search,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let shown = match cli.show {
        Show::Weekly => Stage::open(&weekly::PROGRAMS, cli.dir.as_deref())
            .and_then(|stage| weekly::show(&stage, cli.rows)),
        Show::Models => {
            Stage::open(&models::PROGRAMS, cli.dir.as_deref()).and_then(|stage| models::show(&stage))
        }
        Show::Discourse => {
            Stage::open(&discourse::PROGRAMS, cli.dir.as_deref()).and_then(|stage| discourse::show(&stage))
        }
        Show::Search => Stage::open(&search::PROGRAMS, cli.dir.as_deref())
            .and_then(|stage| search::show(&stage, cli.rows)),
        Show::Kaggle => {
            Stage::open(&kaggle::PROGRAMS, cli.dir.as_deref()).and_then(|stage| kaggle::show(&stage))
        }
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("demo: {error}"));
            ExitCode::FAILURE
        }
    }
}
