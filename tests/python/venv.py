"""Makes the Python environments of the tests: DIR (newest clients) and DIR-hub036 (an old huggingface_hub)."""

import subprocess
import sys
from pathlib import Path

NEWEST = ["pytest", "huggingface_hub", "openai", "openpyxl", "scikit-learn", "rust-just", "boto3", "moto[server]"]
OLD = ["pytest", "huggingface_hub==0.36.*", "openai"]


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
    make(target.with_name(target.name + "-hub036"), OLD)
