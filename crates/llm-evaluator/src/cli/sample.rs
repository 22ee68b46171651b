//! `sample`: picks rows that are worth labelling by hand.

use std::io::Write;
use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session, say};
use crawl_core::{Error, Kind};
use llm_classifier::Folders;
use llm_evaluator::{Picked, Reason, Wish, sample};

use super::shared::Which;

pub(crate) const EXAMPLES: &str = "\
Example:
  llm-evaluator sample weekly data/2_processed --labels data/3_classified -n 200 --output gold.jsonl
  # fill in `gold` of each row, then:
  llm-evaluator evaluate weekly gold.jsonl --labels data/3_classified";

#[derive(Args)]
pub(crate) struct SampleArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The records: a root of a crawl, or a JSONL file
    input: PathBuf,
    /// Their answers, for the uncertain half; without them all rows are random. Twice, say for the rules' and a model's: rows with
    /// two different answers come first
    #[arg(long, value_name = "ROOT|FILE")]
    labels: Vec<PathBuf>,
    /// How many rows
    #[arg(long, short = 'n', value_name = "N", default_value_t = 200)]
    rows: usize,
    /// The same seed picks the same rows
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    which: Which,
    /// Where the rows go; a file that is there is not written over [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    folders: Folders,
}

#[allow(clippy::unused_async, reason = "every command has the same form")]
pub(crate) async fn run(arguments: SampleArgs, _session: &Session) -> Result<Outcome> {
    let task = arguments.folders.load(&arguments.task)?;
    let wish = Wish {
        input: &arguments.input,
        labels: &arguments.labels,
        listing: arguments.which.listing.as_deref(),
        id_field: arguments.which.id_field.as_deref(),
        rows: arguments.rows,
        seed: arguments.seed,
    };
    let picked = sample(&task, wish)?;
    write(&arguments, &picked)?;
    let uncertain = picked.iter().filter(|row| row.reason == Reason::Uncertain).count();
    say(format!("{} rows: {} random, {uncertain} uncertain", picked.len(), picked.len() - uncertain));
    if !arguments.labels.is_empty() && uncertain == 0 && picked.len() == arguments.rows {
        say("  no answer has a confidence, and no two differ: all rows are random");
    }
    if picked.len() < arguments.rows {
        say(format!("  the records are fewer than the {} that were wanted", arguments.rows));
    }
    Ok(Outcome::Done)
}

fn write(arguments: &SampleArgs, picked: &[Picked]) -> Result<()> {
    let mut text: Vec<u8> = Vec::new();
    for row in picked {
        text.extend_from_slice(row.row.bytes());
        text.push(b'\n');
    }
    let Some(path) = &arguments.output else {
        // A closed pipe is the reader's choice.
        let _ = std::io::stdout().write_all(&text);
        return Ok(());
    };
    // What a person has filled in must not be lost by running the command again.
    match std::fs::File::create_new(path).and_then(|mut file| file.write_all(&text)) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Error::new(Kind::Config, "the file is already there")
                .at(path.display().to_string())
                .advise("name another --output, or take the file away if nobody has labelled it")
                .into())
        }
        Err(cause) => Err(Error::io("cannot write the rows", path, cause).into()),
    }
}
