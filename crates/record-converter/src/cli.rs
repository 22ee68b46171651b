//! The flags of the program, and the summary that it ends with.

use std::io;
use std::panic;
use std::path::PathBuf;

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Parser, ValueEnum};
use crawl_cli::{Flags, Outcome, Session, counted, grouped, say, size};
use record_converter::{MAX_SHEET_ROWS, Options, Request, Summary, convert};

/// So many bad lines, and so many cells, are shown; the summary counts all.
const SHOWN: usize = 20;

/// The library's own, as a flag.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Compression {
    Zstd,
    Snappy,
    None,
}

const EXAMPLES: &str = "Examples:
  record-converter data/crawl datasets.xlsx             the committed pages of a crawl
  record-converter rows.xlsx rows.jsonl                 back again
  record-converter rows.jsonl rows.csv --columns id,likes
  record-converter data/crawl datasets.parquet --compression snappy
  record-converter theirs.csv rows.jsonl --delimiter ';'
  record-converter rows.jsonl few.jsonl.zst --where 'likes >= 10 and tags contains \"x\"'
  record-converter data/3_classified report.xlsx --report --links --step data/2_processed
  record-converter rows.jsonl parts --partition-by language
  record-converter old.pkl data/old --listing hf/datasets   a pickle as a listing that hf-crawler process takes";

/// Converts records between JSONL, Excel (.xlsx), CSV, Parquet and Avro, in constant memory
#[derive(Parser, Debug)]
#[command(name = "record-converter", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The root folder of a crawl, a folder of Hive partitions, a .jsonl or .csv file (also .gz or .zst), `-` (JSONL from stdin), or a .parquet, .avro, .xlsx, .xlsm or .pkl file
    input: PathBuf,
    /// A .jsonl, .csv or .xml file (also .gz or .zst), a .xlsx, .parquet or .avro file, or `-` (JSONL to stdout); a folder with --partition-by or --listing
    output: PathBuf,
    /// Which listing of a root, when it has several
    #[arg(long, value_name = "LISTING")]
    source: Option<String>,
    /// Only these records, as in 'likes >= 10 and (language = "en" or tags contains "x")'
    #[arg(long = "where", value_name = "RULE")]
    selection: Option<String>,
    /// Sort the records by this column, smallest first and null before all
    #[arg(long, value_name = "COLUMN")]
    sort_by: Option<String>,
    /// Write a folder of Parquet files, one for each value of this column (Hive partitions)
    #[arg(long, value_name = "COLUMN", conflicts_with = "listing")]
    partition_by: Option<String>,
    /// Write the records as this listing of a root, as `hf/datasets`; the output is the folder of the root
    #[arg(long, value_name = "LISTING")]
    listing: Option<String>,
    /// Beside a Parquet or CSV file, write croissant.json and README.md: its columns, and what it was made from
    #[arg(long)]
    croissant: bool,
    /// Write the workbook for people: counts and a chart first, real dates, lists with commas, labels to filter. It is not read back
    #[arg(long)]
    report: bool,
    /// A sheet of the report for each label
    #[arg(long, requires = "report")]
    by_label: bool,
    /// The root of an earlier step, whose dropped and missing records the report tells; may be given several times
    #[arg(long, value_name = "ROOT", requires = "report")]
    step: Vec<PathBuf>,
    /// Make http and https addresses clickable; in a report the name of each record
    #[arg(long)]
    links: bool,
    /// The most records of a sheet; the rest goes to further sheets
    #[arg(long, value_name = "N", default_value_t = MAX_SHEET_ROWS)]
    sheet_rows: u32,
    /// Replace an output that exists; with --croissant the croissant.json and the README.md beside it too
    #[arg(long)]
    force: bool,
    /// A column of a workbook or a CSV file made by others whose text is JSON; may be given several times
    #[arg(long, value_name = "NAME")]
    json_column: Vec<String>,
    /// A sheet of the workbook to read, hidden ones too; may be given several times. Without it: all that are not hidden
    #[arg(long, value_name = "NAME")]
    sheet: Vec<String>,
    /// The row with the header, from 1; what is above it is not read. Without it: the first row that is not empty
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    header_row: Option<u32>,
    /// The columns of a CSV, Parquet or Avro file that is written, in this order, with commas between; without it: all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// The character between the fields of CSV, or `tab`. Without it: a comma, in .tsv files a tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Each field of a CSV file that is read is text, as it stands
    #[arg(long)]
    as_text: bool,
    /// Leave the column with each record word for word out of Parquet and Avro: smaller, but null and missing become one
    #[arg(long)]
    no_raw: bool,
    /// How Parquet and Avro are compressed; without it: Parquet with zstd, Avro with deflate
    #[arg(long, value_name = "HOW")]
    compression: Option<Compression>,
    #[command(flatten)]
    pub(crate) flags: Flags,
}

/// Converts, and says what was done.
pub(crate) fn run(cli: &Cli, session: &Session) -> Result<Outcome> {
    let options = Options {
        source: cli.source.clone(),
        selection: cli.selection.clone(),
        sort_by: cli.sort_by.clone(),
        partition_by: cli.partition_by.clone(),
        listing: cli.listing.clone(),
        croissant: cli.croissant,
        report: cli.report,
        by_label: cli.by_label,
        steps: cli.step.clone(),
        links: cli.links,
        sheet_rows: cli.sheet_rows,
        force: cli.force,
        json_columns: cli.json_column.clone(),
        sheets: cli.sheet.clone(),
        header_row: cli.header_row,
        columns: cli.columns.clone(),
        delimiter: cli.delimiter,
        as_text: cli.as_text,
        raw: !cli.no_raw,
        compression: cli.compression.map(|how| match how {
            Compression::Zstd => record_converter::Compression::Zstd,
            Compression::Snappy => record_converter::Compression::Snappy,
            Compression::None => record_converter::Compression::None,
        }),
    };
    quiet_panics_of_the_library();
    let request = Request::new(&cli.input, &cli.output, options)?;
    let summary = convert(&request, &mut io::stdin().lock(), &mut io::stdout().lock())?;
    for bad in summary.bad_lines.iter().take(SHOWN) {
        say(format!("missing: {} line {}: {}", bad.place, bad.line, bad.why));
    }
    if summary.missing > SHOWN as u64 {
        say(format!("missing: ... and {} more", grouped(summary.missing - SHOWN as u64)));
    }
    for cell in summary.lost_cells.iter().take(SHOWN) {
        say(format!("lost: {}: {}", cell.place, cell.why));
    }
    let lost = summary.cells_cut + summary.cells_lost;
    if summary.lost_cells.len() > SHOWN {
        say(format!("lost: ... and {} more cells", grouped(lost - SHOWN as u64)));
    }
    let form = session.flags().log.to_possible_value();
    let for_json = form.is_some_and(|form| form.get_name() == "json");
    say(if for_json { for_programs(cli, &summary) } else { for_people(cli, &summary) });
    Ok(if summary.is_whole() { Outcome::Done } else { Outcome::Missing })
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        _ => Err("one ASCII character, or `tab`"),
    }
}

/// Where the disk is full, the Excel library panics, and the Parquet library at damaged files; the panic becomes an
/// error, so its own message would only be noise.
fn quiet_panics_of_the_library() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| {
            place.file().contains("rust_xlsxwriter") || place.file().contains("parquet-")
        }) {
            usual(panic);
        }
    }));
}

fn for_people(cli: &Cli, summary: &Summary) -> String {
    let count = |number: u64, what: &str| {
        if number == 0 { String::new() } else { format!("\n  {} {what}", grouped(number)) }
    };
    let mut text = format!(
        "{} -> {}: {} records read, {} written, {} missing",
        cli.input.display(),
        cli.output.display(),
        grouped(summary.records_read),
        grouped(summary.records_written),
        grouped(summary.missing),
    );
    text.push_str(&count(summary.left_out, "left out, because they were not asked for"));
    for name in &summary.unknown {
        text.push_str(&format!("\n  no record has `{name}`, which --where names"));
    }
    let of_lines = summary.bad_lines.iter().any(|bad| bad.why.starts_with("not JSON"));
    if summary.records_read == 0 && of_lines {
        text.push_str("\n  no line was a JSON object: is the input one object a line?");
    }
    if summary.sheets > 0 {
        let columns = counted(summary.columns as u64, "column");
        text.push_str(&format!("\n  {columns} in {}", counted(summary.sheets.into(), "sheet")));
    }
    text.push_str(&format!("\n  {} written in {:.1} s", size(summary.bytes), summary.took.as_secs_f64()));
    text.push_str(&count(summary.cells_cut, "cells cut: longer than the 32,767 characters that Excel keeps"));
    text.push_str(&count(summary.cells_lost, "cells lost: their value is not known, or stands in doubt"));
    if !summary.sheets_left_out.is_empty() {
        let names = summary.sheets_left_out.iter().take(SHOWN).map(|name| format!("`{name}`"));
        let more = if summary.sheets_left_out.len() > SHOWN { ", ..." } else { "" };
        let names = names.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n  sheets left out (--sheet reads them): {names}{more}"));
    }
    text.push_str(&count(
        summary.links_plain,
        "addresses left as plain text: beyond Excel's limits for links",
    ));
    text.push_str(&count(summary.blank_lines, "blank lines left out"));
    text
}

fn for_programs(cli: &Cli, summary: &Summary) -> String {
    serde_json::json!({
        "message": "summary", "input": cli.input, "output": cli.output,
        "read": summary.records_read, "written": summary.records_written, "missing": summary.missing, "left_out": summary.left_out, "unknown": summary.unknown,
        "sheets": summary.sheets, "columns": summary.columns, "cut": summary.cells_cut,
        "lost": summary.cells_lost, "sheets_left_out": summary.sheets_left_out,
        "links_plain": summary.links_plain, "blank_lines": summary.blank_lines, "bytes": summary.bytes,
        "seconds": (summary.took.as_secs_f64() * 1000.0).round() / 1000.0,
    })
    .to_string()
}
