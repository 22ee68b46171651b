"""examples/search_models.py over `record-search serve`: the signature and the result keys of the old tool.

Needs pytest. GLEANER_BIN_DIR names the folder of the built `record-search` binary.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEARCH = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug")) / "record-search"
sys.path.insert(0, str(ROOT / "examples"))

import search_models  # noqa: E402

# As facts of the old tool have them.
KEYS = [
    "model_id", "model_name", "author", "architecture", "task_type", "model_size_mb", "downloads", "likes",
    "similarity_score", "popularity_score", "efficiency_score", "compatibility_score", "hardware_requirements",
    "performance_benchmarks", "description",
]  # fmt: skip
TOKEN = "a-token-for-the-tests"


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    rows = [
        {
            "id": f"ann/model-{number}",
            "author": "ann",
            "pipeline_tag": ["text-generation", "fill-mask"][number % 2],
            "description": "A model of poems.",
            "weight_bytes": None if number % 5 == 0 else number * 2**20,
            "downloads": None if number == 7 else number,
            "likes": 2,
        }
        for number in range(250)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["index", "rows.jsonl", "--mapping", "hf-catalogue", "--index", "index"]
    subprocess.run([SEARCH, *arguments], cwd=folder, check=True, capture_output=True)
    server = subprocess.Popen(
        [SEARCH, "serve", "--index", "index", "--addr", "127.0.0.1:0", "--token-env", "OUR_TOKEN"],
        cwd=folder, env=os.environ | {"OUR_TOKEN": TOKEN}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield search_models.ModelSearch(server.stdout.readline().strip(), TOKEN)
    server.kill()
    server.wait()


def test_results_have_the_old_keys_and_nothing_made_up(search):
    results = search.search_models("poems", 3)
    assert [list(result) for result in results] == [KEYS] * 3
    for result in results:
        assert result["efficiency_score"] is None and result["performance_benchmarks"] is None
        assert result["description"].startswith("A model of poems")
        assert -1.001 <= result["similarity_score"] <= 1.001


def test_filters_hold_before_the_best_are_taken(search):
    filters = {"task_type": "fill-mask", "max_size_mb": 100, "min_downloads": 10}
    results = search.search_models("poems", 1000, filters)
    wanted = [number for number in range(10, 101) if number % 2 == 1 and number % 5]
    assert sorted(result["downloads"] for result in results) == wanted
    assert all(result["model_size_mb"] == result["downloads"] for result in results)
    # More than a page, each once; what is unknown is None.
    everything = search.search_models("model", 1000)
    assert len({result["model_id"] for result in everything}) == 250
    assert [result["popularity_score"] for result in everything if result["downloads"] is None] == [None]


def test_what_cannot_be_asked_is_told(search):
    with pytest.raises(ValueError, match="no such filters"):
        search.search_models("x", 1, {"max_size": 1})
    with pytest.raises(ValueError, match="not closed"):
        search.search_models('"x', 1)
    with pytest.raises(ValueError, match="token"):
        search_models.ModelSearch(search.url, "wrong").search_models("x")
