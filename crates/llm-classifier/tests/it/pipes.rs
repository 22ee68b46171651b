//! Pipes and files: records in, records out, in order; and what every new command says of bad words.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tokio::runtime::Runtime;

use crate::house::{double, id, rows, store, weekly};
use crate::labels::check_labels;

fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
    command.current_dir(folder).args(words);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(rows: &[serde_json::Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn a_run_says_for_how_many_answers_a_wished_probability_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (0, 0)));
    std::fs::write(folder.join("in.jsonl"), text(&rows(5))).unwrap();
    let (base, task) = (format!("{}/v1", double.url()), weekly());
    let words = ["run", task.to_str().unwrap(), "in.jsonl", "--base-url", &base, "--model", "sim-1"];
    for (more, says) in [(&["--logprobs"][..], true), (&[], false)] {
        let ran = program(folder, &[&words[..], more].concat()).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        assert_eq!(said(&ran).contains("probabilities: unknown for 5 answers"), says, "{}", said(&ran));
    }
}

#[test]
fn a_pipe_gives_the_same_rows_as_a_file_in_the_order_of_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&["chat@7=refusal"], (0, 30)));
    let given = rows(300);
    let lines = text(&given).replacen('\n', "\n\n", 1);
    let base = format!("{}/v1", double.url());
    let task = weekly();
    let task = task.to_str().unwrap();
    let asking = ["--base-url", &base, "--model", "sim-1", "--id-field", "repo_id", "--cache", "cache"];
    let mut child = program(folder, &[&["run", task, "-"][..], &asking].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut into = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || into.write_all(lines.as_bytes()).unwrap());
    let piped = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert_eq!(piped.status.code(), Some(3), "{}", said(&piped));
    assert!(said(&piped).contains("300 listed = 299 kept + 0 dropped + 1 missing"), "{}", said(&piped));
    let out = String::from_utf8(piped.stdout).unwrap();
    let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    check_labels(&found);
    let wanted = given.iter().map(id).filter(|wanted| found.iter().any(|row| id(row) == *wanted));
    assert!(wanted.eq(found.iter().map(id)), "the order is that of the lines");

    std::fs::write(folder.join("in.jsonl"), text(&given)).unwrap();
    let asked = double.stats().requests;
    let words = [&["run", task, "in.jsonl", "--output", "out.jsonl"][..], &asking].concat();
    let filed = program(folder, &words).output().unwrap();
    assert_eq!(filed.status.code(), Some(3), "{}", said(&filed));
    assert_eq!(std::fs::read_to_string(folder.join("out.jsonl")).unwrap(), out);
    let missing = std::fs::read_to_string(folder.join("out.missing.jsonl")).unwrap();
    assert!(missing.contains("\"refused\"") && missing.lines().count() == 1, "{missing}");
    assert_eq!(double.stats().requests, asked, "all of it came from the cache");
}

#[test]
fn bad_words_give_one_clear_message_each_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (0, 0)));
    home.block_on(store(&folder.join("in"), &rows(5), 10));
    std::fs::write(folder.join("in.jsonl"), text(&rows(2)) + "{\"repo_id\": \n").unwrap();
    std::fs::write(folder.join("no_id.jsonl"), "{\"name\":\"x\"}\n").unwrap();
    let base = format!("{}/v1", double.url());
    let task = weekly();
    let task = task.to_str().unwrap();
    let check = |words: &[&str], code: i32, part: &str| {
        let output = program(folder, &[words, &["--base-url", &base]].concat()).output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
        assert!(text.contains(part) && text.contains("what to do"), "{part} in {text}");
        assert_eq!(text.matches("error:").count(), 1, "{text}");
    };
    check(&["run", task, "in", "--model", "sim-1"], 78, "nothing says where");
    check(&["run", task, "in.jsonl", "--root", "out", "--model", "sim-1"], 78, "no pages for a --root");
    check(&["run", task, "no_id.jsonl", "--model", "sim-1"], 78, "neither `repo_id` nor `id`");
    check(&["run", task, "in.jsonl", "--model", "sim-1", "--output", "o.jsonl"], 78, "in.jsonl:3");
    assert!(!folder.join("o.jsonl").exists() && folder.join("o.jsonl.part").exists());
    check(
        &["run", task, "in", "--root", "out", "--model", "sim-1", "--budget", "1"],
        78,
        "price of the model `sim-1` is unknown",
    );
    check(
        &["run", task, "in", "--root", "out", "--model", "sim-1", "--price", "cheap"],
        78,
        "not INPUT/OUTPUT",
    );
    check(
        &["run", task, "in", "--root", "out", "--model", "sim-1", "--engine", "openai,rules"],
        78,
        "no other engine",
    );
    check(&["run", task, "in", "--root", "out"], 78, "no model is named");
    check(&["run", task, "-", "--model", "sim-1", "--batch"], 78, "stdin");
    std::fs::write(folder.join("prices.toml"), "[[price]]\nmodel = \"sim-1\"\nimput = 1\noutput = 1\n")
        .unwrap();
    check(&["plan", task, "in", "--model", "sim-1", "--prices", "prices.toml"], 78, "prices.toml:3");
    let output = program(folder, &["cache", "stats", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(!folder.join("nowhere").exists(), "looking makes nothing");
    let output = program(folder, &["plan", task, "in", "--model", "sim-1"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("dollars: unknown"), "{text}");
    assert_eq!(double.stats().requests, 2, "only the two good lines of in.jsonl were asked about");
}
