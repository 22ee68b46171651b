//! `catalogue` and `diff`: runs folded into one file, and what two of them differ in.

use std::io::Write;
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args, ValueEnum};
use crawl_cli::{Outcome, Session, counted, grouped, print, say, size};
use crawl_core::{Error, Files, Kind, Record, Staged};
use hf_crawler::Repos;
use hf_crawler::catalogue::{self, Catalogue, Fold, Report};

use super::apart::apart;

#[derive(Args, Debug)]
pub(crate) struct CatalogueArgs {
    /// Roots that `models` or `datasets` wrote, in any order
    #[arg(required_unless_present_any = ["legacy", "table", "card"], value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The file; what it holds already stays in it
    #[arg(long, value_name = "FILE.parquet")]
    to: PathBuf,
    /// A catalogue of datasets instead of one of models
    #[arg(long)]
    datasets: bool,
    /// How the file is compressed
    #[arg(long, value_enum, default_value_t = Packing::Zstd)]
    compression: Packing,
    /// Also write the models that are not gone with the 37 columns of the seed system
    #[arg(long, value_name = "FILE.parquet", conflicts_with = "datasets")]
    legacy: Option<PathBuf>,
    /// Also write --columns of it as a table of their own
    #[arg(long, value_name = "FILE.parquet", requires = "columns", conflicts_with = "legacy")]
    table: Option<PathBuf>,
    /// The columns of --table, in this order, with commas between; `legacy`: those of the seed system, as --legacy writes them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "table")]
    columns: Vec<String>,
    /// Also write croissant.json and README.md into its folder: the columns, and the runs with digests
    #[arg(long)]
    card: bool,
    /// Replace a croissant.json and a README.md that are there
    #[arg(long, requires = "card")]
    force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The catalogue of before
    before: PathBuf,
    /// The catalogue of now
    after: PathBuf,
    /// All changes as .jsonl or .xlsx, or the report as .md [default: the report, to stdout]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Tell downloads, likes and other counters too, not only how many rows they moved in
    #[arg(long)]
    counters: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Packing {
    Zstd,
    Snappy,
    None,
}

pub(crate) fn fold(arguments: CatalogueArgs, session: &Session) -> Result<Outcome> {
    let CatalogueArgs { runs, to, datasets, compression, legacy, table, columns, card, force } = arguments;
    let repos = if datasets { Repos::Datasets } else { Repos::Models };
    named(&to, &["parquet"])?;
    for beside in legacy.iter().chain(&table) {
        named(beside, &["parquet"])?;
        apart(&to, beside)?;
    }
    let of_before = !datasets && columns == ["legacy"];
    if !of_before {
        catalogue::check_columns(repos, &columns)?;
    }
    if card {
        record_converter::card::Card::refuse_existing(Staged::folder(&to), force)?;
    }
    let compression = Some(match compression {
        Packing::Zstd => record_converter::Compression::Zstd,
        Packing::Snappy => record_converter::Compression::Snappy,
        Packing::None => record_converter::Compression::None,
    });
    if !runs.is_empty() {
        let done =
            catalogue::fold(&Fold { repos, roots: runs, to: to.clone(), compression }, &session.stop())?;
        let new = match done.new_runs {
            0 => "nothing new".to_owned(),
            new => counted(new, "new run"),
        };
        say(format!(
            "{}: {} {} of {} ({new}), {} of them gone, {}",
            to.display(),
            grouped(done.rows),
            repos.name(),
            counted(done.runs, "run"),
            grouped(done.gone),
            size(done.bytes),
        ));
        if done.missing > 0 {
            say(format!("  missing from the new runs: {}", counted(done.missing, "record")));
        }
    }
    if let Some(legacy) = legacy {
        let rows = catalogue::legacy(&Catalogue::open(&to)?, &legacy, compression)?;
        say(format!("{}: {}", legacy.display(), counted(rows, "model")));
    }
    if let Some(table) = table {
        let whole = Catalogue::open(&to)?;
        let rows = if of_before {
            catalogue::legacy(&whole, &table, compression)?
        } else {
            catalogue::table(&whole, &columns, &table, compression)?
        };
        say(format!("{}: {} {}", table.display(), grouped(rows), repos.name()));
    }
    if card {
        catalogue::describe(&to, force)?;
        say(format!("{}: croissant.json and README.md", Staged::folder(&to).display()));
    }
    Ok(Outcome::Done)
}

pub(crate) fn diff(arguments: &DiffArgs) -> Result<Outcome> {
    let DiffArgs { before, after, to, counters } = arguments;
    if let Some(to) = to {
        apart(before, to)?;
        apart(after, to)?;
    }
    let (before, after) = (Catalogue::open(before)?, Catalogue::open(after)?);
    let mut report = Report::default();
    let Some(to) = to else {
        let counts = catalogue::diff(&before, &after, *counters, |change| {
            report.add(&change);
            Ok(())
        })?;
        print(report.markdown(&counts).trim_end());
        return Ok(Outcome::Done);
    };
    let counts = match named(to, &["jsonl", "xlsx", "md"])? {
        "md" => {
            let counts = catalogue::diff(&before, &after, *counters, |change| {
                report.add(&change);
                Ok(())
            })?;
            Staged::put(to, report.markdown(&counts).as_bytes())?;
            counts
        }
        "jsonl" => lines(&before, &after, *counters, to)?,
        _ => {
            let scratch = Files::new(Staged::folder(to)).scratch()?;
            let between = scratch.path().join("diff.jsonl");
            let counts = lines(&before, &after, *counters, &between)?;
            let options = record_converter::Options { force: true, ..Default::default() };
            let request = record_converter::Request::new(&between, to, options)?;
            record_converter::convert(&request, &mut std::io::empty(), &mut std::io::sink())?;
            counts
        }
    };
    let told: Vec<_> =
        counts.kinds.iter().map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
    say(format!(
        "{}: {}",
        to.display(),
        if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") }
    ));
    Ok(Outcome::Done)
}

/// Writes a line a change.
fn lines(before: &Catalogue, after: &Catalogue, counters: bool, to: &Path) -> Result<catalogue::Counts> {
    let mut file = Staged::create(to)?;
    let counts = catalogue::diff(before, after, counters, |change| {
        let line = Record::write(&change)?;
        let written = file.write_all(line.bytes()).and_then(|()| file.write_all(b"\n"));
        written.map_err(|cause| file.failed(cause))
    })?;
    file.finish()?;
    Ok(counts)
}

/// The ending of a file's name, if it is one of those that are known.
fn named<'a>(path: &Path, known: &[&'a str]) -> Result<&'a str> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let found = known.iter().find(|known| **known == ending);
    let refused = || {
        Error::new(Kind::Config, "the file's name does not end in a kind that can be written")
            .at(path.display().to_string())
            .advise(format!("let it end in .{}", known.join(", .")))
    };
    Ok(found.copied().ok_or_else(refused)?)
}
