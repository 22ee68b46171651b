//! Task files: what is wrong is named with file, line and key.

use std::path::Path;

use crawl_core::Kind;
use llm_classifier::{Answers, Reply, Task, TaskKind, Verdict};

use crate::house::{TOPICS, weekly};

/// The weekly task's text with one thing replaced must be refused at the line of `line`, naming `key` and `what`.
#[track_caller]
fn refused(from: &str, to: &str, line: &str, key: &str, what: &str) {
    let text = std::fs::read_to_string(weekly()).unwrap();
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let number = text.lines().position(|found| found.contains(line)).unwrap() + 1;
    let error = Task::parse(&text, Path::new("some/weekly.toml")).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.place(), format!("some/weekly.toml:{number}"), "{error}");
    let words = error.to_string();
    assert!(words.contains(&format!("`{key}`")) && words.contains(what), "{words}");
}

#[test]
fn the_shipped_task_is_whole() {
    let task = Task::load(&weekly()).unwrap();
    let TaskKind::Labels(labels) = &task.kind else { panic!() };
    let names: Vec<_> = labels.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names[..6], TOPICS);
    assert_eq!(labels.labels.iter().map(|label| label.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(labels.other, Some(6));
    let folder = weekly().parent().unwrap().to_owned();
    assert_eq!(Task::find(std::slice::from_ref(&folder), "weekly").unwrap(), folder.join("weekly.toml"));
    let error = Task::find(std::slice::from_ref(&folder), "weakly").unwrap_err();
    assert!(error.advice().contains("weekly"), "{}", error.advice());
}

#[test]
fn a_wrong_key_is_named_with_its_line() {
    refused("temperature = 0.0", "temprature = 0.0", "temprature", "temprature", "unknown field");
    refused("most = 6", "most = 6\nleast = 1", "least = 1", "least", "unknown field");
    refused("kind = \"labels\"", "kind = \"label\"", "kind = \"label\"", "kind", "unknown variant");
    refused("kind = \"labels\"", "kind = \"filter\"", "[[labels]]", "labels", "has no [[labels]]");
    refused("most = 6", "most = \"6\"", "most = \"6\"", "most", "invalid type");
    refused("most = 6", "most = 60", "most = 60", "most", "from 1 to");
    refused(
        "other = \"Other\"",
        "other = \"Rest\"",
        "other = \"Rest\"",
        "other",
        "no label has the name `Rest`",
    );
    refused("name = \"weekly\"", "name = \"../weekly\"", "../weekly", "name", "a-z");
    refused("pretty_name = 300", "pretty_name = 0", "pretty_name = 0", "fields.pretty_name", "limit of 0");
    refused("most = 6", "most = = 6", "most = = 6", "most", "");
}

#[test]
fn an_unknown_placeholder_is_named_with_its_line() {
    refused(
        "{description}, \"tags\"",
        "{describtion}, \"tags\"",
        "{describtion}",
        "prompt.user",
        "`{describtion}` names no field",
    );
    refused("{labels}\n", "{labels} {label}\n", "{labels} {label}", "prompt.system", "`{label}`");
    refused("{record_id}, \"pretty", "null, \"pretty", "user = \"\"\"", "prompt.user", "`{record_id}`");
    refused("arxiv = 300", "arxiv = 300\nauthor = 100", "author = 100", "fields.author", "`{author}`");
}

#[test]
fn a_label_that_is_there_twice_is_named_with_its_line() {
    refused(
        "name = \"Science\"",
        "name = \"Programming/Code\"  # twice",
        "# twice",
        "labels[3].name",
        "two labels have the name",
    );
    refused("id = 4", "id = 3 # twice", "# twice", "labels[4].id", "two labels have the id 3");
}

#[test]
fn a_missing_table_is_named() {
    let text = std::fs::read_to_string(weekly()).unwrap().replace("[output]", "[outputs]");
    let error = Task::parse(&text, Path::new("t.toml")).unwrap_err();
    assert!(error.to_string().contains("output"), "{error}");
    let error = Task::load(Path::new("/nowhere/t.toml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/t.toml"));
}

fn judge(content: &str) -> Verdict {
    let answers = Answers::new(&Task::load(&weekly()).unwrap()).unwrap();
    answers.judge(
        &Reply { content: Some(content.into()), finish_reason: Some("stop".into()), ..Reply::default() },
        "a/b",
    )
}

#[test]
fn only_labels_of_the_closed_set_pass_in_the_tasks_order_each_once() {
    let answer = |labels: &str| {
        judge(&format!(
            r#"{{"id":"a/b","labels":{labels},"reasoning":"It's so.","confidence":0.5,"check":"x"}}"#
        ))
    };
    let good = |labels: &str| match answer(labels) {
        Verdict::Good(answer) => (answer.labels, answer.confidence, answer.check_kept, answer.reasoning),
        other => panic!("{other:?}"),
    };
    let right = |labels: &[usize]| (labels.to_vec(), Some(0.5), false, "It's so.".to_owned());
    assert_eq!(good(r#"["Science","Math Word Problems","Science"]"#), right(&[0, 2]));
    assert_eq!(good(r#"["Other"]"#), right(&[6]));
    for labels in
        [r#"["Other","Science"]"#, "[]", r#"["science"]"#, r#"["Foo"]"#, r#""Science""#, "[3]", "null"]
    {
        assert!(matches!(answer(labels), Verdict::Invalid(_)), "{labels}");
    }
}

#[test]
fn an_answer_about_another_record_or_of_another_form_is_invalid() {
    for content in [
        r#"{"id":"b","labels":["Science"],"reasoning":"","confidence":0.5,"check":""}"#,
        r#"{"id":"a/b","labels":["Science"],"reasoning":"","confidence":1.5,"check":""}"#,
        r#"{"id":"a/b","labels":["Science"],"reasoning":"","confidence":"high","check":""}"#,
        r#"{"id":"a/b","labels":["Science"]}"#,
        r#"{"id":"a/b","labels":["Science"],"reasoning":"","confidence":0.5,"check":"","more":1}"#,
        r#"{"id":"a/b","labels":["Science"],"reasoning":"it"s"}"#,
        "{'id':'a/b','labels':['Science'],'reasoning':'x'}",
        "",
        "no",
    ] {
        assert!(matches!(judge(content), Verdict::Invalid(_)), "{content}");
    }
    let answers = Answers::new(&Task::load(&weekly()).unwrap()).unwrap();
    let reply = |finish: &str| Reply {
        content: Some("{".into()),
        finish_reason: Some(finish.into()),
        ..Reply::default()
    };
    for cut in
        ["length", "MAX_TOKENS", "max_length", "token_limit", "model_context_window_exceeded", "incomplete"]
    {
        assert_eq!(answers.judge(&reply(cut), "a/b"), Verdict::Cut, "{cut}");
    }
    for filter in
        ["content_filter", "content-filter", "content_filtered", "SAFETY", "guardrail_intervened", "SPII"]
    {
        assert!(matches!(answers.judge(&reply(filter), "a/b"), Verdict::Refused(_)), "{filter}");
    }
    for usual in ["stop", "eos_token", "end_turn", "COMPLETE"] {
        assert!(matches!(answers.judge(&reply(usual), "a/b"), Verdict::Invalid(_)), "{usual}");
    }
}
