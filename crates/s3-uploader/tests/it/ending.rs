//! Keys that end in the middle of a run, or may not do what is asked of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crawl_core::{Kind, Source, Store};
use s3_uploader::Behind;

use crate::behind::{Numbers, check_pages, crawl_with};
use crate::desk::{Desk, bytes, plan, tree};
use crate::front::{Fate, Front, told};

/// A service whose keys end after so many requests.
async fn ending(desk: &Desk, after: usize, code: &'static str) -> Front {
    let count = AtomicUsize::new(0);
    Front::start(&desk.url, move |_| match count.fetch_add(1, Ordering::Relaxed) < after {
        true => Fate::Pass,
        false => Fate::Refuse(if code == "ExpiredToken" { 400 } else { 403 }, code),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_end_stop_a_move_with_one_line_and_keep_what_is_not_proven() {
    for code in ["ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"] {
        let desk = Desk::new();
        for number in 0..400 {
            desk.write(&format!("{number:03}"), &bytes(100, number));
        }
        let front = ending(&desk, 200, code).await;
        let arguments = ["move", "files", "s3://bucket/p", "--in-flight", "8"];
        let (exit, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
        assert_eq!(exit, Some(77), "{code}: {text}");
        assert_eq!(text.matches("kept").count(), 2, "one line of a file, and the summary: {text}");
        let (left, stored) = (tree(&desk.files()), desk.stored());
        for number in 0..400 {
            let name = format!("{number:03}");
            let there = left.get(&name).or_else(|| stored.get(&format!("p/{name}")));
            assert!(there == Some(&bytes(100, number)), "{name} is lost");
        }
        assert!(left.len() > 200 && left.len() < 400, "{} left", left.len());
        assert!(front.count(" ") < 1300, "{} requests", front.count(" "));
        let (exit, text) = told(&desk.url, desk.dir.path(), &[], &arguments).await;
        assert!(exit == Some(0) && tree(&desk.files()).is_empty(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_whatever_it_is_asked_is_not_asked_for_every_file() {
    let desk = Desk::new();
    for number in 0..300 {
        desk.write(&format!("{number:03}"), &bytes(100, number));
    }
    // The probe goes well, and no file does.
    let front = Front::start(&desk.url, |asked| match asked.makes() && !asked.target.contains("probe") {
        true => Fate::Refuse(403, "AccessDenied"),
        false => Fate::Pass,
    })
    .await;
    let arguments = ["move", "files", "s3://bucket/p", "--in-flight", "2"];
    let (exit, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert_eq!(exit, Some(77), "{text}");
    assert_eq!((text.matches("AccessDenied").count(), tree(&desk.files()).len()), (21, 300), "{text}");
    // One folder that is refused does not hold up the others.
    desk.write("zz/last", b"goes");
    let front = Front::start(&desk.url, |asked| match asked.target.contains("/p/0") && asked.makes() {
        true => Fate::Refuse(403, "AccessDenied"),
        false => Fate::Pass,
    })
    .await;
    let (exit, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert!(exit == Some(3) || exit == Some(77), "{exit:?}: {text}");
    assert!(!text.contains(crawl_sim::S3::SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_may_not_read_are_told_which_leave_is_missing() {
    let desk = Desk::new();
    desk.write("a", b"a");
    let front = Front::start(&desk.url, |asked| match asked.method.as_str() {
        "GET" | "HEAD" => Fate::Refuse(403, "AccessDenied"),
        _ => Fate::Pass,
    })
    .await;
    let (exit, text) = told(&front.url, desk.dir.path(), &[], &["move", "files", "s3://bucket"]).await;
    assert!(exit == Some(77) && text.contains("GetObject"), "{exit:?}: {text}");
    assert_eq!(tree(&desk.files()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_end_stop_every_command_with_one_line() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
    for number in 0..200 {
        desk.write(&format!("{number:03}"), &bytes(100, number));
    }
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket/p"]).await.0, Some(0));
    desk.write("new", b"new");
    for arguments in [
        &["get", "s3://bucket/p/", "back"][..],
        &["sync", "s3://bucket/p", "into", "--delete", "--yes"],
        &["sync", "s3://bucket/p", "s3://other/q"],
        &["sync", "files", "s3://bucket/p", "--receipts", "r.jsonl"],
        &["verify", "s3-receipts.jsonl"],
        &["rm", "s3://bucket/p", "--recursive", "--yes"],
    ] {
        // One by one, so that they end in the middle of a removal too.
        let count = AtomicUsize::new(0);
        let front = Front::start(&desk.url, move |asked| match count.fetch_add(1, Ordering::Relaxed) {
            0..20 if asked.method == "POST" => Fate::Refuse(501, "NotImplemented"),
            0..20 => Fate::Pass,
            _ => Fate::Refuse(400, "ExpiredToken"),
        })
        .await;
        let (code, text) = told(&front.url, desk.dir.path(), &[], arguments).await;
        assert_eq!(code, Some(77), "{arguments:?}: {text}");
        assert_eq!(text.matches("ExpiredToken").count(), 1, "{arguments:?}: {text}");
        assert!(text.contains("renew the session's keys") && front.count(" ") < 120, "{}", front.count(" "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_lets_nobody_read_is_not_asked_for_every_object() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
    for number in 0..300 {
        desk.write(&format!("{number:03}"), b"x");
    }
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket/p"]).await.0, Some(0));
    let front = Front::start(&desk.url, |asked| match asked.target.contains("/bucket/p/") {
        true => Fate::Refuse(403, "AccessDenied"),
        false => Fate::Pass,
    })
    .await;
    for arguments in [
        &["get", "s3://bucket/p/", "back"][..],
        &["sync", "s3://bucket/p", "into"],
        &["sync", "s3://bucket/p", "s3://other/q"],
    ] {
        let (code, text) = told(&front.url, desk.dir.path(), &[], arguments).await;
        assert!(code == Some(77) && text.contains("GetObject"), "{arguments:?}: {code:?} {text}");
        let lines = text.matches("AccessDenied").count();
        assert!((20..25).contains(&lines) || text.matches("status 403").count() < 25, "{lines}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_end_stop_a_crawl_with_what_is_committed_on_one_side_and_new_ones_go_on() {
    let desk = Desk::new();
    let source = Numbers::new(8, &desk.dir.path().join("root"));
    let behind = |url: &str| {
        let job = desk.job_by(url, plan("crawl/", true));
        Behind::new(Store::new(&source.root), job, source.settings(), Some(150_000))
    };
    let front = ending(&desk, 60, "ExpiredToken").await;
    let ended = behind(&front.url);
    let crawled = tokio::time::timeout(std::time::Duration::from_secs(60), crawl_with(&ended, &source, None));
    let error = crawled.await.expect("nobody waits for keys").unwrap_err();
    assert!(matches!(error.kind(), Kind::Denied | Kind::Storage), "{error:?}");
    assert!(error.to_string().contains("ExpiredToken"), "{error}");
    drop(ended);
    let (checkpoint, moved) = crawl_with(&behind(&desk.url), &source, None).await.unwrap();
    assert_eq!((checkpoint.pages, moved.pages), (8, 8));
    check_pages(&desk, 8);
    assert!((8..10).contains(&source.asked()), "{} pages were asked for", source.asked());
}
