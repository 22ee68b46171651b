//! The built program: exit codes, what it says, and death by `kill -9`.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crawl_core::Sink;
use tokio::runtime::Runtime;

use crate::house::{double, listing, read, rows, store, weekly};
use crate::labels::check_labels;

fn program(folder: &Path, base: &str, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
    command.arg("run").arg(weekly()).arg(folder.join("in")).arg("--root").arg(folder.join(out));
    command.args(["--base-url", &format!("{base}/v1"), "--model", "sim-1", "--concurrency", "50"]).args(more);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A hundred deaths at random moments, with fifty questions in flight.
#[test]
fn killed_at_any_moment_it_goes_on_and_pays_for_nothing_twice() {
    const KILLS: u64 = 100;
    const IN_FLIGHT: u64 = 50;
    const RECORDS: usize = 9000;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (10, 40)));
    home.block_on(store(&folder.join("in"), &rows(RECORDS), 150));
    let command = || {
        let mut command = program(folder, &double.url(), "out", &[]);
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    let mut kills = 0;
    while kills < KILLS {
        let mut child = command();
        std::thread::sleep(Duration::from_millis(20 + fastrand::u64(0..70)));
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended after {kills} deaths; make the listing longer"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert_eq!(command().wait().unwrap().code(), Some(0));
    let text = std::fs::read_to_string(folder.join("cache/answers.jsonl")).unwrap();
    let keys: std::collections::HashSet<&str> = text.lines().map(|line| &line[..74]).collect();
    assert_eq!(
        (text.lines().count(), keys.len()),
        (RECORDS, RECORDS),
        "no answer that was kept was asked for again"
    );
    let answered: u64 = double.tally().values().map(|counts| counts.answered).sum();
    let lost = answered - RECORDS as u64;
    assert!(lost <= kills * IN_FLIGHT, "{answered} answers, {kills} kills");
    check_labels(&read(&folder.join("out"), &listing()));

    let before = double.stats().requests;
    let undisturbed = program(folder, &double.url(), "undisturbed", &[]).output().unwrap();
    assert_eq!(undisturbed.status.code(), Some(0), "{}", said(&undisturbed));
    assert_eq!(double.stats().requests, before);
    for page in 1..=RECORDS / 150 {
        let page = |out: &str| {
            std::fs::read(folder.join(out).join(format!("hf/datasets/page_{page:05}.jsonl"))).unwrap()
        };
        assert_eq!(page("out"), page("undisturbed"));
    }
}

/// Two processes over the same records and one cache, killed at random moments.
#[test]
fn two_processes_share_a_cache_and_killed_at_any_moment_lose_nothing_that_was_kept() {
    const KILLS: u64 = 20;
    const RECORDS: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (10, 40)));
    home.block_on(store(&folder.join("in"), &rows(RECORDS), 100));
    let start = |out: &str| {
        let mut command = program(folder, &double.url(), out, &[]);
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    let mut both = [start("one"), start("two")];
    for kill in 0..KILLS {
        std::thread::sleep(Duration::from_millis(20 + fastrand::u64(0..70)));
        let at = usize::from(kill % 2 == 0);
        both[at].kill().unwrap();
        both[at].wait().unwrap();
        both[at] = start(["one", "two"][at]);
        // `stats` and `plan` go on beside them.
        if kill == KILLS / 2 {
            let mut plan = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
            plan.arg("plan")
                .arg(weekly())
                .arg(folder.join("in"))
                .args(["--model", "sim-1", "--sample", "10"]);
            let planned = plan.arg("--cache").arg(folder.join("cache")).output().unwrap();
            assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
        }
    }
    assert!(both.iter_mut().all(|child| child.wait().unwrap().code() == Some(0)));
    let journals = std::fs::read_dir(folder.join("cache")).unwrap().map(|entry| entry.unwrap().path());
    let journals: Vec<_> =
        journals.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).collect();
    assert!(journals.len() > 1, "{journals:?}");
    let texts: Vec<String> = journals.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<&str> =
        texts.iter().flat_map(|text| text.lines()).filter(|line| line.len() > 74).collect();
    let keys: std::collections::HashSet<&str> = lines.iter().map(|line| &line[..74]).collect();
    assert_eq!(keys.len(), RECORDS);
    let before = double.stats().requests;
    let third = program(folder, &double.url(), "three", &[]).output().unwrap();
    assert_eq!(third.status.code(), Some(0), "{}", said(&third));
    assert_eq!(double.stats().requests, before, "what any of them has paid is not paid again");
    for out in ["one", "two", "three"] {
        check_labels(&read(&folder.join(out), &listing()));
    }
}

#[test]
fn an_interrupt_keeps_what_was_paid_and_says_so_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (20, 40)));
    home.block_on(store(&folder.join("in"), &rows(2000), 40));
    let child = program(folder, &double.url(), "out", &[]).stderr(Stdio::piped()).spawn().unwrap();
    let answers = folder.join("cache/answers.jsonl");
    let paid = || std::fs::read_to_string(&answers).map_or(0, |text| text.lines().count());
    while paid() < 100 {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    // What waited for its turn was not asked. What was paid for a page that is not whole is in the cache.
    let (lines, kept) = (paid(), read(&folder.join("out"), &listing()).len());
    assert!(lines < 2000 && kept <= lines, "{kept} kept, {lines} paid");
    let output = program(folder, &double.url(), "out", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(paid(), 2000, "nothing was paid twice");
}

#[test]
fn the_summary_adds_up_and_missing_records_give_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&["chat@1=refusal", "chat@2=length"], (0, 0)));
    home.block_on(store(&folder.join("in"), &rows(40), 10));
    let output = program(folder, &double.url(), "out", &["--concurrency", "1"])
        .output()
        .unwrap_or_else(|error| panic!("{error}"));
    // --concurrency twice is wrong usage.
    assert_eq!(output.status.code(), Some(2));
    let output = program(folder, &double.url(), "out", &[]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(output.stdout.is_empty());
    for line in [
        "40 listed = 38 kept + 0 dropped + 2 missing",
        "40 paid now, 0 from the cache",
        "1  cut",
        "1  refused",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let output = program(folder, &double.url(), "out", &["--retry-missing"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("2 listed = 2 kept + 0 dropped + 0 missing"), "{text}");
    let output = program(folder, &double.url(), "out", &["--retry-missing"]).output().unwrap();
    assert!(said(&output).contains("nothing is missing"));
}

#[test]
fn an_input_that_has_ended_without_records_is_done_and_one_that_goes_on_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    // Nothing is asked, so nobody need be there.
    let run = || program(folder, "http://127.0.0.1:9", "out", &[]).output().unwrap();
    home.block_on(store(&folder.join("in"), &[], 10));
    let output = run();
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
    assert!(said(&output).contains("has no records yet"), "{}", said(&output));
    let (store, id) = (crawl_core::Store::new(folder.join("in")), listing());
    let begun = crawl_core::Stored::open(&folder.join("in"), &id).unwrap().checkpoint().clone();
    let ended = home.block_on(async {
        let ended = store.write(&id, &begun, crawl_core::Page::new(Vec::new(), None)).await.unwrap();
        store.commit(&id, &ended).await.unwrap();
        ended
    });
    assert!(ended.ended());
    for _ in 0..2 {
        let output = run();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains("0 listed = 0 kept + 0 dropped + 0 missing"), "{}", said(&output));
    }
}

#[test]
fn bad_words_give_one_clear_message_and_their_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (0, 0)));
    home.block_on(store(&folder.join("in"), &rows(5), 10));
    let check = |command: &mut Command, code: i32, words: &str| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(words), "{words} in {}", said(&output));
    };
    let url = double.url();
    check(
        program(folder, "http://127.0.0.1:9", "out", &["--tries", "1"]).env("OPENAI_API_KEY", "sk-x"),
        75,
        "cannot be reached",
    );
    check(&mut program(folder, &url, "out", &["--listing", "hf/models"]), 78, "hf/datasets");
    check(&mut program(folder, &url, "other", &["--id-field", "nope", "--pages", "1"]), 3, "5 missing");
    home.block_on(store(&folder.join("strange"), &[serde_json::json!({"id": "a", "text": "b"})], 10));
    let mut unfit = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    unfit
        .arg("run")
        .arg(weekly())
        .arg(folder.join("strange"))
        .arg("--root")
        .arg(folder.join("unfit"))
        .args(["--model", "m"]);
    check(unfit.args(["--base-url", &url]), 78, "the first record has: id, text");
    let mut unknown = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    let tasks = weekly().parent().unwrap().to_owned();
    unknown
        .args(["run", "weakly", "in", "--root", "out", "--model", "m", "--tasks"])
        .arg(&tasks)
        .arg("--base-url")
        .arg(&url);
    check(unknown.current_dir(folder), 78, "no such task");
    let mut list = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    let listed = list.args(["list", "--tasks"]).arg(&tasks).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("\nweekly "));
}

#[test]
fn three_shares_of_three_processes_are_gathered_into_the_pages_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&[], (1, 5)));
    home.block_on(store(&folder.join("in"), &rows(70), 10));
    let run = |out: &str, share: &str, more: &[&str]| {
        let cache = folder.join(format!("cache-{}", share.replace('/', "-")));
        let flags = [&["--share", share, "--cache", cache.to_str().unwrap()][..], more].concat();
        program(folder, &double.url(), out, &flags).stderr(Stdio::piped()).spawn().unwrap()
    };
    let ended = |child: std::process::Child| child.wait_with_output().unwrap();
    let gather = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
        command.arg("gather").arg(folder.join("shared")).output().unwrap()
    };
    for child in [run("shared", "0/3", &[]), run("shared", "1/3", &[])] {
        let output = ended(child);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let early = gather();
    assert_eq!(early.status.code(), Some(3), "{}", said(&early));
    assert!(
        said(&early)
            .contains("not ended: shares 2 of 3; run each again, with --share N/3 (in Slurm: --array=2)"),
        "{}",
        said(&early)
    );
    assert_eq!(ended(run("shared", "2/3", &[])).status.code(), Some(0));
    let whole = gather();
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    // The same answers, for a run without shares: each tells when it was given.
    let mut answers = Vec::new();
    for share in ["0-3", "1-3", "2-3"] {
        answers.extend(std::fs::read(folder.join(format!("cache-{share}/answers.jsonl"))).unwrap());
    }
    std::fs::create_dir(folder.join("cache")).unwrap();
    std::fs::write(folder.join("cache/answers.jsonl"), answers).unwrap();
    let one = program(folder, &double.url(), "one", &[]).output().unwrap();
    assert_eq!(one.status.code(), Some(0), "{}", said(&one));
    for page in 1..=7 {
        let page = |out: &str| {
            std::fs::read(folder.join(out).join(format!("hf/datasets/page_{page:05}.jsonl"))).unwrap()
        };
        assert!(page("shared") == page("one") && !page("one").is_empty());
    }
    let again = ended(run("shared", "2/3", &["--retry-missing"]));
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
}

#[test]
fn a_command_that_has_moved_says_where_it_is_whatever_stands_behind_it() {
    for words in [
        &["evaluate", "weekly", "gold.jsonl", "--labels", "x"][..],
        &["attack", "--help"],
        &["sample"],
        &["distil"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
        let output = command.args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(
            said(&output).contains(&format!("write `llm-evaluator {} ...`", words[0])),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn a_plan_of_votes_costs_so_many_times_as_much_and_votes_at_temperature_0_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = Runtime::new().unwrap();
    home.block_on(store(&folder.path().join("in"), &rows(20), 10));
    let plan = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
        command
            .arg("plan")
            .arg(weekly())
            .arg(folder.path().join("in"))
            .args(["--model", "m", "--price", "1/1"]);
        command.args(["--json", "--temperature", "0.7"]).args(more).output().unwrap()
    };
    let likely = |more: &[&str]| -> (u64, f64) {
        let output = plan(more);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(plan["asked"], 20);
        (plan["questions"].as_u64().unwrap(), plan["cost_usd"]["likely"].as_f64().unwrap())
    };
    let (one, five) = (likely(&[]), likely(&["--votes", "5"]));
    assert_eq!((one.0, five.0), (20, 100));
    assert!((five.1 / one.1 - 5.0).abs() < 1e-6, "{five:?} and {one:?}");
    let mut command = program(folder.path(), "http://127.0.0.1:1", "out", &["--votes", "3"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
    assert!(said(&output).contains("at temperature 0 all votes are one and the same"), "{}", said(&output));
}

#[test]
fn engines_in_a_wrong_order_and_a_head_without_a_file_are_refused_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let home = Runtime::new().unwrap();
    home.block_on(store(&folder.path().join("in"), &rows(2), 10));
    let check = |more: &[&str], what: &str, advice: &str| {
        let output = program(folder.path(), "http://127.0.0.1:1", "out", more).output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(said(&output).contains(what) && said(&output).contains(advice), "{}", said(&output));
    };
    check(&["--engine", "head,openai"], "the engine `head` has no file", "--head FILE");
    check(&["--head", "x.json"], "no engine asks it", "--engine head,openai");
    check(&["--engine", "head,rules,openai", "--head", "x.json"], "asked in one order", "rules,head,openai");
    check(
        &["--engine", "openai,head", "--head", "x.json"],
        "behind `openai` no other engine",
        "in the order",
    );
    check(&["--engine", "head,openai", "--head", "x.json"], "cannot read the head", "llm-evaluator distil");
}
