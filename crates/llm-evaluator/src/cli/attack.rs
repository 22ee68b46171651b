//! `attack`: plants orders into clean rows, and measures how often the model obeys them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, Session, grouped, say};
use llm_classifier::Asking;
use llm_evaluator::attack::{AttackReport, AttackSet, Defences, Trial, attack_table};

use super::shared::Told;

pub(crate) const EXAMPLES: &str = "\
Examples:
  OPENAI_API_KEY=... llm-evaluator attack weekly --model gpt-4o-mini
  llm-evaluator attack weekly --model my-model --base-url http://localhost:8000/v1 --rows 3 --json attacks.json";

#[derive(Args)]
pub(crate) struct AttackArgs {
    /// The name of a task in the folders of tasks, or the path of a task file
    task: String,
    /// The folder of attacks, with the clean rows in its rows.jsonl
    #[arg(long, value_name = "DIR", default_value = "configs/attacks")]
    attacks: PathBuf,
    /// Into how many of the clean rows each attack is planted
    #[arg(long, value_name = "N", default_value_t = 5)]
    rows: usize,
    /// Which defences are on
    #[arg(long, value_enum, default_value_t = Forms::Shipped)]
    forms: Forms,
    /// The member of a clean row that holds its id
    #[arg(long, value_name = "NAME", default_value = "repo_id")]
    id_field: String,
    #[command(flatten)]
    told: Told,
    #[command(flatten)]
    asking: Asking,
}

#[derive(ValueEnum, Clone, Copy)]
enum Forms {
    /// As `run` asks with the same flags: answers under codes, the task's check word, a second look at suspicious rows
    Shipped,
    /// None
    Undefended,
    /// A check word in every answer, and a second look at suspicious rows
    Defended,
    /// Labels under names that no record can know, from the start, and a check word
    Disguised,
    /// One after the other
    All,
}

pub(crate) async fn run(mut arguments: AttackArgs, session: &Session) -> Result<Outcome> {
    super::at_once(&arguments.asking)?;
    let task = arguments.asking.folders.load(&arguments.task)?;
    let trial = Trial::new(AttackSet::read(&arguments.attacks)?, arguments.rows);
    let forms: &[Defences] = match arguments.forms {
        Forms::Shipped => &[Defences::Shipped],
        Forms::Undefended => &[Defences::Undefended],
        Forms::Defended => &[Defences::Defended],
        Forms::Disguised => &[Defences::Disguised],
        Forms::All => &[Defences::Shipped, Defences::Undefended, Defences::Defended, Defences::Disguised],
    };
    let questions = (trial.questions() * forms.len()) as u64;
    say(format!("{} questions, second looks and repairs not counted", grouped(questions)));
    let mut report = AttackReport { task: task.name.clone(), model: String::new(), forms: Vec::new() };
    for form in forms {
        let mut task = task.clone();
        // The shipped form is the first one, and has the flags as they were given.
        if *form != Defences::Shipped {
            task.defence.canary = *form != Defences::Undefended;
            arguments.asking.plain_labels = *form != Defences::Disguised;
            arguments.asking.no_second_look = *form != Defences::Defended;
        }
        let classifier = Arc::new(arguments.asking.classifier(task, &arguments.id_field, None, session)?);
        report.model = classifier.chat().map(|chat| chat.model().to_owned()).unwrap_or_default();
        let tried = trial.run(classifier.clone(), *form).await;
        classifier.finish(Duration::from_secs(30)).await?;
        report.forms.push(tried?);
    }
    arguments.told.tell(&report, &attack_table(&report))?;
    Ok(Outcome::Done)
}
