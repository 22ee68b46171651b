//! What a model is made of: its shape, its tensors, its `config.json`, and the headers of its safetensors files.

use super::row::Row;
use super::world::Stream;
use crate::dice::Dice;
use crate::json::{self, Object};

/// A file of weights is no larger than this; larger models come in several.
const LARGEST_FILE: u64 = 5_000_000_000;

/// How a repository keeps its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// `config.json` and safetensors, one file or several with an index.
    Safetensors,
    /// GGUF files of two types, without a config.
    Gguf,
    /// An adapter to another model: safetensors, and no `config.json`.
    Adapter,
}

/// The numbers of a decoder.
#[derive(Clone, Copy)]
pub(super) struct Dims {
    pub(super) hidden: u64,
    pub(super) inter: u64,
    pub(super) layers: u64,
    pub(super) heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_dim: u64,
    pub(super) vocab: u64,
}

/// A model, ready to be written.
pub(super) struct Model {
    pub(super) keeping: Keeping,
    /// The class and the type that a config names.
    pub(super) class: &'static str,
    pub(super) kind: &'static str,
    pub(super) dims: Dims,
    pub(super) context: u64,
}

/// A tensor: its name and its shape.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<u64>,
}

impl Tensor {
    pub(super) fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

const fn dims(numbers: [u64; 7]) -> Dims {
    let [hidden, inter, layers, heads, kv_heads, head_dim, vocab] = numbers;
    Dims { hidden, inter, layers, heads, kv_heads, head_dim, vocab }
}

/// Shapes of models that people run, from half a billion to seventy billion parameters.
const LARGE: [Dims; 7] = [
    dims([896, 4_864, 24, 14, 2, 64, 151_936]),
    dims([2_048, 8_192, 16, 32, 8, 64, 128_256]),
    dims([2_560, 9_728, 36, 32, 8, 128, 151_936]),
    dims([4_096, 14_336, 32, 32, 8, 128, 128_256]),
    dims([5_120, 13_824, 40, 40, 40, 128, 32_000]),
    dims([5_120, 25_600, 64, 64, 8, 128, 151_936]),
    dims([8_192, 28_672, 80, 64, 8, 128, 128_256]),
];
const CLASSES: [(&str, &str); 3] =
    [("LlamaForCausalLM", "llama"), ("MistralForCausalLM", "mistral"), ("Qwen2ForCausalLM", "qwen2")];

impl Model {
    /// The model of a row. Every third one is as large as real ones, and of its files only headers are true; the files
    /// of the others are small and whole.
    pub(super) fn of(row: &Row<'_>) -> Self {
        let mut dice = Dice::new(row.world.dice(row.index, Stream::Files).next(), 77);
        let (class, kind) = dice.pick_early(&CLASSES);
        let dims = match is_large(row.index) {
            true => dice.pick(&LARGE),
            false => dims([16, 16 + 16 * dice.below(4), 1 + dice.below(3), 4, 2, 4, 32 + dice.below(200)]),
        };
        let keeping = match row.traits.libraries.first() {
            Some(&"gguf") => Keeping::Gguf,
            Some(&"peft") => Keeping::Adapter,
            _ => Keeping::Safetensors,
        };
        let context = dice.pick(&[2_048, 4_096, 32_768, 131_072]);
        Self { keeping, class, kind, dims, context }
    }

    /// All tensors, in the order of their names in a file of one piece.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        let d = &self.dims;
        let (of_heads, of_kv) = (d.heads * d.head_dim, d.kv_heads * d.head_dim);
        let mut tensors = Vec::new();
        let mut add = |name: String, shape: &[u64]| tensors.push(Tensor { name, shape: shape.to_vec() });
        if self.keeping == Keeping::Adapter {
            for layer in 0..d.layers {
                let at = format!("base_model.model.model.layers.{layer}.self_attn.q_proj");
                add(format!("{at}.lora_A.weight"), &[8, d.hidden]);
                add(format!("{at}.lora_B.weight"), &[of_heads, 8]);
            }
            return tensors;
        }
        add("lm_head.weight".into(), &[d.vocab, d.hidden]);
        add("model.embed_tokens.weight".into(), &[d.vocab, d.hidden]);
        for layer in 0..d.layers {
            let at = format!("model.layers.{layer}");
            add(format!("{at}.input_layernorm.weight"), &[d.hidden]);
            add(format!("{at}.mlp.down_proj.weight"), &[d.hidden, d.inter]);
            add(format!("{at}.mlp.gate_proj.weight"), &[d.inter, d.hidden]);
            add(format!("{at}.mlp.up_proj.weight"), &[d.inter, d.hidden]);
            add(format!("{at}.post_attention_layernorm.weight"), &[d.hidden]);
            add(format!("{at}.self_attn.k_proj.weight"), &[of_kv, d.hidden]);
            add(format!("{at}.self_attn.o_proj.weight"), &[d.hidden, of_heads]);
            add(format!("{at}.self_attn.q_proj.weight"), &[of_heads, d.hidden]);
            add(format!("{at}.self_attn.v_proj.weight"), &[of_kv, d.hidden]);
        }
        add("model.norm.weight".into(), &[d.hidden]);
        tensors
    }

    /// As the sum over [`Model::tensors`], without making them: listings tell it of each model.
    pub(super) fn parameters(&self) -> u64 {
        let d = &self.dims;
        let (of_heads, of_kv) = (d.heads * d.head_dim, d.kv_heads * d.head_dim);
        if self.keeping == Keeping::Adapter {
            return d.layers * 8 * (d.hidden + of_heads);
        }
        let layer = 2 * d.hidden + 3 * d.hidden * d.inter + 2 * d.hidden * of_kv + 2 * d.hidden * of_heads;
        2 * d.vocab * d.hidden + d.layers * layer + d.hidden
    }

    /// Over how many safetensors files it is spread.
    pub(super) fn shards(&self) -> u64 {
        (self.parameters() * 2).div_ceil(LARGEST_FILE).max(1)
    }

    /// The tensors of file `number` (from 0).
    pub(super) fn shard(&self, number: u64) -> Vec<Tensor> {
        let (each, mut before) = (self.parameters().div_ceil(self.shards()), 0);
        let mut tensors = self.tensors();
        tensors.retain(|tensor| {
            let place = before / each;
            before += tensor.elements();
            place == number
        });
        tensors
    }

    /// The name of file `number` (from 0).
    pub(super) fn shard_name(&self, number: u64) -> String {
        let stem = if self.keeping == Keeping::Adapter { "adapter_model" } else { "model" };
        match self.shards() {
            1 => format!("{stem}.safetensors"),
            shards => format!("{stem}-{:05}-of-{shards:05}.safetensors", number + 1),
        }
    }

    /// `model.safetensors.index.json`
    pub(super) fn index(&self) -> Vec<u8> {
        let mut out = Vec::new();
        json::object(&mut out, |index| {
            index.object("metadata", |metadata| metadata.plain("total_size", self.parameters() * 2));
            index.object("weight_map", |map| {
                for number in 0..self.shards() {
                    let file = self.shard_name(number);
                    self.shard(number).iter().for_each(|tensor| map.text(&tensor.name, &file));
                }
            });
        });
        out
    }

    /// `config.json`; one in forty has texts for numbers, and one in a hundred is no JSON.
    pub(super) fn config(&self, index: u64) -> Vec<u8> {
        let mut out = Vec::new();
        json::object(&mut out, |config| self.write_config(config, index % 40 == 17));
        if index % 100 == 61 {
            out.truncate(out.len() / 2);
        }
        out.push(b'\n');
        out
    }

    fn write_config(&self, config: &mut Object<'_>, odd: bool) {
        let d = &self.dims;
        config.texts("architectures", [self.class]);
        config.text("model_type", self.kind);
        config.text("torch_dtype", "bfloat16");
        for (name, number) in [
            ("hidden_size", d.hidden),
            ("intermediate_size", d.inter),
            ("num_hidden_layers", d.layers),
            ("num_attention_heads", d.heads),
            ("num_key_value_heads", d.kv_heads),
            ("head_dim", d.head_dim),
            ("vocab_size", d.vocab),
            ("max_position_embeddings", self.context),
        ] {
            match odd {
                true => config.text(name, &number.to_string()),
                false => config.plain(name, number),
            }
        }
    }
}

/// Whether a model is as large as real ones.
pub(super) fn is_large(index: u64) -> bool {
    index % 3 == 2
}

/// The beginning of a safetensors file of these tensors, and how many bytes follow it.
pub(super) fn safetensors(tensors: &[Tensor]) -> (Vec<u8>, u64) {
    let (mut json, mut at) = (Vec::new(), 0);
    json::object(&mut json, |header| {
        header.object("__metadata__", |metadata| metadata.text("format", "pt"));
        for tensor in tensors {
            let end = at + 2 * tensor.elements();
            header.object(&tensor.name, |place| {
                place.text("dtype", "BF16");
                place.plain("shape", list(&tensor.shape));
                place.plain("data_offsets", list(&[at, end]));
            });
            at = end;
        }
    });
    while !json.len().is_multiple_of(8) {
        json.push(b' ');
    }
    ([&(json.len() as u64).to_le_bytes(), json.as_slice()].concat(), at)
}

fn list(numbers: &[u64]) -> String {
    format!("{numbers:?}")
}

#[cfg(test)]
mod tests {
    use super::super::world::{HubKind, World};
    use super::*;

    #[test]
    fn shards_hold_each_tensor_once_and_headers_tell_their_sizes() {
        let altered = Default::default();
        let world = World { kind: HubKind::Models, seed: 1, count: 400, horizon: 400, touched: 0, altered };
        let (mut split, mut kinds) = (0, Vec::new());
        for index in 0..400 {
            let model = Model::of(&Row::new(&world, index));
            let sum: u64 = model.tensors().iter().map(Tensor::elements).sum();
            assert_eq!(model.parameters(), sum, "{index}");
            let (mut names, mut bytes) = (Vec::new(), 0);
            for number in 0..model.shards() {
                let tensors = model.shard(number);
                let (head, data) = safetensors(&tensors);
                let length = u64::from_le_bytes(head[..8].try_into().unwrap());
                assert_eq!(length as usize + 8, head.len());
                bytes += data;
                names.extend(tensors.into_iter().map(|tensor| tensor.name));
            }
            assert_eq!((bytes, names.len()), (2 * sum, model.tensors().len()));
            split += u64::from(model.shards() > 1);
            kinds.push(model.keeping);
        }
        assert!(split > 40, "{split}");
        for kind in [Keeping::Safetensors, Keeping::Gguf, Keeping::Adapter] {
            assert!(kinds.iter().filter(|found| **found == kind).count() > 20, "{kind:?}");
        }
    }
}
