//! Words, statuses and counts of single vendors: each is read as it is meant.

use crawl_core::Kind;
use llm_classifier::Structured;
use serde_json::json;

use crate::odd::{Asked, Sent};
use crate::paid::came;
use crate::servers::fails;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_endpoint_tells_of_the_cost_no_less_is_booked() {
    // A million tokens sent are a dollar, received four.
    let cases = [
        (
            "thoughts beside the sum",
            json!({"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
            "completion_tokens_details": {"reasoning_tokens": 300}}),
            0.0024,
        ),
        (
            "thoughts alone",
            json!({"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81,
            "completion_tokens_details": {"reasoning_tokens": 60}}),
            0.000261,
        ),
        (
            "a cache beside",
            json!({"input_tokens": 5, "cache_read_input_tokens": 800, "cache_creation_input_tokens": 500, "output_tokens": 50}),
            0.001505,
        ),
        (
            "more cached than sent",
            json!({"prompt_tokens": 5, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 1000}}),
            0.001205,
        ),
        ("dollars", json!({"prompt_tokens": 1000, "completion_tokens": 50, "cost": 0.05}), 0.05),
        ("dollars as a text", json!({"prompt_tokens": 1000, "completion_tokens": 50, "cost": "0.05"}), 0.05),
        (
            "dollars with a fee",
            json!({"prompt_tokens": 1000, "completion_tokens": 50, "cost": {"request_cost": 0.005, "total_cost": 0.0062}}),
            0.0062,
        ),
        ("fewer dollars", json!({"prompt_tokens": 1000, "completion_tokens": 50, "cost": 0.0001}), 0.0012),
        ("one half, beyond what was allowed", json!({"completion_tokens": 100_000}), 0.4),
        (
            "endless",
            json!({"prompt_tokens": 900_000_000_000_000_u64, "completion_tokens": 900_000_000_000_000_u64}),
            4e9,
        ),
    ];
    for (name, usage, least) in cases {
        let came = came(
            3,
            |_| {},
            move |asked, _| {
                let mut body = asked.completion();
                body["usage"] = usage.clone();
                Sent::json(200, &body)
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len()), (3, 3), "{name}");
        assert!(came.spent >= 3.0 * least - 1e-9, "{name}: {}", came.spent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_moment_is_tried_again_and_one_of_the_record_is_not() {
    // Groq's flex tier, a model behind Hugging Face's gateway, a gateway that is busy with the same question.
    for status in [409, 424, 498, 499, 529] {
        let came = came(
            2,
            |_| {},
            move |asked, number| match number {
                1 | 3 => Sent::json(status, &json!({"error": {"message": "try again"}})),
                _ => Sent::json(200, &asked.completion()),
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len()), (2, 4), "{status}: {:?}", came.missing);
    }
    // OpenAI says of one question that no minute holds it; to wait would not help.
    let began = std::time::Instant::now();
    let came = came(
        3,
        |setup| setup.structured = Structured::Auto,
        |asked, _| match asked.id().as_str() {
            "set-1" => Sent::json(429, &json!({"error": {"type": "tokens", "code": "rate_limit_exceeded",
                "message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 42000."}})),
            "set-2" => Sent::json(400, &json!({"error": {"code": "context_length_exceeded", "message": "This model's maximum \
                context length is 4096 tokens. 'max_tokens' or 'max_completion_tokens' is too large."}})),
            _ => Sent::json(200, &asked.completion()),
        },
    )
    .await;
    assert_eq!((came.labelled, came.missing.len(), came.asked.len()), (1, 2, 3), "{:?}", came.missing);
    assert!(came.missing.iter().all(|(kind, _)| kind == "shape"), "{:?}", came.missing);
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
    // No chat completions at this address.
    let (error, _) = fails(9, |_| {}, |_, _| Sent::json(405, &json!({"detail": "Method Not Allowed"}))).await;
    assert!(error.kind() == Kind::Config && error.advice().contains("/v1"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_names_is_left_out_and_nothing_else() {
    // Each names it in its own way; FastAPI repeats the whole request.
    type Refusal = fn(&Asked) -> String;
    let refusals: [(&str, Refusal); 4] = [
        ("max_tokens", |_| r#"{"error": {"message": "Unsupported parameter: max_tokens"}}"#.into()),
        ("max_tokens", |asked| {
            let (begin, input) =
                (r#"{"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"]"#, &asked.text);
            format!(r#"{begin}, "msg": "Extra inputs are not permitted", "input": {input}}}]}}"#)
        }),
        ("reasoning_effort", |_| {
            r#"{"error": {"message": "\"llama3.2\" does not support thinking"}}"#.into()
        }),
        ("temperature", |asked| {
            let (begin, input) = (
                r#"{"object": "error", "message": {"detail": [{"loc": ["body", "temperature"]"#,
                &asked.text,
            );
            format!(r#"{begin}, "msg": "not permitted", "input": {input}}}]}}}}"#)
        }),
    ];
    for (name, body) in refusals {
        let came = came(
            3,
            |setup| {
                setup.task.model.extra = serde_json::from_value(json!({"reasoning_effort": "low"})).unwrap();
            },
            move |asked, _| match asked.body.get(name) {
                Some(_) => Sent::text(400, "application/json", body(asked)),
                None => Sent::json(200, &asked.completion()),
            },
        )
        .await;
        assert_eq!((came.labelled, came.asked.len()), (3, 4), "{name}: {:?}", came.missing);
        let last = &came.asked.last().unwrap().body;
        for other in ["temperature", "reasoning_effort"] {
            assert_eq!(last.get(other).is_some(), other != name, "{name}: {other}");
        }
        assert_eq!(last.get("max_completion_tokens").is_some(), name == "max_tokens");
    }
}
