//! `evaluate` and `sample` as programs: what they print, write, and end with.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::evaluate::write;
use crate::house::{double, id, row, store, weekly};

fn program(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llm-evaluator")).args(words).current_dir(folder).output().unwrap()
}

#[test]
fn a_sample_that_is_filled_in_is_evaluated_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let home = Runtime::new().unwrap();
    let records: Vec<_> = (0..20).map(|n| row("o", &format!("set{n}"), "Text.")).collect();
    home.block_on(store(&folder.path().join("in"), &records, 10));
    let weekly = weekly().canonicalize().unwrap();
    let weekly = weekly.to_str().unwrap();
    let said = program(&["sample", weekly, "in", "-n", "6", "--output", "gold.jsonl"], folder.path());
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    let again = program(&["sample", weekly, "in", "-n", "6", "--output", "gold.jsonl"], folder.path());
    assert_eq!(again.status.code(), Some(78), "what is filled in must not be lost");
    let text = std::fs::read_to_string(folder.path().join("gold.jsonl")).unwrap();
    assert_eq!(text.matches("\"sampled\":\"random\",\"gold\":[]}").count(), 6);
    std::fs::write(folder.path().join("gold.jsonl"), text.replace("\"gold\":[]", "\"gold\":[\"Science\"]"))
        .unwrap();
    let answers: Vec<_> = records
        .iter()
        .map(|row| json!({"repo_id": id(row), "domain_names": ["Science"], "domain_ids": [3]}))
        .collect();
    write(folder.path().join("answers.jsonl"), &answers);
    let words = [
        "evaluate",
        weekly,
        "gold.jsonl",
        "--labels",
        "answers.jsonl",
        "--html",
        "r.html",
        "--json",
        "r.json",
    ];
    let said = program(&words, folder.path());
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    let shown = String::from_utf8_lossy(&said.stdout);
    assert!(shown.contains("6 in gold = 6 answered + 0 without an answer + 0 not labelled yet"), "{shown}");
    assert!(shown.contains("subset accuracy 1.000") && shown.contains("random"), "{shown}");
    let json: Value = serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(json["reports"][0]["strata"][0]["rows"], 6);
    assert!(std::fs::read_to_string(folder.path().join("r.html")).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_filter_is_measured_with_what_it_rejects_and_the_second_time_at_no_cost() {
    let folder = tempfile::tempdir().unwrap();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (0, 0)));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let gold: Vec<Value> = std::fs::read_to_string(root.join("configs/attacks/rows.jsonl"))
        .unwrap()
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            row["gold"] = json!({"is_related": true});
            row
        })
        .collect();
    write(folder.path().join("gold.jsonl"), &gold);
    let (task, base) = (root.join("configs/domains/agent.toml"), format!("{}/v1", double.url()));
    let run = |more: &[&str]| {
        let words = [
            "evaluate",
            task.to_str().unwrap(),
            "gold.jsonl",
            "--ask",
            "--model",
            "sim-1",
            "--base-url",
            &base,
        ];
        let output = program(&[&words[..], &["--json", "-"], more].concat(), folder.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        (serde_json::from_slice::<Value>(&output.stdout).unwrap(), said)
    };
    let (first, said) = run(&[]);
    assert!(said.contains("8 paid now, 0 from the cache"), "{said}");
    let scores = &first["reports"][0]["aspects"][0];
    assert_eq!((&scores["name"], &scores["answered"]["rows"]), (&json!("is_related"), &json!(8)));
    let cells = &scores["answered"]["confusion"][0];
    assert!(cells[0].as_u64() < Some(8) && cells[1].as_u64() > Some(0), "the double says both: {cells}");
    assert_eq!(first["reports"][0]["calibration"]["answers"], 8, "of rejected rows too");
    let (second, said) = run(&[]);
    assert!(said.contains("0 paid now, 8 from the cache"), "{said}");
    assert_eq!(first, second);
    let (both, said) = run(&["--against", "sim-mini"]);
    assert!(said.contains("8 paid now, 0 from the cache"), "the second model: {said}");
    assert_eq!(both["comparison"]["rows"], 8, "rejected ones too");
    let answered = |side: usize| both["reports"][side]["coverage"]["answered"].clone();
    assert_eq!((answered(0), answered(1)), (json!(8), json!(8)));
    let b = both["comparison"]["b"].as_str().unwrap();
    assert!(b.contains("asked of sim-mini"), "{b}");
}

#[test]
fn bad_words_give_one_clear_message_and_their_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let weekly = weekly().canonicalize().unwrap();
    let weekly = weekly.to_str().unwrap();
    write(folder.path().join("gold.jsonl"), &[json!({"id": "a/b", "labels": ["Science"]})]);
    write(folder.path().join("other.jsonl"), &[json!({"id": "c/d", "domain_names": ["Science"]})]);
    let check = |words: &[&str], code: i32, what: &str| {
        let output = program(&[&["evaluate", weekly, "gold.jsonl"], words].concat(), folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(what), "{what} in {said}");
    };
    check(&["--labels", "nowhere"], 78, "no such file or folder");
    check(&["--labels", "other.jsonl"], 78, "none of the 1 gold rows is among the 1 records");
    check(&["--labels", "other.jsonl"], 78, "gold says `a/b`, the records `c/d`");
    check(&[], 2, "<--labels <ROOT|FILE>|--compare <A> <B>|--ask>");
    check(&["--ask", "--labels", "other.jsonl"], 2, "cannot be used with");
    check(&["--compare", "other.jsonl"], 2, "--compare");
    check(&["--labels", "."], 78, "no listing under this root");
    check(&["--labels", "other.jsonl", "--against", "m"], 2, "cannot be used with");
    check(&["--labels", "other.jsonl", "--gate", "f1"], 2, "write FIGURE>=NUMBER");
    check(&["--labels", "other.jsonl", "--precision", "95"], 2, "between 0 and 1");
}
