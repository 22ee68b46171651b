//! The columns of `hf-crawler catalogue`, in their order.

use crawl_core::table::Type::{Bool, Float, Int, Text, Texts, Time};
use crawl_core::table::Value;

use super::Origin::{Derived, Null, Real};
use super::{Described, author, boolean, float, gated, int, number, popularity, string, text, texts, time};
use crate::Facts;
use crate::hardware::{CACHE_BITS, Need};

/// The context that the columns `memory_8k_…` are for.
const CONTEXT: u64 = 8192;

fn need(facts: &Facts<'_>) -> Need {
    facts.footprint().memory(CONTEXT, CACHE_BITS)
}

macro_rules! columns {
    ($($name:literal $kind:ident $origin:ident $meaning:literal $source:literal $value:expr;)*) => {
        /// What is known of a model, in typed columns.
        pub const CATALOGUE: &[Described] = &[$(Described {
            name: $name, kind: $kind, origin: $origin, meaning: $meaning, source: $source, value: $value,
        }),*];
    };
}

columns! {
    "_id" Text Real "24 hex digits that stay when the model is renamed" "`_id`" |f| text(f.model.object_id.get().cloned());
    "id" Text Real "`owner/name`, or a bare name" "`id`" |f| text(f.model.id.get().cloned());
    "author" Text Derived "the owner: what the Hub says, else the part of the id before `/`" "`author`, `id`" author;
    "name" Text Derived "the part of the id behind `/`" "`id`"
        |f| text(f.model.id.get().map(|id| id.rsplit_once('/').map_or(id.as_ref(), |(_, name)| name).to_owned()));
    "sha" Text Real "the commit of `main`" "`sha`" |f| string(&f.model.sha);
    "created_at" Time Real "when it was made; 2022-03-02 for all that are older" "`createdAt`" |f| time(&f.model.created_at);
    "last_modified" Time Real "when it was last changed" "`lastModified`" |f| time(&f.model.last_modified);
    "fetched_at" Time Real "when the record was fetched" "the crawl's manifest" |f| f.fetched_at.map_or(Value::Null, Value::Time);
    "private" Bool Real "whether it is private" "`private`" |f| boolean(f.model.private.get().copied());
    "gated" Text Real "`false`, `auto` or `manual`" "`gated`" gated;
    "disabled" Bool Real "whether the Hub has disabled it" "`disabled`" |f| boolean(f.model.disabled.get().copied());
    "downloads" Int Real "downloads of the last 30 days" "`downloads`" |f| number(&f.model.downloads);
    "downloads_all_time" Int Real "downloads, ever" "`downloadsAllTime`" |f| number(&f.model.downloads_all_time);
    "likes" Int Real "likes, ever" "`likes`" |f| number(&f.model.likes);
    "trending_score" Float Real "how much it is looked at these days" "`trendingScore`" |f| float(f.model.trending_score.get().copied());
    "children" Int Real "models that are made from it" "`childrenModelCount`" |f| number(&f.model.children);
    "pipeline_tag" Text Real "the task" "`pipeline_tag`" |f| string(&f.model.pipeline_tag);
    "library_name" Text Real "the library it is made for" "`library_name`" |f| string(&f.model.library_name);
    "tags" Texts Real "bare or `prefix:value`" "`tags`" |f| texts(&f.tags);
    "has_card" Bool Derived "a card, its metadata or a README.md is there; false if the files are known and it is not among them" "`card`, `cardData`, `siblings`, `files`" |f| boolean(f.has_card);
    "description" Text Derived "the first paragraph of the card that is prose, 500 characters at most" "`card`" |f| text(f.description.clone());
    "file_count" Int Derived "how many files there are" "`files`, `siblings`" |f| int(f.file_count);
    "used_storage" Int Real "bytes of the whole repository with its history: no size of a download" "`usedStorage`" |f| number(&f.model.used_storage);
    "architecture" Text Real "the class; of GGUF alone its architecture" "`config.json` or `config`: `architectures`; GGUF header" |f| text(f.architecture.clone());
    "model_type" Text Real "the type of the configuration" "`config.json` or `config`: `model_type`" |f| text(f.model_type.clone());
    "parameters" Int Derived "as `parameters_basis` tells; null where sources contradict each other" "`safetensors_headers`, `gguf_headers`, `safetensors`, `gguf`" |f| int(f.parameters.map(|(count, _)| count));
    "parameters_basis" Text Derived "`header` (all files of the variant), `dtype_sum` (the Hub's types; packed ones count as what they hold, if the bytes of the files bear it out), `declared` (a total without parts)" "the same" |f| text(f.parameters.map(|(_, basis)| basis.word()));
    "active_parameters" Int Derived "of mixtures: parameters − layers with experts × (experts − chosen) × 3 × hidden_size × width of an expert" "`config.json`" |f| int(f.active_parameters);
    "weight_variant" Text Derived "which files stand for the model: `safetensors`, else `gguf`, else `bin`" "`files`, `siblings`" |f| text(f.variant);
    "weight_bytes" Int Derived "bytes of that variant: sizes of its files, else what headers or types of safetensors take; null for adapters and where a shard is missing" "`files`, `safetensors_headers`, `safetensors`" |f| int(f.weight_bytes);
    "weights_sha256" Text Derived "what only models have in common whose files of that variant are the same bytes: the SHA-256 of its file; of several, that of their SHA-256s in hex, sorted, joined by line feeds; null where one is not told or a shard is missing" "`files`: `sha256`" |f| text(f.weights_sha256.clone());
    "weight_bytes_safetensors" Int Derived "sum of the sizes" "`files`: `model*.safetensors`, of diffusers one a folder" |f| int(f.weights.safetensors.as_ref().and_then(|own| own.bytes));
    "weight_bytes_gguf" Int Derived "sum of the sizes of one quantisation" "`files`: `*.gguf` of `gguf_chosen`" |f| int(f.weights.chosen_gguf().and_then(|(_, own)| own.bytes));
    "weight_bytes_bin" Int Derived "sum of the sizes" "`files`: `pytorch_model*.bin`" |f| int(f.weights.bin.as_ref().and_then(|own| own.bytes));
    "weight_bytes_adapter" Int Derived "sum of the sizes; the base's weights are needed too" "`files`: `adapter_model.*`" |f| int(f.weights.adapter.as_ref().and_then(|own| own.bytes));
    "dtype" Text Derived "the type of most weights" "`safetensors.parameters`, else `config.json`: `dtype`, `torch_dtype`" |f| text(f.dtype.clone());
    "quantisation" Text Derived "the method" "`config.json` or `config`: `quantization_config`; else files of GGUF; else tags and name" |f| text(f.quantisation.as_ref().map(|own| own.method.clone()));
    "quantisation_bits" Int Derived "bits of one weight" "the same" |f| int(f.quantisation.as_ref().and_then(|own| own.bits));
    "quantisation_basis" Text Derived "`config`, `files` or `name`" "the same" |f| text(f.quantisation.as_ref().map(|own| own.basis));
    "gguf_architecture" Text Real "the architecture of the GGUF file" "`gguf_headers`, `gguf`" gguf_architecture;
    "gguf_quantisations" Texts Derived "labels of its GGUF files" "names in `files`, `siblings`" labels;
    "gguf_chosen" Text Derived "the one that stands for all: Q4_K_M, Q4_K_S, Q4_0, Q5_K_M, Q6_K, Q8_0, else the smallest" "names in `files`, `siblings`" |f| text(f.weights.chosen_gguf().map(|(label, _)| label.to_owned()).filter(|label| !label.is_empty()));
    "gguf_file_type" Text Real "the type that the chosen file's header tells; null where another's was read" "`gguf_headers`" |f| text(f.gguf.as_ref().and_then(|own| own.facts.file_type.clone()));
    "context_length" Int Real "the longest context that it was made for, in tokens" "`config.json`: `max_position_embeddings` and its like; GGUF header; `gguf.context_length`" |f| int(f.context_length);
    "kv_bytes_per_token" Int Derived "bytes of the cache a token, 16 bits a number, of layers that keep all" "`config.json` or GGUF header" |f| int(f.kv.map(|kv| kv.bytes_per_token));
    "kv_window_bytes_per_token" Int Derived "the same of layers that keep a window" "`config.json` or GGUF header" |f| int(f.kv.map(|kv| kv.window_bytes_per_token));
    "kv_window" Int Derived "the window, in tokens" "`config.json` or GGUF header" |f| int(f.kv.and_then(|kv| kv.window));
    "kv_basis" Text Derived "what the cache was read from" "`config.json` or GGUF header" |f| text(f.kv.map(|kv| kv.basis));
    "memory_load_bytes" Int Derived "memory of the weights alone: weight_bytes" "`weight_bytes`" |f| int(f.weight_bytes);
    "memory_8k_low" Int Derived "weight_bytes + cache of 8192 tokens at 16 bits; the weights alone where the cache is unknown" "`weight_bytes`, `kv_…`" |f| int(need(f).low);
    "memory_8k_likely" Int Derived "low + 0.5 GB" "`weight_bytes`, `kv_…`" |f| int(need(f).likely);
    "memory_8k_high" Int Derived "likely + 20 % of weight_bytes" "`weight_bytes`, `kv_…`" |f| int(need(f).high);
    "bytes_read_per_token" Int Derived "the least bytes of weights that a token needs: weight_bytes × active_parameters / parameters − vocab_size × hidden_size × 2 (4 of F32); bandwidth / this is an upper bound of tokens a second" "`config.json`, `weight_bytes`" |f| int(f.bytes_read_per_token);
    "licenses" Texts Real "the Hub's keywords" "`cardData.license`, else tags `license:`" |f| f.licence.as_ref().map_or(Value::Null, |own| texts(&own.keywords));
    "license_spdx" Text Derived "the SPDX id, of one licence that has one" "table below" |f| text(f.licence.as_ref().and_then(|own| own.spdx));
    "license_commercial" Text Derived "whether commercial use is allowed: `yes`, `no`, `conditions`, `unknown`" "table below" |f| text(Some(f.licence.as_ref().map_or("unknown", |own| own.commercial.word())));
    "languages" Texts Real "codes as they are spelled, `code`, `multilingual`; other words are left out" "`cardData.language`, else tags that are ISO 639-1 and not among `cardData.tags`" |f| texts(&f.languages);
    "base_models" Texts Real "what it was made of" "tags `base_model:`, `cardData.base_model`" |f| texts(&f.base_models);
    "base_relation" Text Derived "`finetune`, `adapter`, `quantized`, `merge`, as tags or card say; `adapter` if its files say so; `original` if the card has metadata and names no base" "tags, `cardData`, `files`" |f| text(f.relation.map(|own| own.word()));
    "datasets" Texts Real "what it was trained on" "`cardData.datasets`, tags `dataset:`" |f| texts(&f.datasets);
    "arxiv" Texts Real "papers" "tags `arxiv:`" |f| texts(&f.arxiv);
    "popularity" Float Derived "min(100, 5 ln(downloads + 1) + 0.01 likes)" "`downloads`, `likes`" |f| float(popularity(f));
    "efficiency" Float Null "nothing was measured" "–" |_| Value::Null;
    "compatibility" Float Null "`fits` tells of named devices instead" "–" |_| Value::Null;
    "synthetic" Bool Real "true if a double of the Hub made it up; null otherwise" "`synthetic`" |f| boolean(f.synthetic);
}

fn gguf_architecture<'a>(facts: &Facts<'a>) -> Value<'a> {
    let header = facts.gguf.as_ref().and_then(|own| own.facts.architecture.clone());
    match (header, facts.model.gguf.get()) {
        (None, Some(own)) => text(own.architecture.get().cloned()),
        (header, _) => text(header),
    }
}

fn labels<'a>(facts: &Facts<'a>) -> Value<'a> {
    let labels: Vec<_> =
        facts.weights.gguf.keys().filter(|label| !label.is_empty()).cloned().map(Into::into).collect();
    texts(&labels)
}
