//! What memory a model needs, and what it fits on.
//!
//! | part | bytes | source |
//! |---|---|---|
//! | weights | the bytes of the files of one variant: they lie in memory as they lie on disk | – |
//! | cache | (all layers × context + layers with a window × min(context, window)) × bits of the cache / 16 | [`crate::kv`] |
//! | runtime | 0.5 GB | llmfit's constant for contexts and buffers |
//! | activations | up to 20 % of the weights | guide of accelerate's `estimate-memory`, which cites EleutherAI |
//!
//! low = weights + cache; likely = low + runtime; high = likely + activations. One sequence. Where the cache is unknown, low
//! is the weights, and the others are unknown.

use crawl_core::{Error, Kind, Result};
use serde::Deserialize;

/// What memory depends on: few numbers, which are columns of the catalogue too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// `weight_bytes`.
    pub weight_bytes: Option<u64>,
    /// `kv_bytes_per_token`, at 16 bits.
    pub kv_bytes_per_token: Option<u64>,
    /// `kv_window_bytes_per_token`, at 16 bits; none is as 0.
    pub kv_window_bytes_per_token: Option<u64>,
    /// `kv_window`, in tokens.
    pub kv_window: Option<u64>,
}

/// Bytes of memory. Each number that cannot be known is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// It does not run with less.
    pub low: Option<u64>,
    /// With what a runtime itself takes.
    pub likely: Option<u64>,
    /// With activations of an unkind runtime.
    pub high: Option<u64>,
}

/// 16 bits a number of the cache, as most programs have it if they are not told otherwise.
pub const CACHE_BITS: u64 = 16;

const RUNTIME: u64 = 500_000_000;
const ACTIVATIONS_PERCENT: u64 = 20;

impl Footprint {
    /// Bytes of the cache of one sequence of so many tokens.
    pub fn cache(&self, context: u64, cache_bits: u64) -> Option<u64> {
        let windowed = match self.kv_window_bytes_per_token {
            Some(bytes) if bytes > 0 => bytes.checked_mul(context.min(self.kv_window?))?,
            _ => 0,
        };
        let all = self.kv_bytes_per_token?.checked_mul(context)?;
        Some(all.checked_add(windowed)?.checked_mul(cache_bits)?.div_ceil(CACHE_BITS))
    }

    /// Memory to run it with one sequence of `context` tokens and a cache of so many bits a number.
    pub fn memory(&self, context: u64, cache_bits: u64) -> Need {
        let Some(weights) = self.weight_bytes else { return Need::default() };
        let Some(low) = self.cache(context, cache_bits).and_then(|cache| weights.checked_add(cache)) else {
            return Need { low: Some(weights), ..Need::default() };
        };
        let likely = low.checked_add(RUNTIME);
        let high = likely.and_then(|likely| likely.checked_add(weights / 100 * ACTIVATIONS_PERCENT));
        Need { low: Some(low), likely, high }
    }
}

/// Whether a model fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Also at the high estimate.
    Yes,
    /// At the low estimate, not at the high one: it may run.
    Tight,
    /// Not even at the low estimate.
    No,
    /// Too little is known.
    Unknown,
}

/// Whether it fits in so many bytes.
pub fn fits(need: Need, memory_bytes: u64) -> Fit {
    match (need.low, need.high) {
        (Some(low), _) if low > memory_bytes => Fit::No,
        (_, Some(high)) if high <= memory_bytes => Fit::Yes,
        (Some(_), Some(_)) => Fit::Tight,
        _ => Fit::Unknown,
    }
}

/// An upper bound of tokens a second for one sequence, generated one by one: each needs so many bytes read (the column
/// `bytes_read_per_token`), and no more pass. Nothing that was measured; real programs are slower, but for those that guess
/// several tokens ahead.
pub fn tokens_per_second_bound(bytes_read_per_token: u64, bandwidth_bytes_per_second: u64) -> Option<f64> {
    (bytes_read_per_token > 0).then(|| bandwidth_bytes_per_second as f64 / bytes_read_per_token as f64)
}

/// A device that models run on.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// As its maker calls it.
    pub name: String,
    /// Bytes of its memory.
    pub memory_bytes: u64,
    /// Bytes of it that a model can have: of memory that is shared with the system not all.
    pub usable_bytes: u64,
    /// Bytes a second between memory and chip, as its maker tells; none if unknown.
    pub bandwidth_bytes_per_second: Option<u64>,
    /// Where the numbers come from.
    pub source: String,
}

/// Known devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Devices(pub Vec<Device>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    device: Vec<WrittenDevice>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDevice {
    name: String,
    memory_gib: u64,
    usable_percent: Option<u64>,
    bandwidth_gb_per_s: Option<f64>,
    source: String,
}

impl Devices {
    /// Reads the form of `configs/hardware.toml`.
    ///
    /// # Errors
    /// [`Kind::Config`] if it is no TOML of that form, a number is out of bounds, or a name stands twice.
    pub fn read(text: &str) -> Result<Devices> {
        let wrong = |what: String| {
            Error::new(Kind::Config, what)
                .advise("write it as `configs/hardware.toml` has it, then run again")
        };
        let written: Written = toml::from_str(text)
            .map_err(|cause| wrong("the table of devices cannot be read".into()).because(cause))?;
        let mut devices: Vec<Device> = Vec::new();
        for own in written.device {
            let percent = own.usable_percent.unwrap_or(100);
            let bandwidth = own.bandwidth_gb_per_s;
            if !(1..=1 << 20).contains(&own.memory_gib)
                || !(1..=100).contains(&percent)
                || bandwidth.is_some_and(|speed| !(speed > 0.0 && speed < 1e6))
            {
                return Err(wrong(format!("a number of the device `{}` is out of bounds", own.name)));
            }
            if devices.iter().any(|device| device.name.eq_ignore_ascii_case(&own.name)) {
                return Err(wrong(format!("the device `{}` stands twice", own.name)));
            }
            let memory_bytes = own.memory_gib << 30;
            devices.push(Device {
                name: own.name,
                memory_bytes,
                usable_bytes: memory_bytes / 100 * percent,
                bandwidth_bytes_per_second: bandwidth.map(|speed| (speed * 1e9) as u64),
                source: own.source,
            });
        }
        Ok(Devices(devices))
    }

    /// The device of that name, in small or capital letters.
    pub fn named(&self, name: &str) -> Option<&Device> {
        self.0.iter().find(|device| device.name.eq_ignore_ascii_case(name))
    }
}
