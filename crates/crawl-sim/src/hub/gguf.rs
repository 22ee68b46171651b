//! GGUF files: their headers, with facts, a vocabulary and the places of tensors.

use super::weights::{Model, Tensor};

/// A type of GGUF files: its label, its number among files and among tensors, the elements and bytes of a block.
#[derive(Clone, Copy)]
pub(super) struct Quant {
    pub(super) label: &'static str,
    of_file: u32,
    of_tensor: u32,
    block: u64,
    size: u64,
}

/// The types that every repository of GGUF files has, the larger one first.
pub(super) const QUANTS: [Quant; 2] = [
    Quant { label: "Q8_0", of_file: 7, of_tensor: 8, block: 32, size: 34 },
    Quant { label: "Q4_K_M", of_file: 15, of_tensor: 12, block: 256, size: 144 },
];
/// Where data begins and each tensor too.
const ALIGNED: u64 = 32;

/// The beginning of the file, and how many bytes follow it.
pub(super) fn header(model: &Model, quant: Quant) -> (Vec<u8>, u64) {
    let tensors = model.tensors();
    let facts = facts(model, quant);
    let mut out = Vec::new();
    out.extend_from_slice(b"GGUF");
    number(&mut out, 3);
    long(&mut out, tensors.len() as u64);
    long(&mut out, facts.0);
    out.extend(facts.1);
    let mut at = 0;
    for tensor in &tensors {
        // Vectors are kept as they are.
        let flat = tensor.shape.len() == 1;
        text(&mut out, &tensor.name);
        number(&mut out, tensor.shape.len() as u32);
        tensor.shape.iter().rev().for_each(|side| long(&mut out, *side));
        number(&mut out, if flat { 0 } else { quant.of_tensor });
        long(&mut out, at);
        at += bytes(tensor, quant).next_multiple_of(ALIGNED);
    }
    while !(out.len() as u64).is_multiple_of(ALIGNED) {
        out.push(0);
    }
    (out, at)
}

fn bytes(tensor: &Tensor, quant: Quant) -> u64 {
    match tensor.shape.len() {
        1 => tensor.elements() * 4,
        _ => tensor.elements().div_ceil(quant.block) * quant.size,
    }
}

/// How many facts there are, and their bytes.
fn facts(model: &Model, quant: Quant) -> (u64, Vec<u8>) {
    let d = &model.dims;
    let mut out = Vec::new();
    let mut count = 0;
    let mut key = |out: &mut Vec<u8>, name: &str, kind: u32| {
        text(out, name);
        number(out, kind);
        count += 1;
    };
    key(&mut out, "general.architecture", 8);
    text(&mut out, model.kind);
    key(&mut out, "general.file_type", 4);
    number(&mut out, quant.of_file);
    for (name, value) in [
        ("context_length", model.context),
        ("embedding_length", d.hidden),
        ("block_count", d.layers),
        ("feed_forward_length", d.inter),
        ("attention.head_count", d.heads),
        ("attention.head_count_kv", d.kv_heads),
        ("attention.key_length", d.head_dim),
        ("attention.value_length", d.head_dim),
    ] {
        key(&mut out, &format!("{}.{name}", model.kind), 4);
        number(&mut out, value as u32);
    }
    key(&mut out, "tokenizer.ggml.tokens", 9);
    number(&mut out, 8);
    long(&mut out, d.vocab);
    (0..d.vocab).for_each(|word| text(&mut out, &format!("\u{2581}word{word}")));
    key(&mut out, "tokenizer.ggml.token_type", 9);
    number(&mut out, 5);
    long(&mut out, d.vocab);
    (0..d.vocab).for_each(|_| number(&mut out, 1));
    (count, out)
}

fn number(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn long(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    long(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
