//! `fits`, and catalogues of synthetic models.

use serde_json::Value;

use crate::details::{double, ended, listed, rows, run};
use crate::program::text;

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_is_told_and_what_is_not_known_never_counts_as_fitting() {
    let (double, root) = (double(120, &[]).await, tempfile::tempdir().unwrap());
    listed(&double, root.path());
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let parts = ["details", &path(""), "--details", "files,config", "--top", "40"];
    ended(&run(&double, &parts, None), 0, "40 listed = 40 kept");
    let (catalogue, to) = (path("models.parquet"), path("fits.jsonl"));
    ended(&run(&double, &["catalogue", &path(""), "--to", &catalogue], None), 0, "120 models");
    let fits = |memory: &str| {
        let output = run(&double, &["fits", &catalogue, "--memory", memory, "--to", &to], None);
        ended(&output, 0, "too little is known");
        let lines = std::fs::read_to_string(&to).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let (small, large) = (fits("2GiB"), fits("200GiB"));
    assert!(
        !small.is_empty() && small.len() < large.len() && large.len() <= 40,
        "{} {}",
        small.len(),
        large.len()
    );
    for row in &small {
        let bytes = |name: &str| row[name].as_u64().unwrap();
        assert!(bytes("memory_low") <= 2 << 30, "{row}");
        assert_eq!(row["fit"] == "yes", bytes("memory_high") <= 2 << 30, "{row}");
        // 16 bits a number, of the cache as it was told.
        assert_eq!(bytes("memory_low"), bytes("weight_bytes") + 8192 * bytes("kv_bytes_per_token"), "{row}");
    }
    let device = run(&double, &["fits", &catalogue, "--device", "rtx 4090", "--rows", "2"], None);
    ended(&device, 0, "24.0 GiB with 8,192 tokens of 16 bits");
    assert_eq!(text(&device).lines().filter(|line| line.contains(" yes ")).count(), 2, "{}", text(&device));
    ended(&run(&double, &["fits", &catalogue, "--device", "abacus"], None), 78, "RTX 4090");
    ended(&run(&double, &["fits", &catalogue], None), 2, "--device");
}

#[tokio::test(flavor = "multi_thread")]
async fn synthetic_models_say_so_and_are_the_same_of_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str| folder.path().join(name);
    for (name, seed) in [("one", 7), ("again", 7), ("other", 8)] {
        crawl_sim::synthetic(&root(name), 2_300, seed).await.unwrap();
    }
    let [one, again, other] = ["one", "again", "other"].map(|name| rows(&root(name), "hf/models"));
    assert!(one == again && one != other && one.len() == 2_300);
    let made_up =
        |row: &Value| row["synthetic"] == true && row["id"].as_str().unwrap().starts_with("synthetic-");
    assert!(one.iter().all(made_up));
    let details = rows(&root("one"), "hf/models-details");
    assert!(details.len() > 50 && details.iter().all(made_up), "{}", details.len());
    assert_eq!(details, rows(&root("again"), "hf/models-details"));
    // Another number of them is another root's.
    let error = crawl_sim::synthetic(&root("one"), 2_301, 7).await.unwrap_err();
    assert!(error.to_string().contains("synthetic:7:2300"), "{error}");
    // They never go into one catalogue with real ones.
    let double = double(30, &[]).await;
    listed(&double, &root("real"));
    let at = |name: &str| root(name).to_str().unwrap().to_owned();
    let (catalogue, mixed) = (at("s.parquet"), at("m.parquet"));
    ended(&run(&double, &["catalogue", &at("one"), "--to", &catalogue], None), 0, "2,300 models of 2 runs");
    // Some fit, most are not known well enough, and all of them say what they are.
    let fits = at("fits.jsonl");
    let arguments = ["fits", &catalogue, "--memory", "24GiB", "--to", &fits];
    ended(&run(&double, &arguments, None), 0, "too little is known");
    let fitting = std::fs::read_to_string(&fits).unwrap();
    let fitting: Vec<Value> = fitting.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!((20..details.len()).contains(&fitting.len()), "{} of {}", fitting.len(), details.len());
    assert!(fitting.iter().all(made_up), "{fitting:?}");
    assert!(fitting.iter().all(|row| row["weight_bytes"].as_u64() > Some(500_000_000)));
    let refused = run(&double, &["catalogue", &at("one"), &at("real"), "--to", &mixed], None);
    assert_eq!(refused.status.code(), Some(78), "{}", text(&refused));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn no_catalogue_is_written_over_by_what_is_made_of_it() {
    let (double, root) = (double(30, &[]).await, tempfile::tempdir().unwrap());
    let list = root.path().join("list");
    listed(&double, &list);
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let catalogue = at("models.parquet");
    ended(&run(&double, &["catalogue", list.to_str().unwrap(), "--to", &catalogue], None), 0, "30 models");
    let before = std::fs::read(&catalogue).unwrap();
    std::os::unix::fs::symlink(&catalogue, at("link.parquet")).unwrap();
    std::fs::hard_link(&catalogue, at("hard.parquet")).unwrap();
    std::fs::hard_link(&catalogue, at("hard.jsonl")).unwrap();
    for to in ["models.parquet", "list/../models.parquet", "link.parquet", "hard.parquet"] {
        let to = at(to);
        for arguments in [
            vec!["fits", &catalogue, "--memory", "24GiB", "--to", &to],
            vec!["catalogue", "--to", &catalogue, "--legacy", &to],
            vec!["catalogue", "--to", &catalogue, "--columns", "id", "--table", &to],
        ] {
            ended(&run(&double, &arguments, None), 78, "name another file");
        }
    }
    let changes = at("hard.jsonl");
    for (one, other) in [("models.parquet", "other.parquet"), ("other.parquet", "models.parquet")] {
        std::fs::copy(&catalogue, at("other.parquet")).unwrap();
        let arguments = ["diff", &at(one), &at(other), "--to", &changes];
        ended(&run(&double, &arguments, None), 78, "name another file");
    }
    for name in ["models.parquet", "link.parquet", "hard.parquet", "hard.jsonl"] {
        assert!(std::fs::read(at(name)).unwrap() == before, "{name}");
    }
    // A catalogue that is not there yet neither.
    let (new, spelled) = (at("new.parquet"), at("list/../new.parquet"));
    let arguments = ["catalogue", list.to_str().unwrap(), "--to", &new, "--legacy", &spelled];
    ended(&run(&double, &arguments, None), 78, "name another file");
    assert!(!std::path::Path::new(&new).exists());
    ended(
        &run(&double, &["fits", &catalogue, "--memory", "24GiB", "--to", &at("fits.parquet")], None),
        0,
        "",
    );
}
