"""`llm-classifier plan` against a server that counts with a tokenizer that is not ours: bpe-openai, GitHub's.

Needs bpe-openai and pytest. GLEANER_BIN_DIR names the folder of the built programs (default: target/debug).
"""

import http.server
import json
import os
import pathlib
import random
import re
import subprocess
import threading

import bpe_openai
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug")) / "llm-classifier"
WORDS = ["court", "data", "of", "größere", "测试", "données", "tables", "x_train", "https://a.example/b?c=1", "🙂", "\u00ad", "don't", "3.14159", "\t"]


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers the weekly task, and counts: four tokens frame a message, three the answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = [message["content"] for message in asked["messages"]]
        sent = sum(len(self.server.count(text)) + 4 for text in texts) + 3
        record = json.loads(re.search(r'\{"id": .*\}', texts[-1]).group())
        check = re.search(r'"check" write exactly: (\S+)', texts[-1]).group(1)
        answer = {"id": record["id"], "reasoning": "So.", "labels": ["Science"], "confidence": 0.5, "check": check}
        answer = json.dumps(answer)
        received = len(self.server.count(answer))
        self.server.counted.append((sent, received))
        body = {
            "choices": [{"message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": sent, "completion_tokens": received},
        }
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def program(*words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("model, encoding", [("gpt-4o-mini", "o200k_base"), ("gpt-4", "cl100k_base")])
def test_the_tokens_of_a_plan_are_those_that_another_tokenizer_counts_in_the_run(tmp_path, model, encoding):
    dice = random.Random(7)
    rows = [
        {"repo_id": f"owner/set-{n}", "description": " ".join(dice.choices(WORDS, k=n % 300)), "tags": {"license": "mit"}}
        for n in range(200)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    server.count, server.counted = bpe_openai.get_encoding(encoding).encode_ordinary, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        asking = [
            *["weekly", tmp_path / "in.jsonl", "--model", model, "--price", "1/1", "--cache", tmp_path / "cache"],
            *["--plain-labels", "--no-second-look", "--base-url", f"http://127.0.0.1:{server.server_port}/v1"],
        ]
        plan = json.loads(program("plan", *asking, "--sample", "0", "--json"))
        program("run", *asking, "--output", tmp_path / "out.jsonl", "--concurrency", "4")
    finally:
        server.shutdown()
    sent = sum(sent for sent, _ in server.counted)
    assert len(server.counted) == plan["asked"] == 200
    # All were looked at, and none was asked about twice: the low figure is the count itself.
    assert plan["prompt_tokens"]["low"] == sent
    assert sent <= plan["prompt_tokens"]["likely"] < 1.02 * sent
    assert plan["completion_tokens"]["low"] <= sum(received for _, received in server.counted) <= plan["completion_tokens"]["high"]
