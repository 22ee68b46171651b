//! What Gleaner's programs share: flags, config file, logs, progress, `status`, lock and exit codes.
//!
//! The only crate that imports clap and anyhow, and the only one that reads the environment.

mod config;
mod exit;
mod flags;
mod gather;
mod log;
#[cfg(feature = "http")]
mod network;
mod note;
mod progress;
#[cfg(feature = "http")]
mod proxies;
mod session;
mod status;
mod stop;

pub use anyhow;
pub use clap;

pub use exit::{EXIT_CODES, Outcome};
pub use flags::{Flags, LogForm, PlainCommand, SharedCommand};
#[cfg(feature = "http")]
pub use network::{HttpFlags, positive};
pub use progress::duration;
pub use session::{Beside, Known, Session, main};
pub use stop::stop_after;

/// A variable of the environment; empty counts as not set.
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The proxies that the environment names, as every program here reads them.
#[cfg(feature = "http")]
pub fn proxies() -> crawl_core::http::Proxies {
    proxies::of_environment(env)
}

/// Prints to stderr: stdout is for data. What would steer a terminal is spelled out; line breaks stay.
#[allow(clippy::print_stderr, reason = "the one place that speaks to people")]
pub fn say(text: impl std::fmt::Display) {
    let text = fit(&text.to_string());
    progress::suspended(|| eprintln!("{text}"));
}

/// A text of several lines that is fit for a terminal.
fn fit(text: &str) -> String {
    text.split('\n').map(crawl_core::visible).collect::<Vec<_>>().join("\n")
}

/// Prints to stdout; as [`say`] where that is a terminal.
#[allow(clippy::print_stdout, reason = "the one place that prints results")]
pub fn print(text: impl std::fmt::Display) {
    use std::io::{IsTerminal, Write};
    let mut stdout = std::io::stdout();
    let text = text.to_string();
    let text = if stdout.is_terminal() { fit(&text) } else { text };
    // A closed pipe (`| head`) is the reader's choice, not an error.
    let _ = writeln!(stdout, "{text}");
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many things by their name: `1 page`, `1,234 pages`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Bytes with a binary unit, such as `12.3 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Bytes as people write them: `64`, `20MiB`, `1.5GB`.
///
/// # Errors
/// What is expected instead, if it is none.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1_048_576.0,
        "mb" => 1e6,
        "g" | "gib" => 1_073_741_824.0,
        "gb" => 1e9,
        "t" | "tib" => 1_099_511_627_776.0,
        "tb" => 1e12,
        _ => return Err("bytes with a unit, such as 20MiB".into()),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok((number * unit) as u64),
        _ => Err("bytes with a unit, such as 20MiB".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_told_in_the_plural() {
        let texts = [0, 1, 2, 1_234].map(|number| counted(number, "page"));
        assert_eq!(texts, ["0 pages", "1 page", "2 pages", "1,234 pages"]);
    }

    #[test]
    fn numbers_and_sizes_read_as_people_write_them() {
        let texts: Vec<_> = [0, 999, 1_000, 1_234_567].map(grouped).into();
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
        let texts: Vec<_> = [1_023, 1_024, 1_536, 5 << 30].map(size).into();
        assert_eq!(texts, ["1023 B", "1.0 KiB", "1.5 KiB", "5.0 GiB"]);
        let sizes = ["64", "20MiB", "1.5GB", "2 k", "-1", "GiB", "1e400", "3 apples"]
            .map(|text| parse_size(text).ok());
        assert_eq!(
            sizes,
            [Some(64), Some(20 << 20), Some(1_500_000_000), Some(2048), None, None, None, None]
        );
    }
}
