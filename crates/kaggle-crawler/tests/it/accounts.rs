//! Whose credentials are sent, in which order, and what is told where they are wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use crawl_sim::{Kaggle as Double, KaggleConfig};

use crate::shop::{double, kaggle, program};

const FLAGS: [&str; 4] = ["--no-files", "--limit", "1", "--list-only"];

async fn open() -> Double {
    double(KaggleConfig { datasets: 3, ..KaggleConfig::default() }).await
}

/// What the last request to Kaggle itself was signed with.
fn sent(double: &Double) -> Option<String> {
    let last = double.seen().into_iter().rev().find(|seen| seen.origin == "main").unwrap();
    last.headers
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .map(|(_, value)| value)
}

fn at(double: &Double, home: &Path, number: usize) -> Command {
    let mut command = program(double, &home.join(format!("root{number}")));
    command.args(FLAGS).env("HOME", home);
    command
}

fn good(output: Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("secret"), "{told}");
    told
}

fn basic(user: &str, key: &str) -> Option<String> {
    let pair = data_encoding::BASE64.encode(format!("{user}:{key}").as_bytes());
    Some(format!("Basic {pair}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_taken_in_the_order_of_kaggles_own_client() {
    let double = open().await;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    good(at(&double, home, 0).output().unwrap());
    assert_eq!(sent(&double), None, "nobody");

    fs::create_dir(home.join(".kaggle")).unwrap();
    let json = home.join(".kaggle/kaggle.json");
    fs::write(&json, "\u{feff}{\"username\": \"ann\",\r\n \"key\": \"secret-1\"}\r\n").unwrap();
    set_mode(&json, 0o600);
    assert!(!good(at(&double, home, 1).output().unwrap()).contains("chmod"));
    assert_eq!(sent(&double), basic("ann", "secret-1"));
    set_mode(&json, 0o644);
    assert!(good(at(&double, home, 2).output().unwrap()).contains("chmod 600"));

    let pair = [("KAGGLE_USERNAME", "bob"), ("KAGGLE_KEY", "secret-2")];
    good(at(&double, home, 3).envs(pair).output().unwrap());
    assert_eq!(sent(&double), basic("bob", "secret-2"), "variables before the file");

    fs::write(home.join(".kaggle/access_token"), "  \n").unwrap();
    fs::write(home.join(".kaggle/access_token.txt"), "secret-3\r\n").unwrap();
    good(at(&double, home, 4).envs(pair).output().unwrap());
    assert_eq!(sent(&double).as_deref(), Some("Bearer secret-3"), "an empty token file is none");

    good(at(&double, home, 5).envs(pair).env("KAGGLE_API_TOKEN", "secret-4").output().unwrap());
    assert_eq!(sent(&double).as_deref(), Some("Bearer secret-4"));
    let file = home.join("token");
    fs::write(&file, "secret-5").unwrap();
    good(at(&double, home, 6).env("KAGGLE_API_TOKEN", &file).output().unwrap());
    assert_eq!(sent(&double).as_deref(), Some("Bearer secret-5"), "the variable may name a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_folders_of_kaggle_json_are_read_and_a_broken_one_is_named_without_its_text() {
    let double = open().await;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for (number, variable, folder) in [(0, "XDG_CONFIG_HOME", "xdg/kaggle"), (1, "KAGGLE_CONFIG_DIR", "own")]
    {
        fs::create_dir_all(home.join(folder)).unwrap();
        let json = home.join(folder).join("kaggle.json");
        fs::write(&json, format!(r#"{{"username":"cat","key":"secret-{number}"}}"#)).unwrap();
        set_mode(&json, 0o600);
        let value = if number == 0 { home.join("xdg") } else { home.join("own") };
        good(at(&double, home, number).env(variable, value).output().unwrap());
        assert_eq!(sent(&double), basic("cat", &format!("secret-{number}")), "{variable}");
    }
    fs::write(home.join("own/kaggle.json"), r#"{"username":"cat","key":"secret-broken"#).unwrap();
    let out = at(&double, home, 2).env("KAGGLE_CONFIG_DIR", home.join("own")).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(78), "{told}");
    assert!(told.contains("kaggle.json") && !told.contains("secret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_kaggles_own_client_is_taken_last_and_one_that_has_ended_is_told() {
    let double = open().await;
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::create_dir(home.join(".kaggle")).unwrap();
    let json = home.join(".kaggle/credentials.json");
    // As the client writes it: Python's time in UTC, an empty text for what it does not know.
    let login = |token: &str, until: &str| {
        let text = format!(
            r#"{{"refresh_token": "secret-9", "access_token": "{token}", "access_token_expiration": "{until}",
            "username": "ann", "scopes": ["resources.admin:*"]}}"#
        );
        fs::write(&json, text).unwrap();
        set_mode(&json, 0o600);
    };
    login("secret-6", "2199-01-02T03:04:05.678901+00:00");
    good(at(&double, home, 0).output().unwrap());
    assert_eq!(sent(&double).as_deref(), Some("Bearer secret-6"));
    let pair = [("KAGGLE_USERNAME", "bob"), ("KAGGLE_KEY", "secret-2")];
    good(at(&double, home, 1).envs(pair).output().unwrap());
    assert_eq!(sent(&double), basic("bob", "secret-2"), "a key before a login");
    let asked = double.count();
    for (token, until, what) in [
        ("secret-6", "2020-01-02T03:04:05.678901+00:00", "ended at 2020-01-02T03:04:05"),
        ("secret-6", "", "until when"),
        ("", "2199-01-02T03:04:05.678901+00:00", "no access token"),
    ] {
        login(token, until);
        let out = at(&double, home, 2).output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(78), "{told}");
        assert!(told.contains(what) && told.contains("kaggle auth login"), "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    assert_eq!(double.count(), asked, "nothing is asked with a login that has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_line_break_in_it_is_refused_and_a_wrong_one_ends_the_run_with_what_to_do() {
    let double =
        double(KaggleConfig { datasets: 3, token: Some("right".into()), ..KaggleConfig::default() }).await;
    let home = tempfile::tempdir().unwrap();
    let out = at(&double, home.path(), 0).env("KAGGLE_API_TOKEN", "secret\nX-Evil: 1").output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(78), "{told}");
    assert!(!told.contains("secret"), "{told}");
    let out = at(&double, home.path(), 1).env("KAGGLE_API_TOKEN", "wrong-secret").output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(77), "{told}");
    assert!(told.contains("kaggle.com/settings") && !told.contains("wrong-secret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_crawler_asks_once_a_second_and_fetches_files_meanwhile() {
    let double = open().await;
    let polite = kaggle(&double).politely();
    let root = tempfile::tempdir().unwrap();
    let began = Instant::now();
    for at in 0..4 {
        let listed = kaggle_crawler::Listed::new(
            polite.clone(),
            &kaggle_crawler::datasets::DATASETS,
            kaggle_crawler::datasets::Filters::default().arguments(),
        );
        crate::shop::run(&listed.unwrap(), &root.path().join(at.to_string())).await.unwrap();
    }
    // Four requests are three waits; how long more a busy machine takes is nobody's fault.
    assert!(began.elapsed().as_secs_f64() > 2.5, "{:?}", began.elapsed());
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
