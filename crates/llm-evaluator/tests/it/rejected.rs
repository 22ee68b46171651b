//! Filters of which a run has kept the rejected rows: each gold row has its answer.

use std::collections::HashSet;
use std::path::Path;

use crawl_core::{Over, Stored};
use llm_classifier::{Labelled, Task, rejected_root};
use llm_evaluator::{Draw, Given, Gold, How, compare, evaluate};
use serde_json::{Value, json};

use crate::evaluate::write;
use crate::house::{Setup, double, id, listing, rows, run, store};

#[tokio::test(flavor = "multi_thread")]
async fn two_models_are_compared_on_a_filter_with_what_either_rejects() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let double = double(&[], (0, 0)).await;
    let given = rows(100);
    let input = store(&folder.join("in"), &given, 40).await;
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/domains/agent.toml");
    let mut agent = Task::load(&agent).unwrap();
    agent.thresholds.clear();
    let gold = |row: &Value| json!({"repo_id": id(row), "gold": {"is_related": true}});
    let gold: Vec<Value> = given.iter().map(gold).collect();
    let gold = Gold::read(&write(folder.join("gold.jsonl"), &gold), &agent, None).unwrap();
    let wanted: HashSet<&str> = gold.rows.iter().map(|row| row.id.as_str()).collect();
    let mut sides = Vec::new();
    for model in ["sim-1", "sim-mini"] {
        let setup = Setup { task: agent.clone(), model: model.into(), ..Setup::new(&double.url()) };
        let classifier = setup.classifier(&folder.join("cache")).unwrap();
        let map = || Labelled::new(classifier.clone()).unwrap();
        let root = folder.join(model);
        let let_through = run(&Over::new(input.clone(), map()).unwrap(), &root).await.unwrap();
        let alone = Given::read(&root, &agent, &wanted, None, None).unwrap();
        assert_eq!(alone.found() as u64, let_through.totals.records, "{model} rejects some");
        assert!(alone.found() < 100);
        let rejected = Over::new(input.clone(), map().rejected().unwrap()).unwrap();
        let at = run(&rejected, &rejected_root(&root)).await.unwrap();
        assert_eq!(at.totals.records + let_through.totals.records, 100);
        let given = Given::read(&root, &agent, &wanted, None, None).unwrap();
        let report = evaluate(&agent, &gold, &given, How::default());
        assert_eq!((report.coverage.answered, report.coverage.missing.len()), (100, 0));
        let said = vec![let_through.totals.records, at.totals.records, 0];
        let none = vec![0, 0, 0];
        assert_eq!(report.aspects[0].answered.confusion, Some(vec![said, none]), "yes, no and neither");
        sides.push((given, let_through.totals.records));
    }
    let [(a, a_yes), (b, b_yes)] = &sides[..] else { unreachable!() };
    let compared = compare(&agent, &gold, a, b, Draw { resamples: 20, seed: 1 });
    assert_eq!(compared.rows, 100);
    let right = |side: u64| Some(side as f64 / 100.0);
    assert_eq!((compared.differences[0].a, compared.differences[0].b), (right(*a_yes), right(*b_yes)));
    let unanswered = compared.disagreements.iter().filter(|row| row.a.is_none() || row.b.is_none()).count();
    assert_eq!(unanswered, 0, "what one rejects is a no, and not nothing");
    assert_eq!(
        Stored::sources(&folder.join("sim-1")).unwrap(),
        [listing()],
        "the root has what was let through"
    );
}
