//! Ctrl-C and SIGTERM: heard at once where nothing is under way, whatever is waited for.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crawl_sim::Running;

use crate::desk::double;

fn start(double: &Running, root: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args([
            "datasets",
            "--endpoint",
            &double.url(),
            "--root",
            root.to_str().unwrap(),
            "--page-size",
            "100",
        ])
        .args(more)
        .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Ends a crawl by a signal once `ready`; gives what it said and how long it still took.
fn signalled(child: Child, signal: &str, ready: impl Fn() -> bool) -> (Output, Duration) {
    let until = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < until, "it never came so far");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    let at = Instant::now();
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    (child.wait_with_output().unwrap(), at.elapsed())
}

fn check((output, took): (Output, Duration), says: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains(says), "`{says}` is not in: {said}");
    assert!(took < Duration::from_secs(2), "{took:?} late: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signal_ends_a_wait_at_once() {
    for signal in ["-INT", "-TERM"] {
        for (fault, says) in [
            ("2-=429:retry-after=600", "for the rate limit"),
            ("2-=status:503", "not ended yet; run the same command to go on"),
        ] {
            let double = double(500, &[fault]).await;
            let root = tempfile::tempdir().unwrap();
            // Backoffs grow with every try: after some of them nothing is under way nearly all the time.
            let wanted = if fault.contains("503") { 5 } else { 2 };
            let child = start(&double, root.path(), &[]);
            check(signalled(child, signal, || double.count() >= wanted), says);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_ends_even_what_is_under_way() {
    let double = double(500, &["2-=hang"]).await;
    let root = tempfile::tempdir().unwrap();
    let child = start(&double, root.path(), &[]);
    let pid = child.id().to_string();
    let first = || {
        let there = double.count() >= 2;
        if there {
            Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        }
        there
    };
    check(signalled(child, "-INT", first), "once more to stop now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_dead_or_none_is_named_and_the_contact_is_sent() {
    let double = double(5, &[]).await;
    let root = tempfile::tempdir().unwrap();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let with = |proxy: &str, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
            .args(["datasets", "--endpoint", &double.url(), "--root", root.path().to_str().unwrap()])
            .args(more)
            .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
            .env("http_proxy", proxy)
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .output()
            .unwrap()
    };
    for (proxy, says) in [
        (format!("http://u:pw@{dead}"), format!("nothing answers at the proxy: `http://{dead}/`")),
        ("socks5://u:pw@127.0.0.1:9".into(), "SOCKS proxies cannot be used".into()),
    ] {
        let began = Instant::now();
        let output = with(&proxy, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(
            said.contains(&says) && said.contains("unset http_proxy") | said.contains("name an http"),
            "{said}"
        );
        assert!(!said.contains("pw") && began.elapsed() < Duration::from_secs(5), "{said}");
    }
    assert_eq!(double.count(), 0);
    assert_eq!(with("", &["--contact", "me@example.org"]).status.code(), Some(0));
    let agent = double.seen()[0].header("user-agent").unwrap().to_owned();
    assert_eq!(agent, format!("gleaner/{} (contact: me@example.org)", env!("CARGO_PKG_VERSION")));
    let two_lines = with("", &["--contact", "a\nb: c"]);
    assert_eq!(two_lines.status.code(), Some(78), "{}", String::from_utf8_lossy(&two_lines.stderr));
}
