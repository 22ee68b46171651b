//! `fits`: which models of a catalogue fit a device.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crawl_cli::anyhow::Result;
use crawl_cli::clap::{self, Args};
use crawl_cli::{Outcome, counted, grouped, parse_size, print, say, size};
use crawl_core::{Error, Files, Kind, Record, Staged};
use hf_crawler::catalogue::{self, Catalogue, Fitting, Machine, Sorts};
use model_facts::Devices;

use super::apart::apart;

pub(crate) const HELP: &str = "\
Examples:
  hf-crawler fits data/models.parquet --memory 24GiB --context 8192
  hf-crawler fits data/models.parquet --device \"RTX 4090\" --to fits.csv

A model of which too little is known never counts as fitting: sizes come from `details --details files`, the cache from
`--details config` or `headers`. configs/hardware.toml lists the devices, and where their numbers come from.";

/// The devices that are known without a file.
const DEVICES: &str = include_str!("../../../../configs/hardware.toml");

#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("machine").required(true).args(["memory", "device"])))]
pub(crate) struct FitsArgs {
    /// A catalogue of models
    catalogue: PathBuf,
    /// So much memory, such as 24GiB
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    memory: Option<u64>,
    /// The memory that a model can have of this device, such as "RTX 4090"
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Devices of your own, in the form of configs/hardware.toml
    #[arg(long, value_name = "FILE")]
    hardware: Option<PathBuf>,
    /// Tokens of one sequence
    #[arg(long, value_name = "TOKENS", default_value_t = 8192)]
    context: u64,
    /// Bits of a number in the cache
    #[arg(long, value_name = "BITS", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=64))]
    cache_bits: u64,
    /// Print so many, those with the most downloads
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    rows: usize,
    /// All that fit, as .jsonl, .csv, .xlsx or .parquet
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(arguments: &FitsArgs) -> Result<Outcome> {
    let machine = machine(arguments)?;
    let catalogue = Catalogue::open(&arguments.catalogue)?;
    if let Some(to) = &arguments.to {
        apart(&arguments.catalogue, to)?;
    }
    let mut top = Top { most: arguments.rows, heap: BinaryHeap::new() };
    let sorts = match &arguments.to {
        None => catalogue::fitting(&catalogue, machine, |row| {
            top.add(row);
            Ok(())
        })?,
        Some(to) => written(&catalogue, machine, to, &mut top)?,
    };
    print(format!(
        "{} with {} tokens of {} bits: {} fit, {} may fit, {} do not; of {} too little is known",
        size(machine.memory),
        grouped(machine.context),
        machine.cache_bits,
        grouped(sorts.yes),
        grouped(sorts.tight),
        grouped(sorts.no),
        grouped(sorts.unknown)
    ));
    table(&top.sorted()).iter().for_each(print);
    if let Some(to) = &arguments.to {
        say(format!("{}: {}", to.display(), counted(sorts.yes + sorts.tight, "model")));
    }
    Ok(Outcome::Done)
}

fn machine(arguments: &FitsArgs) -> Result<Machine> {
    let (mut memory, mut bandwidth) = (arguments.memory.unwrap_or_default(), None);
    if let Some(name) = &arguments.device {
        let text = match &arguments.hardware {
            None => DEVICES.to_owned(),
            Some(path) => std::fs::read_to_string(path).map_err(|cause| {
                Error::new(Kind::Config, "cannot read the file of devices")
                    .at(path.display().to_string())
                    .because(cause)
            })?,
        };
        let devices = Devices::read(&text)?;
        let Some(device) = devices.named(name) else {
            let known: Vec<&str> = devices.0.iter().map(|device| device.name.as_str()).collect();
            return Err(Error::new(Kind::Config, "no such device is known")
                .at(name.clone())
                .advise(format!("give --memory, or one of: {}", known.join(", ")))
                .into());
        };
        (memory, bandwidth) = (device.usable_bytes, device.bandwidth_bytes_per_second);
    }
    Ok(Machine { memory, bandwidth, context: arguments.context, cache_bits: arguments.cache_bits })
}

/// Writes all that fit, in the order of the catalogue.
fn written(catalogue: &Catalogue, machine: Machine, to: &Path, top: &mut Top) -> Result<Sorts> {
    if to.extension().is_some_and(|ending| ending == "jsonl") {
        return lines(catalogue, machine, to, top);
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let scratch = Files::new(folder.unwrap_or(Path::new("."))).scratch()?;
    let between = scratch.path().join("fits.jsonl");
    let options = record_converter::Options { force: true, ..Default::default() };
    let sorts = lines(catalogue, machine, &between, top)?;
    let request = record_converter::Request::new(&between, to, options)?;
    record_converter::convert(&request, &mut std::io::empty(), &mut std::io::sink())?;
    Ok(sorts)
}

fn lines(catalogue: &Catalogue, machine: Machine, to: &Path, top: &mut Top) -> Result<Sorts> {
    let mut file = Staged::create(to)?;
    let sorts = catalogue::fitting(catalogue, machine, |row| {
        let line = Record::write(&row)?;
        top.add(row);
        let written = file.write_all(line.bytes()).and_then(|()| file.write_all(b"\n"));
        written.map_err(|cause| file.failed(cause))
    })?;
    file.finish()?;
    Ok(sorts)
}

/// Those with the most downloads so far.
struct Top {
    most: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

struct Ranked(Fitting);

impl Ranked {
    /// Of equal downloads, the names in their order.
    fn key(&self) -> (Option<u64>, Reverse<&str>) {
        (self.0.downloads, Reverse(&self.0.id))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Top {
    fn add(&mut self, row: Fitting) {
        self.heap.push(Reverse(Ranked(row)));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    fn sorted(self) -> Vec<Fitting> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse(Ranked(row))| row).collect()
    }
}

fn table(rows: &[Fitting]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let wide =
        rows.iter().map(|row| crawl_core::visible(&row.id).chars().count()).max().unwrap_or(0).clamp(5, 70);
    let bytes = |bytes: Option<u64>| bytes.map_or("?".to_owned(), size);
    let head = format!(
        "{:wide$}  {:5}  {:>15}  {:>10}  {:>10}  {:>10}  {:>9}",
        "model", "fits", "parameters", "weights", "likely", "high", "tokens/s"
    );
    let row = |row: &Fitting| {
        format!(
            "{:wide$}  {:5}  {:>15}  {:>10}  {:>10}  {:>10}  {:>9}",
            crawl_core::visible(&row.id),
            row.fit,
            row.parameters.map_or("?".to_owned(), grouped),
            bytes(row.weight_bytes),
            bytes(row.memory_likely),
            bytes(row.memory_high),
            row.tokens_per_second_bound.map_or("?".to_owned(), |bound| format!("< {bound:.0}"))
        )
    };
    std::iter::once(head).chain(rows.iter().map(row)).collect()
}
