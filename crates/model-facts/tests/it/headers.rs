use crawl_core::Kind;
use model_facts::{Reading, gguf, safetensors};
use serde_json::{Value, json};

/// A safetensors header of tensors that lie one behind the other.
pub(crate) fn safetensors_file(tensors: &[(&str, &str, &[u64])]) -> Vec<u8> {
    let (mut members, mut at) = (serde_json::Map::new(), 0);
    members.insert("__metadata__".into(), json!({"format": "pt"}));
    for (name, dtype, shape) in tensors {
        let bits = match *dtype {
            "F32" | "I32" | "U32" => 32,
            "F16" | "BF16" => 16,
            "I64" => 64,
            _ => 8,
        };
        let end = at + shape.iter().product::<u64>() * bits / 8;
        members.insert((*name).into(), json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]}));
        at = end;
    }
    framed(&serde_json::to_vec(&members).unwrap())
}

fn framed(json: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes(), json].concat()
}

pub(crate) fn whole<T>(reading: Reading<T>) -> T {
    match reading {
        Reading::Whole(header) => header,
        Reading::Needs(bytes) => panic!("needs {bytes} bytes"),
    }
}

#[test]
fn a_safetensors_header_is_counted_and_says_how_long_it_is() {
    let file =
        safetensors_file(&[("a.weight", "BF16", &[8, 4]), ("a.bias", "F32", &[8]), ("ids", "I64", &[1, 16])]);
    assert_eq!(safetensors::Header::read(&file[..5]).unwrap(), Reading::Needs(8));
    for cut in [8, 20, file.len() - 1] {
        let reading = safetensors::Header::read(&file[..cut]).unwrap();
        assert_eq!(reading, Reading::Needs(file.len() as u64));
    }
    let header = whole(safetensors::Header::read(&file).unwrap());
    let summary = header.summary("model.safetensors");
    assert_eq!(
        summary,
        json!({"path": "model.safetensors", "header_bytes": file.len(), "data_bytes": 64 + 32 + 128, "tensors": 3,
            "stored": {"BF16": 32, "F32": 8, "I64": 16}, "parameters": {"BF16": 32, "F32": 8}})
    );
    assert_eq!(serde_json::from_value::<safetensors::Header>(summary).unwrap(), header);
}

/// Names, types and shapes.
type Tensors<'a> = &'a [(&'a str, &'a str, &'a [u64])];

#[test]
fn packed_weights_count_as_what_they_hold() {
    // One layer of 4096 x 11008 in each packing; the shapes are those that the packers write.
    let true_count = 4096 * 11008;
    let cases: [(&str, Tensors<'_>, Option<u64>); 6] = [
        (
            "gptq, 4 bits",
            &[
                ("m.qweight", "I32", &[512, 11008]),
                ("m.qzeros", "I32", &[32, 1376]),
                ("m.scales", "F16", &[32, 11008]),
                ("m.g_idx", "I32", &[4096]),
            ],
            Some(4),
        ),
        (
            "gptq, 8 bits",
            &[
                ("m.qweight", "I32", &[1024, 11008]),
                ("m.qzeros", "I32", &[32, 2752]),
                ("m.scales", "F16", &[32, 11008]),
                ("m.g_idx", "I32", &[4096]),
            ],
            Some(8),
        ),
        (
            "awq, 4 bits",
            &[
                ("m.qweight", "I32", &[4096, 1376]),
                ("m.qzeros", "I32", &[32, 1376]),
                ("m.scales", "F16", &[32, 11008]),
            ],
            Some(4),
        ),
        (
            "bitsandbytes, nf4",
            &[
                ("m.weight", "U8", &[true_count / 2, 1]),
                ("m.weight.absmax", "U8", &[true_count / 64]),
                ("m.weight.nested_absmax", "F32", &[2752]),
                ("m.weight.nested_quant_map", "F32", &[256]),
                ("m.weight.quant_map", "F32", &[16]),
                ("m.weight.quant_state.bitsandbytes__nf4", "U8", &[92]),
            ],
            Some(4),
        ),
        (
            "mxfp4",
            &[
                ("m.gate_up_proj_blocks", "U8", &[1, 11008, 128, 16]),
                ("m.gate_up_proj_scales", "U8", &[1, 11008, 128]),
            ],
            Some(4),
        ),
        (
            "int8 of bitsandbytes",
            &[("m.weight", "I8", &[11008, 4096]), ("m.SCB", "F32", &[11008]), ("m.weight_format", "U8", &[])],
            None,
        ),
    ];
    for (name, tensors, bits) in cases {
        let header = whole(safetensors::Header::read(&safetensors_file(tensors)).unwrap());
        assert_eq!(header.parameters.values().sum::<u64>(), true_count, "{name}");
        assert_eq!((header.packed_bits, header.packed.len()), (bits, 0), "{name}");
    }
}

#[test]
fn packed_weights_whose_bits_only_a_config_tells_are_set_aside() {
    let tensors: [(&str, &str, &[u64]); 7] = [
        ("a.weight_packed", "I32", &[11008, 512]),
        ("a.weight_scale", "BF16", &[11008, 32]),
        ("a.weight_shape", "I64", &[2]),
        ("b.weight", "U32", &[11008, 512]),
        ("b.scales", "BF16", &[11008, 64]),
        ("b.biases", "BF16", &[11008, 64]),
        ("norm.weight", "BF16", &[4096]),
    ];
    let header = whole(safetensors::Header::read(&safetensors_file(&tensors)).unwrap());
    let summary = header.summary("x");
    assert_eq!(summary["parameters"], json!({"BF16": 4096}));
    assert_eq!(summary["packed"], json!({"I32": 11008 * 512, "U32": 11008 * 512}));
}

#[test]
fn the_masks_of_gpt_2_are_no_parameters() {
    let tensors: [(&str, &str, &[u64]); 2] =
        [("h.0.attn.bias", "F32", &[1, 1, 1024, 1024]), ("h.0.attn.c_attn.bias", "F32", &[2304])];
    let header = whole(safetensors::Header::read(&safetensors_file(&tensors)).unwrap());
    assert_eq!(header.parameters["F32"], 2304);
    assert_eq!(header.stored["F32"], 2304 + 1024 * 1024);
}

#[test]
fn safetensors_headers_that_lie_are_refused() {
    let huge = [&(4u64 << 30).to_le_bytes()[..], b"{}"].concat();
    let error = safetensors::Header::read(&huge).unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    assert!(error.to_string().contains("4294967296"), "{error}");
    let tensor = |dtype: &str, shape: Value, offsets: Value| {
        framed(
            &serde_json::to_vec(&json!({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}))
                .unwrap(),
        )
    };
    let most = u64::MAX;
    let cases = [
        framed(b"no json"),
        framed(b"[]"),
        framed(br#"{"a": 1}"#),
        framed(b"{\"a\xff\": 1}"),
        tensor("F32", json!([2]), json!([0, 4])),
        tensor("F32", json!([2]), json!([8, 0])),
        tensor("F32", json!([most, most]), json!([0, 8])),
        tensor("F32", json!([most]), json!([0, 8])),
        tensor("Q9", json!([2]), json!([0, 8])),
        tensor("F32", json!(["2"]), json!([0, 8])),
        tensor("F32", json!([-2]), json!([0, 8])),
        tensor("F32", json!(vec![1; 40]), json!([0, 4])),
        tensor("F32", json!([2]), json!([4, 12])),
        framed(br#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#),
    ];
    for case in cases {
        let error = safetensors::Header::read(&case).unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{}", String::from_utf8_lossy(&case));
    }
    let deep = framed(&[b"{\"a\":".to_vec(), vec![b'['; 1 << 20]].concat());
    assert!(safetensors::Header::read(&deep).is_err());
}

/// Writes GGUF: keys with values that are already written, tensors as name, shape and type.
pub(crate) fn gguf_file(version: u32, facts: &[(&str, Vec<u8>)], tensors: &[(&str, &[u64], u32)]) -> Vec<u8> {
    let mut file = [b"GGUF".as_slice(), &version.to_le_bytes()].concat();
    file.extend((tensors.len() as u64).to_le_bytes());
    file.extend((facts.len() as u64).to_le_bytes());
    for (key, value) in facts {
        file.extend([text(key), value.clone()].concat());
    }
    for (name, shape, kind) in tensors {
        file.extend(text(name));
        file.extend((shape.len() as u32).to_le_bytes());
        shape.iter().for_each(|dimension| file.extend(dimension.to_le_bytes()));
        file.extend(kind.to_le_bytes());
        file.extend(0u64.to_le_bytes());
    }
    file
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

pub(crate) fn string(value: &str) -> Vec<u8> {
    [8u32.to_le_bytes().to_vec(), text(value)].concat()
}

pub(crate) fn uint(value: u32) -> Vec<u8> {
    [4u32.to_le_bytes(), value.to_le_bytes()].concat()
}

fn array(kind: u32, count: u64, body: &[u8]) -> Vec<u8> {
    [&9u32.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), body].concat()
}

#[test]
fn a_gguf_header_is_read_wherever_it_is_cut() {
    let words: Vec<u8> = ["<s>", "</s>", "a"].iter().flat_map(|word| text(word)).collect();
    let file = gguf_file(
        3,
        &[
            ("llama.block_count", uint(2)),
            ("llama.attention.head_count", uint(32)),
            (
                "llama.attention.head_count_kv",
                array(5, 2, &[8i32.to_le_bytes(), 0i32.to_le_bytes()].concat()),
            ),
            ("llama.context_length", uint(8192)),
            ("other.context_length", uint(1)),
            ("tokenizer.ggml.tokens", array(8, 3, &words)),
            ("llama.embedding_length", string("4096")),
            ("general.architecture", string("llama")),
            ("general.file_type", uint(15)),
        ],
        &[("a", &[4096, 4096], 12), ("b", &[256], 0), ("c", &[4096, 1024], 14), ("d", &[2], 777)],
    );
    for cut in 0..file.len() {
        match gguf::Header::read(&file[..cut]).unwrap() {
            Reading::Needs(bytes) => {
                assert!(bytes > cut as u64 && bytes <= file.len() as u64, "{bytes} at {cut}");
            }
            Reading::Whole(_) => panic!("whole at {cut}"),
        }
    }
    let header = whole(gguf::Header::read(&file).unwrap());
    let (a, c) = (4096 * 4096, 4096 * 1024);
    let summary = header.summary("m.gguf");
    assert_eq!(
        summary,
        json!({"path": "m.gguf", "version": 3, "tensors": 4, "parameters": a + 256 + c + 2,
            "bytes_by_type": {"Q4_K": a / 256 * 144, "F32": 1024, "Q6_K": c / 256 * 210, "other": null},
            "architecture": "llama", "file_type": "Q4_K_M", "context_length": 8192, "block_count": 2,
            "head_count": 32, "head_count_kv": [8, 0]})
    );
    assert_eq!(serde_json::from_value::<gguf::Header>(summary).unwrap(), header);
}

#[test]
fn gguf_headers_that_lie_are_refused_and_cost_nothing() {
    let start = |version: u32, tensors: u64, facts: u64| {
        [b"GGUF".as_slice(), &version.to_le_bytes(), &tensors.to_le_bytes(), &facts.to_le_bytes()].concat()
    };
    let with = |fact: (&str, Vec<u8>)| gguf_file(3, &[fact], &[]);
    let most = u64::MAX;
    let mut nested = Vec::new();
    for _ in 0..200 {
        nested.extend([9u32.to_le_bytes().to_vec(), 1u64.to_le_bytes().to_vec()].concat());
    }
    let cases = [
        ("2^60 tensors", start(3, 1 << 60, 0), "1152921504606846976 tensors"),
        ("2^60 facts", start(3, 0, 1 << 60), "facts"),
        ("version 1", start(1, 0, 0), "version 1"),
        ("big-endian", start(3u32.swap_bytes(), 0, 0), "big-endian"),
        ("version 9", start(9, 0, 0), "version"),
        ("not GGUF", b"GGML\0\0\0\0".to_vec(), "no GGUF"),
        ("a long key", [start(3, 0, 1), most.to_le_bytes().to_vec()].concat(), "text of"),
        (
            "a long text",
            with(("a", [8u32.to_le_bytes().to_vec(), (1u64 << 40).to_le_bytes().to_vec()].concat())),
            "text of",
        ),
        ("many texts", with(("a", array(8, most, &[]))), "claims"),
        ("many numbers", with(("a", array(4, 1 << 62, &[]))), "claims"),
        (
            "many heads",
            gguf_file(
                3,
                &[
                    ("general.architecture", string("x")),
                    ("x.attention.head_count_kv", array(4, 1 << 62, &[])),
                ],
                &[],
            ),
            "claims",
        ),
        ("deep arrays", with(("a", [9u32.to_le_bytes().to_vec(), nested].concat())), "deep"),
        ("an unknown type", with(("a", 99u32.to_le_bytes().to_vec())), "99"),
        ("many dimensions", gguf_file(3, &[], &[("t", &[1; 9], 0)]), "dimensions"),
        ("huge shapes", gguf_file(3, &[], &[("t", &[1 << 40, 1 << 40], 0)]), "64 bits"),
        ("huge sums", gguf_file(3, &[], &[("t", &[1 << 63], 24), ("u", &[1 << 63], 24)]), "64 bits"),
        ("huge bytes", gguf_file(3, &[], &[("t", &[1 << 63], 0)]), "64 bits"),
    ];
    for (name, file, says) in cases {
        let error = gguf::Header::read(&file).unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{name}");
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
}

#[test]
fn random_bytes_are_no_header_and_no_panic() {
    let mut dice = fastrand::Rng::with_seed(7);
    let file = gguf_file(
        2,
        &[("general.architecture", string("llama")), ("llama.block_count", uint(2))],
        &[("a", &[32], 2)],
    );
    let other = safetensors_file(&[("m.qweight", "I32", &[512, 16]), ("m.scales", "F16", &[32, 16])]);
    for _ in 0..20_000 {
        for file in [&file, &other] {
            let mut changed = file.clone();
            for _ in 0..dice.usize(1..6) {
                let at = dice.usize(..changed.len());
                changed[at] = dice.u8(..);
            }
            let _ = gguf::Header::read(&changed);
            let _ = safetensors::Header::read(&changed);
        }
    }
}
