//! The program as people and supervisors meet it: exit codes, messages, help.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crawl_sim::{Hub as Double, HubConfig, Running};

use crate::desk::double;

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    for name in ["HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("HF_HOME", "/nonexistent").args(arguments).envs(environment.iter().copied()).output().unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn crawl(double: &Running, root: &Path, more: &[&str], environment: &[(&str, &str)]) -> Output {
    let url = double.url();
    let mut arguments =
        vec!["datasets", "--endpoint", &url, "--root", root.to_str().unwrap(), "--tries", "2"];
    arguments.extend(more);
    run(&arguments, environment)
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_how_it_ended() {
    let root = || tempfile::tempdir().unwrap();
    let check = |output: Output, code: i32, says: &str| {
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(text(&output).contains(says), "`{says}` is not in: {}", text(&output));
    };
    let clean = double(20, &[]).await;
    check(crawl(&clean, root().path(), &[], &[]), 0, "20 listed = 20 kept + 0 dropped + 0 missing");
    check(
        crawl(&double(20, &["1=row-string"]).await, root().path(), &[], &[]),
        3,
        "21 listed = 20 kept + 0 dropped + 1 missing",
    );
    check(
        crawl(&double(20, &["all=status:500"]).await, root().path(), &[], &[]),
        75,
        "what to do: run the same command again",
    );
    check(crawl(&double(20, &["all=html"]).await, root().path(), &[], &[]), 65, "the answer begins: <");
    check(
        crawl(&double(20, &["all=429:retry-after=900"]).await, root().path(), &["--patience", "1"], &[]),
        76,
        "later",
    );
    check(crawl(&clean, Path::new("/proc/nowhere"), &[], &[]), 74, "cannot make the folder: `/proc/nowhere`");
    check(crawl(&clean, root().path(), &[], &[("HF_HUB_OFFLINE", "1")]), 78, "unset HF_HUB_OFFLINE");
    check(run(&["datasets"], &[]), 2, "--root");
    check(run(&["status", root().path().to_str().unwrap()], &[]), 78, "no listing was begun here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_told_and_never_shown() {
    let config = HubConfig { datasets: 5, models: 0, token: Some("hf_right".into()), ..HubConfig::default() };
    let double = Double::start(config).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let output = crawl(&double, root.path(), &["--verbose"], &[("HF_TOKEN", "hf_wrong_and_secret")]);
    assert_eq!(output.status.code(), Some(77));
    assert!(text(&output).contains("the token from HF_TOKEN is not valid"), "{}", text(&output));
    let file = root.path().join("token");
    std::fs::write(&file, "hf_right\n").unwrap();
    let environment = [("HF_TOKEN_PATH", file.to_str().unwrap()), ("RUST_LOG", "trace")];
    let right = crawl(&double, root.path(), &[], &environment);
    assert_eq!(right.status.code(), Some(0), "{}", text(&right));
    let mut written = text(&output) + &text(&right);
    for (_, bytes) in walk(root.path()).into_iter().filter(|(path, _)| !path.ends_with("token")) {
        written.push_str(&String::from_utf8_lossy(&bytes));
    }
    for secret in ["hf_wrong_and_secret", "hf_right"] {
        assert!(!written.contains(secret), "{secret} was written");
    }
}

fn walk(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(walk(&path)),
            path => files.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_are_refused_and_status_works_meanwhile() {
    let double = double(3_000, &["2-9=slow:1500"]).await;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap();
    let mut first = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["datasets", "--endpoint", &double.url(), "--root", path, "--quiet"])
        .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while run(&["status", path], &[]).status.code() != Some(0) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = crawl(&double, root.path(), &[], &[]);
    assert_eq!(second.status.code(), Some(78), "{}", text(&second));
    assert!(text(&second).contains("another writer has this listing (hf-crawler, process "));
    let status: serde_json::Value =
        serde_json::from_slice(&run(&["status", path, "--json"], &[]).stdout).unwrap();
    assert_eq!((&status[0]["running"], &status[0]["ended"]), (&true.into(), &false.into()));
    // Ctrl-C once: the page in flight is finished.
    let pid = first.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(130));
    let rest = crawl(&double, root.path(), &[], &[]);
    assert_eq!(rest.status.code(), Some(0), "{}", text(&rest));
    let status: serde_json::Value =
        serde_json::from_slice(&run(&["status", path, "--json", "--verify"], &[]).stdout).unwrap();
    let sum = |name: &str| status[0][name].as_u64().unwrap();
    assert_eq!((sum("listed"), sum("kept") + sum("missing")), (3_000, 3_000));
    assert_eq!((&status[0]["ended"], &status[0]["damaged"]), (&true.into(), &serde_json::json!([])));
    assert!(text(&run(&["status", path], &[])).contains("3,000 listed = 3,000 kept + 0 dropped + 0 missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_file_speaks_in_flags_and_flags_go_before_it() {
    let double = double(500, &[]).await;
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("crawl.toml");
    let text_of = |limit: &str| {
        format!(
            "[hf-crawler.datasets]\nlimit = {limit}\nfilter = [\"language:en\"]\nendpoint = \"{}\"\n",
            double.url()
        )
    };
    std::fs::write(&file, text_of("7")).unwrap();
    let run_with = |name: &str, more: &[&str]| {
        let out = root.path().join(name);
        let mut arguments =
            vec!["datasets", "--config", file.to_str().unwrap(), "--root", out.to_str().unwrap()];
        arguments.extend(more);
        run(&arguments, &[])
    };
    assert!(text(&run_with("a", &[])).contains("7 listed"));
    assert!(text(&run_with("b", &["--limit", "9"])).contains("9 listed"));
    assert!(double.seen().iter().all(|seen| seen.path_and_query.contains("language%3Aen")));
    std::fs::write(&file, "[datasets]\nlimits = 7\n").unwrap();
    let bad = run_with("c", &[]);
    assert_eq!(bad.status.code(), Some(78));
    assert!(text(&bad).contains("`datasets` has no flag --limits, line 2"), "{}", text(&bad));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processed_root_is_not_processed_again() {
    let double = double(300, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    crawl(&double, &folder.path().join("listed"), &[], &[]);
    let first = run(&["process", &path("listed"), "--root", &path("processed")], &[]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    let second = run(&["process", &path("processed"), "--root", &path("again")], &[]);
    assert_eq!(second.status.code(), Some(78), "{}", text(&second));
    assert!(text(&second).contains("these rows have been processed already"), "{}", text(&second));
    assert!(text(&second).contains("name the root that `hf-crawler datasets` wrote"), "{}", text(&second));
    assert!(!folder.path().join("again/hf").exists());
}

#[test]
fn help_has_an_example_and_the_exit_codes() {
    let help = text(&run(&["--help"], &[]));
    assert!(help.contains("Exit codes:") && help.contains("records are missing"), "{help}");
    for command in ["datasets", "models", "process", "status", "completions"] {
        assert!(text(&run(&[command, "--help"], &[])).contains("Example"), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(run(&["completions", shell], &[]).stdout.len() > 500, "{shell}");
    }
}

#[test]
fn a_wrong_file_folder_or_machine_is_told_with_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let root = root.to_str().unwrap();
    let check = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = run(arguments, &[]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{words:?} in {said}");
    };
    check(
        &["datasets", "--root", root, "--since", "last/week"],
        78,
        &["neither a day nor a folder", "`last/week`"],
    );
    check(&["datasets", "--root", root, "--since", "2026-02-30"], 78, &["not a date: `2026-02-30`"]);
    check(&["fits", "models.parquet"], 2, &["--memory <BYTES>|--device <NAME>"]);
    check(&["fits", "--help"], 0, &["such as \"RTX 4090\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_on_the_same_root_are_refused_by_name() {
    let double = double(300, &[]).await;
    let root = tempfile::tempdir().unwrap();
    crawl(&double, root.path(), &["--limit", "100"], &[]);
    let output = crawl(&double, root.path(), &["--limit", "200"], &[]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output).contains("limit: was `100`, is now `200`"), "{}", text(&output));
}
