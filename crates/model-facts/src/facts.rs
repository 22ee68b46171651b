//! All facts of one model.

use std::borrow::Cow;

use crawl_core::Record;
use crawl_core::json::{Key, Raw};
use crawl_core::record::HfModel;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::card::{self, Relation};
use crate::config::{Config, positive};
use crate::files::{self, File, Weights};
use crate::hardware::Footprint;
use crate::kv::{self, Kv};
use crate::licence::Licence;
use crate::members::Members;
use crate::parameters::{self, Basis, Known, whole};
use crate::quantised::{self, Quantisation};
use crate::{gguf, reading, safetensors};

/// What is known of a model. `None` and empty lists are unknown or not there.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// The Hub's own fields.
    pub model: HfModel<'a>,
    /// Its tags that are texts.
    pub tags: Vec<Cow<'a, str>>,
    /// When the record was fetched, if the caller tells.
    pub fetched_at: Option<Timestamp>,
    /// Whether the record was made up by a double of the Hub; none for what is not marked so.
    pub synthetic: Option<bool>,
    /// Parameters and what that was read from.
    pub parameters: Option<(u64, Basis)>,
    /// Parameters that one token uses, in mixtures of experts.
    pub active_parameters: Option<u64>,
    /// The files of weights, by variant.
    pub weights: Weights,
    /// The variant that stands for the model: `safetensors`, `gguf` or `bin`.
    pub variant: Option<&'static str>,
    /// Bytes of that variant; of safetensors without sizes those that the Hub's types take.
    pub weight_bytes: Option<u64>,
    /// What only models have in common whose files of that variant are the same bytes.
    pub weights_sha256: Option<String>,
    /// The least bytes of weights that are read for one token.
    pub bytes_read_per_token: Option<u64>,
    /// The type of most weights, such as `BF16`.
    pub dtype: Option<String>,
    /// How the weights are quantised, if they are.
    pub quantisation: Option<Quantisation>,
    /// The class, such as `LlamaForCausalLM`; of GGUF alone its architecture, such as `llama`.
    pub architecture: Option<Cow<'a, str>>,
    /// `model_type` of the configuration.
    pub model_type: Option<Cow<'a, str>>,
    /// The longest context that it was made for, in tokens.
    pub context_length: Option<u64>,
    /// The licences.
    pub licence: Option<Licence<'a>>,
    /// Languages, as the card or the tags spell them.
    pub languages: Vec<Cow<'a, str>>,
    /// What it was made of.
    pub base_models: Vec<Cow<'a, str>>,
    /// How it was made of that.
    pub relation: Option<Relation>,
    /// What it was trained on.
    pub datasets: Vec<Cow<'a, str>>,
    /// Papers.
    pub arxiv: Vec<Cow<'a, str>>,
    /// The header of the GGUF file that stands for the repository, its first shard; else of another one, without its type.
    pub gguf: Option<gguf::Header>,
    /// The cache of keys and values.
    pub kv: Option<Kv>,
    /// How many files there are.
    pub file_count: Option<u64>,
    /// Whether there is a card.
    pub has_card: Option<bool>,
    /// Whether there is a file of ONNX.
    pub has_onnx: Option<bool>,
    /// The first paragraph of the card.
    pub description: Option<String>,
}

/// The longest context that is believed.
const LONGEST_CONTEXT: u64 = 1 << 32;

/// What the crawl adds to the Hub's own members. A name that stands twice: the last one counts.
#[derive(Default)]
struct Added<'a> {
    config: Option<Raw<'a>>,
    files: Option<Raw<'a>>,
    card: Option<Cow<'a, str>>,
    safetensors: Option<Raw<'a>>,
    gguf: Option<Raw<'a>>,
    synthetic: Option<bool>,
}

impl<'a> Added<'a> {
    fn take(&mut self, key: Key<'a>, raw: Raw<'a>) {
        let list = || raw.elements().map(|_| raw);
        match key.bytes() {
            b"config.json" => self.config = raw.members().map(|_| raw),
            b"files" => self.files = list(),
            b"card" => self.card = raw.str(),
            b"safetensors_headers" => self.safetensors = list(),
            b"gguf_headers" => self.gguf = list(),
            b"synthetic" => self.synthetic = raw.bool(),
            _ => {}
        }
    }
}

impl<'a> Facts<'a> {
    /// Reads a record of a model: the Hub's fields, and what was fetched beside them (`config.json`, `files`, `card`,
    /// `safetensors_headers`, `gguf_headers`, `synthetic`). Any JSON gives facts; of what is no model there are none.
    pub fn of(record: &'a Record) -> Facts<'a> {
        let mut added = Added::default();
        let model = HfModel::and(record, |key, raw| added.take(key, raw));
        let tags: Vec<Cow<'a, str>> = model.tag_list().collect();
        let card = model.card_data.get().map(|raw| Members::of([*raw]));
        let card = card.as_ref();
        let config = &Config::of(added.config, model.config.get().copied());
        let files = files::files(added.files, model.file_names());
        let listed = added.files.is_some() || model.siblings.get().is_some();
        let weights = Weights::of(&files);
        let headers: Vec<(String, safetensors::Header)> = read_headers(added.safetensors);
        let mut gguf_headers: Vec<(String, gguf::Header)> = read_headers(added.gguf);
        gguf_headers.retain(|(path, _)| gguf::holds_model(path));
        let (names, has) =
            (|| files.iter().map(|file| file.path.as_ref()), |name: &str| has_file(&files, name));
        let id = model.id.get();
        let only_gguf = weights.safetensors.is_none()
            && weights.bin.is_none()
            && (!weights.gguf.is_empty() || model.gguf.get().is_some() || !gguf_headers.is_empty());
        let words = id.into_iter().map(AsRef::as_ref).chain(tags.iter().map(AsRef::as_ref));
        let quantisation = quantised::of(config, only_gguf, words);
        let chosen_gguf = weights.chosen_gguf().map(|(_, variant)| variant);
        let known = Known {
            model: &model,
            headers: &headers,
            gguf_headers: &gguf_headers,
            quantisation: quantisation.as_ref(),
            safetensors: weights.safetensors.as_ref(),
            gguf: chosen_gguf,
        };
        // A whole model beside an adapter is a model.
        let is_adapter = weights.chosen().is_none()
            && (weights.adapter.is_some() || has("adapter_config.json") || config.get("peft").is_some());
        let parameters = known.parameters().filter(|_| !is_adapter);
        let gguf = chosen_header(&gguf_headers, chosen_gguf);
        let variant = weights.chosen().map(|(name, _)| name);
        let weights_sha256 = weights.chosen().and_then(|(_, variant)| files::sha256(variant, &files));
        let weight_bytes = weight_bytes(&weights, &known, &headers).filter(|_| !is_adapter);
        let kv = match (variant, &gguf) {
            (Some("gguf") | None, Some(header)) => kv::of_gguf(&header.facts),
            _ => kv::of_config(config),
        };
        let of_gguf = || model.gguf.get()?.architecture.get().cloned();
        let own_gguf = || gguf.as_ref()?.facts.architecture.clone().map(Cow::Owned);
        let (base_models, relation) = card::bases(card, &tags, is_adapter);
        let has_card = match (added.card.is_some() || card.is_some() || has("README.md"), listed) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        };
        let active_parameters = parameters.and_then(|(total, _)| parameters::active(config, total));
        let dtype = dtype(&model, config);
        let bytes_read_per_token = weight_bytes.and_then(|bytes| {
            reading::least(
                config,
                bytes,
                parameters.map(|(count, _)| count),
                active_parameters,
                dtype.as_deref(),
            )
        });
        Facts {
            active_parameters,
            bytes_read_per_token,
            dtype,
            architecture: config.architecture().or_else(own_gguf).or_else(of_gguf),
            model_type: config.text("model_type"),
            context_length: context_length(&model, config, gguf.as_ref()),
            licence: Licence::of(card.and_then(|card| card.get("license")), &tags),
            languages: card::languages(card, &tags),
            datasets: card::datasets(card, &tags),
            arxiv: card::arxiv(&tags),
            file_count: listed.then_some(files.len() as u64),
            has_onnx: listed.then(|| names().any(|name| name.ends_with(".onnx"))),
            description: added.card.as_deref().and_then(card::description),
            synthetic: added.synthetic.filter(|yes| *yes),
            fetched_at: None,
            parameters,
            variant,
            weight_bytes,
            weights_sha256,
            quantisation,
            base_models,
            relation,
            gguf,
            kv,
            has_card,
            weights,
            tags,
            model,
        }
    }

    /// What memory depends on.
    pub fn footprint(&self) -> Footprint {
        Footprint {
            weight_bytes: self.weight_bytes,
            kv_bytes_per_token: self.kv.map(|kv| kv.bytes_per_token),
            kv_window_bytes_per_token: self.kv.map(|kv| kv.window_bytes_per_token),
            kv_window: self.kv.and_then(|kv| kv.window),
        }
    }
}

fn has_file(files: &[File<'_>], name: &str) -> bool {
    files.iter().any(|file| file.path == name)
}

/// More headers than any repository has files of weights.
const MOST_HEADERS: usize = 10_000;

fn read_headers<T: DeserializeOwned>(list: Option<Raw<'_>>) -> Vec<(String, T)> {
    let headers = list.and_then(Raw::elements).into_iter().flatten().take(MOST_HEADERS);
    headers.filter_map(|raw| Some((raw.get("path")?.str()?.into_owned(), raw.to().ok()?))).collect()
}

/// The header that has the facts: of the first file of the chosen variant, else of the first file. Variants are one model
/// and differ in their type: that of another one is not told.
fn chosen_header(
    headers: &[(String, gguf::Header)],
    variant: Option<&files::Variant>,
) -> Option<gguf::Header> {
    let chosen = match variant {
        Some(variant) => headers.iter().find(|(path, _)| Some(path.as_str()) == variant.first()),
        // No files are known but this one.
        None => headers.first().filter(|_| headers.len() == 1),
    };
    if let Some((_, header)) = chosen {
        return Some(header.clone());
    }
    let mut other = headers.first()?.1.clone();
    other.facts.file_type = None;
    Some(other)
}

/// Bytes of the variant's files; else those that headers or the Hub's types tell of safetensors.
fn weight_bytes(
    weights: &Weights,
    known: &Known<'_, '_>,
    headers: &[(String, safetensors::Header)],
) -> Option<u64> {
    let chosen = weights.chosen();
    if let Some(bytes) = chosen.and_then(|(_, variant)| variant.bytes) {
        return Some(bytes);
    }
    // Sizes that are known but do not make up a whole variant say that something is missing.
    if chosen.is_some_and(|(name, _)| name != "safetensors") {
        return None;
    }
    let of_headers = whole(headers, known.safetensors)
        .and_then(|own| own.into_iter().try_fold(0u64, |sum, header| sum.checked_add(header.data_bytes)));
    // Packed types may be listed as what they hold, and then their bytes are others.
    of_headers.or_else(|| {
        let types = parameters::types(known.model)?;
        let plain = |kind: &str| !matches!(kind, "I32" | "U32" | "U8");
        types.iter().try_fold(0u64, |sum, (kind, count)| {
            let bits = parameters::bits_of(kind).filter(|_| plain(kind) || *count < 100_000)?;
            sum.checked_add(count.checked_mul(bits)?.div_ceil(8))
        })
    })
}

/// The type of most weights, else the one of the configuration.
fn dtype(model: &HfModel<'_>, config: &Config<'_>) -> Option<String> {
    let most = parameters::types(model).and_then(|types| types.into_iter().max_by_key(|(_, count)| *count));
    most.map(|(kind, _)| kind).filter(|kind| kind.len() <= 20).or_else(|| {
        let places = [config, config.of_text()];
        let word = places.iter().find_map(|own| own.text("dtype").or_else(|| own.text("torch_dtype")))?;
        Some(match word.trim_start_matches("torch.") {
            "bfloat16" => "BF16".into(),
            "float16" | "half" => "F16".into(),
            "float32" | "float" => "F32".into(),
            _ => return None,
        })
    })
}

fn context_length(model: &HfModel<'_>, config: &Config<'_>, gguf: Option<&gguf::Header>) -> Option<u64> {
    const NAMES: [&str; 6] = [
        "max_position_embeddings",
        "n_positions",
        "max_seq_len",
        "n_ctx",
        "seq_length",
        "max_sequence_length",
    ];
    let believed = |length: &u64| (1..=LONGEST_CONTEXT).contains(length);
    let told = NAMES.iter().find_map(|name| positive(config.of_text().get(name)?));
    told.or_else(|| gguf?.facts.context_length)
        .or_else(|| model.gguf.get()?.context_length.get().copied())
        .filter(believed)
}
