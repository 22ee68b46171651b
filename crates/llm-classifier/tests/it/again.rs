//! Asking again for what is missing: the hard records, which are no reason to doubt the setup, and each question once.

use std::path::Path;
use std::process::Command;

use crawl_core::SourceId;
use serde_json::json;

use crate::house::{read, row, store, weekly};
use crate::odd::{Odd, Sent};

/// Runs the program over the listing in `folder`; gives its exit code and what it said.
async fn program(folder: &Path, url: &str, model: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-classifier"));
    command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
    command.arg("run").arg(weekly()).arg(folder.join("in")).arg("--root").arg(folder.join("out"));
    command
        .args(["--base-url", &format!("{url}/v1"), "--model", model, "--plain-labels", "--concurrency", "4"])
        .args(more);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_hard_records_do_not_stop_a_round_where_the_setup_has_worked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The first 52 hard ones stay hard; the last three have a right answer in the second round.
    let odd = Odd::start(|asked, number| {
        let (id, hard) = (asked.id(), asked.id().starts_with("hard-"));
        let late = ["hard-52", "hard-53", "hard-54"].contains(&id.as_str()) && number > 5 + 2 * 55;
        match hard && !late {
            true => {
                let mut body = asked.completion();
                body["choices"][0]["message"]["content"] = json!("It is about many things.");
                Sent::json(200, &body)
            }
            false => Sent::json(200, &asked.completion()),
        }
    })
    .await;
    let good = (0..5).map(|n| row("owner", &format!("good-{n}"), "Some text."));
    let hard = (0..55).map(|n| row("owner", &format!("hard-{n}"), "Some text."));
    store(&folder.join("in"), &good.chain(hard).collect::<Vec<_>>(), 60).await;
    let (code, said) = program(folder, &odd.url, "sim-1", &[]).await;
    assert_eq!((code, odd.asked().len()), (Some(3), 5 + 2 * 55), "{said}");
    let (code, said) = program(folder, &odd.url, "sim-1", &["--retry-missing"]).await;
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(read(&folder.join("out"), &SourceId::new("hf/datasets-retry-1").unwrap()).len(), 3);
    // With another model nobody knows whether the setup works.
    let (code, said) = program(folder, &odd.url, "sim-2", &["--retry-missing"]).await;
    assert!(code == Some(78) && said.contains("the first 50 records"), "{code:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_equal_content_are_asked_about_again_once_a_round() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let odd = Odd::start(|asked, _| {
        let mut body = asked.completion();
        body["choices"][0]["message"]["content"] = json!("It is about many things.");
        Sent::json(200, &body)
    })
    .await;
    // Mirrors of one card, on two pages.
    let mirrors: Vec<_> = (0..6).map(|n| row(&format!("owner{n}"), "card", "Some text.")).collect();
    store(&folder.join("in"), &mirrors, 3).await;
    for (round, more) in [&[][..], &["--retry-missing"], &["--retry-missing"]].into_iter().enumerate() {
        let (code, said) = program(folder, &odd.url, "sim-1", more).await;
        assert_eq!(code, Some(3), "{said}");
        // A question, and once more with the error.
        assert_eq!(odd.asked().len(), 2 * (round + 1), "{said}");
        // Of six records two answers each: two were paid, and the others read; not those of the round before.
        assert!(said.contains("2 paid now, 10 from the cache; 6 of them second ones"), "{said}");
    }
}
