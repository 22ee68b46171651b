//! Filter files that were written otherwise: refused with words that help.

use hf_crawler::Filter;

#[test]
fn what_is_written_otherwise_is_refused_with_the_line_and_an_example() {
    for (written, says) in [
        // Lists are not taken for tables, by position.
        ("languages = [[\"fr\"]]", "{ any = [\"en\"] }"),
        ("languages = [\"fr\", \"de\"]", "{ any = [\"fr\", \"de\"] }"),
        ("created = [\"2024-01-20\"]", "{ from = \"2026-11-13\""),
        ("tags = []", "{ any = [\"en\"] }"),
        // Texts and dates.
        ("languages = \"fr\"", "{ any = [\"fr\"] }"),
        ("created = \"2024-01-20\"", "{ from = \"2024-01-20\" }"),
        ("created = 2024-01-20", "{ from = \"2024-01-20\" }"),
        ("created = { from = 2024-01-20 }", "a day is written in quotes: \"2024-01-20\""),
        ("modified = { to = 2024-01-20T10:00:00Z }", "a day is written in quotes"),
        ("created = { from = 2024 }", "2024 is no day; one is written as \"2026-11-13\""),
        ("languages = { any = \"fr\" }", "a list is written in brackets: [\"fr\"]"),
        ("languages = { any = [1] }", "1 stands in a list of texts"),
        ("gated = \"auto\"", "a list is written in brackets: [\"auto\"]"),
        ("gated = false", "a list is written in brackets: [\"false\"]"),
        // What is empty keeps all here and drops all there.
        ("gated = []", "an empty list says nothing"),
        ("languages = { any = [] }", "an empty list says nothing"),
        ("languages = { all = [] }", "an empty list says nothing"),
        ("languages = { none = [] }", "an empty list says nothing"),
        // Numbers and flags.
        ("min_downloads = \"11\"", "\"11\" is no whole number, such as 11"),
        ("min_likes = -1", "-1 is no whole number"),
        ("card = \"true\"", "\"true\" is neither true nor false"),
    ] {
        let error = Filter::parse(&format!("private = false\n{written}\n")).expect_err(written);
        let told = error.to_string();
        assert!(told.contains(says), "{written}: {told}");
        assert!(told.contains("line 2"), "{written}: {told}");
        for word in ["map", "sequence", "toml_private", "expected a"] {
            assert!(!told.contains(word), "{written}: {told}");
        }
    }
}

#[test]
fn unknown_names_inside_are_named() {
    let error = Filter::parse("languages = { some = [\"en\"] }").unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("unknown field `some`"), "{error}");
    let error = Filter::parse("[created]\nsince = \"2024-01-20\"").unwrap_err().to_string();
    assert!(error.contains("unknown field `since`"), "{error}");
}

#[test]
fn what_is_written_well_is_read() {
    let filter = Filter::parse(
        "gated = [\"false\"]\nmin_likes = 3\n[created]\nfrom = \"2024-01-20\"\n[languages]\nany = [\"en\"]\nabsent = false\n",
    )
    .unwrap();
    let created = filter.created.unwrap();
    assert_eq!((created.from.as_deref(), created.to), (Some("2024-01-20"), None));
    let languages = filter.languages.unwrap();
    assert_eq!((languages.any, languages.absent), (vec!["en".to_owned()], Some(false)));
    assert_eq!(filter.min_likes, Some(3));
}
