//! The files of weights: which of them make up one variant, and how many bytes that is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crawl_core::json::Raw;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::gguf;

/// A file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct File<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) size: Option<u64>,
    /// SHA-256 in hex, which the service tells of large files.
    pub(crate) sha256: Option<Cow<'a, str>>,
}

/// Files that are loaded together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Bytes of all its files, if each is known and none of its shards is missing.
    pub bytes: Option<u64>,
    /// The paths of its files.
    pub paths: Vec<String>,
}

impl Variant {
    /// The file that tells of the model: of shards the first.
    pub fn first(&self) -> Option<&str> {
        self.paths.iter().min().map(String::as_str)
    }
}

/// The variants of one repository. They hold the same weights: their bytes are never added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// `model.safetensors` or its shards; of diffusers the files of all parts.
    pub safetensors: Option<Variant>,
    /// `pytorch_model.bin` or its shards.
    pub bin: Option<Variant>,
    /// The GGUF files of each quantisation, by its label such as `Q4_K_M`.
    pub gguf: BTreeMap<String, Variant>,
    /// The weights of an adapter, which need those of its base.
    pub adapter: Option<Variant>,
}

/// Which quantisation of GGUF stands for a repository that has several: the first of these, else the smallest. It is
/// what most programs take when none is named.
const PREFERRED: [&str; 6] = ["Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q6_K", "Q8_0"];

/// More files than are looked at; a repository may have 100,000.
const MOST_FILES: usize = 200_000;

/// The files with sizes of a tree, else the names of the listing.
pub(crate) fn files<'a>(tree: Option<Raw<'a>>, names: impl Iterator<Item = Cow<'a, str>>) -> Vec<File<'a>> {
    match tree.and_then(Raw::elements) {
        Some(tree) => tree
            .take(MOST_FILES)
            .filter_map(|file| {
                let sha256 = file.get("sha256").and_then(Raw::str);
                let size = file.get("size").and_then(Raw::u64);
                Some(File { path: file.get("path")?.str()?, size, sha256 })
            })
            .collect(),
        None => names.take(MOST_FILES).map(|path| File { path, size: None, sha256: None }).collect(),
    }
}

impl Weights {
    /// Those among files of these paths and sizes.
    pub fn among<'a>(files: impl Iterator<Item = (&'a str, Option<u64>)>) -> Weights {
        let files: Vec<File<'a>> =
            files.map(|(path, size)| File { path: path.into(), size, sha256: None }).collect();
        Weights::of(&files)
    }

    pub(crate) fn of(files: &[File<'_>]) -> Weights {
        // By folder, base name and ending, such as `unet/`, `model`, `safetensors`: what is loaded together.
        let mut sets: BTreeMap<(&str, &str, &str), Set> = BTreeMap::new();
        for file in files {
            let Some((stem, ending)) = file.path.rsplit_once('.') else { continue };
            let ending = match ending {
                "safetensors" | "bin" => ending,
                _ if gguf::holds_model(&file.path) => "gguf",
                _ => continue,
            };
            let (folder, stem) = stem.rsplit_once('/').unwrap_or(("", stem));
            let (base, shards) = shard(stem);
            sets.entry((folder, base, ending)).or_default().add(file, shards);
        }
        let at = |base: &str, ending: &str| sets.get(&("", base, ending)).map(Set::variant);
        let parts = files.iter().any(|file| file.path == "model_index.json");
        let safetensors = if parts {
            let own = |((folder, base, ending), _): &(&(&str, &str, &str), &Set)| {
                *ending == "safetensors"
                    && !folder.is_empty()
                    && !folder.contains('/')
                    && matches!(*base, "model" | "diffusion_pytorch_model")
            };
            sum(sets.iter().filter(own).map(|(_, set)| set.variant()))
        } else {
            at("model", "safetensors").or_else(|| at("consolidated", "safetensors"))
        };
        let mut gguf: BTreeMap<String, Vec<Variant>> = BTreeMap::new();
        for ((_, base, _), set) in sets.iter().filter(|((_, _, ending), _)| *ending == "gguf") {
            gguf.entry(quantisation(base).unwrap_or_default()).or_default().push(set.variant());
        }
        // Two models of the same quantisation in one repository: which one is meant is not known.
        let one = |(label, variants): (String, Vec<Variant>)| match <[Variant; 1]>::try_from(variants) {
            Ok([variant]) => (label, variant),
            Err(_) => (label, Variant::default()),
        };
        Weights {
            safetensors,
            bin: at("pytorch_model", "bin"),
            gguf: gguf.into_iter().map(one).collect(),
            adapter: at("adapter_model", "safetensors").or_else(|| at("adapter_model", "bin")),
        }
    }

    /// The quantisation of GGUF that stands for the repository.
    pub fn chosen_gguf(&self) -> Option<(&str, &Variant)> {
        let known = PREFERRED.iter().find_map(|label| self.gguf.get_key_value(*label));
        let smallest = || self.gguf.iter().min_by_key(|(_, variant)| variant.bytes.unwrap_or(u64::MAX));
        known.or_else(smallest).map(|(label, variant)| (label.as_str(), variant))
    }

    /// The variant that stands for the repository: safetensors, else GGUF, else bin. None for an adapter.
    pub fn chosen(&self) -> Option<(&'static str, &Variant)> {
        let safetensors = self.safetensors.as_ref().map(|variant| ("safetensors", variant));
        let gguf = || self.chosen_gguf().map(|(_, variant)| ("gguf", variant));
        safetensors.or_else(gguf).or_else(|| self.bin.as_ref().map(|variant| ("bin", variant)))
    }
}

#[derive(Default)]
struct Set {
    bytes: Option<u64>,
    paths: Vec<String>,
    shards: Option<u64>,
    broken: bool,
}

impl Set {
    fn add(&mut self, file: &File<'_>, shards: Option<u64>) {
        let before = if self.paths.is_empty() { Some(0) } else { self.bytes };
        self.bytes = before.zip(file.size).and_then(|(before, size)| before.checked_add(size));
        self.broken |= !self.paths.is_empty() && self.shards != shards;
        self.shards = shards;
        self.paths.push(file.path.clone().into_owned());
    }

    fn variant(&self) -> Variant {
        let whole = !self.broken && self.shards.unwrap_or(1) == self.paths.len() as u64;
        Variant { bytes: self.bytes.filter(|_| whole), paths: self.paths.clone() }
    }
}

/// What only the same bytes have in common: the SHA-256 of the variant's file; of several, that of theirs, sorted, a line each.
/// None if one is not told, or the variant is not whole.
pub(crate) fn sha256(variant: &Variant, files: &[File<'_>]) -> Option<String> {
    variant.bytes?;
    let own: BTreeSet<&str> = variant.paths.iter().map(String::as_str).collect();
    let told = files.iter().filter(|file| own.contains(file.path.as_ref()));
    let mut all: Vec<String> = told
        .map(|file| file.sha256.as_deref().filter(|hex| is_sha256(hex)).map(str::to_ascii_lowercase))
        .collect::<Option<_>>()?;
    all.sort_unstable();
    match all.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(HEXLOWER.encode(&Sha256::digest(several.join("\n")))),
    }
}

fn is_sha256(hex: &str) -> bool {
    hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sum(variants: impl Iterator<Item = Variant>) -> Option<Variant> {
    variants.reduce(|sum, variant| Variant {
        bytes: sum.bytes.zip(variant.bytes).and_then(|(one, other)| one.checked_add(other)),
        paths: [sum.paths, variant.paths].concat(),
    })
}

/// `model-00001-of-00004` as `model` and 4.
pub(crate) fn shard(stem: &str) -> (&str, Option<u64>) {
    let parts = || {
        let (rest, of) = stem.rsplit_once("-of-")?;
        let (base, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(of) && digits(number)).then_some((base, of.parse().ok()))
    };
    parts().unwrap_or((stem, None))
}

/// The last label of a quantisation in a name of a GGUF file, in capitals: `Q4_K_M`, `IQ2_XXS`, `BF16`, `UD-Q4_K_XL`.
pub(crate) fn quantisation(stem: &str) -> Option<String> {
    let upper = stem.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(['-', '.']).collect();
    let at = words.iter().rposition(|word| is_label(word))?;
    let dynamic = at > 0 && words[at - 1] == "UD";
    Some(format!("{}{}", if dynamic { "UD-" } else { "" }, words[at]))
}

fn is_label(word: &str) -> bool {
    if matches!(word, "F32" | "F16" | "BF16" | "FP16" | "FP32" | "MXFP4" | "NVFP4" | "MXFP4_MOE") {
        return true;
    }
    let bits = ["IQ", "TQ", "Q"].iter().find_map(|start| word.strip_prefix(start));
    let Some((digit, rest)) = bits.and_then(|bits| bits.split_at_checked(1)) else { return false };
    let known = ["0", "1", "K", "S", "M", "L", "XS", "XXS", "XL", "NL"];
    digit.bytes().all(|byte| byte.is_ascii_digit())
        && rest
            .strip_prefix('_')
            .is_some_and(|rest| rest.split('_').take(4).all(|part| known.contains(&part)))
}
