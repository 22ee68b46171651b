//! `process --share` and `gather`, as processes on several machines run them.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::desk::{double, list, small};
use crate::program::text;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn process(input: &Path, root: &Path, more: &[&str]) -> Child {
    let mut arguments = vec!["process", input.to_str().unwrap(), "--root", root.to_str().unwrap()];
    arguments.extend(more);
    program(&arguments).spawn().unwrap()
}

fn gather(root: &Path) -> Output {
    program(&["gather", root.to_str().unwrap()]).output().unwrap()
}

fn done(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

fn pages(root: &Path) -> Vec<Vec<u8>> {
    let page = |number| std::fs::read(root.join(format!("hf/datasets/page_{number:05}.jsonl"))).ok();
    (1..).map_while(page).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_shares_of_three_processes_are_gathered_into_the_pages_of_one() {
    let double = double(950, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let [input, one, shared] = ["in", "one", "shared"].map(|name| folder.path().join(name));
    list(&double, small(), &input).await.unwrap();
    let filter = folder.path().join("filter.toml");
    std::fs::write(&filter, "min_downloads = 11\n").unwrap();
    let history = folder.path().join("history.jsonl");
    std::fs::write(&history, "{\"id\":\"nothing\",\"author\":\"nobody\"}\n").unwrap();
    let flags = ["--filter", filter.to_str().unwrap(), "--history", history.to_str().unwrap()];
    let more = |more: &[&'static str]| [&flags[..], more].concat();
    done(process(&input, &one, &more(&["--collect-date", "2026-11-23"])));
    let shares = ["0/3", "2/3"]
        .map(|share| process(&input, &shared, &more(&["--share", share, "--collect-date", "2026-11-23"])));
    shares.into_iter().for_each(done);

    let output = gather(&shared);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("not ended: shares 1 of 3"), "{}", text(&output));
    // A share of a later day is one of the first day all the same, and the history is the first one's.
    std::fs::write(&history, "").unwrap();
    done(process(&input, &shared, &more(&["--share", "1/3"])));
    let output = gather(&shared);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("hf/datasets: 10 pages, whole"), "{}", text(&output));
    assert_eq!(pages(&shared).len(), 10);
    assert_eq!(pages(&shared), pages(&one));
    assert!(pages(&one).iter().any(|page| !page.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_is_none_and_one_that_would_leave_the_root_are_refused() {
    let double = double(100, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let [input, root] = ["in", "out"].map(|name| folder.path().join(name));
    list(&double, small(), &input).await.unwrap();
    for wrong in [&["--share", "3/3"][..], &["--share", "1/3", "--upload", "s3://bucket/x"]] {
        let output = process(&input, &root, wrong).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    }
    assert!(!root.exists());
}
