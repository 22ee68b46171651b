//! What the shipped table's vectors say.

use static_embedding::{Embedding, Table};

fn cosine(table: &Table, a: &str, b: &str) -> f32 {
    let (a, b) = (table.embed(a), table.embed(b));
    a.vector.iter().zip(&b.vector).map(|(x, y)| x * y).sum()
}

#[test]
fn texts_of_one_meaning_are_closer_than_others_without_a_word_in_common() {
    let table = Table::shipped().unwrap();
    for (text, near, far) in [
        ("a fast automobile", "quick cars", "legal documents"),
        ("speech recognition", "transcribing spoken audio", "chemical reactions"),
        ("translate French into English", "language translation", "object detection in photographs"),
        ("a doctor treats patients", "hospital medicine", "stock market prices"),
    ] {
        let (near, far) = (cosine(&table, text, near), cosine(&table, text, far));
        assert!(near > far + 0.2, "{text}: {near} and {far}");
    }
}

#[test]
fn vectors_have_length_one_and_are_the_same_each_time() {
    let table = Table::shipped().unwrap();
    let first = table.embed("Models for recognising objects in pictures");
    let length: f32 = first.vector.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
    assert_eq!(first.vector.len(), 256);
    assert_eq!(first, Table::shipped().unwrap().embed("Models for recognising objects in pictures"));
}

#[test]
fn a_used_buffer_keeps_nothing_of_the_text_before() {
    let table = Table::shipped().unwrap();
    let mut embedding = Embedding::default();
    for text in ["a long text about many things", "cars", "", "Übergrößenträger"] {
        table.embed_into(text, &mut embedding);
        assert_eq!(embedding, table.embed(text), "{text}");
    }
}

#[test]
fn a_text_without_pieces_has_a_vector_of_zeros_and_says_so() {
    let table = Table::shipped().unwrap();
    for (text, words) in [("", 0), (" \t\u{200b}", 0), ("𓀀𓀁", 1), (&"x".repeat(101), 1)] {
        let embedding = table.embed(text);
        assert_eq!((embedding.known, embedding.words), (0, words), "{text}");
        assert!(embedding.vector.len() == 256 && embedding.vector.iter().all(|&x| x == 0.0), "{text}");
    }
}

#[test]
fn words_are_known_where_they_are_english_and_whole() {
    let table = Table::shipped().unwrap();
    for (text, known, words) in [
        ("Speech to text, in 10 languages!", 6, 6),
        ("quantized gguf tokenizers", 0, 3),
        ("Übersetze juristische Dokumente", 0, 3),
        ("中文语音识别模型", 0, 8),
        ("と в a", 1, 3),
        ("?! -- ...", 0, 0),
    ] {
        let embedding = table.embed(text);
        assert_eq!((embedding.known, embedding.words), (known, words), "{text}");
    }
}

#[test]
fn of_english_sentences_most_words_are_known_and_of_other_languages_under_half_but_of_french() {
    let table = Table::shipped().unwrap();
    let mut languages = std::collections::BTreeMap::<&str, (usize, usize)>::new();
    for line in include_str!("../../make/languages.tsv").lines() {
        let (language, text) = line.split_once('\t').unwrap();
        let embedding = table.embed(text);
        let sums = languages.entry(language).or_default();
        *sums = (sums.0 + embedding.known, sums.1 + embedding.words);
    }
    for (language, (known, words)) in languages {
        let share = known as f64 / words as f64;
        println!("{language} {known}/{words} {share:.2}");
        match language {
            "en" => assert!(share > 0.9, "{language} {share}"),
            "fr" => assert!(share > 0.5 && share < 0.6, "documented; {language} {share}"),
            _ => assert!(share < 0.5, "{language} {share}"),
        }
    }
}
