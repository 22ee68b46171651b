//! Rejected rows: what a filter does not let through is kept for a person to read, with the answer and the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crawl_core::{Kind, Stored};
use crawl_sim::Running;
use llm_classifier::{Task, check_fields, rejected_root};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::house::{double, id, listing, read, rows, store};

fn task(name: &str) -> PathBuf {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    Task::find(&[configs.join("tasks"), configs.join("domains")], name).unwrap()
}

fn program(folder: &Path, double: &Running, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
    command.arg("run").arg(task("agent")).arg(folder.join("in")).arg("--root").arg(folder.join(out));
    command
        .args(["--base-url", &format!("{}/v1", double.url()), "--model", "sim-1", "--rejected"])
        .args(more);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The ids of both sides, each in the order of its listing.
fn sides(folder: &Path, out: &str) -> [Vec<String>; 2] {
    let root = folder.join(out);
    let ids = |root: &Path| read(root, &listing()).iter().map(|row| id(row).to_owned()).collect();
    [ids(&root), ids(&rejected_root(&root))]
}

/// Every row is on one side, once.
fn check_whole(folder: &Path, out: &str, wanted: &[Value]) {
    let [kept, rejected] = sides(folder, out);
    let mut all: Vec<&str> = kept.iter().chain(&rejected).map(String::as_str).collect();
    let mut wanted: Vec<&str> = wanted.iter().map(id).collect();
    all.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(all, wanted);
    assert!(kept.len() > 10 && rejected.len() > 10, "{} and {}", kept.len(), rejected.len());
}

#[test]
fn rejected_rows_have_their_answer_and_the_reason_and_cost_nothing_more() {
    let (home, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let (folder, given) = (folder.path(), rows(120));
    let double = home.block_on(double(&["chat@5=refusal"], (0, 5)));
    home.block_on(store(&folder.join("in"), &given, 50));
    let output = program(folder, &double, "out/", &["--concurrency", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("120 paid now, 0 from the cache"), "{}", said(&output));
    assert_eq!(double.stats().requests, 120);
    let root = rejected_root(&folder.join("out"));
    assert_eq!(root, folder.join("out.rejected"));
    let at = Stored::open(&root, &listing()).unwrap();
    let totals = &at.checkpoint().totals;
    let kept = read(&folder.join("out"), &listing()).len() as u64;
    assert_eq!((totals.dropped["let through"], totals.dropped["without an answer"]), (kept, 1));
    assert_eq!((totals.listed, totals.missing), (120, 0));
    let task = Task::load(&task("agent")).unwrap();
    for row in read(&root, &listing()) {
        let given = given.iter().find(|given| id(given) == id(&row)).unwrap();
        assert_eq!(row["description"], given["description"], "the record is there, word for word");
        let answer = &row["agent_classification"];
        let why = if answer["is_related"] == true { "confidence below 0.5" } else { "is_related is false" };
        assert_eq!(row["rejected"], why, "{row}");
        assert_eq!(row[task.output.answer.as_deref().unwrap()]["engine"], "openai");
    }
    // What was rejected is no input of the next stage.
    let input = crawl_core::Input::open(&root, &listing()).unwrap();
    let second = Task::load(&self::task("agent_specific")).unwrap();
    let error = check_fields(&second, &input).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("that of `agent, rejected`"), "{error}");
    // What is asked again has its rejected rows as well.
    let output = program(folder, &double, "out", &["--retry-missing"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let [kept, rejected] = ["out", "out.rejected"].map(|root| {
        let input = crawl_core::Input::open(&folder.join(root), &listing()).unwrap();
        assert_eq!(input.listings().count(), 2, "the listing and its round");
        input.records()
    });
    assert_eq!((kept + rejected, double.stats().requests), (120, 121));
}

#[test]
fn killed_at_any_moment_no_row_is_on_both_sides_or_on_none() {
    let (home, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let (folder, given) = (folder.path(), rows(600));
    let double = home.block_on(double(&[], (1, 5)));
    home.block_on(store(&folder.join("in"), &given, 30));
    let checkpoint = folder.join("out.rejected/hf/datasets/checkpoint.json");
    for death in 0..8 {
        let mut child = program(folder, &double, "out", &[]).stderr(Stdio::null()).spawn().unwrap();
        // At first while it asks, then while it writes what was rejected.
        while death >= 3 && !checkpoint.is_file() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let wait = if death < 3 { 300 } else { fastrand::u64(0..200) };
        std::thread::sleep(Duration::from_millis(wait));
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(checkpoint.is_file(), "it died while it wrote what was rejected");
    let output = program(folder, &double, "out", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    check_whole(folder, "out", &given);
    let paid = double.stats().requests;
    let again = program(folder, &double, "undisturbed", &[]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!((sides(folder, "undisturbed"), double.stats().requests), (sides(folder, "out"), paid));
}

#[test]
fn shares_of_rejected_rows_are_gathered_as_those_that_were_let_through() {
    let (home, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let (folder, given) = (folder.path(), rows(120));
    let double = home.block_on(double(&[], (0, 5)));
    home.block_on(store(&folder.join("in"), &given, 30));
    for share in ["0/2", "1/2"] {
        let output = program(folder, &double, "out", &["--share", share]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    for root in ["out", "out.rejected"] {
        let mut gather = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
        let output = gather.arg("gather").arg(folder.join(root)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    check_whole(folder, "out", &given);
    assert_eq!(double.stats().requests, 120);
}
