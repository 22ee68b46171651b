//! Files from a service: gone on with, verified, begun anew where they have changed, never replaced.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crawl_core::files::{Digest, Files, Wanted};
use crawl_core::http::{Http, HttpConfig};
use crawl_core::{FileLine, Kind, Result, Stop};
use data_encoding::{BASE64, HEXLOWER};
use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::origin::{Answer, Asked, Origin, good, made};
use crate::tables::picture;

const SIZE: u64 = 1_000_000;

pub(crate) fn http() -> Http {
    with_stop(Stop::new())
}

fn with_stop(stop: Stop) -> Http {
    let config = HttpConfig { backoff: Duration::from_millis(5), tries: 3, stop, ..HttpConfig::default() };
    Http::new(config).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

pub(crate) fn wanted(origin: &Origin) -> Wanted {
    Wanted::new(origin.request(), "data/o/file.bin")
}

fn known(origin: &Origin, version: u64) -> Wanted {
    let digests = vec![Digest::Sha256(sha256(&made(version, 0, SIZE)))];
    Wanted { digests, ..wanted(origin) }
}

/// Fetches as a new process does.
async fn get(root: &Path, wanted: &Wanted) -> Result<FileLine> {
    Files::new(root).fetch(&http(), wanted).await
}

/// What is there after a file was fetched: nothing but the file and the mark.
fn check(root: &Path, line: &FileLine, version: u64, size: u64) {
    let bytes = std::fs::read(root.join(&line.path)).unwrap();
    assert!(bytes == made(version, 0, size), "other bytes");
    assert_eq!((line.size, &line.sha256), (size, &sha256(&bytes)));
    let names: Vec<_> = picture(root).into_keys().filter(|name| name.contains(".part")).collect();
    assert_eq!(names, [""; 0]);
    assert!(root.join("data/.files").is_file());
}

/// A part of so many bytes, as a process leaves it that was stopped.
async fn stopped_at(root: &Path, wanted: &Wanted) -> u64 {
    let stop = Stop::new();
    let files = Files::new(root);
    let (http, progress) = (with_stop(stop.clone()), files.clone());
    let stopper = async {
        while progress.progress().arrived < SIZE / 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
        Instant::now()
    };
    let (result, since) = tokio::join!(files.fetch(&http, wanted), stopper);
    assert_eq!(result.unwrap_err().kind(), Kind::Stopped);
    assert!(since.elapsed() < Duration::from_secs(2), "a stop is heard at once");
    root.join("data/o/file.bin.part").metadata().unwrap().len()
}

/// Slow while the first process fetches, so that it can be stopped.
fn slow_at_first(asked: &Asked, answer: Answer) -> Answer {
    let slow = if asked.number == 1 { Duration::from_millis(20) } else { Duration::ZERO };
    Answer { slow, ..answer }
}

#[tokio::test]
async fn a_file_is_fetched_and_found_again_by_its_digest_without_a_question() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    let root = tempfile::tempdir().unwrap();
    let bytes = made(1, 0, SIZE);
    let blob = [format!("blob {SIZE}\0").as_bytes(), &bytes].concat();
    let blob = HEXLOWER.encode(&sha1::Sha1::digest(blob));
    for digest in [
        Digest::Sha256(sha256(&bytes).to_uppercase()),
        Digest::Md5(HEXLOWER.encode(&Md5::digest(&bytes))),
        Digest::GitBlob(blob),
    ] {
        let wanted = Wanted { digests: vec![digest], size: Some(SIZE), ..wanted(&origin) };
        let line = get(root.path(), &wanted).await.unwrap();
        assert_eq!(line.path, "data/o/file.bin");
        check(root.path(), &line, 1, SIZE);
    }
    assert_eq!(origin.asked().len(), 1);
    assert_eq!(origin.asked()[0].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_file_is_found_again_by_what_an_answer_tells_and_its_body_is_not_read() {
    let md5 = BASE64.encode(&Md5::digest(made(1, 0, 8 * SIZE)));
    let origin =
        Origin::start(move |asked| good(asked, 8 * SIZE, 1).with("x-goog-hash", &format!("md5={md5}")));
    let root = tempfile::tempdir().unwrap();
    let line = get(root.path(), &wanted(&origin)).await.unwrap();
    let sent = origin.sent();
    assert_eq!(get(root.path(), &wanted(&origin)).await.unwrap(), line);
    assert!(origin.sent() < sent + 7 * SIZE, "the body was read again");
    check(root.path(), &line, 1, 8 * SIZE);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_gone_on_with_and_no_byte_comes_twice() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1).cut(100_000));
    let root = tempfile::tempdir().unwrap();
    let line = get(root.path(), &wanted(&origin)).await.unwrap();
    check(root.path(), &line, 1, SIZE);
    let asked = origin.asked();
    assert_eq!((asked.len(), origin.sent()), (10, SIZE));
    assert!(asked[1..].iter().all(|asked| asked.header("if-range") == Some("\"v1\"")));
}

#[tokio::test]
async fn a_file_that_changes_while_it_comes_is_begun_anew() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1 + u64::from(asked.number > 5)).cut(150_000));
    let root = tempfile::tempdir().unwrap();
    let line = get(root.path(), &wanted(&origin)).await.unwrap();
    check(root.path(), &line, 2, SIZE);
}

#[tokio::test]
async fn a_file_that_changes_always_ends_in_an_error_that_may_pass() {
    let origin = Origin::start(|asked| good(asked, SIZE, asked.number).cut(500_000));
    let root = tempfile::tempdir().unwrap();
    assert_eq!(get(root.path(), &wanted(&origin)).await.unwrap_err().kind(), Kind::Transient);
    assert!(origin.asked().len() < 20);
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_is_not_asked_for_ever() {
    let origin = Origin::start(|asked| {
        let asked = Asked { headers: std::collections::HashMap::new(), ..asked.clone() };
        good(&asked, SIZE, 1).cut(500_000)
    });
    let root = tempfile::tempdir().unwrap();
    assert_eq!(get(root.path(), &wanted(&origin)).await.unwrap_err().kind(), Kind::Transient);
    assert!(origin.asked().len() < 20);
}

#[tokio::test]
async fn a_part_of_an_earlier_process_is_gone_on_with_by_its_strong_validator() {
    type Told = (&'static str, &'static str);
    let date: Told = ("date", "Mon, 07 Nov 1994 08:49:37 GMT");
    let modified: Told = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (told, validator) in [
        (vec![("etag", "\"v1\""), modified, date], Some("\"v1\"")),
        (vec![("etag", "W/\"v1\""), modified, date], Some(modified.1)),
        (vec![("etag", "W/\"v1\"")], None),
        (vec![modified], None),
        (vec![], None),
    ] {
        let headers = told.clone();
        let origin = Origin::start(move |asked| {
            let mut lenient = asked.clone();
            lenient.headers.remove("if-range");
            let answer = good(&lenient, SIZE, 1).without("etag");
            let answer = headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value));
            slow_at_first(asked, answer)
        });
        let root = tempfile::tempdir().unwrap();
        let there = stopped_at(root.path(), &wanted(&origin)).await;
        let line = get(root.path(), &wanted(&origin)).await.unwrap();
        check(root.path(), &line, 1, SIZE);
        let asked = origin.asked().pop().unwrap();
        assert_eq!(asked.header("if-range"), validator, "{told:?}");
        assert_eq!(asked.from(), validator.map(|_| there), "{told:?}");
    }
}

#[tokio::test]
async fn the_word_of_the_service_for_a_version_binds_a_part_and_another_word_does_not() {
    for (second, goes_on) in [("7", true), ("8", false)] {
        let origin = Origin::start(|asked| slow_at_first(asked, good(asked, SIZE, 1).without("etag")));
        let root = tempfile::tempdir().unwrap();
        let version = |word: &str| Wanted { version: Some(word.into()), ..wanted(&origin) };
        let there = stopped_at(root.path(), &version("7")).await;
        let line = get(root.path(), &version(second)).await.unwrap();
        check(root.path(), &line, 1, SIZE);
        assert_eq!(line.version.as_deref(), Some(second));
        assert_eq!(origin.asked().pop().unwrap().from(), goes_on.then_some(there));
    }
}

#[tokio::test]
async fn a_part_that_nothing_is_noted_of_is_gone_on_with_only_if_a_digest_is_known() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    for (part, wanted, from) in [
        (made(1, 0, SIZE / 2), known(&origin, 1), Some(SIZE / 2)),
        (made(1, 0, SIZE / 2), wanted(&origin), None),
        // Of another version: found out in the end.
        (made(2, 0, SIZE / 2), known(&origin, 1), None),
        // Longer than the whole, and whole.
        (made(1, 0, SIZE + 5), known(&origin, 1), None),
        (made(1, 0, SIZE), known(&origin, 1), Some(SIZE)),
    ] {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("data/o")).unwrap();
        std::fs::write(root.path().join("data/o/file.bin.part"), part).unwrap();
        let line = get(root.path(), &wanted).await.unwrap();
        check(root.path(), &line, 1, SIZE);
        assert_eq!(origin.asked().pop().unwrap().from(), from);
    }
}

#[tokio::test]
async fn what_a_crash_garbled_in_a_part_is_noticed() {
    let origin = Origin::start(|asked| slow_at_first(asked, good(asked, SIZE, 1)));
    let root = tempfile::tempdir().unwrap();
    let there = stopped_at(root.path(), &wanted(&origin)).await;
    let path = root.path().join("data/o/file.bin.part");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[there as usize - 1000..].fill(0);
    std::fs::write(&path, bytes).unwrap();
    check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), 1, SIZE);
}

#[tokio::test]
async fn the_validator_is_that_of_the_answer_that_gave_the_bytes_and_not_that_of_the_redirect() {
    let storage = Origin::start(|asked| good(asked, SIZE, 1).cut(300_000));
    let to = storage.url().to_string();
    let origin = Origin::start(move |_| Answer::moved(&to).with("etag", "\"of the redirect\""));
    let root = tempfile::tempdir().unwrap();
    check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), 1, SIZE);
    assert!(storage.asked()[1..].iter().all(|asked| asked.header("if-range") == Some("\"v1\"")));
    assert_eq!(storage.sent(), SIZE);
}

#[tokio::test]
async fn a_signed_address_that_has_aged_is_asked_for_again_at_the_first_address() {
    for status in [400, 403] {
        let storage = Origin::start(move |asked| match asked.number {
            2 | 3 => Answer::text(status, "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"),
            _ => good(asked, SIZE, 1).cut(400_000),
        });
        let to = storage.url().to_string();
        let origin = Origin::start(move |asked| Answer::moved(&format!("{to}?signed={}", asked.number)));
        let root = tempfile::tempdir().unwrap();
        check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), 1, SIZE);
        assert_eq!(origin.asked().len(), 5);
        assert_eq!(storage.asked()[4].path, "/file?signed=5");
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_part_for_the_next_run_and_is_not_saved_as_the_file() {
    let origin = Origin::start(|asked| match asked.number {
        1 => slow_at_first(asked, good(asked, SIZE, 1)),
        2 => Answer::text(403, "<Error/>"),
        _ => good(asked, SIZE, 1),
    });
    let root = tempfile::tempdir().unwrap();
    let there = stopped_at(root.path(), &wanted(&origin)).await;
    assert_eq!(get(root.path(), &wanted(&origin)).await.unwrap_err().kind(), Kind::Denied);
    check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), 1, SIZE);
    assert_eq!((origin.asked().len(), origin.asked()[2].from()), (3, Some(there)));
}

#[tokio::test]
async fn a_page_or_a_packed_answer_is_not_saved_as_the_file() {
    for headers in [[("content-type", "text/html; charset=utf-8")], [("content-encoding", "zstd")]] {
        let origin = Origin::start(move |_| {
            headers
                .iter()
                .fold(Answer::text(200, "<html>log in"), |answer, (name, value)| answer.with(name, value))
        });
        let root = tempfile::tempdir().unwrap();
        let error = get(root.path(), &wanted(&origin)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{error:?}");
        assert_eq!(picture(root.path()).into_keys().collect::<Vec<_>>(), ["data/.files"]);
    }
    let origin = Origin::start(|_| Answer::text(200, "<html>the file").with("content-type", "text/html"));
    let root = tempfile::tempdir().unwrap();
    get(root.path(), &Wanted { name: "data/page.html".into(), ..wanted(&origin) }).await.unwrap();
}

#[tokio::test]
async fn a_range_that_is_not_the_one_that_was_asked_for_is_not_put_behind_the_part() {
    type Break = fn(Answer) -> Answer;
    let breaks: [Break; 4] = [
        |answer| answer.without("content-range"),
        |answer| answer.without("content-range").with("content-range", "bytes 7-9/1000000"),
        |answer| answer.without("content-range").with("content-range", "bytes 300000-999998/999999"),
        |answer| answer.without("etag").with("etag", "\"another\""),
    ];
    for broken in breaks {
        let origin = Origin::start(move |asked| match asked.number {
            1 => good(asked, SIZE, 1).cut(300_000),
            2 => broken(good(asked, SIZE, 1)),
            _ => good(asked, SIZE, 1),
        });
        let root = tempfile::tempdir().unwrap();
        check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), 1, SIZE);
        assert_eq!(origin.asked()[2].from(), None);
    }
}

#[tokio::test]
async fn a_part_that_is_whole_is_verified_by_its_last_byte_or_begun_anew() {
    for version in [1, 2] {
        let origin = Origin::start(move |asked| match asked.number {
            // All bytes come, and then nothing: the end is not seen.
            1 => good(asked, SIZE, 1).with("transfer-encoding", "chunked").cut(0),
            _ => good(asked, SIZE, version),
        });
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("data/o")).unwrap();
        let part = root.path().join("data/o/file.bin.part");
        std::fs::write(&part, made(1, 0, SIZE)).unwrap();
        let mark = format!("{{\"size\":{SIZE},\"crc32c\":{}}}", crc32c::crc32c(&made(1, 0, SIZE)));
        let side = format!("{{\"v\":1,\"etag\":\"\\\"v1\\\"\",\"total\":{SIZE}}}\n{mark}\n");
        std::fs::write(root.path().join("data/o/file.bin.part.jsonl"), side).unwrap();
        let _ = http().send(&origin.request()).await;
        let before = origin.asked().len() as u64;
        check(root.path(), &get(root.path(), &wanted(&origin)).await.unwrap(), version, SIZE);
        let asked = origin.asked();
        assert_eq!(asked[before as usize].from(), Some(SIZE - 1));
    }
}

#[tokio::test]
async fn what_is_not_as_it_was_told_never_gets_its_name_and_does_not_stay() {
    let crc = BASE64.encode(&crc32c::crc32c(&made(1, 0, SIZE)).to_be_bytes());
    let md5 = BASE64.encode(&Md5::digest(made(1, 0, SIZE)));
    let right = Origin::start({
        let (crc, md5) = (crc.clone(), md5.clone());
        move |asked| {
            let answer = good(asked, SIZE, 1).cut(400_000).with("x-goog-hash", &format!("crc32c={crc}"));
            answer.with("x-goog-hash", &format!("md5={md5}"))
        }
    });
    let root = tempfile::tempdir().unwrap();
    check(root.path(), &get(root.path(), &wanted(&right)).await.unwrap(), 1, SIZE);
    let expect = |wanted: Wanted| async move {
        let root = tempfile::tempdir().unwrap();
        let error = get(root.path(), &wanted).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Shape, "{error:?}");
        assert_eq!(picture(root.path()).into_keys().collect::<Vec<_>>(), ["data/.files"], "{wanted:?}");
    };
    for (name, value) in [
        ("x-goog-hash", format!("crc32c={crc},md5={}", BASE64.encode(&[0; 16]))),
        ("x-goog-hash", format!("md5={md5},crc32c=AAAAAA==")),
        ("content-md5", BASE64.encode(&[0; 16])),
        ("repr-digest", format!("sha-256=:{}:", BASE64.encode(&[0; 32]))),
        ("digest", format!("SHA-256={}", BASE64.encode(&[0; 32]))),
    ] {
        let origin = Origin::start(move |asked| good(asked, SIZE, 1).with(name, &value));
        expect(wanted(&origin)).await;
    }
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    let right = || Digest::Sha256(sha256(&made(1, 0, SIZE)));
    for wanted in [
        Wanted { digests: vec![Digest::Sha256("0".repeat(64))], ..wanted(&origin) },
        Wanted { digests: vec![right(), Digest::Md5("0".repeat(32))], ..wanted(&origin) },
        Wanted { digests: vec![right(), Digest::GitBlob("0".repeat(40))], ..wanted(&origin) },
        Wanted { digests: vec![Digest::Crc32c("00000000".into())], ..wanted(&origin) },
        Wanted { size: Some(SIZE + 1), ..wanted(&origin) },
        Wanted { size: Some(SIZE - 1), ..wanted(&origin) },
        Wanted { most: 100, ..wanted(&origin) },
    ] {
        expect(wanted).await;
    }
}

#[tokio::test]
async fn a_file_without_a_told_size_that_is_too_large_is_not_taken() {
    let text = format!("{:x}\r\n{}\r\n0\r\n\r\n", 5000, "x".repeat(5000));
    let origin = Origin::start(move |_| Answer::text(200, &text).with("transfer-encoding", "chunked"));
    let root = tempfile::tempdir().unwrap();
    let error = get(root.path(), &Wanted { most: 4999, ..wanted(&origin) }).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Shape);
    let line = get(root.path(), &Wanted { most: 5000, ..wanted(&origin) }).await.unwrap();
    assert_eq!(line.size, 5000);
}

#[tokio::test]
async fn two_who_want_one_file_wait_for_one_download() {
    let origin = Origin::start(|asked| slow_at_first(asked, good(asked, SIZE, asked.number)));
    let root = tempfile::tempdir().unwrap();
    let (files, http) = (Files::new(root.path()), http());
    let wish = wanted(&origin);
    let other = Wanted { version: Some("0123456789abcdef".into()), ..wish.clone() };
    let (one, two, three) =
        tokio::join!(files.fetch(&http, &wish), files.fetch(&http, &wish), files.fetch(&http, &other));
    let (one, three) = (one.unwrap(), three.unwrap());
    assert_eq!(one, two.unwrap());
    assert_ne!(one.sha256, three.sha256, "another version is another wish");
    assert_eq!(origin.asked().len(), 2);
}

#[tokio::test]
async fn other_bytes_under_a_name_go_beside_it_and_equal_ones_nowhere() {
    let version = Arc::new(AtomicU64::new(1));
    let told = version.clone();
    let origin = Origin::start(move |asked| good(asked, SIZE, told.load(Ordering::SeqCst)));
    let root = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (bytes, word) in [
        (1, None),
        (1, None),
        (2, None),
        (2, Some("7")),
        (3, Some("ABCDEF0123456789")),
        (3, Some("ABCDEF0123456789")),
        // The same word for other bytes: the SHA-256 tells them apart.
        (4, Some("ABCDEF0123456789")),
        (1, Some("ABCDEF0123456789")),
    ] {
        version.store(bytes, Ordering::SeqCst);
        let wanted = Wanted { version: word.map(str::to_owned), ..wanted(&origin) };
        let line = get(root.path(), &wanted).await.unwrap();
        check(root.path(), &line, bytes, SIZE);
        assert_eq!(line.plain_name(), "data/o/file.bin");
        paths.push(line.path.replace("data/o/file.bin", ""));
    }
    let tag = |version: u64| format!("@{}", &sha256(&made(version, 0, SIZE))[..12]);
    let (two, four) = (tag(2), tag(4));
    assert_eq!(paths, ["", "", &two, &two, "@abcdef012345", "@abcdef012345", &four, ""]);
}

#[tokio::test]
async fn names_keep_apart_what_a_file_system_holds_for_one_and_every_name_is_told_again() {
    let long = format!("data/{}.csv", "é".repeat(300));
    let names = [
        "data/a/b.csv",
        "data/A/b.csv",
        "data/a/B.csv",
        "data/a/b.CSV",
        "data/a/b.csv/c",
        "data/a: x.part",
        "data/nul",
        "data/x@0123456789ab",
        "data/%41",
        &long,
        "data/É.csv",
        "data/é.csv",
    ];
    let origin = Origin::start(|asked| Answer::text(200, &asked.path));
    let root = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    // Once more as another process: it comes to the same names.
    for round in 0..2 {
        for (number, name) in names.iter().enumerate() {
            let mut wanted = Wanted { name: (*name).to_owned(), ..wanted(&origin) };
            wanted.request.url.set_path(&number.to_string());
            let line = get(root.path(), &wanted).await.unwrap();
            assert_eq!(line.plain_name(), *name);
            assert_eq!(std::fs::read_to_string(root.path().join(&line.path)).unwrap(), format!("/{number}"));
            if round == 0 { paths.push(line.path) } else { assert_eq!(line.path, paths[number]) }
        }
    }
    let folded: std::collections::HashSet<_> = paths.iter().map(|path| path.to_lowercase()).collect();
    assert_eq!(folded.len(), names.len(), "{paths:?}");
}

#[tokio::test]
async fn hostile_names_write_nothing() {
    let origin = Origin::start(|asked| good(asked, SIZE, 1));
    let root = tempfile::tempdir().unwrap();
    for name in ["../evil", "/tmp/evil", "a/../../evil", "a//evil", "evil", "", "a/."] {
        let error = get(root.path(), &Wanted { name: name.into(), ..wanted(&origin) }).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Denied);
    }
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    #[cfg(unix)]
    {
        let out = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("data")).unwrap();
        std::os::unix::fs::symlink(out.path(), root.path().join("data/o")).unwrap();
        assert_eq!(get(root.path(), &wanted(&origin)).await.unwrap_err().kind(), Kind::Denied);
        assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
    }
    assert_eq!(origin.asked().len(), 0);
}

#[tokio::test]
async fn progress_moves_while_a_file_comes() {
    let origin = Origin::start(|asked| slow_at_first(asked, good(asked, SIZE, 1)));
    let root = tempfile::tempdir().unwrap();
    let files = Files::new(root.path());
    let seen = async {
        let mut seen = std::collections::BTreeSet::new();
        while files.progress().done == 0 {
            let progress = files.progress();
            assert!(progress.arrived <= progress.expected && progress.under_way <= 1);
            seen.insert(progress.arrived);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        seen
    };
    let (http, wanted) = (http(), wanted(&origin));
    let (line, seen) = tokio::join!(files.fetch(&http, &wanted), seen);
    check(root.path(), &line.unwrap(), 1, SIZE);
    assert!(seen.len() > 5, "{seen:?}");
    assert_eq!((files.progress().received, files.progress().under_way), (SIZE, 0));
}
