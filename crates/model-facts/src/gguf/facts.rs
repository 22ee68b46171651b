//! The facts of a GGUF header that matter here. All others are passed over.

use crawl_core::Result;
use serde::{Deserialize, Serialize};

use super::bytes::{Bytes, Stop};
use super::{LONGEST, LONGEST_NAME, types};
use crate::header::broken;

/// Arrays in arrays, deeper than any file has.
const DEEPEST: u32 = 3;
/// More blocks than any model has.
const MOST_NUMBERS: u64 = 4096;

/// A number for all blocks, or one each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// The same for all blocks.
    One(u64),
    /// One a block.
    Each(Vec<u64>),
}

/// What a GGUF file says of its model; what it does not say, or says in another form, is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// `general.architecture`, such as `llama`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// `general.file_type` by its name, such as `Q4_K_M`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
    /// `split.count`: over how many files the model is split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_count: Option<u64>,
    /// The longest context that the model was made for, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
    /// The width of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_length: Option<u64>,
    /// Its layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_count: Option<u64>,
    /// `attention.head_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_count: Option<Numbers>,
    /// `attention.head_count_kv`; 0 for a block without attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_count_kv: Option<Numbers>,
    /// `attention.key_length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_length: Option<u64>,
    /// `attention.value_length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_length: Option<u64>,
    /// `attention.sliding_window`, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<u64>,
    /// `attention.sliding_window_pattern`: each n-th block sees all, or 1 for each block that has a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sliding_window_pattern: Option<Numbers>,
    /// `attention.kv_lora_rank`: a model with latent attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_lora_rank: Option<u64>,
    /// `rope.dimension_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rope_dimension_count: Option<u64>,
    /// `ssm.state_size`: a model with layers that keep a state instead of all tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssm_state_size: Option<u64>,
    /// `expert_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_count: Option<u64>,
    /// `expert_used_count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_used_count: Option<u64>,
}

/// Reads `count` facts. Twice: the name of the architecture, which begins the keys, may come behind them.
pub(super) fn read(file: &mut Bytes<'_>, count: u64) -> Result<Facts, Stop> {
    let mut facts = Facts::default();
    let mut again = file.clone();
    for _ in 0..count {
        let (key, kind) = (file.text(LONGEST_NAME)?, file.u32()?);
        match key {
            b"general.architecture" => facts.architecture = text(file, kind)?,
            b"general.file_type" => {
                let number = number(file, kind)?.and_then(|number| u32::try_from(number).ok());
                facts.file_type = number.and_then(types::of_file).map(str::to_owned);
            }
            b"split.count" => facts.split_count = number(file, kind)?,
            _ => pass(file, kind, DEEPEST)?,
        }
    }
    let Some(architecture) = facts.architecture.clone() else { return Ok(facts) };
    for _ in 0..count {
        let (key, kind) = (again.text(LONGEST_NAME)?, again.u32()?);
        let own = key.strip_prefix(architecture.as_bytes()).and_then(|rest| rest.strip_prefix(b"."));
        match own.unwrap_or_default() {
            b"context_length" => facts.context_length = number(&mut again, kind)?,
            b"embedding_length" => facts.embedding_length = number(&mut again, kind)?,
            b"block_count" => facts.block_count = number(&mut again, kind)?,
            b"attention.head_count" => facts.head_count = numbers(&mut again, kind)?,
            b"attention.head_count_kv" => facts.head_count_kv = numbers(&mut again, kind)?,
            b"attention.key_length" => facts.key_length = number(&mut again, kind)?,
            b"attention.value_length" => facts.value_length = number(&mut again, kind)?,
            b"attention.sliding_window" => facts.sliding_window = number(&mut again, kind)?,
            b"attention.sliding_window_pattern" => facts.sliding_window_pattern = numbers(&mut again, kind)?,
            b"attention.kv_lora_rank" => facts.kv_lora_rank = number(&mut again, kind)?,
            b"rope.dimension_count" => facts.rope_dimension_count = number(&mut again, kind)?,
            b"ssm.state_size" => facts.ssm_state_size = number(&mut again, kind)?,
            b"expert_count" => facts.expert_count = number(&mut again, kind)?,
            b"expert_used_count" => facts.expert_used_count = number(&mut again, kind)?,
            _ => pass(&mut again, kind, DEEPEST)?,
        }
    }
    Ok(facts)
}

const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// The bytes of a value that has always the same number of them.
fn size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | BOOL => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// A whole number that is not negative; of another value none, and it is passed over.
fn number(file: &mut Bytes<'_>, kind: u32) -> Result<Option<u64>, Stop> {
    Ok(match kind {
        0 | BOOL => Some(file.u8()?.into()),
        1 => u64::try_from(file.u8()? as i8).ok(),
        2 => Some(file.u16()?.into()),
        3 => u64::try_from(file.u16()? as i16).ok(),
        4 => Some(file.u32()?.into()),
        5 => u64::try_from(file.u32()? as i32).ok(),
        10 => Some(file.u64()?),
        11 => u64::try_from(file.u64()? as i64).ok(),
        _ => {
            pass(file, kind, DEEPEST)?;
            None
        }
    })
}

/// A number, or an array of them.
fn numbers(file: &mut Bytes<'_>, kind: u32) -> Result<Option<Numbers>, Stop> {
    if kind != ARRAY {
        return Ok(number(file, kind)?.map(Numbers::One));
    }
    let (kind, count) = (file.u32()?, file.u64()?);
    if size(kind).is_none() || count > MOST_NUMBERS {
        pass_array(file, kind, count, DEEPEST)?;
        return Ok(None);
    }
    let mut all = Some(Vec::new());
    for _ in 0..count {
        match (number(file, kind)?, &mut all) {
            (Some(number), Some(all)) => all.push(number),
            _ => all = None,
        }
    }
    Ok(all.map(Numbers::Each))
}

/// A short text; of another value none.
fn text(file: &mut Bytes<'_>, kind: u32) -> Result<Option<String>, Stop> {
    if kind != STRING {
        pass(file, kind, DEEPEST)?;
        return Ok(None);
    }
    let text = file.text(LONGEST)?;
    Ok(std::str::from_utf8(text).ok().filter(|text| text.len() <= 100).map(str::to_owned))
}

/// Passes over a value.
fn pass(file: &mut Bytes<'_>, kind: u32, depth: u32) -> Result<(), Stop> {
    match kind {
        STRING => file.text(LONGEST).map(drop),
        ARRAY => {
            let (kind, count) = (file.u32()?, file.u64()?);
            pass_array(file, kind, count, depth)
        }
        _ => {
            let size =
                size(kind).ok_or_else(|| broken(format!("a value of a type that is not known: {kind}")))?;
            file.take(size).map(drop)
        }
    }
}

fn pass_array(file: &mut Bytes<'_>, kind: u32, count: u64, depth: u32) -> Result<(), Stop> {
    if let Some(size) = size(kind) {
        return file.take(count.saturating_mul(size)).map(drop);
    }
    if depth == 0 {
        return Err(broken("arrays within arrays, too deep").into());
    }
    // Each text and each array takes 8 bytes at least: what is claimed beyond the longest header is refused before the loop.
    file.clone().take(count.saturating_mul(8))?;
    (0..count).try_for_each(|_| pass(file, kind, depth - 1))
}
