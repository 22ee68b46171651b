"""The real clients of the services, run against our doubles: what they send is answered, what they read is whole.

Needs huggingface_hub (newest, or 0.36), openai and pytest. GLEANER_SIM names the built `sim` binary.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIM = os.environ.get("GLEANER_SIM", str(ROOT / "target" / "debug" / "sim"))

# huggingface_hub reads its environment when it is imported: the double must run before that.
COUNT = {"datasets": 2300, "models": 1200}


def start(*arguments):
    process = subprocess.Popen([SIM, *arguments], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line
    return process, line.split()[-1]


HUB_PROCESS, HUB = start("hub", "--datasets", str(COUNT["datasets"]), "--models", str(COUNT["models"]), "--gzip")
CACHE = tempfile.TemporaryDirectory()
os.environ.update(
    HF_ENDPOINT=HUB,
    HF_HUB_DISABLE_XET="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_IMPLICIT_TOKEN="1",
    HF_HOME=CACHE.name,
)

import huggingface_hub  # noqa: E402
import openai  # noqa: E402
from huggingface_hub.utils import GatedRepoError, RepositoryNotFoundError  # noqa: E402

API = huggingface_hub.HfApi()


@pytest.fixture(scope="session", autouse=True)
def hub():
    yield HUB
    HUB_PROCESS.kill()
    HUB_PROCESS.wait()
    CACHE.cleanup()


def read(path):
    with urllib.request.urlopen(HUB + path) as answer:
        return json.load(answer)


def open_repository(kind, test):
    """The oldest repository that is not gated and whose plain full row passes the test."""
    rows = read(f"/api/{kind}?full=true&sort=createdAt&direction=1")
    return next(row for row in rows if row["gated"] is False and test(row))


def has_large_file(row):
    return isinstance(row.get("tags"), list) and any(tag.startswith("format:") for tag in row["tags"])


def test_list_datasets_reads_every_row():
    ids = [info.id for info in API.list_datasets(full=True)]
    assert len(ids) == len(set(ids)) == COUNT["datasets"]


def test_list_models_reads_every_row():
    models = list(API.list_models(full=True, cardData=True))
    assert len({model.id for model in models}) == COUNT["models"]
    assert all(model.sha and model.last_modified for model in models)


def test_lists_take_filters_limits_and_expand():
    assert len(list(API.list_datasets(limit=1100, sort="downloads"))) == 1100
    found = list(API.list_datasets(search="math", filter="language:en", expand=["tags", "likes"]))
    assert found and all("math" in info.id.lower() and info.downloads is None for info in found)


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_info_agrees_with_the_list(kind):
    row = open_repository(kind, lambda row: row.get("author") and isinstance(row["downloads"], int))
    info = (API.dataset_info if kind == "datasets" else API.model_info)(row["id"], files_metadata=True)
    assert (info.id, info.sha, info.downloads, info.tags) == (row["id"], row["sha"], row["downloads"], row["tags"])
    assert any(sibling.rfilename == "README.md" and sibling.size > 0 for sibling in info.siblings)


def test_renamed_and_unknown_repositories():
    row = open_repository("models", lambda row: row.get("author"))
    assert API.model_info("was-" + row["id"]).id == row["id"]
    with pytest.raises(RepositoryNotFoundError):
        API.model_info("nobody/nothing")


def test_a_small_and_a_large_file_come_whole():
    row = open_repository("datasets", has_large_file)
    tree = {entry.path: entry for entry in API.list_repo_tree(row["id"], repo_type="dataset", recursive=True)}
    large = "data/train-00000-of-00001.parquet"
    content = pathlib.Path(API.hf_hub_download(row["id"], large, repo_type="dataset")).read_bytes()
    assert len(content) == tree[large].size
    assert hashlib.sha256(content).hexdigest() == tree[large].lfs.sha256
    readme = pathlib.Path(API.hf_hub_download(row["id"], "README.md", repo_type="dataset")).read_bytes()
    assert hashlib.sha1(b"blob %d\0" % len(readme) + readme).hexdigest() == tree["README.md"].blob_id


def test_a_snapshot_holds_all_files():
    row = open_repository("models", lambda row: row.get("author"))
    folder = pathlib.Path(huggingface_hub.snapshot_download(row["id"]))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {sibling.rfilename for sibling in API.model_info(row["id"]).siblings}


def test_no_token_reaches_the_file_host():
    row = open_repository("datasets", lambda row: has_large_file(row) and int(row["_id"][-4:], 16) > 40)
    path = API.hf_hub_download(row["id"], "data/train-00000-of-00001.parquet", repo_type="dataset", token="hf_secret")
    assert pathlib.Path(path).stat().st_size > 0
    log = read("/sim/log")
    with_token = {seen["origin"] for seen in log if any(name == "authorization" for name, _ in seen["headers"])}
    assert with_token == {"main"}


def test_gated_files_are_refused():
    row = next(row for row in read("/api/datasets?full=true&gated=true") if isinstance(row["gated"], str))
    with pytest.raises(GatedRepoError):
        API.hf_hub_download(row["id"], "README.md", repo_type="dataset")


def test_the_client_waits_when_it_is_told_to():
    # 0.36 sends pages again after a 429 only, so no other fault is here.
    process, url = start("hub", "--datasets", "2500", "--models", "0", "--window", "2/2", "--fault", "list@2=429:retry-after=1")
    try:
        api = huggingface_hub.HfApi(endpoint=url)
        assert len({info.id for info in api.list_datasets()}) == 2500
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def llm():
    process, url = start("llm", "--key", "sk-sim", "--fault", "2=status:500", "--fault", "4=refusal")
    yield url
    process.kill()
    process.wait()


def test_openai_client(llm):
    client = openai.OpenAI(base_url=llm + "/v1", api_key="sk-sim", max_retries=2)
    assert [model.id for model in client.models.list()] == ["sim-1", "sim-mini"]
    labels = ["math", "code", "other"]
    schema = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "labels": {"type": "array", "items": {"enum": labels}}},
        "required": ["id", "labels"],
        "additionalProperties": False,
    }
    question = {
        "model": "sim-1",
        "messages": [{"role": "user", "content": 'Sort this: {"id": "owner/name", "description": "sums"}'}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}},
    }
    first = client.chat.completions.create(**question)
    answer = json.loads(first.choices[0].message.content)
    assert answer["id"] == "owner/name" and set(answer["labels"]) <= set(labels)
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
    # The second request fails with 500 and is sent again by the client; streams say the same.
    stream = client.chat.completions.create(**question, stream=True)
    assert json.loads("".join(chunk.choices[0].delta.content or "" for chunk in stream)) == answer
    refused = client.chat.completions.create(**question)
    assert refused.choices[0].message.content is None and refused.choices[0].message.refusal


def test_openai_errors(llm):
    question = {"model": "none", "messages": [{"role": "user", "content": "{}"}]}
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=llm + "/v1", api_key="sk-wrong").chat.completions.create(**question)
    with pytest.raises(openai.NotFoundError):
        openai.OpenAI(base_url=llm + "/v1", api_key="sk-sim").chat.completions.create(**question)
