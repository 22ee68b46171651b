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


CATALOGUE = ["hf-crawler", "catalogue", "data/models", "--to", "data/models.parquet", "--card"]
NO_TOKEN = {**os.environ, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}


def run(folder, program, *arguments, code=(0,)):
    command = [PROGRAMS / program, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=NO_TOKEN)
    assert done.returncode in code, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`data/models.parquet` with its card, of a double's models and details of some, as the documentation has it."""
    folder = tmp_path_factory.mktemp("catalogue")
    command = [PROGRAMS / "sim", "hub", "--datasets", "0", "--models", str(COUNT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as double:
        try:
            url = double.stdout.readline().split()[-1]
            hub = ["--endpoint", url]
            run(folder, "hf-crawler", "models", "--root", "data/models", *hub)
            asked = ["--details", "files,config,headers", "--top", "200"]
            # Some have no config that is one: exit code 3 is told by other tests.
            run(folder, "hf-crawler", "details", "data/models", *asked, *hub, code=(0, 3))
        finally:
            double.kill()
    run(folder, *CATALOGUE)
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
    listings = [folder / "data" / "models" / "hf" / name for name in ["models", "models-details"]]
    digests = [hashlib.sha256((listing / "manifest.jsonl").read_bytes()).hexdigest() for listing in listings]
    assert [origin["@id"] for origin in file["prov:wasDerivedFrom"]] == [f"urn:sha256:{digest}" for digest in digests]
    found = list(described.records("models.parquet#records"))
    assert len(found) == COUNT
    readme = (folder / "data" / "README.md").read_text()
    assert all(digest in readme for digest in digests) and f"{COUNT} models" in readme
    # The card makes the folder a dataset; only these two files go with the table.
    hub = tmp_path / "hub"
    hub.mkdir()
    for name in ["models.parquet", "README.md", "croissant.json"]:
        (hub / name).write_bytes((folder / "data" / name).read_bytes())
    loaded = datasets.load_dataset(str(hub), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == COUNT == len(set(loaded["id"][:]))


def test_other_tables_have_any_of_its_columns(folder):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow.parquet")
    columns = ["id", "downloads", "parameters", "memory_8k_high", "gone_at"]
    run(folder, "record-converter", "data/models.parquet", "some.csv", "--columns", ",".join(columns))
    found = pandas.read_csv(folder / "some.csv")
    wanted = pandas.read_parquet(folder / "data" / "models.parquet", columns=columns)
    assert list(found.columns) == columns
    for name in columns[:4]:
        assert found[name].dropna().tolist() == wanted[name].dropna().tolist() != [], name
    # Whole: what the converter reads of each row has all columns, and all fields in `raw`.
    run(folder, "record-converter", "data/models.parquet", "all.jsonl", "--where", "downloads >= 10")
    rows = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    assert all(row["raw"]["id"] == row["id"] for row in rows)
    names = ["id", "parameters", "memory_8k_low"]
    table = pyarrow.read_table(folder / "data" / "models.parquet", columns=[*names, "downloads"]).to_pylist()
    wanted = [[row[name] for name in names] for row in table if (row["downloads"] or 0) >= 10]
    assert [[row[name] for name in names] for row in rows] == wanted
    # Some are known and some are not, so that the comparison says something.
    assert {memory is None for _, _, memory in wanted} == {True, False}


def test_a_card_that_is_there_is_not_replaced_unless_it_is_said(folder):
    own = folder / "data" / "README.md"
    before = own.read_bytes()
    own.write_text("mine")
    assert "exists already" in run(folder, *CATALOGUE, code=(78,)) and own.read_text() == "mine"
    run(folder, *CATALOGUE, "--force")
    strip = lambda text: re.sub(rb"Made .*", b"", text)  # noqa: E731
    assert strip(own.read_bytes()) == strip(before)
