//! Page tokens: a place in a listing that nobody outside can read, some hundreds of characters long.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::dice::{Dice, hash};

/// All real ones begin so, which makes them useless as names of files.
const PREFIX: &str = "CfDJ8";
const BYTES: usize = 192;

/// `age` rises when all tokens given before shall be refused.
pub(super) fn encode(method: &str, offset: u64, age: u64) -> String {
    let mut bytes = [0u8; BYTES];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    bytes[8..16].copy_from_slice(&age.to_le_bytes());
    bytes[16..24].copy_from_slice(&hash(method).to_le_bytes());
    let key = hash(method) ^ offset.wrapping_mul(0x9e37_79b9) ^ age;
    let mut out = key.to_le_bytes().to_vec();
    out.extend(scramble(key, &bytes));
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(out))
}

/// `None` for what this double never sent for this method, and for what is too old.
pub(super) fn decode(method: &str, token: &str, age: u64) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let (key, rest) = bytes.split_first_chunk::<8>()?;
    let plain = scramble(u64::from_le_bytes(*key), rest);
    let number = |at: usize| Some(u64::from_le_bytes(plain.get(at..at + 8)?.try_into().ok()?));
    let right = rest.len() == BYTES && number(8)? == age && number(16)? == hash(method);
    right.then(|| number(0)).flatten()
}

fn scramble(key: u64, bytes: &[u8]) -> Vec<u8> {
    let mut dice = Dice::new(key, 11);
    bytes.iter().map(|byte| byte ^ dice.next() as u8).collect()
}
