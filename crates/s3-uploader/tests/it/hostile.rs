//! Hostile names, files that change, disks that are full.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crawl_core::Kind;
use s3_uploader::{Choice, Local, list};

use crate::desk::{Desk, bytes, plan, tree};
use crate::liar::{Liar, Lie};

fn ended(output: &Output, code: i32) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_listed_is_kept() {
    let desk = Desk::new();
    for (name, change) in [("grown", 30), ("shrunk", 5), ("same-size", 10)] {
        let path = desk.write(name, &[1; 10]);
        let file = Local::at(&path, name).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&path, vec![2; change]).unwrap();
        let error = desk.job(plan("", true)).one(&file).await.unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap().len(), change);
        assert!(desk.stored().is_empty(), "nothing half was sent");
    }
    let path = desk.write("deleted", b"x");
    let file = Local::at(&path, "deleted").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(desk.job(plan("", true)).one(&file).await.unwrap_err().kind(), Kind::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_written_to_while_they_are_sent_are_kept_or_whole() {
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.bin");
    for round in 0..12u64 {
        std::fs::write(&path, bytes(12 << 20, round)).unwrap();
        let mut child = crate::desk::command(&liar.url(), dir.path())
            .args(["move", "file.bin", "s3://bucket/", "-q", "--part-from", "6MiB", "--part-size", "5MiB"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20 * round)).await;
        let written = std::fs::OpenOptions::new().append(true).open(&path).ok().map(|mut file| {
            std::io::Write::write_all(&mut file, b"more").unwrap();
        });
        let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
        if path.exists() {
            assert!(code != Some(0), "kept, so it is told");
        } else {
            let stored = liar.object("file.bin").unwrap();
            let whole = stored.len() == (12 << 20) + if written.is_some() { 4 } else { 0 };
            // Opened before it was deleted and written after: no program can see that.
            assert!(whole || (written.is_some() && stored.len() == 12 << 20), "{}", stored.len());
        }
    }
}

#[tokio::test]
async fn hostile_names_arrive_as_they_are() {
    let desk = Desk::new();
    let long = "n".repeat(200);
    let names =
        [" ", "a b", "ü/€ß", "line\nfeed", "a+b%20c", "..dots", "q?x=1&y#z", "tab\there", "~'\"\\", &long];
    for name in names {
        desk.write(name, name.as_bytes());
    }
    let output = desk.program(&["move", "files", "s3://bucket/h"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let stored = desk.stored();
    for name in names {
        assert_eq!(stored[&format!("h/{name}")], name.as_bytes(), "{name:?}");
    }
    let output = desk.program(&["verify", "s3-receipts.jsonl", "--deep"]);
    assert_eq!(output.status.code(), Some(0));
    let output = desk.program(&["get", "s3://bucket/h/", "back"]);
    // Names with control characters, backslashes and the like are not written to a disk.
    assert_eq!(output.status.code(), Some(3));
    let back = tree(&desk.dir.path().join("back"));
    // This server says that its listing codes keys, and does not.
    for name in ["ü/€ß", "a+b%20c", "q?x=1&y#z"] {
        assert_eq!(back[name], name.as_bytes(), "{name}");
    }
}

#[tokio::test]
async fn a_key_may_have_1024_bytes_and_no_more() {
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let receipts = dir.path().join("r.jsonl");
    for (length, fits) in [(1024, true), (1025, false)] {
        let path = dir.path().join("x");
        std::fs::write(&path, b"x").unwrap();
        let prefix = "../".to_owned() + &"p".repeat(length - 4);
        let job = s3_uploader::Job::new(crate::desk::bucket_at(&liar.url()), plan(&prefix, true), &receipts)
            .unwrap();
        let result = job.one(&Local::at(&path, "x").unwrap()).await;
        // The prefix holds `..`, which no layer on the way may resolve.
        assert_eq!(result.is_ok(), fits && liar.objects().len() == 1, "{result:?}");
        assert_eq!(path.exists(), !fits);
    }
}

#[tokio::test]
async fn links_are_not_followed_and_are_told() {
    let desk = Desk::new();
    std::fs::write(desk.dir.path().join("outside"), b"not ours").unwrap();
    desk.write("a", b"a");
    std::os::unix::fs::symlink(desk.dir.path().join("outside"), desk.files().join("link")).unwrap();
    std::os::unix::fs::symlink(desk.dir.path(), desk.files().join("folder")).unwrap();
    let output = desk.program(&["move", "files", "s3://bucket"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "what was left is told by the exit code: {err}");
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["a"]);
    assert!(err.contains("symbolic link") && desk.dir.path().join("outside").exists());
}

#[tokio::test]
async fn globs_choose_and_a_dry_run_sends_nothing() {
    let desk = Desk::new();
    for name in ["a.jsonl", "deep/b.jsonl", "deep/c.part", "tmp/d.jsonl"] {
        desk.write(name, b"x");
    }
    let arguments = ["move", "files", "s3://bucket", "--include", "*.jsonl", "--exclude", "tmp/**"];
    let output = desk.program(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    assert!(desk.stored().is_empty());
    assert_eq!(desk.program(&arguments).status.code(), Some(0));
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["a.jsonl", "deep/b.jsonl"]);
    assert_eq!(tree(&desk.files()).into_keys().collect::<Vec<_>>(), ["deep/c.part", "tmp/d.jsonl"]);
}

#[tokio::test]
async fn receipts_that_cannot_be_written_keep_every_file() {
    let desk = Desk::new();
    desk.write("a", b"a");
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    std::os::unix::fs::symlink("/dev/full", desk.dir.path().join("full.jsonl")).unwrap();
    let output = desk.program(&["move", "files", "s3://bucket", "--receipts", "full.jsonl"]);
    assert_eq!(output.status.code(), Some(74), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(tree(&desk.files()).len(), 1);
}

#[tokio::test]
async fn a_disk_that_fills_up_with_receipts_keeps_what_has_none() {
    let desk = Desk::new();
    for number in 0..40 {
        desk.write(&format!("{number:02}"), &bytes(100, number));
    }
    // A file may have 2 KiB here: a few receipts fit, and the next one is refused as by a full disk. Receipts that wait
    // for each other are written in one go, which a busy machine makes longer: those of four files fit, of eight not.
    let program = format!(
        "trap '' XFSZ; ulimit -f 4; exec '{}' move files s3://bucket --in-flight 1 --receipts s3-receipts.jsonl",
        env!("CARGO_BIN_EXE_s3-uploader")
    );
    let mut shell = Command::new("sh");
    let like = crate::desk::command(&desk.url, desk.dir.path());
    shell.current_dir(desk.dir.path()).env_clear().args(["-c", &program]);
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let text = ended(&shell.output().unwrap(), 74);
    assert!(text.contains("cannot write the receipts"), "{text}");
    let receipts = s3_uploader::receipt::read(&desk.dir.path().join("s3-receipts.jsonl")).unwrap();
    let left = tree(&desk.files()).len();
    assert!(!receipts.is_empty() && left > 20, "{} receipts, {left} files", receipts.len());
    assert_eq!(receipts.len() + left, 40, "what has no receipt is here");
    ended(&desk.program(&["move", "files", "s3://bucket"]), 0);
    assert_eq!((tree(&desk.files()).len(), desk.stored().len()), (0, 40));
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_keeps_its_files_and_tells() {
    let desk = Desk::new();
    let (files, open) = (desk.files(), desk.dir.path().join("open"));
    desk.write("a", b"a");
    let hidden = desk.write("hidden/b", b"b");
    let hidden = hidden.parent().unwrap();
    std::fs::create_dir(&open).unwrap();
    // Root may do everything, so it becomes somebody else, who needs a program in reach.
    let root = files.metadata().unwrap().uid() == 0;
    let program = open.join("s3-uploader");
    std::fs::copy(env!("CARGO_BIN_EXE_s3-uploader"), &program).unwrap();
    for (path, mode) in [(desk.dir.path(), 0o755), (&open, 0o777), (&files, 0o555), (hidden, 0)] {
        allow(path, mode);
    }
    let mut command = Command::new(&program);
    let like = crate::desk::command(&desk.url, desk.dir.path());
    command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(&open).env("HOME", &open).args(["move", "../files", "s3://bucket"]);
    command.args(crate::desk::RECEIPTS);
    if root {
        command.uid(65534).gid(65534);
    }
    let text = ended(&command.output().unwrap(), 77);
    assert!(text.contains("cannot delete the file") && text.contains("cannot read the file"), "{text}");
    allow(hidden, 0o755);
    assert_eq!(tree(&files).len(), 2, "all is kept");
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["a"], "and what could be read was sent");
    // Once the folder may be written, the next run deletes by the receipt and sends only the rest.
    allow(&files, 0o755);
    let receipts = open.join("s3-receipts.jsonl");
    let text = desk.program(&["move", "files", "s3://bucket", "--receipts", receipts.to_str().unwrap()]);
    let text = ended(&text, 0);
    assert!(text.contains("2 files = 1 sent + 1 there already"), "{text}");
    assert!(tree(&files).is_empty());
}

#[tokio::test]
async fn empty_folders_stay_unless_they_are_to_go() {
    let desk = Desk::new();
    desk.write("full/a", b"");
    std::fs::create_dir_all(desk.files().join("empty/within")).unwrap();
    ended(&desk.program(&["move", "files", "s3://bucket"]), 0);
    assert_eq!(desk.stored().into_keys().collect::<Vec<_>>(), ["full/a"]);
    assert!(desk.files().join("full").is_dir() && desk.files().join("empty/within").is_dir());
    ended(&desk.program(&["move", "files", "s3://bucket", "--remove-empty-folders"]), 0);
    assert!(std::fs::read_dir(desk.files()).unwrap().next().is_none() && desk.files().is_dir());
    ended(&desk.program(&["move", "files/nothing", "s3://bucket"]), 66);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_1024_bytes_and_a_leading_slash_arrive_as_they_are() {
    let liar = Liar::start(Lie::None).await;
    let dir = tempfile::tempdir().unwrap();
    let long = ["n"; 5].map(|letter| letter.repeat(204)).join("/");
    let path = dir.path().join("files").join(&long);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"long").unwrap();
    let run = |arguments: &'static [&'static str]| {
        let (url, folder) = (liar.url(), dir.path().to_owned());
        tokio::task::spawn_blocking(move || crate::desk::program(&url, &folder, arguments))
    };
    let text = ended(&run(&["move", "files", "s3://bucket/p/"]).await.unwrap(), 78);
    assert!(text.contains("1026") && path.is_file(), "{text}");
    ended(&run(&["move", "files", "s3://bucket"]).await.unwrap(), 0);
    assert_eq!(liar.object(&long).as_deref(), Some(&b"long"[..]));
    std::fs::write(dir.path().join("files/a"), b"slash").unwrap();
    ended(&run(&["move", "files/a", "s3://bucket//abs/"]).await.unwrap(), 0);
    assert_eq!(liar.object("/abs/a").as_deref(), Some(&b"slash"[..]));
    assert!(!path.exists() && liar.object("abs/a").is_none());
}

#[tokio::test]
async fn a_root_that_a_crawl_writes_to_is_not_moved() {
    let desk = Desk::new();
    desk.write("crawl/hf/page_00001.jsonl", b"{}\n");
    let lock = std::fs::File::create(desk.files().join("crawl/.lock")).unwrap();
    lock.lock().unwrap();
    for from in ["files", "files/crawl", "files/crawl/hf"] {
        let text = ended(&desk.program(&["move", from, "s3://bucket"]), 78);
        assert!(text.contains("a crawl is writing here") && text.contains("--upload"), "{text}");
    }
    // Not even if the lock itself is left out.
    ended(&desk.program(&["move", "files", "s3://bucket", "--include", "*.jsonl"]), 78);
    ended(&desk.program(&["copy", "files", "s3://bucket"]), 0);
    drop(lock);
    ended(&desk.program(&["move", "files", "s3://bucket"]), 0);
    assert!(tree(&desk.files()).is_empty());
}

#[tokio::test]
async fn what_is_fetched_replaces_no_other_file() {
    let desk = Desk::new();
    for name in ["equal", "other", "away"] {
        desk.write(name, name.as_bytes());
    }
    ended(&desk.program(&["copy", "files", "s3://bucket/b"]), 0);
    std::fs::write(desk.files().join("other"), "mine!").unwrap();
    std::fs::rename(desk.files().join("away"), desk.files().join("away.part")).unwrap();
    let text = ended(&desk.program(&["get", "s3://bucket/b/", "files"]), 3);
    assert!(
        text.contains("3 objects = 2 fetched + 0 skipped + 1 not fetched") && text.contains("another file"),
        "{text}"
    );
    let text = ended(&desk.program(&["get", "s3://bucket/b/", "files", "--skip-existing"]), 0);
    assert!(text.contains("0 fetched + 3 skipped + 0 not fetched"), "{text}");
    let files = tree(&desk.files());
    assert_eq!((&files["other"][..], &files["away"][..], files.len()), (&b"mine!"[..], &b"away"[..], 4));
}

#[test]
fn the_listing_is_in_order_and_knows_what_it_left() {
    let desk = Desk::new();
    desk.write("b", b"");
    desk.write("a/c", b"x");
    let listing = list(&desk.files(), &Choice::default(), &[]).unwrap();
    assert_eq!(listing.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a/c", "b"]);
    assert!(listing.refused.is_empty() && listing.left_out == 0);
}
