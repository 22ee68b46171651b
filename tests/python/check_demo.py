"""Looks at what `cargo demo` made: the rows of each step as they lie in the bucket, the receipts, and the Excel file as
openpyxl and LibreOffice see it."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from openpyxl import load_workbook

FIELDS = [
    "id", "author", "downloads", "likes", "created_at", "last_modified", "collect_date", "description", "language",
    "pretty_name", "size_categories", "arxiv", "tags", "repo_id",
]
LABELS = ["domain_names", "domain_ids", "domain_reasoning"]


def records(root: Path) -> list[dict]:
    folder = root / "hf" / "datasets"
    pages = json.loads((folder / "checkpoint.json").read_text())["pages"]
    files = [folder / f"page_{number:05}.jsonl" for number in range(1, pages + 1)]
    return [json.loads(line) for file in files for line in file.read_text().split("\n") if line]


def totals(root: Path) -> dict:
    totals = json.loads((root / "hf" / "datasets" / "checkpoint.json").read_text())["totals"]
    assert totals["listed"] == totals["records"] + totals["missing"] + sum(totals.get("dropped", {}).values()), totals
    return totals


def moved(folder: Path) -> Path:
    """Where the bucket's server keeps the week. All of it went there, each file with a receipt."""
    bucket = folder / "s3" / "gleaner"
    left = [path for path in (folder / "week").rglob("*") if path.is_file()]
    assert not left, left
    receipts = [json.loads(line) for line in (folder / "receipts.jsonl").read_text().splitlines()]
    objects = {str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file()}
    assert objects == {receipt["key"] for receipt in receipts} and len(receipts) == len(objects) > 10
    for receipt in receipts:
        assert hashlib.sha256((bucket / receipt["key"]).read_bytes()).hexdigest() == receipt["sha256"], receipt
    print(f"the bucket: {len(objects)} objects as their receipts say")
    return bucket / "week"


def main(folder: Path) -> None:
    folder = moved(folder)
    listed, processed, classified = (records(folder / name) for name in ("1_crawled", "2_processed", "3_classified"))
    assert len(listed) == totals(folder / "1_crawled")["records"] > 0
    assert len(processed) == totals(folder / "2_processed")["records"] > 0
    assert totals(folder / "2_processed")["listed"] == len(listed)
    assert len(classified) + totals(folder / "3_classified")["missing"] == len(processed)
    for row in processed:
        assert list(row) == FIELDS, list(row)
    for before, after in zip(processed, classified):
        assert list(after)[: len(FIELDS)] == FIELDS and set(LABELS) <= set(after), list(after)
        assert {name: after[name] for name in FIELDS} == before
        assert after["domain_names"] and len(after["domain_names"]) == len(after["domain_ids"])

    sheet = load_workbook(folder / "3_classified.xlsx", read_only=True).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    assert list(header) == list(classified[0]), header
    assert len(rows) == len(classified)
    column = header.index("repo_id")
    assert [row[column] for row in rows] == [row["repo_id"] for row in classified]
    column = header.index("domain_names")
    assert [json.loads(row[column]) for row in rows] == [row["domain_names"] for row in classified]
    print(f"openpyxl: {len(rows)} rows as classified")

    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        print("LibreOffice is not here: not opened with it")
        return
    with tempfile.TemporaryDirectory() as out:
        # Commas, quotes, UTF-8; `--outdir` must stand right behind the format.
        command = [office, f"-env:UserInstallation=file://{out}/profile", "--headless"]
        command += ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", out]
        subprocess.run([*command, folder / "3_classified.xlsx"], check=True, capture_output=True, timeout=300)
        with open(Path(out) / "3_classified.csv", newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert [row[header.index("repo_id")] for row in rows] == [row["repo_id"] for row in classified]
        print(f"LibreOffice: {len(rows)} rows as classified")


def models(folder: Path) -> None:
    from pyarrow import parquet

    table = parquet.read_table(folder / "models.parquet", columns=["id", "gone_at", "memory_8k_high"]).to_pylist()
    assert len(table) == 1530 and sum(row["gone_at"] is not None for row in table) == 5, len(table)
    report = (folder / "diff.md").read_text()
    for line in ("| new | 30 |", "| gone | 5 |", "| renamed | 4 |", "| gated changed | 3 |"):
        assert line in report, line
    with open(folder / "fits.csv", newline="", encoding="utf-8") as file:
        fitting = {row["id"] for row in csv.DictReader(file) if row["fit"] == "yes"}
    expected = {row["id"] for row in table if row["gone_at"] is None and (row["memory_8k_high"] or 2**63) <= 24 * 2**30}
    assert fitting == expected and len(fitting) > 20, len(fitting)
    print(f"models: {len(table)} in the catalogue, {len(fitting)} fit 24 GiB, as pyarrow reads the catalogue")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        models(Path(sys.argv[2]))
    print("the demonstration is as it should be")
