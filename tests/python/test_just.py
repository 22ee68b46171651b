"""The recipes that a user types: named options, wrong ones refused before anything is built."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BESIDE = pathlib.Path(sys.executable).with_name("just")
JUST = str(BESIDE) if BESIDE.exists() else shutil.which("just")

pytestmark = pytest.mark.skipif(JUST is None, reason="just is not here: pip install rust-just")


def just(*arguments):
    ran = subprocess.run([JUST, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


def test_options_are_named_and_reach_their_step():
    code, told = just("--dry-run", "weekly", "--date", "2026-11-20", "--limit", "5000", "--model", "m")
    assert code == 0, told
    assert "--limit '5000'" in told and "--collect-date '2026-11-20'" in told and "--model 'm'" in told
    assert "date -u -d '2026-11-20 10 days ago'" in told
    assert "data/weekly/2026-11-20" in told
    # Minutes of building in silence look like a program that hangs.
    assert "cargo build --release" in told and "--quiet" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("weekly", "limit=5000"),
        ("weekly", "2026-11-20"),
        ("weekly", "--date", "limit=5000"),
        ("weekly", "--date", "2026-02-31"),
        ("weekly", "--limit", "many"),
        ("remember", "--date", "yesterday"),
        ("upload", "s3://bucket/prefix", "--date", "2026-13-01"),
        ("domain", "agent", "--date", "2026-02-31"),
        ("benchmark", "limit=5"),
        ("benchmark", "--date", "2026-13-01"),
    ],
)
def test_what_is_wrong_is_refused_before_the_build(arguments):
    code, told = just(*arguments)
    assert code != 0 and "cargo build" not in told, told
    assert any(str(argument) in told for argument in arguments[1:]), told


def test_usage_explains_each_option():
    check_usage("weekly")
    check_usage("domain")
    check_usage("benchmark")


def check_usage(recipe):
    code, told = just("--usage", recipe)
    assert code == 0, told
    for option in ["--date", "--since", "--limit", "--out", "--filter", "--history", "--cache", "--model", "--base-url"]:
        line = next(line for line in told.splitlines() if line.strip().startswith(option))
        assert len(line.split("[default")[0].split()) > 4, line


def test_a_day_of_models_goes_on_from_the_newest_day_that_lacks_nothing(tmp_path):
    programs = tmp_path / "programs"
    (programs / "release").mkdir(parents=True)
    for name in ["cargo", "release/hf-crawler"]:
        (programs / name).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (programs / name).chmod(0o755)
    days = tmp_path / "days"
    for day, next_page, settings in [
        ("2026-11-01", None, {"fields": "heavy"}),
        ("2026-11-08", None, {"since": "2026-10-31"}),
        ("2026-11-15", "c2", {"since": "2026-11-07"}),
        ("2026-11-16", None, {"since": "2026-11-07", "limit": "10"}),
        ("2026-11-17", None, {"fields": "light"}),
    ]:
        folder = days / day / "hf" / "models"
        folder.mkdir(parents=True)
        checkpoint = {"version": 1, "pages": 1, "next": next_page, "settings": settings}
        (folder / "checkpoint.json").write_text(json.dumps(checkpoint, indent=1))
    env = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(programs)}
    asked = [JUST, "models-update", "--date", "2026-11-18", "--out", str(days)]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60, env=env)
    assert ran.returncode == 0, ran.stderr
    listing = next(line for line in ran.stdout.splitlines() if line.startswith("hf-crawler models"))
    assert listing.endswith("--since 2026-11-07"), listing


def pretend(folder):
    """Programs that only say what they were asked, and the environment in which they are found."""
    programs = folder / "programs"
    (programs / "release").mkdir(parents=True)
    for name in ["cargo", "release/hf-crawler", "release/llm-classifier", "release/record-converter"]:
        (programs / name).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (programs / name).chmod(0o755)
    return os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(programs)}


@pytest.mark.parametrize(
    "recipe, tasks",
    [
        (["domain", "agent"], ["agent"]),
        # It requires the output of another task, which comes first.
        (["domain", "agent_specific"], ["agent", "agent_specific"]),
        (["benchmark"], ["benchmark"]),
    ],
)
def test_a_domain_runs_as_the_week_does_each_task_on_the_output_of_the_one_before(tmp_path, recipe, tasks):
    env = pretend(tmp_path)
    asked = [JUST, *recipe, "--date", "2026-11-20", "--limit", "7", "--model", "m", "--out", "OUT"]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60, env=env)
    assert ran.returncode == 0, ran.stderr
    steps = [line for line in ran.stdout.splitlines() if not line.startswith("cargo")]
    day = "data/weekly/2026-11-20"
    assert steps[0] == f"hf-crawler datasets --root {day}/1_crawled --since 2026-11-10 --limit 7"
    assert steps[1].startswith(f"hf-crawler process {day}/1_crawled --root {day}/2_processed")
    before = f"{day}/2_processed"
    for task, step in zip(tasks, steps[2:]):
        assert step == f"llm-classifier run {task} {before} --root OUT/{task} --cache data/cache --model m"
        before = f"OUT/{task}"
    assert len(steps) == 4 + len(tasks)
    assert steps[-2] == f"record-converter {before} {before}.xlsx --force"


def test_a_domain_that_is_none_is_refused(tmp_path):
    asked = [JUST, "domain", "no_such", "--date", "2026-11-20"]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60, env=pretend(tmp_path))
    assert ran.returncode != 0 and "there is no task: no_such" in ran.stderr, ran.stderr
    assert ran.stdout == "", "nothing is built for it"


def test_an_older_just_is_told_what_is_missing():
    # It stops at the first option with a name, and shows that line.
    lines = (ROOT / "justfile").read_text().splitlines()
    first = next(line for line in lines if line.startswith("[arg("))
    assert "1.46" in first and "rust-just" in first
