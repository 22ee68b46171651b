//! Kernels, each of them: sources by content, logs, outputs, refusals, `kill -9`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crawl_core::Stored;
use crawl_core::http::Secret;
use crawl_sim::{Kaggle as Double, KaggleConfig, Part};
use kaggle_crawler::{Kaggle, folder};
use serde_json::Value;

use crate::crawling::holds;
use crate::shop::{id, kaggle, rows, tree, values};

pub(crate) async fn double(config: KaggleConfig) -> Double {
    let config = KaggleConfig { datasets: 20, models: 0, competitions: 5, topics: 0, users: 50, ..config };
    Double::start(config).await.unwrap()
}

/// Kernels are shown to accounts only.
pub(crate) fn known(double: &Double) -> Kaggle {
    kaggle(double).with_token(&Secret::new("kgat-very-secret"))
}

pub(crate) fn program(double: &Double, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaggle-crawler"));
    command.args(["kernels", "--quiet", "--endpoint", &double.url(), "--root"]).arg(root);
    for name in ["KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"] {
        command.env_remove(name);
    }
    command.env("HOME", root).env("KAGGLE_API_TOKEN", "kgat-very-secret");
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// The place of a kernel in the double: its flavour is that of `index % 16`.
fn index(double: &Double, name: &str, count: u64) -> u64 {
    (0..count).find(|index| double.reference(Part::Kernels, *index) == name).unwrap()
}

pub(crate) fn sorted(double: &Double) -> Vec<String> {
    let mut all = double.references(Part::Kernels);
    all.sort();
    all
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kernel_has_its_fields_its_source_named_by_content_its_log_and_its_metadata() {
    let double = double(KaggleConfig { kernels: 32, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "info");
    assert_eq!(values(&found, "ref"), sorted(&double));
    let suffixes = [
        ".json", ".py", ".json", ".R", ".Rmd", ".json", ".py", ".json", ".json", ".json", ".sql", ".jl",
        ".json", ".json", ".py", ".py",
    ];
    for row in &found {
        let (name, slug) = (text(&row["ref"]), text(&row["ref"]).split_once('/').unwrap().1);
        let at = index(&double, name, 32);
        let first: Vec<_> = row.as_object().unwrap().keys().take(6).map(String::as_str).collect();
        assert_eq!(first.len(), 6);
        let code = root.path().join("code").join(folder(name).unwrap());
        let source = format!("{slug}{}", suffixes[at as usize % 16]);
        assert_eq!(row["code_file"], source, "{row}");
        let bytes = std::fs::read(code.join(&source)).unwrap();
        assert_eq!(source.ends_with(".json"), bytes.starts_with(b"{"), "{source}");
        // Every ninth has no log; one that is not JSON stays as it is.
        let log = std::fs::read_to_string(code.join(format!("{slug}.log")));
        match at % 9 {
            7 => assert!(row["log_file"].is_null() && log.is_err(), "{row}"),
            5 => assert!(log.unwrap().starts_with("[Info]") && row["log_file"] == format!("{slug}.log")),
            _ => assert!(log.unwrap().starts_with("[{") && row["log_file"] == format!("{slug}.log")),
        }
        let metadata: Value =
            serde_json::from_slice(&std::fs::read(code.join("kernel-metadata.json")).unwrap()).unwrap();
        assert_eq!((&metadata["id"], &metadata["code_file"]), (&row["id"], &row["code_file"]));
        assert_eq!((&metadata["title"], &metadata["language"]), (&row["title"], &row["language"]));
        assert_eq!(metadata["id_no"], 50_000 + at * 3);
        assert_eq!(metadata["enable_gpu"], at % 4 == 1);
        assert!(metadata["dataset_sources"].is_array() && metadata["docker_image"].is_string());
        let libs: Vec<_> = row["imported_libs"].as_array().unwrap().iter().map(text).collect();
        let warned = !row["warnings"].as_array().unwrap().is_empty();
        match at % 16 {
            3 => assert_eq!(libs, ["data.table", "caret", "MASS", "nnet", "stringr"], "{row}"),
            // Other languages: nothing, and a warning.
            10 | 11 | 13 => assert!(libs.is_empty() && warned, "{row}"),
            14 => assert!(row["language"].is_null() && row["kernel_type"].is_null() && warned, "{row}"),
            0 => assert!(row["pip_install_lines"][0].as_str().unwrap().contains("tqdm"), "{row}"),
            7 => assert!(libs.contains(&"xgboost") && warned, "{row}"),
            _ => assert!(!libs.is_empty(), "{row}"),
        }
        assert!(row["version"].is_u64() && row["lastRunTime"].is_string());
        assert!(!code.join("output").exists());
    }
    let line = std::fs::read_to_string(root.path().join("info/page_00001.jsonl")).unwrap();
    let keys: Vec<_> =
        ["id", "title", "kernel_type", "language", "log_file", "imported_libs", "ref", "version"].to_vec();
    let places: Vec<_> = keys.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_come_from_all_pages_without_the_token_and_hostile_names_are_left_out_and_named() {
    let double =
        double(KaggleConfig { kernels: 60, hostile: 1, sparse: true, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let refs = [0, 57].map(|at| double.reference(Part::Kernels, at));
    let out = program(&double, root.path()).args(&refs).arg("--outputs").output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let found = rows(root.path(), "info");
    let code = |name: &str| root.path().join("code").join(folder(name).unwrap()).join("output");
    let few = tree(&code(&refs[0]));
    let names: Vec<_> = few.keys().map(|path| path.display().to_string()).collect();
    assert_eq!(names, ["12%3A30.csv", "results/notes.txt", "results/plot 1.png", "submission.csv"]);
    assert!(few.values().all(|bytes| bytes.starts_with(b"id,answer\n")));
    let left: Vec<_> =
        found[0]["FilesLeftOut"].as_array().unwrap().iter().map(|file| &file["FileName"]).collect();
    assert_eq!(left, ["../outside.csv", "/absolute.csv"]);
    assert!(left.len() == 2 && found[1]["FilesLeftOut"].is_null());
    assert_eq!(tree(&code(&refs[1])).len(), 1200);
    for seen in double.seen() {
        let sent = seen.headers.iter().any(|(_, value)| value.contains("very-secret"));
        assert_eq!(sent, seen.origin == "main", "{}", seen.path_and_query);
    }

    let root = tempfile::tempdir().unwrap();
    let arguments = ["--outputs", "--files", "out/0000?.csv", "--max-size", "100"];
    let out = program(&double, root.path()).arg(&refs[1]).args(arguments).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let row = &rows(root.path(), "info")[0];
    let few = tree(&root.path().join("code").join(folder(&refs[1]).unwrap()).join("output"));
    let left = row["FilesLeftOut"].as_array().map_or(0, Vec::len);
    assert_eq!(few.len() + left, 10, "{row}");
    assert!(left > 0 && few.values().all(|bytes| bytes.len() <= 100), "{row}");
    let out = program(&double, root.path()).arg(&refs[1]).args(["--files", "x"]).output().unwrap();
    assert_eq!(out.status.code(), Some(78), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_expires_is_renewed_once_and_one_that_is_refused_again_is_a_missing_record() {
    let faults = vec!["cdn@2=expired".parse().unwrap()];
    let renewing = double(KaggleConfig { kernels: 60, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let name = renewing.reference(Part::Kernels, 3);
    let out = program(&renewing, root.path()).args([&name, "--outputs"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(tree(&root.path().join("code").join(folder(&name).unwrap()).join("output")).len(), 3);
    let asked = renewing.seen().iter().filter(|seen| seen.path_and_query.ends_with("SessionOutput")).count();
    assert_eq!(asked, 2);

    let faults = vec!["cdn@all=expired".parse().unwrap()];
    let refusing = double(KaggleConfig { kernels: 60, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let names = [3, 4].map(|at| refusing.reference(Part::Kernels, at));
    let out = program(&refusing, root.path()).args(&names).arg("--outputs").output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    // The one without outputs is there.
    assert_eq!(values(&rows(root.path(), "info"), "ref"), [names[1].clone()]);
    let missing = Stored::open(root.path(), &id("info")).unwrap().missing(1).unwrap();
    assert_eq!((missing[0].id.as_deref(), missing[0].kind.as_str()), (Some(&*names[0]), "denied"));
    // A signature is as good as a password for as long as it lives: it stands nowhere.
    let all = tree(root.path());
    for seen in refusing.seen().iter().filter(|seen| seen.origin == "cdn") {
        let signature = seen.path_and_query.rsplit_once("X-Goog-Signature=").unwrap().1.as_bytes();
        assert!(all.values().chain([&out.stdout, &out.stderr]).all(|bytes| !holds(bytes, &signature[..40])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_one_kernel_are_missing_with_their_kind_and_a_refused_credential_ends_the_run() {
    let path = "/v1/kernels.KernelsApiService/GetKernel";
    let refusals = ["rules", "denied", "in-200"];
    let faults: Vec<_> =
        (1..).zip(refusals).map(|(at, how)| format!("{path}@{at}=refuse:{how}").parse().unwrap()).collect();
    let config = KaggleConfig { kernels: 30, faults, ..KaggleConfig::default() };
    let refusing = double(config.clone()).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&refusing, root.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let stored = Stored::open(root.path(), &id("info")).unwrap();
    let totals = &stored.checkpoint().totals;
    assert_eq!((totals.listed, totals.records, totals.missing), (30, 27, 3));
    let missing: Vec<_> = (1..=2).flat_map(|page| stored.missing(page).unwrap()).collect();
    assert!(missing.iter().all(|missing| missing.kind == "denied" && missing.id.is_some()), "{missing:?}");
    for (word, count) in [("rules of the competition", 1), ("private, removed", 2)] {
        let told = missing.iter().filter(|missing| missing.message.contains(word)).count();
        assert_eq!(told, count, "{word}: {missing:?}");
    }
    let again = program(&refusing, root.path()).arg("--retry-missing").output().unwrap();
    assert!(again.status.success(), "{again:?}");
    assert_eq!(rows(root.path(), "info-retry-1").len(), 3);

    let faults = vec![format!("{path}@3-=refuse:phone").parse().unwrap()];
    let ending = double(KaggleConfig { faults, ..config }).await;
    let root = tempfile::tempdir().unwrap();
    let out = program(&ending, root.path()).output().unwrap();
    assert!(!matches!(out.status.code(), Some(0 | 3) | None), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("does not accept the credentials"), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_of_kernels_killed_again_and_again_gives_the_same_rows_and_files() {
    let config = KaggleConfig { kernels: 60, latency: Duration::from_millis(2), ..KaggleConfig::default() };
    let double = double(config).await;
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let some = ["--files", "part?.csv", "--files", "out/000??.csv"];
    let arguments = [&["--limit", "40", "--rows-a-page", "4", "--outputs"][..], &some].concat();
    let quiet = program(&double, whole.path()).args(&arguments).output().unwrap();
    assert!(quiet.status.success(), "{quiet:?}");
    let pages = || Stored::open(root.path(), &id("info")).map_or(0, |stored| stored.checkpoint().pages);
    let mut hit = 0;
    for kill in 0..8_u64 {
        let before = pages();
        let mut child = program(&double, root.path()).args(&arguments).spawn().unwrap();
        // Paced by how far it is, and not by a clock: the first while it lists, the others in some page.
        let begun = Instant::now();
        while kill > 0 && pages() <= before && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(if kill == 0 { 40 } else { kill * 3 }));
        hit += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if pages() == 10 {
            break;
        }
    }
    let out = program(&double, root.path()).args(&arguments).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(rows(root.path(), "info"), rows(whole.path(), "info"));
    let files = |root: &Path| tree(&root.join("code"));
    assert!(files(root.path()) == files(whole.path()), "a file differs");
    assert!(files(whole.path()).len() > 120 && hit > 2, "{hit} kills hit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notebook_that_is_called_like_the_metadata_file_does_not_take_its_name() {
    let double = double(KaggleConfig { kernels: 1, ..KaggleConfig::default() }).await;
    let name = double.reference(Part::Kernels, 0);
    assert!(double.rename(Part::Kernels, &name, "ann_b/kernel-metadata"));
    let root = tempfile::tempdir().unwrap();
    let out = program(&double, root.path()).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let row = &rows(root.path(), "info")[0];
    assert_eq!(row["code_file"], "source-kernel-metadata.json");
    let code = root.path().join("code/ann=ub_kernel-metadata");
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(code.join(name)).unwrap()).unwrap() };
    assert_eq!(read("kernel-metadata.json")["code_file"], "source-kernel-metadata.json");
    assert!(read("source-kernel-metadata.json")["cells"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_an_output_within_our_own_network_is_not_followed() {
    let fault = "/v1/kernels.KernelsApiService/ListKernelSessionOutput@all=stray";
    let faults = vec![fault.parse().unwrap()];
    let double = double(KaggleConfig { kernels: 60, faults, ..KaggleConfig::default() }).await;
    let root = tempfile::tempdir().unwrap();
    let name = double.reference(Part::Kernels, 3);
    let out = program(&double, root.path()).args([&name, "--outputs"]).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    let missing = Stored::open(root.path(), &id("info")).unwrap().missing(1).unwrap();
    assert!(missing[0].kind == "denied" && missing[0].message.contains("not a public one"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_never_ran_has_no_log_and_a_list_of_outputs_may_repeat_but_must_end() {
    let path = "/v1/kernels.KernelsApiService/ListKernelSessionOutput";
    let outputs = async |fault: &str, at: u64, root: &Path| {
        let faults = vec![format!("{path}@{fault}").parse().unwrap()];
        let double = double(KaggleConfig { kernels: 60, faults, ..KaggleConfig::default() }).await;
        let name = double.reference(Part::Kernels, at);
        let out =
            program(&double, root).args([&name, "--outputs", "--files", "out/0000?.csv"]).output().unwrap();
        let files = tree(&root.join("code").join(folder(&name).unwrap()).join("output"));
        let lines = Stored::open(root, &id("info")).unwrap().files(1).unwrap();
        (out.status.code(), files.len(), lines.len())
    };
    let root = tempfile::tempdir().unwrap();
    assert_eq!(outputs("all=status:404", 3, root.path()).await, (Some(0), 0, 2));
    assert!(rows(root.path(), "info")[0]["log_file"].is_null());
    // One page comes twice: each file once. Source, log and metadata are files of the row too.
    let root = tempfile::tempdir().unwrap();
    assert_eq!(outputs("1=repeat-cursor", 57, root.path()).await, (Some(0), 10, 13));
    // The same page again and again.
    let root = tempfile::tempdir().unwrap();
    assert_eq!(outputs("all=repeat-cursor", 57, root.path()).await.0, Some(3));
    let missing = Stored::open(root.path(), &id("info")).unwrap().missing(1).unwrap();
    assert!(missing[0].kind == "shape" && missing[0].message.contains("come to an end"), "{missing:?}");
    // A refused log is a refused kernel.
    let root = tempfile::tempdir().unwrap();
    assert_eq!(outputs("all=refuse:denied", 3, root.path()).await, (Some(3), 0, 0));
}
