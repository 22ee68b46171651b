"""Runs the built programs, and reads the lines that they write. GLEANER_BIN_DIR names their folder."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("GLEANER_BIN_DIR", ROOT / "target" / "debug"))


def run(program, *arguments, code=0):
    """What a program told, if it ended with `code`."""
    done = subprocess.run([PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stderr


def convert(*arguments, code=0):
    return run("record-converter", *arguments, code=code)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
