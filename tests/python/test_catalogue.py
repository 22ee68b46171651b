"""The catalogue of models in other readers: the questions of docs/models.md, and what describes it.

Needs polars, duckdb, pandas, mlcroissant and datasets. GLEANER_BIN_DIR names the folder of the built programs.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug"))
COUNT = 600


def run(folder, program, *arguments, code=0):
    done = subprocess.run([PROGRAMS / program, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`data/models.parquet` of made-up models, with its card, as the documentation has it."""
    folder = tmp_path_factory.mktemp("catalogue")
    run(folder, "sim", "models", "--synthetic", COUNT, "--seed", 3, "--root", "data/synthetic")
    run(folder, "hf-crawler", "catalogue", "data/synthetic", "--to", "data/models.parquet", "--card")
    return folder


def blocks(language):
    text = (ROOT / "docs" / "models.md").read_text()
    section = text.split("## Asking the catalogue")[1].split("\n## ")[0]
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found
    return found


def test_the_questions_of_the_documentation_are_answered(folder, monkeypatch):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("polars")
    pytest.importorskip("pandas")
    monkeypatch.chdir(folder)
    questions = [question for block in blocks("sql") for question in block.split(";") if question.strip()]
    answers = [duckdb.sql(question).fetchall() for question in questions]
    assert len(answers) == 3 and all(len(answer) > 3 for answer in answers), answers
    namespace = {}
    for block in blocks("python"):
        exec(block, namespace)
    # Two readers, one answer.
    assert namespace["fitting"].rows() == answers[0]
    rows = [json.loads(text) for (text,) in duckdb.sql("SELECT raw FROM 'data/models.parquet'").fetchall()]
    known = sum("pipeline_tag" in row for row in rows)
    tasks = namespace["tasks"]
    assert len(rows) == COUNT and int(tasks["size"].sum()) == known
    assert 0 < int(tasks["count"].sum()) < known, "some do not tell their parameters"


def test_the_card_tells_the_runs_and_mlcroissant_reads_the_table(folder, tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    datasets = pytest.importorskip("datasets")
    described = mlcroissant.Dataset(folder / "data" / "croissant.json")
    assert not described.metadata.ctx.issues.errors
    file = json.loads((folder / "data" / "croissant.json").read_text())
    table = (folder / "data" / "models.parquet").read_bytes()
    assert file["distribution"][0]["sha256"] == hashlib.sha256(table).hexdigest()
    manifest = (folder / "data" / "synthetic" / "hf" / "models" / "manifest.jsonl").read_bytes()
    origins = [origin["@id"] for origin in file["prov:wasDerivedFrom"]]
    assert origins == ["urn:sha256:" + hashlib.sha256(manifest).hexdigest()]
    found = list(described.records("models.parquet#records"))
    assert len(found) == COUNT
    readme = (folder / "data" / "README.md").read_text()
    assert origins[0].split(":")[-1] in readme and f"{COUNT} models" in readme
    # The card makes the folder a dataset; only these two files go with the table.
    hub = tmp_path / "hub"
    hub.mkdir()
    for name in ["models.parquet", "README.md", "croissant.json"]:
        (hub / name).write_bytes((folder / "data" / name).read_bytes())
    loaded = datasets.load_dataset(str(hub), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == COUNT and all(name.startswith("synthetic-") for name in loaded["id"][:])


def test_a_card_that_is_there_is_not_replaced_unless_it_is_said(folder):
    own = folder / "data" / "README.md"
    before = own.read_bytes()
    own.write_text("mine")
    catalogue = ["hf-crawler", "catalogue", "data/synthetic", "--to", "data/models.parquet", "--card"]
    assert "exists already" in run(folder, *catalogue, code=78) and own.read_text() == "mine"
    run(folder, *catalogue, "--force")
    strip = lambda text: re.sub(rb"Made .*", b"", text)  # noqa: E731
    assert strip(own.read_bytes()) == strip(before)
