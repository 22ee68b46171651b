//! Writes the vectors of texts, so that another index can hold the same: `... --example vectors -- LINES.txt OUT.f32`.
//!
//! A text a line; 256 numbers of four bytes each, little end first; all 0 where a text has no word that is known.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement")]

use std::io::{BufRead, BufReader, BufWriter, Write};

use record_search::{Embedder, TableEmbedder};

fn main() {
    let mut paths = std::env::args().skip(1);
    let mut path = || paths.next().expect("usage: vectors LINES.txt OUT.f32");
    let lines = BufReader::new(std::fs::File::open(path()).unwrap()).lines();
    let mut out = BufWriter::new(std::fs::File::create(path()).unwrap());
    let table = TableEmbedder::shipped().unwrap();
    let none = vec![0.0; table.dimension()];
    for line in lines {
        let embedded = table.embed(&[&line.unwrap()]).unwrap().remove(0);
        for number in embedded.vector.as_ref().unwrap_or(&none) {
            out.write_all(&number.to_le_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
}
