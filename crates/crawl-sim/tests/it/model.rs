//! The language model: its rule, its shapes, its errors.

use crawl_sim::{Llm, LlmConfig, Rate, Running, answer, rule};
use serde_json::{Value, json};

use crate::client::{Got, get, get_with, post};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string" },
            "labels": { "type": "array", "items": { "enum": ["math", "code", "law", "none"] }, "maxItems": 3 },
            "main": { "enum": ["math", "code", "law", "none"] },
            "sure": { "type": "boolean" },
            "score": { "type": "integer", "minimum": 1, "maximum": 5 },
            "share": { "type": "number", "minimum": 0, "maximum": 1 },
            "why": { "type": ["string", "null"] },
            "parts": { "type": "array", "items": { "$ref": "#/$defs/part" } }
        },
        "$defs": { "part": { "type": "object", "properties": { "name": { "type": "string" } } } }
    })
}

async fn with(rules: &[&str]) -> Running {
    let faults = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Llm::start(LlmConfig { faults, ..LlmConfig::default() }).await.unwrap()
}

fn question(id: &str) -> Value {
    let record = json!({ "id": id, "description": "has {\"braces\": [1]} and \"quotes\"", "inner": { "id": "wrong" } });
    json!({
        "model": "sim-1",
        "messages": [
            { "role": "system", "content": "Classify. Example: {\"id\": \"example\"}" },
            { "role": "user", "content": format!("Here {{it}} is:\n{record}\nThank you.") }
        ],
        "response_format": { "type": "json_schema", "json_schema": { "name": "x", "strict": true, "schema": schema() } }
    })
}

fn ask(llm: &Running, body: &Value) -> Got {
    post(&format!("{}/v1/chat/completions", llm.url()), &[("Content-Type", "application/json")], body)
}

fn content(got: &Got) -> String {
    got.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

#[test]
fn the_rule_gives_one_to_most_labels_in_their_order() {
    let labels: Vec<String> = ["a", "b", "c", "d"].map(String::from).into();
    let mut by_count = [0; 4];
    for number in 0..300 {
        let chosen = rule(&format!("owner/{number}"), &labels, 2);
        assert!(chosen.is_sorted() && chosen.iter().all(|label| labels.contains(label)));
        by_count[chosen.len()] += 1;
    }
    assert!(by_count[0] == 0 && by_count[3] == 0 && by_count[1] > 90 && by_count[2] > 90, "{by_count:?}");
    assert!(rule("x", &[], 2).is_empty());
    // A change here would change what every recorded test expects.
    assert_eq!(rule("owner/name", &labels, 2), ["c"]);
}

#[tokio::test]
async fn answers_fill_the_schema_by_the_rule() {
    let llm = with(&[]).await;
    for number in 0..20 {
        let id = format!("owner/name-{number}");
        let got: Value = serde_json::from_str(&content(&ask(&llm, &question(&id)))).unwrap();
        assert_eq!(got, answer(&schema(), &id));
        assert_eq!(got["id"], id.as_str());
        let labels = ["math", "code", "law", "none"].map(String::from);
        assert_eq!(got["labels"], json!(rule(&id, &labels, 3)));
        assert!((1..=5).contains(&got["score"].as_i64().unwrap()));
        assert!(got["parts"][0]["name"].is_string() && got["sure"].is_boolean());
    }
    assert_eq!(llm.tally().len(), 20);
    assert!(llm.tally().values().all(|counts| counts.asked == 1 && counts.answered == 1));
    assert_eq!(get(&format!("{}/sim/asked", llm.url())).json()["owner/name-3"], 1);
}

#[tokio::test]
async fn a_schema_in_the_system_message_will_do() {
    let llm = with(&[]).await;
    let system = format!("Answer in JSON by this schema:\n```json\n{}\n```", schema());
    let user = json!([{ "type": "text", "text": "{\"repo_id\":\"a/b\",\"id\":7}" }]);
    let body = json!({ "model": "sim-1", "response_format": { "type": "json_object" },
        "messages": [{ "role": "system", "content": system }, { "role": "user", "content": user }] });
    assert_eq!(serde_json::from_str::<Value>(&content(&ask(&llm, &body))).unwrap(), answer(&schema(), "a/b"));
}

#[tokio::test]
async fn a_stream_holds_the_same_answer() {
    let llm = with(&["2=cut-stream"]).await;
    let mut body = question("a/b");
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    let text = ask(&llm, &body).text();
    let mut events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let mut said = String::new();
    for event in events.clone().filter(|event| *event != "[DONE]") {
        let event: Value = serde_json::from_str(event).unwrap();
        said.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or(""));
    }
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), answer(&schema(), "a/b"));
    assert_eq!(events.next_back(), Some("[DONE]"));
    assert!(text.contains("total_tokens"));
    assert!(!ask(&llm, &body).text().contains("[DONE]"));
    assert_eq!(llm.tally()["a/b"].answered, 1);
}

#[tokio::test]
async fn each_fault_of_the_model_does_what_it_says() {
    let llm =
        with(&["1=invalid", "2=fenced", "3=wrong-id", "4=wrong-label", "5=refusal", "6=length", "7=cut"])
            .await;
    let answers: Vec<_> = (0..6).map(|_| ask(&llm, &question("a/b"))).collect();
    assert!(serde_json::from_str::<Value>(&content(&answers[0])).is_err());
    assert!(content(&answers[1]).starts_with("```json"));
    let value = |position: usize| serde_json::from_str::<Value>(&content(&answers[position])).unwrap();
    assert_eq!(
        (value(2)["id"].clone(), value(2)["labels"].clone()),
        (json!("a/b-other"), answer(&schema(), "a/b")["labels"].clone())
    );
    assert_eq!(value(3)["labels"], json!(["no-such-label"]));
    let message = &answers[4].json()["choices"][0]["message"];
    assert!(message["content"].is_null() && message["refusal"].is_string());
    assert_eq!(answers[5].json()["choices"][0]["finish_reason"], "length");
    assert!(serde_json::from_str::<Value>(&content(&answers[5])).is_err());
    let cut = ask(&llm, &question("a/b"));
    assert!(cut.body.len() < cut.length());
    assert_eq!((llm.tally()["a/b"].asked, llm.tally()["a/b"].answered), (7, 1));
}

#[tokio::test]
async fn too_few_tokens_cut_the_answer() {
    let llm = with(&[]).await;
    let mut body = question("a/b");
    body["max_tokens"] = json!(5);
    let got = ask(&llm, &body).json();
    assert_eq!(got["choices"][0]["finish_reason"], "length");
    assert_eq!(got["usage"]["completion_tokens"], 5);
}

#[tokio::test]
async fn errors_are_those_of_openai() {
    let llm = Llm::start(LlmConfig { key: Some("sk-right".into()), ..LlmConfig::default() }).await.unwrap();
    assert_eq!(ask(&llm, &question("a/b")).json()["error"]["code"], "invalid_api_key");
    let url = format!("{}/v1/chat/completions", llm.url());
    let right = [("Authorization", "Bearer sk-right")];
    let mut body = question("a/b");
    body["model"] = json!("other");
    let missing = post(&url, &right, &body);
    assert_eq!((missing.status, missing.json()["error"]["code"].clone()), (404, json!("model_not_found")));
    assert_eq!(post(&url, &right, &question("a/b")).status, 200);
    let models = get_with(&format!("{}/v1/models", llm.url()), &right).json();
    assert_eq!(models["data"][0]["id"], "sim-1");
}

#[tokio::test]
async fn quotas_of_requests_and_tokens_are_told_and_kept() {
    let rate = |requests, tokens| Some(Rate { requests, tokens, seconds: 30.0 });
    let llm = Llm::start(LlmConfig { rate: rate(2, 100_000), ..LlmConfig::default() }).await.unwrap();
    let answers: Vec<_> = (0..3).map(|_| ask(&llm, &question("a/b"))).collect();
    assert_eq!(answers[0].header("x-ratelimit-remaining-requests"), Some("1"));
    assert_eq!((answers[2].status, answers[2].header("retry-after")), (429, Some("30")));
    assert_eq!(answers[2].json()["error"]["code"], "rate_limit_exceeded");
    let llm = Llm::start(LlmConfig { rate: rate(100, 300), ..LlmConfig::default() }).await.unwrap();
    let statuses: Vec<_> = (0..2).map(|_| ask(&llm, &question("a/b")).status).collect();
    assert_eq!(statuses, [200, 429]);
}
