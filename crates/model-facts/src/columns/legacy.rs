//! The 37 columns of before, with their names, order and types, for old notebooks. Lists and maps are JSON text, sizes are
//! in MB of 2^20 bytes. What was random or guessed there is computed here from what is real, or null.

use std::borrow::Cow;

use crawl_core::table::Type::{Bool, Float, Int, Text, Time};
use crawl_core::table::Value;
use serde_json::json;

use super::Origin::{Derived, Null, Real};
use super::{Described, author, boolean, float, gated, int, number, popularity, string, text, time};
use crate::Facts;
use crate::hardware::{CACHE_BITS, Need};

/// The context of all memory columns.
const CONTEXT: u64 = 8192;

fn need(facts: &Facts<'_>) -> Need {
    facts.footprint().memory(CONTEXT, CACHE_BITS)
}

/// MB of 2^20 bytes.
fn mb<'a>(bytes: Option<u64>) -> Value<'a> {
    float(bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)))
}

fn list<'a>(list: &[Cow<'_, str>]) -> Value<'a> {
    text((!list.is_empty()).then(|| json!(list).to_string()))
}

/// True, or unknown: that something is not shipped does not say that it is not possible.
fn if_so<'a>(yes: bool) -> Value<'a> {
    boolean(yes.then_some(true))
}

macro_rules! columns {
    ($($name:literal $kind:ident $origin:ident $meaning:literal $source:literal $value:expr;)*) => {
        /// The 37 columns of before.
        pub const LEGACY: &[Described] = &[$(Described {
            name: $name, kind: $kind, origin: $origin, meaning: $meaning, source: $source, value: $value,
        }),*];
    };
}

columns! {
    "model_id" Text Real "`owner/name`, or a bare name" "`id`" |f| text(f.model.id.get().cloned());
    "author" Text Derived "the owner: what the Hub says, else the part of the id before `/`" "`author`, `id`" author;
    "model_name" Text Real "the same as `model_id`, as before" "`id`" |f| text(f.model.id.get().cloned());
    "downloads" Int Real "downloads of the last 30 days" "`downloads`" |f| number(&f.model.downloads);
    "likes" Int Real "likes, ever" "`likes`" |f| number(&f.model.likes);
    "last_modified" Time Real "when it was last changed" "`lastModified`" |f| time(&f.model.last_modified);
    "created_at" Time Real "when it was made" "`createdAt`" |f| time(&f.model.created_at);
    "library_name" Text Real "the library it is made for; never filled in" "`library_name`" |f| string(&f.model.library_name);
    "pipeline_tag" Text Real "the task" "`pipeline_tag`" |f| string(&f.model.pipeline_tag);
    "tags" Text Real "JSON text of a list" "`tags`" |f| list(&f.tags);
    "task_type" Text Real "the same as `pipeline_tag`" "`pipeline_tag`" |f| string(&f.model.pipeline_tag);
    "architecture" Text Real "the class; of GGUF alone its architecture" "`config.json` or `config`: `architectures`; GGUF header" |f| text(f.architecture.clone());
    "model_size_mb" Float Derived "weight_bytes / 2^20" "`weight_bytes` of the catalogue" |f| mb(f.weight_bytes);
    "model_file_count" Int Derived "how many files there are" "`files`, `siblings`" |f| int(f.file_count);
    "private" Bool Real "whether it is private" "`private`" |f| boolean(f.model.private.get().copied());
    "gated" Text Real "`false`, `auto` or `manual`; before, a truth value or a text" "`gated`" gated;
    "disabled" Bool Real "whether the Hub has disabled it" "`disabled`" |f| boolean(f.model.disabled.get().copied());
    "languages" Text Real "JSON text of a list" "`cardData.language`, else tags" |f| list(&f.languages);
    "datasets" Text Real "JSON text of a list" "`cardData.datasets`, tags `dataset:`" |f| list(&f.datasets);
    "license" Text Real "the keyword; of several, joined by a comma" "`cardData.license`, else tags" |f| text(f.licence.as_ref().map(|own| own.keywords.join(", ")));
    "metrics" Text Derived "JSON text: downloads_per_like = downloads / max(likes, 1)" "`downloads`, `likes`" metrics;
    "memory_usage_mb" Float Derived "memory_8k_likely / 2^20" "`memory_8k_likely` of the catalogue" |f| mb(need(f).likely);
    "inference_time_ms" Float Null "nothing was measured" "–" |_| Value::Null;
    "throughput_tokens_per_sec" Float Null "nothing was measured" "–" |_| Value::Null;
    "gpu_memory_mb" Float Derived "memory_8k_high / 2^20" "`memory_8k_high` of the catalogue" |f| mb(need(f).high);
    "cpu_cores_recommended" Int Null "no source tells it" "–" |_| Value::Null;
    "hardware_requirements" Text Derived "JSON text: min_ram_gb = memory_8k_likely, recommended_ram_gb = memory_8k_high, in GiB, rounded up" "`memory_8k_…` of the catalogue" hardware;
    "performance_benchmarks" Text Null "nothing was measured" "–" |_| Value::Null;
    "supports_quantization" Bool Derived "true if it is quantised; null otherwise" "`quantisation` of the catalogue" |f| if_so(f.quantisation.is_some());
    "supports_onnx" Bool Derived "true if a file of ONNX is there; null otherwise" "`files`, `siblings`" |f| if_so(f.has_onnx == Some(true));
    "supports_tensorrt" Bool Derived "true if a tag says `tensorrt`; null otherwise" "`tags`" |f| if_so(f.tags.iter().any(|tag| tag.eq_ignore_ascii_case("tensorrt")));
    "description" Text Derived "the first paragraph of the card that is prose, 500 characters at most" "`card`" |f| text(f.description.clone());
    "embedding_vector" Text Null "it was random" "–" |_| Value::Null;
    "popularity_score" Float Derived "min(100, 5 ln(downloads + 1) + 0.01 likes)" "`downloads`, `likes`" |f| float(popularity(f));
    "efficiency_score" Float Null "it was made of speeds that nobody measured" "–" |_| Value::Null;
    "compatibility_score" Float Null "it was made of a guess at memory; `fits` tells of named devices instead" "–" |_| Value::Null;
    "scraped_at" Time Real "when the record was fetched" "the crawl's manifest" |f| f.fetched_at.map_or(Value::Null, Value::Time);
}

fn metrics<'a>(facts: &Facts<'a>) -> Value<'a> {
    let (Some(downloads), Some(likes)) = (facts.model.downloads.get(), facts.model.likes.get()) else {
        return Value::Null;
    };
    let ratio = *downloads as f64 / (*likes).max(1) as f64;
    text(Some(json!({ "downloads_per_like": ratio }).to_string()))
}

fn hardware<'a>(facts: &Facts<'a>) -> Value<'a> {
    let Need { likely: Some(likely), high: Some(high), .. } = need(facts) else { return Value::Null };
    let gib = |bytes: u64| bytes.div_ceil(1 << 30);
    text(Some(json!({ "min_ram_gb": gib(likely), "recommended_ram_gb": gib(high) }).to_string()))
}
