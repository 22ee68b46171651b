"""Measures Gleaner against its peers in one run and prints Markdown tables for docs/performance.md.

Figures are CPU seconds (user + system) of the client process alone and its peak memory, as the kernel accounts
for them when the process ends; the doubles run in processes of their own. CPU time per unit of work is what can
be compared on a shared machine; wall time is not.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from spent import spent

BIN = Path(sys.argv[1] if len(sys.argv) > 1 else "target/release").resolve()
REPOSITORY = Path(__file__).resolve().parent.parent
RUNS = int(os.environ.get("RUNS", "3"))

LIST_DATASETS = """
import json, sys
from huggingface_hub import HfApi
rows = HfApi(endpoint=sys.argv[1]).list_datasets(full=True, limit=int(sys.argv[2]))
with open(sys.argv[3], "w") as out:
    for row in rows:
        out.write(json.dumps(row.__dict__, default=str) + "\\n")
"""


class Double:
    """A double of a service in a process of its own."""

    def __init__(self, *arguments: str):
        self.process = subprocess.Popen([BIN / "sim", *arguments], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def cost(command: list) -> tuple[float, float, float]:
    """CPU seconds, peak MiB and wall seconds of one command."""
    figures = spent(command, {**os.environ, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "OPENAI_API_KEY": "none"})
    return figures.user + figures.system, figures.peak, figures.wall


def median(make_command, runs: int = RUNS) -> tuple[float, float, float]:
    figures = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            figures.append(cost(make_command(Path(folder))))
    return tuple(statistics.median(column) for column in zip(*figures))


def table(title: str, header: list, rows: list) -> None:
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def listing() -> None:
    rows, peer_rows = 100_000, 20_000
    with Double("hub", "--datasets", "2000000") as hub:
        crawl = lambda count: lambda folder: [BIN / "hf-crawler", "datasets", "--quiet", "--endpoint", hub.url, "--limit", count, "--root", folder / "root"]
        peer = lambda folder: [sys.executable, "-c", LIST_DATASETS, hub.url, peer_rows, folder / "out.jsonl"]
        ours, theirs = median(crawl(rows)), median(peer, 1)
        large = median(crawl(1_000_000), 1)
        urls = "\n".join(walk(hub.url, rows // 1000))
        with tempfile.NamedTemporaryFile("w", suffix=".curl") as config:
            config.write(urls)
            config.flush()
            curl = median(lambda folder: ["curl", "--silent", "--config", config.name, "--output-dir", folder])
        per_second = lambda figure, count: f"{count / figure[0]:,.0f}"
        table(
            "Listing datasets, full rows",
            ["client", "rows", "CPU s", "rows a CPU second", "peak MiB", "ratio"],
            [
                ["`hf-crawler datasets`", f"{rows:,}", f"{ours[0]:.2f}", per_second(ours, rows), f"{ours[1]:.1f}", ""],
                ["`hf-crawler datasets`", "1,000,000", f"{large[0]:.2f}", per_second(large, 1_000_000), f"{large[1]:.1f}",
                 f"{large[1] / ours[1]:.2f} of the memory at {rows:,}"],
                ["`huggingface_hub.list_datasets(full=True)` to JSONL", f"{peer_rows:,}", f"{theirs[0]:.2f}",
                 per_second(theirs, peer_rows), f"{theirs[1]:.1f}",
                 f"hf-crawler does {(rows / ours[0]) / (peer_rows / theirs[0]):,.0f} times as many rows a CPU second"],
                ["`curl`, the same pages to files, unread", f"{rows:,}", f"{curl[0]:.2f}", per_second(curl, rows), f"{curl[1]:.1f}",
                 f"hf-crawler needs {ours[0] / curl[0]:.1f} times its CPU"],
            ],
        )


def walk(url: str, pages: int) -> list[str]:
    """The addresses of the listing's pages as a curl config: one process fetches them all over one connection."""
    import json
    import urllib.request

    lines, at = [], f"{url}/api/datasets?limit=1000&sort=createdAt&direction=1&full=true"
    for page in range(pages):
        lines += [f'url = "{at}"', f'output = "{page}.json"']
        with urllib.request.urlopen(at) as answer:
            json.load(answer)
            link = answer.headers["Link"]
        at = link.split(">")[0].lstrip("<")
    return lines


def processing() -> None:
    rows = 100_000
    with Double("hub", "--datasets", str(rows)) as hub, tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "crawled"
        cost([BIN / "hf-crawler", "datasets", "--quiet", "--endpoint", hub.url, "--root", root])
        size = sum(file.stat().st_size for file in root.rglob("page_*.jsonl")) / 2**20
        filter_file = REPOSITORY / "configs/filters/weekly.toml"
        users = []

        def once(out: Path) -> tuple[float, float, float]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            figure = cost([BIN / "hf-crawler", "process", root, "--quiet", "--filter", filter_file, "--root", out / "root"])
            users.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before.ru_utime)
            return figure

        figures = []
        for _ in range(max(RUNS, 5)):
            with tempfile.TemporaryDirectory() as out:
                figures.append(once(Path(out)))
        cpu, memory, _ = (statistics.median(column) for column in zip(*figures))
        user = statistics.median(users)
        table(
            f"Processing {rows:,} rows ({size:.0f} MiB of JSON)",
            ["program", "user s", "user + system s", "peak MiB", "ratio"],
            [
                ["`hf-crawler process`", f"{user:.2f}", f"{cpu:.2f}", f"{memory:.1f}", ""],
                ["DatasetCrawler `2_process.py` (a figure measured earlier: 28 MB of pickle)", "7.7", "", "401",
                 f"{7.7 / user:.0f} times our user CPU, {7.7 / cpu:.0f} times our user + system CPU"],
            ],
        )


CHAT = """
import asyncio, sys
from openai import AsyncOpenAI
async def main(url, count):
    client, gate = AsyncOpenAI(base_url=url + "/v1", api_key="none"), asyncio.Semaphore(100)
    async def one(number):
        async with gate:
            await client.chat.completions.create(model="sim-1", messages=[{"role": "user", "content": '{"id": "o/%d"}' % number}],
                response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties":
                {"id": {"type": "string"}, "labels": {"type": "array", "items": {"enum": ["A", "B"]}}}}}})
    await asyncio.gather(*(one(number) for number in range(count)))
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def classifying() -> None:
    peer_answers = 2_000
    with Double("hub", "--datasets", "400000") as hub, Double("llm") as llm, tempfile.TemporaryDirectory() as folder:
        crawled, processed = Path(folder) / "crawled", Path(folder) / "processed"
        cost([BIN / "hf-crawler", "datasets", "--quiet", "--endpoint", hub.url, "--root", crawled])
        cost([BIN / "hf-crawler", "process", crawled, "--quiet", "--filter", REPOSITORY / "configs/filters/weekly.toml", "--root", processed])
        answers = sum(len(file.read_bytes().splitlines()) for file in processed.rglob("page_*.jsonl"))
        ours = median(lambda out: [
            BIN / "llm-classifier", "run", "weekly", processed, "--root", out / "root", "--cache", out / "cache", "--quiet",
            "--tasks", REPOSITORY / "configs/tasks", "--model", "sim-1", "--base-url", f"{llm.url}/v1", "--concurrency", "100"])
        theirs = median(lambda _: [sys.executable, "-c", CHAT, llm.url, peer_answers], 1)
        table(
            "Classifying, against a double that answers at once",
            ["client", "answers", "CPU s", "answers a CPU second", "peak MiB", "ratio"],
            [
                ["`llm-classifier run weekly`: prompt, cache, check, pages", f"{answers:,}", f"{ours[0]:.2f}", f"{answers / ours[0]:,.0f}", f"{ours[1]:.1f}", ""],
                ["`openai` AsyncOpenAI, short prompts, answers thrown away", f"{peer_answers:,}", f"{theirs[0]:.2f}",
                 f"{peer_answers / theirs[0]:,.0f}", f"{theirs[1]:.1f}",
                 f"llm-classifier does {(answers / ours[0]) / (peer_answers / theirs[0]):,.0f} times as many"],
            ],
        )


XLSX = """
import json, sys
from openpyxl import Workbook
book = Workbook(write_only=True)
sheet, header = book.create_sheet(), None
for line in open(sys.argv[1]):
    row = json.loads(line)
    if header is None:
        header = list(row); sheet.append(header)
    sheet.append([json.dumps(v) if isinstance(v, (dict, list)) else v for v in row.values()])
book.save(sys.argv[2])
"""


def converting() -> None:
    rows = 20_000
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.jsonl"
        text = "An honest description of a dataset, with numbers such as 12,345 and words as people write them. " * 10
        with source.open("w") as out:
            import json

            for number in range(rows):
                row = {"id": f"name-{number}", "author": "owner", "downloads": number, "likes": number % 7, "description": text,
                       "tags": {"language": ["en", "code"], "license": "mit"}, "repo_id": f"owner/name-{number}"}
                out.write(json.dumps(row) + "\n")
        ours = median(lambda out: [BIN / "record-converter", source, out / "out.xlsx", "--quiet"])
        theirs = median(lambda out: [sys.executable, "-c", XLSX, source, out / "out.xlsx"])
        table(
            f"JSONL to Excel, {rows:,} rows of {source.stat().st_size / rows / 1000:.1f} kB",
            ["program", "CPU s", "rows a CPU second", "peak MiB", "ratio"],
            [
                ["`record-converter`", f"{ours[0]:.2f}", f"{rows / ours[0]:,.0f}", f"{ours[1]:.1f}", ""],
                ["openpyxl, write-only", f"{theirs[0]:.2f}", f"{rows / theirs[0]:,.0f}", f"{theirs[1]:.1f}", f"{theirs[0] / ours[0]:.1f} times our CPU"],
            ],
        )


if __name__ == "__main__":
    wanted = os.environ.get("ONLY", "listing,processing,classifying,converting").split(",")
    for name in wanted:
        {"listing": listing, "processing": processing, "classifying": classifying, "converting": converting}[name]()
