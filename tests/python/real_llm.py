"""Runs the shipped tasks on a server that is not ours: llama.cpp's, with a tiny model of random weights.

The model is made here and knows nothing. The server's grammar makes its answers keep to the schema of each task (with the
record's id as the only id), so what is tested is that both sides understand each other, not that labels are right.

    python3 -m venv venv && venv/bin/pip install gguf numpy xllamacpp     # nothing is compiled
    cargo build --release -p llm-classifier
    venv/bin/python tests/python/real_llm.py target/release/llm-classifier
"""

import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASKS = ["weekly", "benchmark", "agent", "agent_specific", "finance", "vqa"]


def tiny_model(path):
    """A llama of two layers with random weights, whose tokens are the bytes."""
    import gguf
    import numpy

    random = numpy.random.default_rng(1)
    width, heads, layers, inner = 64, 4, 2, 128
    tokens = [b"<unk>", b"<s>", b"</s>"] + [f"<0x{byte:02X}>".encode() for byte in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    letters = [chr(code).encode() for code in range(33, 127)] + ["\u2581".encode()]
    tokens += letters
    kinds += [gguf.TokenType.NORMAL] * len(letters)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("random")
    writer.add_context_length(16384)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: ")

    def weights(*shape):
        return (random.standard_normal(shape) * 0.1).astype(numpy.float32)

    writer.add_tensor("token_embd.weight", weights(len(tokens), width))
    writer.add_tensor("output.weight", weights(len(tokens), width))
    writer.add_tensor("output_norm.weight", numpy.ones(width, numpy.float32))
    for layer in range(layers):
        name = f"blk.{layer}."
        for part in ["attn_q", "attn_k", "attn_v", "attn_output"]:
            writer.add_tensor(name + part + ".weight", weights(width, width))
        writer.add_tensor(name + "ffn_gate.weight", weights(inner, width))
        writer.add_tensor(name + "ffn_up.weight", weights(inner, width))
        writer.add_tensor(name + "ffn_down.weight", weights(width, inner))
        for part in ["attn_norm", "ffn_norm"]:
            writer.add_tensor(name + part + ".weight", numpy.ones(width, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def serve(model):
    """llama.cpp's own server in this process, on a free port of loopback; its address."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.port, params.n_parallel, params.n_ctx, params.verbosity = str(model), 0, 1, 16384, 0
    for cpu in (params.cpuparams, params.cpuparams_batch):
        # No thread spins while it waits: cores that are shared have other work.
        cpu.n_threads, cpu.poll = 1, 0
    server = xllamacpp.Server(params)
    for _ in range(240):
        try:
            urllib.request.urlopen(server.listening_address + "/v1/models", timeout=1).read()
            return server
        except OSError:
            time.sleep(0.25)
    sys.exit("the server did not start")


def schema_of(program, task, record, folder):
    """The schema that the program would send, read from a request to a listener of ours."""
    bodies = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    run(program, task, record, listener.server_port, folder / "listened")
    listener.shutdown()
    return json.loads(bodies[0])["response_format"]["json_schema"]["schema"]


def run(program, task, record, port, cache, more=()):
    command = [program, "run", str(task), "-", "--id-field", "repo_id", "--model", "random", "--cache", str(cache)]
    command += ["--base-url", f"http://127.0.0.1:{port}/v1", "--price", "0/0", "--tries", "2", "--plain-labels", "--no-second-look", *more]
    line = json.dumps(record) + "\n"
    return subprocess.run(command, input=line.encode(), capture_output=True, cwd=ROOT)


def bounded(schema, record_id):
    """The schema with the right id, and with closed sets where a random model would write without an end."""
    properties = schema["properties"]
    for name, member in properties.items():
        if member.get("type") == "string" and "enum" not in member:
            member["enum"] = ["because", "the name says so"]
        if member.get("items") == {"type": "string"}:
            member["items"] = {"type": "string", "enum": ["small", "large"]}
        if member.get("type") == "number":
            properties[name] = {"type": "number", "enum": [0.9]}
        if member.get("type") == "integer":
            properties[name] = {"type": "integer", "enum": [8]}
        if member.get("type") == "boolean":
            properties[name] = {"type": "boolean", "enum": [True]}
    properties["id"] = {"type": "string", "enum": [record_id]}
    for member in properties.values():
        for choice in member.get("anyOf", [member]):
            if choice.get("type") == "array":
                choice.update(minItems=1, maxItems=1)
    return schema


def between(server, schema):
    """A listener that gives the server this schema in place of the one that was sent, and passes everything else on as it is."""

    class Passing(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked["response_format"]["json_schema"]["schema"] = schema
            request = urllib.request.Request(
                server.listening_address + self.path, json.dumps(asked).encode(), {"content-type": "application/json"}
            )
            try:
                with urllib.request.urlopen(request) as answer:
                    status, body = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, body = error.code, error.read()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener


def main(program):
    folder = pathlib.Path(tempfile.mkdtemp())
    tiny_model(folder / "random.gguf")
    server = serve(folder / "random.gguf")
    failed = []
    for name in TASKS:
        file = next(ROOT.glob(f"configs/*/{name}.toml"))
        record = {"repo_id": "somebody/set", "description": "A small text.", "tags": {"license": "mit"}}
        # The model sees a record's name without its owner.
        schema = bounded(schema_of(program, file, record, folder), "set")
        copy = folder / f"{name}.toml"
        copy.write_text(re.sub(r"max_tokens = \d+", "max_tokens = 2000", file.read_text()))
        listener = between(server, schema)
        done = run(program, copy, record, listener.server_port, folder / "cache", ["--structured", "json_schema"])
        listener.shutdown()
        rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
        good = done.returncode == 0 and len(rows) == 1
        print(f"{name:<16} {'ok' if good else 'FAILED'}  {json.dumps(rows[0])[:600] if rows else done.stderr.decode()[-800:]}", flush=True)
        failed += [] if good else [name]
    sys.exit(f"failed: {failed}" if failed else 0)


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()))
