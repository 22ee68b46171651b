//! For measurements: `speed FILE [ROUNDS]`, where each line of the file is a text; without a file, 10,000 texts of 12 words of
//! the vocabulary. One thread. Prints texts a second of wall time, of the fastest of the rounds; on a shared machine take what
//! `time` says of 21 rounds less what it says of one.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use static_embedding::{Embedding, Table};

const WORDS: &str = "a small library that reads speech and writes down what was said models for recognising objects in \
    pictures trained on large sets of photographs questions answers about medicine translated legal documents client \
    server async tokenizer embeddings postgres typescript react plugin wrapper api kubernetes quantized";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let texts: Vec<String> = match arguments.next() {
        Some(path) => std::fs::read_to_string(path)?.lines().map(String::from).collect(),
        None => {
            let words: Vec<&str> = WORDS.split_whitespace().collect();
            let mut random = fastrand::Rng::with_seed(1);
            let mut text =
                || (0..12).map(|_| words[random.usize(..words.len())]).collect::<Vec<_>>().join(" ");
            (0..10_000).map(|_| text()).collect()
        }
    };
    let rounds: u32 = arguments.next().map_or(Ok(20), |rounds| rounds.parse())?;
    let start = Instant::now();
    let table = Table::shipped()?;
    println!("read the table in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    let (mut best, mut words, mut embedding) = (Duration::MAX, 0, Embedding::default());
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        words = 0;
        for text in &texts {
            table.embed_into(text, &mut embedding);
            words += embedding.words;
        }
        best = best.min(start.elapsed());
    }
    let count = texts.len() as f64;
    println!("{:.0} texts a second, of {:.1} words each", count / best.as_secs_f64(), words as f64 / count);
    Ok(())
}
