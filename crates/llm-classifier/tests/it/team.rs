//! One cache for a team: several processes at once pay for each answer once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crawl_sim::Running;
use tokio::runtime::Runtime;

use crate::house::{double, listing, read, rows, store, weekly};
use crate::labels::check_labels;

const RECORDS: usize = 600;
const IN_FLIGHT: u64 = 50;

fn start(folder: &Path, double: &Running, out: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
    command.arg("run").arg(weekly()).arg(folder.join("in")).arg("--root").arg(folder.join(out));
    command.args(["--base-url", &format!("{}/v1", double.url()), "--model", "sim-1"]);
    command.args(["--concurrency", &IN_FLIGHT.to_string()]).stderr(Stdio::null()).spawn().unwrap()
}

fn answered(double: &Running) -> u64 {
    double.tally().values().map(|counts| counts.answered).sum()
}

/// The keys of all lines of all journals.
fn kept(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("cache")).unwrap().map(|entry| entry.unwrap().path());
    let journals = files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    let texts: Vec<String> = journals.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| line[..74].to_owned()).collect()
}

fn check(folder: &Path, outs: &[&str]) {
    for out in outs {
        let rows = read(&folder.join(out), &listing());
        assert_eq!(rows.len(), RECORDS, "{out}");
        check_labels(&rows);
    }
}

/// A command beside the runs.
fn beside(folder: &Path, words: &[&str], more: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    let output = command.args(words).arg(folder.join("cache")).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn two_and_three_processes_at_once_pay_for_each_answer_once() {
    let home = Runtime::new().unwrap();
    for outs in [&["one", "two"][..], &["one", "two", "three"]] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let double = home.block_on(double(&[], (40, 120)));
        home.block_on(store(&folder.join("in"), &rows(RECORDS), 100));
        let runs: Vec<Child> = outs.iter().map(|out| start(folder, &double, out)).collect();
        while answered(&double) < 100 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (task, input) = (weekly(), folder.join("in"));
        let plan = ["plan", task.to_str().unwrap(), input.to_str().unwrap(), "--model", "sim-1", "--cache"];
        beside(folder, &plan, &["--sample", "20"]);
        beside(folder, &["cache", "stats"], &[]);
        beside(folder, &["cache", "prune"], &["--task", "no_such_task"]);
        for mut run in runs {
            assert_eq!(run.wait().unwrap().code(), Some(0));
        }
        check(folder, outs);
        let keys = kept(folder);
        let different: std::collections::HashSet<&String> = keys.iter().collect();
        assert_eq!((answered(&double), keys.len(), different.len()), (600, RECORDS, RECORDS), "{outs:?}");
    }
}

#[test]
fn a_process_that_dies_holds_up_no_other_and_costs_only_what_it_was_asking() {
    let home = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = home.block_on(double(&[], (40, 120)));
    home.block_on(store(&folder.join("in"), &rows(RECORDS), 100));
    let mut runs = ["one", "two", "three"].map(|out| start(folder, &double, out));
    for (dies, at) in [(0, 120), (1, 300)] {
        while answered(&double) < at {
            std::thread::sleep(Duration::from_millis(2));
        }
        runs[dies].kill().unwrap();
        runs[dies].wait().unwrap();
    }
    assert_eq!(runs[2].wait().unwrap().code(), Some(0));
    let paid = answered(&double);
    assert!(paid <= 600 + 2 * IN_FLIGHT, "{paid} answers, two deaths");
    let keys = kept(folder);
    let different: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!((keys.len(), different.len()), (RECORDS, RECORDS), "no kept answer was paid again");
    for out in ["one", "two"] {
        assert_eq!(start(folder, &double, out).wait().unwrap().code(), Some(0));
    }
    assert_eq!(answered(&double), paid, "who comes back pays nothing");
    check(folder, &["one", "two", "three"]);
}
