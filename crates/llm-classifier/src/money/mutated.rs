//! Bodies mutated from valid answers: whatever becomes of them, nothing that was paid is booked too low, and nothing that
//! a person could read is lost or asked for twice.

use serde_json::{Value, json};

use crate::money::{Price, nano};
use crate::reply::extract;
use crate::reply::thoughts::Spoken;
use crate::reply::{Heard, Reply};

const CASES: u64 = 10_000;
const SENT: u64 = 900;
const RECEIVED: u64 = 120;

/// A body, what it says, and whether a person could read the answer in it.
struct Mutated {
    body: Vec<u8>,
    readable: bool,
    told: Vec<String>,
}

fn valid(answer: &str) -> Value {
    json!({
        "id": "x", "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer, "refusal": null}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": SENT, "completion_tokens": RECEIVED, "total_tokens": SENT + RECEIVED},
    })
}

fn mutated(random: &mut fastrand::Rng, answer: &str) -> Mutated {
    let mut body = valid(answer);
    let (mut readable, mut told) = (true, Vec::new());
    for _ in 0..random.u32(1..4) {
        let choice = random.u32(0..18);
        let message = &mut body["choices"][0]["message"];
        let content = message["content"].clone();
        match choice {
            0 => body["usage"] = Value::Null,
            1 => body["usage"]["completion_tokens"] = json!(-(random.i32(1..500))),
            2 => body["usage"]["prompt_tokens"] = json!(SENT as f64),
            3 => drop(body["usage"].as_object_mut().map(|usage| usage.remove("completion_tokens"))),
            4 => body["usage"] = json!({"input_tokens": SENT, "output_tokens": RECEIVED}),
            5 => {
                body["usage"] =
                    json!({"prompt_tokens": SENT.to_string(), "completion_tokens": RECEIVED.to_string()});
            }
            6 if content.is_string() => message["content"] = json!([{"type": "text", "text": content}]),
            7 if content.is_string() => {
                message["content"] =
                    json!(format!("<think>a {{\"draft\":1}} b</think>\n{}", content.as_str().unwrap()));
            }
            8 if content.is_string() => {
                message["reasoning_content"] = content;
                message["content"] = Value::Null;
            }
            9 => {
                let first = body["choices"][0].clone();
                body["choices"].as_array_mut().unwrap().push(first);
            }
            10 => {
                body["choices"][0]["finish_reason"] = random
                    .choice([Value::Null, json!("length"), json!("eos"), json!({"type": "stop"}), json!(7)])
                    .unwrap();
            }
            11 => body["error"] = random.choice([Value::Null, json!({}), json!("")]).unwrap(),
            12 => body["choices"][0]["logprobs"] = json!({"content": [1.5, null]}),
            13 => {
                message["tool_calls"] = json!([]);
                body["system_fingerprint"] = Value::Null;
            }
            14 if content.is_string() => {
                message["content"] = json!(format!("```json\n{}\n```", content.as_str().unwrap()));
            }
            15 => body = json!({"result": body}),
            16 => body["choices"] = json!([]),
            _ => body["usage"]["prompt_tokens_details"] = json!({"cached_tokens": random.i64(-5..900)}),
        }
        told.push(choice.to_string());
        match choice {
            15 => break,
            16 => {
                readable = false;
                break;
            }
            _ => {}
        }
    }
    let mut text = body.to_string();
    match random.u32(0..12) {
        0 => text = format!("\u{feff}\n\n{text}\n"),
        1 => text = text.replace("\"id\":\"x\"", "\"id\":NaN"),
        2 => text = format!("{text}<!-- proxy -->"),
        3 => text = format!("data: {text}\n\ndata: [DONE]\n\n"),
        4 => text = serde_json::to_string(&text).unwrap(),
        5 => {
            let at =
                text.char_indices().map(|(at, _)| at).nth(random.usize(0..text.chars().count())).unwrap();
            text.truncate(at);
            // The answer is whole if its text is, as it is spelled in the body.
            let spelled = serde_json::to_string(answer).unwrap();
            readable &= text.contains(&spelled);
        }
        _ => {}
    }
    let mut body = text.into_bytes();
    if random.u32(0..20) == 0 {
        body.push(0xff);
    }
    Mutated { body, readable, told }
}

#[test]
fn ten_thousand_mutated_bodies_are_never_booked_below_what_was_paid_nor_lost_nor_paid_twice() {
    let price = Price { cached_input: Some(0.1), ..Price::of("m", 0.15, 0.6) };
    let plain = Price::of("m", 0.15, 0.6);
    let paid = nano(plain.cost(SENT as f64, RECEIVED as f64));
    // Whoever counts cached tokens is paid less for them, by what it told itself.
    let least = nano(price.cost(0.0, RECEIVED as f64) + SENT as f64 * 0.1 / 1e6);
    let reservation = nano(plain.cost(8000.0, 500.0));
    let mut random = fastrand::Rng::with_seed(20_261_126);
    let (mut read, mut kept_raw, mut again) = (0, 0, 0);
    for case in 0..CASES {
        let answer = format!(
            r#"{{"id":"set-{case}","reasoning":"it \"says\" {} <b> é","labels":["Science"]}}"#,
            random.u32(..)
        );
        let Mutated { body, readable, told } = mutated(&mut random, &answer);
        let shown = || format!("case {case}, mutations {told:?}: {}", String::from_utf8_lossy(&body));
        match Reply::read(&body) {
            Heard::Answer(reply) => {
                let booked = plain.of_reply(&reply).unwrap_or(reservation);
                assert!(booked >= paid, "booked {booked} of {paid}, {}", shown());
                assert!(price.of_reply(&reply).unwrap_or(reservation) >= least, "{}", shown());
                let said = Spoken::of(&reply);
                let found = extract::object(said.text).ok();
                if readable {
                    assert_eq!(found, serde_json::from_str(&answer).ok(), "lost, {}", shown());
                    read += 1;
                } else {
                    kept_raw += u32::from(reply.raw.is_some());
                }
            }
            // It is asked for again, and each try is booked at its reservation.
            Heard::Broken(_) => {
                assert!(!readable, "would be paid twice, {}", shown());
                again += 1;
            }
            Heard::Error(..) => panic!("no error was named, {}", shown()),
        }
    }
    assert!(read > 8000 && kept_raw > 300 && again > 100, "{read} read, {kept_raw} raw, {again} again");
}
