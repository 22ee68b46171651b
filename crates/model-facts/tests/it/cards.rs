//! Cards of any form, variants of weights, and the columns of before.

use std::borrow::Cow;

use crawl_core::table::Value;
use model_facts::LEGACY;
use serde_json::{Value as Json, json};

use crate::desk::{catalogue, legacy};

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
fn a_language_is_what_has_the_form_of_a_code_and_no_word_that_an_author_chose() {
    let of = |own: Json| catalogue(own).texts("languages").join(" ");
    let card = |language: Json| of(json!({"cardData": {"language": language}}));
    assert_eq!(
        card(json!(["en", "ceb", "zh-Hant-TW", "pt_BR", "code", "multilingual", "DE", "ca-valencia"])),
        "en ceb zh-Hant-TW pt_BR code multilingual DE ca-valencia"
    );
    let none = [
        "",
        "english",
        "en-IN, kn-IN",
        "en-es - en - es",
        "n/a",
        "und",
        "und-Latn",
        "e",
        "en-",
        "-",
        "日本",
        "en-ümlauts",
        "https://x",
    ];
    assert_eq!(card(json!(none)), "");
    assert_eq!(card(json!("English")), "");
    // `ml` of the card's own tags is machine learning; without a card nobody can tell.
    let tags = json!(["ml", "fr", "sd", "FR", "tts", "region:us"]);
    assert_eq!(of(json!({"tags": tags, "cardData": {"tags": ["ml", "sd", 7]}})), "fr");
    assert_eq!(of(json!({"tags": tags, "cardData": {"tags": "ml", "language": ["english"]}})), "fr sd");
    assert_eq!(of(json!({"tags": tags})), "ml fr sd");
}

#[test]
fn a_quantisation_is_read_from_the_name_where_no_configuration_tells() {
    let of = |own: Json| {
        let row = catalogue(own);
        let text = |name: &str| row.text(name).map(str::to_owned);
        (text("quantisation"), row.int("quantisation_bits"), text("quantisation_basis"))
    };
    let told = |method: &str, bits, basis: &str| (Some(method.to_owned()), bits, Some(basis.to_owned()));
    assert_eq!(of(json!({"id": "o/n-AWQ-4bit"})), told("awq", Some(4), "name"));
    assert_eq!(of(json!({"id": "o/n", "tags": ["GPTQ", "8-bit"]})), told("gptq", Some(8), "name"));
    assert_eq!(
        of(json!({"id": "o/n", "tags": ["base_model:quantized:o/n-GPTQ", "dataset:awq"]})),
        (None, None, None)
    );
    assert_eq!(of(json!({"id": "o/gptqueen", "tags": ["4-bit"]})), (None, None, None));
    let config = json!({"quantization_config": {"quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"weights": {"num_bits": 4}}}}});
    assert_eq!(of(json!({"id": "o/n-AWQ", "config": config})), told("compressed-tensors", Some(4), "config"));
    let mlx = json!({"quantization": {"bits": 6, "group_size": 64}});
    assert_eq!(of(json!({"id": "o/n", "config.json": mlx})), told("mlx", Some(6), "config"));
    let text = json!({"quantization_config": {"quant_method": "gptq", "bits": "4"}});
    assert_eq!(of(json!({"id": "o/n", "config.json": text})), told("gptq", None, "config"));
    assert_eq!(of(json!({"siblings": [{"rfilename": "a-Q8_0.gguf"}]})), told("gguf", None, "files"));
}

#[test]
fn only_what_is_marked_as_made_up_is_called_so() {
    let of = |own: Json| catalogue(own).bool("synthetic");
    assert_eq!(of(json!({"synthetic": true})), Some(true));
    assert_eq!(
        (of(json!({"synthetic": false})), of(json!({"synthetic": "true"})), of(json!({}))),
        (None, None, None)
    );
}

#[test]
fn the_first_paragraph_is_prose() {
    let of = |card: &str| catalogue(json!({ "card": card })).text("description").map(str::to_owned);
    assert_eq!(of("# T\n```\nlet x;\n```\n| a |\nWords  \nhere\n# More").as_deref(), Some("Words here"));
    assert_eq!(of("---\nlicense: mit\nnever: closed"), None);
    assert_eq!((of(""), of("# T\n\n- a\n")), (None, None));
    assert_eq!(of(&"é".repeat(100_000)).map(|text| text.chars().count()), Some(500));
}

#[test]
fn the_same_bytes_of_weights_are_known_again_wherever_they_lie() {
    let of = |files: &[(&str, Option<&str>)]| {
        let file = |(path, sha256): &(&str, Option<&str>)| json!({"path": path, "size": 5, "sha256": sha256});
        let files: Vec<Json> = files.iter().map(file).collect();
        catalogue(json!({ "files": files })).text("weights_sha256").map(str::to_owned)
    };
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let (first, second) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    assert_eq!(of(&[("model.safetensors", Some(&a)), ("README.md", None)]), Some(a.clone()));
    assert_eq!(
        of(&[("model.safetensors", Some(&a.to_uppercase())), ("pytorch_model.bin", Some(&b))]),
        Some(a.clone())
    );
    let both = of(&[(first, Some(&a)), (second, Some(&b))]).unwrap();
    // printf '%s\n%s' aa… bb… | sha256sum
    assert_eq!(both, "5e9ae866add9a85d69c3481d059bb9f158a39e5670ba11f95112fc409630894e");
    assert_eq!(of(&[(second, Some(&a)), (first, Some(&b))]), Some(both));
    for unknown in [
        of(&[(first, Some(&a)), (second, None)]),
        of(&[(first, Some(&a))]),
        of(&[("model.safetensors", Some("not hex"))]),
        of(&[("adapter_model.safetensors", Some(&a)), ("adapter_config.json", None)]),
        of(&[]),
    ] {
        assert_eq!(unknown, None);
    }
    let quantised = [("m-Q8_0.gguf", Some(a.as_str())), ("m-Q4_K_M.gguf", Some(b.as_str()))];
    assert_eq!(of(&quantised), Some(b.clone()), "that of the one that stands for all");
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
    // What the Hub counts of an adapter is the adapter alone.
    let row = catalogue(
        json!({"siblings": [{"rfilename": "adapter_model.safetensors"}], "safetensors": {"parameters": {"F32": 3}}}),
    );
    assert_eq!(
        (row.int("weight_bytes"), row.int("parameters"), row.text("base_relation")),
        (None, None, Some("adapter"))
    );
    let row = of(&[("adapter_config.json", 1), ("model.safetensors", 30)]);
    assert_eq!((row.int("weight_bytes"), row.text("base_relation")), (Some(30), None));
    let row = of(&[
        ("a.UD-Q4_K_XL.gguf", 4),
        ("b-IQ2_XXS.gguf", 2),
        ("c.gguf", 9),
        ("x-Q8_0.gguf", 8),
        ("y-Q8_0.gguf", 8),
    ]);
    assert_eq!(row.texts("gguf_quantisations"), ["IQ2_XXS", "Q8_0", "UD-Q4_K_XL"]);
    assert_eq!((row.text("gguf_chosen"), row.int("weight_bytes_gguf")), (Some("Q8_0"), None));
    // What lies beside a model is none, wherever its name says so; and a name may say what it was weighed by.
    let row = of(&[
        ("llava-v1.5-mmproj-F16.gguf", 1),
        ("mmproj/model-F32.gguf", 1),
        ("m.imatrix.gguf", 1),
        ("m-imatrix-Q5_K_M.gguf", 5),
        ("m-Q6_K.GGUF", 6),
    ]);
    assert_eq!(row.texts("gguf_quantisations"), ["Q5_K_M", "Q6_K"]);
    assert_eq!((row.text("gguf_chosen"), row.int("weight_bytes")), (Some("Q5_K_M"), Some(5)));
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
