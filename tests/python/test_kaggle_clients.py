"""The real clients of Kaggle, unmodified, run against our double: they list, page, download and verify.

Runs with whichever of kaggle (1.6 or 2) and kagglehub is installed beside pytest, and not at all without one.
GLEANER_SIM names the built `sim` binary.
"""

import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIM = os.environ.get("GLEANER_SIM", str(ROOT / "target" / "debug" / "sim"))
HAS_HUB = importlib.util.find_spec("kagglehub") is not None
HAS_CLI = importlib.util.find_spec("kaggle") is not None
if not HAS_HUB and not HAS_CLI:
    pytest.skip("no client of Kaggle is installed", allow_module_level=True)
OLD = HAS_CLI and importlib.metadata.version("kaggle").startswith("1.")

cli = pytest.mark.skipif(not HAS_CLI, reason="kaggle is not installed")
new_cli = pytest.mark.skipif(not HAS_CLI or OLD, reason="kaggle 2 is not installed")
hub = pytest.mark.skipif(not HAS_HUB, reason="kagglehub is not installed")


class Double:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([SIM, "kaggle", *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.url = line.split()[-1]

    def ask(self, method, **body):
        basic = {"Authorization": "Basic dXNlcjprZXk=", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/{method}", json.dumps(body).encode(), basic)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def first(self, method, field):
        """The item of index 0, which has something of each kind."""
        rows = self.ask(method, pageSize=200, search="0")[field]
        return next(row["ref"].rsplit("competitions/")[-1] for row in rows if row["ref"].endswith("-0"))

    def stats(self):
        with urllib.request.urlopen(self.url + "/sim/stats") as answer:
            return json.load(answer)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def double():
    # So few that one page shows them all.
    double = Double("--datasets", "130", "--kernels", "90", "--models", "60", "--competitions", "60", "--account", "user:key")
    yield double
    double.stop()


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home" / ".kaggle"
    folder.mkdir(parents=True)
    (folder / "kaggle.json").write_text('{"username": "user", "key": "key"}')
    (folder / "kaggle.json").chmod(0o600)
    return tmp_path


def environment(double, home):
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and "KAGGLE" not in name}
    kept |= {"HOME": str(home / "home"), "KAGGLEHUB_CACHE": str(home / "cache")}
    if OLD:
        return kept | {"KAGGLE_API_ENDPOINT": double.url + "/api/v1"}
    return kept | {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": double.url}


def run(double, home, *arguments, code=0):
    program = pathlib.Path(sys.executable).with_name("kaggle")
    done = subprocess.run([program, *arguments], env=environment(double, home), cwd=home, capture_output=True, text=True)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout


def rows(text):
    lines = [line for line in text.splitlines() if line and "Next Page Token" not in line and not line.startswith("Warning")]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


# ---- the command line -----------------------------------------------------------------------------------------


@cli
@pytest.mark.parametrize(
    ("part", "method", "field"),
    [
        ("datasets", "datasets.DatasetApiService/ListDatasets", "datasets"),
        ("kernels", "kernels.KernelsApiService/ListKernels", "kernels"),
        ("competitions", "competitions.CompetitionApiService/ListCompetitions", "competitions"),
    ],
)
def test_lists_by_page_numbers(double, home, part, method, field):
    pages = [rows(run(double, home, part, "list", "--csv", "-p", str(page))) for page in (1, 2, 3)]
    refs = [row["ref"] for page in pages for row in page]
    assert len(refs) == len(set(refs)) == 60
    assert set(refs) <= {row["ref"] for row in double.ask(method, pageSize=200)[field]} or part == "kernels"


@cli
def test_lists_datasets_with_filters(double, home):
    found = rows(run(double, home, "datasets", "list", "--csv", "--sort-by", "votes", "-s", "bakery", "--max-size", "5000"))
    assert found and all("bakery" in row["ref"].lower() for row in found)
    votes = [int(row["voteCount"]) for row in found]
    assert votes == sorted(votes, reverse=True)


@new_cli
def test_pages_files_by_tokens(double, home):
    many = next(row["ref"] for row in double.ask("datasets.DatasetApiService/ListDatasets", pageSize=200)["datasets"] if row["ref"].endswith("-7"))
    names, token = set(), []
    for _ in range(10):
        text = run(double, home, "datasets", "files", many, "--csv", "--page-size", "200", *token)
        names |= {row["name"] for row in rows(text)}
        following = [line for line in text.splitlines() if line.startswith("Next Page Token = ")]
        if not following:
            break
        token = ["--page-token", following[0].split(" = ")[1]]
    assert len([name for name in names if name.startswith("parts/")]) == 1200


@cli
def test_downloads_datasets_whole_and_by_file(double, home):
    ref = double.first("datasets.DatasetApiService/ListDatasets", "datasets")
    listed = {row["name"]: row for row in double.ask("datasets.DatasetApiService/ListDatasetFiles", ownerSlug=ref.split("/")[0], datasetSlug=ref.split("/")[1])["datasetFiles"]}
    run(double, home, "datasets", "download", ref, "-p", "whole")
    with zipfile.ZipFile(home / "whole" / (ref.split("/")[1] + ".zip")) as archive:
        assert archive.testzip() is None
        assert {entry.filename: entry.file_size for entry in archive.infolist()} == {name: row["totalBytes"] for name, row in listed.items()}
        small, big = archive.read("sub dir/x y.csv"), archive.read("big.csv")
    run(double, home, "datasets", "download", ref, "-f", "sub dir/x y.csv", "-p", "one")
    # The client leaves the name encoded.
    assert next((home / "one").rglob("x*y.csv")).read_bytes() == small
    run(double, home, "datasets", "download", ref, "-f", "big.csv", "-p", "one")
    with zipfile.ZipFile(home / "one" / "big.csv.zip") as archive:
        assert archive.read("big.csv") == big
    run(double, home, "datasets", "metadata", ref, "-p", "one")
    metadata = json.loads((home / "one" / "dataset-metadata.json").read_text())
    assert (metadata if isinstance(metadata, dict) else json.loads(metadata))
    assert "ready" in run(double, home, "datasets", "status", ref)


@cli
def test_reads_leaderboards_and_files_of_competitions(double, home):
    name = double.first("competitions.CompetitionApiService/ListCompetitions", "competitions")
    shown = rows(run(double, home, "competitions", "leaderboard", name, "--show", "--csv"))
    assert len(shown) == 20 and shown[0]["score"] == "0.99000"
    run(double, home, "competitions", "leaderboard", name, "--download", "-p", "board")
    with zipfile.ZipFile(home / "board" / f"{name}.zip") as archive:
        (member,) = archive.namelist()
        text = archive.read(member).decode()
    assert member.count(":") == 2 and text.startswith("\ufeffRank,")
    board = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert len(board) == 230 and int(board[0]["SubmissionCount"]) > 0
    run(double, home, "competitions", "download", name, "-p", "data")
    assert zipfile.ZipFile(home / "data" / f"{name}.zip").testzip() is None
    shut = next(row["ref"].split("/")[-1] for row in double.ask("competitions.CompetitionApiService/ListCompetitions", pageSize=200)["competitions"] if row["ref"].endswith("-3"))
    run(double, home, "competitions", "download", shut, code=1)


@cli
def test_pulls_kernels_and_their_outputs(double, home):
    ref = double.first("kernels.KernelsApiService/ListKernels", "kernels")
    run(double, home, "kernels", "pull", ref, "-p", "code", "-m")
    metadata = json.loads((home / "code" / "kernel-metadata.json").read_text())
    assert (metadata["id"], metadata["language"], metadata["kernel_type"]) == (ref, "python", "notebook")
    assert "cells" in json.loads((home / "code" / metadata["code_file"]).read_text())
    run(double, home, "kernels", "output", ref, "-p", "out")
    assert (home / "out" / "results" / "plot 1.png").exists()
    log = json.loads((home / "out" / (ref.split("/")[1] + ".log")).read_text())
    assert log[0]["stream_name"] == "stdout"
    assert "complete" in run(double, home, "kernels", "status", ref).lower()


@cli
def test_reads_models_and_their_variations(double, home):
    ref = double.first("models.ModelApiService/ListModels", "models")
    assert len(rows(run(double, home, "models", "list", "--csv", "--sort-by", "voteCount"))) == 20
    (home / "model").mkdir()
    run(double, home, "models", "instances", "get", f"{ref}/flax/2b", "-p", "model")
    assert json.loads((home / "model" / "model-instance-metadata.json").read_text())["instanceSlug"] == "2b"
    files = rows(run(double, home, "models", "instances", "versions", "files", f"{ref}/flax/2b/3", "--csv"))
    run(double, home, "models", "instances", "versions", "download", f"{ref}/flax/2b/3", "-p", "model")
    with tarfile.open(home / "model" / (ref.split("/")[1] + ".tar.gz")) as archive:
        assert {entry.name for entry in archive.getmembers()} == {row["name"] for row in files}
    if not OLD:
        assert len(rows(run(double, home, "models", "variations", "list", ref, "--csv"))) == 3


@new_cli
def test_reads_discussions(double, home):
    assert "Getting Started" in run(double, home, "forums", "list")
    assert "About" in run(double, home, "forums", "topics", "list", "getting-started", "--page-size", "5")
    assert "[deleted]" in run(double, home, "forums", "topics", "show", "100000")


@new_cli
def test_a_cut_download_is_taken_up_again(home):
    cut = Double("--datasets", "5", "--fault", "cdn@1=cut")
    try:
        ref = cut.first("datasets.DatasetApiService/ListDatasets", "datasets")
        run(cut, home, "datasets", "download", ref, "-p", "cut")
        assert zipfile.ZipFile(home / "cut" / (ref.split("/")[1] + ".zip")).testzip() is None
        assert cut.stats()["by_status"]["206"] == 1
    finally:
        cut.stop()


@cli
def test_wrong_keys_and_unknown_names_are_refused(double, home):
    run(double, home, "datasets", "files", "nobody/nothing-3", code=1)
    (home / "home" / ".kaggle" / "kaggle.json").write_text('{"username": "user", "key": "wrong"}')
    run(double, home, "kernels", "list", code=1)


# ---- kagglehub ------------------------------------------------------------------------------------------------


def in_hub(double, home, code):
    """What an expression of kagglehub gives, printed by a process of its own: it reads its environment once."""
    script = f"import kagglehub\nprint('RESULT', {code})"
    done = subprocess.run([sys.executable, "-c", script], env=environment(double, home), cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(line for line in done.stdout.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT ")


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


@hub
def test_hub_downloads_datasets(double, home):
    ref = double.first("datasets.DatasetApiService/ListDatasets", "datasets")
    assert "user" in in_hub(double, home, "kagglehub.whoami()")
    whole = files_below(in_hub(double, home, f"kagglehub.dataset_download('{ref}')"))
    listed = double.ask("datasets.DatasetApiService/ListDatasetFiles", ownerSlug=ref.split("/")[0], datasetSlug=ref.split("/")[1])["datasetFiles"]
    assert {name: len(data) for name, data in whole.items()} == {row["name"]: row["totalBytes"] for row in listed}
    # Of another version: beside a whole one the client takes the unpacked file for half of the packed one.
    one = pathlib.Path(in_hub(double, home, f"kagglehub.dataset_download('{ref}/versions/6', path='big.csv')")).read_bytes()
    assert len(one) == len(whole["big.csv"]) and one.startswith(b"id,value,word") and one != whole["big.csv"]
    folder = in_hub(double, home, f"kagglehub.dataset_download('{ref}/versions/3', path='sub dir')")
    found = files_below(folder)
    assert {"x y.csv", "deeper/z.csv"} <= set(found)
    assert found["x y.csv"] != whole["sub dir/x y.csv"], "another version, other bytes"


@hub
def test_hub_downloads_models_few_files_and_many(double, home):
    ref = double.first("models.ModelApiService/ListModels", "models")
    few = files_below(in_hub(double, home, f"kagglehub.model_download('{ref}/flax/2b')"))
    many = files_below(in_hub(double, home, f"kagglehub.model_download('{ref}/pyTorch/many')"))
    assert (set(few), len(many)) == ({"config.json", "model.bin"}, 30)


@hub
def test_hub_downloads_competitions_and_outputs(double, home):
    name = double.first("competitions.CompetitionApiService/ListCompetitions", "competitions")
    assert "train.csv" in files_below(in_hub(double, home, f"kagglehub.competition_download('{name}')"))
    ref = double.first("kernels.KernelsApiService/ListKernels", "kernels")
    found = files_below(in_hub(double, home, f"kagglehub.notebook_output_download('{ref}')"))
    assert {"submission.csv", "results/plot 1.png"} <= set(found)


@hub
def test_hub_verifies_what_has_an_md5(home):
    broken = Double("--datasets", "60", "--fault", "cdn@all=flip")
    try:
        caught = 0
        for row in broken.ask("datasets.DatasetApiService/ListDatasets", pageSize=12)["datasets"]:
            script = f"import kagglehub\nkagglehub.dataset_download('{row['ref']}')"
            done = subprocess.run([sys.executable, "-c", script], env=environment(broken, home), cwd=home, capture_output=True, text=True)
            caught += "DataCorruptionError" in done.stderr
        # The others are composite objects, without MD5.
        assert 3 <= caught <= 12
    finally:
        broken.stop()


def test_sums_of_the_storage_are_right(double):
    ref = double.first("datasets.DatasetApiService/ListDatasets", "datasets")
    with urllib.request.urlopen(f"{double.url}/api/v1/datasets/download/{ref}") as answer:
        assert not answer.url.startswith(double.url)
        sums = dict(part.split("=", 1) for line in answer.headers.get_all("x-goog-hash") for part in line.split(","))
        data = answer.read()
    if "md5" in sums:
        import base64

        assert base64.b64decode(sums["md5"]) == hashlib.md5(data).digest()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(answer.url.split("?")[0])
