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
    let colour = io::stderr().is_terminal() && crate::env("NO_COLOR").is_none();
    let colour = colour && flags.log == LogForm::Human;
    let writer = BesideProgress { colour };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    // A second start, in tests, changes nothing.
    let _ = match flags.log {
        LogForm::Human => builder.with_ansi(colour).try_init(),
        LogForm::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Writes to stderr without tearing the progress line. What came from outside does not steer the terminal.
#[derive(Clone, Copy)]
struct BesideProgress {
    /// Whether the log's own colours are let through.
    colour: bool,
}

impl<'a> MakeWriter<'a> for BesideProgress {
    type Writer = BesideProgress;

    fn make_writer(&'a self) -> Self::Writer {
        *self
    }
}

impl Write for BesideProgress {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line of the log comes in one piece.
        let text = fit(&String::from_utf8_lossy(bytes), self.colour);
        crate::progress::suspended(|| io::stderr().write_all(text.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Lines of the log that are fit for a terminal: of all that steers it only colours pass, where they are wished.
fn fit(text: &str, colour: bool) -> String {
    if !colour {
        return crate::fit(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('\u{1b}');
    out.push_str(&crate::fit(pieces.next().unwrap_or_default()));
    for piece in pieces {
        let parameters =
            piece.strip_prefix('[').map_or("", |rest| rest.split('m').next().unwrap_or_default());
        let is_colour = piece.starts_with('[')
            && piece[1 + parameters.len()..].starts_with('m')
            && parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';');
        out.push_str(if is_colour { "\u{1b}" } else { "\\u001b" });
        out.push_str(&crate::fit(piece));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_steers_a_terminal_only_colours_pass_where_they_are_wished() {
        let text = "\u{1b}[32m INFO\u{1b}[0m page\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\u{1b}\n";
        let fit_for_colour =
            "\u{1b}[32m INFO\u{1b}[0m page\\u001b]0;owned\\u0007\\u001b[2J\\u202e\\r\\u001b\n";
        assert_eq!(fit(text, true), fit_for_colour);
        assert_eq!(fit(text, false), fit_for_colour.replace('\u{1b}', "\\u001b"));
    }
}
