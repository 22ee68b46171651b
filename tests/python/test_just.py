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
    ],
)
def test_what_is_wrong_is_refused_before_the_build(arguments):
    code, told = just(*arguments)
    assert code != 0 and "cargo build" not in told, told
    assert any(str(argument) in told for argument in arguments[1:]), told


def test_usage_explains_each_option():
    code, told = just("--usage", "weekly")
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


def test_an_older_just_is_told_what_is_missing():
    # It stops at the first option with a name, and shows that line.
    lines = (ROOT / "justfile").read_text().splitlines()
    first = next(line for line in lines if line.startswith("[arg("))
    assert "1.46" in first and "rust-just" in first
