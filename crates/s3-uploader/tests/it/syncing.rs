//! `sync`, and which files are meant.

use std::time::{Duration, SystemTime};

use crate::desk::{Desk, bytes, tree};
use crate::front::{Fate, Front, told};

async fn run(url: &str, desk: &Desk, arguments: &[&str], code: i32) -> String {
    let (found, text) = told(url, desk.dir.path(), &[], arguments).await;
    assert_eq!(found, Some(code), "{arguments:?}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn without_receipts_only_what_differs_is_sent_again() {
    // By checksum, by ETag, and where nothing is told.
    for (stripped, there) in [(&[][..], 2), (&["x-amz-checksum"], 2), (&["x-amz-checksum", "etag"], 0)] {
        let desk = Desk::new();
        for (name, content) in [("same", &b"same"[..]), ("of one size", b"one"), ("longer", b"short")] {
            desk.write(name, content);
        }
        desk.write("large", &bytes(5 << 20, 1));
        run(&desk.url, &desk, &["copy", "files", "s3://bucket/p", "--receipts", "a.jsonl"], 0).await;
        desk.write("of one size", b"two");
        desk.write("longer", b"longer now");
        desk.write("new", b"new");
        let counted = Front::start(&desk.url, |_| Fate::Pass).await;
        let front = Front::start(&counted.url, move |_| Fate::Strip(stripped)).await;
        let text =
            run(&front.url, &desk, &["sync", "files", "s3://bucket/p", "--receipts", "b.jsonl"], 0).await;
        let again = 2 - there;
        let sum = format!("5 files = {} sent + {there} there already", 3 + again);
        assert!(text.contains(&sum), "{stripped:?}: {text}");
        assert_eq!(counted.count("PUT /bucket/p/same") + counted.count("PUT /bucket/p/large"), again);
        let stored = desk.stored();
        assert_eq!((&stored["p/of one size"][..], &stored["p/new"][..]), (&b"two"[..], &b"new"[..]));
        assert_eq!((&stored["p/longer"][..], stored.len()), (&b"longer now"[..], 5));
        assert_eq!(tree(&desk.files()).len(), 5, "nothing is removed here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_bucket_to_bucket_nothing_is_fetched_and_only_what_differs_is_copied() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
    desk.write("a", b"one");
    desk.write("deep/b c&", &bytes(100_000, 1));
    desk.write("left.tmp", b"x");
    run(&desk.url, &desk, &["copy", "files", "s3://bucket/p"], 0).await;
    let front =
        Front::start(&desk.url, |asked| match asked.method == "GET" && asked.target.contains("/p/") {
            true => Fate::Refuse(403, "AccessDenied"),
            false => Fate::Pass,
        })
        .await;
    let sync = ["sync", "s3://bucket/p", "s3://other/q", "--exclude", "*.tmp", "--tries", "1"];
    let text = run(&front.url, &desk, &[&sync[..], &["--dry-run"]].concat(), 0).await;
    assert!(text.contains("would look at 2 objects"), "{text}");
    let text = run(&front.url, &desk, &sync, 0).await;
    assert!(
        text.contains("2 objects = 2 copied + 0 there already + 0 not copied; besides: 1 left out"),
        "{text}"
    );
    let text = run(&front.url, &desk, &sync, 0).await;
    assert!(text.contains("0 copied + 2 there already"), "{text}");
    let other = tree(&desk.dir.path().join("s3/other"));
    assert_eq!(other.len(), 2);
    assert!(other["q/deep/b c&"] == bytes(100_000, 1));
    desk.write("a", b"two");
    run(&desk.url, &desk, &["copy", "files", "s3://bucket/p"], 0).await;
    assert!(run(&front.url, &desk, &sync, 0).await.contains("1 copied + 1 there already"));
    // A name that was listed and is not there is told.
    std::fs::write(desk.dir.path().join("names.txt"), "a\nnowhere\n").unwrap();
    let text = run(&front.url, &desk, &[&sync[..], &["--files-from", "names.txt"]].concat(), 3).await;
    assert!(text.contains("this was named and is not there: `nowhere`"), "{text}");
    // One that is refused does not hold up the others.
    std::fs::remove_dir_all(desk.dir.path().join("s3/other/q")).unwrap();
    let front =
        Front::start(&desk.url, |asked| match asked.method == "PUT" && asked.target.contains("/q/a") {
            true => Fate::Refuse(403, "AccessDenied"),
            false => Fate::Pass,
        })
        .await;
    let text = run(&front.url, &desk, &sync, 3).await;
    assert!(text.contains("1 copied + 0 there already + 1 not copied"), "{text}");
    for (from, to, code) in [
        ("s3://bucket/nothing", "s3://other/q", 66),
        ("s3://bucket/p", "s3://bucket/p/within", 78),
        ("s3://bucket/", "s3://bucket/p", 78),
    ] {
        run(&desk.url, &desk, &["sync", from, to], code).await;
    }
    run(&desk.url, &desk, &["copy", "s3://bucket/p", "s3://other/q", "--receipts", "c.jsonl"], 78).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_sizes_and_ages_choose_and_a_name_that_is_not_there_is_told() {
    let desk = Desk::new();
    for (name, size, hours) in [("new", 10, 0), ("old", 10, 50), ("deep/large", 5000, 0), ("tiny", 1, 0)] {
        let path = desk.write(name, &vec![0; size]);
        let then = SystemTime::now() - Duration::from_secs(hours * 3600);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }
    let names = "new\r\ndeep/large\n\n../outside\n/etc/hostname\n";
    std::fs::write(desk.dir.path().join("names.txt"), names).unwrap();
    for (flags, expected, code) in [
        (&["--newer-than", "2d"][..], &["deep/large", "new", "tiny"][..], 0),
        (&["--older-than", "2d"], &["old"], 0),
        (&["--min-size", "10"], &["deep/large", "new", "old"], 0),
        (&["--max-size", "10", "--min-size", "2"], &["new", "old"], 0),
        (&["--files-from", "names.txt"], &["deep/large", "new"], 3),
        (&["--files-from", "names.txt", "--include", "deep/*"], &["deep/large"], 0),
    ] {
        let text = run(&desk.url, &desk, &[&["copy", "files", "s3://bucket/p"], flags].concat(), code).await;
        let stored = desk.stored();
        let found: Vec<_> = stored.keys().map(|key| key.trim_start_matches("p/")).collect();
        assert_eq!(found, expected, "{flags:?}");
        assert_eq!(
            text.matches("this was named and is not there").count(),
            if code == 3 { 2 } else { 0 },
            "{text}"
        );
        std::fs::remove_dir_all(desk.dir.path().join("s3/bucket/p")).unwrap();
        std::fs::remove_file(desk.dir.path().join("s3-receipts.jsonl")).unwrap();
    }
    run(&desk.url, &desk, &["copy", "files", "s3://bucket/p", "--files-from", "nowhere"], 78).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_bucket_to_bucket_nothing_is_replaced_where_that_is_forbidden() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
    for name in ["differs", "longer", "same", "new"] {
        desk.write(name, name.as_bytes());
    }
    run(&desk.url, &desk, &["copy", "files", "s3://bucket/p"], 0).await;
    for (name, content) in [("differs", &b"theirs!"[..]), ("longer", b"of another size"), ("same", b"same")] {
        desk.write(name, content);
    }
    run(&desk.url, &desk, &["copy", "files", "s3://other/q", "--exclude", "new"], 0).await;
    let sync = ["sync", "s3://bucket/p", "s3://other/q", "--no-overwrite"];
    // By what is told, and where nothing is told by reading.
    for stripped in [&[][..], &["x-amz-checksum", "etag"]] {
        let front = Front::start(&desk.url, move |_| Fate::Strip(stripped)).await;
        let text = run(&front.url, &desk, &sync, 3).await;
        let copied = usize::from(stripped.is_empty());
        assert!(text.contains(&format!("{copied} copied + {} there already + 2 not", 2 - copied)), "{text}");
        assert_eq!(text.matches("another object has this key").count(), 2, "{text}");
        let other = tree(&desk.dir.path().join("s3/other"));
        assert_eq!(
            (&other["q/differs"][..], &other["q/longer"][..]),
            (&b"theirs!"[..], &b"of another size"[..])
        );
        assert_eq!((&other["q/same"][..], &other["q/new"][..]), (&b"same"[..], &b"new"[..]));
    }
    // One that comes between the look and the copy is not replaced where the service hears of it.
    std::fs::remove_file(desk.dir.path().join("s3/other/q/new")).unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = asked.clone();
    let front = Front::start(&desk.url, move |asked| {
        if asked.method == "PUT" && asked.target.contains("/q/new") {
            seen.store(asked.has("if-none-match"), std::sync::atomic::Ordering::Relaxed);
        }
        Fate::Pass
    })
    .await;
    run(&front.url, &desk, &sync, 3).await;
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_file_is_chosen_as_one_in_a_folder_is() {
    let desk = Desk::new();
    desk.write("a.csv", &[0; 10]);
    std::fs::write(desk.dir.path().join("others.txt"), "b.csv\n").unwrap();
    std::fs::write(desk.dir.path().join("it.txt"), "a.csv\n").unwrap();
    for (flags, code) in [
        (&["--include", "*.jsonl"][..], 0),
        (&["--exclude", "a.*"], 0),
        (&["--min-size", "11"], 0),
        (&["--max-size", "9"], 0),
        (&["--older-than", "1d"], 0),
        (&["--files-from", "others.txt"], 3),
    ] {
        let move_it = [&["move", "files/a.csv", "s3://bucket/p/"], flags].concat();
        let text = run(&desk.url, &desk, &move_it, code).await;
        assert!(text.contains("0 files = ") && text.contains("1 left out"), "{flags:?}: {text}");
        assert!(desk.stored().is_empty() && desk.files().join("a.csv").exists(), "{flags:?}");
    }
    let flags = ["--include", "*.csv", "--min-size", "10", "--newer-than", "1d", "--files-from", "it.txt"];
    run(&desk.url, &desk, &[&["move", "files/a.csv", "s3://bucket/p/"], &flags[..]].concat(), 0).await;
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["p/a.csv"]);
}
