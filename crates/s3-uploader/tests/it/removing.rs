//! `rm` and `cleanup`: within a folder's bounds, what was asked about, many at once, and on after an error.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desk::Desk;
use crate::front::{Fate, Front, told};
use crate::liar::{Liar, Lie};

fn stocked() -> Desk {
    let desk = Desk::new();
    for number in 0..25 {
        desk.write(&format!("in/{number:02}"), b"x");
    }
    desk.write("in/deep/er & é", b"x");
    desk.write("inside/a", b"x");
    let output = desk.program(&["copy", "files", "s3://bucket"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    desk
}

fn left(desk: &Desk) -> Vec<String> {
    desk.stored().into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_before_somebody_agreed_nor_more_than_allowed_nor_beside_the_folder() {
    let desk = stocked();
    let front = Front::start(&desk.url, |_| Fate::Pass).await;
    let run = async |more: &[&str]| {
        let arguments = [&["rm", "s3://bucket/in", "--recursive"], more].concat();
        told(&front.url, desk.dir.path(), &[], &arguments).await
    };
    for (more, code, word) in [
        (&[][..], 78, "--yes"),
        (&["--yes", "--max-delete", "25"], 78, "--max-delete"),
        (&["--dry-run"], 0, "would remove 26 objects"),
    ] {
        let (found, text) = run(more).await;
        assert!(found == Some(code) && text.contains(word), "{more:?}: {found:?} {text}");
        assert_eq!(left(&desk).len(), 27);
    }
    let (code, text) = run(&["--yes", "--max-delete", "26"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("26 objects = 26 removed + 0 not removed"), "{text}");
    assert_eq!(left(&desk), ["inside/a"]);
    assert_eq!((front.count("POST"), front.count("DELETE")), (1, 0), "many with one request");
    let (code, text) = run(&["--yes"]).await;
    assert!(code == Some(0) && text.contains("no object is there"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_bulk_is_asked_one_by_one_and_what_it_refuses_stays_alone() {
    let desk = stocked();
    let front =
        Front::start(&desk.url, |asked| match (asked.method.as_str(), asked.target.contains("/in/07")) {
            ("POST", _) => Fate::Refuse(501, "NotImplemented"),
            ("DELETE", true) => Fate::Refuse(403, "AccessDenied"),
            _ => Fate::Pass,
        })
        .await;
    let arguments = ["rm", "s3://bucket/in/", "--recursive", "--yes"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("26 objects = 25 removed + 1 not removed") && text.contains("DeleteObject"),
        "{text}"
    );
    assert_eq!(left(&desk), ["in/07", "inside/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_removes_nothing_even_where_nothing_may_be_looked_at() {
    let desk = stocked();
    let front = Front::start(&desk.url, |asked| match asked.method.as_str() {
        "HEAD" | "GET" => Fate::Refuse(403, "AccessDenied"),
        _ => Fate::Pass,
    })
    .await;
    let rm = ["rm", "s3://bucket/in/00", "--tries", "1"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &[&rm[..], &["--dry-run"]].concat()).await;
    assert!(code == Some(0) && text.contains("would remove s3://bucket/in/00"), "{code:?} {text}");
    assert_eq!((left(&desk).len(), front.count("DELETE")), (27, 0));
    // Who may not look may remove all the same.
    let (code, text) = told(&front.url, desk.dir.path(), &[], &rm).await;
    assert_eq!((code, left(&desk).len()), (Some(0), 26), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_or_changed_after_it_was_counted_stays() {
    let desk = stocked();
    let (listings, folder) = (AtomicUsize::new(0), desk.dir.path().join("s3/bucket/in"));
    let front = Front::start(&desk.url, move |asked| {
        if asked.target.contains("list-type=2") && listings.fetch_add(1, Ordering::Relaxed) == 1 {
            // It is listed before all that was counted.
            std::fs::write(folder.join("!new"), b"new").unwrap();
            std::fs::write(folder.join("03"), b"changed").unwrap();
        }
        Fate::Pass
    })
    .await;
    let arguments = ["rm", "s3://bucket/in/", "--recursive", "--yes"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("25 objects = 25 removed + 0 not removed"), "{text}");
    assert!(text.contains("2 came or changed"), "{text}");
    assert_eq!(left(&desk), ["in/!new", "in/03", "inside/a"]);
}

/// Begins an upload in parts that nobody finishes.
async fn begin(liar: &Liar, key: &str) {
    let mut stream = tokio::net::TcpStream::connect(liar.address).await.unwrap();
    let text = format!("POST /bucket/{key}?uploads HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lists_more_than_was_asked_for_widens_nothing() {
    // It lists all that it has, whatever the prefix.
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    for name in ["in/a", "in/b/c", "inside/a", "other/a"] {
        let path = dir.path().join("files").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
        begin(&liar, name).await;
    }
    let run = async |arguments: &[&str]| {
        let (code, text) = told(&liar.url(), dir.path(), &[], arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
        text
    };
    run(&["copy", "files", "s3://bucket"]).await;
    let text = run(&["ls", "s3://bucket/in"]).await;
    assert!(text.contains("inside/a") && !text.contains("other/a"), "{text}");
    run(&["get", "s3://bucket/in/", "back"]).await;
    assert_eq!(crate::desk::tree(&dir.path().join("back")).into_keys().collect::<Vec<_>>(), ["a", "b/c"]);
    let text = run(&["cleanup", "s3://bucket/in", "--older-than", "0s"]).await;
    assert!(text.contains("2 unfinished uploads older") && !text.contains("inside/a"), "{text}");
    assert_eq!(liar.unfinished(), 2);
    let text = run(&["rm", "s3://bucket/in", "--recursive", "--yes"]).await;
    assert!(text.contains("2 objects = 2 removed"), "{text}");
    assert_eq!(liar.objects().into_keys().collect::<Vec<_>>(), ["inside/a", "other/a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_keys_that_nobody_asked_about_are_no_errors() {
    let liar = Liar::start(Lie::StrangeErrors).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("files")).unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(dir.path().join("files").join(name), name).unwrap();
    }
    assert_eq!(told(&liar.url(), dir.path(), &[], &["copy", "files", "s3://bucket/in"]).await.0, Some(0));
    let arguments = ["rm", "s3://bucket/in", "--recursive", "--yes"];
    let (code, text) = told(&liar.url(), dir.path(), &[], &arguments).await;
    assert!(code == Some(0) && text.contains("3 objects = 3 removed + 0 not removed"), "{code:?} {text}");
    assert!(liar.objects().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_said_to_be_coded_and_are_not_mean_no_others() {
    let desk = Desk::new();
    for name in ["in/a+b", "in/100%25", "in/plain", "out/a b", "out/a+b"] {
        desk.write(name, name.as_bytes());
    }
    assert!(desk.program(&["copy", "files", "s3://bucket"]).status.success());
    let front = Front::start(&desk.url, |_| Fate::Pass).await;
    let arguments = ["rm", "s3://bucket/in", "--recursive", "--yes"];
    let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
    assert!(code == Some(0) && text.contains("3 objects = 3 removed"), "{code:?} {text}");
    assert_eq!(left(&desk), ["out/a b", "out/a+b"]);
    // Each listing is asked for once as it is, and no more.
    let plain = front.count("list-type=2") - front.count("encoding-type=url");
    assert_eq!(plain, 1);
    let (_, text) = told(&front.url, desk.dir.path(), &[], &["ls", "s3://bucket/out/"]).await;
    assert!(text.contains("out/a b\n") && text.contains("out/a+b\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_has_no_end_is_told_and_one_that_tells_half_is_read_to_its_end() {
    const ONE: &str = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>in/1</Key><Size>1</Size></Contents>\
        <NextContinuationToken>b</NextContinuationToken></ListBucketResult>";
    const TWO: &str = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>in/2</Key><Size>1</Size></Contents>\
        <NextContinuationToken>a</NextContinuationToken></ListBucketResult>";
    let desk = Desk::new();
    let circle = |asked: &crate::front::Asked| match asked.target.contains("continuation-token=b") {
        _ if !asked.target.contains("list-type=2") => Fate::Pass,
        true => Fate::Say(TWO),
        false => Fate::Say(ONE),
    };
    let front = Front::start(&desk.url, circle).await;
    for arguments in [
        &["ls", "s3://bucket/in/"][..],
        &["rm", "s3://bucket/in/", "--recursive", "--yes"],
        &["get", "s3://bucket/in/", "back", "--tries", "1"],
    ] {
        front.forget();
        let run = told(&front.url, desk.dir.path(), &[], arguments);
        let (code, text) = tokio::time::timeout(std::time::Duration::from_secs(20), run).await.unwrap();
        assert!(code == Some(65) && text.contains("again and again"), "{arguments:?}: {code:?} {text}");
        assert_eq!((front.count("list-type=2"), front.count("POST")), (3, 0), "{arguments:?}");
    }
    // Some leave out the word that there is more.
    let half = |asked: &crate::front::Asked| match asked.target.contains("continuation-token") {
        true => Fate::Say(
            "<ListBucketResult><Contents><Key>in/2</Key><Size>1</Size></Contents></ListBucketResult>",
        ),
        false => Fate::Say(
            "<ListBucketResult><Contents><Key>in/1</Key><Size>1</Size></Contents>\
             <NextContinuationToken>b</NextContinuationToken></ListBucketResult>",
        ),
    };
    let front = Front::start(&desk.url, half).await;
    let (code, text) = told(&front.url, desk.dir.path(), &[], &["ls", "s3://bucket/in/"]).await;
    assert!(code == Some(0) && text.contains("in/1") && text.contains("in/2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removal_of_many_does_not_tell_is_removed_by_itself() {
    for answer in [
        // No key: nobody knows whom it concerns.
        "<DeleteResult><Error><Code>InternalError</Code><Message>no</Message></Error></DeleteResult>",
        "<DeleteResult></DeleteResult>",
        "<DeleteResult><Deleted><Key>in%2F00</Key></Deleted></DeleteResult>",
    ] {
        let desk = stocked();
        let front = Front::start(&desk.url, move |asked| {
            match (asked.method.as_str(), asked.target.contains("/in/07")) {
                ("POST", _) => Fate::Say(answer),
                ("DELETE", true) => Fate::Refuse(403, "AccessDenied"),
                _ => Fate::Pass,
            }
        })
        .await;
        let arguments = ["rm", "s3://bucket/in/", "--recursive", "--yes"];
        let (code, text) = told(&front.url, desk.dir.path(), &[], &arguments).await;
        assert!(code == Some(3) && text.contains("25 removed + 1 not removed"), "{answer}: {code:?} {text}");
        assert_eq!(left(&desk), ["in/07", "inside/a"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_at_a_folder_is_no_reason_to_try_again() {
    // This one keeps objects as files.
    let desk = stocked();
    for arguments in [&["get", "s3://bucket/in", "back"][..], &["rm", "s3://bucket/in"]] {
        let (code, text) =
            told(&desk.url, desk.dir.path(), &[], &[arguments, &["--tries", "1"]].concat()).await;
        assert!(code == Some(66) && text.contains("with the / at the end"), "{arguments:?}: {code:?} {text}");
    }
    assert_eq!(left(&desk).len(), 27);
}
