"""What s3-uploader sends, boto3 finds: listing and bytes, on a moto server. moto accepts wrong checksums, so every
proof there must be a read-back. Needs `pip install pytest boto3 'moto[server]'`; skipped where they are not."""

import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")

PROGRAM = Path(os.environ.get("GLEANER_BIN_DIR", "target/debug")).resolve() / "s3-uploader"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "a-secret-for-moto", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.kill()


@pytest.fixture
def s3(server):
    client = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="a-secret-for-moto",
    )
    client.create_bucket(Bucket="bucket")
    yield client
    for item in client.list_objects_v2(Bucket="bucket").get("Contents", []):
        client.delete_object(Bucket="bucket", Key=item["Key"])
    client.delete_bucket(Bucket="bucket")


def run(server, folder, *arguments):
    environment = dict(KEYS, AWS_ENDPOINT_URL=server, HOME=str(folder), AWS_EC2_METADATA_DISABLED="true")
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_boto3_sees_what_was_moved(server, s3, tmp_path):
    dice = random.Random(5)
    names = {"a.jsonl": 10, "empty": 0, "deep/er/b c.bin": 70_000, "ü/+%25 ~": 3, "large.bin": 12 << 20}
    content = {name: dice.randbytes(size) for name, size in names.items()}
    for name, data in content.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    done = run(server, tmp_path, "move", "files", "s3://bucket/in", "--metadata", "crawl=7")
    assert done.returncode == 0, done.stderr
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    # boto3 undoes the coding of keys itself.
    listed = {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]}
    assert listed == {"in/" + name: len(data) for name, data in content.items()}
    for name, data in content.items():
        answer = s3.get_object(Bucket="bucket", Key="in/" + name)
        assert answer["Body"].read() == data
        assert answer["Metadata"] == {"crawl": "7"}
    receipts = [json.loads(line) for line in (tmp_path / "s3-receipts.jsonl").read_text().splitlines()]
    assert {receipt["proof"] for receipt in receipts} == {"readback"}
    assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")
    assert run(server, tmp_path, "verify", "s3-receipts.jsonl").returncode == 0
    s3.put_object(Bucket="bucket", Key="in/a.jsonl", Body=b"0123456789")
    assert run(server, tmp_path, "verify", "s3-receipts.jsonl").returncode == 74
    s3.delete_object(Bucket="bucket", Key="in/empty")
    assert run(server, tmp_path, "verify", "s3-receipts.jsonl").returncode in (66, 74)


def test_our_listing_and_fetching_agree_with_boto3(server, s3, tmp_path):
    for number in range(1100):
        s3.put_object(Bucket="bucket", Key=f"many/{number:04} é", Body=str(number).encode())
    done = run(server, tmp_path, "ls", "s3://bucket/many/", "--json")
    keys = [json.loads(line)["key"] for line in done.stdout.splitlines()]
    assert keys == [f"many/{number:04} é" for number in range(1100)]
    assert run(server, tmp_path, "get", "s3://bucket/many/", "back").returncode == 0
    assert len(list((tmp_path / "back").iterdir())) == 1100
    address = run(server, tmp_path, "presign", "s3://bucket/many/0007 é").stdout.strip()
    import urllib.request

    assert urllib.request.urlopen(address).read() == b"7"
    assert run(server, tmp_path, "rm", "s3://bucket/many/", "--recursive").returncode == 0
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0


def test_cleanup_ends_old_uploads(server, s3, tmp_path):
    s3.create_multipart_upload(Bucket="bucket", Key="stale")
    # moto gives every upload the same old date, so only a dry run keeps it.
    assert run(server, tmp_path, "cleanup", "s3://bucket", "--older-than", "1h", "--dry-run").returncode == 0
    assert len(s3.list_multipart_uploads(Bucket="bucket")["Uploads"]) == 1
    done = run(server, tmp_path, "cleanup", "s3://bucket", "--older-than", "0s")
    assert done.returncode == 0, done.stderr
    assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")
