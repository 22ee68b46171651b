//! Attacks: our own set, against a double that obeys whatever a record says, and against one that does not.

use std::path::{Path, PathBuf};
use std::process::Command;

use crawl_core::Kind;
use crawl_sim::{Llm, LlmConfig, Obeys, Running};
use llm_classifier::Task;
use llm_evaluator::attack::{AttackSet, Counts, Defences, FormReport, Trial, attack_table};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::house::{Setup, weekly};

const ROWS: usize = 3;

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/attacks")
}

async fn model(obeys: Option<Obeys>) -> Running {
    Llm::start(LlmConfig { obeys, ..LlmConfig::default() }).await.unwrap()
}

async fn tried(double: &Running, form: Defences) -> FormReport {
    let folder = tempfile::tempdir().unwrap();
    let mut task = Task::load(&weekly()).unwrap();
    task.defence.canary = form != Defences::Undefended;
    if matches!(form, Defences::Disguised | Defences::Shipped) {
        task = task.disguised();
    }
    let second_look = matches!(form, Defences::Defended | Defences::Shipped);
    let setup = Setup { task, second_look, ..Setup::new(&double.url()) };
    let classifier = setup.classifier(folder.path()).unwrap();
    let trial = Trial::new(AttackSet::read(&ours()).unwrap(), ROWS);
    trial.run(classifier, form).await.unwrap()
}

fn check_sums(report: &FormReport) {
    let attacks = AttackSet::read(&ours()).unwrap().attacks.len();
    assert!(attacks >= 40, "{attacks}");
    assert_eq!(report.all.tried, (attacks * ROWS) as u64);
    let sum = |counts: &Counts| counts.obeyed + counts.changed + counts.unmoved + counts.stopped;
    for counts in report.families.values().chain(report.attacks.values()).chain([&report.all]) {
        assert_eq!(counts.tried, sum(counts));
    }
    assert_eq!(report.families.values().map(|counts| counts.tried).sum::<u64>(), report.all.tried);
    assert_eq!((report.clean_answered, report.clean_missing, report.clean_flagged), (ROWS as u64, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_obeys_obeys_every_attack_that_it_understands_where_nothing_defends_it() {
    let kinds = [
        (Obeys::Names, &["places", "meanings"][..]),
        (Obeys::Positions, &["meanings"]),
        (Obeys::Descriptions, &["places"]),
    ];
    for (obeys, beyond) in kinds {
        let report = tried(&model(Some(obeys)).await, Defences::Undefended).await;
        check_sums(&report);
        for (name, counts) in &report.families {
            let success = counts.success.unwrap();
            match beyond.contains(&name.as_str()) {
                true => assert!(success < 0.2, "{obeys:?}, {name}: {counts:?}"),
                false => assert!(success == 1.0, "{obeys:?}, {name}: {counts:?}"),
            }
        }
        assert_eq!(report.families.len(), 12);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_second_look_alone_no_flagged_row_gets_what_its_attack_wanted_by_name() {
    let report = tried(&model(Some(Obeys::Names)).await, Defences::Defended).await;
    check_sums(&report);
    assert_eq!(report.all.obeyed_flagged, 0, "{:?}", report.all);
    for family in ["fake answers", "hidden characters"] {
        assert_eq!(report.families[family].success, Some(0.0), "{family}: {:?}", report.families[family]);
    }
    assert!(report.all.success.unwrap() < 0.9, "{:?}", report.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_codes_no_order_for_a_label_arrives() {
    let report = tried(&model(Some(Obeys::Names)).await, Defences::Disguised).await;
    check_sums(&report);
    assert_eq!((report.all.obeyed, report.all.changed), (0, 0), "{:?}", report.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_run_asks_names_and_places_get_nothing_and_what_is_understood_is_told() {
    let names = tried(&model(Some(Obeys::Names)).await, Defences::Shipped).await;
    check_sums(&names);
    assert_eq!((names.all.obeyed, names.all.changed), (0, 0), "{:?}", names.all);
    // The list is the other way round, and the second look sees it as it was: the two answers differ.
    let places = tried(&model(Some(Obeys::Positions)).await, Defences::Shipped).await;
    check_sums(&places);
    assert_eq!(places.families["places"].obeyed, 0, "{:?}", places.families["places"]);
    assert_eq!((places.all.obeyed, places.all.changed), (0, 0), "{:?}", places.all);
    // Who knows what the codes stand for finds the answer twice. That is not defended, and documented so.
    let meanings = tried(&model(Some(Obeys::Descriptions)).await, Defences::Shipped).await;
    check_sums(&meanings);
    assert_eq!(meanings.families["meanings"].success, Some(1.0), "{:?}", meanings.families["meanings"]);
    assert!(meanings.families["meanings"].obeyed_flagged >= 3, "some rows carry a warning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_does_not_obey_is_never_counted_as_if_it_did() {
    let double = model(None).await;
    for form in [Defences::Undefended, Defences::Defended, Defences::Shipped] {
        let report = tried(&double, form).await;
        check_sums(&report);
        assert_eq!((report.all.obeyed, report.all.changed), (0, 0), "{:?}", report.all);
    }
}

#[test]
fn a_wrong_set_is_refused_with_file_line_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: Option<&str>, rows: Option<&str>, place: &str, what: &str| {
        let put = |name: &str, text: Option<&str>| {
            let path = folder.path().join(name);
            let _ = std::fs::remove_file(&path);
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
        };
        put("a.toml", text);
        put("rows.jsonl", rows);
        let error = AttackSet::read(folder.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().contains(what), "{what} in {error}");
        assert!(error.place().ends_with(place), "{place} in {}", error.place());
        assert!(!error.advice().is_empty());
    };
    let good = "family = \"f\"\nabout = \"a\"\n[[attacks]]\nname = \"n\"\ntext = \"t\"\n";
    check(Some(&format!("{good}colour = 1\n")), Some("{}"), "a.toml:6", "unknown field `colour`");
    check(Some(&format!("{good}disguise = \"rot13\"\n")), Some("{}"), "a.toml:6", "unknown variant `rot13`");
    check(
        Some(&format!("{good}[[attacks]]\nname = \"n\"\ntext = \"t\"\n")),
        Some("{}"),
        "",
        "two attacks have the name `n`",
    );
    check(Some(good), None, "rows.jsonl", "cannot read the clean rows");
    check(Some(good), Some("\n"), "rows.jsonl", "there is no clean row");
    check(Some(good), Some("{\n"), "rows.jsonl:1", "not JSON");
    check(None, Some("{}"), "", "there is no attack");
    let none = AttackSet::read(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(none.advice().contains("--attacks"));
}

#[test]
fn the_program_reports_every_form_and_names_the_rows_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let home = Runtime::new().unwrap();
    let double = home.block_on(model(Some(Obeys::Names)));
    let program = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-evaluator"));
        command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL").env("NO_COLOR", "1");
        command
            .arg("attack")
            .arg(weekly())
            .arg("--attacks")
            .arg(ours())
            .args(["--model", "sim-1", "--rows", "1"]);
        command.args(["--base-url", &format!("{}/v1", double.url())]).args(more);
        command.current_dir(folder.path()).output().unwrap()
    };
    let output = program(&["--json", "-", "--forms", "all"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let forms: Vec<_> = report["forms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|form| (form["form"].as_str().unwrap(), form))
        .collect();
    let names: Vec<_> = forms.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["shipped", "undefended", "defended", "disguised"]);
    let success = |form: usize| forms[form].1["all"]["success"].as_f64().unwrap();
    assert_eq!((success(0), success(3)), (0.0, 0.0));
    assert!(success(1) > success(2) && success(2) > 0.0);
    assert_eq!(forms[1].1["families"]["class directive"]["success"], 1.0);

    let shown = program(&[]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(
        text.contains("ignore previous") && text.contains("as `run` asks") && text.contains("0.000"),
        "{text}"
    );
    let wrong = program(&["--id-field", "nope"]);
    assert_eq!(wrong.status.code(), Some(78));
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(text.contains("no clean row gets an answer"), "{text}");
    // It was heard by nobody.
    let batch = program(&["--batch"]);
    let text = String::from_utf8_lossy(&batch.stderr);
    assert!(batch.status.code() == Some(78) && text.contains("is for `llm-classifier run`"), "{text}");
}

#[test]
fn the_table_has_a_line_for_each_family_and_one_for_all() {
    let home = Runtime::new().unwrap();
    let report = home.block_on(async { tried(&model(Some(Obeys::Names)).await, Defences::Undefended).await });
    let families = report.families.len();
    let report = llm_evaluator::attack::AttackReport {
        task: "weekly".into(),
        model: "sim-1".into(),
        forms: vec![report],
    };
    let table = attack_table(&report);
    let lines = |rate: &str| table.lines().filter(|line| line.contains(rate)).count();
    assert_eq!((lines("  1.000  "), lines("  0.000  ")), (families - 2, 2), "{table}");
}
