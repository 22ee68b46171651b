//! Distilling: a head of paid labels, what it spares, and that it is never worse than the model where gold says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crawl_core::Kind;
use llm_classifier::head::{Head, HeadFile};
use llm_classifier::{Classifier, Task};
use llm_evaluator::{Aim, Distilled, Distilling, Draw, Gold, distil, distilled_page, distilled_table};
use serde_json::{Value, json};
use static_embedding::Table;

use crate::evaluate::write;
use crate::house::{Setup, TOPICS, double, labelled, listing, read, row, run, store, weekly};

/// Words of each topic, in the order of `TOPICS`.
const WORDS: [&str; 6] = [
    "algebra arithmetic geometry equation fraction sum number problem solve word grade school olympiad proof integer",
    "python function compiler code repository bug unit test software script program class variable debugging library",
    "physics chemistry biology star spectrum particle experiment molecule telescope cell laboratory protein energy planet",
    "patient clinical diagnosis hospital disease doctor treatment radiology medicine symptom nurse surgery drug tumor",
    "court law judge statute ruling contract appeal attorney legal case legislation defendant trial jury verdict",
    "bank stock finance market earnings quarterly report investor price economy loan inflation revenue trading tax",
];

/// Numbers that look random and are the same everywhere.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Records with the topic that is right, and the one that a model said, which is wrong in one of twelve.
fn said(count: usize) -> Vec<(Value, usize, usize)> {
    let mut lots = Lots(7);
    (0..count)
        .map(|n| {
            let topic = lots.below(6);
            let mut word = |topic: usize| {
                let words: Vec<&str> = WORDS[topic].split(' ').collect();
                words[lots.below(words.len())]
            };
            let own: Vec<&str> = (0..7).map(|_| word(topic)).collect();
            let others = [word((topic + 1) % 6), word((topic + 2) % 6), word((topic + 3) % 6)];
            let text = format!("{} {}", own.join(" "), others.join(" "));
            let record = row(&format!("owner{n}"), &format!("set-{n}"), &text);
            let model = if lots.below(12) == 0 { lots.below(6) } else { topic };
            (record, topic, model)
        })
        .collect()
}

fn labels(said: &[(Value, usize, usize)], path: PathBuf) -> PathBuf {
    let rows: Vec<Value> = said
        .iter()
        .map(|(record, _, model)| {
            let mut record = record.clone();
            record["domain_names"] = json!([TOPICS[*model]]);
            record["domain_answer"] = json!({"engine": "openai", "model": "sim-1", "cost_usd": 0.0002});
            record
        })
        .collect();
    write(path, &rows)
}

fn gold(said: &[(Value, usize, usize)], path: PathBuf, task: &Task) -> Gold {
    let rows: Vec<Value> = said
        .iter()
        .map(|(record, topic, _)| json!({"repo_id": record["repo_id"], "gold": [TOPICS[*topic]]}))
        .collect();
    Gold::read(&write(path, &rows), task, None).unwrap()
}

fn wish<'a>(labels: &'a Path, gold: Option<&'a Gold>, aim: Aim) -> Distilling<'a> {
    let draw = Draw { resamples: 200, seed: 1 };
    Distilling {
        labels,
        kept: None,
        listing: None,
        id_field: None,
        gold,
        rows: 20_000,
        held_out: 0.3,
        aim,
        draw,
        seed: 1,
    }
}

struct Made {
    folder: tempfile::TempDir,
    task: Task,
    labels: PathBuf,
    gold: Gold,
}

fn made(count: usize) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::load(&weekly()).unwrap();
    let said = said(count);
    let labels = labels(&said, folder.path().join("labels.jsonl"));
    let gold = gold(&said[..count / 4], folder.path().join("gold.jsonl"), &task);
    Made { folder, task, labels, gold }
}

fn check_curve(distilled: &Distilled) {
    let steps = &distilled.curve;
    assert_eq!(steps.len(), 21);
    assert_eq!((steps[0].spared, steps[0].threshold), (Some(0.0), None));
    assert!(steps.windows(2).all(|two| two[0].spared <= two[1].spared && two[0].dollars >= two[1].dollars));
    assert_eq!(steps[0].difference.value, Some(0.0));
}

#[test]
fn a_head_spares_what_it_is_sure_of_and_is_no_worse_than_the_model_there() {
    let Made { folder: _folder, task, labels, gold } = made(1200);
    let mut last = None;
    for share in [0.3, 0.9] {
        let (file, found) = distil(&task, &wish(&labels, Some(&gold), Aim::Spare(share))).unwrap();
        check_curve(&found);
        let spared = found.chosen.spared.unwrap();
        assert!(spared > share - 0.1 && spared <= share, "{share}: {:?}", found.chosen);
        assert!(found.chosen.difference.value.unwrap() >= 0.0, "{share}: {:?}", found.chosen);
        let cost = found.chosen.dollars.unwrap() / found.model.dollars.unwrap();
        assert!((cost - (1.0 - spared)).abs() < 1e-9, "what is spared is not paid");
        assert_eq!(file.threshold, found.chosen.threshold);
        assert_eq!(found.gold, 300, "no gold row was learnt from");
        last = Some(found);
    }
    // The words tell the topic, and the model is wrong in one of twelve: the head puts that right.
    let found = last.unwrap();
    assert!(found.chosen.difference.value.unwrap() > 0.03, "{:?}", found.chosen);
    let (shown, page) = (distilled_table(&found), distilled_page(&found));
    assert!(shown.contains("other thresholds") && shown.contains("by sim-1"), "{shown}");
    assert!(page.contains("money against F1") && page.ends_with("</html>\n"));
}

#[test]
fn the_wished_agreement_holds_by_the_low_end_and_the_same_seed_gives_the_same_file() {
    let Made { task, labels, folder, .. } = made(900);
    let (file, found) = distil(&task, &wish(&labels, None, Aim::Agreement(0.8))).unwrap();
    assert!(found.chosen.agreement.interval.unwrap().low >= 0.8, "{found:?}");
    assert!(found.chosen.spared.unwrap() > 0.3 && found.unseen.precision.unwrap() > 0.8, "{found:?}");
    assert_eq!((found.gold, found.chosen.f1.value), (0, None));
    let (again, _) = distil(&task, &wish(&labels, None, Aim::Agreement(0.8))).unwrap();
    assert_eq!(file, again);
    file.write(&folder.path().join("head.json")).unwrap();
    // The file does what was measured: of all rows, the held-out ones among them, about as many are spared.
    let head = Head::read(&folder.path().join("head.json"), &task).unwrap();
    let records = said(900).into_iter().map(|(record, ..)| crawl_core::Record::write(&record).unwrap());
    let sure = records.filter(|record| {
        let id = record.raw().get("repo_id").unwrap().str().unwrap().into_owned();
        head.judge(&task, record.raw(), &id).is_ok()
    });
    let share = sure.count() as f64 / 900.0;
    assert!((share - found.chosen.spared.unwrap()).abs() < 0.1, "{share} and {:?}", found.chosen);
    let size = std::fs::metadata(folder.path().join("head.json")).unwrap().len();
    assert!(size < 40_000, "{size}");
}

#[test]
fn where_nothing_can_be_learnt_the_head_never_answers_or_is_no_worse() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::load(&weekly()).unwrap();
    let mut lots = Lots(3);
    let mut said = said(600);
    // The labels of the double follow from a hash: no text tells them. And the model is always right.
    for row in &mut said {
        row.1 = lots.below(6);
        row.2 = row.1;
    }
    let labels = labels(&said, folder.path().join("labels.jsonl"));
    let gold = gold(&said[..200], folder.path().join("gold.jsonl"), &task);
    let (file, found) = distil(&task, &wish(&labels, Some(&gold), Aim::Agreement(0.9))).unwrap();
    assert_eq!((file.threshold, found.chosen.spared), (None, Some(0.0)));
    let (_, found) = distil(&task, &wish(&labels, Some(&gold), Aim::Spare(0.5))).unwrap();
    assert!(found.chosen.difference.value.unwrap() >= 0.0, "{:?}", found.chosen);
    assert!(found.chosen.spared.unwrap() < 0.2, "{:?}", found.chosen);
    let worse = &found.curve[10];
    assert!(worse.difference.value.unwrap() < -0.1, "half spared would be worse: {worse:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_answers_where_it_is_sure_the_model_the_rest_and_the_record_says_which() {
    let Made { folder, task, labels, .. } = made(900);
    let (file, _) = distil(&task, &wish(&labels, None, Aim::Spare(0.5))).unwrap();
    let path = folder.path().join("head.json");
    file.write(&path).unwrap();
    let head = Head::read(&path, &task).unwrap();
    let digest = head.digest().to_owned();

    let records: Vec<Value> = said(1000).split_off(900).into_iter().map(|(record, ..)| record).collect();
    let input = store(&folder.path().join("in"), &records, 50).await;
    let double = double(&[], (0, 0)).await;
    let classifier = Setup::new(&double.url()).classifier(&folder.path().join("cache")).unwrap();
    let classifier = Arc::new(Arc::try_unwrap(classifier).unwrap().with_head(head));
    assert_eq!(classifier.engines(), "head,openai");
    let at = run(&labelled(input.clone(), classifier.clone()), &folder.path().join("out")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (100, 0));
    let spent = classifier.usage().spent();
    assert_eq!(spent.headed + double.tally().len() as u64, 100);
    assert!((20..80).contains(&spent.headed), "{spent:?}");
    let rows = read(&folder.path().join("out"), &listing());
    let (mut by_head, mut right) = (0, 0);
    for (row, (_, topic, _)) in rows.iter().zip(said(1000).split_off(900)) {
        let how = &row["domain_answer"];
        if how["engine"] == "head" {
            by_head += 1;
            right += u64::from(row["domain_names"] == json!([TOPICS[topic]]));
            assert_eq!((&how["head"], &how["cost_usd"]), (&json!(digest), &json!(0.0)));
            assert!(how.get("model").is_none() && row["domain_confidence"].as_f64().unwrap() > 0.2);
        }
    }
    assert_eq!(by_head, spent.headed);
    assert!(right * 10 >= by_head * 9, "{right} of {by_head}");

    // Alone it is as sure, and the rest is missing.
    let head = Head::read(&path, &task).unwrap();
    let alone = Arc::new(Classifier::head_alone(task, head, "repo_id", 4));
    let at = run(&labelled(input, alone), &folder.path().join("alone")).await.unwrap();
    assert_eq!((at.totals.records, at.totals.missing), (by_head, 100 - by_head));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_filter_what_was_rejected_is_learnt_from_too_by_the_cache_and_nobody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let task =
        Task::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/domains/agent.toml")).unwrap();
    let double = double(&[], (0, 0)).await;
    let setup = || Setup { task: task.clone(), ..Setup::new(&double.url()) };
    let records: Vec<Value> = said(150).into_iter().map(|(record, ..)| record).collect();
    let input = store(&folder.path().join("in"), &records, 50).await;
    let classifier = setup().classifier(&folder.path().join("cache")).unwrap();
    let at = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap();
    assert!(at.totals.records < 150, "the filter rejects some: {:?}", at.totals);
    let asked = double.tally().len();
    // Records that nobody was asked about teach nothing.
    let more: Vec<Value> = said(200).into_iter().map(|(record, ..)| record).collect();
    let path = write(folder.path().join("records.jsonl"), &more);
    let wish = Distilling { kept: Some(&classifier), ..wish(&path, None, Aim::Agreement(0.9)) };
    let (_, found) = distil(&task, &wish).unwrap();
    assert_eq!((found.labelled, found.trained_on + found.held_out), (150, 150), "{found:?}");
    assert_eq!(double.tally().len(), asked);
    assert!(found.models.contains("sim-1"), "{found:?}");
}

fn refused(file: HeadFile, task: &Task, what: &str) {
    let error = Head::new(file, Table::shipped().unwrap(), task, "head.json").unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains(what), "{what} in {error}");
    assert!(error.advice().contains("llm-evaluator distil"), "{}", error.advice());
}

#[test]
fn a_head_of_another_task_prompt_or_table_is_refused() {
    let Made { folder, task, labels, .. } = made(300);
    let (file, _) = distil(&task, &wish(&labels, None, Aim::Spare(0.5))).unwrap();
    let text = std::fs::read_to_string(weekly()).unwrap();
    let other = text.replacen("system = \"\"\"", "system = \"\"\"Look twice. ", 1);
    assert_ne!(other, text);
    let other = Task::parse(&other, Path::new("weekly.toml")).unwrap();
    refused(file.clone(), &other, "as it was then");
    refused(HeadFile { embedding: "0".repeat(64), ..file.clone() }, &task, "another table of vectors");
    refused(HeadFile { weights: file.weights[4..].to_owned(), ..file.clone() }, &task, "not whole");
    refused(HeadFile { version: 9, ..file.clone() }, &task, "its version is 9");
    refused(HeadFile { temperature: f64::NAN, ..file }, &task, "not whole");
    std::fs::write(folder.path().join("x.json"), "{}").unwrap();
    let error = Head::read(&folder.path().join("x.json"), &task).unwrap_err();
    assert!(error.to_string().contains("this is no head"), "{error}");
}

#[test]
fn each_labelled_row_is_counted_once_in_gold_or_not_of_known_words_or_not_drawn_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::load(&weekly()).unwrap();
    let mut said = said(400);
    let foreign = |n: usize| row(&format!("foreign{n}"), "日本", "東京 大阪 京都 名古屋 札幌");
    said.extend((0..40).map(|n| (foreign(n), n % 6, n % 6)));
    for (record, ..) in &mut said[400..] {
        record["description"] = json!(format!("東京 大阪 {}", record["repo_id"]));
    }
    let labels = labels(&said, folder.path().join("labels.jsonl"));
    let gold = gold(&said[390..410], folder.path().join("gold.jsonl"), &task);
    for (rows, not_drawn) in [(20_000, 0), (300, 120)] {
        let wish = Distilling { rows, ..wish(&labels, Some(&gold), Aim::Spare(0.5)) };
        let found = distil(&task, &wish).unwrap().1;
        assert!(found.unknown > 0, "{found:?}");
        assert_eq!((found.labelled, found.gold), (440, 20));
        assert_eq!(found.labelled, found.trained_on + found.held_out + found.unknown + not_drawn);
        assert_eq!(distilled_table(&found).contains("120 not drawn"), not_drawn > 0);
    }
}

#[test]
fn labels_that_nobody_paid_for_and_too_few_rows_teach_nothing() {
    let Made { folder, task, labels, .. } = made(60);
    let error = distil(&task, &wish(&labels, None, Aim::Spare(0.5))).unwrap_err();
    assert!(error.to_string().contains("rows to learn from"), "{error}");
    let rows = std::fs::read_to_string(&labels).unwrap().replace("\"openai\"", "\"rules\"");
    std::fs::write(folder.path().join("rules.jsonl"), rows).unwrap();
    let error = distil(&task, &wish(&folder.path().join("rules.jsonl"), None, Aim::Spare(0.5))).unwrap_err();
    assert!(error.to_string().contains("there are 0 rows to learn from and 0"), "{error}");
}

#[test]
fn the_program_writes_the_head_and_its_report() {
    let Made { folder, labels, .. } = made(400);
    let program = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-evaluator"));
        command.arg("distil").arg(weekly()).arg(&labels).args(["--to", "head.json"]).args(more);
        command.current_dir(folder.path()).output().unwrap()
    };
    let output = program(&["--spare", "0.5", "--gold", "gold.jsonl", "--html", "x.html", "--json", "x.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("x.json")).unwrap()).unwrap();
    let head: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("head.json")).unwrap()).unwrap();
    assert_eq!(report["chosen"]["threshold"], head["threshold"]);
    assert_eq!(head["made"]["spared"], report["chosen"]["spared"]);
    assert!(folder.path().join("x.html").is_file());
    assert_eq!(program(&["--spare", "0.5", "--agreement", "0.9"]).status.code(), Some(2));
    std::fs::write(folder.path().join("other.jsonl"), "{\"id\":\"a/b\",\"gold\":[\"Science\"]}\n").unwrap();
    let output = program(&["--gold", "other.jsonl"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none of the gold rows"));
}
