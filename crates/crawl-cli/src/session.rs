//! One run of a program: parse, run, report, exit.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Command, CommandFactory, FromArgMatches, Parser};
use crawl_core::{Checkpoint, Pump, Sink, Source, Stop, Store, Waiting, pump};
use indicatif::MultiProgress;

use crate::flags::{Flags, LogForm, PlainCommand};
use crate::note::Note;
use crate::progress::{Progress, adds_up, duration, tell_waiting};
use crate::stop::stop_after;
use crate::{Outcome, SharedCommand, counted, exit, grouped, size};

/// What a running program has from the outside.
#[derive(Clone, Debug)]
pub struct Session {
    flags: Flags,
    program: String,
    lines: Option<MultiProgress>,
}

/// What a crawl can tell about itself before and while it runs.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// How many records will be listed in all, where that is known: for the time left.
    pub expects: Option<u64>,
    /// How long everybody has to wait, from now, and why.
    pub waiting: Option<&'a (dyn Fn() -> Option<Waiting> + Sync)>,
    /// What else the progress line should tell, if anything.
    pub beside: Option<&'a (dyn Fn() -> String + Sync)>,
}

/// What runs beside a crawl until both have ended, such as moving its pages on to a bucket.
pub struct Beside<'a, F> {
    /// The work. Its error stops the crawl, between two pages.
    pub run: F,
    /// Tells it that no further page will come.
    pub end: &'a (dyn Fn() + Sync),
    /// Tells it to end soon.
    pub stop: &'a (dyn Fn() + Sync),
}

/// The `main` of every program: reads flags and config file, starts the log, runs, prints the error if there is
/// one, gives the exit code. Ctrl-C or SIGTERM once finishes what is in flight, where the program asked for
/// [`Session::stop`]; twice, or where it did not, it stops now.
pub fn main<C, F>(flags: impl FnOnce(&C) -> Flags, run: impl FnOnce(C, Session) -> F) -> ExitCode
where
    C: Parser + CommandFactory,
    F: Future<Output = Result<Outcome>>,
{
    match parse::<C>(std::env::args_os().collect()) {
        Ok(cli) => {
            let flags = flags(&cli);
            let lines = crate::progress::lines(flags.quiet || flags.log != LogForm::Human);
            crate::log::start(&flags, lines.is_some());
            crate::stop::install();
            let program = C::command().get_name().to_owned();
            let session = Session { flags, program, lines };
            block_on(run(cli, session))
        }
        Err(error) => end(&error),
    }
}

fn parse<C: CommandFactory + FromArgMatches>(arguments: Vec<OsString>) -> Result<C> {
    let command = command::<C>();
    let arguments = crate::config::with_file(&command, arguments)?;
    let mut matches = command.get_matches_from(arguments);
    Ok(C::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit()))
}

/// The command line of a program, with the exit codes below its own examples, and with its own name in those of the commands
/// that every program has.
fn command<C: CommandFactory>() -> Command {
    let mut command = C::command();
    let name = command.get_name().to_owned();
    let own = command.get_after_help().map(|own| format!("{own}\n\n")).unwrap_or_default();
    for shared in ["status", "completions", "gather"] {
        if command.find_subcommand(shared).is_some() {
            command = command.mut_subcommand(shared, |shared| {
                let example = shared.get_after_help().map(ToString::to_string).unwrap_or_default();
                shared.after_help(example.replace("PROGRAM", &name))
            });
        }
    }
    command.after_help(format!("{own}{}", crate::EXIT_CODES))
}

fn block_on(run: impl Future<Output = Result<Outcome>>) -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // Tokio reads the variable itself.
    if crate::env("TOKIO_WORKER_THREADS").is_none() {
        runtime.worker_threads(workers());
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(&error.into()),
    };
    match runtime.block_on(run) {
        Ok(outcome) => outcome.code(),
        Err(error) => end(&error),
    }
}

/// Half of the cores send, wait and parse. Hashing, files and syncs have threads of their own, and a worker a core
/// spends its time waking the others: on two cores a small object cost a quarter more CPU with two workers than with
/// one (docs/performance.md).
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

fn end(error: &anyhow::Error) -> ExitCode {
    exit::report(error);
    ExitCode::from(exit::code(error))
}

impl Session {
    /// Moves the pages of `source` into `store`, with lock, progress, stop and summary.
    ///
    /// Several may run at once (`tokio::join!`), in one root too: each has a line of its own and is stopped with the
    /// others. Sources that share an `Http` share its rate.
    ///
    /// # Errors
    /// Those of [`pump`].
    pub async fn crawl(
        &self,
        source: &impl Source,
        store: &Store,
        options: Pump,
        known: Known<'_>,
    ) -> Result<(Checkpoint, Outcome)> {
        let nothing = Beside { run: async { Ok(()) }, end: &|| {}, stop: &|| {} };
        self.crawl_beside(source, store, store, options, known, nothing).await
    }

    /// As [`Session::crawl`], into a sink that keeps its pages in `store`, with something that runs beside it.
    ///
    /// # Errors
    /// Those of [`pump`] and of what runs beside.
    pub async fn crawl_beside(
        &self,
        source: &impl Source,
        sink: &impl Sink,
        store: &Store,
        options: Pump,
        known: Known<'_>,
        beside: Beside<'_, impl Future<Output = Result<()>>>,
    ) -> Result<(Checkpoint, Outcome)> {
        let (id, root) = (source.id(), store.root());
        store.hold(id).await?;
        let mut note = Note::begun(&self.program, known.expects);
        store.note(id, &note.text()).await;
        let began = std::time::Instant::now();
        let mut progress = Progress::new(source.id(), self.lines.as_ref(), known.expects);
        let line = progress.line();
        // What goes wrong beside this crawl stops it and no other.
        let stop = self.stop().child_token();
        let listen = async {
            stop_after("the pages in flight").await;
            (beside.stop)();
            std::future::pending::<()>().await;
        };
        let pumped = async {
            let pumped = pump(source, sink, options, &stop, |committed| progress.page(committed)).await;
            (beside.end)();
            pumped
        };
        let ran = async {
            let ran = beside.run.await;
            if ran.is_err() {
                stop.cancel();
            }
            ran
        };
        let (pumped, ran) = tokio::select! {
            both = async { tokio::join!(pumped, ran) } => both,
            () = tell_waiting(line, known) => unreachable!("it has no end"),
            () = listen => unreachable!("it has no end"),
        };
        drop(progress);
        let result = first_error(pumped, ran);
        note.end(result.as_ref().err().map(exit::one_line));
        store.note(id, &note.text()).await;
        let checkpoint = result?;
        let ended = checkpoint.ended();
        self.summary(id.as_str(), root, &checkpoint, began.elapsed().as_secs_f64());
        // A listing that ran into `options.pages` is as done as it was asked to be.
        let asked = options.pages.is_some_and(|pages| checkpoint.pages >= pages);
        let outcome = match ended || asked {
            true => Outcome::missing(checkpoint.totals.missing),
            false => Outcome::Stopped,
        };
        Ok((checkpoint, outcome))
    }

    fn summary(&self, id: &str, root: &Path, checkpoint: &Checkpoint, seconds: f64) {
        let totals = &checkpoint.totals;
        if self.flags.log == LogForm::Json {
            let mut line = serde_json::json!({
                "message": "summary", "source": id, "root": root, "pages": checkpoint.pages,
                "ended": checkpoint.ended(), "listed": totals.listed, "kept": totals.records,
                "missing": totals.missing, "dropped": totals.dropped, "bytes": totals.bytes,
            });
            line["seconds"] = serde_json::json!((seconds * 1000.0).round() / 1000.0);
            return crate::say(line);
        }
        crate::say(format!("{id} in {}: {}", root.display(), adds_up(checkpoint)));
        let state = if checkpoint.ended() { "ended" } else { "not ended yet; run the same command to go on" };
        crate::say(format!(
            "  {}, {}, {}; {state}",
            counted(checkpoint.pages, "page"),
            size(totals.bytes),
            duration(seconds)
        ));
        for (reason, count) in &totals.dropped {
            crate::say(format!("  dropped {:>12}  {reason}", grouped(*count)));
        }
        if totals.missing > 0 {
            crate::say(format!(
                "  the missing ones, with reasons: {}/{id}/page_*.missing.jsonl",
                root.display()
            ));
        }
    }

    /// Runs one of the commands that every program has.
    ///
    /// # Errors
    /// Those of reading the root.
    pub async fn shared<C: CommandFactory>(&self, command: impl Into<SharedCommand>) -> Result<Outcome> {
        match command.into() {
            SharedCommand::Gather { root } => crate::gather::run(&root).await,
            SharedCommand::Plain(PlainCommand::Status { root, json, verify }) => {
                crate::status::show(&root, json, verify)
            }
            SharedCommand::Plain(PlainCommand::Completions { shell }) => {
                clap_complete::generate(shell, &mut C::command(), &self.program, &mut std::io::stdout());
                Ok(Outcome::Done)
            }
        }
    }

    /// The wish to stop: comes with the first Ctrl-C or SIGTERM. Whoever asks for it promises to end soon after; a
    /// program that never asks is ended by the first signal.
    pub fn stop(&self) -> Stop {
        crate::stop::stop()
    }

    /// The flags of every program.
    pub fn flags(&self) -> &Flags {
        &self.flags
    }
}

/// The result of a crawl and of what ran beside it. Where both failed, the crawl mostly failed because the other did.
fn first_error(pumped: crawl_core::Result<Checkpoint>, ran: Result<()>) -> Result<Checkpoint> {
    match (pumped, ran) {
        (Ok(checkpoint), Ok(())) => Ok(checkpoint),
        (Err(error), Ok(())) => Err(error.into()),
        (Ok(_), Err(error)) => Err(error),
        (Err(crawl), Err(error)) => {
            tracing::debug!(error = %crawl, "the crawl ended too");
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
