//! Texts that are made to cost much.

use std::time::{Duration, Instant};

use fastrand::Rng;
use static_embedding::{BYTES, TOKENS, Table};

#[test]
fn no_text_makes_it_panic_and_no_vector_is_of_another_length_than_one_or_zero() {
    let table = Table::shipped().unwrap();
    for seed in 0..20_000 {
        let mut random = Rng::with_seed(seed);
        let most = [0x80, 0x500, 0x3000, 0x11_0000][random.usize(..4)];
        let text: String = (0..random.usize(..200))
            .map(|_| char::from_u32(random.u32(..most)).unwrap_or('\u{301}'))
            .collect();
        let embedding = table.embed(&text);
        let length: f32 = embedding.vector.iter().map(|x| x * x).sum();
        assert!(length == 0.0 || (length - 1.0).abs() < 1e-4, "seed {seed}: {length}");
        assert!(embedding.known <= embedding.words, "seed {seed}");
    }
}

#[test]
fn any_bytes_read_as_a_table_are_refused_and_nothing_panics() {
    let whole = include_bytes!("../../data/minilm-256.table");
    for seed in 0..2_000 {
        let mut random = Rng::with_seed(seed);
        let mut bytes = whole[..random.usize(..200)].to_vec();
        for _ in 0..random.usize(..8) {
            let at = random.usize(..=bytes.len());
            bytes.insert(at, random.u8(..));
        }
        assert!(Table::read(bytes).is_err(), "seed {seed}");
    }
}

#[test]
fn of_a_long_text_the_first_bytes_and_pieces_count() {
    let table = Table::shipped().unwrap();
    let within = "a ".repeat(TOKENS);
    assert_eq!(table.tokens(&within).len(), TOKENS);
    assert_eq!(table.tokens(&(within + "b b")).len(), TOKENS);
    // A word whose pieces do not all fit is left out whole.
    let nearly = "a ".repeat(TOKENS - 1);
    assert_eq!(table.tokens(&format!("{nearly}tokenizers a")).len(), TOKENS - 1);
    // Cut within a character: the character goes.
    let text = format!("{}é car", " ".repeat(BYTES - 1));
    assert!(table.tokens(&text).is_empty());
}

#[test]
fn texts_made_to_cost_much_end_soon() {
    let table = Table::shipped().unwrap();
    let many = 4 * 1024 * 1024;
    for (name, part) in [
        ("spaces", " "),
        ("control characters", "\u{200b}"),
        ("combining marks out of order", "\u{301}\u{323}"),
        ("one long word", "a"),
        (
            "words that are nearly pieces",
            "zqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzqzq ",
        ),
        ("words of 100 wide characters", "ỹ"),
        ("signs", "!"),
        ("a character that NFD makes eighteen of", "\u{fdfa}"),
    ] {
        let text = part.repeat(many / part.len());
        let start = Instant::now();
        table.embed(&text);
        let took = start.elapsed();
        println!("{name}: {took:?}");
        assert!(took < Duration::from_secs(5), "{name}: {took:?}");
    }
}
