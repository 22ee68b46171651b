//! How far a run has come: a line on a terminal, JSON lines on request.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crawl_cli::{Session, grouped, size};
use crawl_core::Error;
use s3_uploader::{Bucket, Done, Local};

/// Counts of a run that is under way.
pub(crate) struct Progress {
    files: u64,
    bytes: u64,
    files_done: AtomicU64,
    bytes_done: AtomicU64,
    failed: AtomicU64,
    json: bool,
    line: bool,
    began: Instant,
}

impl Progress {
    pub(crate) fn new(files: &[Local], json: bool, session: &Session) -> Self {
        Progress {
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.stamp.size()).sum(),
            files_done: AtomicU64::new(0),
            bytes_done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            json,
            line: !session.flags().quiet && std::io::stderr().is_terminal(),
            began: Instant::now(),
        }
    }

    /// What became of a file.
    pub(crate) fn file(&self, file: &Local, result: Result<&Done, &Error>) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
        self.bytes_done.fetch_add(file.stamp.size(), Ordering::Relaxed);
        if let Err(error) = result {
            self.failed.fetch_add(1, Ordering::Relaxed);
            self.wipe();
            let cause = std::error::Error::source(error).map_or(String::new(), |cause| format!(": {cause}"));
            crawl_cli::say(format!(
                "kept {}: {error}{cause}; {}",
                file.path.display().to_string().escape_debug(),
                error.advice()
            ));
        }
        if self.json {
            crawl_cli::print(json(file, result));
        }
    }

    /// Shows the line as long as it is polled.
    pub(crate) async fn show(&self, bucket: &Bucket) {
        if !self.line {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let (files, bytes) =
                (self.files_done.load(Ordering::Relaxed), self.bytes_done.load(Ordering::Relaxed));
            let rate = bytes as f64 / self.began.elapsed().as_secs_f64();
            let left = if rate > 0.0 { self.bytes.saturating_sub(bytes) as f64 / rate } else { 0.0 };
            let mut text = format!(
                "{} of {} files, {} of {}, {}/s, {left:.0} s left",
                grouped(files),
                grouped(self.files),
                size(bytes),
                size(self.bytes),
                size(rate as u64)
            );
            let failed = self.failed.load(Ordering::Relaxed);
            if failed > 0 {
                text.push_str(&format!(", {} kept", grouped(failed)));
            }
            text.push_str(&format!(", at most {} requests at once", bucket.allowed()));
            let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
        }
    }

    /// Takes the line away.
    pub(crate) fn wipe(&self) {
        if self.line {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn seconds(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e3).round() / 1e3
    }
}

fn json(file: &Local, result: Result<&Done, &Error>) -> serde_json::Value {
    match result {
        Ok(done) => serde_json::json!({
            "message": "file", "file": file.path.to_string_lossy(), "key": done.key,
            "size": done.sums.size, "sha256": done.sums.sha256, "proof": done.proven.proof,
            "was_there": done.was_there,
        }),
        Err(error) => serde_json::json!({
            "message": "kept", "file": file.path.to_string_lossy(), "kind": error.kind().word(),
            "error": error.to_string(), "advice": error.advice(),
        }),
    }
}
