//! Pipes: records from a file or stdin, rows to a file or stdout, in order.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crawl_cli::anyhow::Result;
use crawl_cli::{Outcome, Session, grouped, say};
use crawl_core::{Error, Missing, Staged};
use llm_classifier::lines::{Counted, classify};
use llm_classifier::{Classifier, Row};

use super::input::Input;

/// Classifies the records of `input`, and tells what it came to.
pub(crate) async fn run(
    classifier: &Arc<Classifier>,
    input: &Input,
    output: &Path,
    session: &Session,
) -> Result<Outcome> {
    let mut out = Out::open(output)?;
    let records = input.records()?;
    let stop = session.stop();
    let counted = tokio::select! {
        counted = classify(classifier.clone(), records, |row, idle| out.put(row, idle)) => counted,
        () = stop.cancelled() => {
            say("stopped; what was paid is in the cache: run the same command again");
            return Ok(Outcome::Stopped);
        }
    };
    // What was settled before an error is there; a file keeps its staged name then.
    out.flush()?;
    let counted = counted?;
    out.finish()?;
    tell(&counted, output);
    Ok(Outcome::missing(counted.missing))
}

fn tell(counted: &Counted, output: &Path) {
    let dropped: u64 = counted.dropped.values().sum();
    say(format!(
        "{}: {} listed = {} kept + {} dropped + {} missing",
        if output == Path::new("-") { "stdout".into() } else { output.display().to_string() },
        grouped(counted.listed),
        grouped(counted.kept),
        grouped(dropped),
        grouped(counted.missing)
    ));
    for (reason, count) in &counted.dropped {
        say(format!("  dropped {:>12}  {reason}", grouped(*count)));
    }
}

/// Where rows go. Missing records go to a file beside it, or to stderr.
struct Out {
    path: Option<PathBuf>,
    rows: Rows,
    missing: Option<BufWriter<File>>,
}

impl Out {
    fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let rows = Rows::Stdout(BufWriter::with_capacity(1 << 16, std::io::stdout()));
            return Ok(Out { path: None, rows, missing: None });
        }
        let rows = Rows::File(Staged::create(path)?.keeping_part());
        let beside = missing_beside(path);
        let missing = File::create(&beside).map_err(|cause| Error::io("cannot write", &beside, cause))?;
        Ok(Out { path: Some(path.to_owned()), rows, missing: Some(BufWriter::new(missing)) })
    }

    /// Writes a row; `idle` says that no other waits, so that a reader of a pipe sees it at once.
    fn put(&mut self, row: Row, idle: bool) -> crawl_core::Result<()> {
        let place = self.path.clone().unwrap_or_else(|| "stdout".into());
        let failed = |cause| Error::io("cannot write", &place, cause);
        match row {
            Row::Kept(record) => {
                let rows = self.rows.writer();
                rows.write_all(record.bytes()).and_then(|()| rows.write_all(b"\n")).map_err(failed)?;
            }
            Row::Missing(missing) => self.put_missing(&missing).map_err(failed)?,
            Row::Dropped(_) => {}
        }
        if idle && self.path.is_none() { self.rows.writer().flush().map_err(failed) } else { Ok(()) }
    }

    fn put_missing(&mut self, missing: &Missing) -> std::io::Result<()> {
        let line = serde_json::to_string(missing).map_err(std::io::Error::from)?;
        match &mut self.missing {
            Some(file) => writeln!(file, "{line}"),
            None => {
                say(format!("missing: {line}"));
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.rows.writer().flush()?;
        self.missing.as_mut().map_or(Ok(()), Write::flush)?;
        Ok(())
    }

    /// The file gets its name when it is whole.
    fn finish(self) -> Result<()> {
        if let Rows::File(file) = self.rows {
            file.finish()?;
        }
        Ok(())
    }
}

enum Rows {
    Stdout(BufWriter<std::io::Stdout>),
    File(Staged),
}

impl Rows {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Rows::Stdout(stdout) => stdout,
            Rows::File(file) => file,
        }
    }
}

fn missing_beside(path: &Path) -> PathBuf {
    path.with_extension("missing.jsonl")
}
