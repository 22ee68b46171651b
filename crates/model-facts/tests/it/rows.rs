//! Rows of records with anything in them.

use std::borrow::Cow;

use crawl_core::Record;
use crawl_core::table::{Type, Value};
use fastrand::Rng;
use model_facts::{CATALOGUE, Facts, LEGACY, row};
use serde_json::{Map, Value as Json, json};

use crate::desk::{catalogue, legacy};

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
    assert_eq!(of(json!({"multi_query": true, "num_key_value_heads": null})), Some(layer));
    assert_eq!(of(json!({"architectures": ["XForSequenceClassification"]})), Some(0));
    assert_eq!(of(json!({"architectures": ["XModel"]})), None);
    assert_eq!(of(json!({"is_encoder_decoder": true})), None);
    // A window that the type does not tell the layers of.
    assert_eq!(of(json!({"sliding_window": 4096})), None);
}

#[test]
fn cards_of_any_form_are_read() {
    let card = |own: Json| {
        catalogue(
            json!({"id": "o/n", "cardData": own, "tags": ["fr", "pytorch", "region:us", "license:mit"]}),
        )
    };
    let row = card(
        json!({"language": false, "license": ["mit", "cc-by-nc-4.0"], "base_model": {"name": "a/b"}, "datasets": "squad"}),
    );
    assert_eq!(row.texts("languages"), ["no"]);
    assert_eq!(row.texts("licenses"), ["mit", "cc-by-nc-4.0"]);
    assert_eq!((row.text("license_spdx"), row.text("license_commercial")), (None, Some("unknown")));
    assert_eq!((row.texts("base_models"), row.text("base_relation")), (vec!["a/b"], None));
    assert_eq!(row.texts("datasets"), ["squad"]);
    let row = card(
        json!({"language": ["en", false, 7, null, "en"], "license": {"name": "Apache-2.0"}, "base_model": ["a/b", {"id": "c"}, 3]}),
    );
    assert_eq!((row.texts("languages"), row.texts("base_models")), (vec!["en", "no"], vec!["a/b", "c"]));
    assert_eq!((row.text("license_spdx"), row.text("license_commercial")), (Some("Apache-2.0"), Some("yes")));
    let row = card(json!("no object"));
    assert_eq!((row.texts("languages"), row.text("license_spdx")), (vec!["fr"], Some("MIT")));
    assert_eq!((row.text("base_relation"), row.bool("has_card")), (None, None));
    assert_eq!(card(json!({"license": "gemma"})).text("license_commercial"), Some("conditions"));
    assert_eq!(card(json!({"license": "cc-by-nc-sa-4.0"})).text("license_commercial"), Some("no"));
    assert_eq!(card(json!({"license": "other"})).text("license_commercial"), Some("unknown"));
    assert_eq!(card(json!({"license": "my own"})).text("license_commercial"), Some("unknown"));
    assert_eq!(card(json!({"license": "mit"})).text("base_relation"), Some("original"));
    let of = |tags: Json| catalogue(json!({"tags": tags}));
    let row = of(json!([
        "base_model:a/b",
        "base_model:quantized:a/b",
        "dataset:x:y",
        "arxiv:2401.04088",
        "arxiv:2401.04088"
    ]));
    assert_eq!((row.texts("base_models"), row.text("base_relation")), (vec!["a/b"], Some("quantized")));
    assert_eq!((row.texts("datasets"), row.texts("arxiv")), (vec!["x:y"], vec!["2401.04088"]));
    assert_eq!(of(json!(["license:llama3.1"])).texts("licenses"), ["llama3.1"]);
    assert_eq!(catalogue(json!({})).text("license_commercial"), Some("unknown"));
}

#[test]
fn the_variants_of_weights_are_not_added_and_a_missing_shard_is_noticed() {
    let of = |files: &[(&str, u64)]| {
        let files: Vec<Json> = files.iter().map(|(path, size)| json!({"path": path, "size": size})).collect();
        catalogue(json!({ "files": files }))
    };
    let row = of(&[
        ("model-00001-of-00002.safetensors", 5),
        ("model-00002-of-00002.safetensors", 6),
        ("pytorch_model.bin", 11),
        ("original/consolidated.00.pth", 11),
        ("onnx/model.onnx", 12),
        ("consolidated.safetensors", 11),
    ]);
    assert_eq!((row.int("weight_bytes"), row.int("weight_bytes_bin")), (Some(11), Some(11)));
    assert_eq!((row.text("weight_variant"), row.int("file_count")), (Some("safetensors"), Some(6)));
    let row = of(&[("model-00001-of-00002.safetensors", 5), ("pytorch_model.bin", 11)]);
    assert_eq!((row.int("weight_bytes"), row.int("weight_bytes_bin")), (None, Some(11)));
    let row = of(&[
        ("model_index.json", 1),
        ("unet/diffusion_pytorch_model.safetensors", 100),
        ("vae/diffusion_pytorch_model.safetensors", 10),
        ("unet/diffusion_pytorch_model.fp16.safetensors", 50),
        ("text_encoder/model.safetensors", 1),
        ("sd.safetensors", 111),
    ]);
    assert_eq!(row.int("weight_bytes"), Some(111));
    let row = of(&[("adapter_model.safetensors", 3), ("adapter_config.json", 1)]);
    assert_eq!((row.int("weight_bytes"), row.int("weight_bytes_adapter")), (None, Some(3)));
    assert_eq!(row.text("base_relation"), Some("adapter"));
    let row = of(&[
        ("a.UD-Q4_K_XL.gguf", 4),
        ("b-IQ2_XXS.gguf", 2),
        ("c.gguf", 9),
        ("x-Q8_0.gguf", 8),
        ("y-Q8_0.gguf", 8),
    ]);
    assert_eq!(row.texts("gguf_quantisations"), ["IQ2_XXS", "Q8_0", "UD-Q4_K_XL"]);
    assert_eq!((row.text("gguf_chosen"), row.int("weight_bytes_gguf")), (Some("Q8_0"), None));
    let row = of(&[
        ("model.safetensors", u64::MAX),
        ("a.Q4_0-00001-of-00002.gguf", 4),
        ("a.Q4_0-00002-of-00002.gguf", 5),
    ]);
    assert_eq!((row.int("weight_bytes"), row.int("weight_bytes_gguf")), (None, Some(9)));
}

#[test]
fn the_37_columns_of_before_have_their_names_and_types() {
    let names: Vec<&str> = LEGACY.iter().map(|own| own.name).collect();
    assert_eq!(
        names.join(" "),
        "model_id author model_name downloads likes last_modified created_at library_name pipeline_tag \
        tags task_type architecture model_size_mb model_file_count private gated disabled languages datasets license metrics \
        memory_usage_mb inference_time_ms throughput_tokens_per_sec gpu_memory_mb cpu_cores_recommended hardware_requirements \
        performance_benchmarks supports_quantization supports_onnx supports_tensorrt description embedding_vector \
        popularity_score efficiency_score compatibility_score scraped_at"
    );
    let row = legacy(
        json!({"id": "o/n", "downloads": 99, "likes": 0, "tags": ["a", "en"], "cardData": {"license": "mit"},
        "card": "---\nlicense: mit\n---\n# Title\n\n![x](y)\nThe first words\ngo on here.\n\nMore.",
        "config.json": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096},
        "files": [{"path": "model.safetensors", "size": 16u64 << 30}, {"path": "onnx/model.onnx", "size": 1}]}),
    );
    assert_eq!(row.text("tags"), Some(r#"["a","en"]"#));
    assert_eq!(row.float("model_size_mb"), Some(16384.0));
    assert_eq!(row.text("metrics"), Some(r#"{"downloads_per_like":99.0}"#));
    // 16 GiB + 1 GiB of cache + 0.5 GB; and a fifth of the weights.
    assert_eq!(row.text("hardware_requirements"), Some(r#"{"min_ram_gb":18,"recommended_ram_gb":21}"#));
    assert_eq!((row.bool("supports_onnx"), row.bool("supports_tensorrt")), (Some(true), None));
    assert_eq!(row.text("description"), Some("The first words go on here."));
    assert!((row.float("popularity_score").unwrap() - 5.0 * 100f64.ln()).abs() < 1e-9);
    for none in
        ["embedding_vector", "inference_time_ms", "performance_benchmarks", "scraped_at", "created_at"]
    {
        assert_eq!(row.value(none), &Value::Null, "{none}");
    }
    assert_eq!(row.value("author"), &Value::Text(Cow::Borrowed("o")));
}
