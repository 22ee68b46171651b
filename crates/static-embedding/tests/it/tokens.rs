//! Pieces, beside what the real tokenizer gave (`make/tokens.py`).

use static_embedding::Table;

const TEXTS: &str = include_str!("../fixtures/texts.txt");
const TOKENS: &str = include_str!("../fixtures/tokens.txt");
const BLOCKS: &str = include_str!("../fixtures/blocks.txt");
const BLOCK: u64 = 20;

#[rustfmt::skip]
const RANGES: [(u32, u32); 35] = [
    (0x20, 0x7E), (0x00, 0x2F), (0x7F, 0xFF), (0xC0, 0x24F), (0x250, 0x36F), (0x300, 0x345), (0x370, 0x3FF), (0x400, 0x52F),
    (0x530, 0x5FF), (0x600, 0x6FF), (0x700, 0x8FF), (0x900, 0xDFF), (0xE00, 0xFFF), (0x1000, 0x13FF), (0x1400, 0x1CFF),
    (0x1D00, 0x1FFF), (0x2000, 0x20FF), (0x2100, 0x2BFF), (0x2C00, 0x2FFF), (0x3000, 0x30FF), (0x3100, 0x33FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7FF), (0xD700, 0xF8FF), (0xF900, 0xFFFF),
    (0x10000, 0x11FFF), (0x12000, 0x1FFFF), (0x1F300, 0x1FAFF), (0x20000, 0x2FFFF), (0x2B700, 0x2B9FF), (0x2CE00, 0x2FA1F),
    (0xE0000, 0xE01EF), (0x0, 0x10FFFF),
];

struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x0123_4567))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// As `text` of make/tokens.py.
fn text(n: u64, pieces: &[&str]) -> String {
    let mut random = Random::new(n);
    let mut out = String::new();
    for _ in 0..1 + random.below(10) {
        let kind = random.below(4);
        if kind < 2 {
            let piece = pieces[(999 + random.below(pieces.len() as u64 - 999)) as usize];
            out.push_str(piece.strip_prefix("##").unwrap_or(piece));
        } else {
            let (first, last) = RANGES[random.below(RANGES.len() as u64) as usize];
            for _ in 0..1 + random.below(if kind == 2 { 6 } else { 40 }) {
                let c = first + random.below(u64::from(last - first + 1)) as u32;
                out.push(char::from_u32(c).unwrap_or(' '));
                if random.below(8) == 0 {
                    out.push(['a', 'É', '1', ' '][random.below(4) as usize]);
                }
            }
        }
        if random.below(3) > 0 {
            out.push(' ');
        }
    }
    out
}

fn vocabulary() -> Vec<&'static str> {
    let bytes = include_bytes!("../../data/minilm-256.table");
    let spelled = u32::from_le_bytes(bytes[20..24].try_into().expect("the shipped table")) as usize;
    std::str::from_utf8(&bytes[24..24 + spelled]).expect("the shipped table").lines().collect()
}

#[test]
fn texts_of_many_kinds_have_the_pieces_of_the_real_tokenizer() {
    let table = Table::shipped().unwrap();
    assert_eq!(TEXTS.lines().count(), TOKENS.lines().count());
    assert!(TEXTS.lines().count() > 90);
    for (text, expected) in TEXTS.lines().zip(TOKENS.lines()) {
        let text: String = serde_json::from_str(text).unwrap();
        let expected: Vec<u32> = expected.split_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(table.tokens(&text), expected, "{text:?}");
    }
}

#[test]
fn forty_thousand_made_texts_of_all_scripts_have_the_pieces_of_the_real_tokenizer() {
    let table = Table::shipped().unwrap();
    let pieces = vocabulary();
    assert_eq!(BLOCKS.lines().count(), 2000);
    for (block, expected) in (0..).zip(BLOCKS.lines()) {
        let mut sum = 0xCBF2_9CE4_8422_2325_u64;
        for n in block * BLOCK..(block + 1) * BLOCK {
            for id in table.tokens(&text(n, &pieces)).into_iter().chain([u32::MAX]) {
                for byte in id.to_le_bytes() {
                    sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
                }
            }
        }
        let from = block * BLOCK;
        assert_eq!(format!("{sum:016x}"), expected, "of texts {from} and on: `make/tokens.py --text {from}`");
    }
}
