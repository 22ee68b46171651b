//! Paid answers: whatever their form, they are kept, and never paid for a second time.

use crawl_core::Kind;
use llm_classifier::{Price, nano};
use serde_json::{Value, json};

use crate::house::{Setup, labelled, listing, row, run, store};
use crate::odd::{Asked, Odd, Sent};

pub(crate) fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|n| row("owner", &format!("set-{n}"), "Some text.")).collect()
}

fn price() -> Price {
    Price::of("sim-1", 1.0, 4.0)
}

/// What a run over so many records at an odd server came to: labelled, missing by kind, dollars, questions asked.
pub(crate) struct Came {
    pub labelled: u64,
    pub missing: Vec<(String, String)>,
    pub spent: f64,
    pub presumptions: u64,
    pub asked: Vec<Asked>,
    pub cache: String,
    pub rows: Vec<Value>,
}

pub(crate) async fn came(
    count: usize,
    change: impl FnOnce(&mut Setup),
    answer: impl Fn(&Asked, usize) -> Sent + Send + Sync + 'static,
) -> Came {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(answer).await;
    let input = store(&folder.path().join("in"), &rows(count), 50).await;
    let mut setup = Setup { price: Some(price()), tries: 3, concurrency: 8, ..Setup::new(&odd.url) };
    change(&mut setup);
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let root = folder.path().join("out");
    let at = run(&labelled(input, classifier.clone()), &root).await.unwrap();
    let stored = crawl_core::Stored::open(&root, &listing()).unwrap();
    let missing = (1..=at.pages).flat_map(|page| stored.missing(page).unwrap());
    let missing = missing.map(|missing| (missing.kind.as_str().to_owned(), missing.message)).collect();
    let spent = classifier.usage().spent();
    Came {
        labelled: at.totals.records,
        missing,
        spent: spent.cost_usd,
        presumptions: spent.presumptions,
        asked: odd.asked(),
        cache: std::fs::read_to_string(folder.path().join("cache/answers.jsonl")).unwrap_or_default(),
        rows: crate::house::read(&root, &listing()),
    }
}

/// Forms in which servers really answer.
fn forms(asked: &Asked) -> Vec<(&'static str, Sent)> {
    let answer = asked.answer();
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 50});
    let of = |change: &dyn Fn(&mut Value)| {
        let mut body = asked.completion();
        change(&mut body);
        Sent::json(200, &body)
    };
    let half = answer.len() / 2;
    let chunk = |delta: Value, finish: Value| json!({"choices": [{"delta": delta, "finish_reason": finish}]});
    let events = [
        chunk(json!({"role": "assistant", "content": ""}), Value::Null),
        chunk(json!({"content": &answer[..half]}), Value::Null),
        chunk(json!({"content": &answer[half..]}), Value::Null),
        chunk(json!({}), json!("stop")),
        json!({"choices": [], "usage": usage}),
    ];
    let stream: String = events.iter().map(|event| format!(": keep\ndata: {event}\n\n")).collect();
    let lines: String = [&answer[..half], &answer[half..]]
        .map(|part| format!("{}\n", json!({"message": {"content": part}, "done": false})))
        .concat();
    let done = json!({"message": {"content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 1000, "eval_count": 50});
    let message = |message: Value| of(&|body| body["choices"][0]["message"] = message.clone());
    let whole = |body: Value| Sent::json(200, &body);
    let twice = format!("{}\n{}", asked.completion(), asked.completion());
    let begun = json!({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 1000, "output_tokens": 1}}});
    let piece =
        |text: &str| json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}});
    let ended = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 50}});
    let native = [begun, json!({"type": "ping"}), piece(&answer[..half]), piece(&answer[half..]), ended];
    let native: String = native.iter().map(|event| format!("event: x\r\ndata: {event}\r\n\r\n")).collect();
    vec![
        (
            "parts",
            of(&|body| {
                body["choices"][0]["message"]["content"] =
                    json!([{"type": "thinking", "thinking": "{}"}, {"type": "text", "text": answer}]);
            }),
        ),
        (
            "two choices",
            of(&|body| {
                let first = body["choices"][0].clone();
                body["choices"].as_array_mut().unwrap().push(first);
            }),
        ),
        ("usage null", of(&|body| body["usage"] = Value::Null)),
        (
            "usage floats",
            of(&|body| body["usage"] = json!({"prompt_tokens": 1000.0, "completion_tokens": 50.0})),
        ),
        ("usage negative", of(&|body| body["usage"]["completion_tokens"] = json!(-1))),
        ("usage of nothing", of(&|body| body["usage"] = json!({"prompt_tokens": 0, "completion_tokens": 0}))),
        (
            "usage of half",
            of(&|body| {
                body["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000});
            }),
        ),
        ("usage text", of(&|body| body["usage"] = json!("none"))),
        ("stream", Sent::text(200, "text/event-stream", stream + "data: [DONE]\n\n")),
        ("lines", Sent::text(200, "application/x-ndjson", lines + &done.to_string())),
        (
            "an object",
            of(&|body| body["choices"][0]["message"]["content"] = serde_json::from_str(&answer).unwrap()),
        ),
        (
            "a call",
            of(&|body| {
                body["choices"][0]["message"] =
                    json!({"content": null, "tool_calls": [{"function": {"arguments": answer}}]});
            }),
        ),
        (
            "a part of a call",
            message(
                json!({"content": [{"type": "tool_use", "input": serde_json::from_str::<Value>(&answer).unwrap()}]}),
            ),
        ),
        (
            "a call without a function",
            message(json!({"content": "", "tool_calls": [{"name": "json", "arguments": answer}]})),
        ),
        ("a text for a message", message(json!(answer))),
        (
            "a text beside an empty message",
            of(&|body| body["choices"][0] = json!({"message": {"content": null}, "text": answer})),
        ),
        ("a list of messages", of(&|body| body["choices"][0] = json!({"messages": [{"content": answer}]}))),
        ("a choice that is a text", of(&|body| body["choices"] = json!([answer]))),
        (
            "details of thoughts",
            message(
                json!({"content": null, "reasoning_details": [{"type": "reasoning.text", "text": answer}]}),
            ),
        ),
        (
            "blocks of thoughts",
            message(json!({"content": null, "thinking_blocks": [{"type": "thinking", "thinking": answer}]})),
        ),
        (
            "Gemini",
            whole(json!({"candidates": [{"content": {"parts": [{"text": answer}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 40, "thoughtsTokenCount": 10, "totalTokenCount": 1050}})),
        ),
        (
            "Bedrock",
            whole(json!({"output": {"message": {"content": [{"text": answer}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 1000, "outputTokens": 50}})),
        ),
        (
            "DashScope",
            whole(
                json!({"output": {"choices": [{"message": {"content": answer}}]}, "usage": {"input_tokens": 1000, "output_tokens": 50}}),
            ),
        ),
        ("a result that is a text", whole(json!({"result": answer, "usage": usage}))),
        ("results", whole(json!({"results": [{"text": answer}], "usage": [usage]}))),
        ("Anthropic's stream", Sent::text(200, "text/event-stream", native)),
        ("a body within a text", whole(json!({"statusCode": 200, "body": asked.completion().to_string()}))),
        ("a body twice", Sent::text(200, "application/json", twice)),
        (
            "comments before a body",
            Sent::text(
                200,
                "application/json",
                format!(": PROCESSING\n\n: PROCESSING\n\n{}", asked.completion()),
            ),
        ),
        (
            "a guard before a body",
            Sent::text(200, "application/json", format!(")]}}',\n{}", asked.completion())),
        ),
        (
            "a warning before a body",
            Sent::text(200, "text/html", format!("<b>Warning</b>: x<br />\n{}", asked.completion())),
        ),
        (
            "a stream in a stream",
            Sent::text(
                200,
                "text/event-stream",
                format!("data: data: {}\r\rdata: data: [DONE]\r\r", asked.completion()),
            ),
        ),
        (
            "old completions",
            of(&|body| body["choices"][0] = json!({"text": answer, "finish_reason": "stop"})),
        ),
        ("as text", Sent::text(200, "text/plain", format!("\n\n{}", asked.completion()))),
        (
            "NaN",
            Sent::text(
                200,
                "application/json",
                asked.completion().to_string().replace("\"index\":0", "\"logprob\":NaN"),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_whatever_form_is_read_and_paid_once() {
    let names: Vec<&str> = {
        let body = json!({"messages": [{"content": "{\"id\": \"x\"}"}]});
        let asked = Asked { head: String::new(), text: body.to_string(), body };
        forms(&asked).iter().map(|(name, _)| *name).collect()
    };
    for (place, name) in names.iter().enumerate() {
        let came = came(3, |_| {}, move |asked, _| forms(asked).swap_remove(place).1).await;
        assert_eq!((came.labelled, came.asked.len()), (3, 3), "{name}: {:?}", came.missing);
        assert!(came.spent >= 3.0 * 0.0012, "{name}: {} is less than what was paid", came.spent);
        let counted = came.rows[0]["domain_answer"]["completion_tokens"].is_u64();
        assert_eq!(counted, came.presumptions == 0, "{name}: what was not counted is null");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_answer_is_booked_at_its_reservation_and_kept_raw() {
    for body in [
        json!({"choices": [], "usage": null}),
        json!({"choices": []}),
        json!({"choices": null, "id": "x"}),
        json!({"id": "x", "object": "chat.completion"}),
        json!([]),
        json!([1, 2]),
    ] {
        let sent = body.clone();
        let came = came(2, |_| {}, move |_, _| Sent::json(200, &sent)).await;
        assert_eq!((came.labelled, came.missing.len(), came.asked.len()), (0, 2, 2), "{body}");
        assert!(
            came.missing.iter().all(|(kind, why)| kind == "invalid" && why.contains("raw")),
            "{:?}",
            came.missing
        );
        assert_eq!(came.presumptions, 2);
        // Every byte of the question a token, and all that may come back.
        assert!(came.spent > 2.0 * (4000.0 + 4.0 * 500.0) / 1e6, "{}", came.spent);
        let kept: Value = serde_json::from_str(came.cache.lines().next().unwrap()).unwrap();
        assert_eq!(kept["raw"], json!(body.to_string()));
        assert!(kept["cost_usd"].is_null() && kept["presumed_usd"].is_f64());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_broke_off_is_asked_for_again_unless_it_can_be_read() {
    // Cut behind the content: a person can read it.
    let came_whole = came(
        2,
        |_| {},
        |asked, _| {
            let text = asked.completion().to_string();
            let end = text.find("\"role\"").unwrap();
            Sent::text(200, "application/json", &text[..end])
        },
    )
    .await;
    assert_eq!((came_whole.labelled, came_whole.asked.len()), (2, 2), "{:?}", came_whole.missing);
    // Cut within it: nobody can, and each try is booked.
    let came_half = came(
        1,
        |setup| setup.tries = 4,
        |asked, number| {
            let text = asked.completion().to_string();
            let end = text.find("card says").unwrap();
            if number < 3 {
                Sent::text(200, "application/json", &text[..end])
            } else {
                Sent::json(200, &asked.completion())
            }
        },
    )
    .await;
    assert_eq!((came_half.labelled, came_half.asked.len(), came_half.presumptions), (1, 3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_that_nobody_answered_is_booked_at_its_reservation() {
    let came = came(
        1,
        |setup| setup.tries = 4,
        |asked, number| {
            let body = asked.completion();
            match number {
                1 => Sent { cut: Some(40), ..Sent::json(200, &body) },
                2 => Sent::json(504, &json!({"error": {"message": "upstream timed out"}})),
                3 => Sent::json(503, &json!({"error": {"message": "not paid"}})),
                _ => Sent::json(200, &body),
            }
        },
    )
    .await;
    assert_eq!((came.labelled, came.asked.len(), came.presumptions), (1, 4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_in_an_error_is_booked_at_its_count_or_its_reservation() {
    let half = "{\"id\": \"set-0\", \"reason";
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 50});
    // What the endpoint says beside the half answer, and what two tries of it cost at least: a byte of the question is a token.
    let cases = [
        (json!({"usage": usage}), 0, 2.0 * 0.0012),
        (json!({"usage": {"prompt_tokens": 1000}}), 2, 2.0 * (4000.0 + 4.0 * 500.0) / 1e6),
        (json!({"usage": {"completion_tokens": 100_000}}), 2, 2.0 * 0.4),
        (json!({}), 2, 2.0 * (4000.0 + 4.0 * 500.0) / 1e6),
    ];
    for (more, presumptions, least) in cases {
        let came = came(
            1,
            |_| {},
            move |asked, number| {
                let mut body = asked.completion();
                if number < 3 {
                    body["choices"][0] = json!({"message": {"content": half}, "finish_reason": "error"});
                    body["usage"] = more["usage"].clone();
                }
                Sent::json(200, &body)
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len(), came.presumptions), (1, 3, presumptions));
        assert!(came.spent >= least + 0.0012 - 1e-9, "{} for {least}", came.spent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_six_dollars_is_six_dollars_whatever_the_endpoint_answers() {
    // Each answer is paid at 0.1 dollars, and its body tells nothing.
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, number| {
        let mut body = asked.completion();
        match number % 4 {
            0 => body = json!({"choices": []}),
            1 => body["usage"] = Value::Null,
            2 => body["usage"] = json!({"prompt_tokens": -5}),
            _ => return Sent { cut: Some(30), ..Sent::json(200, &body) },
        }
        Sent::json(200, &body)
    })
    .await;
    let input = store(&folder.path().join("in"), &rows(200), 50).await;
    // 500 tokens may come back: 0.1 dollars.
    let price = Some(Price::of("sim-1", 0.0, 200.0));
    let setup = Setup { price, budget: Some(6.0), tries: 5, ..Setup::new(&odd.url) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let error = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limited, "{error:?}");
    classifier.finish(std::time::Duration::from_secs(5)).await.unwrap();
    assert_eq!(odd.asked().len(), 60, "every try costs");
    assert_eq!(nano(classifier.spent().unwrap()), 6_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_tokens_are_read_wherever_the_task_says_them_and_a_budget_needs_them() {
    let text = std::fs::read_to_string(crate::house::weekly()).unwrap();
    let task = |model: &str| {
        let text = text.replace("temperature = 0.0\n", "").replace("max_tokens = 500\n", model);
        llm_classifier::Task::parse(&text, std::path::Path::new("t.toml"))
    };
    // 16,000 tokens at 1,000 dollars a million are 16 dollars: of 20 dollars only one question is sent at a time.
    let large = task("extra = { max_completion_tokens = 16000 }\n").unwrap();
    assert_eq!(large.model.most_tokens(), Some(16_000));
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| {
        let mut body = asked.completion();
        body["usage"]["completion_tokens"] = json!(16_000);
        Sent::json(200, &body)
    })
    .await;
    let input = store(&folder.path().join("in"), &rows(20), 50).await;
    let price = Some(Price::of("sim-1", 0.0, 1000.0));
    let of = |task, cache: &str| {
        let setup = Setup { price: price.clone(), budget: Some(20.0), task, ..Setup::new(&odd.url) };
        setup.classifier(&folder.path().join(cache)).unwrap()
    };
    let classifier = of(large, "cache");
    let error = run(&labelled(input, classifier.clone()), &folder.path().join("out")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Limited);
    assert_eq!((odd.asked().len(), classifier.spent()), (1, Some(16.0)));
    let input = crawl_core::Input::open(&folder.path().join("in"), &listing()).unwrap();
    let unbound = of(task("").unwrap(), "other");
    let error = run(&labelled(input, unbound), &folder.path().join("unbound")).await.unwrap_err();
    assert!(error.kind() == Kind::Config && error.advice().contains("--max-tokens"), "{error:?}");
    assert_eq!(odd.asked().len(), 1);
    for wrong in [
        "model = \"x\"",
        "stream = true",
        "n = 3",
        "messages = []",
        "max_tokens = 9",
        "response_format = {}",
        "max_completion_tokens = \"many\"",
    ] {
        let error = task(&format!("extra = {{ seed = 1, {wrong} }}\n")).unwrap_err();
        let name = wrong.split(' ').next().unwrap();
        assert!(error.to_string().contains(&format!("model.extra.{name}")), "{wrong}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cost_more_than_it_was_allowed_to_is_booked_whole_in_a_shared_budget() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budget.json");
    // 500 tokens may come back: 0.1 dollars. 5,000 come: a dollar, more than there is.
    let odd = Odd::start(|asked, _| {
        let mut body = asked.completion();
        body["usage"] = json!({"prompt_tokens": 1000, "completion_tokens": 5000});
        Sent::json(200, &body)
    })
    .await;
    let fund = llm_classifier::Fund::open(&path, nano(0.5), llm_classifier::Period::All).unwrap();
    let setup = Setup { price: Some(Price::of("sim-1", 0.0, 200.0)), concurrency: 1, ..Setup::new(&odd.url) };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let classifier = std::sync::Arc::new(std::sync::Arc::into_inner(classifier).unwrap().with_fund(fund));
    let input = store(&folder.path().join("in"), &rows(4), 50).await;
    let source = labelled(input, classifier.clone());
    let error = run(&source, &folder.path().join("out")).await.unwrap_err();
    assert_eq!((error.kind(), odd.asked().len()), (Kind::Limited, 1), "{error:?}");
    assert_eq!(booked(&path), 1_000_000_000);
    drop((source, classifier));
    assert_eq!(booked(&path), 1_000_000_000, "nothing is given back");
}

/// All that is booked in a budget's file.
pub(crate) fn booked(path: &std::path::Path) -> u64 {
    let days: std::collections::BTreeMap<String, u64> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    days.values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_share_a_budget_by_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("budget.json");
    let odd = Odd::start(|asked, _| Sent::json(200, &asked.completion())).await;
    store(&folder.path().join("in"), &rows(40), 50).await;
    let go = async |name: &str, dollars: f64| {
        let fund = llm_classifier::Fund::open(&path, nano(dollars), llm_classifier::Period::Day).unwrap();
        // 50 tokens came back: 0.01 dollars; 500 may: 0.1.
        let setup =
            Setup { price: Some(Price::of("sim-1", 0.0, 200.0)), concurrency: 4, ..Setup::new(&odd.url) };
        let classifier = setup.classifier(&folder.path().join(name)).unwrap();
        let classifier = std::sync::Arc::into_inner(classifier).unwrap().with_fund(fund);
        let classifier = std::sync::Arc::new(classifier);
        let input = crawl_core::Input::open(&folder.path().join("in"), &listing()).unwrap();
        let source = labelled(input, classifier.clone());
        let came = run(&source, &folder.path().join("out").join(name)).await;
        let spent = classifier.spent().unwrap();
        (came.map(|at| at.totals.records), spent)
    };
    let (first, spent) = go("one", 0.6).await;
    assert_eq!((first.unwrap(), nano(spent)), (40, 400_000_000));
    let (second, more) = go("two", 0.6).await;
    let error = second.unwrap_err();
    assert!(error.kind() == Kind::Limited && error.to_string().contains("budget.json"), "{error:?}");
    assert!(spent + more <= 0.6 && spent + more > 0.48, "{spent} + {more}");
    assert_eq!(booked(&path), nano(spent + more), "what was not spent was given back");
}
