"""Parquet of ours beside that of pyarrow, of the same rows: sizes, and what reading costs. Prints Markdown for docs/performance.md.

Usage: python benches/tables.py FOLDER-OF-PROGRAMS [ROWS]. Reading is CPU time of one thread, the least of 7 in turns; it does not
depend on how our program was built. Needs pyarrow and duckdb.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet

PROGRAM = Path(sys.argv[1]) / "record-converter"
ROWS = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
WORDS = "data set of the and text model image train label split language source license question answer news code".split()
READS = {
    "all": lambda path: parquet.read_table(path, use_threads=False),
    "likes": lambda path: parquet.read_table(path, columns=["likes"], use_threads=False),
    "one id": lambda path: parquet.read_table(path, filters=[("id", "=", f"user7/name-{ROWS // 2:07}")], use_threads=False),
}


def row(number, chance):
    day = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T03:04:05.000Z"
    return {
        "id": f"user{number % 997}/name-{number:07}",
        "author": f"user{number % 997}",
        "likes": int(chance.paretovariate(1.2)),
        "downloads": int(chance.paretovariate(0.7)),
        "private": False,
        "createdAt": day,
        "lastModified": day,
        "tags": chance.sample(WORDS, 5) + [f"language:{chance.choice(['en', 'zh', 'fr', 'de'])}"],
        "description": " ".join(chance.choices(WORDS, k=60)),
    }


def cpu(work):
    began = time.process_time()
    work()
    return time.process_time() - began


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    chance = random.Random(1)
    with open(folder / "rows.jsonl", "w") as file:
        for number in range(ROWS):
            file.write(json.dumps(row(number, chance)) + "\n")
    files = {}
    for codec in ["zstd", "snappy"]:
        for raw in [False, True]:
            label = f"ours, {codec}" + (", with `raw`" if raw else "")
            files[label] = folder / f"ours-{codec}-{raw}.parquet"
            options = ["--compression", codec] + ([] if raw else ["--no-raw"])
            subprocess.run([PROGRAM, folder / "rows.jsonl", files[label], *options], check=True, capture_output=True)
        label = f"pyarrow, {codec}"
        files[label] = folder / f"theirs-{codec}.parquet"
        # The same columns and types; what pyarrow does by default, but for the level, which is ours.
        table = parquet.read_table(folder / f"ours-{codec}-False.parquet")
        level = 3 if codec == "zstd" else None
        parquet.write_table(table, files[label], compression=codec, compression_level=level)
    least = {label: {read: float("inf") for read in READS} for label in files}
    for _ in range(7):
        for label, path in files.items():
            for read, work in READS.items():
                least[label][read] = min(least[label][read], cpu(lambda: work(path)))
    print(f"{ROWS:,} rows, {(folder / 'rows.jsonl').stat().st_size / 1e6:.1f} MB of JSONL; pyarrow {pyarrow.__version__}\n")
    print("| file | MB | row groups | read all, CPU ms | `likes` alone | one id |\n|---|---|---|---|---|---|")
    for label, path in files.items():
        groups = parquet.ParquetFile(path).num_row_groups
        times = " | ".join(f"{seconds * 1000:.1f}" for seconds in least[label].values())
        print(f"| {label} | {path.stat().st_size / 1e6:.1f} | {groups} | {times} |")
