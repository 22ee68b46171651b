//! What the tests of the crawler share: a double, a door, runs of the library and of the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crawl_core::http::{Http, HttpConfig};
use crawl_core::{Checkpoint, Input, Pump, Result, Source, SourceId, Stop, Store, Stored, pump};
use crawl_sim::{Kaggle as Double, KaggleConfig};
use kaggle_crawler::datasets::{DATASETS, Details, Filters, Select};
use kaggle_crawler::{Kaggle, Listed};
use serde_json::Value;

pub(crate) async fn double(config: KaggleConfig) -> Double {
    Double::start(KaggleConfig { kernels: 0, models: 0, competitions: 0, topics: 0, users: 50, ..config })
        .await
        .unwrap()
}

pub(crate) fn kaggle(double: &Double) -> Kaggle {
    let config = HttpConfig { backoff: Duration::from_millis(5), tries: 3, ..HttpConfig::default() };
    Kaggle::new(Http::new(config).unwrap(), &double.url()).unwrap()
}

pub(crate) async fn run(source: &impl Source, root: &Path) -> Result<Checkpoint> {
    pump(source, &Store::new(root), Pump::default(), &Stop::new(), |_| {}).await
}

pub(crate) async fn list(double: &Double, sort_by: &str, root: &Path) -> Result<Checkpoint> {
    let filters = Filters { sort_by: Some(sort_by.into()), ..Filters::default() };
    run(&Listed::new(kaggle(double), &DATASETS, filters.arguments())?, root).await
}

pub(crate) fn id(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

pub(crate) async fn details(double: &Double, select: Select, root: &Path) -> Result<Checkpoint> {
    let input = Input::open(root, &id("stages/datasets"))?;
    run(&Details::over(input, kaggle(double), select)?, root).await
}

pub(crate) fn rows(root: &Path, name: &str) -> Vec<Value> {
    let stored = Stored::open(root, &id(name)).unwrap();
    let pages = 1..=stored.checkpoint().pages;
    let records = pages.flat_map(|page| stored.records(page).unwrap());
    records.map(|record| serde_json::from_slice(record.bytes()).unwrap()).collect()
}

/// The files that the pages of a listing name: as the service spells them, and where they are.
pub(crate) fn files(root: &Path, name: &str) -> BTreeMap<String, PathBuf> {
    let stored = Stored::open(root, &id(name)).unwrap();
    let lines = (1..=stored.checkpoint().pages).flat_map(|page| stored.files(page).unwrap());
    lines.map(|line| (line.plain_name(), root.join(&line.path))).collect()
}

/// The values of a field, sorted.
pub(crate) fn values(rows: &[Value], field: &str) -> Vec<String> {
    let mut values: Vec<_> = rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect();
    values.sort();
    values
}

pub(crate) fn program(double: &Double, root: &Path) -> Command {
    command(double, "datasets", root)
}

/// The program with one of its commands, and nobody's credentials.
pub(crate) fn command(double: &Double, part: &str, root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaggle-crawler"));
    command.args([part, "--quiet", "--endpoint", &double.url(), "--root"]).arg(root);
    for name in ["KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"]
    {
        command.env_remove(name);
    }
    command.env("HOME", root).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// All files below a folder, by their path below it.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}
