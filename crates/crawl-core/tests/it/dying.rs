//! The promise for files: a crash in any step leaves nothing that an undisturbed run does not leave.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crawl_core::files::{Digest, Files, Wanted};
use crawl_core::http::Http;
use crawl_core::{Disk, Fate, FileLine, Result};
use futures::StreamExt;

use crate::fetching::{http, sha256};
use crate::origin::{Origin, good, made};
use crate::promise::dying;
use crate::tables::{differing, picture};

const SIZE: u64 = 40_000;
const FILES: usize = 7;

/// Files in all the ways that there are: fetched with a break, fetched aside and removed, fetched again, other bytes under a name, put, made,
/// known by a digest, found to be the same.
async fn run(http: &Http, origin: &Origin, root: &Path, disk: Disk) -> Result<Vec<FileLine>> {
    let mut lines = Vec::new();
    run_some(http, origin, root, disk, usize::MAX, &mut lines).await.map(|()| lines)
}

/// As [`run`], up to so many files; those that were told to be done are in `lines`, also when it dies.
async fn run_some(
    http: &Http,
    origin: &Origin,
    root: &Path,
    disk: Disk,
    most: usize,
    lines: &mut Vec<FileLine>,
) -> Result<()> {
    let files = Files::new(root).with_disk(disk);
    let wanted = |version: u64| {
        let mut wanted = Wanted::new(origin.request(), "data/o/file.bin");
        wanted.request.url.set_path(&version.to_string());
        wanted
    };
    for number in 0..FILES.min(most) {
        if number == 2 {
            let aside = Wanted { name: "data/o/archive.zip".into(), ..wanted(3) };
            let aside = files.fetch_aside(http, &aside).await?.unwrap();
            assert!(std::fs::read(aside.path()).unwrap() == made(3, 0, SIZE));
            aside.remove().await?;
        }
        lines.push(match number {
            0 | 3 => files.fetch(http, &wanted(1)).await?,
            1 => files.put("data/p/put.txt", None, "put".into()).await?,
            2 => files.fetch(http, &wanted(2)).await?,
            4 => {
                let digests = vec![Digest::Sha256(sha256(&made(2, 0, SIZE)))];
                files.fetch(http, &Wanted { digests, ..wanted(2) }).await?
            }
            5 => {
                let mut making = files.create("data/made", Some("0123456789abcdef"), 100).await?;
                making.write_all(b"made ").map_err(inner)?;
                making.write_all(b"here").map_err(inner)?;
                making.finish().await?
            }
            _ => files.put("data/made", Some("0123456789abcdef"), "other".into()).await?,
        });
    }
    Ok(())
}

fn inner(error: std::io::Error) -> crawl_core::Error {
    *error.into_inner().unwrap().downcast().unwrap()
}

/// A file is there whole, or only its part is.
fn check_names(root: &Path) {
    for (name, bytes) in picture(root) {
        if name.starts_with("data/o/file.bin") && !name.contains(".part") {
            assert!(bytes == made(1, 0, SIZE) || bytes == made(2, 0, SIZE), "{name} is not whole");
        }
    }
}

/// What was told to be done is there, in a folder that no walk over listings enters.
fn check_lines(root: &Path, lines: &[FileLine], when: &str) {
    for line in lines {
        let bytes = std::fs::read(root.join(&line.path)).unwrap_or_default();
        assert_eq!(
            (sha256(&bytes), bytes.len() as u64),
            (line.sha256.clone(), line.size),
            "{}, {when}",
            line.path
        );
        assert!(root.join("data/.files").is_file(), "the mark is lost, {when}");
    }
}

/// The server of the files: the first answer about each breaks off in the middle.
fn breaking() -> Origin {
    Origin::start(|asked| {
        let version = asked.path[1..].parse().unwrap();
        let answer = good(asked, SIZE, version);
        if asked.from().is_none() { answer.cut(SIZE / 2) } else { answer }
    })
}

#[tokio::test]
async fn a_file_that_was_told_to_be_done_is_there_when_the_power_fails() {
    let origin = breaking();
    let (http, whole) = (http(), tempfile::tempdir().unwrap());
    let (disk, steps) = dying(usize::MAX, Fate::Live);
    let all = run(&http, &origin, whole.path(), disk).await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    let losses = futures::stream::iter(0..steps).map(|at| {
        let (http, origin, whole, all) = (&http, &origin, whole.path(), &all);
        async move {
            let root = tempfile::tempdir().unwrap();
            let (disk, _) = dying(at, Fate::Lose);
            let mut lines = Vec::new();
            let _ = run_some(http, origin, root.path(), disk, FILES, &mut lines).await;
            let when = format!("without power at step {at}");
            check_lines(root.path(), &lines, &when);
            check_names(root.path());
            let again = run(http, origin, root.path(), Disk::default()).await.unwrap();
            assert_eq!(again, *all, "{when}");
            assert_eq!(differing(root.path(), whole), [""; 0], "{when}");
        }
    });
    losses.buffer_unordered(8).collect::<()>().await;
}

#[tokio::test]
async fn what_a_dead_run_left_loose_is_durable_before_it_is_told_to_be_done() {
    let origin = breaking();
    let (http, counted) = (http(), tempfile::tempdir().unwrap());
    let (disk, steps) = dying(usize::MAX, Fate::Live);
    run(&http, &origin, counted.path(), disk).await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    let losses = futures::stream::iter(0..steps).map(|at| {
        let (http, origin) = (&http, &origin);
        async move {
            let root = tempfile::tempdir().unwrap();
            // The process dies at a step and another one goes on; then the power fails.
            let (asked, alive, power) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(true));
            let world = Arc::new((asked, alive, power));
            let seen = world.clone();
            let disk = Disk::with_probe(Arc::new(move |_| {
                let (asked, alive, power) = &*seen;
                let step = asked.fetch_add(1, Ordering::SeqCst);
                match (power.load(Ordering::SeqCst), alive.load(Ordering::SeqCst) || step < at) {
                    (false, _) => Fate::Lose,
                    (true, true) => Fate::Live,
                    (true, false) => Fate::Die,
                }
            }));
            let mut lines = Vec::new();
            let _ = run_some(http, origin, root.path(), disk.clone(), FILES, &mut lines).await;
            world.1.store(true, Ordering::SeqCst);
            // Up to the file in which it died, and no further: the next one would sync for it.
            let most = lines.len() + 1;
            lines.clear();
            run_some(http, origin, root.path(), disk.clone(), most, &mut lines).await.unwrap();
            world.2.store(false, Ordering::SeqCst);
            Files::new(root.path()).with_disk(disk).put("data/last", None, "x".into()).await.unwrap_err();
            check_lines(
                root.path(),
                &lines,
                &format!("died at step {at}, without power behind {most} files"),
            );
        }
    });
    losses.buffer_unordered(8).collect::<()>().await;
}

#[tokio::test]
async fn a_folder_to_work_in_is_marked_durably_before_anything_is_in_it() {
    let root = tempfile::tempdir().unwrap();
    let power = Arc::new(AtomicBool::new(true));
    let seen = power.clone();
    let fate = move |_| if seen.load(Ordering::SeqCst) { Fate::Live } else { Fate::Lose };
    let files = Files::new(root.path()).with_disk(Disk::with_probe(Arc::new(fate)));
    let scratch = files.scratch().unwrap();
    power.store(false, Ordering::SeqCst);
    files.put("data/x", None, "x".into()).await.unwrap_err();
    assert!(root.path().join(".scratch/.files").is_file());
    drop(scratch);
}

#[tokio::test]
async fn files_that_die_at_any_step_are_in_the_end_as_if_nothing_had_happened() {
    let origin = breaking();
    let (http, whole) = (http(), tempfile::tempdir().unwrap());
    let (disk, steps) = dying(usize::MAX, Fate::Live);
    let lines = run(&http, &origin, whole.path(), disk).await.unwrap();
    let steps = steps.load(Ordering::SeqCst);
    assert!(steps > 100, "only {steps} steps: are all writes asked for?");
    assert_eq!(picture(whole.path()).len(), 6, "{:?}", picture(whole.path()).keys());
    let ways = (0..steps).flat_map(|at| [(at, Fate::Die), (at, Fate::Tear)]);
    let deaths = futures::stream::iter(ways).map(|(at, fate)| {
        let (http, origin, whole, lines) = (&http, &origin, whole.path(), &lines);
        async move {
            let root = tempfile::tempdir().unwrap();
            let (disk, _) = dying(at, fate);
            // A body may come in fewer pieces than the first time: then it does not die at the last steps.
            let died = run(http, origin, root.path(), disk).await.is_err();
            check_names(root.path());
            let again = run(http, origin, root.path(), Disk::default()).await.unwrap();
            assert_eq!(again, *lines, "died at step {at} ({fate:?})");
            assert_eq!(differing(root.path(), whole), [""; 0], "died at step {at} ({fate:?})");
            usize::from(died)
        }
    });
    let deaths: usize = deaths.buffer_unordered(8).collect::<Vec<_>>().await.into_iter().sum();
    assert!(deaths > 2 * steps - 60, "only {deaths} deaths in {steps} steps");
}
