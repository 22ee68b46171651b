//! What a tensor is by its name: weights, packed weights, or what unpacks them.
//!
//! | packing | the weight | beside it |
//! |---|---|---|
//! | GPTQ, AWQ | `qweight` | `qzeros`, `scales`, `g_idx` |
//! | compressed-tensors | `weight_packed` | `weight_scale`, `weight_zero_point`, `weight_shape`, `weight_g_idx`, `weight_global_scale`, `input_scale`, ... |
//! | bitsandbytes | `weight` (U8) | `weight.absmax`, `weight.quant_map`, `weight.nested_absmax`, `weight.quant_state.…`, `SCB` |
//! | FP8 | `weight` (F8) | `weight_scale`, `weight_scale_inv`, `input_scale` |
//! | NVFP4 (ModelOpt) | `weight` (U8) | `weight_scale`, `weight_scale_2` |
//! | MXFP4 | `…_blocks` (U8) | `…_scales` |
//! | MLX | `weight` (U32) | `scales`, `biases` |

use std::collections::HashMap;

/// What the last part of a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `qweight`.
    Qweight,
    /// `weight_packed`.
    WeightPacked,
    /// `_blocks`.
    Blocks,
    /// Unpacks a weight: one of [`AIDS`].
    Aid(&'static str),
    /// Anything else.
    Other,
}

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Each element is a parameter.
    Plain,
    /// Each element of `container` bits holds parameters of `bits`.
    Packed { bits: u64, container: u64 },
    /// Each element holds several parameters; the shapes do not tell how many.
    PackedUnknown,
    /// No parameters: counters, tables of integers.
    NoWeight,
}

/// Last parts of the names of what unpacks a weight; longer ones before those they end with.
const AIDS: [&str; 22] = [
    ".qzeros",
    ".scales",
    ".g_idx",
    ".weight_scale",
    ".weight_scale_inv",
    ".weight_scale_2",
    ".weight_global_scale",
    ".weight_zero_point",
    ".weight_shape",
    ".weight_g_idx",
    ".input_scale",
    ".input_global_scale",
    ".input_zero_point",
    ".output_scale",
    ".k_scale",
    ".v_scale",
    ".SCB",
    ".weight_format",
    ".absmax",
    ".quant_map",
    ".nested_absmax",
    ".nested_quant_map",
];

/// A name as the module that it belongs to, and its role.
pub(super) fn split(name: &str) -> (&str, Role) {
    if let Some(at) = name.find(".quant_state.") {
        return (module(&name[..at]), Role::Aid(".quant_state"));
    }
    for (end, role) in
        [(".qweight", Role::Qweight), (".weight_packed", Role::WeightPacked), ("_blocks", Role::Blocks)]
    {
        if let Some(module) = name.strip_suffix(end) {
            return (module, role);
        }
    }
    for aid in AIDS {
        if let Some(rest) = name.strip_suffix(aid) {
            return (module(rest), Role::Aid(aid));
        }
    }
    if let Some(module) = name.strip_suffix("_scales") {
        return (module, Role::Aid("_scales"));
    }
    // `biases` is an aid in MLX alone, where `scales` stands beside it; see `content`.
    (name, Role::Other)
}

/// The aids of bitsandbytes stand below the weight, those of others beside it.
fn module(name: &str) -> &str {
    name.strip_suffix(".weight").unwrap_or(name)
}

/// What a tensor holds, by its role, its type, and what stands beside it.
pub(super) fn content(
    name: &str,
    role: Role,
    dtype: &str,
    shape: &[u64],
    aids: &HashMap<(String, &'static str), Vec<u64>>,
) -> Content {
    let aid = |module: &str, aid| aids.get(&(module.to_owned(), aid));
    let packed = |bits: Option<u64>, container| match bits {
        Some(bits) if (1..container).contains(&bits) => Content::Packed { bits, container },
        _ => Content::PackedUnknown,
    };
    match role {
        Role::Qweight => packed(qweight_bits(shape, aid(name, ".g_idx"), aid(name, ".scales")), 32),
        Role::WeightPacked if dtype == "U8" => packed(Some(4), 8),
        Role::WeightPacked => Content::PackedUnknown,
        Role::Blocks if dtype == "U8" && aid(name, "_scales").is_some() => packed(Some(4), 8),
        _ => {
            let module = module(name);
            let has = |name| aid(module, name).is_some();
            match dtype {
                // GPT-2 keeps the mask of its attention among the weights.
                _ if name.ends_with(".attn.bias") && shape.len() == 4 => Content::NoWeight,
                // The biases of MLX are zero points.
                _ if name.strip_suffix(".biases").is_some_and(|module| aid(module, ".scales").is_some()) => {
                    Content::NoWeight
                }
                "U8" if has(".absmax") || has(".weight_scale") => packed(Some(4), 8),
                "U32" if has(".scales") => Content::PackedUnknown,
                "U8" if name.ends_with(".weight") => Content::PackedUnknown,
                "I8" => Content::Plain,
                "U8" | "U16" | "U32" | "U64" | "I16" | "I32" | "I64" | "BOOL" => Content::NoWeight,
                _ => Content::Plain,
            }
        }
    }
}

/// The bits of GPTQ (rows are packed, `g_idx` has a row each) or AWQ (columns are packed, `scales` has a column each).
fn qweight_bits(shape: &[u64], rows: Option<&Vec<u64>>, scales: Option<&Vec<u64>>) -> Option<u64> {
    let &[packed_rows, packed_columns] = shape else { return None };
    let whole = |packed: u64, unpacked: u64| {
        let bits = packed.checked_mul(32)?;
        (unpacked > 0 && bits % unpacked == 0).then(|| bits / unpacked)
    };
    let columns = scales.and_then(|shape| shape.get(1).copied())?;
    if columns != packed_columns {
        return whole(packed_columns, columns);
    }
    whole(packed_rows, *rows?.first()?)
}
