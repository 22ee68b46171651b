//! `plan`: what a run would cost and take, before anything is sent.

use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, grouped, print};
use llm_classifier::plan::{Plan, Planner, Range};
use llm_classifier::{Cache, Price};

use super::input::Input;
use llm_classifier::Asking;

pub(crate) const EXAMPLES: &str = "\
Examples:
  llm-classifier plan weekly data/2_processed --model gpt-4o-mini
  llm-classifier plan weekly data/2_processed --model gpt-4o-mini --requests-per-minute 500 --tokens-per-minute 200000

Nothing is sent. All figures but the number of records are estimates.";

#[derive(Args)]
pub(crate) struct PlanArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The root of a crawl, or a JSONL file
    input: PathBuf,
    /// Where the run will go: its cache lies beside it
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Which listing of the input, if it has several
    #[arg(long, value_name = "NAME")]
    listing: Option<String>,
    /// The member of a record that holds its id [default: repo_id if records have it, else id]
    #[arg(long, value_name = "NAME")]
    id_field: Option<String>,
    /// Look at so many records, spread over the input, and take the rest to be like them; 0 looks at all
    #[arg(long, value_name = "N", default_value_t = 2000)]
    sample: u64,
    /// As one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(crate) fn run(arguments: &PlanArgs) -> Result<Outcome> {
    let input = Input::open(&arguments.input, arguments.listing.as_deref())?;
    let asking = &arguments.asking;
    let task = asking.folders.load(&arguments.task)?;
    input.check(&task)?;
    let id_field = input.id_field(arguments.id_field.as_deref())?;
    let (rules, price) = (asking.rules(&task)?, asking.planned_price(&task)?);
    let head = asking.head(&task)?;
    let task = asking.defended(task);
    let second = asking.second_look(&task)?;
    let (chat, answers) = asking.chat(task)?;
    let path = asking.cache_path(arguments.root.as_deref());
    // A plan makes no cache; it looks into the one that is there.
    let cache = path.exists().then(|| Cache::open(&path)).transpose()?;
    let mut planner = Planner::new(&chat, &answers, cache.as_ref(), rules, &id_field)
        .with_votes(asking.votes)
        .with_head(head.as_ref());
    if let Some((chat, answers)) = &second {
        planner = planner.with_second_look(chat, answers);
    }
    let records = look(&mut planner, &input, arguments.sample)?;
    let plan = planner.plan(records, price.as_ref(), asking.limits())?;
    if arguments.json {
        print(serde_json::to_string(&plan)?);
    } else {
        let in_batches = asking.batches().is_some();
        tell(&plan, chat.model(), price.as_ref(), &asking.prices_place(), in_batches);
    }
    super::batches::tell_out(cache.as_ref())?;
    Ok(Outcome::Done)
}

/// Looks at records spread over the input; gives how many there are.
fn look(planner: &mut Planner<'_>, input: &Input, sample: u64) -> Result<u64> {
    let Input::Listing(stored) = input else {
        let count = input.records()?.try_fold(0, |count, record| record.map(|_| count + 1))?;
        let every = every(count, sample);
        for record in input.records()?.step_by(usize::try_from(every).unwrap_or(1)) {
            planner.look(&record?)?;
        }
        return Ok(count);
    };
    let records = stored.records();
    let every = every(records, sample);
    let mut next = every / 2;
    while next < records {
        for record in stored.rows(next, 1)? {
            planner.look(&record)?;
        }
        next += every;
    }
    Ok(records)
}

fn every(records: u64, sample: u64) -> u64 {
    if sample == 0 { 1 } else { records.div_ceil(sample).max(1) }
}

fn tell(plan: &Plan, model: &str, price: Option<&Price>, prices: &str, in_batches: bool) {
    let tokens = |range: &Range| {
        let shown = |tokens: f64| grouped(tokens.round() as u64);
        format!("{:>15} {:>15} {:>15}", shown(range.low), shown(range.likely), shown(range.high))
    };
    print(format!("records            {:>15}", grouped(plan.records)));
    if plan.looked_at < plan.records {
        print(format!(
            "  looked at        {:>15}  the rest is taken to be like them",
            grouped(plan.looked_at)
        ));
    }
    print(format!("  in the cache     {:>15}", grouped(plan.cached)));
    print(format!("  by rules         {:>15}", grouped(plan.ruled)));
    if plan.headed > 0 {
        print(format!("  by the head      {:>15}", grouped(plan.headed)));
    }
    print(format!("  of equal content {:>15}  paid once with another one", grouped(plan.mirrors)));
    print(format!("  cannot be asked  {:>15}  no object, or no id", grouped(plan.unfit)));
    print(format!("  will be asked    {:>15}", grouped(plan.asked)));
    if plan.second_looks > 0 {
        print(format!(
            "  a second time    {:>15}  they look as if they held orders",
            grouped(plan.second_looks)
        ));
    }
    if plan.questions != plan.asked + plan.second_looks {
        print(format!(
            "  questions        {:>15}  one for each vote, and second looks",
            grouped(plan.questions)
        ));
    }
    print(format!("\nestimates          {:>15} {:>15} {:>15}", "low", "likely", "high"));
    print(format!("  tokens sent      {}", tokens(&plan.prompt_tokens)));
    print(format!("  tokens received  {}  from {}", tokens(&plan.completion_tokens), plan.answers_from));
    match (&plan.cost_usd, price) {
        (Some(cost), Some(price)) => {
            print(format!("  dollars          {:>15.4} {:>15.4} {:>15.4}", cost.low, cost.likely, cost.high));
            let as_of = price.as_of.as_deref().unwrap_or("as given");
            let (input, output) = (price.input, price.output);
            print(format!(
                "  price of {model}: ${input} sent, ${output} received, a million tokens ({as_of})"
            ));
        }
        _ => print(format!("  dollars: unknown, there is no price of `{model}` in {prices} and no --price")),
    }
    match plan.seconds {
        _ if in_batches => print("  time             within a day, as batches are answered"),
        Some(seconds) => {
            print(format!("  minutes          {:>15.1}  from {}", seconds / 60.0, plan.seconds_from));
        }
        None => print(
            "  minutes: unknown; give --requests-per-minute and --tokens-per-minute, or run a few first",
        ),
    }
    for note in &plan.notes {
        print(format!("  {model}: {note}"));
    }
}
