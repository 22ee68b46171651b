"""The catalogue of models beside huggingface_hub, pandas and pyarrow, over one double of the Hub.

    cargo build --profile dist -p hf-crawler -p crawl-sim
    python benches/models.py TARGET/dist [ROWS] [PEER_ROWS]

CPU seconds (user and system) of each client process alone and its peak memory; the double runs in a process of its own.
Printed as Markdown for docs/performance.md. The peer lists heavy rows by `list_models(expand=...)`, makes a pandas frame
of them, and writes it with pyarrow; nested values as JSON texts, since a frame of them is no table.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

arguments = sys.argv[1:]
sys.argv = sys.argv[:2]
from bench import BIN, Double, cost, table  # noqa: E402

ROWS = int(arguments[1]) if len(arguments) > 1 else 2_000_000
PEER_ROWS = int(arguments[2]) if len(arguments) > 2 else 10_000

PEER = """
import json, sys
import pandas, pyarrow, pyarrow.parquet
from huggingface_hub import HfApi
expand = ("author sha createdAt lastModified private gated disabled downloads downloadsAllTime likes trendingScore usedStorage tags"
          " pipeline_tag library_name cardData config safetensors gguf siblings transformersInfo baseModels childrenModelCount").split()
rows = HfApi(endpoint=sys.argv[1]).list_models(expand=expand, limit=int(sys.argv[2]))
frame = pandas.DataFrame([row.__dict__ for row in rows])
for name in frame.columns:
    # A column of several types, such as gated, which is false or a word, is none that pyarrow takes.
    if frame[name].dtype == object:
        frame[name] = frame[name].map(lambda value: value if value is None or isinstance(value, str) else json.dumps(value, default=lambda other: other.__dict__))
frame["downloads"] = pandas.to_numeric(frame["downloads"], errors="coerce")
pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame), sys.argv[3], compression="zstd")
"""

AGAIN = """
import sys
import pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.parquet.read_table(sys.argv[1]), sys.argv[2], compression="zstd")
"""

READ = """
import sys
import pyarrow.parquet
for name in sys.argv[1:]:
    pyarrow.parquet.read_table(name)
"""


def crawl(url: str, root: Path, *more: str) -> tuple:
    return cost([BIN / "hf-crawler", "models", "--quiet", "--endpoint", url, "--root", root, *more])


def fold(to: Path, *roots: Path) -> tuple:
    return cost([BIN / "hf-crawler", "catalogue", "--quiet", *roots, "--to", to])


def seconds(figure: tuple) -> str:
    return f"{figure[0]:.2f}"


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        folder = Path(folder)
        with Double("hub", "--datasets", "0", "--models", str(ROWS), "--horizon", str(ROWS)) as hub:
            port = hub.url.rsplit(":", 1)[1]
            peer = cost([sys.executable, "-c", PEER, hub.url, PEER_ROWS, folder / "peer.parquet"])
            slice_crawl = crawl(hub.url, folder / "slice", "--limit", str(PEER_ROWS))
            slice_fold = fold(folder / "slice.parquet", folder / "slice")
            tenth_crawl = crawl(hub.url, folder / "tenth", "--limit", str(ROWS // 10))
            tenth_fold = fold(folder / "tenth.parquet", folder / "tenth")
            whole_crawl = crawl(hub.url, folder / "whole")
        to = folder / "models.parquet"
        whole_fold = fold(to, folder / "whole")
        json_bytes = sum(file.stat().st_size for file in (folder / "whole").rglob("page_*.jsonl"))
        shutil.rmtree(folder / "whole")
        # One in a hundred was changed, and some came and went.
        share = ROWS // 100
        changes = ["--change", f"0=touch:{ROWS // 2}:{share}", "--change", f"0=appear:{share // 10}"]
        with Double("hub", "--port", port, "--datasets", "0", "--models", str(ROWS), "--horizon", str(ROWS), *changes) as hub:
            delta_crawl = crawl(hub.url, folder / "delta", "--since", "2026-11-23")
        shutil.copy(to, folder / "before.parquet")
        delta_fold = fold(to, folder / "delta")
        diff = cost([BIN / "hf-crawler", "diff", folder / "before.parquet", to, "--to", folder / "changes.jsonl"])
        changed = sum(1 for _ in open(folder / "changes.jsonl"))

        a_second = lambda rows, *figures: rows / sum(figure[0] for figure in figures)
        peers = a_second(PEER_ROWS, peer)
        ratio = lambda rate: f"{rate / peers:,.0f} times the peer's"
        rate = lambda rows, *figures: f"{a_second(rows, *figures):,.0f}"
        line = lambda what, rows, figure, more="": [what, f"{rows:,}", seconds(figure), rate(rows, figure), f"{figure[1]:.0f}", more]
        delta_rows = share + share // 10
        table(
            "Models into Parquet, heavy rows",
            ["program", "rows", "CPU s", "rows a CPU second", "peak MiB", ""],
            [
                line("`hf-crawler models`", ROWS, whole_crawl, f"{json_bytes / 2**20:,.0f} MiB of JSON"),
                line("`hf-crawler catalogue` of it", ROWS, whole_fold, f"both: {rate(ROWS, whole_crawl, whole_fold)} rows a CPU second, {ratio(a_second(ROWS, whole_crawl, whole_fold))}"),
                line("`hf-crawler models`, a tenth", ROWS // 10, tenth_crawl),
                line("`hf-crawler catalogue`, a tenth", ROWS // 10, tenth_fold, f"{whole_fold[1] / tenth_fold[1]:.2f} of its memory for all"),
                line("`hf-crawler models`, the peer's slice", PEER_ROWS, slice_crawl),
                line("`hf-crawler catalogue`, the peer's slice", PEER_ROWS, slice_fold, f"both: {ratio(a_second(PEER_ROWS, slice_crawl, slice_fold))}"),
                line("`huggingface_hub` + pandas + pyarrow", PEER_ROWS, peer),
                line("`hf-crawler models --since`, 1 %", delta_rows, delta_crawl),
                line(f"`hf-crawler catalogue`, 1 % into {ROWS:,}", ROWS, delta_fold, "all rows are written anew"),
                line("`hf-crawler diff` of before and after", ROWS, diff, f"{changed:,} changes"),
            ],
        )
        again = cost([sys.executable, "-c", AGAIN, folder / "slice.parquet", folder / "again.parquet"])
        mib = lambda name: f"{(folder / name).stat().st_size / 2**20:.2f}"
        empty = cost([sys.executable, "-c", READ])
        read = {name: cost([sys.executable, "-c", READ, folder / name]) for name in ["slice.parquet", "again.parquet"]}
        table(
            f"The file of {PEER_ROWS:,} rows",
            ["written by", "MiB", "CPU s to read all of it with pyarrow"],
            [
                ["`hf-crawler catalogue`", mib("slice.parquet"), f"{read['slice.parquet'][0] - empty[0]:.2f}"],
                ["pyarrow, the same table", mib("again.parquet"), f"{read['again.parquet'][0] - empty[0]:.2f}"],
                [f"the peer, its own columns ({seconds(again)} s to write the same table again)", mib("peer.parquet"), ""],
            ],
        )
        print(f"\n{ROWS:,} rows: {to.stat().st_size / 2**20:,.0f} MiB; {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
