//! Filters that look at several columns: whether a model fits a device, what memory it needs, and the bound of its speed.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use crawl_core::Result;
use model_facts::hardware::CACHE_BITS;
use model_facts::{Devices, Fit, Footprint, fits, tokens_per_second_bound};

use crate::columns::Column;
use crate::filter::{Filter, Test, number, number_at, number_range};
use crate::index::Index;
use crate::query::wrong;

/// The filters.
pub(crate) const NAMES: [&str; 3] = ["fits", "memory", "speed"];
/// Tokens of context where nothing else is said.
pub const CONTEXT: u64 = 8_192;
/// The columns that memory is worked out of, and the bound of speed.
const COLUMNS: [&str; 5] =
    ["weight_bytes", "kv_bytes_per_token", "kv_window_bytes_per_token", "kv_window", "bytes_read_per_token"];

/// What is worked out of the columns of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Worked {
    /// It fits into so many bytes with a context of so many tokens; `tight`: at the low estimate is enough.
    Fits {
        /// Bytes of memory.
        bytes: u64,
        /// Tokens.
        context: u64,
        /// Whether the low estimate is enough.
        tight: bool,
    },
    /// The likely memory with a context of so many tokens is in the range.
    Memory {
        /// Tokens.
        context: u64,
        /// Bytes.
        range: (Bound<f64>, Bound<f64>),
    },
    /// The upper bound of tokens a second, where so many bytes a second can be read, is in the range.
    Speed {
        /// Bytes a second.
        bandwidth: u64,
        /// Tokens a second.
        range: (Bound<f64>, Bound<f64>),
    },
}

/// The devices that the program knows.
///
/// # Errors
/// None: a test reads them.
pub fn shipped_devices() -> Result<&'static Devices> {
    static DEVICES: OnceLock<Devices> = OnceLock::new();
    if let Some(devices) = DEVICES.get() {
        return Ok(devices);
    }
    let devices = Devices::read(include_str!("../../../configs/hardware.toml"))?;
    Ok(DEVICES.get_or_init(|| devices))
}

/// Reads `fits:"RTX 4090@32k"`, `fits:24GiB,tight`, `memory:<16GiB@32k` or `speed:">=20@RTX 4090"`.
pub(crate) fn parse(name: &str, value: &str, not: bool, devices: &Devices) -> Result<Filter> {
    let mut parts: Vec<&str> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    let mut take = |word: &str| {
        let before = parts.len();
        parts.retain(|part| *part != word);
        parts.len() < before
    };
    let (unknown, tight) = (take("?"), name == "fits" && take("tight"));
    let bad = |advice: &str| wrong(format!("`{value}` is nothing that `{name}` can be"), advice);
    let [part] = parts.as_slice() else {
        return Err(bad(
            "write one value, such as fits:\"RTX 4090\", memory:<16GiB or speed:\">=20@RTX 4090\"",
        ));
    };
    let (what, at) = part.split_once('@').map_or((*part, None), |(what, at)| (what.trim(), Some(at.trim())));
    let context = || match at {
        None => Ok(CONTEXT),
        Some(at) => whole(at).ok_or_else(|| bad("behind the @ stand the tokens of context, such as 32k")),
    };
    let worked = match name {
        "fits" => {
            let bytes = match devices.named(what) {
                Some(device) => device.usable_bytes,
                None => whole(what).ok_or_else(|| no_device(what, devices))?,
            };
            Worked::Fits { bytes, context: context()?, tight }
        }
        "memory" => {
            let range = number_range(what).ok_or_else(|| bad("write bytes, such as memory:<16GiB"))?;
            Worked::Memory { context: context()?, range }
        }
        _ => {
            let device =
                at.ok_or_else(|| bad("write the device behind an @, such as speed:\">=20@RTX 4090\""))?;
            let found = devices.named(device).ok_or_else(|| no_device(device, devices))?;
            let bandwidth = found.bandwidth_bytes_per_second.ok_or_else(|| {
                wrong(format!("the bandwidth of `{device}` is not known"), "name another device")
            })?;
            let range = number_range(what)
                .ok_or_else(|| bad("write tokens a second, such as speed:\">=20@RTX 4090\""))?;
            Worked::Speed { bandwidth, range }
        }
    };
    let spelled = format!("{}{name}:{value}", if not { "-" } else { "" });
    Ok(Filter { spelled, column: name.to_owned(), test: Test::Worked(worked), not, unknown })
}

fn whole(text: &str) -> Option<u64> {
    number(text).filter(|number| *number >= 1.0 && *number < 1e18).map(|number| number as u64)
}

fn no_device(name: &str, devices: &Devices) -> crawl_core::Error {
    let names: Vec<&str> = devices.0.iter().map(|device| device.name.as_str()).collect();
    wrong(
        format!("no device is called `{}`", name.chars().take(60).collect::<String>()),
        &format!("write bytes, such as 24GiB, or one of: {}", names.join(", ")),
    )
}

/// The columns that such filters look at.
pub(crate) struct Columns([Option<Arc<Column>>; 5]);

impl Columns {
    pub(crate) fn of(index: &Index) -> Result<Self> {
        let mut columns: [Option<Arc<Column>>; 5] = Default::default();
        for (column, name) in columns.iter_mut().zip(COLUMNS) {
            *column = index.column(name)?;
        }
        if columns[0].is_none() {
            return Err(wrong(
                "nothing in this index tells what memory a model needs".into(),
                "index a catalogue: hf-crawler catalogue, then record-search index catalogue.parquet",
            ));
        }
        Ok(Columns(columns))
    }

    fn get(&self, at: usize, place: u32) -> Option<u64> {
        number_at(self.0[at].as_deref(), place).map(|number| number as u64)
    }

    /// Whether a model passes; `None` where too little is known.
    pub(crate) fn judge(&self, worked: &Worked, place: u32) -> Option<bool> {
        let need = |context: u64| {
            let footprint = Footprint {
                weight_bytes: self.get(0, place),
                kv_bytes_per_token: self.get(1, place),
                kv_window_bytes_per_token: self.get(2, place),
                kv_window: self.get(3, place),
            };
            footprint.memory(context, CACHE_BITS)
        };
        let within =
            |range: &(Bound<f64>, Bound<f64>), number: f64| std::ops::RangeBounds::contains(range, &number);
        match worked {
            Worked::Fits { bytes, context, tight } => match fits(need(*context), *bytes) {
                Fit::Yes => Some(true),
                Fit::Tight => Some(*tight),
                Fit::No => Some(false),
                Fit::Unknown => None,
            },
            Worked::Memory { context, range } => Some(within(range, need(*context).likely? as f64)),
            Worked::Speed { bandwidth, range } => {
                Some(within(range, tokens_per_second_bound(self.get(4, place)?, *bandwidth)?))
            }
        }
    }
}
