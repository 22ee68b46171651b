//! The shipped mapping files, and what they make of the records that our crawlers write.

use record_search::{Document, Mapped, Mapping, Value, shipped_devices};

fn map(mapping: &str, record: &str) -> Document {
    match Mapping::named(mapping).unwrap().map(&serde_json::from_str(record).unwrap()).unwrap() {
        Mapped::Document(document) => *document,
        gone => panic!("{gone:?}"),
    }
}

fn texts(document: &Document, column: &str) -> Vec<String> {
    match document.columns.get(column) {
        Some((_, cell)) => match &cell.value {
            Value::Texts(texts) => texts.clone(),
            number => panic!("{number:?}"),
        },
        None => Vec::new(),
    }
}

fn number(document: &Document, column: &str) -> Option<f64> {
    match document.columns.get(column)?.1.value {
        Value::Number(number) => Some(number),
        Value::Texts(_) => panic!("texts"),
    }
}

#[test]
fn a_model_of_the_hub_is_read_as_the_listing_has_it() {
    let model = map(
        "hf-models",
        r#"{"id":"ann/tiny-gguf","pipeline_tag":"text-generation","library_name":"gguf","downloads":7,"likes":0,"gated":false,
        "tags":["gguf","license:mit","base_model:bob/tiny","base_model:quantized:bob/tiny","region:us"],
        "cardData":{"language":["en","de"]},"gguf":{"total":12,"context_length":4096,"architecture":"llama"},
        "createdAt":"2024-05-01T00:00:00.000Z","lastModified":"nonsense"}"#,
    );
    assert_eq!(
        (model.key().as_str(), model.name.as_str(), model.author.as_str()),
        ("hf-models:ann/tiny-gguf", "tiny-gguf", "ann")
    );
    assert_eq!(model.url.as_deref(), Some("https://huggingface.co/ann/tiny-gguf"));
    assert_eq!(model.tags, ["text-generation", "gguf", "gguf"]);
    for (column, wanted) in [
        ("license", &["mit"][..]),
        ("language", &["de", "en"]),
        ("base", &["bob/tiny"]),
        ("relation", &["quantized"]),
        ("architecture", &["llama"]),
        ("gated", &["false"]),
        ("variant_group", &["bob/tiny"]),
        ("dataset", &[]),
        ("source", &["hf-models"]),
    ] {
        assert_eq!(texts(&model, column), wanted, "{column}");
    }
    let numbers = ["downloads", "likes", "params", "context", "storage", "created", "updated"]
        .map(|column| number(&model, column));
    assert_eq!(
        numbers,
        [Some(7.0), Some(0.0), Some(12.0), Some(4096.0), None, Some(1_714_521_600.0), None],
        "an unknown is none, and 0 is 0"
    );
}

#[test]
fn records_of_all_crawlers_are_read() {
    let dataset = map(
        "hf-datasets",
        r#"{"id":"ann/rows","description":"many","tags":["language:en","size_categories:1K<n<10K"]}"#,
    );
    assert_eq!((texts(&dataset, "size").concat(), dataset.card.as_str()), ("1K<n<10K".into(), "many"));
    let competition = map(
        "kaggle-competitions",
        r#"{"Slug":"titanic","Title":"Titanic","SubTitle":"Start here","Description":"ship","Evaluation":null}"#,
    );
    assert_eq!((competition.id.as_str(), competition.card.as_str()), ("titanic", "ship"));
    let data = map(
        "kaggle-datasets",
        r#"{"Ref":"a/b","Title":"B","Licenses":["CC0"],"Tags":["x"],"DatasetSize":5,"lastUpdated":"2024-01-02T03:04:05Z"}"#,
    );
    assert_eq!((texts(&data, "license").concat(), number(&data, "storage")), ("CC0".into(), Some(5.0)));
    let kernel = map(
        "kaggle-kernels",
        r#"{"id":"a/k","ref":"a/k","title":"K","imported_libs":["numpy","pandas"],"language":"python"}"#,
    );
    assert_eq!(texts(&kernel, "library"), ["numpy", "pandas"]);
    let model = map(
        "kaggle-models",
        r##"{"ref":"g/gemma","ownerSlug":"g","title":"Gemma","modelCard":"# x","variations":[{"framework":"pyTorch","licenseName":"Gemma"}]}"##,
    );
    assert_eq!(
        (texts(&model, "library").concat(), texts(&model, "license").concat()),
        ("pyTorch".into(), "Gemma".into())
    );
    let talk = r#"{"source":{"site":"kaggle"},"topic":{"id":5,"url":"https://f.org/t/5","title":"Why?","category":{"name":"help"},"views":9,"created_at":"2024-01-02T03:04:05Z"},"posts":[{"markdown":"one"},{"markdown":"two"}]}"#;
    let topic = map("kaggle-discussions", talk);
    assert_eq!(
        (topic.id.as_str(), topic.card.as_str(), number(&topic, "popularity")),
        ("5", "one\ntwo", Some(9.0))
    );
    let topic = map("discourse", talk);
    assert_eq!(
        (topic.url.as_deref(), texts(&topic, "answered").concat()),
        (Some("https://f.org/t/5"), "no".into())
    );
    for mapping in Mapping::shipped().unwrap() {
        assert!(!mapping.source.is_empty() && !mapping.members().is_empty());
    }
    assert!(!shipped_devices().unwrap().0.is_empty());
}

#[test]
fn a_mapping_file_that_is_wrong_says_what_is() {
    for (text, told) in [
        ("source = 'x'", "missing field `id`"),
        ("source = 'x'\nid = 'id'\nnumbres = {}", "unknown field"),
        ("source = 'a:b'\nid = 'id'", "without `:`"),
        ("source = 'x'\nid = 'id'\n[facets]\nid = 'x'", "every index has"),
        ("source = 'x'\nid = 'id'\n[facets]\n'A b' = 'x'", "a-z"),
        ("source = 'x'\nid = 'id'\n[facets]\na = 'x'\n[numbers]\na = 'x'", "twice"),
        ("source = 'x'\nid = { pth = 'x' }", "not a mapping file"),
    ] {
        let error = Mapping::parse("my.toml", text).unwrap_err();
        assert!(error.to_string().contains(told), "{text}: {error}");
        assert_eq!(error.kind(), crawl_core::Kind::Config);
    }
    assert!(Mapping::named("nothing").unwrap_err().advice().contains("kaggle-kernels"));
}
