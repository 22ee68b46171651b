//! `get`: what comes is shown to be what the bucket tells, and what had come is not fetched again.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::desk::{Desk, bytes};
use crate::front::{Asked, Fate, Front, told};
use crate::liar::{Liar, Lie};

const CHECKSUMS: &[&str] = &["x-amz-checksum"];
const ALL: &[&str] = &["x-amz-checksum", "etag"];

/// A bucket with an object of 100 bytes and one of 20 MiB, and their receipts.
async fn stocked() -> Desk {
    let desk = Desk::new();
    desk.write("small", &bytes(100, 1));
    desk.write("large", &bytes(20 << 20, 2));
    // Not in parts: so the server tells a checksum of both.
    let arguments = ["copy", "files", "s3://bucket/p", "--part-from", "64MiB", "--memory", "128MiB"];
    let (code, text) = told(&desk.url, desk.dir.path(), &[], &arguments).await;
    assert_eq!(code, Some(0), "{text}");
    desk
}

fn of_object(asked: &Asked) -> bool {
    asked.method == "GET" && asked.target.contains("/p/")
}

/// A front that takes headers away from answers, before one that turns a bit of bodies.
async fn damaging(desk: &Desk, stripped: &'static [&'static str]) -> (Front, Front) {
    let damaged =
        Front::start(&desk.url, |asked| if of_object(asked) { Fate::Flip } else { Fate::Pass }).await;
    let front = Front::start(&damaged.url, move |_| Fate::Strip(stripped)).await;
    (front, damaged)
}

async fn get(url: &str, desk: &Desk, key: &str, more: &[&str]) -> (Option<i32>, String) {
    let from = format!("s3://bucket/p/{key}");
    let arguments = [&["get", &from, "back/file", "--tries", "3", "--timeout", "10"][..], more].concat();
    std::fs::create_dir_all(desk.dir.path().join("back")).unwrap();
    told(url, desk.dir.path(), &[], &arguments).await
}

fn back(desk: &Desk) -> Option<Vec<u8>> {
    std::fs::read(desk.dir.path().join("back/file")).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_was_turned_on_the_way_is_found_by_checksum_etag_and_receipt() {
    let desk = stocked().await;
    for (stripped, more, by) in [
        (&[][..], &[][..], "its stored checksum"),
        (CHECKSUMS, &[], "its ETag"),
        (ALL, &["--receipts", "s3-receipts.jsonl"], "its receipt"),
    ] {
        let (front, _damaged) = damaging(&desk, stripped).await;
        for key in ["small", "large"] {
            let (code, text) = get(&front.url, &desk, key, more).await;
            assert_eq!(code, Some(74), "{key} {stripped:?}: {text}");
            assert!(text.contains(&format!("what came is not what {by} says")), "{text}");
            assert!(crate::desk::tree(&desk.dir.path().join("back")).is_empty(), "nothing half stays");
        }
        // The same way without damage.
        let front = Front::start(&desk.url, move |_| Fate::Strip(stripped)).await;
        for (key, size, seed) in [("small", 100, 1), ("large", 20 << 20, 2)] {
            let (code, text) = get(&front.url, &desk, key, more).await;
            assert!(code == Some(0) && !text.contains("not proven"), "{key} {stripped:?}: {text}");
            assert!(back(&desk) == Some(bytes(size, seed)));
            std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_told_the_object_is_had_and_named_unproven() {
    let desk = stocked().await;
    let front = Front::start(&desk.url, |_| Fate::Strip(ALL)).await;
    for key in ["small", "large"] {
        let (code, text) = get(&front.url, &desk, key, &[]).await;
        assert!(code == Some(0) && text.contains("1 of them are not proven"), "{key}: {text}");
        std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
    }
    // An ETag that looks like an MD5 and is none is for the user to know of.
    let liar = Liar::start(Lie::WrongEtag).await;
    std::fs::write(desk.dir.path().join("x"), b"x").unwrap();
    assert_eq!(told(&liar.url(), desk.dir.path(), &[], &["copy", "x", "s3://bucket/p/"]).await.0, Some(0));
    let (code, text) = get(&liar.url(), &desk, "x", &[]).await;
    assert!(code == Some(74) && text.contains("--any-etag"), "{text}");
    let (code, text) = get(&liar.url(), &desk, "x", &["--any-etag"]).await;
    assert!(code == Some(0) && text.contains("not proven"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etag_that_something_on_the_way_has_weakened_names_the_same_object() {
    let desk = stocked().await;
    let front = Front::start(&desk.url, |asked| match of_object(asked) && asked.has("if-match") {
        // As RFC 9110 has it.
        true if asked.headers["if-match"].starts_with("W/") => Fate::Refuse(412, "PreconditionFailed"),
        _ => Fate::Weaken,
    })
    .await;
    for (key, size, seed) in [("small", 100, 1), ("large", 20 << 20, 2)] {
        let (code, text) = get(&front.url, &desk, key, &[]).await;
        assert_eq!(code, Some(0), "{key}: {text}");
        assert!(back(&desk) == Some(bytes(size, seed)), "{key}");
        std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_cut_are_fetched_again_with_and_without_ranges() {
    let desk = stocked().await;
    // This one gives no ranges.
    let liar = Liar::start(Lie::None).await;
    let arguments = ["copy", "files", "s3://bucket/p"];
    assert_eq!(told(&liar.url(), desk.dir.path(), &[], &arguments).await.0, Some(0));
    for (url, ranges) in [(desk.url.clone(), true), (liar.url(), false)] {
        let count = AtomicUsize::new(0);
        let front = Front::start(&url, move |asked| {
            let odd = of_object(asked) && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
            if odd { Fate::Cut(50) } else { Fate::Pass }
        })
        .await;
        for (key, size, seed) in [("small", 100, 1), ("large", 20 << 20, 2)] {
            let (code, text) = get(&front.url, &desk, key, &[]).await;
            assert_eq!(code, Some(0), "{key}, ranges {ranges}: {text}");
            assert!(back(&desk) == Some(bytes(size, seed)), "{key}");
            std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_break_is_not_fetched_again_and_what_was_damaged_meanwhile_is() {
    let desk = stocked().await;
    let front = Front::start(&desk.url, |asked| {
        match of_object(asked) && !asked.headers["range"].starts_with("bytes=0-") {
            true => Fate::Cut(50),
            false => Fate::Pass,
        }
    })
    .await;
    let (code, text) = get(&front.url, &desk, "large", &[]).await;
    assert_eq!(code, Some(75), "{text}");
    let parts = crate::desk::tree(&desk.dir.path().join("back"));
    let (name, part) = parts.first_key_value().unwrap();
    assert!(name.ends_with(".part") && part.len() == 8 << 20 && back(&desk).is_none());
    let front = Front::start(&desk.url, |_| Fate::Pass).await;
    assert_eq!(get(&front.url, &desk, "large", &[]).await.0, Some(0));
    assert_eq!(front.count("GET"), 2, "the first range is here");
    assert!(back(&desk) == Some(bytes(20 << 20, 2)));
    // A part that the disk lost is found at the end, and had anew.
    std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
    std::fs::write(desk.dir.path().join("back").join(name), vec![0; 8 << 20]).unwrap();
    front.forget();
    let (code, text) = get(&front.url, &desk, "large", &[]).await;
    assert_eq!((code, front.count("GET")), (Some(0), 2 + 3), "{text}");
    assert!(back(&desk) == Some(bytes(20 << 20, 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_break_is_believed_only_where_the_end_can_show_that_it_is_wrong() {
    let desk = stocked().await;
    // In parts of a size that nobody tells: as many as of our own size, so that ours is a guess.
    let arguments = ["copy", "files/large", "s3://bucket/p/guess", "--part-size", "6MiB"];
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &arguments).await.0, Some(0));
    let ranges = AtomicUsize::new(0);
    let broken = Front::start(&desk.url, move |asked| {
        let later = of_object(asked) && !asked.headers["range"].starts_with("bytes=0-");
        // What is told of the object comes without checksums.
        match later && ranges.fetch_add(1, Ordering::Relaxed) < 100 {
            true => Fate::Cut(50),
            false => Fate::Strip(CHECKSUMS),
        }
    })
    .await;
    let whole = Front::start(&desk.url, |_| Fate::Strip(CHECKSUMS)).await;
    for (key, more) in [("guess", &[][..]), ("large", &["--any-etag"])] {
        let (code, text) = get(&broken.url, &desk, key, more).await;
        assert_eq!(code, Some(75), "{text}");
        // The disk lost what had come.
        for name in crate::desk::tree(&desk.dir.path().join("back")).into_keys() {
            assert!(name.ends_with(".part"), "{name}");
            std::fs::write(desk.dir.path().join("back").join(name), vec![0; 8 << 20]).unwrap();
        }
        let (code, text) = get(&whole.url, &desk, key, more).await;
        assert_eq!(code, Some(0), "{key}: {text}");
        assert!(back(&desk) == Some(bytes(20 << 20, 2)), "{key}: damaged");
        std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appears_while_an_object_comes_is_not_replaced() {
    let desk = stocked().await;
    for (key, seed, size) in [("small", 1, 100), ("large", 2, 20 << 20)] {
        for (theirs, code) in [(b"theirs".to_vec(), 78), (bytes(size, seed), 0)] {
            let (path, put) = (desk.dir.path().join("back/file"), theirs.clone());
            let front = Front::start(&desk.url, move |asked| {
                if of_object(asked) && !path.exists() {
                    std::fs::write(&path, &put).unwrap();
                }
                Fate::Pass
            })
            .await;
            let (found, text) = get(&front.url, &desk, key, &[]).await;
            assert_eq!(found, Some(code), "{key}: {text}");
            assert!(code == 0 || text.contains("there is another file already"), "{text}");
            assert!(back(&desk) == Some(theirs), "{key}: replaced");
            assert_eq!(crate::desk::tree(&desk.dir.path().join("back")).len(), 1, "nothing half stays");
            std::fs::remove_file(desk.dir.path().join("back/file")).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_only_a_folder_or_only_an_object_is_told_as_that() {
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), b"a").unwrap();
    assert_eq!(told(&liar.url(), dir.path(), &[], &["copy", "a", "s3://bucket/x/"]).await.0, Some(0));
    for (arguments, advice) in [
        (&["get", "s3://bucket/x", "back"][..], "name s3://bucket/x/ with the / at the end"),
        (&["rm", "s3://bucket/x"], "name s3://bucket/x/ with the / at the end"),
        (&["rm", "s3://bucket/x", "--dry-run"], "name s3://bucket/x/ with the / at the end"),
        (&["get", "s3://bucket/y", "back"], "check the address"),
    ] {
        let (code, text) = told(&liar.url(), dir.path(), &[], arguments).await;
        assert!(code == Some(66) && text.contains(advice), "{arguments:?}: {code:?} {text}");
    }
    // Removing what is not there is no error: it may be done twice.
    let (code, text) = told(&liar.url(), dir.path(), &[], &["rm", "s3://bucket/y"]).await;
    assert!(code == Some(0) && text.contains("nothing was removed"), "{text}");
    assert_eq!(liar.objects().len(), 1);
    // This server lists by prefix.
    let desk = Desk::new();
    desk.write("a", b"a");
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket/x"]).await.0, Some(0));
    let (code, text) = told(&desk.url, desk.dir.path(), &[], &["get", "s3://bucket/x/a/", "back"]).await;
    assert!(code == Some(66) && text.contains("leave the / at the end out"), "{text}");
}
