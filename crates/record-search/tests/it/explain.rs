//! All numbers of an explanation are the numbers of which the score is made.

use std::collections::HashMap;

use record_search::{Document, Embedder, Mode, Query, Standing, Tier, Value};

use crate::{Hashed, ask, documents, ids, index};

#[test]
fn every_score_is_the_sum_of_what_is_told_and_every_rank_follows_from_it() {
    let documents = documents(21, 300);
    let by_id: HashMap<&str, &Document> =
        documents.iter().map(|document| (document.id.as_str(), document)).collect();
    let (_folder, index) = index(&documents);
    let mut tiers = std::collections::BTreeSet::new();
    for text in [
        "llama",
        "speech german",
        "tiny music code",
        "llama-speech",
        "\"for german\" whisper",
        "chat -vision",
    ] {
        let query = Query { limit: 300, explain: true, ..ask(text) };
        let found = index.search(&query).unwrap();
        assert_eq!(found.explain.meaning, "on");
        let plain = text.replace(['"', '-'], " ").replace(" vision", "");
        let embedded = Hashed { seed: 7 }.embed(&[&plain]).unwrap().remove(0).vector.unwrap();
        let mut by_words = Vec::new();
        let mut by_meaning = Vec::new();
        for hit in &found.hits {
            let explain = hit.explain.as_ref().unwrap();
            tiers.insert(explain.tier);
            let document = by_id[hit.shown.id.as_str()];
            // The score is the sum of its parts.
            let sum: f64 = explain.addends.iter().map(|addend| addend.value).sum();
            assert!((sum - hit.score).abs() < 1e-5, "{text}: {} is not {sum}", hit.score);
            // The cosine is that of the vectors, but for a byte's worth.
            let own = Hashed { seed: 7 }.embed(&[&document.meaning]).unwrap().remove(0).vector.unwrap();
            let exact: f32 = own.iter().zip(&embedded).map(|(a, b)| a * b).sum();
            assert!((explain.cosine.unwrap() - exact).abs() < 0.02, "{text}: {:?} {exact}", explain.cosine);
            if explain.tier == Tier::Ranks {
                let popularity =
                    document.columns.get("popularity").map_or(0.0, |(_, cell)| match cell.value {
                        Value::Number(number) => number,
                        Value::Texts(_) => panic!(),
                    });
                let rank = |rank: Option<usize>| rank.map_or(0.0, |rank| 1.0 / (60.0 + rank as f64));
                let score = rank(explain.rank_by_words)
                    + rank(explain.rank_by_meaning)
                        * if found.explain.words_matched.is_some() { 0.25 } else { 1.0 }
                    + 0.002 * ((1.0 + popularity).log10() / 8.0).min(1.0);
                assert!((score - hit.score).abs() < 1e-9);
            }
            let bm25: f64 = explain.bm25.iter().map(|part| part.value).sum();
            by_words.extend(explain.rank_by_words.map(|rank| (rank, bm25)));
            by_meaning.extend(explain.rank_by_meaning.map(|rank| (rank, f64::from(explain.cosine.unwrap()))));
            for (column, standing) in &explain.values {
                let wanted = match document.columns.get(column) {
                    None => Standing::Absent,
                    Some((_, cell)) if cell.derived => Standing::Derived,
                    Some(_) => Standing::Real,
                };
                assert_eq!(*standing, wanted, "{column} of {}", document.id);
            }
        }
        for ranked in [&mut by_words, &mut by_meaning] {
            ranked.sort_by_key(|(rank, _)| *rank);
            assert!(
                ranked.iter().enumerate().all(|(at, (rank, _))| at + 1 == *rank),
                "{text}: all ranks are there"
            );
            assert!(ranked.is_sorted_by(|a, b| a.1 >= b.1 - 1e-4), "{text}: {ranked:?}");
            assert!(!ranked.is_empty());
        }
        assert!(found.hits.is_sorted_by(|a, b| (a.tier, -a.score) <= (b.tier, -b.score)), "{text}");
    }
    assert!(tiers.contains(&Tier::InName) && tiers.contains(&Tier::Ranks));
}

#[test]
fn an_exact_id_comes_first_then_the_name_then_names_with_all_words() {
    let named = |id: &str, downloads: f64| {
        let name = id.split_once('/').map_or(id, |(_, name)| name);
        let mut document = Document {
            source: "s".into(),
            id: id.into(),
            name: name.into(),
            card: "llama 3 tiny".into(),
            meaning: "llama".into(),
            ..Document::default()
        };
        document.columns.insert(
            "popularity".into(),
            (record_search::Kind::Number, record_search::Cell::number(downloads)),
        );
        document
    };
    let mut documents = vec![
        named("x/some-llama-3-tiny", 9e6),
        named("x/llama-3-tiny-again", 2.0),
        named("y/llama-3-tiny-again", 5_000.0),
        named("y/LLaMA_3.Tiny", 1.0),
        named("llama-3-tiny", 0.0),
        named("x/poems", 1e9),
    ];
    documents.extend((0..40).map(|number| named(&format!("z/other-{number}"), 10.0)));
    let (_folder, index) = index(&documents);
    let found = index.search(&Query { limit: 6, ..ask("llama-3-tiny") }).unwrap();
    let order: Vec<(&str, Tier)> = found.hits.iter().map(|hit| (hit.shown.id.as_str(), hit.tier)).collect();
    assert_eq!(order[0], ("llama-3-tiny", Tier::Id));
    assert_eq!(order[1], ("y/LLaMA_3.Tiny", Tier::Name));
    // Of names as good as each other the more popular one.
    let rest = [order[2].0, order[3].0, order[4].0];
    assert_eq!(rest, ["x/some-llama-3-tiny", "y/llama-3-tiny-again", "x/llama-3-tiny-again"]);
    assert!(order[2..5].iter().all(|(_, tier)| *tier == Tier::InName));
    assert_eq!(order[5].1, Tier::Ranks);
    assert_eq!(
        index.search(&ask("y/llama_3.tiny")).unwrap().hits[0].shown.id,
        "y/LLaMA_3.Tiny",
        "the id in any case"
    );
}

#[test]
fn words_that_the_embedder_does_not_know_do_not_rank_by_meaning() {
    let (_folder, index) = index(&documents(30, 100));
    let meaning = |text: &str| index.search(&ask(text)).unwrap().explain;
    let explain = meaning("llama qqq qrs");
    assert_eq!((explain.words_known, explain.compared), (Some((1, 3)), None));
    assert!(explain.meaning.contains("under half of the words are known"), "{}", explain.meaning);
    let explain = meaning("llama qqq");
    assert_eq!((explain.words_known, explain.compared), (Some((1, 2)), Some(100)));
    assert_eq!(index.search(&Query { mode: Mode::Words, ..ask("llama") }).unwrap().explain.compared, None);
    // By meaning alone there is then nothing, and not the first documents that there are.
    let found = index.search(&Query { mode: Mode::Meaning, ..ask("qqq qrs") }).unwrap();
    assert_eq!((found.hits.len(), found.total), (0, 0));
    assert!(found.explain.meaning.contains("no word is known"), "{}", found.explain.meaning);
    assert_eq!(index.search(&Query { mode: Mode::Meaning, ..ask("") }).unwrap().total, 100);
}

#[test]
fn a_word_in_a_name_does_not_outdo_all_words_in_a_card() {
    let named = |name: &str, card: &str| Document {
        source: "ones".into(),
        id: format!("x/{name}"),
        name: name.into(),
        card: card.into(),
        ..Document::default()
    };
    let mut documents = vec![named("dice-box", "shows boxes"), named("fldr", "a fast loaded dice roller")];
    // The words are less rare in cards than in names, as they are where there are many.
    let one = |number: usize| format!("this is {}", ["fast", "loaded", "a roller"][number % 3]);
    documents.extend((0..60).map(|number| named(&format!("other-{number}"), &one(number))));
    documents.extend((60..200).map(|number| named(&format!("other-{number}"), "something else")));
    let (_folder, index) = index(&documents);
    let query = Query { mode: Mode::Words, limit: 1, ..ask("fast loaded dice roller") };
    assert_eq!(ids(&index, &query), ["x/fldr"]);
}

#[test]
fn what_is_like_a_document_is_near_it_and_not_itself() {
    let documents = documents(31, 200);
    let (_folder, index) = index(&documents);
    let key = format!("{}:{}", documents[4].source, documents[4].id);
    let query = Query { like: Some(key), limit: 199, explain: true, ..Query::default() };
    let found = index.search(&query).unwrap();
    assert_eq!(found.total, 199);
    assert!(found.hits.iter().all(|hit| hit.shown.id != documents[4].id));
    let nearest =
        found.hits.iter().find(|hit| hit.explain.as_ref().unwrap().rank_by_meaning == Some(1)).unwrap();
    assert!(nearest.explain.as_ref().unwrap().cosine.unwrap() > 0.4);
    let gone = Query { like: Some("nobody/nothing".into()), ..Query::default() };
    assert_eq!(index.search(&gone).unwrap_err().kind(), crawl_core::Kind::Gone);
}

#[test]
fn what_has_no_vector_is_not_compared() {
    let mut documents = documents(32, 100);
    // Of words that are not known, no vector is made.
    documents.iter_mut().take(40).for_each(|document| document.meaning = "qqq".into());
    let (_folder, index) = index(&documents);
    let found = index.search(&Query { mode: Mode::Meaning, limit: 100, ..ask("llama") }).unwrap();
    assert_eq!((found.explain.compared, found.total, found.hits.len()), (Some(60), 60, 60));
}

#[test]
fn who_only_counts_ranks_nothing() {
    let documents = documents(33, 120);
    let (_folder, index) = index(&documents);
    for (text, mode, fold) in [
        ("llama german", Mode::Both, false),
        ("llama", Mode::Meaning, true),
        ("llama -german", Mode::Words, false),
        ("", Mode::Both, false),
        ("qqq", Mode::Meaning, false),
    ] {
        let query = Query { mode, fold, facets: vec!["license".into()], ..ask(text) };
        let counted = index.search(&Query { limit: 0, ..query.clone() }).unwrap();
        let found = index.search(&query).unwrap();
        assert_eq!((counted.total, &counted.facets), (found.total, &found.facets), "{text}");
        assert_eq!((counted.hits.len(), counted.explain.compared), (0, None), "{text}");
    }
}

#[test]
fn of_doubled_data_the_double_is_nearest_and_the_rest_stands_as_it_stood() {
    let mut documents = documents(34, 150);
    // What is not nearness must not move anything.
    documents.iter_mut().for_each(|document| {
        document.columns.remove("popularity");
    });
    let double = |document: &Document| Document { id: format!("{} again", document.id), ..document.clone() };
    let doubled: Vec<Document> = documents.iter().cloned().chain(documents.iter().map(double)).collect();
    let ((_folder, once), (_other_folder, twice)) = (index(&documents), index(&doubled));
    for document in documents.iter().step_by(11) {
        let like = |limit| Query {
            like: Some(format!("{}:{}", document.source, document.id)),
            limit,
            ..Query::default()
        };
        let (once, twice) = (ids(&once, &like(149)), ids(&twice, &like(299)));
        assert_eq!(twice.len(), 299);
        assert_eq!(twice[0], double(document).id, "its double comes first");
        assert!(!twice.contains(&document.id), "it is not like itself");
        // Each with its double beside it, in the order in which they were alone.
        let pairs: Vec<String> = twice[1..].chunks(2).map(|two| two[0].clone()).collect();
        assert!(twice[1..].chunks(2).all(|two| two[1] == format!("{} again", two[0])), "{twice:?}");
        assert_eq!(pairs, once);
    }
}
