"""Our crawler beside kagglehub: the archive of one dataset, downloaded and unpacked, from the same double of Kaggle.

`python benches/kaggle.py RELEASE_DIR [HUB_PYTHON] [FOLDER]`: HUB_PYTHON is a Python that has kagglehub (this one, if
left out), FOLDER where the files go (the system's for temporary files). The archive has BYTES (2 GiB): 40 % stored
binaries of 16 MiB, 50 % CSV of 64 MiB packed to about a third, 10 % pictures of 20 KiB.

Both take turns, ROUNDS times (3), each into an empty folder. Prints medians: wall seconds, CPU seconds (user + system)
of the client process alone, and its peak memory. Ours checks the archive's CRC-32C and each member's CRC-32, takes the
SHA-256 of each file, lists all files, and syncs each before it counts; kagglehub does what it does by default. What the
disk still has to write after a round is not counted for either: it is waited for before the next one.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from spent import spent

BIN = Path(sys.argv[1]).resolve()
# Not resolved: a Python of an environment is a link, and told by where it lies.
HUB = Path(sys.argv[2] if len(sys.argv) > 2 else sys.executable).absolute()
FOLDER = sys.argv[3] if len(sys.argv) > 3 else None
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BYTES = int(os.environ.get("BYTES", str(2 << 30)))
KAGGLEHUB = "import kagglehub, sys; kagglehub.dataset_download('bench/mixed')"


def contents(folder: Path) -> tuple[int, int]:
    """How many files of the dataset, and how many bytes: both clients must have brought the same."""
    kinds = (".bin", ".csv", ".jpg", ".md")
    files = [path for path in folder.rglob("*") if path.suffix in kinds and path.name != "seen.bin" and path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


def main() -> None:
    others = ["--datasets", "0", "--kernels", "0", "--models", "0", "--competitions", "0", "--topics", "0"]
    double = subprocess.Popen([BIN / "sim", "kaggle", "--mixed", str(BYTES), *others], stdout=subprocess.PIPE, text=True)
    try:
        measure(double.stdout.readline().split()[-1])
    finally:
        double.kill()
        double.wait()


def measure(url: str) -> None:
    # The double makes the archive when it is asked for first: that is nobody's time.
    request = urllib.request.Request(f"{url}/api/v1/datasets/download/bench/mixed", headers={"Range": "bytes=0-0"})
    archive = int(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).headers["content-range"].split("/")[1])
    clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and "KAGGLE" not in name}
    clients = {
        "kaggle-crawler": lambda folder: (
            [BIN / "kaggle-crawler", "datasets", "bench/mixed", "--quiet", "--usability", "0", "--endpoint", url, "--root", folder / "root"],
            clean | {"HOME": str(folder)},
        ),
        "kagglehub": lambda folder: (
            [HUB, "-c", KAGGLEHUB],
            clean
            | {"HOME": str(folder), "KAGGLEHUB_CACHE": str(folder / "cache"), "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "http_proxy": url},
        ),
    }
    runs = {name: [] for name in clients}
    brought = set()
    for _ in range(ROUNDS):
        for name, client in clients.items():
            folder = Path(tempfile.mkdtemp(dir=FOLDER))
            try:
                os.sync()
                runs[name].append(spent(*client(folder)))
                brought.add(contents(folder))
                print(name, *(f"{figure:.2f}" for figure in runs[name][-1]), file=sys.stderr, flush=True)
            finally:
                shutil.rmtree(folder)
    assert len(brought) == 1, f"they brought different files: {brought}"
    ((files, size),) = brought
    print(f"An archive of {archive / 2**30:.2f} GiB, {files:,} files of {size / 2**30:.2f} GiB, {ROUNDS} rounds\n")
    print("| client | wall s | to ours | CPU s | user + system | to ours | peak MiB |\n|---|---|---|---|---|---|---|")
    ours = runs["kaggle-crawler"]
    for name, rounds in runs.items():
        wall, user, system, _ = (statistics.median(column) for column in zip(*rounds))
        to_wall = statistics.median(one[0] / other[0] for one, other in zip(rounds, ours))
        to_cpu = statistics.median((one[1] + one[2]) / (other[1] + other[2]) for one, other in zip(rounds, ours))
        cpu = statistics.median(one[1] + one[2] for one in rounds)
        peak = max(one[3] for one in rounds)
        print(f"| {name} | {wall:.2f} | {to_wall:.2f} | {cpu:.2f} | {user:.2f} + {system:.2f} | {to_cpu:.2f} | {peak:.1f} |")


if __name__ == "__main__":
    main()
