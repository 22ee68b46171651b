//! Models out of a catalogue: what they fit, and variants under their base.

use crawl_core::Stop;
use crawl_core::table::{Column, Type, Value};
use model_facts::{Fit, Footprint, fits};
use record_converter::parquet::{WriteOptions, Writer as Table};
use record_search::{Index, Inputs, Mapping, Query, Writer, shipped_devices};

use crate::{ask, hashed};

struct Model {
    id: String,
    footprint: Footprint,
    base: Option<String>,
}

fn models() -> Vec<Model> {
    let mut random = fastrand::Rng::with_seed(3);
    let some = |random: &mut fastrand::Rng, most: u64| (random.u8(..4) > 0).then(|| random.u64(1..most));
    let model = |number: usize| Model {
        id: format!("own/model-{number}"),
        footprint: Footprint {
            weight_bytes: some(&mut random, 40_000_000_000),
            kv_bytes_per_token: some(&mut random, 400_000),
            kv_window_bytes_per_token: some(&mut random, 100_000),
            kv_window: some(&mut random, 8_000),
        },
        base: (!number.is_multiple_of(3)).then(|| format!("own/model-{}", number - number % 3)),
    };
    (0..150).map(model).collect()
}

fn catalogue(models: &[Model]) -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("models.parquet");
    let columns = [
        ("id", Type::Text),
        ("name", Type::Text),
        ("weight_bytes", Type::Int),
        ("kv_bytes_per_token", Type::Int),
        ("kv_window_bytes_per_token", Type::Int),
        ("kv_window", Type::Int),
        ("tags", Type::Texts),
        ("gone_at", Type::Time),
        ("downloads", Type::Int),
        ("license_commercial", Type::Text),
    ];
    let columns: Vec<Column> = columns.into_iter().map(|(name, kind)| Column::new(name, kind)).collect();
    let mut table =
        Table::new(std::fs::File::create(&path).unwrap(), &columns, &WriteOptions::default()).unwrap();
    let int = |number: Option<u64>| number.map_or(Value::Null, |number| Value::Int(number as i64));
    for (number, model) in models.iter().enumerate() {
        let tags = model.base.iter().map(|base| format!("base_model:quantized:{base}").into()).collect();
        table
            .push(&[
                Value::Text(model.id.as_str().into()),
                Value::Text("model".into()),
                int(model.footprint.weight_bytes),
                int(model.footprint.kv_bytes_per_token),
                int(model.footprint.kv_window_bytes_per_token),
                int(model.footprint.kv_window),
                Value::Texts(tags),
                if number == 149 {
                    Value::Time("2024-05-05T00:00:00Z".parse().unwrap())
                } else {
                    Value::Null
                },
                Value::Int(1_000 - number as i64),
                Value::Text(["yes", "no", "unknown"][number % 3].into()),
            ])
            .unwrap();
    }
    table.finish().unwrap();
    let mut writer = Writer::open(&folder.path().join("index"), hashed()).unwrap();
    let mappings = Mapping::shipped().unwrap();
    let inputs =
        Inputs { paths: vec![path], mappings, listing: None, complete: true, limit: None, commit_rows: 60 };
    let progress = inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
    assert_eq!((progress.rows, progress.gone, progress.missing), (150, 1, 0));
    let index = Index::open(&folder.path().join("index"), hashed()).unwrap();
    (folder, index)
}

#[test]
fn what_fits_a_device_is_what_its_facts_say_and_the_unknown_is_told() {
    let models = models();
    let (_folder, index) = catalogue(&models);
    let device = &shipped_devices().unwrap().0[0];
    for (what, bytes) in [(device.name.as_str(), device.usable_bytes), ("24GiB", 24 << 30)] {
        for context in [1_000, 8_192, 32_000] {
            let fit = |model: &Model| fits(model.footprint.memory(context, 16), bytes);
            let count = |wanted: &[Fit]| {
                models[..149].iter().filter(|model| wanted.contains(&fit(model))).count() as u64
            };
            let found = index.search(&ask(&format!("fits:\"{what}@{context}\""))).unwrap();
            assert_eq!(found.total, count(&[Fit::Yes]), "{what} {context}");
            assert_eq!(found.explain.filters[0].unknown, count(&[Fit::Unknown]));
            assert_eq!(found.explain.filters[0].excluded, count(&[Fit::No, Fit::Tight]));
            let total = |text: &str| index.search(&ask(text)).unwrap().total;
            assert_eq!(total(&format!("fits:\"{what}@{context},tight\"")), count(&[Fit::Yes, Fit::Tight]));
            assert_eq!(total(&format!("fits:\"{what}@{context},?\"")), count(&[Fit::Yes, Fit::Unknown]));
            assert_eq!(total(&format!("-fits:\"{what}@{context}\"")), count(&[Fit::No, Fit::Tight]));
        }
    }
    let likely = |model: &Model| model.footprint.memory(8_192, 16).likely;
    let small =
        models[..149].iter().filter(|model| likely(model).is_some_and(|bytes| bytes < 16 << 30)).count();
    assert_eq!(index.search(&ask("memory:<16GiB")).unwrap().total, small as u64);
    let error = index.search(&ask("fits:\"No such GPU\"")).unwrap_err();
    assert!(error.advice().contains(&device.name), "{}", error.advice());
    assert_eq!(index.search(&ask("commercial:yes")).unwrap().total, 50);
    assert_eq!(
        index.search(&ask("commercial:?")).unwrap().total,
        49,
        "what the catalogue calls unknown is unknown"
    );
    let speed = format!("speed:\">=1@{}\"", device.name);
    assert_eq!(
        index.search(&ask(&speed)).unwrap().explain.filters[0].unknown,
        149,
        "nothing tells what a token reads"
    );
}

#[test]
fn quantisations_stand_under_what_they_are_of() {
    let models = models();
    let (_folder, index) = catalogue(&models);
    for text in ["model", "", "downloads:>900"] {
        let plain = index.search(&Query { limit: 150, ..ask(text) }).unwrap();
        let folded = index.search(&Query { limit: 150, fold: true, ..ask(text) }).unwrap();
        let base = |id: &str| {
            let number: usize = id.rsplit_once('-').unwrap().1.parse().unwrap();
            number - number % 3
        };
        let groups: std::collections::BTreeSet<usize> =
            plain.hits.iter().map(|hit| base(&hit.shown.id)).collect();
        assert_eq!((folded.hits.len(), folded.total), (groups.len(), groups.len() as u64), "{text}");
        for hit in &folded.hits {
            let of =
                plain.hits.iter().filter(|other| base(&other.shown.id) == base(&hit.shown.id)).count() as u64;
            assert_eq!(hit.variants, Some(of - 1), "{text}: {}", hit.shown.id);
        }
        let few = index.search(&Query { limit: 7, offset: 3, fold: true, ..ask(text) }).unwrap();
        let order =
            |hits: &[record_search::Hit]| hits.iter().map(|hit| hit.shown.id.clone()).collect::<Vec<_>>();
        assert_eq!(order(&few.hits), order(&folded.hits)[3..10], "{text}");
    }
}

#[test]
fn re_uploads_stand_with_what_holds_the_same_weights_and_the_unknown_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let columns = ["id", "weight_bytes", "kv_bytes_per_token", "tags", "weights_sha256"];
    let columns: Vec<Column> = columns
        .into_iter()
        .map(|name| {
            let kind = match name {
                "tags" => Type::Texts,
                "id" | "weights_sha256" => Type::Text,
                _ => Type::Int,
            };
            Column::new(name, kind)
        })
        .collect();
    let path = folder.path().join("models.parquet");
    let mut table =
        Table::new(std::fs::File::create(&path).unwrap(), &columns, &WriteOptions::default()).unwrap();
    let text = |text: &'static str| if text.is_empty() { Value::Null } else { Value::Text(text.into()) };
    for (id, base, weights) in [
        ("ann/larch", "", "aa"),
        ("bob/larch-copy", "", "aa"),
        ("bob/larch-gguf", "bob/larch-copy", "bb"),
        ("eve/larch-gguf-copy", "", "bb"),
        ("eve/other", "", "cc"),
        ("eve/unknown-1", "", ""),
        ("eve/unknown-2", "", ""),
    ] {
        let tags =
            if base.is_empty() { Vec::new() } else { vec![format!("base_model:quantized:{base}").into()] };
        table.push(&[text(id), Value::Int(7), Value::Null, Value::Texts(tags), text(weights)]).unwrap();
    }
    table.finish().unwrap();
    let mut writer = Writer::open(&folder.path().join("index"), hashed()).unwrap();
    let mappings = Mapping::shipped().unwrap();
    let inputs =
        Inputs { paths: vec![path], mappings, listing: None, complete: true, limit: None, commit_rows: 3 };
    inputs.read(&mut writer, &Stop::new(), &mut |_, _| {}).unwrap();
    writer.close().unwrap();
    let index = Index::open(&folder.path().join("index"), hashed()).unwrap();
    let found = index.search(&Query { fold: true, ..ask("") }).unwrap();
    let mut groups: Vec<(String, u64)> =
        found.hits.iter().map(|hit| (hit.shown.id.clone(), hit.variants.unwrap())).collect();
    groups.sort();
    let wanted = [("ann/larch", 3), ("eve/other", 0), ("eve/unknown-1", 0), ("eve/unknown-2", 0)];
    assert_eq!(groups, wanted.map(|(id, variants)| (id.to_owned(), variants)));
    assert_eq!(found.total, 4);
}
