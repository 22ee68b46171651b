//! Well-known models: inputs as they are published, and the sizes that are published of them.

use model_facts::{Footprint, gguf, safetensors};
use serde_json::{Value, json};

use crate::desk::{Row, catalogue};
use crate::headers::{gguf_file, safetensors_file, string, uint, whole};

/// A decoder as its `config.json` has it: type, layers, heads, heads of keys and values, width.
fn config(class: &str, kind: &str, sizes: [u64; 4], more: Value) -> Value {
    let [layers, heads, kv, hidden] = sizes;
    let mut own = json!({"architectures": [class], "model_type": kind, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "hidden_size": hidden});
    own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    own
}

fn near(name: &str, what: Option<i64>, published: f64) {
    let what = what.unwrap_or_else(|| panic!("{name}: unknown")) as f64;
    assert!((what - published).abs() <= published / 100.0, "{name}: {what}, published {published}");
}

fn model(config: Value, types: Value, bytes: u64) -> Row {
    let total: u64 = types.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    catalogue(
        json!({"id": "o/n", "config.json": config, "safetensors": {"parameters": types, "total": total},
        "files": [{"path": "model.safetensors", "size": bytes}]}),
    )
}

#[test]
fn dense_models_with_grouped_heads() {
    // Name, layers, heads, KV heads, width; the Hub's count of BF16; bytes of the files; published parameters; published
    // bytes a token of the cache. Sources: config.json and safetensors index of each; the caches of Qwen2.5-72B and of
    // Llama-3.1-405B are in table 1 of arXiv:2505.09343, that of Llama-3.1-8B in EleutherAI's formula.
    type Case = (&'static str, [u64; 4], u64, u64, f64, f64);
    let cases: [Case; 4] = [
        ("Llama-3.1-8B", [32, 32, 8, 4096], 8_030_261_248, 16_060_556_376, 8.03e9, 131_072.0),
        ("Llama-3-70B", [80, 64, 8, 8192], 70_553_706_496, 141_107_497_872, 70.6e9, 327_680.0),
        ("Qwen2.5-72B", [80, 64, 8, 8192], 72_706_203_648, 145_412_519_312, 72.7e9, 327_680.0),
        ("Llama-3.1-405B", [126, 128, 8, 16384], 405_853_388_800, 811_706_777_600, 406e9, 516_096.0),
    ];
    for (name, sizes, count, bytes, parameters, cache) in cases {
        let sliding =
            json!({"use_sliding_window": false, "sliding_window": 131_072, "max_window_layers": 70});
        let own = config(
            "LlamaForCausalLM",
            "llama",
            sizes,
            if name.starts_with('Q') { sliding } else { json!({}) },
        );
        let row = model(own, json!({"BF16": count}), bytes);
        near(name, row.int("parameters"), parameters);
        near(name, row.int("weight_bytes"), parameters * 2.0);
        near(name, row.int("kv_bytes_per_token"), cache);
        near(name, row.int("memory_8k_low"), parameters * 2.0 + cache * 8192.0);
        assert_eq!((row.int("kv_window"), row.text("parameters_basis")), (None, Some("dtype_sum")), "{name}");
    }
}

#[test]
fn latent_attention_of_deepseek_v3() {
    // config.json of deepseek-ai/DeepSeek-V3; 70.272 KB a token in table 1 of arXiv:2505.09343; its README: 685B on the
    // Hub, 671B and 14B of the layer that guesses ahead.
    let own = config(
        "DeepseekV3ForCausalLM",
        "deepseek_v3",
        [61, 128, 128, 7168],
        json!({
        "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128,
        "n_routed_experts": 256, "num_experts_per_tok": 8, "moe_intermediate_size": 2048, "first_k_dense_replace": 3,
        "num_nextn_predict_layers": 1, "quantization_config": {"quant_method": "fp8"}}),
    );
    let types = json!({"BF16": 3_918_786_560_u64, "F8_E4M3": 680_571_043_840_u64, "F32": 41_555_600});
    let row = model(own, types, 688_586_727_753);
    near("parameters", row.int("parameters"), 685e9);
    assert_eq!(row.int("kv_bytes_per_token"), Some(70_272));
    assert_eq!((row.text("quantisation"), row.int("quantisation_bits")), (Some("fp8"), Some(8)));
    assert_eq!(row.int("active_parameters"), None, "the layer that guesses ahead is among the weights");
}

#[test]
fn mixtures_of_experts() {
    // config.json of mistralai/Mixtral-8x7B-v0.1; 46.7B and 12.9B in arXiv:2401.04088.
    let own = config(
        "MixtralForCausalLM",
        "mixtral",
        [32, 32, 8, 4096],
        json!({
        "num_local_experts": 8, "num_experts_per_tok": 2, "intermediate_size": 14336, "sliding_window": null}),
    );
    let row = model(own, json!({"BF16": 46_702_792_704_u64}), 93_405_585_408);
    near("parameters", row.int("parameters"), 46.7e9);
    near("active", row.int("active_parameters"), 12.9e9);
    assert_eq!(row.int("kv_bytes_per_token"), Some(131_072));
    // config.json of Qwen/Qwen3-30B-A3B; 30.5B and 3.3B on its card. Heads are wider than width / heads.
    let own = config(
        "Qwen3MoeForCausalLM",
        "qwen3_moe",
        [48, 32, 4, 2048],
        json!({
        "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768, "head_dim": 128,
        "decoder_sparse_step": 1, "mlp_only_layers": [], "sliding_window": null, "use_sliding_window": false}),
    );
    let row = model(own, json!({"BF16": 30_532_122_624_u64}), 61_064_245_248);
    near("parameters", row.int("parameters"), 30.5e9);
    assert!((3.3e9..3.4e9).contains(&(row.int("active_parameters").unwrap() as f64)));
    assert_eq!(row.int("kv_bytes_per_token"), Some(98_304));
}

#[test]
fn sliding_windows() {
    // config.json of mistralai/Mistral-7B-v0.1: all layers have the window; 7.24B on the Hub.
    let own = config("MistralForCausalLM", "mistral", [32, 32, 8, 4096], json!({"sliding_window": 4096}));
    let row = model(own, json!({"BF16": 7_241_732_096_u64}), 14_483_464_192);
    near("parameters", row.int("parameters"), 7.24e9);
    assert_eq!(row.int("kv_bytes_per_token"), Some(0));
    assert_eq!((row.int("kv_window_bytes_per_token"), row.int("kv_window")), (Some(131_072), Some(4096)));
    near("memory", row.int("memory_8k_low"), 14_483_464_192.0 + 131_072.0 * 4096.0);
    // config.json of google/gemma-2-9b: each second layer; the width of a head is told and not width / heads.
    let own = config(
        "Gemma2ForCausalLM",
        "gemma2",
        [42, 16, 8, 3584],
        json!({"head_dim": 256, "sliding_window": 4096}),
    );
    let row = model(own, json!({"F32": 9_241_705_984_u64}), 36_966_823_936);
    near("parameters", row.int("parameters"), 9.24e9);
    assert_eq!(row.int("kv_bytes_per_token"), Some(21 * 8 * 512 * 2));
    assert_eq!(row.int("kv_window_bytes_per_token"), Some(21 * 8 * 512 * 2));
    // config.json of google/gemma-3-27b-it nests it; each sixth of 62 layers sees all: 10.
    let text =
        config("", "gemma3_text", [62, 32, 16, 5376], json!({"head_dim": 128, "sliding_window": 1024}));
    let own = json!({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "text_config": text});
    let row = model(own, json!({"BF16": 27_432_406_640_u64}), 54_864_813_280);
    assert_eq!(row.int("kv_bytes_per_token"), Some(10 * 16 * 256 * 2));
    assert_eq!(row.int("kv_window_bytes_per_token"), Some(52 * 16 * 256 * 2));
    // Qwen2 with `use_sliding_window`: the first layers see all.
    let own = config(
        "Qwen2ForCausalLM",
        "qwen2",
        [28, 28, 4, 3584],
        json!({
        "use_sliding_window": true, "sliding_window": 4096, "max_window_layers": 21}),
    );
    let row = model(own, json!({"BF16": 7_615_616_512_u64}), 15_231_233_024);
    assert_eq!(row.int("kv_bytes_per_token"), Some(21 * 4 * 256 * 2));
    assert_eq!(row.int("kv_window_bytes_per_token"), Some(7 * 4 * 256 * 2));
}

/// Weights of the linear layers of Llama 2 7B, and of Mistral 7B and Llama 3 8B, which have the same ones.
const LLAMA2: u64 = 32 * (4 * 4096 * 4096 + 3 * 4096 * 11008);
const MISTRAL: u64 = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336);

#[test]
fn packed_weights_are_counted_as_what_they_hold_and_the_hubs_total_is_not_believed() {
    let quantised = |own: Value| json!({"quantization_config": own});
    let beside = 2 * 32_000 * 4096 + 65 * 4096;
    // TheBloke/Llama-2-7B-GPTQ, which the Hub showed with 1.13B parameters; its file has 3.90 GB. Llama 2 7B: 6.74B.
    let index = 32 * (6 * 4096 + 11008);
    let types = json!({"I32": LLAMA2 / 8 + LLAMA2 / 128 / 8 + index, "F16": LLAMA2 / 128 + beside});
    let row =
        model(quantised(json!({"quant_method": "gptq", "bits": 4, "group_size": 128})), types, 3_896_726_000);
    near("GPTQ", row.int("parameters"), 6.738e9);
    // TheBloke/Mistral-7B-v0.1-AWQ: 1.2B on the Hub, 4.15 GB, 7.24B in truth.
    let types = json!({"I32": MISTRAL / 8 + MISTRAL / 128 / 8, "F16": MISTRAL / 128 + beside});
    let row =
        model(quantised(json!({"quant_method": "awq", "bits": 4, "group_size": 128})), types, 4_150_880_000);
    near("AWQ", row.int("parameters"), 7.24e9);
    // unsloth/llama-3-8b-bnb-4bit: 4.65B on the Hub, 5.70 GB, 8.03B in truth.
    let types = json!({"U8": MISTRAL / 2 + MISTRAL / 64, "BF16": 2 * 128_256 * 4096 + 65 * 4096, "F32": MISTRAL / 64 / 256});
    let own = quantised(json!({"quant_method": "bitsandbytes", "load_in_4bit": true}));
    let row = model(own, types, 5_702_746_000);
    near("bitsandbytes", row.int("parameters"), 8.03e9);
    assert_eq!((row.text("quantisation"), row.int("quantisation_bits")), (Some("bitsandbytes"), Some(4)));
    // The same GPTQ where the Hub has counted what the containers hold: the bytes tell which it is.
    let types = json!({"I32": LLAMA2, "F16": beside});
    let own = quantised(json!({"quant_method": "gptq", "bits": 4, "group_size": 128}));
    near("GPTQ, as held", model(own.clone(), types.clone(), 3_896_726_000).int("parameters"), 6.738e9);
    // Without bytes nobody can tell, and a total is no help.
    let row = catalogue(
        json!({"id": "o/n", "config.json": own, "safetensors": {"parameters": types, "total": 333_312}}),
    );
    assert_eq!((row.int("parameters"), row.int("weight_bytes")), (None, None));
}

#[test]
fn a_total_that_the_parts_or_the_bytes_do_not_bear_out_is_not_believed() {
    let files = json!([{"path": "model.safetensors", "size": 15_200_000_000_u64}]);
    // hf issue 4221: a total of 333,312 beside 7.6 billion.
    let row = catalogue(
        json!({"safetensors": {"parameters": {"BF16": 7_600_000_000_u64}, "total": 333_312}, "files": files}),
    );
    assert_eq!(row.int("parameters"), Some(7_600_000_000));
    for wrong in [json!({"total": 333_312}), json!({"parameters": {"BF16": 333_312}, "total": 333_312})] {
        let row = catalogue(json!({"safetensors": wrong, "files": files}));
        assert_eq!((row.int("parameters"), row.int("weight_bytes")), (None, Some(15_200_000_000)));
    }
    let row = catalogue(json!({"safetensors": {"total": 7_600_000_000_u64}, "files": files}));
    assert_eq!(
        (row.int("parameters"), row.text("parameters_basis")),
        (Some(7_600_000_000), Some("declared"))
    );
    let row = catalogue(json!({"safetensors": {"parameters": {"BF16": "many"}, "total": 7}}));
    assert_eq!(row.int("parameters"), None);
    let row = catalogue(json!({"config.json": {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        "safetensors_headers": [{"path": "model.safetensors", "packed": {"I32": u64::MAX}}]}));
    assert_eq!(row.int("parameters"), None);
    let row = catalogue(
        json!({"gguf": {"total": u64::MAX}, "files": [{"path": "a-Q4_K_M.gguf", "size": 5_000_000_000_u64}]}),
    );
    assert_eq!(row.int("parameters"), None);
}

#[test]
fn mxfp4_of_gpt_oss_20b_by_its_header() {
    // config.json of openai/gpt-oss-20b and the names of its tensors; 20.9B in table 1 of arXiv:2508.10925, 13.76 GB on the
    // Hub. Of the cache: half of 24 layers has a window of 128.
    let (layers, experts, hidden): (u64, u64, u64) = (24, 32, 2880);
    let mut tensors = vec![
        ("model.embed_tokens.weight".to_owned(), "BF16", vec![201_088, hidden]),
        ("lm_head.weight".to_owned(), "BF16", vec![201_088, hidden]),
    ];
    for layer in 0..layers {
        let mut add = |name: &str, dtype, shape: &[u64]| {
            tensors.push((format!("model.layers.{layer}.{name}"), dtype, shape.to_vec()));
        };
        for (name, out) in [("gate_up_proj", 2 * hidden), ("down_proj", hidden)] {
            add(&format!("mlp.experts.{name}_blocks"), "U8", &[experts, out, hidden / 32, 16]);
            add(&format!("mlp.experts.{name}_scales"), "U8", &[experts, out, hidden / 32]);
            add(&format!("mlp.experts.{name}_bias"), "BF16", &[experts, out]);
        }
        add("mlp.router.weight", "BF16", &[experts, hidden]);
        for (name, shape) in [
            ("q_proj", [4096, hidden]),
            ("k_proj", [512, hidden]),
            ("v_proj", [512, hidden]),
            ("o_proj", [hidden, 4096]),
        ] {
            add(&format!("self_attn.{name}.weight"), "BF16", &shape);
        }
    }
    let tensors: Vec<(&str, &str, &[u64])> =
        tensors.iter().map(|(name, dtype, shape)| (name.as_str(), *dtype, shape.as_slice())).collect();
    let header = whole(safetensors::Header::read(&safetensors_file(&tensors)).unwrap());
    let kinds: Vec<&str> =
        (0..24).map(|at| if at % 2 == 0 { "sliding_attention" } else { "full_attention" }).collect();
    let own = config(
        "GptOssForCausalLM",
        "gpt_oss",
        [24, 64, 8, 2880],
        json!({
        "head_dim": 64, "sliding_window": 128, "layer_types": kinds, "quantization_config": {"quant_method": "mxfp4"}}),
    );
    let row = catalogue(
        json!({"id": "o/n", "config.json": own, "safetensors_headers": [header.summary("model.safetensors")]}),
    );
    near("parameters", row.int("parameters"), 20.9e9);
    near("bytes", row.int("weight_bytes"), 13.76e9);
    assert_eq!((row.text("parameters_basis"), row.int("kv_window")), (Some("header"), Some(128)));
    assert_eq!(row.int("kv_bytes_per_token"), Some(12 * 8 * 128 * 2));
    // The Hub counts what the blocks hold and each scale as one: 21.5B.
    let weights = layers * experts * 3 * hidden * hidden;
    let row =
        model(own_mxfp4(), json!({"BF16": 1_804_459_584_u64, "U8": weights + weights / 32}), 13_761_264_768);
    near("as the Hub counts", row.int("parameters"), 20.9e9);
}

fn own_mxfp4() -> Value {
    json!({"quantization_config": {"quant_method": "mxfp4"}})
}

#[test]
fn gguf_of_llama_3_1_8b() {
    // Q4_K_M of bartowski: 4,920,734,272 bytes; the header's numbers are those of the model.
    let file = gguf_file(
        3,
        &[
            ("general.architecture", string("llama")),
            ("general.file_type", uint(15)),
            ("llama.block_count", uint(32)),
            ("llama.context_length", uint(131_072)),
            ("llama.embedding_length", uint(4096)),
            ("llama.attention.head_count", uint(32)),
            ("llama.attention.head_count_kv", uint(8)),
        ],
        &[("all", &[4096, 1_960_513], 12)],
    );
    let header = whole(gguf::Header::read(&file).unwrap());
    let row = catalogue(
        json!({"id": "o/n-GGUF", "gguf": {"total": 8_030_261_312_u64, "architecture": "llama"},
        "gguf_headers": [header.summary("n-Q4_K_M.gguf")],
        "files": [{"path": "n-Q4_K_M.gguf", "size": 4_920_734_272_u64}, {"path": "n-Q8_0.gguf", "size": 8_540_770_880_u64},
            {"path": "n-f16-00001-of-00002.gguf", "size": 8_000_000_000_u64}, {"path": "mmproj-f16.gguf", "size": 600_000_000}]}),
    );
    near("parameters", row.int("parameters"), 8.03e9);
    assert_eq!((row.text("weight_variant"), row.int("weight_bytes")), (Some("gguf"), Some(4_920_734_272)));
    assert_eq!(row.texts("gguf_quantisations"), ["F16", "Q4_K_M", "Q8_0"]);
    assert_eq!((row.text("gguf_chosen"), row.text("quantisation")), (Some("Q4_K_M"), Some("gguf")));
    assert_eq!((row.int("kv_bytes_per_token"), row.int("context_length")), (Some(131_072), Some(131_072)));
    assert_eq!(row.text("architecture"), Some("llama"));
}

/// What two public calculators say of a cache, in bytes.
mod calculators {
    /// llmfit, `kv_cache_gb`: all layers, all tokens, and 8 heads if it does not know them.
    pub(super) fn llmfit(layers: u64, kv_heads: Option<u64>, head: u64, context: u64) -> u64 {
        2 * layers * kv_heads.unwrap_or(8) * head * context * 2
    }

    /// A calculator on the web (`calc.js`): `mixed_full_sliding_gqa`; without windows it is its `standard_gqa`.
    pub(super) fn mixed(full: u64, sliding: u64, kv_heads: u64, head: u64, window: u64, context: u64) -> u64 {
        (full * context + sliding * context.min(window)) * kv_heads * 2 * head * 2
    }

    /// The same, `mla`.
    pub(super) fn mla(layers: u64, rank: u64, rope: u64, context: u64) -> u64 {
        layers * (rank + rope) * context * 2
    }
}

#[test]
fn the_cache_is_that_of_two_public_calculators_where_they_are_right() {
    let cache = |row: &Row, context: u64| {
        let column = |name: &str| row.int(name).map(|number| number as u64);
        let own = Footprint {
            weight_bytes: column("weight_bytes"),
            kv_bytes_per_token: column("kv_bytes_per_token"),
            kv_window_bytes_per_token: column("kv_window_bytes_per_token"),
            kv_window: column("kv_window"),
        };
        own.cache(context, 16).unwrap()
    };
    for context in [1, 1000, 8192, 131_072] {
        let dense = catalogue(
            json!({"config.json": config("LlamaForCausalLM", "llama", [32, 32, 8, 4096], json!({}))}),
        );
        assert_eq!(cache(&dense, context), calculators::llmfit(32, Some(8), 128, context));
        assert_eq!(cache(&dense, context), calculators::mixed(32, 0, 8, 128, 1, context));
        let gemma = config(
            "Gemma2ForCausalLM",
            "gemma2",
            [42, 16, 8, 3584],
            json!({"head_dim": 256, "sliding_window": 4096}),
        );
        let gemma = catalogue(json!({"config.json": gemma}));
        assert_eq!(cache(&gemma, context), calculators::mixed(21, 21, 8, 256, 4096, context));
        // llmfit has no windows: beyond the window it tells more than is kept.
        let told = calculators::llmfit(42, Some(8), 256, context);
        assert!(if context <= 4096 { cache(&gemma, context) == told } else { cache(&gemma, context) < told });
        let deepseek = config(
            "DeepseekV3ForCausalLM",
            "deepseek_v3",
            [61, 128, 128, 7168],
            json!({"kv_lora_rank": 512, "qk_rope_head_dim": 64, "v_head_dim": 128}),
        );
        let deepseek = catalogue(json!({"config.json": deepseek}));
        assert_eq!(cache(&deepseek, context), calculators::mla(61, 512, 64, context));
        // llmfit has no latent attention: it counts 128 heads of 56, which nobody keeps.
        assert!(calculators::llmfit(61, Some(128), 56, context) > 20 * cache(&deepseek, context));
    }
    // llmfit takes 8 heads where it knows none; GPT-2 has 12, each with its own keys.
    let gpt2 = json!({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768});
    let gpt2 = catalogue(json!({"config.json": gpt2}));
    assert_eq!(cache(&gpt2, 1024), 2 * 12 * 768 * 1024 * 2);
    assert!(calculators::llmfit(12, None, 64, 1024) < cache(&gpt2, 1024));
}
