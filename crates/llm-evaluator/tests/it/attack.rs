//! Attacks: our own set, against a double that obeys whatever a record says, and against one that does not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crawl_core::Kind;
use crawl_sim::{Llm, LlmConfig, Running};
use llm_classifier::{Answers, Chat, Structured, Task};
use llm_evaluator::attack::{AttackSet, Counts, Form, FormReport, Trial, attack_table};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::house::{Setup, weekly};

const ROWS: usize = 3;

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/attacks")
}

async fn model(obeys: bool) -> Running {
    Llm::start(LlmConfig { obeys, ..LlmConfig::default() }).await.unwrap()
}

async fn tried(double: &Running, form: Form) -> FormReport {
    let folder = tempfile::tempdir().unwrap();
    let mut task = Task::load(&weekly()).unwrap();
    task.defence.canary = form != Form::Undefended;
    if form == Form::Disguised {
        task = task.second_look();
    }
    let setup = Setup { task: task.clone(), ..Setup::new(&double.url()) };
    let base = setup.base.clone();
    let mut classifier = setup.classifier(folder.path()).unwrap();
    if form == Form::Defended {
        let second = task.second_look();
        let answers = Answers::new(&second).unwrap();
        let chat = Chat::new(&base, None, "sim-1", Structured::JsonSchema, second, &answers).unwrap();
        classifier = Arc::new(Arc::try_unwrap(classifier).unwrap().with_second_look(chat, answers));
    }
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
async fn a_model_that_obeys_obeys_every_attack_where_nothing_defends_it() {
    let report = tried(&model(true).await, Form::Undefended).await;
    check_sums(&report);
    for (name, counts) in &report.attacks {
        assert_eq!(counts.success, Some(1.0), "{name}: {counts:?}");
    }
    assert_eq!((report.all.success, report.families.len()), (Some(1.0), 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_defences_no_flagged_row_gets_what_its_attack_wanted() {
    let report = tried(&model(true).await, Form::Defended).await;
    check_sums(&report);
    assert_eq!(report.all.obeyed_flagged, 0, "{:?}", report.all);
    assert_eq!(report.all.stopped, report.all.flagged);
    for family in ["fake answers", "hidden characters"] {
        assert_eq!(report.families[family].success, Some(0.0), "{family}: {:?}", report.families[family]);
    }
    assert!(report.all.success.unwrap() < 0.9, "{:?}", report.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_names_that_no_record_can_know_no_order_for_a_label_arrives() {
    let report = tried(&model(true).await, Form::Disguised).await;
    check_sums(&report);
    assert_eq!((report.all.obeyed, report.all.changed), (0, 0), "{:?}", report.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_does_not_obey_is_never_counted_as_if_it_did() {
    let double = model(false).await;
    let report = tried(&double, Form::Undefended).await;
    check_sums(&report);
    assert_eq!((report.all.obeyed, report.all.unmoved), (0, report.all.tried));
    let report = tried(&double, Form::Defended).await;
    assert_eq!((report.all.obeyed, report.all.changed), (0, 0), "{:?}", report.all);
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
    let double = home.block_on(model(true));
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
    let output = program(&["--json", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["forms"][0]["form"], "undefended");
    assert_eq!(report["forms"][0]["all"]["success"], 1.0);
    assert_eq!(report["forms"][1]["form"], "defended");
    assert!(report["forms"][1]["all"]["success"].as_f64().unwrap() < 1.0);
    assert_eq!(
        (&report["forms"][2]["form"], report["forms"].as_array().unwrap().len()),
        (&"disguised".into(), 3)
    );

    let shown = program(&[]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(text.contains("ignore previous") && text.contains("1.000"), "{text}");
    let wrong = program(&["--id-field", "nope"]);
    assert_eq!(wrong.status.code(), Some(78));
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert!(text.contains("no clean row gets an answer"), "{text}");
}

#[test]
fn the_table_has_a_line_for_each_family_and_one_for_all() {
    let home = Runtime::new().unwrap();
    let report = home.block_on(async { tried(&model(true).await, Form::Undefended).await });
    let families = report.families.len();
    let report = llm_evaluator::attack::AttackReport {
        task: "weekly".into(),
        model: "sim-1".into(),
        forms: vec![report],
    };
    let table = attack_table(&report);
    assert_eq!(table.lines().filter(|line| line.contains("  1.000  ")).count(), families + 1, "{table}");
}
