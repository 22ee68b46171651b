//! Whenever it dies, the index opens, and a rerun makes it what it would have been.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crawl_core::{Error, Kind as Why};
use record_search::{Document, Index, Mode, Query, Writer};

use crate::{ask, documents, hashed};

/// All that an index answers, in an order that does not depend on the order in which things came.
fn all(folder: &Path) -> Vec<String> {
    let index = Index::open(folder, hashed()).unwrap();
    let query = Query { mode: Mode::Meaning, limit: 2_000, explain: true, ..ask("llama german") };
    let found = index.search(&query).unwrap();
    assert_eq!(found.hits.len() as u64, index.documents(), "each has its vector, and none is there twice");
    let mut all: Vec<String> = found
        .hits
        .iter()
        .map(|hit| {
            format!("{:?} {:?}", serde_json::to_string(&hit.shown), hit.explain.as_ref().unwrap().cosine)
        })
        .collect();
    all.sort();
    all
}

/// Puts in both halves, changes some of the first, takes some out, and compacts.
fn work(
    folder: &Path,
    documents: &[Document],
    probe: Option<record_search::Probe>,
) -> record_search::Result<()> {
    let mut writer = Writer::probed(folder, hashed(), probe)?;
    let (first, second) = documents.split_at(documents.len() / 2);
    for part in [first, second] {
        for document in part {
            writer.put(document.clone())?;
        }
        writer.commit()?;
    }
    for document in &first[..first.len() / 2] {
        let changed = Document { card: format!("{} changed", document.card), ..document.clone() };
        writer.put(changed)?;
    }
    writer.commit()?;
    for document in &second[..second.len() - 3] {
        writer.remove(&document.key());
    }
    writer.compact()?;
    writer.close()
}

#[test]
fn it_dies_between_any_two_steps_and_a_rerun_makes_it_whole() {
    let documents = documents(9, 60);
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = folder.path().join("undisturbed");
    work(&undisturbed, &documents, None).unwrap();
    let wanted = all(&undisturbed);
    let mut steps = 0;
    for dies in 0.. {
        let index = folder.path().join(format!("dies-{dies}"));
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let probe = move |_: &'static str| match counted.fetch_add(1, Ordering::SeqCst) {
            now if now == dies => Err(Error::new(Why::Storage, "died here, as the probe asked")),
            _ => Ok(()),
        };
        if work(&index, &documents, Some(Arc::new(probe))).is_ok() {
            break;
        }
        steps += 1;
        // What a reader finds is a commit: as many documents as vectors. Before the first commit there is no index.
        if dies > 2 {
            all(&index);
        }
        work(&index, &documents, None).unwrap();
        assert_eq!(all(&index), wanted, "died at step {dies}");
    }
    assert!(steps >= 16, "{steps} steps");
}

#[test]
fn what_a_commit_left_that_was_killed_at_its_end_is_in_the_way_of_none() {
    let documents = documents(10, 30);
    let folder = tempfile::tempdir().unwrap();
    let put = |documents: &[Document]| {
        let mut writer = Writer::open(folder.path(), hashed())?;
        for document in documents {
            writer.put(document.clone())?;
        }
        writer.commit()?;
        writer.close()
    };
    put(&documents).unwrap();
    let meta = folder.path().join("text/meta.json");
    let before = std::fs::read(&meta).unwrap();
    let change = |document: &Document| Document { card: "changed".into(), ..document.clone() };
    let changed: Vec<Document> = documents[..5].iter().map(change).collect();
    put(&changed).unwrap();
    // As if it had died right before it named the new files.
    std::fs::write(&meta, before).unwrap();
    put(&changed).unwrap();
    assert_eq!(all(folder.path()).len(), 30);
}

fn index_command(rows: &Path, index: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_record-search"));
    command.args([
        "index",
        "--mapping",
        "hf-models",
        "--vectors",
        "none",
        "--commit-rows",
        "40",
        "-q",
        "--index",
    ]);
    command.arg(index).arg(rows).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Indexes to the end.
fn indexed(rows: &Path, index: &Path) {
    let ended = index_command(rows, index).stderr(Stdio::piped()).output().unwrap();
    assert!(ended.status.success(), "{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
}

/// How often it is killed: `GLEANER_KILLS=100` takes minutes on a busy machine.
#[allow(clippy::disallowed_methods, reason = "how long a test may take is for the environment to say")]
fn kills() -> u32 {
    std::env::var("GLEANER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn it_is_killed_at_random_moments_and_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let line = |id: usize, likes: usize| {
        format!("{{\"id\":\"o/m{id}\",\"likes\":{likes},\"tags\":[\"t{}\"]}}\n", id % 7)
    };
    let lines =
        |likes: usize| (0..400).map(|id| line(id, if id % 2 == 0 { likes } else { 1 })).collect::<String>();
    let contents = |index: &Path| {
        let index = Index::open(index, None).unwrap();
        let found = index.search(&Query { limit: 2_000, ..Query::default() }).unwrap();
        assert_eq!(found.hits.len() as u64, index.documents());
        let mut all: Vec<String> =
            found.hits.iter().map(|hit| serde_json::to_string(&hit.shown).unwrap()).collect();
        all.sort();
        assert!(all.windows(2).all(|two| two[0] != two[1]), "no document twice");
        all
    };
    std::fs::write(&rows, lines(1)).unwrap();
    let undisturbed = folder.path().join("undisturbed");
    let began = Instant::now();
    indexed(&rows, &undisturbed);
    let took = began.elapsed();
    let killed = folder.path().join("killed");
    let mut random = fastrand::Rng::with_seed(5);
    let mut alive = 0;
    for number in 0..kills() {
        // Half of the rows change with every run: there is always something to do.
        std::fs::write(&rows, lines(number as usize + 2)).unwrap();
        let mut child = index_command(&rows, &killed).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(took.as_secs_f64() * random.f64()));
        alive += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if killed.join("text/meta.json").is_file() && number % 10 == 9 && Index::open(&killed, None).is_ok() {
            contents(&killed);
        }
    }
    assert!(alive * 2 > kills(), "only {alive} were killed while they worked");
    std::fs::write(&rows, lines(1)).unwrap();
    indexed(&rows, &killed);
    assert_eq!(contents(&killed), contents(&undisturbed));
}
