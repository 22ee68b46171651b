//! The `sim` binary: what it prints, and how it ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use crate::client::get;

const SIM: &str = env!("CARGO_BIN_EXE_sim");

fn run(arguments: &[&str]) -> Output {
    Command::new(SIM).args(arguments).output().unwrap()
}

#[test]
fn it_says_where_it_listens_and_serves() {
    for (arguments, path) in [
        (["hub", "--datasets", "3"], "/api/datasets"),
        (["llm", "--seed", "3"], "/v1/models"),
        (["kaggle", "--datasets", "3"], "/api/v1/datasets/list"),
        (["discourse", "--base", "/forum"], "/latest.json"),
    ] {
        let mut child = Command::new(SIM).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap();
        assert_eq!(get(&format!("{url}{path}")).status, 200);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn it_fails_with_a_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["hub", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty() && output.stderr.starts_with(b"sim: "));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("port {port}")) && said.contains("--port 0"), "{said}");
    let said = String::from_utf8(run(&["s3", "/nowhere"]).stderr).unwrap();
    assert!(said.contains("/nowhere") && said.contains("make it"), "{said}");
    for wrong in [
        &["hub", "--fault", "3=nothing"][..],
        &["hub", "--window", "5"],
        &["discourse", "--limit", "5"],
        &["discourse", "--change", "5=shake:3"],
        &["llm", "--latency", "9-3"],
        &["mars"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn help_tells_the_faults_and_an_example() {
    let help = String::from_utf8(run(&["hub", "--help"]).stdout).unwrap();
    assert!(help.contains("empty-next") && help.contains("Example:") && help.contains("Exit status:"));
    let help = String::from_utf8(run(&["llm", "--help"]).stdout).unwrap();
    assert!(
        help.contains("wrong-label") && help.contains("  sim llm --") && help.contains("OPENAI_BASE_URL"),
        "{help}"
    );
}
