//! Votes and log-probabilities: what they cost, what they say, and what servers make of being asked for them.

use serde_json::{Value, json};

use crate::house::{Setup, labelled, listing, read, rows, run, store};
use crate::odd::{Asked, Odd, Sent};
use crate::paid::came;

/// A right answer with these labels.
fn with_labels(asked: &Asked, labels: &Value) -> Value {
    let mut answer: Value = serde_json::from_str(&asked.answer()).unwrap();
    answer["labels"] = labels.clone();
    let mut body = asked.completion();
    body["choices"][0]["message"]["content"] = json!(answer.to_string());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_most_votes_say_counts_and_the_cost_of_all_is_told() {
    let said = [
        json!(["Science"]),
        json!(["Finance/Economics"]),
        json!(["none such"]),
        json!(["Finance/Economics"]),
    ];
    let came = came(
        1,
        |setup| setup.votes = 3,
        move |asked, number| Sent::json(200, &with_labels(asked, &said[number % 4])),
    )
    .await;
    // The third answer cannot be used, and its repair is the fourth.
    assert_eq!((came.labelled, came.asked.len()), (1, 4), "{:?}", came.missing);
    let row = &came.rows[0];
    assert_eq!(row["domain_names"], json!(["Finance/Economics"]));
    let how = &row["domain_answer"];
    assert_eq!(
        (&how["votes"], &how["agreeing"], &how["vote_share"]),
        (&json!(3), &json!(2), &json!(0.666667))
    );
    assert_eq!((&how["prompt_tokens"], &how["rounds"]), (&json!(4000), &json!(4)));
    let cost = how["cost_usd"].as_f64().unwrap();
    assert!((cost - came.spent).abs() < 1e-9, "{cost} of {}", came.spent);
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_are_kept_one_by_one_and_more_votes_pay_only_for_the_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| Sent::json(200, &asked.completion())).await;
    let input = store(&folder.path().join("in"), &rows(5), 10).await;
    for (votes, asked) in [(1, 5), (3, 15), (3, 15), (4, 20)] {
        let setup = Setup { votes, ..Setup::new(&odd.url) };
        let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
        let root = folder.path().join(format!("out-{votes}-{asked}"));
        run(&labelled(input.clone(), classifier), &root).await.unwrap();
        assert_eq!(odd.asked().len(), asked, "{votes} votes");
        let share = &read(&root, &listing())[0]["domain_answer"]["vote_share"];
        assert_eq!(*share, if votes == 1 { Value::Null } else { json!(1.0) });
    }
}

/// A right answer, with its tokens: four bytes each, all of probability 0.9.
fn with_tokens(asked: &Asked) -> Value {
    let mut body = asked.completion();
    let content = asked.answer();
    let pieces = content.as_bytes().chunks(4).map(
        |bytes| json!({"token": String::from_utf8_lossy(bytes), "bytes": bytes, "logprob": 0.9f64.ln()}),
    );
    body["choices"][0]["logprobs"] = json!({"content": pieces.collect::<Vec<_>>()});
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probability_of_what_decides_is_in_the_record_and_survives_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| Sent::json(200, &with_tokens(asked))).await;
    let input = store(&folder.path().join("in"), &rows(3), 10).await;
    let mut found = Vec::new();
    for round in 0..2 {
        let mut setup = Setup::new(&odd.url);
        setup.task.model.extra.insert("logprobs".into(), true.into());
        let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
        let root = folder.path().join(format!("out-{round}"));
        run(&labelled(input.clone(), classifier), &root).await.unwrap();
        found.push(read(&root, &listing()));
    }
    assert_eq!(found[0], found[1]);
    assert_eq!(odd.asked().len(), 3);
    assert!(odd.asked().iter().all(|asked| asked.body["logprobs"] == true));
    for row in &found[0] {
        // ["Science"] is of 11 bytes: three or four tokens of four.
        let tokens = row["domain_answer"]["probability"].as_f64().unwrap().ln() / 0.9f64.ln();
        assert!((2.99..4.01).contains(&tokens), "{tokens} tokens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_knows_no_logprobs_is_asked_without_them() {
    let refusal = json!({"error": {"message": "Unrecognized request argument supplied: logprobs", "param": "logprobs"}});
    let came = came(
        4,
        |setup| drop(setup.task.model.extra.insert("logprobs".into(), true.into())),
        move |asked, _| match asked.body.get("logprobs") {
            Some(_) => Sent::json(400, &refusal),
            None => Sent::json(200, &asked.completion()),
        },
    )
    .await;
    assert_eq!((came.labelled, came.asked.len()), (4, 5), "{:?}", came.missing);
    assert!(came.rows.iter().all(|row| row["domain_answer"].get("probability").is_none()));
}
