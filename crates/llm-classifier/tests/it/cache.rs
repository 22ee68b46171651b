//! The response cache: nothing that was paid is paid again.

use std::path::Path;
use std::time::Duration;

use crawl_core::{Checkpoint, Kind};
use crawl_core::{Next, Round};
use crawl_sim::Running;
use llm_classifier::Cache;
use tokio::runtime::Runtime;

use crate::house::{Setup, double, labelled, listing, read, rows, run, store};
use crate::labels::check_labels;

/// Runs the weekly task over `input` in the caller's runtime.
async fn weekly(
    folder: &Path,
    out: &str,
    double: &Running,
    change: impl FnOnce(&mut Setup),
) -> crawl_core::Result<Checkpoint> {
    let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
    let mut setup = Setup::new(&double.url());
    change(&mut setup);
    let classifier = setup.classifier(&folder.join("cache"))?;
    run(&labelled(input, classifier), &folder.join(out)).await
}

fn lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("cache/answers.jsonl")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_asks_nothing_even_where_answers_were_useless() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&["chat@p:0.2=invalid", "chat@p:0.1=refusal", "chat@p:0.1=length"], (0, 5)).await;
    store(&folder.join("in"), &rows(200), 50).await;
    let first = weekly(folder, "out", &double, |_| {}).await.unwrap();
    let asked = double.stats().requests;
    let again = weekly(folder, "out", &double, |_| {}).await.unwrap();
    assert_eq!(first, again, "the same root has ended");
    let anew = weekly(folder, "anew", &double, |_| {}).await.unwrap();
    assert_eq!(double.stats().requests, asked);
    assert!(anew.totals.missing > 0);
    assert_eq!((first.totals.records, first.totals.missing), (anew.totals.records, anew.totals.missing));
    for page in 1..=4 {
        let page = |out: &str| {
            std::fs::read(folder.join(out).join(format!("hf/datasets/page_{page:05}.jsonl"))).unwrap()
        };
        assert_eq!(page("out"), page("anew"));
    }
}

#[test]
fn a_run_that_dies_pays_only_what_was_in_flight_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = Runtime::new().unwrap();
    let double = home.block_on(double(&["chat@p:0.05=invalid"], (2, 12)));
    home.block_on(store(&folder.join("in"), &rows(600), 100));
    for stop_at in [40, 250, 333] {
        let life = Runtime::new().unwrap();
        life.block_on(async {
            tokio::select! {
                ended = weekly(folder, "out", &double, |setup| setup.concurrency = 25) => panic!("{ended:?}"),
                () = async { while double.stats().completed < stop_at { tokio::time::sleep(Duration::from_millis(1)).await } } => {}
            }
        });
        life.shutdown_timeout(Duration::from_secs(5));
    }
    let at = home.block_on(weekly(folder, "out", &double, |setup| setup.concurrency = 25)).unwrap();
    assert_eq!(at.totals.listed, 600);
    check_labels(&read(&folder.join("out"), &listing()));
    let kept = lines(folder);
    let keys: std::collections::HashSet<_> = kept.iter().map(|line| &line[..74]).collect();
    assert_eq!(keys.len(), kept.len(), "no answer that was kept was asked for again");
    let lost = double.stats().by_kind["chat"] - kept.len() as u64;
    assert!(lost <= 3 * 25, "{lost} answers were in flight at three deaths");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_prompt_is_refused_on_the_same_root_and_leaves_old_answers_alone_on_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&[], (0, 0)).await;
    store(&folder.join("in"), &rows(30), 10).await;
    weekly(folder, "out", &double, |_| {}).await.unwrap();
    let before = lines(folder);
    let changed = |setup: &mut Setup| {
        let text = std::fs::read_to_string(crate::house::weekly()).unwrap();
        let text = text.replace("You sort datasets by subject.", "You sort data by subject.");
        setup.task = llm_classifier::Task::parse(&text, Path::new("changed.toml")).unwrap();
    };
    let error = weekly(folder, "out", &double, changed).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(
        error.to_string().contains("prompt.system: was `") && !error.to_string().contains("prompt.user"),
        "{error}"
    );
    let error = weekly(folder, "out", &double, |setup| setup.model = "sim-mini".into()).await.unwrap_err();
    assert!(error.to_string().contains("model: was `sim-1`, is now `sim-mini`"), "{error}");
    weekly(folder, "other", &double, changed).await.unwrap();
    let after = lines(folder);
    assert_eq!(after.len(), 60);
    assert_eq!(after[..30], before);
    let digest = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["prompt"].clone();
    assert_ne!(digest(&after[0]), digest(&after[59]));
    weekly(folder, "back", &double, |_| {}).await.unwrap();
    assert_eq!(double.stats().requests, 60, "the old answers still count for the old prompt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_last_line_is_cut_off_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&[], (0, 0)).await;
    store(&folder.join("in"), &rows(10), 10).await;
    weekly(folder, "out", &double, |setup| setup.concurrency = 1).await.unwrap();
    let path = folder.join("cache/answers.jsonl");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, [b"not ours\n", &whole[..whole.len() - 30]].concat()).unwrap();
    let opened = Cache::open(&path).unwrap().opened();
    assert_eq!((opened.answers, opened.unreadable), (9, 1));
    assert!(opened.torn_bytes > 100);
    weekly(folder, "anew", &double, |setup| setup.concurrency = 1).await.unwrap();
    assert_eq!(double.stats().requests, 11);
    let without_times = |bytes: &[u8]| {
        bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.get(..74).unwrap_or_default().to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(without_times(&std::fs::read(&path).unwrap()[9..]), without_times(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_asked_for_again_in_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&["chat@p:0.3=refusal"], (0, 0)).await;
    store(&folder.join("in"), &rows(100), 30).await;
    let whole = weekly(folder, "out", &double, |_| {}).await.unwrap();
    let (mut left, mut names) = (whole.totals.missing, vec![]);
    assert!(left > 10);
    let mut kept = whole.totals.records;
    while let Next::Again(round) = Round::next(&folder.join("out"), &listing()).unwrap() {
        let before = double.stats().requests;
        assert_eq!(round.wanted(), left);
        names.push(round.id().to_string());
        let input = crawl_core::Input::open(&folder.join("in"), &listing()).unwrap();
        let setup = Setup { again: true, ..Setup::new(&double.url()) };
        let classifier = setup.classifier(&folder.join("cache")).unwrap();
        let id = round.id().clone();
        let at = run(&labelled(input, classifier).again(round).unwrap(), &folder.join("out")).await.unwrap();
        assert_eq!(at.totals.listed, left);
        assert_eq!(double.stats().requests - before, left, "exactly the missing ones are asked for");
        check_labels(&read(&folder.join("out"), &id));
        kept += at.totals.records;
        left = at.totals.missing;
    }
    assert_eq!((kept, left), (100, 0));
    assert_eq!(names[0], "hf/datasets-retry-1");
    assert!(matches!(Round::next(&folder.join("out"), &listing()).unwrap(), Next::Nothing));
    assert!(matches!(Round::next(&folder.join("nowhere"), &listing()).unwrap(), Next::Whole));
}
