//! How a program ended, for people and for supervisors.

use std::process::ExitCode;

use crawl_core::Kind;

/// The table of exit codes that `--help` prints.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  done, nothing missing
    1  an error that has no code of its own
    2  wrong usage
    3  done, but some records are missing (they are listed with their reasons)
   65  an answer or a file of unknown form: a developer must look
   66  the thing is not there
   74  the disk refused
   75  the network or the service failed for now: run again
   76  the service asked us to slow down for longer than our patience: run later
   77  a person must act: token, permission, terms
   78  a file, flag or variable is wrong
  130  interrupted; the checkpoint is safe, run again to go on";

/// How a program ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is done and there.
    Done,
    /// All is done, some records are missing.
    Missing,
    /// Stopped on request; what is committed is safe.
    Stopped,
}

impl Outcome {
    /// `Missing` if any record is.
    pub fn missing(count: u64) -> Self {
        if count == 0 { Outcome::Done } else { Outcome::Missing }
    }

    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Outcome::Done => 0,
            Outcome::Missing => 3,
            Outcome::Stopped => 130,
        })
    }
}

/// The exit code of an error: that of the first of our own errors in its chain.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    match ours(error).map(crawl_core::Error::kind) {
        Some(Kind::Shape) => 65,
        Some(Kind::Gone) => 66,
        Some(Kind::Storage) => 74,
        Some(Kind::Transient) => 75,
        Some(Kind::Limited) => 76,
        Some(Kind::Denied) => 77,
        Some(Kind::Config) => 78,
        Some(Kind::Stopped) => 130,
        Some(_) | None => 1,
    }
}

/// The first of our own errors in the chain.
fn ours(error: &anyhow::Error) -> Option<&crawl_core::Error> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// An error and what to do next, in a line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    ours(error).map_or_else(|| error.to_string(), |ours| format!("{error}; {}", ours.advice()))
}

/// Prints an error once, with its causes and what to do next.
pub(crate) fn report(error: &anyhow::Error) {
    // A stop that was wished is no error.
    let stopped = ours(error).is_some_and(|ours| ours.kind() == Kind::Stopped);
    let mut text = format!("{}: {error}", if stopped { "stopped" } else { "error" });
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        let shown: String = cause.chars().take(2100).collect();
        text.push_str(&format!("\n  because {shown}"));
    }
    if let Some(ours) = ours(error) {
        text.push_str(&format!("\n  what to do: {}", ours.advice()));
    }
    crate::say(text);
}
