//! Servers that people have: reasoning models, errors inside a success, filters, forms that a server does not take.

use crawl_core::{Error, Kind};
use llm_classifier::Structured;
use serde_json::{Value, json};

use crate::house::{Setup, labelled, run, store};
use crate::odd::{Asked, Odd, Sent};
use crate::paid::{came, rows};

fn with_content(asked: &Asked, content: &str) -> Value {
    let mut body = asked.completion();
    body["choices"][0]["message"]["content"] = json!(content);
    body
}

/// The error of a run, and how often it asked.
pub(crate) async fn fails(
    count: usize,
    change: impl FnOnce(&mut Setup),
    answer: impl Fn(&Asked, usize) -> Sent + Send + Sync + 'static,
) -> (Error, usize) {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(answer).await;
    let input = store(&folder.path().join("in"), &rows(count), 50).await;
    let mut setup = Setup { tries: 2, concurrency: 4, ..Setup::new(&odd.url) };
    change(&mut setup);
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    let error = run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap_err();
    (error, odd.asked().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_models_are_read_and_what_was_cut_is_named() {
    type Thought = fn(&str) -> (Value, Value);
    let thoughts: [Thought; 7] = [
        |answer| (json!(format!("<think>Perhaps {{\"labels\":[]}}?</think>\n{answer}")), Value::Null),
        |answer| (json!(format!("So {{\"draft\": 1}}.\n</think>\n\n{answer}")), Value::Null),
        |answer| (json!(format!("<think>\n\n</think>```json\n{answer}\n```")), Value::Null),
        |answer| {
            (
                json!(format!(
                    "<|channel|>analysis<|message|>{{\"a\":1}}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{answer}<|return|>"
                )),
                Value::Null,
            )
        },
        |answer| (json!(format!("<|START_THINKING|>{{\"a\":1}}<|END_THINKING|>{answer}")), Value::Null),
        |answer| (Value::Null, json!(answer)),
        |answer| (json!(""), json!(format!("I see. {answer}"))),
    ];
    for thought in thoughts {
        let came = came(
            2,
            |_| {},
            move |asked, _| {
                let mut body = asked.completion();
                let (content, reasoning) = thought(&asked.answer());
                let message = &mut body["choices"][0]["message"];
                (message["content"], message["reasoning_content"]) = (content, reasoning);
                Sent::json(200, &body)
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len()), (2, 2), "{:?}", came.missing);
        let left_out = came.rows[0]["domain_answer"]["left_out"].as_str().unwrap();
        assert!(left_out.contains("thoughts") || left_out.contains("reasoning_content"), "{left_out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_are_as_wrong_as_none_also_behind_thoughts_and_nothing_blank_is_sent() {
    let came = came(
        4,
        |_| {},
        |asked, number| {
            let answer = asked.answer();
            Sent::json(
                200,
                &match number % 2 {
                    0 => with_content(asked, &format!("<think>x</think>{answer} {answer}")),
                    _ => with_content(asked, "<think>and so on</think>  "),
                },
            )
        },
    )
    .await;
    assert_eq!((came.labelled, came.missing.len()), (0, 4));
    for asked in &came.asked {
        for message in asked.body["messages"].as_array().unwrap() {
            let text = message["content"].as_str().unwrap();
            assert!(!text.trim().is_empty() && !text.contains("<think>"), "{text:?}");
        }
    }
    assert!(came.missing.iter().any(|(_, why)| why.contains("characters of thoughts")), "{:?}", came.missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_first_answers_of_no_use_stop_the_run_with_what_to_change() {
    let (error, asked) = fails(
        300,
        |_| {},
        |asked, _| {
            let mut body = with_content(asked, "<think>I think and think");
            body["choices"][0]["finish_reason"] = json!("length");
            body["usage"]["completion_tokens_details"] = json!({"reasoning_tokens": 50});
            Sent::json(200, &body)
        },
    )
    .await;
    assert_eq!(error.kind(), Kind::Config, "{error:?}");
    assert!(
        error.advice().contains("--max-tokens") && error.advice().contains("--reasoning-effort"),
        "{error:?}"
    );
    assert!((50..60).contains(&asked), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_a_success_is_the_status_that_it_names() {
    // An outage: tried again, and no record is lost.
    let outage: [fn(&Asked) -> Value; 13] = [
        |_| json!({"error": {"code": 502, "message": "Provider returned error"}}),
        |_| json!({"choices": [{"error": {"code": 503, "message": "overloaded"}, "message": {"content": ""}}]}),
        |_| json!({"choices": [{"finish_reason": "error", "message": {"content": ""}}]}),
        |_| json!({"object": "error", "message": "Internal", "code": 50001}),
        |_| json!({"error": {"status": "UNAVAILABLE", "message": "try later"}}),
        |_| json!({"success": false, "message": "upstream error"}),
        |_| json!({"message": "Endpoint request timed out"}),
        |_| json!({"errorMessage": "Task timed out after 30.00 seconds", "errorType": "Sandbox.Timedout"}),
        |_| json!({"error_code": 336_100, "error_msg": "try again"}),
        // DeepSeek, Zhipu, vLLM and SGLang end so what they could not finish.
        |_| ended("insufficient_system_resource"),
        |_| ended("network_error"),
        |_| ended("ABORT"),
        |_| json!({"choices": [{"finish_reason": {"type": "abort", "status_code": 503}, "message": {"content": ""}}]}),
    ];
    for body in outage {
        let came = came(
            4,
            |setup| setup.tries = 5,
            move |asked, number| {
                if number % 2 == 1 {
                    Sent::json(200, &body(asked))
                } else {
                    Sent::json(200, &asked.completion())
                }
            },
        )
        .await;
        assert_eq!((came.labelled, came.missing.len()), (4, 0), "{:?}", came.missing);
        let down = fails(9, |_| {}, move |asked, _| Sent::json(200, &body(asked))).await;
        assert_eq!(down.0.kind(), Kind::Transient, "{:?}", down.0);
    }
    let denied: [(Value, Kind); 9] = [
        // LM Studio at an address without /v1, Ollama, FastAPI.
        (json!({"error": "Unexpected endpoint or method. (POST /chat/completions)"}), Kind::Config),
        (json!({"error": "model 'x' not found, try pulling it first"}), Kind::Config),
        (json!({"detail": "Method Not Allowed"}), Kind::Config),
        (json!({"error": "Invalid API key"}), Kind::Denied),
        // MiniMax.
        (
            json!({"choices": null, "base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
            Kind::Denied,
        ),
        (
            json!({"choices": null, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
            Kind::Denied,
        ),
        (json!({"error": {"code": 401, "message": "no such key"}}), Kind::Denied),
        (
            json!({"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}),
            Kind::Denied,
        ),
        (json!({"error": {"type": "not_found_error", "message": "model: x"}}), Kind::Config),
    ];
    for (body, kind) in denied {
        let sent = body.clone();
        let (error, asked) = fails(9, |_| {}, move |_, _| Sent::json(200, &sent)).await;
        assert_eq!(error.kind(), kind, "{body}: {error:?}");
        assert!(asked < 9, "{asked}");
    }
}

/// Half an answer that ended so.
fn ended(finish_reason: &str) -> Value {
    json!({"choices": [{"finish_reason": finish_reason, "message": {"content": "{\"id\": \"se"}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_filter_is_a_refusal_and_never_counted_against_the_run() {
    let filter = json!({"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content \
        management policy.", "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"}}});
    for status in [400, 200] {
        let filter = filter.clone();
        let came = came(
            60,
            |_| {},
            move |asked, _| match asked.id().ends_with("59") {
                true => Sent::json(200, &asked.completion()),
                false => Sent::json(status, &filter),
            },
        )
        .await;
        assert_eq!((came.labelled, came.missing.len()), (1, 59), "{status}");
        assert!(came.missing.iter().all(|(kind, _)| kind == "refused"), "{:?}", came.missing[0]);
        assert_eq!(came.asked.len(), 60);
        // The filter has read the question, and Azure wants to be paid for that, but for no answer.
        let question = 1.0 / 1e6 * came.asked[0].body.to_string().len() as f64;
        assert_eq!(came.presumptions, 59, "{status}");
        assert!(
            came.spent > 59.0 * question * 0.95 && came.spent < 60.0 * (question + 0.0012),
            "{}",
            came.spent
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_has_refused_is_kept_and_says_nothing_of_the_form() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| match (asked.id().as_str(), form_of(asked).as_str()) {
        ("set-0" | "set-1", _) => {
            Sent::json(400, &json!({"error": {"code": "content_filter", "message": "filtered"}}))
        }
        (_, "json_schema") => Sent::json(400, &json!({"error": {"message": "no response_format here"}})),
        _ => Sent::json(200, &asked.completion()),
    })
    .await;
    store(&folder.path().join("in"), &rows(4), 50).await;
    let go = async |out: &str, again: bool| {
        let input = crawl_core::Input::open(&folder.path().join("in"), &crate::house::listing()).unwrap();
        let setup = Setup { structured: Structured::Auto, concurrency: 1, again, ..Setup::new(&odd.url) };
        let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
        let at = run(&labelled(input, classifier), &folder.path().join(out)).await.unwrap();
        let stored = crawl_core::Stored::open(&folder.path().join(out), &crate::house::listing()).unwrap();
        let missing = stored.missing(1).unwrap();
        assert!(
            missing.iter().all(|missing| missing.kind == "refused" && missing.raw.is_some()),
            "{missing:?}"
        );
        (at.totals.records, missing.len(), odd.asked().len())
    };
    // Two that are filtered, one in two forms, one in the form that is known by then.
    assert_eq!(go("first", false).await, (2, 2, 5));
    assert_eq!(go("second", false).await, (2, 2, 5), "nothing is paid twice");
    assert_eq!(go("again", true).await, (2, 2, 7), "unless that is wished");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_credit_are_told_in_the_words_of_several_vendors() {
    let cases = [
        (
            400,
            json!([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}]),
            401,
        ),
        (403, json!({"error": {"type": "authentication_error", "message": "invalid x-api-key"}}), 401),
        (
            400,
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}}),
            400,
        ),
        (402, json!({"error": {"message": "Insufficient Balance"}}), 402),
        (429, json!({"error": {"code": "1113", "message": "您的账户已欠费，余额不足"}}), 429),
        (403, json!({"error": {"code": 403, "message": "Key limit exceeded (monthly limit)."}}), 403),
        (
            400,
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "You have reached your specified API usage limits."}}),
            400,
        ),
        (
            400,
            json!({"error": {"message": "Budget has been exceeded! Current cost: 10.1, Max budget: 10.0", "type": "budget_exceeded"}}),
            400,
        ),
        (
            500,
            json!({"type": "error", "error": {"type": "api_error", "message": "insufficient balance (1008)"}}),
            500,
        ),
        (403, json!({"code": 30001, "message": "Sorry, your account balance is insufficient"}), 403),
        (
            412,
            json!({"error": {"message": "Account x is suspended, possibly due to reaching the monthly spending limit."}}),
            412,
        ),
        (
            403,
            json!({"code": "AllocationQuota.FreeTierOnly", "message": "The free tier has been exhausted."}),
            403,
        ),
    ];
    for (status, body, means) in cases {
        let sent = body.clone();
        let (error, asked) = fails(30, |_| {}, move |_, _| Sent::json(status, &sent)).await;
        assert_eq!((error.kind(), error.status()), (Kind::Denied, Some(means)), "{body}: {error:?}");
        assert!(asked <= 4, "{asked}");
    }
    // The same words where only a minute is used up: waited for.
    let came = came(
        2,
        |_| {},
        |asked, number| match number {
            1 => Sent::json(
                429,
                &json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota, please check your plan. Please retry in 0.1s."}}),
            ),
            _ => Sent::json(200, &asked.completion()),
        },
    )
    .await;
    assert_eq!(came.labelled, 2);
    // The words of a record that an error repeats are no words of the vendor.
    let came = came_with_echo().await;
    assert_eq!((came.0, came.1.as_str()), (9, "shape"));
}

async fn came_with_echo() -> (u64, String) {
    let came = came(
        10,
        |_| {},
        |asked, number| match number {
            5 => {
                let message = format!(
                    "bad input: {} insufficient_quota, api key not valid, content_filter",
                    "x".repeat(300)
                );
                Sent::json(400, &json!({"error": {"message": message, "type": "invalid_request_error"}}))
            }
            _ => Sent::json(200, &asked.completion()),
        },
    )
    .await;
    (came.labelled, came.missing[0].0.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_an_answer_has_twice_is_invalid() {
    let came = came(
        1,
        |_| {},
        |asked, _| {
            let answer = asked.answer().replacen('{', "{\"labels\":[\"Finance/Economics\"],", 1);
            Sent::json(200, &with_content(asked, &answer))
        },
    )
    .await;
    assert_eq!((came.labelled, came.missing[0].0.as_str()), (0, "invalid"));
    assert!(came.missing[0].1.contains("`labels` more than once"), "{:?}", came.missing);
}

fn form_of(asked: &Asked) -> String {
    asked.body["response_format"]["type"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_refusal_tells_which_form_a_server_takes() {
    // The server of llama-cpp-python fails at schemas, others refuse them or any form; some take the word and forget it.
    let refusals: [(&[&str], u16, &str); 5] = [
        (&["json_schema"], 500, "Internal Server Error"),
        (&["json_schema"], 400, "'response_format.type' must be one of 'json_object' or 'text'"),
        (&["json_schema", "json_object"], 422, "response_format is not supported"),
        (&["json_schema"], 404, "No endpoints found that can handle the requested parameters."),
        (&[], 0, ""),
    ];
    for (refused, status, message) in refusals {
        let wanted = ["json_schema", "json_object", "none"][refused.len()];
        let came = came(
            12,
            |setup| setup.structured = Structured::Auto,
            move |asked, _| {
                if refused.contains(&form_of(asked).as_str()) {
                    return Sent::json(status, &json!({"error": {"message": message}}));
                }
                Sent::json(200, &asked.completion())
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len()), (12, 12 + refused.len()), "{message}");
        let last = came.asked.last().unwrap();
        assert_eq!(form_of(last), wanted);
        let system = last.body["messages"][0]["content"].as_str().unwrap();
        assert_eq!(
            system.contains("additionalProperties"),
            wanted != "json_schema",
            "the schema is told in words"
        );
    }
    // Whoever takes a schema and does not keep to it is told in words.
    let came = came(
        12,
        |setup| setup.structured = Structured::Auto,
        |asked, _| {
            let told =
                asked.body["messages"][0]["content"].as_str().unwrap().contains("additionalProperties");
            let content = if told { asked.answer() } else { "It is about science.".to_owned() };
            Sent::json(200, &with_content(asked, &content))
        },
    )
    .await;
    assert_eq!((came.labelled, came.asked.len()), (12, 13));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_no_part_of_the_question_so_the_cache_serves_all_forms() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| match form_of(asked).as_str() {
        "json_schema" => Sent::json(400, &json!({"error": {"message": "no response_format here"}})),
        _ => Sent::json(200, &asked.completion()),
    })
    .await;
    store(&folder.path().join("in"), &rows(5), 50).await;
    for out in ["first", "second"] {
        let input = crawl_core::Input::open(&folder.path().join("in"), &crate::house::listing()).unwrap();
        let setup = Setup { structured: Structured::Auto, ..Setup::new(&odd.url) };
        let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
        let at = run(&labelled(input, classifier), &folder.path().join(out)).await.unwrap();
        assert_eq!((at.totals.records, odd.asked().len()), (5, 6), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_fitted_once_to_what_the_server_names() {
    let came = came(
        6,
        |setup| setup.task.model.extra = serde_json::from_value(json!({"reasoning_effort": "low"})).unwrap(),
        |asked, _| {
            let refused = |name: &str, message: &str| {
                Sent::json(
                    400,
                    &json!({"error": {"message": message, "param": name, "code": "unsupported_parameter"}}),
                )
            };
            if asked.body.get("max_tokens").is_some() {
                return refused(
                    "max_tokens",
                    "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                );
            }
            if asked.body.get("temperature").is_some() {
                return refused(
                    "temperature",
                    "Unsupported value: 'temperature' does not support 0.0 with this model.",
                );
            }
            if asked.body.get("reasoning_effort").is_some() {
                return refused(
                    "reasoning_effort",
                    "Unrecognized request argument supplied: reasoning_effort",
                );
            }
            assert_eq!(asked.body["max_completion_tokens"], 500);
            Sent::json(200, &asked.completion())
        },
    )
    .await;
    assert_eq!((came.labelled, came.asked.len()), (6, 9), "{:?}", came.missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_in_every_form_is_told_in_the_first_words() {
    let (error, asked) = fails(
        9,
        |setup| setup.structured = Structured::Auto,
        |_, number| Sent::json(400, &json!({"error": {"message": format!("no {number}")}})),
    )
    .await;
    let first_words =
        ["no 1\"", "no 4\"", "no 7\"", "no 10\""].iter().any(|words| format!("{error:?}").contains(words));
    assert!(first_words && error.advice().contains("--structured"), "{error:?}");
    assert!(
        (9..=18).contains(&asked),
        "three records in three forms, and those that were under way: {asked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_of_azure_has_its_version_in_the_address_and_its_key_in_a_header() {
    let folder = tempfile::tempdir().unwrap();
    let odd = Odd::start(|asked, _| Sent::json(200, &asked.completion())).await;
    let input = store(&folder.path().join("in"), &rows(1), 50).await;
    let base = format!("{}/openai/deployments/mine?api-version=2024-10-21", odd.url);
    let setup = Setup { base, key: Some("secret".into()), ..Setup::new("") };
    let classifier = setup.classifier(&folder.path().join("cache")).unwrap();
    run(&labelled(input, classifier), &folder.path().join("out")).await.unwrap();
    let head = odd.asked()[0].head.to_lowercase();
    assert!(
        head.starts_with("post /openai/deployments/mine/chat/completions?api-version=2024-10-21 "),
        "{head}"
    );
    assert!(head.contains("\r\napi-key: secret\r\n") && !head.contains("authorization"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_at_the_address_is_told_in_seconds() {
    let began = std::time::Instant::now();
    let of = |base: &str| {
        let base = base.to_owned();
        fails(50, move |setup| (setup.base, setup.tries) = (base, 8), |_, _| unreachable!())
    };
    let (error, _) = of("http://127.0.0.1:9/v1").await;
    assert!(error.kind() == Kind::Transient && error.advice().contains("--base-url"), "{error:?}");
    let (error, _) = of("http://no-such-host.invalid/v1").await;
    assert!(error.to_string().contains("name is not known"), "{error:?}");
    // A server without TLS, asked with it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(
                &mut stream,
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
            );
        }
    });
    let (error, _) = of(&base).await;
    assert!(error.advice().contains("SSL_CERT_FILE") && error.advice().contains("http://"), "{error:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}
