//! The header of a safetensors file: which tensors are in it, counted by what they are.
//!
//! The file begins with 8 bytes, little-endian: the length of the JSON behind them. Each member of that object is a
//! tensor (`dtype`, `shape`, `data_offsets`), but for `__metadata__`.

use std::collections::{BTreeMap, HashMap};

use crawl_core::json::Raw;
use crawl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::header::{Reading, broken};
use roles::Role;

mod roles;

/// The longest header that is read, as in the official library.
pub const LONGEST: u64 = 100_000_000;

/// More dimensions than any tensor has.
const DIMENSIONS: usize = 32;

/// What the header of one file tells, in a few numbers. It is written as JSON of the same names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Bytes before the data: 8 and the JSON.
    pub header_bytes: u64,
    /// Bytes of all tensors.
    pub data_bytes: u64,
    /// How many tensors there are.
    pub tensors: u64,
    /// Elements by type, as they are stored.
    pub stored: BTreeMap<String, u64>,
    /// Parameters by type: of packed weights what they hold, without scales, zero points and what else unpacks them, and
    /// without counters (integers that are no weights). The type of packed ones is that of their container.
    pub parameters: BTreeMap<String, u64>,
    /// Elements of containers whose bits the shapes do not tell: only a config does.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub packed: BTreeMap<String, u64>,
    /// The bits of one packed weight, where the shapes tell, and the same for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed_bits: Option<u64>,
}

/// One tensor of the header.
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    elements: u64,
}

impl Header {
    /// Reads the header from the first bytes of a file.
    ///
    /// # Errors
    /// [`crawl_core::Kind::Shape`] if the header is longer than [`LONGEST`] or no header: no JSON, a tensor whose bytes do
    /// not fit its shape, tensors that overlap or leave holes.
    pub fn read(prefix: &[u8]) -> Result<Reading<Header>> {
        let Some((length, rest)) = prefix.split_first_chunk::<8>() else { return Ok(Reading::Needs(8)) };
        let length = u64::from_le_bytes(*length);
        if length > LONGEST {
            return Err(broken(format!(
                "the safetensors header claims {length} bytes, more than the {LONGEST} that are allowed"
            )));
        }
        let Some(json) = rest.get(..length as usize) else { return Ok(Reading::Needs(length + 8)) };
        let json =
            Raw::parse(json).map_err(|cause| broken("the safetensors header is no JSON").because(cause))?;
        let members = json.members().ok_or_else(|| broken("the safetensors header is no JSON object"))?;
        let mut header = Header { header_bytes: length + 8, ..Header::default() };
        let (mut places, mut aids, mut weights) = (Vec::new(), HashMap::new(), Vec::new());
        for (key, raw) in members {
            if key.is("__metadata__") {
                continue;
            }
            let name = key.name();
            let at =
                |error: Error| error.at(crawl_core::visible(&name.chars().take(200).collect::<String>()));
            let (tensor, place) = Tensor::read(raw).map_err(at)?;
            places.push(place);
            header.tensors += 1;
            add(&mut header.stored, &tensor.dtype, tensor.elements)?;
            match roles::split(&name) {
                (module, Role::Aid(aid)) => {
                    aids.insert((module.to_owned(), aid), tensor.shape);
                }
                (module, role) => weights.push((module.to_owned(), role, tensor)),
            }
        }
        header.data_bytes = without_holes(places)?;
        let mut bits_of_all = Vec::new();
        for (module, role, tensor) in weights {
            match roles::content(&module, role, &tensor.dtype, &tensor.shape, &aids) {
                roles::Content::Plain => add(&mut header.parameters, &tensor.dtype, tensor.elements)?,
                roles::Content::Packed { bits, container } => {
                    let count = u128::from(tensor.elements) * u128::from(container) / u128::from(bits);
                    let count = u64::try_from(count).map_err(|_| too_many())?;
                    add(&mut header.parameters, &tensor.dtype, count)?;
                    bits_of_all.push(bits);
                }
                roles::Content::PackedUnknown => add(&mut header.packed, &tensor.dtype, tensor.elements)?,
                roles::Content::NoWeight => {}
            }
        }
        bits_of_all.dedup();
        header.packed_bits = (bits_of_all.len() == 1).then(|| bits_of_all[0]);
        Ok(Reading::Whole(header))
    }

    /// The header as one JSON object, with the file's path in its repository.
    pub fn summary(&self, path: &str) -> serde_json::Value {
        crate::header::named(self, path)
    }
}

impl Tensor {
    fn read(raw: Raw<'_>) -> Result<(Tensor, (u64, u64))> {
        let incomplete = || broken("a tensor without a valid dtype, shape and data_offsets");
        let dtype = raw.get("dtype").and_then(Raw::str).ok_or_else(incomplete)?;
        let list = |name: &str| -> Option<Vec<u64>> {
            raw.get(name)?.elements()?.take(DIMENSIONS + 1).map(Raw::u64).collect()
        };
        let shape = list("shape").filter(|shape| shape.len() <= DIMENSIONS).ok_or_else(incomplete)?;
        let Some(&[begin, end]) = list("data_offsets").as_deref() else { return Err(incomplete()) };
        let elements = crate::header::elements(&shape).ok_or_else(too_many)?;
        let bytes = end.checked_sub(begin).ok_or_else(incomplete)?;
        let bits = bits(&dtype).ok_or_else(|| broken("a tensor of a type that is not known"))?;
        if u128::from(elements) * u128::from(bits) != u128::from(bytes) * 8 {
            return Err(broken("a tensor whose bytes do not fit its shape"));
        }
        Ok((Tensor { dtype: dtype.into_owned(), shape, elements }, (begin, end)))
    }
}

/// The bits of one element.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" | "FP4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "F32" | "I32" | "U32" => 32,
        "F64" | "I64" | "U64" | "C64" => 64,
        _ => return None,
    })
}

/// Adds to the count of a type. The names of types are the few that [`bits`] knows.
fn add(counts: &mut BTreeMap<String, u64>, dtype: &str, elements: u64) -> Result<()> {
    let count = counts.entry(dtype.to_owned()).or_default();
    *count = count.checked_add(elements).ok_or_else(too_many)?;
    Ok(())
}

fn too_many() -> Error {
    broken("more elements than 64 bits can count")
}

/// The end of the data, if each tensor begins where another ends.
fn without_holes(mut places: Vec<(u64, u64)>) -> Result<u64> {
    places.sort_unstable();
    places.iter().try_fold(0, |expected, &(begin, end)| {
        if begin == expected { Ok(end) } else { Err(broken("tensors that overlap or leave holes")) }
    })
}
