//! Endpoints that do not serve: a run stops with what to do, or goes on where only a record is concerned.

use crawl_core::{Error, Kind};
use crawl_sim::{Llm, LlmConfig};
use llm_classifier::Structured;

use crate::house::{Setup, double, labelled, listing, read, rows, run, store};
use crate::labels::check_labels;

async fn fails(change: impl FnOnce(&mut Setup)) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let double = Llm::start(LlmConfig { key: Some("right".into()), ..LlmConfig::default() }).await.unwrap();
    let input = store(&folder.path().join("in"), &rows(40), 10).await;
    let mut setup = Setup { key: Some("right".into()), tries: 2, ..Setup::new(&double.url()) };
    change(&mut setup);
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let error = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap_err();
    let at = crawl_core::Stored::open(&folder.path().join("out"), &listing()).unwrap();
    assert_eq!(at.checkpoint().pages, 0, "nothing is recorded as a result");
    classifier.finish(std::time::Duration::from_secs(5)).await.unwrap();
    assert_eq!(classifier.cache().unwrap().answers().unwrap(), 0);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_names_the_variable_and_never_the_key() {
    let error = fails(|setup| setup.key = Some("sk-wrong-key".into())).await;
    assert_eq!((error.kind(), error.status()), (Kind::Denied, Some(401)));
    assert!(error.advice().contains("OPENAI_API_KEY"));
    assert!(
        format!("{error:?}").contains("Incorrect API key provided")
            && !format!("{error:?}").contains("sk-wrong")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_there_is_named() {
    let error = fails(|setup| setup.model = "no-such-model".into()).await;
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("no-such-model") && error.advice().contains("--model"), "{error}");
    assert!(format!("{error:?}").contains("does not exist"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_is_an_error_to_run_again_after() {
    let error = fails(|setup| setup.base = "http://127.0.0.1:9/v1".into()).await;
    assert_eq!(error.kind(), Kind::Transient);
    assert!(error.to_string().contains("127.0.0.1:9") && error.advice().contains("--base-url"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_only_fails_stops_the_run() {
    for fault in ["chat@all=status:503", "chat@all=cut", "chat@all=html", "chat@all=status:400"] {
        let folder = tempfile::tempdir().unwrap();
        let double = double(&[fault], (0, 0)).await;
        let input = store(&folder.path().join("in"), &rows(40), 10).await;
        let classifier =
            Setup { tries: 2, ..Setup::new(&double.url()) }.classifier(&folder.path().join("cache")).unwrap();
        let error = run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap_err();
        let kinds = [Kind::Transient, Kind::Shape, Kind::Config];
        assert!(kinds.contains(&error.kind()), "{fault}: {error:?}");
        if fault.ends_with("400") {
            assert!(error.advice().contains("--structured"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_are_tried_again_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let faults = [
        "chat@p:0.04=reset",
        "chat@p:0.04=cut-stream",
        "chat@p:0.04=status:502",
        "chat@p:0.04=html",
        "chat@p:0.04=shorter",
    ];
    let double = double(&faults, (0, 5)).await;
    let input = store(&folder.path().join("in"), &rows(300), 100).await;
    let setup = Setup { tries: 12, concurrency: 40, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let at = run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (300, 0));
    check_labels(&read(&folder.path().join("out"), &listing()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_record_that_the_endpoint_cannot_take_is_missing_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&["chat@5=status:400", "chat@9=status:403"], (0, 0)).await;
    let input = store(&folder.path().join("in"), &rows(30), 10).await;
    let setup =
        Setup { concurrency: 1, tries: 2, structured: Structured::JsonObject, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let root = folder.path().join("out");
    let at = run(&labelled(input, classifier), &root).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (28, 2));
    // Pages are classified side by side, so which of them had the fifth question is not said.
    let stored = crawl_core::Stored::open(&root, &listing()).unwrap();
    let missing = (1..=at.pages).flat_map(|page| stored.missing(page).unwrap());
    let mut kinds: Vec<String> = missing.map(|missing| missing.kind.as_str().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["denied", "shape"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_a_gateway_does_not_like_are_missing_however_many_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&["chat@5-9=status:403"], (0, 0)).await;
    let input = store(&folder.path().join("in"), &rows(30), 10).await;
    let setup = Setup { concurrency: 1, tries: 2, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let at = run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (25, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_url_that_is_none_is_refused_before_anything_is_sent() {
    for base in ["", "localhost:8000", "ftp://x/v1", "http://x/v1?key=1"] {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup { base: base.into(), ..Setup::new("http://x") };
        assert_eq!(setup.classifier(folder.path()).unwrap_err().kind(), Kind::Config, "{base}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_when_the_run_stopped_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let double = double(&["chat@60=status:402"], (20, 40)).await;
    let input = store(&folder.path().join("in"), &rows(200), 10).await;
    let setup = Setup { concurrency: 30, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let error = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "{error:?}");
    classifier.finish(std::time::Duration::from_secs(5)).await.unwrap();
    let answered: u64 = double.tally().values().map(|counts| counts.answered).sum();
    assert!((59..120).contains(&answered), "{answered}");
    assert_eq!(classifier.cache().unwrap().answers().unwrap(), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_credit_stops_the_run_at_once_though_it_is_told_as_too_many_requests() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let body = r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 65_536]);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 429 Too Many Requests\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // What is still on its way is read, lest the answer be lost to a reset.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let began = std::time::Instant::now();
    let error = fails(|setup| setup.base = base).await;
    assert_eq!((error.kind(), error.status()), (Kind::Denied, Some(429)), "{error:?}");
    assert!(error.advice().contains("add credit"), "{error:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
}
