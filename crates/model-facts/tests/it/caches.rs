//! Caches as GGUF headers tell them.

use serde_json::{Value, json};

use crate::desk::{Row, catalogue};

/// A model whose GGUF header says this, beside eight blocks of 32 heads over 4096.
fn of(architecture: &str, more: Value) -> Row {
    let mut header = json!({"path": "a-Q4_K_M.gguf", "version": 3, "architecture": architecture, "block_count": 8,
        "head_count": 32, "head_count_kv": 8, "embedding_length": 4096});
    header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    catalogue(json!({ "gguf_headers": [header] }))
}

/// Bytes a token, of layers with a window, and the window.
fn cache(row: &Row) -> (Option<i64>, Option<i64>, Option<i64>) {
    (row.int("kv_bytes_per_token"), row.int("kv_window_bytes_per_token"), row.int("kv_window"))
}

#[test]
fn blocks_of_gguf_are_counted_one_by_one() {
    let block = 8 * 256 * 2;
    let all = (Some(8 * block), Some(0), None);
    assert_eq!(cache(&of("llama", json!({}))), all);
    // llama.cpp keeps all tokens of these, whatever window is named.
    assert_eq!(cache(&of("llama", json!({"sliding_window": 4096}))), all);
    assert_eq!(cache(&of("qwen3", json!({"key_length": 64, "value_length": 32}))).0, Some(8 * 8 * 96 * 2));
    let heads = json!({"head_count_kv": [0, 0, 8, 0, 0, 0, 4, 0]});
    assert_eq!(cache(&of("jamba", heads)).0, Some(12 * 256 * 2));
    assert_eq!(
        cache(&of("gemma3", json!({"sliding_window": 512}))),
        (Some(block), Some(7 * block), Some(512))
    );
    let pattern = json!({"sliding_window": 512, "sliding_window_pattern": [1, 1, 1, 0, 1, 1, 1, 0]});
    assert_eq!(cache(&of("gemma4", pattern)), (Some(2 * block), Some(6 * block), Some(512)));
    let each = json!({"sliding_window": 512, "sliding_window_pattern": 4});
    assert_eq!(cache(&of("new", each)), (Some(2 * block), Some(6 * block), Some(512)));
    let latent = json!({"kv_lora_rank": 512, "rope_dimension_count": 64, "head_count_kv": 1});
    assert_eq!(cache(&of("deepseek2", latent)).0, Some(8 * 576 * 2));
}

#[test]
fn a_cache_that_a_gguf_header_does_not_tell_is_unknown() {
    for (architecture, more) in [
        ("new", json!({"sliding_window": 512})),
        ("new", json!({"sliding_window": 512, "sliding_window_pattern": 0})),
        ("new", json!({"sliding_window": 512, "sliding_window_pattern": [1, 0]})),
        ("jamba", json!({"head_count_kv": [0, 8]})),
        ("falcon-h1", json!({"ssm_state_size": 16})),
        ("llama", json!({"head_count_kv": u64::MAX})),
        ("llama", json!({"block_count": u64::MAX})),
        ("llama", json!({"key_length": u64::MAX, "value_length": 1})),
        ("llama", json!({"head_count": 33})),
        ("llama", json!({"head_count": null, "head_count_kv": null})),
        ("deepseek2", json!({"kv_lora_rank": 512})),
    ] {
        assert_eq!(cache(&of(architecture, more.clone())), (None, None, None), "{architecture} {more}");
    }
}

#[test]
fn shards_of_gguf_are_added_if_all_are_there() {
    let header = |number: u32, parameters: u64| json!({"path": format!("a-Q8_0-0000{number}-of-00002.gguf"), "version": 3, "parameters": parameters});
    let row = catalogue(json!({"gguf_headers": [header(1, 5), header(2, 6)]}));
    assert_eq!((row.int("parameters"), row.text("parameters_basis")), (Some(11), Some("header")));
    let row = catalogue(json!({"gguf_headers": [header(2, 6)]}));
    assert_eq!(row.int("parameters"), None);
}

#[test]
fn the_type_of_a_gguf_file_is_told_of_the_chosen_one_alone() {
    let header = |path: &str, kind: &str| json!({"path": path, "version": 3, "parameters": 5, "architecture": "llama", "file_type": kind});
    let of = |headers: Value, files: &[&str]| {
        let files: Vec<Value> = files.iter().map(|path| json!({"rfilename": path})).collect();
        let row = catalogue(json!({"gguf_headers": headers, "siblings": files}));
        let text = |name: &str| row.text(name).map(str::to_owned);
        (text("gguf_chosen"), text("gguf_file_type"), text("gguf_architecture"), row.int("parameters"))
    };
    let told = |chosen: Option<&str>, kind: Option<&str>, parameters| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        (own(chosen), own(kind), own(Some("llama")), parameters)
    };
    let both = ["a-Q2_K.gguf", "a-Q4_K_M.gguf", "mmproj-a-F16.gguf"];
    let all = json!([
        header("mmproj-a-F16.gguf", "F16"),
        header("a-Q2_K.gguf", "Q2_K"),
        header("a-Q4_K_M.gguf", "Q4_K_M")
    ]);
    assert_eq!(of(all, &both), told(Some("Q4_K_M"), Some("Q4_K_M"), Some(5)));
    // Another variant is the same model, of another type.
    assert_eq!(of(json!([header("a-Q2_K.gguf", "Q2_K")]), &both), told(Some("Q4_K_M"), None, None));
    // What lies beside a model tells nothing of it.
    let (_, kind, architecture, parameters) = of(json!([header("mmproj-a-F16.gguf", "F16")]), &both);
    assert_eq!((kind, architecture, parameters), (None, None, None));
    let of_headers = |headers: Value| catalogue(json!({ "gguf_headers": headers }));
    let one = of_headers(json!([header("a-Q2_K.gguf", "Q2_K")]));
    assert_eq!((one.text("gguf_file_type"), one.int("parameters")), (Some("Q2_K"), Some(5)));
    let two = of_headers(json!([header("a-Q2_K.gguf", "Q2_K"), header("b-Q8_0.gguf", "Q8_0")]));
    assert_eq!((two.text("gguf_file_type"), two.text("gguf_architecture")), (None, Some("llama")));
}

#[test]
fn a_cache_that_a_configuration_does_not_tell_is_unknown_and_not_guessed() {
    let cache_of = |kind: &str, more: &Value| {
        let mut own = json!({"architectures": ["XForCausalLM"], "model_type": kind, "num_hidden_layers": 12,
            "num_attention_heads": 8, "num_key_value_heads": 4, "hidden_size": 1024});
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cache(&catalogue(json!({"config.json": own})))
    };
    let head = 4 * (128 + 128) * 2;
    assert_eq!(cache_of("llama", &json!({})), (Some(12 * head), Some(0), None));
    for (kind, more) in [
        // Latent attention without its rank, or without its other half.
        ("deepseek_v3", json!({"qk_rope_head_dim": 64, "v_head_dim": 128})),
        ("deepseek_v3", json!({"q_lora_rank": 1536, "kv_lora_rank": null})),
        ("deepseek_v3", json!({"kv_lora_rank": 512})),
        ("deepseek_v3", json!({"kv_lora_rank": "512", "qk_rope_head_dim": 64})),
        ("deepseek_v3", json!({"kv_lora_rank": [512], "qk_rope_head_dim": 64})),
        // Layers with a state, nobody says which.
        (
            "recurrent_gemma",
            json!({"block_types": ["recurrent", "recurrent", "attention"], "lru_width": 1024}),
        ),
        ("rwkv6qwen2", json!({})),
        ("gated_deltanet", json!({})),
        ("zamba2", json!({"mamba_d_state": 64})),
        ("bamba", json!({"mamba_d_state": 64, "attn_layer_indices": [3, 12]})),
        ("lfm2", json!({"full_attn_idxs": "2,5"})),
        ("nemotron_h", json!({"hybrid_override_pattern": "M*M"})),
        ("jamba", json!({"attn_layer_period": 4, "attn_layer_offset": "1"})),
        // A window that is not told.
        ("gemma2", json!({"head_dim": 256})),
        ("gemma3_text", json!({"sliding_window": null})),
    ] {
        assert_eq!(cache_of(kind, &more), (None, None, None), "{kind} {more}");
    }
    assert_eq!(cache_of("lfm2", &json!({"full_attn_idxs": [2, 5]})).0, Some(2 * head));
    assert_eq!(cache_of("bamba", &json!({"mamba_d_state": 64, "attn_layer_indices": [3]})).0, Some(head));
}

#[test]
fn what_a_nested_configuration_leaves_out_is_as_its_class_has_it() {
    let cache_of = |text: Value| {
        let own =
            json!({"architectures": ["XForConditionalGeneration"], "model_type": "x", "text_config": text});
        cache(&catalogue(json!({"config.json": own})))
    };
    // config.json of google/gemma-3-12b-it: the class has heads of 256, and 3840 / 16 is 240. Each sixth layer sees all.
    let text = json!({"model_type": "gemma3_text", "num_hidden_layers": 48, "hidden_size": 3840,
        "num_attention_heads": 16, "num_key_value_heads": 8, "sliding_window": 1024});
    let layer = 8 * (256 + 256) * 2;
    assert_eq!(cache_of(text), (Some(8 * layer), Some(40 * layer), Some(1024)));
    let of = |kind: &str| json!({"model_type": kind, "num_hidden_layers": 2, "hidden_size": 1024, "num_attention_heads": 16});
    assert_eq!(cache_of(of("llama")).0, Some(2 * 16 * 128 * 2));
    // Its class has 8 KV heads.
    assert_eq!(cache_of(of("mistral")), (None, None, None));
    for text in [json!(1), json!([]), json!({}), json!({"text_config": {"model_type": "llama"}})] {
        assert_eq!(cache_of(text.clone()), (None, None, None), "{text}");
    }
}
