//! Rows of records with anything in them.

use crawl_core::Record;
use crawl_core::table::{Type, Value};
use fastrand::Rng;
use model_facts::{CATALOGUE, Facts, LEGACY, row};
use serde_json::{Map, Value as Json, json};

use crate::desk::catalogue;

/// Checks that a record becomes a row of both tables whose values have the types of their columns.
pub(crate) fn check(record: &Record) {
    let facts = Facts::of(record);
    for columns in [CATALOGUE, LEGACY] {
        let values = row(columns, &facts);
        assert_eq!(values.len(), columns.len());
        for (column, value) in columns.iter().zip(values) {
            let fits = match (&value, column.kind) {
                (Value::Null, _)
                | (Value::Int(_), Type::Int)
                | (Value::Bool(_), Type::Bool)
                | (Value::Text(_), Type::Text)
                | (Value::Texts(_), Type::Texts)
                | (Value::Time(_), Type::Time) => true,
                (Value::Float(number), Type::Float) => number.is_finite(),
                _ => false,
            };
            assert!(fits, "{} is {value:?}", column.name);
            assert!(value == Value::Null || column.origin != model_facts::Origin::Null, "{}", column.name);
        }
    }
}

/// Names of members that are read anywhere.
const NAMES: &[&str] = &[
    "_id",
    "id",
    "author",
    "sha",
    "createdAt",
    "lastModified",
    "private",
    "gated",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "likes",
    "trendingScore",
    "pipeline_tag",
    "library_name",
    "tags",
    "cardData",
    "config",
    "safetensors",
    "gguf",
    "siblings",
    "usedStorage",
    "transformersInfo",
    "model-index",
    "childrenModelCount",
    "config.json",
    "files",
    "card",
    "safetensors_headers",
    "gguf_headers",
    "synthetic",
];
const INNER: &[&str] = &[
    "architectures",
    "model_type",
    "text_config",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_size",
    "head_dim",
    "v_head_dim",
    "kv_lora_rank",
    "qk_rope_head_dim",
    "index_head_dim",
    "sliding_window",
    "use_sliding_window",
    "max_window_layers",
    "layer_types",
    "sliding_window_pattern",
    "num_kv_shared_layers",
    "attn_layer_period",
    "attn_layer_offset",
    "full_attention_interval",
    "hybrid_override_pattern",
    "attention_chunk_size",
    "no_rope_layers",
    "quantization_config",
    "quantization",
    "quant_method",
    "bits",
    "group_size",
    "load_in_4bit",
    "config_groups",
    "max_position_embeddings",
    "num_local_experts",
    "num_experts_per_tok",
    "intermediate_size",
    "license",
    "language",
    "base_model",
    "base_model_relation",
    "datasets",
    "name",
    "parameters",
    "total",
    "architecture",
    "context_length",
    "rfilename",
    "path",
    "size",
    "header_bytes",
    "data_bytes",
    "tensors",
    "packed",
    "packed_bits",
    "bytes_by_type",
    "block_count",
    "head_count",
    "head_count_kv",
    "embedding_length",
    "key_length",
    "BF16",
    "I32",
    "U8",
    "global_head_dim",
    "num_global_key_value_heads",
    "dtype",
    "torch_dtype",
    "peft",
];
const TEXTS: &[&str] = &[
    "",
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "model-99999-of-00000.gguf",
    "a-Q4_K_M.gguf",
    "llama",
    "LlamaForCausalLM",
    "Gemma3ForConditionalGeneration",
    "gemma3_text",
    "mixtral",
    "gptq",
    "awq",
    "mxfp4",
    "base_model:quantized:a/b",
    "license:mit",
    "arxiv:1",
    "en",
    "\u{0}\u{202e}é😀",
    "2022-03-02T23:29:04.000Z",
    "32",
    "1e400",
    "---\n---\n\nWords.",
    "full_attention",
    "sliding_attention",
    "NaN",
    "apache-2.0",
    "bfloat16",
    "auto",
];

fn anything(dice: &mut Rng, depth: u32) -> Json {
    match dice.u32(0..if depth == 0 { 8 } else { 12 }) {
        0 => Json::Null,
        1 => json!(dice.bool()),
        2 => json!(dice.u64(..)),
        3 => json!(dice.u64(..200)),
        4 => json!(dice.i64(..)),
        5 => json!(*dice.choice(&[0.5, -1.0, 1e300, 3.0, 7e9, 4_294_967_296.0, 0.0]).unwrap()),
        6 | 7 => json!(dice.choice(TEXTS).unwrap()),
        8 | 9 => (0..dice.usize(..4)).map(|_| anything(dice, depth - 1)).collect(),
        _ => Json::Object(
            (0..dice.usize(..8))
                .map(|_| ((*dice.choice(INNER).unwrap()).to_owned(), anything(dice, depth - 1)))
                .collect(),
        ),
    }
}

#[test]
fn random_json_in_every_field_loses_no_row() {
    let mut dice = Rng::with_seed(20_261_126);
    for _ in 0..5000 {
        let mut own = Map::new();
        for name in NAMES {
            if dice.u32(..3) > 0 {
                own.insert((*name).to_owned(), anything(&mut dice, 3));
            }
        }
        check(&Record::write(&own).unwrap());
    }
    for _ in 0..2000 {
        check(&Record::write(&anything(&mut dice, 4)).unwrap());
    }
    // A model that is right but for one value, which is where sums and products are reached.
    let right = json!({"id": "o/n", "downloads": 5, "likes": 2, "config.json": {"architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral", "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "hidden_size": 4096, "intermediate_size": 14336, "num_local_experts": 8, "num_experts_per_tok": 2,
        "sliding_window": 4096, "head_dim": 128, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}},
        "safetensors": {"parameters": {"I32": 1_000_000, "BF16": 1_000_000}, "total": 7}, "files":
        [{"path": "model.safetensors", "size": 6_000_000}]});
    for place in [
        "/downloads",
        "/likes",
        "/config.json/num_hidden_layers",
        "/config.json/num_attention_heads",
        "/config.json/num_key_value_heads",
        "/config.json/hidden_size",
        "/config.json/intermediate_size",
        "/config.json/num_local_experts",
        "/config.json/num_experts_per_tok",
        "/config.json/sliding_window",
        "/config.json/head_dim",
        "/config.json/quantization_config/bits",
        "/config.json/quantization_config/group_size",
        "/safetensors/parameters/I32",
        "/safetensors/parameters/BF16",
        "/files/0/size",
    ] {
        for value in [
            json!(0),
            json!(1),
            json!(-1),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(1u64 << 53),
            json!(1e308),
            json!("32"),
            json!([]),
            json!(null),
        ] {
            let mut own = right.clone();
            *own.pointer_mut(place).unwrap() = value;
            check(&Record::write(&own).unwrap());
        }
    }
}

#[test]
fn text_for_numbers_and_numbers_that_cannot_be_are_unknown() {
    let base = json!({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096});
    assert_eq!(catalogue(json!({"config.json": base})).int("kv_bytes_per_token"), Some(131_072));
    for (name, value) in [
        ("num_hidden_layers", json!("32")),
        ("num_hidden_layers", json!(-32)),
        ("num_hidden_layers", json!(0)),
        ("num_hidden_layers", json!(1u64 << 62)),
        ("num_key_value_heads", json!("8")),
        ("num_key_value_heads", json!([8, 8])),
        ("num_key_value_heads", json!(u64::MAX)),
        ("num_attention_heads", json!(33)),
        ("hidden_size", json!(null)),
        ("head_dim", json!("128")),
        ("sliding_window", json!("wide")),
        ("layer_types", json!(["full_attention"])),
        ("layer_types", json!({})),
        ("mamba_d_state", json!(16)),
        ("model_type", json!(7)),
        ("architectures", json!("LlamaForCausalLM")),
    ] {
        let mut own = base.clone();
        own[name] = value.clone();
        let row =
            catalogue(json!({"config.json": own, "files": [{"path": "model.safetensors", "size": 1000}]}));
        assert_eq!(row.int("kv_bytes_per_token"), None, "{name} {value}");
        assert_eq!(
            (row.int("memory_8k_low"), row.int("memory_8k_likely")),
            (Some(1000), None),
            "{name} {value}"
        );
    }
}

#[test]
fn layers_without_a_cache_are_not_counted() {
    let of = |more: Json| {
        let mut own = json!({"architectures": ["XForCausalLM"], "model_type": "x", "num_hidden_layers": 8,
            "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096});
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        catalogue(json!({"config.json": own})).int("kv_bytes_per_token")
    };
    let layer = 8 * 256 * 2;
    assert_eq!(of(json!({})), Some(8 * layer));
    assert_eq!(of(json!({"attn_layer_period": 4, "attn_layer_offset": 2})), Some(2 * layer));
    assert_eq!(of(json!({"full_attention_interval": 4, "linear_num_value_heads": 32})), Some(2 * layer));
    assert_eq!(of(json!({"hybrid_override_pattern": "MM*-M-*M", "mamba_d_state": 1})), Some(2 * layer));
    let mixed =
        ["mamba", "mamba", "attention", "mamba", "conv", "linear_attention", "full_attention", "mamba"];
    assert_eq!(of(json!({ "layer_types": mixed })), Some(2 * layer));
    assert_eq!(
        of(json!({"layer_types": ["odd", "mamba", "mamba", "mamba", "mamba", "mamba", "mamba", "mamba"]})),
        None
    );
    assert_eq!(of(json!({"num_kv_shared_layers": 3})), Some(5 * layer));
    assert_eq!(of(json!({"model_type": "mamba2"})), Some(0));
    assert_eq!(of(json!({"v_head_dim": 64})), Some(8 * 8 * (128 + 64) * 2));
    assert_eq!(of(json!({"multi_query": true, "num_key_value_heads": null})), Some(layer));
    assert_eq!(of(json!({"architectures": ["XForSequenceClassification"]})), Some(0));
    assert_eq!(of(json!({"architectures": ["XModel"]})), None);
    assert_eq!(of(json!({"is_encoder_decoder": true})), None);
    // A window that the type does not tell the layers of.
    assert_eq!(of(json!({"sliding_window": 4096})), None);
}
