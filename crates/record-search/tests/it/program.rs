//! The program, as people run it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_record-search")).current_dir(folder).args(arguments).output().unwrap()
}

fn texts(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn it_indexes_finds_explains_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        r#"{"id":"ann/tiny-whisper","pipeline_tag":"automatic-speech-recognition","tags":["license:mit"],"downloads":12345678}"#,
        r#"{"id":"bob/speech-large","pipeline_tag":"automatic-speech-recognition","tags":["license:other"],"downloads":3}"#,
        r#"{"id":"eve/evil\u001b[31m\nname","tags":["speech\u202e"]}"#,
    ];
    std::fs::write(folder.path().join("rows.jsonl"), rows.join("\n")).unwrap();
    let run = |arguments: &[&str]| texts(&run(folder.path(), arguments));
    let (_, told, code) = run(&["index", "rows.jsonl", "--mapping", "hf-models", "--index", "idx"]);
    assert!(code == Some(0) && told.contains("3 added") && told.contains("3 in the index"), "{told}");
    let (_, told, _) = run(&["index", "rows.jsonl", "--mapping", "hf-models", "--index", "idx"]);
    assert!(told.contains("3 unchanged"), "{told}");
    let (found, _, code) = run(&["query", "speech recognition license:mit", "--index", "idx"]);
    assert!(
        code == Some(0) && found.contains("ann/tiny-whisper") && found.contains("12.3M downloads"),
        "{found}"
    );
    assert!(!found.contains("bob") && found.contains("left out 1, and 1 of which it is unknown"), "{found}");
    let (found, _, _) = run(&["query", "recognise speech", "--index", "idx", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&found["explain"]["meaning"], &found["hits"].as_array().unwrap().len()), (&"on".into(), &3));
    // Names that would steer a terminal, or pretend to be a line of ours.
    let (found, _, _) = run(&["query", "evil", "--by", "words", "--index", "idx"]);
    assert!(found.contains("eve/evil\\u001b[31m\\nname") && !found.contains('\u{1b}'), "{found}");
    let (found, _, _) = run(&["explain", "speech", "--index", "idx"]);
    assert!(found.contains("why: all words are in its name") && found.contains("values: author"), "{found}");
    let (found, _, _) = run(&["like", "ann/tiny-whisper", "--index", "idx", "--limit", "1"]);
    assert!(found.contains("bob/speech-large"), "{found}");
    let (found, _, _) = run(&["stats", "--index", "idx"]);
    assert!(found.contains("3 documents") && found.contains("3  hf-models"), "{found}");
    let (found, _, _) = run(&["query", "--index", "idx", "--facet", "license", "--sort", "downloads:asc"]);
    assert!(
        found.find("bob/").unwrap() < found.find("ann/").unwrap()
            && found.contains("license: mit 1, other 1"),
        "{found}"
    );
}

#[test]
fn files_that_are_compressed_are_read_as_others_and_a_cut_one_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| texts(&run(folder.path(), arguments));
    let rows: String = (0..500).map(|number| format!("{{\"id\":\"ann/model-{number}\"}}\n")).collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(rows.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let index = ["index", "rows.jsonl.gz", "--mapping", "hf-models", "--index", "idx"];
    std::fs::write(folder.path().join("rows.jsonl.gz"), &packed[..packed.len() / 2]).unwrap();
    let (_, told, code) = run(&index);
    assert!(code == Some(65) && told.contains("damaged or cut short"), "{code:?} {told}");
    std::fs::write(folder.path().join("rows.jsonl.gz"), &packed).unwrap();
    let (_, told, code) = run(&index);
    assert!(code == Some(0) && told.contains("500 in the index"), "{told}");
}

#[test]
fn what_goes_wrong_has_its_code_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| texts(&run(folder.path(), arguments));
    std::fs::write(folder.path().join("rows.jsonl"), "{\"id\":\"a/b\"}\n{bad\n").unwrap();
    let (_, told, code) = run(&["query", "x", "--index", "nothing"]);
    assert!(
        code == Some(78) && told.contains("there is no index") && told.contains("record-search index"),
        "{told}"
    );
    let (_, told, code) = run(&["index", "rows.jsonl", "--index", "idx"]);
    assert!(code == Some(78) && told.contains("--mapping"), "{told}");
    let (_, told, code) = run(&["index", "rows.jsonl", "--mapping", "hf-models", "--index", "idx"]);
    assert!(code == Some(3) && told.contains("rows.jsonl row 2"), "{told}");
    let (_, told, code) = run(&["query", "colour:red", "--index", "idx"]);
    assert!(code == Some(78) && told.contains("no column `colour`") && told.contains("source"), "{told}");
    let (_, _, code) = run(&["like", "no/body", "--index", "idx"]);
    assert_eq!(code, Some(66));
    let (_, _, code) = run(&["query", "x"]);
    assert_eq!(code, Some(2));
    for command in ["index", "query", "like", "explain", "stats"] {
        let (help, _, code) = run(&[command, "--help"]);
        assert!(
            code == Some(0) && help.contains("Example") && help.contains("record-search"),
            "{command}: {help}"
        );
    }
}

#[test]
fn what_a_query_could_not_do_is_told_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let row = |at: usize| format!("{{\"id\":\"a/pre{at:03}\"}}\n");
    std::fs::write(folder.path().join("rows.jsonl"), (0..200).map(row).collect::<String>()).unwrap();
    let run = |arguments: &[&str]| texts(&run(folder.path(), arguments));
    run(&["index", "rows.jsonl", "--mapping", "hf-models", "--index", "idx"]);
    let (found, _, _) = run(&["query", "pre*", "--by", "words", "--index", "idx"]);
    assert!(found.contains("pre* stands for more words than are looked at"), "{found}");
    let (found, _, _) = run(&["query", "zxqvkj", "--by", "meaning", "--index", "idx"]);
    assert!(found.contains("nothing found") && found.contains("no word is known"), "{found}");
    // Nothing of this where there is nothing to tell.
    let (found, _, _) = run(&["query", "pre001", "--by", "words", "--index", "idx"]);
    assert!(!found.contains("considered"), "{found}");
}

#[test]
fn a_newcomer_is_told_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| texts(&run(folder.path(), arguments));
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("rows.jsonl", "{\"id\":\"a/b\",\"tags\":[\"license:mit\"]}\n");
    file("table.csv", "id\na/b\n");
    file("bad.toml", "source = \"x\"\nid = \"id\"\n[facet]\na = \"b\"\n");
    file("other.toml", "source = \"x\"\nid = \"nope\"\n");
    let (_, told, _) = run(&["index", "rows.jsonl", "--mapping", "hf-models", "--index", "idx"]);
    assert!(told.contains("1 row read: 1 added"), "{told}");
    let (found, _, _) = run(&["stats", "--index", "idx"]);
    assert!(found.contains("1 document, "), "{found}");
    for name in ["no-text", "no-vectors"] {
        let copy = folder.path().join(name);
        std::fs::create_dir_all(copy.join("text")).unwrap();
        for part in ["text", "vectors-0001"] {
            std::fs::create_dir_all(copy.join(part)).unwrap();
            for file in std::fs::read_dir(folder.path().join("idx").join(part)).unwrap() {
                let file = file.unwrap();
                let left_out = match name {
                    "no-text" => file.path().extension().is_some_and(|kind| kind == "store" || kind == "idx"),
                    _ => part == "vectors-0001",
                };
                if !left_out {
                    std::fs::copy(file.path(), copy.join(part).join(file.file_name())).unwrap();
                }
            }
        }
    }
    for (arguments, what) in [
        (&["index", "nowhere", "--index", "i"][..], "check the spelling"),
        (
            &["index", "table.csv", "--mapping", "hf-models", "--index", "i"],
            "record-converter FILE rows.jsonl",
        ),
        (
            &["index", "rows.jsonl", "--mapping", "none.toml", "--index", "i"],
            "a shipped one such as hf-models",
        ),
        (&["index", "rows.jsonl", "--mapping", "bad.toml", "--index", "i"], "`facets`"),
        (
            &["index", "rows.jsonl", "--mapping", "other.toml", "--index", "i"],
            "look at `id` of the mapping file",
        ),
        (&["query", "a", "--index", "no-text"], "restore the index from a copy"),
        (&["query", "a", "--index", "no-vectors"], "restore the index from a copy"),
        (&["query", "license:>3", "--index", "idx"], "takes no range"),
        (&["query", "say \"hello", "--index", "idx"], "write \" behind the phrase"),
        (&["query", "a", "--fits", "RTX 4099", "--index", "idx"], "24GiB, or one of"),
        (&["query", "a", "--sort", "dwonloads", "--index", "idx"], "no column `dwonloads`"),
        (&["query", "a", "--filter", "mit", "--index", "idx"], "license:mit"),
        (&["serve", "--addr", "localhost:8080", "--index", "idx"], "127.0.0.1:8080"),
        (
            &["serve", "--addr", "0.0.0.0:0", "--token-env", "NOT_SET_AT_ALL", "--index", "idx"],
            "export NOT_SET_AT_ALL",
        ),
    ] {
        let (_, told, code) = run(arguments);
        assert!(code != Some(0) && told.contains(what), "{arguments:?}: {code:?} {told}");
    }
    // Nothing is wrong with this one, and it finds nothing: that is told, too.
    let (found, _, code) = run(&["query", "license:mti", "--index", "idx"]);
    assert!(
        code == Some(0) && found.contains("nothing found\nno document has `mti` as its license; near: mit"),
        "{found}"
    );
}
