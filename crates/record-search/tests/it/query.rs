//! The grammar of queries.

use record_search::{Document, Mode, Query};

use crate::{ask, ids, index};

fn of(id: &str, name: &str, card: &str) -> Document {
    Document {
        source: "s".into(),
        id: id.into(),
        name: name.into(),
        card: card.into(),
        author: "Meta".into(),
        ..Document::default()
    }
}

#[test]
fn words_phrases_minus_fields_and_beginnings_mean_what_they_say() {
    let (_folder, index) = index(&[
        of("a", "speech model", "recognises german speech"),
        of("b", "model", "speech that is recognised, german and other"),
        of("c", "poems", "german poems"),
        of("d", "中文语音识别模型", "语音"),
        of("e", "Quantized-Llama-3.1", "http links: c++"),
    ]);
    let found = |text: &str| {
        let mut found = ids(&index, &Query { mode: Mode::Words, ..ask(text) });
        found.sort();
        found.concat()
    };
    assert_eq!(found("speech"), "ab");
    assert_eq!(found("speech poems"), "abc", "any word");
    assert_eq!(found("\"german speech\""), "a");
    assert_eq!(found("\"german speech\" poems"), "a", "a phrase must be there");
    assert_eq!(found("german -poems"), "ab");
    assert_eq!(found("-german"), "de");
    assert_eq!(found("german -\"german poems\""), "ab");
    assert_eq!(found("name:model"), "ab");
    assert_eq!(found("name:speech german"), "a", "a word in a field must be there");
    assert_eq!(found("-name:model german"), "c");
    assert_eq!(found("quant*"), "e");
    assert_eq!(found("recog*"), "ab", "stems have beginnings, too");
    assert_eq!(found("name:quant*"), "e");
    assert_eq!(found("-quant* author:meta"), "abcd");
    assert_eq!(found("语音识别"), "d");
    assert_eq!(found("识别"), "d", "words within a run of Chinese");
    assert_eq!(found("recognising"), "ab", "long texts are found by stems");
    assert_eq!(found("llama_3.1"), "e");
    assert_eq!(found("nothingofthekind"), "");
    assert_eq!(found("\"links: c\""), "e", "what has a colon is quoted");
}

#[test]
fn a_beginning_of_very_many_words_is_bounded_and_told() {
    let documents: Vec<Document> =
        (0..200).map(|number| of(&format!("id{number}"), "x", &format!("pre{number:03}"))).collect();
    let (_folder, index) = index(&documents);
    let found = index.search(&Query { mode: Mode::Words, limit: 300, ..ask("pre*") }).unwrap();
    assert_eq!((found.total, found.explain.cut_beginnings), (50, vec!["pre".to_owned()]));
    assert!(index.search(&ask("pre00*")).unwrap().explain.cut_beginnings.is_empty());
}

#[test]
fn many_may_ask_a_fresh_index_at_once_and_read_the_same_vectors() {
    let documents = crate::documents(17, 3_000);
    let (folder, index) = index(&documents);
    let query = Query { mode: Mode::Meaning, limit: 20, ..ask("llama german music") };
    let wanted = ids(&index, &query);
    for round in 0..10 {
        let fresh = record_search::Index::open(folder.path(), crate::hashed()).unwrap();
        let together = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    assert_eq!(ids(&fresh, &query), wanted, "round {round}");
                });
            }
        });
    }
}

#[test]
fn a_word_of_several_parts_must_stand_there_as_it_is_or_not_at_all() {
    let (_folder, index) = index(&[
        of("a", "llama-3.1-chat", "one"),
        of("b", "llama-2-chat", "release 3"),
        of("c", "chat-3", "llama"),
        of("d", "other", "语音识别"),
        of("e", "else", "语音, 识别"),
    ]);
    let found = |text: &str| {
        let mut found = ids(&index, &Query { mode: Mode::Words, ..ask(text) });
        found.sort();
        found.concat()
    };
    assert_eq!(found("-llama-3"), "bcde", "only what has the whole of it goes");
    assert_eq!(found("chat -llama_3.1"), "bc");
    assert_eq!(found("name:llama-3"), "a");
    assert_eq!(found("name:chat-3"), "c");
    assert_eq!(found("-name:llama-2 chat"), "ac");
    assert_eq!(found("-语音识别"), "abce");
    assert_eq!(found("name:llama-3*"), "a");
    assert_eq!(found("name:llama-*"), "ab", "nothing behind the separator: any word that begins so");
    assert_eq!(found("-llama-3.1-ch*"), "bcde");
    assert_eq!(found("chat -release-3*"), "ac");
    // A word that ranks, too, and a beginning of it: what must be there still finds.
    assert_eq!(found("chat name:chat"), "abc");
    assert_eq!(found("llama name:lla*"), "ab");
    // Words that only rank are any of their parts.
    assert_eq!(found("llama-3"), "abc");
}
