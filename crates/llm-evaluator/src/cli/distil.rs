//! `distil`: makes a head of labels that a model was paid for, and measures it.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, Session, say};
use crawl_core::{Error, Kind};
use llm_classifier::Asking;
use llm_evaluator::{Aim, Distilling, Draw, Gold, distil, distilled_page, distilled_table};

use super::evaluate::share;
use super::shared::{Told, Which, save};

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-evaluator distil weekly data/3_classified --to head.json
  llm-evaluator distil weekly data/3_classified --to head.json --spare 0.6 --gold gold.jsonl --html distilled.html
  llm-evaluator distil agent data/2_processed --kept --cache data/cache --model gpt-4o-mini --to agent.json
  # then, for the rest and for all that comes later:
  llm-classifier run weekly data/2_processed --root data/4_classified --engine head,openai --head head.json --model gpt-4o-mini";

#[derive(Args)]
pub(crate) struct DistilArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The labels: a root of `run`, or a JSONL file of its records; with --kept: the records that were the input of the run
    labels: PathBuf,
    /// The answers are those that --cache holds about these records, asked as --model and the other flags say; of a filter also those
    /// about what it rejected. Nobody is asked
    #[arg(long)]
    kept: bool,
    /// Where the head goes; a file that is there is replaced
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where the head answers, it must say what the model said in this share of rows, by the low end of the interval [default: 0.95]
    #[arg(long, value_name = "NUMBER", value_parser = share, conflicts_with = "spare")]
    agreement: Option<f64>,
    /// Spare at most this share of the records; less if it would be worse than the model on --gold
    #[arg(long, value_name = "NUMBER", value_parser = share)]
    spare: Option<f64>,
    /// Rows that a person has labelled, as for `evaluate`; the head does not learn from them
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    /// How many rows are looked at, of larger listings a draw
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    rows: usize,
    /// The share of rows that the head does not learn from
    #[arg(long, value_name = "NUMBER", default_value_t = 0.3, value_parser = share)]
    held_out: f64,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    told: Told,
    /// Write one page with the curve of money against F1, which needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How often the bootstrap draws rows anew
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: u32,
    /// The same seed gives the same head
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    asking: Asking,
}

#[allow(clippy::unused_async, reason = "every command has the same form")]
pub(crate) async fn run(arguments: DistilArgs, session: &Session) -> Result<Outcome> {
    let task = arguments.asking.folders.load(&arguments.task)?;
    let id_field = arguments.which.id_field.as_deref();
    let gold = arguments.gold.as_deref().map(|path| Gold::read(path, &task, id_field)).transpose()?;
    let aim = match (arguments.spare, arguments.agreement) {
        (Some(share), _) => Aim::Spare(share),
        (None, agreement) => Aim::Agreement(agreement.unwrap_or(0.95)),
    };
    let kept = arguments
        .kept
        .then(|| arguments.asking.classifier(task.clone(), id_field.unwrap_or("id"), None, session))
        .transpose()?;
    let wish = Distilling {
        labels: &arguments.labels,
        kept: kept.as_ref(),
        listing: arguments.which.listing.as_deref(),
        id_field,
        gold: gold.as_ref(),
        rows: arguments.rows,
        held_out: arguments.held_out,
        aim,
        draw: Draw { resamples: arguments.resamples, seed: arguments.seed },
        seed: arguments.seed,
    };
    let (file, distilled) = distil(&task, &wish)?;
    if gold.is_some() && distilled.gold == 0 {
        return Err(Error::new(Kind::Config, "none of the gold rows is among the labels")
            .at(arguments.labels.display().to_string())
            .advise("check that both name records in the same way; --id-field names the member")
            .into());
    }
    file.write(&arguments.to)?;
    say(format!("wrote {}", arguments.to.display()));
    if let Some(path) = &arguments.html {
        save(path, &distilled_page(&distilled))?;
    }
    arguments.told.tell(&distilled, &distilled_table(&distilled))?;
    Ok(Outcome::Done)
}
