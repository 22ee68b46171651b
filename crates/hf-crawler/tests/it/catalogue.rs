//! The catalogue and the differences of two, over a Hub whose models change between passes and while they are listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crawl_sim::{Hub as Double, HubConfig, Running};
use hf_crawler::catalogue::{Catalogue, Change, Counts, Report, diff};
use hf_crawler::{Fields, Listing, Repos, Repositories, parse_date};
use serde_json::{Value, json};

use crate::desk::{crawl, hub};
use crate::folding::{folded, rows, table};
use crate::program::text;

/// A Hub that goes on under one address, with all changes so far.
struct Hub {
    port: u16,
    changes: Vec<String>,
    running: Option<Running>,
    folder: tempfile::TempDir,
    passes: u64,
}

type Rows = BTreeMap<String, Value>;

const MODELS: u64 = 450;

impl Hub {
    async fn new() -> Self {
        let mut hub = Hub {
            port: 0,
            changes: Vec::new(),
            running: None,
            folder: tempfile::tempdir().unwrap(),
            passes: 0,
        };
        hub.change(&[]).await;
        hub.port = hub.running().addr().port();
        hub
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Makes changes; those with another number than 0 come before that list of the next pass.
    async fn change(&mut self, changes: &[&str]) {
        self.running = None;
        self.changes.extend(changes.iter().map(ToString::to_string));
        let changes = self.changes.iter().map(|change| change.parse().unwrap()).collect();
        let config = HubConfig {
            port: self.port,
            models: MODELS,
            horizon: Some(MODELS),
            datasets: 0,
            changes,
            ..HubConfig::default()
        };
        // The address may be held for a moment by what was there before.
        for _ in 0..200 {
            match Double::start(config.clone()).await {
                Ok(running) => {
                    self.running = Some(running);
                    return;
                }
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
        panic!("the double does not start");
    }

    async fn pass(&mut self, listing: Listing) -> PathBuf {
        self.passes += 1;
        let root = self.folder.path().join(format!("pass-{}", self.passes));
        let listing = Listing { repos: Repos::Models, page_size: Some(100), ..listing };
        crawl(&Repositories::new(hub(self.running()), listing).unwrap(), &root).await.unwrap();
        // What was to come while it was listed has come: from here on it was there from the beginning.
        for change in &mut self.changes {
            let (_, what) = change.split_once('=').unwrap();
            *change = format!("0={what}");
        }
        root
    }

    /// All that the Hub has, asked for by the test itself.
    async fn truth(&mut self) -> Rows {
        let listing = Listing { repos: Repos::Models, ..Listing::default() };
        self.change(&[]).await;
        let root = self.folder.path().join("truth");
        let _ = std::fs::remove_dir_all(&root);
        crawl(&Repositories::new(hub(self.running()), listing).unwrap(), &root).await.unwrap();
        let rows = crate::models::rows(&root);
        let key = |row: &Value| row["_id"].as_str().unwrap().to_owned();
        rows.iter().map(|row| row.raw().to::<Value>().unwrap()).map(|row| (key(&row), row)).collect()
    }

    fn catalogue(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The rows that are not gone.
fn alive(catalogue: &Path) -> Rows {
    table(catalogue)
        .into_iter()
        .filter(|(_, (_, gone))| gone.is_none())
        .map(|(key, (row, _))| (key, row))
        .collect()
}

fn light() -> Listing {
    Listing { fields: Fields::Light, ..Listing::default() }
}

fn since() -> Listing {
    Listing { since: Some(parse_date("2026-11-23").unwrap()), ..Listing::default() }
}

fn changes(before: &Path, after: &Path, counters: bool) -> (Vec<Change>, Counts) {
    let (before, after) = (Catalogue::open(before).unwrap(), Catalogue::open(after).unwrap());
    let mut all = Vec::new();
    let counts = diff(&before, &after, counters, |change| {
        all.push(change);
        Ok(())
    });
    (all, counts.unwrap())
}

/// The keys of a kind.
fn of(changes: &[Change], kind: &str) -> BTreeSet<String> {
    let of_kind = changes.iter().filter(|change| change.kind.contains(&kind));
    of_kind.map(|change| change.object_id.clone().unwrap()).collect()
}

/// Which rows of two truths differ in a field.
fn differ(before: &Rows, after: &Rows, field: &str) -> BTreeSet<String> {
    let both = before.iter().filter(|(key, row)| after.get(*key).is_some_and(|now| now[field] != row[field]));
    both.map(|(key, _)| key.clone()).collect()
}

/// What differs in two sets of rows: the keys, and the fields.
fn unlike(found: &Rows, truth: &Rows) -> Vec<String> {
    let keys: BTreeSet<&String> = found.keys().chain(truth.keys()).collect();
    let field = |rows: &Rows, key: &String, name: &str| rows.get(key).and_then(|row| row.get(name)).cloned();
    let names: BTreeSet<&String> =
        found.values().chain(truth.values()).flat_map(|row| row.as_object().unwrap().keys()).collect();
    let all = keys.into_iter().flat_map(|key| names.iter().map(move |name| (key, name)));
    all.filter(|(key, name)| field(found, key, name) != field(truth, key, name))
        .map(|(key, name)| format!("{key} {name}"))
        .collect()
}

#[tokio::test]
async fn after_each_pass_catalogue_and_diff_are_what_the_hub_was_and_what_changed() {
    let none: [String; 0] = [];
    let mut hub = Hub::new().await;
    let (old, now) = (hub.catalogue("old.parquet"), hub.catalogue("now.parquet"));
    let first = hub.pass(Listing::default()).await;
    let at_first = hub.truth().await;
    folded(&[&first], &now);
    assert_eq!(unlike(&alive(&now), &at_first), none);

    // What moves lastModified is found by an increment; counters, renames and what is gone are not.
    std::fs::copy(&now, &old).unwrap();
    let changed = [
        "0=touch:10:5",
        "0=license:30:3",
        "0=count:50:40",
        "0=rename:100:4",
        "0=vanish:200:6",
        "0=hide:300:2",
        "0=gate:400:3",
        "0=appear:7",
    ];
    hub.change(&changed).await;
    let increment = hub.pass(since()).await;
    let truth = hub.truth().await;
    folded(&[&increment], &now);
    let (found, counts) = changes(&old, &now, true);
    let new: BTreeSet<_> = truth.keys().filter(|key| !at_first.contains_key(*key)).cloned().collect();
    assert_eq!((of(&found, "new"), new.len()), (new.clone(), 7));
    let touched = differ(&at_first, &truth, "lastModified");
    assert_eq!((of(&found, "changed"), touched.len()), (touched.clone(), 8));
    assert_eq!(of(&found, "licence").len(), 3);
    for kind in ["gone", "renamed", "gated", "counters", "back"] {
        assert_eq!(of(&found, kind).len(), 0, "{kind}");
    }
    assert_eq!(counts.same, MODELS - 8);
    let rows = alive(&now);
    assert!(new.union(&touched).all(|key| rows[key] == truth[key]));
    assert_eq!(rows.len() as u64, MODELS + 7, "nothing is gone yet");

    // A light pass finds the rest, and erases no heavy field.
    let pass = hub.pass(light()).await;
    folded(&[&pass], &now);
    assert_eq!(unlike(&alive(&now), &truth), none);
    let (found, counts) = changes(&old, &now, true);
    assert_eq!(of(&found, "counters"), differ(&at_first, &truth, "downloadsAllTime"));
    assert!(of(&found, "counters").len() >= 40);
    assert_eq!(of(&found, "renamed"), differ(&at_first, &truth, "id"));
    assert_eq!(of(&found, "gated"), differ(&at_first, &truth, "gated"));
    let gone: BTreeSet<_> = at_first.keys().filter(|key| !truth.contains_key(*key)).cloned().collect();
    assert_eq!((of(&found, "gone"), gone.len()), (gone.clone(), 8));
    let renamed = found.iter().find(|change| change.kind.contains(&"renamed")).unwrap();
    assert!(renamed.to["id"].get().contains("moved1-") && !renamed.from["id"].get().contains("moved1-"));
    assert_eq!(counts.kinds["gone"], 8);
    // Without being asked, counters are only counted.
    let (quiet, counted) = changes(&old, &now, false);
    assert_eq!(counted, counts);
    assert!(quiet.iter().all(|change| !change.fields.iter().any(|field| field == "downloads")));
    assert!(quiet.len() < found.len());

    // While it is listed: what came behind the place that was reached is seen, what came before it is not, and nothing
    // that was seen in a pass is gone by it.
    std::fs::copy(&now, &old).unwrap();
    hub.change(&[
        "3=vanish:20:5",
        "3=vanish:350:5",
        "3=appear:4",
        "3=rename:380:2",
        "3=touch:5:2",
        "3=back:200:3",
    ])
    .await;
    let during = hub.pass(Listing::default()).await;
    let truth = hub.truth().await;
    folded(&[&during], &now);
    let (found, _) = changes(&old, &now, true);
    assert_eq!((of(&found, "gone").len(), of(&found, "new").len(), of(&found, "renamed").len()), (5, 4, 2));
    // Three of those that came back lay behind the place; the two that were touched, and the five that went, before it.
    assert_eq!(of(&found, "back"), gone.iter().filter(|key| truth.contains_key(*key)).cloned().collect());
    let rows = alive(&now);
    assert_eq!(rows.keys().filter(|key| !truth.contains_key(*key)).count(), 5);
    assert_eq!(rows.iter().filter(|(key, row)| truth.get(*key).is_some_and(|now| now != *row)).count(), 2);
    // The next whole pass finds them.
    let last = hub.pass(light()).await;
    folded(&[&last], &now);
    assert_eq!(alive(&now).len(), truth.len());
    // In any other order, and twice: the same file.
    let other = hub.catalogue("other.parquet");
    for run in [&last, &increment, &during, &first, &pass, &first] {
        folded(&[run], &other);
    }
    assert!(std::fs::read(&now).unwrap() == std::fs::read(&other).unwrap());
}

#[tokio::test]
async fn the_report_names_what_changed_and_names_do_nothing_in_it() {
    use crate::folding::Made;
    let hostile = "x/<img src=x onerror=alert(1)>\u{1b}[31m](http://evil.example)`|\n# heading";
    let page = |second, rows: Vec<Value>| Made {
        expand: "gated,tags,likes",
        pages: vec![(second, rows)],
        ..Made::default()
    };
    let many = |from: u64, to: u64| {
        (from..to).map(|number| json!({"_id": format!("n{number}"), "id": format!("n/{number}")}))
    };
    let row =
        |id: &str, gated: Value, tags: Value| json!({"_id": "a", "id": id, "gated": gated, "tags": tags});
    let one = page(
        0,
        vec![row("x/a", json!(false), json!(["license:mit"])), json!({"_id": "b", "id": "b", "likes": 1})],
    );
    let mut now = vec![
        row(hostile, json!("manual"), json!(["license:<b>"])),
        json!({"_id": "b", "id": "b", "likes": 2.0}),
    ];
    now.extend(many(0, 50));
    let other = page(10, now);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    one.write(&path("one")).await;
    other.write(&path("other")).await;
    folded(&[&path("one")], &path("a.parquet"));
    folded(&[&path("one"), &path("other")], &path("b.parquet"));
    let (found, counts) = changes(&path("a.parquet"), &path("b.parquet"), false);
    let mut report = Report::default();
    found.iter().for_each(|change| report.add(change));
    let text = report.markdown(&counts);
    for says in [
        "| new | 50 |",
        "| licence changed | 1 |",
        "| gated changed | 1 |",
        "| renamed | 1 |",
        "| counters moved | 1 |",
        "and 30 more",
        "\\\"manual\\\"",
        "\\<img src\\=x",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    // What is left without the escapes steers nothing.
    let mut plain = String::new();
    let mut escaped = false;
    for letter in text.chars() {
        let opens = letter == '\\' && !escaped;
        if !(std::mem::replace(&mut escaped, opens) || opens) {
            plain.push(letter);
        }
    }
    assert!(!plain.contains(['<', '[', ']', '`', '\u{1b}']) && !plain.contains("# heading\n"), "{plain}");
    assert_eq!(found[0].kind, ["renamed", "licence", "gated", "changed"]);

    // The program: the report, lines, a workbook.
    let run = |more: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command.arg("diff").args([path("a.parquet"), path("b.parquet")]).args(more).output().unwrap()
    };
    let output = run(&[]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), text.trim_end());
    let (lines, book, report) = (path("d.jsonl"), path("d.xlsx"), path("d.md"));
    for to in [&lines, &book, &report] {
        let output = run(&["--to", to.to_str().unwrap()]);
        assert!(output.status.success() && self::text(&output).contains("new 50"), "{}", self::text(&output));
    }
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&report), text);
    let lines: Vec<Value> = read(&lines).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 51);
    assert_eq!((&lines[0]["from"]["id"], &lines[0]["to"]["id"]), (&json!("x/a"), &json!(hostile)));
    assert_eq!((&lines[0]["from"]["license"], &lines[0]["to"]["gated"]), (&json!(["mit"]), &json!("manual")));
    assert!(std::fs::metadata(&book).unwrap().len() > 1000 && !path(".scratch").exists());
    let output = run(&["--to", "x.txt"]);
    assert!(
        output.status.code() == Some(2) || self::text(&output).contains("let it end in"),
        "{}",
        self::text(&output)
    );
}

#[tokio::test]
async fn a_heavy_pass_after_a_light_one_is_no_change_and_what_one_catalogue_lacks_is_gone_only_if_a_pass_says_so()
 {
    use crate::folding::Made;
    let made =
        |expand, second, rows: Vec<Value>| Made { expand, pages: vec![(second, rows)], ..Made::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (a, b) = (json!({"_id": "a", "id": "a", "config": {"k": 1}}), json!({"_id": "b", "id": "b"}));
    made("likes", 0, vec![json!({"_id": "a", "id": "a"}), b.clone()]).write(&path("light")).await;
    made("likes,config", 5, vec![a.clone(), b]).write(&path("heavy")).await;
    Made { filter: true, ..made("likes,config", 6, vec![a.clone()]) }.write(&path("part")).await;
    made("likes,config", 7, vec![a]).write(&path("without")).await;
    for (name, runs) in
        [("1", vec!["light"]), ("2", vec!["light", "heavy"]), ("3", vec!["part"]), ("4", vec!["without"])]
    {
        let roots: Vec<_> = runs.iter().map(|run| path(run)).collect();
        folded(&roots.iter().map(PathBuf::as_path).collect::<Vec<_>>(), &path(&format!("{name}.parquet")));
    }
    let against = |name: &str| changes(&path("1.parquet"), &path(&format!("{name}.parquet")), true);
    let (found, counts) = against("2");
    assert!(found.is_empty() && counts.same == 2, "{found:?}");
    let (found, counts) = against("3");
    assert!(found.is_empty() && (counts.same, counts.unseen) == (1, 1), "{found:?}");
    let (found, counts) = against("4");
    assert_eq!((found.len(), found[0].kind.clone(), counts.unseen), (1, vec!["gone"], 0));
}

#[tokio::test]
async fn the_program_folds_tells_what_it_did_and_writes_the_table_of_the_seed_system() {
    let mut hub = Hub::new().await;
    let root = hub.pass(Listing::default()).await;
    let to = hub.catalogue("models.parquet");
    let run = |more: &[&std::ffi::OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command.args(["catalogue", "--to"]).arg(&to).args(more).output().unwrap()
    };
    let output = run(&[root.as_os_str()]);
    assert!(
        output.status.success() && text(&output).contains("450 models of 1 run (1 new run), 0 of them gone"),
        "{}",
        text(&output)
    );
    assert!(text(&run(&[root.as_os_str()])).contains("nothing new"));
    let legacy = hub.catalogue("seed.parquet");
    let output = run(&["--legacy".as_ref(), legacy.as_os_str()]);
    assert!(output.status.success() && text(&output).contains("450 models"), "{}", text(&output));
    let reader = record_converter::parquet::Reader::open(&legacy).unwrap();
    assert_eq!((reader.len(), reader.columns().len()), (450, 37));
    assert_eq!(rows(&to).len(), 450);
    // The file is an ordinary table with the records in it.
    let table = record_converter::parquet::Reader::open(&to).unwrap();
    let names: Vec<_> = table.columns().iter().map(|column| column.name.as_ref()).collect();
    assert_eq!((names[0], names[1], names.contains(&"parameters")), ("_id", "id", true));
    assert_eq!(names[names.len() - 5..], ["first_seen", "last_seen", "gone_at", "fields_at", "raw"]);
    let nowhere = run(&[hub.folder.path().join("nowhere").as_os_str()]);
    assert!(!nowhere.status.success() && text(&nowhere).contains("name the root"), "{}", text(&nowhere));
}

#[tokio::test]
async fn chosen_columns_are_a_table_of_their_own_without_rows_that_are_gone() {
    let mut hub = Hub::new().await;
    let first = hub.pass(Listing::default()).await;
    hub.change(&["0=vanish:200:100"]).await;
    let second = hub.pass(Listing::default()).await;
    let (to, few) = (hub.catalogue("models.parquet"), hub.catalogue("few.parquet"));
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command.args(["catalogue", "--to"]).arg(&to).args(more).arg("--table").arg(&few).output().unwrap()
    };
    let roots = [first.to_str().unwrap(), second.to_str().unwrap()];
    for (names, words) in [
        ("id,download", &["no column `download`", "downloads, downloads_all_time"][..]),
        ("id,likes,id", &["named twice"]),
        ("id,\u{1b}[31m", &["no column"]),
    ] {
        let refused = run(&[roots[0], "--columns", names]);
        let said = text(&refused);
        assert!(refused.status.code() == Some(78) && !to.exists(), "before any work is done: {said}");
        assert!(words.iter().all(|word| said.contains(word)) && !said.contains('\u{1b}'), "{said}");
    }
    let done = run(&[roots[0], roots[1], "--columns", "downloads,id,tags"]);
    assert!(done.status.success() && text(&done).contains("350 models"), "{}", text(&done));
    let table = |path: &Path, names: &[&str]| {
        let reader = record_converter::parquet::Reader::open(path).unwrap();
        let columns: Vec<_> = reader.columns().to_vec();
        let rows: Vec<_> = reader.rows(names).unwrap().map(|row| row.unwrap()).collect();
        (columns, rows)
    };
    let (columns, rows) = table(&few, &[]);
    let of_whole = |name: &str| table(&to, &[]).0.into_iter().find(|column| column.name == name).unwrap();
    assert_eq!(columns, ["downloads", "id", "tags"].map(of_whole));
    let (_, mut whole) = table(&to, &["downloads", "id", "tags", "gone_at"]);
    whole.retain_mut(|row| row.pop() == Some(crawl_core::table::Value::Null));
    assert_eq!((rows.len(), &rows), (350, &whole));
    let done = run(&["--columns", "id,gone_at"]);
    assert!(done.status.success() && text(&done).contains("450 models"), "{}", text(&done));
    let done = run(&["--columns", "legacy"]);
    assert!(done.status.success() && text(&done).contains("350 models"), "{}", text(&done));
    assert_eq!(table(&few, &[]).0.len(), 37);
}

#[tokio::test]
async fn a_card_names_each_run_by_the_digest_of_its_manifest_and_replaces_nothing_unasked() {
    let mut hub = Hub::new().await;
    let roots = [hub.pass(Listing::default()).await, hub.pass(light()).await];
    let to = hub.catalogue("to/models.parquet");
    let beside = |name: &str| to.with_file_name(name);
    std::fs::create_dir(to.parent().unwrap()).unwrap();
    std::fs::write(beside("README.md"), "mine").unwrap();
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command.args(["catalogue", "--card", "--to"]).arg(&to).args(&roots).args(more).output().unwrap()
    };
    let refused = run(&[]);
    assert!(refused.status.code() == Some(78) && text(&refused).contains("README.md"), "{}", text(&refused));
    assert!(
        std::fs::read(beside("README.md")).unwrap() == b"mine" && !to.exists(),
        "before any work is done"
    );
    let done = run(&["--force"]);
    assert!(done.status.success(), "{}", text(&done));
    let card: Value = serde_json::from_slice(&std::fs::read(beside("croissant.json")).unwrap()).unwrap();
    let readme = std::fs::read_to_string(beside("README.md")).unwrap();
    let digest = |path: &Path| {
        use sha2::Digest;
        data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(std::fs::read(path).unwrap()))
    };
    assert_eq!(card["distribution"][0]["sha256"], digest(&to));
    let manifests = roots.map(|root| digest(&root.join("hf/models/manifest.jsonl")));
    let told: Vec<_> =
        card["prov:wasDerivedFrom"].as_array().unwrap().iter().map(|run| &run["@id"]).collect();
    assert_eq!(told, manifests.each_ref().map(|manifest| json!(format!("urn:sha256:{manifest}"))).each_ref());
    assert!(manifests.iter().all(|manifest| readme.contains(manifest)) && readme.contains("450 models"));
    let fields = card["recordSet"][0]["field"].as_array().unwrap();
    let table = record_converter::parquet::Reader::open(&to).unwrap();
    let names: Vec<_> = table.columns().iter().map(|column| column.name.as_ref()).collect();
    assert_eq!(fields.iter().map(|field| field["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn datasets_have_a_catalogue_too() {
    let (double, root) = (crate::desk::double(120, &[]).await, tempfile::tempdir().unwrap());
    crate::desk::list(&double, crate::desk::small(), root.path()).await.unwrap();
    let to = root.path().join("datasets.parquet");
    let output = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["catalogue", "--datasets", "--to"])
        .args([&to, root.path()])
        .output()
        .unwrap();
    assert!(output.status.success() && text(&output).contains("120 datasets"), "{}", text(&output));
    let found = alive(&to);
    let listed = crate::desk::records(root.path());
    assert!(listed.iter().all(|row| {
        let row: Value = row.raw().to().unwrap();
        found[row["_id"].as_str().unwrap()] == row
    }));
    // What is told of models alone is not told of them.
    let seed = root.path().join("seed.parquet");
    let (catalogue, seed_path) = (to.to_str().unwrap(), seed.to_str().unwrap());
    for arguments in [
        ["catalogue", "--to", catalogue, "--legacy", seed_path],
        ["fits", catalogue, "--memory=24GiB", "--to", seed_path],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_hf-crawler")).args(arguments).output().unwrap();
        let said = text(&output);
        assert!(output.status.code() == Some(78) && said.contains("not of models"), "{arguments:?}: {said}");
        assert!(!seed.exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_fold_that_is_killed_at_any_moment_leaves_the_old_catalogue_or_the_new_one_whole() {
    let mut hub = Hub::new().await;
    let first = hub.pass(Listing::default()).await;
    hub.change(&["0=touch:0:100", "0=vanish:200:100", "0=appear:200"]).await;
    let second = hub.pass(Listing::default()).await;
    let old = hub.catalogue("old.parquet");
    folded(&[&first], &old);
    let new = hub.catalogue("new.parquet");
    folded(&[&first, &second], &new);
    let (old, new) = (std::fs::read(old).unwrap(), std::fs::read(new).unwrap());
    let to = hub.catalogue("to/models.parquet");
    std::fs::create_dir(to.parent().unwrap()).unwrap();
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
        command
            .args(["catalogue", "--quiet", "--to"])
            .arg(&to)
            .arg(&second)
            .stderr(std::process::Stdio::null());
        command
    };
    std::fs::write(&to, &old).unwrap();
    let began = std::time::Instant::now();
    assert!(command().status().unwrap().success());
    let takes = began.elapsed();
    assert!(std::fs::read(&to).unwrap() == new);
    let (mut olds, mut news) = (0, 0);
    for kill in 0..60 {
        std::fs::write(&to, &old).unwrap();
        let mut child = command().spawn().unwrap();
        std::thread::sleep(takes.mul_f64(crate::killing::spread(kill) * 0.6));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = std::fs::read(&to).unwrap();
        assert!(
            found == old || found == new,
            "kill {kill}: the catalogue is neither the old nor the new one"
        );
        (olds, news) = if found == old { (olds + 1, news) } else { (olds, news + 1) };
    }
    assert!(olds > 5, "the kills came too late: {olds} old, {news} new");
    std::fs::write(&to, &old).unwrap();
    assert!(command().status().unwrap().success());
    assert!(std::fs::read(&to).unwrap() == new);
    let left: BTreeSet<_> = std::fs::read_dir(to.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, BTreeSet::from([".models.parquet.lock".to_owned(), "models.parquet".to_owned()]));
}
