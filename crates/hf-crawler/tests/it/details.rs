//! `details`: files, configs and cards of chosen repositories, against the double of the Hub.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crawl_core::{Record, SourceId, Stored};
use crawl_sim::{Hub as Double, HubConfig, Running};
use serde_json::Value;
use sha1::{Digest, Sha1};

use crate::program::text;

pub(crate) async fn double(models: u64, faults: &[&str]) -> Running {
    let faults = faults.iter().map(|rule| rule.parse().unwrap()).collect();
    Double::start(HubConfig { datasets: 60, models, faults, ..HubConfig::default() }).await.unwrap()
}

pub(crate) fn run(double: &Running, arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hf-crawler"));
    command.args(arguments).env("HF_ENDPOINT", double.url()).env_remove("HF_TOKEN");
    match token {
        Some(token) => command.env("HF_TOKEN", token),
        None => command.env("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"),
    };
    command.output().unwrap()
}

pub(crate) fn ended(output: &Output, code: i32, says: &str) {
    let said = text(output);
    assert!(output.status.code() == Some(code) && said.contains(says), "{:?}: {said}", output.status);
}

/// Lists the models into `root`.
pub(crate) fn listed(double: &Running, root: &Path) -> Vec<Value> {
    ended(&run(double, &["models", "--root", root.to_str().unwrap()], None), 0, " listed = ");
    rows(root, "hf/models")
}

pub(crate) fn rows(root: &Path, name: &str) -> Vec<Value> {
    let stored = Stored::open(root, &SourceId::new(name).unwrap()).unwrap();
    let records = (1..=stored.checkpoint().pages).flat_map(|page| stored.records(page).unwrap());
    records.map(|record: Record| serde_json::from_slice(record.bytes()).unwrap()).collect()
}

pub(crate) fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

pub(crate) fn open_ones(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter(|row| row["gated"] == false).map(id).collect()
}

fn asked(double: &Running, part: &str) -> usize {
    double.seen().iter().filter(|seen| seen.path_and_query.contains(part)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn details_of_chosen_models_are_what_the_hub_has_of_that_commit() {
    let (double, root) = (double(120, &[]).await, tempfile::tempdir().unwrap());
    let all = listed(&double, root.path());
    // One of them has more files than a page of a tree holds.
    let chosen = open_ones(&all)[..30].to_vec();
    let ids = root.path().join("ids.txt");
    std::fs::write(&ids, format!("# mine\n{}\n{}\n", chosen.join("\r\n"), chosen[0])).unwrap();
    let path = root.path().to_str().unwrap();
    let arguments = ["details", path, "--details", "config,files,card", "--ids", ids.to_str().unwrap()];
    let output = run(&double, &arguments, None);
    ended(&output, 0, "30 listed = 30 kept + 0 dropped + 0 missing");
    ended(&output, 0, "at least 30 of the API, 60 for files");
    ended(&output, 0, "each config.json that is read counts as a download");
    let details = rows(root.path(), "hf/models-details");
    assert_eq!(details.iter().map(id).collect::<Vec<_>>(), chosen, "in the order of the listing");
    let listed: BTreeMap<&str, &Value> = all.iter().map(|row| (id(row), row)).collect();
    let mut without = 0;
    for row in &details {
        let listed = listed[id(row)];
        assert_eq!((&row["_id"], &row["sha"]), (&listed["_id"], &listed["sha"]));
        let files: Vec<_> = row["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
        let siblings: Vec<_> =
            listed["siblings"].as_array().unwrap().iter().map(|file| &file["rfilename"]).collect();
        assert_eq!(files, siblings);
        let card = row["card"].as_str().unwrap();
        let blob = [format!("blob {}\0", card.len()).as_bytes(), card.as_bytes()].concat();
        let readme =
            row["files"].as_array().unwrap().iter().find(|file| file["path"] == "README.md").unwrap();
        assert_eq!(readme["oid"], data_encoding::HEXLOWER.encode(&Sha1::digest(&blob)));
        assert_eq!(readme["size"], card.len());
        let weights =
            row["files"].as_array().unwrap().iter().find(|file| file["sha256"].is_string()).unwrap();
        assert!(weights["size"].as_u64() > Some(500), "of the content, not of the pointer: {weights}");
        // What a repository does not have is null, and nothing is left out for it.
        let has = files.iter().any(|path| *path == "config.json");
        assert_eq!(row["config.json"]["model_type"].is_string(), has, "{}", id(row));
        assert!(row.get("left_out").is_none() && row.get("config.json").is_some());
        without += usize::from(!has);
    }
    assert!((1..30).contains(&without), "{without}");
    assert!(details.iter().any(|row| row["files"].as_array().unwrap().len() > 1000));
    // Everything was asked for at the commit that the listing tells.
    let seen = double.seen();
    let mut files = seen.iter().filter(|seen| seen.kind == "tree" || seen.kind == "resolve");
    assert!(files.all(|seen| !seen.path_and_query.contains("/main")));
    // Again: nothing is asked for.
    double.reset();
    ended(&run(&double, &arguments, None), 0, "30 listed = 30 kept");
    assert_eq!(double.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_downloaded_are_chosen_and_of_unknown_downloads_none() {
    let (double, root) = (double(150, &[]).await, tempfile::tempdir().unwrap());
    let all = listed(&double, root.path());
    let path = root.path().to_str().unwrap();
    ended(
        &run(&double, &["details", path, "--details", "files", "--top", "9"], None),
        0,
        "9 listed = 9 kept",
    );
    let mut chosen: Vec<u64> =
        rows(root.path(), "hf/models-chosen").iter().map(|row| row["downloads"].as_u64().unwrap()).collect();
    let mut downloads: Vec<u64> = all.iter().filter_map(|row| row["downloads"].as_u64()).collect();
    downloads.sort_unstable_by(|one, other| other.cmp(one));
    chosen.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(chosen, downloads[..9]);
    assert_eq!(asked(&double, "/resolve/"), 0, "files alone are no download");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_of_chosen_ones_only_and_the_plan_is_told_before() {
    let (double, root) = (double(40, &[]).await, tempfile::tempdir().unwrap());
    listed(&double, root.path());
    double.reset();
    let path = root.path().to_str().unwrap();
    for parts in ["config", "files,card", "config,files"] {
        let refused = run(&double, &["details", path, "--details", parts], None);
        ended(&refused, 78, "counts as a download of the model");
        ended(&refused, 78, "choose with --ids FILE, --id ID or --top N");
    }
    ended(&run(&double, &["details", path, "--details", "nonsense"], None), 2, "config, files, card");
    ended(&run(&double, &["details", path, "--details", "files", "--id", "../x"], None), 78, "owner/name");
    let plan = run(&double, &["details", path, "--details", "files", "--plan"], None);
    ended(&plan, 0, "at least 40 of the API, 0 for files");
    // Headers are read of files that the API tells of.
    let planned = root.path().join("planned");
    let headers = ["details", path, "--details", "headers", "--top", "5", "--to", planned.to_str().unwrap()];
    let plan = run(&double, &[&headers[..], &["--plan"]].concat(), None);
    ended(&plan, 0, "at least 5 of the API, 0 for files");
    ended(&plan, 0, "a request or a few for each file of weights");
    // A plan binds nobody.
    let fewer = ["details", path, "--details", "headers", "--top", "4", "--to", planned.to_str().unwrap()];
    ended(&run(&double, &[&fewer[..], &["--plan"]].concat(), None), 0, "at least 4 of the API");
    let left = std::fs::read_dir(&planned).unwrap().count();
    assert_eq!(left, 0, "a plan leaves nothing");
    assert_eq!(double.count(), 0, "nothing was asked for");
    ended(&run(&double, &["details", path, "--details", "files"], None), 0, "40 listed = 40 kept");
    // Another choice or other parts are another root's.
    ended(&run(&double, &["details", path, "--details", "files", "--top", "3"], None), 78, "input");
    let unlisted = ["details", path, "--details", "files", "--id", "nobody/nothing", "--to", "other"];
    let other = root.path().join("other");
    let unlisted = [&unlisted[..7], &[other.to_str().unwrap()]].concat();
    ended(&run(&double, &unlisted, None), 3, "1 chosen ids are not in the listing: nobody/nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_door_costs_what_is_behind_it_and_a_file_that_is_not_there_is_null() {
    let (double, root) = (double(300, &[]).await, tempfile::tempdir().unwrap());
    let all = listed(&double, root.path());
    let gated = all.iter().find(|row| row["gated"].is_string()).map(id).unwrap();
    let path = root.path().to_str().unwrap();
    let to = |name: &str| root.path().join(name);
    let (both, config) = (to("both"), to("config"));
    let arguments = ["details", path, "--id", gated, "--to"];
    let output = run(
        &double,
        &[&arguments[..], &[both.to_str().unwrap(), "--details", "config,files"]].concat(),
        None,
    );
    ended(&output, 0, "1 listed = 1 kept");
    let row = &rows(&both, "hf/models-details")[0];
    assert!(row["files"].as_array().unwrap().len() >= 5 && row["config.json"].is_null());
    assert_eq!(
        (&row["left_out"][0]["path"], &row["left_out"][0]["kind"]),
        (&"config.json".into(), &"denied".into())
    );
    assert!(row["left_out"][0]["reason"].as_str().unwrap().contains("its owner lets in"), "{row}");
    // Where nothing else could be had, the record is missing.
    let output = run(
        &double,
        &[&arguments[..], &[config.to_str().unwrap(), "--details", "config"]].concat(),
        Some("hf_x"),
    );
    ended(&output, 3, "1 listed = 0 kept + 0 dropped + 1 missing");
    let missing = std::fs::read_to_string(config.join("hf/models-details/page_00001.missing.jsonl")).unwrap();
    assert!(missing.contains(r#""kind":"denied""#) && missing.contains(gated), "{missing}");
    let again = run(
        &double,
        &[&arguments[..], &[config.to_str().unwrap(), "--details", "config", "--retry-missing"]].concat(),
        Some("hf_x"),
    );
    ended(&again, 3, "1 listed = 0 kept + 0 dropped + 1 missing");
    assert!(config.join("hf/models-details-retry-1").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_has_another_commit_is_fetched_again() {
    let config = |touched| HubConfig { datasets: 0, models: 80, touched, ..HubConfig::default() };
    let (before, folder) = (Double::start(config(0)).await.unwrap(), tempfile::tempdir().unwrap());
    let root = |name: &str| folder.path().join(name);
    let (day, next, third) = (root("day"), root("next"), root("third"));
    let at = |root: &Path| root.to_str().unwrap().to_owned();
    listed(&before, &day);
    ended(&run(&before, &["details", &at(&day), "--details", "files"], None), 0, "80 listed = 80 kept");
    let port = before.addr().port();
    drop(before);
    let after = Double::start(HubConfig { port, ..config(6) }).await.unwrap();
    listed(&after, &next);
    after.reset();
    let output = run(&after, &["details", &at(&next), "--details", "files", "--since", &at(&day)], None);
    ended(&output, 0, "80 listed = 6 kept + 74 dropped + 0 missing");
    ended(&output, 0, "unchanged");
    // One of a thousand files has a second page.
    assert!(asked(&after, "/tree/") <= 7);
    // The day after: what either root knows is known.
    listed(&after, &third);
    let both = ["details", &at(&third), "--details", "files", "--since", &at(&day), "--since", &at(&next)];
    ended(&run(&after, &both, None), 0, "80 listed = 0 kept + 80 dropped");
    // An earlier root that was asked for less is no base.
    let more = ["details", &at(&third), "--details", "config,files", "--top", "5", "--since", &at(&day)];
    ended(&run(&after, &more, None), 78, "which is less than `config,files`");
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_have_files_and_on_demand_a_card_that_counts() {
    let (double, root) = (double(0, &[]).await, tempfile::tempdir().unwrap());
    let path = root.path().to_str().unwrap();
    ended(&run(&double, &["datasets", "--root", path], None), 0, "60 listed");
    ended(
        &run(&double, &["details", path, "--details", "config", "--top", "2"], None),
        78,
        "datasets have no config",
    );
    ended(
        &run(&double, &["details", path, "--details", "card"], None),
        78,
        "its README too, counts as a download",
    );
    let output = run(&double, &["details", path, "--details", "files,card", "--top", "4"], None);
    ended(&output, 0, "4 listed = 4 kept");
    ended(&output, 0, "each README that is read counts as a download of its dataset");
    let details = rows(root.path(), "hf/datasets-details");
    assert!(details.iter().all(|row| row["files"].is_array() && row["card"].is_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_does_not_give_is_missing_with_its_reason_and_the_rest_is_there() {
    // The tree of one is gone, that of another is a web page, that of a third comes at the second try.
    let faults = ["tree@3=status:404", "tree@5-8=html", "tree@20=reset"];
    let (double, root) = (double(30, &faults).await, tempfile::tempdir().unwrap());
    listed(&double, root.path());
    let path = root.path().to_str().unwrap();
    let output =
        run(&double, &["details", path, "--details", "files", "--tries", "2", "--rows-a-page", "1"], None);
    let said = text(&output);
    assert!(output.status.code() == Some(3), "{said}");
    let details = rows(root.path(), "hf/models-details");
    let stored = Stored::open(root.path(), &SourceId::new("hf/models-details").unwrap()).unwrap();
    let missing = stored.checkpoint().totals.missing;
    assert_eq!(details.len() as u64 + missing, 30);
    assert!((2..=5).contains(&missing), "{missing}: {said}");
}
