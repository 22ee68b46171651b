//! `sync` into a folder.

use std::os::unix::fs::symlink;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desk::{Desk, bytes, tree};
use crate::front::{Asked, Fate, Front, told};
use crate::liar::{Liar, Lie};

const SYNC: [&str; 3] = ["sync", "s3://bucket/p", "back"];

async fn run(url: &str, desk: &Desk, more: &[&str], code: i32) -> String {
    let arguments = [&SYNC[..], more].concat();
    let (found, text) = told(url, desk.dir.path(), &[], &arguments).await;
    assert_eq!(found, Some(code), "{more:?}: {text}");
    text
}

/// A bucket with three objects below `p/` and one beside it; `back` has them too, if they are to be `there`.
async fn stocked(there: bool) -> Desk {
    let desk = Desk::new();
    desk.write("p/small", &bytes(100, 1));
    desk.write("p/deep/b c", b"deep");
    desk.write("p/large", &bytes(9 << 20, 2));
    desk.write("pp/beside", b"beside");
    let (code, text) = told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket"]).await;
    assert_eq!(code, Some(0), "{text}");
    if there {
        run(&desk.url, &desk, &[], 0).await;
    }
    desk
}

fn back(desk: &Desk) -> Vec<String> {
    tree(&desk.dir.path().join("back")).into_keys().collect()
}

fn write(desk: &Desk, name: &str, bytes: &[u8]) {
    let path = desk.dir.path().join("back").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn read(desk: &Desk, name: &str) -> Vec<u8> {
    std::fs::read(desk.dir.path().join("back").join(name)).unwrap()
}

fn of_object(asked: &Asked) -> bool {
    asked.method == "GET" && asked.target.contains("/bucket/p/")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_alike_comes_proven_and_nothing_comes_twice() {
    let desk = stocked(false).await;
    let front = Front::start(&desk.url, |_| Fate::Pass).await;
    let text = run(&front.url, &desk, &["--dry-run"], 0).await;
    assert!(text.contains("3 objects = 3 to fetch + 0 there already"), "{text}");
    assert!(!desk.dir.path().join("back").exists());
    let text = run(&front.url, &desk, &[], 0).await;
    assert!(text.contains("3 objects = 3 fetched + 0 there already + 0 not fetched"), "{text}");
    assert!(!text.contains("not proven"), "{text}");
    assert_eq!(back(&desk), ["deep/b c", "large", "small"]);
    front.forget();
    assert!(run(&front.url, &desk, &[], 0).await.contains("0 fetched + 3 there already"));
    assert_eq!(front.count("GET /bucket/p/"), 0, "what is alike is not fetched");
    // Of the same size, of another one, and gone; what the bucket does not have stays.
    write(&desk, "small", &bytes(100, 9));
    write(&desk, "large", b"cut");
    std::fs::remove_file(desk.dir.path().join("back/deep/b c")).unwrap();
    write(&desk, "mine", b"mine");
    let text = run(&front.url, &desk, &["--no-overwrite"], 3).await;
    assert!(text.contains("1 fetched + 0 there already + 2 not fetched"), "{text}");
    assert!(read(&desk, "small") == bytes(100, 9) && read(&desk, "large") == b"cut");
    let text = run(&front.url, &desk, &[], 0).await;
    assert!(text.contains("2 fetched + 1 there already"), "{text}");
    assert!(read(&desk, "small") == bytes(100, 1) && read(&desk, "large") == bytes(9 << 20, 2));
    assert_eq!(back(&desk), ["deep/b c", "large", "mine", "small"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bucket_tells_nothing_a_receipt_tells_and_else_it_is_fetched_and_named_unproven() {
    let desk = stocked(true).await;
    let front = Front::start(&desk.url, |_| Fate::Strip(&["x-amz-checksum", "etag"])).await;
    let text = run(&front.url, &desk, &["--receipts", "s3-receipts.jsonl"], 0).await;
    assert!(text.contains("0 fetched + 3 there already"), "{text}");
    write(&desk, "small", &bytes(100, 9));
    let text = run(&front.url, &desk, &["--receipts", "s3-receipts.jsonl"], 0).await;
    assert!(text.contains("1 fetched + 2 there already") && !text.contains("not proven"), "{text}");
    assert!(read(&desk, "small") == bytes(100, 1));
    let text = run(&front.url, &desk, &[], 0).await;
    assert!(
        text.contains("3 fetched + 0 there already") && text.contains("3 of them are not proven"),
        "{text}"
    );
    // By the ETag alone.
    let front = Front::start(&desk.url, |_| Fate::Strip(&["x-amz-checksum"])).await;
    assert!(run(&front.url, &desk, &[], 0).await.contains("0 fetched + 3 there already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_by_what_is_proven_and_only_if_nobody_writes_to_it() {
    let desk = stocked(true).await;
    write(&desk, "small", &bytes(100, 9));
    let front = Front::start(&desk.url, |asked| if of_object(asked) { Fate::Flip } else { Fate::Pass }).await;
    let text = run(&front.url, &desk, &["--tries", "2"], 3).await;
    assert!(text.contains("what came is not what its stored checksum says"), "{text}");
    assert!(read(&desk, "small") == bytes(100, 9));
    let path = desk.dir.path().join("back/small");
    let front = Front::start(&desk.url, move |asked| {
        if of_object(asked) {
            std::fs::write(&path, b"written meanwhile").unwrap();
        }
        Fate::Pass
    })
    .await;
    let text = run(&front.url, &desk, &[], 3).await;
    assert!(text.contains("the file was changed while its object came"), "{text}");
    assert_eq!(read(&desk, "small"), b"written meanwhile");
    assert_eq!(back(&desk).len(), 3, "nothing half stays");
    // Nor where a crawl writes.
    let lock = std::fs::File::create(desk.dir.path().join("back/.lock")).unwrap();
    lock.lock().unwrap();
    assert!(run(&desk.url, &desk, &[], 78).await.contains("a crawl is writing here"));
    drop(lock);
    run(&desk.url, &desk, &[], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bucket_does_not_have_goes_only_if_that_was_asked_for_and_agreed_to() {
    let desk = stocked(true).await;
    for name in ["old", "deep/old", "keep.tmp", "SMALL"] {
        write(&desk, name, b"only here");
    }
    write(&desk, "small", &bytes(100, 9));
    let all = back(&desk);
    let delete = ["--delete", "--exclude", "*.tmp"];
    let text = run(&desk.url, &desk, &delete, 78).await;
    assert!(text.contains("--yes") && read(&desk, "small") == bytes(100, 9), "before anything comes: {text}");
    let text = run(&desk.url, &desk, &[&delete[..], &["--dry-run"]].concat(), 0).await;
    assert!(text.contains("would remove 3 files that the bucket does not have"), "{text}");
    assert!(text.contains("remove back/deep/old") && !text.contains("keep.tmp"), "{text}");
    let text = run(&desk.url, &desk, &[&delete[..], &["--yes", "--max-delete", "2"]].concat(), 78).await;
    assert!(text.contains("3 files would be removed, more than --max-delete"), "{text}");
    assert_eq!(back(&desk), all);
    // Nor if not all came.
    write(&desk, "small", &bytes(100, 9));
    let front = Front::start(&desk.url, |asked| match of_object(asked) {
        true => Fate::Refuse(403, "AccessDenied"),
        false => Fate::Pass,
    })
    .await;
    let text = run(&front.url, &desk, &[&delete[..], &["--yes"]].concat(), 3).await;
    assert!(text.contains("3 files that the bucket does not have: left, for not all came"), "{text}");
    assert_eq!(back(&desk), all);
    // A name that differs only in case may be the same file on another disk.
    let text = run(&desk.url, &desk, &[&delete[..], &["--yes", "--max-delete", "3"]].concat(), 3).await;
    assert!(text.contains("3 files that the bucket does not have = 2 removed + 1 not removed"), "{text}");
    assert_eq!(back(&desk), ["SMALL", "deep/b c", "keep.tmp", "large", "small"]);
    // What is left out there is there all the same.
    run(&desk.url, &desk, &["--delete", "--yes", "--min-size", "1MiB"], 0).await;
    run(&desk.url, &desk, &["--delete", "--yes", "--exclude", "*"], 0).await;
    assert_eq!(back(&desk).len(), 5);
    // A prefix that nothing has is a mistake, and no wish for an empty folder.
    for from in ["s3://bucket/nothing", "s3://bucket/p/small"] {
        let arguments = ["sync", from, "back", "--delete", "--yes"];
        let (code, text) = told(&desk.url, desk.dir.path(), &[], &arguments).await;
        assert_eq!((code, back(&desk).len()), (Some(66), 5), "{text}");
    }
    for arguments in [
        &["sync", "files", "s3://bucket/p", "--delete", "--yes"][..],
        &["sync", "s3://bucket/p", "s3://bucket/q", "--delete", "--yes"],
        &["sync", "s3://bucket/p", "files/p/small"],
    ] {
        let (code, text) = told(&desk.url, desk.dir.path(), &[], arguments).await;
        assert_eq!(code, Some(78), "{arguments:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_sizes_and_ages_choose_on_both_sides() {
    let desk = stocked(true).await;
    write(&desk, "small", b"short");
    let text = run(&desk.url, &desk, &["--min-size", "50", "--max-size", "200"], 0).await;
    assert!(
        text.contains("1 object = 1 fetched + 0 there already + 0 not fetched; besides: 2 left out"),
        "{text}"
    );
    assert!(read(&desk, "small") == bytes(100, 1), "a file here may be of any size");
    std::fs::write(desk.dir.path().join("names.txt"), "deep/b c\nnowhere\n").unwrap();
    let text = run(&desk.url, &desk, &["--files-from", "names.txt"], 3).await;
    assert!(text.contains("1 there already") && text.contains("not there: `nowhere`"), "{text}");
    // It is there, and too small.
    std::fs::write(desk.dir.path().join("names.txt"), "deep/b c\n").unwrap();
    run(&desk.url, &desk, &["--files-from", "names.txt", "--min-size", "1MiB"], 0).await;
    let text = run(&desk.url, &desk, &["--older-than", "1d"], 0).await;
    assert!(text.contains("0 objects = ") && text.contains("3 left out"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_says_was_sent_and_the_bucket_has_no_more_is_told() {
    let desk = stocked(true).await;
    // Somebody put another object there, and it is here.
    std::fs::write(desk.dir.path().join("other"), bytes(100, 5)).unwrap();
    let replace = ["copy", "other", "s3://bucket/p/small", "--receipts", "others.jsonl"];
    assert_eq!(told(&desk.url, desk.dir.path(), &[], &replace).await.0, Some(0));
    run(&desk.url, &desk, &[], 0).await;
    assert!(read(&desk, "small") == bytes(100, 5));
    let text = run(&desk.url, &desk, &["--receipts", "s3-receipts.jsonl"], 3).await;
    assert!(text.contains("what came is not what its receipt says"), "{text}");
    assert!(text.contains("0 fetched + 2 there already + 1 not fetched"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_hear_of_each_object_in_json() {
    let desk = stocked(false).await;
    let run = async |arguments: &[&str]| {
        let mut command = crate::desk::command(&desk.url, desk.dir.path());
        command.args(arguments).args(["--json", "--exclude", "large"]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(line).collect::<Vec<_>>()
    };
    std::fs::create_dir_all(desk.dir.path().join("s3/other")).unwrap();
    for (arguments, done) in [(&SYNC[..], "fetched"), (&["sync", "s3://bucket/p", "s3://other/q"], "copied")]
    {
        for (message, counted) in [(done, done), ("there", "was_there")] {
            let lines = run(arguments).await;
            assert!(
                lines.len() == 3 && lines[..2].iter().all(|line| line["message"] == message),
                "{lines:?}"
            );
            let summary = &lines[2];
            assert!(
                summary["message"] == "summary" && summary[counted] == 2 && summary["left_out"] == 1,
                "{summary}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_keys_and_links_lead_nowhere_and_remove_nothing() {
    let liar = Liar::start(Lie::None).await;
    let desk = Desk::new();
    let names = [
        "p/ok",
        "p/../evil",
        "p//etc/evil",
        "p/a:b",
        "p/dot.",
        "p/x.part",
        "p/link",
        "p/away/x",
        "p/file/x",
        "q/beside",
    ];
    for key in names {
        let mut stream = tokio::net::TcpStream::connect(liar.address).await.unwrap();
        let text = format!("PUT /bucket/{key} HTTP/1.1\r\ncontent-length: 4\r\n\r\nevil");
        stream.write_all(text.as_bytes()).await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    }
    let outside = desk.dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x"), b"not ours").unwrap();
    write(&desk, "file", b"a file");
    write(&desk, "only here", b"x");
    symlink(outside.join("x"), desk.dir.path().join("back/link")).unwrap();
    symlink(&outside, desk.dir.path().join("back/away")).unwrap();
    let text = run(&liar.url(), &desk, &["--delete", "--yes"], 3).await;
    assert!(text.contains("9 objects = 1 fetched + 0 there already + 8 not fetched"), "{text}");
    assert_eq!(std::fs::read(outside.join("x")).unwrap(), b"not ours");
    assert_eq!(back(&desk), ["file", "link", "ok", "only here"]);
    assert_eq!((read(&desk, "ok"), read(&desk, "file")), (b"evil".to_vec(), b"a file".to_vec()));
    assert!(!desk.dir.path().join("evil").exists() && std::fs::read_dir(&outside).unwrap().count() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_lies_on_both_sides_the_folder_is_then_what_the_bucket_is() {
    let mut dice = fastrand::Rng::with_seed(15);
    for round in 0..12 {
        let desk = Desk::new();
        // Sizes and contents meet often, so that all kinds of difference come up.
        let mut fill = |root: std::path::PathBuf| {
            for name in ["a", "b", "c/a", "c/b", "c/d/a", "c/d/é +%", "e"] {
                if dice.u8(..3) > 0 {
                    let path = root.join(name);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes(dice.usize(..3) * 100, dice.u64(..2))).unwrap();
                }
            }
        };
        fill(desk.files().join("p"));
        desk.write("p/always", b"there");
        fill(desk.dir.path().join("back"));
        assert_eq!(told(&desk.url, desk.dir.path(), &[], &["copy", "files", "s3://bucket"]).await.0, Some(0));
        let before = tree(&desk.dir.path().join("back"));
        let text = run(&desk.url, &desk, &["--delete", "--yes", "--remove-empty-folders"], 0).await;
        let (there, here) = (tree(&desk.files().join("p")), tree(&desk.dir.path().join("back")));
        assert_eq!(there, here, "round {round}: {text}");
        let alike = there.iter().filter(|(name, bytes)| before.get(*name) == Some(bytes)).count();
        assert!(text.contains(&format!("+ {alike} there already + 0 not")), "round {round}: {text}");
        let gone = before.keys().filter(|name| !there.contains_key(*name)).count();
        assert!(text.contains(&format!("= {gone} removed + 0 not")), "round {round}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_listing_is_taken_for_none() {
    let liar = Liar::start(Lie::HalfListed).await;
    let desk = Desk::new();
    desk.write("p/a", b"a");
    let copy = ["copy", "files", "s3://bucket"];
    assert_eq!(told(&liar.url(), desk.dir.path(), &[], &copy).await.0, Some(0));
    write(&desk, "b", b"in the other half");
    let text = run(&liar.url(), &desk, &["--delete", "--yes"], 65).await;
    assert!(text.contains("does not tell where the rest begins"), "{text}");
    assert_eq!(back(&desk), ["b"]);
    for arguments in [
        &["get", "s3://bucket/p/", "other"][..],
        &["ls", "s3://bucket/p"],
        &["rm", "s3://bucket/p", "--recursive", "--yes"],
    ] {
        assert_eq!(told(&liar.url(), desk.dir.path(), &[], arguments).await.0, Some(65), "{arguments:?}");
    }
    assert_eq!(liar.objects().len(), 1);
}
