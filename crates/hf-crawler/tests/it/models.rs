//! `models`: the listing of the Hub's models, through the same loop as that of the datasets.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crawl_core::{Checkpoint, Kind, Record, Result, SourceId, Stored, Timestamp};
use crawl_sim::{Hub as Double, HubConfig, Running, S3};
use hf_crawler::{Fields, Hub, Listing, Repos, Repositories, parse_date};

use crate::desk::{crawl, http, hub};
use crate::program::text;

async fn double(models: u64, faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    Double::start(HubConfig { datasets: 0, models, faults, ..HubConfig::default() }).await.unwrap()
}

fn models() -> Listing {
    Listing { repos: Repos::Models, page_size: Some(100), ..Listing::default() }
}

async fn list(double: &Running, listing: Listing, root: &Path) -> Result<Checkpoint> {
    crawl(&Repositories::new(hub(double), listing)?, root).await
}

fn stored(root: &Path) -> Stored {
    Stored::open(root, &SourceId::new("hf/models").unwrap()).unwrap()
}

pub(crate) fn rows(root: &Path) -> Vec<Record> {
    let stored = stored(root);
    (1..=stored.checkpoint().pages).flat_map(|page| stored.records(page).unwrap()).collect()
}

fn names(rows: &[Record]) -> Vec<String> {
    rows.iter().map(|row| row.raw().get("id").unwrap().str().unwrap().into_owned()).collect()
}

/// How many different models lie in a root that holds none twice.
fn distinct(root: &Path) -> usize {
    let (names, rows) = (names(&rows(root)), rows(root).len());
    assert_eq!(names.into_iter().collect::<std::collections::HashSet<_>>().len(), rows);
    rows
}

fn command(double: &Running, root: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    command
        .args(["models", "--page-size", "100", "--endpoint", &double.url(), "--root"])
        .arg(root)
        .args(more)
        .env_remove("HF_TOKEN")
        .env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    command
}

fn ended(output: &Output, code: i32, says: &str) {
    let said = text(output);
    assert!(output.status.code() == Some(code) && said.contains(says), "{:?}: {said}", output.status);
}

#[tokio::test]
async fn every_model_is_listed_once_oldest_first_word_for_word() {
    let (double, root) = (double(1_234, &[]).await, tempfile::tempdir().unwrap());
    let end = list(&double, models(), root.path()).await.unwrap();
    assert_eq!((end.pages, end.totals.records, end.totals.listed), (13, 1_234, 1_234));
    assert_eq!(distinct(root.path()), 1_234);
    let first = double.seen()[0].path_and_query.clone();
    assert!(first.starts_with("/api/models?limit=100&sort=createdAt&direction=1&expand="), "{first}");
    let request = crawl_core::http::Request::get(format!("{}{first}", double.url()).parse().unwrap());
    let body = http().send(&request).await.unwrap().body;
    let lines = stored(root.path()).lines(1).unwrap();
    let lines: Vec<_> = lines.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect();
    assert_eq!([b"[", lines.join(&b","[..]).as_slice(), b"]"].concat(), body);
}

#[tokio::test]
async fn light_rows_hold_times_tags_and_counters_and_heavy_rows_cards_and_configs_too() {
    let double = double(200, &[]).await;
    let asked = |fields, expand: &[&str]| Listing {
        fields,
        expand: expand.iter().map(ToString::to_string).collect(),
        ..models()
    };
    let how_many = |root: &Path, name: &str| {
        rows(root).iter().filter(|row| row.raw().get(name).is_some_and(|raw| !raw.is_null())).count()
    };
    let root = || tempfile::tempdir().unwrap();
    let (light, heavy, chosen) = (root(), root(), root());
    list(&double, asked(Fields::Light, &[]), light.path()).await.unwrap();
    list(&double, asked(Fields::Heavy, &[]), heavy.path()).await.unwrap();
    list(&double, asked(Fields::Heavy, &["likes"]), chosen.path()).await.unwrap();
    for root in [&light, &heavy] {
        for name in ["sha", "createdAt", "lastModified", "gated", "private", "trendingScore"] {
            assert!(how_many(root.path(), name) > 195, "{name}");
        }
        assert!(how_many(root.path(), "pipeline_tag") > 50 && how_many(root.path(), "author") > 50);
    }
    for name in ["cardData", "config", "safetensors", "siblings"] {
        assert!(how_many(heavy.path(), name) > 50, "{name}");
        assert_eq!(how_many(light.path(), name), 0, "{name}");
    }
    assert_eq!((how_many(chosen.path(), "likes") > 195, how_many(chosen.path(), "sha")), (true, 0));
    // A light pass is no continuation of a heavy one.
    let error = list(&double, asked(Fields::Light, &[]), heavy.path()).await.unwrap_err();
    assert!(error.to_string().contains("fields: was `heavy`, is now `light`"), "{error}");
    // Of datasets too.
    let (datasets, root) = (crate::desk::double(90, &[]).await, root());
    let listing = Listing { fields: Fields::Light, ..Listing::default() };
    crawl(&Repositories::new(hub(&datasets), listing).unwrap(), root.path()).await.unwrap();
    let rows = crate::desk::records(root.path());
    assert!(rows.len() == 90 && rows.iter().all(|row| row.raw().get("sha").is_some()));
    assert!(rows.iter().all(|row| row.raw().get("cardData").is_none()));
}

#[tokio::test]
async fn an_increment_of_models_gives_what_is_new_or_changed_and_no_more() {
    let config =
        HubConfig { models: 900, horizon: Some(800), touched: 10, datasets: 0, ..HubConfig::default() };
    let double = Double::start(config).await.unwrap();
    let (root, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let since = parse_date("2026-11-22").unwrap();
    let listing = Listing { since: Some(since), fields: Fields::Light, ..models() };
    let end = list(&double, listing, root.path()).await.unwrap();
    list(&double, models(), all.path()).await.unwrap();
    let time = |row: &Record| parse_date(&row.raw().get("lastModified").unwrap().str().unwrap()).unwrap();
    let expected = rows(all.path()).iter().filter(|row| time(row) >= since).count();
    assert!(expected >= 110);
    assert_eq!(distinct(root.path()), expected);
    assert!(rows(root.path()).iter().all(|row| time(row) >= since));
    assert!(end.totals.listed < 300, "it stopped where the old ones begin: {:?}", end.totals);
}

#[tokio::test]
async fn filters_are_spelled_as_the_hub_spells_them() {
    let double = double(900, &[]).await;
    let all = tempfile::tempdir().unwrap();
    list(&double, models(), all.path()).await.unwrap();
    let all = rows(all.path());
    let has = |row: &Record, name: &str, value: &str| {
        row.raw().get(name).and_then(|raw| raw.str()).is_some_and(|text| text == value)
    };
    let task = all.iter().find_map(|row| row.raw().get("pipeline_tag")?.str()).unwrap();
    let library = all.iter().find_map(|row| row.raw().get("library_name")?.str()).unwrap();
    let owner = all.iter().find_map(|row| row.raw().get("author")?.str()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let found = |name: &str, more: &[&str]| {
        let root = root.path().join(name);
        ended(&command(&double, &root, more).output().unwrap(), 0, " listed = ");
        rows(&root)
    };
    let tasks = found("task", &["--pipeline-tag", &task]);
    let expected = all.iter().filter(|row| has(row, "pipeline_tag", &task)).count();
    assert_eq!((tasks.len(), tasks.iter().all(|row| has(row, "pipeline_tag", &task))), (expected, true));
    // The Hub knows a library as a tag, of models that have several too.
    let libraries = found("library", &["--library", &library]);
    assert!(libraries.len() >= all.iter().filter(|row| has(row, "library_name", &library)).count());
    assert!(libraries.len() < all.len());
    let owners = found("owner", &["--author", &owner]);
    assert!(!owners.is_empty() && owners.iter().all(|row| has(row, "author", &owner)));
    let searched = found("search", &["--search", "LLAMA", "--filter", "license:mit"]);
    assert!(names(&searched).iter().all(|name| name.to_lowercase().contains("llama")));
    // What the double does not know it takes no notice of, as the Hub does.
    let more =
        ["--gated", "true", "--num-parameters", "min:6B,max:128B", "--apps", "ollama", "--apps", "vllm"];
    let gated =
        found("gated", &[&more[..], &["--inference", "warm", "--inference-provider", "all"]].concat());
    assert!(
        !gated.is_empty() && gated.iter().all(|row| !has(row, "gated", "false")) && gated.len() < all.len()
    );
    let parameters = |row: &Record| {
        let total = |name: &str| row.raw().get(name)?.get("total")?.u64();
        total("safetensors").or_else(|| total("gguf")).unwrap_or_default()
    };
    let within = |rows: &[Record]| rows.iter().filter(|row| parameters(row) >= 6_000_000_000).count();
    assert!(within(&gated) == gated.len() && within(&all) > gated.len());
    let settings = stored(&root.path().join("gated")).checkpoint().settings.clone().unwrap();
    for (name, value) in [("gated", "true"), ("num_parameters", "min:6B,max:128B"), ("apps", "ollama,vllm")] {
        assert_eq!(settings.get(name), Some(value));
    }
    let base = root.path().join("gated").to_str().unwrap().to_owned();
    let next = command(&double, &root.path().join("next"), &["--since", &base]).output().unwrap();
    ended(&next, 78, "it was made with --gated");
    let odd = command(&double, &root.path().join("odd"), &["--num-parameters", "6B"]).output().unwrap();
    ended(&odd, 78, "min:6B,max:128B");
    let seen: String = double.seen().iter().map(|seen| seen.path_and_query.clone() + "\n").collect();
    let asked = "&apps=ollama&apps=vllm&inference_provider=all&num_parameters=min%3A6B%2Cmax%3A128B&inference=warm&gated=true";
    assert!(seen.contains(asked), "{seen}");
    for says in [format!("&pipeline_tag={task}\n"), format!("&filter={library}"), "&search=LLAMA".into()] {
        assert!(seen.contains(&says), "{says}");
    }
}

#[tokio::test]
async fn orders_that_only_models_have_are_listed_whole_and_the_largest_come_first() {
    let double = double(900, &[]).await;
    let root = tempfile::tempdir().unwrap();
    let found = |sort: &str, more: &[&str]| {
        let root = root.path().join(format!("{sort}{}", more.len()));
        ended(
            &command(&double, &root, &[&["--sort", sort], more].concat()).output().unwrap(),
            0,
            " listed = ",
        );
        rows(&root)
    };
    let mut orders = std::collections::BTreeSet::new();
    for sort in ["likes30d", "num_parameters", "mainSize"] {
        let rows = found(sort, &[]);
        let ids = names(&rows);
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 900, "{sort}");
        orders.insert(ids);
    }
    assert_eq!(orders.len(), 3, "each is an order of its own");
    let parameters = |row: &Record| {
        let total = |name: &str| row.raw().get(name)?.get("total")?.u64();
        total("safetensors").or_else(|| total("gguf"))
    };
    let largest: Vec<_> = found("num_parameters", &["--limit", "20"]).iter().map(parameters).collect();
    let mut all: Vec<_> = found("num_parameters", &[]).iter().map(parameters).collect();
    assert!(all.iter().any(Option::is_none), "what is not known comes last");
    all.sort_by(|one, other| other.cmp(one));
    assert_eq!(largest, all[..20]);
}

#[test]
fn what_the_hub_does_not_have_is_refused_before_anything_is_sent() {
    let refused = |listing| {
        let hub = Hub::new(http(), Hub::ENDPOINT).unwrap();
        let error = Repositories::new(hub, listing).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        error.to_string() + error.advice()
    };
    let search = vec!["one".to_owned(), "two".to_owned()];
    assert!(refused(Listing { search, ..models() }).contains("give --search once"));
    let pipeline_tag = Some("text-generation".to_owned());
    assert!(refused(Listing { pipeline_tag, ..Listing::default() }).contains("task_categories:"));
    let since = Some(Timestamp::UNIX_EPOCH);
    assert!(refused(Listing { since, sort: Some("likes".into()), ..models() }).contains("lastModified"));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_service_lose_no_model() {
    let faults = ["2=status:500", "4=html", "6=cut", "8=row-string", "9=row-twice"];
    let (double, root) = (double(950, &faults).await, tempfile::tempdir().unwrap());
    let end = list(&double, models(), root.path()).await.unwrap();
    assert_eq!(distinct(root.path()), 950);
    assert_eq!((end.totals.missing, end.totals.dropped.values().sum::<u64>()), (1, 1), "{:?}", end.totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_sink_while_they_are_listed_are_kept_once_and_an_order_not_kept_is_doubted() {
    let sinking = double(800, &["3=sunk", "5=sunk"]).await;
    let root = tempfile::tempdir().unwrap();
    let end = list(&sinking, Listing { sort: Some("downloads".into()), ..models() }, root.path()).await;
    assert_eq!(end.unwrap().totals.dropped.get("seen before"), Some(&14));
    assert_eq!(distinct(root.path()), 800);
    let unsorted = double(300, &["all=unsorted"]).await;
    let doubted = tempfile::tempdir().unwrap();
    let output = command(&unsorted, doubted.path(), &[]).output().unwrap();
    ended(&output, 3, "in doubt: the server does not sort by createdAt");
    // And what is in doubt is no base.
    let base = doubted.path().to_str().unwrap();
    let next = tempfile::tempdir().unwrap();
    ended(
        &command(&unsorted, next.path(), &["--since", base]).output().unwrap(),
        78,
        "not surely a whole one",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_lists_models_up_to_a_limit_and_goes_on_since_an_earlier_root() {
    let double = double(250, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str| folder.path().join(name);
    let some = command(&double, &root("some"), &["--limit", "130"]).output().unwrap();
    ended(&some, 0, "130 listed = 130 kept + 0 dropped + 0 missing");
    assert_eq!(distinct(&root("some")), 130);
    let base = root("some").to_str().unwrap().to_owned();
    let refused = command(&double, &root("next"), &["--since", &base]).output().unwrap();
    ended(&refused, 78, "it was made with --limit");
    let of_one = command(&double, &root("task"), &["--pipeline-tag", "text-generation"]).output().unwrap();
    ended(&of_one, 0, " listed = ");
    let base = root("task").to_str().unwrap().to_owned();
    let refused = command(&double, &root("next"), &["--since", &base]).output().unwrap();
    ended(&refused, 78, "it was made with --pipeline-tag");
    ended(&command(&double, &root("all"), &[]).output().unwrap(), 0, "250 listed = 250 kept");
    let base = root("all").to_str().unwrap().to_owned();
    ended(&command(&double, &root("next"), &["--since", &base]).output().unwrap(), 0, " listed = ");
    // A root of models is none of datasets.
    let history = root("history.jsonl");
    let added = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["history", "add", &base, "--history", history.to_str().unwrap()])
        .output()
        .unwrap();
    ended(&added, 78, "this is a listing of models");
    assert!(!history.exists());
    let other = Command::new(env!("CARGO_BIN_EXE_hf-crawler"))
        .args(["process", &base, "--root", root("processed").to_str().unwrap()])
        .output()
        .unwrap();
    ended(&other, 78, "hf/datasets");
    let both = command(&double, &root("both"), &["--fields", "light", "--expand", "likes"]).output().unwrap();
    ended(&both, 2, "--expand");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_models_killed_again_and_again_gives_the_same_files() {
    const KILLS: u64 = 12;
    let latency = Duration::from_millis(15);
    let config = || HubConfig { models: 6_050, datasets: 0, latency, ..HubConfig::default() };
    let double = Double::start(config()).await.unwrap();
    let (whole, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let begun = std::time::Instant::now();
    assert!(command(&double, whole.path(), &["--quiet"]).status().unwrap().success());
    let took = begun.elapsed();
    let pages = double.count();
    let mut hit = 0;
    for kill in 0..KILLS {
        let mut child = command(&double, root.path(), &["--quiet"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(took.mul_f64(crate::killing::spread(kill) / KILLS as f64));
        hit += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(command(&double, root.path(), &["--quiet"]).status().unwrap().success());
    assert!(hit >= KILLS / 4, "only {hit} of {KILLS} kills found a crawl");
    assert!(double.count() <= 2 * pages + KILLS, "{} requests for twice {pages} pages", double.count());
    let files = |root: &Path| -> Vec<Vec<u8>> {
        let last = stored(root).checkpoint().pages;
        (1..=last).map(|page| stored(root).lines(page).unwrap().to_vec()).collect()
    };
    assert_eq!(distinct(root.path()), 6_050);
    assert!(files(root.path()) == files(whole.path()), "a page differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_models_move_to_a_bucket_behind_the_crawl() {
    let (double, folder) = (double(350, &[]).await, tempfile::tempdir().unwrap());
    std::fs::create_dir_all(folder.path().join("s3/bucket")).unwrap();
    let server = S3::start(&folder.path().join("s3"), 0).unwrap();
    let root = folder.path().join("root");
    let output = command(&double, &root, &["--upload", "s3://bucket/crawl"])
        .env("HOME", folder.path())
        .env("AWS_ACCESS_KEY_ID", S3::KEY)
        .env("AWS_SECRET_ACCESS_KEY", S3::SECRET)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", server.url())
        .output()
        .unwrap();
    ended(&output, 0, "350 listed = 350 kept");
    let moved = std::fs::read(folder.path().join("s3/bucket/crawl/hf/models/page_00004.jsonl")).unwrap();
    assert_eq!(moved.iter().filter(|byte| **byte == b'\n').count(), 50);
    assert!(!root.join("hf/models/page_00004.jsonl").exists());
}
