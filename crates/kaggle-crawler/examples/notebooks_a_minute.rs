//! How many notebooks a minute one core reads: the notebooks below a folder, again and again for some seconds.
//!
//! `cargo run --release -p kaggle-crawler --example notebooks_a_minute -- FOLDER`

#![allow(clippy::print_stdout, reason = "it tells a figure")]

use std::path::Path;
use std::time::{Duration, Instant};

use kaggle_crawler::imports::{Hints, imports, is_notebook};

fn gather(folder: &Path, into: &mut Vec<Vec<u8>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, into)?;
        } else {
            let source = std::fs::read(&path)?;
            if is_notebook(&source) {
                into.push(source);
            }
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let mut sources = Vec::new();
    gather(Path::new(&folder), &mut sources)?;
    if sources.is_empty() {
        println!("no notebooks below {folder}");
        return Ok(());
    }
    let bytes: usize = sources.iter().map(Vec::len).sum();
    let start = Instant::now();
    let (mut rounds, mut names) = (0, 0);
    while start.elapsed() < Duration::from_secs(10) {
        names = sources.iter().map(|source| imports(source, &Hints::default()).imported_libs.len()).sum();
        rounds += 1;
    }
    let read = (rounds * sources.len()) as f64;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} notebooks of {} kB on average, {names} names: {:.0} a minute, {:.0} MB/s",
        sources.len(),
        bytes / sources.len() / 1000,
        read / seconds * 60.0,
        read * bytes as f64 / sources.len() as f64 / seconds / 1e6
    );
    Ok(())
}
