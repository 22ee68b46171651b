"""Makes the Python environments of the tests: DIR (newest clients) and beside it one for each client that is pinned.

DIR-hub036 has an old huggingface_hub; DIR-kaggle16, DIR-kaggle22 and DIR-kagglehub have the clients of Kaggle; DIR-tables has
what reads tables, DIR-train what trains with exports.
"""

import subprocess
import sys
from pathlib import Path

NEWEST = [
    *["pytest", "huggingface_hub", "openai", "openpyxl", "scikit-learn", "rust-just", "boto3", "moto[server]", "pydiscourse", "bpe-openai"],
    # What reads tables.
    *["cramjam", "fastavro", "pandas", "pyarrow"],
]
PINNED = {
    "hub036": ["pytest", "huggingface_hub==0.36.*", "openai"],
    "kaggle16": ["pytest", "kaggle==1.6.17"],
    # It imports six without saying so.
    "kaggle22": ["pytest", "kaggle==2.2.5", "six"],
    "kagglehub": ["pytest", "kagglehub==1.0.3"],
    # What reads every kind of table.
    "tables": [
        *["pytest", "huggingface_hub", "openpyxl", "cramjam", "fastavro", "pandas", "pyarrow"],
        *["polars", "duckdb", "datasets", "mlcroissant"],
    ],
    # What reads exports, and draws pictures to be read.
    "train": ["pytest", "datasets", "transformers", "tokenizers", "jinja2", "pillow"],
}


def make(folder: Path, packages: list[str]) -> None:
    python = folder / "bin" / "python"
    done = folder / ".packages"
    if done.exists() and done.read_text() == repr(packages):
        return
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    done.write_text(repr(packages))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    make(target, NEWEST)
    for name, packages in PINNED.items():
        make(target.with_name(f"{target.name}-{name}"), packages)
