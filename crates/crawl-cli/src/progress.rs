//! A progress line a crawl on a terminal; a log line a page elsewhere.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crawl_core::{Checkpoint, Committed, SourceId};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{Known, counted, grouped, size};

/// The lines of this process, where there is a terminal for them.
static LINES: OnceLock<MultiProgress> = OnceLock::new();

/// Does something on stderr without tearing the progress lines.
pub(crate) fn suspended<T>(work: impl FnOnce() -> T) -> T {
    match LINES.get() {
        Some(lines) => lines.suspend(work),
        None => work(),
    }
}

/// The place for progress lines on stderr; `None` if it is no terminal.
pub(crate) fn lines(quiet: bool) -> Option<MultiProgress> {
    let wanted = !quiet && std::io::stderr().is_terminal();
    wanted.then(|| LINES.get_or_init(MultiProgress::new).clone())
}

/// Tells how far a listing has come, in a line of its own.
pub(crate) struct Progress {
    id: SourceId,
    line: Option<ProgressBar>,
    began: Instant,
    first: Option<u64>,
    expects: Option<u64>,
}

impl Progress {
    pub(crate) fn new(id: &SourceId, lines: Option<&MultiProgress>, expects: Option<u64>) -> Self {
        let line = lines.map(|lines| {
            let style = ProgressStyle::with_template("{spinner} {msg}{prefix} [{elapsed}]")
                .expect("the template is constant");
            let line = lines.add(ProgressBar::new_spinner().with_style(style));
            line.set_message(format!("{id}: starting"));
            line.enable_steady_tick(Duration::from_millis(200));
            line
        });
        Progress { id: id.clone(), line, began: Instant::now(), first: None, expects }
    }

    /// Tells of a committed page.
    pub(crate) fn page(&mut self, committed: Committed<'_>) {
        let Committed { checkpoint, before } = committed;
        let totals = &checkpoint.totals;
        let first = *self.first.get_or_insert(before.listed);
        let rate = (totals.listed - first) as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        match &self.line {
            Some(line) => line.set_message(self.text(checkpoint, rate)),
            None => tracing::info!(
                source = %self.id,
                page = checkpoint.pages,
                listed = totals.listed - before.listed,
                kept = totals.records - before.records,
                missing = totals.missing - before.missing,
                bytes = totals.bytes - before.bytes,
                total = totals.listed,
                per_second = rate.round(),
                "page"
            ),
        }
    }

    fn text(&self, checkpoint: &Checkpoint, rate: f64) -> String {
        let totals = &checkpoint.totals;
        let mut text = format!(
            "{}: {}, {} ({}), {:.0} a second",
            self.id,
            counted(checkpoint.pages, "page"),
            counted(totals.records, "record"),
            size(totals.bytes),
            rate
        );
        if totals.missing > 0 {
            text.push_str(&format!(", {} missing", grouped(totals.missing)));
        }
        if let Some(expects) = self.expects.filter(|expects| *expects > totals.listed && rate > 0.0) {
            let left = (expects - totals.listed) as f64 / rate;
            text.push_str(&format!(", about {} left", duration(left)));
        }
        text
    }

    /// The line, for what else is to be told.
    pub(crate) fn line(&self) -> Option<ProgressBar> {
        self.line.clone()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

/// Tells, for as long as it is polled, when everybody waits, and why, and what runs beside.
pub(crate) async fn tell_waiting(line: Option<ProgressBar>, known: Known<'_>) {
    let Some(line) = line.filter(|_| known.waiting.is_some() || known.beside.is_some()) else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut text = known.beside.map_or(String::new(), |beside| beside());
        let waiting = known.waiting.and_then(|waiting| waiting());
        if let Some(waiting) = waiting.filter(|waiting| waiting.left > Duration::from_secs(1)) {
            let left = duration(waiting.left.as_secs_f64());
            text.push_str(&format!(", waiting {left} {}", waiting.why));
        }
        line.set_prefix(text);
    }
}

/// `listed = kept + dropped + missing`, in words.
pub(crate) fn adds_up(checkpoint: &Checkpoint) -> String {
    let totals = &checkpoint.totals;
    let dropped: u64 = totals.dropped.values().sum();
    format!(
        "{} listed = {} kept + {} dropped + {} missing",
        grouped(totals.listed),
        grouped(totals.records),
        grouped(dropped),
        grouped(totals.missing)
    )
}

/// Seconds as `1h02m`, `3m20s` or `12s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let texts: Vec<_> = [0.4, 59.0, 200.0, 3_599.0, 3_720.0].map(duration).into();
        assert_eq!(texts, ["0s", "59s", "3m20s", "59m59s", "1h02m"]);
    }

    #[test]
    fn the_totals_add_up_in_words() {
        let mut checkpoint = Checkpoint::start();
        let totals = &mut checkpoint.totals;
        (totals.listed, totals.records, totals.missing) = (1_210, 1_200, 3);
        totals.dropped.insert("too small".to_owned(), 7);
        assert_eq!(adds_up(&checkpoint), "1,210 listed = 1,200 kept + 7 dropped + 3 missing");
    }
}
