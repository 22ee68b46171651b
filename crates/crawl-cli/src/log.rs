//! Log lines on stderr, human or JSON.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::flags::{Flags, LogForm};

pub(crate) fn start(flags: &Flags, progress_line: bool) {
    let level = match (flags.quiet, flags.verbose) {
        (true, _) => "error",
        (_, true) => "debug,hyper=info,reqwest=info,rustls=info,h2=info",
        // The progress line tells what the log line of a page would.
        _ if progress_line => "warn",
        _ => "info",
    };
    let filter = match crate::env("RUST_LOG") {
        Some(wish) => EnvFilter::new(wish),
        None => EnvFilter::new(level),
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(BesideProgress).with_target(false);
    let colour = io::stderr().is_terminal() && crate::env("NO_COLOR").is_none();
    // A second start, in tests, changes nothing.
    let _ = match flags.log {
        LogForm::Human => builder.with_ansi(colour).try_init(),
        LogForm::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Writes to stderr without tearing the progress line.
struct BesideProgress;

impl<'a> MakeWriter<'a> for BesideProgress {
    type Writer = BesideProgress;

    fn make_writer(&'a self) -> Self::Writer {
        BesideProgress
    }
}

impl Write for BesideProgress {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        crate::progress::suspended(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
