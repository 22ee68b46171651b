use model_facts::{Devices, Fit, Footprint, Need, fits, tokens_per_second_bound};
use serde_json::{Value as Json, json};

use crate::desk::catalogue;

const SHIPPED: &str = include_str!("../../../../configs/hardware.toml");

fn llama() -> Footprint {
    let (weights, cache) = (16_060_556_376, 131_072);
    Footprint { weight_bytes: Some(weights), kv_bytes_per_token: Some(cache), ..Footprint::default() }
}

#[test]
fn memory_is_told_for_a_context_and_a_cache() {
    let cache = 131_072 * 8192;
    let low = 16_060_556_376 + cache;
    let need = llama().memory(8192, 16);
    assert_eq!((need.low, need.likely), (Some(low), Some(low + 500_000_000)));
    assert_eq!(need.high, Some(low + 500_000_000 + 16_060_556_376 / 100 * 20));
    assert_eq!(llama().memory(8192, 8).low, Some(16_060_556_376 + cache / 2));
    let window = Footprint { kv_window_bytes_per_token: Some(100), kv_window: Some(10), ..llama() };
    assert_eq!(window.cache(5, 16), Some(131_072 * 5 + 500));
    assert_eq!(window.cache(50, 16), Some(131_072 * 50 + 1000));
    let unknown = Footprint { kv_window_bytes_per_token: Some(100), ..llama() };
    assert_eq!((unknown.cache(5, 16), unknown.memory(5, 16).low), (None, Some(16_060_556_376)));
    assert_eq!(llama().memory(u64::MAX, u64::MAX), Need { low: Some(16_060_556_376), ..Need::default() });
    assert_eq!((llama().cache(1 << 40, 1 << 40), llama().cache(1 << 40, 8)), (None, Some(131_072 << 39)));
    assert_eq!(Footprint::default().memory(1, 16), Need::default());
}

#[test]
fn what_fits_is_told_of_devices_by_name() {
    let devices = Devices::read(SHIPPED).unwrap();
    let need = llama().memory(8192, 16);
    let on = |name: &str| fits(need, devices.named(name).unwrap().usable_bytes);
    assert_eq!(on("rtx 4090"), Fit::Yes);
    assert_eq!(on("RTX 4080"), Fit::Tight);
    assert_eq!(on("RTX 4060"), Fit::No);
    assert_eq!(on("Apple M1 16GB"), Fit::No);
    assert_eq!(fits(need, 20_000_000_000), Fit::Tight);
    assert_eq!(fits(Need { low: Some(5), ..Need::default() }, 10), Fit::Unknown);
    assert_eq!(fits(Need { low: Some(50), ..Need::default() }, 10), Fit::No);
    assert_eq!(fits(Need::default(), 10), Fit::Unknown);
    assert!(devices.named("none").is_none());
    assert!(devices.0.len() > 40 && devices.0.iter().all(|device| !device.source.is_empty()));
    let cpu = devices.named("CPU 16GB").unwrap();
    assert_eq!((cpu.memory_bytes, cpu.bandwidth_bytes_per_second), (16 << 30, None));
    let cpu = devices.named("CPU 64GB DDR5-5600").unwrap();
    assert_eq!(
        (cpu.usable_bytes / 100, cpu.bandwidth_bytes_per_second),
        ((64 << 30) / 125, Some(89_600_000_000))
    );
}

#[test]
fn a_bandwidth_says_where_it_comes_from_and_is_not_from_memory_alone() {
    for device in Devices::read(SHIPPED).unwrap().0 {
        let told = device.source.split_once("bandwidth: ");
        assert_eq!(told.is_some(), device.bandwidth_bytes_per_second.is_some(), "{}", device.name);
        let only = told.is_some_and(|(_, source)| source.ends_with(", from memory"));
        assert!(!only, "{}: {}", device.name, device.source);
    }
}

#[test]
fn the_least_that_a_token_reads_leaves_the_vocabulary_and_idle_experts_out() {
    let of = |more: Json| {
        let mut own = json!({"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": 32000,
            "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_local_experts": 8,
            "num_experts_per_tok": 2});
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let row = catalogue(
            json!({"config.json": own, "safetensors": {"parameters": {"BF16": 46_702_792_704_u64}}}),
        );
        row.int("bytes_read_per_token")
    };
    let active = 46_702_792_704 - 32 * 6 * 3 * 4096 * 14336;
    assert_eq!(of(json!({})), Some(2 * (active - 32000 * 4096)));
    assert_eq!(of(json!({"num_experts_per_tok": null})), None);
    assert_eq!(of(json!({"num_local_experts": null})), None);
    assert_eq!(
        of(json!({"num_local_experts": null, "num_experts_per_tok": null})),
        Some(2 * (46_702_792_704 - 32000 * 4096))
    );
    for more in
        [json!({"vision_config": {}}), json!({"vocab_size": null}), json!({"architectures": ["BertModel"]})]
    {
        assert_eq!(of(more.clone()), None, "{more}");
    }
}

#[test]
fn a_bound_of_speed_is_bandwidth_by_bytes() {
    assert_eq!(tokens_per_second_bound(16_000_000_000, 1_008_000_000_000), Some(63.0));
    assert_eq!(tokens_per_second_bound(0, 1), None);
}

#[test]
fn a_table_of_devices_that_is_wrong_is_refused() {
    for (text, says) in [
        ("[[device]]\nname = 'a'\nmemory_gib = 8\nsource = ''\nspeed = 1", "cannot be read"),
        ("[[device]]\nname = 'a'\nmemory_gib = 0\nsource = ''", "out of bounds"),
        ("[[device]]\nname = 'a'\nmemory_gib = 9223372036854775807\nsource = ''", "out of bounds"),
        ("[[device]]\nname = 'a'\nmemory_gib = 8\nbandwidth_gb_per_s = nan\nsource = ''", "out of bounds"),
        ("[[device]]\nname = 'a'\nmemory_gib = 8\nusable_percent = 200\nsource = ''", "out of bounds"),
        (
            "[[device]]\nname = 'a'\nmemory_gib = 8\nsource = ''\n[[device]]\nname = 'A'\nmemory_gib = 8\nsource = ''",
            "twice",
        ),
        ("device = 3", "cannot be read"),
    ] {
        let error = Devices::read(text).unwrap_err();
        assert!(error.to_string().contains(says) && error.advice().contains("hardware.toml"), "{error}");
    }
}
